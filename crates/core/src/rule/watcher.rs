//! Watches what happens and says which rules act. Off the hot path: it is shown committed records.
//!
//! Whether a record triggers a rule depends on the rule and on what happened within its reach
//! before, and on nothing else. So a watcher that begins a reach earlier finds the same triggers
//! with the same causes, and those that were acted upon are known by their cause.

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use hashbrown::HashMap;
use sha2::{Digest, Sha256};

use super::window::{Latest, Recent, Sums, steps_at};
use super::{Cause, Condition, Rule, RuleKind};
use crate::id::{ActivationId, LicenseId, PolicyId, ProductId, RuleId};
use crate::limits::WATCHED_MAX;
use crate::quantity::{Quantity, Scale, Shown};
use crate::text::Code;
use crate::time::Timestamp;

/// A record about a license, as rules look at it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The record's number.
    pub number: u64,
    /// When it was stamped.
    pub at: Timestamp,
    /// Whose.
    pub license: LicenseId,
    /// The license's product.
    pub product: ProductId,
    /// The license's policy.
    pub policy: PolicyId,
    /// The meter.
    pub meter: &'a Code,
    /// Digits after the point of its quantities.
    pub scale: Scale,
    /// What happened.
    pub what: SeenWhat,
}

/// What happened.
#[derive(Debug, Clone, Copy)]
pub enum SeenWhat {
    /// The meter was used.
    Used {
        /// What was counted up.
        amount: Quantity,
        /// The machine.
        activation: Option<ActivationId>,
        /// When the client says it happened.
        occurred_at: Option<Timestamp>,
        /// The network address, by [`address_mark`].
        address: Option<u128>,
    },
    /// The meter refused.
    Refused,
}

/// A rule is to act on a license.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Which rule.
    pub rule: RuleId,
    /// On whom.
    pub license: LicenseId,
    /// What it follows from.
    pub cause: Cause,
    /// When that was.
    pub at: Timestamp,
    /// Why, in words.
    pub reason: String,
    /// The figures, as `name=value` between spaces.
    pub evidence: String,
}

/// Follows what happens.
#[derive(Debug, Default)]
pub struct Watcher {
    rules: Vec<Rule>,
    lines: HashMap<(LicenseId, Part), Line>,
    /// States in all lines.
    watched: usize,
    /// When a rule acts on an overdue license.
    dues: BTreeSet<(Timestamp, LicenseId, usize)>,
    due_of: HashMap<LicenseId, (Timestamp, ProductId, PolicyId)>,
    forgotten: u64,
}

/// What rules keep states of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Part {
    License,
    Meter(Code),
    Activation(ActivationId),
}

/// What the rules keep of one part of a license, together because a record moves them together.
#[derive(Debug, Default)]
struct Line {
    /// By the place of the rule, ascending.
    states: Vec<(usize, State)>,
    /// The sum of the same hour of the seven days before, and for which hour that is.
    usual: Option<(i64, i128)>,
}

impl Line {
    /// The state of the rule at this place, which is made if need be: then also true.
    fn state(&mut self, place: usize, kind: RuleKind) -> (&mut State, bool) {
        let found = self.states.binary_search_by_key(&place, |(place, _)| *place);
        let is_fresh = found.is_err();
        let index = found.unwrap_or_else(|index| {
            let state = State { last_at: Timestamp(i64::MIN), kept: fresh(kind) };
            self.states.insert(index, (place, state));
            index
        });
        (&mut self.states[index].1, is_fresh)
    }
}

#[derive(Debug)]
struct State {
    last_at: Timestamp,
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    Sums(Sums),
    Recent(Recent),
    Latest { said: Latest, was_back: bool },
    Hour { hour: i64, sum: i128, first: u64 },
}

/// What a record does to a state.
struct Judged {
    /// Whether the condition held before it.
    before: bool,
    /// Whether it holds with it.
    after: bool,
    found: i128,
    limit: i128,
    first: Option<u64>,
}

/// What stands for a network address in memory, and for its network.
#[must_use]
pub fn address_mark(address: &str) -> u128 {
    let bare = address.split_once('%').map_or(address, |(bare, _zone)| bare);
    match bare.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(address)) => address.to_ipv6_mapped().to_bits(),
        Ok(IpAddr::V6(address)) => address.to_bits(),
        // Something that is no address is told from others by its hash, which lies in no network:
        // multicast is nobody's.
        Err(_) => {
            let digest = Sha256::digest(address.as_bytes());
            let bytes = digest.first_chunk().expect("a SHA-256 digest has 32 bytes");
            u128::from_be_bytes(*bytes) | NO_ADDRESS
        }
    }
}

/// What use is held against where there is no window.
const HOUR_SECONDS: u32 = 60 * 60;

/// Where no address of a client lies: ff00::/8.
const NO_ADDRESS: u128 = 0xff << 120;
const V4_MAPPED: u128 = 0xffff << 32;

/// The network that an address lies in: /24 of IPv4, /48 of IPv6.
fn network(address: u128) -> Option<u128> {
    if address & NO_ADDRESS == NO_ADDRESS {
        return None;
    }
    if address >> 32 == V4_MAPPED >> 32 {
        return Some(address & !0xff);
    }
    Some(address >> 80 << 80)
}

impl Watcher {
    /// A watcher of the rules that are in force.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        let rules = rules.into_iter().filter(|rule| rule.is_enabled).collect();
        Self { rules, ..Self::default() }
    }

    /// The rules that it watches.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// How far back what happened can matter, in milliseconds.
    #[must_use]
    pub fn reach_ms(&self) -> i64 {
        self.rules.iter().map(|rule| rule.condition.reach_ms()).max().unwrap_or(0)
    }

    /// Whether a rule looks at network addresses.
    #[must_use]
    pub fn needs_addresses(&self) -> bool {
        self.rules.iter().any(|rule| rule.condition.kind.needs_addresses())
    }

    /// Whether a rule looks at check-ins.
    #[must_use]
    pub fn needs_dues(&self) -> bool {
        self.rules.iter().any(|rule| rule.condition.kind == RuleKind::Overdue)
    }

    /// States that were forgotten for want of room since the start.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// States that are kept.
    #[must_use]
    pub const fn watched(&self) -> usize {
        self.watched
    }

    /// Whether [`Watcher::tell_usual`] is to come before this is observed.
    #[must_use]
    pub fn wants_usual(&self, seen: &Seen<'_>) -> bool {
        let hour = seen.at.hour();
        let line = || self.lines.get(&(seen.license, Part::Meter(seen.meter.clone())));
        self.rules
            .iter()
            .any(|rule| rule.condition.kind == RuleKind::Unusual && concerns(rule, seen))
            && line().and_then(|line| line.usual).is_none_or(|(known, _)| known != hour)
    }

    /// Tells the sum of the same hour of the seven days before.
    pub fn tell_usual(&mut self, license: LicenseId, meter: &Code, hour: i64, sum: i128) {
        let line = self.lines.entry((license, Part::Meter(meter.clone()))).or_default();
        line.usual = Some((hour, sum));
    }

    /// Tells when a license must check in; none if it need not, or is gone.
    pub fn tell_due(
        &mut self,
        license: LicenseId,
        due: Option<Timestamp>,
        product: ProductId,
        policy: PolicyId,
    ) {
        let new = due.map(|due| (due, product, policy));
        let old = self.due_of.get(&license).copied();
        if new == old {
            return;
        }
        for (place, rule) in self.rules.iter().enumerate() {
            if let Some((due, ..)) = old {
                self.dues.remove(&(acts_at(rule, due), license, place));
            }
        }
        self.due_of.remove(&license);
        let Some(new) = new.filter(|_| self.due_of.len() < WATCHED_MAX) else { return };
        self.due_of.insert(license, new);
        for (place, rule) in self.rules.iter().enumerate() {
            let is_due = rule.condition.kind == RuleKind::Overdue;
            if is_due && rule.scope.covers(product, policy) {
                self.dues.insert((acts_at(rule, new.0), license, place));
            }
        }
    }

    /// What time alone triggers.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Trigger> {
        let mut triggers = Vec::new();
        while let Some((at, license, place)) = self.dues.first().copied() {
            if at > now {
                break;
            }
            self.dues.pop_first();
            let (Some(rule), Some((due, ..))) = (self.rules.get(place), self.due_of.get(&license))
            else {
                continue;
            };
            let above = rule.condition.above;
            triggers.push(Trigger {
                rule: rule.id,
                license,
                cause: Cause::Due(*due),
                at,
                reason: format!("a check-in is overdue by more than {above} seconds"),
                evidence: format!("due={} above={above}", due.0),
            });
        }
        triggers
    }

    /// Forgets what cannot matter any more at `now`.
    pub fn forget(&mut self, now: Timestamp) {
        let rules = &self.rules;
        let reach = |place: usize| rules.get(place).map_or(0, |rule| rule.condition.reach_ms());
        self.lines.retain(|_, line| {
            line.states.retain(|(place, state)| state.last_at.plus_ms(reach(*place)) >= now);
            line.usual = line.usual.filter(|(hour, _)| *hour >= now.hour());
            !line.states.is_empty() || line.usual.is_some()
        });
        self.watched = self.lines.values().map(|line| line.states.len()).sum();
    }

    /// What a record triggers.
    pub fn observe(&mut self, seen: &Seen<'_>) -> Vec<Trigger> {
        self.make_room(seen.at);
        let mut triggers = Vec::new();
        let activation = match seen.what {
            SeenWhat::Used { activation, .. } => activation.map(Part::Activation),
            SeenWhat::Refused => None,
        };
        let parts = [Some(Part::Meter(seen.meter.clone())), Some(Part::License), activation];
        for part in parts.into_iter().flatten() {
            let mut rules = self.rules.iter().enumerate().filter(|(_, rule)| {
                concerns(rule, seen) && is_part(&part, rule.condition.kind, seen)
            });
            let Some(first) = rules.next() else { continue };
            let line = self.lines.entry((seen.license, part.clone())).or_default();
            let hour = seen.at.hour();
            let usual = line.usual.filter(|(known, _)| *known == hour).map_or(0, |(_, sum)| sum);
            for (place, rule) in core::iter::once(first).chain(rules) {
                let (state, is_fresh) = line.state(place, rule.condition.kind);
                self.watched += usize::from(is_fresh);
                let judged = judge(&rule.condition, &mut state.kept, seen, usual);
                // What held before the rule was made has not been judged by it.
                let is_known = judged.before && state.last_at >= rule.updated_at;
                state.last_at = seen.at;
                if judged.after && !is_known && seen.at >= rule.updated_at {
                    triggers.push((place, trigger(rule, seen, &judged)));
                }
            }
        }
        triggers.sort_by_key(|(place, _)| *place);
        triggers.into_iter().map(|(_, trigger)| trigger).collect()
    }

    /// Forgets what it must, so that memory is bounded.
    fn make_room(&mut self, now: Timestamp) {
        if self.watched.max(self.lines.len()) < WATCHED_MAX {
            return;
        }
        self.forget(now);
        if self.watched.max(self.lines.len()) >= WATCHED_MAX {
            self.forgotten += self.watched as u64;
            self.lines.clear();
            self.watched = 0;
        }
    }
}

fn acts_at(rule: &Rule, due: Timestamp) -> Timestamp {
    let seconds = rule.condition.above.quantity(Scale::default()).unwrap_or(i64::MAX);
    due.plus_ms(seconds.saturating_mul(1000))
}

fn concerns(rule: &Rule, seen: &Seen<'_>) -> bool {
    rule.scope.covers(seen.product, seen.policy)
        && rule.condition.meter.as_ref().is_none_or(|only| only == seen.meter)
}

/// Whether rules of a kind look at the record as one of this part.
fn is_part(part: &Part, kind: RuleKind, seen: &Seen<'_>) -> bool {
    let is_of_meter = matches!(part, Part::Meter(_));
    let is_of_license = *part == Part::License;
    // A machine's own clock and addresses, or the license's where uses name no machine.
    let is_of_machine = |activation: Option<ActivationId>| match part {
        Part::Activation(_) => true,
        Part::License => activation.is_none(),
        Part::Meter(_) => false,
    };
    match (kind, seen.what) {
        (RuleKind::Rate | RuleKind::Unusual, SeenWhat::Used { amount: 1.., .. })
        | (RuleKind::Refusals, SeenWhat::Refused) => is_of_meter,
        (RuleKind::Addresses, SeenWhat::Used { address: Some(_), activation, .. })
        | (RuleKind::ClockBack, SeenWhat::Used { occurred_at: Some(_), activation, .. }) => {
            is_of_machine(activation)
        }
        (RuleKind::Networks, SeenWhat::Used { address: Some(address), .. }) => {
            is_of_license && network(address).is_some()
        }
        _ => false,
    }
}

fn fresh(kind: RuleKind) -> Kept {
    match kind {
        RuleKind::Rate | RuleKind::Refusals | RuleKind::Overdue => Kept::Sums(Sums::default()),
        RuleKind::Addresses | RuleKind::Networks => Kept::Recent(Recent::default()),
        RuleKind::ClockBack => Kept::Latest { said: Latest::default(), was_back: false },
        RuleKind::Unusual => Kept::Hour { hour: i64::MIN, sum: 0, first: 0 },
    }
}

fn judge(condition: &Condition, kept: &mut Kept, seen: &Seen<'_>, usual: i128) -> Judged {
    let scale = match condition.kind {
        RuleKind::Rate | RuleKind::Unusual => seen.scale,
        _ => Scale::default(),
    };
    // What the meter cannot say exactly is passed with the next unit that it can.
    let limit = i128::from(condition.above.quantity_below(scale));
    let (step, first) = steps_at(condition.window_seconds.unwrap_or(1), seen.at);
    let (amount, occurred_at, address) = match seen.what {
        SeenWhat::Refused => (1, None, None),
        SeenWhat::Used { amount, occurred_at, address, .. } => {
            (i128::from(amount), occurred_at, address)
        }
    };
    match kept {
        Kept::Sums(sums) => {
            let before = sums.slide(first);
            let found = sums.add(step, amount, seen.number);
            let first = sums.first_record();
            Judged { before: before > limit, after: found > limit, found, limit, first }
        }
        Kept::Recent(recent) => {
            let mark = address.unwrap_or_default();
            let mark = match condition.kind {
                RuleKind::Networks => network(mark).unwrap_or_default(),
                _ => mark,
            };
            let most = usize::try_from(limit).unwrap_or(usize::MAX - 1).saturating_add(1);
            let before = recent.slide(first) as i128;
            let found = recent.add(step, mark, most) as i128;
            Judged { before: before > limit, after: found > limit, found, limit, first: None }
        }
        Kept::Latest { said, was_back } => {
            let now = occurred_at.unwrap_or(seen.at);
            let latest = said.slide(first);
            let before = *was_back && latest.is_some();
            let found = latest.map_or(0, |latest| i128::from(latest.0) - i128::from(now.0)) / 1000;
            *was_back = found > limit;
            said.add(step, now);
            Judged { before, after: found > limit, found, limit, first: None }
        }
        Kept::Hour { hour, sum, first } => {
            if *hour != seen.at.hour() {
                (*hour, *sum, *first) = (seen.at.hour(), 0, seen.number);
            }
            // An average of seven, and percents: both sides times 700, so that nothing is rounded.
            let percent = i128::from(condition.percent.unwrap_or(100));
            let limit = limit.max(usual.saturating_mul(percent) / 700);
            let before = *sum > limit;
            *sum += amount;
            Judged { before, after: *sum > limit, found: *sum, limit, first: Some(*first) }
        }
    }
}

fn trigger(rule: &Rule, seen: &Seen<'_>, judged: &Judged) -> Trigger {
    let Condition { kind, window_seconds, .. } = &rule.condition;
    let Judged { found, limit, first, .. } = judged;
    let seconds = window_seconds.unwrap_or(HOUR_SECONDS);
    let amount = |value: i128| {
        let value = i64::try_from(value).unwrap_or(i64::MAX);
        Shown(value, seen.scale).to_string()
    };
    let meter = seen.meter;
    let (sum, ceiling) = (amount(*found), amount(*limit));
    let reason = match kind {
        RuleKind::Rate => format!("{meter} was used {sum} in {seconds} seconds, above {ceiling}"),
        RuleKind::Unusual => format!("{meter} was used {sum} in an hour, above {ceiling}"),
        RuleKind::Addresses => {
            format!("used from more than {limit} addresses in {seconds} seconds")
        }
        RuleKind::Networks => format!("used from more than {limit} networks in {seconds} seconds"),
        RuleKind::ClockBack => format!("a clock was set back by {found} seconds, above {limit}"),
        RuleKind::Refusals => {
            format!("{meter} refused {found} times in {seconds} seconds, above {limit}")
        }
        RuleKind::Overdue => String::new(),
    };
    let is_amount = matches!(kind, RuleKind::Rate | RuleKind::Unusual);
    let (found, limit) =
        if is_amount { (sum, ceiling) } else { (found.to_string(), limit.to_string()) };
    let mut evidence = format!("found={found} above={limit}");
    if kind.has_meter() {
        evidence.push_str(&format!(" meter={meter}"));
    }
    if *kind == RuleKind::Unusual || kind.has_window() {
        evidence.push_str(&format!(" window_seconds={seconds}"));
    }
    if let SeenWhat::Used { activation: Some(activation), .. } = seen.what
        && !kind.has_meter()
        && *kind != RuleKind::Networks
    {
        evidence.push_str(&format!(" activation={activation}"));
    }
    if let Some(first) = first {
        evidence.push_str(&format!(" first_record={first}"));
    }
    evidence.push_str(&format!(" last_record={}", seen.number));
    let cause = Cause::Record(seen.number);
    Trigger { rule: rule.id, license: seen.license, cause, at: seen.at, reason, evidence }
}
