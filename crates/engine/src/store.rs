//! What the engine needs of a store: units of work and queries, not rows.
//!
//! `tests/conformance` is the contract in code; every store must pass it.

pub mod rules;
pub mod sqlite;
pub mod webhooks;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use usance_core::activation::Activation;
use usance_core::artefact::PublicKey;
use usance_core::command::{Ref, UserRef};
use usance_core::customer::Customer;
use usance_core::entitlement::Entitlement;
use usance_core::id::{
    AccountId, ActivationId, CustomerId, EntitlementId, LicenseId, PolicyId, ProductId, TokenId,
    UserId, WriterId,
};
use usance_core::ledger::canonical::MeterEntry;
use usance_core::ledger::tree::{Frontier, Hash, Position};
use usance_core::license::{License, LicenseRef};
use usance_core::live::Live;
use usance_core::meter::{AllowedFrom, HourSums, MeterSpec, MeterState};
use usance_core::policy::Policy;
use usance_core::product::Product;
use usance_core::quantity::Scale;
use usance_core::terms::Terms;
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::token::{SecretHash, Token};
use usance_core::usage::{KeyDigest, Subject};
use usance_core::user::User;

use self::rules::RuleReader;
use self::webhooks::WebhookReader;
use crate::unit::{Block, LedgerNumber, Unit};

/// A hash map for keys that are random already.
pub type FastMap<K, V> = HashMap<K, V, RandomState>;

/// Why a store did not do what it was asked. Closed: each calls for something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing was written; there is no room. Goes on once there is.
    #[error("no room on the disk: {0}")]
    Full(String),
    /// Nothing was written; the store could not be reached.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It is not known whether the commit happened. Read the truth again before going on.
    #[error("the outcome of a commit is unknown: {0}")]
    UnknownOutcome(String),
    /// What is stored contradicts itself. Writes must stop.
    #[error("the store is corrupt: {0}")]
    Corrupt(String),
}

/// What a unit of work is about to touch.
#[derive(Debug, Default)]
pub struct Wanted<'a> {
    /// Licenses, each with its account.
    pub licenses: Vec<(AccountId, &'a LicenseRef)>,
    /// Idempotency keys that may have been spent.
    pub keys: Vec<KeyDigest>,
}

/// What a unit of work touches.
#[derive(Debug, Default)]
pub struct Loaded {
    /// For each wanted license its place in `licenses`, if it exists.
    pub places: Vec<Option<usize>>,
    /// The licenses, each once.
    pub licenses: Vec<LoadedLicense>,
    /// The records of keys that were spent: ledger, position, bytes. May hold keys whose window is
    /// over; the record's time tells.
    pub spent: FastMap<KeyDigest, (LedgerNumber, u64, Vec<u8>)>,
}

/// A license and where its meters stand.
#[derive(Debug, Clone)]
pub struct LoadedLicense {
    /// Its account.
    pub account: AccountId,
    /// The license.
    pub license: Arc<License>,
    /// Its policy.
    pub policy: Arc<Policy>,
    /// Its policy's terms, with what it states otherwise.
    pub terms: Arc<Terms>,
    /// Its meters: those of its policy in their order, then its own by name.
    pub meters: Vec<LoadedMeter>,
    /// What lives on it.
    pub live: Arc<Live>,
    /// When it is to be looked at next, as the store knows it.
    pub timer: Option<Timestamp>,
}

/// Where a meter stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedMeter {
    /// What is said of it.
    pub spec: Arc<MeterSpec>,
    /// Whether the license says it, and not its policy.
    pub is_own: bool,
    /// Where its ceiling comes from.
    pub allowed_from: AllowedFrom,
    /// Where it stands.
    pub state: MeterState,
}

impl LoadedMeter {
    /// A meter that has not moved yet.
    #[must_use]
    pub fn new(spec: Arc<MeterSpec>, is_own: bool, allowed_from: AllowedFrom) -> Self {
        let state = spec.beginning();
        Self { spec, is_own, allowed_from, state }
    }

    /// What the ledger's hash of the license says of it.
    #[must_use]
    pub fn entry(&self) -> MeterEntry<'_> {
        MeterEntry { spec: &self.spec, is_own: self.is_own, allowed_from: self.allowed_from }
    }
}

/// The end of a ledger.
#[derive(Debug, Clone)]
pub struct LedgerTail {
    /// Its number.
    pub number: LedgerNumber,
    /// Its tree.
    pub frontier: Frontier,
    /// The time of its last record.
    pub last_at: Timestamp,
}

/// The writing half of a store. One at a time.
pub trait Store: Send {
    /// The end of an account's ledger; none if it has not begun. Takes whatever is necessary to
    /// make this account's meters and keys known, so it comes before `load` for the account.
    ///
    /// # Errors
    /// [`StoreError`].
    fn open_ledger(&mut self, account: AccountId) -> Result<Option<LedgerTail>, StoreError>;

    /// A number for a ledger that is about to begin.
    ///
    /// # Errors
    /// [`StoreError`].
    fn next_ledger_number(&mut self) -> Result<LedgerNumber, StoreError>;

    /// Reads what a unit of work is about to touch, as of the last commit.
    ///
    /// # Errors
    /// [`StoreError`].
    fn load(&mut self, wanted: &Wanted<'_>) -> Result<Loaded, StoreError>;

    /// Writes a unit, all or nothing. When it returns, the unit is on disk and every reader sees
    /// it.
    /// What the unit moves or refuses was loaded before.
    ///
    /// # Errors
    /// [`StoreError`]; after any of them `reload` comes before the next `load`.
    fn commit(&mut self, unit: &Unit) -> Result<(), StoreError>;

    /// Writes something that changes nothing, to learn whether writing works again.
    ///
    /// # Errors
    /// [`StoreError`].
    fn probe(&mut self) -> Result<(), StoreError>;

    /// Forgets what is kept in memory, so that the next call reads the truth.
    ///
    /// # Errors
    /// [`StoreError`].
    fn reload(&mut self) -> Result<(), StoreError>;

    /// Makes the next start fast. Not needed for anything to be durable.
    ///
    /// # Errors
    /// [`StoreError`].
    fn close(&mut self) -> Result<(), StoreError>;
}

/// A sum of hours, from [`Reader::hours`].
pub type Hours = Vec<HourSums>;

/// The reading half of a store. Sees what is committed; shared by many.
///
/// All methods fail with [`StoreError`] and nothing else.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait Reader: RuleReader + WebhookReader + Send + Sync {
    /// The account that a fresh store begins with.
    fn first_account(&self) -> Result<Option<AccountId>, StoreError>;
    /// A product.
    fn product(&self, of: AccountId, id: &Ref<ProductId>) -> Result<Option<Product>, StoreError>;
    /// Products, oldest first.
    fn products(&self, of: AccountId, part: &Slice) -> Result<Vec<Product>, StoreError>;
    /// A policy.
    fn policy(&self, of: AccountId, id: &Ref<PolicyId>) -> Result<Option<Policy>, StoreError>;
    /// Policies, oldest first.
    fn policies(
        &self,
        of: AccountId,
        product: Option<ProductId>,
        part: &Slice,
    ) -> Result<Vec<Policy>, StoreError>;
    /// A customer.
    fn customer(&self, of: AccountId, id: &Ref<CustomerId>)
    -> Result<Option<Customer>, StoreError>;
    /// Customers, oldest first.
    fn customers(&self, of: AccountId, part: &Slice) -> Result<Vec<Customer>, StoreError>;
    /// A license.
    fn license(&self, of: AccountId, id: &LicenseRef) -> Result<Option<License>, StoreError>;
    /// The account and license that hold a key, whosever it is.
    fn license_by_key(&self, key: &str) -> Result<Option<(AccountId, License)>, StoreError>;
    /// Where a meter stood that was taken away from a license, and how many digits it counted.
    fn hidden_meter(
        &self,
        of: AccountId,
        license: LicenseId,
        meter: &Code,
    ) -> Result<Option<(Scale, MeterState)>, StoreError>;
    /// What the licenses of a policy have of a meter that the policy has not: whether it was taken
    /// away, and how many digits it counted. Each kind at least once.
    fn other_meters(
        &self,
        of: AccountId,
        policy: PolicyId,
        meter: &Code,
    ) -> Result<Vec<(bool, Scale)>, StoreError>;

    /// Licenses, oldest first.
    fn licenses(
        &self,
        of: AccountId,
        filter: &LicenseQuery,
        part: &Slice,
    ) -> Result<Vec<License>, StoreError>;
    /// A token.
    fn token(&self, of: AccountId, id: TokenId) -> Result<Option<Token>, StoreError>;
    /// The token with this secret, whosever it is.
    fn token_by_secret(&self, hash: &SecretHash) -> Result<Option<(AccountId, Token)>, StoreError>;
    /// Tokens, oldest first.
    fn tokens(&self, of: AccountId, part: &Slice) -> Result<Vec<Token>, StoreError>;
    /// An entitlement.
    fn entitlement(
        &self,
        of: AccountId,
        id: &Ref<EntitlementId>,
    ) -> Result<Option<Entitlement>, StoreError>;

    /// Entitlements, oldest first.
    fn entitlements(&self, of: AccountId, part: &Slice) -> Result<Vec<Entitlement>, StoreError>;

    /// A person, by id or by address in any case.
    fn user(&self, of: AccountId, id: &UserRef) -> Result<Option<User>, StoreError>;

    /// People, oldest first.
    fn users(
        &self,
        of: AccountId,
        customer: Option<CustomerId>,
        part: &Slice,
    ) -> Result<Vec<User>, StoreError>;

    /// The license that a machine holds.
    fn holder(&self, of: AccountId, id: ActivationId) -> Result<Option<LicenseId>, StoreError>;

    /// Machines with the licenses they hold, oldest first.
    fn activations(
        &self,
        of: AccountId,
        filter: &ActivationQuery,
        part: &Slice,
    ) -> Result<Vec<(LicenseId, Activation)>, StoreError>;

    /// Machines with a component of this fingerprint.
    fn component_holders(
        &self,
        of: AccountId,
        fingerprint: &str,
    ) -> Result<Vec<(LicenseId, ActivationId)>, StoreError>;

    /// How many users, licenses and activations a customer has.
    fn belongings(&self, of: AccountId, customer: CustomerId) -> Result<Belongings, StoreError>;

    /// The keys that sign license files, oldest first.
    fn signing_keys(&self, of: AccountId) -> Result<Vec<SigningKeyRow>, StoreError>;

    /// Licenses that are to be looked at, the longest overdue first.
    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<(AccountId, LicenseId)>, StoreError>;

    /// What refers to a product, policy or customer; none if nothing does.
    fn referrer(&self, of: AccountId, to: &Referent) -> Result<Option<&'static str>, StoreError>;
    /// The sums of a meter's closed hours in `[from, to)`, ascending.
    fn hours(
        &self,
        of: AccountId,
        license: LicenseId,
        meter: &Code,
        range: std::ops::Range<i64>,
    ) -> Result<Hours, StoreError>;
    /// The number of an account's ledger by a writer.
    fn ledger_number(
        &self,
        of: AccountId,
        writer: WriterId,
    ) -> Result<Option<LedgerNumber>, StoreError>;
    /// The last block of a ledger.
    fn last_block(&self, ledger: LedgerNumber) -> Result<Option<Block>, StoreError>;
    /// The block that holds a record.
    fn block_of(&self, ledger: LedgerNumber, record: u64) -> Result<Option<Block>, StoreError>;
    /// A stored tree node.
    fn node(&self, ledger: LedgerNumber, at: Position) -> Result<Option<Hash>, StoreError>;
    /// A thing of the catalogue before and after the change that a record tells of, while that is
    /// kept.
    fn details(
        &self,
        ledger: LedgerNumber,
        record: u64,
        thing: [u8; 16],
    ) -> Result<Detail, StoreError>;

    /// What is said of a license's meter, if both are there.
    fn meter_spec(
        &self,
        of: AccountId,
        license: &LicenseRef,
        meter: &str,
    ) -> Result<Option<Arc<MeterSpec>>, StoreError>;

    /// The personal data of a record, while it is kept.
    fn subject(&self, ledger: LedgerNumber, record: u64) -> Result<Option<Subject>, StoreError>;
}

/// Which machines are wanted, with all references resolved.
#[derive(Debug, Clone, Default)]
pub struct ActivationQuery {
    /// Those of a license.
    pub license: Option<LicenseId>,
    /// Those of the licenses of a policy.
    pub policy: Option<PolicyId>,
    /// Those of the licenses of a product.
    pub product: Option<ProductId>,
    /// Those of a person.
    pub user: Option<UserId>,
    /// Those with this fingerprint.
    pub fingerprint: Option<String>,
    /// Those of the licenses that a person owns or may use.
    pub of_user: Option<UserId>,
    /// Those of the licenses that a customer pays for or sold.
    pub of_customer: Option<CustomerId>,
}

/// What a customer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Belongings {
    /// People.
    pub users: u64,
    /// Licenses.
    pub licenses: u64,
    /// Machines on its licenses.
    pub activations: u64,
}

/// A key that signs license files.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKeyRow {
    /// Its public half.
    pub public: PublicKey,
    /// Its secret half, encrypted with the writer's key.
    pub secret: Vec<u8>,
}

impl fmt::Debug for SigningKeyRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKeyRow").field("public", &self.public).finish_non_exhaustive()
    }
}

/// What is kept of a change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detail {
    /// The thing's canonical text before it.
    pub before: Option<String>,
    /// The thing's canonical text after it.
    pub after: Option<String>,
    /// The network address that it came from.
    pub address: Option<String>,
}

/// Which licenses are wanted, with all references resolved.
#[derive(Debug, Clone, Default)]
pub struct LicenseQuery {
    /// Those of a product.
    pub product: Option<ProductId>,
    /// Those of a policy.
    pub policy: Option<PolicyId>,
    /// Those of a customer.
    pub customer: Option<CustomerId>,
    /// Those that a customer sold.
    pub reseller: Option<CustomerId>,
    /// Those that a person owns or may use.
    pub user: Option<UserId>,
    /// Those that a customer pays for or sold.
    pub only: Option<CustomerId>,
    /// Those that stand so, at that time.
    pub status: Option<(usance_core::license::Status, Timestamp)>,
}

/// Part of a list in the order of ids.
#[derive(Debug, Clone, Copy)]
pub struct Slice {
    /// Only ids after this one.
    pub after: Option<[u8; 16]>,
    /// At most so many.
    pub limit: usize,
}

/// A thing that others may refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Referent {
    /// A product: by policies and tokens.
    Product(ProductId),
    /// A policy: by licenses.
    Policy(PolicyId),
    /// A customer: by licenses.
    Customer(CustomerId),
    /// A license: by tokens.
    License(LicenseId),
    /// A person: by licenses, activations and tokens.
    User(UserId),
    /// An entitlement: by policies and licenses, which name its code.
    Entitlement(Code),
}
