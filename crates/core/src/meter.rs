//! The counter on a license, and the rules by which it moves.

mod holds;
mod notices;
mod spec;
mod turn;
mod words;

use alloc::boxed::Box;

use self::holds::Move;
pub use self::notices::Notices;
pub use self::spec::{Measure, MeterPeriod, MeterSpec, Overage, Rollover, Timing, check_allowed};
pub use self::turn::Turn;
use crate::id::LicenseId;
use crate::quantity::{Decimal, DecimalError, Quantity};
use crate::refusal::{Figures, Refusal};
use crate::time::Timestamp;
use crate::usage::{Fit, OperationKind, Step};

/// Where a license's ceiling comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AllowedFrom {
    /// From the policy, and changes with it.
    #[default]
    Policy,
    /// The license's own; none is unlimited.
    License(Option<Quantity>),
}

/// What counts on one license: the policy's words, and the license's own ceiling if it has one.
#[derive(Debug, Clone, Copy)]
pub struct Meter<'a> {
    /// Whose.
    pub license: LicenseId,
    /// The policy's words.
    pub spec: &'a MeterSpec,
    /// Where the ceiling comes from.
    pub allowed_from: AllowedFrom,
}

/// Where a meter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeterState {
    /// Uses in the period.
    pub total: Quantity,
    /// Accepted increments in its life; never falls (rule 3).
    pub gross: Quantity,
    /// Units on hold.
    pub held: Quantity,
    /// What of earlier ceilings was not used and may be used now.
    pub carried: Quantity,
    /// When its period ends; none if it has none, or has not moved yet.
    pub period_end: Option<Timestamp>,
    /// Position in the ledger of the record that brought it here.
    pub last_record: Option<u64>,
    /// How often it refused. For people, not for bills: the newest few may be lost in a crash.
    pub refusals: u64,
    /// Sums of the hour it last moved in.
    pub hour: HourSums,
}

/// Sums of one hour. `total` changes by `incremented - decremented + adjusted`.
///
/// What a hold or a session was settled for is incremented, what an activation gave back is
/// decremented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HourSums {
    /// The hour, counted from 1970.
    pub hour: i64,
    /// Accepted uses.
    pub uses: i64,
    /// Sum of increments.
    pub incremented: Quantity,
    /// Sum of decrements.
    pub decremented: Quantity,
    /// Net change by sets, resets and the turn of a period.
    pub adjusted: Quantity,
    /// What of it lay above the ceiling.
    pub overage: Quantity,
}

/// An accepted use, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// What was done.
    pub operation: OperationKind,
    /// What was asked for.
    pub asked: Quantity,
    /// What was done of it; for a set, a reset or a turn the change of the total.
    pub applied: Quantity,
    /// Units on hold that it let go of.
    pub released: Quantity,
    /// What of it lay above the ceiling.
    pub overage: Quantity,
    /// The total after it.
    pub total: Quantity,
    /// The gross after it.
    pub gross: Quantity,
    /// The ceiling it was held against.
    pub allowed: Option<Quantity>,
    /// Units on hold after it.
    pub held: Quantity,
}

impl Counted {
    /// What is left of the ceiling before overage begins; none is unlimited.
    #[must_use]
    pub fn remaining(&self, measure: Measure) -> Option<Quantity> {
        Some(self.allowed?.saturating_sub(measure.used(self.total, self.held)).max(0))
    }
}

/// How a total moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// Up.
    Increment(Step),
    /// Down.
    Decrement(Step),
    /// To a value.
    Set(Decimal),
    /// Back to where it began.
    Reset,
}

impl Meter<'_> {
    /// The ceiling of every period, without what was carried over; none is unlimited.
    #[must_use]
    pub fn base(&self) -> Option<Quantity> {
        match self.allowed_from {
            AllowedFrom::Policy => self.spec.allowed,
            AllowedFrom::License(own) => own,
        }
    }

    /// The ceiling of this period; none is unlimited.
    #[must_use]
    pub fn allowed(&self, state: &MeterState) -> Option<Quantity> {
        Some(self.base()?.saturating_add(state.carried))
    }

    /// The ceiling with what overage adds; none is unlimited (rule 7).
    #[must_use]
    pub fn ceiling(&self, state: &MeterState) -> Option<Quantity> {
        let allowed = self.allowed(state)?;
        match self.spec.overage {
            Overage::Refuse => Some(allowed),
            Overage::Allow => None,
            Overage::Amount(amount) => Some(allowed.saturating_add(amount)),
            Overage::Percent(percent) => {
                let extra = i128::from(allowed) * i128::from(percent) / 100;
                Some(allowed.saturating_add(i64::try_from(extra).unwrap_or(i64::MAX)))
            }
        }
    }

    /// How much higher the total may rise when so many units on hold are let go; none is endless.
    /// The total of a peak is seats that were held, so it does not count beside those that are.
    fn room_of_total(&self, state: &MeterState, released: Quantity) -> Option<Quantity> {
        let beside = match self.spec.measure {
            Measure::Peak => 0,
            _ => state.held.saturating_sub(released),
        };
        let ceiling = self.ceiling(state)?;
        Some(ceiling.saturating_sub(state.total).saturating_sub(beside))
    }

    /// How many more units may be held; none is endless.
    fn room_of_holds(&self, state: &MeterState) -> Option<Quantity> {
        let used = self.spec.measure.used(state.total, state.held);
        Some(self.ceiling(state)?.saturating_sub(used))
    }

    /// Decides how the total moves: where the meter stands after it, or why not (rules 1 to 3, 7).
    ///
    /// `share` is what an activation has of the total, where one asks: it can take back no more.
    /// `last_record` of the new state is still the old one: the caller knows the new position.
    ///
    /// # Errors
    /// A refusal, and then nothing has changed.
    pub fn decide(
        &self,
        state: &MeterState,
        motion: Motion,
        share: Option<Quantity>,
        now: Timestamp,
    ) -> Result<(Counted, MeterState), Refusal> {
        let (kind, asked, applied) = match motion {
            Motion::Increment(step) => {
                let (asked, applied) = self.increment(state, &step)?;
                (OperationKind::Increment, asked, applied)
            }
            Motion::Decrement(step) => {
                let (asked, applied) = self.decrement(state, &step, share)?;
                (OperationKind::Decrement, asked, applied)
            }
            Motion::Set(value) => {
                let (asked, applied) = self.set(state, self.quantity(value)?)?;
                (OperationKind::Set, asked, applied)
            }
            Motion::Reset => {
                let beginning = self.spec.beginning().total;
                let applied = self.difference(state, beginning, beginning)?;
                (OperationKind::Reset, beginning, applied)
            }
        };
        self.moved(state, kind, Move { asked, applied, released: 0 }, now)
    }

    fn increment(&self, state: &MeterState, step: &Step) -> Result<(i64, i64), Refusal> {
        let asked = self.positive(step.amount)?;
        let bound = step.bound.map(|bound| self.quantity(bound)).transpose()?;
        let room_to_limit = self.room_of_total(state, 0);
        let room_to_bound = bound.map(|bound| bound.saturating_sub(state.total));
        let applied = fitting(asked, step.fit, [room_to_limit, room_to_bound]);
        let Some(applied) = applied else {
            let limited = room_to_limit.is_some_and(|room| room < asked);
            let figures = self.figures(state, asked);
            return Err(match bound {
                Some(bound) if !limited || room_to_bound < room_to_limit => {
                    Refusal::BoundReached(figures, bound)
                }
                _ => Refusal::LimitReached(figures),
            });
        };
        Ok((asked, applied))
    }

    fn decrement(
        &self,
        state: &MeterState,
        step: &Step,
        share: Option<Quantity>,
    ) -> Result<(i64, i64), Refusal> {
        let asked = self.positive(step.amount)?;
        let bound = step.bound.map(|bound| self.quantity(bound)).transpose()?;
        let to_floor = state.total.saturating_sub(self.spec.floor);
        let room_to_floor = Some(share.map_or(to_floor, |share| share.min(to_floor)));
        let room_to_bound = bound.map(|bound| state.total.saturating_sub(bound));
        let applied = fitting(asked, step.fit, [room_to_floor, room_to_bound]);
        let Some(applied) = applied else {
            let floored = room_to_floor.is_some_and(|room| room < asked);
            let figures = self.figures(state, asked);
            return Err(match bound {
                Some(bound) if !floored || room_to_bound < room_to_floor => {
                    Refusal::BoundReached(figures, bound)
                }
                _ => Refusal::FloorReached(figures, self.spec.floor),
            });
        };
        Ok((asked, applied))
    }

    /// A set may always lower the total, even to a value still above a ceiling that has shrunk.
    fn set(&self, state: &MeterState, value: i64) -> Result<(i64, i64), Refusal> {
        if value < self.spec.floor {
            return Err(Refusal::FloorReached(self.figures(state, value), self.spec.floor));
        }
        let room = self.room_of_total(state, 0);
        if value > state.total && room.is_some_and(|room| value.saturating_sub(state.total) > room)
        {
            return Err(Refusal::LimitReached(self.figures(state, value)));
        }
        Ok((value, self.difference(state, value, value)?))
    }

    fn difference(&self, state: &MeterState, value: i64, asked: i64) -> Result<i64, Refusal> {
        value
            .checked_sub(state.total)
            .ok_or_else(|| Refusal::CounterFull(self.figures(state, asked)))
    }

    /// The new state, or none where a counter would overflow.
    fn counted(
        &self,
        state: &MeterState,
        operation: OperationKind,
        step: Move,
        now: Timestamp,
    ) -> Option<(Counted, MeterState)> {
        let Move { asked, applied, released } = step;
        let total = state.total.checked_add(operation.change_of_total(applied)?)?;
        let gross = state.gross.checked_add(operation.change_of_gross(applied))?;
        let held = state.held.checked_add(operation.change_of_held(applied, released)?)?;
        let allowed = self.allowed(state);
        let above = |total: i64| allowed.map_or(0, |allowed| total.saturating_sub(allowed).max(0));
        let overage = above(total).saturating_sub(above(state.total)).max(0);
        let counted =
            Counted { operation, asked, applied, released, overage, total, gross, allowed, held };
        let hour = state.hour.with(&counted, now)?;
        Some((counted, MeterState { total, gross, held, hour, ..*state }))
    }

    /// The amount in the smallest unit, if it is above zero.
    pub(crate) fn positive(&self, amount: Decimal) -> Result<Quantity, Refusal> {
        let quantity = self.quantity(amount)?;
        if quantity <= 0 {
            return Err(Refusal::AmountNotPositive);
        }
        Ok(quantity)
    }

    /// The amount in the smallest unit, if it is not below zero.
    pub(crate) fn not_negative(&self, amount: Decimal) -> Result<Quantity, Refusal> {
        let quantity = self.quantity(amount)?;
        if quantity < 0 {
            return Err(Refusal::AmountNotPositive);
        }
        Ok(quantity)
    }

    fn quantity(&self, amount: Decimal) -> Result<Quantity, Refusal> {
        amount.quantity(self.spec.scale).map_err(|error| match error {
            DecimalError::BeyondScale => Refusal::FractionBeyondScale {
                meter: self.spec.name.clone(),
                scale: self.spec.scale,
            },
            DecimalError::Malformed | DecimalError::OutOfRange => Refusal::AmountOutOfRange,
        })
    }

    pub(crate) fn figures(&self, state: &MeterState, asked: Quantity) -> Box<Figures> {
        Box::new(Figures {
            license: self.license,
            meter: self.spec.name.clone(),
            scale: self.spec.scale,
            asked,
            total: state.total,
            gross: state.gross,
            allowed: self.allowed(state),
            ceiling: self.ceiling(state),
            used: self.spec.measure.used(state.total, state.held),
            held: state.held,
        })
    }
}

/// What of `asked` fits every room, where none is endless; nothing if it may not be split or
/// nothing fits.
fn fitting(asked: i64, fit: Fit, rooms: [Option<i64>; 2]) -> Option<i64> {
    let fits = rooms.into_iter().flatten().fold(asked, i64::min);
    match fit {
        _ if fits == asked => Some(asked),
        Fit::Partial if fits > 0 => Some(fits),
        Fit::Partial | Fit::Whole => None,
    }
}

impl MeterState {
    /// The state after a recorded use: what a restart and an auditor do with the ledger.
    ///
    /// None where the record cannot follow this state.
    #[must_use]
    pub fn after(
        &self,
        counted: &Counted,
        turn: Option<&Turn>,
        at: Timestamp,
        record: u64,
    ) -> Option<Self> {
        let hour = self.hour.with(counted, at)?;
        Some(Self {
            total: counted.total,
            gross: counted.gross,
            held: counted.held,
            carried: turn.map_or(self.carried, |turn| turn.carried),
            period_end: turn.map_or(self.period_end, |turn| turn.next_end),
            last_record: Some(record),
            hour,
            ..*self
        })
    }
}

impl HourSums {
    /// Whether nothing happened in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self { hour: self.hour, ..Self::default() }
    }

    /// The sums with one more use; those of a new hour begin at zero. None on overflow.
    #[must_use]
    pub fn with(&self, counted: &Counted, at: Timestamp) -> Option<Self> {
        let hour = at.hour();
        let mut sums = if hour == self.hour { *self } else { Self { hour, ..Self::default() } };
        let sum = match counted.operation {
            OperationKind::Increment | OperationKind::Settle => Some(&mut sums.incremented),
            OperationKind::Decrement | OperationKind::Return => Some(&mut sums.decremented),
            OperationKind::Set | OperationKind::Reset | OperationKind::Turn => {
                Some(&mut sums.adjusted)
            }
            OperationKind::Hold | OperationKind::Release => None,
        };
        if let Some(sum) = sum {
            *sum = sum.checked_add(counted.applied)?;
        }
        sums.overage = sums.overage.checked_add(counted.overage)?;
        sums.uses = sums.uses.checked_add(i64::from(counted.operation.is_use()))?;
        Some(sums)
    }
}

#[cfg(test)]
mod tests;
