//! Licenses, their terms, and the machines that hold them.

use serde_json::{Map, Value, json};
use usance_core::activation::Heartbeat;
use usance_core::limits::{
    COMPONENTS_MAX, ENTITLEMENTS_MAX, FINGERPRINT_BYTES_MAX, LICENSE_USERS_MAX, LIMIT_MAX,
    MACHINE_TEXT_BYTES_MAX, OWN_METERS_MAX, POLICY_METERS_MAX, SECONDS_MAX,
};
use usance_core::terms::{Kind, Terms};
use usance_core::validation::ValidationCode;

use crate::limits::SCOPE_ITEMS_MAX;
use crate::native::schemas::parts::{
    asked, boolean, code, id, list, metadata, name, or_null, permissions, positive, quantity,
    reference, shown, shown_in_part, status, text, time, unset_metadata, whole,
};

/// Their schemas, by name.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let scope = scope();
    let transfer = [("policy", text())];
    vec![
        ("Terms", terms(term, true)),
        ("SomeTerms", terms(term, false)),
        ("Overrides", terms(override_of, false)),
        ("License", license()),
        ("NewLicense", new_license()),
        ("LicensePatch", license_patch()),
        ("Transfer", asked(&["policy"], &transfer)),
        ("Activation", activation()),
        ("NewActivation", new_activation()),
        ("ActivationPatch", activation_patch()),
        ("Component", shown(&[&[("id", id("cmp_"))], &component(name())])),
        (
            "NewComponent",
            asked(
                &["fingerprint"],
                &[&[("id", or_null(id("cmp_")))][..], &component(or_null(machine_text()))].concat(),
            ),
        ),
        ("Process", process()),
        (
            "NewProcess",
            asked(
                &["pid"],
                &[&[("id", or_null(id("prc_"))), ("pid", machine_text())][..], &unset_metadata()]
                    .concat(),
            ),
        ),
        ("ValidationRequest", asked(&[], &scope)),
        ("KeyValidationRequest", asked(&["key"], &[&[("key", text())][..], &scope].concat())),
        (
            "Validation",
            shown(&[&[
                ("valid", boolean()),
                ("code", json!({"enum": ValidationCode::WORDS})),
                ("detail", text()),
                ("at", time()),
                ("license", or_null(reference("License"))),
            ]]),
        ),
        (
            "FileRequest",
            asked(
                &[],
                &[
                    ("activation", or_null(text())),
                    ("encrypted", or_null(boolean())),
                    ("seconds", or_null(seconds(1))),
                ],
            ),
        ),
        (
            "LicenseFile",
            shown(&[&[("file", text()), ("issued_at", time()), ("expires_at", or_null(time()))]]),
        ),
    ]
}

/// What a validation is held against.
fn scope() -> Vec<(&'static str, Value)> {
    let fingerprints = || list(fingerprint(), SCOPE_ITEMS_MAX);
    vec![
        ("product", or_null(text())),
        ("policy", or_null(text())),
        ("activation", or_null(id("act_"))),
        ("fingerprints", or_null(fingerprints())),
        ("components", or_null(fingerprints())),
        ("user", or_null(text())),
        ("entitlements", or_null(list(code(), ENTITLEMENTS_MAX))),
        ("checksum", or_null(machine_text())),
        ("version", or_null(machine_text())),
        ("quick", or_null(boolean())),
    ]
}

/// Terms by core's table.
fn terms(schema: impl Fn(Kind) -> Value, is_whole: bool) -> Value {
    let properties: Map<_, _> = Terms::FIELDS
        .iter()
        .map(|field| {
            let mut schema = schema(field.kind);
            schema["description"] = json!(field.about);
            (field.name.to_owned(), schema)
        })
        .collect();
    if is_whole {
        let required: Vec<_> = Terms::FIELDS.iter().map(|field| field.name).collect();
        return json!({"type": "object", "required": required, "properties": properties});
    }
    json!({
        "type": "object", "required": [], "properties": properties, "additionalProperties": false,
    })
}

fn term(kind: Kind) -> Value {
    match kind {
        Kind::Count => or_null(json!({"type": "integer", "minimum": 0, "maximum": LIMIT_MAX})),
        Kind::Seconds => or_null(seconds(0)),
        Kind::Flag => boolean(),
        Kind::Word(words) => json!({"enum": words}),
        Kind::Words(words) => json!({"type": "array", "items": {"enum": words}}),
        Kind::Permissions => permissions(),
        Kind::Overage => json!({"anyOf": [
            {"enum": ["refuse", "allow"]},
            asked(&["percent"], &[("percent", whole())]),
        ]}),
        Kind::MaybeWord(words) => or_null(json!({"enum": words})),
        Kind::Span => or_null(text()),
        Kind::Zone => text(),
        Kind::Anchor => json!({"anyOf": [{"enum": ["calendar", "license"]}, time()]}),
        Kind::Rules => json!({"type": "array", "items": text()}),
    }
}

/// A term, or what says that the policy's holds again.
fn override_of(kind: Kind) -> Value {
    match kind {
        Kind::Word(words) if words.contains(&"policy") => or_null(term(kind)),
        _ => json!({"anyOf": [{"enum": ["policy"]}, term(kind)]}),
    }
}

fn seconds(minimum: u64) -> Value {
    json!({"type": "integer", "minimum": minimum, "maximum": SECONDS_MAX})
}

fn license() -> Value {
    shown_in_part(
        &[
            &[("id", id("lic_")), ("key", text()), ("product", id("prod_"))],
            &[("policy", id("pol_")), ("customer", or_null(id("cus_")))],
            &[("reseller", or_null(id("cus_"))), ("owner", or_null(id("usr_")))],
            &[("users", list(id("usr_"), LICENSE_USERS_MAX)), ("name", or_null(name()))],
            &[("status", status()), ("valid_from", or_null(time()))],
            &[("expires_at", or_null(time()))],
            &[("entitlements", list(code(), ENTITLEMENTS_MAX))],
            &[("checked_in_at", or_null(time())), ("validated_at", or_null(time()))],
            &[("file_at", or_null(time())), ("activated_at", or_null(time()))],
            &[("activations", whole()), ("deactivations", whole())],
            &metadata(),
            &[("overrides", reference("SomeTerms")), ("terms", reference("Terms"))],
            &[("check_in_due", or_null(time()))],
            &[("created_at", time()), ("updated_at", time())],
        ],
        &["owner", "users", "metadata_visible_to", "overrides", "terms", "check_in_due"],
    )
}

fn new_license() -> Value {
    let ceilings = json!({
        "type": "object",
        "maxProperties": POLICY_METERS_MAX,
        "additionalProperties": reference("AllowedChange"),
    });
    let own = [
        ("policy", text()),
        ("customer", or_null(text())),
        ("reseller", or_null(text())),
        ("owner", or_null(text())),
        ("users", or_null(list(text(), LICENSE_USERS_MAX))),
        ("key", or_null(text())),
        ("name", or_null(name())),
        ("valid_from", or_null(time())),
        ("expires_at", or_null(time())),
        ("overrides", or_null(reference("SomeTerms"))),
        ("entitlements", or_null(list(code(), ENTITLEMENTS_MAX))),
        ("meters", or_null(ceilings)),
        ("new_meters", or_null(list(reference("NewMeter"), OWN_METERS_MAX))),
    ];
    asked(&["policy"], &[&own[..], &unset_metadata()].concat())
}

fn license_patch() -> Value {
    let own = [
        ("name", or_null(name())),
        ("customer", or_null(text())),
        ("reseller", or_null(text())),
        ("owner", or_null(text())),
        ("users", list(text(), LICENSE_USERS_MAX)),
        ("valid_from", or_null(time())),
        ("expires_at", or_null(time())),
        ("overrides", reference("Overrides")),
        ("entitlements", list(code(), ENTITLEMENTS_MAX)),
    ];
    asked(&[], &[&own[..], &metadata()].concat())
}

fn fingerprint() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": FINGERPRINT_BYTES_MAX})
}

fn machine_text() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": MACHINE_TEXT_BYTES_MAX})
}

fn component(name: Value) -> Vec<(&'static str, Value)> {
    vec![("fingerprint", fingerprint()), ("name", name)]
}

/// What is known of a machine and may change.
fn machine() -> Vec<(&'static str, Value)> {
    vec![
        ("name", or_null(machine_text())),
        ("hostname", or_null(machine_text())),
        ("platform", or_null(machine_text())),
        ("address", or_null(machine_text())),
        ("cores", or_null(whole())),
        ("memory", or_null(whole())),
        ("disk", or_null(whole())),
    ]
}

fn activation() -> Value {
    let shares = json!({"type": "object", "additionalProperties": quantity()});
    shown_in_part(
        &[
            &[("id", id("act_")), ("license", id("lic_")), ("fingerprint", fingerprint())],
            &machine(),
            &[("is_vm", boolean()), ("is_container", boolean()), ("user", or_null(id("usr_")))],
            &[("components", list(reference("Component"), COMPONENTS_MAX))],
            &[("heartbeat", json!({"enum": Heartbeat::WORDS}))],
            &[("heartbeat_seconds", or_null(whole())), ("next_heartbeat", or_null(time()))],
            &[("seen_at", or_null(time())), ("file_at", or_null(time())), ("shares", shares)],
            &metadata(),
            &[("created_at", time()), ("updated_at", time())],
        ],
        &["user", "metadata_visible_to"],
    )
}

fn new_activation() -> Value {
    asked(
        &["fingerprint"],
        &[
            &[("id", or_null(id("act_"))), ("fingerprint", fingerprint())][..],
            &machine(),
            &[("is_vm", or_null(boolean())), ("is_container", or_null(boolean()))],
            &[("user", or_null(text()))],
            &[("components", or_null(list(reference("NewComponent"), COMPONENTS_MAX)))],
            &[("heartbeat_seconds", or_null(positive())), ("overdraft", or_null(whole()))],
            &unset_metadata(),
        ]
        .concat(),
    )
}

fn activation_patch() -> Value {
    asked(
        &[],
        &[
            &machine()[..],
            &[("user", or_null(text()))],
            &[("components", list(reference("NewComponent"), COMPONENTS_MAX))],
            &metadata(),
        ]
        .concat(),
    )
}

fn process() -> Value {
    shown_in_part(
        &[
            &[("id", id("prc_")), ("activation", id("act_")), ("pid", machine_text())],
            &metadata(),
            &[("seen_at", time()), ("created_at", time())],
        ],
        &["metadata_visible_to"],
    )
}
