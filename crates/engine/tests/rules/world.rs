//! An engine with a vendor, a license and a clock that stands.

use std::path::Path;
use std::sync::Arc;

use usance_core::caller::Caller;
use usance_core::command::{
    Command, NewLicense, NewMeter, NewOverage, NewPolicy, NewProduct, NewRollover, NewRule, Ref,
    Reply, RulePatch,
};
use usance_core::event::{EventFilter, Kinds, Told};
use usance_core::id::RuleId;
use usance_core::license::{License, LicenseRef};
use usance_core::metadata::Metadata;
use usance_core::meter::{Measure, MeterSpec};
use usance_core::period::span::Span;
use usance_core::quantity::{Decimal, Scale};
use usance_core::rule::{Condition, Rule, RuleAction, RuleKind};
use usance_core::terms::TermsPatch;
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::usage::{Answer, Attributes, Fit, Operation, Step, Subject, Use};
use usance_core::view::PageRequest;
use usance_engine::clock::ManualClock;
use usance_engine::store::rules::ActRow;
use usance_engine::{Engine, Failure, Location, OpenError, Options};

/// When every test begins: 2026-01-01T00:00:00Z.
pub const BEGIN: Timestamp = Timestamp(1_767_225_600_000);

/// Runs a future on a runtime of its own.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub struct World {
    pub engine: Engine,
    pub clock: Arc<ManualClock>,
    pub system: Arc<Caller>,
    pub license: License,
}

pub fn code(text: &str) -> Code {
    Code::parse("code", text).unwrap()
}

fn open(location: &Location, clock: &Arc<ManualClock>) -> Engine {
    let options =
        Options { location: location.clone(), idempotency_window_ms: 30 * 24 * 60 * 60 * 1000 };
    // The writer of an engine that was dropped lets the directory go when it has ended.
    loop {
        match Engine::open(options.clone(), Arc::clone(clock) as _) {
            Err(OpenError::InUse(_)) => std::thread::yield_now(),
            opened => return opened.unwrap(),
        }
    }
}

impl World {
    /// A license with a meter `frames` of 100 that records refusals, and a check-in every day.
    pub async fn new(location: Location) -> Self {
        let clock = Arc::new(ManualClock::new(BEGIN));
        let engine = open(&location, &clock);
        let system = Arc::new(Caller::system(engine.account()));
        let change = |command| engine.change(Arc::clone(&system), command);
        let product =
            NewProduct { code: code("renderer"), name: None, metadata: Metadata::default() };
        change(Command::CreateProduct(product)).await.unwrap();
        let terms = TermsPatch {
            check_in_every: Some(Some(Span::parse("span", "1 day").unwrap())),
            ..TermsPatch::default()
        };
        let policy = NewPolicy {
            product: Ref::Code(code("renderer")),
            code: code("studio"),
            name: None,
            meters: vec![new_meter()],
            key_pattern: None,
            terms,
            entitlements: Vec::new(),
            metadata: Metadata::default(),
        };
        change(Command::CreatePolicy(policy)).await.unwrap();
        let made = change(Command::CreateLicense(new_license())).await;
        let Ok(Reply::License(license, _)) = made else { panic!("{made:?}") };
        Self { engine, clock, system, license }
    }

    /// Drops the engine as a crash would, and opens the directory again.
    pub fn crash(self, directory: &Path) -> Self {
        let Self { engine, clock, system, license } = self;
        drop(engine);
        let engine = open(&Location::Directory(directory.to_path_buf()), &clock);
        Self { engine, clock, system, license }
    }

    pub async fn change(&self, command: Command) -> Result<Reply, Failure> {
        self.engine.change(Arc::clone(&self.system), command).await
    }

    pub async fn rule(&self, name: &str, kind: RuleKind, above: i64, action: RuleAction) -> Rule {
        match self.change(Command::CreateRule(new_rule(name, kind, above, action))).await {
            Ok(Reply::Rule(rule)) => *rule,
            other => panic!("{other:?}"),
        }
    }

    pub async fn change_rule(&self, name: &str, patch: RulePatch) {
        let of: Ref<RuleId> = Ref::Code(code(name));
        self.change(Command::ChangeRule(of, patch)).await.unwrap();
    }

    /// Uses `amount`, and waits until rules were held against it.
    pub async fn uses(&self, amount: i64) -> Result<Answer, Failure> {
        self.count(increment(&self.license, amount)).await
    }

    pub async fn count(&self, used: Use) -> Result<Answer, Failure> {
        let outcome = self.engine.count(Arc::clone(&self.system), vec![used]).await;
        self.engine.followed().await;
        Ok(outcome?.remove(0)?)
    }

    pub fn of(&self) -> LicenseRef {
        LicenseRef::Id(self.license.id)
    }

    /// The license as it is stored.
    pub async fn stored(&self) -> License {
        self.engine.license(Arc::clone(&self.system), self.of()).await.unwrap().0
    }

    /// Lets the time pass until so many seconds after the beginning.
    pub fn at(&self, second: i64) {
        self.clock.put(BEGIN.plus_ms(second * 1000));
    }

    /// What happened of these kinds.
    pub async fn events(&self, kinds: &[&str]) -> Vec<Told> {
        let kinds = Kinds::parse(kinds.iter().copied()).unwrap();
        let filter = EventFilter { kinds, ..EventFilter::default() };
        let found = self.engine.events(Arc::clone(&self.system), 0, filter, 1000).await;
        found.unwrap().items
    }

    pub async fn end(&self) -> u64 {
        self.engine.events_end(Arc::clone(&self.system)).await.unwrap()
    }

    /// What rules did to the license, newest first.
    pub async fn all_acts(&self) -> Vec<ActRow> {
        let page = PageRequest { limit: 1000, cursor: None };
        let found = self.engine.blocks(Arc::clone(&self.system), self.of(), page).await;
        found.unwrap().items
    }

    /// How often rules acted on the license, whatever became of it.
    pub async fn acts(&self) -> usize {
        self.all_acts().await.len()
    }
}

pub fn new_rule(name: &str, kind: RuleKind, above: i64, action: RuleAction) -> NewRule {
    NewRule {
        name: code(name),
        product: None,
        policy: None,
        condition: Condition {
            kind,
            meter: None,
            above: Decimal::whole(above),
            window_seconds: kind.has_window().then_some(60),
            percent: (kind == RuleKind::Unusual).then_some(300),
        },
        action,
        lasts_seconds: Some(600),
        is_enabled: true,
    }
}

fn new_meter() -> NewMeter {
    let spec = MeterSpec::new(code("frames"));
    NewMeter {
        name: spec.name,
        unit: None,
        scale: Scale::default(),
        allowed: Some(Decimal::whole(100_000)),
        floor: Decimal::whole(0),
        overage: NewOverage::Refuse,
        record_refusals: true,
        measure: Measure::Uses,
        period: spec.period,
        rollover: NewRollover::None,
        floating: false,
        visible_to: None,
        stated_by_license: false,
        thresholds: Vec::new(),
        hold_seconds_max: None,
        session_grace_seconds: None,
    }
}

fn new_license() -> NewLicense {
    NewLicense {
        policy: Ref::Code(code("studio")),
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

pub fn increment(license: &License, amount: i64) -> Use {
    Use {
        license: LicenseRef::Id(license.id),
        meter: code("frames"),
        operation: Operation::Increment(Step {
            amount: Decimal::whole(amount),
            bound: None,
            fit: Fit::Whole,
        }),
        activation: None,
        idempotency_key: None,
        occurred_at: None,
        subject: None,
        attributes: Attributes::default(),
    }
}

pub fn from(license: &License, address: &str) -> Use {
    let subject = Subject { user: None, host: None, address: Some(address.into()) };
    Use { subject: Some(subject), ..increment(license, 1) }
}

/// The code of a refusal.
pub fn refused<T: std::fmt::Debug>(done: Result<T, Failure>) -> &'static str {
    match done {
        Err(Failure::Refused(refusal)) => refusal.code(),
        other => panic!("{other:?}"),
    }
}
