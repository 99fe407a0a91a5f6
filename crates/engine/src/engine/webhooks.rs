//! What doors may ask about receivers of events, and what their deliverer needs.

use std::sync::Arc;

use tokio::sync::watch;
use usance_core::caller::Caller;
use usance_core::event::{Events, Told};
use usance_core::id::WebhookId;
use usance_core::limits::WEBHOOKS_MAX;
use usance_core::time::Timestamp;
use usance_core::view::{Page, PageRequest};
use usance_core::webhook::{Attempt, DeadLetter, Redelivery, SigningSecret, Wants, WebhookView};

use super::Engine;
use crate::catalogue::webhooks::unlocked;
use crate::failure::Failure;
use crate::store::Slice;

/// A receiver as its deliverer needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The receiver, and how far it was told.
    pub view: WebhookView,
    /// What its messages are signed with, newest first, and until when.
    pub secrets: Vec<(SigningSecret, Option<Timestamp>)>,
    /// What is to be told once more, oldest first.
    pub redeliveries: Vec<Redelivery>,
}

#[expect(clippy::missing_errors_doc, reason = "all fail with a Failure")]
impl Engine {
    /// A receiver of events.
    pub async fn webhook(
        &self,
        caller: Arc<Caller>,
        of: WebhookId,
    ) -> Result<WebhookView, Failure> {
        self.query(caller, move |queries| queries.webhook(of)).await
    }

    /// Receivers of events, oldest first.
    pub async fn webhooks(
        &self,
        caller: Arc<Caller>,
        page: PageRequest,
    ) -> Result<Page<WebhookView>, Failure> {
        self.query(caller, move |queries| queries.webhooks(&page)).await
    }

    /// The newest attempts to tell a receiver something, newest first.
    pub async fn deliveries(
        &self,
        caller: Arc<Caller>,
        of: WebhookId,
        page: PageRequest,
    ) -> Result<Page<(u64, Attempt)>, Failure> {
        self.query(caller, move |queries| queries.deliveries(of, &page)).await
    }

    /// What a receiver never took, in the order of events.
    pub async fn dead_letters(
        &self,
        caller: Arc<Caller>,
        of: WebhookId,
        page: PageRequest,
    ) -> Result<Page<DeadLetter>, Failure> {
        self.query(caller, move |queries| queries.dead_letters(of, &page)).await
    }

    /// Events that a receiver wants, from `from` on.
    pub async fn events_for(
        &self,
        caller: Arc<Caller>,
        wants: Wants,
        from: u64,
        limit: usize,
    ) -> Result<Events, Failure> {
        self.query(caller, move |queries| queries.events_for(&wants, from, limit)).await
    }

    /// One event.
    pub async fn event(&self, caller: Arc<Caller>, number: u64) -> Result<Option<Told>, Failure> {
        self.query(caller, move |queries| queries.event(number)).await
    }

    /// All receivers of the account, with their secrets: for the process itself, never for a door.
    pub async fn endpoints(&self) -> Result<Vec<Endpoint>, Failure> {
        let caller = Arc::new(Caller::system(self.account()));
        let inner = Arc::clone(&self.0);
        self.query(caller, move |queries| {
            let (reader, account) = (queries.reader, queries.caller.account);
            let part = Slice { after: None, limit: WEBHOOKS_MAX };
            let mut endpoints = Vec::new();
            for view in reader.webhooks(account, &part)? {
                let id = view.webhook.id;
                let rows = reader.webhook_secrets(account, id)?;
                let secrets = rows.iter().filter_map(|row| {
                    let secret = unlocked(&inner.vault, id, row);
                    if secret.is_none() {
                        tracing::error!(webhook = %id, number = row.number, "a secret cannot be unlocked");
                    }
                    Some((secret?, row.expires_at))
                });
                let secrets = secrets.collect();
                let redeliveries = reader.redeliveries(account, id)?;
                endpoints.push(Endpoint { view, secrets, redeliveries });
            }
            Ok(endpoints)
        })
        .await
    }

    /// Changes when a receiver of events does, or a redelivery is asked for.
    #[must_use]
    pub fn webhook_changes(&self) -> watch::Receiver<u64> {
        self.0.shared.webhooks.subscribe()
    }
}
