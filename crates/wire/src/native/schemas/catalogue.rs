//! What is sold, to whom, under which rules, and who may change that.

use serde_json::{Value, json};
use usance_core::limits::POLICY_METERS_MAX;

use crate::native::schemas::parts::{
    allowed_change, amount, asked, boolean, code, id, list, meter_while, name, or_null, overage,
    permissions, positive, quantity, reference, shown, status, text, time,
};

/// Its schemas, by name.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let stamps = [("created_at", time()), ("updated_at", time())];
    let product = [("id", id("prod_")), ("code", code()), ("name", name())];
    let customer =
        [("id", id("cus_")), ("code", code()), ("name", name()), ("email", or_null(name()))];
    let archived = [("archived", boolean())];
    let policy = [
        ("id", id("pol_")),
        ("product", id("prod_")),
        ("code", code()),
        ("name", name()),
        ("meters", list(reference("PolicyMeter"), POLICY_METERS_MAX)),
    ];
    let rules = [
        ("duration_seconds", or_null(positive())),
        ("key_pattern", text()),
        ("license_permissions", permissions()),
        ("meter_while", meter_while()),
    ];
    let license = [
        ("id", id("lic_")),
        ("key", text()),
        ("product", id("prod_")),
        ("policy", id("pol_")),
        ("customer", or_null(id("cus_"))),
        ("name", or_null(name())),
        ("status", status()),
        ("valid_from", or_null(time())),
        ("expires_at", or_null(time())),
    ];
    let locks = [
        ("product", or_null(id("prod_"))),
        ("license", or_null(id("lic_"))),
        ("meter", or_null(code())),
    ];
    let token = [("id", id("tok_")), ("name", name()), ("permissions", permissions())];
    let token_times =
        [("expires_at", or_null(time())), ("revoked_at", or_null(time())), ("created_at", time())];
    vec![
        ("Product", shown(&[&product, &archived, &stamps])),
        ("NewProduct", asked(&["code"], &[("code", code()), ("name", or_null(name()))])),
        ("ProductPatch", asked(&[], &[("name", name()), ("archived", boolean())])),
        ("Customer", shown(&[&customer, &archived, &stamps])),
        (
            "NewCustomer",
            asked(
                &["code"],
                &[("code", code()), ("name", or_null(name())), ("email", or_null(name()))],
            ),
        ),
        (
            "CustomerPatch",
            asked(&[], &[("name", name()), ("email", or_null(name())), ("archived", boolean())]),
        ),
        ("Policy", shown(&[&policy, &rules, &archived, &stamps])),
        ("NewPolicy", new_policy()),
        ("PolicyPatch", policy_patch()),
        ("PolicyMeter", shown(&[&policy_meter(quantity())])),
        ("NewPolicyMeter", asked(&["name"], &policy_meter(amount()))),
        (
            "PolicyMeterPatch",
            asked(
                &["name"],
                &[
                    ("name", code()),
                    ("allowed", or_null(amount())),
                    ("overage", overage()),
                    ("record_refusals", boolean()),
                ],
            ),
        ),
        ("License", shown(&[&license, &stamps])),
        ("NewLicense", new_license()),
        (
            "LicensePatch",
            asked(
                &[],
                &[
                    ("name", or_null(name())),
                    ("customer", or_null(text())),
                    ("valid_from", or_null(time())),
                    ("expires_at", or_null(time())),
                ],
            ),
        ),
        ("AllowedChange", asked(&["allowed"], &[("allowed", allowed_change())])),
        ("Token", shown(&[&token, &locks, &token_times])),
        ("MadeToken", shown(&[&token, &[("secret", text())], &locks, &token_times])),
        ("NewToken", new_token()),
        (
            "Caller",
            shown(&[&[
                ("account", id("acc_")),
                ("token", or_null(id("tok_"))),
                ("license", or_null(id("lic_"))),
                ("permissions", permissions()),
                ("locked_to", shown(&[&locks])),
            ]]),
        ),
    ]
}

fn new_policy() -> Value {
    asked(
        &["product", "code"],
        &[
            ("product", text()),
            ("code", code()),
            ("name", or_null(name())),
            ("meters", list(reference("NewPolicyMeter"), POLICY_METERS_MAX)),
            ("duration_seconds", or_null(positive())),
            ("key_pattern", or_null(text())),
            ("license_permissions", or_null(permissions())),
            ("meter_while", meter_while()),
        ],
    )
}

fn policy_patch() -> Value {
    asked(
        &[],
        &[
            ("name", name()),
            ("archived", boolean()),
            ("duration_seconds", or_null(positive())),
            ("key_pattern", text()),
            ("license_permissions", permissions()),
            ("meter_while", meter_while()),
            ("meters", list(reference("PolicyMeterPatch"), POLICY_METERS_MAX)),
        ],
    )
}

fn policy_meter(amount: Value) -> [(&'static str, Value); 7] {
    [
        ("name", code()),
        ("unit", name()),
        ("scale", json!({"type": "integer", "minimum": 0, "maximum": 9})),
        ("allowed", or_null(amount.clone())),
        ("floor", amount),
        ("overage", overage()),
        ("record_refusals", boolean()),
    ]
}

fn new_license() -> Value {
    let ceilings = json!({
        "type": "object",
        "maxProperties": POLICY_METERS_MAX,
        "additionalProperties": reference("AllowedChange"),
    });
    asked(
        &["policy"],
        &[
            ("policy", text()),
            ("customer", or_null(text())),
            ("key", or_null(text())),
            ("name", or_null(name())),
            ("valid_from", or_null(time())),
            ("expires_at", or_null(time())),
            ("meters", ceilings),
        ],
    )
}

fn new_token() -> Value {
    asked(
        &["name", "permissions"],
        &[
            ("name", name()),
            ("permissions", permissions()),
            ("product", or_null(text())),
            ("license", or_null(text())),
            ("meter", or_null(code())),
            ("expires_at", or_null(time())),
        ],
    )
}
