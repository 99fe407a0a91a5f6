//! The binary is killed at random under load, and must still hold everything it acknowledged.
//!
//! Every use carries a name in its attributes, so that the history tells which of those whose
//! answer was lost were counted. `USANCE_TEST_KILLS` says how often to kill.

mod book;
mod load;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{hint, thread};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use self::book::{Book, Counted, Fate, LICENSES, Made, SCARCE, STOCK, Sent};
use self::load::{Caller, Load, batch_request, bulk_request, fate_of, first_and_last, outcomes};
use crate::http::Client;
use crate::random::{Random, knob, seed};
use crate::tree::{Head, path, roots_of_consistency};
use crate::world::{Server, run, serve};

const CLIENTS: usize = 8;
/// Answers after which a round may end, at most.
const ANSWERS_MAX: u64 = 240;
/// Rounds between two verifications.
const VERIFY_EVERY: usize = 4;
const METERS: [&str; 4] = ["frames", "pages", "stock", "scarce"];

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let kills = knob("USANCE_TEST_KILLS", 22);
    let mut random = Random::new(seed("what_was_acknowledged_survives_every_kill"));
    let mut trial = Trial::new();
    let mut server = Server::start(trial.dir.take().unwrap(), &[]);
    for round in 0..kills {
        let notes = trial.round(&server, round, &mut random);
        let (dir, code, _) = server.stop(Signal::KILL);
        assert_eq!(code, None, "killed, and not ended by itself");
        trial.notes.extend(notes);
        if round % VERIFY_EVERY == 0 {
            trial.verify(&dir);
        }
        if random.chance(30) {
            kill_while_starting(&dir, &mut random);
        }
        server = Server::start(dir, &[]);
        trial.check(&mut server.admin(), &mut random);
    }
    trial.check_all(&mut server.admin());
    println!(
        "{} uses and {} bulks in {kills} kills",
        trial.book.uses.len(),
        trial.book.bulks.len()
    );
    let (dir, ..) = server.stop(Signal::KILL);
    trial.verify(&dir);
}

/// What outlives the rounds.
struct Trial {
    dir: Option<TempDir>,
    licenses: Vec<String>,
    own_licenses: Vec<String>,
    book: Book,
    /// Checkpoints that were kept elsewhere.
    notes: Vec<String>,
    /// Every record of the meters, as it was first seen.
    history: BTreeMap<u64, Entry>,
}

/// A record of a meter that is looked at one by one.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    name: Option<String>,
    license: String,
    meter: String,
    is_use: bool,
    whole: Value,
}

impl Trial {
    fn new() -> Self {
        let server = Server::new();
        let mut admin = server.admin();
        admin.post("/v1/products", r#"{"code":"renderer"}"#).expect(201);
        let policy = json!({"product": "renderer", "code": "prepaid", "meters": [
            {"name": "frames"}, {"name": "pages"}, {"name": "stock"}, {"name": "bulk"},
            {"name": "scarce", "allowed": SCARCE, "record_refusals": true},
        ]});
        admin.post("/v1/policies", policy.to_string()).expect(201);
        let mut license = || {
            let made = admin.post("/v1/licenses", r#"{"policy":"prepaid"}"#).expect(201);
            made["id"].as_str().unwrap().to_owned()
        };
        let licenses: Vec<_> = (0..LICENSES).map(|_| license()).collect();
        let own_licenses = (0..CLIENTS).map(|_| license()).collect();
        for license in &licenses {
            let path = format!("/v1/licenses/{license}/meters/stock/set");
            admin.post(&path, json!({"amount": STOCK}).to_string()).expect(200);
        }
        let (dir, ..) = server.stop(Signal::TERM);
        Self {
            dir: Some(dir),
            licenses,
            own_licenses,
            book: Book { names: vec![vec![None]; CLIENTS], ..Book::default() },
            notes: Vec::new(),
            history: BTreeMap::new(),
        }
    }

    /// Lets the clients count until a random moment, and tells what they heard. The caller kills
    /// the server at once.
    fn round(&mut self, server: &Server, round: usize, random: &mut Random) -> Vec<String> {
        let load = Load {
            round,
            licenses: &self.licenses,
            own_licenses: &self.own_licenses,
            is_killed: AtomicBool::new(false),
        };
        let (answered, answers) = mpsc::channel();
        let mut notes = Vec::new();
        let callers = thread::scope(|scope| {
            let callers: Vec<_> = (0..CLIENTS)
                .map(|index| {
                    let random = random.fork((round * CLIENTS + index) as u64);
                    let names = self.book.names[index].clone();
                    let caller = Caller::new(&load, server.admin(), index, random);
                    let answered = answered.clone();
                    scope.spawn(move || caller.run(names, &answered))
                })
                .collect();
            let (before, after) = (random.below(ANSWERS_MAX / 2), random.below(ANSWERS_MAX / 2));
            let wait = |count| (0..count).for_each(|_| answers.recv().unwrap());
            wait(before);
            notes.push(server.admin().get("/v1/ledger/checkpoint").body);
            wait(after);
            spin(random.below(3000));
            load.is_killed.store(true, Ordering::SeqCst);
            server.kill();
            callers.into_iter().map(|caller| caller.join().unwrap()).collect::<Vec<_>>()
        });
        for caller in callers {
            for (sent, fate) in caller.uses {
                self.book.uses.insert(sent.name.clone(), (sent, fate));
            }
            self.book.bulks.extend(caller.bulks);
            self.book.made.extend(caller.made);
            self.book.names[caller.index] = caller.names;
        }
        notes
    }

    /// Checks what the last round left, and finds out about what was in flight.
    fn check(&mut self, admin: &mut Client, random: &mut Random) {
        self.check_proofs(admin);
        self.check_made(admin);
        self.retry(admin, random);
        let new = self.read_history(admin, self.history.keys().next_back().copied());
        for (record, entry) in new {
            assert!(self.history.insert(record, entry).is_none(), "record {record} twice");
        }
        self.check_uses();
        self.check_totals(admin);
    }

    /// Asks again for what has a key and no answer; from then on it has one.
    fn retry(&mut self, admin: &mut Client, random: &mut Random) {
        let unknown: Vec<Sent> = self.in_flight(true).cloned().collect();
        for part in unknown.chunks(5) {
            let is_lines = random.chance(50);
            let answer = admin.ask(&batch_request(part, &self.licenses, is_lines));
            for (sent, outcome) in part.iter().zip(outcomes(&answer)) {
                let fate = fate_of(sent, &outcome);
                self.book.uses.get_mut(&sent.name).unwrap().1 = fate;
            }
        }
        for bulk in self.book.bulks.iter_mut().filter(|bulk| bulk.answered.is_none()) {
            let answer = admin.ask(&bulk_request(bulk, &self.licenses));
            bulk.answered = Some(first_and_last(&answer));
        }
    }

    fn in_flight(&self, is_keyed: bool) -> impl Iterator<Item = &Sent> {
        let uses = self.book.uses.values();
        uses.filter(move |(sent, fate)| *fate == Fate::Unknown && sent.is_keyed == is_keyed)
            .map(|(sent, _)| sent)
    }

    /// Every use of the book against the history, and the other way round.
    fn check_uses(&self) {
        let mut found = BTreeMap::new();
        for (record, entry) in self.history.iter().filter(|(_, entry)| entry.is_use) {
            // The stock was set once, before the first kill, and has no name.
            let Some(name) = &entry.name else { continue };
            assert!(found.insert(name.as_str(), *record).is_none(), "{name} was counted twice");
            assert!(self.book.uses.contains_key(name), "nobody sent {name}");
        }
        for (name, (sent, fate)) in &self.book.uses {
            let record = found.get(name.as_str());
            match fate {
                Fate::Unknown => assert!(!sent.is_keyed, "{name} was retried"),
                Fate::Refused => assert_eq!(record, None, "{name} was refused"),
                Fate::Counted(counted) => {
                    assert_eq!(record, Some(&counted.record), "{name}");
                    self.check_entry(sent, counted);
                }
            }
        }
    }

    fn check_entry(&self, sent: &Sent, counted: &Counted) {
        let entry = &self.history[&counted.record];
        assert_eq!(Counted::of(&entry.whole), *counted, "{sent:?}");
        let place = (&self.licenses[sent.license], sent.meter);
        assert_eq!((&entry.license, entry.meter.as_str()), place, "{sent:?}");
        assert_eq!(entry.whole["operation"], sent.operation, "{sent:?}");
        let user = sent.is_personal.then(|| format!("user of {}", sent.name));
        assert_eq!(entry.whole["subject"]["user"].as_str(), user.as_deref(), "{sent:?}");
    }

    /// Every meter stands where its acknowledged uses leave it, and those that were in flight and
    /// were counted after all.
    fn check_totals(&self, admin: &mut Client) {
        for (index, license) in self.licenses.iter().enumerate() {
            for meter in METERS {
                let begin = if meter == "stock" { STOCK } else { 0 };
                let here = self.history.values().filter(|entry| {
                    entry.is_use && entry.license == *license && entry.meter == meter
                });
                let names: BTreeSet<_> = here.filter_map(|entry| entry.name.as_ref()).collect();
                let sum = |counts: &dyn Fn(&Sent, &Fate) -> bool| -> i64 {
                    let of = self.book.uses.values().filter(|(sent, fate)| {
                        (sent.license, sent.meter) == (index, meter) && counts(sent, fate)
                    });
                    of.map(|(sent, _)| sent.change(sent.amount)).sum()
                };
                let acknowledged = sum(&|_, fate| matches!(fate, Fate::Counted(_)));
                let lost = sum(&|_, fate| *fate == Fate::Unknown);
                let lost_but_counted =
                    sum(&|sent, fate| *fate == Fate::Unknown && names.contains(&sent.name));
                let state =
                    admin.get(&format!("/v1/licenses/{license}/meters/{meter}")).expect(200);
                let total = state["total"].as_i64().unwrap();
                assert_eq!(total, begin + acknowledged + lost_but_counted, "{meter}");
                let moved = (total - begin).abs();
                assert!((acknowledged.abs()..=(acknowledged + lost).abs()).contains(&moved));
                assert!(meter != "scarce" || total <= SCARCE, "{total}");
            }
            let path = format!("/v1/licenses/{license}/meters/bulk");
            let of = self.book.bulks.iter().filter(|bulk| bulk.license == index);
            let sum: usize = of.map(|bulk| bulk.count).sum();
            assert_eq!(admin.get(&path).expect(200)["total"], sum, "bulk");
        }
    }

    /// What was made is there as it was answered; what was in flight is there or not.
    fn check_made(&mut self, admin: &mut Client) {
        for made in &mut self.book.made {
            match made {
                Made::Product { code, answered } => {
                    let there = admin.get(&format!("/v1/products/{code}"));
                    match answered {
                        Some(answered) => assert_eq!(there.expect(200), *answered),
                        // From now on it has to stay.
                        None if there.status == 200 => *answered = Some(there.json()),
                        None => assert_eq!(there.problem(), (404, "unknown".into())),
                    }
                }
                Made::Token { answered } => {
                    let id = answered["id"].as_str().unwrap();
                    let mut known = answered.clone();
                    known.as_object_mut().unwrap().remove("secret");
                    assert_eq!(admin.get(&format!("/v1/tokens/{id}")).expect(200), known);
                }
            }
        }
        for (client, names) in self.book.names.iter_mut().enumerate() {
            let path = format!("/v1/licenses/{}", self.own_licenses[client]);
            let license = admin.get(&path).expect(200);
            let name = license["name"].as_str().map(str::to_owned);
            assert!(names.contains(&name), "{name:?} is none of {names:?}");
            *names = vec![name];
        }
    }

    /// The ledger continues every checkpoint that was kept.
    fn check_proofs(&self, admin: &mut Client) {
        let now = Head::of(&admin.get("/v1/ledger/checkpoint").body);
        for note in &self.notes {
            let before = Head::of(note);
            assert_eq!(before.origin, now.origin);
            let query = format!("from={}&to={}", before.size, now.size);
            let proof = admin.get(&format!("/v1/ledger/proof/consistency?{query}")).expect(200);
            let roots = roots_of_consistency(&before, &now, &path(&proof));
            assert_eq!(roots, (before.root, now.root), "{query}");
        }
    }

    /// The records of all meters above `after`.
    fn read_history(&self, admin: &mut Client, after: Option<u64>) -> BTreeMap<u64, Entry> {
        let mut all = BTreeMap::new();
        for license in &self.licenses {
            for meter in METERS {
                let path = format!("/v1/licenses/{license}/meters/{meter}/records?limit=500");
                let mut cursor = String::new();
                loop {
                    let page = admin.get(&format!("{path}{cursor}")).expect(200);
                    let items = page["items"].as_array().unwrap();
                    let mut is_new = true;
                    for item in items {
                        let record = item["record"].as_u64().unwrap();
                        is_new = after.is_none_or(|after| record > after);
                        if is_new {
                            assert!(all.insert(record, Entry::of(item)).is_none(), "{item}");
                        }
                    }
                    let Some(next) = page["next"].as_str().filter(|_| is_new) else { break };
                    cursor = format!("&cursor={next}");
                }
            }
        }
        all
    }

    /// Everything once more: the whole history, and every key.
    fn check_all(&mut self, admin: &mut Client) {
        assert_eq!(self.read_history(admin, None), self.history, "the past has changed");
        let keyed: Vec<_> = self.book.uses.values().filter(|(sent, _)| sent.is_keyed).collect();
        for part in keyed.chunks(200) {
            let sent: Vec<Sent> = part.iter().map(|(sent, _)| sent.clone()).collect();
            let answer = admin.ask(&batch_request(&sent, &self.licenses, true));
            for ((sent, fate), outcome) in part.iter().zip(outcomes(&answer)) {
                if let Fate::Counted(counted) = fate {
                    assert_eq!(outcome["repeat"], true, "{sent:?}");
                    assert_eq!(Counted::of(&outcome), *counted, "{sent:?}");
                }
            }
        }
        for bulk in self.book.bulks.iter().rev().step_by(5) {
            let answer = admin.ask(&bulk_request(bulk, &self.licenses));
            assert_eq!(answer.body.matches("\"repeat\":true").count(), bulk.count);
            assert_eq!(Some(first_and_last(&answer)), bulk.answered);
        }
        self.check_totals(admin);
    }

    /// What is left verifies, and continues the checkpoints that were kept.
    fn verify(&self, dir: &TempDir) {
        let mut words = vec!["verify".to_owned(), "data".into(), "--json".into()];
        for (index, note) in self.notes.iter().enumerate() {
            let name = format!("note-{index}");
            std::fs::write(dir.path().join(&name), note).unwrap();
            words.extend(["--checkpoint".into(), name]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let report: Value = serde_json::from_str(&run(dir, &words).done()).unwrap();
        assert_eq!(report["findings"], json!([]));
        assert_eq!(report["checkpoints"], self.notes.len());
    }
}

impl Entry {
    fn of(item: &Value) -> Self {
        let text = |name: &str| item[name].as_str().unwrap().to_owned();
        Self {
            name: item["attributes"]["n"].as_str().map(str::to_owned),
            license: text("license"),
            meter: text("meter"),
            is_use: item["kind"] == "use",
            whole: item.clone(),
        }
    }
}

/// A kill in the middle of a start must not matter to the next one.
fn kill_while_starting(dir: &TempDir, random: &mut Random) {
    let mut child = serve(dir).stdout(Stdio::null()).spawn().unwrap();
    spin(random.below(40_000));
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Stays busy, so that a kill comes at a moment that nothing else decides.
fn spin(us: u64) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(us) {
        hint::spin_loop();
    }
}
