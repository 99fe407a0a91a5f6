//! A studio with machines of its own: cores, units set aside, floating seats, a file for the
//! machine without a network.

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;
use usance_core::artefact::{LicenseFile, PublicKey};
use usance_core::time::Timestamp;

use super::book::Book;
use super::checks::Checks;
use super::line::{Caller, read};
use crate::cli::fault::Fault;
use crate::cli::license::account_key;
use crate::cli::problem;

/// Cores that the studio's license covers.
const CORES: i64 = 16;
/// Frames that it may render.
const FRAMES: i64 = 200;
/// Frames set aside for one job, and those that it took.
const JOB: (i64, i64) = (120, 83);
/// Seats.
const SEATS: i64 = 2;

/// The studio's license, and what its records are.
pub struct Studio<'a, 'line> {
    admin: &'a mut Caller<'line>,
    license: String,
    records: usize,
}

/// What was answered: what was asked for, or a refusal with its code.
enum Heard {
    Done(Value),
    Refused(Value),
}

#[derive(Deserialize)]
struct Keys {
    items: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    verifier_key: String,
}

#[derive(Deserialize)]
struct FileAnswer {
    file: String,
}

/// Lets the studio do all of it, and checks each figure.
///
/// # Errors
/// If the studio cannot be set up.
pub fn play(checks: &mut Checks, admin: &mut Caller<'_>, book: &mut Book) -> Result<(), Fault> {
    let mut studio = Studio::set_up(admin)?;
    checks.add_result("machines share the cores of a license", studio.cores());
    checks.add_result("units set aside are kept, and settled for less", studio.hold());
    checks.add_result("floating seats: as many as there are", studio.seats());
    checks.add_result("a signed file proves a license offline", studio.file());
    book.others += studio.records;
    Ok(())
}

impl<'a, 'line> Studio<'a, 'line> {
    fn set_up(admin: &'a mut Caller<'line>) -> Result<Self, Fault> {
        let policy = json!({
            "product": "renderer", "code": "studio", "name": "A studio with machines",
            "meters": [
                {"name": "frames", "unit": "frame", "allowed": FRAMES},
                {"name": "seats", "unit": "seat", "allowed": SEATS, "measure": "seats"},
            ],
            "terms": {"max_cores": CORES},
        });
        admin.need::<Value>(&Method::POST, "/v1/policies", Some(&policy))?;
        let license = json!({"policy": "studio", "name": "Ellipse Studio"});
        let license: Value = admin.need(&Method::POST, "/v1/licenses", Some(&license))?;
        Ok(Self { admin, license: text(&license, "id").to_owned(), records: 0 })
    }

    /// Two machines take all cores, a third is refused with the figures, and gets in when one goes.
    fn cores(&mut self) -> Result<(bool, String), Fault> {
        let machine = |name: &str, cores: i64| json!({"fingerprint": name, "cores": cores});
        let first = self.ask("activations", &machine("node-1", 8))?;
        let second = self.ask("activations", &machine("node-2", 8))?;
        let third = self.ask("activations", &machine("node-3", 4))?;
        let Heard::Refused(problem) = &third else {
            return Ok((false, "a third machine got in".into()));
        };
        let figures = |name: &str| problem[name].as_i64();
        let holds = first.is_done()
            && second.is_done()
            && third.is_refused("core-limit-reached")
            && figures("limit") == Some(CORES)
            && figures("present") == Some(CORES)
            && figures("asked") == Some(4);
        let path = format!("/v1/licenses/{}/activations/node-1", self.license);
        let told = self.admin.tell(&Method::DELETE, &path, None)?;
        if !told.answer.is_success() {
            return Err(problem::fault(&told.answer));
        }
        let again = self.ask("activations", &machine("node-3", 4))?;
        Ok((holds && again.is_done(), format!("8 + 8 of {CORES} fit, 4 more when one goes")))
    }

    /// What is set aside cannot be used by others; what it did not take is free again.
    fn hold(&mut self) -> Result<(bool, String), Fault> {
        let (job, took) = JOB;
        let free = FRAMES - job;
        let held =
            self.count("frames/holds", &json!({"amount": job, "idempotency_key": "job-1"}))?;
        let Heard::Done(hold) = &held else {
            return Ok((false, "nothing could be set aside".into()));
        };
        let aside = hold["held"].as_i64() == Some(job) && hold["total"].as_i64() == Some(0);
        let more = json!({"amount": free + 1});
        let kept = self.count("frames/increment", &more)?.is_refused("limit-reached");
        let settle = format!("frames/holds/{}/settle", text(hold, "hold"));
        let settled = self.count(&settle, &json!({"amount": took}))?;
        let is_settled = settled.has("total", took)
            && settled.has("held", 0)
            && settled.has("released", job)
            && settled.has("remaining", FRAMES - took);
        let again = self.count(&settle, &json!({"amount": took}))?;
        let once = matches!(again, Heard::Refused(_));
        let now = self.count("frames/increment", &more)?.is_done();
        Ok((
            aside && kept && is_settled && once && now,
            format!("{job} set aside, {took} used, {} free again", job - took),
        ))
    }

    /// As many seats as there are, and one more as soon as one is free.
    fn seats(&mut self) -> Result<(bool, String), Fault> {
        let person = |user: &str| json!({"subject": {"user": user}});
        let ada = self.count("seats/sessions", &person("ada"))?;
        let bob = self.count("seats/sessions", &person("bob"))?;
        let cleo = self.count("seats/sessions", &person("cleo"))?;
        let full = ada.has("held", 1) && bob.has("held", SEATS);
        let refused = cleo.is_refused("limit-reached");
        let Heard::Done(session) = &ada else {
            return Ok((false, "there was no seat".into()));
        };
        let session = format!("seats/sessions/{}", text(session, "session"));
        let nothing = json!({});
        let lives = self.count(&format!("{session}/heartbeat"), &nothing)?.is_done();
        let freed = self.count(&format!("{session}/check-in"), &nothing)?.has("held", 1);
        let gone = !self.count(&format!("{session}/heartbeat"), &nothing)?.is_done();
        let cleo = self.count("seats/sessions", &person("cleo"))?.has("held", SEATS);
        Ok((
            full && refused && lives && freed && gone && cleo,
            format!("{SEATS} of {SEATS} taken, a third waits until one is free"),
        ))
    }

    /// The file opens with the account's public key alone, and not with one letter changed.
    fn file(&mut self) -> Result<(bool, String), Fault> {
        let path = format!("/v1/licenses/{}/file", self.license);
        let body = json!({"seconds": 86_400, "activation": "node-2"});
        let made: FileAnswer = self.admin.need(&Method::POST, &path, Some(&body))?;
        let keys: Keys = self.admin.need(&Method::GET, "/v1/keys", None)?;
        let keys = keys.items.iter().map(|key| account_key(&key.verifier_key).map(|key| key.key));
        let keys: Vec<PublicKey> = keys.collect::<Result<_, _>>()?;
        let now = Timestamp(jiff::Timestamp::now().as_millisecond());
        let opened = LicenseFile::open(&made.file, &keys, None, now);
        let is_ours = opened.is_ok_and(|file| {
            let machine = file.activation.map(|machine| machine.fingerprint);
            file.license.to_string() == self.license && machine.as_deref() == Some("node-2")
        });
        let forged = forge(&made.file);
        let refused = LicenseFile::open(&forged, &keys, None, now).is_err();
        let over = Timestamp(now.0 + 2 * 86_400_000);
        let ends = LicenseFile::open(&made.file, &keys, None, over).is_err();
        Ok((is_ours && refused && ends, "opens; changed or too old it does not".into()))
    }

    /// Asks below the license.
    fn ask(&mut self, tail: &str, body: &Value) -> Result<Heard, Fault> {
        let path = format!("/v1/licenses/{}/{tail}", self.license);
        let told = self.admin.tell(&Method::POST, &path, Some(&body.to_string()))?;
        match told.answer.status {
            200..300 => Ok(Heard::Done(read(&told.answer.body)?)),
            400..500 => Ok(Heard::Refused(read(&told.answer.body)?)),
            _ => Err(problem::fault(&told.answer)),
        }
    }

    /// Asks for what the ledger has a record of.
    fn count(&mut self, tail: &str, body: &Value) -> Result<Heard, Fault> {
        let heard = self.ask(&format!("meters/{tail}"), body)?;
        // A heartbeat of a seat moves no meter: it names the record of the check-out.
        self.records += usize::from(heard.is_done() && !tail.ends_with("/heartbeat"));
        Ok(heard)
    }
}

impl Heard {
    const fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    fn is_refused(&self, code: &str) -> bool {
        matches!(self, Self::Refused(problem) if text(problem, "code") == code)
    }

    fn has(&self, member: &str, figure: i64) -> bool {
        matches!(self, Self::Done(answer) if answer[member].as_i64() == Some(figure))
    }
}

fn text<'a>(object: &'a Value, member: &str) -> &'a str {
    object[member].as_str().unwrap_or_default()
}

/// The file with one letter of its base64 changed.
fn forge(file: &str) -> String {
    let middle = file.len() / 2;
    let place = file
        .char_indices()
        .skip(middle)
        .find(|(_, letter)| letter.is_ascii_lowercase())
        .map_or(middle, |(place, _)| place);
    let mut forged = file.to_owned();
    let other = if file.get(place..=place) == Some("a") { "b" } else { "a" };
    forged.replace_range(place..=place, other);
    forged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forged_file_differs_in_one_letter() {
        let file = "-----BEGIN-----\nAbCdEfGhaaaa\n-----END-----";
        let forged = forge(file);
        let differing = file.bytes().zip(forged.bytes()).filter(|(one, other)| one != other);
        assert_eq!((differing.count(), forged.len()), (1, file.len()));
    }
}
