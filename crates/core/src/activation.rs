//! Machines that hold a license.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::id::{ActivationId, ComponentId, ProcessId, UserId};
use crate::limits::PROCESS_HEARTBEAT_SECONDS;
use crate::metadata::Metadata;
use crate::terms::{HeartbeatFrom, Terms};
use crate::time::Timestamp;
use crate::words::words;

/// One machine that holds a license. Its names are personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct Activation {
    /// Its id.
    pub id: ActivationId,
    /// What the program computed to know the machine again.
    pub fingerprint: String,
    /// Its name for people.
    pub name: Option<String>,
    /// Its name in the network.
    pub hostname: Option<String>,
    /// Its operating system.
    pub platform: Option<String>,
    /// Its network address, as it or the vendor says.
    pub address: Option<String>,
    /// Its processor cores.
    pub cores: Option<u32>,
    /// Its memory in bytes.
    pub memory: Option<u64>,
    /// Its disk in bytes.
    pub disk: Option<u64>,
    /// Whether it is a virtual machine.
    pub is_vm: bool,
    /// Whether it is a container.
    pub is_container: bool,
    /// Whose machine it is.
    pub user: Option<UserId>,
    /// Parts of it that a license may be bound to.
    pub components: Vec<Component>,
    /// What the vendor notes.
    pub metadata: Metadata,
    /// How long it lives after its last heartbeat, in seconds, where it brought that along.
    pub own_heartbeat_seconds: Option<u32>,
    /// When it last showed that it lives; none if it has not, or was told to begin anew.
    pub seen_at: Option<Timestamp>,
    /// When a file was last made for it.
    pub last_file_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed, heartbeats aside.
    pub updated_at: Timestamp,
}

impl fmt::Debug for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Activation").field("id", &self.id).finish_non_exhaustive()
    }
}

words! {
    /// Whether a machine lives.
    Heartbeat {
        /// It need not show it, or not yet.
        NotStarted = "not-started",
        /// It does.
        Alive = "alive",
        /// It has not shown it for too long.
        Dead = "dead",
    }
}

impl Activation {
    /// How long it lives after its last heartbeat, in milliseconds; none is for ever.
    #[must_use]
    pub fn heartbeat_ms(&self, terms: &Terms) -> Option<i64> {
        let own = self.own_heartbeat_seconds.filter(|_| terms.own_heartbeat);
        own.map_or(terms.heartbeat_seconds.ms(), |seconds| Some(i64::from(seconds) * 1000))
    }

    /// When it dies if nothing is heard of it; none if it does not.
    #[must_use]
    pub fn dies_at(&self, terms: &Terms) -> Option<Timestamp> {
        let last = match (self.seen_at, terms.heartbeat_from) {
            (Some(seen), _) => seen,
            (None, HeartbeatFrom::Creation) => self.created_at,
            (None, HeartbeatFrom::FirstHeartbeat) if terms.heartbeat_required => self.created_at,
            (None, HeartbeatFrom::FirstHeartbeat) => return None,
        };
        Some(last.plus_ms(self.heartbeat_ms(terms)?))
    }

    /// When it can be revived no more; none if it always can.
    #[must_use]
    pub fn gone_at(&self, terms: &Terms) -> Option<Timestamp> {
        Some(self.dies_at(terms)?.plus_ms(terms.revive_seconds.ms()?))
    }

    /// When it last showed life: when it was made, if it never has since.
    #[must_use]
    pub fn last_life(&self) -> Timestamp {
        self.seen_at.unwrap_or(self.created_at)
    }

    /// Whether it lives at `now`.
    #[must_use]
    pub fn heartbeat(&self, terms: &Terms, now: Timestamp) -> Heartbeat {
        match (self.dies_at(terms), self.seen_at) {
            (Some(end), _) if end <= now => Heartbeat::Dead,
            (_, None) => Heartbeat::NotStarted,
            (_, Some(_)) => Heartbeat::Alive,
        }
    }

    /// Whether it is dead beyond revival at `now`.
    #[must_use]
    pub fn is_gone(&self, terms: &Terms, now: Timestamp) -> bool {
        self.gone_at(terms).is_some_and(|end| end <= now)
    }
}

/// A part of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Its id.
    pub id: ComponentId,
    /// What the program computed to know it again.
    pub fingerprint: String,
    /// Its name for people.
    pub name: String,
}

/// A running program on a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub id: ProcessId,
    /// The machine.
    pub activation: ActivationId,
    /// Its number or name on the machine, unique there.
    pub pid: String,
    /// What the vendor notes.
    pub metadata: Metadata,
    /// When it last showed that it lives.
    pub seen_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Process {
    /// When it dies if nothing is heard of it.
    #[must_use]
    pub fn dies_at(&self, machine: &Activation, terms: &Terms) -> Timestamp {
        let by_default = i64::from(PROCESS_HEARTBEAT_SECONDS) * 1000;
        self.seen_at.plus_ms(machine.heartbeat_ms(terms).unwrap_or(by_default))
    }
}

/// How a caller names an activation of a license.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ActivationRef {
    /// By its id.
    Id(ActivationId),
    /// By its fingerprint.
    Fingerprint(String),
}

impl ActivationRef {
    /// Reads an id, or takes the text for a fingerprint.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Fingerprint(text.into()), Self::Id)
    }
}

#[cfg(test)]
mod tests;
