//! Receivers of events.

use serde_json::{Value, json};
use usance_core::limits::WEBHOOK_SECRET_KEPT_SECONDS_MAX;
use usance_core::webhook::Outcome;

use crate::native::schemas::parts::{
    asked, boolean, code, id, name, or_null, positive, shown, text, time, whole,
};

/// Their schemas, by name.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let start = [("id", id("whk_")), ("name", name()), ("url", text())];
    let secret = [("secret", text())];
    let rest = [
        ("kinds", kinds()),
        ("license", or_null(id("lic_"))),
        ("product", or_null(id("prod_"))),
        ("meter", or_null(code())),
        ("enabled", boolean()),
        ("disabled_at", or_null(time())),
        ("disabled_for", or_null(json!({"enum": ["asked", "gone"]}))),
        ("next_event", whole()),
        ("attempts", whole()),
        ("retry_at", or_null(time())),
        ("delivered_at", or_null(time())),
        ("failed_at", or_null(time())),
        ("dead_letters", whole()),
        ("redeliveries", whole()),
        ("created_at", time()),
        ("updated_at", time()),
    ];
    let tried = [("status", or_null(whole())), ("answer", text())];
    let delivery = [
        ("number", positive()),
        ("event", whole()),
        ("attempt", positive()),
        ("redelivery", boolean()),
        ("at", time()),
        ("duration_ms", whole()),
        ("outcome", json!({"enum": Outcome::ALL.map(Outcome::word)})),
    ];
    let letter = [("event", whole()), ("at", time()), ("attempts", positive())];
    vec![
        ("Webhook", shown(&[&start, &rest])),
        ("MadeWebhook", shown(&[&start, &secret, &rest])),
        ("NewWebhook", new_webhook()),
        ("WebhookPatch", webhook_patch()),
        ("SecretRotation", secret_rotation()),
        ("Redelivery", redelivery()),
        ("Delivery", shown(&[&delivery, &tried])),
        ("DeadLetter", shown(&[&letter, &tried])),
    ]
}

fn kinds() -> Value {
    json!({"type": "array", "items": text(), "minItems": 1, "maxItems": 64})
}

fn filters() -> Vec<(&'static str, Value)> {
    vec![("license", or_null(text())), ("product", or_null(text())), ("meter", or_null(code()))]
}

fn new_webhook() -> Value {
    let own = [
        ("name", or_null(name())),
        ("url", text()),
        ("kinds", or_null(kinds())),
        ("secret", or_null(text())),
        ("from", or_null(whole())),
    ];
    asked(&["url"], &[&own[..], &filters()].concat())
}

fn webhook_patch() -> Value {
    let own = [("name", name()), ("url", text()), ("kinds", kinds()), ("enabled", boolean())];
    asked(&[], &[&own[..], &filters()].concat())
}

fn secret_rotation() -> Value {
    let kept = json!({
        "type": "integer", "minimum": 0, "maximum": WEBHOOK_SECRET_KEPT_SECONDS_MAX,
    });
    asked(&[], &[("secret", or_null(text())), ("keep_seconds", or_null(kept))])
}

fn redelivery() -> Value {
    let number = || or_null(whole());
    let dead_letters = ("dead_letters", or_null(boolean()));
    asked(&[], &[("event", number()), ("from", number()), ("to", number()), dead_letters])
}
