//! What values of terms look like.

use alloc::string::{String, ToString};
use core::fmt;

use crate::access::AccessList;
use crate::limits::{LIMIT_MAX, LIMIT_OVERAGE_PERCENT_MAX, SECONDS_MAX};
use crate::period::Every;
use crate::period::span::Span;
use crate::period::zone::Zone;
use crate::time::Timestamp;
use crate::token::Permissions;
use crate::words::{word_set, words};

/// How the values of a term look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number, or none.
    Count,
    /// Seconds, or none.
    Seconds,
    /// Yes or no.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Some of these words.
    Words(&'static [&'static str]),
    /// Words of permissions.
    Permissions,
    /// A percentage, `refuse` or `allow`.
    Overage,
    /// A calendar span such as `1 month`, or none.
    Span,
    /// One of these words, or none.
    MaybeWord(&'static [&'static str]),
    /// The IANA name of a time zone.
    Zone,
    /// `calendar`, `license` or an instant in milliseconds since 1970.
    Anchor,
    /// Access rules, one a line.
    Rules,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("a whole number or null"),
            Self::Seconds => f.write_str("a whole number of seconds (at most 100 years) or null"),
            Self::Flag => f.write_str("true or false"),
            Self::Word(words) => write!(f, "one of {}", words.join(", ")),
            Self::Words(words) => write!(f, "some of {}", words.join(", ")),
            Self::Permissions => f.write_str("words of permissions"),
            Self::Overage => f.write_str("\"refuse\", \"allow\" or a percentage up to 10000"),
            Self::Span => f.write_str("a span such as \"1 month\" or null"),
            Self::MaybeWord(words) => write!(f, "one of {} or null", words.join(", ")),
            Self::Zone => f.write_str("the IANA name of a time zone"),
            Self::Anchor => f.write_str("\"calendar\", \"license\" or a time"),
            Self::Rules => f.write_str("access rules, see docs/reference/access-rules.md"),
        }
    }
}

/// A value of a term: read from its words and shown as them. `none` is nothing.
pub trait Term: Sized {
    /// How the values look.
    const KIND: Kind;

    /// The value with these words.
    fn read(text: &str) -> Option<Self>;

    /// The words of the value.
    fn show(&self) -> String;
}

/// A highest number; none is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub Option<u64>);

impl Limit {
    /// No limit.
    pub const NONE: Self = Self(None);
}

/// A time span in whole seconds; what none means depends on the term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seconds(pub Option<u64>);

impl Seconds {
    /// None.
    pub const NONE: Self = Self(None);

    /// The same in milliseconds.
    #[must_use]
    pub fn ms(self) -> Option<i64> {
        Some(i64::try_from(self.0?).unwrap_or(i64::MAX).saturating_mul(1000))
    }
}

fn number(text: &str, max: u64) -> Option<Option<u64>> {
    match text {
        "none" => Some(None),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|number| *number <= max).map(Some)
        }
        _ => None,
    }
}

fn shown<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "none".into(), |value| value.to_string())
}

impl Term for Limit {
    const KIND: Kind = Kind::Count;

    fn read(text: &str) -> Option<Self> {
        number(text, LIMIT_MAX).map(Self)
    }

    fn show(&self) -> String {
        shown(self.0)
    }
}

impl Term for Seconds {
    const KIND: Kind = Kind::Seconds;

    fn read(text: &str) -> Option<Self> {
        number(text, SECONDS_MAX).map(Self)
    }

    fn show(&self) -> String {
        shown(self.0)
    }
}

impl Term for bool {
    const KIND: Kind = Kind::Flag;

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Term for Permissions {
    const KIND: Kind = Kind::Permissions;

    fn read(text: &str) -> Option<Self> {
        Self::from_words(text.split_whitespace()).ok()
    }

    fn show(&self) -> String {
        self.words().collect::<alloc::vec::Vec<_>>().join(" ")
    }
}

impl Term for Option<Span> {
    const KIND: Kind = Kind::Span;

    fn read(text: &str) -> Option<Self> {
        match text {
            "none" => Some(None),
            span => Span::parse("span", span).ok().map(Some),
        }
    }

    fn show(&self) -> String {
        shown(self.as_ref())
    }
}

impl Term for Option<Every> {
    const KIND: Kind = Kind::MaybeWord(&["hour", "day", "week", "month", "quarter", "year"]);

    fn read(text: &str) -> Option<Self> {
        match text {
            "none" => Some(None),
            word => Every::from_word(word).map(Some),
        }
    }

    fn show(&self) -> String {
        shown(self.map(Every::word))
    }
}

impl Term for Zone {
    const KIND: Kind = Kind::Zone;

    fn read(text: &str) -> Option<Self> {
        Self::parse("time_zone", text).ok()
    }

    fn show(&self) -> String {
        self.as_str().into()
    }
}

impl Term for super::PeriodAnchor {
    const KIND: Kind = Kind::Anchor;

    fn read(text: &str) -> Option<Self> {
        match text {
            "calendar" => Some(Self::Calendar),
            "license" => Some(Self::License),
            number => number.parse().ok().map(|ms| Self::At(Timestamp(ms))),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Calendar => "calendar".into(),
            Self::License => "license".into(),
            Self::At(at) => at.0.to_string(),
        }
    }
}

impl Term for AccessList {
    const KIND: Kind = Kind::Rules;

    fn read(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// What may lie above a limit of activations and the like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitOverage {
    /// Nothing.
    Refuse,
    /// Anything.
    Allow,
    /// This percentage of the limit.
    Percent(u32),
}

impl LimitOverage {
    /// Whether `wanted` stays within the limit and what lies above it.
    #[must_use]
    pub fn admits(self, wanted: u64, limit: Limit) -> bool {
        let Some(limit) = limit.0 else { return true };
        match self {
            Self::Refuse => wanted <= limit,
            Self::Allow => true,
            // Exact: no rounding decides whether a machine may run.
            Self::Percent(percent) => {
                u128::from(wanted) * 100 <= u128::from(limit) * (100 + u128::from(percent))
            }
        }
    }
}

impl Term for LimitOverage {
    const KIND: Kind = Kind::Overage;

    fn read(text: &str) -> Option<Self> {
        match text {
            "refuse" => Some(Self::Refuse),
            "allow" => Some(Self::Allow),
            percent => {
                let percent = percent.strip_suffix('%').unwrap_or(percent).parse().ok()?;
                (percent <= LIMIT_OVERAGE_PERCENT_MAX).then_some(Self::Percent(percent))
            }
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Refuse => "refuse".into(),
            Self::Allow => "allow".into(),
            Self::Percent(percent) => percent.to_string(),
        }
    }
}

macro_rules! word_terms {
    ($($name:ident),*) => {$(
        impl Term for $name {
            const KIND: Kind = Kind::Word($name::WORDS);

            fn read(text: &str) -> Option<Self> {
                Self::from_word(text)
            }

            fn show(&self) -> String {
                self.word().into()
            }
        }
    )*};
}

macro_rules! word_set_terms {
    ($($name:ident of $item:ident),*) => {$(
        impl Term for $name {
            const KIND: Kind = Kind::Words($item::WORDS);

            fn read(text: &str) -> Option<Self> {
                text.split_whitespace().map($item::from_word).collect()
            }

            fn show(&self) -> String {
                self.iter().map($item::word).collect::<alloc::vec::Vec<_>>().join(" ")
            }
        }
    )*};
}

word_terms!(
    ExpiresFrom,
    WhenExpired,
    RenewsFrom,
    OnTransfer,
    AuthenticationBy,
    WhenFull,
    Leasing,
    ProcessesPer,
    Unique,
    ComponentUnique,
    Matching,
    HeartbeatFrom,
    WhenDead
);
word_set_terms!(MeterWhile of Stopper, RequiredScopes of ScopeKind);

words! {
    /// From what event on the duration of a license runs.
    ExpiresFrom {
        /// When it is made, or becomes valid if that is later.
        Creation = "creation",
        /// When it is first validated.
        FirstValidation = "first-validation",
        /// When it is first activated.
        FirstActivation = "first-activation",
        /// When one of its meters first moves up.
        FirstUse = "first-use",
    }
}

words! {
    /// What an expired license may still do.
    WhenExpired {
        /// Validation fails; the license may still act for itself.
        Restrict = "restrict",
        /// Validation fails, and its key is not accepted any more.
        Revoke = "revoke",
        /// Validation succeeds and says that it has expired.
        Maintain = "maintain",
        /// As if it had not expired.
        Allow = "allow",
    }
}

words! {
    /// From when on a renewal lasts.
    RenewsFrom {
        /// From the old expiry.
        Expiry = "expiry",
        /// From the renewal.
        Now = "now",
        /// From the renewal if it has expired, else from the old expiry.
        NowIfExpired = "now-if-expired",
    }
}

words! {
    /// What becomes of the expiry when a license moves to another policy.
    OnTransfer {
        /// It stays.
        Keep = "keep",
        /// It is counted anew from the transfer.
        Reset = "reset",
    }
}

words! {
    /// What a license's program may present.
    AuthenticationBy {
        /// The key.
        Key = "key",
        /// A token locked to the license.
        Token = "token",
        /// Either.
        Both = "both",
        /// Neither.
        None = "none",
    }
}

words! {
    /// What happens to a new activation when the limit is reached.
    WhenFull {
        /// It is refused.
        Refuse = "refuse",
        /// It takes the place of the one that showed life longest ago.
        ReplaceOldest = "replace-oldest",
    }
}

words! {
    /// Over whom activations are limited.
    Leasing {
        /// The whole license.
        License = "license",
        /// Each of its users.
        User = "user",
    }
}

words! {
    /// What processes are counted over.
    ProcessesPer {
        /// Each activation.
        Activation = "activation",
        /// The whole license.
        License = "license",
        /// Each of its users.
        User = "user",
    }
}

words! {
    /// Among which activations a fingerprint may occur once.
    Unique {
        /// Anywhere as often as it likes: each activation takes a place, as processes do.
        Nothing = "nothing",
        /// Those of the license.
        License = "license",
        /// Those of the policy.
        Policy = "policy",
        /// Those of the product.
        Product = "product",
        /// Those of the account.
        Account = "account",
    }
}

words! {
    /// Among which activations the fingerprint of a component may occur once.
    ComponentUnique {
        /// Its own.
        Activation = "activation",
        /// Those of the license.
        License = "license",
        /// Those of the policy.
        Policy = "policy",
        /// Those of the product.
        Product = "product",
        /// Those of the account.
        Account = "account",
    }
}

words! {
    /// How many of several fingerprints must be found.
    Matching {
        /// One.
        Any = "any",
        /// Two.
        Two = "two",
        /// Half of them, rounded up.
        Most = "most",
        /// All.
        All = "all",
    }
}

words! {
    /// From when on an activation must show that it lives.
    HeartbeatFrom {
        /// From when it is made.
        Creation = "creation",
        /// From its first heartbeat.
        FirstHeartbeat = "first-heartbeat",
    }
}

words! {
    /// What becomes of an activation that died.
    WhenDead {
        /// It ends.
        Deactivate = "deactivate",
        /// It stays, dead, and keeps its place.
        Keep = "keep",
    }
}

words! {
    /// States of a license that stop metering unless the policy says otherwise (rule 10).
    Stopper {
        /// It is suspended.
        Suspended = "suspended",
        /// It has expired.
        Expired = "expired",
        /// It is not valid yet.
        NotYetValid = "not-yet-valid",
        /// Its check-in is overdue.
        Overdue = "overdue",
        /// It has more activations than it may.
        TooManyActivations = "too-many-activations",
        /// Its activations have more cores than they may.
        TooManyCores = "too-many-cores",
    }
}

word_set! {
    /// States of a license in which its meters may still move.
    MeterWhile of Stopper
}

impl MeterWhile {
    /// The default: being over a limit of machines does not stop the meters, as the limit was held
    /// when the machines came; everything else does.
    #[must_use]
    pub const fn sensible() -> Self {
        Self::NONE.with(Stopper::TooManyActivations).with(Stopper::TooManyCores)
    }
}

words! {
    /// What a validation may name.
    ScopeKind {
        /// The product.
        Product = "product",
        /// The policy.
        Policy = "policy",
        /// An activation, by id.
        Activation = "activation",
        /// A fingerprint.
        Fingerprint = "fingerprint",
        /// Fingerprints of components.
        Components = "components",
        /// A user.
        User = "user",
        /// A checksum of what runs.
        Checksum = "checksum",
        /// A version of what runs.
        Version = "version",
    }
}

word_set! {
    /// What a validation must name.
    RequiredScopes of ScopeKind
}
