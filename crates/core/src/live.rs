//! What lives on a license: its activations, their shares, its holds and sessions.
//!
//! Most licenses have none of it. It is kept apart from the license, loaded with it, and changed by
//! [`LiveChange`]s that a unit of work writes and memory takes over afterwards.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::activation::{Activation, ActivationRef, Process};
use crate::id::{ActivationId, HoldId, ProcessId, SessionId};
use crate::quantity::Quantity;
use crate::text::Code;
use crate::time::Timestamp;
use crate::usage::Subject;

/// What lives on a license.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Live {
    /// Its machines, oldest first; those of one millisecond by id.
    pub activations: Vec<Arc<Activation>>,
    /// What runs on them.
    pub processes: Vec<Arc<Process>>,
    /// What each machine has of the totals; none is zero.
    pub shares: Vec<Share>,
    /// Units set aside.
    pub holds: Vec<Arc<Hold>>,
    /// Checkouts.
    pub sessions: Vec<Arc<Session>>,
    /// Day passes that are still good.
    pub passes: Vec<Pass>,
}

/// What a machine has of a meter's total.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The machine.
    pub activation: ActivationId,
    /// The meter.
    pub meter: Code,
    /// How much.
    pub quantity: Quantity,
}

/// Units set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Its id.
    pub id: HoldId,
    /// Of which meter.
    pub meter: Code,
    /// For which machine.
    pub activation: Option<ActivationId>,
    /// How many.
    pub units: Quantity,
    /// When they come back by themselves.
    pub expires_at: Timestamp,
    /// When they were set aside.
    pub created_at: Timestamp,
}

/// A checkout of a feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// The meter of the feature.
    pub meter: Code,
    /// On which machine.
    pub activation: Option<ActivationId>,
    /// How many at once.
    pub count: Quantity,
    /// What of the meter's held units is its own.
    pub reserved: Quantity,
    /// How long it was active up to `seen_at`, in milliseconds.
    pub active_ms: i64,
    /// Who it is for, as long as it lasts. Personal data.
    pub subject: Option<Subject>,
    /// When it last showed that it lives.
    pub seen_at: Timestamp,
    /// When it ends if nothing is heard of it.
    pub expires_at: Timestamp,
    /// When it began.
    pub created_at: Timestamp,
}

/// A day that is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// A keyed hash of the meter and of who has it.
    pub holder: [u8; 16],
    /// When the day is over.
    pub until: Timestamp,
}

/// A change of what lives on a license.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveChange {
    /// A new or changed machine.
    PutActivation(Arc<Activation>),
    /// A machine is gone, and its shares and processes with it.
    DropActivation(ActivationId),
    /// A new or changed process.
    PutProcess(Arc<Process>),
    /// A process is gone.
    DropProcess(ProcessId),
    /// A machine's share is this now; zero is none.
    PutShare(Share),
    /// All machines' shares of a meter are gone.
    DropShares(Code),
    /// New or changed units on hold.
    PutHold(Arc<Hold>),
    /// Units are not on hold any more.
    DropHold(HoldId),
    /// A new or changed session.
    PutSession(Arc<Session>),
    /// A session is over.
    DropSession(SessionId),
    /// A day was paid for.
    PutPass(Pass),
    /// Days that were over then are forgotten.
    DropPasses(Timestamp),
}

impl Live {
    /// Whether nothing lives on the license.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The machine that a caller names: a fingerprint may stand for several, then the oldest.
    #[must_use]
    pub fn activation(&self, of: &ActivationRef) -> Option<&Arc<Activation>> {
        self.activations.iter().find(|activation| match of {
            ActivationRef::Id(id) => activation.id == *id,
            ActivationRef::Fingerprint(text) => activation.fingerprint == *text,
        })
    }

    /// What a machine has of a meter's total.
    #[must_use]
    pub fn share(&self, activation: ActivationId, meter: &str) -> Quantity {
        let is_it = |share: &&Share| share.activation == activation && &*share.meter == meter;
        self.shares.iter().find(is_it).map_or(0, |share| share.quantity)
    }

    /// The hold with this id.
    #[must_use]
    pub fn hold(&self, id: HoldId) -> Option<&Arc<Hold>> {
        self.holds.iter().find(|hold| hold.id == id)
    }

    /// The session with this id.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<&Arc<Session>> {
        self.sessions.iter().find(|session| session.id == id)
    }

    /// Takes over a change.
    pub fn apply(&mut self, change: &LiveChange) {
        match change {
            LiveChange::PutActivation(new) => {
                put(&mut self.activations, new, |one| (one.created_at, one.id))
            }
            LiveChange::DropActivation(id) => {
                self.activations.retain(|activation| activation.id != *id);
                self.processes.retain(|process| process.activation != *id);
                self.shares.retain(|share| share.activation != *id);
            }
            LiveChange::PutProcess(new) => {
                put(&mut self.processes, new, |one| (one.created_at, one.id))
            }
            LiveChange::DropProcess(id) => self.processes.retain(|process| process.id != *id),
            LiveChange::PutShare(new) => self.put_share(new),
            LiveChange::DropShares(meter) => self.shares.retain(|share| share.meter != *meter),
            LiveChange::PutHold(new) => put(&mut self.holds, new, |one| (one.created_at, one.id)),
            LiveChange::DropHold(id) => self.holds.retain(|hold| hold.id != *id),
            LiveChange::PutSession(new) => {
                put(&mut self.sessions, new, |one| (one.created_at, one.id))
            }
            LiveChange::DropSession(id) => self.sessions.retain(|session| session.id != *id),
            LiveChange::PutPass(new) => self.passes.push(*new),
            LiveChange::DropPasses(now) => self.passes.retain(|pass| pass.until > *now),
        }
    }

    fn put_share(&mut self, new: &Share) {
        let is_it = |share: &Share| share.activation == new.activation && share.meter == new.meter;
        match self.shares.iter().position(is_it) {
            Some(place) if new.quantity == 0 => drop(self.shares.swap_remove(place)),
            Some(place) => self.shares[place].quantity = new.quantity,
            None if new.quantity == 0 => {}
            None => self.shares.push(new.clone()),
        }
    }
}

/// Puts one in, in the order of time and then of ids: the same however often it is read anew. When
/// something was made never changes, so it is known again by both.
fn put<T, Key: Ord>(all: &mut Vec<Arc<T>>, new: &Arc<T>, key: impl Fn(&T) -> Key) {
    match all.binary_search_by_key(&key(new), |one| key(one)) {
        Ok(place) => all[place] = Arc::clone(new),
        Err(place) => all.insert(place, Arc::clone(new)),
    }
}

#[cfg(test)]
mod tests;
