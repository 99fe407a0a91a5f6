//! What the engine asks of a store about receivers of events.

use std::fmt;

use usance_core::id::{AccountId, WebhookId};
use usance_core::time::Timestamp;
use usance_core::webhook::{Attempt, DeadLetter, Redelivery, WebhookView};

use super::{Slice, StoreError};

/// A secret of a receiver.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecretRow {
    /// Its number among those of the receiver; the first is 1.
    pub number: u32,
    /// The secret, encrypted with the writer's key.
    pub secret: Vec<u8>,
    /// Until when it signs; none is until it is replaced.
    pub expires_at: Option<Timestamp>,
}

impl fmt::Debug for WebhookSecretRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSecretRow").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The part of a store's reading half that is about receivers of events.
///
/// All methods fail with [`StoreError`] and nothing else.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait WebhookReader {
    /// A receiver.
    fn webhook(&self, of: AccountId, id: WebhookId) -> Result<Option<WebhookView>, StoreError>;

    /// Receivers, oldest first.
    fn webhooks(&self, of: AccountId, part: &Slice) -> Result<Vec<WebhookView>, StoreError>;

    /// The secrets of a receiver, newest first.
    fn webhook_secrets(
        &self,
        of: AccountId,
        id: WebhookId,
    ) -> Result<Vec<WebhookSecretRow>, StoreError>;

    /// Attempts with their numbers, newest first; only those before a number.
    fn attempts(
        &self,
        of: AccountId,
        id: WebhookId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Attempt)>, StoreError>;

    /// Dead letters from an event on, in the order of events.
    fn dead_letters(
        &self,
        of: AccountId,
        id: WebhookId,
        from: u64,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, StoreError>;

    /// Redeliveries that are not finished, oldest first.
    fn redeliveries(&self, of: AccountId, id: WebhookId) -> Result<Vec<Redelivery>, StoreError>;
}
