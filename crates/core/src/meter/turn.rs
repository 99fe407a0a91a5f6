//! The turn of a period: the old one is closed, the meter starts again (rule 6).

use super::{Counted, Measure, Meter, MeterState, Move, Rollover};
use crate::period::{Cycle, Period};
use crate::quantity::Quantity;
use crate::refusal::Refusal;
use crate::time::Timestamp;
use crate::usage::OperationKind;

/// A period ended and the next one began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// When the old period ended; none if there was none before.
    pub ended_at: Option<Timestamp>,
    /// When the new one ends; none if there is none any more.
    pub next_end: Option<Timestamp>,
    /// What of unused ceilings the new one got.
    pub carried: Quantity,
}

impl Meter<'_> {
    /// The turn that is due at `until`, if one is, decided at `now`. Periods that went by without a
    /// use are passed over in one turn; their ceilings roll over as if each had turned. What ended
    /// meanwhile is to be carried out in its period, so `until` is before it.
    ///
    /// # Errors
    /// [`Refusal::CounterFull`].
    pub fn turn(
        &self,
        state: &MeterState,
        cycle: Option<&Cycle>,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Option<(Counted, MeterState, Turn)>, Refusal> {
        let Some(ended_at) = state.period_end else {
            let Some(cycle) = cycle else { return Ok(None) };
            let turn = Turn {
                ended_at: None,
                next_end: Some(cycle.period_at(until).to),
                carried: state.carried,
            };
            return self.turned(state, state.total, turn, now).map(Some);
        };
        if until < ended_at {
            return Ok(None);
        }
        let next = cycle.map(|cycle| cycle.period_at(until));
        let passed = cycle.map_or(0, |cycle| cycle.periods_between(ended_at, until));
        let beginning = match self.spec.measure {
            Measure::Peak => state.held.max(self.spec.beginning().total),
            _ => self.spec.beginning().total,
        };
        let turn = Turn {
            ended_at: Some(ended_at),
            next_end: next.map(|next: Period| next.to),
            carried: self.carried_over(state, beginning, passed),
        };
        self.turned(state, beginning, turn, now).map(Some)
    }

    fn turned(
        &self,
        state: &MeterState,
        beginning: Quantity,
        turn: Turn,
        now: Timestamp,
    ) -> Result<(Counted, MeterState, Turn), Refusal> {
        let applied = beginning
            .checked_sub(state.total)
            .ok_or_else(|| Refusal::CounterFull(self.figures(state, beginning)))?;
        let step = Move { asked: beginning, applied, released: 0 };
        let (counted, after) = self.moved(state, OperationKind::Turn, step, now)?;
        let after = MeterState { period_end: turn.next_end, carried: turn.carried, ..after };
        Ok((counted, after, turn))
    }

    /// What rolls over: the rest of the old period, and of each one that went by all but what it
    /// began with.
    fn carried_over(&self, state: &MeterState, beginning: Quantity, passed: u64) -> Quantity {
        let most = match self.spec.rollover {
            Rollover::None => return 0,
            Rollover::All => Quantity::MAX,
            Rollover::UpTo(most) => most,
        };
        let Some(base) = self.base() else { return 0 };
        let left = base.saturating_add(state.carried).saturating_sub(state.total).clamp(0, most);
        let unused = (i128::from(base) - i128::from(beginning)) * i128::from(passed);
        let carried = (i128::from(left) + unused).clamp(0, i128::from(most));
        Quantity::try_from(carried).unwrap_or(most)
    }
}
