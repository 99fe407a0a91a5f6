mod holds;
mod laws;
mod model;
mod sessions;
mod shares;
mod turns;

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::activation::ActivationRef;
use crate::id::{AccountId, HoldId, LicenseId, PolicyId, ProductId, SessionId, WriterId};
use crate::ledger::audit::Auditor;
use crate::ledger::record::{AttributesView, Event, Record, UseEvent};
use crate::license::{LicenseKey, LicenseRef, Marks, Standing};
use crate::limits::{HOLDS_PER_LICENSE_MAX, SESSIONS_PER_LICENSE_MAX};
use crate::metadata::Metadata;
use crate::meter::{AllowedFrom, HourSums, Measure, MeterSpec, Overage, Timing};
use crate::quantity::Decimal;
use crate::text::Code;
use crate::usage::{Attributes, CheckOut, Fit, NewHold};

/// 2026-01-01T00:00Z.
const BEGIN: Timestamp = Timestamp(1_767_225_600_000);
const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

fn code(text: &str) -> Code {
    Code::parse("code", text).unwrap()
}

fn spec(allowed: Option<i64>, measure: Measure) -> MeterSpec {
    MeterSpec { allowed, measure, ..MeterSpec::new(code("frames")) }
}

/// Minutes, each that has begun.
const MINUTES: Timing = Timing {
    unit_seconds: 60,
    minimum_seconds: 0,
    free_seconds: 0,
    step_seconds: 60,
    idle_seconds: None,
};

fn a_license() -> License {
    License {
        id: LicenseId::from_bytes([1; 16]),
        key: LicenseKey("K".to_string()),
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
        created_at: BEGIN,
        updated_at: BEGIN,
    }
}

fn a_machine(number: u8) -> Activation {
    Activation {
        id: machine(number),
        fingerprint: alloc::format!("machine {number}"),
        name: None,
        hostname: Some(alloc::format!("host{number}")),
        platform: None,
        address: None,
        cores: None,
        memory: None,
        disk: None,
        is_vm: false,
        is_container: false,
        user: None,
        components: Vec::new(),
        metadata: Metadata::default(),
        own_heartbeat_seconds: None,
        seen_at: None,
        last_file_at: None,
        created_at: BEGIN,
        updated_at: BEGIN,
    }
}

fn machine(number: u8) -> ActivationId {
    ActivationId::from_bytes([number; 16])
}

/// One meter of one license, its clock, and an auditor who reads each record. What begins gets the
/// number of the request that began it for an id; the first request is number 1.
#[derive(Debug)]
struct World {
    license: License,
    terms: Terms,
    spec: MeterSpec,
    allowed_from: AllowedFrom,
    state: MeterState,
    live: Live,
    now: Timestamp,
    asked: u16,
    records: u64,
    auditor: Auditor,
    /// Everything that was counted.
    log: Vec<Counted>,
}

/// What was done, how much of it, what it let go of; total and held after it.
type Done = (OperationKind, i64, i64, i64, i64);

/// What was done by a request, or the code of the refusal.
type Outcome = Result<Vec<Done>, &'static str>;

fn done(counted: &Counted) -> Done {
    (counted.operation, counted.applied, counted.released, counted.total, counted.held)
}

fn id(number: u16) -> [u8; 16] {
    let mut id = [0; 16];
    id[..2].copy_from_slice(&number.to_be_bytes());
    id
}

fn hold_id(number: u16) -> HoldId {
    HoldId::from_bytes(id(number))
}

fn session_id(number: u16) -> SessionId {
    SessionId::from_bytes(id(number))
}

impl World {
    fn new(spec: MeterSpec) -> Self {
        let (account, writer) = (AccountId::from_bytes([8; 16]), WriterId::from_bytes([9; 16]));
        spec.check().unwrap();
        let mut world = Self {
            license: a_license(),
            terms: Terms::default(),
            allowed_from: AllowedFrom::Policy,
            state: spec.beginning(),
            spec,
            live: Live::default(),
            now: BEGIN,
            asked: 0,
            records: 0,
            auditor: Auditor::new(account, writer),
            log: Vec::new(),
        };
        world.record(&Record { at: BEGIN, event: Event::Opened { account, writer } });
        world
    }

    fn situation(&self) -> Situation<'_> {
        Situation {
            license: &self.license,
            terms: &self.terms,
            meter: self.meter(),
            state: &self.state,
            live: &self.live,
            now: self.now,
        }
    }

    fn meter(&self) -> Meter<'_> {
        let Self { license, spec, allowed_from, .. } = self;
        Meter { license: license.id, spec, allowed_from: *allowed_from }
    }

    fn record(&mut self, record: &Record<'_>) {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        assert_eq!(Record::decode(&bytes).as_ref(), Ok(record), "reads back as it was written");
        assert_eq!(self.auditor.record(&bytes), Ok(None), "{record:?}");
        self.records += 1;
    }

    /// Does what was decided, as the engine does: records it, and checks that its replay leads to
    /// the same state.
    fn apply(&mut self, decision: &Decision) {
        let name = self.spec.name.clone();
        for step in &decision.steps {
            let Step { counted, activation, reference, turn, .. } = *step;
            let event = UseEvent {
                license: self.license.id,
                meter: &name,
                counted,
                previous: self.state.last_record,
                activation,
                reference,
                turn,
                idempotency: None,
                occurred_at: None,
                subject: None,
                attributes: AttributesView::default(),
            };
            let number = self.records;
            self.record(&Record { at: self.now, event: Event::Use(event) });
            let replayed = self.state.after(&counted, turn.as_ref(), self.now, number).unwrap();
            let before = core::mem::replace(
                &mut self.state,
                MeterState { last_record: Some(number), ..step.state },
            );
            assert_eq!(self.state, replayed, "{step:?}");
            self.check_step(&before, step);
            self.log.push(counted);
        }
        for change in &decision.live {
            self.live.apply(change);
        }
    }

    /// Nothing rises above the ceiling, whatever was above it before; what was used once stays used.
    fn check_step(&self, before: &MeterState, step: &Step) {
        let used = |state: &MeterState| match self.spec.measure {
            Measure::Peak => state.total.max(state.held),
            _ => state.total.saturating_add(state.held),
        };
        let after = used(&self.state);
        let fits = self.meter().ceiling(&self.state).is_none_or(|ceiling| after <= ceiling);
        // What lies below the beginning comes back to it with a turn or a reset, full or not.
        let was_below = before.total < self.spec.beginning().total;
        assert!(fits || after <= used(before) || was_below, "{before:?} {step:?}");
        assert!(self.state.gross >= before.gross, "{before:?} {step:?}");
        // The sums of an hour are what moved the total in it.
        let (old, new) = (before.hour, self.state.hour);
        let old = if old.hour == new.hour { old } else { HourSums::default() };
        let sum = |hour: HourSums| {
            let [up, down, other] = [hour.incremented, hour.decremented, hour.adjusted];
            i128::from(up) - i128::from(down) + i128::from(other)
        };
        let moved = i128::from(self.state.total) - i128::from(before.total);
        assert_eq!(sum(new) - sum(old), moved, "{before:?} {step:?}");
        assert_eq!(new.overage - old.overage, step.counted.overage);
        assert_eq!(new.uses - old.uses, i64::from(step.counted.operation.is_use()));
        assert!(self.state.held >= 0, "{before:?} {step:?}");
    }

    /// What is due, until nothing is.
    fn due(&mut self) -> Vec<Done> {
        let most = self.live.holds.len() + self.live.sessions.len() + 1;
        let before = self.log.len();
        for _ in 0..=most {
            let Some(decision) = overdue(&self.situation()).unwrap() else {
                return self.log[before..].iter().map(done).collect();
            };
            self.apply(&decision);
        }
        panic!("more is due than lives on the license");
    }

    /// What a timer does, until nothing is due.
    fn idle(&mut self) -> Vec<Done> {
        let before = self.log.len();
        while let Some(decision) = overdue_idle(&self.situation()).unwrap() {
            self.apply(&decision);
            assert!(self.log.len() < before + 1000, "it comes to an end");
        }
        self.log[before..].iter().map(done).collect()
    }

    fn used(&self, operation: Operation) -> Use {
        Use {
            license: LicenseRef::Id(self.license.id),
            meter: self.spec.name.clone(),
            operation,
            activation: None,
            idempotency_key: None,
            occurred_at: None,
            subject: None,
            attributes: Attributes::default(),
        }
    }

    /// Decides a request after what is due, and does it.
    fn request(&mut self, used: &Use) -> Result<Decision, Refusal> {
        self.due();
        self.asked += 1;
        let decision = decide(&self.situation(), used, id(self.asked), &[7; 32])?;
        self.apply(&decision);
        Ok(decision)
    }

    fn ask(&mut self, operation: Operation) -> Outcome {
        self.ask_with(operation, |_| {})
    }

    fn ask_with(&mut self, operation: Operation, change: impl FnOnce(&mut Use)) -> Outcome {
        let mut used = self.used(operation);
        change(&mut used);
        match self.request(&used) {
            Ok(decision) => Ok(decision.steps.iter().map(|step| done(&step.counted)).collect()),
            Err(refusal) => Err(refusal.code()),
        }
    }

    fn ask_on(&mut self, machine: u8, operation: Operation) -> Outcome {
        let named = ActivationRef::Id(self::machine(machine));
        self.ask_with(operation, |used| used.activation = Some(named))
    }

    fn pass(&mut self, ms: i64) {
        self.now = self.now.plus_ms(ms);
    }

    /// Asks one after the other, each so long after the one before.
    fn play(&mut self, script: &[(i64, Operation, Outcome)]) {
        for (number, (ms, operation, expected)) in script.iter().enumerate() {
            self.pass(*ms);
            let found = self.ask(*operation);
            assert_eq!(found, *expected, "request {}: {operation:?}", number + 1);
        }
    }
}

fn up(amount: i64) -> Operation {
    let amount = Decimal::whole(amount);
    Operation::Increment(crate::usage::Step { amount, bound: None, fit: Fit::Whole })
}

fn down(amount: i64) -> Operation {
    let amount = Decimal::whole(amount);
    Operation::Decrement(crate::usage::Step { amount, bound: None, fit: Fit::Whole })
}

fn set(value: i64) -> Operation {
    Operation::Set(Decimal::whole(value))
}

fn hold(amount: i64, fit: Fit, seconds: Option<u32>) -> Operation {
    Operation::Hold(NewHold { amount: Decimal::whole(amount), fit, seconds })
}

fn settle(number: u16, amount: Option<i64>) -> Operation {
    Operation::Settle(hold_id(number), amount.map(Decimal::whole))
}

fn release(number: u16) -> Operation {
    Operation::Release(hold_id(number))
}

fn check_out(count: i64) -> Operation {
    Operation::CheckOut(CheckOut { count: Decimal::whole(count) })
}

fn beat(number: u16) -> Operation {
    Operation::Heartbeat(session_id(number))
}

fn check_in(number: u16) -> Operation {
    Operation::CheckIn(session_id(number))
}

#[test]
fn an_overage_lets_holds_and_sessions_above_the_ceiling_too() {
    use OperationKind::{Hold, Settle};
    let overage = Overage::Amount(2);
    let mut world = World::new(MeterSpec { overage, ..spec(Some(10), Measure::Uses) });
    world.play(&[
        (0, hold(13, Fit::Whole, None), Err("limit-reached")),
        (0, hold(12, Fit::Whole, None), Ok(vec![(Hold, 12, 0, 0, 12)])),
        (0, settle(2, None), Ok(vec![(Settle, 12, 12, 12, 0)])),
    ]);
    assert_eq!(world.log.iter().map(|counted| counted.overage).sum::<i64>(), 2);
}
