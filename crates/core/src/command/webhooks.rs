//! Receivers of events in the words of a caller.

use alloc::string::String;

use super::Ref;
use crate::event::Kinds;
use crate::id::ProductId;
use crate::license::LicenseRef;
use crate::text::Code;
use crate::webhook::SigningSecret;

/// A receiver to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhook {
    /// What it is for; its address if nothing is said.
    pub name: Option<String>,
    /// Where events are posted to.
    pub url: String,
    /// Which kinds of events.
    pub kinds: Kinds,
    /// Only those about a license.
    pub license: Option<LicenseRef>,
    /// Only those about a product, its policies and their licenses.
    pub product: Option<Ref<ProductId>>,
    /// Only those about meters of this name.
    pub meter: Option<Code>,
    /// What its messages are signed with; a random one if none.
    pub secret: Option<SigningSecret>,
    /// The number of the first event to tell; that of its own making if none.
    pub from: Option<u64>,
}

/// Changes of a receiver; none leaves a field as it is, `Some(None)` takes it away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebhookPatch {
    /// A new name.
    pub name: Option<String>,
    /// A new address.
    pub url: Option<String>,
    /// Other kinds of events.
    pub kinds: Option<Kinds>,
    /// Only those about a license.
    pub license: Option<Option<LicenseRef>>,
    /// Only those about a product.
    pub product: Option<Option<Ref<ProductId>>>,
    /// Only those about meters of this name.
    pub meter: Option<Option<Code>>,
    /// Whether anything is sent.
    pub enabled: Option<bool>,
}

/// A new secret for a receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRotation {
    /// The new secret; a random one if none.
    pub secret: Option<SigningSecret>,
    /// How long messages are signed with the older ones as well, in seconds.
    pub keep_seconds: u32,
}

/// Which events are told once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedeliveryRequest {
    /// Those that are wanted, from one number up to and with another.
    Between(u64, u64),
    /// Those that the receiver never took.
    DeadLetters,
}
