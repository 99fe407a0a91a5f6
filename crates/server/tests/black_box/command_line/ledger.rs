//! `usance verify` and `usance backup`.

use rustix::process::Signal;

use crate::world::{Server, run};

#[test]
fn a_sound_ledger_is_verified_beside_the_server_and_in_a_backup() {
    let server = Server::new();
    let license = server.license("frames:allowed=10");
    for _ in 0..3 {
        server.json(&format!("use {license} frames"));
    }
    let verified = server.json("verify data");
    assert_eq!(
        (&verified["ledgers"][0]["uses"], &verified["findings"]),
        (&3.into(), &serde_json::json!([]))
    );
    server.run("backup data copy").done();
    let (dir, ..) = server.stop(Signal::TERM);
    let text = run(&dir, &["verify", "copy"]).done();
    assert!(text.contains("3 uses") && text.contains("findings   none"), "{text}");
    let again = run(&dir, &["backup", "data", "copy"]).failed(1);
    assert!(again.contains("not overwritten"), "{again}");

    // A key other than the one that signed is a finding; text that is no key is wrong usage.
    let root = verified["ledgers"][0]["verifier_key"].as_str().unwrap();
    run(&dir, &["verify", "copy", "--key", root]).done();
    let other = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    let err = run(&dir, &["verify", "copy", "--key", other]).failed(1);
    assert!(err.contains("another key"), "{err}");
    run(&dir, &["verify", "copy", "--key", "x"]).failed(2);
}

#[test]
fn one_changed_byte_is_found_and_named() {
    let server = Server::new();
    let license = server.license("frames:allowed=10");
    let scene = "a-scene-that-is-nowhere-else";
    server.json(&format!("use {license} frames --attribute scene={scene}"));
    server.run("backup data copy").done();
    let path = server.dir.path().join("copy");
    let mut bytes = std::fs::read(&path).unwrap();
    let places: Vec<usize> =
        (0..bytes.len()).filter(|at| bytes[*at..].starts_with(scene.as_bytes())).collect();
    assert_eq!(places.len(), 1, "the attribute lies in the ledger alone");
    bytes[places[0]] = b'b';
    std::fs::write(&path, bytes).unwrap();
    let said = server.run("verify copy");
    assert!(said.out.contains("finding"), "{}", said.out);
    let err = said.failed(1);
    assert!(err.contains("not as it was written: record "), "{err}");
}

#[test]
fn what_is_not_there_cannot_be_verified() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("text"), "no database").unwrap();
    for (name, part) in [("nowhere", "name the directory"), ("text", "not a usance database")] {
        let err = run(&dir, &["verify", name]).failed(1);
        assert!(err.contains(part), "{err}");
    }
}
