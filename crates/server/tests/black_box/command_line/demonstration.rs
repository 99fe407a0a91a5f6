//! `usance demo`: everything at once, with a real kill in the middle.

use crate::world::run;

#[test]
fn every_check_holds_and_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let out = run(&dir, &["demo", "--uses", "600"]).done();
    assert!(out.contains("19 of 19 checks hold"), "{out}");
    assert!(!out.contains(['✗', '\u{1b}']), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 120), "{out}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
