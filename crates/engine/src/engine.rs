//! The engine's face: what doors may ask of it.
#![allow(
    unused_variables,
    missing_docs,
    clippy::todo,
    clippy::missing_errors_doc,
    reason = "being written"
)]

use std::path::PathBuf;
use std::sync::Arc;

use usance_core::caller::Caller;
use usance_core::command::{Command, Ref, Reply, Secret};
use usance_core::customer::Customer;
use usance_core::id::{AccountId, CustomerId, PolicyId, ProductId, TokenId};
use usance_core::license::{License, LicenseRef};
use usance_core::policy::Policy;
use usance_core::product::Product;
use usance_core::refusal::Refusal;
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::token::Token;
use usance_core::usage::{Answer, Use};
use usance_core::view::{
    ConsistencyProof, History, InclusionProof, LicenseFilter, MeterView, Page, PageRequest,
    UsageReport, Window,
};

use crate::clock::Clock;
use crate::failure::{Failure, OpenError};

/// How an engine runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the data lies.
    pub location: Location,
    /// How long idempotency keys are remembered, in milliseconds.
    pub idempotency_window_ms: i64,
}

/// Where data lies.
#[derive(Debug, Clone)]
pub enum Location {
    /// In a directory; made if it is not there.
    Directory(PathBuf),
    /// In memory, gone with the engine.
    Memory,
}

/// What a caller presents to show who it is.
#[derive(Clone, Copy)]
pub enum Presented<'a> {
    /// `Authorization: Bearer …`
    Token(&'a str),
    /// `Authorization: License …`
    LicenseKey(&'a str),
}

/// Whether the engine can commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Ready,
    /// It cannot, and why, for the operator.
    Stopped(String),
}

/// Counters for operators, since the start.
#[derive(Debug, Clone, Default)]
pub struct Statistics {
    pub uses_accepted: u64,
    pub uses_refused: u64,
    pub uses_repeated: u64,
    pub commits: u64,
    pub records: u64,
    pub commit_ns_total: u64,
    pub batch_uses_max: u64,
    pub mailbox_uses: u64,
    pub overloaded: u64,
}

/// A running engine; clones are handles to the same.
#[derive(Clone)]
pub struct Engine {}

impl Engine {
    /// Opens the data and starts the writer.
    pub fn open(options: Options, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        todo!()
    }

    /// The account that a fresh data directory begins with.
    pub fn account(&self) -> AccountId {
        todo!()
    }

    /// Makes the first admin token, if the account has no token yet: `given`, or a random one.
    /// With `given` and tokens there already, makes sure that it works. Answers the text only if it was made here.
    pub async fn ensure_admin_token(&self, given: Option<&str>) -> Result<Option<Secret>, Failure> {
        todo!()
    }

    /// Who is calling. Does not touch the disk when warm.
    pub async fn authenticate(&self, presented: Presented<'_>) -> Result<Arc<Caller>, Failure> {
        todo!()
    }

    /// Counts uses as one unit of work; an outcome each, in order. Checks the caller's permissions.
    pub async fn count(
        &self,
        caller: Arc<Caller>,
        uses: Vec<Use>,
    ) -> Result<Vec<Result<Answer, Refusal>>, Failure> {
        todo!()
    }

    /// Changes the catalogue. Checks the caller's permissions (so does every query below).
    pub async fn change(&self, caller: Arc<Caller>, command: Command) -> Result<Reply, Failure> {
        todo!()
    }

    pub async fn product(
        &self,
        caller: Arc<Caller>,
        of: Ref<ProductId>,
    ) -> Result<Product, Failure> {
        todo!()
    }

    pub async fn products(
        &self,
        caller: Arc<Caller>,
        page: PageRequest,
    ) -> Result<Page<Product>, Failure> {
        todo!()
    }

    pub async fn policy(&self, caller: Arc<Caller>, of: Ref<PolicyId>) -> Result<Policy, Failure> {
        todo!()
    }

    pub async fn policies(
        &self,
        caller: Arc<Caller>,
        product: Option<Ref<ProductId>>,
        page: PageRequest,
    ) -> Result<Page<Policy>, Failure> {
        todo!()
    }

    pub async fn customer(
        &self,
        caller: Arc<Caller>,
        of: Ref<CustomerId>,
    ) -> Result<Customer, Failure> {
        todo!()
    }

    pub async fn customers(
        &self,
        caller: Arc<Caller>,
        page: PageRequest,
    ) -> Result<Page<Customer>, Failure> {
        todo!()
    }

    /// The license, and the time by which its status is to be told.
    pub async fn license(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
    ) -> Result<(License, Timestamp), Failure> {
        todo!()
    }

    pub async fn licenses(
        &self,
        caller: Arc<Caller>,
        filter: LicenseFilter,
        page: PageRequest,
    ) -> Result<(Page<License>, Timestamp), Failure> {
        todo!()
    }

    pub async fn token(&self, caller: Arc<Caller>, of: TokenId) -> Result<Token, Failure> {
        todo!()
    }

    pub async fn tokens(
        &self,
        caller: Arc<Caller>,
        page: PageRequest,
    ) -> Result<Page<Token>, Failure> {
        todo!()
    }

    pub async fn meters(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
    ) -> Result<Vec<MeterView>, Failure> {
        todo!()
    }

    pub async fn meter(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
        meter: Code,
    ) -> Result<MeterView, Failure> {
        todo!()
    }

    pub async fn history(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
        meter: Code,
        page: PageRequest,
    ) -> Result<History, Failure> {
        todo!()
    }

    pub async fn usage(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
        meter: Code,
        from: Timestamp,
        to: Timestamp,
        window: Window,
    ) -> Result<UsageReport, Failure> {
        todo!()
    }

    /// The newest signed checkpoint of the caller's account, as a note.
    pub async fn checkpoint(&self, caller: Arc<Caller>) -> Result<String, Failure> {
        todo!()
    }

    /// The verifier key of this writer, `name+hash+base64`.
    pub fn verifier_key(&self, caller: &Caller) -> Result<String, Failure> {
        todo!()
    }

    /// Proof that a record is in the tree of `size` (the newest if none).
    pub async fn inclusion(
        &self,
        caller: Arc<Caller>,
        record: u64,
        size: Option<u64>,
    ) -> Result<InclusionProof, Failure> {
        todo!()
    }

    pub async fn consistency(
        &self,
        caller: Arc<Caller>,
        from: u64,
        to: u64,
    ) -> Result<ConsistencyProof, Failure> {
        todo!()
    }

    pub fn health(&self) -> Health {
        todo!()
    }

    pub fn statistics(&self) -> Statistics {
        todo!()
    }

    /// The time now, by the engine's clock.
    pub fn now(&self) -> Timestamp {
        todo!()
    }

    /// Finishes what was accepted, then stops the writer and closes the data.
    pub async fn close(&self) {
        todo!()
    }
}
