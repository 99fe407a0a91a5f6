//! Terms of policies, and what a license overrides.

use super::transcript::Transcript;
use crate::http::Request;

fn get(path: &str) -> Request {
    Request::get(path)
}

fn post(path: &str, body: &str) -> Request {
    Request::post(path, body)
}

fn patch(path: &str, body: &str) -> Request {
    Request::patch(path, body)
}

/// A policy with these terms.
fn with(terms: &str) -> Request {
    post("/v1/policies", &format!(r#"{{"product":"renderer","code":"p","terms":{{{terms}}}}}"#))
}

#[test]
fn policies() {
    let mut talk = Transcript::new();
    talk.made("/v1/products", r#"{"code":"renderer"}"#);
    talk.made("/v1/entitlements", r#"{"code":"export"}"#);
    let whole = r#"{"product":"renderer","code":"whole","terms":{
        "duration_seconds":86400,"expires_from":"first-use","when_expired":"allow",
        "meter_while":["expired"],"license_permissions":["meter:read"],"check_in_every":"1 month",
        "time_zone":"Europe/Vienna","billing_every":"month","period_anchor":"2024-01-31T00:00:00Z",
        "max_activations":3,"max_cores":16,"limit_overage":{"percent":10},"unique":"policy",
        "heartbeat_seconds":600,"require_scopes":["fingerprint"],
        "access":["deny user=mallory"]},
        "entitlements":["export"],"metadata":{"tier":["gold",1.50]},
        "metadata_visible_to":{"tier":["user"]},
        "meters":[{"name":"frames","allowed":100,"period":"month","rollover":{"up_to":20},
         "floating":true,"visible_to":["user"],"hold_seconds_max":60},
         {"name":"time","scale":2,"measure":{"duration":{"unit_seconds":3600,"step_seconds":36}}}]}"#;
    talk.ask_all([
        ("made", post("/v1/policies", whole)),
        ("changed", patch("/v1/policies/whole", r#"{"terms":{"max_cores":null},"new_meters":[{"name":"seats","measure":"seats"}],"meters":[{"name":"frames","period":"quarter"}]}"#)),
        ("shown", get("/v1/policies/whole")),
        ("an entitlement that is none", patch("/v1/policies/whole", r#"{"entitlements":["fly"]}"#)),
        (
            "a step finer than the scale",
            post(
                "/v1/policies",
                r#"{"product":"renderer","code":"p","meters":[{"name":"time","measure":{"duration":
                {"unit_seconds":3600}}}]}"#,
            ),
        ),
        ("no such term", with(r#""max_wings":2"#)),
        ("an unknown time zone", with(r#""time_zone":"Mars/Olympus""#)),
        ("no duration at all", with(r#""duration_seconds":0"#)),
        ("a limit below nothing", with(r#""max_cores":-1"#)),
        ("a word that is none", with(r#""when_full":"explode""#)),
        ("a span that is none", with(r#""check_in_every":"often""#)),
        ("an anchor that is none", with(r#""period_anchor":"the 31st""#)),
        ("not floating with two machines", with(r#""floating":false,"max_activations":2"#)),
        ("a rule that is none", with(r#""access":["perhaps user ada"]"#)),
        ("anchored on the 31st", with(r#""period_anchor":"2024-01-31T12:00:00Z""#)),
    ]);
    talk.check("terms_of_policies");
}

#[test]
fn licenses() {
    let mut talk = Transcript::new();
    talk.made("/v1/products", r#"{"code":"renderer"}"#);
    talk.made("/v1/entitlements", r#"{"code":"export"}"#);
    for email in ["ada@acme.example", "bob@acme.example"] {
        talk.made("/v1/users", &format!(r#"{{"email":"{email}"}}"#));
    }
    let policy = r#"{"product":"renderer","code":"plan","terms":{"max_users":2},
        "meters":[{"name":"frames","allowed":100,"period":"month"},
                  {"name":"stated","stated_by_license":true}]}"#;
    talk.made("/v1/policies", policy);
    let whole = r#"{"policy":"plan","key":"ACME-0001","owner":"ada@acme.example",
        "users":["bob@acme.example"],"overrides":{"max_cores":8,"unique":"account"},
        "entitlements":["export"],"metadata":{"po":"77"},"metadata_visible_to":{"po":["user"]},
        "meters":{"stated":{"allowed":5}},"new_meters":[{"name":"exports","allowed":10}]}"#;
    let own = "/v1/licenses/ACME-0001";
    let meters = "/v1/licenses/ACME-0001/meters";
    let new = |rest: &str| post("/v1/licenses", &format!(r#"{{"policy":"plan",{rest}}}"#));
    talk.ask_all([
        ("made", post("/v1/licenses", whole)),
        ("a ceiling is missing", new(r#""name":"x""#)),
        ("no such user", new(r#""meters":{"stated":{"allowed":5}},"owner":"eve@acme.example""#)),
        (
            "a meter twice",
            new(r#""meters":{"stated":{"allowed":5}},"new_meters":[{"name":"frames"}]"#),
        ),
        (
            "an entitlement that is none",
            new(r#""meters":{"stated":{"allowed":5}},"entitlements":["fly"]"#),
        ),
        (
            "overrides changed",
            patch(own, r#"{"overrides":{"max_cores":"policy","unique":null,"max_disk":5}}"#),
        ),
        ("an override that is none", patch(own, r#"{"overrides":{"time_zone":"Nowhere"}}"#)),
        ("nobody's", patch(own, r#"{"owner":null,"users":[]}"#)),
        ("the list shows no terms", get("/v1/licenses")),
        ("its meters", get(meters)),
        ("a meter added", post(meters, r#"{"name":"pages","allowed":3}"#)),
        ("added already", post(meters, r#"{"name":"pages"}"#)),
        ("counted", post(&format!("{meters}/pages/increment"), "")),
        ("taken away", Request::delete(format!("{meters}/pages"))),
        ("taken away already", Request::delete(format!("{meters}/pages"))),
        ("a meter of the policy stays", Request::delete(format!("{meters}/frames"))),
        ("what was taken away does not count", post(&format!("{meters}/pages/increment"), "")),
    ]);
    talk.check("terms_of_licenses");
}
