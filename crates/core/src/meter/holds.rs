//! Units set aside, settled, released and given back (rules 4, 8 and 9).

use super::{Counted, Measure, Meter, MeterState, fitting};
use crate::quantity::Quantity;
use crate::refusal::Refusal;
use crate::time::Timestamp;
use crate::usage::{Fit, OperationKind};

type Decided = Result<(Counted, MeterState), Refusal>;

impl Meter<'_> {
    /// Sets `asked` units aside.
    ///
    /// # Errors
    /// [`Refusal::LimitReached`] or [`Refusal::CounterFull`].
    pub fn hold(&self, state: &MeterState, asked: Quantity, fit: Fit, now: Timestamp) -> Decided {
        // Nothing always fits: a day that is paid for, minutes that are free.
        let room = self.room_of_holds(state).map(|room| room.max(0));
        let Some(applied) = fitting(asked, fit, [room, None]) else {
            return Err(Refusal::LimitReached(self.figures(state, asked)));
        };
        self.moved(state, OperationKind::Hold, Move { asked, applied, released: 0 }, now)
    }

    /// Lets go of `reserved` units and counts `asked` instead; what lies above what was reserved
    /// only if the limit lets it. What was reserved fits even if the ceiling has come down since;
    /// in part also means as far as the counters reach.
    ///
    /// # Errors
    /// [`Refusal::LimitReached`] or [`Refusal::CounterFull`].
    pub fn settle(
        &self,
        state: &MeterState,
        reserved: Quantity,
        asked: Quantity,
        fit: Fit,
        now: Timestamp,
    ) -> Decided {
        let promised = match self.spec.measure {
            Measure::Peak => 0,
            _ => reserved,
        };
        let most = self.room_of_total(state, reserved).map(|room| room.max(promised));
        let full = Quantity::MAX.saturating_sub(state.total.max(state.gross).max(0));
        let full = (fit == Fit::Partial).then_some(full);
        let applied = match fitting(asked, fit, [most, full]) {
            Some(applied) => applied,
            None if fit == Fit::Partial => 0,
            None => return Err(Refusal::LimitReached(self.figures(state, asked))),
        };
        let step = Move { asked, applied, released: reserved };
        self.moved(state, OperationKind::Settle, step, now)
    }

    /// Lets go of units that were set aside.
    ///
    /// # Errors
    /// [`Refusal::CounterFull`], which cannot happen to units that are held.
    pub fn release(&self, state: &MeterState, units: Quantity, now: Timestamp) -> Decided {
        let step = Move { asked: units, applied: units, released: units };
        self.moved(state, OperationKind::Release, step, now)
    }

    /// Takes the share of an activation that ended out of the total (rule 4). What a set or a reset
    /// has taken out before cannot come back again.
    ///
    /// # Errors
    /// [`Refusal::CounterFull`], which cannot happen to a share of the total.
    pub fn give_back(&self, state: &MeterState, share: Quantity, now: Timestamp) -> Decided {
        let applied = share.min(state.total.saturating_sub(self.spec.floor)).max(0);
        let step = Move { asked: share, applied, released: 0 };
        self.moved(state, OperationKind::Return, step, now)
    }

    /// Raises the total to the seats that are held, where those are more than ever before in the
    /// period; none if they are not.
    ///
    /// # Errors
    /// [`Refusal::CounterFull`].
    pub fn raise_peak(
        &self,
        state: &MeterState,
        now: Timestamp,
    ) -> Result<Option<(Counted, MeterState)>, Refusal> {
        let rise = state.held.saturating_sub(state.total);
        if rise <= 0 {
            return Ok(None);
        }
        let step = Move { asked: rise, applied: rise, released: 0 };
        self.moved(state, OperationKind::Increment, step, now).map(Some)
    }

    /// Where the meter stands, said as if nothing had just been set aside.
    #[must_use]
    pub fn standing(&self, state: &MeterState) -> Counted {
        Counted {
            operation: OperationKind::Hold,
            asked: 0,
            applied: 0,
            released: 0,
            overage: 0,
            total: state.total,
            gross: state.gross,
            allowed: self.allowed(state),
            held: state.held,
        }
    }

    pub(super) fn moved(
        &self,
        state: &MeterState,
        operation: OperationKind,
        step: Move,
        now: Timestamp,
    ) -> Decided {
        self.counted(state, operation, step, now)
            .ok_or_else(|| Refusal::CounterFull(self.figures(state, step.asked)))
    }
}

/// What an operation does, before it is added up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Move {
    pub asked: Quantity,
    pub applied: Quantity,
    pub released: Quantity,
}
