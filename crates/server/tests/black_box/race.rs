//! Many clients at once want what is there once.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::thread;

use serde_json::Value;

use crate::http::{Answer, Request};
use crate::world::Server;

const CLIENTS: usize = 200;

/// All clients send their request at the same time, each over its own connection.
fn all_at_once(server: &Server, request: impl Fn(usize) -> Request + Sync) -> Vec<Answer> {
    let start = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|index| {
                let (start, request) = (&start, &request);
                scope.spawn(move || {
                    let mut client = server.admin();
                    // The connection stands before the race begins.
                    client.get("/healthz").expect_text("alive\n");
                    start.wait();
                    client.ask(&request(index))
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

fn figures(answer: &Value) -> [i64; 4] {
    ["total", "gross", "allowed", "remaining"].map(|name| answer[name].as_i64().unwrap())
}

#[test]
fn two_hundred_clients_get_exactly_the_last_hundred_units() {
    let server = Server::new();
    let license = server.license("frames:allowed=1000");
    let path = format!("/v1/licenses/{license}/meters/frames");
    server.admin().post(&format!("{path}/increment"), r#"{"amount":900}"#).expect(200);

    let answers = all_at_once(&server, |_| Request::post(format!("{path}/increment"), "{}"));
    let (mut totals, mut records) = (BTreeSet::new(), BTreeSet::new());
    for answer in &answers {
        if answer.status == 200 {
            let answer = answer.json();
            let [total, gross, allowed, remaining] = figures(&answer);
            assert_eq!((gross, allowed, remaining), (total, 1000, 1000 - total), "{answer}");
            assert!(totals.insert(total), "{total} was given twice");
            assert!(records.insert(answer["record"].as_u64().unwrap()), "{answer}");
            continue;
        }
        assert_eq!(answer.problem(), (409, "limit-reached".into()));
        assert_eq!(figures(&answer.json()), [1000, 1000, 1000, 0], "{}", answer.body);
    }
    assert_eq!(totals, (901..=1000).collect());
    let meter = server.admin().get(&path).expect(200);
    assert_eq!(figures(&meter), [1000, 1000, 1000, 0]);
    assert_eq!(meter["refusals"], 100);
}

#[test]
fn partial_uses_share_what_is_left_without_a_remainder() {
    let server = Server::new();
    let license = server.license("frames:allowed=1000");
    let path = format!("/v1/licenses/{license}/meters/frames/increment");
    let answers = all_at_once(&server, |_| Request::post(&path, r#"{"amount":7,"partial":true}"#));
    let applied = |answer: &Answer| match answer.status {
        200 => answer.json()["applied"].as_i64().unwrap(),
        _ => {
            assert_eq!(answer.problem(), (409, "limit-reached".into()));
            0
        }
    };
    let mut shares: Vec<_> = answers.iter().map(applied).collect();
    shares.sort_unstable_by(|left, right| right.cmp(left));
    // 142 times 7, once the 6 that were left, and nothing for the rest.
    assert_eq!(shares.iter().sum::<i64>(), 1000);
    assert_eq!((shares[141], shares[142], shares[143]), (7, 6, 0));
}

#[test]
fn one_key_is_counted_once_whoever_is_first() {
    let server = Server::new();
    let license = server.license("frames:allowed=1000");
    let path = format!("/v1/licenses/{license}/meters/frames/increment");
    let answers = all_at_once(&server, |_| {
        Request::post(&path, r#"{"amount":3}"#).with("Idempotency-Key", "the same")
    });
    let answers: Vec<_> = answers.iter().map(|answer| answer.expect(200)).collect();
    let first: Vec<_> = answers.iter().filter(|answer| answer["repeat"] == false).collect();
    assert_eq!(first.len(), 1);
    for answer in &answers {
        for name in ["record", "total", "at", "applied"] {
            assert_eq!(answer[name], first[0][name], "{name}");
        }
    }
    assert_eq!(first[0]["total"], 3);
}

/// How many of all clients got a machine in, and how the others were refused.
fn activated(server: &Server, terms: &str, code: &str) -> usize {
    let mut admin = server.admin();
    let policy = format!(r#"{{"product":"renderer","code":"{code}","terms":{terms}}}"#);
    admin.post("/v1/policies", policy).expect(201);
    let key = format!("KEY-{code}");
    let license = format!(r#"{{"policy":"{code}","key":"{key}"}}"#);
    admin.post("/v1/licenses", license).expect(201);
    let path = format!("/v1/licenses/{key}/activations");
    let answers = all_at_once(server, |index| {
        Request::post(&path, format!(r#"{{"fingerprint":"machine {index}","cores":4}}"#))
    });
    let list = admin.get(&format!("{path}?limit=1000")).expect(200);
    let count = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(list["items"].as_array().unwrap().len(), count, "{code}");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.problem(), (409, format!("{code}-limit-reached")));
    }
    count
}

#[test]
fn two_hundred_machines_share_what_a_license_has() {
    let server = Server::new();
    server.admin().post("/v1/products", r#"{"code":"renderer"}"#).expect(201);
    assert_eq!(activated(&server, r#"{"max_activations":100}"#, "activation"), 100);
    // 25 machines of 4 cores, and no room for a twenty-sixth.
    assert_eq!(activated(&server, r#"{"max_cores":103}"#, "core"), 25);
}

#[test]
fn two_hundred_clients_check_the_last_seats_out() {
    let server = Server::new();
    let mut admin = server.admin();
    admin.post("/v1/products", r#"{"code":"renderer"}"#).expect(201);
    let policy = r#"{"product":"renderer","code":"seats",
        "meters":[{"name":"seats","measure":"seats","allowed":100}]}"#;
    admin.post("/v1/policies", policy).expect(201);
    admin.post("/v1/licenses", r#"{"policy":"seats","key":"SEATS-01"}"#).expect(201);
    let path = "/v1/licenses/SEATS-01/meters/seats";
    let answers = all_at_once(&server, |_| Request::post(format!("{path}/sessions"), ""));
    let got = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(got, 100);
    let refused = answers.iter().filter(|answer| answer.status != 200);
    assert!(refused.into_iter().all(|answer| answer.problem().1 == "limit-reached"));
    assert_eq!(admin.get(path).expect(200)["held"], 100);
}
