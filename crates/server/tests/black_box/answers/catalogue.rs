//! Products, customers, policies and licenses.

use super::transcript::{Transcript, keyed};
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

fn delete(path: &str) -> Request {
    Request::delete(path)
}

#[test]
fn products() {
    let mut talk = Transcript::new();
    talk.ask_all([
        ("made", post("/v1/products", r#"{"code":"renderer","name":"Renderer 3"}"#)),
        ("made with its code as its name", post("/v1/products", r#"{"code":"editor"}"#)),
        ("the code is taken", post("/v1/products", r#"{"code":"editor","name":"x"}"#)),
        ("no code", post("/v1/products", "{}")),
        ("no body", post("/v1/products", "")),
        ("null is left out", post("/v1/products", r#"{"code":"third","name":null}"#)),
        ("not a code", post("/v1/products", r#"{"code":"Editor 2"}"#)),
        ("an empty name", post("/v1/products", r#"{"code":"a","name":""}"#)),
        ("a field that is not known", post("/v1/products", r#"{"code":"a","colour":"red"}"#)),
        ("a field twice", post("/v1/products", r#"{"code":"a","code":"b"}"#)),
        ("not an object", post("/v1/products", r#"["a"]"#)),
        ("not JSON", post("/v1/products", r#"{"code":"a"#)),
        ("shown by code", get("/v1/products/renderer")),
        ("unknown", get("/v1/products/nothing")),
        ("unknown, and could be none", get("/v1/products/No%20Thing")),
        ("unknown id", get("/v1/products/prod_0193b2c4d5e67890a1b2c3d4e5f60718")),
        ("a query that is not known", get("/v1/products/renderer?verbose=1")),
        ("changed", patch("/v1/products/renderer", r#"{"name":"Renderer 4"}"#)),
        ("changed in nothing", patch("/v1/products/renderer", "{}")),
        ("the code stays", patch("/v1/products/renderer", r#"{"code":"other"}"#)),
        ("a name cannot be taken away", patch("/v1/products/renderer", r#"{"name":null}"#)),
        ("archived", patch("/v1/products/editor", r#"{"archived":true}"#)),
        ("brought back", patch("/v1/products/editor", r#"{"archived":false}"#)),
        ("change of what is not there", patch("/v1/products/nothing", "{}")),
        ("the list", get("/v1/products")),
        ("deleted", delete("/v1/products/third")),
        ("deleted already", delete("/v1/products/third")),
    ]);
    let next = talk.ask("a page", get("/v1/products?limit=1")).json()["next"].clone();
    let next = next.as_str().unwrap();
    talk.ask("the page after it", get(&format!("/v1/products?limit=1&cursor={next}")));
    talk.made("/v1/policies", r#"{"product":"renderer","code":"prepaid"}"#);
    talk.ask("in use", delete("/v1/products/renderer"));
    talk.check("products");
}

#[test]
fn customers() {
    let mut talk = Transcript::new();
    let aurora = r#"{"code":"aurora","name":"Aurora Ltd","email":"office@aurora.example"}"#;
    talk.ask_all([
        ("made", post("/v1/customers", aurora)),
        ("made with a code alone", post("/v1/customers", r#"{"code":"borealis"}"#)),
        ("the code is taken", post("/v1/customers", r#"{"code":"aurora"}"#)),
        ("not an address", post("/v1/customers", r#"{"code":"c","email":"nobody"}"#)),
        ("shown", get("/v1/customers/aurora")),
        ("unknown", get("/v1/customers/nobody")),
        ("changed", patch("/v1/customers/aurora", r#"{"name":"Aurora"}"#)),
        ("the address is taken away", patch("/v1/customers/aurora", r#"{"email":null}"#)),
        ("the list", get("/v1/customers")),
    ]);
    talk.made("/v1/products", r#"{"code":"renderer"}"#);
    talk.made("/v1/policies", r#"{"product":"renderer","code":"prepaid"}"#);
    talk.made("/v1/licenses", r#"{"policy":"prepaid","customer":"aurora"}"#);
    talk.ask_all([
        ("in use", delete("/v1/customers/aurora")),
        ("deleted", delete("/v1/customers/borealis")),
        ("deleted already", delete("/v1/customers/borealis")),
    ]);
    talk.check("customers");
}

#[test]
fn policies() {
    let mut talk = Transcript::new();
    talk.made("/v1/products", r#"{"code":"renderer"}"#);
    talk.made("/v1/products", r#"{"code":"old"}"#);
    let whole = r#"{"product":"renderer","code":"prepaid","name":"Prepaid frames","meters":[
        {"name":"frames","unit":"frame","scale":0,"allowed":1000,"floor":0,"overage":"refuse",
         "record_refusals":true},
        {"name":"hours","unit":"hour","scale":2,"allowed":"12.50","overage":{"amount":"0.25"}},
        {"name":"pages","allowed":10,"overage":{"percent":15}},
        {"name":"calls","overage":"allow","floor":-5}],
        "key_pattern":"AAAAAAAA-AAAAAAAAC","terms":{"duration_seconds":86400,
        "license_permissions":["meter:read"],"meter_while":["suspended","expired"]}}"#;
    let with = |member: &str| {
        let body = format!(r#"{{"product":"renderer","code":"p",{member}}}"#);
        post("/v1/policies", &body)
    };
    let with_meter = |member: &str| with(&format!(r#""meters":[{{"name":"m",{member}}}]"#));
    talk.ask_all([
        ("made", post("/v1/policies", whole)),
        ("made of defaults", post("/v1/policies", r#"{"product":"renderer","code":"empty"}"#)),
        ("the code is taken", post("/v1/policies", r#"{"product":"renderer","code":"empty"}"#)),
        ("no such product", post("/v1/policies", r#"{"product":"none","code":"p"}"#)),
        ("no product", post("/v1/policies", r#"{"code":"p"}"#)),
        ("a meter twice", with(r#""meters":[{"name":"m"},{"name":"m"}]"#)),
        ("a meter without a name", with(r#""meters":[{"unit":"x"}]"#)),
        ("a negative ceiling", with_meter(r#""allowed":-1"#)),
        ("a ceiling below the floor", with_meter(r#""allowed":1,"floor":2"#)),
        ("a ceiling finer than the scale", with_meter(r#""allowed":1.5"#)),
        ("too fine a scale", with_meter(r#""scale":10"#)),
        ("an overage that is none", with_meter(r#""overage":"sometimes""#)),
        ("two overages", with_meter(r#""overage":{"amount":1,"percent":2}"#)),
        ("an overage of too much", with_meter(r#""overage":{"percent":10001}"#)),
        ("a permission that is none", with(r#""terms":{"license_permissions":["meter:fly"]}"#)),
        ("keys that could be guessed", with(r#""key_pattern":"AAAAC""#)),
        ("metering while revoked", with(r#""terms":{"meter_while":["revoked"]}"#)),
        ("no duration at all", with(r#""terms":{"duration_seconds":0}"#)),
        ("shown", get("/v1/policies/prepaid")),
        ("unknown", get("/v1/policies/none")),
        (
            "changed",
            patch(
                "/v1/policies/prepaid",
                r#"{"name":"Prepaid","terms":{"duration_seconds":null,"license_permissions":["*"],
                "meter_while":[]},"meters":[{"name":"frames","allowed":null,"overage":"allow"},
                {"name":"pages","record_refusals":true}]}"#,
            ),
        ),
        (
            "a meter that is not there",
            patch("/v1/policies/prepaid", r#"{"meters":[{"name":"none","allowed":1}]}"#),
        ),
        (
            "the scale stays",
            patch("/v1/policies/prepaid", r#"{"meters":[{"name":"frames","scale":1}]}"#),
        ),
        ("of a product", get("/v1/policies?product=renderer")),
        ("of a product that is not there", get("/v1/policies?product=none")),
        ("of another product", get("/v1/policies?product=old")),
        ("archived", patch("/v1/policies/empty", r#"{"archived":true}"#)),
        ("deleted", delete("/v1/policies/empty")),
        ("its product is archived", patch("/v1/products/old", r#"{"archived":true}"#)),
        ("made for what is archived", post("/v1/policies", r#"{"product":"old","code":"p"}"#)),
    ]);
    talk.made("/v1/licenses", r#"{"policy":"prepaid"}"#);
    talk.ask("in use", delete("/v1/policies/prepaid"));
    talk.check("policies");
}

#[test]
fn licenses() {
    let mut talk = Transcript::new();
    talk.made("/v1/products", r#"{"code":"renderer"}"#);
    talk.made("/v1/customers", r#"{"code":"aurora"}"#);
    talk.made("/v1/customers", r#"{"code":"gone"}"#);
    let meters = r#"[{"name":"frames","allowed":10},{"name":"hours","scale":2}]"#;
    for code in ["prepaid", "other"] {
        let body = format!(r#"{{"product":"renderer","code":"{code}","meters":{meters}}}"#);
        talk.made("/v1/policies", &body);
    }
    let given = r#"{"policy":"prepaid","customer":"aurora","key":"ACME-0001/ä","name":"first",
        "valid_from":"2020-01-01T00:00:00Z","expires_at":"2100-01-01T00:00:00+01:00",
        "meters":{"hours":{"allowed":"7.25"},"frames":{"allowed":null}}}"#;
    let made = talk.ask("made", post("/v1/licenses", r#"{"policy":"prepaid"}"#)).expect(201);
    let (id, key) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    let path = format!("/v1/licenses/{id}");
    let one_wrong = if key.starts_with('0') { "1" } else { "0" };
    let mistyped = keyed(&format!("{one_wrong}{}", &key[1..]), "");
    let as_typed = keyed(&format!(" {}", key.to_lowercase()), "");
    talk.ask_all([
        ("a key beyond ASCII", post("/v1/licenses", given)),
        ("made with a key of its own", post("/v1/licenses", &given.replace('ä', "x"))),
        ("the key is taken", post("/v1/licenses", r#"{"policy":"other","key":"ACME-0001/x"}"#)),
        ("no such policy", post("/v1/licenses", r#"{"policy":"none"}"#)),
        ("no such customer", post("/v1/licenses", r#"{"policy":"prepaid","customer":"none"}"#)),
        (
            "no such meter",
            post("/v1/licenses", r#"{"policy":"prepaid","meters":{"x":{"allowed":1}}}"#),
        ),
        (
            "it ends before it begins",
            post(
                "/v1/licenses",
                r#"{"policy":"prepaid",
            "valid_from":"2100-01-01T00:00:00Z","expires_at":"2099-01-01T00:00:00Z"}"#,
            ),
        ),
        (
            "not valid yet",
            post("/v1/licenses", r#"{"policy":"other","valid_from":"2100-01-01T00:00:00Z"}"#),
        ),
        (
            "expired",
            post("/v1/licenses", r#"{"policy":"other","expires_at":"2020-01-01T00:00:00Z"}"#),
        ),
        ("shown by id", get(&path)),
        ("shown by key", get(&keyed(key, ""))),
        ("shown by a key that has a slash", get(&keyed("ACME-0001/x", ""))),
        ("shown by a key as people type it", get(&as_typed)),
        ("a mistyped key", get(&mistyped)),
        ("an unknown id", get("/v1/licenses/lic_0193b2c4d5e67890a1b2c3d4e5f60718")),
        (
            "changed",
            patch(
                &path,
                r#"{"name":"second","customer":"aurora",
            "expires_at":"2099-12-31T23:59:59.999Z"}"#,
            ),
        ),
        (
            "everything taken away",
            patch(
                &path,
                r#"{"name":null,"customer":null,
            "valid_from":null,"expires_at":null}"#,
            ),
        ),
        ("the key stays", patch(&path, r#"{"key":"ANOTHER-KEY"}"#)),
        ("suspended", post(&format!("{path}/suspend"), "")),
        ("suspended already", post(&format!("{path}/suspend"), "{}")),
        ("reinstated", post(&format!("{path}/reinstate"), "")),
        ("reinstated already", post(&format!("{path}/reinstate"), "")),
        ("its state takes no words", post(&format!("{path}/suspend"), r#"{"why":"unpaid"}"#)),
        ("revoked", post(&format!("{path}/revoke"), "")),
        ("revoked already", post(&format!("{path}/revoke"), "")),
        ("reinstated after that", post(&format!("{path}/reinstate"), "")),
        ("all", get("/v1/licenses?limit=2")),
        ("of a policy and status", get("/v1/licenses?policy=other&status=expired")),
        ("of a customer", get("/v1/licenses?customer=aurora&product=renderer")),
        ("of no known status", get("/v1/licenses?status=lost")),
        ("of no known customer", get("/v1/licenses?customer=none")),
        ("its meters", get(&keyed("ACME-0001/x", "/meters"))),
        ("one meter", get(&format!("{path}/meters/hours"))),
        ("no such meter", get(&format!("{path}/meters/none"))),
        ("a ceiling of its own", patch(&format!("{path}/meters/frames"), r#"{"allowed":500}"#)),
        ("no ceiling", patch(&format!("{path}/meters/frames"), r#"{"allowed":null}"#)),
        ("the policy's again", patch(&format!("{path}/meters/frames"), r#"{"allowed":"policy"}"#)),
        ("nothing said", patch(&format!("{path}/meters/frames"), "{}")),
        ("finer than the scale", patch(&format!("{path}/meters/hours"), r#"{"allowed":0.125}"#)),
        ("a negative ceiling", patch(&format!("{path}/meters/hours"), r#"{"allowed":-1}"#)),
        ("ceiling of no such meter", patch(&format!("{path}/meters/none"), r#"{"allowed":1}"#)),
        ("deleted", delete(&path)),
        ("deleted already", delete(&path)),
        ("policy archived", patch("/v1/policies/prepaid", r#"{"archived":true}"#)),
        ("made under what is archived", post("/v1/licenses", r#"{"policy":"prepaid"}"#)),
        ("customer archived", patch("/v1/customers/gone", r#"{"archived":true}"#)),
        (
            "made for who is archived",
            post("/v1/licenses", r#"{"policy":"other","customer":"gone"}"#),
        ),
    ]);
    talk.check("licenses");
}
