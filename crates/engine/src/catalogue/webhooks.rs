//! Receivers of events.

use usance_core::caller::Credential;
use usance_core::command::{
    NewWebhook, RedeliveryRequest, Reply, Secret, SecretRotation, WebhookPatch,
};
use usance_core::id::{ProductId, WebhookId};
use usance_core::ledger::canonical;
use usance_core::ledger::record::{Action, Entity};
use usance_core::license::LicenseRef;
use usance_core::limits::{
    REDELIVERIES_MAX, WEBHOOK_SECRET_KEPT_SECONDS_MAX, WEBHOOK_URL_BYTES_MAX, WEBHOOKS_MAX,
};
use usance_core::refusal::Refusal;
use usance_core::text::display_name;
use usance_core::token::Permission;
use usance_core::webhook::{
    DeliveryNote, Disabled, Outcome, Progress, Redelivery, SigningSecret, Wants, Webhook,
    WebhookView, WhyDisabled, check_url,
};

use super::{Decided, Desk, Undecided};
use crate::queries::{known_license, known_product, known_webhook};
use crate::random::uuid_v7;
use crate::store::Slice;
use crate::store::webhooks::WebhookSecretRow;
use crate::unit::Change;
use crate::vault::Vault;

/// The name under which a receiver's secret is locked away.
fn lock_name(id: WebhookId, number: u32) -> String {
    format!("webhook {id} {number}")
}

/// A receiver's secret, unlocked.
pub fn unlocked(vault: &Vault, id: WebhookId, row: &WebhookSecretRow) -> Option<SigningSecret> {
    SigningSecret::new(vault.unlock(&lock_name(id, row.number), &row.secret)?).ok()
}

impl Desk<'_> {
    /// Who decides what leaves by itself can see it, all of it: nothing for a locked caller.
    fn need_webhooks(&self) -> Result<(), Refusal> {
        self.caller.need(Permission::WebhookWrite)?;
        self.caller.need_unlocked()
    }

    pub(super) fn create_webhook(&mut self, new: NewWebhook) -> Result<Decided, Undecided> {
        self.need_webhooks()?;
        check_url(&new.url)?;
        let part = Slice { after: None, limit: WEBHOOKS_MAX };
        if self.reader.webhooks(self.caller.account, &part)?.len() >= WEBHOOKS_MAX {
            let what = "is one more than the 64 that an account may have; delete one first";
            return Err(Refusal::invalid("webhook", what).into());
        }
        // The position of the record that tells of it: the first thing that it may hear of.
        let end = self.head.size();
        let next = new.from.unwrap_or(end);
        if next > end {
            let what = "must not be beyond the end of the ledger";
            return Err(Refusal::invalid("from", what).into());
        }
        let wants = Wants {
            kinds: new.kinds,
            license: new.license.map(|of| self.license_id(&of)).transpose()?,
            product: new.product.map(|of| self.product_id(&of)).transpose()?,
            meter: new.meter,
        };
        let webhook = Webhook {
            id: WebhookId::from_bytes(uuid_v7(self.now)),
            name: name(new.name.unwrap_or_else(|| new.url.clone()))?,
            url: new.url,
            wants,
            disabled: None,
            secret: 1,
            created_at: self.now,
            updated_at: self.now,
        };
        let secret = new.secret.unwrap_or_else(random_secret);
        let progress = Progress { next, ..Progress::default() };
        let mut decided = self.put_webhook(Action::Created, fresh(webhook, progress), true);
        self.put_secret(&mut decided, &secret, 0);
        Ok(decided)
    }

    fn license_id(&self, of: &LicenseRef) -> Result<usance_core::id::LicenseId, Undecided> {
        Ok(known_license(self.reader, self.caller, of)?.id)
    }

    fn product_id(
        &self,
        of: &usance_core::command::Ref<ProductId>,
    ) -> Result<ProductId, Undecided> {
        Ok(known_product(self.reader, self.caller, of)?.id)
    }

    pub(super) fn change_webhook(
        &mut self,
        of: WebhookId,
        patch: WebhookPatch,
    ) -> Result<Decided, Undecided> {
        self.need_webhooks()?;
        let mut view = known_webhook(self.reader, self.caller, of)?;
        let webhook = &mut view.webhook;
        if let Some(new) = patch.name {
            webhook.name = name(new)?;
        }
        if let Some(url) = patch.url {
            check_url(&url)?;
            webhook.url = url;
        }
        if let Some(kinds) = patch.kinds {
            webhook.wants.kinds = kinds;
        }
        if let Some(license) = patch.license {
            webhook.wants.license = license.map(|of| self.license_id(&of)).transpose()?;
        }
        if let Some(product) = patch.product {
            webhook.wants.product = product.map(|of| self.product_id(&of)).transpose()?;
        }
        if let Some(meter) = patch.meter {
            webhook.wants.meter = meter;
        }
        let mut is_back = false;
        match patch.enabled {
            Some(true) if webhook.disabled.is_some() => {
                webhook.disabled = None;
                is_back = true;
            }
            Some(false) if webhook.disabled.is_none() => {
                webhook.disabled = Some(Disabled { at: self.now, why: WhyDisabled::Asked });
            }
            _ => {}
        }
        webhook.updated_at = self.now;
        if is_back {
            // What it has missed is told at once, from where it stopped.
            view.progress = Progress { next: view.progress.next, ..Progress::default() };
        }
        Ok(self.put_webhook(Action::Changed, view, is_back))
    }

    fn put_webhook(&self, action: Action, view: WebhookView, with_progress: bool) -> Decided {
        let webhook = view.webhook.clone();
        let text = canonical::webhook(&webhook);
        let id = *webhook.id.bytes();
        let progress = with_progress.then_some(view.progress);
        Decided {
            changes: vec![Change::PutWebhook(self.caller.account, webhook, progress)],
            events: self.event(Entity::Webhook, action, id, text),
            reply: Reply::Webhook(Box::new(view), None),
        }
    }

    /// Locks the newest secret of the receiver that `decided` makes or changes, and hands it over.
    fn put_secret(&self, decided: &mut Decided, secret: &SigningSecret, keep_seconds: u32) {
        let Reply::Webhook(view, shown) = &mut decided.reply else { return };
        let (id, number) = (view.webhook.id, view.webhook.secret);
        let secret_row = WebhookSecretRow {
            number,
            secret: self.vault.lock(&lock_name(id, number), secret.bytes()),
            expires_at: None,
        };
        let older_until = self.now.plus_ms(i64::from(keep_seconds) * 1000);
        decided.changes.push(Change::PutWebhookSecret {
            account: self.caller.account,
            webhook: id,
            secret: secret_row,
            older_until,
            now: self.now,
        });
        *shown = Some(Secret(secret.text()));
    }

    pub(super) fn delete_webhook(&mut self, of: WebhookId) -> Result<Decided, Undecided> {
        self.need_webhooks()?;
        let view = known_webhook(self.reader, self.caller, of)?;
        let text = canonical::webhook(&view.webhook);
        Ok(Decided {
            changes: vec![Change::DeleteWebhook(self.caller.account, of)],
            events: self.event(Entity::Webhook, Action::Deleted, *of.bytes(), text),
            reply: Reply::Deleted,
        })
    }

    pub(super) fn rotate_webhook_secret(
        &mut self,
        of: WebhookId,
        rotation: &SecretRotation,
    ) -> Result<Decided, Undecided> {
        self.need_webhooks()?;
        if rotation.keep_seconds > WEBHOOK_SECRET_KEPT_SECONDS_MAX {
            return Err(Refusal::invalid("keep_seconds", "may be at most 2592000").into());
        }
        let mut view = known_webhook(self.reader, self.caller, of)?;
        view.webhook.secret += 1;
        view.webhook.updated_at = self.now;
        let secret = rotation.secret.clone().unwrap_or_else(random_secret);
        let mut decided = self.put_webhook(Action::Changed, view, false);
        self.put_secret(&mut decided, &secret, rotation.keep_seconds);
        Ok(decided)
    }

    pub(super) fn redeliver(
        &mut self,
        of: WebhookId,
        request: RedeliveryRequest,
    ) -> Result<Decided, Undecided> {
        self.need_webhooks()?;
        let mut view = known_webhook(self.reader, self.caller, of)?;
        let end = self.head.size();
        let (is_dead_only, next, until) = match request {
            RedeliveryRequest::DeadLetters => (true, 0, end),
            RedeliveryRequest::Between(from, to) if from > to => {
                return Err(Refusal::invalid("to", "must not be before from").into());
            }
            RedeliveryRequest::Between(_, to) if to >= end => {
                return Err(Refusal::invalid("to", "must be an event that there is").into());
            }
            RedeliveryRequest::Between(from, to) => (false, from, to + 1),
        };
        let waiting = self.reader.redeliveries(self.caller.account, of)?;
        if waiting.len() >= REDELIVERIES_MAX {
            let what = "is one more than the 16 that may wait; let some finish first";
            return Err(Refusal::invalid("redelivery", what).into());
        }
        // Never one that was there before: who worked on it knows it by its number.
        let now = u64::try_from(self.now.0).unwrap_or(0);
        let number = waiting.last().map_or(now, |last| now.max(last.number + 1));
        let progress = Progress { next, ..Progress::default() };
        let redelivery = Redelivery { number, is_dead_only, until, progress };
        view.redeliveries += 1;
        Ok(Decided {
            changes: vec![Change::PutRedelivery(self.caller.account, of, redelivery)],
            events: Vec::new(),
            reply: Reply::Webhook(Box::new(view), None),
        })
    }

    pub(super) fn note_deliveries(
        &mut self,
        notes: Vec<DeliveryNote>,
    ) -> Result<Decided, Undecided> {
        if self.caller.credential != Credential::System {
            return Err(Refusal::PermissionMissing(Permission::WebhookWrite).into());
        }
        let account = self.caller.account;
        let mut decided = Decided { changes: Vec::new(), events: Vec::new(), reply: Reply::Noted };
        let mut gone: Vec<WebhookId> = Vec::new();
        for note in notes {
            // It may have been deleted while something was under way to it.
            let Some(view) = self.reader.webhook(account, note.webhook)? else { continue };
            let said_gone = note.attempts.iter().any(|each| each.outcome == Outcome::Gone);
            if said_gone && view.webhook.disabled.is_none() && !gone.contains(&note.webhook) {
                gone.push(note.webhook);
                let mut webhook = view.webhook;
                webhook.disabled = Some(Disabled { at: self.now, why: WhyDisabled::Gone });
                webhook.updated_at = self.now;
                let text = canonical::webhook(&webhook);
                let id = *webhook.id.bytes();
                decided.events.extend(self.event(Entity::Webhook, Action::Changed, id, text));
                decided.changes.push(Change::PutWebhook(account, webhook, None));
            }
            decided.changes.push(Change::NoteDelivery(account, note));
        }
        Ok(decided)
    }
}

fn random_secret() -> SigningSecret {
    SigningSecret::new(crate::random::bytes::<32>().to_vec()).expect("32 bytes are a good length")
}

fn name(text: String) -> Result<String, Refusal> {
    let end = (0..=text.len().min(200)).rev().find(|end| text.is_char_boundary(*end));
    let is_url = text.starts_with("http") && text.len() <= WEBHOOK_URL_BYTES_MAX;
    match end {
        // The address stands in for a name, and may be longer than one.
        Some(end) if is_url => display_name("name", text[..end].to_owned()),
        _ => display_name("name", text),
    }
}

/// A receiver that was told nothing yet.
fn fresh(webhook: Webhook, progress: Progress) -> WebhookView {
    WebhookView {
        webhook,
        progress,
        delivered_at: None,
        failed_at: None,
        dead_letters: 0,
        redeliveries: 0,
    }
}
