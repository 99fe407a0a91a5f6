//! What was found out, each with its evidence.

use std::fmt::Display;

use crate::cli::fault::Fault;

/// Something that must hold.
#[derive(Debug)]
pub struct Check {
    /// Whether it does.
    pub holds: bool,
    /// What must hold.
    pub what: &'static str,
    /// The figures.
    pub evidence: String,
}

/// Everything that was checked.
#[derive(Debug, Default)]
pub struct Checks(Vec<Check>);

impl Checks {
    /// Adds what was found.
    pub fn add(&mut self, what: &'static str, holds: bool, evidence: impl Display) {
        self.0.push(Check { holds, what, evidence: evidence.to_string() });
    }

    /// Adds what could be found out, or why it could not.
    pub fn add_result(&mut self, what: &'static str, found: Result<(bool, String), Fault>) {
        match found {
            Ok((holds, evidence)) => self.add(what, holds, evidence),
            Err(fault) => self.add(what, false, fault.to_string().replace('\n', ";")),
        }
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Check> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.0.len()
    }

    /// How many do not hold.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.0.iter().filter(|check| !check.holds).count()
    }
}
