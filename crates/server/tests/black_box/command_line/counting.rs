//! `usance use` and `usance meter`.

use crate::world::Server;

#[test]
fn a_use_is_counted_repeated_refused_and_taken_back() {
    let server = Server::new();
    let license = server.license("frames:allowed=10,record-refusals");
    let of = |line: &str| server.json(&format!("use {license} frames {line}"));
    assert_eq!(of("4 --key a")["total"], 4);
    let repeat = of("4 --key a");
    assert_eq!((&repeat["total"], &repeat["repeat"]), (&4.into(), &true.into()));

    let refused = server.run(&format!("use {license} frames 7"));
    let err = refused.failed(1);
    assert!(err.contains("6 left (limit-reached)") && err.contains("--partial"), "{err}");
    let refused = server.run(&format!("use {license} frames 7 --json"));
    let problem: serde_json::Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!((&problem["code"], &problem["remaining"]), (&"limit-reached".into(), &6.into()));
    refused.failed(1);

    assert_eq!(of("7 --partial")["applied"], 6);
    assert_eq!(of("3 --operation decrement")["total"], 7);
    assert_eq!(of("2 --operation set")["total"], 2);
    assert_eq!(of("--operation reset")["total"], 0);
    let records = server.json(&format!("meter records {license} frames --all"));
    let kinds: Vec<&str> =
        records["items"].as_array().unwrap().iter().map(|r| r["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["use", "use", "use", "use", "refused", "refused", "use"]);
}

#[test]
fn what_a_use_says_of_itself_is_kept() {
    let server = Server::new();
    let license = server.license("hours:scale=2,allowed=12.5");
    let line = format!(
        "use {license} hours 0.25 --user ada --host n7 --address 10.0.0.7 --attribute scene=intro"
    );
    assert_eq!(server.json(&line)["remaining"].to_string(), "12.25");
    let record = &server.json(&format!("meter records {license} hours"))["items"][0];
    assert_eq!(record["subject"]["user"], "ada");
    assert_eq!(record["attributes"]["scene"], "intro");
    let table = server.run(&format!("meter records {license} hours")).done();
    assert!(table.contains("address=10.0.0.7, host=n7, user=ada"), "{table}");
    assert_eq!(
        server.json(&format!("meter usage {license} hours"))["windows"][0]["incremented"]
            .to_string(),
        "0.25"
    );
}

#[test]
fn a_license_gets_its_own_ceiling_and_the_policys_back() {
    let server = Server::new();
    let license = server.license("frames:allowed=10");
    let allow = |what: &str| server.json(&format!("meter allow {license} frames {what}"));
    assert_eq!(allow("25")["allowed"], 25);
    assert!(allow("unlimited")["allowed"].is_null());
    let back = allow("policy");
    assert_eq!((&back["allowed"], &back["allowed_from"]), (&10.into(), &"policy".into()));
    server.json("policy change prepaid --meter frames:allowed=40");
    let table = server.run(&format!("meter list {license}")).done();
    let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row, ["frames", "frames", "0", "40", "40", "0", "0", "0", "never"], "{table}");
}
