//! The command that moves a meter.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use sha2::{Digest, Sha256};

use crate::activation::ActivationRef;
use crate::id::{AccountId, ActivationId, HoldId, LicenseId, SessionId};
use crate::license::LicenseRef;
use crate::limits::{
    ATTRIBUTE_VALUE_BYTES_MAX, ATTRIBUTES_MAX, IDEMPOTENCY_KEY_BYTES_MAX, OCCURRED_AHEAD_MS_MAX,
    OCCURRED_BEHIND_MS_MAX, SUBJECT_FIELD_BYTES_MAX,
};
use crate::meter::Counted;
use crate::quantity::{Decimal, Quantity, Scale};
use crate::refusal::Refusal;
use crate::text::Code;
use crate::time::Timestamp;
use crate::token::Permission;
use crate::words::words;

/// A request to move one meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Whose meter.
    pub license: LicenseRef,
    /// Which one.
    pub meter: Code,
    /// How it moves.
    pub operation: Operation,
    /// The machine that uses, whose share it counts towards.
    pub activation: Option<ActivationRef>,
    /// What makes a repeat recognisable.
    pub idempotency_key: Option<IdempotencyKey>,
    /// When it happened, by the client's clock. Data, never the ledger's time.
    pub occurred_at: Option<Timestamp>,
    /// Who used it. Personal data.
    pub subject: Option<Subject>,
    /// What a price may depend on.
    pub attributes: Attributes,
}

/// What a caller hears of an accepted use (rule 12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Whose meter.
    pub license: LicenseId,
    /// Which one.
    pub meter: Code,
    /// Digits after the point of its quantities.
    pub scale: Scale,
    /// What was counted, and where the meter stood after it.
    pub counted: Counted,
    /// What is left of the ceiling before overage begins; none is unlimited.
    pub remaining: Option<Quantity>,
    /// When the meter's period ends, if it has one. A repeat does not know it any more.
    pub period_end: Option<Timestamp>,
    /// The machine it counted for.
    pub activation: Option<ActivationId>,
    /// The hold or session that began, went on or ended with it.
    pub reference: Option<Reference>,
    /// Why a session ended that was asked to go on.
    pub ended: Option<Ended>,
    /// Position of the record in the ledger; of a heartbeat that nothing was counted for, the
    /// newest of the meter.
    pub record: u64,
    /// When the writer stamped it.
    pub at: Timestamp,
    /// Whether this is the first answer once more, to a repeated idempotency key.
    pub repeat: bool,
    /// The rule that warns of the license, if one does.
    pub warning: Option<Code>,
}

/// The hold or session that a record belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference {
    /// Which one.
    pub id: Reserved,
    /// Until when it lasts if nothing is heard of it; none if it is over.
    pub until: Option<Timestamp>,
}

/// What units are set aside for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reserved {
    /// A hold.
    Hold(HoldId),
    /// A session.
    Session(SessionId),
}

words! {
    /// Why a session ended that was asked to go on.
    Ended {
        /// Its meter is at the limit.
        LimitReached = "limit-reached",
    }
}

/// How a meter moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Up.
    Increment(Step),
    /// Down.
    Decrement(Step),
    /// To a value.
    Set(Decimal),
    /// Back to where it began.
    Reset,
    /// Units are set aside (rule 8).
    Hold(NewHold),
    /// What a hold was for is done, and used this much; all of it if nothing is said.
    Settle(HoldId, Option<Decimal>),
    /// What a hold was for is not done.
    Release(HoldId),
    /// A session begins (rule 9).
    CheckOut(CheckOut),
    /// A session goes on.
    Heartbeat(SessionId),
    /// A session ends.
    CheckIn(SessionId),
}

/// Units to be set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewHold {
    /// How many.
    pub amount: Decimal,
    /// What to do with an amount that does not fit.
    pub fit: Fit,
    /// For how long at most, in seconds; as long as the meter lets it if nothing is said.
    pub seconds: Option<u32>,
}

/// A session to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckOut {
    /// How many at once.
    pub count: Decimal,
}

/// How far up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// By how much.
    pub amount: Decimal,
    /// The highest total that an increment may reach, or the lowest that a decrement may leave.
    pub bound: Option<Decimal>,
    /// What to do with an amount that does not fit.
    pub fit: Fit,
}

/// What to do with an amount that does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// Refuse it.
    Whole,
    /// Take what fits, if anything does.
    Partial,
}

words! {
    /// The name of an operation, as records keep it.
    OperationKind {
        /// The total went up.
        Increment = "increment",
        /// The total went down.
        Decrement = "decrement",
        /// The total was set to a value.
        Set = "set",
        /// The total was set back to where it began.
        Reset = "reset",
        /// Units were set aside.
        Hold = "hold",
        /// Units that were set aside were let go, and what was used instead was counted.
        Settle = "settle",
        /// Units that were set aside were let go.
        Release = "release",
        /// A period ended and the next began.
        Turn = "turn",
        /// The share of an activation that ended came back.
        Return = "return",
    }
}

impl OperationKind {
    /// By how much the total changes. None on overflow.
    #[must_use]
    pub fn change_of_total(self, applied: i64) -> Option<i64> {
        match self {
            Self::Increment | Self::Settle | Self::Set | Self::Reset | Self::Turn => Some(applied),
            Self::Decrement | Self::Return => applied.checked_neg(),
            Self::Hold | Self::Release => Some(0),
        }
    }

    /// By how much the gross grows (rule 3).
    #[must_use]
    pub const fn change_of_gross(self, applied: i64) -> i64 {
        match self {
            Self::Increment | Self::Settle => applied,
            _ => 0,
        }
    }

    /// By how much the units on hold change. None on overflow.
    #[must_use]
    pub fn change_of_held(self, applied: i64, released: i64) -> Option<i64> {
        match self {
            Self::Hold => Some(applied),
            Self::Settle | Self::Release => released.checked_neg(),
            _ => Some(0),
        }
    }

    /// Whether it is a use in itself, and not a step towards one or a consequence of time.
    #[must_use]
    pub const fn is_use(self) -> bool {
        match self {
            Self::Increment | Self::Decrement | Self::Set | Self::Reset | Self::Settle => true,
            Self::Hold | Self::Release | Self::Turn | Self::Return => false,
        }
    }
}

impl Operation {
    /// The word for it in the API.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Increment(_) => "increment",
            Self::Decrement(_) => "decrement",
            Self::Set(_) => "set",
            Self::Reset => "reset",
            Self::Hold(_) => "hold",
            Self::Settle(..) => "settle",
            Self::Release(_) => "release",
            Self::CheckOut(_) => "check-out",
            Self::Heartbeat(_) => "heartbeat",
            Self::CheckIn(_) => "check-in",
        }
    }

    /// Whether it begins or continues something: what was begun may always be ended, whatever
    /// became of the license meanwhile.
    #[must_use]
    pub const fn begins(&self) -> bool {
        !matches!(self, Self::Settle(..) | Self::Release(_) | Self::CheckIn(_))
    }

    /// Whether it makes a hold or session, which needs an id.
    #[must_use]
    pub const fn makes_id(&self) -> bool {
        matches!(self, Self::Hold(_) | Self::CheckOut(_))
    }

    /// What a record of its refusal calls it.
    #[must_use]
    pub const fn kind(&self) -> OperationKind {
        match self {
            Self::Increment(_) => OperationKind::Increment,
            Self::Decrement(_) => OperationKind::Decrement,
            Self::Set(_) => OperationKind::Set,
            Self::Reset => OperationKind::Reset,
            Self::Hold(_) | Self::CheckOut(_) | Self::Heartbeat(_) => OperationKind::Hold,
            Self::Settle(..) | Self::CheckIn(_) => OperationKind::Settle,
            Self::Release(_) => OperationKind::Release,
        }
    }

    /// What a caller needs to be allowed.
    #[must_use]
    pub const fn permission(&self) -> Permission {
        match self {
            Self::Increment(_) => Permission::MeterIncrement,
            Self::Decrement(_) => Permission::MeterDecrement,
            Self::Set(_) => Permission::MeterSet,
            Self::Reset => Permission::MeterReset,
            Self::Hold(_) | Self::Settle(..) | Self::Release(_) => Permission::MeterHold,
            Self::CheckOut(_) | Self::Heartbeat(_) | Self::CheckIn(_) => Permission::SessionWrite,
        }
    }

    /// Where the kind stands in a request digest.
    const fn digest_byte(&self) -> u8 {
        match self {
            Self::Increment(_) => 0,
            Self::Decrement(_) => 1,
            Self::Set(_) => 2,
            Self::Reset => 3,
            Self::Hold(_) => 4,
            Self::Settle(..) => 5,
            Self::Release(_) => 6,
            Self::CheckOut(_) => 7,
            Self::Heartbeat(_) => 8,
            Self::CheckIn(_) => 9,
        }
    }
}

impl Use {
    /// Refuses an `occurred_at` too far from the writer's clock (rule 11).
    ///
    /// # Errors
    /// [`Refusal::OccurredAtOutOfRange`].
    pub fn check_occurred_at(&self, now: Timestamp) -> Result<(), Refusal> {
        let Some(at) = self.occurred_at else {
            return Ok(());
        };
        if at > now.plus_ms(OCCURRED_AHEAD_MS_MAX) || at < now.plus_ms(-OCCURRED_BEHIND_MS_MAX) {
            return Err(Refusal::OccurredAtOutOfRange);
        }
        Ok(())
    }

    /// What tells this request from another one under the same idempotency key, beside the license
    /// and the meter, which a record names anyway.
    #[must_use]
    pub fn request_digest(&self) -> RequestDigest {
        let mut hash = Sha256::new();
        hash.update([self.operation.digest_byte()]);
        match &self.operation {
            Operation::Increment(step) | Operation::Decrement(step) => {
                hash.update(step.amount.digest_bytes());
                hash.update([u8::from(step.fit == Fit::Partial), u8::from(step.bound.is_some())]);
                if let Some(bound) = step.bound {
                    hash.update(bound.digest_bytes());
                }
            }
            Operation::Set(value) => hash.update(value.digest_bytes()),
            Operation::Hold(new) => {
                hash.update(new.amount.digest_bytes());
                hash.update([u8::from(new.fit == Fit::Partial)]);
                hash.update(new.seconds.unwrap_or(0).to_le_bytes());
            }
            Operation::Settle(hold, amount) => {
                hash.update(hold.bytes());
                if let Some(amount) = amount {
                    hash.update(amount.digest_bytes());
                }
            }
            Operation::CheckOut(new) => hash.update(new.count.digest_bytes()),
            Operation::Release(hold) => hash.update(hold.bytes()),
            Operation::Heartbeat(session) | Operation::CheckIn(session) => {
                hash.update(session.bytes());
            }
            Operation::Reset => {}
        }
        match &self.activation {
            None => {}
            Some(ActivationRef::Id(id)) => hash.update(id.bytes()),
            Some(ActivationRef::Fingerprint(text)) => update_field(&mut hash, Some(text)),
        }
        hash.update(self.occurred_at.map_or(i64::MIN, |at| at.0).to_le_bytes());
        if let Some(subject) = &self.subject {
            for field in [&subject.user, &subject.host, &subject.address] {
                update_field(&mut hash, field.as_deref());
            }
        }
        for (name, value) in self.attributes.iter() {
            update_field(&mut hash, Some(name));
            update_field(&mut hash, Some(value));
        }
        RequestDigest(first_bytes(&hash.finalize()))
    }
}

fn update_field(hash: &mut Sha256, field: Option<&str>) {
    let length = field.map_or(u64::MAX, |text| text.len() as u64);
    hash.update(length.to_le_bytes());
    hash.update(field.unwrap_or_default().as_bytes());
}

fn first_bytes<const N: usize>(digest: &[u8]) -> [u8; N] {
    *digest.first_chunk().expect("a SHA-256 digest has 32 bytes")
}

/// What a client calls a use so that its repeat is recognised. 1 to 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads a key.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn parse(text: String) -> Result<Self, Refusal> {
        if text.is_empty() || text.len() > IDEMPOTENCY_KEY_BYTES_MAX {
            return Err(Refusal::invalid("idempotency_key", "must be 1 to 255 bytes"));
        }
        Ok(Self(text))
    }

    /// What the ledger keeps of it. The secret keeps guessable keys from being guessed there.
    #[must_use]
    pub fn digest(&self, secret: &[u8; 32], account: AccountId) -> KeyDigest {
        let digest = Sha256::new()
            .chain_update(secret)
            .chain_update(account.bytes())
            .chain_update(self.0.as_bytes())
            .finalize();
        KeyDigest(first_bytes(&digest))
    }
}

/// What the ledger keeps of an idempotency key: 128 bits of a keyed hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyDigest(pub [u8; 16]);

/// What the ledger keeps of the request under an idempotency key: 64 bits of its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestDigest(pub [u8; 8]);

/// Who used it. Personal data: never in the ledger, never in a log.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Subject {
    /// The person's account name.
    pub user: Option<String>,
    /// The machine.
    pub host: Option<String>,
    /// The network address.
    pub address: Option<String>,
}

impl Subject {
    /// Refuses fields that are empty or too long.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let fields = [
            ("subject.user", &self.user),
            ("subject.host", &self.host),
            ("subject.address", &self.address),
        ];
        for (name, field) in fields {
            if field
                .as_ref()
                .is_some_and(|text| text.is_empty() || text.len() > SUBJECT_FIELD_BYTES_MAX)
            {
                return Err(Refusal::invalid(name, "must be 1 to 255 bytes"));
            }
        }
        if *self == Self::default() {
            return Err(Refusal::invalid("subject", "must name a user, host or address"));
        }
        Ok(())
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(…)")
    }
}

/// What a price may depend on: up to 16 names with short values, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes(Vec<(Code, String)>);

impl Attributes {
    /// Checks and sorts pairs.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for too many, too long, or the same name twice.
    pub fn new(mut pairs: Vec<(Code, String)>) -> Result<Self, Refusal> {
        let refuse = |reason| Err(Refusal::invalid("attributes", reason));
        if pairs.len() > ATTRIBUTES_MAX {
            return refuse("may be at most 16");
        }
        if pairs.iter().any(|(_, value)| value.len() > ATTRIBUTE_VALUE_BYTES_MAX) {
            return refuse("may have values of at most 255 bytes");
        }
        pairs.sort();
        if pairs.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return refuse("may have each name once");
        }
        Ok(Self(pairs))
    }

    /// The pairs, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests;
