//! What is due at an instant, whoever asks.

use super::{Decision, Situation, Step};
use crate::live::{Hold, Session};
use crate::meter::{MeterPeriod, Rollover};
use crate::period::Cycle;
use crate::refusal::Refusal;
use crate::terms::Terms;
use crate::time::Timestamp;

/// The next thing that is due on a meter; none if nothing is. To be asked again after each until
/// nothing is: what is due at the same time is decided in the order of time.
///
/// # Errors
/// [`Refusal::CounterFull`], where a counter cannot take what is due.
pub fn overdue(situation: &Situation<'_>) -> Result<Option<Decision>, Refusal> {
    next(situation, Occasion::Use)
}

/// The same when nobody uses the meter: a timer, or a question. No period begins for a meter that
/// nobody moves, or an idle license would fill the ledger with turns for ever.
///
/// # Errors
/// As [`overdue`].
pub fn overdue_idle(situation: &Situation<'_>) -> Result<Option<Decision>, Refusal> {
    next(situation, Occasion::Idle)
}

/// Why it is asked what is due.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occasion {
    /// The meter is about to move.
    Use,
    /// Time has passed.
    Idle,
}

fn next(situation: &Situation<'_>, occasion: Occasion) -> Result<Option<Decision>, Refusal> {
    let Situation { meter, state, live, now, .. } = situation;
    if live.holds.is_empty() && live.sessions.is_empty() && !situation.turn_is_due(occasion) {
        return Ok(None);
    }
    let name = &meter.spec.name;
    let hold = live.holds.iter().filter(|hold| hold.meter == *name && hold.expires_at <= *now);
    let hold = hold.min_by_key(|hold| hold.expires_at);
    let session = live.sessions.iter().filter(|one| one.meter == *name && one.expires_at <= *now);
    let session = session.min_by_key(|session| session.expires_at);
    // What ends with a period still counts towards it.
    let turns_before =
        |at| situation.turn_is_due(occasion) && state.period_end.is_none_or(|end| end < at);
    let first_ends = [hold.map(|one| one.expires_at), session.map(|one| one.expires_at)];
    let first_end = first_ends.into_iter().flatten().min();
    // Up to what ends next, which counts towards its period even if it is carried out late. The
    // first period begins now, whatever ended before it.
    let before = first_end.map(|end| end.plus_ms(-1)).filter(|_| state.period_end.is_some());
    let until = before.unwrap_or(*now);
    if first_end.is_none_or(turns_before)
        && let Some(turned) = situation.turn(occasion, until)?
    {
        return Ok(Some(turned));
    }
    match (hold, session) {
        (Some(hold), session)
            if session.is_none_or(|session| hold.expires_at <= session.expires_at) =>
        {
            situation.expire(hold).map(Some)
        }
        (_, Some(session)) => situation.fall_silent(session).map(Some),
        (_, None) => Ok(None),
    }
}

impl Situation<'_> {
    fn expire(&self, hold: &Hold) -> Result<Decision, Refusal> {
        let decided = self.meter.release(self.state, hold.units, self.now)?;
        Ok(self.end_hold(hold, Step::plain(decided)))
    }

    /// A session that fell silent ended at its last heartbeat plus the grace (rule 9).
    fn fall_silent(&self, session: &Session) -> Result<Decision, Refusal> {
        self.end_session(session, session.expires_at)
    }

    /// Whether a turn may be due, found out without a calendar.
    fn turn_is_due(&self, occasion: Occasion) -> bool {
        match self.state.period_end {
            Some(end) => end <= self.now,
            None => occasion == Occasion::Use && self.meter.spec.period != MeterPeriod::Never,
        }
    }

    /// Whether the next period has something to begin with, though nobody uses the meter.
    fn goes_on(&self) -> bool {
        let name = &self.meter.spec.name;
        // A session that holds nothing yet may still cost something when it ends.
        let has_sessions = self.live.sessions.iter().any(|session| session.meter == *name);
        self.state.held != 0 || has_sessions || self.meter.spec.rollover != Rollover::None
    }

    fn turn(&self, occasion: Occasion, until: Timestamp) -> Result<Option<Decision>, Refusal> {
        if !self.turn_is_due(occasion) {
            return Ok(None);
        }
        let cycle = match occasion {
            Occasion::Idle if !self.goes_on() => None,
            _ => cycle(self.meter.spec.period, self.terms, self.license.created_at),
        };
        let turned = self.meter.turn(self.state, cycle.as_ref(), until, self.now)?;
        let Some((counted, state, turn)) = turned else {
            return Ok(None);
        };
        let step = Step { turn: Some(turn), ..Step::plain((counted, state)) };
        let live = self.shares_after(&step);
        Ok(Some(Decision { steps: alloc::vec![step], live, ..Decision::default() }))
    }
}

/// The cycle of a meter's periods under these terms; none if it has none.
#[must_use]
pub fn cycle(period: MeterPeriod, terms: &Terms, license_began: Timestamp) -> Option<Cycle> {
    let every = match period {
        MeterPeriod::Never => return None,
        MeterPeriod::Every(every) => every,
        MeterPeriod::Billing => terms.billing_every?,
    };
    let anchor = terms.period_anchor.of(license_began);
    Some(Cycle { every, anchor, zone: terms.time_zone.clone() })
}
