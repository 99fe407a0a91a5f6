//! Many uses in one request.
//!
//! A bad item refuses itself and no other, so that reading yields the uses that can be counted, and
//! what is to be said of the rest.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use usance_core::id::{HoldId, SessionId};
use usance_core::license::LicenseRef;
use usance_core::refusal::Refusal;
use usance_core::text::Code;
use usance_core::usage::{Answer, Use};

use crate::json::members::{Fill, Members};
use crate::json::place::Place;
use crate::json::syntax::{self, Malformed};
use crate::json::value::Value;
use crate::json::write;
use crate::limits::BATCH_ITEMS_MAX;
use crate::native::answers;
use crate::native::problem::{Fault, Problem};
use crate::native::references;
use crate::native::uses::{self, Verb};

pub(super) const ITEM: [&str; MEMBERS] = [
    "license",
    "meter",
    "operation",
    "amount",
    "idempotency_key",
    "bound",
    "partial",
    "occurred_at",
    "subject",
    "attributes",
    "activation",
    // What only holds and sessions have comes last: most items have none of it.
    "hold",
    "session",
    "seconds",
    "count",
];

/// How many members an item may have.
const MEMBERS: usize = 15;

/// Where the members begin that only holds and sessions have.
const RARE: usize = 11;

const _: () = assert!(RARE + 4 == MEMBERS);

/// How a batch is written, and its answer too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON array.
    Array,
    /// A JSON object a line (NDJSON).
    Lines,
}

/// A batch that was read.
#[derive(Debug)]
pub struct Batch {
    /// What can be counted, in the order asked.
    pub uses: Vec<Use>,
    /// What cannot.
    pub unread: Unread,
}

/// The items of a batch that are no uses, and where they were.
#[derive(Debug)]
pub struct Unread {
    form: Form,
    problems: Vec<(usize, Problem)>,
}

/// Reads a batch.
///
/// # Errors
/// `batch-too-large`; in an array also `malformed-json`, as nobody can tell where its items end,
/// and `invalid` where there is none.
pub fn read(form: Form, body: &[u8]) -> Result<Batch, Problem> {
    let mut items = Items::new(form, body.len());
    match form {
        Form::Array => read_array(body, &mut items)?,
        Form::Lines => read_lines(body, &mut items)?,
    }
    Ok(items.batch)
}

impl Unread {
    /// Appends the answer: `outcomes` are those of the uses, in order.
    pub fn write(&self, outcomes: &[Result<Answer, Refusal>], out: &mut Vec<u8>) {
        match self.form {
            Form::Lines => self.write_outcomes(outcomes, b'\n', out),
            Form::Array => {
                let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
                let refused = outcomes.len() - accepted + self.problems.len();
                write::object(out, |members| {
                    members.integer("accepted", accepted);
                    members.integer("refused", refused);
                    let out = members.member("outcomes");
                    out.push(b'[');
                    self.write_outcomes(outcomes, b',', out);
                    if out.last() == Some(&b',') {
                        out.pop();
                    }
                    out.push(b']');
                });
            }
        }
    }

    /// Merges both kinds of outcomes by their places in the request, each followed by `after`.
    fn write_outcomes(&self, outcomes: &[Result<Answer, Refusal>], after: u8, out: &mut Vec<u8>) {
        let mut outcomes = outcomes.iter();
        let mut problems = self.problems.iter().peekable();
        for index in 0.. {
            if let Some((_, problem)) = problems.next_if(|(place, _)| *place == index) {
                problem.write_outcome(out);
            } else if let Some(outcome) = outcomes.next() {
                answers::write_outcome(outcome, out);
            } else {
                return;
            }
            out.push(after);
        }
    }
}

/// Items as they are read.
struct Items {
    batch: Batch,
    /// The meter of the item before: most batches have one meter, whose name is then shared.
    meter: Option<Code>,
}

impl Items {
    fn new(form: Form, body_bytes: usize) -> Self {
        /// A short use; a guess too high only costs a moment's memory.
        const ITEM_BYTES: usize = 96;
        Self {
            batch: Batch {
                uses: Vec::with_capacity((body_bytes / ITEM_BYTES + 1).min(BATCH_ITEMS_MAX)),
                unread: Unread { form, problems: Vec::new() },
            },
            meter: None,
        }
    }

    fn count(&self) -> usize {
        self.batch.uses.len() + self.batch.unread.problems.len()
    }

    fn is_full(&self) -> bool {
        self.count() >= BATCH_ITEMS_MAX
    }

    fn push(&mut self, members: &Members<'_, '_, MEMBERS>) {
        match self.item(members) {
            Ok(item) => self.batch.uses.push(item),
            Err(refusal) => self.push_problem(refusal.into()),
        }
    }

    fn push_problem(&mut self, problem: Problem) {
        let place = self.count();
        self.batch.unread.problems.push((place, problem));
    }

    fn item(&mut self, members: &Members<'_, '_, MEMBERS>) -> Result<Use, Refusal> {
        let license: LicenseRef = members.need("license", references::license_in_value)?;
        let meter = members.need("meter", |value| self.meter(value))?;
        let verb = verb(members)?;
        let is_plain = matches!(verb, Verb::Increment | Verb::Decrement);
        if !is_plain || members.any_from(RARE) {
            uses::refuse_strays(members, verb)?;
        }
        uses::of_members(members, license, meter, verb)
    }

    fn meter(&mut self, value: Value<'_, '_>) -> Result<Code, Refusal> {
        let text = value.text()?;
        if let Some(before) = self.meter.as_ref().filter(|before| before.as_str() == text) {
            return Ok(before.clone());
        }
        let meter = value.code()?;
        self.meter = Some(meter.clone());
        Ok(meter)
    }
}

fn verb(members: &Members<'_, '_, MEMBERS>) -> Result<Verb, Refusal> {
    /// What a word says, before it is known which hold or session is meant.
    enum Word {
        Plain(Verb),
        OfHold(fn(HoldId) -> Verb),
        OfSession(fn(SessionId) -> Verb),
    }
    let word = members.read("operation", |value| {
        value.word(&Verb::WORDS, |word| {
            Some(match word {
                "increment" => Word::Plain(Verb::Increment),
                "decrement" => Word::Plain(Verb::Decrement),
                "set" => Word::Plain(Verb::Set),
                "reset" => Word::Plain(Verb::Reset),
                "hold" => Word::Plain(Verb::Hold),
                "settle" => Word::OfHold(Verb::Settle),
                "release" => Word::OfHold(Verb::Release),
                "check-out" => Word::Plain(Verb::CheckOut),
                "heartbeat" => Word::OfSession(Verb::Heartbeat),
                "check-in" => Word::OfSession(Verb::CheckIn),
                _ => return None,
            })
        })
    })?;
    match word {
        None => Ok(Verb::Increment),
        Some(Word::Plain(verb)) => Ok(verb),
        Some(Word::OfHold(verb)) => members.need("hold", Value::id).map(verb),
        Some(Word::OfSession(verb)) => members.need("session", Value::id).map(verb),
    }
}

fn read_lines(body: &[u8], items: &mut Items) -> Result<(), Problem> {
    for (index, line) in body.split(|byte| *byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if items.is_full() {
            return Err(Fault::BatchTooLarge(BATCH_ITEMS_MAX).into());
        }
        let read = syntax::text(line).and_then(|text| Members::of_body(text, &ITEM));
        match read {
            Ok(Ok(members)) => items.push(&members),
            Ok(Err(refusal)) => items.push_problem(refusal.into()),
            Err(malformed) => items.push_problem(Malformed { line: index + 1, ..malformed }.into()),
        }
    }
    Ok(())
}

fn read_array(body: &[u8], items: &mut Items) -> Result<(), Problem> {
    let mut json = serde_json::Deserializer::from_str(syntax::text(body)?);
    let end = Array(items).deserialize(&mut json).map_err(Malformed::from)?;
    json.end().map_err(Malformed::from)?;
    match end {
        End::Reached => Ok(()),
        End::TooMany => Err(Fault::BatchTooLarge(BATCH_ITEMS_MAX).into()),
        End::NotAnArray => Err(Place::Body.refuse("must be a JSON array of uses").into()),
    }
}

/// How an array ended.
enum End {
    Reached,
    TooMany,
    NotAnArray,
}

struct Array<'i>(&'i mut Items);

impl<'de> DeserializeSeed<'de> for Array<'_> {
    type Value = End;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<End, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Array<'_> {
    type Value = End;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<End, S::Error> {
        while !self.0.is_full() {
            let place = Place::Item(&Place::Body, self.0.count());
            let mut members = Members::empty(place, &ITEM);
            match seq.next_element_seed(Fill(&mut members))? {
                None => return Ok(End::Reached),
                Some(None) => self.0.push(&members),
                Some(Some(flaw)) => self.0.push_problem(members.refuse(&flaw).into()),
            }
        }
        let mut end = End::Reached;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            end = End::TooMany;
        }
        Ok(end)
    }

    fn visit_map<M: serde::de::MapAccess<'de>>(self, mut map: M) -> Result<End, M::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(End::NotAnArray)
    }

    fn visit_bool<E>(self, _: bool) -> Result<End, E> {
        Ok(End::NotAnArray)
    }

    fn visit_i64<E>(self, _: i64) -> Result<End, E> {
        Ok(End::NotAnArray)
    }

    fn visit_u64<E>(self, _: u64) -> Result<End, E> {
        Ok(End::NotAnArray)
    }

    fn visit_f64<E>(self, _: f64) -> Result<End, E> {
        Ok(End::NotAnArray)
    }

    fn visit_str<E>(self, _: &str) -> Result<End, E> {
        Ok(End::NotAnArray)
    }

    fn visit_unit<E>(self) -> Result<End, E> {
        Ok(End::NotAnArray)
    }
}

#[cfg(test)]
mod tests;
