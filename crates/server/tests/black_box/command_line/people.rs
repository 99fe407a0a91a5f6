//! Users, entitlements, and who sees what.

use crate::world::Server;

#[test]
fn people_own_licenses_and_can_be_shut_out() {
    let server = Server::new();
    let ada = "ada@aurora.example";
    server.json("customer create aurora --max-users 1 --metadata region=north");
    let made = server.json(&format!("user create {ada} --customer aurora --first-name Ada"));
    assert_eq!((&made["role"], &made["has_password"]), (&"user".into(), &false.into()));
    let secret = server.dir.path().join("password");
    std::fs::write(&secret, "correct horse battery\n").unwrap();
    let changed =
        server.json(&format!("user change {ada} --password-file password --last-name none"));
    assert_eq!(changed["has_password"], true);
    server.run(&format!("user change {ada} --password-file nowhere")).failed(2);

    server.json("product create renderer");
    server.json("policy create studio --product renderer");
    let license = server.json(&format!("license create --policy studio --owner {ada}"));
    let license = license["id"].as_str().unwrap();
    server.run(&format!("license validate {license} --user {ada}")).done();
    server.run(&format!("user ban {ada}")).done();
    let said = server.run(&format!("license validate {license}"));
    let err = said.failed(1);
    assert!(err.contains("(banned)") && err.contains("usance user unban"), "{err}");
    server.run(&format!("user unban {ada}")).done();
    server.run(&format!("license validate {license}")).done();
    assert!(server.run(&format!("user delete {ada}")).failed(1).contains("(in-use)"));
    server.json(&format!("license change {license} --owner none"));
    server.run(&format!("user delete {ada}")).done();
}

#[test]
fn entitlements_are_granted_and_asked_for() {
    let server = Server::new();
    for code in ["export", "farm"] {
        server.json(&format!("entitlement create {code}"));
    }
    server.json("product create renderer");
    server.json("policy create studio --product renderer --entitlement export");
    let license = server.json("license create --policy studio")["id"].as_str().unwrap().to_owned();
    let ask = |line: &str| server.run(&format!("license validate {license} {line}"));
    ask("--entitlement export").done();
    assert!(ask("--entitlement farm").failed(1).contains("(entitlements-missing)"));
    server.json(&format!("license change {license} --entitlement farm"));
    ask("--entitlement export --entitlement farm").done();
    assert!(server.run("entitlement delete farm").failed(1).contains("(in-use)"));
    server.json(&format!("license change {license} --entitlement none"));
    server.run("entitlement delete farm").done();
}

#[test]
fn an_audience_sees_its_own() {
    let server = Server::new();
    server.json("product create renderer");
    server.json(
        "policy create studio --product renderer --meter frames:visible=user \
         --meter margin:visible=none",
    );
    let license = server.json("license create --policy studio --metadata tier=gold");
    let license = license["id"].as_str().unwrap();
    let token = server.json(&format!(
        "token create portal --may license:read --may meter:read --license {license} \
         --audience user"
    ));
    std::fs::write(server.dir.path().join("portal"), token["secret"].as_str().unwrap()).unwrap();
    let caller = server.json("whoami --token-file portal");
    assert_eq!(
        (&caller["audience"], &caller["locked_to"]["license"]),
        (&"user".into(), &license.into())
    );
    let meters = server.json(&format!("meter list {license} --token-file portal"));
    let names: Vec<&str> =
        meters["items"].as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["frames"]);
    server.run(&format!("meter show {license} margin --token-file portal")).failed(1);
    let seen = server.json(&format!("license show {license} --token-file portal"));
    assert_eq!(seen["metadata"], serde_json::json!({}));
    server
        .run_words(&[
            "license",
            "change",
            license,
            "--metadata",
            "tier=gold",
            "--visible",
            "tier=user",
        ])
        .done();
    let seen = server.json(&format!("license show {license} --token-file portal"));
    assert_eq!(seen["metadata"]["tier"], "gold");
}
