//! License files: made by the server, checked without it.

use rustix::process::Signal;

use crate::world::{Server, run};

#[test]
fn a_file_proves_a_license_without_a_server() {
    let server = Server::new();
    let license = server.license("frames:allowed=10,scale=2");
    server.json(&format!("use {license} frames 2.5"));
    let file = format!("license file {license} --for 30d --out license.txt");
    server.run(&file).done();
    let again = server.run(&file).failed(1);
    assert!(again.contains("not there yet"), "{again}");
    let key = server.json("keys list")["items"][0]["verifier_key"].as_str().unwrap().to_owned();
    let printed = server.run(&format!("license file {license}")).done();
    assert!(printed.starts_with("-----BEGIN USANCE LICENSE FILE-----\n"), "{printed}");
    let key_of_license = server.json(&format!("license show {license}"))["key"].clone();
    server.json(&format!("activation create {license} 9f3c"));
    server
        .run(&format!("license file {license} --activation 9f3c --encrypted --out sealed.txt"))
        .done();
    let (dir, ..) = server.stop(Signal::TERM);

    let verify = |more: &[&str]| run(&dir, &[&["license", "verify-file"], more].concat());
    let text = verify(&["license.txt", "--key", &key]).done();
    assert!(text.contains(&license) && text.contains("frames") && text.contains("2.5"), "{text}");
    verify(&["license.txt", "--key", &key, "--product", "renderer"]).done();
    let other = verify(&["license.txt", "--key", &key, "--product", "painter"]).failed(1);
    assert!(other.contains("for product renderer"), "{other}");

    let sealed = ["sealed.txt", "--key", &key];
    assert!(verify(&sealed).failed(1).contains("--license-key"));
    let sealed = [&sealed[..], &["--license-key", key_of_license.as_str().unwrap()]].concat();
    assert!(verify(&sealed).failed(1).contains("--fingerprint"));
    verify(&[&sealed[..], &["--fingerprint", "9f3c"]].concat()).done();
    let err = verify(&[&sealed[..], &["--fingerprint", "aaaa"]].concat()).failed(1);
    assert!(err.contains("for the machine 9f3c"), "{err}");

    let path = dir.path().join("license.txt");
    let good = std::fs::read_to_string(&path).unwrap();
    let place = good.find('\n').unwrap() + 200;
    let letter = if good.as_bytes()[place] == b'A' { "B" } else { "A" };
    let mut forged = good.clone();
    forged.replace_range(place..=place, letter);
    std::fs::write(&path, forged).unwrap();
    verify(&["license.txt", "--key", &key]).failed(1);
    for wrong in ["x", "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"] {
        verify(&["license.txt", "--key", wrong]).failed(2);
    }
}

#[test]
fn a_retired_key_signs_nothing_new() {
    let server = Server::new();
    let license = server.license("frames:allowed=10");
    server.run(&format!("license file {license} --out old.txt")).done();
    let old = server.json("keys list")["items"][0]["verifier_key"].as_str().unwrap().to_owned();
    let rotated = server.json("keys rotate");
    assert_eq!(rotated["number"], 2);
    server.run(&format!("license file {license} --out new.txt")).done();
    let keys = server.run("keys list --json").done();
    std::fs::write(server.dir.path().join("keys.json"), keys).unwrap();
    for file in ["old.txt", "new.txt"] {
        server.run(&format!("license verify-file {file} --keys keys.json")).done();
    }
    let err = server.run_words(&["license", "verify-file", "new.txt", "--key", &old]).failed(1);
    assert!(err.contains("usance keys list"), "{err}");
}
