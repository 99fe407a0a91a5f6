//! License files of a server against the verifier in Python, written from
//! `docs/reference/license-file.md` alone.

use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Client, Request};
use crate::world::Server;

const VERIFIER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/license_file.py");

/// Runs the verifier on a file, with these keys and at this time.
fn python(dir: &TempDir, file: &str, keys: &[String], now_ms: Option<i64>) -> Output {
    let path = dir.path().join("license.lic");
    std::fs::write(&path, file).unwrap();
    let mut python = Command::new("python3");
    python.arg(VERIFIER).arg(path).args(keys).current_dir(dir.path());
    python.env_remove("NOW").env("PYTHONDONTWRITEBYTECODE", "1");
    python.envs(now_ms.map(|now| ("NOW", now.to_string())));
    python.output().expect("python3 is there, for the second verifier")
}

/// What it reads in a file that it accepts, one `NAME=VALUE` a line.
#[track_caller]
fn accepted(said: &Output) -> String {
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout.clone()).unwrap()
}

/// Why it refuses a file; anything but a flaw is an error of its own.
#[track_caller]
fn refused(said: &Output) -> String {
    let text = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(1), "{text}");
    let flaw = text.trim().strip_prefix("FLAW: ");
    flaw.unwrap_or_else(|| panic!("it failed by itself: {text}")).to_owned()
}

/// The verifier keys of the account, oldest first.
fn keys(admin: &mut Client) -> Vec<String> {
    let listed = admin.get("/v1/keys").expect(200);
    let keys = listed["items"].as_array().unwrap().iter();
    keys.map(|key| key["verifier_key"].as_str().unwrap().to_owned()).collect()
}

/// A license with a machine, a meter that has moved, and something on hold.
fn license(admin: &mut Client) -> String {
    admin.post("/v1/products", r#"{"code":"renderer"}"#).expect(201);
    admin.post("/v1/entitlements", r#"{"code":"export"}"#).expect(201);
    let policy = json!({"product": "renderer", "code": "prepaid", "entitlements": ["export"],
        "terms": {"max_cores": 8, "access": ["deny user=guest"], "time_zone": "Europe/Berlin"},
        "meters": [{"name": "frames", "unit": "frame \\", "scale": 2, "allowed": 100}]});
    admin.post("/v1/policies", policy.to_string()).expect(201);
    let new = json!({"policy": "prepaid", "metadata": {"tier": "g\told \u{85}"}});
    let made = admin.post("/v1/licenses", new.to_string()).expect(201);
    let path = format!("/v1/licenses/{}", made["id"].as_str().unwrap());
    let machine = json!({"fingerprint": "9f=3c \\", "cores": 2});
    admin.post(&format!("{path}/activations"), machine.to_string()).expect(201);
    admin.post(&format!("{path}/meters/frames/increment"), r#"{"amount":"1.25"}"#).expect(200);
    admin.post(&format!("{path}/meters/frames/holds"), r#"{"amount":3}"#).expect(200);
    path
}

fn make(admin: &mut Client, license: &str, asked: &Value) -> String {
    let made = admin.post(&format!("{license}/file"), asked.to_string());
    assert!(made.status < 300, "{}", made.body);
    made.json()["file"].as_str().unwrap().to_owned()
}

fn field(said: &str, name: &str) -> String {
    let found = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("no {name} in {said}")).to_owned()
}

#[test]
fn a_file_is_proved_by_its_own_bytes_and_keys_only() {
    let server = Server::new();
    let mut admin = server.admin();
    let license = license(&mut admin);
    let file = make(&mut admin, &license, &json!({"activation": "9f=3c \\", "seconds": 3600}));
    let own = keys(&mut admin);
    let said = accepted(&python(&server.dir, &file, &own, None));
    for line in [
        "status=active",
        "entitlement=export",
        r"fingerprint=9f=3c \\",
        "meter=frames",
        r"unit=frame \\",
        "scale=2",
        "allowed=10000",
        "total=125",
        "gross=125",
        "held=300",
    ] {
        assert!(said.lines().any(|found| found == line), "{line:?} is not in {said}");
    }
    assert!(license.ends_with(&field(&said, "license")));

    // One byte of the armour's inside; what is no base64 any more is refused too.
    let bytes = file.as_bytes();
    let inside = file.find("-----\n").unwrap() + 6..file.rfind("\n-----END").unwrap();
    for at in inside.step_by(97).filter(|at| bytes[*at] != b'\n') {
        let mut other = bytes.to_vec();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        refused(&python(&server.dir, &String::from_utf8(other).unwrap(), &own, None));
    }

    let issued: i64 = field(&said, "issued_at").parse().unwrap();
    let end: i64 = field(&said, "file_expires_at").parse().unwrap();
    assert_eq!(end - issued, 3_600_000);
    accepted(&python(&server.dir, &file, &own, Some(end - 1)));
    let flaw = refused(&python(&server.dir, &file, &own, Some(end)));
    assert_eq!(flaw, "the file has expired");
    let day = 24 * 60 * 60 * 1000;
    let flaw = refused(&python(&server.dir, &file, &own, Some(issued - day - 1)));
    assert_eq!(flaw, "the clock was set back");
}

#[test]
fn after_a_rotation_old_files_stay_good_and_new_ones_need_the_new_key() {
    let server = Server::new();
    let mut admin = server.admin();
    let license = license(&mut admin);
    let before = make(&mut admin, &license, &json!({}));
    let old = keys(&mut admin);
    let rotated = admin.ask(&Request::post("/v1/keys/rotate", ""));
    assert!(rotated.status < 300, "{}", rotated.body);
    let all = keys(&mut admin);
    assert_eq!((&all[..1], all.len()), (&old[..], 2));
    assert_eq!(rotated.json()["verifier_key"], all[1]);
    let after = make(&mut admin, &license, &json!({"encrypted": true}));

    let said = accepted(&python(&server.dir, &before, &all, None));
    assert_eq!(
        (field(&said, "key_number"), field(&said, "encryption")),
        ("1".into(), "none".into())
    );
    let said = accepted(&python(&server.dir, &after, &all, None));
    let is_encrypted = field(&said, "encryption") == "aes-256-gcm" && !said.contains("status=");
    assert!(field(&said, "key_number") == "2" && is_encrypted, "{said}");

    // A program that does not know the new key, and one from whose list a stolen key was taken.
    for (file, known) in [(&after, &all[..1]), (&before, &all[1..])] {
        let flaw = refused(&python(&server.dir, file, known, None));
        assert!(flaw.starts_with("signed with a key that is not given: usance/acc_"), "{flaw}");
    }
    // Neither is good under the number of the other.
    let swapped = all[0].replacen("/1+", "/2+", 1);
    let flaw = refused(&python(&server.dir, &after, &[swapped], None));
    assert!(flaw.starts_with("signed with a key that is not given"), "{flaw}");
}
