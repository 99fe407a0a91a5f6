//! One rule.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use super::Who;
use super::address::{Address, AddressPattern};
use super::pattern::{Pattern, fold};
use crate::text::Code;

/// What a rule does to those it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Lets them in, whatever later rules say.
    Allow,
    /// Turns them away.
    Deny,
    /// Together they hold at most so much.
    Limit(i64),
    /// So much is kept free for them together.
    Reserve(i64),
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Whatever counts or checks out.
    Use,
    /// Taking units along, offline.
    Borrow,
    /// Both.
    Any,
}

/// What an asker is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Count or check out.
    Use,
    /// Take units along, offline.
    Borrow,
}

impl Scope {
    /// Whether a rule of this scope has a say in it.
    #[must_use]
    pub const fn covers(self, intent: Intent) -> bool {
        match (self, intent) {
            (Self::Any, _) | (Self::Use, Intent::Use) | (Self::Borrow, Intent::Borrow) => true,
            (Self::Use, Intent::Borrow) | (Self::Borrow, Intent::Use) => false,
        }
    }
}

/// One rule. An empty list of a kind asks nothing of that kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it does.
    pub effect: Effect,
    /// What it is about; `Any` for limits and reservations.
    pub scope: Scope,
    /// The meter it concerns; none is every meter, each by itself.
    pub meter: Option<Code>,
    /// The users it matches.
    pub users: Vec<Pattern>,
    /// The hosts it matches.
    pub hosts: Vec<Pattern>,
    /// The addresses it matches.
    pub addresses: Vec<AddressPattern>,
}

impl Rule {
    /// Whether it concerns this meter.
    #[must_use]
    pub fn concerns(&self, meter: &str) -> bool {
        self.meter.as_deref().is_none_or(|only| only == meter)
    }

    /// Whether it matches who is asking, whatever the meter and the scope.
    #[must_use]
    pub fn matches(&self, who: &Who<'_>) -> bool {
        self.fits(&Asker::new(who))
    }

    pub(super) fn fits(&self, asker: &Asker<'_>) -> bool {
        names(&self.users, asker.user.as_deref())
            && names(&self.hosts, asker.host.as_deref())
            && (self.addresses.is_empty()
                || asker
                    .address
                    .is_some_and(|address| self.addresses.iter().any(|set| set.holds(address))))
    }
}

fn names(patterns: &[Pattern], name: Option<&str>) -> bool {
    patterns.is_empty()
        || name.is_some_and(|name| patterns.iter().any(|pattern| pattern.matches_folded(name)))
}

/// Who is asking, read once for all rules.
pub(super) struct Asker<'a> {
    user: Option<Cow<'a, str>>,
    host: Option<Cow<'a, str>>,
    address: Option<Address>,
}

impl<'a> Asker<'a> {
    pub(super) fn new(who: &Who<'a>) -> Self {
        let stated = |field: Option<&'a str>| field.filter(|text| !text.is_empty());
        Self {
            user: stated(who.user).map(fold),
            host: stated(who.host).map(fold),
            address: stated(who.address).map(Address::read),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.effect {
            Effect::Allow => f.write_str("allow")?,
            Effect::Deny => f.write_str("deny")?,
            Effect::Limit(units) => write!(f, "limit {units}")?,
            Effect::Reserve(units) => write!(f, "reserve {units}")?,
        }
        match self.scope {
            Scope::Use => f.write_str(" use")?,
            Scope::Borrow => f.write_str(" borrow")?,
            Scope::Any => {}
        }
        if let Some(meter) = &self.meter {
            write!(f, " meter={meter}")?;
        }
        write_list(f, " user=", &self.users)?;
        write_list(f, " host=", &self.hosts)?;
        write_list(f, " address=", &self.addresses)
    }
}

fn write_list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, key: &str, all: &[T]) -> fmt::Result {
    for (index, item) in all.iter().enumerate() {
        f.write_str(if index == 0 { key } else { "," })?;
        write!(f, "{item}")?;
    }
    Ok(())
}
