//! Machines that hold licenses, and what runs on them.

use super::transcript::Transcript;
use crate::http::Request;

const ALL: &str = "/v1/licenses/ACME-0001/activations";

fn post(path: &str, body: &str) -> Request {
    Request::post(path, body)
}

fn world(terms: &str) -> Transcript {
    let mut talk = Transcript::new();
    talk.made("/v1/products", r#"{"code":"renderer"}"#);
    for email in ["ada@acme.example", "bob@acme.example"] {
        talk.made("/v1/users", &format!(r#"{{"email":"{email}"}}"#));
    }
    let policy = format!(
        r#"{{"product":"renderer","code":"plan","terms":{{{terms}}},
            "meters":[{{"name":"frames","allowed":10,"floating":true}},{{"name":"jobs"}}]}}"#
    );
    talk.made("/v1/policies", &policy);
    talk.made("/v1/licenses", r#"{"policy":"plan","key":"ACME-0001","owner":"ada@acme.example"}"#);
    talk
}

#[test]
fn activations() {
    let terms = r#""max_activations":2,"max_cores":16,"max_deactivations":2,"allow_vm":false"#;
    let mut talk = world(terms);
    let whole = r#"{"fingerprint":"9f3c","name":"Ada's laptop","hostname":"ada-7",
        "platform":"linux-x86_64","address":"10.0.0.7","cores":8,"memory":17179869184,"disk":null,
        "is_vm":false,"is_container":true,"user":"ada@acme.example",
        "components":[{"fingerprint":"mb-77","name":"board"}],"heartbeat_seconds":600,
        "metadata":{"rack":3},"metadata_visible_to":{"rack":["activation"]}}"#;
    let of = |below: &str, body: &str| post(&format!("{ALL}/{below}"), body);
    let count = |meter: &str, operation: &str, body: &str| {
        post(&format!("/v1/licenses/ACME-0001/meters/{meter}/{operation}"), body)
    };
    let first = talk.ask("made", post(ALL, whole)).expect(201);
    let id = first["id"].as_str().unwrap();
    talk.ask_all([
        ("made again", post(ALL, r#"{"fingerprint":"9f3c","name":"renamed"}"#)),
        ("no fingerprint", post(ALL, "{}")),
        ("an empty fingerprint", post(ALL, r#"{"fingerprint":""}"#)),
        ("no cores", post(ALL, r#"{"fingerprint":"b","cores":0}"#)),
        ("cores without end", post(ALL, r#"{"fingerprint":"b","cores":99999999999}"#)),
        ("half a core", post(ALL, r#"{"fingerprint":"b","cores":0.5}"#)),
        ("too many cores", post(ALL, r#"{"fingerprint":"b","cores":9}"#)),
        ("a virtual machine", post(ALL, r#"{"fingerprint":"b","is_vm":true}"#)),
        ("somebody else's", post(ALL, r#"{"fingerprint":"b","user":"bob@acme.example"}"#)),
        ("no such user", post(ALL, r#"{"fingerprint":"b","user":"eve@acme.example"}"#)),
        ("a second", post(ALL, r#"{"fingerprint":"b/c","cores":8}"#)),
        ("a third", post(ALL, r#"{"fingerprint":"d"}"#)),
        ("the list", Request::get(ALL)),
        ("shown by fingerprint", Request::get(format!("{ALL}/b%2Fc"))),
        ("shown by id", Request::get(format!("{ALL}/{id}"))),
        ("shown without its license", Request::get(format!("/v1/activations/{id}"))),
        ("a fingerprint names none there", Request::get("/v1/activations/9f3c")),
        ("found everywhere", Request::get("/v1/activations?fingerprint=9f3c")),
        ("a filter that is none", Request::get("/v1/activations?colour=red")),
        ("unknown", Request::get(format!("{ALL}/nothing"))),
        ("changed", Request::patch(format!("{ALL}/9f3c"), r#"{"cores":4,"name":null}"#)),
        ("changed beyond a limit", Request::patch(format!("{ALL}/9f3c"), r#"{"cores":9}"#)),
        ("a use of its", count("frames", "increment", r#"{"amount":4,"activation":"9f3c"}"#)),
        ("of a machine that is none", count("frames", "increment", r#"{"activation":"x"}"#)),
        (
            "more than its share",
            count("frames", "decrement", r#"{"amount":5,"activation":"9f3c"}"#),
        ),
        ("its share of another", count("jobs", "increment", r#"{"amount":2,"activation":"9f3c"}"#)),
        ("its shares", Request::get(format!("{ALL}/9f3c"))),
        ("heartbeat", of("9f3c/heartbeat", "")),
        ("heartbeat with a word", of("9f3c/heartbeat", r#"{"at":1}"#)),
        ("heartbeat of none", of("nothing/heartbeat", "")),
        ("heartbeat forgotten", of("9f3c/heartbeat/reset", "")),
        ("deactivated", Request::delete(format!("{ALL}/9f3c"))),
        ("its share came back", Request::get("/v1/licenses/ACME-0001/meters")),
        ("deactivated already", Request::delete(format!("{ALL}/9f3c"))),
        ("how it came back", Request::get("/v1/licenses/ACME-0001/meters/frames/records?limit=1")),
        ("the other deactivated", Request::delete(format!("{ALL}/b%2Fc"))),
        ("activated anew", post(ALL, r#"{"fingerprint":"e"}"#)),
        ("deactivated too often", Request::delete(format!("{ALL}/e"))),
    ]);
    talk.check("activations");
}

#[test]
fn processes() {
    let mut talk = world(r#""max_processes":2"#);
    talk.made(ALL, r#"{"fingerprint":"m1"}"#);
    let all = format!("{ALL}/m1/processes");
    let first = talk.ask("started", post(&all, r#"{"pid":"77","metadata":{"a":1}}"#)).expect(201);
    let id = first["id"].as_str().unwrap();
    talk.ask_all([
        ("no pid", post(&all, "{}")),
        ("a second", post(&all, r#"{"pid":"78"}"#)),
        ("a third", post(&all, r#"{"pid":"79"}"#)),
        ("on no machine", post(&format!("{ALL}/m2/processes"), r#"{"pid":"1"}"#)),
        ("the list", Request::get(&all)),
        ("heartbeat", post(&format!("{all}/{id}/heartbeat"), "")),
        ("ended", Request::delete(format!("{all}/{id}"))),
        ("ended already", Request::delete(format!("{all}/{id}"))),
        ("heartbeat after it", post(&format!("{all}/{id}/heartbeat"), "")),
        ("not an id", Request::delete(format!("{all}/77"))),
    ]);
    talk.check("processes");
}

/// Waits until a machine that lives for a second is dead.
fn wait_for_death(talk: &mut Transcript) {
    let begun = std::time::Instant::now();
    let mut admin = talk.server.admin();
    while admin.get(&format!("{ALL}/m1")).json()["heartbeat"] != "dead" {
        assert!(begun.elapsed().as_secs() < 60, "it does not die");
    }
}

#[test]
fn dead_machines() {
    let mut talk = world(r#""heartbeat_seconds":1,"when_dead":"keep","revive_seconds":0"#);
    talk.made(ALL, r#"{"fingerprint":"m1"}"#);
    wait_for_death(&mut talk);
    let path = "/v1/licenses/ACME-0001/meters/frames";
    talk.ask_all([
        ("dead", Request::get(format!("{ALL}/m1"))),
        ("heartbeat after death", post(&format!("{ALL}/m1/heartbeat"), "")),
        ("a use after death", post(&format!("{path}/increment"), r#"{"activation":"m1"}"#)),
        ("a process after death", post(&format!("{ALL}/m1/processes"), r#"{"pid":"1"}"#)),
        ("forgotten", post(&format!("{ALL}/m1/heartbeat/reset"), "")),
    ]);
    talk.check("dead_machines");
}
