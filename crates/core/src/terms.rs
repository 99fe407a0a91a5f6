//! What a policy states of its licenses beside their meters, each of which a license may override.
//!
//! One table defines them all: their names, their defaults, and how they are said. Storage, the
//! ledger, the API and the command line follow from it.

mod kinds;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

pub use self::kinds::{
    AuthenticationBy, ComponentUnique, ExpiresFrom, HeartbeatFrom, Kind, Leasing, Limit,
    LimitOverage, Matching, MeterWhile, OnTransfer, ProcessesPer, RenewsFrom, RequiredScopes,
    ScopeKind, Seconds, Stopper, Term, Unique, WhenDead, WhenExpired, WhenFull,
};
use crate::access::AccessList;
use crate::period::span::Span;
use crate::period::zone::Zone;
use crate::period::{Anchor, Every};
use crate::refusal::Refusal;
use crate::token::Permissions;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name everywhere.
    pub name: &'static str,
    /// How its values look.
    pub kind: Kind,
    /// What it means, for people.
    pub about: &'static str,
}

macro_rules! terms {
    ($($(#[doc = $doc:literal])* $name:ident: $type:ty = $default:expr;)*) => {
        /// What a policy states of its licenses beside their meters.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the table documents each")]
        pub struct Terms {
            $(pub $name: $type,)*
        }

        /// Some of the terms: what a license overrides, or what a policy's patch changes.
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        #[expect(missing_docs, reason = "the table documents each")]
        pub struct TermsPatch {
            $(pub $name: Option<$type>,)*
        }

        impl Default for Terms {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        impl Terms {
            /// The table.
            pub const FIELDS: &'static [Field] = &[$(Field {
                name: stringify!($name),
                kind: <$type as Term>::KIND,
                about: concat!($($doc,)*).trim_ascii(),
            },)*];

            /// The terms with some of them replaced.
            #[must_use]
            pub fn with(&self, patch: &TermsPatch) -> Self {
                Self { $($name: patch.$name.as_ref().unwrap_or(&self.$name).clone(),)* }
            }

            /// Name and value of every term that is not as by default, in the order of the table.
            pub fn stated(&self) -> Vec<(&'static str, String)> {
                let default = Self::default();
                let mut stated = Vec::new();
                $(if self.$name != default.$name {
                    stated.push((stringify!($name), Term::show(&self.$name)));
                })*
                stated
            }

            /// Name and value of every term, in the order of the table.
            pub fn all(&self) -> Vec<(&'static str, String)> {
                alloc::vec![$((stringify!($name), Term::show(&self.$name)),)*]
            }
        }

        impl TermsPatch {
            /// Name and value of every term in it, in the order of the table.
            pub fn stated(&self) -> Vec<(&'static str, String)> {
                let mut stated = Vec::new();
                $(if let Some(value) = &self.$name {
                    stated.push((stringify!($name), Term::show(value)));
                })*
                stated
            }

            /// Sets one term from its words.
            ///
            /// # Errors
            /// [`Refusal::Invalid`] for a name that is none, or a value that it cannot have.
            pub fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
                match name {
                    $(stringify!($name) => {
                        let read = <$type as Term>::read(value);
                        let kind = <$type as Term>::KIND;
                        self.$name = Some(read.ok_or_else(|| wrong(name, kind))?);
                    })*
                    _ => return Err(Refusal::Invalid {
                        field: "terms".into(),
                        reason: alloc::format!("has no term {name:?}").into(),
                    }),
                }
                Ok(())
            }

            /// Takes one term out, so that the policy's holds again.
            pub fn clear(&mut self, name: &str) {
                match name {
                    $(stringify!($name) => self.$name = None,)*
                    _ => {}
                }
            }

            /// Takes over what another patch states.
            pub fn merge(&mut self, newer: Self) {
                $(if newer.$name.is_some() {
                    self.$name = newer.$name;
                })*
            }

            /// Whether nothing is in it.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }
        }
    };
}

terms! {
    /// How long a license lasts, in seconds; none is for ever.
    duration_seconds: Seconds = Seconds::NONE;
    /// From what event on the duration runs.
    expires_from: ExpiresFrom = ExpiresFrom::Creation;
    /// What an expired license may still do.
    when_expired: WhenExpired = WhenExpired::Restrict;
    /// From when on a renewal lasts.
    renews_from: RenewsFrom = RenewsFrom::Expiry;
    /// What becomes of the expiry when a license moves to this policy.
    on_transfer: OnTransfer = OnTransfer::Keep;
    /// States of a license in which its meters may still move. Revoked always stops them.
    meter_while: MeterWhile = MeterWhile::sensible();
    /// What a license may do by itself, presenting its key.
    license_permissions: Permissions = Permissions::OF_A_LICENSE;
    /// Whether programs may present the key of the license, a token of the license, or both.
    authentication: AuthenticationBy = AuthenticationBy::Both;
    /// Whether only the vendor may manage licenses and activations; people who use them may not.
    protected: bool = false;
    /// How often a license must check in, such as `1 month`; none is never.
    check_in_every: Option<Span> = None;
    /// The time zone of periods and of calendar spans.
    time_zone: Zone = Zone::default();
    /// How long a billing period is; none is no billing period.
    billing_every: Option<Every> = None;
    /// Where periods are counted from: `calendar`, `license` (its creation) or an instant.
    period_anchor: PeriodAnchor = PeriodAnchor::Calendar;
    /// Activations at once; none is unlimited.
    max_activations: Limit = Limit::NONE;
    /// Deactivations in the life of a license; none is unlimited.
    max_deactivations: Limit = Limit::NONE;
    /// Sum of processor cores over the activations; none is unlimited.
    max_cores: Limit = Limit::NONE;
    /// Sum of memory over the activations, in bytes; none is unlimited.
    max_memory: Limit = Limit::NONE;
    /// Sum of disk over the activations, in bytes; none is unlimited.
    max_disk: Limit = Limit::NONE;
    /// Processes at once, counted as `processes_per` says; none is unlimited.
    max_processes: Limit = Limit::NONE;
    /// People who may use a license, its owner included; none is unlimited.
    max_users: Limit = Limit::NONE;
    /// What may lie above the limits of activations, cores, memory, disk, processes and users.
    limit_overage: LimitOverage = LimitOverage::Refuse;
    /// What happens to a new activation when the limit is reached.
    when_full: WhenFull = WhenFull::Refuse;
    /// Whether the activations of different people are limited each on their own.
    leasing: Leasing = Leasing::License;
    /// What processes are counted over.
    processes_per: ProcessesPer = ProcessesPer::Activation;
    /// Whether a license moves between machines; one that does not has at most one activation.
    floating: bool = true;
    /// Whether validation wants the limits of activations kept.
    strict: bool = false;
    /// Among which activations a fingerprint may occur once.
    unique: Unique = Unique::License;
    /// Among which activations the fingerprint of a component may occur once.
    component_unique: ComponentUnique = ComponentUnique::Activation;
    /// How many of several fingerprints a validation must find.
    matching: Matching = Matching::Any;
    /// How many of several component fingerprints a validation must find.
    component_matching: Matching = Matching::Any;
    /// Whether virtual machines may be activated.
    allow_vm: bool = true;
    /// Whether containers may be activated.
    allow_container: bool = true;
    /// Whether validation wants a living activation.
    heartbeat_required: bool = false;
    /// How long an activation lives after its last heartbeat, in seconds; none is for ever.
    heartbeat_seconds: Seconds = Seconds::NONE;
    /// Whether an activation may bring a life span of its own.
    own_heartbeat: bool = true;
    /// From when on an activation must show that it lives.
    heartbeat_from: HeartbeatFrom = HeartbeatFrom::Creation;
    /// What becomes of an activation that died.
    when_dead: WhenDead = WhenDead::Deactivate;
    /// How long after its death a heartbeat revives an activation, in seconds; none is for ever.
    revive_seconds: Seconds = Seconds(Some(0));
    /// What a validation must name.
    require_scopes: RequiredScopes = RequiredScopes::NONE;
    /// Who may use it, by user, host and address.
    access: AccessList = AccessList::default();
}

/// Where periods are counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeriodAnchor {
    /// Midnight, Monday, the first of the month, the first of January.
    Calendar,
    /// When the license began.
    License,
    /// This instant.
    At(crate::time::Timestamp),
}

impl PeriodAnchor {
    /// The anchor for a license that began then.
    #[must_use]
    pub const fn of(self, license_began: crate::time::Timestamp) -> Anchor {
        match self {
            Self::Calendar => Anchor::Calendar,
            Self::License => Anchor::At(license_began),
            Self::At(at) => Anchor::At(at),
        }
    }
}

impl TermsPatch {
    /// Reads what [`TermsPatch::stated`] or [`Terms::stated`] wrote as lines of `name=value`.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn from_lines(text: &str) -> Result<Self, Refusal> {
        let mut patch = Self::default();
        for line in text.lines() {
            let (name, value) = line
                .split_once('=')
                .ok_or_else(|| Refusal::invalid("terms", "must be lines of name=value"))?;
            patch.set(name, &unescape(value))?;
        }
        Ok(patch)
    }
}

/// Lines of `name=value`, for storage.
#[must_use]
pub fn lines(stated: &[(&'static str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in stated {
        text.push_str(name);
        text.push('=');
        escape(value, &mut text);
        text.push('\n');
    }
    text
}

/// Appends text with line breaks and backslashes escaped.
pub(crate) fn escape(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
}

/// Undoes [`escape`].
pub(crate) fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => plain.push('\n'),
                Some('r') => plain.push('\r'),
                Some(other) => plain.push(other),
                None => {}
            },
            other => plain.push(other),
        }
    }
    plain
}

fn wrong(name: &str, kind: Kind) -> Refusal {
    Refusal::Invalid {
        field: alloc::format!("terms.{name}").into(),
        reason: alloc::format!("must be {kind}").into(),
    }
}

/// What a license overrides, in the little room that nothing takes.
pub type Overrides = Option<Box<TermsPatch>>;

impl Terms {
    /// The terms of a license under a policy with these.
    #[must_use]
    pub fn of_license(&self, overrides: &Overrides) -> Option<Self> {
        overrides.as_ref().map(|overrides| self.with(overrides))
    }

    /// Refuses terms that contradict each other.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], naming the term.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.duration_seconds.0 == Some(0) {
            return Err(Refusal::invalid("terms.duration_seconds", "must be more than zero"));
        }
        if !self.floating && self.max_activations.0 != Some(1) {
            let what = "must be 1 for a license that is not floating";
            return Err(Refusal::invalid("terms.max_activations", what));
        }
        if self.heartbeat_seconds.0 == Some(0) {
            return Err(Refusal::invalid("terms.heartbeat_seconds", "must be more than zero"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
