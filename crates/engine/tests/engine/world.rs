//! An engine with a vendor in it, for tests.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use usance_core::caller::Caller;
use usance_core::command::{
    Command, NewLicense, NewMeter, NewOverage, NewPolicy, NewProduct, Ref, Reply,
};
use usance_core::license::{License, LicenseRef};
use usance_core::policy::MeterWhile;
use usance_core::quantity::{Decimal, Scale};
use usance_core::refusal::Refusal;
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::usage::{Answer, Attributes, Fit, IdempotencyKey, Operation, Step, Use};
use usance_engine::clock::ManualClock;
use usance_engine::{Engine, Failure, Location, Options};

/// When every test begins: 2026-01-01T00:00:00Z.
pub const BEGIN: Timestamp = Timestamp(1_767_225_600_000);

/// Runs a future on a runtime of its own.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime starts")
        .block_on(future)
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
        Self::open(Location::Memory)
    }

    pub fn on_disk(directory: &Path) -> Self {
        Self::open(Location::Directory(directory.to_path_buf()))
    }

    pub fn open(location: Location) -> Self {
        let clock = Arc::new(ManualClock::new(BEGIN));
        let options = Options { location, idempotency_window_ms: 30 * 24 * 60 * 60 * 1000 };
        let engine = Engine::open(options, Arc::clone(&clock) as _).expect("the engine opens");
        let system = Arc::new(Caller::system(engine.account()));
        Self { engine, clock, system }
    }

    pub async fn change(&self, command: Command) -> Result<Reply, Failure> {
        self.engine.change(Arc::clone(&self.system), command).await
    }

    /// Makes the product `renderer` and a policy with one meter `frames`.
    pub async fn policy(&self, policy: &str, allowed: Option<i64>, overage: NewOverage) {
        let product = NewProduct { code: code("renderer"), name: None };
        match self.change(Command::CreateProduct(product)).await {
            Ok(_) | Err(Failure::Refused(Refusal::Taken(..))) => {}
            Err(failure) => panic!("{failure}"),
        }
        let new = NewPolicy {
            product: Ref::Code(code("renderer")),
            code: code(policy),
            name: None,
            meters: vec![NewMeter {
                name: code("frames"),
                unit: None,
                scale: Scale::default(),
                allowed: allowed.map(Decimal::whole),
                floor: Decimal::whole(0),
                overage,
                record_refusals: false,
            }],
            duration_ms: None,
            key_pattern: None,
            license_permissions: None,
            meter_while: MeterWhile::default(),
        };
        self.change(Command::CreatePolicy(new)).await.expect("a policy");
    }

    pub async fn license(&self, policy: &str) -> License {
        let new = NewLicense {
            policy: Ref::Code(code(policy)),
            customer: None,
            key: None,
            name: None,
            valid_from: None,
            expires_at: None,
            allowed: Vec::new(),
        };
        match self.change(Command::CreateLicense(new)).await {
            Ok(Reply::License(license, _)) => license,
            other => panic!("{other:?}"),
        }
    }

    pub async fn count_one(&self, used: Use) -> Result<Answer, Failure> {
        let outcomes = self.engine.count(Arc::clone(&self.system), vec![used]).await?;
        let [outcome] = <[_; 1]>::try_from(outcomes).expect("an outcome for each use");
        Ok(outcome?)
    }

    /// Total, gross and refusals of `frames`.
    pub async fn frames(&self, license: &License) -> (i64, i64, u64) {
        let of = LicenseRef::Id(license.id);
        let view = self.engine.meter(Arc::clone(&self.system), of, code("frames")).await;
        let state = view.expect("the meter").state;
        (state.total, state.gross, state.refusals)
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
        idempotency_key: key.map(|key| IdempotencyKey::parse(key.to_owned()).expect("a key")),
        occurred_at: None,
        subject: None,
        attributes: Attributes::default(),
    }
}
