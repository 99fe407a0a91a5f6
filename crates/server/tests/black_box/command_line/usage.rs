//! What cannot be asked, and help.

use std::process::Stdio;

use crate::world::{run, usance};

#[test]
fn wrong_usage_exits_with_two() {
    let dir = tempfile::tempdir().unwrap();
    for (line, part) in [
        ("", "Usage: usance <COMMAND>"),
        ("fly", "unrecognized subcommand"),
        ("product create", "<CODE>"),
        ("use L frames 1e3", "plain decimal"),
        ("use L frames --operation set", "set needs the value"),
        ("use L frames 1 --operation reset", "reset takes no amount"),
        ("policy create p --product x --meter f:limit=5", "no option \"limit\""),
        ("license create --policy p --allow frames", "name=value"),
        ("license create --policy p --expires-at tomorrow", "is not a time"),
        ("product change x --token t", "nothing to change was named"),
        ("product list", "no token"),
        ("product list --server http://192.0.2.1", "only presented to a server on this machine"),
        ("product list --server https://usance.example --token t", "speaks plain HTTP"),
        ("product list --limit 0", "0 is not in"),
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let err = run(&dir, &words).failed(2);
        assert!(err.contains(part), "{line}\n{err}");
    }
}

#[test]
fn a_server_that_is_not_there_is_a_failure() {
    let dir = tempfile::tempdir().unwrap();
    // Port 1 is nobody's; a server would need a privilege to listen there.
    let line = ["product", "list", "--server", "http://127.0.0.1:1", "--token", "t"];
    let err = run(&dir, &line).failed(1);
    assert!(err.contains("cannot reach") && err.contains("usance serve"), "{err}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = usance(&dir)
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn completions_know_the_commands() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&dir, &["completions", shell]).done();
        assert!(script.contains("reinstate") && script.contains("partial"), "{shell}");
    }
}
