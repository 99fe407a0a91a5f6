//! Decides which machines and processes may hold a license (rule 4).
//!
//! Time comes first: [`Machines::expired`] ends what is dead beyond revival, and its outcome is
//! applied before anything else is decided. Only heartbeats need not wait for it: they look at
//! nothing but who sends them, and what is dead for good learns that it is.

mod due;
mod facts;
mod processes;
mod room;

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::activation::{Activation, ActivationRef, Heartbeat, Process};
use crate::command::{ActivationPatch, NewActivation};
use crate::id::{ActivationId, ProcessId, UserId};
use crate::ledger::record::Action;
use crate::license::{License, Marks, Status};
use crate::live::{Live, LiveChange, Share};
use crate::refusal::{Kind, LimitFigures, Limited, Refusal};
use crate::terms::{HeartbeatFrom, Limit, Terms, Unique, WhenExpired};
use crate::time::Timestamp;

/// What a decision about a license's machines looks at.
#[derive(Debug, Clone, Copy)]
pub struct Machines<'a> {
    /// Whose machines.
    pub license: &'a License,
    /// Under which terms.
    pub terms: &'a Terms,
    /// What lives on the license.
    pub live: &'a Live,
    /// The writer's time.
    pub now: Timestamp,
}

/// What lies on other licenses and matters here. What is on the license itself is seen in its
/// [`Live`] and does not belong here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Elsewhere {
    /// Whether a machine on another license, of those that [`Terms::unique`] speaks of, has the
    /// fingerprint of the new one.
    pub fingerprint_taken: bool,
    /// Which of the components' fingerprints machines on other licenses have, of those that
    /// [`Terms::component_unique`] speaks of.
    pub components_taken: Vec<alloc::string::String>,
    /// Which of the ids that the caller chose are ids already on other licenses of the account.
    pub ids_taken: Vec<[u8; 16]>,
    /// The activations of the license's customer, where it has a limit of its own.
    pub customer: Option<CustomerActivations>,
}

/// Activations of all licenses of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CustomerActivations {
    /// How many there are, those of this license included.
    pub present: u64,
    /// How many there may be; nothing may lie above it.
    pub limit: Limit,
}

/// What follows from a decision.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Changes of what lives on the license, in order.
    pub live: Vec<LiveChange>,
    /// What is noted on the license from now on, if that changes.
    pub marks: Option<Marks>,
    /// The shares of the machines that ended, as they stood: those of floating meters come back,
    /// the others stay counted. `live` drops them all. A period that is over wipes shares, so
    /// meters turn before this is decided.
    pub given_back: Vec<Share>,
    /// Which machines ended, in order, and whether they were [`Action::Deleted`],
    /// [`Action::Expired`] or [`Action::Replaced`].
    pub ended: Vec<(ActivationId, Action)>,
    /// Which processes ended by themselves, beside those of the machines that ended.
    pub ended_processes: Vec<ProcessId>,
    /// The machine that it is about, as it is now (as it was, if it has ended).
    pub activation: Option<Arc<Activation>>,
    /// The process that it is about, as it is now (as it was, if it has ended).
    pub process: Option<Arc<Process>>,
    /// Whether the machine or process was not there before.
    pub is_new: bool,
    /// Whether what is known of a machine that was there before changed, heartbeats aside.
    pub is_changed: bool,
    /// Whether the machine was dead, and lives now.
    pub is_revived: bool,
}

/// Where new ids come from.
pub type Fresh<'a> = &'a mut dyn FnMut() -> [u8; 16];

impl<'a> Machines<'a> {
    /// Lets a machine hold the license, `user`'s if somebody's.
    ///
    /// A fingerprint that holds the license already is the same machine, unless the terms say
    /// that fingerprints are unique among nothing: it takes no second place, is seen to live even
    /// if it was dead, and what it tells of itself anew is taken over. What it does not tell stays,
    /// its id does too.
    ///
    /// A machine that passes a limit is refused, or takes the place of those that showed life
    /// longest ago (`when_full`). The first one is no exception. `overdraft` lifts the limit of
    /// activations only where the terms state no overage of their own and the license is floating.
    ///
    /// # Errors
    /// [`Refusal::LicenseRevoked`], [`Refusal::LicenseSuspended`], [`Refusal::LicenseNotYetValid`],
    /// and [`Refusal::LicenseExpired`] unless expired licenses go on (`when_expired` is `maintain`
    /// or `allow`); [`Refusal::Invalid`], [`Refusal::ActivationNotAllowed`], [`Refusal::Taken`],
    /// [`Refusal::LimitOf`], [`Refusal::TooMany`].
    pub fn activate(
        &self,
        new: NewActivation,
        user: Option<UserId>,
        fresh: Fresh<'_>,
        elsewhere: &Elsewhere,
    ) -> Result<Outcome, Refusal> {
        self.check_state()?;
        facts::check_new(&new, self.terms)?;
        if self.terms.unique != Unique::Nothing {
            let mut all = self.live.activations.iter();
            if let Some(known) = all.find(|one| one.fingerprint == new.fingerprint) {
                return self.activate_again(known, new, user, fresh, elsewhere);
            }
        }
        let overdraft = new.overdraft;
        let activation = self.made(new, user, fresh, elsewhere)?;
        let mut outcome = Outcome::default();
        for replaced in self.make_room(&activation, overdraft, elsewhere)? {
            self.end(&replaced, Action::Replaced, &mut outcome);
        }
        let marks = self.license.marks;
        outcome.marks = Some(Marks {
            activated_at: marks.activated_at.or(Some(self.now)),
            activations: marks.activations.saturating_add(1),
            ..marks
        });
        outcome.is_new = true;
        outcome.put(activation);
        Ok(outcome)
    }

    fn made(
        &self,
        new: NewActivation,
        user: Option<UserId>,
        fresh: Fresh<'_>,
        elsewhere: &Elsewhere,
    ) -> Result<Activation, Refusal> {
        self.check_user(user)?;
        let looks_elsewhere =
            matches!(self.terms.unique, Unique::Policy | Unique::Product | Unique::Account);
        if looks_elsewhere && elsewhere.fingerprint_taken {
            return Err(Refusal::Taken(Kind::Activation, "with this fingerprint".into()));
        }
        let id = match new.id {
            Some(id) => self.chosen(id, elsewhere)?,
            None => ActivationId::from_bytes(fresh()),
        };
        let components = self.components(new.components, None, fresh, elsewhere)?;
        let mut made = Activation {
            id,
            fingerprint: new.fingerprint,
            name: new.name,
            hostname: new.hostname,
            platform: new.platform,
            address: new.address,
            cores: new.cores,
            memory: new.memory,
            disk: new.disk,
            is_vm: new.is_vm,
            is_container: new.is_container,
            user,
            components,
            metadata: new.metadata,
            own_heartbeat_seconds: new.heartbeat_seconds,
            seen_at: None,
            last_file_at: None,
            created_at: self.now,
            updated_at: self.now,
        };
        if self.terms.heartbeat_from == HeartbeatFrom::Creation {
            made.seen_at = made.heartbeat_ms(self.terms).map(|_| self.now);
        }
        Ok(made)
    }

    /// The id that a caller chose.
    fn chosen(&self, id: ActivationId, elsewhere: &Elsewhere) -> Result<ActivationId, Refusal> {
        let is_here = self.live.activations.iter().any(|one| one.id == id);
        if is_here || elsewhere.ids_taken.contains(id.bytes()) {
            return Err(Refusal::Taken(Kind::Activation, id.to_string()));
        }
        Ok(id)
    }

    fn activate_again(
        &self,
        known: &Arc<Activation>,
        new: NewActivation,
        user: Option<UserId>,
        fresh: Fresh<'_>,
        elsewhere: &Elsewhere,
    ) -> Result<Outcome, Refusal> {
        let (is_vm, is_container) = (new.is_vm, new.is_container);
        let own_heartbeat_seconds = new.heartbeat_seconds.or(known.own_heartbeat_seconds);
        let patch = facts::told_anew(new);
        let mut next = self.patched(known, patch, user.map(Some), fresh, elsewhere)?;
        next = Activation { is_vm, is_container, own_heartbeat_seconds, ..next };
        let mut outcome = Outcome {
            is_changed: next != **known,
            is_revived: known.heartbeat(self.terms, self.now) == Heartbeat::Dead,
            ..Outcome::default()
        };
        if self.clock_runs(known) {
            next.seen_at = Some(self.seen(known));
        }
        if outcome.is_changed {
            next.updated_at = self.now;
        }
        outcome.put(next);
        Ok(outcome)
    }

    /// Whether being seen leaves the machine with no more duties than it has: where a first
    /// heartbeat is what starts its clock, activating again does not.
    fn clock_runs(&self, known: &Activation) -> bool {
        known.seen_at.is_some()
            || known.heartbeat_ms(self.terms).is_none()
            || known.dies_at(self.terms).is_some()
    }

    /// When the machine is seen, which is never before it was.
    fn seen(&self, known: &Activation) -> Timestamp {
        known.last_life().max(self.now)
    }

    /// Changes what is known of a machine. What grows is held against the limits, what does not
    /// stays as it is even above them; it replaces no other machine. `user` is whose it is from now
    /// on, if that changes.
    ///
    /// # Errors
    /// [`Refusal::Unknown`], [`Refusal::Invalid`], [`Refusal::Taken`], [`Refusal::LimitOf`].
    pub fn change(
        &self,
        of: &ActivationRef,
        patch: ActivationPatch,
        user: Option<Option<UserId>>,
        fresh: Fresh<'_>,
        elsewhere: &Elsewhere,
    ) -> Result<Outcome, Refusal> {
        let known = self.known(of)?;
        facts::check_patch(&patch)?;
        let mut next = self.patched(known, patch, user, fresh, elsewhere)?;
        if next == **known {
            return Ok(Outcome { activation: Some(Arc::clone(known)), ..Outcome::default() });
        }
        next.updated_at = self.now;
        let mut outcome = Outcome { is_changed: true, ..Outcome::default() };
        outcome.put(next);
        Ok(outcome)
    }

    /// A machine shows that it lives. A dead one revives while it can.
    ///
    /// # Errors
    /// [`Refusal::Unknown`], and [`Refusal::ActivationDead`] if it is dead for good.
    pub fn heartbeat(&self, of: &ActivationRef) -> Result<Outcome, Refusal> {
        let known = self.known(of)?;
        if known.is_gone(self.terms, self.now) {
            return Err(Refusal::ActivationDead(known.id));
        }
        let is_revived = known.heartbeat(self.terms, self.now) == Heartbeat::Dead;
        let mut outcome = Outcome { is_revived, ..Outcome::default() };
        outcome.put(Activation { seen_at: Some(self.seen(known)), ..Activation::clone(known) });
        Ok(outcome)
    }

    /// Lets a machine begin anew, dead or not: it has sent no heartbeat yet, or, where it must show
    /// that it lives from its creation on, has just been made.
    ///
    /// # Errors
    /// [`Refusal::Unknown`].
    pub fn reset_heartbeat(&self, of: &ActivationRef) -> Result<Outcome, Refusal> {
        let known = self.known(of)?;
        let is_revived = known.heartbeat(self.terms, self.now) == Heartbeat::Dead;
        let mut next = Activation { seen_at: None, ..Activation::clone(known) };
        // Its creation may be long past: that would kill it on the spot.
        if next.dies_at(self.terms).is_some() {
            next.seen_at = Some(self.seen(known));
        }
        let mut outcome = Outcome { is_revived, ..Outcome::default() };
        outcome.put(next);
        Ok(outcome)
    }

    /// A machine lets go of the license because somebody asked for it.
    ///
    /// # Errors
    /// [`Refusal::Unknown`], and [`Refusal::LimitOf`] where the license has been let go of as often
    /// as it may. No overage applies to that.
    pub fn deactivate(&self, of: &ActivationRef) -> Result<Outcome, Refusal> {
        let known = self.known(of)?;
        let marks = self.license.marks;
        if let Some(limit) = self.terms.max_deactivations.0
            && marks.deactivations >= limit
        {
            return Err(Refusal::LimitOf(alloc::boxed::Box::new(LimitFigures {
                license: self.license.id,
                of: Limited::Deactivations,
                limit,
                present: marks.deactivations,
                asked: 1,
            })));
        }
        let deactivations = marks.deactivations.saturating_add(1);
        let mut outcome =
            Outcome { marks: Some(Marks { deactivations, ..marks }), ..Outcome::default() };
        self.end(known, Action::Deleted, &mut outcome);
        outcome.activation = Some(Arc::clone(known));
        Ok(outcome)
    }

    fn known(&self, of: &ActivationRef) -> Result<&'a Arc<Activation>, Refusal> {
        let unknown = || Refusal::Unknown(Kind::Activation, "with this id or fingerprint".into());
        self.live.activation(of).ok_or_else(unknown)
    }

    fn end(&self, activation: &Activation, action: Action, outcome: &mut Outcome) {
        let its = self.live.shares.iter().filter(|share| share.activation == activation.id);
        outcome.given_back.extend(its.cloned());
        outcome.live.push(LiveChange::DropActivation(activation.id));
        outcome.ended.push((activation.id, action));
    }

    /// Refuses what begins anew on a license that is stopped.
    fn check_state(&self) -> Result<(), Refusal> {
        let id = self.license.id;
        let goes_on = matches!(self.terms.when_expired, WhenExpired::Maintain | WhenExpired::Allow);
        match self.license.status(self.now) {
            Status::Revoked => Err(Refusal::LicenseRevoked(id)),
            Status::Suspended => Err(Refusal::LicenseSuspended(id)),
            Status::NotYetValid => {
                let begin = self.license.valid_from.unwrap_or(self.now);
                Err(Refusal::LicenseNotYetValid(id, begin))
            }
            Status::Expired if !goes_on => {
                let end = self.license.expires_at.unwrap_or(self.now);
                Err(Refusal::LicenseExpired(id, end))
            }
            Status::Expired | Status::Active => Ok(()),
        }
    }
}

impl Outcome {
    fn put(&mut self, activation: Activation) {
        let activation = Arc::new(activation);
        self.live.push(LiveChange::PutActivation(Arc::clone(&activation)));
        self.activation = Some(activation);
    }
}

#[cfg(test)]
mod tests;
