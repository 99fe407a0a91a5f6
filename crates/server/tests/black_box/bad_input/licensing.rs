//! Bodies of the licensing model that nobody should send.

use super::Target;
use crate::http::Request;

/// A method, a path below the license, a body, and what it is refused with: status, code, and part
/// of the detail.
type Row<'a> = (&'static str, &'a str, &'a str, u16, &'a str, &'a str);

#[rustfmt::skip] // A table.
const ROWS: [Row<'_>; 43] = [
    ("POST", "/activations", "", 400, "malformed-json", "EOF"),
    ("POST", "/activations", "[]", 422, "invalid", "body must be a JSON object"),
    ("POST", "/activations", r#"{"fingerprint":7}"#, 422, "invalid", "fingerprint must be text"),
    ("POST", "/activations", r#"{"fingerprint":"a\u0000b"}"#, 422, "invalid", "control characters"),
    ("POST", "/activations", r#"{"fingerprint":"   "}"#, 422, "invalid", "fingerprint"),
    ("POST", "/activations", r#"{"fingerprint":"act_0193b2c4d5e67890a1b2c3d4e5f60718"}"#, 422, "invalid", "form of an"),
    ("POST", "/activations", r#"{"fingerprint":"a","cores":0}"#, 422, "invalid", "cores must be 1 to"),
    ("POST", "/activations", r#"{"fingerprint":"a","cores":-1}"#, 422, "invalid", "cores must be a whole number"),
    ("POST", "/activations", r#"{"fingerprint":"a","cores":4294967296}"#, 422, "invalid", "cores"),
    ("POST", "/activations", r#"{"fingerprint":"a","cores":2147483648}"#, 422, "invalid", "cores must be 1 to"),
    ("POST", "/activations", r#"{"fingerprint":"a","memory":18446744073709551616}"#, 422, "invalid", "memory"),
    ("POST", "/activations", r#"{"fingerprint":"a","memory":18446744073709551615}"#, 422, "invalid", "memory"),
    ("POST", "/activations", r#"{"fingerprint":"a","is_vm":"no"}"#, 422, "invalid", "is_vm must be true or false"),
    ("POST", "/activations", r#"{"fingerprint":"a","heartbeat_seconds":0}"#, 422, "invalid", "heartbeat_seconds"),
    ("POST", "/activations", r#"{"fingerprint":"a","id":"lic_0193b2c4d5e67890a1b2c3d4e5f60718"}"#, 422, "invalid", "id"),
    ("POST", "/activations", r#"{"fingerprint":"a","components":[{"name":"board"}]}"#, 422, "invalid", "components[0].fingerprint is missing"),
    ("POST", "/activations", r#"{"fingerprint":"a","components":[{"fingerprint":"b","name":"x"},{"fingerprint":"b","name":"y"}]}"#, 422, "invalid", "is there twice"),
    ("POST", "/activations", r#"{"fingerprint":"a","metadata":{"a":[[[[[1]]]]]}}"#, 422, "invalid", "metadata"),
    ("POST", "/activations", r#"{"fingerprint":"a","metadata":{"a":1,"a":2}}"#, 422, "invalid", "metadata"),
    ("POST", "/activations", r#"{"fingerprint":"a","metadata_visible_to":{"a":["user"]}}"#, 422, "invalid", "metadata_visible_to"),
    ("POST", "/activations", r#"{"fingerprint":"a","metadata":{"a":1},"metadata_visible_to":{"a":["everybody"]}}"#, 422, "invalid", "metadata_visible_to"),
    ("PATCH", "/activations/none", r#"{"fingerprint":"b"}"#, 422, "invalid", "fingerprint is not known here"),
    ("PATCH", "/activations/none", "{}", 404, "unknown", "activation"),
    ("POST", "/activations/none/heartbeat", "", 404, "unknown", "activation"),
    ("POST", "/activations/none/heartbeat", "null", 422, "invalid", "body must be a JSON object"),
    ("POST", "/activations/none/processes", r#"{"pid":7}"#, 422, "invalid", "pid must be text"),
    ("GET", "/activations?limit=0", "", 422, "invalid", "limit must be 1 to 1000"),
    ("GET", "/activations?cursor=x", "", 422, "invalid", "cursor"),
    ("GET", "/activations?colour=red", "", 422, "invalid", "colour is not known here"),
    ("POST", "/meters/frames/holds", r#"{"amount":-1}"#, 422, "amount-not-positive", ""),
    ("POST", "/meters/frames/holds", r#"{"amount":0.5}"#, 422, "fraction-beyond-scale", ""),
    ("POST", "/meters/frames/holds", r#"{"seconds":4294967296}"#, 422, "invalid", "seconds"),
    ("POST", "/meters/frames/holds", r#"{"seconds":86401}"#, 422, "invalid", "seconds"),
    ("POST", "/meters/frames/holds", r#"{"bound":9}"#, 422, "invalid", "bound is not known here"),
    ("POST", "/meters/frames/holds/x/settle", "", 404, "unknown", "hold x"),
    ("POST", "/meters/frames/holds/hold_0193b2c4d5e67890a1b2c3d4e5f60718/settle", r#"{"amount":1e3}"#, 422, "invalid", "without exponent"),
    ("POST", "/meters/frames/sessions", "", 422, "no-sessions", "frames"),
    ("POST", "/meters/frames/sessions", r#"{"count":"many"}"#, 422, "invalid", "count must be a decimal"),
    ("POST", "/meters", r#"{"name":"Frames"}"#, 422, "invalid", "name must"),
    ("POST", "/meters", r#"{"name":"a","measure":{"duration":{"unit_seconds":0}}}"#, 422, "invalid", "measure"),
    ("POST", "/transfer", r#"{"policy":"Not A Code"}"#, 422, "invalid", "policy must be an id or a code"),
    ("POST", "/validate", r#"{"fingerprints":"a"}"#, 422, "invalid", "fingerprints must be"),
    ("POST", "/file", r#"{"seconds":-1}"#, 422, "invalid", "seconds"),
];

#[test]
fn what_is_wrong_is_told_and_nothing_is_done() {
    let mut target = Target::new();
    let license = format!("/v1/licenses/{}", target.license);
    let mut wrong = Vec::new();
    for (method, path, body, status, code, detail) in ROWS {
        let request = Request::new(method, format!("{license}{path}")).with_body(body);
        let answer = target.admin.ask(&request);
        let is_it = answer.problem() == (status, code.to_owned())
            && answer.json()["detail"].as_str().unwrap().contains(detail);
        if !is_it {
            wrong.push(format!("{method} {path} {body}: {} {}", answer.status, answer.body));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let left = target.admin.get(&format!("{license}/activations")).expect(200);
    assert_eq!(left["items"].as_array().unwrap().len(), 0);
    target.check();
}

#[test]
fn a_body_may_be_as_long_as_access_rules_are() {
    let mut target = Target::new();
    let rules: Vec<String> =
        (0..200).map(|index| format!("\"deny user={}{index}\"", "x".repeat(200))).collect();
    let terms = format!(r#"{{"terms":{{"access":[{}]}}}}"#, rules.join(","));
    let changed = target.admin.ask(&Request::patch("/v1/policies/prepaid", terms)).expect(200);
    assert_eq!(changed["terms"]["access"].as_array().unwrap().len(), 200);
    let many: Vec<String> = (0..100_000).map(|index| format!("\"deny user=x{index}\"")).collect();
    let terms = format!(r#"{{"terms":{{"access":[{}]}}}}"#, many.join(","));
    let answer = target.admin.ask(&Request::patch("/v1/policies/prepaid", terms));
    assert_eq!(answer.problem(), (413, "body-too-large".into()));
    target.check();
}
