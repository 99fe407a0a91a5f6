//! Receivers of events: where they are told, which of them, and how that went.

mod target;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

pub use self::target::{Target, check_url};
use crate::event::{EventFilter, Kinds};
use crate::id::{AccountId, LicenseId, ProductId, WebhookId};
use crate::limits::{WEBHOOK_SECRET_BYTES_MAX, WEBHOOK_SECRET_BYTES_MIN};
use crate::refusal::Refusal;
use crate::text::Code;
use crate::time::Timestamp;

/// A receiver of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// What it is for.
    pub name: String,
    /// Where events are posted to.
    pub url: String,
    /// Which events.
    pub wants: Wants,
    /// Why nothing is sent, if nothing is.
    pub disabled: Option<Disabled>,
    /// The number of its newest secret; the first is 1.
    pub secret: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Which events a receiver is told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wants {
    /// Those of these kinds.
    pub kinds: Kinds,
    /// Those about a license.
    pub license: Option<LicenseId>,
    /// Those about a product, its policies and their licenses.
    pub product: Option<ProductId>,
    /// Those about meters of this name.
    pub meter: Option<Code>,
}

impl Wants {
    /// The same as a question for events; it cannot say of which product.
    #[must_use]
    pub fn filter(&self) -> EventFilter {
        EventFilter {
            kinds: self.kinds.clone(),
            license: self.license,
            meter: self.meter.clone(),
            ..EventFilter::default()
        }
    }
}

/// Since when nothing is sent to a receiver, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disabled {
    /// Since when.
    pub at: Timestamp,
    /// Why.
    pub why: WhyDisabled,
}

/// Why nothing is sent to a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyDisabled {
    /// Somebody said so.
    Asked,
    /// It answered 410: it is gone.
    Gone,
}

impl WhyDisabled {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Gone => "gone",
        }
    }

    /// The reason with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Asked, Self::Gone].into_iter().find(|why| why.word() == word)
    }
}

/// How far a receiver was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Every event before this number was told, not wanted, or given up.
    pub next: u64,
    /// How often `next` was tried already.
    pub attempts: u32,
    /// Not to be tried again before.
    pub retry_at: Option<Timestamp>,
}

/// A receiver, and how far it was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookView {
    /// The receiver.
    pub webhook: Webhook,
    /// How far it was told.
    pub progress: Progress,
    /// When it last took an event.
    pub delivered_at: Option<Timestamp>,
    /// When it last failed to.
    pub failed_at: Option<Timestamp>,
    /// Events that it never took.
    pub dead_letters: u64,
    /// Redeliveries that are not finished.
    pub redeliveries: u64,
}

/// One attempt to tell one receiver one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The number of the event.
    pub event: u64,
    /// Which attempt for this event, from 1 on.
    pub number: u32,
    /// Whether somebody asked for it again.
    pub is_again: bool,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// The status of the answer, if there was one.
    pub status: Option<u16>,
    /// The beginning of the answer, or what went wrong.
    pub answer: String,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took it.
    Delivered,
    /// It did not; it is tried again.
    Failed,
    /// It did not, and that was the last attempt.
    GaveUp,
    /// It did not, and said that it is gone.
    Gone,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Delivered, Self::Failed, Self::GaveUp, Self::Gone];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::GaveUp => "gave-up",
            Self::Gone => "gone",
        }
    }

    /// The outcome with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// An event that a receiver never took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The number of the event.
    pub event: u64,
    /// When it was given up.
    pub at: Timestamp,
    /// After how many attempts.
    pub attempts: u32,
    /// The status of the last answer, if there was one.
    pub status: Option<u16>,
    /// The beginning of the last answer, or what went wrong.
    pub answer: String,
}

/// Events that are to be told once more, beside the live order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redelivery {
    /// Its number among those of the receiver.
    pub number: u64,
    /// Whether only dead letters are meant, or all events that are wanted.
    pub is_dead_only: bool,
    /// The events before this number.
    pub until: u64,
    /// How far it went.
    pub progress: Progress,
}

/// How it went with one receiver since it was last noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryNote {
    /// Which receiver.
    pub webhook: WebhookId,
    /// The redelivery that was worked on; none is the live order.
    pub redelivery: Option<u64>,
    /// How far it went.
    pub progress: Progress,
    /// Whether the redelivery is finished.
    pub is_finished: bool,
    /// What was tried, oldest first.
    pub attempts: Vec<Attempt>,
}

/// What messages are signed with.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Vec<u8>);

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

impl SigningSecret {
    /// What the text of a secret begins with.
    pub const PREFIX: &'static str = "whsec_";

    /// The secret of these bytes.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for fewer than 24 or more than 64.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Refusal> {
        if !(WEBHOOK_SECRET_BYTES_MIN..=WEBHOOK_SECRET_BYTES_MAX).contains(&bytes.len()) {
            return Err(Self::invalid());
        }
        Ok(Self(bytes))
    }

    /// Reads `whsec_` and base64.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let encoded = text.strip_prefix(Self::PREFIX).ok_or_else(Self::invalid)?;
        Self::new(BASE64_STANDARD.decode(encoded).map_err(|_| Self::invalid())?)
    }

    fn invalid() -> Refusal {
        Refusal::invalid("secret", "must be whsec_ and the base64 of 24 to 64 bytes")
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text that a receiver is configured with.
    #[must_use]
    pub fn text(&self) -> String {
        alloc::format!("{}{}", Self::PREFIX, BASE64_STANDARD.encode(&self.0))
    }

    /// The signature of a message as in Standard Webhooks: `v1,` and the base64 of the
    /// HMAC-SHA-256 over `id.seconds.body`.
    ///
    /// # Panics
    /// Never: HMAC takes keys of any length.
    #[must_use]
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let mut mac = <Hmac<Sha256>>::new_from_slice(&self.0).expect("any length is good");
        mac.update(alloc::format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        alloc::format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
    }

    /// Whether one of the signatures in a header, with spaces between, is that of the message.
    #[must_use]
    pub fn verifies(&self, signatures: &str, id: &str, seconds: i64, body: &[u8]) -> bool {
        use subtle::ConstantTimeEq as _;
        let right = self.sign(id, seconds, body);
        signatures.split(' ').any(|each| bool::from(each.as_bytes().ct_eq(right.as_bytes())))
    }
}

/// The id of the message that tells an event: the same at every attempt, so that receivers know
/// what they had already.
#[must_use]
pub fn message_id(account: AccountId, event: u64) -> String {
    let account = alloc::string::ToString::to_string(&account);
    let hex = account.strip_prefix(AccountId::PREFIX).unwrap_or(&account);
    alloc::format!("evt_{hex}_{event}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        // The example of the specification's reference implementations.
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(secret.sign(id, 1_614_265_330, body), right);
        let several = alloc::format!("v1,AAAA {right} v2,x");
        assert!(secret.verifies(&several, id, 1_614_265_330, body));
        assert!(!secret.verifies(&several, id, 1_614_265_331, body));
        assert!(!secret.verifies("", id, 1_614_265_330, body));
    }

    #[test]
    fn secrets_have_a_length_and_a_prefix() {
        for (bytes, fits) in [(23, false), (24, true), (64, true), (65, false)] {
            let made = SigningSecret::new(alloc::vec![7; bytes]);
            assert_eq!(made.is_ok(), fits, "{bytes}");
            if let Ok(secret) = made {
                assert_eq!(SigningSecret::parse(&secret.text()), Ok(secret));
            }
        }
        for wrong in ["", "whsec_", "whsec_!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert!(SigningSecret::parse(wrong).is_err(), "{wrong}");
        }
    }
}
