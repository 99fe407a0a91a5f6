//! What becomes of a license: renewal, check-in, transfer, validation, files.

use super::transcript::Transcript;
use crate::http::Request;

fn post(path: &str, body: &str) -> Request {
    Request::post(path, body)
}

const LICENSE: &str = "/v1/licenses/ACME-0001";

fn world() -> Transcript {
    let mut talk = Transcript::new();
    talk.made("/v1/products", r#"{"code":"renderer"}"#);
    talk.made("/v1/products", r#"{"code":"editor"}"#);
    for (product, code, terms) in [
        ("renderer", "plan", r#""duration_seconds":86400,"check_in_every":"1 month""#),
        ("renderer", "other", ""),
        ("editor", "foreign", ""),
    ] {
        let policy = format!(
            r#"{{"product":"{product}","code":"{code}","terms":{{{terms}}},
                "meters":[{{"name":"frames","allowed":10}}]}}"#
        );
        talk.made("/v1/policies", &policy);
    }
    let license = r#"{"policy":"plan","key":"ACME-0001","expires_at":"2095-01-01T00:00:00Z"}"#;
    talk.made("/v1/licenses", license);
    talk
}

#[test]
fn changes() {
    let mut talk = world();
    let of = |path: &str, body: &str| post(&format!("{LICENSE}/{path}"), body);
    talk.ask_all([
        ("renewed", of("renew", "")),
        ("renewed by something", of("renew", r#"{"seconds":1}"#)),
        ("checked in", of("check-in", "{}")),
        ("no such policy", of("transfer", r#"{"policy":"none"}"#)),
        ("to another product", of("transfer", r#"{"policy":"foreign"}"#)),
        ("to nothing said", of("transfer", "{}")),
        ("transferred", of("transfer", r#"{"policy":"other"}"#)),
        ("nothing to renew by", of("renew", "")),
        ("no check-in is needed", of("check-in", "")),
        ("revoked", of("revoke", "")),
        ("revoked is for good", of("renew", "")),
        ("no such license", post("/v1/licenses/NOBODY-01/renew", "")),
    ]);
    talk.check("lifecycle");
}

#[test]
fn validations() {
    let mut talk = world();
    talk.made(&format!("{LICENSE}/activations"), r#"{"fingerprint":"m1"}"#);
    let of = |body: &str| post(&format!("{LICENSE}/validate"), body);
    let by_key = |body: &str| post("/v1/validate", body);
    talk.ask_all([
        ("valid", of("")),
        ("of this product", of(r#"{"product":"renderer"}"#)),
        ("of another product", of(r#"{"product":"editor"}"#)),
        ("on a machine", of(r#"{"fingerprints":["m1"]}"#)),
        ("on another machine", of(r#"{"fingerprints":["m2"]}"#)),
        ("an entitlement it has not", of(r#"{"entitlements":["export"]}"#)),
        ("nobody's", of(r#"{"user":null}"#)),
        ("a member that is none", of(r#"{"colour":"red"}"#)),
        ("by its key", by_key(r#"{"key":"ACME-0001"}"#)),
        ("by another key", by_key(r#"{"key":"NOBODY-01"}"#)),
        ("by no key", by_key("{}")),
        ("suspended", post(&format!("{LICENSE}/suspend"), "")),
        ("while suspended", of("")),
        ("one that is not there", post("/v1/licenses/NOBODY-01/validate", "")),
    ]);
    talk.check("validations");
}

#[test]
fn files_and_keys() {
    let mut talk = world();
    talk.made(&format!("{LICENSE}/activations"), r#"{"fingerprint":"m1"}"#);
    let of = |body: &str| post(&format!("{LICENSE}/file"), body);
    talk.ask_as("", "no key yet", Request::get("/v1/keys"));
    talk.ask_all([
        ("a file", of("")),
        (
            "for a machine, encrypted, for an hour",
            of(r#"{"activation":"m1","encrypted":true,"seconds":3600}"#),
        ),
        ("for a machine that is none", of(r#"{"activation":"m2"}"#)),
        ("for no time", of(r#"{"seconds":0}"#)),
        ("rotated", post("/v1/keys/rotate", "")),
        ("both keys", Request::get("/v1/keys")),
    ]);
    talk.check("files_and_keys");
}
