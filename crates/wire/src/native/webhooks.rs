//! Receivers of events, and the messages they are sent.

use usance_core::command::{NewWebhook, RedeliveryRequest, Secret, SecretRotation, WebhookPatch};
use usance_core::event::{Kinds, Told};
use usance_core::limits::{WEBHOOK_SECRET_KEPT_SECONDS, WEBHOOK_URL_BYTES_MAX};
use usance_core::refusal::Refusal;
use usance_core::webhook::{Attempt, DeadLetter, SigningSecret, WebhookView, WhyDisabled};

use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::native::events::{self, Sight};
use crate::native::problem::Problem;
use crate::native::references;
use crate::native::request;

pub(super) const NEW: [&str; 8] =
    ["name", "url", "kinds", "license", "product", "meter", "secret", "from"];
pub(super) const PATCH: [&str; 7] =
    ["name", "url", "kinds", "license", "product", "meter", "enabled"];
pub(super) const ROTATION: [&str; 2] = ["secret", "keep_seconds"];
pub(super) const REDELIVERY: [&str; 4] = ["event", "from", "to", "dead_letters"];

/// Reads a receiver to be made.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<NewWebhook, Problem> {
    let members = request::object(body, &NEW)?;
    Ok(NewWebhook {
        name: members.read("name", Value::name)?,
        url: members.need("url", url)?,
        kinds: members.read("kinds", kinds)?.unwrap_or_default(),
        license: members.read("license", references::license_in_value)?,
        product: members.read("product", references::in_value)?,
        meter: members.read("meter", Value::code)?,
        secret: members.read("secret", secret)?,
        from: members.read("from", Value::whole)?,
    })
}

/// Reads changes of a receiver.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_patch(body: &[u8]) -> Result<WebhookPatch, Problem> {
    let members = request::object(body, &PATCH)?;
    Ok(WebhookPatch {
        name: members.change("name", Value::name)?,
        url: members.change("url", url)?,
        kinds: members.change("kinds", kinds)?,
        license: members.clear("license", references::license_in_value)?,
        product: members.clear("product", references::in_value)?,
        meter: members.clear("meter", Value::code)?,
        enabled: members.change("enabled", Value::boolean)?,
    })
}

/// Reads how the secret of a receiver is to be replaced; nothing is as good as `{}`.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_rotation(body: &[u8]) -> Result<SecretRotation, Problem> {
    let members = request::optional_object(body, &ROTATION)?;
    let keep_seconds = members.read("keep_seconds", Value::whole)?;
    Ok(SecretRotation {
        secret: members.read("secret", secret)?,
        keep_seconds: keep_seconds.unwrap_or(WEBHOOK_SECRET_KEPT_SECONDS),
    })
}

/// Reads which events are to be told once more: one, those between two numbers, or all dead
/// letters.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_redelivery(body: &[u8]) -> Result<RedeliveryRequest, Problem> {
    let members = request::object(body, &REDELIVERY)?;
    let event: Option<u64> = members.read("event", Value::whole)?;
    let from: Option<u64> = members.read("from", Value::whole)?;
    let to: Option<u64> = members.read("to", Value::whole)?;
    let dead_letters = members.read("dead_letters", Value::boolean)?.unwrap_or(false);
    match (event, from, to, dead_letters) {
        (Some(event), None, None, false) => Ok(RedeliveryRequest::Between(event, event)),
        (None, Some(from), Some(to), false) => Ok(RedeliveryRequest::Between(from, to)),
        (None, None, None, true) => Ok(RedeliveryRequest::DeadLetters),
        _ => {
            let what =
                "must be {\"event\": …}, {\"from\": …, \"to\": …} or {\"dead_letters\": true}";
            Err(Refusal::invalid("body", what).into())
        }
    }
}

fn url(value: Value<'_, '_>) -> Result<String, Refusal> {
    let text = value.string()?;
    if text.len() > WEBHOOK_URL_BYTES_MAX {
        return Err(Refusal::invalid("url", "may have at most 2048 bytes"));
    }
    Ok(text)
}

fn kinds(value: Value<'_, '_>) -> Result<Kinds, Refusal> {
    let patterns = value.items(64, Value::string)?;
    Kinds::parse(patterns.iter().map(String::as_str))
}

fn secret(value: Value<'_, '_>) -> Result<SigningSecret, Refusal> {
    SigningSecret::parse(&value.text()?)
}

/// Appends a receiver, and its secret if it was just made.
pub fn write(view: &WebhookView, secret: Option<&Secret>, out: &mut Vec<u8>) {
    let WebhookView { webhook, progress, .. } = view;
    write::object(out, |members| {
        members.word("id", webhook.id);
        members.text("name", &webhook.name);
        members.text("url", &webhook.url);
        if let Some(secret) = secret {
            members.text("secret", &secret.0);
        }
        write::array(members.member("kinds"), webhook.wants.kinds.patterns(), |out, pattern| {
            write::text(out, pattern);
        });
        members.maybe("license", webhook.wants.license, Object::word);
        members.maybe("product", webhook.wants.product, Object::word);
        members.maybe("meter", webhook.wants.meter.as_ref(), Object::word);
        members.boolean("enabled", webhook.disabled.is_none());
        members.maybe("disabled_at", webhook.disabled.map(|disabled| disabled.at), Object::time);
        let why = webhook.disabled.map(|disabled| disabled.why).map(WhyDisabled::word);
        members.maybe("disabled_for", why, Object::text);
        members.integer("next_event", progress.next);
        members.integer("attempts", progress.attempts);
        members.maybe("retry_at", progress.retry_at, Object::time);
        members.maybe("delivered_at", view.delivered_at, Object::time);
        members.maybe("failed_at", view.failed_at, Object::time);
        members.integer("dead_letters", view.dead_letters);
        members.integer("redeliveries", view.redeliveries);
        members.time("created_at", webhook.created_at);
        members.time("updated_at", webhook.updated_at);
    });
}

/// Appends an attempt to tell a receiver something, with its number.
pub fn write_delivery((number, attempt): &(u64, Attempt), out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.integer("number", *number);
        members.integer("event", attempt.event);
        members.integer("attempt", attempt.number);
        members.boolean("redelivery", attempt.is_again);
        members.time("at", attempt.at);
        members.integer("duration_ms", attempt.duration_ms);
        members.text("outcome", attempt.outcome.word());
        members.maybe("status", attempt.status, Object::integer);
        members.text("answer", &attempt.answer);
    });
}

/// Appends what a receiver never took.
pub fn write_dead_letter(letter: &DeadLetter, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.integer("event", letter.event);
        members.time("at", letter.at);
        members.integer("attempts", letter.attempts);
        members.maybe("status", letter.status, Object::integer);
        members.text("answer", &letter.answer);
    });
}

/// Appends the message that tells a receiver an event, in the form that Standard Webhooks proposes.
pub fn write_message(told: &Told, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.text("type", told.kind);
        members.time("timestamp", told.at);
        // Keys of licenses open licenses, and messages end in places that nobody here knows.
        events::write(told, Sight::NoKeys, members.member("data"));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redelivery_is_one_of_three() {
        for (body, expected) in [
            (r#"{"event":7}"#, Some(RedeliveryRequest::Between(7, 7))),
            (r#"{"from":7,"to":9}"#, Some(RedeliveryRequest::Between(7, 9))),
            (r#"{"dead_letters":true}"#, Some(RedeliveryRequest::DeadLetters)),
            (r#"{"dead_letters":false}"#, None),
            (r#"{"from":7}"#, None),
            (r#"{"event":7,"dead_letters":true}"#, None),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(read_redelivery(body.as_bytes()).ok(), expected, "{body}");
        }
    }

    #[test]
    fn a_receiver_wants_everything_if_nothing_is_said() {
        let new = read_new(br#"{"url":"https://a.example/h"}"#).unwrap();
        assert_eq!(new.kinds, Kinds::default());
        assert_eq!((new.from, new.secret), (None, None));
        let long = format!(r#"{{"url":"https://{}"}}"#, "a".repeat(2048));
        for wrong in [
            r#"{"url":"https://a.example","kinds":[]}"#,
            r#"{"url":"https://a.example","kinds":["License"]}"#,
            r#"{"url":"https://a.example","secret":"whsec_AAAA"}"#,
            r#"{"url":"https://a.example","from":-1}"#,
            r#"{"name":"x"}"#,
            &long,
        ] {
            assert!(read_new(wrong.as_bytes()).is_err(), "{wrong}");
        }
        let rotation = read_rotation(b"").unwrap();
        assert_eq!((rotation.keep_seconds, rotation.secret), (86_400, None));
    }
}
