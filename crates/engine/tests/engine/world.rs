//! An engine with a vendor in it, for tests.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use usance_core::caller::Caller;
use usance_core::command::{
    Command, NewLicense, NewMeter, NewOverage, NewPolicy, NewProduct, Ref, Reply,
};
use usance_core::license::{License, LicenseRef};
use usance_core::metadata::Metadata;
use usance_core::quantity::Decimal;
use usance_core::refusal::Refusal;
use usance_core::terms::TermsPatch;
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::usage::{Answer, Attributes, Fit, IdempotencyKey, Operation, Step, Use};
use usance_core::view::{HistoryEntry, MeterView, PageRequest};
use usance_engine::clock::ManualClock;
use usance_engine::verify::{Report, VerifyOptions, verify};
use usance_engine::{Engine, Failure, Location, OpenError, Options};

/// When every test begins: 2026-01-01T00:00:00Z.
pub const BEGIN: Timestamp = Timestamp(1_767_225_600_000);
/// How long idempotency keys are remembered where a test does not say.
pub const WINDOW_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Runs a future on a runtime of its own.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime starts")
        .block_on(future)
}

/// A request that is in the mailbox.
pub enum Begun<F: Future> {
    Waiting(Pin<Box<F>>),
    Answered(F::Output),
}

/// Puts a request into the mailbox without waiting for its answer, so that requests lie there in
/// the order of the calls.
pub fn begin<F: Future>(future: F) -> Begun<F> {
    let mut future = Box::pin(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Pending => Begun::Waiting(future),
        Poll::Ready(answer) => Begun::Answered(answer),
    }
}

impl<F: Future> Begun<F> {
    pub async fn answer(self) -> F::Output {
        match self {
            Self::Waiting(future) => future.await,
            Self::Answered(answer) => answer,
        }
    }
}

/// An engine, its clock, and the process itself as caller.
pub struct World {
    pub engine: Engine,
    pub clock: Arc<ManualClock>,
    pub system: Arc<Caller>,
}

pub fn code(text: &str) -> Code {
    Code::parse("code", text).expect("a code")
}

impl World {
    pub fn in_memory() -> Self {
        Self::open(Location::Memory, Arc::new(ManualClock::new(BEGIN)), WINDOW_MS)
    }

    pub fn in_memory_at(clock: Arc<ManualClock>) -> Self {
        Self::open(Location::Memory, clock, WINDOW_MS)
    }

    pub fn on_disk(directory: &Path) -> Self {
        Self::on_disk_at(directory, Arc::new(ManualClock::new(BEGIN)), WINDOW_MS)
    }

    pub fn on_disk_at(directory: &Path, clock: Arc<ManualClock>, window_ms: i64) -> Self {
        Self::open(Location::Directory(directory.to_path_buf()), clock, window_ms)
    }

    fn open(location: Location, clock: Arc<ManualClock>, window_ms: i64) -> Self {
        let options = Options { location, idempotency_window_ms: window_ms };
        // The writer of an engine that was dropped lets the directory go when it has ended.
        let engine = loop {
            match Engine::open(options.clone(), Arc::clone(&clock) as _) {
                Err(OpenError::InUse(_)) => std::thread::yield_now(),
                opened => break opened.expect("the engine opens"),
            }
        };
        let system = Arc::new(Caller::system(engine.account()));
        Self { engine, clock, system }
    }

    /// Drops the engine as a crash would, and opens the directory again.
    pub fn crash(self, directory: &Path) -> Self {
        let clock = Arc::clone(&self.clock);
        drop(self);
        Self::on_disk_at(directory, clock, WINDOW_MS)
    }

    /// Closes the engine and opens the directory again.
    pub async fn restart(self, directory: &Path) -> Self {
        self.engine.close().await;
        self.crash(directory)
    }

    pub async fn change(&self, command: Command) -> Result<Reply, Failure> {
        self.engine.change(Arc::clone(&self.system), command).await
    }

    /// Makes the product `renderer` and a policy with one meter `frames`.
    pub async fn policy(&self, policy: &str, allowed: Option<i64>, overage: NewOverage) {
        self.policy_of(policy, vec![NewMeter { overage, ..new_meter("frames", allowed) }]).await;
    }

    /// Makes the product `renderer` and a policy with these meters.
    pub async fn policy_of(&self, policy: &str, meters: Vec<NewMeter>) {
        let product =
            NewProduct { code: code("renderer"), name: None, metadata: Metadata::default() };
        match self.change(Command::CreateProduct(product)).await {
            Ok(_) | Err(Failure::Refused(Refusal::Taken(..))) => {}
            Err(failure) => panic!("{failure}"),
        }
        let new = NewPolicy { meters, ..new_policy(policy) };
        self.change(Command::CreatePolicy(new)).await.expect("a policy");
    }

    pub async fn license(&self, policy: &str) -> License {
        match self.change(Command::CreateLicense(new_license(policy))).await {
            Ok(Reply::License(license, _)) => license,
            other => panic!("{other:?}"),
        }
    }

    pub async fn count(&self, uses: Vec<Use>) -> Result<Vec<Result<Answer, Refusal>>, Failure> {
        self.engine.count(Arc::clone(&self.system), uses).await
    }

    pub async fn count_one(&self, used: Use) -> Result<Answer, Failure> {
        let outcomes = self.count(vec![used]).await?;
        let [outcome] = <[_; 1]>::try_from(outcomes).expect("an outcome for each use");
        Ok(outcome?)
    }

    pub async fn views(&self, license: &License) -> Vec<MeterView> {
        let of = LicenseRef::Id(license.id);
        self.engine.meters(Arc::clone(&self.system), of).await.expect("the meters")
    }

    /// Total, gross and refusals of `frames`.
    pub async fn frames(&self, license: &License) -> (i64, i64, u64) {
        let state = self.views(license).await[0].state;
        (state.total, state.gross, state.refusals)
    }

    /// The whole history of a meter, newest first, read in pages of `limit`.
    pub async fn history(&self, of: &License, meter: &str, limit: usize) -> Vec<HistoryEntry> {
        let mut entries = Vec::new();
        let mut cursor = None;
        loop {
            let (system, of) = (Arc::clone(&self.system), LicenseRef::Id(of.id));
            let request = PageRequest { limit, cursor };
            let found = self.engine.history(system, of, code(meter), request).await;
            let page = found.expect("a page").page;
            assert!(page.items.len() <= limit);
            entries.extend(page.items);
            cursor = page.next;
            if cursor.is_none() {
                return entries;
            }
        }
    }

    /// The newest checkpoint, as a note.
    pub async fn note(&self) -> String {
        self.engine.checkpoint(Arc::clone(&self.system)).await.expect("a checkpoint")
    }
}

pub fn new_policy(policy: &str) -> NewPolicy {
    NewPolicy {
        product: Ref::Code(code("renderer")),
        code: code(policy),
        name: None,
        meters: Vec::new(),
        key_pattern: None,
        terms: TermsPatch::default(),
        entitlements: Vec::new(),
        metadata: Metadata::default(),
    }
}

pub fn new_meter(name: &str, allowed: Option<i64>) -> NewMeter {
    NewMeter { allowed: allowed.map(Decimal::whole), ..NewMeter::named(code(name)) }
}

pub fn new_license(policy: &str) -> NewLicense {
    NewLicense {
        policy: Ref::Code(code(policy)),
        customer: None,
        reseller: None,
        owner: None,
        users: Vec::new(),
        terms: TermsPatch::default(),
        entitlements: Vec::new(),
        metadata: Metadata::default(),
        meters: Vec::new(),
        key: None,
        name: None,
        valid_from: None,
        expires_at: None,
        allowed: Vec::new(),
    }
}

/// An increment of `frames`.
pub fn increment(license: &License, amount: i64, key: Option<&str>) -> Use {
    Use {
        license: LicenseRef::Id(license.id),
        meter: code("frames"),
        operation: Operation::Increment(Step {
            amount: Decimal::whole(amount),
            bound: None,
            fit: Fit::Whole,
        }),
        activation: None,
        idempotency_key: key.map(|key| IdempotencyKey::parse(key.to_owned()).expect("a key")),
        occurred_at: None,
        subject: None,
        attributes: Attributes::default(),
    }
}

/// Checks a directory or file, with nothing from outside.
pub fn check(path: &Path) -> Report {
    verify(path, &VerifyOptions::default(), &mut |_, _| {}).expect("there is a file to check")
}
