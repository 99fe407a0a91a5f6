//! Uses, meters, and the records of them.

use serde_json::{Value, json};
use usance_core::refusal::Refusal;

use crate::native::problem::Fault;

use crate::native::schemas::parts::{
    amount, asked, attributes, boolean, code, id, name, operation, or_null, overage, quantity,
    reference, shown, text, time, whole,
};

/// Their schemas, by name.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let by_hand = [("amount", amount()), ("bound", or_null(amount())), ("partial", boolean())];
    let target = [("license", text()), ("meter", code()), ("operation", operation())];
    let of = [("license", id("lic_")), ("meter", code())];
    let record = [("record", whole()), ("at", time())];
    let step = [&by_hand[..], &told()].concat();
    vec![
        ("Use", asked(&[], &step)),
        ("SetUse", asked(&["amount"], &[&by_hand[..1], &told()].concat())),
        ("ResetUse", asked(&[], &told())),
        ("BatchUse", asked(&["license", "meter"], &[&target[..], &step].concat())),
        ("Subject", subject()),
        ("Answer", shown(&[&of, &counted(), &record, &[("repeat", boolean())]])),
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
        (
            "UseRecord",
            shown(&[
                &[("kind", json!({"const": "use"}))],
                &of,
                &counted(),
                &record,
                &[
                    ("occurred_at", or_null(time())),
                    ("subject", or_null(reference("Subject"))),
                    ("attributes", attributes()),
                ],
            ]),
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
    ]
}

fn counted() -> Vec<(&'static str, Value)> {
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
    shown(&[&[
        ("license", id("lic_")),
        ("name", code()),
        ("unit", name()),
        ("scale", whole()),
        ("allowed", or_null(quantity())),
        ("allowed_from", json!({"enum": ["policy", "license"]})),
        ("floor", quantity()),
        ("overage", overage()),
        ("total", quantity()),
        ("gross", quantity()),
        ("held", quantity()),
        ("remaining", or_null(quantity())),
        ("refusals", whole()),
        ("period_end", or_null(time())),
        ("last_record", or_null(whole())),
    ]])
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
            "valid_from": time(),
            "expires_at": time(),
            "retry_after": whole(),
        },
    })
}
