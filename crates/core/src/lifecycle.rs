//! What becomes of a license over time: how its expiry is counted, renewed and moved, and what it
//! may still do for itself.
//!
//! Durations are exact seconds, whatever the calendar does; check-ins are spans of the calendar in
//! the time zone of the terms. No sum of them lies beyond [`Timestamp::MAX`].

mod due;
mod transfer;

use alloc::borrow::Cow;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::id::{LicenseId, UserId};
use crate::license::{License, Standing};
use crate::limits::{CALENDAR_MS_MIN, LICENSE_USERS_MAX};
use crate::meter::MeterSpec;
use crate::refusal::{Kind, LimitFigures, Limited, Refusal};
use crate::terms::{
    AuthenticationBy, ExpiresFrom, Overrides, RenewsFrom, Seconds, Terms, WhenExpired,
};
use crate::time::Timestamp;
use crate::token::Permission;

pub use self::due::{Due, next_due};
pub use self::transfer::{Transfer, transfer};

/// The expiry of a new license. `asked` is what the caller says: nothing, never, or an instant.
///
/// Where the duration begins with an event, never is only until then: a license that is to last for
/// ever overrides its duration.
#[must_use]
pub fn expiry_at_creation(
    terms: &Terms,
    now: Timestamp,
    valid_from: Option<Timestamp>,
    asked: Option<Option<Timestamp>>,
) -> Option<Timestamp> {
    if let Some(asked) = asked {
        return asked;
    }
    if terms.expires_from != ExpiresFrom::Creation {
        return None;
    }
    later(valid_from.map_or(now, |begin| begin.max(now)), terms.duration_seconds)
}

/// The expiry that begins with an event; none if none does, because it runs already, begins with
/// another event, or never comes. A license that is not valid yet begins when it is.
///
/// [`ExpiresFrom::Creation`] is no event: see [`expiry_at_creation`].
#[must_use]
pub fn begin_expiry(
    license: &License,
    terms: &Terms,
    event: ExpiresFrom,
    now: Timestamp,
) -> Option<Timestamp> {
    let is_it = event == terms.expires_from && event != ExpiresFrom::Creation;
    if license.expires_at.is_some() || !is_it {
        return None;
    }
    later(license.valid_from.map_or(now, |begin| begin.max(now)), terms.duration_seconds)
}

/// The license after a renewal by the duration of its terms.
///
/// From now on, and for a license that has not expired, this may end it earlier than before.
///
/// # Errors
/// [`Refusal::LicenseStateConflict`] for a license that is revoked, has no expiry, or whose terms
/// state no duration.
pub fn renew(license: &License, terms: &Terms, now: Timestamp) -> Result<License, Refusal> {
    let conflict = |why| Refusal::LicenseStateConflict(license.id, why);
    check_not_revoked(license)?;
    if terms.duration_seconds.0.is_none() {
        return Err(conflict("cannot be renewed, because its terms state no duration"));
    }
    let end = license
        .expires_at
        .ok_or_else(|| conflict("cannot be renewed, because it has no expiry"))?;
    let from = match terms.renews_from {
        RenewsFrom::Expiry => end,
        RenewsFrom::Now => now,
        RenewsFrom::NowIfExpired => end.max(now),
    };
    let renewed = License {
        expires_at: later(from, terms.duration_seconds),
        updated_at: now,
        ..license.clone()
    };
    renewed.check()?;
    Ok(renewed)
}

/// The license after its expiry was moved by so many seconds, whatever its terms say of durations:
/// from the expiry, or from now if it has expired. Less than nothing shortens it.
///
/// # Errors
/// [`Refusal::LicenseStateConflict`] for a license that is revoked or has no expiry;
/// [`Refusal::Invalid`] if it would end before it is valid.
pub fn extend(license: &License, by_seconds: i64, now: Timestamp) -> Result<License, Refusal> {
    check_not_revoked(license)?;
    let why = "cannot be extended, because it has no expiry";
    let end = license.expires_at.ok_or(Refusal::LicenseStateConflict(license.id, why))?;
    let moved = end.max(now).plus_ms(by_seconds.saturating_mul(1000));
    let extended = License {
        expires_at: Some(moved.clamp(Timestamp(CALENDAR_MS_MIN), Timestamp::MAX)),
        updated_at: now,
        ..license.clone()
    };
    extended.check()?;
    Ok(extended)
}

/// The license after a check-in.
///
/// # Errors
/// [`Refusal::LicenseStateConflict`] for a license that is revoked, or whose terms require none.
pub fn check_in(license: &License, terms: &Terms, now: Timestamp) -> Result<License, Refusal> {
    check_not_revoked(license)?;
    if terms.check_in_every.is_none() {
        let why = "cannot be checked in, because its terms do not require it";
        return Err(Refusal::LicenseStateConflict(license.id, why));
    }
    let mut checked_in = License { updated_at: now, ..license.clone() };
    checked_in.marks.checked_in_at = Some(now);
    Ok(checked_in)
}

fn check_not_revoked(license: &License) -> Result<(), Refusal> {
    match license.standing {
        Standing::Revoked => Err(Refusal::LicenseStateConflict(license.id, "is revoked for good")),
        Standing::Active | Standing::Suspended => Ok(()),
    }
}

/// The instant so much later, or the last one there is; none if the span is none.
fn later(from: Timestamp, span: Seconds) -> Option<Timestamp> {
    Some(from.plus_ms(span.ms()?).min(Timestamp::MAX))
}

/// What a program presents to act as a license.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// The key of the license.
    Key,
    /// A token that is locked to the license.
    Token,
}

/// Why a license whose owner is banned is not let in: what [`Refusal::Unauthenticated`] then says.
pub const OWNER_BANNED: &str = "the owner of the license is shut out";
/// Why a key is not let in where the terms take none.
pub const KEY_NOT_ALLOWED: &str =
    "the terms of the license take no license keys; present a token of the license";
/// Why a token is not let in where the terms take none.
pub const TOKEN_NOT_ALLOWED: &str =
    "the terms of the license take no tokens of it; present the license key";
/// Why nothing is let in where the terms take neither.
pub const NOTHING_ALLOWED: &str = "the terms of the license let no program act for it";

/// Refuses a program that may not act as the license.
///
/// A license that is suspended or revoked is let in all the same, so that its program can read why
/// it is stopped; [`may_act`] refuses it anything else.
///
/// # Errors
/// [`Refusal::Unauthenticated`] with one of the reasons above, or [`Refusal::LicenseExpired`] for
/// the key of an expired license whose terms take expiry so.
pub fn may_authenticate(
    license: &License,
    terms: &Terms,
    owner_is_banned: bool,
    by: Presented,
    now: Timestamp,
) -> Result<(), Refusal> {
    if owner_is_banned {
        return Err(Refusal::Unauthenticated(OWNER_BANNED));
    }
    match license.expires_at.filter(|end| *end <= now) {
        Some(end) if by == Presented::Key && terms.when_expired == WhenExpired::Revoke => {
            return Err(Refusal::LicenseExpired(license.id, end));
        }
        _ => {}
    }
    match (terms.authentication, by) {
        (AuthenticationBy::Both, _)
        | (AuthenticationBy::Key, Presented::Key)
        | (AuthenticationBy::Token, Presented::Token) => Ok(()),
        (AuthenticationBy::Token, Presented::Key) => Err(Refusal::Unauthenticated(KEY_NOT_ALLOWED)),
        (AuthenticationBy::Key, Presented::Token) => {
            Err(Refusal::Unauthenticated(TOKEN_NOT_ALLOWED))
        }
        (AuthenticationBy::None, _) => Err(Refusal::Unauthenticated(NOTHING_ALLOWED)),
    }
}

/// Refuses what a license that is suspended or revoked may not do by itself: everything but reading
/// and asking whether it is valid. Whether its meters move is not judged here but by
/// [`License::check_metering`], since the terms may let them.
///
/// # Errors
/// [`Refusal::LicenseSuspended`], [`Refusal::LicenseRevoked`].
pub const fn may_act(
    license: LicenseId,
    standing: Standing,
    permission: Permission,
) -> Result<(), Refusal> {
    if is_harmless(permission) {
        return Ok(());
    }
    match standing {
        Standing::Active => Ok(()),
        Standing::Suspended => Err(Refusal::LicenseSuspended(license)),
        Standing::Revoked => Err(Refusal::LicenseRevoked(license)),
    }
}

const fn is_harmless(permission: Permission) -> bool {
    use Permission as P;
    match permission {
        P::ProductRead
        | P::PolicyRead
        | P::CustomerRead
        | P::LicenseRead
        | P::TokenRead
        | P::MeterRead
        | P::LedgerRead
        | P::ActivationRead
        | P::EntitlementRead
        | P::UserRead
        | P::EventRead
        | P::WebhookRead
        | P::LicenseValidate
        // Judged by `License::check_metering`.
        | P::MeterIncrement
        | P::MeterDecrement
        | P::MeterSet
        | P::MeterReset
        | P::MeterHold
        | P::SessionWrite => true,
        P::ProductWrite
        | P::PolicyWrite
        | P::CustomerWrite
        | P::LicenseWrite
        | P::TokenWrite
        | P::LicenseCheckIn
        | P::LicenseFile
        | P::ActivationCreate
        | P::ActivationWrite
        | P::ActivationDelete
        | P::ActivationHeartbeat
        | P::EntitlementWrite
        | P::UserWrite
        | P::KeyWrite
        | P::ProcessWrite
        | P::WebhookWrite
        | P::RuleRead
        | P::RuleWrite => false,
    }
}

/// The terms of a license under a policy with these: a copy only where the license overrides some.
///
/// # Errors
/// [`Refusal::Invalid`] where policy and license contradict each other.
pub fn effective_terms<'a>(
    terms: &'a Terms,
    overrides: &Overrides,
) -> Result<Cow<'a, Terms>, Refusal> {
    let effective = terms.of_license(overrides).map_or(Cow::Borrowed(terms), Cow::Owned);
    effective.check()?;
    Ok(effective)
}

/// Refuses a license that does not state its own ceiling for a meter whose policy wants it to;
/// `states` says for which meters, by name, it does.
///
/// # Errors
/// [`Refusal::MeterMissing`], naming the first such meter.
pub fn check_stated(
    meters: &[Arc<MeterSpec>],
    states: impl Fn(&str) -> bool,
) -> Result<(), Refusal> {
    match meters.iter().find(|spec| spec.stated_by_license && !states(&spec.name)) {
        Some(spec) => Err(Refusal::MeterMissing(spec.name.clone())),
        None => Ok(()),
    }
}

/// The people who may use a license, its owner included, who counts once.
#[must_use]
pub fn people(license: &License) -> u64 {
    let others = license.users.iter().filter(|user| license.owner != Some(**user)).count();
    let owner = u64::from(license.owner.is_some());
    u64::try_from(others).unwrap_or(u64::MAX).saturating_add(owner)
}

/// Each person once, as [`License::users`] must be for [`people`] to count right.
#[must_use]
pub fn distinct(mut users: Vec<UserId>) -> Vec<UserId> {
    users.sort_unstable();
    users.dedup();
    users
}

/// Refuses more people than may use the license. `before` counts those of before the change (zero
/// for a new license): who takes people away is never refused, even where there are still too many.
///
/// # Errors
/// [`Refusal::LimitOf`], [`Refusal::TooMany`].
pub fn check_people(license: &License, terms: &Terms, before: u64) -> Result<(), Refusal> {
    if license.users.len() > LICENSE_USERS_MAX {
        return Err(Refusal::TooMany(Kind::User, LICENSE_USERS_MAX as u64));
    }
    let after = people(license);
    match terms.max_users.0 {
        Some(limit) if after > before && !terms.limit_overage.admits(after, terms.max_users) => {
            Err(Refusal::LimitOf(alloc::boxed::Box::new(LimitFigures {
                license: license.id,
                of: Limited::Users,
                limit,
                present: before,
                asked: after - before,
            })))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod tests;
