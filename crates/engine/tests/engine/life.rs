//! What lives on licenses, by random: one engine that is never disturbed and looks at its clock
//! often, and one that crashes, is restarted, and finds out late what time it is. Both are asked
//! the same, must answer the same, and stand the same; and what they write must be what `verify`
//! computes from the records.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use usance_core::activation::{Activation, ActivationRef, Process};
use usance_core::command::{
    ActivationPatch, AllowedChange, Command, FileRequest, LicensePatch, MeterPatch, NewActivation,
    NewMeter, NewProcess, NewRollover, PolicyPatch, Ref, Reply, ValidationRequest,
};
use usance_core::id::{ActivationId, HoldId, ProcessId, SessionId};
use usance_core::license::{License, LicenseRef, StandingChange};
use usance_core::live::{Hold, Live, Session};
use usance_core::metadata::Metadata;
use usance_core::meter::{AllowedFrom, Counted, Measure, MeterPeriod, MeterState, Timing};
use usance_core::period::Every;
use usance_core::quantity::{Decimal, Scale};
use usance_core::refusal::Refusal;
use usance_core::terms::TermsPatch;
use usance_core::time::{HOUR_MS, Timestamp};
use usance_core::usage::{
    Answer, Attributes, CheckOut, Fit, IdempotencyKey, NewHold, Operation, Reserved, Step, Subject,
    Use,
};
use usance_engine::clock::{Clock as _, ManualClock};
use usance_engine::moving::Moving;
use usance_engine::store::LoadedLicense;
use usance_engine::{Engine, Failure};

use crate::property::property;
use crate::world::{BEGIN, WINDOW_MS, World, check, code, new_license, new_meter, new_policy, run};

const LICENSES: usize = 3;
const MACHINES: u8 = 4;
const PROCESSES: u8 = 3;
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const METERS: [&str; 7] = ["frames", "seats", "peak", "hours", "days", "credits", "extra"];

/// How a use names what is there.
#[derive(Debug, Clone)]
struct Asked {
    license: usize,
    meter: usize,
    operation: Op,
    machine: Option<u8>,
    key: Option<u8>,
    user: Option<u8>,
}

/// What is asked of a meter; holds and sessions are named by how many began before them.
#[derive(Debug, Clone, Copy)]
enum Op {
    Increment(i64, bool),
    Decrement(i64, bool),
    Set(i64),
    Reset,
    Hold(i64, bool, Option<u32>),
    Settle(usize, Option<i64>),
    Release(usize),
    CheckOut(i64),
    Heartbeat(usize),
    CheckIn(usize),
}

/// What is asked of a license's machines.
#[derive(Debug, Clone, Copy)]
enum Machine {
    Activate { cores: u32, heartbeat_seconds: Option<u32> },
    Change { cores: u32 },
    Heartbeat,
    Reset,
    Deactivate,
    Start(u8),
    Beat(u8),
    End(u8),
}

/// Changes of a policy.
#[derive(Debug, Clone, Copy)]
enum PolicyChange {
    Allowed(usize, Option<i64>),
    Period(usize, MeterPeriod),
    Heartbeat(Option<u32>),
    MaxActivations(Option<u64>),
    WhenFull(bool),
    Unique(bool),
    Gain(usize),
}

#[derive(Debug, Clone)]
enum Happening {
    Count(Vec<Asked>),
    /// What was asked with a key is asked once more.
    Again(usize),
    Machine(usize, u8, Machine),
    Clock(i64),
    Tend,
    Restart {
        is_closed: bool,
    },
    Standing(usize, StandingChange),
    Renew(usize),
    CheckIn(usize),
    Validate(usize, Option<u8>),
    File(usize),
    Transfer(usize, usize),
    Override(usize, Option<u32>),
    AddMeter(usize, usize),
    RemoveMeter(usize, usize),
    Allowed(usize, usize, Option<i64>),
    Policy(usize, PolicyChange),
    Delete(usize),
}

fn asked() -> impl Strategy<Value = Asked> {
    let amount = || prop_oneof![9 => 1i64..8, 1 => 0i64..60];
    let number = || 0usize..6;
    let operation = prop_oneof![
        5 => (amount(), any::<bool>()).prop_map(|(by, part)| Op::Increment(by, part)),
        3 => (amount(), any::<bool>()).prop_map(|(by, part)| Op::Decrement(by, part)),
        1 => amount().prop_map(Op::Set),
        1 => Just(Op::Reset),
        3 => (amount(), any::<bool>(), prop::option::of(1u32..7200))
            .prop_map(|(by, part, seconds)| Op::Hold(by, part, seconds)),
        3 => (number(), prop::option::of(amount())).prop_map(|(one, by)| Op::Settle(one, by)),
        2 => number().prop_map(Op::Release),
        5 => (1i64..4).prop_map(Op::CheckOut),
        4 => number().prop_map(Op::Heartbeat),
        3 => number().prop_map(Op::CheckIn),
    ];
    (
        (0..LICENSES, 0..METERS.len(), operation),
        prop::option::weighted(0.6, 0..MACHINES),
        prop::option::weighted(0.2, 0u8..20),
        prop::option::weighted(0.3, 0u8..3),
    )
        .prop_map(|((license, meter, operation), machine, key, user)| Asked {
            license,
            meter,
            operation,
            machine,
            key,
            user,
        })
}

fn machine() -> impl Strategy<Value = Machine> {
    let cores = || 1u32..9;
    prop_oneof![
        6 => (cores(), prop::option::weighted(0.3, 60u32..90_000)).prop_map(
            |(cores, heartbeat_seconds)| Machine::Activate { cores, heartbeat_seconds }
        ),
        1 => cores().prop_map(|cores| Machine::Change { cores }),
        3 => Just(Machine::Heartbeat),
        1 => Just(Machine::Reset),
        2 => Just(Machine::Deactivate),
        2 => (0..PROCESSES).prop_map(Machine::Start),
        1 => (0..PROCESSES).prop_map(Machine::Beat),
        1 => (0..PROCESSES).prop_map(Machine::End),
    ]
}

fn policy_change() -> impl Strategy<Value = PolicyChange> {
    let period = select(vec![
        MeterPeriod::Never,
        MeterPeriod::Every(Every::Hour),
        MeterPeriod::Every(Every::Day),
        MeterPeriod::Billing,
    ]);
    let meter = || 0..METERS.len() - 1;
    prop_oneof![
        (meter(), prop::option::of(0i64..30)).prop_map(|(of, to)| PolicyChange::Allowed(of, to)),
        (meter(), period).prop_map(|(of, period)| PolicyChange::Period(of, period)),
        prop::option::of(60u32..90_000).prop_map(PolicyChange::Heartbeat),
        prop::option::of(0u64..4).prop_map(PolicyChange::MaxActivations),
        any::<bool>().prop_map(PolicyChange::WhenFull),
        any::<bool>().prop_map(PolicyChange::Unique),
        (0..METERS.len()).prop_map(PolicyChange::Gain),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    use StandingChange::{Reinstate, Suspend};
    let clock = select(vec![
        1,
        30_000,
        MINUTE_MS,
        7 * MINUTE_MS,
        HOUR_MS,
        5 * HOUR_MS,
        26 * HOUR_MS,
        40 * DAY_MS,
        -1,
        -HOUR_MS,
    ]);
    let license = || 0..LICENSES;
    let own = || prop_oneof![2 => Just(METERS.len() - 1), 1 => 0..METERS.len()];
    prop_oneof![
        16 => prop::collection::vec(asked(), 1..6).prop_map(Happening::Count),
        2 => (0usize..4).prop_map(Happening::Again),
        8 => (license(), 0..MACHINES, machine())
            .prop_map(|(of, machine, what)| Happening::Machine(of, machine, what)),
        7 => clock.prop_map(Happening::Clock),
        2 => Just(Happening::Tend),
        3 => any::<bool>().prop_map(|is_closed| Happening::Restart { is_closed }),
        1 => (license(), select(vec![Suspend, Reinstate, Reinstate]))
            .prop_map(|(of, change)| Happening::Standing(of, change)),
        1 => license().prop_map(Happening::Renew),
        1 => license().prop_map(Happening::CheckIn),
        1 => (license(), prop::option::of(0..MACHINES))
            .prop_map(|(of, machine)| Happening::Validate(of, machine)),
        1 => license().prop_map(Happening::File),
        2 => (license(), 0usize..2).prop_map(|(of, to)| Happening::Transfer(of, to)),
        1 => (license(), prop::option::of(60u32..90_000))
            .prop_map(|(of, seconds)| Happening::Override(of, seconds)),
        2 => (license(), own()).prop_map(|(of, one)| Happening::AddMeter(of, one)),
        2 => (license(), own()).prop_map(|(of, one)| Happening::RemoveMeter(of, one)),
        1 => (license(), 0..METERS.len(), prop::option::of(0i64..20))
            .prop_map(|(of, one, to)| Happening::Allowed(of, one, to)),
        2 => (0usize..2, policy_change()).prop_map(|(of, what)| Happening::Policy(of, what)),
        1 => Just(Happening::Delete(LICENSES - 1)),
    ]
}

// The two engines.

const POLICIES: [&str; 2] = ["plan", "other"];

fn meter_named(name: &str) -> NewMeter {
    let hours = Timing {
        unit_seconds: 3600,
        minimum_seconds: 600,
        free_seconds: 120,
        step_seconds: 360,
        idle_seconds: Some(1800),
    };
    let all = |allowed| new_meter(name, Some(allowed));
    match name {
        "frames" => NewMeter { floating: true, ..all(20) },
        "seats" => NewMeter { measure: Measure::Seats, ..all(5) },
        "peak" => {
            NewMeter { measure: Measure::Peak, period: MeterPeriod::Every(Every::Day), ..all(6) }
        }
        "hours" => NewMeter {
            measure: Measure::Duration(hours),
            scale: Scale::new(2).unwrap(),
            session_grace_seconds: Some(900),
            ..all(30)
        },
        "days" => NewMeter { measure: Measure::DayPass, ..all(12) },
        "credits" => NewMeter {
            period: MeterPeriod::Every(Every::Day),
            rollover: NewRollover::UpTo(Decimal::whole(70)),
            record_refusals: true,
            hold_seconds_max: Some(7200),
            ..all(40)
        },
        _ => NewMeter { floating: true, floor: Decimal::whole(-3), ..all(9) },
    }
}

fn terms(of: &[(&str, &str)]) -> TermsPatch {
    let mut terms = TermsPatch::default();
    for (name, value) in of {
        terms.set(name, value).expect("a term");
    }
    terms
}

/// One of the engines, and the ids that it gave.
struct Side {
    world: World,
    licenses: Vec<License>,
    /// Holds and sessions in the order in which they began; the license and meter are known.
    began: Vec<(usize, usize, Reserved)>,
    /// What was asked with a key, as it was said.
    keyed: Vec<(Asked, Use)>,
}

impl Side {
    async fn open(world: World) -> Self {
        let plan = ["frames", "seats", "peak", "hours", "days", "credits"].map(meter_named);
        world.policy_of("none", Vec::new()).await;
        let first = terms(&[
            ("max_activations", "3"),
            ("max_cores", "16"),
            ("max_processes", "2"),
            ("heartbeat_seconds", "7200"),
            ("revive_seconds", "600"),
            ("check_in_every", "30 days"),
            ("billing_every", "month"),
            ("duration_seconds", "8640000"),
            ("expires_from", "first-use"),
        ]);
        let second = terms(&[
            ("max_activations", "2"),
            ("when_full", "replace-oldest"),
            ("unique", "policy"),
            ("when_dead", "keep"),
            ("time_zone", "Europe/Berlin"),
            ("billing_every", "week"),
        ]);
        let other = vec![meter_named("frames"), meter_named("credits"), meter_named("seats")];
        for (name, meters, terms) in [("plan", plan.to_vec(), first), ("other", other, second)] {
            let new = usance_core::command::NewPolicy { meters, terms, ..new_policy(name) };
            world.change(Command::CreatePolicy(new)).await.expect("a policy");
        }
        let mut licenses = Vec::new();
        for number in 0..LICENSES {
            let policy = POLICIES[number % 2];
            match world.change(Command::CreateLicense(new_license(policy))).await {
                Ok(Reply::License(license, _)) => licenses.push(license),
                other => panic!("{other:?}"),
            }
        }
        Self { world, licenses, began: Vec::new(), keyed: Vec::new() }
    }

    fn engine(&self) -> &Engine {
        &self.world.engine
    }

    fn of(&self, license: usize) -> LicenseRef {
        LicenseRef::Id(self.licenses[license].id)
    }

    /// The use, where it can be said: what never began cannot be named.
    fn as_use(&self, asked: &Asked) -> Option<Use> {
        let whole = |value| Decimal::whole(value);
        let step = |amount, part| Step {
            amount: whole(amount),
            bound: None,
            fit: if part { Fit::Partial } else { Fit::Whole },
        };
        let of_kind = |wants_hold: bool, number: usize| {
            let mut all = self
                .began
                .iter()
                .rev()
                .filter(|(.., id)| matches!(id, Reserved::Hold(_)) == wants_hold);
            all.nth(number).copied()
        };
        let hold = |number| match of_kind(true, number)? {
            (license, meter, Reserved::Hold(id)) => Some((license, meter, id)),
            _ => None,
        };
        let session = |number| match of_kind(false, number)? {
            (license, meter, Reserved::Session(id)) => Some((license, meter, id)),
            _ => None,
        };
        type Named<T> = (usize, usize, T);
        let (mut license, mut meter) = (asked.license, asked.meter);
        let mut named = |(of, on, id): Named<HoldId>| {
            (license, meter) = (of, on);
            id
        };
        let operation = match asked.operation {
            Op::Increment(by, part) => Operation::Increment(step(by, part)),
            Op::Decrement(by, part) => Operation::Decrement(step(by, part)),
            Op::Set(to) => Operation::Set(whole(to)),
            Op::Reset => Operation::Reset,
            Op::Hold(by, part, seconds) => {
                let Step { amount, fit, .. } = step(by, part);
                Operation::Hold(NewHold { amount, fit, seconds })
            }
            Op::Settle(one, by) => Operation::Settle(named(hold(one)?), by.map(whole)),
            Op::Release(one) => Operation::Release(named(hold(one)?)),
            Op::CheckOut(count) => Operation::CheckOut(CheckOut { count: whole(count) }),
            Op::Heartbeat(one) | Op::CheckIn(one) => {
                let id: SessionId;
                (license, meter, id) = session(one)?;
                match asked.operation {
                    Op::Heartbeat(_) => Operation::Heartbeat(id),
                    _ => Operation::CheckIn(id),
                }
            }
        };
        let keeps_key = !matches!(asked.operation, Op::Heartbeat(_));
        let key = asked.key.filter(|_| keeps_key).map(|key| format!("key {key}"));
        Some(Use {
            license: self.of(license),
            meter: code(METERS[meter]),
            operation,
            activation: asked.machine.map(|one| ActivationRef::Id(machine_id(license, one))),
            idempotency_key: key.map(|key| IdempotencyKey::parse(key).expect("a key")),
            occurred_at: None,
            subject: asked
                .user
                .map(|user| Subject { user: Some(format!("user {user}")), ..Subject::default() }),
            attributes: Attributes::default(),
        })
    }

    async fn count(&mut self, all: &[Asked]) -> Vec<Result<Told, String>> {
        let asked = all.iter().filter_map(|asked| Some((asked.clone(), self.as_use(asked)?)));
        let asked: Vec<_> = asked.collect();
        let keyed = asked.iter().filter(|(_, used)| used.idempotency_key.is_some());
        self.keyed.extend(keyed.cloned());
        self.send(asked).await
    }

    /// Asks once more what was asked with a key, as it was said then.
    async fn again(&mut self, number: usize) -> Vec<Result<Told, String>> {
        let again = self.keyed.iter().rev().nth(number).cloned();
        self.send(again.into_iter().collect()).await
    }

    async fn send(&mut self, asked: Vec<(Asked, Use)>) -> Vec<Result<Told, String>> {
        let (asked, uses): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let outcomes = self.world.count(uses.clone()).await.expect("counted");
        let mut told = Vec::new();
        for ((asked, used), outcome) in asked.into_iter().zip(&uses).zip(outcomes) {
            if let Ok(Answer { reference: Some(reference), repeat: false, .. }) = &outcome
                && used.operation.makes_id()
            {
                self.began.push((asked.license, asked.meter, reference.id));
            }
            told.push(match outcome {
                Ok(answer) => Ok(self.told(&answer)),
                Err(refusal) => Err(self.said(&refusal)),
            });
        }
        told
    }

    fn told(&self, answer: &Answer) -> Told {
        let Answer { counted, repeat, at, ended, activation, reference, period_end, .. } = answer;
        let number = |id: Reserved| self.began.iter().position(|(.., known)| *known == id);
        Told {
            counted: *counted,
            repeat: *repeat,
            at: *at,
            activation: *activation,
            reference: reference.map(|one| (number(one.id), one.until)),
            // A repeat does not know them any more.
            period_end: period_end.filter(|_| !repeat),
            is_ended: ended.is_some() && !repeat,
        }
    }

    fn said(&self, refusal: &Refusal) -> String {
        match refusal.figures() {
            Some(figures) => format!(
                "{} asked {} total {} gross {} allowed {:?} ceiling {:?} held {}",
                refusal.code(),
                figures.asked,
                figures.total,
                figures.gross,
                figures.allowed,
                figures.ceiling,
                figures.held
            ),
            // What is dead for good is ended when it is noticed, and unknown from then on.
            None => refusal.code().replace("activation-dead", "unknown"),
        }
    }

    async fn change(&mut self, command: Command) -> Result<String, String> {
        match self.world.change(command).await {
            Ok(reply) => Ok(match reply {
                Reply::License(license, at) => {
                    format!("{:?} {:?} {at:?}", license.standing, license.expires_at)
                }
                Reply::Activation(view) | Reply::ActivatedAlready(view) => {
                    let shares = view.shares.len();
                    format!(
                        "{:?} {:?} {:?} {shares}",
                        view.activation.id, view.heartbeat, view.next_heartbeat
                    )
                }
                Reply::Process(process, dies_at) => format!("{:?} {dies_at:?}", process.id),
                Reply::Validation(found) => format!("{:?} {:?}", found.code, found.at),
                Reply::Meter(view) => format!("{} {:?}", view.spec.name, view.allowed_from),
                Reply::File(file) => format!("{:?}", file.issued_at),
                Reply::Policy(policy) => format!("{}", policy.meters.len()),
                other => format!("{other:?}"),
            }),
            Err(Failure::Refused(refusal)) => Err(self.said(&refusal)),
            Err(failure) => panic!("{failure}"),
        }
    }

    async fn known(&self, license: usize) -> Option<LoadedLicense> {
        let caller = Arc::clone(&self.world.system);
        match self.engine().known(caller, self.of(license)).await {
            Ok(known) => Some(known.loaded),
            Err(Failure::Refused(Refusal::Unknown(..))) => None,
            Err(failure) => panic!("{failure}"),
        }
    }
}

/// An answer, without what only one of the engines can know.
#[derive(Debug, PartialEq)]
struct Told {
    counted: Counted,
    repeat: bool,
    at: Timestamp,
    activation: Option<ActivationId>,
    reference: Option<(Option<usize>, Option<Timestamp>)>,
    period_end: Option<Timestamp>,
    is_ended: bool,
}

fn machine_id(license: usize, number: u8) -> ActivationId {
    let mut bytes = [7; 16];
    (bytes[0], bytes[1]) = (u8::try_from(license).unwrap(), number);
    ActivationId::from_bytes(bytes)
}

fn process_id(license: usize, number: u8) -> ProcessId {
    ProcessId::from_bytes(*machine_id(license, 100 + number).bytes())
}

fn command(side: &Side, happening: &Happening) -> Option<Command> {
    let patch =
        |policy: usize, patch| Command::ChangePolicy(Ref::Code(code(POLICIES[policy])), patch);
    let maybe = |value: Option<u64>| value.map_or("none".to_owned(), |value| value.to_string());
    let term = |policy, name, value: &str| {
        patch(policy, PolicyPatch { terms: terms(&[(name, value)]), ..PolicyPatch::default() })
    };
    Some(match happening.clone() {
        Happening::Machine(license, number, what) => {
            machine_command(side.of(license), license, number, what)
        }
        Happening::Standing(of, change) => Command::ChangeStanding(side.of(of), change),
        Happening::Renew(of) => Command::RenewLicense(side.of(of)),
        Happening::CheckIn(of) => Command::CheckInLicense(side.of(of)),
        Happening::Validate(of, machine) => {
            let activation = machine.map(|one| machine_id(of, one));
            let request = ValidationRequest { activation, ..ValidationRequest::default() };
            Command::ValidateLicense(side.of(of), request)
        }
        Happening::File(of) => Command::MakeFile(side.of(of), FileRequest::default()),
        Happening::Transfer(of, to) => {
            Command::TransferLicense(side.of(of), Ref::Code(code(POLICIES[to])))
        }
        Happening::Override(of, seconds) => {
            let seconds = maybe(seconds.map(u64::from));
            let terms = terms(&[("heartbeat_seconds", &seconds)]);
            let patch = LicensePatch { terms, ..LicensePatch::default() };
            Command::ChangeLicense(side.of(of), patch)
        }
        Happening::AddMeter(of, one) => Command::AddMeter(side.of(of), meter_named(METERS[one])),
        Happening::RemoveMeter(of, one) => Command::RemoveMeter(side.of(of), code(METERS[one])),
        Happening::Allowed(of, one, to) => {
            let change =
                to.map_or(AllowedChange::Policy, |to| AllowedChange::Own(Decimal::whole(to)));
            Command::ChangeAllowed(side.of(of), code(METERS[one]), change)
        }
        Happening::Policy(of, what) => match what {
            PolicyChange::Allowed(one, to) => {
                let allowed = Some(to.map(Decimal::whole));
                let one = MeterPatch { allowed, ..MeterPatch::of(code(METERS[one])) };
                patch(of, PolicyPatch { meters: vec![one], ..PolicyPatch::default() })
            }
            PolicyChange::Period(one, period) => {
                let one = MeterPatch { period: Some(period), ..MeterPatch::of(code(METERS[one])) };
                patch(of, PolicyPatch { meters: vec![one], ..PolicyPatch::default() })
            }
            PolicyChange::Heartbeat(seconds) => {
                term(of, "heartbeat_seconds", &maybe(seconds.map(u64::from)))
            }
            PolicyChange::MaxActivations(most) => term(of, "max_activations", &maybe(most)),
            PolicyChange::WhenFull(replaces) => {
                term(of, "when_full", if replaces { "replace-oldest" } else { "refuse" })
            }
            PolicyChange::Unique(is_wide) => {
                term(of, "unique", if is_wide { "account" } else { "license" })
            }
            PolicyChange::Gain(one) => {
                let new_meters = vec![meter_named(METERS[one])];
                patch(of, PolicyPatch { new_meters, ..PolicyPatch::default() })
            }
        },
        Happening::Delete(of) => Command::DeleteLicense(side.of(of)),
        Happening::Count(_)
        | Happening::Again(_)
        | Happening::Clock(_)
        | Happening::Tend
        | Happening::Restart { .. } => {
            return None;
        }
    })
}

fn machine_command(of: LicenseRef, license: usize, number: u8, what: Machine) -> Command {
    let id = machine_id(license, number);
    let name = ActivationRef::Id(id);
    match what {
        Machine::Activate { cores, heartbeat_seconds } => {
            let new = NewActivation {
                id: Some(id),
                // The same machines on all licenses.
                fingerprint: format!("machine {number}"),
                cores: Some(cores),
                heartbeat_seconds,
                ..NewActivation::default()
            };
            Command::Activate(of, new)
        }
        Machine::Change { cores } => {
            let patch = ActivationPatch { cores: Some(Some(cores)), ..ActivationPatch::default() };
            Command::ChangeActivation(of, name, patch)
        }
        Machine::Heartbeat => Command::HeartbeatActivation(of, name),
        Machine::Reset => Command::ResetHeartbeat(of, name),
        Machine::Deactivate => Command::Deactivate(of, name),
        Machine::Start(process) => {
            let new = NewProcess {
                id: Some(process_id(license, process)),
                pid: format!("{process}"),
                metadata: Metadata::default(),
            };
            Command::StartProcess(of, name, new)
        }
        Machine::Beat(process) => Command::HeartbeatProcess(of, process_id(license, process)),
        Machine::End(process) => Command::EndProcess(of, process_id(license, process)),
    }
}

/// Where a license stands, without what only one of the engines can know.
#[derive(Debug, PartialEq)]
struct Stand {
    license: License,
    meters: Vec<(String, bool, AllowedFrom, MeterState)>,
    activations: Vec<Arc<Activation>>,
    processes: Vec<Arc<Process>>,
    shares: Vec<(ActivationId, String, i64)>,
    holds: Vec<Hold>,
    sessions: Vec<Session>,
    passes: Vec<Timestamp>,
}

impl Stand {
    /// What is different, one below the other.
    fn differences(found: Option<&Self>, expected: Option<&Self>) -> Vec<String> {
        let lines = |stand: Option<&Self>| {
            stand.map(|stand| format!("{stand:#?}")).map_or(Vec::new(), |text| {
                text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()
            })
        };
        if found == expected {
            return Vec::new();
        }
        let (found, expected) = (lines(found), lines(expected));
        let mut differences = Vec::new();
        for line in &found {
            if !expected.contains(line) {
                differences.push(format!("found    {line}"));
            }
        }
        for line in &expected {
            if !found.contains(line) {
                differences.push(format!("expected {line}"));
            }
        }
        let first = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        if let Some(first) = first {
            let from = first.saturating_sub(12);
            let end = found.len().min(first + 8);
            differences.push(format!("first in {:?}", &found[from..end]));
        }
        differences
    }
}

/// `is_same_engine`: whether ids and places in the ledger are to be the same, too.
fn stand(loaded: &LoadedLicense, is_same_engine: bool) -> Stand {
    let LoadedLicense { license, meters, live, .. } = loaded;
    let mut license = (**license).clone();
    let meters = meters.iter().map(|meter| {
        let mut state = MeterState { refusals: 0, ..meter.state };
        if !is_same_engine {
            // Which hour something that was due falls into depends on when it is noticed.
            (state.hour, state.last_record) = Default::default();
        }
        (meter.spec.name.to_string(), meter.is_own, meter.allowed_from, state)
    });
    let Live { activations, processes, shares, holds, sessions, passes } = (**live).clone();
    let (mut activations, mut processes) = (activations, processes);
    activations.sort_by_key(|one| one.id);
    processes.sort_by_key(|one| one.id);
    let mut shares: Vec<_> = shares
        .into_iter()
        .map(|one| (one.activation, one.meter.to_string(), one.quantity))
        .collect();
    shares.sort();
    let mut holds: Vec<Hold> = holds.iter().map(|one| (**one).clone()).collect();
    let mut sessions: Vec<Session> = sessions.iter().map(|one| (**one).clone()).collect();
    if !is_same_engine {
        license.id = usance_core::id::LicenseId::from_bytes([0; 16]);
        license.key.0.clear();
        license.policy = usance_core::id::PolicyId::from_bytes([0; 16]);
        license.product = usance_core::id::ProductId::from_bytes([0; 16]);
        holds.iter_mut().for_each(|one| one.id = HoldId::from_bytes([0; 16]));
        sessions.iter_mut().for_each(|one| one.id = SessionId::from_bytes([0; 16]));
    }
    holds.sort_by_key(|one| (one.id, one.created_at, format!("{one:?}")));
    let user = |one: &Session| one.subject.as_ref().and_then(|subject| subject.user.clone());
    sessions.sort_by_key(|one| (one.id, one.created_at, user(one), format!("{one:?}")));
    let mut passes: Vec<_> = passes.iter().map(|pass| pass.until).collect();
    passes.sort();
    let meters = meters.collect();
    Stand { license, meters, activations, processes, shares, holds, sessions, passes }
}

/// What is so of every license, whatever happened to it.
fn check_laws(loaded: &LoadedLicense, now: Timestamp) {
    let LoadedLicense { meters, live, .. } = loaded;
    for meter in meters {
        let name = &meter.spec.name;
        let holds = live.holds.iter().filter(|one| one.meter == *name).map(|one| one.units);
        let sessions = live.sessions.iter().filter(|one| one.meter == *name);
        let held: i64 = holds.chain(sessions.map(|one| one.reserved)).sum();
        assert_eq!(meter.state.held, held, "units on hold of {name}");
        let shares = live.shares.iter().filter(|one| one.meter == *name);
        let shares: i64 = shares.map(|one| one.quantity).sum();
        let back = meter.state.total - meter.spec.floor;
        assert!(shares <= back, "shares {shares} of {name}, of which {back} could come back");
        assert!(meter.state.total >= meter.spec.floor && meter.state.gross >= 0);
    }
    for share in &live.shares {
        assert!(share.quantity > 0, "{share:?}");
        let holder = live.activations.iter().find(|one| one.id == share.activation);
        assert!(holder.is_some(), "{share:?} is nobody's");
    }
    for process in &live.processes {
        let machine = live.activations.iter().find(|one| one.id == process.activation);
        assert!(machine.is_some(), "process {} runs nowhere", process.id);
    }
    let due = Moving::new(loaded.clone()).next_due();
    assert!(due.is_none_or(|at| at > now), "{due:?} was due at {now:?}");
    let is_late = due.is_some_and(|due| loaded.timer.is_none_or(|timer| timer > due));
    assert!(!is_late, "due at {due:?}, but the timer is {:?}", loaded.timer);
}

struct Both {
    calm: Side,
    wild: Side,
    /// The latest that the clocks have shown.
    latest: Timestamp,
}

impl Both {
    async fn open(directory: &Path) -> Self {
        let clocks = [(); 2].map(|()| Arc::new(ManualClock::new(BEGIN)));
        let [calm, wild] = clocks;
        let wild = World::on_disk_at(directory, wild, WINDOW_MS);
        Self {
            calm: Side::open(World::in_memory_at(calm)).await,
            wild: Side::open(wild).await,
            latest: BEGIN,
        }
    }

    async fn happen(mut self, directory: &Path, happening: &Happening) -> Self {
        match happening {
            Happening::Count(all) => {
                let calm = self.calm.count(all).await;
                let wild = self.wild.count(all).await;
                assert_eq!(wild, calm, "{all:?}");
            }
            Happening::Again(number) => {
                let calm = self.calm.again(*number).await;
                let wild = self.wild.again(*number).await;
                assert_eq!(wild, calm, "once more");
            }
            Happening::Clock(by) => self.clock(*by).await,
            Happening::Tend => self.wild.engine().tend().await.expect("what is due is done"),
            Happening::Restart { is_closed } => self = self.restart(directory, *is_closed).await,
            other => {
                // What is due on a license when its policy changes is found afterwards: that a
                // server that runs is seldom later than a second is good enough there.
                if matches!(other, Happening::Policy(..)) {
                    self.wild.engine().tend().await.expect("what is due is done");
                }
                let command_of = |side: &Side| command(side, other).expect("a command");
                let calm = command_of(&self.calm);
                let calm = self.calm.change(calm).await;
                let wild = command_of(&self.wild);
                let wild = self.wild.change(wild).await;
                assert_eq!(wild, calm, "{other:?}");
            }
        }
        self
    }

    /// Time passes: in many steps for the one, at once for the other.
    async fn clock(&mut self, by: i64) {
        let begin = self.wild.world.clock.now();
        for step in 1..=9 {
            self.calm.world.clock.put(begin.plus_ms(by * step / 9));
            self.calm.engine().tend().await.expect("what is due is done");
        }
        self.wild.world.clock.put(begin.plus_ms(by));
        // Both see the time, and do nothing about it.
        for side in [&self.calm, &self.wild] {
            side.world.count(Vec::new()).await.expect("nothing is counted");
        }
        self.latest = self.latest.max(begin.plus_ms(by));
    }

    async fn restart(mut self, directory: &Path, is_closed: bool) -> Self {
        let clock = Arc::clone(&self.wild.world.clock);
        // The time of an engine goes on from its last record: one that had seen a later time and
        // wrote nothing forgets it.
        if clock.now() < self.latest {
            return self;
        }
        let mut before = Vec::new();
        for license in 0..LICENSES {
            before.push(self.wild.known(license).await.map(|loaded| stand(&loaded, true)));
        }
        let Side { world, licenses, began, keyed } = self.wild;
        if is_closed {
            world.engine.close().await;
        }
        drop(world);
        let world = World::on_disk_at(directory, clock, WINDOW_MS);
        assert_eq!(check(directory).findings, [], "after a restart");
        self.wild = Side { world, licenses, began, keyed };
        for (license, before) in before.into_iter().enumerate() {
            let after = self.wild.known(license).await.map(|loaded| stand(&loaded, true));
            let found = Stand::differences(after.as_ref(), before.as_ref());
            assert!(found.is_empty(), "replay of license {license}: {found:#?}");
        }
        self
    }

    async fn compare(&self) {
        let now = self.latest;
        for license in 0..LICENSES {
            let (calm, wild) = (self.calm.known(license).await, self.wild.known(license).await);
            for loaded in calm.iter().chain(&wild) {
                check_laws(loaded, now);
            }
            let calm = calm.map(|loaded| stand(&loaded, false));
            let wild = wild.map(|loaded| stand(&loaded, false));
            let found = Stand::differences(wild.as_ref(), calm.as_ref());
            assert!(found.is_empty(), "license {license}: {found:#?}");
        }
    }
}

#[test]
fn who_is_late_or_crashes_knows_the_same_as_who_is_not() {
    let inputs = prop::collection::vec(happening(), 1..60);
    property(96, &inputs, |happenings| {
        let directory = tempfile::tempdir().unwrap();
        run(async {
            let mut both = Both::open(directory.path()).await;
            for (number, happening) in happenings.iter().enumerate() {
                both = both.happen(directory.path(), happening).await;
                // Looking carries out what is due, so it is not done every time.
                if number % 3 == 0 {
                    both.compare().await;
                }
            }
            both.compare().await;
            both.wild.engine().close().await;
        });
        assert_eq!(check(directory.path()).findings, []);
    });
}

/// Records by the kind of their operation, so that nothing was tried in vain.
#[test]
fn what_happens_by_random_reaches_everything() {
    use std::cell::RefCell;
    let seen: RefCell<BTreeMap<String, u64>> = RefCell::default();
    let inputs = prop::collection::vec(happening(), 60..61);
    property(200, &inputs, |happenings| {
        let clock = Arc::new(ManualClock::new(BEGIN));
        run(async {
            let mut side = Side::open(World::in_memory_at(Arc::clone(&clock))).await;
            let mut found: BTreeMap<String, u64> = BTreeMap::new();
            for happening in &happenings {
                match happening {
                    Happening::Count(all) => {
                        for told in side.count(all).await.into_iter().flatten() {
                            *found.entry(told.counted.operation.to_string()).or_default() += 1;
                        }
                    }
                    Happening::Again(number) => {
                        let told = side.again(*number).await;
                        let repeats = told.iter().flatten().filter(|told| told.repeat);
                        *found.entry("repeat".into()).or_default() += repeats.count() as u64;
                    }
                    Happening::Clock(by) => {
                        clock.put(clock.now().plus_ms(*by));
                        side.engine().tend().await.unwrap();
                    }
                    other => {
                        let Some(command) = command(&side, other) else { continue };
                        let word = match other {
                            Happening::Machine(.., what) => format!("{what:?} "),
                            other => format!("{other:?}"),
                        };
                        let word = word.split(['(', ' ']).next().unwrap_or_default().to_owned();
                        let done = side.change(command).await.is_ok();
                        *found.entry(word).or_default() += u64::from(done);
                    }
                }
            }
            for license in 0..LICENSES {
                let Some(loaded) = side.known(license).await else { continue };
                for (name, count) in [
                    ("activations", loaded.live.activations.len()),
                    ("processes", loaded.live.processes.len()),
                    ("shares", loaded.live.shares.len()),
                    ("holds", loaded.live.holds.len()),
                    ("sessions", loaded.live.sessions.len()),
                    ("passes", loaded.live.passes.len()),
                ] {
                    *found.entry(name.into()).or_default() += count as u64;
                }
                let carried = loaded.meters.iter().filter(|meter| meter.state.carried > 0);
                *found.entry("carried".into()).or_default() += carried.count() as u64;
            }
            for (name, count) in found {
                *seen.borrow_mut().entry(name).or_default() += count;
            }
        });
    });
    let seen = seen.into_inner();
    println!("{seen:?}");
    for wanted in [
        "increment",
        "decrement",
        "set",
        "reset",
        "hold",
        "settle",
        "release",
        "repeat",
        "Activate",
        "Start",
        "Standing",
        "Renew",
        "CheckIn",
        "Validate",
        "File",
        "Transfer",
        "Override",
        "AddMeter",
        "RemoveMeter",
        "Allowed",
        "Policy",
        "Delete",
        "activations",
        "processes",
        "shares",
        "holds",
        "sessions",
        "passes",
        "carried",
    ] {
        assert!(seen.get(wanted).is_some_and(|count| *count > 0), "{wanted} of {seen:?}");
    }
}
