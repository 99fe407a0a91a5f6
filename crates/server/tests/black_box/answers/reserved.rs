//! Holds and sessions.

use super::transcript::Transcript;
use crate::http::Request;

fn post(path: &str, body: &str) -> Request {
    Request::post(path, body)
}

fn world() -> (Transcript, String) {
    let mut talk = Transcript::new();
    talk.made("/v1/products", r#"{"code":"renderer"}"#);
    let policy = r#"{"product":"renderer","code":"plan","meters":[
        {"name":"frames","allowed":10,"hold_seconds_max":3600},
        {"name":"seats","allowed":2,"measure":"seats"},
        {"name":"peak","measure":"peak"},
        {"name":"time","allowed":90,"measure":{"duration":{"step_seconds":60}}},
        {"name":"days","allowed":1,"measure":"day-pass"}]}"#;
    talk.made("/v1/policies", policy);
    talk.made("/v1/licenses", r#"{"policy":"plan","key":"ACME-0001"}"#);
    talk.made("/v1/licenses/ACME-0001/activations", r#"{"fingerprint":"m1"}"#);
    (talk, "/v1/licenses/ACME-0001/meters".into())
}

#[test]
fn holds() {
    let (mut talk, path) = world();
    let all = format!("{path}/frames/holds");
    let whole = r#"{"amount":4,"seconds":60,"activation":"m1","subject":{"user":"ada"},
        "attributes":{"scene":"intro"},"idempotency_key":"h1"}"#;
    let first = talk.ask("made", post(&all, whole)).expect(200);
    let first = format!("{all}/{}", first["hold"].as_str().unwrap());
    let second = talk.ask("another", post(&all, r#"{"amount":5}"#)).expect(200);
    let second = format!("{all}/{}", second["hold"].as_str().unwrap());
    let unknown = format!("{all}/hold_0193b2c4d5e67890a1b2c3d4e5f60718");
    let increment = format!("{path}/frames/increment");
    talk.ask_all([
        ("the same once more", post(&all, whole)),
        ("more than is left", post(&all, r#"{"amount":2}"#)),
        ("as much as there is", post(&all, r#"{"amount":2,"partial":true}"#)),
        ("a use beside them", post(&increment, "")),
        ("too long", post(&all, r#"{"seconds":3601}"#)),
        ("for no time", post(&all, r#"{"seconds":0}"#)),
        ("nothing", post(&all, r#"{"amount":0}"#)),
        ("a member of others", post(&all, r#"{"count":1}"#)),
        ("the list", Request::get(&all)),
        ("a page of it", Request::get(format!("{all}?limit=3"))),
        ("settled above it at the limit", post(&format!("{first}/settle"), r#"{"amount":5}"#)),
        ("settled for less", post(&format!("{first}/settle"), r#"{"amount":3}"#)),
        ("settled twice", post(&format!("{first}/settle"), r#"{"amount":3}"#)),
        (
            "settled above it where there is room",
            post(&format!("{second}/settle"), r#"{"amount":6}"#),
        ),
        ("released after it", post(&format!("{second}/release"), "")),
        ("unknown", post(&format!("{unknown}/settle"), "")),
        ("not an id", post(&format!("{all}/first/release"), "")),
        ("on another meter", post(&format!("{path}/peak/holds"), "")),
        ("the meter", Request::get(format!("{path}/frames"))),
        ("its history", Request::get(format!("{path}/frames/records?limit=4"))),
    ]);
    talk.ask("room is made", post(&format!("{path}/frames/set"), r#"{"amount":1}"#));
    let last = talk.ask("a short one", post(&all, r#"{"seconds":1}"#)).expect(200);
    let last = last["hold"].as_str().unwrap().to_owned();
    let begun = std::time::Instant::now();
    let mut admin = talk.server.admin();
    while admin.get(&all).expect(200).to_string().contains(&last) {
        assert!(begun.elapsed().as_secs() < 60, "it does not expire");
    }
    talk.ask("settled when it was over", post(&format!("{all}/{last}/settle"), ""));
    talk.ask("settled twice when it was over", post(&format!("{all}/{last}/settle"), ""));
    let items = r#"[{"license":"ACME-0001","meter":"peak","operation":"hold"},
        {"license":"ACME-0001","meter":"frames","operation":"settle"},
        {"license":"ACME-0001","meter":"frames","operation":"increment","hold":"HOLD"},
        {"license":"ACME-0001","meter":"frames","operation":"release","hold":"HOLD"},
        {"license":"ACME-0001","meter":"seats","operation":"check-out","count":1}]"#;
    talk.ask("in a batch", post("/v1/uses", &items.replace("HOLD", &last)));
    talk.check("holds");
}

#[test]
fn sessions() {
    let (mut talk, path) = world();
    let mut begin = |meter: &str, title: &str, body: &str| {
        let all = format!("{path}/{meter}/sessions");
        let made = talk.ask(title, post(&all, body)).expect(200);
        format!("{all}/{}", made["session"].as_str().unwrap())
    };
    let whole = r#"{"count":1,"activation":"m1","subject":{"user":"ada","host":"node7"}}"#;
    let seat = begin("seats", "a seat", whole);
    let peak = begin("peak", "a peak", r#"{"count":3}"#);
    let time = begin("time", "time", "");
    let day = begin("days", "a day pass", r#"{"subject":{"user":"ada"}}"#);
    let again = begin("days", "the same day", r#"{"subject":{"user":"ada"}}"#);
    let unknown = format!("{path}/seats/sessions/ses_0193b2c4d5e67890a1b2c3d4e5f60718");
    let seats = format!("{path}/seats/sessions");
    talk.ask_all([
        ("two seats of one left", post(&seats, r#"{"count":2}"#)),
        ("of a meter without sessions", post(&format!("{path}/frames/sessions"), "")),
        (
            "a day of somebody else",
            post(&format!("{path}/days/sessions"), r#"{"subject":{"user":"bob"}}"#),
        ),
        ("a heartbeat", post(&format!("{seat}/heartbeat"), "")),
        ("a heartbeat with an amount", post(&format!("{seat}/heartbeat"), r#"{"amount":1}"#)),
        ("the list", Request::get(&seats)),
        ("a check-in", post(&format!("{seat}/check-in"), "")),
        ("a check-in twice", post(&format!("{seat}/check-in"), "")),
        ("a heartbeat after it", post(&format!("{seat}/heartbeat"), "")),
        ("a check-in of none", post(&format!("{unknown}/check-in"), "")),
        ("not an id", post(&format!("{seats}/first/check-in"), "")),
        ("the peak comes in", post(&format!("{peak}/check-in"), "")),
        ("time comes in", post(&format!("{time}/check-in"), "")),
        ("the day comes in", post(&format!("{day}/check-in"), "")),
        ("and once more", post(&format!("{again}/check-in"), "")),
        ("the meters", Request::get(&path)),
        ("a history", Request::get(format!("{path}/seats/records"))),
    ]);
    talk.check("sessions");
}
