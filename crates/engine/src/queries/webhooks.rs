//! Questions about receivers of events.

use usance_core::caller::Caller;
use usance_core::command::Ref;
use usance_core::event::{EventFilter, Events, Told, What};
use usance_core::id::{ActivationId, LicenseId, PolicyId, ProductId, WebhookId};
use usance_core::license::LicenseRef;
use usance_core::refusal::{Kind, Refusal};
use usance_core::token::Permission;
use usance_core::view::{Page, PageRequest};
use usance_core::webhook::{Attempt, DeadLetter, Redelivery, Wants, WebhookView};

use super::{Queries, bad_cursor, page, slice};
use crate::catalogue::Undecided;
use crate::store::{FastMap, Reader};

type Answer<T> = Result<T, Undecided>;

/// A receiver of events.
///
/// # Errors
/// [`Refusal::Unknown`], or the store's.
pub fn known_webhook(
    reader: &dyn Reader,
    caller: &Caller,
    of: WebhookId,
) -> Result<WebhookView, Undecided> {
    let found = reader.webhook(caller.account, of)?;
    Ok(found.ok_or_else(|| Refusal::Unknown(Kind::Webhook, of.to_string()))?)
}

#[expect(clippy::missing_errors_doc, reason = "all fail with a refusal, or as the store does")]
impl Queries<'_> {
    /// A receiver, and how far it was told.
    pub fn webhook(&self, of: WebhookId) -> Answer<WebhookView> {
        self.caller.need(Permission::WebhookRead)?;
        self.caller.need_unlocked()?;
        known_webhook(self.reader, self.caller, of)
    }

    /// Receivers, oldest first.
    pub fn webhooks(&self, request: &PageRequest) -> Answer<Page<WebhookView>> {
        self.caller.need(Permission::WebhookRead)?;
        self.caller.need_unlocked()?;
        let part = slice(request, |text| Some(*text.parse::<WebhookId>().ok()?.bytes()))?;
        let found = self.reader.webhooks(self.caller.account, &part);
        Ok(page(request, found, |view| view.webhook.id.to_string())?)
    }

    /// The newest attempts, with their numbers, newest first.
    pub fn deliveries(&self, of: WebhookId, request: &PageRequest) -> Answer<Page<(u64, Attempt)>> {
        self.webhook(of)?;
        let before = number(request)?;
        let limit = slice(&PageRequest { limit: request.limit, cursor: None }, |_| None)?.limit;
        let found = self.reader.attempts(self.caller.account, of, before, limit);
        Ok(page(request, found, |(number, _)| number.to_string())?)
    }

    /// Dead letters, in the order of their events.
    pub fn dead_letters(&self, of: WebhookId, request: &PageRequest) -> Answer<Page<DeadLetter>> {
        self.webhook(of)?;
        let from = number(request)?.map_or(0, |last| last.saturating_add(1));
        let limit = slice(&PageRequest { limit: request.limit, cursor: None }, |_| None)?.limit;
        let found = self.reader.dead_letters(self.caller.account, of, from, limit);
        Ok(page(request, found, |letter| letter.event.to_string())?)
    }

    /// Redeliveries that are not finished, oldest first.
    pub fn redeliveries(&self, of: WebhookId) -> Answer<Vec<Redelivery>> {
        self.webhook(of)?;
        Ok(self.reader.redeliveries(self.caller.account, of)?)
    }

    /// Events from `from` on that a receiver wants, as [`Queries::events`].
    pub fn events_for(&self, wants: &Wants, from: u64, limit: usize) -> Answer<Events> {
        let mut events = self.events(from, &wants.filter(), limit)?;
        if let Some(product) = wants.product {
            let mut known = FastMap::default();
            let mut kept = Vec::with_capacity(events.items.len());
            for told in events.items {
                if self.is_of(product, &told, &mut known)? {
                    kept.push(told);
                }
            }
            events.items = kept;
        }
        Ok(events)
    }

    /// One event, whatever it is.
    pub fn event(&self, number: u64) -> Answer<Option<Told>> {
        let events = self.events(number, &EventFilter::default(), 1)?;
        Ok(events.items.into_iter().next())
    }

    /// Whether an event is about a product: about itself, or about something of it. Of what is gone
    /// only its text can tell.
    fn is_of(
        &self,
        product: ProductId,
        told: &Told,
        known: &mut FastMap<LicenseId, Option<ProductId>>,
    ) -> Answer<bool> {
        let account = self.caller.account;
        let mut of_license = |license: LicenseId| -> Answer<Option<ProductId>> {
            if let Some(found) = known.get(&license) {
                return Ok(*found);
            }
            let found = self.reader.license(account, &LicenseRef::Id(license))?;
            let found = found.map(|license| license.product);
            known.insert(license, found);
            Ok(found)
        };
        if let Some(license) = told.license
            && let Some(found) = of_license(license)?
        {
            return Ok(found == product);
        }
        let What::Changed { thing, before, after, .. } = &told.what else { return Ok(false) };
        if let Ok(id) = thing.parse::<ProductId>() {
            return Ok(id == product);
        }
        // Others may name a product, as a lock or a wish, and are not of it.
        let prefixes = [PolicyId::PREFIX, LicenseId::PREFIX, ActivationId::PREFIX];
        if !prefixes.iter().any(|prefix| thing.starts_with(prefix)) {
            return Ok(false);
        }
        let text = after.as_deref().filter(|text| !text.is_empty()).or(before.as_deref());
        let named =
            |name: &str| text?.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        if let Some(found) = named("product").and_then(|text| text.parse::<ProductId>().ok()) {
            return Ok(found == product);
        }
        if let Some(license) = named("license").and_then(|text| text.parse().ok()) {
            return Ok(of_license(license)? == Some(product));
        }
        if let Some(policy) = named("policy").and_then(|text| text.parse::<PolicyId>().ok()) {
            let found = self.reader.policy(account, &Ref::Id(policy))?;
            return Ok(found.is_some_and(|policy| policy.product == product));
        }
        Ok(false)
    }
}

/// The number that a cursor is.
fn number(request: &PageRequest) -> Result<Option<u64>, Refusal> {
    let read = |text: &String| text.parse().map_err(|_| bad_cursor());
    request.cursor.as_ref().map(read).transpose()
}
