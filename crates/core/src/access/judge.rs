//! What the rules say to one asker.

use alloc::vec::Vec;

use super::rule::{Asker, Effect, Intent, Rule};
use super::{AccessList, Who};

/// What the rules say to an asker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The asker may have some, if the meter has it.
    Allowed {
        /// How many units more, for limits and what is kept for others; none is no bound by rules.
        /// The meter's own ceiling is the caller's to hold, and may be less.
        room: Option<i64>,
        /// The limit rule that sets `room`, counted from zero; none if reservations do.
        limit: Option<usize>,
    },
    /// The asker may have none.
    Denied {
        /// The rule that says so, counted from zero.
        rule: usize,
    },
}

/// The rules that count a session's units, counted from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Owners {
    /// The limit it is under.
    pub limit: Option<usize>,
    /// The reservation it draws on.
    pub reservation: Option<usize>,
}

/// Which units of a meter are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// All that are held.
    All,
    /// Those of sessions whose [`Owners::limit`] is this rule.
    UnderLimit(usize),
    /// Those of sessions whose [`Owners::reservation`] is this rule.
    UnderReservation(usize),
}

/// Whether a session of this holder is to be summed.
pub type Counts<'a> = &'a (dyn Fn(&Who<'_>) -> bool + 'a);

impl AccessList {
    /// Says whether an asker may have units of a meter, and how many.
    ///
    /// `capacity` is the meter's ceiling, none if it has none. `in_use` sums the units of this
    /// meter that are held by sessions whose subject satisfies a predicate. It is asked once for
    /// a limit; and, if others have reservations, once for each of those and once for all. Where
    /// sessions are many, [`AccessList::judge_by_owner`] asks for sums that can be kept.
    #[must_use]
    pub fn judge(
        &self,
        intent: Intent,
        meter: &str,
        who: &Who<'_>,
        capacity: Option<i64>,
        in_use: &dyn Fn(Counts<'_>) -> i64,
    ) -> Verdict {
        let counting = match self.admit(intent, meter, who) {
            Ok(counting) => counting,
            Err(rule) => return Verdict::Denied { rule },
        };
        counting.verdict(capacity, &|held| match held {
            Held::All => in_use(&|_| true),
            Held::UnderLimit(index) => in_use(&|other| owns(&counting.limits, index, other)),
            Held::UnderReservation(index) => {
                in_use(&|other| owns(&counting.reservations, index, other))
            }
        })
    }

    /// Says what [`AccessList::judge`] says, from sums that were kept under [`Owners`] as sessions
    /// came and went. They must be sums under this very list.
    #[must_use]
    pub fn judge_by_owner(
        &self,
        intent: Intent,
        meter: &str,
        who: &Who<'_>,
        capacity: Option<i64>,
        held: &dyn Fn(Held) -> i64,
    ) -> Verdict {
        match self.admit(intent, meter, who) {
            Ok(counting) => counting.verdict(capacity, held),
            Err(rule) => Verdict::Denied { rule },
        }
    }

    /// The rule that turns an asker away, if one does: for what counts but is not held.
    #[must_use]
    pub fn denial(&self, intent: Intent, meter: &str, who: &Who<'_>) -> Option<usize> {
        self.admit(intent, meter, who).err()
    }

    /// The rules that count the units which this holder has of a meter.
    #[must_use]
    pub fn owners(&self, meter: &str, who: &Who<'_>) -> Owners {
        if self.is_empty() {
            return Owners::default();
        }
        self.counting(meter, &Asker::new(who)).owners
    }

    /// Lets an asker in, or names the rule against it.
    fn admit(&self, intent: Intent, meter: &str, who: &Who<'_>) -> Result<Counting<'_>, usize> {
        if self.is_empty() {
            return Ok(Counting::default());
        }
        let asker = Asker::new(who);
        let decisive = self.0.iter().enumerate().find(|(_, rule)| {
            matches!(rule.effect, Effect::Allow | Effect::Deny)
                && rule.scope.covers(intent)
                && rule.concerns(meter)
                && rule.fits(&asker)
        });
        match decisive {
            Some((index, rule)) if rule.effect == Effect::Deny => Err(index),
            _ => Ok(self.counting(meter, &asker)),
        }
    }

    /// Gathers the limits and reservations of a meter, and which of them own the asker.
    fn counting(&self, meter: &str, asker: &Asker<'_>) -> Counting<'_> {
        let mut counting = Counting::default();
        for (index, rule) in self.0.iter().enumerate() {
            let (rules, owner, units) = match rule.effect {
                Effect::Allow | Effect::Deny => continue,
                Effect::Limit(units) => (&mut counting.limits, &mut counting.owners.limit, units),
                Effect::Reserve(units) => {
                    (&mut counting.reservations, &mut counting.owners.reservation, units)
                }
            };
            if !rule.concerns(meter) {
                continue;
            }
            rules.push(Numbered { index, rule, units });
            if owner.is_none() && rule.fits(asker) {
                *owner = Some(index);
            }
        }
        counting
    }
}

/// The rules of one meter that count, seen by one asker.
#[derive(Default)]
struct Counting<'a> {
    limits: Vec<Numbered<'a>>,
    reservations: Vec<Numbered<'a>>,
    owners: Owners,
}

/// A rule that counts, with its place in the list and its number.
struct Numbered<'a> {
    index: usize,
    rule: &'a Rule,
    units: i64,
}

impl Counting<'_> {
    fn verdict(&self, capacity: Option<i64>, held: &dyn Fn(Held) -> i64) -> Verdict {
        let held = |which| held(which).max(0);
        let below_limit = self.limits.iter().find(|rule| Some(rule.index) == self.owners.limit);
        let below_limit = below_limit
            .map(|rule| rule.units.saturating_sub(held(Held::UnderLimit(rule.index))).max(0));
        let unreserved = capacity.and_then(|capacity| self.unreserved(capacity, &held));
        match (below_limit, unreserved) {
            (Some(room), beside) if beside.is_none_or(|beside| room <= beside) => {
                Verdict::Allowed { room: Some(room), limit: self.owners.limit }
            }
            (_, room) => Verdict::Allowed { room, limit: None },
        }
    }

    /// What is neither held nor kept for others; none if nothing is reserved for others.
    fn unreserved(&self, capacity: i64, held: &dyn Fn(Held) -> i64) -> Option<i64> {
        let mut grantable = capacity;
        let mut kept = None;
        for rule in &self.reservations {
            let granted = rule.units.min(grantable);
            grantable = grantable.saturating_sub(granted);
            if granted > 0 && self.owners.reservation != Some(rule.index) {
                let unused = granted.saturating_sub(held(Held::UnderReservation(rule.index)));
                kept = Some(unused.max(0).saturating_add(kept.unwrap_or_default()));
            }
        }
        let kept = kept?;
        Some(capacity.saturating_sub(held(Held::All)).saturating_sub(kept).max(0))
    }
}

/// Whether the first of these rules that matches a holder is the one with this index.
fn owns(rules: &[Numbered<'_>], index: usize, holder: &Who<'_>) -> bool {
    let asker = Asker::new(holder);
    let Some(own) = rules.iter().find(|rule| rule.index == index) else {
        return false;
    };
    own.rule.fits(&asker)
        && !rules.iter().take_while(|rule| rule.index < index).any(|rule| rule.rule.fits(&asker))
}
