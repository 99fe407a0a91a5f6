//! What happened, as it is told to those who listen: every record of a ledger is an event.
//!
//! An event's number is its record's position, so a listener that knows the last number it saw
//! knows what it missed, and the ledger vouches for what it was told.

use alloc::string::String;
use alloc::vec::Vec;

use crate::audience::Audiences;
use crate::id::{LicenseId, TokenId};
use crate::ledger::record::{Action, Entity, Event, Notice, UseEvent};
use crate::meter::Measure;
use crate::quantity::{Quantity, Scale};
use crate::refusal::Refusal;
use crate::text::Code;
use crate::time::Timestamp;
use crate::usage::{OperationKind, Reserved};
use crate::view::HistoryEvent;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its position in the ledger.
    pub number: u64,
    /// When the writer stamped it.
    pub at: Timestamp,
    /// What it is called.
    pub kind: &'static str,
    /// The license it is about, if it is about one.
    pub license: Option<LicenseId>,
    /// To whom it is shown beside the vendor: those who may see its meter, if it is about one. Of
    /// changes only that they happened.
    pub visible_to: Audiences,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "almost all are uses; a box would cost each of them")]
pub enum What {
    /// The ledger began.
    Opened,
    /// A meter moved or refused.
    Meter {
        /// Which one.
        meter: Code,
        /// Digits after the point, if the meter is still there.
        scale: Scale,
        /// What of a session it counts, which says what is left of it.
        measure: Measure,
        /// The change itself, and the state after it.
        event: HistoryEvent,
    },
    /// Something about a meter is worth telling.
    Noticed {
        /// Which one.
        meter: Code,
        /// Digits after the point, if the meter is still there.
        scale: Scale,
        /// What.
        notice: Notice,
        /// The record that it follows from.
        cause: Option<u64>,
        /// Where the meter stood.
        total: Quantity,
        /// The ceiling of the period.
        allowed: Option<Quantity>,
    },
    /// Something changed in the catalogue.
    Changed {
        /// The id of the thing, with its prefix.
        thing: String,
        /// The token that did it; none is a license or the process itself.
        by: Option<TokenId>,
        /// The network address that it came from, while that is kept.
        address: Option<String>,
        /// The thing before, as lines of `name=value`, while that is kept.
        before: Option<String>,
        /// The thing after, as lines of `name=value`, while that is kept.
        after: Option<String>,
    },
    /// The writer's clock was set back.
    ClockBack {
        /// What the clock showed.
        wall: Timestamp,
    },
}

/// What an event is called: a word for the thing, a point, and a word for what happened to it.
#[must_use]
pub fn kind(event: &Event<'_>) -> &'static str {
    match event {
        Event::Opened { .. } => "ledger.opened",
        Event::ClockBack { .. } => "ledger.clock-set-back",
        Event::Refused(_) => "meter.refused",
        Event::Use(used) => kind_of_use(used),
        Event::Noticed(noticed) => match noticed.notice {
            Notice::ThresholdCrossed(_) => "meter.threshold-crossed",
            Notice::LimitReached => "meter.limit-reached",
            Notice::OverageBegun => "meter.overage-begun",
            Notice::Refused => "meter.refusing",
        },
        Event::Changed(changed) => kind_of_change(changed.entity, changed.action),
    }
}

/// Every kind of event that is not a change of the catalogue. Those are a word of [`THINGS`], a
/// point, and what was done.
pub const KINDS: &[&str] = &[
    "ledger.opened",
    "ledger.clock-set-back",
    "meter.incremented",
    "meter.decremented",
    "meter.set",
    "meter.reset",
    "meter.period-turned",
    "meter.share-returned",
    "meter.refused",
    "meter.threshold-crossed",
    "meter.limit-reached",
    "meter.overage-begun",
    "meter.refusing",
    "hold.placed",
    "hold.settled",
    "hold.released",
    "session.held",
    "session.ended",
];

fn kind_of_use(used: &UseEvent<'_>) -> &'static str {
    let session =
        used.reference.is_some_and(|reference| matches!(reference.id, Reserved::Session(_)));
    match used.counted.operation {
        OperationKind::Increment => "meter.incremented",
        OperationKind::Decrement => "meter.decremented",
        OperationKind::Set => "meter.set",
        OperationKind::Reset => "meter.reset",
        OperationKind::Turn => "meter.period-turned",
        OperationKind::Return => "meter.share-returned",
        OperationKind::Hold if session => "session.held",
        OperationKind::Hold => "hold.placed",
        OperationKind::Settle if session => "session.ended",
        OperationKind::Settle => "hold.settled",
        OperationKind::Release if session => "session.ended",
        OperationKind::Release => "hold.released",
    }
}

macro_rules! kinds_of_changes {
    ($($entity:ident $word:literal,)*) => {
        /// The words for the things that change.
        pub const THINGS: &[&str] = &[$($word),*];

        const fn kind_of_change(entity: Entity, action: Action) -> &'static str {
            match (entity, action) {
                $(
                    (Entity::$entity, Action::Created) => concat!($word, ".created"),
                    (Entity::$entity, Action::Changed) => concat!($word, ".changed"),
                    (Entity::$entity, Action::Deleted) => concat!($word, ".deleted"),
                    (Entity::$entity, Action::Suspended) => concat!($word, ".suspended"),
                    (Entity::$entity, Action::Reinstated) => concat!($word, ".reinstated"),
                    (Entity::$entity, Action::Revoked) => concat!($word, ".revoked"),
                    (Entity::$entity, Action::Renewed) => concat!($word, ".renewed"),
                    (Entity::$entity, Action::CheckedIn) => concat!($word, ".checked-in"),
                    (Entity::$entity, Action::Transferred) => concat!($word, ".transferred"),
                    (Entity::$entity, Action::Expired) => concat!($word, ".expired"),
                    (Entity::$entity, Action::Replaced) => concat!($word, ".replaced"),
                    (Entity::$entity, Action::Banned) => concat!($word, ".banned"),
                    (Entity::$entity, Action::Unbanned) => concat!($word, ".unbanned"),
                    (Entity::$entity, Action::Blocked) => concat!($word, ".blocked"),
                    (Entity::$entity, Action::Unblocked) => concat!($word, ".unblocked"),
                    (Entity::$entity, Action::Warned) => concat!($word, ".warned"),
                )*
            }
        }
    };
}

kinds_of_changes! {
    Product "product",
    Policy "policy",
    License "license",
    Token "token",
    Activation "activation",
    Entitlement "entitlement",
    Customer "customer",
    User "user",
    Rule "rule",
    Webhook "webhook",
}

/// Which kinds of events are wanted: `license.suspended`, `license.*`, or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kinds(Vec<String>);

impl Default for Kinds {
    fn default() -> Self {
        Self(alloc::vec!["*".into()])
    }
}

impl Kinds {
    /// Reads patterns.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for one that is none, or none at all.
    pub fn parse<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, Refusal> {
        let patterns: Vec<String> = patterns.into_iter().map(String::from).collect();
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        };
        let is_pattern = |text: &String| {
            text == "*"
                || text
                    .split_once('.')
                    .is_some_and(|(thing, what)| is_word(thing) && (what == "*" || is_word(what)))
        };
        if patterns.is_empty() || patterns.len() > 64 || !patterns.iter().all(is_pattern) {
            let what = "must be 1 to 64 of *, license.* or license.suspended";
            return Err(Refusal::invalid("kinds", what));
        }
        Ok(Self(patterns))
    }

    /// Whether a kind is wanted.
    #[must_use]
    pub fn contain(&self, kind: &str) -> bool {
        self.0.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => kind.starts_with(beginning),
            None => pattern == kind,
        })
    }

    /// The patterns.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        &self.0
    }
}

/// Which events are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Those of these kinds.
    pub kinds: Kinds,
    /// Those about a license.
    pub license: Option<LicenseId>,
    /// Those about meters of this name.
    pub meter: Option<Code>,
    /// Those that changed the thing with this id.
    pub thing: Option<[u8; 16]>,
}

impl EventFilter {
    /// Whether an event is wanted.
    #[must_use]
    pub fn wants(&self, told: &Told) -> bool {
        self.license.is_none_or(|license| told.license == Some(license))
            && self.meter.as_ref().is_none_or(|meter| told.meter() == Some(meter))
            && self.thing.is_none_or(|thing| told.thing() == Some(thing))
            && self.kinds.contain(told.kind)
    }
}

impl Told {
    /// The meter it is about, if it is about one.
    #[must_use]
    pub const fn meter(&self) -> Option<&Code> {
        match &self.what {
            What::Meter { meter, .. } | What::Noticed { meter, .. } => Some(meter),
            What::Opened | What::Changed { .. } | What::ClockBack { .. } => None,
        }
    }

    /// The id of the thing that changed, if one did.
    #[must_use]
    pub fn thing(&self) -> Option<[u8; 16]> {
        match &self.what {
            What::Changed { thing, .. } => thing_id(thing),
            _ => None,
        }
    }
}

/// The bytes of the id of a thing of any kind, with or without its prefix.
#[must_use]
pub fn thing_id(text: &str) -> Option<[u8; 16]> {
    let hex = text.rsplit_once('_').map_or(text, |(_, hex)| hex);
    if hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return None;
    }
    Some(u128::from_str_radix(hex, 16).ok()?.to_be_bytes())
}

/// Part of what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Events {
    /// The events, oldest first.
    pub items: Vec<Told>,
    /// Every event before this number was looked at: ask from here on.
    pub next: u64,
    /// Whether that was all there is.
    pub is_end: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_say_which_kinds_are_wanted() {
        let kinds = Kinds::parse(["license.*", "meter.limit-reached"]).unwrap();
        for (kind, expected) in [
            ("license.created", true),
            ("license.suspended", true),
            ("licenses.created", false),
            ("meter.limit-reached", true),
            ("meter.incremented", false),
        ] {
            assert_eq!(kinds.contain(kind), expected, "{kind}");
        }
        assert!(Kinds::default().contain("anything.at-all"));
        for wrong in ["", "license", "license.", ".created", "license.*.x", "Lic.*", "lic*.x", "**"]
        {
            assert!(Kinds::parse([wrong]).is_err(), "{wrong}");
        }
        assert!(Kinds::parse([]).is_err());
    }
}
