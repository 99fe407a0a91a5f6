//! Data directories that cannot be served: the message says what to do, and nothing is changed.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rusqlite::Connection;
use rustix::process::Signal;
use tempfile::TempDir;

use crate::world::{Server, run};

/// Every file below a directory, with its bytes.
fn contents(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    if path.is_file() {
        all.insert(String::new(), fs::read(path).unwrap());
    } else if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            for (below, bytes) in contents(&entry.path()) {
                all.insert(format!("{name}/{below}"), bytes);
            }
        }
    }
    all
}

/// The data of a server that was used and stopped.
fn used() -> TempDir {
    let server = Server::new();
    let license = server.license("frames:allowed=10");
    server.json(&format!("use {license} frames 3"));
    let (dir, code, _) = server.stop(Signal::TERM);
    assert_eq!(code, Some(0));
    dir
}

/// Starts a server on the data, which must fail, say `parts`, and leave the data alone.
#[track_caller]
fn check_refused(dir: &TempDir, parts: &[&str]) {
    let data = dir.path().join("data");
    let before = contents(&data);
    check_fails(dir, parts);
    let after = contents(&data);
    let names = |all: &BTreeMap<String, Vec<u8>>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after));
    assert!(before == after, "the data was changed");
}

/// Starts a server on the data, which must fail and say `parts`.
#[track_caller]
fn check_fails(dir: &TempDir, parts: &[&str]) {
    let said = run(dir, &["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
    assert_eq!(said.out, "", "it never listened");
    let err = said.failed(1);
    for part in parts {
        assert!(err.contains(part), "{part:?} in {err}");
    }
    let lines: Vec<&str> = err.lines().filter(|line| line.starts_with("error:")).collect();
    assert_eq!(lines.len(), 1, "{err}");
}

#[test]
fn data_that_another_server_uses() {
    let server = Server::new();
    // What the running server writes by itself meanwhile is its own business.
    check_fails(&server.dir, &["data directory data is in use by another usance process"]);
    server.json("product create still-works");
}

#[test]
fn data_of_a_newer_format() {
    let dir = used();
    let db = Connection::open(dir.path().join("data/usance.db")).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    // Back to how a server leaves it: no log beside the database.
    db.close().unwrap();
    check_refused(&dir, &["has format 99", "use a newer usance"]);
    let err = run(&dir, &["verify", "data"]).failed(1);
    assert!(err.contains("has format 99"), "{err}");
}

#[test]
fn a_file_where_the_directory_should_be() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("data"), "precious").unwrap();
    check_refused(&dir, &["cannot use data"]);
    assert_eq!(fs::read_to_string(dir.path().join("data")).unwrap(), "precious");
}

#[test]
fn a_database_that_is_none() {
    let some: [&[u8]; 3] = [b"precious", &[0; 8192], &[0xff; 100_000]];
    for (bytes, has_key) in some.into_iter().flat_map(|bytes| [(bytes, false), (bytes, true)]) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        if has_key {
            fs::write(dir.path().join("data/writer.key"), [7; 32]).unwrap();
        }
        fs::write(dir.path().join("data/usance.db"), bytes).unwrap();
        let said = run(&dir, &["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
        let err = said.failed(1);
        assert!(err.contains("is not a usance database"), "{err}");
        assert_eq!(fs::read(dir.path().join("data/usance.db")).unwrap(), bytes);
        let err = run(&dir, &["verify", "data"]).failed(1);
        assert!(err.contains("is not a usance database"), "{err}");
    }
}

#[test]
fn a_database_of_another_program() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    let db = Connection::open(dir.path().join("data/usance.db")).unwrap();
    db.execute_batch("CREATE TABLE precious (x); INSERT INTO precious VALUES (1)").unwrap();
    db.close().unwrap();
    let before = fs::read(dir.path().join("data/usance.db")).unwrap();
    let said = run(&dir, &["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
    let err = said.failed(1);
    assert!(err.contains("is not a usance database"), "{err}");
    assert_eq!(fs::read(dir.path().join("data/usance.db")).unwrap(), before);
}

#[test]
fn a_database_with_a_damaged_ledger() {
    for (sql, part) in [
        (
            "UPDATE block SET body = zeroblob(length(body)) WHERE id = (SELECT max(id) FROM block)",
            "damaged",
        ),
        ("UPDATE block SET root = zeroblob(32) WHERE id = (SELECT max(id) FROM block)", "damaged"),
        ("DELETE FROM block WHERE id = (SELECT min(id) FROM block)", "damaged"),
    ] {
        let dir = used();
        let db = Connection::open(dir.path().join("data/usance.db")).unwrap();
        assert_eq!(db.execute(sql, []).unwrap(), 1);
        db.close().unwrap();
        let err = run(&dir, &["verify", "data"]).failed(1);
        assert!(err.contains("not as it was written"), "{sql}: {err}");
        let said = run(&dir, &["serve", "--data", "data", "--listen", "127.0.0.1:0"]);
        let err = said.failed(1);
        assert!(err.contains(part), "{sql}: {err}");
    }
}

#[test]
fn a_secret_key_that_is_none() {
    let dir = used();
    fs::write(dir.path().join("data/writer.key"), "short").unwrap();
    check_refused(&dir, &["cannot use data/writer.key", "is not 32 bytes long"]);
}

#[test]
fn data_that_may_not_be_written() {
    let dir = used();
    let data = dir.path().join("data");
    let lock = |mode: u32, files: u32| {
        for entry in fs::read_dir(&data).unwrap() {
            fs::set_permissions(entry.unwrap().path(), Permissions::from_mode(files)).unwrap();
        }
        fs::set_permissions(&data, Permissions::from_mode(mode)).unwrap();
    };
    lock(0o500, 0o400);
    let is_privileged = fs::File::create(data.join("probe")).is_ok();
    if is_privileged {
        // Permissions do not bind this user; a directory that nobody can write to does.
        fs::remove_file(data.join("probe")).unwrap();
        let said = run(&dir, &["serve", "--data", "/proc/self", "--listen", "127.0.0.1:0"]);
        let err = said.failed(1);
        assert!(err.contains("cannot use /proc/self"), "{err}");
    } else {
        check_refused(&dir, &["cannot"]);
    }
    lock(0o700, 0o600);
    Server::start(dir, &[]).json("product list");
}
