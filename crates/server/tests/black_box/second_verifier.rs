//! The verifier in Python, written from `docs/reference/ledger.md` alone, against the one in the
//! binary: they must read every kind of record alike, and name the same damage.

mod licensing;
mod simulation;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::{Connection, params};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::Client;
use crate::random::{Random, seed};
use crate::tree::Head;
use crate::world::{Server, run};

const VERIFIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/verifier.py");
/// Copies that are damaged in a random place.
const FLIPS: usize = 24;

#[test]
fn both_verifiers_read_the_same_and_find_the_same_damage() {
    let mut random = Random::new(seed("both_verifiers_read_the_same_and_find_the_same_damage"));
    let server = Server::new();
    let mut admin = server.admin();
    fill(&mut admin);
    let head = Head::of(&admin.get("/v1/ledger/checkpoint").body);
    let key = admin.get("/v1/ledger/key").body.trim().to_owned();
    let (dir, ..) = server.stop(Signal::TERM);
    let ledger = Ledger { path: dir.path().join("data/usance.db"), dir, key };
    ledger.forget_one_subject();

    let records = ledger.records();
    assert_eq!(records.len() as u64, head.size);
    let blocks: HashSet<_> = records.iter().map(|place| place.block).collect();
    let largest = |block| records.iter().filter(|place| place.block == block).count();
    assert!(blocks.len() > 30 && blocks.iter().any(|block| largest(*block) > 40));
    let kinds: Vec<usize> =
        (0..4).map(|kind| records.iter().filter(|place| place.kind == kind).count()).collect();
    assert!(kinds[0] == 1 && kinds[1] > 256 && kinds[2] > 1 && kinds[3] > 8, "{kinds:?}");

    let theirs = ledger.python(&ledger.path, &ledger.key);
    let root: String = head.root.iter().map(|byte| format!("{byte:02x}")).collect();
    let line = format!("{} records of {} have root {root}\n", head.size, head.origin);
    assert_eq!(String::from_utf8(theirs.stdout).unwrap(), line);
    let ours = ledger.verify("data");
    let said = &ours["ledgers"][0];
    assert_eq!(said["size"], head.size);
    assert_eq!(said["root"], STANDARD.encode(head.root));
    assert_eq!((&ours["findings"], &ours["subjects_absent"]), (&json!([]), &1.into()));
    assert_eq!(said["uses"], kinds[1]);
    assert_eq!(said["refused"], kinds[2]);
    assert_eq!(said["changed"], kinds[3]);

    for _ in 0..FLIPS {
        let place = &records[usize::try_from(random.below(head.size)).unwrap()];
        ledger.check_flip(place, &mut random);
    }
    ledger.check_other_damage(&records);
    let other = "usance/wri_0193b2c4d5e67890a1b2c3d4e5f60718+00000000+\
                 AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let theirs = ledger.python(&ledger.path, other);
    assert_eq!(flaw(&theirs), "signed with another key");
}

/// All kinds of records, in single requests and in batches large enough for several blocks.
fn fill(admin: &mut Client) {
    admin.post("/v1/products", r#"{"code":"renderer","name":"ä \\ slash"}"#).expect(201);
    licensing::over_http(admin);
    let policy = json!({"product": "renderer", "code": "all", "meters": [
        {"name": "frames", "allowed": 100, "overage": {"amount": 50}, "record_refusals": true},
        {"name": "hours", "scale": 2, "allowed": "12.5", "overage": "allow"},
        {"name": "pages", "floor": -20},
        {"name": "high", "floor": 7},
    ]});
    admin.post("/v1/policies", policy.to_string()).expect(201);
    admin.post("/v1/customers", r#"{"code":"aurora"}"#).expect(201);
    let mut license = || {
        let body = r#"{"policy":"all","customer":"aurora"}"#;
        let made = admin.post("/v1/licenses", body).expect(201);
        made["id"].as_str().unwrap().to_owned()
    };
    let (license, second) = (license(), license());
    let now = admin.get(&format!("/v1/licenses/{license}")).json()["created_at"].clone();
    let mut count = |meter: &str, operation: &str, body: Value, status: u16| {
        let path = format!("/v1/licenses/{license}/meters/{meter}/{operation}");
        admin.post(&path, body.to_string()).expect(status);
    };
    let long = "ä".repeat(127);
    for (meter, operation, body, status) in [
        ("frames", "increment", json!({"amount": 90, "idempotency_key": "first"}), 200),
        ("frames", "increment", json!({"amount": 90, "idempotency_key": "first"}), 200),
        ("frames", "increment", json!({"amount": 30}), 200),
        ("frames", "increment", json!({"amount": 31}), 409),
        ("frames", "increment", json!({"amount": 5, "bound": 122}), 409),
        ("frames", "increment", json!({"amount": 300, "partial": true}), 200),
        ("frames", "decrement", json!({"amount": 151}), 409),
        ("frames", "decrement", json!({"amount": 80}), 200),
        ("frames", "decrement", json!({"amount": 999, "partial": true}), 200),
        ("frames", "set", json!({"amount": 130}), 200),
        ("frames", "set", json!({"amount": 151}), 409),
        ("frames", "reset", json!({}), 200),
        ("hours", "increment", json!({"amount": 12.25, "subject": {"user": "ada"}}), 200),
        ("hours", "increment", json!({"amount": "0.75", "subject": {"host": long}}), 200),
        ("hours", "increment", json!({"amount": "9.01", "occurred_at": now}), 200),
        ("hours", "decrement", json!({"amount": "1.5", "attributes": {"b": "", "a": "é"}}), 200),
        ("pages", "decrement", json!({"amount": 20}), 200),
        ("pages", "set", json!({"amount": -7}), 200),
        ("pages", "reset", json!({}), 200),
        ("pages", "set", json!({"amount": i64::MAX - 20}), 200),
        ("high", "increment", json!({"subject": {"user": "u", "host": "h", "address": "a"}}), 200),
        ("high", "reset", json!({}), 200),
    ] {
        count(meter, operation, body, status);
    }
    // Batches beyond the records and the bytes of a block.
    for (size, text) in [(300, ""), (40, "x"), (200, "long")] {
        let items: Vec<Value> = (0..size)
            .map(|index| {
                let license = if index % 3 == 0 { &license } else { &second };
                let meter = ["hours", "pages", "frames"][index % 3];
                let operation = if index % 7 == 3 { "decrement" } else { "increment" };
                let key = (index % 2 == 0).then(|| format!("{text}-{index}"));
                json!({"license": license, "meter": meter, "amount": 1, "partial": true,
                       "operation": operation, "idempotency_key": key,
                       "attributes": {"scene": text.repeat(60)}})
            })
            .collect();
        admin.post("/v1/uses", Value::Array(items).to_string()).expect(200);
    }
    let token = admin.post("/v1/tokens", r#"{"name":"t","permissions":["*"]}"#).expect(201);
    let token = format!("/v1/tokens/{}", token["id"].as_str().unwrap());
    for (method, path, body, status) in [
        ("PATCH", "/v1/products/renderer".to_owned(), r#"{"name":"Other"}"#, 200),
        ("PATCH", "/v1/policies/all".into(), r#"{"meters":[{"name":"hours","allowed":1}]}"#, 200),
        ("PATCH", format!("/v1/licenses/{license}"), r#"{"name":"first"}"#, 200),
        ("PATCH", format!("/v1/licenses/{second}/meters/frames"), r#"{"allowed":null}"#, 200),
        ("POST", format!("/v1/licenses/{license}/suspend"), "", 200),
        ("POST", format!("/v1/licenses/{license}/reinstate"), "", 200),
        ("POST", format!("/v1/licenses/{license}/revoke"), "", 200),
        ("DELETE", format!("/v1/licenses/{license}"), "", 204),
        ("DELETE", token, "", 200),
    ] {
        admin.ask(&crate::http::Request::new(method, path).with_body(body)).expect(status);
    }
    let path = format!("/v1/licenses/{second}/meters/hours/increment");
    admin.post(&path, r#"{"amount":0.5,"subject":{"user":"last"}}"#).expect(200);
}

struct Ledger {
    dir: TempDir,
    path: PathBuf,
    key: String,
}

/// Where a record lies.
#[derive(Debug)]
struct Place {
    record: u64,
    block: i64,
    kind: u8,
    /// Of a use, what it did.
    operation: Option<u8>,
    /// Its length prefix, its bytes, and the check behind them, as offsets in the body.
    length_begin: usize,
    begin: usize,
    end: usize,
}

impl Ledger {
    fn forget_one_subject(&self) {
        let db = Connection::open(&self.path).unwrap();
        let first = "DELETE FROM subject WHERE id = (SELECT min(id) FROM subject)";
        assert_eq!(db.execute(first, []).unwrap(), 1);
        let nodes: i64 = db.query_row("SELECT count(*) FROM node", [], |row| row.get(0)).unwrap();
        assert!(nodes > 0, "more than 256 records have a node");
    }

    /// Every record, by the words of `docs/reference/ledger.md`.
    fn records(&self) -> Vec<Place> {
        let db = Connection::open(&self.path).unwrap();
        let mut blocks = db.prepare("SELECT id, count, body FROM block ORDER BY id").unwrap();
        let blocks = blocks
            .query_map([], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, Vec<u8>>(2)?))
            })
            .unwrap();
        let mut places = Vec::new();
        for block in blocks {
            let (block, count, body) = block.unwrap();
            let mut at = 0;
            for _ in 0..count {
                let length_begin = at;
                let (mut length, mut shift) = (0, 0);
                loop {
                    length |= usize::from(body[at] & 127) << shift;
                    shift += 7;
                    at += 1;
                    if body[at - 1] < 128 {
                        break;
                    }
                }
                let (begin, end) = (at, at + length);
                let (record, kind) = (places.len() as u64, body[begin + 1]);
                // Its flags follow the time, whose last byte is below 128.
                let time = body[begin + 2..].iter().position(|byte| *byte < 128).unwrap();
                let operation = (kind == 1).then(|| body[begin + 2 + time + 2]);
                places.push(Place { record, block, kind, operation, length_begin, begin, end });
                at = end + 4;
            }
            assert_eq!(at, body.len());
        }
        places
    }

    /// A copy with one statement done to it.
    fn damaged(&self, sql: &str, parameters: impl rusqlite::Params) -> PathBuf {
        let copy = self.dir.path().join("damaged");
        std::fs::copy(&self.path, &copy).unwrap();
        let db = Connection::open(&copy).unwrap();
        assert_eq!(db.execute(sql, parameters).unwrap(), 1, "{sql}");
        copy
    }

    /// One random bit of one record, or of its check.
    fn check_flip(&self, place: &Place, random: &mut Random) {
        let span = (place.end + 4 - place.begin) as u64;
        let at = place.begin + usize::try_from(random.below(span)).unwrap();
        let bit = 1u8 << random.below(8);
        let copy = self.flipped(place.block, at, bit);
        let what = format!("bit {bit} of byte {} of record {place:?}", at - place.begin);
        self.check_both(&copy, Some(place.record), &what);
    }

    fn flipped(&self, block: i64, at: usize, bit: u8) -> PathBuf {
        let db = Connection::open(&self.path).unwrap();
        let body = "SELECT body FROM block WHERE id = ?";
        let mut body: Vec<u8> = db.query_row(body, [block], |row| row.get(0)).unwrap();
        body[at] ^= bit;
        self.damaged("UPDATE block SET body = ? WHERE id = ?", params![body, block])
    }

    fn check_other_damage(&self, records: &[Place]) {
        let subject: i64 = Connection::open(&self.path)
            .unwrap()
            .query_row("SELECT max(id) FROM subject", [], |row| row.get(0))
            .unwrap();
        let subject = u64::try_from(subject & ((1 << 40) - 1)).unwrap();
        let middle = &records[records.len() / 2];
        let block_first = records.iter().find(|place| place.block == middle.block).unwrap();
        let last = records.last().unwrap();
        let (block, end_block) = (middle.block, last.block);
        for (sql, id, record) in [
            ("UPDATE subject SET user = 'somebody' WHERE id = ?", last.block, subject),
            ("UPDATE block SET root = zeroblob(32) WHERE id = ?", block, block_first.record),
            ("UPDATE block SET signature = zeroblob(64) WHERE id = ?", end_block, last.record),
            ("DELETE FROM block WHERE id = ?", block, block_first.record),
        ] {
            let copy = self.damaged(sql, [id]);
            self.check_both(&copy, Some(record), sql);
        }
        // A length says where all that follows lies: that both fail is enough.
        for place in records.iter().step_by(97) {
            let copy = self.flipped(place.block, place.length_begin, 1);
            self.check_both(&copy, None, &format!("length of {place:?}"));
        }
    }

    #[track_caller]
    fn check_both(&self, path: &Path, record: Option<u64>, what: &str) {
        let theirs = self.python(path, &self.key);
        assert_eq!(theirs.status.code(), Some(1), "{what}");
        let theirs = flaw(&theirs);
        let name = path.file_name().unwrap().to_str().unwrap();
        let said = run(&self.dir, &["verify", name, "--json"]);
        assert_eq!(said.code, Some(1), "{what}: {theirs}");
        let ours: Value = serde_json::from_str(&said.out).unwrap();
        let first = ours["findings"].as_array().unwrap().iter().find_map(|f| f["record"].as_u64());
        let Some(record) = record else { return };
        assert_eq!(first, Some(record), "{what}: {ours}");
        assert!(theirs.starts_with(&format!("record {record}")), "{what}: {theirs}");
    }

    fn verify(&self, name: &str) -> Value {
        let said = run(&self.dir, &["verify", name, "--json", "--key", &self.key]);
        serde_json::from_str(&said.done()).unwrap()
    }

    fn python(&self, path: &Path, key: &str) -> Output {
        let mut python = Command::new("python3");
        python.arg(VERIFIER).arg(path).arg(key).current_dir(self.dir.path());
        // It imports its other half, and would leave a cache beside it.
        python.env("PYTHONDONTWRITEBYTECODE", "1");
        python.output().expect("python3 is there, for the second verifier")
    }
}

/// What the second verifier found; anything but a flaw is an error of its own.
#[track_caller]
fn flaw(said: &Output) -> String {
    let text = String::from_utf8_lossy(&said.stderr);
    let flaw = text.trim().strip_prefix("FLAW: ");
    flaw.unwrap_or_else(|| panic!("it failed by itself: {text}")).to_owned()
}
