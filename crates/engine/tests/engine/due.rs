//! What is due: it ends by itself, whoever was away.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use usance_core::activation::ActivationRef;
use usance_core::command::{
    Command, LicensePatch, NewActivation, NewMeter, NewOverage, NewPolicy, NewRollover,
    PolicyPatch, Ref, Reply,
};
use usance_core::id::ActivationId;
use usance_core::license::{License, LicenseRef};
use usance_core::meter::{Measure, MeterPeriod};
use usance_core::period::Every;
use usance_core::quantity::Decimal;
use usance_core::terms::TermsPatch;
use usance_core::time::HOUR_MS;
use usance_core::usage::{CheckOut, Fit, NewHold, Operation, Use};
use usance_engine::limits::TIMERS_PER_UNIT_MAX;
use usance_engine::store::LoadedLicense;

use crate::world::{BEGIN, World, check, code, increment, new_meter, new_policy, run};

const DAY_MS: i64 = 24 * HOUR_MS;

fn terms(of: &[(&str, &str)]) -> TermsPatch {
    let mut terms = TermsPatch::default();
    for (name, value) in of {
        terms.set(name, value).expect("a term");
    }
    terms
}

/// A policy with a floating meter, one with a period, one of seats; machines live for an hour.
async fn policy(world: &World, name: &str, of: &[(&str, &str)]) {
    world.policy(&format!("first-{name}"), None, NewOverage::Refuse).await;
    let frames = NewMeter { floating: true, ..new_meter("frames", None) };
    let period = MeterPeriod::Every(Every::Day);
    // What is left is carried over, so that its periods go on without anybody.
    let rollover = NewRollover::All;
    let credits = NewMeter { period, rollover, ..new_meter("credits", Some(10)) };
    let seats = NewMeter { measure: Measure::Seats, ..new_meter("seats", Some(10)) };
    let meters = vec![frames, credits, seats];
    let new = NewPolicy { meters, terms: terms(of), ..new_policy(name) };
    world.change(Command::CreatePolicy(new)).await.expect("a policy");
}

async fn activate(world: &World, license: &License) -> ActivationId {
    let new = NewActivation { fingerprint: "machine".into(), ..NewActivation::default() };
    match world.change(Command::Activate(LicenseRef::Id(license.id), new)).await {
        Ok(Reply::Activation(view)) => view.activation.id,
        other => panic!("{other:?}"),
    }
}

fn used(license: &License, meter: &str, operation: Operation) -> Use {
    Use { meter: code(meter), operation, ..increment(license, 1, None) }
}

fn hold(seconds: Option<u32>) -> Operation {
    Operation::Hold(NewHold { amount: Decimal::whole(1), fit: Fit::Whole, seconds })
}

async fn known(world: &World, license: &License) -> LoadedLicense {
    let of = LicenseRef::Id(license.id);
    world.engine.known(Arc::clone(&world.system), of).await.expect("the license").loaded
}

fn number(directory: &Path, sql: &str) -> i64 {
    let db = Connection::open(directory.join("usance.db")).unwrap();
    db.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn thousands_that_were_due_while_nobody_was_there() {
    let count = TIMERS_PER_UNIT_MAX + 200;
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        policy(&world, "plan", &[("heartbeat_seconds", "3600")]).await;
        let mut licenses = Vec::new();
        for place in 0..count {
            let license = world.license("plan").await;
            // Not all have machines: they are what takes long.
            let machine =
                if place % 8 == 0 { Some(activate(&world, &license).await) } else { None };
            licenses.push((license, machine));
        }
        let mut uses = Vec::new();
        for (license, machine) in &licenses {
            let activation = machine.map(ActivationRef::Id);
            uses.push(Use { activation, ..increment(license, 5, None) });
            uses.push(Use { meter: code("credits"), ..increment(license, 3, None) });
            uses.push(used(license, "credits", hold(None)));
            let count = Decimal::whole(1);
            uses.push(used(license, "seats", Operation::CheckOut(CheckOut { count })));
        }
        for outcome in world.count(uses).await.unwrap() {
            outcome.expect("counted");
        }
        let rows = |what: &str| number(directory.path(), &format!("SELECT count(*) FROM {what}"));
        let machines = i64::try_from(count.div_ceil(8)).unwrap();
        let all = i64::try_from(count).unwrap();
        assert_eq!(["activation", "share"].map(rows), [machines; 2]);
        assert_eq!(["hold", "session", "timer"].map(rows), [all; 3]);

        // A crash, and five days of which nobody knows.
        world.clock.put(BEGIN.plus_ms(5 * DAY_MS + HOUR_MS));
        let world = world.crash(directory.path());
        world.engine.tend().await.unwrap();
        let rows = |what: &str| number(directory.path(), &format!("SELECT count(*) FROM {what}"));
        assert_eq!(["activation", "share", "hold", "session"].map(rows), [0; 4]);
        assert_eq!(rows("timer"), all);
        let next = number(directory.path(), "SELECT min(at) FROM timer");
        assert_eq!(next, BEGIN.plus_ms(6 * DAY_MS).0, "the next midnight");
        assert_eq!(number(directory.path(), "SELECT max(at) FROM timer"), next);
        // All is done: looking again writes nothing.
        let commits = world.engine.statistics().commits;
        world.engine.tend().await.unwrap();
        assert_eq!(world.engine.statistics().commits, commits);
        for (license, machine) in licenses.iter().step_by(97) {
            let states = known(&world, license).await.meters;
            let states: Vec<_> = states.iter().map(|meter| meter.state).collect();
            let back = if machine.is_some() { 0 } else { 5 };
            assert_eq!((states[0].total, states[0].gross, states[0].held), (back, 5, 0));
            assert_eq!((states[1].total, states[1].gross, states[1].held), (0, 3, 0));
            assert_eq!((states[2].total, states[2].held), (0, 0));
        }
        world.engine.close().await;
    });
    assert_eq!(check(directory.path()).findings, []);
}

#[test]
fn a_heartbeat_moves_what_is_due() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        policy(&world, "plan", &[("heartbeat_seconds", "3600")]).await;
        let license = world.license("plan").await;
        let id = activate(&world, &license).await;
        let timer = || number(directory.path(), "SELECT at FROM timer");
        assert_eq!(timer(), BEGIN.plus_ms(HOUR_MS).0);
        for half_hours in 1..6 {
            world.clock.put(BEGIN.plus_ms(half_hours * HOUR_MS / 2));
            world.engine.tend().await.unwrap();
            let of = (LicenseRef::Id(license.id), ActivationRef::Id(id));
            world.change(Command::HeartbeatActivation(of.0, of.1)).await.expect("it lives");
            assert_eq!(timer(), BEGIN.plus_ms(half_hours * HOUR_MS / 2 + HOUR_MS).0);
        }
        // One that stands too early, as an older version may have left it, is put right.
        let db = Connection::open(directory.path().join("usance.db")).unwrap();
        db.execute("UPDATE timer SET at = ?1", [BEGIN.0]).unwrap();
        world.engine.tend().await.unwrap();
        assert_eq!(timer(), BEGIN.plus_ms(5 * HOUR_MS / 2 + HOUR_MS).0);
        assert_eq!(known(&world, &license).await.live.activations.len(), 1);
    });
}

#[test]
fn new_terms_hold_for_machines_that_are_there() {
    let shorter = || terms(&[("heartbeat_seconds", "60")]);
    let plan = || Ref::Code(code("plan"));
    for how in ["policy", "license", "transfer"] {
        let directory = tempfile::tempdir().unwrap();
        run(async {
            let world = World::on_disk(directory.path());
            policy(&world, "plan", &[]).await;
            policy(&world, "strict", &[("heartbeat_seconds", "60")]).await;
            let (license, other) = (world.license("plan").await, world.license("plan").await);
            let id = activate(&world, &license).await;
            let activation = Some(ActivationRef::Id(id));
            world.count_one(Use { activation, ..increment(&license, 4, None) }).await.unwrap();
            world.count_one(increment(&other, 4, None)).await.unwrap();
            let of = LicenseRef::Id(license.id);
            let command = match how {
                "policy" => {
                    let patch = PolicyPatch { terms: shorter(), ..PolicyPatch::default() };
                    Command::ChangePolicy(plan(), patch)
                }
                "license" => {
                    let patch = LicensePatch { terms: shorter(), ..LicensePatch::default() };
                    Command::ChangeLicense(of, patch)
                }
                _ => Command::TransferLicense(of, Ref::Code(code("strict"))),
            };
            world.change(command).await.expect("changed");
            world.engine.tend().await.unwrap();
            let rows =
                |what: &str| number(directory.path(), &format!("SELECT count(*) FROM {what}"));
            assert_eq!((rows("activation"), rows("timer")), (1, 1), "{how}");
            world.clock.put(BEGIN.plus_ms(60_000));
            let world = world.crash(directory.path());
            world.engine.tend().await.unwrap();
            assert_eq!((rows("activation"), rows("share"), rows("timer")), (0, 0, 0), "{how}");
            assert_eq!(world.frames(&license).await, (0, 4, 0), "{how}");
            assert_eq!(world.frames(&other).await, (4, 4, 0), "{how}");
            world.engine.close().await;
        });
        assert_eq!(check(directory.path()).findings, [], "{how}");
    }
}

/// Looking at a license writes nothing that using it would not have written.
#[test]
fn a_period_begins_with_a_use_and_not_with_a_look() {
    run(async {
        let world = World::in_memory();
        policy(&world, "plan", &[]).await;
        let license = world.license("plan").await;
        let records = world.engine.statistics().records;
        assert_eq!(known(&world, &license).await.meters[1].state.period_end, None);
        assert_eq!(world.engine.statistics().records, records);
        let used = Use { meter: code("credits"), ..increment(&license, 1, None) };
        let answer = world.count_one(used).await.unwrap();
        assert_eq!(answer.period_end, Some(BEGIN.plus_ms(DAY_MS)));
    });
}

/// A session that fell silent in an earlier period counts there, however late that is found.
#[test]
fn what_ended_in_an_earlier_period_is_carried_out_there() {
    run(async {
        let world = World::in_memory();
        world.policy("none", None, NewOverage::Refuse).await;
        let period = MeterPeriod::Every(Every::Day);
        let peak = NewMeter { measure: Measure::Peak, period, ..new_meter("frames", Some(10)) };
        let new = NewPolicy { meters: vec![peak], ..new_policy("plan") };
        world.change(Command::CreatePolicy(new)).await.expect("a policy");
        let license = world.license("plan").await;
        let count = Decimal::whole(4);
        world.clock.put(BEGIN.plus_ms(DAY_MS - 60_000));
        let out = used(&license, "frames", Operation::CheckOut(CheckOut { count }));
        world.count_one(out).await.unwrap();
        assert_eq!(known(&world, &license).await.meters[0].state.total, 4);
        // It ends nine minutes after midnight; the day after that nobody holds a seat.
        world.clock.put(BEGIN.plus_ms(3 * DAY_MS));
        let state = known(&world, &license).await.meters[0].state;
        assert_eq!((state.total, state.held, state.gross), (0, 0, 4));
        assert_eq!(state.period_end, None, "nobody is there for whom another period would begin");
    });
}
