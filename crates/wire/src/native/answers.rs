//! What a caller hears of a use.

use usance_core::id::{ActivationId, HoldId, LicenseId, SessionId};
use usance_core::meter::Counted;
use usance_core::quantity::{Quantity, Scale};
use usance_core::refusal::Refusal;
use usance_core::usage::{Answer, OperationKind, Reference, Reserved};

use crate::json::write::{self, Object};
use crate::native::problem::Problem;

/// Appends the answer of a use.
pub fn write(answer: &Answer, out: &mut Vec<u8>) {
    write::object(out, |members| write_members(answer, members));
}

/// Appends an outcome of a batch: an answer or a problem, and its status.
pub(super) fn write_outcome(outcome: &Result<Answer, Refusal>, out: &mut Vec<u8>) {
    match outcome {
        Ok(answer) => write::object(out, |members| {
            members.integer("status", 200);
            write_members(answer, members);
        }),
        // Refusals own little, and are the rarer outcome.
        Err(refusal) => Problem::Refused(refusal.clone()).write_outcome(out),
    }
}

/// Writes what was counted.
pub(super) fn write_counted(
    counted: &Counted,
    remaining: Option<Quantity>,
    scale: Scale,
    members: &mut Object<'_>,
) {
    let amount =
        |all: &mut Object<'_>, name: &str, value: Quantity| all.quantity(name, value, scale);
    members.word("operation", counted.operation.word());
    amount(members, "asked", counted.asked);
    amount(members, "applied", counted.applied);
    amount(members, "overage", counted.overage);
    amount(members, "total", counted.total);
    amount(members, "gross", counted.gross);
    members.maybe("allowed", counted.allowed, amount);
    members.maybe("remaining", remaining, amount);
    amount(members, "held", counted.held);
}

/// Writes what else there is to say of what was counted: nothing, of most uses.
pub(super) fn write_about(
    counted: &Counted,
    activation: Option<ActivationId>,
    reference: Option<Reference>,
    scale: Scale,
    members: &mut Object<'_>,
) {
    if matches!(counted.operation, OperationKind::Settle | OperationKind::Release) {
        members.quantity("released", counted.released, scale);
    }
    if let Some(activation) = activation {
        members.id("activation", ActivationId::PREFIX, activation.bytes());
    }
    let Some(Reference { id, until }) = reference else {
        return;
    };
    match id {
        Reserved::Hold(hold) => members.id("hold", HoldId::PREFIX, hold.bytes()),
        Reserved::Session(session) => members.id("session", SessionId::PREFIX, session.bytes()),
    }
    members.maybe("until", until, Object::time);
}

fn write_members(answer: &Answer, members: &mut Object<'_>) {
    members.id("license", LicenseId::PREFIX, answer.license.bytes());
    members.word("meter", &answer.meter);
    write_counted(&answer.counted, answer.remaining, answer.scale, members);
    members.maybe("period_end", answer.period_end, Object::time);
    write_about(&answer.counted, answer.activation, answer.reference, answer.scale, members);
    if let Some(ended) = answer.ended {
        members.word("ended", ended);
    }
    members.integer("record", answer.record);
    members.time("at", answer.at);
    members.boolean("repeat", answer.repeat);
    if let Some(rule) = &answer.warning {
        members.word("warning", rule);
    }
}

#[cfg(test)]
pub(super) mod tests;
