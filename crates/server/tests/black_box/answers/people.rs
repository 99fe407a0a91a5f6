//! Entitlements, users, and tokens that are locked to people.

use super::transcript::Transcript;
use crate::http::Request;

fn post(path: &str, body: &str) -> Request {
    Request::post(path, body)
}

#[test]
fn entitlements() {
    let mut talk = Transcript::new();
    let all = "/v1/entitlements";
    talk.ask_all([
        ("made", post(all, r#"{"code":"export","name":"Export","metadata":{"a":[1]}}"#)),
        ("taken", post(all, r#"{"code":"export"}"#)),
        ("no code", post(all, "{}")),
        ("shown", Request::get("/v1/entitlements/export")),
        ("unknown", Request::get("/v1/entitlements/import")),
        ("changed", Request::patch("/v1/entitlements/export", r#"{"name":"Exports"}"#)),
        ("the list", Request::get(all)),
    ]);
    talk.made("/v1/products", r#"{"code":"renderer"}"#);
    talk.made("/v1/policies", r#"{"product":"renderer","code":"p","entitlements":["export"]}"#);
    talk.ask("in use", Request::delete("/v1/entitlements/export"));
    talk.made(all, r#"{"code":"spare"}"#);
    talk.ask("deleted", Request::delete("/v1/entitlements/spare"));
    talk.ask("deleted already", Request::delete("/v1/entitlements/spare"));
    talk.check("entitlements");
}

#[test]
fn users() {
    let mut talk = Transcript::new();
    talk.made("/v1/customers", r#"{"code":"acme"}"#);
    talk.made("/v1/products", r#"{"code":"renderer"}"#);
    talk.made("/v1/policies", r#"{"product":"renderer","code":"p"}"#);
    let whole = r#"{"email":"Ada@acme.example","first_name":"Ada","last_name":"L","role":"support",
        "customer":"acme","password":"correct horse","metadata":{"desk":4},
        "metadata_visible_to":{"desk":["organization"]}}"#;
    let ada = "/v1/users/ada@acme.example";
    talk.ask_all([
        ("made", post("/v1/users", whole)),
        ("taken in other letters", post("/v1/users", r#"{"email":"ADA@acme.example"}"#)),
        ("not an address", post("/v1/users", r#"{"email":"ada"}"#)),
        ("no address", post("/v1/users", "{}")),
        ("a role that is none", post("/v1/users", r#"{"email":"b@x.example","role":"king"}"#)),
        (
            "too short a password",
            post("/v1/users", r#"{"email":"b@x.example","password":"1234567"}"#),
        ),
        ("shown by address", Request::get(ada)),
        ("unknown", Request::get("/v1/users/eve@acme.example")),
        ("changed", Request::patch(ada, r#"{"role":"user","first_name":null,"password":null}"#)),
        ("a new password", Request::patch(ada, r#"{"password":"battery staple"}"#)),
        ("banned", post(&format!("{ada}/ban"), "")),
        ("banned for a reason", post(&format!("{ada}/ban"), r#"{"reason":"x"}"#)),
        ("unbanned", post(&format!("{ada}/unban"), "")),
        ("the list", Request::get("/v1/users")),
    ]);
    talk.made("/v1/licenses", r#"{"policy":"p","owner":"ada@acme.example"}"#);
    talk.ask("in use", Request::delete(ada));
    talk.made("/v1/users", r#"{"email":"spare@acme.example"}"#);
    talk.ask("forgotten", Request::delete("/v1/users/spare@acme.example"));
    talk.check("users");
}

#[test]
fn tokens() {
    let mut talk = Transcript::new();
    talk.made("/v1/customers", r#"{"code":"acme"}"#);
    talk.made("/v1/users", r#"{"email":"ada@acme.example"}"#);
    let locked = |locks: &str| {
        post("/v1/tokens", &format!(r#"{{"name":"t","permissions":["license:read"],{locks}}}"#))
    };
    let made = talk.ask("of a user", locked(r#""user":"ada@acme.example""#)).expect(201);
    talk.ask_all([
        ("of a customer", locked(r#""customer":"acme""#)),
        ("with eyes of its own", locked(r#""audience":"reseller""#)),
        ("an audience that is none", locked(r#""audience":"martian""#)),
        ("no such user", locked(r#""user":"eve@acme.example""#)),
        ("no such customer", locked(r#""customer":"none""#)),
    ]);
    let bearer = format!("Bearer {}", made["secret"].as_str().unwrap());
    talk.ask_as(&bearer, "the user's", Request::get("/v1/whoami"));
    talk.ask_as(&bearer, "no license of theirs", Request::get("/v1/licenses"));
    talk.check("tokens_of_people");
}
