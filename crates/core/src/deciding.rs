//! Decides a request to move a meter, with everything that lives on its license.
//!
//! Time comes first: [`overdue()`] says what is due whoever asks (a period that ended, a hold that
//! expired, a session that fell silent). Then [`decide`] says what the request itself does.

mod holding;
mod overdue;
mod session;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::access::{Intent, Who};
use crate::activation::{Activation, ActivationRef};
use crate::id::ActivationId;
use crate::license::License;
use crate::live::{Live, LiveChange, Share};
use crate::meter::{Counted, Meter, MeterState, Motion, Turn};
use crate::quantity::Quantity;
use crate::refusal::{Kind, Refusal};
use crate::terms::{Terms, WhenDead};
use crate::time::Timestamp;
use crate::usage::{Ended, Operation, OperationKind, Reference, Subject, Use};

pub use self::overdue::{overdue, overdue_idle};

/// What a decision looks at.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Whose meter.
    pub license: &'a License,
    /// Under which terms.
    pub terms: &'a Terms,
    /// Which meter.
    pub meter: Meter<'a>,
    /// Where it stands.
    pub state: &'a MeterState,
    /// What lives on the license.
    pub live: &'a Live,
    /// The writer's time.
    pub now: Timestamp,
}

/// One record that follows from a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// What it counts, and where the meter stands after it.
    pub counted: Counted,
    /// The same as state; its last record is still the one before.
    pub state: MeterState,
    /// The machine it counts for.
    pub activation: Option<ActivationId>,
    /// The hold or session it belongs to.
    pub reference: Option<Reference>,
    /// The turn of a period that it is.
    pub turn: Option<Turn>,
}

/// What follows from a request.
#[derive(Debug, Default)]
pub struct Decision {
    /// Records, in order. The answer is about the first; none if nothing is to be counted.
    pub steps: Vec<Step>,
    /// Changes of what lives on the license.
    pub live: Vec<LiveChange>,
    /// The hold or session, where the steps do not tell.
    pub reference: Option<Reference>,
    /// Why a session ended that was asked to go on.
    pub ended: Option<Ended>,
}

impl Step {
    /// A step that belongs to nothing but its meter.
    #[must_use]
    pub const fn plain(decided: (Counted, MeterState)) -> Self {
        let (counted, state) = decided;
        Self { counted, state, activation: None, reference: None, turn: None }
    }
}

/// Decides a request. `fresh` is a new id, for a hold or session that it may begin; `secret` keys
/// the hashes that stand for people.
///
/// # Errors
/// A refusal, and then nothing has changed.
pub fn decide(
    situation: &Situation<'_>,
    used: &Use,
    fresh: [u8; 16],
    secret: &[u8; 32],
) -> Result<Decision, Refusal> {
    // What was begun may always be ended: by whom, and for which machine, its beginning said.
    let ends = matches!(
        used.operation,
        Operation::Settle(..) | Operation::Release(_) | Operation::CheckIn(_)
    );
    let activation = if ends { None } else { situation.activation(used)? };
    // A session that goes on was let in already; a heartbeat does not say again for whom.
    if !ends && !matches!(used.operation, Operation::Heartbeat(_)) {
        situation.check_access(used, activation)?;
    }
    let activation = activation.map(|activation| activation.id);
    let motion = match used.operation {
        Operation::Increment(step) => Motion::Increment(step),
        Operation::Decrement(step) => Motion::Decrement(step),
        Operation::Set(value) => Motion::Set(value),
        Operation::Reset => Motion::Reset,
        Operation::Hold(new) => return situation.begin_hold(new, activation, fresh),
        Operation::Settle(hold, amount) => return situation.settle_hold(hold, amount),
        Operation::Release(hold) => return situation.release_hold(hold),
        Operation::CheckOut(new) => {
            let subject = used.subject.as_ref();
            return situation.check_out(new, activation, subject, fresh, secret);
        }
        Operation::Heartbeat(session) => return situation.heartbeat(session),
        Operation::CheckIn(session) => return situation.check_in(session),
    };
    situation.move_total(motion, activation)
}

impl<'a> Situation<'a> {
    fn move_total(
        &self,
        motion: Motion,
        activation: Option<ActivationId>,
    ) -> Result<Decision, Refusal> {
        let share = activation.map(|id| self.live.share(id, &self.meter.spec.name));
        let decided = self.meter.decide(self.state, motion, share, self.now)?;
        let step = Step { activation, ..Step::plain(decided) };
        let live = self.shares_after(&step);
        Ok(Decision { steps: alloc::vec![step], live, ..Decision::default() })
    }

    /// What a step does to the shares of activations (rule 4). A set or reset is nobody's: it wipes
    /// them, or an activation could later take back what is not there any more. An activation that
    /// is gone has no share, whatever was still on hold for it.
    fn shares_after(&self, step: &Step) -> Vec<LiveChange> {
        let Counted { operation, applied, .. } = step.counted;
        let change = match operation {
            OperationKind::Increment | OperationKind::Settle => applied,
            OperationKind::Decrement => -applied,
            // The first period of a meter begins with all that was counted before.
            OperationKind::Turn if step.turn.is_some_and(|turn| turn.ended_at.is_none()) => 0,
            OperationKind::Set | OperationKind::Reset | OperationKind::Turn => {
                return self.wiped_shares();
            }
            OperationKind::Hold | OperationKind::Release | OperationKind::Return => 0,
        };
        match step.activation {
            None if change < 0 => self.shrunk_shares(step.counted.total),
            Some(activation) if change != 0 && self.is_live(activation) => {
                let meter = self.meter.spec.name.clone();
                let quantity = self.live.share(activation, &meter).saturating_add(change);
                alloc::vec![LiveChange::PutShare(Share { activation, meter, quantity })]
            }
            _ => Vec::new(),
        }
    }

    /// A decrement that names no activation takes what is nobody's first, and then of the shares,
    /// the newest first: together they never exceed what could be given back.
    fn shrunk_shares(&self, total: Quantity) -> Vec<LiveChange> {
        let shares =
            || self.live.shares.iter().filter(|share| share.meter == self.meter.spec.name).rev();
        let sum = shares().fold(0i64, |sum, share| sum.saturating_add(share.quantity));
        let mut excess = sum.saturating_sub(total.saturating_sub(self.meter.spec.floor));
        let mut changes = Vec::new();
        for share in shares() {
            if excess <= 0 {
                break;
            }
            let quantity = share.quantity.saturating_sub(excess).max(0);
            excess = excess.saturating_sub(share.quantity - quantity);
            changes.push(LiveChange::PutShare(Share { quantity, ..share.clone() }));
        }
        changes
    }

    fn is_live(&self, activation: ActivationId) -> bool {
        self.live.activation(&ActivationRef::Id(activation)).is_some()
    }

    fn wiped_shares(&self) -> Vec<LiveChange> {
        let name = &self.meter.spec.name;
        if self.live.shares.iter().any(|share| share.meter == *name) {
            alloc::vec![LiveChange::DropShares(name.clone())]
        } else {
            Vec::new()
        }
    }

    fn activation(&self, used: &Use) -> Result<Option<&'a Arc<Activation>>, Refusal> {
        let Some(of) = &used.activation else { return Ok(None) };
        let found = self.live.activation(of);
        let unknown = || Refusal::Unknown(Kind::Activation, "with this id or fingerprint".into());
        let activation = found.ok_or_else(unknown)?;
        if self.terms.when_dead == WhenDead::Deactivate && activation.is_gone(self.terms, self.now)
        {
            return Err(Refusal::ActivationDead(activation.id));
        }
        Ok(Some(activation))
    }

    fn check_access(
        &self,
        used: &Use,
        activation: Option<&Arc<Activation>>,
    ) -> Result<(), Refusal> {
        if self.terms.access.is_empty() || !used.operation.begins() {
            return Ok(());
        }
        let who = who(used.subject.as_ref(), activation.map(|found| &**found));
        match self.terms.access.denial(Intent::Use, &self.meter.spec.name, &who) {
            Some(_) => Err(Refusal::AccessDenied(self.license.id)),
            None => Ok(()),
        }
    }
}

/// Who is asking: what the request says, and what is known of the machine beside it.
fn who<'a>(subject: Option<&'a Subject>, activation: Option<&'a Activation>) -> Who<'a> {
    let or_else =
        |stated: Option<&'a str>, known: Option<&'a String>| stated.or(known.map(String::as_str));
    let subject = subject.map_or_else(Who::default, Who::from);
    Who {
        user: subject.user,
        host: or_else(subject.host, activation.and_then(|found| found.hostname.as_ref())),
        address: or_else(subject.address, activation.and_then(|found| found.address.as_ref())),
    }
}

#[cfg(test)]
mod tests;
