//! Uses, meters, and the records of them.

use serde_json::{Value, json};
use usance_core::limits::HOLD_SECONDS_MAX;
use usance_core::refusal::{Limited, Refusal};
use usance_core::usage::Ended;

use crate::native::problem::{Fault, limited_word};
use crate::native::schemas::catalogue::spec;
use crate::native::schemas::parts::{
    amount, asked, attributes, boolean, code, id, operation, or_null, quantity, reference, shown,
    shown_in_part, text, time, verb, whole,
};

/// What a license may have only so much of.
const LIMITED: [Limited; 7] = [
    Limited::Activations,
    Limited::Deactivations,
    Limited::Cores,
    Limited::Memory,
    Limited::Disk,
    Limited::Processes,
    Limited::Users,
];

/// Their schemas, by name.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    [requests(), answers(), records(), sums()].concat()
}

fn requests() -> Vec<(&'static str, Value)> {
    let partial = ("partial", or_null(boolean()));
    let seconds = json!({"type": "integer", "minimum": 1, "maximum": HOLD_SECONDS_MAX});
    let seconds = ("seconds", or_null(seconds));
    let count = ("count", or_null(amount()));
    let by_hand = [("amount", amount()), ("bound", or_null(amount())), partial.clone()];
    let target = [("license", text()), ("meter", code()), ("operation", or_null(verb()))];
    let rare = [
        ("hold", or_null(id("hold_"))),
        ("session", or_null(id("ses_"))),
        seconds.clone(),
        count.clone(),
    ];
    let step = [&by_hand[..], &told()].concat();
    let settle = [&[("amount", or_null(amount()))][..], &told()].concat();
    let hold = [&settle[..], &[seconds, partial]].concat();
    let check_out = [&[count][..], &told()].concat();
    vec![
        ("Use", asked(&[], &step)),
        ("SetUse", asked(&["amount"], &[&by_hand[..1], &told()].concat())),
        ("ResetUse", asked(&[], &told())),
        ("HoldUse", asked(&[], &hold)),
        ("SettleUse", asked(&[], &settle)),
        ("CheckOutUse", asked(&[], &check_out)),
        ("BareUse", asked(&[], &told())),
        ("BatchUse", asked(&["license", "meter"], &[&target[..], &step, &rare].concat())),
        ("Subject", subject()),
    ]
}

fn answers() -> Vec<(&'static str, Value)> {
    let of = [("license", id("lic_")), ("meter", code())];
    let record = [("record", whole()), ("at", time())];
    vec![
        (
            "Answer",
            shown_in_part(
                &[
                    &of,
                    &counted(),
                    &about(),
                    &[("ended", json!({"enum": Ended::WORDS})), ("warning", code())],
                    &record,
                    &[("repeat", boolean())],
                ],
                &["released", "activation", "hold", "session", "until", "ended", "warning"],
            ),
        ),
        (
            "Outcome",
            json!({"anyOf": [
                {"allOf": [reference("Answer"), {"properties": {"status": {"const": 200}}}]},
                reference("Problem"),
            ]}),
        ),
        (
            "Outcomes",
            shown(&[&[
                ("accepted", whole()),
                ("refused", whole()),
                ("outcomes", json!({"type": "array", "items": reference("Outcome")})),
            ]]),
        ),
        ("Meter", meter()),
        ("Hold", hold_shown()),
        ("Session", session_shown()),
    ]
}

fn records() -> Vec<(&'static str, Value)> {
    let of = [("license", id("lic_")), ("meter", code())];
    let record = [("record", whole()), ("at", time())];
    vec![
        (
            "UseRecord",
            shown_in_part(
                &[
                    &[("kind", json!({"const": "use"}))],
                    &of,
                    &counted(),
                    &about(),
                    &[("turn", turn())],
                    &record,
                    &[
                        ("occurred_at", or_null(time())),
                        ("subject", or_null(reference("Subject"))),
                        ("attributes", attributes()),
                    ],
                ],
                &["released", "activation", "hold", "session", "until", "turn", "subject"],
            ),
        ),
        (
            "RefusedRecord",
            shown(&[
                &[("kind", json!({"const": "refused"}))],
                &of,
                &[
                    ("operation", operation()),
                    ("asked", quantity()),
                    ("code", json!({"enum": Refusal::CODES})),
                    ("total", quantity()),
                ],
                &record,
            ]),
        ),
        ("Record", json!({"anyOf": [reference("UseRecord"), reference("RefusedRecord")]})),
    ]
}

fn sums() -> Vec<(&'static str, Value)> {
    vec![
        ("UsageWindow", usage_window()),
        (
            "Usage",
            shown(&[&[
                ("meter", code()),
                ("window", json!({"enum": ["hour", "day", "month"]})),
                ("from", time()),
                ("to", time()),
                ("windows", json!({"type": "array", "items": reference("UsageWindow")})),
            ]]),
        ),
        ("Problem", problem()),
    ]
}

/// What may be told of every use.
fn told() -> Vec<(&'static str, Value)> {
    vec![
        ("idempotency_key", json!({"type": "string", "minLength": 1, "maxLength": 255})),
        ("occurred_at", or_null(time())),
        ("subject", or_null(reference("Subject"))),
        ("attributes", attributes()),
        ("activation", or_null(text())),
    ]
}

/// What there is to say of few uses.
pub(super) fn about() -> Vec<(&'static str, Value)> {
    vec![
        ("released", quantity()),
        ("activation", id("act_")),
        ("hold", id("hold_")),
        ("session", id("ses_")),
        ("until", or_null(time())),
    ]
}

pub(super) fn turn() -> Value {
    shown(&[&[
        ("ended_at", or_null(time())),
        ("next_end", or_null(time())),
        ("carried", quantity()),
    ]])
}

fn hold_shown() -> Value {
    shown(&[&[
        ("id", id("hold_")),
        ("license", id("lic_")),
        ("meter", code()),
        ("activation", or_null(id("act_"))),
        ("units", quantity()),
        ("until", time()),
        ("created_at", time()),
    ]])
}

fn session_shown() -> Value {
    let session = [
        ("id", id("ses_")),
        ("license", id("lic_")),
        ("meter", code()),
        ("activation", or_null(id("act_"))),
        ("count", quantity()),
        ("reserved", quantity()),
        ("active_seconds", whole()),
        ("subject", or_null(reference("Subject"))),
        ("seen_at", time()),
        ("until", time()),
        ("created_at", time()),
    ];
    shown_in_part(&[&session], &["subject"])
}

pub(super) fn counted() -> Vec<(&'static str, Value)> {
    vec![
        ("operation", operation()),
        ("asked", quantity()),
        ("applied", quantity()),
        ("overage", quantity()),
        ("total", quantity()),
        ("gross", quantity()),
        ("allowed", or_null(quantity())),
        ("remaining", or_null(quantity())),
        ("held", quantity()),
        ("period_end", or_null(time())),
    ]
}

fn subject() -> Value {
    let field = || or_null(json!({"type": "string", "minLength": 1, "maxLength": 255}));
    asked(&[], &[("user", field()), ("host", field()), ("address", field())])
}

fn meter() -> Value {
    shown(&[
        &[("license", id("lic_"))],
        &spec(quantity()),
        &[
            ("allowed_from", json!({"enum": ["policy", "license"]})),
            ("own", boolean()),
            ("total", quantity()),
            ("gross", quantity()),
            ("held", quantity()),
            ("carried", quantity()),
            ("remaining", or_null(quantity())),
            ("refusals", whole()),
            ("period_end", or_null(time())),
            ("last_record", or_null(whole())),
        ],
    ])
}

fn usage_window() -> Value {
    shown(&[&[
        ("from", time()),
        ("incremented", quantity()),
        ("decremented", quantity()),
        ("adjusted", quantity()),
        ("overage", quantity()),
        ("uses", whole()),
    ]])
}

/// Further members depend on the code; `docs/errors/` has a page for each.
fn problem() -> Value {
    let codes = [Refusal::CODES, Fault::CODES].concat();
    json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "code": {"enum": codes},
            "detail": {"type": "string"},
            "request_id": {"type": "string"},
            "field": {"type": "string"},
            "license": id("lic_"),
            "meter": code(),
            "kind": {"type": "string"},
            "permission": {"type": "string"},
            "asked": quantity(),
            "total": quantity(),
            "gross": quantity(),
            "allowed": or_null(quantity()),
            "remaining": or_null(quantity()),
            "held": quantity(),
            "bound": quantity(),
            "floor": quantity(),
            "scale": whole(),
            "available": quantity(),
            "of": {"enum": LIMITED.map(limited_word)},
            "limit": whole(),
            "present": whole(),
            "id": text(),
            "activation": id("act_"),
            "check_in_due": time(),
            "valid_from": time(),
            "expires_at": time(),
            "retry_after": whole(),
            "rule": code(),
            "reason": text(),
            "since": time(),
            "until": or_null(time()),
        },
    })
}
