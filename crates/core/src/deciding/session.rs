//! Sessions: a checkout of a feature until its check-in (rule 9).

use alloc::sync::Arc;
use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use super::{Decision, Situation, Step, who};
use crate::access::{Intent, Verdict, Who};
use crate::activation::ActivationRef;
use crate::id::{ActivationId, SessionId};
use crate::limits::SESSIONS_PER_LICENSE_MAX;
use crate::live::{LiveChange, Pass, Session};
use crate::meter::{Measure, Motion, Timing};
use crate::period::{Anchor, Cycle, Every};
use crate::quantity::{Decimal, Quantity};
use crate::refusal::{Kind, Refusal};
use crate::time::Timestamp;
use crate::usage::{CheckOut, Ended, Fit, Reference, Reserved, Step as Move, Subject};

impl Situation<'_> {
    pub(super) fn check_out(
        &self,
        new: CheckOut,
        activation: Option<ActivationId>,
        subject: Option<&Subject>,
        fresh: [u8; 16],
        secret: &[u8; 32],
    ) -> Result<Decision, Refusal> {
        if self.live.sessions.len() >= SESSIONS_PER_LICENSE_MAX {
            return Err(Refusal::TooMany(Kind::Session, SESSIONS_PER_LICENSE_MAX as u64));
        }
        let count = self.meter.positive(new.count)?;
        self.check_rules(count, activation, subject)?;
        let session = Session {
            id: SessionId::from_bytes(fresh),
            meter: self.meter.spec.name.clone(),
            activation,
            count,
            reserved: 0,
            active_ms: 0,
            subject: subject.cloned(),
            seen_at: self.now,
            expires_at: self.now.plus_ms(self.grace_ms()),
            created_at: self.now,
        };
        match self.meter.spec.measure {
            Measure::Uses => Err(Refusal::NotMetered(self.meter.spec.name.clone())),
            Measure::Seats => self.begin(session, count),
            Measure::Peak => self.begin_peak(session, count),
            Measure::Duration(timing) => {
                // Half a session would cost half a step, which no unit may be left to show.
                if count % self.whole() != 0 {
                    let what = "must be a whole number where duration is measured";
                    return Err(Refusal::invalid("count", what));
                }
                let units = self.price(timing, 0, count)?;
                self.begin(session, units)
            }
            Measure::DayPass => self.begin_day(session, secret),
        }
    }

    /// A session that sets `units` aside.
    fn begin(&self, session: Session, units: Quantity) -> Result<Decision, Refusal> {
        let decided = self.meter.hold(self.state, units, Fit::Whole, self.now)?;
        Ok(self.begun(Session { reserved: units, ..session }, Step::plain(decided)))
    }

    fn begun(&self, session: Session, step: Step) -> Decision {
        let until = Some(session.expires_at);
        let reference = Some(Reference { id: Reserved::Session(session.id), until });
        let step = Step { activation: session.activation, reference, ..step };
        let mut live = self.shares_after(&step);
        live.push(LiveChange::PutSession(Arc::new(session)));
        Decision { steps: alloc::vec![step], live, ..Decision::default() }
    }

    fn begin_peak(&self, session: Session, count: Quantity) -> Result<Decision, Refusal> {
        let mut decision = self.begin(session, count)?;
        let held = decision.steps[0];
        if let Some(raised) = self.meter.raise_peak(&held.state, self.now)? {
            decision.steps.push(Step { reference: held.reference, ..Step::plain(raised) });
        }
        Ok(decision)
    }

    fn begin_day(&self, session: Session, secret: &[u8; 32]) -> Result<Decision, Refusal> {
        let holder = self.pass_holder(&session, secret);
        let is_paid = |pass: &Pass| Some(pass.holder) == holder && pass.until > self.now;
        if self.live.passes.iter().any(is_paid) {
            return self.begin(session, 0);
        }
        let amount = self.meter.shown(session.count);
        let motion = Motion::Increment(Move { amount, bound: None, fit: Fit::Whole });
        let decided = self.meter.decide(self.state, motion, None, self.now)?;
        let mut decision = self.begun(session, Step::plain(decided));
        let zone = self.terms.time_zone.clone();
        let day = Cycle { every: Every::Day, anchor: Anchor::Calendar, zone };
        let until = day.period_at(self.now).to;
        decision.live.push(LiveChange::DropPasses(self.now));
        decision.live.extend(holder.map(|holder| LiveChange::PutPass(Pass { holder, until })));
        Ok(decision)
    }

    /// Who a day is paid for: the machine, or else the person, or else the host. Whoever is none of
    /// them pays each time, since nobody could tell them again.
    fn pass_holder(&self, session: &Session, secret: &[u8; 32]) -> Option<[u8; 16]> {
        let mut hash = Sha256::new();
        hash.update(secret);
        hash.update(self.meter.spec.name.as_bytes());
        let subject = session.subject.as_ref();
        let user = subject.and_then(|subject| subject.user.as_ref());
        let host = subject.and_then(|subject| subject.host.as_ref());
        match (session.activation, user, host) {
            (Some(activation), ..) => hash.update(activation.bytes()),
            (None, Some(user), _) => hash.update([b"user ", user.as_bytes()].concat()),
            (None, None, Some(host)) => hash.update([b"host ", host.as_bytes()].concat()),
            (None, None, None) => return None,
        }
        hash.finalize().first_chunk().copied()
    }

    pub(super) fn heartbeat(&self, id: SessionId) -> Result<Decision, Refusal> {
        let session = self.known_session(id)?;
        let mut next = self.seen(session, self.now);
        let Measure::Duration(timing) = self.meter.spec.measure else {
            return Ok(still_there(next));
        };
        let price = self.price(timing, next.active_ms, next.count);
        let more = price.map(|price| price.saturating_sub(next.reserved));
        if more.as_ref().is_ok_and(|more| *more <= 0) {
            return Ok(still_there(next));
        }
        let held = more
            .and_then(|more| Ok((more, self.meter.hold(self.state, more, Fit::Whole, self.now)?)));
        let Ok((more, decided)) = held else {
            let mut ended = self.end_session(&next, self.now)?;
            ended.ended = Some(Ended::LimitReached);
            return Ok(ended);
        };
        next.reserved = next.reserved.saturating_add(more);
        Ok(self.begun(next, Step::plain(decided)))
    }

    pub(super) fn check_in(&self, id: SessionId) -> Result<Decision, Refusal> {
        let session = self.known_session(id)?;
        self.end_session(&self.seen(session, self.now), self.now)
    }

    /// Ends a session that was last active at `at`. What it used was used: if it does not fit under
    /// the limit any more, what fits is counted.
    pub(super) fn end_session(
        &self,
        session: &Session,
        at: Timestamp,
    ) -> Result<Decision, Refusal> {
        let session = self.seen(session, at);
        let decided = match self.meter.spec.measure {
            Measure::Duration(timing) => {
                let price = self.price(timing, session.active_ms, session.count);
                let price = price.unwrap_or(Quantity::MAX);
                self.meter.settle(self.state, session.reserved, price, Fit::Partial, self.now)?
            }
            _ => self.meter.release(self.state, session.reserved, self.now)?,
        };
        let reference = Some(Reference { id: Reserved::Session(session.id), until: None });
        let activation = session.activation;
        let step = Step { activation, reference, ..Step::plain(decided) };
        let mut live: Vec<_> = self.shares_after(&step);
        live.push(LiveChange::DropSession(session.id));
        Ok(Decision { steps: alloc::vec![step], live, ..Decision::default() })
    }

    /// The session, active up to `at`.
    fn seen(&self, session: &Session, at: Timestamp) -> Session {
        let gap = at.0.saturating_sub(session.seen_at.0);
        let active = match self.meter.spec.measure {
            Measure::Duration(timing) => timing.active(gap),
            _ => gap.max(0),
        };
        Session {
            active_ms: session.active_ms.saturating_add(active),
            seen_at: session.seen_at.max(at),
            expires_at: session.seen_at.max(at).plus_ms(self.grace_ms()),
            ..session.clone()
        }
    }

    /// What so much time of so many sessions costs. One that began and ended at once took a moment.
    fn price(&self, timing: Timing, active_ms: i64, count: Quantity) -> Result<Quantity, Refusal> {
        let whole = i128::from(self.whole());
        timing
            .quantity(active_ms.max(1), self.meter.spec.scale)
            .and_then(|one| i64::try_from(i128::from(one) * i128::from(count) / whole).ok())
            .ok_or(Refusal::AmountOutOfRange)
    }

    /// One, in the meter's smallest unit.
    fn whole(&self) -> Quantity {
        10i64.pow(u32::from(self.meter.spec.scale.digits()))
    }

    fn check_rules(
        &self,
        count: Quantity,
        activation: Option<ActivationId>,
        subject: Option<&Subject>,
    ) -> Result<(), Refusal> {
        if self.terms.access.is_empty() {
            return Ok(());
        }
        let machine = |id| self.live.activation(&ActivationRef::Id(id)).map(|found| &**found);
        let who_asks = who(subject, activation.and_then(machine));
        let in_use = |is_one: &dyn Fn(&Who<'_>) -> bool| {
            let sessions = self.live.sessions.iter();
            let of_meter = sessions.filter(|session| session.meter == self.meter.spec.name);
            let counted = of_meter.filter(|session| {
                is_one(&who(session.subject.as_ref(), session.activation.and_then(machine)))
            });
            counted.fold(0i64, |sum, session| sum.saturating_add(session.count))
        };
        let capacity = match self.meter.spec.measure {
            Measure::Seats | Measure::Peak => self.meter.ceiling(self.state),
            _ => None,
        };
        let name = &self.meter.spec.name;
        match self.terms.access.judge(Intent::Use, name, &who_asks, capacity, &in_use) {
            Verdict::Allowed { room, .. } if room.is_none_or(|room| count <= room) => Ok(()),
            Verdict::Allowed { room, .. } => Err(Refusal::ReservedForOthers(
                self.meter.figures(self.state, count),
                room.unwrap_or(0),
            )),
            Verdict::Denied { .. } => Err(Refusal::AccessDenied(self.license.id)),
        }
    }

    fn known_session(&self, id: SessionId) -> Result<&Arc<Session>, Refusal> {
        self.live
            .session(id)
            .filter(|session| session.meter == self.meter.spec.name)
            .ok_or_else(|| Refusal::Over(Kind::Session, alloc::format!("{id}")))
    }

    fn grace_ms(&self) -> i64 {
        i64::from(self.meter.spec.session_grace_seconds) * 1000
    }
}

fn still_there(session: Session) -> Decision {
    let until = Some(session.expires_at);
    Decision {
        reference: Some(Reference { id: Reserved::Session(session.id), until }),
        live: alloc::vec![LiveChange::PutSession(Arc::new(session))],
        ..Decision::default()
    }
}

/// The quantity as a caller would write it.
impl crate::meter::Meter<'_> {
    fn shown(&self, quantity: Quantity) -> Decimal {
        Decimal::scaled(quantity, self.spec.scale)
    }
}
