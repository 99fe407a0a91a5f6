//! The counter on a license, and the rules by which it moves.

use alloc::boxed::Box;
use alloc::string::String;

use crate::id::LicenseId;
use crate::limits::OVERAGE_PERCENT_MAX;
use crate::quantity::{Decimal, DecimalError, Quantity, Scale};
use crate::refusal::{Figures, Refusal};
use crate::text::{Code, display_name};
use crate::time::Timestamp;
use crate::usage::{Fit, Operation, OperationKind, Step};

/// What a policy says of one of its meters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterSpec {
    /// Its name, unique in the policy.
    pub name: Code,
    /// What it counts, for people: `frame`, `hour`.
    pub unit: String,
    /// Digits after the point that it counts.
    pub scale: Scale,
    /// Ceiling of the period; none is unlimited.
    pub allowed: Option<Quantity>,
    /// Lowest total.
    pub floor: Quantity,
    /// What may lie above the ceiling.
    pub overage: Overage,
    /// Whether refusals are written to the ledger.
    pub record_refusals: bool,
}

/// What may lie above the ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overage {
    /// Nothing.
    #[default]
    Refuse,
    /// Anything.
    Allow,
    /// Up to this much.
    Amount(Quantity),
    /// Up to this percentage of the ceiling.
    Percent(u32),
}

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
    /// Position in the ledger of the record that brought it here.
    pub last_record: Option<u64>,
    /// How often it refused. For people, not for bills: the newest few may be lost in a crash.
    pub refusals: u64,
    /// Sums of the hour it last moved in.
    pub hour: HourSums,
}

/// Sums of one hour. `total` changes by `incremented - decremented + adjusted`.
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
    /// Net change by sets and resets.
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
    /// What was done of it; for a set or reset the change of the total.
    pub applied: Quantity,
    /// What of it lay above the ceiling.
    pub overage: Quantity,
    /// The total after it.
    pub total: Quantity,
    /// The gross after it.
    pub gross: Quantity,
    /// The ceiling it was held against.
    pub allowed: Option<Quantity>,
    /// Units on hold, then.
    pub held: Quantity,
}

impl Counted {
    /// What is left of the ceiling before overage begins; none is unlimited.
    #[must_use]
    pub fn remaining(&self) -> Option<Quantity> {
        remaining(self.allowed, self.total, self.held)
    }
}

/// What is left of a ceiling before overage begins; none is unlimited.
#[must_use]
pub fn remaining(allowed: Option<Quantity>, total: Quantity, held: Quantity) -> Option<Quantity> {
    Some(allowed?.saturating_sub(total).saturating_sub(held).max(0))
}

impl MeterSpec {
    /// Refuses a meter that contradicts itself.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], naming the field.
    pub fn check(&self) -> Result<(), Refusal> {
        display_name("unit", self.unit.clone())?;
        check_allowed(self.allowed, self.floor)?;
        match self.overage {
            Overage::Amount(amount) if amount < 0 => {
                Err(Refusal::invalid("overage", "must not be negative"))
            }
            Overage::Percent(percent) if percent > OVERAGE_PERCENT_MAX => {
                Err(Refusal::invalid("overage", "may be at most 10000 percent"))
            }
            _ => Ok(()),
        }
    }

    /// Where a new meter stands: at zero, or at the floor if that is higher.
    #[must_use]
    pub fn beginning(&self) -> MeterState {
        MeterState {
            total: self.floor.max(0),
            gross: 0,
            held: 0,
            last_record: None,
            refusals: 0,
            hour: HourSums::default(),
        }
    }
}

/// Refuses a ceiling that is negative or below the floor.
///
/// # Errors
/// [`Refusal::Invalid`].
pub fn check_allowed(allowed: Option<Quantity>, floor: Quantity) -> Result<(), Refusal> {
    let Some(allowed) = allowed else {
        return Ok(());
    };
    if allowed < 0 {
        return Err(Refusal::invalid("allowed", "must not be negative; null is unlimited"));
    }
    if allowed < floor {
        return Err(Refusal::invalid("allowed", "must not be below the floor"));
    }
    Ok(())
}

impl Meter<'_> {
    /// The ceiling of the period; none is unlimited.
    #[must_use]
    pub fn allowed(&self) -> Option<Quantity> {
        match self.allowed_from {
            AllowedFrom::Policy => self.spec.allowed,
            AllowedFrom::License(own) => own,
        }
    }

    /// The ceiling with what overage adds; none is unlimited (rule 7).
    #[must_use]
    pub fn ceiling(&self) -> Option<Quantity> {
        let allowed = self.allowed()?;
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

    /// Decides one operation: where the meter stands after it, or why not (rules 1 to 3 and 7).
    ///
    /// `last_record` of the new state is still the old one: the caller knows the new position.
    ///
    /// # Errors
    /// A refusal, and then nothing has changed.
    pub fn decide(
        &self,
        state: &MeterState,
        operation: &Operation,
        now: Timestamp,
    ) -> Result<(Counted, MeterState), Refusal> {
        let (asked, applied) = match operation {
            Operation::Increment(step) => self.increment(state, step)?,
            Operation::Decrement(step) => self.decrement(state, step)?,
            Operation::Set(value) => self.set(state, self.quantity(*value)?)?,
            Operation::Reset => {
                let beginning = self.spec.beginning().total;
                (beginning, self.difference(state, beginning, beginning)?)
            }
        };
        self.counted(state, operation.kind(), asked, applied, now)
            .ok_or_else(|| Refusal::CounterFull(self.figures(state, asked)))
    }

    fn increment(&self, state: &MeterState, step: &Step) -> Result<(i64, i64), Refusal> {
        let asked = self.positive(step.amount)?;
        let bound = step.bound.map(|bound| self.quantity(bound)).transpose()?;
        let room_to_limit = self
            .ceiling()
            .map(|ceiling| ceiling.saturating_sub(state.total).saturating_sub(state.held));
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

    fn decrement(&self, state: &MeterState, step: &Step) -> Result<(i64, i64), Refusal> {
        let asked = self.positive(step.amount)?;
        let bound = step.bound.map(|bound| self.quantity(bound)).transpose()?;
        let room_to_floor = Some(state.total.saturating_sub(self.spec.floor));
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
        let room = self.ceiling().map(|ceiling| ceiling.saturating_sub(state.held));
        if value > state.total && room.is_some_and(|room| value > room) {
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
        asked: i64,
        applied: i64,
        now: Timestamp,
    ) -> Option<(Counted, MeterState)> {
        let change = match operation {
            OperationKind::Decrement => applied.checked_neg()?,
            _ => applied,
        };
        let total = state.total.checked_add(change)?;
        let gross = match operation {
            OperationKind::Increment => state.gross.checked_add(applied)?,
            _ => state.gross,
        };
        let allowed = self.allowed();
        let above = |total: i64| allowed.map_or(0, |allowed| total.saturating_sub(allowed).max(0));
        let counted = Counted {
            operation,
            asked,
            applied,
            overage: above(total).saturating_sub(above(state.total)).max(0),
            total,
            gross,
            allowed,
            held: state.held,
        };
        let hour = state.hour.with(&counted, now)?;
        Some((counted, MeterState { total, gross, hour, ..*state }))
    }

    fn positive(&self, amount: Decimal) -> Result<Quantity, Refusal> {
        let quantity = self.quantity(amount)?;
        if quantity <= 0 {
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

    fn figures(&self, state: &MeterState, asked: Quantity) -> Box<Figures> {
        Box::new(Figures {
            license: self.license,
            meter: self.spec.name.clone(),
            scale: self.spec.scale,
            asked,
            total: state.total,
            gross: state.gross,
            allowed: self.allowed(),
            ceiling: self.ceiling(),
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
    pub fn after(&self, counted: &Counted, at: Timestamp, record: u64) -> Option<Self> {
        let hour = self.hour.with(counted, at)?;
        Some(Self {
            total: counted.total,
            gross: counted.gross,
            held: counted.held,
            last_record: Some(record),
            hour,
            ..*self
        })
    }
}

impl HourSums {
    /// The sums with one more use; those of a new hour begin at zero. None on overflow.
    #[must_use]
    pub fn with(&self, counted: &Counted, at: Timestamp) -> Option<Self> {
        let hour = at.hour();
        let mut sums = if hour == self.hour { *self } else { Self { hour, ..Self::default() } };
        let sum = match counted.operation {
            OperationKind::Increment => &mut sums.incremented,
            OperationKind::Decrement => &mut sums.decremented,
            OperationKind::Set | OperationKind::Reset => &mut sums.adjusted,
        };
        *sum = sum.checked_add(counted.applied)?;
        sums.overage = sums.overage.checked_add(counted.overage)?;
        sums.uses = sums.uses.checked_add(1)?;
        Some(sums)
    }
}

#[cfg(test)]
mod tests;
