//! Uses, batches, histories and sums.

use super::transcript::Transcript;
use crate::http::Request;

const POLICY: &str = r#"{"product":"renderer","code":"all","meters":[
    {"name":"frames","allowed":10},
    {"name":"hours","scale":2,"allowed":"2.5"},
    {"name":"free","allowed":5,"overage":"allow"},
    {"name":"some","allowed":5,"overage":{"amount":2},"record_refusals":true},
    {"name":"tenth","allowed":20,"overage":{"percent":10}},
    {"name":"low","floor":-3}]}"#;

/// A license under [`POLICY`], and the path of its meters.
fn world() -> (Transcript, String, String) {
    let mut talk = Transcript::new();
    talk.made("/v1/products", r#"{"code":"renderer"}"#);
    talk.made("/v1/policies", POLICY);
    let license = talk.made("/v1/licenses", r#"{"policy":"all"}"#);
    let path = format!("/v1/licenses/{license}");
    (talk, license, path)
}

#[test]
fn uses() {
    let (mut talk, license, path) = world();
    let now = talk.ask("the license", Request::get(&path)).json()["created_at"].clone();
    let of = |meter: &str, operation: &str, body: &str| {
        Request::post(format!("{path}/meters/{meter}/{operation}"), body)
    };
    let up = |meter: &str, body: &str| of(meter, "increment", body);
    let everything = format!(
        r#"{{"amount":2,"idempotency_key":"frame-1","bound":9,"partial":false,"occurred_at":{now},
            "subject":{{"user":"ada","host":"node7","address":"10.0.0.7"}},
            "attributes":{{"scene":"intro","pass":""}}}}"#
    );
    talk.ask_all([
        ("one", up("frames", "")),
        ("with everything said", up("frames", &everything)),
        ("the same once more", up("frames", &everything)),
        ("another one under its key", up("frames", r#"{"amount":3,"idempotency_key":"frame-1"}"#)),
        ("its key on another meter", up("hours", r#"{"amount":2,"idempotency_key":"frame-1"}"#)),
        ("a key in the header", up("frames", "").with("Idempotency-Key", "frame-2")),
        ("and in the field", up("frames", r#"{"idempotency_key":"frame-2"}"#)),
        (
            "header and field differ",
            up("frames", r#"{"idempotency_key":"a"}"#).with("Idempotency-Key", "b"),
        ),
        ("within a bound", up("frames", r#"{"amount":2,"bound":6}"#)),
        ("beyond a bound", up("frames", r#"{"amount":1,"bound":6}"#)),
        ("as much as a bound leaves", up("frames", r#"{"amount":9,"bound":8,"partial":true}"#)),
        ("beyond the limit", up("frames", r#"{"amount":3}"#)),
        ("as much as there is", up("frames", r#"{"amount":3,"partial":true}"#)),
        ("nothing is left", up("frames", r#"{"amount":1,"partial":true}"#)),
        ("down", of("frames", "decrement", r#"{"amount":4}"#)),
        ("down to a bound", of("frames", "decrement", r#"{"amount":9,"bound":5,"partial":true}"#)),
        ("beyond a lower bound", of("frames", "decrement", r#"{"amount":1,"bound":5}"#)),
        ("beyond the floor", of("frames", "decrement", r#"{"amount":6}"#)),
        ("set", of("frames", "set", r#"{"amount":9}"#)),
        ("set beyond the limit", of("frames", "set", r#"{"amount":11}"#)),
        ("set below the floor", of("frames", "set", r#"{"amount":-1}"#)),
        ("set to nothing said", of("frames", "set", "{}")),
        ("set has no bound", of("frames", "set", r#"{"amount":1,"bound":1}"#)),
        ("reset", of("frames", "reset", "")),
        ("reset takes no amount", of("frames", "reset", r#"{"amount":0}"#)),
        ("a decimal number", up("hours", r#"{"amount":0.25}"#)),
        ("a decimal as text", up("hours", r#"{"amount":"0.50"}"#)),
        ("zeros behind it", up("hours", r#"{"amount":1.000000000}"#)),
        ("too fine", up("hours", r#"{"amount":0.125}"#)),
        ("too fine a bound", up("hours", r#"{"amount":0.1,"bound":"0.001"}"#)),
        ("what is left in decimals", up("hours", r#"{"amount":1}"#)),
        ("all of it", up("hours", r#"{"amount":"1","partial":true}"#)),
        ("zero", up("hours", r#"{"amount":0}"#)),
        ("less than zero", up("hours", r#"{"amount":-1}"#)),
        ("overage without end", up("free", r#"{"amount":7}"#)),
        ("all of it overage", up("free", r#"{"amount":3}"#)),
        ("overage taken back", of("free", "decrement", r#"{"amount":6}"#)),
        ("into the overage", up("some", r#"{"amount":6}"#)),
        ("beyond the overage", up("some", r#"{"amount":2}"#)),
        ("the rest of the overage", up("some", r#"{"amount":2,"partial":true}"#)),
        ("overage in percent", up("tenth", r#"{"amount":22}"#)),
        ("beyond the percent", up("tenth", r#"{"amount":1}"#)),
        ("below zero", of("low", "decrement", r#"{"amount":3}"#)),
        ("below the floor", of("low", "decrement", r#"{"amount":1}"#)),
        ("up to the end of 64 bits", of("low", "set", r#"{"amount":9223372036854775800}"#)),
        ("beyond 64 bits", up("low", r#"{"amount":100}"#)),
        ("long ago", up("low", r#"{"occurred_at":"2000-01-01T00:00:00Z"}"#)),
        ("in a future", up("low", r#"{"occurred_at":"2100-01-01T00:00:00Z"}"#)),
        ("an empty subject", up("low", r#"{"subject":{}}"#)),
        ("a name twice", up("low", r#"{"attributes":{"a":"1","a":"2"}}"#)),
        ("no such meter", up("none", "")),
        (
            "no such license",
            Request::post(
                "/v1/licenses/lic_0193b2c4d5e67890a1b2c3d4e5f60718/meters/frames/set",
                r#"{"amount":1}"#,
            ),
        ),
        ("a meter", Request::get(format!("{path}/meters/some"))),
        ("suspended", Request::post(format!("{path}/suspend"), "")),
        ("while suspended", up("frames", "")),
        ("a repeat while suspended", up("frames", &everything)),
        ("revoked", Request::post(format!("{path}/revoke"), "")),
        ("while revoked", up("frames", "")),
    ]);
    for (title, member) in [("expired", "expires_at"), ("not valid yet", "valid_from")] {
        let year = if title == "expired" { "2020" } else { "2100" };
        let body = format!(r#"{{"policy":"all","{member}":"{year}-01-01T00:00:00Z"}}"#);
        let license = talk.made("/v1/licenses", &body);
        let path = format!("/v1/licenses/{license}/meters/frames/increment");
        talk.ask(title, Request::post(path, ""));
    }
    assert!(license.starts_with("lic_"));
    talk.check("uses");
}

/// Items of a batch, good and bad.
fn items(license: &str) -> Vec<String> {
    [
        r#"{"license":"LICENSE","meter":"frames"}"#,
        r#"{"license":"LICENSE","meter":"frames","amount":3,"idempotency_key":"k"}"#,
        r#"{"license":"LICENSE","meter":"frames","amount":3,"idempotency_key":"k"}"#,
        r#"{"license":"LICENSE","meter":"frames","amount":4,"idempotency_key":"k"}"#,
        r#"{"license":"LICENSE","meter":"frames","amount":99}"#,
        r#"{"license":"LICENSE","meter":"frames","amount":99,"partial":true}"#,
        r#"{"license":"LICENSE","meter":"frames","operation":"decrement","amount":2}"#,
        r#"{"license":"LICENSE","meter":"hours","operation":"set","amount":"1.25"}"#,
        r#"{"license":"LICENSE","meter":"hours","operation":"reset"}"#,
        r#"{"license":"LICENSE","meter":"hours","operation":"fly"}"#,
        r#"{"license":"LICENSE"}"#,
        r#"{"meter":"frames"}"#,
        r#"{"license":"LICENSE","meter":"none"}"#,
        r#"{"license":"ABCDE-ABCDE-ABCDE-ABCDE-ABCDE","meter":"frames"}"#,
        r#"{"license":"LICENSE","meter":"frames","amount":0.5}"#,
        r#"{"license":"LICENSE","meter":"frames","amount":1e2}"#,
        r#"{"license":"LICENSE","meter":"frames","colour":1}"#,
        r#""not an object""#,
        r#"{"license":"LICENSE","meter":"frames","subject":{"user":"ada"}}"#,
    ]
    .map(|item| item.replace("LICENSE", license))
    .into()
}

#[test]
fn batches() {
    let (mut talk, license, path) = world();
    let items = items(&license);
    let lines =
        |lines: &str| Request::post("/v1/uses", lines).with("Content-Type", "application/x-ndjson");
    let array = |text: &str| Request::post("/v1/uses", text);
    let malformed = format!("{}\n\n  \n{{\"license\"\n{}\n\u{fffd}", items[0], items[6]);
    talk.ask("an array", array(&format!("[{}]", items.join(",\n"))));
    talk.ask("the same as lines", lines(&items.join("\n")));
    talk.ask_all([
        ("lines, empty and malformed", lines(&malformed)),
        ("an empty array", array("[]")),
        ("no lines", lines("")),
        ("no body", array("")),
        ("not an array", array("{}")),
        ("a malformed array", array(r#"[{"license":"x","meter":"y"},"#)),
        ("a key for all", array("[]").with("Idempotency-Key", "k")),
        ("another media type", array("[]").with("Content-Type", "text/csv")),
        ("a meter after it", Request::get(format!("{path}/meters/frames"))),
    ]);
    talk.check("batches");
}

/// The hour of a time in RFC 3339.
fn hour(talk: &mut Transcript, path: &str) -> String {
    let body = talk.server.admin().post(&format!("{path}/meters/low/increment"), "").expect(200);
    body["at"].as_str().unwrap()[..13].to_owned()
}

/// What is counted by the hour has to happen within one: another try, if an hour ended meanwhile.
fn within_an_hour(tell: impl Fn(&mut Transcript, &str)) -> Transcript {
    loop {
        let (mut talk, _, path) = world();
        let begun = hour(&mut talk, &path);
        tell(&mut talk, &path);
        if hour(&mut talk, &path) == begun {
            return talk;
        }
    }
}

#[test]
fn histories_and_sums() {
    let talk = within_an_hour(|talk, path| {
        let today = hour(talk, path)[..10].to_owned();
        let count = |meter: &str, operation: &str, body: &str| {
            let path = format!("{path}/meters/{meter}/{operation}");
            talk.server.admin().post(&path, body);
        };
        count("some", "increment", r#"{"amount":4,"attributes":{"scene":"intro"}}"#);
        count("some", "increment", r#"{"amount":2,"subject":{"user":"ada"}}"#);
        count("some", "increment", r#"{"amount":9}"#);
        count("some", "decrement", r#"{"amount":3,"idempotency_key":"k"}"#);
        count("some", "set", r#"{"amount":5}"#);
        count("some", "reset", "");
        count("hours", "increment", r#"{"amount":1.25}"#);
        let records = format!("{path}/meters/some/records");
        talk.ask("the whole history", Request::get(&records));
        let mut next = String::new();
        for title in ["a page", "the next page", "the last page"] {
            let request = Request::get(format!("{records}?limit=2{next}"));
            let page = talk.ask(title, request).json();
            next = format!("&cursor={}", page["next"].as_str().unwrap_or_default());
        }
        let usage =
            |meter: &str, query: &str| Request::get(format!("{path}/meters/{meter}/usage?{query}"));
        let day = format!("from={today}T00:00:00.000Z&to={today}T23:59:59.999Z");
        talk.ask_all([
            ("no history", Request::get(format!("{path}/meters/free/records"))),
            ("of no such meter", Request::get(format!("{path}/meters/none/records"))),
            ("a cursor that is none", Request::get(format!("{records}?cursor=x"))),
            ("a record of something else", Request::get(format!("{records}?cursor=0"))),
            ("nothing on a page", Request::get(format!("{records}?limit=0"))),
            ("too much on a page", Request::get(format!("{records}?limit=1001"))),
            ("by the hour", usage("some", &format!("{day}&window=hour"))),
            ("by the day", usage("hours", &day)),
            (
                "by the month",
                usage(
                    "some",
                    "from=2024-01-01T00:00:00Z&to=2040-01-01T00:00:00Z\
                &window=month",
                ),
            ),
            ("nothing", usage("free", &day)),
            (
                "no window",
                usage(
                    "some",
                    "window=week&from=2024-01-01T00:00:00Z\
                &to=2024-01-02T00:00:00Z",
                ),
            ),
            ("no end", usage("some", "from=2024-01-01T00:00:00Z")),
            ("no beginning", usage("some", "to=2024-01-01T00:00:00Z")),
            ("backwards", usage("some", "from=2024-01-02T00:00:00Z&to=2024-01-01T00:00:00Z")),
            ("too long", usage("some", "from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z")),
            ("not a time", usage("some", "from=yesterday&to=today")),
        ]);
    });
    talk.check("histories_and_sums");
}
