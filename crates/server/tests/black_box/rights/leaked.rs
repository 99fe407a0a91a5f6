//! What a leaked client token can do: count up, never down.

use serde_json::{Value, json};

use super::Stage;
use crate::http::{Client, Request};
use crate::random::{Random, seed};

const METER: &str = "/v1/licenses/KEY-RENDERER/meters/frames";

/// A request that somebody with the token might try.
fn attempt(random: &mut Random) -> Request {
    let amount = ["1", "-1", "0", "-9223372036854775808", "9223372036854775807", "1e9", "\"-5\""];
    let mut pick =
        |of: &[&str]| of[usize::try_from(random.below(of.len() as u64)).unwrap()].to_owned();
    let amount = pick(&amount);
    let operation = pick(&["increment", "decrement", "set", "reset"]);
    let more = pick(&[
        "",
        r#","partial":true"#,
        r#","bound":-1"#,
        r#","partial":true,"bound":-100"#,
        r#","idempotency_key":"same""#,
        r#","operation":"decrement""#,
    ]);
    match pick(&["one", "array", "lines", "other"]).as_str() {
        "one" => {
            let body = format!(r#"{{"amount":{amount}{more}}}"#);
            Request::post(format!("{METER}/{operation}"), body)
        }
        "other" => {
            let body = format!(r#"{{"allowed":{amount}}}"#);
            let (method, path) = match operation.as_str() {
                "increment" => ("PATCH", METER),
                "decrement" => ("DELETE", "/v1/licenses/KEY-RENDERER"),
                "set" => ("POST", "/v1/licenses/KEY-RENDERER/revoke"),
                _ => ("PATCH", "/v1/policies/renderer"),
            };
            Request::new(method, path).with_body(body)
        }
        form => {
            let item = format!(
                r#"{{"license":"KEY-RENDERER","meter":"frames","operation":"{operation}","amount":{amount}{}}}"#,
                more.replace("operation", "Operation"),
            );
            match form {
                "array" => Request::post("/v1/uses", format!("[{item},{item}]")),
                _ => Request::post("/v1/uses", format!("{item}\n{item}"))
                    .with("Content-Type", "application/x-ndjson"),
            }
        }
    }
}

/// The total, the gross and the ceiling.
fn figures(admin: &mut Client) -> (i64, i64, Value) {
    let meter = admin.get(METER).expect(200);
    let number = |name: &str| meter[name].as_i64().unwrap();
    (number("total"), number("gross"), meter["allowed"].clone())
}

#[test]
fn a_leaked_client_token_counts_up_and_never_down() {
    let mut random = Random::new(seed("a_leaked_client_token_counts_up_and_never_down"));
    let mut stage = Stage::new();
    let leaked = stage.token(&json!({"name": "client", "permissions": ["meter:increment"]}));
    stage.admin.post(&format!("{METER}/increment"), r#"{"amount":5}"#).expect(200);
    for authorization in [leaked.as_str(), "License KEY-RENDERER"] {
        let mut client = stage.server.caller(authorization);
        let mut before = figures(&mut stage.admin);
        for _ in 0..400 {
            let request = attempt(&mut random);
            let answer = client.ask(&request);
            let after = figures(&mut stage.admin);
            let up = after.0 - before.0;
            assert!(up >= 0 && after.1 - before.1 == up && after.2 == before.2, "{request:?}");
            // What did count says so.
            assert_eq!(up > 0, answer.body.contains("\"repeat\":false"), "{request:?} {answer:?}");
            before = after;
        }
        assert!(before.0 > 5, "nothing was counted at all");
    }
}

/// A request that somebody with the key might try: all that a license may do by itself.
fn attempt_with_key(random: &mut Random, holds: &[String], sessions: &[String]) -> Request {
    let mut pick = |of: &[String]| match of {
        [] => "hold_0193b2c4d5e67890a1b2c3d4e5f60718".to_owned(),
        _ => of[usize::try_from(random.below(of.len() as u64)).unwrap()].clone(),
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let amount = pick(&words(&["0", "1", "3", "-2", "99"]));
    let meter = pick(&words(&["frames", "seats", "peak", "time"]));
    let machine = pick(&words(&["a", "b"]));
    let path = format!("/v1/licenses/KEY-LEAKED/meters/{meter}");
    let machines = "/v1/licenses/KEY-LEAKED/activations";
    let amount = format!(r#"{{"amount":{amount},"activation":"{machine}"}}"#);
    let bare = format!(r#"{{"activation":"{machine}"}}"#);
    match pick(&words(&["up", "hold", "settle", "release", "out", "beat", "in", "on", "off", "x"]))
        .as_str()
    {
        "up" => Request::post(format!("{path}/increment"), amount),
        "hold" => Request::post(format!("{path}/holds"), amount),
        "settle" => Request::post(format!("{path}/holds/{}/settle", pick(holds)), amount),
        "release" => Request::post(format!("{path}/holds/{}/release", pick(holds)), ""),
        "out" => Request::post(format!("{path}/sessions"), bare),
        "beat" => Request::post(format!("{path}/sessions/{}/heartbeat", pick(sessions)), ""),
        "in" => Request::post(format!("{path}/sessions/{}/check-in", pick(sessions)), ""),
        "on" => Request::post(machines, format!(r#"{{"fingerprint":"{machine}"}}"#)),
        "off" => Request::delete(format!("{machines}/{machine}")),
        _ => Request::post(
            format!("{path}/{}", pick(&words(&["decrement", "set", "reset"]))),
            amount,
        ),
    }
}

#[test]
fn a_leaked_key_lowers_no_total() {
    let mut random = Random::new(seed("a_leaked_key_lowers_no_total"));
    let mut stage = Stage::new();
    let meters = r#"[{"name":"frames","allowed":500},{"name":"seats","measure":"seats"},
        {"name":"peak","measure":"peak"},{"name":"time","measure":"duration"}]"#;
    let policy = format!(r#"{{"product":"renderer","code":"leaky","meters":{meters}}}"#);
    stage.admin.post("/v1/policies", policy).expect(201);
    stage.admin.post("/v1/licenses", r#"{"policy":"leaky","key":"KEY-LEAKED"}"#).expect(201);
    let mut client = stage.server.caller("License KEY-LEAKED");
    let (mut holds, mut sessions) = (Vec::new(), Vec::new());
    let mut totals = [0; 4];
    let mut done = std::collections::BTreeSet::new();
    for _ in 0..600 {
        let request = attempt_with_key(&mut random, &holds, &sessions);
        let answer = client.ask(&request);
        if answer.status < 300 {
            let path = request.path.rsplit('/').next().unwrap().to_owned();
            done.insert(path);
            let made = if answer.body.is_empty() { Value::Null } else { answer.json() };
            holds.extend(made["hold"].as_str().map(str::to_owned));
            sessions.extend(made["session"].as_str().map(str::to_owned));
        }
        let now = stage.admin.get("/v1/licenses/KEY-LEAKED/meters").expect(200);
        for (place, total) in totals.iter_mut().enumerate() {
            let meter = &now["items"][place];
            let after = meter["total"].as_i64().unwrap();
            assert!(after >= *total, "{request:?} {answer:?}");
            assert_eq!(meter["allowed"].as_i64(), (place == 0).then_some(500), "{request:?}");
            *total = after;
        }
    }
    for word in ["increment", "holds", "settle", "release", "sessions", "check-in", "activations"] {
        assert!(done.contains(word), "{word} never succeeded");
    }
    assert!(!done.iter().any(|word| ["decrement", "set", "reset"].contains(&word.as_str())));
}

#[test]
fn nobody_gives_away_what_they_have_not() {
    let mut stage = Stage::new();
    let poor =
        stage.token(&json!({"name": "poor", "permissions": ["policy:write", "token:write"]}));
    let mut poor = stage.server.caller(&poor);
    let policy = |words: &str| {
        let terms = format!(r#"{{"license_permissions":[{words}]}}"#);
        let body = format!(r#"{{"product":"renderer","code":"rich","terms":{terms}}}"#);
        Request::post("/v1/policies", body)
    };
    let patch = |words: &str| {
        let terms = format!(r#"{{"terms":{{"license_permissions":[{words}]}}}}"#);
        Request::patch("/v1/policies/renderer", terms)
    };
    let token = |words: &str| {
        Request::post("/v1/tokens", format!(r#"{{"name":"rich","permissions":[{words}]}}"#))
    };
    for words in [r#""meter:decrement""#, r#""*""#, r#""policy:write","meter:set""#] {
        for request in [policy(words), patch(words), token(words)] {
            let status = poor.ask(&request).status;
            assert!(matches!(status, 403 | 422), "{status} {request:?}");
        }
    }
    for request in [policy(r#""policy:write""#), patch(""), token(r#""token:write""#)] {
        assert!(poor.ask(&request).status < 300, "{request:?}");
    }
}
