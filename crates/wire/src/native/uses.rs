//! What a request says of one use.

use usance_core::id::{HoldId, SessionId};
use usance_core::license::LicenseRef;
use usance_core::limits::{ATTRIBUTES_MAX, HOLD_SECONDS_MAX};
use usance_core::quantity::Decimal;
use usance_core::refusal::Refusal;
use usance_core::text::Code;
use usance_core::usage::{
    Attributes, CheckOut, Fit, IdempotencyKey, NewHold, Operation, Step, Subject, Use,
};

use crate::json::members::Members;
use crate::json::place::Place;
use crate::json::value::Value;
use crate::native::problem::Problem;
use crate::native::references;
use crate::native::request;

pub(super) const USE: [&str; 8] = [
    "amount",
    "idempotency_key",
    "bound",
    "partial",
    "occurred_at",
    "subject",
    "attributes",
    "activation",
];
pub(super) const HOLD: [&str; 8] = [
    "amount",
    "seconds",
    "partial",
    "idempotency_key",
    "occurred_at",
    "subject",
    "attributes",
    "activation",
];
pub(super) const SETTLE: [&str; 6] =
    ["amount", "idempotency_key", "occurred_at", "subject", "attributes", "activation"];
pub(super) const CHECK_OUT: [&str; 6] =
    ["count", "idempotency_key", "occurred_at", "subject", "attributes", "activation"];
pub(super) const BARE: [&str; 5] =
    ["idempotency_key", "occurred_at", "subject", "attributes", "activation"];
pub(super) const SUBJECT: [&str; 3] = ["user", "host", "address"];

/// What a request asks a meter to do, and to which hold or session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Up.
    Increment,
    /// Down.
    Decrement,
    /// To a value.
    Set,
    /// Back to where it began.
    Reset,
    /// Set units aside.
    Hold,
    /// Count what a hold was really used for.
    Settle(HoldId),
    /// Let go of a hold.
    Release(HoldId),
    /// Begin a session.
    CheckOut,
    /// Let a session go on.
    Heartbeat(SessionId),
    /// End a session.
    CheckIn(SessionId),
}

impl Verb {
    /// The words of `operation` in a batch.
    pub(super) const WORDS: [&str; 10] = [
        "increment",
        "decrement",
        "set",
        "reset",
        "hold",
        "settle",
        "release",
        "check-out",
        "heartbeat",
        "check-in",
    ];

    /// Whether it has a use for a member that others have not, and if not, whose it is.
    fn check_own(self, member: &str) -> Result<(), &'static str> {
        use Verb::{
            CheckIn, CheckOut, Decrement, Heartbeat, Hold, Increment, Release, Set, Settle,
        };
        let (is_own, otherwise) = match member {
            "amount" => (
                matches!(self, Increment | Decrement | Set | Hold | Settle(_)),
                "belongs to an increment, decrement, set, hold or settle",
            ),
            "bound" => {
                (matches!(self, Increment | Decrement), "belongs to an increment or decrement")
            }
            "partial" => (
                matches!(self, Increment | Decrement | Hold),
                "belongs to an increment, decrement or hold",
            ),
            "seconds" => (matches!(self, Hold), "belongs to a hold"),
            "count" => (matches!(self, CheckOut), "belongs to a check-out"),
            "hold" => (matches!(self, Settle(_) | Release(_)), "belongs to a settle or release"),
            "session" => {
                (matches!(self, Heartbeat(_) | CheckIn(_)), "belongs to a heartbeat or check-in")
            }
            _ => return Ok(()),
        };
        if is_own { Ok(()) } else { Err(otherwise) }
    }
}

/// The header that says what the field `idempotency_key` says.
pub const IDEMPOTENCY_HEADER: &str = "Idempotency-Key";

/// What the path and the header of a request say of its use.
#[derive(Debug, Clone)]
pub struct Target<'r> {
    /// Whose meter.
    pub license: LicenseRef,
    /// Which one.
    pub meter: Code,
    /// What it is to do.
    pub verb: Verb,
    /// The `Idempotency-Key` header.
    pub header_key: Option<&'r str>,
}

/// Reads a use; an empty body leaves everything out.
///
/// # Errors
/// `malformed-json`, `invalid` or `amount-out-of-range`.
pub fn read(target: Target<'_>, body: &[u8]) -> Result<Use, Problem> {
    match target.verb {
        Verb::Increment | Verb::Decrement | Verb::Set | Verb::Reset => {
            read_body(target, body, &USE)
        }
        Verb::Hold => read_body(target, body, &HOLD),
        Verb::Settle(_) => read_body(target, body, &SETTLE),
        Verb::CheckOut => read_body(target, body, &CHECK_OUT),
        Verb::Release(_) | Verb::Heartbeat(_) | Verb::CheckIn(_) => read_body(target, body, &BARE),
    }
}

fn read_body<const N: usize>(
    target: Target<'_>,
    body: &[u8],
    names: &'static [&'static str; N],
) -> Result<Use, Problem> {
    let members = request::optional_object(body, names)?;
    let Target { license, meter, verb, header_key } = target;
    if matches!(verb, Verb::Set | Verb::Reset) {
        refuse_strays(&members, verb)?;
    }
    let mut read = of_members(&members, license, meter, verb)?;
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
    verb: Verb,
) -> Result<Use, Refusal> {
    let key = |value: Value<'_, '_>| {
        IdempotencyKey::parse(value.string()?).map_err(|refusal| value.place().moved(refusal))
    };
    Ok(Use {
        license,
        meter,
        operation: operation(members, verb)?,
        activation: members.read("activation", references::activation_in_value)?,
        idempotency_key: members.read("idempotency_key", key)?,
        occurred_at: members.read("occurred_at", Value::timestamp)?,
        subject: members.read("subject", subject)?,
        attributes: members.read("attributes", attributes)?.unwrap_or_default(),
    })
}

/// Refuses members that belong to other operations.
pub(super) fn refuse_strays<const N: usize>(
    members: &Members<'_, '_, N>,
    verb: Verb,
) -> Result<(), Refusal> {
    for name in members.present() {
        verb.check_own(name).map_err(|reason| members.refuse_member(name, reason))?;
    }
    Ok(())
}

fn operation<const N: usize>(
    members: &Members<'_, '_, N>,
    verb: Verb,
) -> Result<Operation, Refusal> {
    Ok(match verb {
        Verb::Increment => Operation::Increment(step(members)?),
        Verb::Decrement => Operation::Decrement(step(members)?),
        Verb::Set => Operation::Set(members.need("amount", Value::amount)?),
        Verb::Reset => Operation::Reset,
        Verb::Hold => Operation::Hold(NewHold {
            amount: members.read("amount", Value::amount)?.unwrap_or(Decimal::ONE),
            fit: fit(members)?,
            seconds: members.read("seconds", seconds)?,
        }),
        Verb::Settle(hold) => Operation::Settle(hold, members.read("amount", Value::amount)?),
        Verb::Release(hold) => Operation::Release(hold),
        Verb::CheckOut => Operation::CheckOut(CheckOut {
            count: members.read("count", Value::amount)?.unwrap_or(Decimal::ONE),
        }),
        Verb::Heartbeat(session) => Operation::Heartbeat(session),
        Verb::CheckIn(session) => Operation::CheckIn(session),
    })
}

fn step<const N: usize>(members: &Members<'_, '_, N>) -> Result<Step, Refusal> {
    Ok(Step {
        amount: members.read("amount", Value::amount)?.unwrap_or(Decimal::ONE),
        bound: members.read("bound", Value::amount)?,
        fit: fit(members)?,
    })
}

fn fit<const N: usize>(members: &Members<'_, '_, N>) -> Result<Fit, Refusal> {
    Ok(match members.read("partial", Value::boolean)? {
        Some(true) => Fit::Partial,
        Some(false) | None => Fit::Whole,
    })
}

fn seconds(value: Value<'_, '_>) -> Result<u32, Refusal> {
    match value.whole()? {
        seconds @ 1..=HOLD_SECONDS_MAX => Ok(seconds),
        _ => Err(value.refuse("must be 1 second to 90 days")),
    }
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
