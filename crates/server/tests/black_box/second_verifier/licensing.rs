//! The same for all that takes time: holds, sessions, periods, machines, and what the database says
//! of them beside the ledger.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Ledger, simulation};
use crate::http::Client;
use crate::random::{Random, seed};
use crate::world::run;

/// Changes behind the ledger's back that it tells of.
const FOUND: &[&str] = &[
    "UPDATE meter SET total = total + 1 WHERE name = 'jobs' AND own_allowed = 1",
    "UPDATE meter SET gross = gross + 1 WHERE name = 'jobs' AND own_allowed = 1",
    "UPDATE meter SET held = held + 1 WHERE name = 'jobs' AND own_allowed = 1",
    "UPDATE meter SET carried = carried + 1 WHERE name = 'jobs' AND own_allowed = 1",
    "UPDATE meter SET period_end = period_end + 1 WHERE name = 'jobs' AND own_allowed = 1",
    "UPDATE meter SET last_record = last_record - 1 WHERE name = 'jobs' AND own_allowed = 1",
    "UPDATE meter SET total = 5 WHERE name = 'floored' AND hidden = 0",
    "UPDATE meter SET allowed = allowed + 1 WHERE name = 'jobs' AND own_allowed = 1",
    "UPDATE meter SET spec = replace(spec, 'scale=3', 'scale=2') WHERE name = 'another'",
    "UPDATE meter SET hidden = 0 WHERE name = 'own'",
    "UPDATE meter SET gross = gross + 1 WHERE name = 'own'",
    "DELETE FROM meter WHERE name = 'hours' AND total > 0",
    "UPDATE hold SET units = units + 1 WHERE id = (SELECT min(id) FROM hold)",
    "DELETE FROM hold WHERE id = (SELECT min(id) FROM hold)",
    "UPDATE session SET reserved = 9 WHERE meter = 'seats'",
    "DELETE FROM session WHERE meter = 'hours'",
    "UPDATE activation SET cores = 64 WHERE fingerprint = 'three'",
    "UPDATE activation SET fingerprint = 'four' WHERE fingerprint = 'three'",
    "UPDATE activation SET id = zeroblob(16) WHERE fingerprint = 'three'",
    "DELETE FROM activation WHERE fingerprint = 'three'",
    "UPDATE entitlement SET name = 'Import'",
    "UPDATE product SET metadata = replace(metadata, 'reseller', 'user')",
    "UPDATE license SET overrides = 'max_cores=640\n' WHERE overrides = 'max_cores=64\n'",
    "UPDATE license SET entitlements = 'import' WHERE entitlements = 'export'",
    "UPDATE license SET metadata = '' WHERE metadata <> ''",
    "UPDATE license SET checked_in_at = checked_in_at + 1 WHERE checked_in_at > 0",
    "UPDATE license SET expires_at = NULL WHERE checked_in_at > 0",
    "UPDATE policy SET terms = replace(terms, '=99', '=999') WHERE code = 'all'",
    "UPDATE policy_meter SET spec = replace(spec, 'allowed=6', 'allowed=7') WHERE place = 1
     AND spec LIKE 'meter=seats%'",
];

/// Changes that the ledger does not tell of, as `docs/reference/ledger.md` says.
const NOT_FOUND: &[&str] = &[
    "UPDATE activation SET name = 'a', hostname = 'b', address = 'c', metadata = ''
     WHERE fingerprint = 'three'",
    "UPDATE activation SET seen_at = 1, last_file_at = 1 WHERE fingerprint = 'three'",
    "UPDATE policy SET terms = replace(terms, 'user=eve', 'user=ada') WHERE code = 'all'",
    "UPDATE license SET overrides = replace(overrides, 'mallory', 'ada')
     WHERE entitlements = 'export'",
    "UPDATE license SET validated_at = 1, file_at = 1, activations = 0 WHERE checked_in_at > 0",
    "UPDATE session SET expires_at = expires_at + 1 WHERE meter = 'seats'",
];

/// Machines, holds, sessions and a period over HTTP, some of which go on.
pub fn over_http(admin: &mut Client) {
    admin.post("/v1/entitlements", r#"{"code":"export"}"#).expect(201);
    let policy = json!({"product": "renderer", "code": "live", "terms": {"max_activations": 3},
        "entitlements": ["export"], "meters": [
            {"name": "jobs", "allowed": 100, "period": "month", "floating": true},
            {"name": "seats", "measure": "seats", "allowed": 2}]});
    admin.post("/v1/policies", policy.to_string()).expect(201);
    let made = admin.post("/v1/licenses", r#"{"policy":"live"}"#).expect(201);
    let license = format!("/v1/licenses/{}", made["id"].as_str().unwrap());
    let jobs = format!("{license}/meters/jobs");
    let seats = format!("{license}/meters/seats/sessions");
    for machine in ["one", "two"] {
        let machine = json!({"fingerprint": machine, "cores": 4, "hostname": "ada-7"});
        admin.post(&format!("{license}/activations"), machine.to_string()).expect(201);
    }
    for (path, body) in [
        ("increment", r#"{"amount":9,"activation":"one"}"#),
        ("holds", r#"{"amount":5,"activation":"two"}"#),
    ] {
        admin.post(&format!("{jobs}/{path}"), body).expect(200);
    }
    let hold = admin.post(&format!("{jobs}/holds"), r#"{"amount":3}"#).expect(200);
    let hold = hold["hold"].as_str().unwrap().to_owned();
    admin.post(&format!("{jobs}/holds/{hold}/settle"), r#"{"amount":4}"#).expect(200);
    let session = admin.post(&seats, r#"{"activation":"two"}"#).expect(200);
    let session = session["session"].as_str().unwrap().to_owned();
    admin.post(&seats, r#"{"subject":{"user":"ada"}}"#).expect(200);
    admin.post(&seats, "{}").expect(409);
    admin.post(&format!("{seats}/{session}/heartbeat"), "").expect(200);
    admin.post(&format!("{seats}/{session}/check-in"), "").expect(200);
    let gone = crate::http::Request::delete(format!("{license}/activations/one"));
    admin.ask(&gone).expect(204);
}

#[test]
fn both_verifiers_follow_what_takes_time() {
    let mut random = Random::new(seed("both_verifiers_follow_what_takes_time"));
    let dir = tempfile::tempdir().unwrap();
    let key = simulation::write(&dir.path().join("data"));
    let ledger = Ledger { path: dir.path().join("data/usance.db"), dir, key: key.trim().into() };

    let records = ledger.records();
    let operations: BTreeSet<u8> = records.iter().filter_map(|place| place.operation).collect();
    assert!(operations.iter().copied().eq(1..=9), "{operations:?}");
    let theirs = ledger.python(&ledger.path, &ledger.key);
    assert_eq!(String::from_utf8_lossy(&theirs.stderr), "");
    let ours = ledger.verify("data");
    assert_eq!(ours["findings"], json!([]));
    let said = &ours["ledgers"][0];
    assert_eq!(said["size"], records.len());
    let count = |kind| records.iter().filter(|place| place.kind == kind).count();
    assert_eq!((&said["uses"], &said["changed"]), (&count(1).into(), &count(3).into()));
    let line = String::from_utf8(theirs.stdout).unwrap();
    assert!(line.starts_with(&format!(
        "{} records of {} ",
        records.len(),
        said["origin"].as_str().unwrap()
    )));

    for sql in FOUND {
        let copy = ledger.damaged(sql, []);
        ledger.check_both(&copy, None, sql);
    }
    for sql in NOT_FOUND {
        let copy = ledger.damaged(sql, []);
        let theirs = ledger.python(&copy, &ledger.key);
        assert_eq!(String::from_utf8_lossy(&theirs.stderr), "", "{sql}");
        let said: Value =
            serde_json::from_str(&run(&ledger.dir, &["verify", "damaged", "--json"]).done())
                .unwrap();
        assert_eq!(said["findings"], json!([]), "{sql}");
    }
    for place in records.iter().filter(|place| place.kind == 1).step_by(4) {
        ledger.check_flip(place, &mut random);
    }
}
