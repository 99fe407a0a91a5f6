//! Webhooks: what receivers on loopback are told, whatever they do, and whatever befalls the server.

mod crashes;
mod receiver;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tempfile::TempDir;

use self::receiver::{Does, Message, Receiver};
use crate::http::{Client, Request};
use crate::world::Server;

/// A server that calls receivers on loopback, with these waits before retries.
fn server(retry_seconds: &str) -> Server {
    server_in(tempfile::tempdir().unwrap(), retry_seconds)
}

fn server_in(dir: TempDir, retry_seconds: &str) -> Server {
    let text = format!(
        "[webhooks]\nallow_private = true\nretry_seconds = {retry_seconds}\ntimeout_seconds = 1\n"
    );
    std::fs::write(dir.path().join("usance.toml"), text).unwrap();
    Server::start_with(dir, &["--config", "usance.toml"], &[])
}

fn make(admin: &mut Client, body: &Value) -> Value {
    admin.post("/v1/webhooks", body.to_string()).expect(201)
}

fn id(thing: &Value) -> &str {
    thing["id"].as_str().unwrap()
}

fn count(admin: &mut Client, license: &str, times: usize) {
    for _ in 0..times {
        let path = format!("/v1/licenses/{license}/meters/frames/increment");
        admin.post(&path, "{}").expect(200);
    }
}

/// Whether the message says that the meter was counted up to this.
fn counts_to(message: &Message, total: u64) -> bool {
    message.kind() == "meter.incremented" && message.json()["data"]["total"] == total
}

fn show(admin: &mut Client, webhook: &Value) -> Value {
    admin.get(&format!("/v1/webhooks/{}", id(webhook))).expect(200)
}

/// Asks until it is so: what is delivered is written down a moment after the receiver has it.
fn until(admin: &mut Client, path: &str, mut is_so: impl FnMut(&Value) -> bool) -> Value {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    loop {
        let found = admin.get(path).expect(200);
        if is_so(&found) {
            return found;
        }
        assert!(std::time::Instant::now() < deadline, "{found}");
        std::thread::yield_now();
    }
}

#[test]
fn what_happens_is_told_in_order_and_signed() {
    let server = server("[]");
    let license = server.license("frames");
    let (mut admin, receiver) = (server.admin(), Receiver::new());
    let made = make(&mut admin, &json!({"url": receiver.url()}));
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert_eq!(show(&mut admin, &made).get("secret"), None, "shown once");
    count(&mut admin, &license, 20);
    let messages = receiver.until(|message| counts_to(message, 20));
    // The first is its own making.
    assert_eq!(messages[0].kind(), "webhook.created");
    let begin = messages[0].number();
    for (place, message) in messages.iter().enumerate() {
        assert_eq!(message.number(), begin + place as u64, "every event, in order, once");
        assert_eq!(message.path, "/hook?a=b");
        assert_eq!(message.header("content-type"), "application/json");
        assert_eq!(message.signatures_by(&secret), 1, "{message:?}");
        assert!(!message.is_again());
        let body = message.json();
        assert_eq!(body["data"]["number"], message.number());
        assert_eq!(body["data"]["kind"], body["type"]);
        assert_eq!(body["data"]["at"], body["timestamp"]);
    }
    let path = format!("/v1/webhooks/{}", id(&made));
    let end = begin + messages.len() as u64;
    let shown = until(&mut admin, &path, |shown| shown["next_event"] == end);
    assert_eq!((&shown["attempts"], &shown["dead_letters"]), (&json!(0), &json!(0)));
    let deliveries = admin.get(&format!("{path}/deliveries?limit=2")).expect(200);
    let newest = &deliveries["items"][0];
    assert_eq!(newest["event"], end - 1);
    assert_eq!((&newest["outcome"], &newest["status"]), (&json!("delivered"), &json!(204)));
    assert_ne!(deliveries["next"], Value::Null);
    let metrics = admin.get("/metrics").body;
    assert!(metrics.contains("\nusance_webhooks 1\n"), "{metrics}");
}

#[test]
fn a_receiver_is_told_what_it_wants() {
    let server = server("[]");
    let license = server.license("frames");
    let other = server.json("license create --policy prepaid");
    let mut admin = server.admin();
    server.json("product create elsewhere");
    server.json("policy create elsewhere --product elsewhere --meter frames");
    let far = server.json("license create --policy elsewhere");
    let wants = [
        json!({"kinds": ["license.*"]}),
        json!({"kinds": ["meter.incremented"], "license": license}),
        json!({"product": "elsewhere"}),
        json!({"meter": "frames"}),
    ];
    let receivers: Vec<_> = wants
        .into_iter()
        .map(|mut body| {
            let receiver = Receiver::new();
            body["url"] = json!(receiver.url());
            make(&mut admin, &body);
            receiver
        })
        .collect();
    for license in [license.as_str(), id(&other), id(&far)] {
        count(&mut admin, license, 1);
        admin.post(&format!("/v1/licenses/{license}/suspend"), "").expect(200);
    }
    admin.ask(&Request::patch("/v1/products/elsewhere", r#"{"name":"Far"}"#)).expect(200);
    admin.post(&format!("/v1/licenses/{license}/reinstate"), "").expect(200);
    count(&mut admin, &license, 1);
    admin.post(&format!("/v1/licenses/{}/reinstate", id(&far)), "").expect(200);
    let told = |receiver: &Receiver, count: usize| -> Vec<String> {
        (0..count).map(|_| receiver.next().kind()).collect()
    };
    assert_eq!(
        told(&receivers[0], 5),
        [["license.suspended"; 3].as_slice(), &["license.reinstated"; 2]].concat()
    );
    assert_eq!(told(&receivers[1], 2), ["meter.incremented"; 2]);
    let of_product = ["meter.incremented", "license.suspended", "product.changed"];
    assert_eq!(told(&receivers[2], 4), [&of_product[..], &["license.reinstated"]].concat());
    assert_eq!(told(&receivers[3], 4), ["meter.incremented"; 4]);
    for receiver in &receivers {
        assert!(receiver.rest().is_empty());
    }
}

#[test]
fn who_fails_is_tried_again_and_delays_only_itself() {
    let server = server("[0, 0, 0, 0, 0]");
    let license = server.license("frames");
    let mut admin = server.admin();
    let mut failures = 4;
    let bad = Receiver::that(move |message| {
        if counts_to(message, 2) && failures > 0 {
            failures -= 1;
            return Does::Says(500, "not today\nnor tomorrow");
        }
        Does::Says(200, "")
    });
    let (slow, fast) = (Receiver::that(|_| Does::Hangs), Receiver::new());
    let wanted = json!(["meter.incremented"]);
    let hooks = [&bad, &slow, &fast]
        .map(|receiver| make(&mut admin, &json!({"url": receiver.url(), "kinds": wanted})));
    count(&mut admin, &license, 5);
    let totals = |messages: &[Message]| -> Vec<u64> {
        messages.iter().map(|each| each.json()["data"]["total"].as_u64().unwrap()).collect()
    };
    assert_eq!(totals(&fast.until(|message| counts_to(message, 5))), [1, 2, 3, 4, 5]);
    let told = bad.until(|message| counts_to(message, 5));
    assert_eq!(totals(&told), [1, 2, 2, 2, 2, 2, 3, 4, 5], "nothing overtakes");
    let ids: BTreeSet<_> = told.iter().map(Message::number).collect();
    assert_eq!(ids.len(), 5, "a retry has the id of the first attempt");
    // The slow one is still at its first.
    let first = slow.next();
    assert!(counts_to(&first, 1));
    assert!(slow.rest().iter().all(|message| message.number() == first.number()));
    let path = format!("/v1/webhooks/{}/deliveries", id(&hooks[0]));
    let all = until(&mut admin, &path, |all| all["items"].as_array().unwrap().len() == 9);
    let outcome = |place: usize| {
        (all["items"][place]["outcome"].clone(), all["items"][place]["attempt"].clone())
    };
    assert_eq!(outcome(3), (json!("delivered"), json!(5)));
    assert_eq!(outcome(4), (json!("failed"), json!(4)));
    assert_eq!(all["items"][4]["status"], 500);
    assert_eq!(all["items"][4]["answer"], "not today nor tomorrow");
}

#[test]
fn what_is_given_up_can_be_told_again() {
    let server = server("[0, 0]");
    let license = server.license("frames");
    let mut admin = server.admin();
    let receiver = Receiver::that(|message| {
        if counts_to(message, 2) || counts_to(message, 3) {
            Does::Says(503, "")
        } else {
            Does::Says(202, "")
        }
    });
    let hook = make(&mut admin, &json!({"url": receiver.url(), "kinds": ["meter.*"]}));
    count(&mut admin, &license, 4);
    let told = receiver.until(|message| counts_to(message, 4));
    assert_eq!(told.len(), 1 + 3 + 3 + 1, "each was tried three times, and then the next");
    let path = format!("/v1/webhooks/{}", id(&hook));
    let dead = until(&mut admin, &format!("{path}/dead-letters"), |dead| {
        dead["items"].as_array().unwrap().len() == 2
    });
    assert_eq!(dead["items"][0]["event"], told[1].number());
    assert_eq!(
        (&dead["items"][0]["attempts"], &dead["items"][0]["status"]),
        (&json!(3), &json!(503))
    );
    receiver.now(|_| Does::Says(204, ""));
    let ask = |admin: &mut Client, body: &str| {
        admin.post(&format!("{path}/redeliver"), body).expect(200);
    };
    ask(&mut admin, r#"{"dead_letters":true}"#);
    let again = [receiver.next(), receiver.next()];
    assert!(again.iter().all(Message::is_again));
    assert_eq!(again.each_ref().map(Message::number), [told[1].number(), told[4].number()]);
    assert_eq!(again[0].body, told[1].body, "the same message");
    until(&mut admin, &path, |shown| shown["dead_letters"] == 0 && shown["redeliveries"] == 0);
    let (first, last) = (told[0].number(), told.last().unwrap().number());
    ask(&mut admin, &json!({"from": first, "to": last}).to_string());
    ask(&mut admin, &json!({"event": first}).to_string());
    let again: Vec<_> = (0..5).map(|_| receiver.next()).collect();
    assert!(again.iter().all(Message::is_again));
    let numbers: Vec<_> = again.iter().map(Message::number).collect();
    assert_eq!(numbers, [first, first + 1, first + 2, first + 3, first]);
    // What happens meanwhile is not marked.
    count(&mut admin, &license, 1);
    assert!(!receiver.next().is_again());
    for wrong in ["{}", r#"{"from":5,"to":4}"#, r#"{"event":1000000}"#] {
        assert_eq!(admin.post(&format!("{path}/redeliver"), wrong).status, 422, "{wrong}");
    }
}

#[test]
fn who_is_gone_is_told_nothing_until_it_is_back() {
    let server = server("[0]");
    let license = server.license("frames");
    let mut admin = server.admin();
    let receiver = Receiver::that(|_| Does::Says(410, "closed"));
    let body = json!({"url": receiver.url(), "kinds": ["meter.*", "webhook.changed"]});
    let hook = make(&mut admin, &body);
    count(&mut admin, &license, 3);
    let first = receiver.next();
    let path = format!("/v1/webhooks/{}", id(&hook));
    let shown = until(&mut admin, &path, |shown| shown["enabled"] == false);
    assert_eq!(shown["disabled_for"], "gone");
    assert_eq!(shown["next_event"], first.number());
    receiver.now(|_| Does::Says(204, ""));
    assert!(receiver.rest().is_empty());
    admin.ask(&Request::patch(path.as_str(), r#"{"enabled":true}"#)).expect(200);
    let told = receiver.until(|message| counts_to(message, 3));
    assert_eq!(told[0].number(), first.number(), "it goes on where it stopped");
    // The change of it is an event of the ledger, and of nobody.
    let changed =
        receiver.rest().into_iter().chain(told).find(|each| each.kind() == "webhook.changed");
    let changed = changed.unwrap_or_else(|| receiver.next()).json();
    assert_eq!(changed["data"]["thing"], hook["id"]);
    // A receiver may be silenced by hand.
    let shown = admin.ask(&Request::patch(path.as_str(), r#"{"enabled":false}"#)).expect(200);
    assert_eq!(shown["disabled_for"], "asked");
}

#[test]
fn hostile_receivers_harm_nobody() {
    let server = server("[]");
    let license = server.license("frames");
    let mut admin = server.admin();
    let victim = Receiver::new();
    let elsewhere = victim.url();
    let bad = [
        Receiver::that(move |_| Does::Redirects(elsewhere.clone())),
        Receiver::that(|_| Does::Babbles),
        Receiver::that(|_| Does::Rambles),
        Receiver::that(|_| Does::Hangs),
        Receiver::that(|_| Does::Leaves),
    ];
    let wanted = json!(["meter.*"]);
    let mut hooks: Vec<_> = bad
        .iter()
        .map(|receiver| make(&mut admin, &json!({"url": receiver.url(), "kinds": wanted})))
        .collect();
    // Plain HTTP where TLS is expected.
    let plain = Receiver::new();
    let url = format!("https://{}/", plain.address());
    hooks.push(make(&mut admin, &json!({"url": url, "kinds": wanted})));
    let good = Receiver::new();
    make(&mut admin, &json!({"url": good.url(), "kinds": wanted}));
    count(&mut admin, &license, 2);
    assert_eq!(good.until(|message| counts_to(message, 2)).len(), 2);
    let expected = [
        (json!(307), ""),
        (Value::Null, "no answer"),
        (json!(200), "xxxx"),
        (Value::Null, "no whole answer within 1 s"),
        (Value::Null, "no answer"),
        (Value::Null, "TLS"),
    ];
    for (hook, (status, answer)) in hooks.iter().zip(expected) {
        let path = format!("/v1/webhooks/{}/deliveries", id(hook));
        let all = until(&mut admin, &path, |all| all["items"].as_array().unwrap().len() == 2);
        for each in all["items"].as_array().unwrap() {
            assert_eq!(each["status"], status, "{each}");
            let said = each["answer"].as_str().unwrap();
            assert!(said.starts_with(answer) && said.len() <= 1024, "{each}");
            let outcome = if status == 200 { "delivered" } else { "gave-up" };
            assert_eq!(each["outcome"], outcome, "{each}");
        }
    }
    assert!(victim.rest().is_empty(), "redirections are not followed");
}

#[test]
fn secrets_change_without_a_gap() {
    let server = server("[]");
    let license = server.license("frames");
    let (mut admin, receiver) = (server.admin(), Receiver::new());
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let body = json!({"url": receiver.url(), "kinds": ["meter.*"], "secret": own});
    let hook = make(&mut admin, &body);
    assert_eq!(hook["secret"], own);
    let path = format!("/v1/webhooks/{}/rotate-secret", id(&hook));
    // A change reaches the deliverer a moment after its commit.
    let tell = |secrets: &[(&str, usize)]| loop {
        count(&mut server.admin(), &license, 1);
        let message = receiver.next();
        let signatures = message.header("webhook-signature").split(' ').count();
        if signatures == secrets.iter().map(|(_, times)| times).sum::<usize>()
            && secrets.iter().all(|(secret, times)| message.signatures_by(secret) == *times)
        {
            return;
        }
    };
    tell(&[(own, 1)]);
    let second = admin.post(&path, "").expect(200)["secret"].as_str().unwrap().to_owned();
    tell(&[(own, 1), (&second, 1)]);
    let third = admin.post(&path, r#"{"keep_seconds":0}"#).expect(200);
    let third = third["secret"].as_str().unwrap().to_owned();
    tell(&[(own, 0), (&second, 0), (&third, 1)]);
    for wrong in [r#"{"secret":"whsec_AAAA"}"#, r#"{"keep_seconds":2592001}"#] {
        assert_eq!(admin.post(&path, wrong).status, 422, "{wrong}");
    }
}

#[test]
fn private_addresses_are_refused_unless_allowed() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("usance.toml"), "[webhooks]\nretry_seconds = []\n").unwrap();
    let server = Server::start_with(dir, &["--config", "usance.toml"], &[]);
    let license = server.license("frames");
    let (mut admin, receiver) = (server.admin(), Receiver::new());
    let port = receiver.address().port();
    for host in ["127.0.0.1", "localhost", "[::1]", "10.0.0.1", "169.254.169.254", "[fe80::1]"] {
        for scheme in ["http", "https"] {
            let body = json!({"url": format!("{scheme}://{host}:{port}/")});
            let answer = admin.post("/v1/webhooks", body.to_string());
            assert_eq!(answer.problem(), (422, "invalid".into()), "{body}");
        }
    }
    // Forms that only the resolver understands are seen through when they are called.
    let hooks = ["0x7f.1", "2130706433", "127.1"].map(|host| {
        let url = format!("https://{host}:{port}/");
        make(&mut admin, &json!({"url": url, "kinds": ["meter.*"]}))
    });
    count(&mut admin, &license, 1);
    for hook in &hooks {
        let path = format!("/v1/webhooks/{}/dead-letters", id(hook));
        let dead = until(&mut admin, &path, |dead| !dead["items"].as_array().unwrap().is_empty());
        let answer = dead["items"][0]["answer"].as_str().unwrap();
        assert!(answer.contains("private address"), "{answer}");
    }
    assert!(receiver.rest().is_empty());
}

#[test]
fn the_command_line_tends_webhooks() {
    let server = server("[]");
    let license = server.license("frames");
    let receiver = Receiver::new();
    let line = format!("webhook create {} --kind meter.* --name shop", receiver.url());
    let hook = server.json(&line);
    server.run(&format!("use {license} frames 5")).done();
    assert!(counts_to(&receiver.next(), 5));
    let id = id(&hook);
    assert!(server.run("webhook list").done().contains("shop"));
    assert!(server.run(&format!("webhook show {id}")).done().contains("meter.*"));
    let rotated = server.json(&format!("webhook rotate-secret {id} --keep 1h"));
    assert_ne!(rotated["secret"], hook["secret"]);
    let mut admin = server.admin();
    let path = format!("/v1/webhooks/{id}/deliveries");
    until(&mut admin, &path, |all| !all["items"].as_array().unwrap().is_empty());
    assert!(server.run(&format!("webhook deliveries {id}")).done().contains("delivered"));
    let number = server.json(&format!("webhook deliveries {id}"))["items"][0]["event"].clone();
    server.run(&format!("webhook redeliver {id} --event {number}")).done();
    assert!(receiver.next().is_again());
    server.run(&format!("webhook dead-letters {id}")).done();
    server.run(&format!("webhook change {id} --disable")).done();
    server.run(&format!("webhook delete {id}")).done();
    assert!(server.run("webhook list").err.contains("There are none"));
    // It hears of its own making, checks the signature, and takes itself away.
    let heard = server.json("webhook listen --register --kind webhook.* --count 1");
    assert_eq!(
        (&heard["signature"], &heard["body"]["type"]),
        (&json!("right"), &json!("webhook.created"))
    );
    assert!(server.run("webhook list").err.contains("There are none"));
}
