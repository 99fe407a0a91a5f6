//! Directories that cannot be opened, each with its reason, and copies that can.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;
use usance_core::command::NewOverage;
use usance_core::license::License;
use usance_engine::backup::backup;
use usance_engine::clock::ManualClock;
use usance_engine::verify::{VerifyOptions, verify};
use usance_engine::{Engine, Location, OpenError, Options};

use crate::world::{BEGIN, WINDOW_MS, World, check, increment, run};

fn open(directory: &Path) -> Result<Engine, OpenError> {
    let location = Location::Directory(directory.to_path_buf());
    let options = Options { location, idempotency_window_ms: WINDOW_MS };
    Engine::open(options, Arc::new(ManualClock::new(BEGIN)))
}

/// A directory with a license whose meter stands at 30.
fn directory() -> (TempDir, License) {
    let directory = tempfile::tempdir().unwrap();
    let license = run(async {
        let world = World::on_disk(directory.path());
        world.policy("plan", None, NewOverage::Refuse).await;
        let license = world.license("plan").await;
        for number in 0..10 {
            let used = increment(&license, 3, Some(&format!("key {number}")));
            world.count_one(used).await.unwrap();
        }
        world.engine.close().await;
        license
    });
    (directory, license)
}

fn sql(directory: &Path, sql: &str) {
    Connection::open(directory.join("usance.db")).unwrap().execute_batch(sql).unwrap();
}

fn write(directory: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(directory.join(name), bytes).unwrap();
}

/// Puts a directory where a file is expected.
fn put_directory(directory: &Path, name: &str) {
    for name in [name.to_owned(), format!("{name}-wal"), format!("{name}-shm")] {
        std::fs::remove_file(directory.join(name)).unwrap_or_default();
    }
    std::fs::create_dir(directory.join(name)).unwrap();
}

macro_rules! is {
    ($pattern:pat) => {
        |error| matches!(error, $pattern)
    };
}

#[test]
fn each_reason_has_its_error() {
    type Case = (&'static str, fn(&Path), fn(&OpenError) -> bool);
    let cases: [Case; 18] = [
        (
            "a newer format",
            |at| sql(at, "PRAGMA user_version = 99"),
            is!(OpenError::Newer { found: 99, known: 1, .. }),
        ),
        (
            "the database of another program",
            |at| sql(at, "PRAGMA application_id = 99"),
            is!(OpenError::NotADatabase(_)),
        ),
        (
            "no database",
            |at| write(at, "usance.db", &[b'x'; 5000]),
            is!(OpenError::NotADatabase(_)),
        ),
        (
            "a database whose header is damaged",
            |at| {
                let mut bytes = std::fs::read(at.join("usance.db")).unwrap();
                bytes[..16].fill(b'x');
                write(at, "usance.db", &bytes);
            },
            is!(OpenError::NotADatabase(_)),
        ),
        (
            "a database that was cut short",
            |at| {
                let bytes = std::fs::read(at.join("usance.db")).unwrap();
                write(at, "usance.db", &bytes[..bytes.len() / 4096 / 2 * 4096]);
            },
            is!(OpenError::Corrupt { .. }),
        ),
        (
            "a last record that was changed",
            |at| {
                sql(
                    at,
                    "UPDATE block SET body = zeroblob(60) WHERE id = (SELECT max(id) FROM block)",
                )
            },
            is!(OpenError::Corrupt { .. }),
        ),
        (
            "a last root that was changed",
            |at| {
                sql(
                    at,
                    "UPDATE block SET root = zeroblob(32) WHERE id = (SELECT max(id) FROM block)",
                )
            },
            is!(OpenError::Corrupt { .. }),
        ),
        (
            "an end that is missing",
            |at| sql(at, "DELETE FROM block WHERE id = (SELECT max(id) FROM block)"),
            is!(OpenError::Corrupt { .. }),
        ),
        (
            "a ledger without records",
            |at| sql(at, "DELETE FROM block"),
            is!(OpenError::Corrupt { .. }),
        ),
        (
            "a filter of keys that is none",
            |at| sql(at, "UPDATE key_run SET filter = zeroblob(63)"),
            is!(OpenError::Corrupt { .. }),
        ),
        (
            "a table that is missing",
            |at| sql(at, "DROP TABLE account"),
            is!(OpenError::Database { .. }),
        ),
        (
            "a database that is a directory",
            |at| put_directory(at, "usance.db"),
            |error| matches!(error, OpenError::Database { .. } | OpenError::Io { .. }),
        ),
        (
            "a key that is missing",
            |at| std::fs::remove_file(at.join("writer.key")).unwrap(),
            is!(OpenError::Io { .. }),
        ),
        (
            "the key of another database",
            |at| write(at, "writer.key", &[1; 32]),
            is!(OpenError::Database { .. }),
        ),
        (
            "a key of another length",
            |at| write(at, "writer.key", &[1; 31]),
            is!(OpenError::Io { .. }),
        ),
        (
            "a key that is a directory",
            |at| put_directory(at, "writer.key"),
            is!(OpenError::Io { .. }),
        ),
        ("a lock that is a directory", |at| put_directory(at, "lock"), is!(OpenError::Io { .. })),
        (
            "a directory that is a file",
            |at| {
                std::fs::remove_dir_all(at).unwrap();
                std::fs::write(at, b"a file").unwrap();
            },
            is!(OpenError::Io { .. }),
        ),
    ];
    for (name, prepare, is_expected) in cases {
        let (directory, _) = directory();
        let path = directory.path().join("data");
        std::fs::create_dir(&path).unwrap();
        for name in ["usance.db", "writer.key"] {
            std::fs::copy(directory.path().join(name), path.join(name)).unwrap();
        }
        prepare(&path);
        let Err(error) = open(&path) else { panic!("{name}: it opens") };
        assert!(is_expected(&error), "{name}: {error:?}");
        let shown = path.display().to_string();
        assert!(error.to_string().contains(&shown), "{error} names the place");
        // And a failed opening leaves nothing that a second one trips over.
        let Err(again) = open(&path) else { panic!("{name}: it opens the second time") };
        assert!(is_expected(&again), "{name}, again: {again:?}");
    }
}

#[test]
fn a_directory_has_one_engine_at_a_time() {
    let (directory, license) = directory();
    let world = World::on_disk(directory.path());
    for _ in 0..2 {
        let refused = open(directory.path());
        assert!(matches!(refused, Err(OpenError::InUse(_))));
    }
    let handle = world.engine.clone();
    drop(world);
    let refused = open(directory.path());
    assert!(matches!(refused, Err(OpenError::InUse(_))), "a handle is left");
    run(handle.close());
    let world = World::on_disk(directory.path());
    assert_eq!(handle.health(), world.engine.health());
    run(async { assert_eq!(world.frames(&license).await, (30, 30, 0)) });
}

#[test]
fn a_directory_is_made_where_there_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("not").join("there");
    let account = open(&path).unwrap().account();
    let again = World::on_disk(&path);
    assert_eq!(again.engine.account(), account);
    let key = path.join("writer.key");
    let bytes = std::fs::read(&key).unwrap();
    assert_eq!(bytes.len(), 32);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&key).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "nobody else reads the key");
    }
}

#[test]
fn a_backup_of_a_running_server_is_a_server() {
    let (directory, license) = directory();
    let restored = tempfile::tempdir().unwrap();
    let target = restored.path().join("usance.db");
    run(async {
        let world = World::on_disk(directory.path());
        world.count_one(increment(&license, 5, Some("before"))).await.unwrap();
        let mut progress = Vec::new();
        let report =
            backup(directory.path(), &target, &mut |done, total| progress.push((done, total)));
        assert_eq!(report.unwrap().bytes, std::fs::metadata(&target).unwrap().len());
        assert!(progress.last().is_some_and(|(done, total)| done == total && *total > 0));
        let note = world.note().await;
        world.count_one(increment(&license, 7, Some("after"))).await.unwrap();
        // A target that exists is never overwritten.
        let again = backup(directory.path(), &target, &mut |_, _| {});
        assert!(matches!(again, Err(OpenError::Io { .. })), "{again:?}");
        std::fs::copy(directory.path().join("writer.key"), restored.path().join("writer.key"))
            .unwrap();
        let options = VerifyOptions { key: None, checkpoints: vec![note] };
        assert_eq!(verify(&target, &options, &mut |_, _| {}).unwrap().findings, []);

        let restored = World::on_disk(restored.path());
        assert_eq!(restored.frames(&license).await, (35, 35, 0));
        let before = restored.count_one(increment(&license, 5, Some("before"))).await.unwrap();
        assert!(before.repeat);
        let after = restored.count_one(increment(&license, 7, Some("after"))).await.unwrap();
        assert!(!after.repeat);
        assert_eq!(restored.frames(&license).await, (42, 42, 0));
        restored.engine.close().await;
    });
    assert_eq!(check(restored.path()).findings, []);
}
