//! What is told of what happens: by pages, by the stream, and by the command line.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::http::Request;
use crate::world::{Server, run};

/// A stream of events, read block by block.
struct Stream {
    reader: BufReader<TcpStream>,
    status: String,
}

impl Stream {
    fn open(server: &Server, path: &str, last: Option<u64>) -> Self {
        let token = std::fs::read_to_string(server.data().join("admin-token")).unwrap();
        let mut socket = TcpStream::connect(server.address()).unwrap();
        let last = last.map_or_else(String::new, |last| format!("last-event-id: {last}\r\n"));
        write!(
            socket,
            "GET {path} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {}\r\n{last}\r\n",
            token.trim()
        )
        .unwrap();
        let mut reader = BufReader::new(socket);
        let mut status = String::new();
        reader.read_line(&mut status).unwrap();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                return Self { reader, status };
            }
        }
    }

    /// The next event: its number, its kind, its data. None at the end. Sizes of chunks have no
    /// colon, and frames end with line breaks.
    fn next(&mut self) -> Option<(u64, String, Value)> {
        let (mut id, mut kind) = (None, None);
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).unwrap_or(0) == 0 {
                return None;
            }
            let line = line.trim_end();
            if let Some(number) = line.strip_prefix("id: ") {
                id = number.parse().ok();
            } else if let Some(word) = line.strip_prefix("event: ") {
                kind = Some(word.to_owned());
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Some((id?, kind?, serde_json::from_str(data).unwrap()));
            }
        }
    }
}

fn policy(allowed: u64) -> String {
    let meter = json!({"name": "frames", "allowed": allowed, "thresholds": [50, 80, 100]});
    json!({"product": "renderer", "code": "prepaid", "meters": [meter]}).to_string()
}

fn license(server: &Server, allowed: u64) -> String {
    let mut admin = server.admin();
    admin.post("/v1/products", r#"{"code":"renderer"}"#).expect(201);
    admin.post("/v1/policies", policy(allowed)).expect(201);
    let made = admin.post("/v1/licenses", r#"{"policy":"prepaid"}"#).expect(201);
    made["id"].as_str().unwrap().to_owned()
}

/// All events that are wanted, in small pages.
fn all(server: &Server, wanted: &str) -> Vec<Value> {
    let mut admin = server.admin();
    let (mut events, mut from) = (Vec::new(), 0);
    loop {
        let page = admin.get(&format!("/v1/events?from={from}&limit=7{wanted}")).expect(200);
        events.extend(page["items"].as_array().unwrap().iter().cloned());
        from = page["next"].as_u64().unwrap();
        if page["end"] == true {
            return events;
        }
    }
}

#[test]
fn a_crossing_is_told_once_by_a_server_that_is_killed() {
    const ALLOWED: u64 = 300;
    let mut server = Server::new();
    let license = license(&server, ALLOWED);
    let path = format!("/v1/licenses/{license}/meters/frames/increment");
    for round in 0..4 {
        thread::scope(|scope| {
            for caller in 0..4 {
                let (server, path) = (&server, &path);
                scope.spawn(move || {
                    let mut admin = server.admin();
                    for number in 0..25 {
                        let key = format!("{round}-{caller}-{number}");
                        let request = Request::post(path.clone(), r#"{"amount":1}"#);
                        if admin.send(&request.with("Idempotency-Key", key)).is_err() {
                            return;
                        }
                        if caller == 0 && number == 15 + round {
                            server.kill();
                        }
                    }
                });
            }
        });
        let (dir, ..) = server.stop(Signal::KILL);
        server = Server::start(dir, &[]);
    }
    let mut admin = server.admin();
    admin.post(&path, json!({"amount": ALLOWED, "partial": true}).to_string()).expect(200);
    let told = all(&server, &format!("&kind=meter.*&license={license}"));
    let mut crossed = BTreeMap::<u64, u32>::new();
    let mut total = 0;
    for event in &told {
        match event["kind"].as_str().unwrap() {
            "meter.incremented" => {
                total += event["applied"].as_u64().unwrap();
                assert_eq!(event["total"].as_u64(), Some(total), "{event}");
            }
            "meter.threshold-crossed" => {
                *crossed.entry(event["percent"].as_u64().unwrap()).or_default() += 1;
            }
            _ => {}
        }
    }
    assert_eq!(total, ALLOWED);
    // The last use may cross several, and tells of the highest.
    assert_eq!(crossed.get(&100), Some(&1), "{crossed:?}");
    assert!(crossed.values().all(|count| *count == 1), "{crossed:?}");
    let reached = told.iter().filter(|event| event["kind"] == "meter.limit-reached");
    assert_eq!(reached.count(), 1);
    let (dir, ..) = server.stop(Signal::TERM);
    run(&dir, &["verify", "data"]).done();
}

#[test]
fn a_listener_that_comes_back_hears_everything_once() {
    const USES: u64 = 120;
    let server = Server::new();
    let license = license(&server, 1000);
    let path = format!("/v1/licenses/{license}/meters/frames/increment");
    let heard = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut admin = server.admin();
            for _ in 0..USES {
                admin.post(&path, r#"{"amount":1}"#).expect(200);
            }
        });
        let mut heard = Vec::new();
        let mut last = None;
        'all: for patience in (1..).map(|round| round * 3) {
            let mut stream = Stream::open(&server, "/v1/events/stream?from=0", last);
            assert!(stream.status.contains(" 200 "), "{}", stream.status);
            for _ in 0..patience {
                let (number, kind, data) = stream.next().expect("it goes on");
                assert_eq!(
                    (data["number"].as_u64(), data["kind"].as_str()),
                    (Some(number), Some(&*kind))
                );
                last = Some(number);
                heard.push((number, data));
                let used = heard.iter().filter(|(_, data)| data["kind"] == "meter.incremented");
                if used.count() as u64 == USES {
                    break 'all;
                }
            }
        }
        writer.join().unwrap();
        heard
    });
    let listed: Vec<_> = all(&server, "")
        .into_iter()
        .map(|event| (event["number"].as_u64().unwrap(), event))
        .collect();
    assert_eq!(heard[..], listed[..heard.len()]);
    // A number that was never there may be of another ledger.
    let stream = Stream::open(&server, "/v1/events/stream", Some(1_000_000));
    assert!(stream.status.contains(" 422 "), "{}", stream.status);
}

#[test]
fn streams_are_filtered_and_end_with_the_server() {
    let server = Server::new();
    let license = license(&server, 10);
    let path = format!("/v1/events/stream?kind=license.suspended&license={license}");
    let mut stream = Stream::open(&server, &path, None);
    let mut admin = server.admin();
    let renamed = Request::patch(format!("/v1/licenses/{license}"), r#"{"name":"mine"}"#);
    admin.ask(&renamed).expect(200);
    admin.post(&format!("/v1/licenses/{license}/suspend"), "").expect(200);
    let (_, kind, data) = stream.next().unwrap();
    assert_eq!((&*kind, data["license"].as_str()), ("license.suspended", Some(&*license)));
    assert_eq!(data["address"], "127.0.0.1");
    assert_eq!(
        (&data["before"]["standing"], &data["after"]["standing"]),
        (&json!("active"), &json!("suspended"))
    );
    let (_, code, _) = server.stop(Signal::TERM);
    assert_eq!(code, Some(0));
    let mut rest = String::new();
    stream.reader.read_to_string(&mut rest).unwrap();
    assert!(rest.contains(": the stream ends here"), "{rest}");
}

#[test]
fn the_command_line_shows_what_happened_and_who_did_it() {
    let server = Server::new();
    let license = license(&server, 10);
    let path = format!("/v1/licenses/{license}/meters/frames/increment");
    server.admin().post(&path, r#"{"amount":9.0}"#).expect(200);
    let table = server.run("events --kind meter.*").done();
    assert!(table.contains("9 applied, total 9 of 10"), "{table}");
    assert!(table.contains("meter.threshold-crossed"), "{table}");
    let lines = server.run("events --from 0 --json").done();
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["kind"], "ledger.opened");
    let followed = server.run("events --follow --from 0 --limit 3").done();
    assert_eq!(followed.lines().count(), 3, "{followed}");
    let audit = server.run("audit --kind license.created").done();
    assert!(audit.contains("from 127.0.0.1") && audit.contains("+ standing = active"), "{audit}");
    let csv = server.run("audit --csv").done();
    assert!(csv.starts_with("number,at,kind,thing,by,address,before,after\n"), "{csv}");
    assert!(csv.lines().count() > 4, "{csv}");
    let watched = server.run("watch --times 1").done();
    assert!(watched.starts_with("accepted "), "{watched}");
    let metrics = server.admin().get("/metrics");
    assert!(metrics.body.contains("usance_ledger_records{account=\""), "{}", metrics.body);
    let tokens = server.json("token list");
    assert!(tokens["items"][0]["uses"].as_u64().unwrap() > 5, "{tokens}");
    assert!(tokens["items"][0]["last_used_at"].is_string(), "{tokens}");
}

#[test]
fn nobody_follows_without_the_right_to() {
    let server = Server::new();
    license(&server, 10);
    let mut admin = server.admin();
    let mut token = |token: Value| {
        let made = admin.post("/v1/tokens", token.to_string()).expect(201);
        format!("Bearer {}", made["secret"].as_str().unwrap())
    };
    let all = json!({"name": "all but one", "permissions": ["ledger:read", "license:read"]});
    let locked = json!({"name": "l", "permissions": ["event:read"], "product": "renderer"});
    for (authorization, expected) in [
        (None, (401, "unauthenticated")),
        (Some("Bearer nonsense".to_owned()), (401, "unauthenticated")),
        (Some(token(all)), (403, "permission-missing")),
        (Some(token(locked)), (403, "locked-to-another")),
    ] {
        let answer = crate::http::Client::new(server.address(), authorization.as_deref())
            .get("/v1/events/stream");
        assert_eq!(answer.problem(), (expected.0, expected.1.to_owned()), "{authorization:?}");
    }
}
