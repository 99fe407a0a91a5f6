//! What the clients sent, and what they were told of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Licenses that the clients count on together.
pub const LICENSES: usize = 3;
/// Where the meter that is counted down begins.
pub const STOCK: i64 = 1_000_000;
/// The ceiling of the meter that runs out.
pub const SCARCE: i64 = 120;

/// A use that was sent. Its name is its attribute `n`, and its idempotency key if it has one.
#[derive(Debug, Clone)]
pub struct Sent {
    pub name: String,
    pub license: usize,
    pub meter: &'static str,
    pub operation: &'static str,
    pub amount: i64,
    pub is_keyed: bool,
    pub is_personal: bool,
}

/// What an answer or a record says of an accepted use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub record: u64,
    pub asked: i64,
    pub applied: i64,
    pub total: i64,
    pub gross: i64,
}

/// What came of a use, as far as its sender knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The answer was lost.
    Unknown,
    Counted(Counted),
    Refused,
}

/// Keyed uses that are too many to be looked at one by one.
#[derive(Debug, Clone)]
pub struct Bulk {
    pub name: String,
    pub license: usize,
    pub count: usize,
    /// The first and the last answer.
    pub answered: Option<(Counted, Counted)>,
}

/// A product that was asked for, or a token that was answered.
#[derive(Debug, Clone)]
pub enum Made {
    Product { code: String, answered: Option<Value> },
    Token { answered: Value },
}

/// Everything that was sent and told.
#[derive(Debug, Default)]
pub struct Book {
    pub uses: BTreeMap<String, (Sent, Fate)>,
    pub bulks: Vec<Bulk>,
    pub made: Vec<Made>,
    /// What the own license of each client may be called: the last name that was answered, and one
    /// that was in flight.
    pub names: Vec<Vec<Option<String>>>,
}

impl Sent {
    pub fn members(&self) -> Value {
        let mut members = json!({"amount": self.amount, "attributes": {"n": self.name}});
        if self.is_keyed {
            members["idempotency_key"] = self.name.clone().into();
        }
        if self.is_personal {
            members["subject"] = json!({"user": format!("user of {}", self.name), "host": "n7"});
        }
        members
    }

    pub fn item(&self, licenses: &[String]) -> Value {
        let mut item = self.members();
        item["license"] = licenses[self.license].clone().into();
        item["meter"] = self.meter.into();
        item["operation"] = self.operation.into();
        item
    }

    /// By how much the total changes.
    pub fn change(&self, applied: i64) -> i64 {
        if self.operation == "decrement" { -applied } else { applied }
    }
}

impl Counted {
    /// Of an answer, an outcome or a record.
    pub fn of(answer: &Value) -> Self {
        let number = |name: &str| answer[name].as_i64().unwrap_or_else(|| panic!("{answer}"));
        Self {
            record: answer["record"].as_u64().unwrap_or_else(|| panic!("{answer}")),
            asked: number("asked"),
            applied: number("applied"),
            total: number("total"),
            gross: number("gross"),
        }
    }
}

impl Bulk {
    pub fn key(&self, index: usize) -> String {
        format!("{}-{index}", self.name)
    }

    pub fn body(&self, licenses: &[String]) -> String {
        let mut lines = String::new();
        for index in 0..self.count {
            let (license, key) = (&licenses[self.license], self.key(index));
            let line =
                json!({"license": license, "meter": "bulk", "idempotency_key": key}).to_string();
            lines.push_str(&line);
            lines.push('\n');
        }
        lines
    }
}
