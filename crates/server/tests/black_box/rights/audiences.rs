//! What callers with eyes of their own see, and do not see.

use serde_json::{Value, json};

use crate::http::Client;
use crate::world::Server;

/// A license of Ada's and one of Bob's, with meters and notes that are not for everybody.
struct Stage {
    server: Server,
    admin: Client,
}

impl Stage {
    fn new() -> Self {
        let server = Server::new();
        let mut admin = server.admin();
        admin.post("/v1/products", r#"{"code":"renderer"}"#).expect(201);
        let policy = json!({"product": "renderer", "code": "plan", "meters": [
            {"name": "frames", "floating": true},
            {"name": "cost", "visible_to": ["organization"]},
            {"name": "secret", "visible_to": []},
        ]});
        admin.post("/v1/policies", policy.to_string()).expect(201);
        for (name, customer) in [("ada", "acme"), ("bob", "borealis")] {
            admin.post("/v1/customers", json!({"code": customer}).to_string()).expect(201);
            let email = format!("{name}@acme.example");
            admin.post("/v1/users", json!({"email": email}).to_string()).expect(201);
            let license = json!({"policy": "plan", "key": format!("KEY-of-{name}"), "owner": email,
                "customer": customer, "overrides": {"max_cores": 64},
                "metadata": {"tier": "gold", "note": "pays late"},
                "metadata_visible_to": {"tier": ["user"]}});
            admin.post("/v1/licenses", license.to_string()).expect(201);
            let path = format!("/v1/licenses/KEY-of-{name}");
            let machine = json!({"fingerprint": "m1", "user": email}).to_string();
            admin.post(&format!("{path}/activations"), machine).expect(201);
            for meter in ["frames", "cost", "secret"] {
                let path = format!("{path}/meters/{meter}/increment");
                admin.post(&path, r#"{"amount":3,"activation":"m1"}"#).expect(200);
            }
        }
        Self { server, admin }
    }

    fn caller(&mut self, locks: &Value) -> Client {
        let mut token = json!({"name": "eyes", "permissions": ["*"]});
        for (name, value) in locks.as_object().unwrap() {
            token[name] = value.clone();
        }
        let made = self.admin.post("/v1/tokens", token.to_string()).expect(201);
        self.server.caller(&format!("Bearer {}", made["secret"].as_str().unwrap()))
    }
}

fn names(list: &Value, member: &str) -> Vec<String> {
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_user_sees_only_their_licenses() {
    let mut stage = Stage::new();
    let mut ada = stage.caller(&json!({"user": "ada@acme.example"}));
    assert_eq!(ada.get("/v1/whoami").expect(200)["audience"], "user");
    assert_eq!(names(&ada.get("/v1/licenses").expect(200), "key"), ["KEY-of-ada"]);
    assert_eq!(names(&ada.get("/v1/activations").expect(200), "fingerprint"), ["m1"]);
    let locked = (403, "locked-to-another".to_owned());
    for path in ["", "/meters", "/activations", "/meters/frames/records", "/meters/frames/holds"] {
        let path = format!("/v1/licenses/KEY-of-bob{path}");
        assert_eq!(ada.get(&path).problem(), locked, "{path}");
    }
    for path in ["/meters/frames/increment", "/activations", "/validate", "/suspend"] {
        let body = if path == "/activations" { r#"{"fingerprint":"x"}"# } else { "" };
        let path = format!("/v1/licenses/KEY-of-bob{path}");
        assert_eq!(ada.post(&path, body).problem(), locked, "{path}");
    }
    let bobs = stage.admin.get("/v1/licenses/KEY-of-bob/activations").expect(200);
    let id = bobs["items"][0]["id"].as_str().unwrap();
    assert_eq!(ada.get(&format!("/v1/activations/{id}")).problem(), locked);
    assert_eq!(ada.get("/v1/users/bob@acme.example").problem(), locked);
    assert_eq!(ada.get("/v1/customers").status, 403);
    assert_eq!(ada.get("/v1/users").status, 403);
}

#[test]
fn what_is_hidden_from_an_audience_is_not_there() {
    let mut stage = Stage::new();
    for (locks, meters) in [
        (json!({"user": "ada@acme.example"}), &["frames"][..]),
        (json!({"customer": "acme"}), &["frames", "cost"]),
        (json!({"license": "KEY-of-ada", "audience": "activation"}), &["frames"]),
        (json!({"license": "KEY-of-ada"}), &["frames", "cost", "secret"]),
    ] {
        let mut caller = stage.caller(&locks);
        let list = caller.get("/v1/licenses/KEY-of-ada/meters").expect(200);
        assert_eq!(names(&list, "name"), meters, "{locks}");
        let machine = caller.get("/v1/licenses/KEY-of-ada/activations/m1").expect(200);
        let shares: Vec<&String> = machine["shares"].as_object().unwrap().keys().collect();
        assert_eq!(shares.len(), meters.len(), "{locks} {machine}");
        let beat = caller.post("/v1/licenses/KEY-of-ada/activations/m1/heartbeat", "").expect(200);
        assert_eq!(beat["shares"], machine["shares"], "{locks}");
        let is_vendor = meters.len() == 3;
        assert_eq!(machine.get("user").is_some(), is_vendor, "{locks}");
        for meter in ["frames", "cost", "secret"] {
            let expected = if meters.contains(&meter) { 200 } else { 404 };
            let path = format!("/v1/licenses/KEY-of-ada/meters/{meter}");
            for below in ["", "/records", "/holds", "/sessions"] {
                let answer = caller.get(&format!("{path}{below}"));
                assert_eq!(answer.status, expected, "{locks} {meter}{below}");
            }
            let answer = caller.post(&format!("{path}/increment"), "");
            assert_eq!(answer.status, expected, "{locks} {meter}");
        }
        let license = caller.get("/v1/licenses/KEY-of-ada").expect(200);
        for member in ["owner", "users", "overrides", "metadata_visible_to"] {
            assert_eq!(license.get(member).is_some(), is_vendor, "{locks} {member}");
        }
        assert_eq!(license["metadata"].get("note").is_some(), is_vendor, "{locks}");
        let sees_tier = is_vendor || locks.get("user").is_some();
        assert_eq!(license["metadata"].get("tier").is_some(), sees_tier, "{locks}");
    }
}
