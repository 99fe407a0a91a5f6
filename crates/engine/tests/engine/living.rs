//! What can be done behind the engine's back to what lives on a license, and what `verify` says of
//! it: of what the ledger vouches for, and of what it does not.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use rusqlite::Connection;
use tempfile::TempDir;
use usance_core::activation::ActivationRef;
use usance_core::command::{
    Command, FileRequest, NewActivation, NewComponent, NewEntitlement, NewMeter, NewOverage,
    NewPolicy, NewProcess, NewUser, Reply,
};
use usance_core::license::LicenseRef;
use usance_core::metadata::Metadata;
use usance_core::meter::{Measure, MeterPeriod};
use usance_core::period::Every;
use usance_core::quantity::Decimal;
use usance_core::usage::{CheckOut, Fit, NewHold, Operation, Use};
use usance_core::user::Role;
use usance_engine::verify::Problem;

use crate::world::{World, check, code, increment, new_meter, new_policy, run};

struct Victim {
    _directory: TempDir,
    path: PathBuf,
}

/// A license with two machines, of which one ended; a hold, a session, shares, a pass, a process, a
/// meter with a period, and one that was taken away.
static VICTIM: LazyLock<Victim> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        world.policy("none", None, NewOverage::Refuse).await;
        let period = MeterPeriod::Every(Every::Day);
        let meters = vec![
            NewMeter { floating: true, ..new_meter("frames", None) },
            NewMeter { period, ..new_meter("credits", Some(10)) },
            NewMeter { measure: Measure::Seats, ..new_meter("seats", Some(10)) },
            NewMeter { measure: Measure::DayPass, ..new_meter("days", Some(10)) },
        ];
        let new = NewPolicy { meters, ..new_policy("plan") };
        world.change(Command::CreatePolicy(new)).await.expect("a policy");
        let new =
            NewEntitlement { code: code("export"), name: None, metadata: Metadata::default() };
        world.change(Command::CreateEntitlement(new)).await.expect("an entitlement");
        let user = NewUser {
            email: "ada@example.com".into(),
            first_name: None,
            last_name: None,
            role: Role::User,
            customer: None,
            password: None,
            metadata: Metadata::default(),
        };
        world.change(Command::CreateUser(user)).await.expect("a user");
        let license = world.license("plan").await;
        let of = || LicenseRef::Id(license.id);
        let part = NewComponent { id: None, fingerprint: "board".into(), name: None };
        for (fingerprint, components) in [("one", vec![part]), ("two", Vec::new())] {
            let fingerprint = fingerprint.into();
            let new = NewActivation { fingerprint, components, ..NewActivation::default() };
            world.change(Command::Activate(of(), new)).await.expect("a machine");
        }
        let machine = |name: &str| ActivationRef::Fingerprint(name.into());
        world.change(Command::Deactivate(of(), machine("two"))).await.expect("it ends");
        let new = NewProcess { id: None, pid: "1".into(), metadata: Metadata::default() };
        world.change(Command::StartProcess(of(), machine("one"), new)).await.expect("a process");
        world.change(Command::MakeFile(of(), FileRequest::default())).await.expect("a file");
        let used = |meter: &str, operation: Operation| Use {
            meter: code(meter),
            operation,
            activation: Some(machine("one")),
            ..increment(&license, 1, None)
        };
        let one = Decimal::whole(1);
        let up = increment(&license, 5, None).operation;
        let hold = Operation::Hold(NewHold { amount: one, fit: Fit::Whole, seconds: None });
        let out = Operation::CheckOut(CheckOut { count: one });
        world.change(Command::AddMeter(of(), new_meter("extra", Some(9)))).await.expect("added");
        for (meter, operation) in [
            ("frames", up),
            ("credits", up),
            ("credits", hold),
            ("seats", out),
            ("days", out),
            ("extra", up),
        ] {
            world.count_one(used(meter, operation)).await.expect("counted");
        }
        let removed = world.change(Command::RemoveMeter(of(), code("extra"))).await;
        assert_eq!(removed, Ok(Reply::Deleted));
        world.engine.close().await;
    });
    let path = directory.path().join("usance.db");
    Victim { _directory: directory, path }
});

/// What `verify` finds after this was done to a copy.
fn after(sql: &str) -> Vec<Problem> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("usance.db");
    std::fs::copy(&VICTIM.path, &path).unwrap();
    let db = Connection::open(&path).unwrap();
    db.execute_batch(sql).unwrap();
    assert!(db.changes() > 0, "{sql} changes something");
    check(&path).findings.into_iter().map(|finding| finding.what).collect()
}

#[test]
fn the_untouched_file_is_clean() {
    assert_eq!(check(&VICTIM.path).findings, []);
}

#[test]
fn what_the_ledger_vouches_for() {
    const ENTRY: fn(&Problem) -> bool = |problem| matches!(problem, Problem::WrongEntry(_));
    const METER: fn(&Problem) -> bool = |problem| matches!(problem, Problem::WrongMeter(_));
    type Attack = (&'static str, fn(&Problem) -> bool);
    let attacks: [Attack; 27] = [
        ("UPDATE activation SET fingerprint = 'other'", ENTRY),
        ("UPDATE activation SET cores = 99", ENTRY),
        ("UPDATE activation SET own_heartbeat_seconds = 1", ENTRY),
        ("UPDATE activation SET components = ''", ENTRY),
        ("UPDATE activation SET license = zeroblob(16)", ENTRY),
        ("DELETE FROM activation", ENTRY),
        (
            "CREATE TABLE other AS SELECT * FROM activation; UPDATE other SET id = zeroblob(16);
          INSERT INTO activation SELECT * FROM other; DROP TABLE other",
            ENTRY,
        ),
        ("UPDATE entitlement SET name = 'Other'", ENTRY),
        ("DELETE FROM entitlement", ENTRY),
        ("UPDATE license SET checked_in_at = 1", ENTRY),
        ("UPDATE license SET overrides = 'max_activations=9' || char(10)", ENTRY),
        ("UPDATE license SET entitlements = 'export'", ENTRY),
        ("UPDATE hold SET units = 2", METER),
        ("DELETE FROM hold", METER),
        ("UPDATE hold SET meter = 'frames'", METER),
        ("UPDATE session SET reserved = 0 WHERE meter = 'seats'", METER),
        ("DELETE FROM session WHERE meter = 'seats'", METER),
        (
            "INSERT INTO hold SELECT account, license, zeroblob(16), meter, activation, units,
              expires_at, created_at FROM hold",
            METER,
        ),
        ("UPDATE meter SET held = 0 WHERE name = 'credits'", METER),
        ("UPDATE meter SET held = held + 1 WHERE name = 'seats'", METER),
        ("UPDATE meter SET carried = 5 WHERE name = 'credits'", METER),
        ("UPDATE meter SET period_end = period_end + 1 WHERE name = 'credits'", METER),
        ("UPDATE meter SET period_end = NULL WHERE name = 'credits'", METER),
        ("UPDATE meter SET total = 0 WHERE name = 'extra'", METER),
        ("UPDATE meter SET carried = 5 WHERE name = 'extra'", METER),
        ("UPDATE meter SET last_record = 1 WHERE name = 'extra'", METER),
        ("UPDATE meter SET hidden = 0 WHERE name = 'extra'", ENTRY),
    ];
    for (sql, is_expected) in attacks {
        let found = after(sql);
        assert!(found.iter().any(is_expected), "{sql}: {found:?}");
    }
}

/// Asserted as it is: what follows from nothing in the ledger, or is never written there.
#[test]
fn what_the_ledger_does_not_vouch_for() {
    for sql in [
        // Which part of a total is whose is only in the tables.
        "UPDATE share SET quantity = 1",
        "DELETE FROM share",
        // When something is due; what is late is carried out at the next use.
        "UPDATE timer SET at = 9000000000000000",
        "DELETE FROM timer",
        "UPDATE hold SET expires_at = 9000000000000000",
        "UPDATE session SET expires_at = 9000000000000000, active_ms = 1, seen_at = 1",
        "UPDATE session SET user = 'eve'",
        "UPDATE activation SET seen_at = 1, last_file_at = 1, created_at = 1",
        "UPDATE license SET activations = 0, deactivations = 0, validated_at = 1, file_at = 1",
        // Personal data, of which the ledger must be able to know nothing.
        "UPDATE activation SET name = 'other', hostname = 'other', address = 'other'",
        // What is no bill's business.
        "UPDATE pass SET until = 9000000000000000",
        "DELETE FROM pass",
        // A session of a day that is paid for holds nothing.
        "DELETE FROM session WHERE meter = 'days'",
        "UPDATE process SET pid = '2'",
        "DELETE FROM process",
        "DELETE FROM component",
        "UPDATE signing_key SET secret = zeroblob(60)",
        "DELETE FROM signing_key",
        // That a meter was there once; its records are still.
        "DELETE FROM meter WHERE name = 'extra'",
    ] {
        assert_eq!(after(sql), [], "{sql}");
    }
}

/// What `verify` does not see of a timer, the engine makes good itself at the next use.
#[test]
fn a_timer_that_was_taken_away_delays_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::copy(&VICTIM.path, directory.path().join("usance.db")).unwrap();
    let key = VICTIM.path.with_file_name("writer.key");
    std::fs::copy(key, directory.path().join("writer.key")).unwrap();
    let db = Connection::open(directory.path().join("usance.db")).unwrap();
    db.execute("DELETE FROM timer", []).unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        world.clock.put(crate::world::BEGIN.plus_ms(10 * 24 * 60 * 60 * 1000));
        world.engine.tend().await.unwrap();
        let held = || db.query_row("SELECT count(*) FROM hold", [], |row| row.get::<_, i64>(0));
        assert_eq!(held(), Ok(1), "nobody looked");
        let filter = usance_core::view::LicenseFilter::default();
        let page = usance_core::view::PageRequest { limit: 9, cursor: None };
        let all = world.engine.licenses(Arc::clone(&world.system), filter, page).await.unwrap();
        let license = all.0.items[0].clone();
        world.engine.known(Arc::clone(&world.system), LicenseRef::Id(license.id)).await.unwrap();
        assert_eq!(held(), Ok(0));
        world.engine.close().await;
    });
    assert_eq!(check(directory.path()).findings, []);
}
