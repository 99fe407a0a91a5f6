//! What is sold, to whom, and under which rules.

use serde_json::{Value, json};
use usance_core::audience::Audience;
use usance_core::customer::CustomerKind;
use usance_core::limits::{ENTITLEMENTS_MAX, POLICY_METERS_MAX, THRESHOLDS_MAX};

use crate::native::schemas::parts::{
    allowed_change, amount, asked, boolean, code, id, list, metadata, name, or_null, overage,
    positive, quantity, reference, shown, shown_in_part, text, time, unset_metadata, whole,
};
use crate::native::specs::PERIODS;

/// Its schemas, by name.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let stamps = [("created_at", time()), ("updated_at", time())];
    let archived = [("archived", boolean())];
    let named = |prefix: &str| vec![("id", id(prefix)), ("code", code()), ("name", name())];
    let hidden = &["metadata_visible_to"];
    let new = [&[("code", code()), ("name", or_null(name()))][..], &unset_metadata()].concat();
    let patch = [&[("name", name())][..], &metadata()].concat();
    vec![
        ("Product", shown_in_part(&[&named("prod_"), &metadata(), &archived, &stamps], hidden)),
        ("NewProduct", asked(&["code"], &new)),
        ("ProductPatch", asked(&[], &[&patch[..], &archived].concat())),
        ("Entitlement", shown_in_part(&[&named("ent_"), &metadata(), &stamps], hidden)),
        ("NewEntitlement", asked(&["code"], &new)),
        ("EntitlementPatch", asked(&[], &patch)),
        (
            "Customer",
            shown_in_part(
                &[
                    &named("cus_"),
                    &[("email", or_null(name())), ("kind", customer_kind())],
                    &[("reseller", or_null(id("cus_")))],
                    &customer_limits(),
                    &metadata(),
                    &archived,
                    &stamps,
                ],
                hidden,
            ),
        ),
        (
            "NewCustomer",
            asked(
                &["code"],
                &[
                    &new[..],
                    &[("email", or_null(name())), ("kind", or_null(customer_kind()))],
                    &[("reseller", or_null(text()))],
                    &customer_limits(),
                ]
                .concat(),
            ),
        ),
        (
            "CustomerPatch",
            asked(
                &[],
                &[
                    &patch[..],
                    &[("email", or_null(name())), ("reseller", or_null(text()))],
                    &customer_limits(),
                    &archived,
                ]
                .concat(),
            ),
        ),
        ("Policy", policy()),
        ("NewPolicy", new_policy()),
        ("PolicyPatch", policy_patch()),
        ("PolicyMeter", shown(&[&spec(quantity())])),
        ("NewMeter", asked(&["name"], &new_spec())),
        ("PolicyMeterPatch", asked(&["name"], &spec_patch())),
        ("AllowedChange", asked(&["allowed"], &[("allowed", allowed_change())])),
    ]
}

fn customer_kind() -> Value {
    json!({"enum": CustomerKind::WORDS})
}

fn customer_limits() -> Vec<(&'static str, Value)> {
    let limit = || or_null(whole());
    vec![("max_users", limit()), ("max_licenses", limit()), ("max_activations", limit())]
}

fn policy() -> Value {
    shown_in_part(
        &[
            &[("id", id("pol_")), ("product", id("prod_")), ("code", code()), ("name", name())],
            &[("meters", list(reference("PolicyMeter"), POLICY_METERS_MAX))],
            &[("key_pattern", text()), ("terms", reference("Terms"))],
            &[("entitlements", list(code(), ENTITLEMENTS_MAX))],
            &metadata(),
            &[("archived", boolean()), ("created_at", time()), ("updated_at", time())],
        ],
        &["metadata_visible_to"],
    )
}

fn new_policy() -> Value {
    let own = [
        ("product", text()),
        ("code", code()),
        ("name", or_null(name())),
        ("meters", or_null(list(reference("NewMeter"), POLICY_METERS_MAX))),
        ("key_pattern", or_null(text())),
        ("terms", or_null(reference("SomeTerms"))),
        ("entitlements", or_null(list(code(), ENTITLEMENTS_MAX))),
    ];
    asked(&["product", "code"], &[&own[..], &unset_metadata()].concat())
}

fn policy_patch() -> Value {
    let own = [
        ("name", name()),
        ("archived", boolean()),
        ("key_pattern", text()),
        ("terms", reference("SomeTerms")),
        ("entitlements", list(code(), ENTITLEMENTS_MAX)),
        ("meters", list(reference("PolicyMeterPatch"), POLICY_METERS_MAX)),
        ("new_meters", list(reference("NewMeter"), POLICY_METERS_MAX)),
    ];
    asked(&[], &[&own[..], &metadata()].concat())
}

/// What is said of a meter, where every member is there.
pub(super) fn spec(figure: Value) -> Vec<(&'static str, Value)> {
    vec![
        ("name", code()),
        ("unit", name()),
        ("scale", whole()),
        ("allowed", or_null(figure.clone())),
        ("floor", figure.clone()),
        ("overage", overage()),
        ("record_refusals", boolean()),
        ("measure", measure()),
        ("period", period()),
        ("rollover", rollover(figure)),
        ("floating", boolean()),
        ("visible_to", audiences()),
        ("stated_by_license", boolean()),
        ("thresholds", list(positive(), THRESHOLDS_MAX)),
        ("hold_seconds_max", positive()),
        ("session_grace_seconds", positive()),
    ]
}

/// The same, where all but the name may be null, which is as good as left out.
fn new_spec() -> Vec<(&'static str, Value)> {
    let nullable = |(name, schema): (&'static str, Value)| match name {
        "name" | "allowed" => (name, schema),
        _ => (name, or_null(schema)),
    };
    spec(amount()).into_iter().map(nullable).collect()
}

fn spec_patch() -> Vec<(&'static str, Value)> {
    let fixed = ["unit", "scale", "floor", "measure", "stated_by_license"];
    spec(amount()).into_iter().filter(|(name, _)| !fixed.contains(name)).collect()
}

fn measure() -> Value {
    let timing = asked(
        &[],
        &[
            ("unit_seconds", positive()),
            ("minimum_seconds", whole()),
            ("free_seconds", whole()),
            ("step_seconds", positive()),
            ("idle_seconds", or_null(positive())),
        ],
    );
    json!({"anyOf": [
        {"enum": ["uses", "seats", "peak", "duration", "day-pass"]},
        asked(&["duration"], &[("duration", timing)]),
    ]})
}

fn period() -> Value {
    json!({"enum": PERIODS})
}

fn rollover(figure: Value) -> Value {
    json!({"anyOf": [{"enum": ["none", "all"]}, asked(&["up_to"], &[("up_to", figure)])]})
}

/// Audiences.
pub(super) fn audiences() -> Value {
    json!({"type": "array", "items": {"enum": Audience::WORDS}})
}
