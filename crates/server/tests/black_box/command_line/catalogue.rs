//! Products, policies, customers, licenses and tokens, from making to deleting.

use crate::world::Server;

#[test]
fn things_are_made_shown_changed_and_deleted() {
    let server = Server::new();
    for (line, member, expected) in [
        ("product create renderer --name Renderer", "name", "Renderer"),
        ("product change renderer --name Renderer2", "name", "Renderer2"),
        ("product show renderer", "name", "Renderer2"),
        ("policy create prepaid --product renderer --meter frames:allowed=5", "code", "prepaid"),
        ("policy change prepaid --name Prepaid", "name", "Prepaid"),
        ("customer create aurora --email office@aurora.example", "email", "office@aurora.example"),
        (
            "license create --policy prepaid --customer aurora --key K-1234567890",
            "status",
            "active",
        ),
        ("license suspend K-1234567890", "status", "suspended"),
        ("license reinstate K-1234567890", "status", "active"),
        ("license change K-1234567890 --name first", "name", "first"),
        ("license revoke K-1234567890", "status", "revoked"),
    ] {
        assert_eq!(server.json(line)[member], expected, "{line}");
    }
    assert!(server.json("customer change aurora --email none")["email"].is_null());
    let expiring = "license create --policy prepaid --expires-at 2100-01-01 --allow frames=9";
    assert_eq!(server.json(expiring)["expires_at"], "2100-01-01T00:00:00.000Z");
    assert_eq!(server.json("license list --status revoked")["items"][0]["key"], "K-1234567890");

    let in_use = server.run("product delete renderer").failed(1);
    assert!(in_use.contains("(in-use)"), "{in_use}");
    server.json("product create spare");
    server.run("product delete spare").done();
    assert!(server.run("product show spare").failed(1).contains("(unknown)"));
}

#[test]
fn lists_go_on_over_pages() {
    let server = Server::new();
    for code in ["a", "b", "c", "d", "e"] {
        server.json(&format!("product create {code}"));
    }
    let codes = |line: &str| -> (String, serde_json::Value) {
        let list = server.json(line);
        let items = list["items"].as_array().unwrap();
        (items.iter().map(|item| item["code"].as_str().unwrap()).collect(), list["next"].clone())
    };
    let (first, next) = codes("product list --limit 2");
    assert_eq!(first.len(), 2);
    let (rest, end) = codes(&format!("product list --cursor {}", next.as_str().unwrap()));
    assert_eq!(end, serde_json::Value::Null);
    let (all, _) = codes("product list --all");
    assert_eq!(format!("{first}{rest}"), all);

    let said = server.run("product list --limit 2");
    assert!(said.err.contains("There are more: --all"), "{}", said.err);
    let table = said.done();
    assert_eq!(table.lines().count(), 3, "a header and two rows\n{table}");
    assert!(!table.contains(['│', '\u{1b}']), "a pipe gets neither boxes nor colours\n{table}");
}

#[test]
fn a_token_does_what_it_may() {
    let server = Server::new();
    let license = server.license("frames:allowed=5");
    let token = server.json("token create farm --may meter:increment --product renderer");
    let (id, secret) = (token["id"].as_str().unwrap(), token["secret"].as_str().unwrap());
    let file = server.dir.path().join("secret");
    std::fs::write(&file, secret).unwrap();
    server.json(&format!("use {license} frames --token-file secret"));
    let down = format!("use {license} frames --operation decrement --token-file secret");
    assert!(server.run(&down).failed(1).contains("(permission-missing)"));
    assert!(!server.run("token list").done().contains(secret));
    server.run(&format!("token revoke {id}")).done();
    let err = server.run(&format!("use {license} frames --token-file secret")).failed(1);
    assert!(err.contains("(unauthenticated)"), "{err}");
}
