//! Whom a license serves, and how many units they may hold: rules by user, host and address.
//!
//! # The contract
//!
//! **Matching.** A rule matches an asker if it concerns the meter and each kind of operand that it
//! names (users, hosts, addresses) has a pattern that matches; one pattern of a kind is enough. A
//! rule that names a kind which the asker does not state (none, or empty) does not match. That goes
//! for `deny` too: `deny user=guest` lets pass who gives no name. To refuse the nameless, write
//! `allow user=*` and then `deny`. A rule that names no kind matches everybody.
//!
//! **Allow and deny.** Rules are looked at in order. The first `allow` or `deny` that matches and
//! whose scope covers the intent decides. If none does, the asker is allowed.
//!
//! **Limit.** Each session has at most one limit: the first limit rule that matches who holds it.
//! The sessions of a limit together hold at most its number. Sessions of an earlier limit do not
//! count against a later one, even if that matches them too: otherwise `limit 10 user=ada` before
//! `limit 5` would let ada lock out everybody else.
//!
//! **Reserve.** Each session has at most one reservation: the first that matches who holds it. What
//! a reservation's own sessions do not hold of it is kept: nobody else may take it, also while no
//! one uses it. What they hold beyond it comes from the common pool. If the reservations of a meter
//! exceed its capacity, the earlier ones are filled first. On a meter without a ceiling
//! reservations change nothing, since there is always more.
//!
//! **Meters.** A rule without a meter concerns every meter, each by itself: `limit 5 user=ada` is
//! five of each. Numbers are quantities at the meter's scale, like its capacity and what is in use.
//!
//! **Scopes.** `allow` and `deny` may be narrowed to uses or to borrowing. A unit held is a unit
//! held, so `limit` and `reserve` may not.
//!
//! **Trust.** A name or address is as true as who states it. What keeps an honest office in order
//! does not keep a liar out; nor does an address that cannot be read, which matches only `*`.
//!
//! A list names people. Its text is personal data: `Debug` hides it, and a ledger may only commit
//! to it.

mod address;
mod judge;
mod pattern;
mod rule;
mod text;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::vec::Vec;
use core::fmt;

pub use self::address::AddressPattern;
pub use self::judge::{Counts, Held, Owners, Verdict};
pub use self::pattern::Pattern;
pub use self::rule::{Effect, Intent, Rule, Scope};
use crate::limits::{
    ACCESS_LIST_BYTES_MAX, ACCESS_METER_RESERVATIONS_MAX, ACCESS_RULE_PATTERNS_MAX,
    ACCESS_RULES_MAX,
};
use crate::refusal::Refusal;
use crate::usage::Subject;

/// Who is asking. Personal data, lent for the time of a judgement.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Who<'a> {
    /// The person's account name.
    pub user: Option<&'a str>,
    /// The machine.
    pub host: Option<&'a str>,
    /// The network address.
    pub address: Option<&'a str>,
}

impl<'a> From<&'a Subject> for Who<'a> {
    fn from(subject: &'a Subject) -> Self {
        Self {
            user: subject.user.as_deref(),
            host: subject.host.as_deref(),
            address: subject.address.as_deref(),
        }
    }
}

impl fmt::Debug for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Who(…)")
    }
}

/// Rules in their order. Its `Display` is the canonical text, which [`AccessList::parse`] reads
/// back to an equal list: equal lists have equal texts.
///
/// ```
/// use usance_core::access::{AccessList, Intent, Verdict, Who};
///
/// let list = AccessList::parse("deny user=guest\nlimit 5 meter=render user=ada,bob")?;
/// let ada = Who { user: Some("Ada"), ..Who::default() };
/// let verdict = list.judge(Intent::Use, "render", &ada, Some(20), &|_counts| 3);
/// assert_eq!(verdict, Verdict::Allowed { room: Some(2), limit: Some(1) });
/// # Ok::<(), usance_core::refusal::Refusal>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessList(Vec<Rule>);

impl AccessList {
    /// No rules: everybody is allowed, without a bound.
    pub const NONE: Self = Self(Vec::new());

    /// Checks rules that were made in code, and drops patterns that a rule has twice.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for a rule that contradicts itself, or more than the bounds allow.
    pub fn new(mut rules: Vec<Rule>) -> Result<Self, Refusal> {
        if rules.len() > ACCESS_RULES_MAX {
            return Err(refuse("may have at most 10000 rules"));
        }
        for (index, rule) in rules.iter_mut().enumerate() {
            drop_repeats(&mut rule.users);
            drop_repeats(&mut rule.hosts);
            drop_repeats(&mut rule.addresses);
            check(rule).map_err(|reason| refuse_at("rule", index, reason))?;
        }
        check_reservations(&rules)?;
        let list = Self(rules);
        if text::size_bytes(&list) > ACCESS_LIST_BYTES_MAX {
            return Err(refuse("may be at most 512 KiB in canonical form"));
        }
        Ok(list)
    }

    /// Reads a list, one rule a line; empty lines and those that begin with `#` are passed over.
    ///
    /// ```text
    /// allow|deny             [use|borrow] [meter=CODE] [user=LIST] [host=LIST] [address=LIST]
    /// limit|reserve NUMBER                [meter=CODE] [user=LIST] [host=LIST] [address=LIST]
    /// ```
    ///
    /// A list is separated by commas. Names with blanks, commas or quotation marks stand in
    /// quotation marks, and a quotation mark within is doubled.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] with the number of the first line that is no rule.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() > ACCESS_LIST_BYTES_MAX {
            return Err(refuse("may be at most 512 KiB"));
        }
        let mut rules = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_matches([' ', '\t']);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let rule = text::read_rule(line)
                .and_then(|rule| check(&rule).map(|()| rule))
                .map_err(|reason| refuse_at("line", index, reason))?;
            rules.push(rule);
        }
        Self::new(rules)
    }

    /// Whether there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The rules, in their order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.0
    }
}

impl fmt::Display for AccessList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for rule in &self.0 {
            writeln!(f, "{rule}")?;
        }
        Ok(())
    }
}

/// What contradicts itself in a rule.
fn check(rule: &Rule) -> Result<(), &'static str> {
    let kinds = [rule.users.len(), rule.hosts.len(), rule.addresses.len()];
    if kinds.iter().any(|count| *count > ACCESS_RULE_PATTERNS_MAX) {
        return Err("may name at most 1000 users, hosts or addresses; split it");
    }
    match rule.effect {
        Effect::Allow | Effect::Deny => return Ok(()),
        Effect::Limit(units) if units < 0 => return Err("needs a limit of zero or more"),
        Effect::Reserve(units) if units <= 0 => return Err("reserves nothing"),
        Effect::Reserve(_) if kinds == [0, 0, 0] => {
            return Err("must say for which users, hosts or addresses it reserves");
        }
        Effect::Limit(_) | Effect::Reserve(_) => {}
    }
    if rule.scope != Scope::Any {
        return Err("has a scope, which only allow and deny may have");
    }
    Ok(())
}

/// Bounds the reservations that one judgement may have to sum up.
fn check_reservations(rules: &[Rule]) -> Result<(), Refusal> {
    let mut of_all = 0_usize;
    let mut of_one = BTreeMap::<&str, usize>::new();
    for rule in rules.iter().filter(|rule| matches!(rule.effect, Effect::Reserve(_))) {
        match &rule.meter {
            None => of_all += 1,
            Some(meter) => *of_one.entry(meter).or_default() += 1,
        }
    }
    let most = of_one.values().max().copied().unwrap_or_default();
    if of_all + most > ACCESS_METER_RESERVATIONS_MAX {
        return Err(refuse("may have at most 64 reservations that concern one meter"));
    }
    Ok(())
}

fn drop_repeats<T: Ord + Clone>(patterns: &mut Vec<T>) {
    if patterns.len() < 2 {
        return;
    }
    let mut seen = BTreeSet::new();
    patterns.retain(|pattern| seen.insert(pattern.clone()));
}

const FIELD: &str = "access_rules";

fn refuse(reason: &'static str) -> Refusal {
    Refusal::invalid(FIELD, reason)
}

fn refuse_at(what: &str, index: usize, reason: &str) -> Refusal {
    let place = index.saturating_add(1);
    Refusal::Invalid { field: FIELD.into(), reason: format!("{what} {place} {reason}").into() }
}

#[cfg(test)]
mod tests;
