//! Changes of the catalogue: loads what a command refers to and decides it.

mod customers;
mod entitlements;
mod files;
mod licenses;
mod lifecycle;
mod machines;
mod meters;
mod policies;
mod products;
mod rules;
mod tokens;
mod users;
pub(crate) mod webhooks;

use std::str::FromStr;

use usance_core::caller::{Caller, Credential};
use usance_core::command::{Command, Reply};
use usance_core::id::TokenId;
use usance_core::ledger::canonical::Canonical;
use usance_core::ledger::commitment::Salt;
use usance_core::ledger::record::{Action, ChangedEvent, Entity, Event};
use usance_core::license::LicenseRef;
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::token::Permissions;

use crate::ledger_head::LedgerHead;
use crate::moving::Moving;
use crate::queries::known_license;
use crate::store::{LoadedLicense, Reader, Referent, Store, StoreError};
use crate::unit::{Change, DetailRow, Unit};
use crate::vault::Vault;
use crate::writer::load_one;

/// What a command leads to.
#[derive(Debug)]
pub struct Decided {
    /// What to write.
    pub changes: Vec<Change>,
    /// What the ledger says of it, where it matters to a bill.
    pub events: Vec<ToldChange>,
    /// What the caller hears.
    pub reply: Reply,
}

/// A change, as the ledger and the audit log tell it.
#[derive(Debug, Clone)]
pub struct ToldChange {
    /// What the ledger says.
    pub event: ChangedEvent,
    /// The thing after the change, in its canonical text.
    pub text: String,
    /// What opens the ledger's commitment, where the thing is personal data.
    pub salt: Option<Salt>,
}

impl ToldChange {
    /// Appends the record, and lays the text beside it.
    pub fn append(&self, head: &mut LedgerHead, unit: &mut Unit) {
        let record = head.append(Event::Changed(self.event), unit);
        // What is gone has no text any more, also not in the log.
        let text = match self.event.action {
            Action::Deleted => String::new(),
            _ => self.text.clone(),
        };
        let row = DetailRow {
            ledger: head.number(),
            record,
            thing: self.event.id,
            text,
            salt: self.salt,
            address: unit.origin.map(|origin| origin.to_string()),
        };
        unit.details.push(row);
    }
}

/// Why a command is not carried out.
#[derive(Debug)]
pub enum Undecided {
    /// An expected no.
    Refused(Refusal),
    /// The store failed.
    Store(StoreError),
}

impl From<Refusal> for Undecided {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Undecided {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What decisions need: who asks, when, what is stored, and where what follows goes.
pub struct Desk<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// The writer's time.
    pub now: Timestamp,
    /// What is committed.
    pub reader: &'a dyn Reader,
    /// Where meters stand.
    pub store: &'a mut dyn Store,
    /// What keeps the secret halves of signing keys.
    pub vault: &'a Vault,
    /// The ledger of the caller's account.
    pub head: &'a mut LedgerHead,
    /// What this unit of work writes.
    pub unit: &'a mut Unit,
}

impl Desk<'_> {
    /// Decides a command.
    ///
    /// # Errors
    /// [`Undecided`], and then nothing is to be written.
    pub fn decide(&mut self, command: Command) -> Result<Decided, Undecided> {
        match command {
            Command::CreateProduct(new) => self.create_product(new),
            Command::ChangeProduct(of, patch) => self.change_product(&of, patch),
            Command::DeleteProduct(of) => self.delete_product(&of),
            Command::CreatePolicy(new) => self.create_policy(new),
            Command::ChangePolicy(of, patch) => self.change_policy(&of, patch),
            Command::DeletePolicy(of) => self.delete_policy(&of),
            Command::CreateCustomer(new) => self.create_customer(new),
            Command::ChangeCustomer(of, patch) => self.change_customer(&of, patch),
            Command::DeleteCustomer(of) => self.delete_customer(&of),
            Command::CreateLicense(new) => self.create_license(new),
            Command::ChangeLicense(of, patch) => self.change_license(&of, patch),
            Command::ChangeStanding(of, change) => self.change_standing(&of, change),
            Command::DeleteLicense(of) => self.delete_license(&of),
            Command::RenewLicense(of) => self.renew_license(&of),
            Command::CheckInLicense(of) => self.check_in_license(&of),
            Command::TransferLicense(of, policy) => self.transfer_license(&of, &policy),
            Command::ValidateLicense(of, request) => self.validate_license(&of, request),
            Command::MakeFile(of, request) => self.make_file(&of, request),
            Command::ChangeAllowed(of, meter, change) => self.change_allowed(&of, &meter, change),
            Command::AddMeter(of, new) => self.add_meter(&of, new),
            Command::RemoveMeter(of, meter) => self.remove_meter(&of, &meter),
            Command::Activate(of, new) => self.activate(&of, new),
            Command::ChangeActivation(of, machine, patch) => {
                self.change_activation(&of, &machine, patch)
            }
            Command::HeartbeatActivation(of, machine) => self.heartbeat(&of, &machine),
            Command::ResetHeartbeat(of, machine) => self.reset_heartbeat(&of, &machine),
            Command::Deactivate(of, machine) => self.deactivate(&of, &machine),
            Command::StartProcess(of, machine, new) => self.start_process(&of, &machine, new),
            Command::HeartbeatProcess(of, process) => self.heartbeat_process(&of, process),
            Command::EndProcess(of, process) => self.end_process(&of, process),
            Command::CreateEntitlement(new) => self.create_entitlement(new),
            Command::ChangeEntitlement(of, patch) => self.change_entitlement(&of, patch),
            Command::DeleteEntitlement(of) => self.delete_entitlement(&of),
            Command::CreateUser(new) => self.create_user(new),
            Command::ChangeUser(of, patch) => self.change_user(&of, patch),
            Command::BanUser(of, is_banned) => self.ban_user(&of, is_banned),
            Command::DeleteUser(of) => self.delete_user(&of),
            Command::RotateKey => self.rotate_key(),
            Command::CreateToken(new) => self.create_token(new),
            Command::RevokeToken(id) => self.revoke_token(id),
            Command::CreateWebhook(new) => self.create_webhook(new),
            Command::ChangeWebhook(of, patch) => self.change_webhook(of, patch),
            Command::DeleteWebhook(of) => self.delete_webhook(of),
            Command::RotateWebhookSecret(of, new) => self.rotate_webhook_secret(of, &new),
            Command::Redeliver(of, request) => self.redeliver(of, request),
            Command::NoteDeliveries(notes) => self.note_deliveries(notes),
            Command::CreateRule(new) => self.create_rule(new),
            Command::ChangeRule(of, patch) => self.change_rule(&of, patch),
            Command::DeleteRule(of) => self.delete_rule(&of),
            Command::Act(new) => self.act(new),
            Command::Unblock(of, rule) => self.unblock(&of, rule.as_ref()),
        }
    }

    /// What the ledger says of a thing: its hash. The text lies beside it.
    fn event(
        &self,
        entity: Entity,
        action: Action,
        id: [u8; 16],
        text: Canonical,
    ) -> Vec<ToldChange> {
        let event = ChangedEvent { entity, action, id, by: self.by(), digest: text.digest() };
        vec![ToldChange { event, text: text.0, salt: None }]
    }

    /// What the ledger says of a thing that is personal data: a commitment, which means nothing any
    /// more when what lies beside it is erased.
    fn private_event(
        &self,
        entity: Entity,
        action: Action,
        id: [u8; 16],
        text: Canonical,
    ) -> Vec<ToldChange> {
        let salt = crate::random::salt();
        let digest = text.commitment(&salt);
        let event = ChangedEvent { entity, action, id, by: self.by(), digest };
        vec![ToldChange { event, text: text.0, salt: Some(salt) }]
    }

    /// Nobody can give away what they may not do themselves.
    fn need_grantable(&self, permissions: Permissions) -> Result<(), Refusal> {
        if self.caller.permissions.contain_all(permissions) {
            return Ok(());
        }
        let missing = permissions.iter().find(|wanted| !self.caller.permissions.contain(*wanted));
        Err(match missing {
            Some(permission) => Refusal::PermissionMissing(permission),
            None => Refusal::invalid("permissions", "may hold '*' only if the caller has '*'"),
        })
    }

    fn need_unreferred(&self, kind: Kind, to: &Referent) -> Result<(), Undecided> {
        match self.reader.referrer(self.caller.account, to)? {
            None => Ok(()),
            Some(by) => Err(Refusal::InUse(kind, by).into()),
        }
    }

    /// The token that asks, for the ledger.
    fn by(&self) -> Option<TokenId> {
        match self.caller.credential {
            Credential::Token(token) => Some(token),
            Credential::License(_) | Credential::System => None,
        }
    }

    /// Sets the timer of a license anew, whose terms or meters are these from now on.
    fn rewind(&mut self, loaded: LoadedLicense) {
        let mut moving = Moving::new(loaded);
        moving.stir();
        moving.wind(self.unit);
    }

    /// A license that the caller may know of, with its meters and what lives on it.
    fn moving(&mut self, of: &LicenseRef) -> Result<Moving, Undecided> {
        let license = known_license(self.reader, self.caller, of)?;
        Ok(Moving::new(load_one(self.store, self.caller.account, license.id)?))
    }

    /// The same, after all that is due on it was carried out, under the terms that it has still.
    fn tended(&mut self, of: &LicenseRef) -> Result<Moving, Undecided> {
        let mut moving = self.moving(of)?;
        moving.tend(self.head, self.unit)?;
        moving.wind(self.unit);
        Ok(moving)
    }
}

/// Refuses what takes nothing new.
fn live(kind: Kind, archived_at: Option<Timestamp>) -> Result<(), Refusal> {
    if archived_at.is_some() { Err(Refusal::Archived(kind)) } else { Ok(()) }
}

fn archived(wanted: Option<bool>, since: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    match wanted {
        None => since,
        Some(false) => None,
        Some(true) => Some(since.unwrap_or(now)),
    }
}

/// A code in the form of an id could never be asked for.
fn need_unlike_id<Id: FromStr>(code: &Code) -> Result<(), Refusal> {
    match code.parse::<Id>() {
        Ok(_) => Err(Refusal::invalid("code", "must not have the form of an id")),
        Err(_) => Ok(()),
    }
}

fn email(text: String) -> Result<String, Refusal> {
    let has_shape = text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace)
    });
    if has_shape && text.len() <= 254 {
        return Ok(text);
    }
    Err(Refusal::invalid("email", "must be an address like name@example.com"))
}
