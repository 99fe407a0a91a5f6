//! Changes of the catalogue: loads what a command refers to and decides it.

mod licenses;
mod products;
mod tokens;

use usance_core::caller::{Caller, Credential};
use usance_core::command::{Command, Reply};
use usance_core::ledger::record::{Action, ChangedEvent, Entity};
use usance_core::refusal::{Kind, Refusal};
use usance_core::time::Timestamp;

use crate::store::{Reader, Store, StoreError};
use crate::unit::Change;

/// What a command leads to.
#[derive(Debug)]
pub struct Decided {
    /// What to write.
    pub changes: Vec<Change>,
    /// What the ledger says of it, where it matters to a bill.
    pub event: Option<ChangedEvent>,
    /// What the caller hears.
    pub reply: Reply,
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

/// What decisions need: who asks, when, and what is stored.
pub struct Desk<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// The writer's time.
    pub now: Timestamp,
    /// What is committed.
    pub reader: &'a dyn Reader,
    /// Where meters stand.
    pub store: &'a mut dyn Store,
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
            Command::ChangeAllowed(of, meter, change) => self.change_allowed(&of, &meter, change),
            Command::CreateToken(new) => self.create_token(new),
            Command::RevokeToken(id) => self.revoke_token(id),
        }
    }

    fn event(
        &self,
        entity: Entity,
        action: Action,
        id: [u8; 16],
        digest: [u8; 32],
    ) -> Option<ChangedEvent> {
        let by = match self.caller.credential {
            Credential::Token(token) => Some(token),
            Credential::License(_) | Credential::System => None,
        };
        Some(ChangedEvent { entity, action, id, by, digest })
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
