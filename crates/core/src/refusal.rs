//! Every expected no. A refusal changes nothing and says which rule, which thing, and what is left.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use crate::id::{ActivationId, LicenseId};
use crate::quantity::{Quantity, Scale, Shown};
use crate::rule::Block;
use crate::text::Code;
use crate::time::Timestamp;
use crate::token::Permission;

/// Where a meter stood when it refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Whose meter.
    pub license: LicenseId,
    /// Which one.
    pub meter: Code,
    /// Digits after the point of every figure here.
    pub scale: Scale,
    /// What was asked for.
    pub asked: Quantity,
    /// Uses in the period.
    pub total: Quantity,
    /// Uses in the meter's life.
    pub gross: Quantity,
    /// Ceiling of the period; none is unlimited.
    pub allowed: Option<Quantity>,
    /// The ceiling with what overage adds; none is unlimited.
    pub ceiling: Option<Quantity>,
    /// Units on hold.
    pub held: Quantity,
    /// What counts against the ceiling.
    pub used: Quantity,
}

impl Figures {
    /// What may still be used, overage included; none is unlimited.
    #[must_use]
    pub fn remaining(&self) -> Option<Quantity> {
        let ceiling = self.ceiling?;
        Some(ceiling.saturating_sub(self.used).max(0))
    }
}

/// What a license may have only so much of, beside its meters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitFigures {
    /// Whose limit.
    pub license: LicenseId,
    /// Of what.
    pub of: Limited,
    /// The limit, overage not included.
    pub limit: u64,
    /// How much there is already.
    pub present: u64,
    /// How much more was asked for.
    pub asked: u64,
}

/// What a license may have only so much of, beside its meters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// Machines.
    Activations,
    /// Machines that were let go.
    Deactivations,
    /// Processor cores of all machines.
    Cores,
    /// Memory of all machines, in bytes.
    Memory,
    /// Disk of all machines, in bytes.
    Disk,
    /// Running programs.
    Processes,
    /// People.
    Users,
}

impl Limited {
    /// The words for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Activations => "activations",
            Self::Deactivations => "deactivations",
            Self::Cores => "cores",
            Self::Memory => "bytes of memory",
            Self::Disk => "bytes of disk",
            Self::Processes => "processes",
            Self::Users => "users",
        }
    }
}

/// The kinds of thing that can be unknown, taken or in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A vendor.
    Account,
    /// What is sold.
    Product,
    /// A template of licenses.
    Policy,
    /// Who pays.
    Customer,
    /// A right to use.
    License,
    /// A counter on a license.
    Meter,
    /// A credential.
    Token,
    /// An entry of the ledger.
    Record,
    /// A machine that holds a license.
    Activation,
    /// A part of a machine.
    Component,
    /// A running program.
    Process,
    /// Units set aside.
    Hold,
    /// A checkout of a feature.
    Session,
    /// A person.
    User,
    /// A named feature.
    Entitlement,
    /// A receiver of events.
    Webhook,
    /// What blocks by itself.
    Rule,
}

impl Kind {
    /// `a` or `an`.
    const fn article(self) -> &'static str {
        match self {
            Self::Account | Self::Activation | Self::Entitlement => "an",
            _ => "a",
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Product => "product",
            Self::Policy => "policy",
            Self::Customer => "customer",
            Self::License => "license",
            Self::Meter => "meter",
            Self::Token => "token",
            Self::Record => "record",
            Self::Activation => "activation",
            Self::Component => "component",
            Self::Process => "process",
            Self::Hold => "hold",
            Self::Session => "session",
            Self::User => "user",
            Self::Entitlement => "entitlement",
            Self::Webhook => "webhook",
            Self::Rule => "rule",
        }
    }
}

/// An expected no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The meter's ceiling, overage included, would be passed.
    LimitReached(Box<Figures>),
    /// The caller's own bound would be passed.
    BoundReached(Box<Figures>, Quantity),
    /// The meter's floor would be passed.
    FloorReached(Box<Figures>, Quantity),
    /// The counter itself would overflow 64 bits.
    CounterFull(Box<Figures>),
    /// The units are there, but reserved for others by the access rules; so many are left.
    ReservedForOthers(Box<Figures>, Quantity),
    /// A limit beside the meters would be passed, what may lie above it included.
    LimitOf(Box<LimitFigures>),
    /// There are as many of these on one license as a license can have.
    TooMany(Kind, u64),
    /// The hold or session is over, or never was.
    Over(Kind, String),
    /// The meter takes no sessions.
    NotMetered(Code),
    /// The license must state a ceiling of its own for this meter.
    MeterMissing(Code),
    /// The access rules deny it.
    AccessDenied(LicenseId),
    /// The machine has not shown that it lives for too long.
    ActivationDead(ActivationId),
    /// The policy does not let such a machine hold a license.
    ActivationNotAllowed(&'static str),
    /// An increment or decrement of nothing or less.
    AmountNotPositive,
    /// More digits after the point than the meter counts.
    FractionBeyondScale {
        /// The meter.
        meter: Code,
        /// What it counts.
        scale: Scale,
    },
    /// The amount does not fit 64 bits at the meter's scale.
    AmountOutOfRange,
    /// The license is suspended.
    LicenseSuspended(LicenseId),
    /// The license is revoked.
    LicenseRevoked(LicenseId),
    /// The license has expired.
    LicenseExpired(LicenseId, Timestamp),
    /// The license is not valid yet.
    LicenseNotYetValid(LicenseId, Timestamp),
    /// The license has not checked in for too long.
    LicenseOverdue(LicenseId, Timestamp),
    /// The state of the license forbids the change of state that was asked for.
    LicenseStateConflict(LicenseId, &'static str),
    /// The key fails its own check symbol: a typing mistake.
    KeyMistyped,
    /// There is no such thing, or the caller may not know of it.
    Unknown(Kind, String),
    /// The idempotency key was used for another request.
    IdempotencyConflict,
    /// `occurred_at` lies too far from the writer's clock.
    OccurredAtOutOfRange,
    /// The caller is nobody that is known, or is so no longer.
    Unauthenticated(&'static str),
    /// The caller may not do this.
    PermissionMissing(Permission),
    /// The caller is locked to other things than this.
    Locked(Kind),
    /// Another thing of this kind has this code, key or name.
    Taken(Kind, String),
    /// Something refers to it.
    InUse(Kind, &'static str),
    /// It is archived and takes nothing new.
    Archived(Kind),
    /// A rule lets nothing begin on the license.
    LicenseBlocked(LicenseId, Box<Block>),
    /// A field has a value that it cannot have.
    Invalid {
        /// The field's name.
        field: Cow<'static, str>,
        /// What it must be.
        reason: Cow<'static, str>,
    },
}

impl Refusal {
    /// A refusal of one field.
    #[must_use]
    pub const fn invalid(field: &'static str, reason: &'static str) -> Self {
        Self::Invalid { field: Cow::Borrowed(field), reason: Cow::Borrowed(reason) }
    }

    /// The stable code, part of the public contract; each has a page in `docs/errors/`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::LimitReached(_) => "limit-reached",
            Self::BoundReached(..) => "bound-reached",
            Self::FloorReached(..) => "floor-reached",
            Self::CounterFull(_) => "counter-full",
            Self::ReservedForOthers(..) => "reserved-for-others",
            Self::LimitOf(figures) => match figures.of {
                Limited::Activations => "activation-limit-reached",
                Limited::Deactivations => "deactivation-limit-reached",
                Limited::Cores => "core-limit-reached",
                Limited::Memory => "memory-limit-reached",
                Limited::Disk => "disk-limit-reached",
                Limited::Processes => "process-limit-reached",
                Limited::Users => "user-limit-reached",
            },
            Self::TooMany(..) => "too-many",
            Self::Over(..) => "over",
            Self::NotMetered(_) => "no-sessions",
            Self::MeterMissing(_) => "meter-missing",
            Self::AccessDenied(_) => "access-denied",
            Self::ActivationDead(_) => "activation-dead",
            Self::ActivationNotAllowed(_) => "activation-not-allowed",
            Self::AmountNotPositive => "amount-not-positive",
            Self::FractionBeyondScale { .. } => "fraction-beyond-scale",
            Self::AmountOutOfRange => "amount-out-of-range",
            Self::LicenseSuspended(_) => "license-suspended",
            Self::LicenseRevoked(_) => "license-revoked",
            Self::LicenseExpired(..) => "license-expired",
            Self::LicenseNotYetValid(..) => "license-not-yet-valid",
            Self::LicenseOverdue(..) => "license-overdue",
            Self::LicenseStateConflict(..) => "license-state-conflict",
            Self::KeyMistyped => "key-mistyped",
            Self::Unknown(..) => "unknown",
            Self::IdempotencyConflict => "idempotency-conflict",
            Self::OccurredAtOutOfRange => "occurred-at-out-of-range",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::PermissionMissing(_) => "permission-missing",
            Self::Locked(_) => "locked-to-another",
            Self::Taken(..) => "taken",
            Self::InUse(..) => "in-use",
            Self::Archived(_) => "archived",
            Self::LicenseBlocked(..) => "license-blocked",
            Self::Invalid { .. } => "invalid",
        }
    }

    /// All codes, for the documentation and its test.
    pub const CODES: &'static [&'static str] = &[
        "limit-reached",
        "bound-reached",
        "floor-reached",
        "counter-full",
        "reserved-for-others",
        "activation-limit-reached",
        "deactivation-limit-reached",
        "core-limit-reached",
        "memory-limit-reached",
        "disk-limit-reached",
        "process-limit-reached",
        "user-limit-reached",
        "too-many",
        "over",
        "no-sessions",
        "meter-missing",
        "access-denied",
        "activation-dead",
        "activation-not-allowed",
        "amount-not-positive",
        "fraction-beyond-scale",
        "amount-out-of-range",
        "license-suspended",
        "license-revoked",
        "license-expired",
        "license-not-yet-valid",
        "license-overdue",
        "license-state-conflict",
        "key-mistyped",
        "unknown",
        "idempotency-conflict",
        "occurred-at-out-of-range",
        "unauthenticated",
        "permission-missing",
        "locked-to-another",
        "taken",
        "in-use",
        "archived",
        "license-blocked",
        "invalid",
    ];

    /// The figures of the meter that refused, where one did.
    #[must_use]
    pub fn figures(&self) -> Option<&Figures> {
        match self {
            Self::LimitReached(figures)
            | Self::BoundReached(figures, _)
            | Self::FloorReached(figures, _)
            | Self::ReservedForOthers(figures, _)
            | Self::CounterFull(figures) => Some(figures),
            _ => None,
        }
    }
}

const KEY_MISTYPED: &str = "the license key fails its check symbol; look for a typing mistake";
const IDEMPOTENCY_CONFLICT: &str =
    "this idempotency key was used for a different request; use a new key for a new use";
const OCCURRED_AT_OUT_OF_RANGE: &str =
    "occurred_at must lie between 400 days ago and one day from now; check the clock";

impl Refusal {
    /// What a meter says that refused.
    fn fmt_of_meter(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LimitReached(figures) => match figures.remaining() {
                Some(left) => {
                    write!(f, "{figures}, which is above the {} left", Shown(left, figures.scale))
                }
                None => write!(f, "{figures}, which is above what is left"),
            },
            Self::BoundReached(figures, bound) => {
                write!(f, "{figures}, which passes the bound {}", Shown(*bound, figures.scale))
            }
            Self::FloorReached(figures, floor) => {
                write!(f, "{figures}, which passes the floor {}", Shown(*floor, figures.scale))
            }
            Self::CounterFull(figures) => write!(f, "{figures}, which overflows the counter"),
            Self::ReservedForOthers(figures, room) => write!(
                f,
                "{figures}; the others are reserved or limited by access rules, {} are left",
                Shown((*room).max(0), figures.scale)
            ),
            // The others say something else.
            _ => Ok(()),
        }
    }
}

impl Refusal {
    /// What is said of a license that is stopped.
    fn fmt_of_license(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LicenseSuspended(id) => {
                write!(f, "license {id} is suspended; reinstate it to go on")
            }
            Self::LicenseRevoked(id) => write!(f, "license {id} is revoked for good"),
            Self::LicenseExpired(id, _) => write!(f, "license {id} has expired"),
            Self::LicenseNotYetValid(id, _) => write!(f, "license {id} is not valid yet"),
            Self::LicenseOverdue(id, _) => {
                write!(f, "license {id} is overdue for its check-in; check it in to go on")
            }
            Self::LicenseStateConflict(id, why) => write!(f, "license {id} {why}"),
            Self::LicenseBlocked(id, block) => {
                let Block { name, reason, .. } = &**block;
                write!(f, "license {id} is blocked by rule {name}: {reason}")
            }
            // The others say something else.
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LimitReached(_)
            | Self::BoundReached(..)
            | Self::FloorReached(..)
            | Self::CounterFull(_)
            | Self::ReservedForOthers(..) => self.fmt_of_meter(f),
            Self::LimitOf(figures) => write!(f, "{figures}"),
            Self::TooMany(kind, most) => {
                let (word, plural) =
                    (kind.word(), if kind.word().ends_with('s') { "es" } else { "s" });
                write!(f, "the license has {most} {word}{plural} already, the most it can have")
            }
            Self::Over(kind, id) => {
                write!(f, "the {} {id} is over, or never was; begin a new one", kind.word())
            }
            Self::NotMetered(meter) => {
                write!(f, "meter {meter} measures uses and takes no sessions; count it up instead")
            }
            Self::MeterMissing(meter) => {
                write!(f, "the policy wants the license to state what meter {meter} is allowed")
            }
            Self::AccessDenied(id) => {
                write!(f, "the access rules of license {id} deny this user, host or address")
            }
            Self::ActivationDead(id) => {
                write!(f, "activation {id} was silent for too long; activate the machine again")
            }
            Self::AmountNotPositive => f.write_str("amount must be more than zero"),
            Self::FractionBeyondScale { meter, scale } => write!(
                f,
                "meter {meter} counts {} digits after the point; round the amount to that",
                scale.digits()
            ),
            Self::AmountOutOfRange => f.write_str("amount does not fit 64 bits at this scale"),
            Self::LicenseSuspended(_)
            | Self::LicenseRevoked(_)
            | Self::LicenseExpired(..)
            | Self::LicenseNotYetValid(..)
            | Self::LicenseOverdue(..)
            | Self::LicenseBlocked(..)
            | Self::LicenseStateConflict(..) => self.fmt_of_license(f),
            Self::KeyMistyped => f.write_str(KEY_MISTYPED),
            Self::Unknown(kind, name) => write!(f, "there is no {} {name}", kind.word()),
            Self::IdempotencyConflict => f.write_str(IDEMPOTENCY_CONFLICT),
            Self::OccurredAtOutOfRange => f.write_str(OCCURRED_AT_OUT_OF_RANGE),
            Self::Unauthenticated(why) | Self::ActivationNotAllowed(why) => f.write_str(why),
            Self::PermissionMissing(permission) => {
                write!(f, "the caller lacks the permission {}", permission.word())
            }
            Self::Locked(kind) => write!(f, "the caller is locked to another {}", kind.word()),
            Self::Taken(kind, name) => {
                write!(f, "there is already {} {} {name}", kind.article(), kind.word())
            }
            Self::InUse(kind, by) => {
                write!(f, "the {} is in use by a {by}; ", kind.word())?;
                f.write_str(match kind {
                    Kind::Product | Kind::Policy | Kind::Customer => {
                        "archive it instead, or delete what refers to it"
                    }
                    _ => "change or delete what refers to it",
                })
            }
            Self::Archived(kind) => write!(f, "the {} is archived", kind.word()),
            Self::Invalid { field, reason } => write!(f, "{field} {reason}"),
        }
    }
}

impl core::error::Error for Refusal {}

impl fmt::Display for LimitFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { license, of, limit, present, asked } = self;
        let of = of.word();
        write!(f, "license {license} has {present} of {limit} {of}; ")?;
        write!(f, "{asked} more would pass the limit")
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "meter {} of {} stands at {}; {} was asked for",
            self.meter,
            self.license,
            Shown(self.total, self.scale),
            Shown(self.asked, self.scale)
        )
    }
}

#[cfg(test)]
mod tests;
