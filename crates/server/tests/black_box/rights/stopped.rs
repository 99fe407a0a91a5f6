//! What a license's own credentials may do when it is stopped, over, or its owner shut out.

use serde_json::{Value, json};

use super::Stage;
use crate::http::{Answer, Client};

const LICENSE: &str = "/v1/licenses/KEY-RENDERER";

fn activate(client: &mut Client, fingerprint: &str) -> Answer {
    let body = json!({"fingerprint": fingerprint}).to_string();
    client.post(&format!("{LICENSE}/activations"), body)
}

impl Stage {
    fn override_terms(&mut self, terms: &Value) {
        let body = json!({"overrides": terms}).to_string();
        self.admin.ask(&crate::http::Request::patch(LICENSE, body)).expect(200);
    }

    /// The key of the license, and a token of it.
    fn own_credentials(&mut self) -> [String; 2] {
        let token = json!({"name": "own", "permissions": ["*"], "license": "KEY-RENDERER",
            "audience": "activation"});
        ["License KEY-RENDERER".to_owned(), self.token(&token)]
    }
}

#[test]
fn a_stopped_license_may_look_and_no_more() {
    let mut stage = Stage::new();
    for (change, code) in [("suspend", "license-suspended"), ("revoke", "license-revoked")] {
        let own = stage.own_credentials();
        // Seen before it is stopped, so that what is in memory has to change.
        for who in &own {
            stage.server.caller(who).get("/v1/whoami").expect(200);
        }
        stage.admin.post(&format!("{LICENSE}/{change}"), "").expect(200);
        for who in &own {
            let mut client = stage.server.caller(who);
            assert_eq!(activate(&mut client, "other").problem(), (403, code.into()), "{who}");
            let file = client.post(&format!("{LICENSE}/file"), "");
            assert_eq!(file.problem(), (403, code.into()), "{who}");
            let found = client.post(&format!("{LICENSE}/validate"), "").expect(200);
            assert_eq!(found["valid"], false);
            client.get(&format!("{LICENSE}/meters")).expect(200);
        }
        if change == "suspend" {
            stage.admin.post(&format!("{LICENSE}/reinstate"), "").expect(200);
            for who in &own {
                activate(&mut stage.server.caller(who), who).expect(201);
            }
        }
    }
}

#[test]
fn terms_say_what_a_program_may_present() {
    let mut stage = Stage::new();
    let own = stage.own_credentials();
    for (word, key, token) in
        [("both", 200, 200), ("key", 200, 401), ("token", 401, 200), ("none", 401, 401)]
    {
        stage.override_terms(&json!({"authentication": word}));
        for (who, expected) in own.iter().zip([key, token]) {
            // Twice: from disk, then from memory.
            for _ in 0..2 {
                assert_eq!(stage.server.caller(who).get("/v1/whoami").status, expected, "{word}");
            }
        }
    }
}

#[test]
fn whoever_is_banned_is_shut_out_with_their_licenses() {
    let mut stage = Stage::new();
    let patch = json!({"owner": "ada@acme.example"}).to_string();
    stage.admin.ask(&crate::http::Request::patch(LICENSE, patch)).expect(200);
    let theirs = json!({"name": "ada", "permissions": ["*"], "user": "ada@acme.example"});
    let mut own = stage.own_credentials().to_vec();
    own.push(stage.token(&theirs));
    for (change, expected) in [("ban", 401), ("unban", 200), ("ban", 401)] {
        stage.admin.post(&format!("/v1/users/ada@acme.example/{change}"), "").expect(200);
        for who in &own {
            for _ in 0..2 {
                assert_eq!(stage.server.caller(who).get("/v1/whoami").status, expected, "{who}");
            }
        }
    }
}

#[test]
fn an_expired_key_is_refused_where_the_terms_say_so() {
    let mut stage = Stage::new();
    let patch = json!({"expires_at": "2020-01-01T00:00:00Z"}).to_string();
    stage.admin.ask(&crate::http::Request::patch(LICENSE, patch)).expect(200);
    let [key, token] = stage.own_credentials();
    stage.server.caller(&key).get("/v1/whoami").expect(200);
    stage.override_terms(&json!({"when_expired": "revoke"}));
    for _ in 0..2 {
        let problem = stage.server.caller(&key).get("/v1/whoami").problem();
        assert_eq!(problem, (403, "license-expired".into()));
    }
    stage.server.caller(&token).get("/v1/whoami").expect(200);
}

#[test]
fn a_license_validates_itself_by_its_key_and_no_other() {
    let stage = Stage::new();
    let mut client = stage.server.caller("License KEY-RENDERER");
    let found = client.post("/v1/validate", r#"{"key":"KEY-RENDERER","quick":true}"#).expect(200);
    assert_eq!((&found["valid"], &found["code"]), (&Value::from(true), &Value::from("valid")));
    let other = client.post("/v1/validate", r#"{"key":"KEY-EDITOR"}"#);
    assert_eq!(other.problem(), (403, "locked-to-another".into()));
    let none = client.post("/v1/validate", r#"{"key":"KEY-NOBODY"}"#).expect(200);
    assert_eq!((&none["code"], &none["license"]), (&Value::from("not-found"), &Value::Null));
}
