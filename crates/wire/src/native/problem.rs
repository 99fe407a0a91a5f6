//! Every no, as a problem document (RFC 9457).

pub mod fault;
mod status;

use usance_core::refusal::{Figures, Limited, Refusal};
use usance_core::token::Permission;

pub use crate::json::syntax::Malformed;
pub use fault::Fault;

use crate::json::write::{self, Object};
use crate::limits::RETRY_AFTER_S;

/// What every problem's type begins with; its code follows.
pub const TYPE_PREFIX: &str = "urn:usance:problem:";

/// Why a request was not carried out, in words for the one who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The rules say no.
    Refused(Refusal),
    /// The request never reached the rules, or the server could not carry it out.
    Fault(Fault),
}

impl Problem {
    /// The stable code; each has a page in `docs/errors/`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Fault(fault) => fault.code(),
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Refused(refusal) => status::of_refusal(refusal),
            Self::Fault(fault) => status::of_fault(fault),
        }
    }

    /// Seconds after which the same request is worth repeating.
    #[must_use]
    pub const fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Fault(Fault::Overloaded) => Some(RETRY_AFTER_S),
            _ => None,
        }
    }

    /// Appends the document.
    pub fn write(&self, request_id: &str, out: &mut Vec<u8>) {
        write::object(out, |members| {
            self.write_head(members);
            members.text("request_id", request_id);
            self.write_tail(members);
        });
    }

    /// Appends the members of the document to an outcome of a batch, which has one request id for
    /// all.
    pub(crate) fn write_outcome(&self, out: &mut Vec<u8>) {
        write::object(out, |members| {
            self.write_head(members);
            self.write_tail(members);
        });
    }

    fn write_head(&self, members: &mut Object<'_>) {
        let code = self.code();
        members.word("type", format_args!("{TYPE_PREFIX}{code}"));
        members.word("title", Title(code));
        members.integer("status", self.status());
        members.word("code", code);
        let detail = match self {
            Self::Refused(refusal) => refusal.to_string(),
            Self::Fault(fault) => fault.to_string(),
        };
        members.text("detail", &detail);
    }

    fn write_tail(&self, members: &mut Object<'_>) {
        if let Self::Refused(refusal) = self {
            write_particulars(refusal, members);
        }
        if let Some(seconds) = self.retry_after_s() {
            members.integer("retry_after", seconds);
        }
    }
}

/// What a program wants to know of a license that is stopped.
fn write_license(refusal: &Refusal, members: &mut Object<'_>) {
    match refusal {
        Refusal::LicenseSuspended(id)
        | Refusal::LicenseRevoked(id)
        | Refusal::AccessDenied(id)
        | Refusal::LicenseStateConflict(id, _) => members.word("license", id),
        Refusal::LicenseExpired(id, end) => {
            members.word("license", id);
            members.time("expires_at", *end);
        }
        Refusal::LicenseNotYetValid(id, begin) => {
            members.word("license", id);
            members.time("valid_from", *begin);
        }
        Refusal::LicenseBlocked(id, block) => {
            members.word("license", id);
            members.word("rule", &block.name);
            members.text("reason", &block.reason);
            members.time("since", block.since);
            members.maybe("until", block.until, Object::time);
        }
        Refusal::LicenseOverdue(id, due) => {
            members.word("license", id);
            members.time("check_in_due", *due);
        }
        // The others are about something else.
        _ => {}
    }
}

/// What a program wants to know of a refusal without reading its detail.
fn write_particulars(refusal: &Refusal, members: &mut Object<'_>) {
    if let Some(figures) = refusal.figures() {
        write_figures(figures, members);
    }
    match refusal {
        Refusal::BoundReached(figures, bound) => members.quantity("bound", *bound, figures.scale),
        Refusal::FloorReached(figures, floor) => members.quantity("floor", *floor, figures.scale),
        Refusal::ReservedForOthers(figures, room) => {
            members.quantity("available", (*room).max(0), figures.scale);
        }
        Refusal::LimitOf(figures) => {
            members.word("license", figures.license);
            members.word("of", limited_word(figures.of));
            members.integer("limit", figures.limit);
            members.integer("present", figures.present);
            members.integer("asked", figures.asked);
        }
        Refusal::TooMany(kind, most) => {
            members.word("kind", kind.word());
            members.integer("limit", *most);
        }
        Refusal::Over(kind, id) => {
            members.word("kind", kind.word());
            members.text("id", id);
        }
        Refusal::NotMetered(meter) | Refusal::MeterMissing(meter) => members.word("meter", meter),
        Refusal::ActivationDead(id) => members.word("activation", id),
        Refusal::FractionBeyondScale { meter, scale } => {
            members.word("meter", meter);
            members.integer("scale", scale.digits());
        }
        Refusal::LicenseSuspended(_)
        | Refusal::LicenseRevoked(_)
        | Refusal::AccessDenied(_)
        | Refusal::LicenseStateConflict(..)
        | Refusal::LicenseExpired(..)
        | Refusal::LicenseNotYetValid(..)
        | Refusal::LicenseBlocked(..)
        | Refusal::LicenseOverdue(..) => write_license(refusal, members),
        Refusal::Unknown(kind, _)
        | Refusal::Taken(kind, _)
        | Refusal::InUse(kind, _)
        | Refusal::Archived(kind)
        | Refusal::Locked(kind) => members.word("kind", kind.word()),
        Refusal::PermissionMissing(permission) => {
            members.word("permission", Permission::word(*permission));
        }
        Refusal::Invalid { field, .. } => members.text("field", field),
        Refusal::LimitReached(_)
        | Refusal::CounterFull(_)
        | Refusal::ActivationNotAllowed(_)
        | Refusal::AmountNotPositive
        | Refusal::AmountOutOfRange
        | Refusal::KeyMistyped
        | Refusal::IdempotencyConflict
        | Refusal::OccurredAtOutOfRange
        | Refusal::Unauthenticated(_) => {}
    }
}

/// The word for a limit, without its unit.
pub(super) const fn limited_word(of: Limited) -> &'static str {
    match of {
        Limited::Memory => "memory",
        Limited::Disk => "disk",
        other => other.word(),
    }
}

fn write_figures(figures: &Figures, members: &mut Object<'_>) {
    let scale = figures.scale;
    let mut quantity = |name: &str, value: Option<i64>| {
        members.maybe(name, value, |all, name, value| {
            all.quantity(name, value, scale);
        });
    };
    quantity("asked", Some(figures.asked));
    quantity("total", Some(figures.total));
    quantity("gross", Some(figures.gross));
    quantity("allowed", figures.allowed);
    quantity("remaining", figures.remaining());
    quantity("held", Some(figures.held));
    members.word("license", figures.license);
    members.word("meter", &figures.meter);
}

/// A code in words.
struct Title(&'static str);

impl std::fmt::Display for Title {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, word) in self.0.split('-').enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(word)?;
        }
        Ok(())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Malformed> for Problem {
    fn from(malformed: Malformed) -> Self {
        Self::Fault(Fault::MalformedJson(malformed))
    }
}

#[cfg(test)]
pub(super) mod tests;
