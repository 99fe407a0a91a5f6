//! In-process measurements: what a use costs in each layer, without HTTP.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use usance_core::caller::Caller;
use usance_core::command::{Command, NewLicense, NewMeter, NewPolicy, NewProduct, Ref, Reply};
use usance_core::deciding::{self, Situation, overdue};
use usance_core::id::{LicenseId, PolicyId, ProductId};
use usance_core::ledger::record::{AttributesView, Event, Record, UseEvent};
use usance_core::ledger::tree::{Frontier, leaf_hash};
use usance_core::license::{License, LicenseKey, LicenseRef, Marks, Standing};
use usance_core::live::Live;
use usance_core::metadata::Metadata;
use usance_core::meter::{AllowedFrom, Meter, MeterSpec, Motion};
use usance_core::quantity::Decimal;
use usance_core::terms::Terms;
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::usage::{
    Attributes, Fit, IdempotencyKey, KeyDigest, Operation, RequestDigest, Step, Use,
};
use usance_engine::clock::SystemClock;
use usance_engine::{Engine, Location, Options};

use crate::table::{self, Drawing};

/// Measures every layer and prints the nanoseconds each takes for a use.
pub fn measure(licenses: usize, uses: usize, drawing: Drawing) -> Result<()> {
    let mut rows = vec![
        row("decide", decide()?),
        row("encode", encode()?),
        row("hash the leaf and grow the tree", hash()?),
    ];
    for batch in [1, 16, 64, 256, 1024, 10_000] {
        for keyed in [false, true] {
            let name = format!(
                "engine, SQLite on disk, {batch} uses a call{}",
                if keyed { ", with keys" } else { "" }
            );
            rows.push(row(&name, engine(licenses, uses, batch, keyed)?));
        }
    }
    table::print(drawing, &["in one process", "ns a use", "uses a second"], rows, 1);
    Ok(())
}

fn row(name: &str, cost: Duration) -> Vec<String> {
    let a_second = 1.0 / cost.as_secs_f64();
    vec![name.to_owned(), cost.as_nanos().to_string(), table::whole(a_second)]
}

/// The median over several runs of the time that one of `count` repetitions takes.
fn median(count: u32, mut work: impl FnMut()) -> Duration {
    let mut runs: Vec<Duration> = (0..9)
        .map(|_| {
            let begin = Instant::now();
            for _ in 0..count {
                work();
            }
            begin.elapsed() / count
        })
        .collect();
    runs.sort_unstable();
    runs[runs.len() / 2]
}

fn code(text: &str) -> Result<Code> {
    Code::parse("code", text).context("a code")
}

fn spec() -> Result<MeterSpec> {
    Ok(MeterSpec { allowed: Some(1_000_000_000_000_000), ..MeterSpec::new(code("frames")?) })
}

fn one() -> Step {
    Step { amount: Decimal::ONE, bound: None, fit: Fit::Whole }
}

/// What the writer decides of each use: the whole situation of a license, of which most have
/// nothing but meters.
fn decide() -> Result<Duration> {
    let spec = spec()?;
    let license = license()?;
    let (terms, live) = (Terms::default(), Live::default());
    let meter = Meter { license: license.id, spec: &spec, allowed_from: AllowedFrom::Policy };
    let mut state = spec.beginning();
    let used = use_of(std::slice::from_ref(&license), 0, false)?;
    Ok(median(1_000_000, || {
        let now = Timestamp(0);
        let situation =
            Situation { license: &license, terms: &terms, meter, state: &state, live: &live, now };
        let nothing_is_due = overdue(&situation).is_ok_and(|due| due.is_none());
        let decided = deciding::decide(&situation, black_box(&used), [0; 16], &[0; 32]);
        if let (true, Ok(decision)) = (nothing_is_due, decided)
            && let Some(step) = decision.steps.first()
        {
            state = step.state;
        }
    }))
}

fn license() -> Result<License> {
    Ok(License {
        id: LicenseId::from_bytes([1; 16]),
        key: LicenseKey("BENCH".into()),
        product: ProductId::from_bytes([2; 16]),
        policy: PolicyId::from_bytes([3; 16]),
        customer: None,
        reseller: None,
        owner: None,
        users: Vec::new(),
        name: None,
        overrides: None,
        entitlements: Vec::new(),
        metadata: Metadata::default(),
        marks: Marks::default(),
        blocks: Vec::new(),
        standing: Standing::Active,
        valid_from: None,
        expires_at: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    })
}

fn event(spec: &MeterSpec) -> Result<Event<'_>> {
    let license = LicenseId::from_bytes([1; 16]);
    let meter = Meter { license, spec, allowed_from: AllowedFrom::Policy };
    let (counted, _) =
        meter.decide(&spec.beginning(), Motion::Increment(one()), None, Timestamp(0))?;
    Ok(Event::Use(UseEvent {
        license,
        meter: &spec.name,
        counted,
        previous: Some(1_000_000),
        activation: None,
        reference: None,
        turn: None,
        idempotency: Some((KeyDigest([2; 16]), RequestDigest([3; 8]))),
        occurred_at: None,
        subject: None,
        attributes: AttributesView::default(),
    }))
}

fn encode() -> Result<Duration> {
    let spec = spec()?;
    let record = Record { at: Timestamp(1_700_000_000_000), event: event(&spec)? };
    let mut buffer = Vec::with_capacity(256);
    Ok(median(1_000_000, || {
        buffer.clear();
        black_box(&record).encode(&mut buffer);
    }))
}

fn hash() -> Result<Duration> {
    let spec = spec()?;
    let record = Record { at: Timestamp(1_700_000_000_000), event: event(&spec)? };
    let mut buffer = Vec::new();
    record.encode(&mut buffer);
    let mut frontier = Frontier::default();
    Ok(median(300_000, || frontier.push(leaf_hash(black_box(&buffer)), |_, _| {})))
}

/// The cost of a use through the whole engine, where every call waits for its commit.
fn engine(licenses: usize, uses: usize, batch: usize, keyed: bool) -> Result<Duration> {
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let options = Options {
            location: Location::Directory(directory.path().to_path_buf()),
            idempotency_window_ms: 30 * 24 * 60 * 60 * 1000,
        };
        let engine = Engine::open(options, Arc::new(SystemClock))?;
        let caller = Arc::new(Caller::system(engine.account()));
        let licenses = vendor(&engine, &caller, licenses).await?;
        // Single calls wait for the disk each time: fewer of them say as much.
        let calls = (uses / batch).clamp(20, 5000);
        let mut batches: Vec<Vec<Use>> = Vec::with_capacity(calls);
        for call in 0..calls {
            let numbers = call * batch..(call + 1) * batch;
            let uses = numbers.map(|number| use_of(&licenses, number, keyed));
            batches.push(uses.collect::<Result<_>>()?);
        }
        let begin = Instant::now();
        for uses in batches {
            let outcomes = engine.count(Arc::clone(&caller), uses).await?;
            if outcomes.iter().any(Result::is_err) {
                bail!("a use was refused");
            }
        }
        let cost = begin.elapsed() / u32::try_from(calls * batch)?;
        engine.close().await;
        Ok(cost)
    })
}

async fn vendor(engine: &Engine, caller: &Arc<Caller>, count: usize) -> Result<Vec<License>> {
    let change = |command| engine.change(Arc::clone(caller), command);
    change(Command::CreateProduct(NewProduct::of(code("renderer")?))).await?;
    let allowed = Some(Decimal::whole(1_000_000_000_000_000));
    let meter = NewMeter { allowed, ..NewMeter::named(code("frames")?) };
    let policy = NewPolicy::of(Ref::Code(code("renderer")?), code("policy")?);
    change(Command::CreatePolicy(NewPolicy { meters: vec![meter], ..policy })).await?;
    let mut licenses = Vec::with_capacity(count);
    for _ in 0..count {
        let new = NewLicense::of(Ref::Code(code("policy")?));
        match change(Command::CreateLicense(new)).await? {
            Reply::License(license, _) => licenses.push(license),
            other => bail!("unexpected reply {other:?}"),
        }
    }
    Ok(licenses)
}

fn use_of(licenses: &[License], number: usize, keyed: bool) -> Result<Use> {
    let key = keyed.then(|| IdempotencyKey::parse(format!("key-{number:016}"))).transpose()?;
    Ok(Use {
        license: LicenseRef::Id(licenses[number % licenses.len()].id),
        meter: code("frames")?,
        operation: Operation::Increment(one()),
        activation: None,
        idempotency_key: key,
        occurred_at: None,
        subject: None,
        attributes: Attributes::default(),
    })
}
