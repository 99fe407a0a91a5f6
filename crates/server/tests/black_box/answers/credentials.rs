//! Who is calling.

use super::transcript::Transcript;
use crate::http::Request;

#[test]
fn callers() {
    let mut talk = Transcript::new();
    talk.made("/v1/products", r#"{"code":"renderer"}"#);
    talk.made("/v1/policies", r#"{"product":"renderer","code":"all","meters":[{"name":"m"}]}"#);
    talk.made("/v1/licenses", r#"{"policy":"all","key":"ACME-0001"}"#);
    let post = |body: &str| Request::post("/v1/tokens", body);
    let whole = r#"{"name":"farm","permissions":["meter:increment","meter:read"],
        "product":"renderer","license":"ACME-0001","meter":"m",
        "expires_at":"2100-01-01T00:00:00Z"}"#;
    let farm = talk.ask("made", post(whole)).expect(201);
    let (id, secret) = (farm["id"].as_str().unwrap(), farm["secret"].as_str().unwrap());
    let path = format!("/v1/tokens/{id}");
    let bearer = format!("Bearer {secret}");
    talk.ask_all([
        ("may do everything", post(r#"{"name":"all","permissions":["*"]}"#)),
        ("may do nothing", post(r#"{"name":"none","permissions":[]}"#)),
        ("no permissions", post(r#"{"name":"x"}"#)),
        ("no such permission", post(r#"{"name":"x","permissions":["meter:fly"]}"#)),
        ("no such product", post(r#"{"name":"x","permissions":[],"product":"none"}"#)),
        (
            "no such license",
            post(r#"{"name":"x","permissions":[],"license":"ABCDE-ABCDE-ABCDE-ABCDE-ABCDE"}"#),
        ),
        (
            "over already",
            post(r#"{"name":"x","permissions":[],"expires_at":"2020-01-01T00:00:00Z"}"#),
        ),
        ("shown", Request::get(&path)),
        ("the list", Request::get("/v1/tokens?limit=1")),
        ("unknown", Request::get("/v1/tokens/tok_0193b2c4d5e67890a1b2c3d4e5f60718")),
        ("not an id", Request::get("/v1/tokens/farm")),
        ("the admin", Request::get("/v1/whoami")),
    ]);
    let whoami = || Request::get("/v1/whoami");
    talk.ask_as(&bearer, "the farm", whoami());
    talk.ask_as("license ACME-0001", "a license for itself", whoami());
    let count = |body: &str| Request::post("/v1/licenses/ACME-0001/meters/m/increment", body);
    talk.ask_as("License ACME-0001", "a license counts", count(""));
    talk.ask_as(
        "License ACME-0001",
        "a license reads",
        Request::get("/v1/licenses/ACME-0001/meters/m"),
    );
    talk.ask_as("License ACME-0001", "a license may do no more", Request::get("/v1/tokens"));
    talk.ask_as(
        &bearer,
        "the farm may do no more",
        Request::post("/v1/licenses/ACME-0001/meters/m/decrement", ""),
    );
    talk.ask_as("", "nobody", whoami());
    talk.ask_as("Bearer nonsense", "an unknown token", whoami());
    talk.ask_as("License ACME-0002", "an unknown key", whoami());
    talk.ask_as("Bearer", "no token", whoami());
    talk.ask_as("Basic YWRhOnNlY3JldA==", "another scheme", whoami());
    talk.ask_as("Bearer x", "two at once", whoami().with("authorization", "Bearer y"));
    talk.ask_all([
        ("revoked", Request::delete(&path)),
        ("revoked already", Request::delete(&path)),
        ("revoked, and could be none", Request::delete("/v1/tokens/farm")),
    ]);
    talk.ask_as(&bearer, "the farm after it", whoami());
    talk.check("callers");
}
