//! What a ledger says, and in which bytes.
//!
//! The encoding is version 1 of `docs/reference/ledger.md`. Every record has exactly one encoding:
//! what decodes encodes to the same bytes again.

use alloc::vec::Vec;
use core::fmt;

use super::bytes::{Reader, put_signed, put_text, put_unsigned};
use super::commitment::Commitment;
use crate::id::{AccountId, ActivationId, HoldId, LicenseId, SessionId, TokenId, WriterId};
use crate::limits::ATTRIBUTES_MAX;
use crate::meter::{Counted, Turn};
use crate::quantity::Quantity;
use crate::text::is_code;
use crate::time::Timestamp;
use crate::usage::{Attributes, KeyDigest, OperationKind, Reference, RequestDigest, Reserved};

/// The version of the encoding, the first byte of every record.
pub const VERSION: u8 = 1;

/// The longest encoding a record may have, in bytes: 16 attributes of 64 + 255 bytes, and the rest.
pub const RECORD_BYTES_MAX: usize = 8 * 1024;

/// An entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// When the writer stamped it. Never falls within a ledger.
    pub at: Timestamp,
    /// What happened.
    pub event: Event<'a>,
}

/// What a record tells.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "almost all are uses; a box would cost each of them")]
pub enum Event<'a> {
    /// The ledger begins. Always and only record 0.
    Opened {
        /// Whose ledger.
        account: AccountId,
        /// Who appends to it.
        writer: WriterId,
    },
    /// A meter moved.
    Use(UseEvent<'a>),
    /// A meter refused, and its policy wants that written down.
    Refused(RefusedEvent<'a>),
    /// Something changed in the catalogue that matters to a bill.
    Changed(ChangedEvent),
    /// Something about a meter is worth telling, beside the use that it follows from.
    Noticed(NoticedEvent<'a>),
    /// The writer's clock was set back; the ledger's time stood still.
    ClockBack {
        /// What the clock showed.
        wall: Timestamp,
    },
}

/// A meter moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UseEvent<'a> {
    /// Whose meter.
    pub license: LicenseId,
    /// Which one.
    pub meter: &'a str,
    /// By how much, and where to.
    pub counted: Counted,
    /// The record before this one of the same meter.
    pub previous: Option<u64>,
    /// The machine it counts for.
    pub activation: Option<ActivationId>,
    /// The hold or session that it begins, continues or ends.
    pub reference: Option<Reference>,
    /// The turn of a period that it is.
    pub turn: Option<Turn>,
    /// What recognises a repeat.
    pub idempotency: Option<(KeyDigest, RequestDigest)>,
    /// When the client says it happened.
    pub occurred_at: Option<Timestamp>,
    /// What stands for the personal data beside the ledger.
    pub subject: Option<Commitment>,
    /// What a price may depend on.
    pub attributes: AttributesView<'a>,
}

/// A meter refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedEvent<'a> {
    /// Whose meter.
    pub license: LicenseId,
    /// Which one.
    pub meter: &'a str,
    /// What was asked.
    pub operation: OperationKind,
    /// How much of it.
    pub asked: Quantity,
    /// The code of the refusal.
    pub code: &'a str,
    /// Where the meter stood.
    pub total: Quantity,
    /// The record before this one of the same meter.
    pub previous: Option<u64>,
}

/// Something about a meter is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticedEvent<'a> {
    /// Whose meter.
    pub license: LicenseId,
    /// Which one.
    pub meter: &'a str,
    /// What.
    pub notice: Notice,
    /// The record that it follows from; none if it follows from a refusal, which has none.
    pub cause: Option<u64>,
    /// Where the meter stands.
    pub total: Quantity,
    /// The ceiling of the period; none is unlimited.
    pub allowed: Option<Quantity>,
}

/// What is worth telling of a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The total came up to this percentage of the ceiling or more; the highest that it came up to.
    ThresholdCrossed(u32),
    /// Nothing is left, what may lie above the ceiling included.
    LimitReached,
    /// The total went above the ceiling.
    OverageBegun,
    /// It refused, for the first time since it last moved.
    Refused,
}

/// Something changed in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangedEvent {
    /// What kind of thing.
    pub entity: Entity,
    /// What was done to it.
    pub action: Action,
    /// Which one: the bytes of its id.
    pub id: [u8; 16],
    /// The token that did it; none is the process itself.
    pub by: Option<TokenId>,
    /// SHA-256 of the thing's canonical text after the change.
    pub digest: [u8; 32],
}

macro_rules! byte_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $byte:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$item])* $variant = $byte,)*
        }

        impl $name {
            fn from_byte(byte: u8) -> Result<Self, RecordError> {
                match byte {
                    $($byte => Ok(Self::$variant),)*
                    _ => Err(RecordError::UnknownValue),
                }
            }
        }
    };
}

byte_enum! {
    /// Kinds of things in the catalogue that matter to a bill.
    Entity {
        /// What is sold.
        Product = 1,
        /// The template of licenses.
        Policy = 2,
        /// The right to use.
        License = 3,
        /// A credential.
        Token = 4,
        /// A machine that holds a license.
        Activation = 5,
        /// A named feature.
        Entitlement = 6,
        /// Who pays. The digest is a commitment.
        Customer = 7,
        /// A person. The digest is a commitment.
        User = 8,
        /// What blocks by itself.
        Rule = 9,
        /// Who is told what happens.
        Webhook = 10,
    }
}

byte_enum! {
    /// What was done to a thing.
    Action {
        /// It was made.
        Created = 1,
        /// Its fields changed.
        Changed = 2,
        /// It is gone.
        Deleted = 3,
        /// A license stopped until reinstated.
        Suspended = 4,
        /// A license goes on.
        Reinstated = 5,
        /// A license or token stopped for good.
        Revoked = 6,
        /// A license lasts longer.
        Renewed = 7,
        /// A license showed that it is still there.
        CheckedIn = 8,
        /// A license moved to another policy.
        Transferred = 9,
        /// A machine fell silent for too long.
        Expired = 10,
        /// A machine gave its place to another.
        Replaced = 11,
        /// A person was shut out.
        Banned = 12,
        /// A person was let in again.
        Unbanned = 13,
        /// A rule stopped a license.
        Blocked = 14,
        /// A license goes on that a rule stopped or warned of.
        Unblocked = 15,
        /// A rule warned of a license, or told of it.
        Warned = 16,
    }
}

/// Attributes as they lie in a record: names ascending, each followed by its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AttributesView<'a>(&'a [u8]);

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordError {
    /// The bytes end early.
    Truncated,
    /// The bytes go on after the record.
    Trailing,
    /// Another version of the encoding.
    UnknownVersion,
    /// A kind, operation or flag that this version does not have.
    UnknownValue,
    /// An integer in a longer form than needed, or attributes out of order.
    NotCanonical,
    /// Text that is not UTF-8.
    NotText,
    /// Longer than a record may be.
    TooLong,
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the bytes end early",
            Self::Trailing => "bytes follow after the end",
            Self::UnknownVersion => "the encoding has another version",
            Self::UnknownValue => "a field has an unknown value",
            Self::NotCanonical => "a field is not in its only valid form",
            Self::NotText => "a name is not UTF-8",
            Self::TooLong => "it is longer than a record may be",
        })
    }
}

impl core::error::Error for RecordError {}

/// Whether the bytes of a record are those of a change of the catalogue, without decoding it.
#[must_use]
pub fn tells_of_change(bytes: &[u8]) -> bool {
    matches!(bytes, [VERSION, KIND_CHANGED, ..])
}

const KIND_OPENED: u8 = 0;
const KIND_USE: u8 = 1;
const KIND_REFUSED: u8 = 2;
const KIND_CHANGED: u8 = 3;
const KIND_CLOCK_BACK: u8 = 4;
const KIND_NOTICED: u8 = 5;

const FLAG_ALLOWED: u8 = 1;
const FLAG_PREVIOUS: u8 = 2;
const FLAG_IDEMPOTENCY: u8 = 4;
const FLAG_OCCURRED_AT: u8 = 8;
const FLAG_SUBJECT: u8 = 16;
const FLAG_ATTRIBUTES: u8 = 32;
const FLAG_ACTIVATION: u8 = 64;
/// The record belongs to a hold, a session, or the turn of a period: a byte says to which.
const FLAG_REFERENCE: u8 = 128;

const REFERENCE_HOLD: u8 = 1;
const REFERENCE_SESSION: u8 = 2;
const REFERENCE_TURN: u8 = 4;
/// Of a hold or session that lasts: until when follows. Of a turn: when the old period ended.
const REFERENCE_UNTIL: u8 = 8;
/// Of a turn: when the new period ends.
const REFERENCE_NEXT: u8 = 16;

impl Record<'_> {
    /// Appends the encoding to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(VERSION);
        out.push(match &self.event {
            Event::Opened { .. } => KIND_OPENED,
            Event::Use(_) => KIND_USE,
            Event::Refused(_) => KIND_REFUSED,
            Event::Changed(_) => KIND_CHANGED,
            Event::ClockBack { .. } => KIND_CLOCK_BACK,
            Event::Noticed(_) => KIND_NOTICED,
        });
        put_signed(out, self.at.0);
        match &self.event {
            Event::Opened { account, writer } => {
                out.extend_from_slice(account.bytes());
                out.extend_from_slice(writer.bytes());
            }
            Event::Use(event) => event.encode(out),
            Event::Refused(event) => event.encode(out),
            Event::Changed(event) => event.encode(out),
            Event::ClockBack { wall } => put_signed(out, wall.0),
            Event::Noticed(event) => event.encode(out),
        }
    }
}

impl<'a> Record<'a> {
    /// Reads a record from exactly these bytes.
    ///
    /// # Errors
    /// [`RecordError`]; hostile bytes are refused, never trusted.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, RecordError> {
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(RecordError::TooLong);
        }
        let mut reader = Reader(bytes);
        if reader.byte()? != VERSION {
            return Err(RecordError::UnknownVersion);
        }
        let kind = reader.byte()?;
        let at = Timestamp(reader.signed()?);
        let event = match kind {
            KIND_OPENED => Event::Opened {
                account: AccountId::from_bytes(reader.array()?),
                writer: WriterId::from_bytes(reader.array()?),
            },
            KIND_USE => Event::Use(UseEvent::decode(&mut reader)?),
            KIND_REFUSED => Event::Refused(RefusedEvent::decode(&mut reader)?),
            KIND_CHANGED => Event::Changed(ChangedEvent::decode(&mut reader)?),
            KIND_CLOCK_BACK => Event::ClockBack { wall: Timestamp(reader.signed()?) },
            KIND_NOTICED => Event::Noticed(NoticedEvent::decode(&mut reader)?),
            _ => return Err(RecordError::UnknownValue),
        };
        if !reader.0.is_empty() {
            return Err(RecordError::Trailing);
        }
        Ok(Self { at, event })
    }
}

impl UseEvent<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        let flag = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
        let flags = flag(self.counted.allowed.is_some(), FLAG_ALLOWED)
            | flag(self.previous.is_some(), FLAG_PREVIOUS)
            | flag(self.idempotency.is_some(), FLAG_IDEMPOTENCY)
            | flag(self.occurred_at.is_some(), FLAG_OCCURRED_AT)
            | flag(self.subject.is_some(), FLAG_SUBJECT)
            | flag(!self.attributes.0.is_empty(), FLAG_ATTRIBUTES)
            | flag(self.activation.is_some(), FLAG_ACTIVATION)
            | flag(self.reference.is_some() || self.turn.is_some(), FLAG_REFERENCE);
        out.push(flags);
        out.push(operation_byte(self.counted.operation));
        out.extend_from_slice(self.license.bytes());
        put_text(out, self.meter);
        put_signed(out, self.counted.asked);
        put_signed(out, self.counted.applied);
        if self.counted.operation == OperationKind::Settle {
            put_signed(out, self.counted.released);
        }
        put_signed(out, self.counted.overage);
        put_signed(out, self.counted.total);
        put_signed(out, self.counted.gross);
        put_signed(out, self.counted.held);
        if let Some(allowed) = self.counted.allowed {
            put_signed(out, allowed);
        }
        if let Some(previous) = self.previous {
            put_unsigned(out, previous);
        }
        if let Some(activation) = &self.activation {
            out.extend_from_slice(activation.bytes());
        }
        put_reference(self.reference, self.turn, out);
        if let Some((key, request)) = &self.idempotency {
            out.extend_from_slice(&key.0);
            out.extend_from_slice(&request.0);
        }
        if let Some(at) = self.occurred_at {
            put_signed(out, at.0);
        }
        if let Some(subject) = &self.subject {
            out.extend_from_slice(&subject.0);
        }
        out.extend_from_slice(self.attributes.0);
    }
}

impl<'a> UseEvent<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, RecordError> {
        let flags = reader.byte()?;
        let has = |flag| flags & flag != 0;
        let operation = operation_from_byte(reader.byte()?)?;
        let license = LicenseId::from_bytes(reader.array()?);
        let meter = code(reader)?;
        let asked = reader.signed()?;
        let applied = reader.signed()?;
        let released = match operation {
            OperationKind::Settle => reader.signed()?,
            OperationKind::Release => applied,
            _ => 0,
        };
        let overage = reader.signed()?;
        let total = reader.signed()?;
        let gross = reader.signed()?;
        let held = reader.signed()?;
        let allowed = has(FLAG_ALLOWED).then(|| reader.signed()).transpose()?;
        let counted =
            Counted { operation, asked, applied, released, overage, total, gross, allowed, held };
        let previous = has(FLAG_PREVIOUS).then(|| reader.unsigned()).transpose()?;
        let activation = match has(FLAG_ACTIVATION) {
            true => Some(ActivationId::from_bytes(reader.array()?)),
            false => None,
        };
        let (reference, turn) = match has(FLAG_REFERENCE) {
            true => read_reference(reader)?,
            false => (None, None),
        };
        Ok(Self {
            license,
            meter,
            counted,
            previous,
            activation,
            reference,
            turn,
            idempotency: match has(FLAG_IDEMPOTENCY) {
                true => Some((KeyDigest(reader.array()?), RequestDigest(reader.array()?))),
                false => None,
            },
            occurred_at: match has(FLAG_OCCURRED_AT) {
                true => Some(Timestamp(reader.signed()?)),
                false => None,
            },
            subject: match has(FLAG_SUBJECT) {
                true => Some(Commitment(reader.array()?)),
                false => None,
            },
            attributes: match has(FLAG_ATTRIBUTES) {
                true => AttributesView::decode(reader)?,
                false => AttributesView::default(),
            },
        })
    }
}

fn put_reference(reference: Option<Reference>, turn: Option<Turn>, out: &mut Vec<u8>) {
    let flag = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
    if let Some(Reference { id, until }) = reference {
        let (kind, bytes) = match &id {
            Reserved::Hold(hold) => (REFERENCE_HOLD, hold.bytes()),
            Reserved::Session(session) => (REFERENCE_SESSION, session.bytes()),
        };
        out.push(kind | flag(until.is_some(), REFERENCE_UNTIL));
        out.extend_from_slice(bytes);
        if let Some(until) = until {
            put_signed(out, until.0);
        }
    } else if let Some(turn) = turn {
        out.push(
            REFERENCE_TURN
                | flag(turn.ended_at.is_some(), REFERENCE_UNTIL)
                | flag(turn.next_end.is_some(), REFERENCE_NEXT),
        );
        for at in [turn.ended_at, turn.next_end].into_iter().flatten() {
            put_signed(out, at.0);
        }
        put_signed(out, turn.carried);
    }
}

fn read_reference(
    reader: &mut Reader<'_>,
) -> Result<(Option<Reference>, Option<Turn>), RecordError> {
    let flags = reader.byte()?;
    let mut at = |flag| match flags & flag {
        0 => Ok(None),
        _ => reader.signed().map(|at| Some(Timestamp(at))),
    };
    if flags & !(REFERENCE_UNTIL | REFERENCE_NEXT) == REFERENCE_TURN {
        let (ended_at, next_end) = (at(REFERENCE_UNTIL)?, at(REFERENCE_NEXT)?);
        return Ok((None, Some(Turn { ended_at, next_end, carried: reader.signed()? })));
    }
    let kind = flags & !REFERENCE_UNTIL;
    let bytes = reader.array()?;
    let id = match kind {
        REFERENCE_HOLD => Reserved::Hold(HoldId::from_bytes(bytes)),
        REFERENCE_SESSION => Reserved::Session(SessionId::from_bytes(bytes)),
        _ => return Err(RecordError::UnknownValue),
    };
    let until = match flags & REFERENCE_UNTIL {
        0 => None,
        _ => Some(Timestamp(reader.signed()?)),
    };
    Ok((Some(Reference { id, until }), None))
}

impl RefusedEvent<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(operation_byte(self.operation));
        out.extend_from_slice(self.license.bytes());
        put_text(out, self.meter);
        put_text(out, self.code);
        put_signed(out, self.asked);
        put_signed(out, self.total);
        out.push(u8::from(self.previous.is_some()));
        if let Some(previous) = self.previous {
            put_unsigned(out, previous);
        }
    }
}

impl<'a> RefusedEvent<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, RecordError> {
        Ok(Self {
            operation: operation_from_byte(reader.byte()?)?,
            license: LicenseId::from_bytes(reader.array()?),
            meter: code(reader)?,
            code: code(reader)?,
            asked: reader.signed()?,
            total: reader.signed()?,
            previous: match reader.byte()? {
                0 => None,
                1 => Some(reader.unsigned()?),
                _ => return Err(RecordError::UnknownValue),
            },
        })
    }
}

const NOTICE_THRESHOLD: u8 = 1;
const NOTICE_LIMIT: u8 = 2;
const NOTICE_OVERAGE: u8 = 3;
const NOTICE_REFUSED: u8 = 4;
const NOTICED_CAUSE: u8 = 1;
const NOTICED_ALLOWED: u8 = 2;

impl NoticedEvent<'_> {
    fn encode(&self, out: &mut Vec<u8>) {
        let flag = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
        out.push(
            flag(self.cause.is_some(), NOTICED_CAUSE)
                | flag(self.allowed.is_some(), NOTICED_ALLOWED),
        );
        match self.notice {
            Notice::ThresholdCrossed(percent) => {
                out.push(NOTICE_THRESHOLD);
                put_unsigned(out, u64::from(percent));
            }
            Notice::LimitReached => out.push(NOTICE_LIMIT),
            Notice::OverageBegun => out.push(NOTICE_OVERAGE),
            Notice::Refused => out.push(NOTICE_REFUSED),
        }
        out.extend_from_slice(self.license.bytes());
        put_text(out, self.meter);
        put_signed(out, self.total);
        if let Some(allowed) = self.allowed {
            put_signed(out, allowed);
        }
        if let Some(cause) = self.cause {
            put_unsigned(out, cause);
        }
    }
}

impl<'a> NoticedEvent<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, RecordError> {
        let flags = reader.byte()?;
        if flags & !(NOTICED_CAUSE | NOTICED_ALLOWED) != 0 {
            return Err(RecordError::UnknownValue);
        }
        let notice = match reader.byte()? {
            NOTICE_THRESHOLD => Notice::ThresholdCrossed(
                u32::try_from(reader.unsigned()?).map_err(|_| RecordError::UnknownValue)?,
            ),
            NOTICE_LIMIT => Notice::LimitReached,
            NOTICE_OVERAGE => Notice::OverageBegun,
            NOTICE_REFUSED => Notice::Refused,
            _ => return Err(RecordError::UnknownValue),
        };
        Ok(Self {
            notice,
            license: LicenseId::from_bytes(reader.array()?),
            meter: code(reader)?,
            total: reader.signed()?,
            allowed: (flags & NOTICED_ALLOWED != 0).then(|| reader.signed()).transpose()?,
            cause: (flags & NOTICED_CAUSE != 0).then(|| reader.unsigned()).transpose()?,
        })
    }
}

impl ChangedEvent {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.entity as u8);
        out.push(self.action as u8);
        out.extend_from_slice(&self.id);
        out.push(u8::from(self.by.is_some()));
        if let Some(by) = &self.by {
            out.extend_from_slice(by.bytes());
        }
        out.extend_from_slice(&self.digest);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, RecordError> {
        Ok(Self {
            entity: Entity::from_byte(reader.byte()?)?,
            action: Action::from_byte(reader.byte()?)?,
            id: reader.array()?,
            by: match reader.byte()? {
                0 => None,
                1 => Some(TokenId::from_bytes(reader.array()?)),
                _ => return Err(RecordError::UnknownValue),
            },
            digest: reader.array()?,
        })
    }
}

impl<'a> AttributesView<'a> {
    /// Appends the encoding of attributes to `out` and returns the view of it.
    pub fn encode(attributes: &Attributes, out: &'a mut Vec<u8>) -> Self {
        out.clear();
        if !attributes.is_empty() {
            put_unsigned(out, attributes.iter().len() as u64);
        }
        for (name, value) in attributes.iter() {
            put_text(out, name);
            put_text(out, value);
        }
        Self(out)
    }

    /// Reads the attributes to the end of the record.
    fn decode(reader: &mut Reader<'a>) -> Result<Self, RecordError> {
        let all = reader.0;
        let count = reader.unsigned()?;
        if count == 0 || count > ATTRIBUTES_MAX as u64 {
            return Err(RecordError::UnknownValue);
        }
        let mut last = "";
        for _ in 0..count {
            let name = code(reader)?;
            if name <= last {
                return Err(RecordError::NotCanonical);
            }
            last = name;
            reader.text()?;
        }
        Ok(Self(&all[..all.len() - reader.0.len()]))
    }

    /// The pairs, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut reader = Reader(self.0);
        let count = if self.0.is_empty() { 0 } else { reader.unsigned().unwrap_or(0) };
        (0..count).map_while(move |_| Some((reader.text().ok()?, reader.text().ok()?)))
    }
}

fn code<'a>(reader: &mut Reader<'a>) -> Result<&'a str, RecordError> {
    let text = reader.text()?;
    if is_code(text) { Ok(text) } else { Err(RecordError::UnknownValue) }
}

const fn operation_byte(operation: OperationKind) -> u8 {
    match operation {
        OperationKind::Increment => 1,
        OperationKind::Decrement => 2,
        OperationKind::Set => 3,
        OperationKind::Reset => 4,
        OperationKind::Hold => 5,
        OperationKind::Settle => 6,
        OperationKind::Release => 7,
        OperationKind::Turn => 8,
        OperationKind::Return => 9,
    }
}

const fn operation_from_byte(byte: u8) -> Result<OperationKind, RecordError> {
    match byte {
        1 => Ok(OperationKind::Increment),
        2 => Ok(OperationKind::Decrement),
        3 => Ok(OperationKind::Set),
        4 => Ok(OperationKind::Reset),
        5 => Ok(OperationKind::Hold),
        6 => Ok(OperationKind::Settle),
        7 => Ok(OperationKind::Release),
        8 => Ok(OperationKind::Turn),
        9 => Ok(OperationKind::Return),
        _ => Err(RecordError::UnknownValue),
    }
}

#[cfg(test)]
mod tests;
