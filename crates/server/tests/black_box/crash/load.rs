//! Clients that count until the server is gone.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use serde_json::{Value, json};

use super::book::{Bulk, Counted, Fate, LICENSES, Made, Sent};
use crate::http::{Answer, Client, Request};
use crate::random::Random;

/// What all clients of a round share.
pub struct Load<'a> {
    pub round: usize,
    pub licenses: &'a [String],
    pub own_licenses: &'a [String],
    /// Set before the server is killed: until then no request may fail.
    pub is_killed: AtomicBool,
}

/// One client, and what it has to tell.
pub struct Caller<'a> {
    load: &'a Load<'a>,
    client: Client,
    pub index: usize,
    random: Random,
    number: usize,
    pub uses: Vec<(Sent, Fate)>,
    pub bulks: Vec<Bulk>,
    pub made: Vec<Made>,
    /// What its own license may be called.
    pub names: Vec<Option<String>>,
}

impl<'a> Caller<'a> {
    pub fn new(load: &'a Load<'a>, client: Client, index: usize, random: Random) -> Self {
        Self {
            load,
            client,
            index,
            random,
            number: 0,
            uses: Vec::new(),
            bulks: Vec::new(),
            made: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Counts until the connection breaks, and says so after every answer.
    pub fn run(mut self, names: Vec<Option<String>>, answered: &Sender<()>) -> Self {
        self.names = names;
        loop {
            let done = match self.random.below(100) {
                0..10 if self.index == 0 => self.bulk(),
                0..70 => self.one(),
                70..90 => self.batch(),
                90..96 => self.catalogue(),
                _ => self.one(),
            };
            match done {
                // Nobody listens any more after the kill.
                Ok(()) => drop(answered.send(())),
                Err(error) => {
                    assert!(self.load.is_killed.load(Ordering::SeqCst), "before the kill: {error}");
                    return self;
                }
            }
        }
    }

    fn name(&mut self) -> String {
        self.number += 1;
        format!("{}-{}-{}", self.load.round, self.index, self.number)
    }

    fn draw(&mut self) -> Sent {
        let name = self.name();
        let random = &mut self.random;
        let (meter, operation) = match random.below(20) {
            0..10 => ("frames", "increment"),
            10..14 => ("stock", "decrement"),
            14..16 => ("scarce", "increment"),
            _ => ("pages", "increment"),
        };
        Sent {
            name,
            license: usize::try_from(random.below(LICENSES as u64)).unwrap(),
            meter,
            operation,
            amount: i64::try_from(random.between(1, 9)).unwrap(),
            is_keyed: random.chance(60),
            is_personal: random.chance(25),
        }
    }

    fn one(&mut self) -> io::Result<()> {
        let sent = self.draw();
        let license = &self.load.licenses[sent.license];
        let path = format!("/v1/licenses/{license}/meters/{}/{}", sent.meter, sent.operation);
        let request = Request::post(path, sent.members().to_string());
        let place = self.uses.len();
        self.uses.push((sent, Fate::Unknown));
        let answer = self.client.send(&request)?;
        let (sent, fate) = &mut self.uses[place];
        *fate = fate_of(sent, &answer.json());
        Ok(())
    }

    fn batch(&mut self) -> io::Result<()> {
        let count = self.random.between(2, 24);
        let drawn: Vec<_> = (0..count).map(|_| self.draw()).collect();
        let is_lines = self.random.chance(50);
        let request = batch_request(&drawn, self.load.licenses, is_lines);
        let place = self.uses.len();
        self.uses.extend(drawn.into_iter().map(|sent| (sent, Fate::Unknown)));
        let answer = self.client.send(&request)?;
        for ((sent, fate), outcome) in self.uses[place..].iter_mut().zip(outcomes(&answer)) {
            *fate = fate_of(sent, &outcome);
        }
        Ok(())
    }

    fn bulk(&mut self) -> io::Result<()> {
        let name = self.name();
        let license = usize::try_from(self.random.below(LICENSES as u64)).unwrap();
        let bulk = Bulk { name, license, count: 8000, answered: None };
        let request = bulk_request(&bulk, self.load.licenses);
        self.bulks.push(bulk);
        let answer = self.client.send(&request)?;
        let place = self.bulks.len() - 1;
        self.bulks[place].answered = Some(first_and_last(&answer));
        Ok(())
    }

    fn catalogue(&mut self) -> io::Result<()> {
        let name = self.name();
        match self.random.below(3) {
            0 => {
                let code = format!("p-{name}");
                let body = json!({"code": code}).to_string();
                let place = self.made.len();
                self.made.push(Made::Product { code: code.clone(), answered: None });
                let made = self.client.send(&Request::post("/v1/products", body))?.expect(201);
                self.made[place] = Made::Product { code, answered: Some(made) };
            }
            1 => {
                let body = json!({"name": name, "permissions": ["meter:increment"]}).to_string();
                let made = self.client.send(&Request::post("/v1/tokens", body))?.expect(201);
                self.made.push(Made::Token { answered: made });
            }
            _ => {
                let path = format!("/v1/licenses/{}", self.load.own_licenses[self.index]);
                let body = json!({"name": name}).to_string();
                self.names.push(Some(name.clone()));
                self.client.send(&Request::patch(path, body))?.expect(200);
                self.names = vec![Some(name)];
            }
        }
        Ok(())
    }
}

pub fn batch_request(uses: &[Sent], licenses: &[String], is_lines: bool) -> Request {
    let items = uses.iter().map(|sent| sent.item(licenses));
    if is_lines {
        let lines: String = items.map(|item| format!("{item}\n")).collect();
        return Request::post("/v1/uses", lines).with("Content-Type", "application/x-ndjson");
    }
    Request::post("/v1/uses", Value::Array(items.collect()).to_string())
}

pub fn bulk_request(bulk: &Bulk, licenses: &[String]) -> Request {
    Request::post("/v1/uses", bulk.body(licenses)).with("Content-Type", "application/x-ndjson")
}

/// The outcomes of a batch, whatever its form.
pub fn outcomes(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    if answer.header("content-type") == Some("application/x-ndjson") {
        return answer.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    }
    let mut whole = answer.json();
    let Value::Array(outcomes) = whole["outcomes"].take() else { panic!("{}", answer.body) };
    outcomes
}

pub fn first_and_last(answer: &Answer) -> (Counted, Counted) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let line = |line: Option<&str>| Counted::of(&serde_json::from_str(line.unwrap()).unwrap());
    (line(answer.body.lines().next()), line(answer.body.lines().next_back()))
}

/// Only the meter that runs out may refuse, and only because it has run out.
pub fn fate_of(sent: &Sent, answer: &Value) -> Fate {
    if answer["code"] == "limit-reached" && sent.meter == "scarce" {
        return Fate::Refused;
    }
    let counted = Counted::of(answer);
    assert_eq!((counted.asked, counted.applied), (sent.amount, sent.amount), "{answer}");
    Fate::Counted(counted)
}
