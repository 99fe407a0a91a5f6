//! The right of a customer to use a product.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::id::{CustomerId, LicenseId, PolicyId, ProductId, UserId};
use crate::metadata::Metadata;
use crate::refusal::Refusal;
use crate::rule::{Blocks, RuleAction};
use crate::terms::{Overrides, Stopper, Terms, WhenExpired};
use crate::text::Code;
use crate::time::Timestamp;

/// The right of a customer to use a product under a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct License {
    /// Its id.
    pub id: LicenseId,
    /// What the customer holds in hand.
    pub key: LicenseKey,
    /// What it is for; always its policy's product.
    pub product: ProductId,
    /// What it was made from.
    pub policy: PolicyId,
    /// Who pays, if that is known.
    pub customer: Option<CustomerId>,
    /// Who sold it, if somebody else than the vendor.
    pub reseller: Option<CustomerId>,
    /// Whose it is among the people who use it.
    pub owner: Option<UserId>,
    /// Who else may use it.
    pub users: Vec<UserId>,
    /// Its name for people.
    pub name: Option<String>,
    /// What it states otherwise than its policy.
    pub overrides: Overrides,
    /// What it grants beside its policy, by code, sorted.
    pub entitlements: Vec<Code>,
    /// What the vendor notes.
    pub metadata: Metadata,
    /// What happened to it last.
    pub marks: Marks,
    /// What rules did to it that holds.
    pub blocks: Blocks,
    /// What the vendor decided about it.
    pub standing: Standing,
    /// From when on it is valid.
    pub valid_from: Option<Timestamp>,
    /// From when on it is not.
    pub expires_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What happened to a license, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marks {
    /// When it was last checked in.
    pub checked_in_at: Option<Timestamp>,
    /// When it was last validated, give or take a minute.
    pub validated_at: Option<Timestamp>,
    /// When a file was last made for it.
    pub file_at: Option<Timestamp>,
    /// When it was first activated.
    pub activated_at: Option<Timestamp>,
    /// Activations in its life.
    pub activations: u64,
    /// Deactivations in its life that somebody asked for.
    pub deactivations: u64,
}

/// The text that the customer holds. A secret: never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LicenseKey(pub String);

impl fmt::Debug for LicenseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LicenseKey(…)")
    }
}

/// How a caller names a license.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LicenseRef {
    /// By its id.
    Id(LicenseId),
    /// By its key.
    Key(LicenseKey),
}

impl LicenseRef {
    /// Reads an id, or takes the text for a key.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Key(LicenseKey(text.into())), Self::Id)
    }
}

/// What the vendor decided about a license.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// In order.
    Active,
    /// Stopped until reinstated.
    Suspended,
    /// Stopped for good.
    Revoked,
}

/// How a license stands at an instant: the vendor's decision, then time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Usable.
    Active,
    /// Stopped until reinstated.
    Suspended,
    /// Stopped for good.
    Revoked,
    /// Over.
    Expired,
    /// Not begun.
    NotYetValid,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] =
        [Self::Active, Self::Suspended, Self::Revoked, Self::Expired, Self::NotYetValid];

    /// The word for it in the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
        }
    }
}

/// A change of a license's standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandingChange {
    /// Stop until reinstated.
    Suspend,
    /// Let go on.
    Reinstate,
    /// Stop for good.
    Revoke,
}

impl License {
    /// Whether it is over at `now`, whatever the terms make of that.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// How it stands at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        match self.standing_at(now) {
            Standing::Revoked => Status::Revoked,
            Standing::Suspended => Status::Suspended,
            Standing::Active if self.is_expired(now) => Status::Expired,
            Standing::Active if self.valid_from.is_some_and(|begin| begin > now) => {
                Status::NotYetValid
            }
            Standing::Active => Status::Active,
        }
    }

    /// Refuses metering in a state that stops it (rule 10). What lives on the license is looked at
    /// by [`crate::deciding`]. Expiry that the terms take for none does not stop it either.
    ///
    /// # Errors
    /// The refusal that belongs to the state.
    pub fn check_metering(&self, terms: &Terms, now: Timestamp) -> Result<(), Refusal> {
        if self.standing == Standing::Revoked {
            return Err(Refusal::LicenseRevoked(self.id));
        }
        let goes_on = |state| terms.meter_while.contains(state);
        let expiry_stops = !goes_on(Stopper::Expired) && terms.when_expired != WhenExpired::Allow;
        if self.standing_at(now) == Standing::Suspended && !goes_on(Stopper::Suspended) {
            return Err(Refusal::LicenseSuspended(self.id));
        }
        if let Some(block) = self.refusing_block(now) {
            return Err(Refusal::LicenseBlocked(self.id, Box::new(block.clone())));
        }
        match (self.expires_at, self.valid_from) {
            (Some(end), _) if end <= now && expiry_stops => {
                return Err(Refusal::LicenseExpired(self.id, end));
            }
            (_, Some(begin)) if begin > now && !goes_on(Stopper::NotYetValid) => {
                return Err(Refusal::LicenseNotYetValid(self.id, begin));
            }
            _ => {}
        }
        match self.check_in_due(terms) {
            Some(due) if due <= now && !goes_on(Stopper::Overdue) => {
                Err(Refusal::LicenseOverdue(self.id, due))
            }
            _ => Ok(()),
        }
    }

    /// When it must have checked in by; none if it need not. The first time is counted from when it
    /// was made, or becomes valid if that is later: nobody can check in what nobody may use yet.
    #[must_use]
    pub fn check_in_due(&self, terms: &Terms) -> Option<Timestamp> {
        let every = terms.check_in_every.as_ref()?;
        let began = self.valid_from.map_or(self.created_at, |begin| begin.max(self.created_at));
        let last = self.marks.checked_in_at.unwrap_or(began);
        Some(every.after(last, &terms.time_zone))
    }

    /// The standing after a change.
    ///
    /// # Errors
    /// [`Refusal::LicenseStateConflict`] where the change makes no sense.
    pub fn changed_standing(&self, change: StandingChange) -> Result<Standing, Refusal> {
        let conflict = |why| Err(Refusal::LicenseStateConflict(self.id, why));
        match (self.standing, change) {
            (Standing::Revoked, _) => conflict("is revoked for good"),
            (Standing::Active, StandingChange::Suspend) => Ok(Standing::Suspended),
            (Standing::Suspended, StandingChange::Suspend) => conflict("is suspended already"),
            (Standing::Suspended, StandingChange::Reinstate) => Ok(Standing::Active),
            (Standing::Active, StandingChange::Reinstate) => conflict("is not suspended"),
            (_, StandingChange::Revoke) => Ok(Standing::Revoked),
        }
    }

    /// The license with another standing. Who lets it go on, or stops it for good, ends what a rule
    /// suspended.
    ///
    /// # Errors
    /// [`Refusal::LicenseStateConflict`] where the change makes no sense.
    pub fn stand(&mut self, change: StandingChange) -> Result<(), Refusal> {
        self.standing = self.changed_standing(change)?;
        if change != StandingChange::Suspend {
            self.blocks.retain(|block| block.action != RuleAction::Suspend);
        }
        Ok(())
    }

    /// Refuses a window that is empty.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        match (self.valid_from, self.expires_at) {
            (Some(begin), Some(end)) if end <= begin => {
                Err(Refusal::invalid("expires_at", "must be later than valid_from"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::period::span::Span;
    use crate::terms::MeterWhile;

    pub(crate) fn license(
        standing: Standing,
        valid_from: Option<i64>,
        expires_at: Option<i64>,
    ) -> License {
        License {
            id: LicenseId::from_bytes([1; 16]),
            key: LicenseKey("K".to_string()),
            product: ProductId::from_bytes([2; 16]),
            policy: PolicyId::from_bytes([3; 16]),
            customer: None,
            reseller: None,
            owner: None,
            users: Vec::new(),
            name: None,
            overrides: None,
            entitlements: Vec::new(),
            metadata: Metadata::default(),
            marks: Marks::default(),
            blocks: Vec::new(),
            standing,
            valid_from: valid_from.map(Timestamp),
            expires_at: expires_at.map(Timestamp),
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        }
    }

    #[test]
    fn states_stop_metering_unless_the_policy_says_otherwise() {
        let none = MeterWhile::NONE;
        let all = MeterWhile::all();
        use Standing::{Active, Revoked, Suspended};
        for (standing, from, end, policy, expected) in [
            (Active, None, None, none, None),
            (Active, Some(100), Some(101), none, None),
            (Active, None, Some(100), none, Some("license-expired")),
            (Active, Some(101), None, none, Some("license-not-yet-valid")),
            (Suspended, None, None, none, Some("license-suspended")),
            (Revoked, None, None, none, Some("license-revoked")),
            (Active, None, Some(100), all, None),
            (Active, Some(101), None, all, None),
            (Suspended, None, Some(50), all, None),
            (Suspended, None, Some(50), none.with(Stopper::Suspended), Some("license-expired")),
            (Revoked, None, None, all, Some("license-revoked")),
        ] {
            let terms = Terms { meter_while: policy, ..Terms::default() };
            let found = license(standing, from, end).check_metering(&terms, Timestamp(100));
            assert_eq!(found.err().map(|refusal| refusal.code()), expected);
        }
    }

    #[test]
    fn a_check_in_is_due_after_its_span() {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        let every = Span::parse("span", "1 month").unwrap();
        let terms = Terms { check_in_every: Some(every), ..Terms::default() };
        let lenient =
            Terms { meter_while: MeterWhile::NONE.with(Stopper::Overdue), ..terms.clone() };
        for (checked_in_at, due) in [(None, 31), (Some(0), 31), (Some(10), 41), (Some(31), 59)] {
            let mut license = license(Standing::Active, None, None);
            license.marks.checked_in_at = checked_in_at.map(|day: i64| Timestamp(day * DAY));
            let due = Timestamp(due * DAY);
            assert_eq!(license.check_in_due(&terms), Some(due), "{checked_in_at:?}");
            assert_eq!(license.check_metering(&terms, due.plus_ms(-1)), Ok(()));
            let overdue = Err(Refusal::LicenseOverdue(license.id, due));
            assert_eq!(license.check_metering(&terms, due), overdue);
            assert_eq!(license.check_metering(&lenient, due), Ok(()));
            assert_eq!(license.check_in_due(&Terms::default()), None);
        }
    }

    #[test]
    fn revoked_is_for_good() {
        for change in [StandingChange::Suspend, StandingChange::Reinstate, StandingChange::Revoke] {
            assert!(license(Standing::Revoked, None, None).changed_standing(change).is_err());
        }
        let suspended = license(Standing::Suspended, None, None);
        assert_eq!(suspended.changed_standing(StandingChange::Reinstate), Ok(Standing::Active));
    }
}
