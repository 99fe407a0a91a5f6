//! `usance serve`: its one line, its token, its end.

use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;

use crate::world::{Server, run};

const GIVEN: &str = "a-token-of-forty-characters-0123456789ab";

#[test]
fn the_first_start_makes_a_token_and_says_it_once() {
    let server = Server::new();
    let path = server.data().join("admin-token");
    let token = std::fs::read_to_string(&path).unwrap().trim().to_owned();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(server.log().matches(&token).count(), 1);
    assert_eq!(server.json("token list")["items"].as_array().unwrap().len(), 1);

    let (dir, code, rest) = server.stop(Signal::TERM);
    assert_eq!((code, rest.as_str()), (Some(0), ""), "nothing but the one line");
    let again = Server::start(dir, &[]);
    assert_eq!(again.log().matches(&token).count(), 1, "not said again");
    again.run("product list").done();
}

#[test]
fn a_given_token_is_taken_and_written_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir, &[("USANCE_ADMIN_TOKEN", GIVEN)]);
    assert!(!server.data().join("admin-token").exists());
    assert!(!server.log().contains(GIVEN));
    server.run_words(&["product", "list", "--token", GIVEN]).done();
    let err = server.run("product list").failed(2);
    assert!(err.contains("no token"), "{err}");

    // The same, to a directory that has tokens: whoever lost theirs gets in again.
    let (dir, ..) = Server::new().stop(Signal::INT);
    let server = Server::start(dir, &[("USANCE_ADMIN_TOKEN", GIVEN)]);
    server.run_words(&["product", "list", "--token", GIVEN]).done();
    server.run("product list").done();
}

#[test]
fn what_was_counted_is_there_after_either_signal() {
    let mut server = Server::new();
    let license = server.license("frames:allowed=10");
    for (index, signal) in [Signal::TERM, Signal::INT].into_iter().enumerate() {
        let counted = server.json(&format!("use {license} frames --key {index}"));
        assert_eq!(counted["total"], index + 1);
        let (dir, code, _) = server.stop(signal);
        assert_eq!(code, Some(0));
        server = Server::start(dir, &[]);
    }
    let repeat = server.json(&format!("use {license} frames --key 0"));
    assert_eq!((&repeat["total"], &repeat["repeat"]), (&1.into(), &true.into()));
    assert_eq!(server.json(&format!("meter show {license} frames"))["total"], 2);
}

#[test]
fn a_server_that_cannot_start_says_what_to_do() {
    let server = Server::new();
    let taken = server.run("serve --data data --listen 127.0.0.1:0").failed(1);
    assert!(taken.contains("in use by another usance process"), "{taken}");

    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("bad.toml"), "lissten = 'x'").unwrap();
    for (line, code, part) in [
        (&["serve", "--listen", "8420"][..], 2, "write host and port"),
        (&["serve", "--config", "bad.toml"], 2, "unknown field `lissten`"),
        (&["serve", "--config", "none.toml"], 2, "cannot read configuration none.toml"),
        (&["serve", "--listen", "192.0.2.1:1"], 1, "choose an address of this machine"),
        (&["serve", "--idempotency-window-days", "0"], 2, "must lie between 1 and 3650"),
    ] {
        let err = run(&dir, line).failed(code);
        assert!(err.contains(part), "{err}");
        assert!(!dir.path().join("usance-data").exists(), "{line:?} left something behind");
    }
}

#[test]
fn the_file_says_where_and_the_environment_overrides_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("u.toml"), "data = 'elsewhere'\nlisten = 'nonsense'").unwrap();
    let config = dir.path().join("u.toml");
    // The harness passes flags, which win over both.
    let environment = [("USANCE_CONFIG", config.to_str().unwrap()), ("USANCE_LISTEN", "worse")];
    let server = Server::start(dir, &environment);
    assert!(server.data().exists() && !server.dir.path().join("elsewhere").exists());
}

#[test]
fn a_token_that_could_be_guessed_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = crate::world::usance(&dir);
    command.arg("serve").env("USANCE_ADMIN_TOKEN", "x".repeat(31));
    let err = crate::world::Said::from(command.output().unwrap()).failed(2);
    assert!(err.contains("has 31 characters"), "{err}");
    assert!(!dir.path().join("usance-data").exists());
}
