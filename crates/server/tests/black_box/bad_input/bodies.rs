//! Bodies.

use serde_json::Value;

use super::Target;
use crate::http::Request;

/// A use with these members, and what it is refused with: status, code, and part of the detail.
type Row<'a> = (&'a str, u16, &'a str, &'a str);

const DECIMAL: &str = "must be a decimal number without exponent";

#[rustfmt::skip] // A table.
const USES: [Row<'_>; 60] = [
    // No JSON at all.
    ("{", 400, "malformed-json", "line 1, column 1"),
    (r#"{"amount":1"#, 400, "malformed-json", "EOF"),
    (r#"{"amount":1}}"#, 400, "malformed-json", "trailing characters"),
    (r#"{"amount":1} {"amount":1}"#, 400, "malformed-json", "trailing characters"),
    (r#"{"amount":01}"#, 400, "malformed-json", "invalid number"),
    (r#"{"amount":+1}"#, 400, "malformed-json", ""),
    (r#"{"amount":.5}"#, 400, "malformed-json", ""),
    (r#"{"amount":1.}"#, 400, "malformed-json", ""),
    (r#"{"amount":0x10}"#, 400, "malformed-json", ""),
    (r#"{"amount":NaN}"#, 400, "malformed-json", ""),
    (r#"{"amount":Infinity}"#, 400, "malformed-json", ""),
    (r#"{'amount':1}"#, 400, "malformed-json", ""),
    (r#"{amount:1}"#, 400, "malformed-json", ""),
    (r#"{"amount":1,}"#, 400, "malformed-json", "trailing comma"),
    ("{\"idempotency_key\":\"a\nb\"}", 400, "malformed-json", "control character"),
    (r#"{"idempotency_key":"\x"}"#, 400, "malformed-json", "escape"),
    ("\u{feff}{}", 400, "malformed-json", ""),
    ("// no comments\n{}", 400, "malformed-json", ""),
    ("amount=1", 400, "malformed-json", ""),
    ("<use/>", 400, "malformed-json", ""),
    ("\0", 400, "malformed-json", ""),
    // JSON, but no use.
    ("null", 422, "invalid", "body must be a JSON object"),
    ("1", 422, "invalid", "body must be a JSON object"),
    (r#""amount""#, 422, "invalid", "body must be a JSON object"),
    ("[{}]", 422, "invalid", "body must be a JSON object"),
    // Types.
    (r#"{"amount":true}"#, 422, "invalid", DECIMAL),
    (r#"{"amount":[1]}"#, 422, "invalid", DECIMAL),
    (r#"{"amount":{"n":1}}"#, 422, "invalid", DECIMAL),
    (r#"{"amount":""}"#, 422, "invalid", DECIMAL),
    (r#"{"amount":" 1"}"#, 422, "invalid", DECIMAL),
    (r#"{"amount":"1,5"}"#, 422, "invalid", DECIMAL),
    (r#"{"amount":"١"}"#, 422, "invalid", DECIMAL),
    (r#"{"amount":"0x10"}"#, 422, "invalid", DECIMAL),
    (r#"{"amount":"+1"}"#, 422, "invalid", DECIMAL),
    (r#"{"amount":1e2}"#, 422, "invalid", DECIMAL),
    (r#"{"amount":1E2}"#, 422, "invalid", DECIMAL),
    (r#"{"amount":"1e2"}"#, 422, "invalid", DECIMAL),
    (r#"{"amount":1e999999999}"#, 422, "invalid", DECIMAL),
    (r#"{"partial":"yes"}"#, 422, "invalid", "partial must be true or false"),
    (r#"{"partial":1}"#, 422, "invalid", "partial must be true or false"),
    (r#"{"occurred_at":5}"#, 422, "invalid", "occurred_at must be text"),
    (r#"{"occurred_at":"yesterday"}"#, 422, "invalid", "occurred_at must be a time"),
    (r#"{"idempotency_key":5}"#, 422, "invalid", "idempotency_key must be text"),
    (r#"{"idempotency_key":""}"#, 422, "invalid", "idempotency_key must be 1 to 255 bytes"),
    (r#"{"idempotency_key":"\ud800"}"#, 422, "invalid", "whole Unicode characters"),
    (r#"{"subject":"ada"}"#, 422, "invalid", "subject must be a JSON object"),
    (r#"{"subject":{"user":"ada","age":3}}"#, 422, "invalid", "subject.age is not known here"),
    (r#"{"subject":{"user":""}}"#, 422, "invalid", "subject.user must be 1 to 255 bytes"),
    (r#"{"attributes":{"a":1}}"#, 422, "invalid", "attributes.a must be text"),
    (r#"{"attributes":{"A b":"x"}}"#, 422, "invalid", "attributes.A b must be"),
    // Amounts.
    (r#"{"amount":0}"#, 422, "amount-not-positive", ""),
    (r#"{"amount":-0}"#, 422, "amount-not-positive", ""),
    (r#"{"amount":-1}"#, 422, "amount-not-positive", ""),
    (r#"{"amount":0.5}"#, 422, "fraction-beyond-scale", "frames counts 0 digits"),
    (r#"{"amount":9223372036854775808}"#, 422, "amount-out-of-range", ""),
    (r#"{"amount":-9223372036854775809}"#, 422, "amount-out-of-range", ""),
    (r#"{"amount":"99999999999999999999999999999999999999999999"}"#, 422, "amount-out-of-range", ""),
    (r#"{"bound":9223372036854775808}"#, 422, "amount-out-of-range", ""),
    // Names.
    (r#"{"amount":1,"amount":2}"#, 422, "invalid", "amount may be there once"),
    (r#"{"amount":1,"colour":"red"}"#, 422, "invalid", "colour is not known here"),
];

#[test]
fn a_use_that_is_none_is_refused_by_what_is_wrong_with_it() {
    let mut target = Target::new();
    let path = target.path("increment");
    for (body, status, code, detail) in USES {
        let answer = target.admin.post(&path, body);
        assert_eq!(answer.problem(), (status, code.to_owned()), "{body}");
        let problem = answer.json();
        assert!(problem["detail"].as_str().unwrap().contains(detail), "{body}: {problem}");
        // A batch refuses the same item in the same words, and goes on behind it.
        let is_item = body.starts_with("{\"") && status == 422;
        if is_item {
            let whose = format!(r#"{{"license":"{}","meter":"frames","#, target.license);
            let item = body.replacen('{', &whose, 1);
            let lines = format!("{item}\n{{}}\n");
            let request = Request::post("/v1/uses", lines);
            let request = request.with("Content-Type", "application/x-ndjson");
            let answer = target.admin.ask(&request);
            assert_eq!((answer.status, answer.body.lines().count()), (200, 2), "{item}");
            let first = answer.body.lines().next().unwrap();
            let outcome: Value = serde_json::from_str(first).unwrap();
            assert_eq!(outcome["code"], problem["code"], "{item}");
            // Which names are known differs.
            let told = |of: &Value| {
                let detail = of["detail"].as_str().unwrap();
                detail.split("; known are").next().unwrap().to_owned()
            };
            assert_eq!(told(&outcome), told(&problem), "{item}");
        }
    }
    target.check();
}

/// Bodies made by a rule.
#[test]
fn a_body_beyond_a_bound_is_refused() {
    let mut target = Target::new();
    let use_path = target.path("increment");
    let nested =
        |depth: usize| format!(r#"{{"amount":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let nested_objects = |depth: usize| {
        format!(r#"{{"attributes":{}1{}}}"#, r#"{"a":"#.repeat(depth), "}".repeat(depth))
    };
    let attributes = |count: usize, length: usize| {
        let pairs: Vec<String> =
            (0..count).map(|index| format!(r#""a{index}":"{}""#, "x".repeat(length))).collect();
        format!(r#"{{"attributes":{{{}}}}}"#, pairs.join(","))
    };
    let key = |length: usize| format!(r#"{{"idempotency_key":"{}"}}"#, "k".repeat(length));
    let sized = |size: usize| format!("{{}}{}", " ".repeat(size - 2));
    let item = format!(r#"{{"license":"{}","meter":"none"}}"#, target.license);
    let items = |count: usize| format!("[{}]", vec![item.as_str(); count].join(","));
    for (what, path, body, status, code) in [
        ("arrays in arrays", &*use_path, nested(200), 422, "invalid"),
        ("far too many", &use_path, nested(30_000), 422, "invalid"),
        ("objects in objects", &use_path, nested_objects(200), 422, "invalid"),
        ("opened and never closed", &use_path, "[".repeat(60_000), 400, "malformed-json"),
        ("attributes too many", &use_path, attributes(17, 1), 422, "invalid"),
        ("attributes far too many", &use_path, attributes(3000, 1), 422, "invalid"),
        ("an attribute too long", &use_path, attributes(1, 256), 422, "invalid"),
        ("a key too long", &use_path, key(256), 422, "invalid"),
        ("a use too large", &use_path, sized(1024 * 1024 + 1), 413, "body-too-large"),
        ("a product too large", "/v1/products", sized(1024 * 1024 + 1), 413, "body-too-large"),
        ("as large as it may be", "/v1/products", sized(1024 * 1024), 422, "invalid"),
        ("items too many", "/v1/uses", items(10_001), 413, "batch-too-large"),
        ("a batch too large", "/v1/uses", sized(16 * 1024 * 1024 + 1), 413, "body-too-large"),
        ("a batch as large as it may be", "/v1/uses", sized(16 * 1024 * 1024), 422, "invalid"),
        ("a batch that is one number", "/v1/uses", "9".repeat(1 << 20), 400, "malformed-json"),
        ("a batch of nothing but depth", "/v1/uses", "[".repeat(1 << 20), 400, "malformed-json"),
    ] {
        let answer = target.server.admin().ask(&Request::post(path, body));
        assert_eq!(answer.problem(), (status, code.to_owned()), "{what}");
        assert!(answer.body.len() < 1000, "{what}: an answer longer than needed");
    }
    let lines = vec![item.as_str(); 10_001].join("\n");
    let request = Request::post("/v1/uses", lines).with("Content-Type", "application/x-ndjson");
    assert_eq!(target.admin.ask(&request).problem(), (413, "batch-too-large".into()));
    let most = target.admin.post("/v1/uses", items(10_000)).expect(200);
    assert_eq!(most["refused"], 10_000);
    target.check();
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let mut target = Target::new();
    let path = target.path("increment");
    for bytes in [&b"\xff"[..], b"{\"amount\":1,\"idempotency_key\":\"\xc3\x28\"}", b"\xed\xa0\x80"]
    {
        let answer = target.admin.post(&path, bytes);
        assert_eq!(answer.problem(), (400, "malformed-json".into()), "{bytes:?}");
        assert!(answer.body.contains("the text is not UTF-8"), "{answer:?}");
    }
    // In a batch of lines only its own is bad.
    let lines = b"{\"license\":\"\xff\"}\n{\"meter\":\"frames\"}\n";
    let request = Request::post("/v1/uses", lines).with("Content-Type", "application/x-ndjson");
    let answer = target.admin.ask(&request);
    let codes: Vec<_> = answer
        .body
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["code"].clone())
        .collect();
    assert_eq!(codes, ["malformed-json", "invalid"]);
    target.check();
}

#[test]
fn keys_in_header_and_body_are_one_key() {
    let mut target = Target::new();
    let path = target.path("increment");
    let long = "k".repeat(256);
    for (header, body, status, code) in [
        ("a", r#"{"idempotency_key":"b"}"#, 422, "invalid"),
        ("", "", 422, "invalid"),
        (&long, "", 422, "invalid"),
        ("a", r#"{"idempotency_key":""}"#, 422, "invalid"),
    ] {
        let request = Request::post(&path, body).with("Idempotency-Key", header);
        assert_eq!(target.admin.ask(&request).problem(), (status, code.into()), "{header} {body}");
    }
    let twice = Request::post(&path, "").with("Idempotency-Key", "a").with("idempotency-key", "a");
    assert_eq!(target.admin.ask(&twice).problem(), (422, "invalid".into()));
    let none = Request::post(&path, r#"{"amount":"x"}"#).with("Content-Type", "application/xml");
    assert_eq!(target.admin.ask(&none).problem(), (415, "unsupported-media-type".into()));
    target.check();
}
