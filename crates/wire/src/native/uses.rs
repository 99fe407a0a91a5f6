//! What a request says of one use.

use usance_core::license::LicenseRef;
use usance_core::limits::ATTRIBUTES_MAX;
use usance_core::quantity::Decimal;
use usance_core::refusal::Refusal;
use usance_core::text::Code;
use usance_core::usage::{
    Attributes, Fit, IdempotencyKey, Operation, OperationKind, Step, Subject, Use,
};

use crate::json::members::Members;
use crate::json::place::Place;
use crate::json::value::Value;
use crate::native::problem::Problem;
use crate::native::request;

pub(super) const USE: [&str; 7] =
    ["amount", "idempotency_key", "bound", "partial", "occurred_at", "subject", "attributes"];
pub(super) const SUBJECT: [&str; 3] = ["user", "host", "address"];

/// The header that says what the field `idempotency_key` says.
pub const IDEMPOTENCY_HEADER: &str = "Idempotency-Key";

/// What the path and the header of a request say of its use.
#[derive(Debug, Clone)]
pub struct Target<'r> {
    /// Whose meter.
    pub license: LicenseRef,
    /// Which one.
    pub meter: Code,
    /// How it moves.
    pub kind: OperationKind,
    /// The `Idempotency-Key` header.
    pub header_key: Option<&'r str>,
}

/// Reads a use; an empty body leaves everything out.
///
/// # Errors
/// `malformed-json`, `invalid` or `amount-out-of-range`.
pub fn read(target: Target<'_>, body: &[u8]) -> Result<Use, Problem> {
    let members = request::optional_object(body, &USE)?;
    let header_key = target.header_key;
    let mut read = of_members(&members, target.license, target.meter, target.kind)?;
    if let Some(header_key) = header_key {
        let key = IdempotencyKey::parse(header_key.to_owned())?;
        if read.idempotency_key.as_ref().is_some_and(|own| *own != key) {
            let reason = "differs from the Idempotency-Key header; send one, or the same twice";
            return Err(Refusal::invalid("idempotency_key", reason).into());
        }
        read.idempotency_key = Some(key);
    }
    Ok(read)
}

/// A use of a meter, as far as the members of an object say.
pub(super) fn of_members<const N: usize>(
    members: &Members<'_, '_, N>,
    license: LicenseRef,
    meter: Code,
    kind: OperationKind,
) -> Result<Use, Refusal> {
    let key = |value: Value<'_, '_>| {
        IdempotencyKey::parse(value.string()?).map_err(|refusal| value.place().moved(refusal))
    };
    Ok(Use {
        license,
        meter,
        operation: operation(members, kind)?,
        idempotency_key: members.read("idempotency_key", key)?,
        occurred_at: members.read("occurred_at", Value::timestamp)?,
        subject: members.read("subject", subject)?,
        attributes: members.read("attributes", attributes)?.unwrap_or_default(),
    })
}

fn operation<const N: usize>(
    members: &Members<'_, '_, N>,
    kind: OperationKind,
) -> Result<Operation, Refusal> {
    if matches!(kind, OperationKind::Set | OperationKind::Reset) {
        members.none("bound", "belongs to an increment or decrement")?;
        members.none("partial", "belongs to an increment or decrement")?;
    }
    match kind {
        OperationKind::Increment => step(members).map(Operation::Increment),
        OperationKind::Decrement => step(members).map(Operation::Decrement),
        OperationKind::Set => members.need("amount", Value::amount).map(Operation::Set),
        OperationKind::Reset => {
            members.none("amount", "has no meaning for a reset; set takes a value")?;
            Ok(Operation::Reset)
        }
    }
}

fn step<const N: usize>(members: &Members<'_, '_, N>) -> Result<Step, Refusal> {
    let amount = members.read("amount", Value::amount)?;
    let is_partial = members.read("partial", Value::boolean)?;
    Ok(Step {
        amount: amount.unwrap_or(Decimal::ONE),
        bound: members.read("bound", Value::amount)?,
        fit: match is_partial {
            Some(true) => Fit::Partial,
            Some(false) | None => Fit::Whole,
        },
    })
}

fn subject(value: Value<'_, '_>) -> Result<Subject, Refusal> {
    let members = value.object(&SUBJECT)?;
    let subject = Subject {
        user: members.read("user", Value::string)?,
        host: members.read("host", Value::string)?,
        address: members.read("address", Value::string)?,
    };
    subject.check()?;
    Ok(subject)
}

fn attributes(value: Value<'_, '_>) -> Result<Attributes, Refusal> {
    let place = value.place();
    let pair = |(name, text): (std::borrow::Cow<'_, str>, &str)| {
        let place = Place::Member(&place, &name);
        let code = Code::parse("", &name).map_err(|refusal| place.moved(refusal))?;
        Ok((code, Value::new(place, text).string()?))
    };
    let entries = value.entries(ATTRIBUTES_MAX)?;
    Attributes::new(entries.into_iter().map(pair).collect::<Result<_, Refusal>>()?)
        .map_err(|refusal| place.moved(refusal))
}

#[cfg(test)]
mod tests;
