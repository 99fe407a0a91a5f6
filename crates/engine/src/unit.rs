//! A unit of work: everything that one commit writes, decided beforehand.

use std::net::IpAddr;
use std::sync::Arc;

use usance_core::customer::Customer;
use usance_core::entitlement::Entitlement;
use usance_core::id::{
    AccountId, CustomerId, EntitlementId, LicenseId, PolicyId, ProductId, RuleId, TokenId, UserId,
    WebhookId,
};
use usance_core::ledger::commitment::Salt;
use usance_core::ledger::tree::{Hash, Position};
use usance_core::license::License;
use usance_core::live::LiveChange;
use usance_core::meter::{HourSums, MeterState};
use usance_core::policy::Policy;
use usance_core::product::Product;
use usance_core::rule::{Act, Rule};
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::token::{Token, TokenUse};
use usance_core::usage::{KeyDigest, Subject};
use usance_core::user::User;
use usance_core::webhook::{DeliveryNote, Progress, Redelivery, Webhook};

use crate::store::webhooks::WebhookSecretRow;
use crate::store::{LoadedMeter, SigningKeyRow};

/// The number of a ledger within a store.
pub type LedgerNumber = u32;

/// Everything that one commit writes.
#[derive(Debug, Default)]
pub struct Unit {
    /// Ledgers that begin with this unit.
    pub ledgers: Vec<NewLedger>,
    /// Records, in blocks.
    pub blocks: Vec<Block>,
    /// Subtrees that the records complete, at stored heights.
    pub nodes: Vec<(LedgerNumber, Position, Hash)>,
    /// Personal data beside the records.
    pub subjects: Vec<SubjectRow>,
    /// What changed in the catalogue, beside the records of it.
    pub details: Vec<DetailRow>,
    /// Idempotency keys that were spent.
    pub keys: Vec<SpentKey>,
    /// Meters that moved, each once.
    pub meters: Vec<MovedMeter>,
    /// Hours that are over, of meters that moved in a later one.
    pub hours: Vec<ClosedHour>,
    /// Changes of what lives on licenses.
    pub live: Vec<(AccountId, LicenseId, LiveChange)>,
    /// When licenses are to be looked at next; none is never.
    pub timers: Vec<(AccountId, LicenseId, Option<Timestamp>)>,
    /// Meters that refused, and how often.
    pub refusals: Vec<(LicenseId, usize, u64)>,
    /// Changes of the catalogue.
    pub changes: Vec<Change>,
    /// The writer's time of the unit.
    pub at: Option<Timestamp>,
    /// The network address of who asked, for the changes of the catalogue.
    pub origin: Option<IpAddr>,
}

/// A ledger that begins.
#[derive(Debug, Clone)]
pub struct NewLedger {
    /// Its number.
    pub number: LedgerNumber,
    /// Whose.
    pub account: AccountId,
}

/// Consecutive records of one ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Which ledger.
    pub ledger: LedgerNumber,
    /// Position of the first record.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// The tree's root after the last of them.
    pub root: Hash,
    /// The writer's signature over the checkpoint after the last of them; a unit's last block of
    /// each ledger has one.
    pub signature: Option<[u8; 64]>,
    /// The records, as `usance_core::ledger::block` lays them out.
    pub body: Vec<u8>,
}

/// Personal data of one record.
#[derive(Debug, Clone)]
pub struct SubjectRow {
    /// Which ledger.
    pub ledger: LedgerNumber,
    /// Which record.
    pub record: u64,
    /// What opens the commitment.
    pub salt: Salt,
    /// Who.
    pub subject: Subject,
}

/// A thing of the catalogue after a change.
#[derive(Debug, Clone)]
pub struct DetailRow {
    /// Which ledger.
    pub ledger: LedgerNumber,
    /// The record of the change.
    pub record: u64,
    /// The thing's id.
    pub thing: [u8; 16],
    /// The thing in its canonical text; empty if it is gone.
    pub text: String,
    /// What opens the ledger's commitment, where the thing is personal data.
    pub salt: Option<Salt>,
    /// From where it was changed, if that is known. Personal data.
    pub address: Option<String>,
}

/// An idempotency key that was spent.
#[derive(Debug, Clone, Copy)]
pub struct SpentKey {
    /// Its digest.
    pub key: KeyDigest,
    /// The ledger of its record.
    pub ledger: LedgerNumber,
    /// Its record.
    pub record: u64,
}

/// A meter that moved.
#[derive(Debug, Clone, Copy)]
pub struct MovedMeter {
    /// Whose.
    pub license: LicenseId,
    /// Which of the license's meters, by its place among those that were loaded. One that comes
    /// with the same unit has no place there: its state is in [`Change::ChangeMeters`].
    pub meter: usize,
    /// Where it stands now.
    pub state: MeterState,
}

/// The sums of an hour that is over.
#[derive(Debug, Clone)]
pub struct ClosedHour {
    /// Whose account.
    pub account: AccountId,
    /// Whose.
    pub license: LicenseId,
    /// Which meter.
    pub meter: Code,
    /// The sums.
    pub sums: HourSums,
}

/// A change of the catalogue.
#[derive(Debug, Clone)]
pub enum Change {
    /// A new account.
    PutAccount(AccountId, Timestamp),
    /// A new or changed product.
    PutProduct(AccountId, Product),
    /// A product is gone.
    DeleteProduct(AccountId, ProductId),
    /// A new or changed policy. Its licenses get the meters that it gained; one that a license had
    /// before, under another policy, goes on where it stood.
    PutPolicy(AccountId, Policy),
    /// A policy is gone.
    DeletePolicy(AccountId, PolicyId),
    /// A new or changed customer.
    PutCustomer(AccountId, Customer),
    /// A customer is gone.
    DeleteCustomer(AccountId, CustomerId),
    /// A new license with its meters.
    CreateLicense(AccountId, License, Vec<LoadedMeter>),
    /// A changed license.
    ChangeLicense(AccountId, License),
    /// A license's meter has another ceiling; where it stands is as it was.
    ChangeAllowed(AccountId, LicenseId, LoadedMeter),
    /// The licenses of a policy that have machines are to be looked at from then on, whatever their
    /// timers say: their terms changed.
    WakeLicenses(AccountId, PolicyId, Timestamp),
    /// A license's meters are these now, where each stands: some came or went. Those that are not
    /// among them are kept out of sight, with where they stood.
    ChangeMeters(AccountId, License, Arc<Policy>, Vec<LoadedMeter>, Vec<LoadedMeter>),
    /// A license and its meters are gone.
    DeleteLicense(AccountId, LicenseId),
    /// A new or changed token.
    PutToken(AccountId, Token),
    /// How often a token was presented.
    PutTokenUse(AccountId, TokenId, TokenUse),
    /// A new or changed entitlement.
    PutEntitlement(AccountId, Entitlement),
    /// An entitlement is gone.
    DeleteEntitlement(AccountId, EntitlementId),
    /// A new or changed person.
    PutUser(AccountId, User),
    /// A person is forgotten.
    DeleteUser(AccountId, UserId),
    /// A new or retired key for license files.
    PutSigningKey(AccountId, SigningKeyRow),
    /// A new or changed rule.
    PutRule(AccountId, Rule),
    /// A rule told of something: it is the rule that it was.
    TellRule(AccountId, Rule),
    /// A rule is gone.
    DeleteRule(AccountId, RuleId),
    /// A rule acted.
    PutAct(AccountId, Act),
    /// What a rule did to a license was undone, or what all did.
    UndoActs(AccountId, LicenseId, Option<RuleId>, Timestamp),
    /// A new or changed receiver of events; with where it goes on, if that changes.
    PutWebhook(AccountId, Webhook, Option<Progress>),
    /// A receiver of events is gone.
    DeleteWebhook(AccountId, WebhookId),
    /// The newest secret of a receiver of events.
    PutWebhookSecret {
        /// Whose.
        account: AccountId,
        /// Which receiver.
        webhook: WebhookId,
        /// The secret.
        secret: WebhookSecretRow,
        /// When the older ones end at the latest.
        older_until: Timestamp,
        /// The writer's time.
        now: Timestamp,
    },
    /// A receiver is to be told events once more.
    PutRedelivery(AccountId, WebhookId, Redelivery),
    /// How deliveries went.
    NoteDelivery(AccountId, DeliveryNote),
}

impl Change {
    /// Whether those who deliver events must look at their receivers again.
    #[must_use]
    pub const fn is_of_webhooks(&self) -> bool {
        matches!(
            self,
            Self::PutWebhook(..)
                | Self::DeleteWebhook(..)
                | Self::PutWebhookSecret { .. }
                | Self::PutRedelivery(..)
        )
    }
}

impl Unit {
    /// Whether other rules are in force after it.
    #[must_use]
    pub fn changes_rules(&self) -> bool {
        let is_rule =
            |change: &Change| matches!(change, Change::PutRule(..) | Change::DeleteRule(..));
        self.changes.iter().any(is_rule)
    }
}
