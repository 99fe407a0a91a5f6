//! The server is killed at random while receivers are told, and must lose and reorder nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::process::Signal;
use serde_json::json;

use super::receiver::{Does, Message, Receiver};
use super::{count, make, server_in};
use crate::http::Connection;
use crate::random::{Random, knob, seed};
use crate::world::Server;

/// What a crash may have a receiver told once more, as the guide says.
const REPEATED_MAX: usize = 64;

#[test]
fn no_event_is_lost_or_overtaken_across_kills() {
    let kills = knob("USANCE_TEST_KILLS", 8);
    let mut random = Random::new(seed("no_event_is_lost_or_overtaken_across_kills"));
    let mut server = server_in(tempfile::tempdir().unwrap(), "[0, 0, 0, 0, 0, 0, 0, 0]");
    let license = server.license("frames");
    let fast = Receiver::new();
    let mut odd = 0;
    // Every third answer is a failure, never more than two in a row.
    let failing = Receiver::that(move |_| {
        odd += 1;
        if odd % 3 == 0 { Does::Says(500, "") } else { Does::Says(200, "") }
    });
    let mut admin = server.admin();
    for receiver in [&fast, &failing] {
        make(&mut admin, &json!({"url": receiver.url(), "kinds": ["meter.incremented"]}));
    }
    let mut told = [Vec::new(), Vec::new()];
    for _ in 0..kills {
        let is_over = AtomicBool::new(false);
        let heard = 5 + usize::try_from(random.below(60)).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| load(&server, &license, &is_over));
            for _ in 0..heard {
                told[0].push(fast.next());
            }
            server.kill();
            is_over.store(true, Ordering::Relaxed);
        });
        let (dir, ..) = server.stop(Signal::KILL);
        told[1].extend(failing.rest());
        server = server_in(dir, "[0, 0, 0, 0, 0, 0, 0, 0]");
    }
    // One more, after which both have everything.
    count(&mut server.admin(), &license, 1);
    let history = server.admin().get(&format!("/v1/licenses/{license}/meters/frames")).expect(200);
    let total = history["total"].as_u64().unwrap();
    let is_last = |message: &Message| message.json()["data"]["total"] == total;
    for (told, receiver) in told.iter_mut().zip([&fast, &failing]) {
        if !told.iter().any(is_last) {
            told.extend(receiver.until(is_last));
        }
        check(told, total, kills);
    }
}

/// Counts up until the server is gone.
fn load(server: &Server, license: &str, is_over: &AtomicBool) {
    let Ok(mut connection) = Connection::open(server.address()) else { return };
    let token = std::fs::read_to_string(server.data().join("admin-token")).unwrap();
    let request = format!(
        "POST /v1/licenses/{license}/meters/frames/increment HTTP/1.1\r\nhost: x\r\n\
         authorization: Bearer {}\r\ncontent-length: 2\r\n\r\n{{}}",
        token.trim()
    );
    while !is_over.load(Ordering::Relaxed) {
        if connection.send(request.as_bytes()).is_err() || connection.answer().is_err() {
            return;
        }
    }
}

/// Every total from 1 on is there, first sights are in order, and repetitions are few.
fn check(told: &[Message], total: u64, kills: usize) {
    let mut seen: BTreeMap<u64, u64> = BTreeMap::new();
    let mut last = 0;
    for message in told {
        let body = message.json();
        let (number, at) = (message.number(), body["data"]["total"].as_u64().unwrap());
        assert_eq!(*seen.entry(number).or_insert(at), at, "the same event says the same");
        if seen.len() as u64 > last {
            assert_eq!(at, last + 1, "the next that is new is the next that happened");
            last = at;
        }
    }
    assert_eq!(last, total, "nothing is missing");
    let repeated = told.len() - seen.len();
    // A failed attempt is a repetition as well: half of those that were taken, at most.
    let most = kills * (REPEATED_MAX + 1) + told.len() / 2;
    assert!(repeated <= most, "{repeated} of {}", told.len());
}
