//! A backup that is made while the server counts is whole, and a server goes on from it.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Client, Request};
use crate::tree::Head;
use crate::world::{Server, run};

const CLIENTS: usize = 4;
/// Uses that are counted before the backup begins, and at least so many while it is made.
const BEFORE: usize = 400;

/// What was acknowledged: each key with its answer.
type Book = BTreeMap<String, Value>;

fn use_of(license: &str, key: &str) -> Request {
    let body = json!({"amount": 2, "idempotency_key": key, "subject": {"user": key}});
    Request::post(format!("/v1/licenses/{license}/meters/frames/increment"), body.to_string())
}

/// Counts until told to stop, and keeps what was answered.
fn count(client: &mut Client, license: &str, name: usize, book: &Mutex<Book>, stop: &AtomicBool) {
    for number in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let key = format!("{name}-{number}");
        let answer = client.ask(&use_of(license, &key)).expect(200);
        book.lock().unwrap().insert(key, answer);
    }
}

/// Runs a backup in the middle of a load. Answers the book before it began, and the book after.
fn backed_up_under_load(server: &Server, license: &str, name: &str) -> (Book, Book) {
    let (book, stop) = (Mutex::new(Book::new()), AtomicBool::new(false));
    let wait_for = |size: usize| {
        while book.lock().unwrap().len() < size {
            thread::yield_now();
        }
    };
    let before = thread::scope(|scope| {
        for index in 0..CLIENTS {
            let (mut client, book, stop) = (server.admin(), &book, &stop);
            scope.spawn(move || count(&mut client, license, index, book, stop));
        }
        wait_for(BEFORE);
        let before = book.lock().unwrap().clone();
        server.run(&format!("backup data {name}")).done();
        wait_for(before.len() + 1);
        stop.store(true, Ordering::SeqCst);
        before
    });
    (before, book.into_inner().unwrap())
}

/// A directory that a server can be started on, made from a backup.
fn restored(from: &TempDir, with_key: bool) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::copy(from.path().join("copy"), data.join("usance.db")).unwrap();
    fs::copy(from.path().join("data/admin-token"), data.join("admin-token")).unwrap();
    if with_key {
        fs::copy(from.path().join("data/writer.key"), data.join("writer.key")).unwrap();
    }
    dir
}

#[test]
fn a_backup_under_load_holds_what_was_acknowledged_and_goes_on() {
    let server = Server::new();
    let license = server.license("frames:allowed=100000");
    let (before, after) = backed_up_under_load(&server, &license, "copy");
    let mut admin = server.admin();
    let head = Head::of(&admin.get("/v1/ledger/checkpoint").body);
    let (dir, ..) = server.stop(Signal::KILL);
    run(&dir, &["verify", "copy"]).done();
    run(&dir, &["verify", "data"]).done();
    check_restored(restored(&dir, true), &license, (&before, &after), &head);

    // Without the key it is whole for `usance verify`, and a server says what it needs.
    let dir = restored(&dir, false);
    let verified = || -> Value {
        let report = run(&dir, &["verify", "data", "--json"]).done();
        serde_json::from_str::<Value>(&report).unwrap()["ledgers"].take()
    };
    let ledgers = verified();
    let err = run(&dir, &["serve", "--data", "data", "--listen", "127.0.0.1:0"]).failed(1);
    assert!(err.contains("writer.key") && err.contains("put the key back"), "{err}");
    fs::write(dir.path().join("data/writer.key"), [7; 32]).unwrap();
    let err = run(&dir, &["serve", "--data", "data", "--listen", "127.0.0.1:0"]).failed(1);
    assert!(err.contains("written with another writer.key"), "{err}");
    assert_eq!(verified(), ledgers, "and nothing has changed");
}

fn check_restored(dir: TempDir, license: &str, (before, after): (&Book, &Book), head: &Head) {
    let server = Server::start(dir, &[]);
    let mut admin = server.admin();
    let meter = format!("/v1/licenses/{license}/meters/frames");
    let total = |admin: &mut Client| admin.get(&meter).expect(200)["total"].as_i64().unwrap();
    let held = total(&mut admin);
    let of = |book: &Book| 2 * i64::try_from(book.len()).unwrap();
    let bounds = of(before)..=of(after);
    assert!(bounds.contains(&held), "{held} is not in {bounds:?}");

    // Everything from before it is known as it was answered, and its history is there.
    for (key, answer) in before {
        let again = admin.ask(&use_of(license, key)).expect(200);
        assert_eq!((&again["repeat"], &again["record"]), (&json!(true), &answer["record"]));
    }
    let history = history(&mut admin, &format!("{meter}/records"));
    for (key, answer) in before {
        let record = &history[&answer["record"].as_u64().unwrap()];
        assert_eq!(record["subject"]["user"], **key);
        assert_eq!(record["total"], answer["total"]);
    }

    // The rest is counted once more where the copy does not have it, and nothing is counted twice.
    for key in after.keys() {
        admin.ask(&use_of(license, key)).expect(200);
    }
    assert_eq!(total(&mut admin), of(after));
    assert_eq!(admin.post(&format!("{meter}/increment"), "").expect(200)["total"], of(after) + 1);

    // The same writer signs the same ledger on. Its checkpoint is one of its own past all the same:
    // the copy is older, and what came after it is written anew.
    let now = Head::of(&admin.get("/v1/ledger/checkpoint").body);
    assert_eq!(now.origin, head.origin);
    let (dir, ..) = server.stop(Signal::KILL);
    run(&dir, &["verify", "data"]).done();
    Server::start(dir, &[]).admin().get(&meter).expect(200);
}

/// Every record of a meter, by number.
fn history(admin: &mut Client, path: &str) -> BTreeMap<u64, Value> {
    let mut all = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = admin.get(&format!("{path}?limit=500{cursor}")).expect(200);
        for item in page["items"].as_array().unwrap() {
            assert!(all.insert(item["record"].as_u64().unwrap(), item.clone()).is_none());
        }
        let Some(next) = page["next"].as_str() else { return all };
        cursor = format!("&cursor={next}");
    }
}

#[test]
fn a_backup_does_not_overwrite_and_does_not_follow_a_wrong_name() {
    let server = Server::new();
    fs::write(server.dir.path().join("there"), "precious").unwrap();
    fs::create_dir(server.dir.path().join("directory")).unwrap();
    for (line, part) in [
        ("backup data there", "not overwritten"),
        ("backup data directory", "not overwritten"),
        ("backup data nowhere/copy", "cannot use nowhere/copy"),
        ("backup nothing copy", "cannot"),
    ] {
        let err = server.run(line).failed(1);
        assert!(err.contains(part), "{line}: {err}");
    }
    assert_eq!(fs::read_to_string(server.dir.path().join("there")).unwrap(), "precious");
    assert!(!server.dir.path().join("copy").exists());
}
