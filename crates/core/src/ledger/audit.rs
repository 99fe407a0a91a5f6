//! Checks a ledger again from its bytes alone, as anybody could.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::commitment::Commitment;
use super::record::{
    ChangedEvent, Event, NoticedEvent, Record, RecordError, RefusedEvent, UseEvent,
};
use super::tree::{Frontier, Hash, Position, leaf_hash};
use crate::id::{AccountId, LicenseId, WriterId};
use crate::meter::{Counted, Turn};
use crate::time::Timestamp;
use crate::usage::OperationKind;

/// Follows a ledger record by record and says where it first contradicts itself.
#[derive(Debug)]
pub struct Auditor {
    account: AccountId,
    writer: WriterId,
    frontier: Frontier,
    last_at: Timestamp,
    /// Names of meters, of which there are few; a trail is found by the place of its name here.
    names: Vec<Box<str>>,
    trails: HashMap<(LicenseId, usize), Trail>,
    catalogue: HashMap<[u8; 16], ChangedEvent>,
    tally: Tally,
}

/// Where the ledger leaves a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trail {
    /// Its total.
    pub total: i64,
    /// Its gross.
    pub gross: i64,
    /// Its units on hold.
    pub held: i64,
    /// When its period ends, if it has one.
    pub period_end: Option<Timestamp>,
    /// What of earlier ceilings it may still use.
    pub carried: i64,
    /// The last record that moved it.
    pub last_record: u64,
}

/// How much was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Records of any kind.
    pub records: u64,
    /// Uses among them.
    pub uses: u64,
    /// Refusals among them.
    pub refused: u64,
    /// Changes of the catalogue among them.
    pub changed: u64,
    /// Notices about meters among them.
    pub noticed: u64,
    /// Times the writer's clock was found set back.
    pub clock_back: u64,
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The bytes are not a record.
    Undecodable(RecordError),
    /// Record 0 does not open this ledger, or another record opens one again.
    WrongOpening,
    /// It is stamped earlier than the one before.
    TimeRunsBackwards,
    /// It does not name the record before it of its meter.
    WrongPrevious {
        /// What it names.
        stated: Option<u64>,
        /// What came before.
        found: Option<u64>,
    },
    /// Its total is not the one before plus what was applied.
    WrongTotal {
        /// What it says.
        stated: i64,
        /// What follows from the records before, if it can be computed.
        computed: Option<i64>,
    },
    /// Its gross is not the one before plus what was incremented.
    WrongGross {
        /// What it says.
        stated: i64,
        /// What follows from the records before, if it can be computed.
        computed: Option<i64>,
    },
    /// Its units on hold are not those before with what was set aside and let go.
    WrongHeld {
        /// What it says.
        stated: i64,
        /// What follows from the records before, if it can be computed.
        computed: Option<i64>,
    },
    /// Its overage is not what lies above the ceiling.
    WrongOverage,
    /// It turns a period that had not ended, or another than the one that was running.
    WrongTurn,
    /// It applies an amount that its operation cannot.
    WrongAmount,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |value: &Option<i64>| match value {
            Some(value) => alloc::format!("{value}"),
            None => "a number beyond 64 bits".into(),
        };
        match self {
            Self::Undecodable(error) => write!(f, "is not a record: {error}"),
            Self::WrongOpening => f.write_str("does not open this ledger, once and at its start"),
            Self::TimeRunsBackwards => f.write_str("is stamped earlier than the one before it"),
            Self::WrongPrevious { stated, found } => {
                write!(f, "names {stated:?} as the record before it of its meter; it is {found:?}")
            }
            Self::WrongTotal { stated, computed } => {
                write!(
                    f,
                    "states the total {stated}; the records before make it {}",
                    shown(computed)
                )
            }
            Self::WrongGross { stated, computed } => {
                write!(
                    f,
                    "states the gross {stated}; the records before make it {}",
                    shown(computed)
                )
            }
            Self::WrongHeld { stated, computed } => {
                write!(
                    f,
                    "states {stated} units on hold; the records before make it {}",
                    shown(computed)
                )
            }
            Self::WrongTurn => {
                f.write_str("turns a period that had not ended, or that was not running")
            }
            Self::WrongOverage => f.write_str("states an overage that its figures do not give"),
            Self::WrongAmount => f.write_str("applies an amount that its operation cannot"),
        }
    }
}

impl Auditor {
    /// An auditor for the ledger of this account by this writer.
    #[must_use]
    pub fn new(account: AccountId, writer: WriterId) -> Self {
        Self {
            account,
            writer,
            frontier: Frontier::default(),
            last_at: Timestamp(i64::MIN),
            names: Vec::new(),
            trails: HashMap::new(),
            catalogue: HashMap::new(),
            tally: Tally::default(),
        }
    }

    /// Takes the next record and returns its commitment to personal data, if it has one. The record
    /// counts towards the root even if it is flawed, so that an audit can go on.
    ///
    /// # Errors
    /// The first flaw of the record.
    pub fn record(&mut self, bytes: &[u8]) -> Result<Option<Commitment>, Flaw> {
        let leaf = leaf_hash(bytes);
        self.record_hashed(bytes, leaf, |_, _| {})
    }

    /// The same for a record whose leaf hash the caller has computed; `completed` hears of every
    /// subtree that the record completes.
    ///
    /// # Errors
    /// The first flaw of the record.
    pub fn record_hashed(
        &mut self,
        bytes: &[u8],
        leaf: Hash,
        completed: impl FnMut(Position, Hash),
    ) -> Result<Option<Commitment>, Flaw> {
        let index = self.frontier.size();
        self.frontier.push(leaf, completed);
        self.tally.records += 1;
        let record = Record::decode(bytes).map_err(Flaw::Undecodable)?;
        let is_opening =
            record.event == Event::Opened { account: self.account, writer: self.writer };
        if is_opening != (index == 0) || matches!(record.event, Event::Opened { .. } if index > 0) {
            return Err(Flaw::WrongOpening);
        }
        if record.at < self.last_at {
            return Err(Flaw::TimeRunsBackwards);
        }
        self.last_at = record.at;
        match &record.event {
            Event::Use(event) => {
                self.tally.uses += 1;
                self.follow(index, record.at, event)?;
                return Ok(event.subject);
            }
            Event::Refused(event) => {
                self.tally.refused += 1;
                self.follow_refused(index, event)?;
            }
            Event::Changed(event) => {
                self.tally.changed += 1;
                self.catalogue.insert(event.id, *event);
            }
            Event::Noticed(event) => {
                self.tally.noticed += 1;
                self.follow_notice(index, event)?;
            }
            Event::ClockBack { .. } => self.tally.clock_back += 1,
            Event::Opened { .. } => {}
        }
        Ok(None)
    }

    /// Records read.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over all records read.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// What was read.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// Where the ledger leaves a meter; none if it never moved.
    #[must_use]
    pub fn trail(&self, license: LicenseId, meter: &str) -> Option<Trail> {
        let name = self.names.iter().position(|name| **name == *meter)?;
        self.trails.get(&(license, name)).copied()
    }

    /// Where the ledger leaves every meter that it moved.
    pub fn trails(&self) -> impl Iterator<Item = (LicenseId, &str, &Trail)> {
        self.trails.iter().map(|((license, name), trail)| (*license, &*self.names[*name], trail))
    }

    /// The last change of each thing in the catalogue.
    pub fn catalogue(&self) -> impl Iterator<Item = &ChangedEvent> {
        self.catalogue.values()
    }

    /// The last change of the thing with this id.
    #[must_use]
    pub fn last_change(&self, id: &[u8; 16]) -> Option<&ChangedEvent> {
        self.catalogue.get(id)
    }

    fn follow(&mut self, index: u64, at: Timestamp, event: &UseEvent<'_>) -> Result<(), Flaw> {
        let counted = &event.counted;
        let name = self.name(event.meter);
        let known = self.trails.get(&(event.license, name)).copied();
        let turn = event.turn.as_ref();
        let next = Trail {
            total: counted.total,
            gross: counted.gross,
            held: counted.held,
            period_end: turn.map_or(known.and_then(|trail| trail.period_end), |turn| turn.next_end),
            carried: turn.map_or(known.map_or(0, |trail| trail.carried), |turn| turn.carried),
            last_record: index,
        };
        self.trails.insert((event.license, name), next);
        check_amounts(counted)?;
        if (counted.operation == OperationKind::Turn) != turn.is_some() {
            return Err(Flaw::WrongTurn);
        }
        check_previous(event.previous, known.map(|trail| trail.last_record))?;
        let before = match known {
            Some(before) => before,
            None => beginning(counted)?,
        };
        if turn.is_some_and(|turn| turn.ended_at != before.period_end) {
            return Err(Flaw::WrongTurn);
        }
        check_turn(turn, at)?;
        check_step(&before, counted)
    }

    fn follow_refused(&mut self, index: u64, event: &RefusedEvent<'_>) -> Result<(), Flaw> {
        let name = self.name(event.meter);
        match self.trails.entry((event.license, name)) {
            Entry::Vacant(entry) => {
                entry.insert(Trail {
                    total: event.total,
                    gross: 0,
                    held: 0,
                    period_end: None,
                    carried: 0,
                    last_record: index,
                });
                check_previous(event.previous, None)
            }
            Entry::Occupied(mut entry) => {
                let trail = entry.get_mut();
                let previous = core::mem::replace(&mut trail.last_record, index);
                check_previous(event.previous, Some(previous))?;
                if trail.total != event.total {
                    let computed = Some(trail.total);
                    return Err(Flaw::WrongTotal { stated: event.total, computed });
                }
                Ok(())
            }
        }
    }

    /// A notice must be about where its meter stands.
    fn follow_notice(&self, index: u64, event: &NoticedEvent<'_>) -> Result<(), Flaw> {
        let stands = self.trail(event.license, event.meter).map(|trail| trail.total);
        let is_later = event.cause.is_none_or(|cause| cause < index);
        if is_later && stands.is_none_or(|total| total == event.total) {
            return Ok(());
        }
        Err(Flaw::WrongTotal { stated: event.total, computed: stands })
    }

    fn name(&mut self, meter: &str) -> usize {
        self.names.iter().position(|name| **name == *meter).unwrap_or_else(|| {
            self.names.push(meter.into());
            self.names.len() - 1
        })
    }
}

fn check_previous(stated: Option<u64>, found: Option<u64>) -> Result<(), Flaw> {
    if stated == found { Ok(()) } else { Err(Flaw::WrongPrevious { stated, found }) }
}

/// Where a new meter stood before its first record. Where its total began is the policy's floor,
/// which the ledger does not repeat.
fn beginning(counted: &Counted) -> Result<Trail, Flaw> {
    let change = counted.operation.change_of_total(counted.applied);
    let total = change.and_then(|by| counted.total.checked_sub(by));
    let total = total.ok_or(Flaw::WrongTotal { stated: counted.total, computed: None })?;
    Ok(Trail { total, gross: 0, held: 0, period_end: None, carried: 0, last_record: 0 })
}

fn check_turn(turn: Option<&Turn>, at: Timestamp) -> Result<(), Flaw> {
    let Some(turn) = turn else { return Ok(()) };
    let has_ended = turn.ended_at.is_none_or(|end| end <= at);
    // The next period may be over as well, if something ended in it that is carried out late.
    let goes_on = turn.next_end.is_none_or(|end| end > turn.ended_at.unwrap_or(at));
    if has_ended && goes_on && turn.carried >= 0 {
        return Ok(());
    }
    Err(Flaw::WrongTurn)
}

fn check_amounts(counted: &Counted) -> Result<(), Flaw> {
    let Counted { operation, asked, applied, released, total, .. } = *counted;
    let fits = match operation {
        OperationKind::Increment | OperationKind::Decrement => applied > 0 && applied <= asked,
        OperationKind::Hold | OperationKind::Return => applied >= 0 && applied <= asked,
        OperationKind::Settle => applied >= 0 && applied <= asked && released >= 0,
        OperationKind::Release => applied >= 0 && applied == asked && released == applied,
        OperationKind::Set | OperationKind::Reset | OperationKind::Turn => asked == total,
    };
    if fits { Ok(()) } else { Err(Flaw::WrongAmount) }
}

fn check_step(before: &Trail, counted: &Counted) -> Result<(), Flaw> {
    let Counted { operation, applied, released, .. } = *counted;
    let total = operation.change_of_total(applied).and_then(|by| before.total.checked_add(by));
    if total != Some(counted.total) {
        return Err(Flaw::WrongTotal { stated: counted.total, computed: total });
    }
    let gross = before.gross.checked_add(operation.change_of_gross(applied));
    if gross != Some(counted.gross) {
        return Err(Flaw::WrongGross { stated: counted.gross, computed: gross });
    }
    let held = operation.change_of_held(applied, released);
    let held = held.and_then(|by| before.held.checked_add(by));
    if held != Some(counted.held) || counted.held < 0 {
        return Err(Flaw::WrongHeld { stated: counted.held, computed: held });
    }
    let above =
        |total: i64| counted.allowed.map_or(0, |allowed| total.saturating_sub(allowed).max(0));
    let overage = above(counted.total).saturating_sub(above(before.total)).max(0);
    if overage != counted.overage {
        return Err(Flaw::WrongOverage);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
