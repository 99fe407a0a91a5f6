//! What policies state and licenses override, and the life of a license.

use crate::world::{Server, run};

#[test]
fn terms_are_stated_overridden_and_taken_back() {
    let server = Server::new();
    server.json("product create renderer");
    let made = server.run_words(&[
        "policy",
        "create",
        "studio",
        "--product",
        "renderer",
        "--term",
        "max_activations=3",
        "--term",
        "check_in_every=1 month",
        "--term",
        "time_zone=Europe/Berlin",
    ]);
    let text = made.done();
    assert!(text.contains("check_in_every") && text.contains("1 month"), "{text}");
    assert!(!text.contains("max_cores"), "only what is stated\n{text}");
    let license = server.json("license create --policy studio --override max_activations=9");
    assert_eq!(
        (&license["overrides"]["max_activations"], &license["terms"]["max_activations"]),
        (&9.into(), &9.into())
    );
    let id = license["id"].as_str().unwrap();
    let change = |what: &str| server.json(&format!("license change {id} --override {what}"));
    assert_eq!(change("unique=policy")["terms"]["unique"], "policy");
    let back = change("max_activations=policy");
    assert_eq!(back["terms"]["max_activations"], 3);
    let back = change("unique=none");
    assert_eq!(
        (&back["overrides"], &back["terms"]["unique"]),
        (&serde_json::json!({}), &"license".into())
    );
    let changed = server.json("policy change studio --term max_activations=none");
    assert!(changed["terms"]["max_activations"].is_null());

    for (line, part) in [
        ("policy change studio --term max_machines=1", "usance policy terms"),
        ("policy change studio --term strict=perhaps", "true or false"),
        ("policy change studio --term strict=true --term strict=false", "strict is given twice"),
    ] {
        let err = server.run(line).failed(2);
        assert!(err.contains(part), "{line}: {err}");
    }
}

#[test]
fn every_term_is_explained_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let text = run(&dir, &["policy", "terms"]).done();
    let fields = usance_core::terms::Terms::FIELDS;
    assert_eq!(text.lines().count(), fields.len() + 1);
    for field in fields {
        assert!(text.lines().any(|line| line.starts_with(field.name)), "{}", field.name);
    }
    let one = run(&dir, &["policy", "terms", "check_in_every"]).done();
    assert!(one.contains("a span like '1 month', or none"), "{one}");
    run(&dir, &["policy", "terms", "check_in_sometimes"]).failed(2);
    let json: serde_json::Value =
        serde_json::from_str(&run(&dir, &["policy", "terms", "--json"]).done()).unwrap();
    assert_eq!(json["items"].as_array().unwrap().len(), fields.len());
}

#[test]
fn a_license_is_renewed_checked_in_and_moved() {
    let server = Server::new();
    server.json("product create renderer");
    server
        .run_words(&[
            "policy",
            "create",
            "yearly",
            "--product",
            "renderer",
            "--term",
            "duration_seconds=365d",
            "--term",
            "check_in_every=1 month",
        ])
        .done();
    server.json("policy create forever --product renderer");
    let license = server.json("license create --policy yearly");
    let id = license["id"].as_str().unwrap();
    let renewed = server.json(&format!("license renew {id}"));
    assert!(renewed["expires_at"].as_str() > license["expires_at"].as_str(), "{renewed}");
    let checked_in = server.json(&format!("license check-in {id}"));
    assert!(checked_in["checked_in_at"].is_string(), "{checked_in}");
    let moved = server.json(&format!("license transfer {id} forever"));
    assert_ne!(moved["policy"], license["policy"]);
}

#[test]
fn a_validation_says_why_and_exits_with_one() {
    let server = Server::new();
    server.json("product create renderer");
    server.json("policy create studio --product renderer");
    let license = server.json("license create --policy studio")["id"].as_str().unwrap().to_owned();
    let ask = |line: &str| server.run(&format!("license validate {license} {line}"));
    let text = ask("").done();
    assert!(text.contains("valid") && text.contains(&license), "{text}");
    let said = ask("--fingerprint 9f3c");
    assert!(said.out.contains("code"), "{}", said.out);
    let err = said.failed(1);
    assert!(err.contains("usance activation create"), "{err}");
    server.json(&format!("activation create {license} 9f3c"));
    ask("--fingerprint 9f3c").done();
    ask("--product renderer --policy studio --quick").done();
    server.json(&format!("license suspend {license}"));
    let said = ask("--json");
    let found: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&found["valid"], &found["code"]), (&false.into(), &"suspended".into()));
    assert!(said.failed(1).contains("usance license reinstate"));
}

#[test]
fn access_rules_come_from_a_file() {
    let server = Server::new();
    let license = server.license("seats:allowed=2,measure=seats");
    let rules = "# who may not\ndeny user=guest\n\nlimit 1 user=ada\n";
    std::fs::write(server.dir.path().join("rules.txt"), rules).unwrap();
    let changed = server.json("policy change prepaid --term access=@rules.txt");
    assert_eq!(
        changed["terms"]["access"],
        serde_json::json!(["deny user=guest", "limit 1 user=ada"])
    );
    let out = |user: &str| server.run(&format!("session check-out {license} seats --user {user}"));
    assert!(out("guest").failed(1).contains("(access-denied)"));
    out("ada").done();
    assert!(out("ada").failed(1).contains("(reserved-for-others)"));
    out("bob").done();
    let err = server.run("policy change prepaid --term access=@nowhere.txt").failed(2);
    assert!(err.contains("nowhere.txt cannot be read"), "{err}");
    server.json("policy change prepaid --term access=none");
}
