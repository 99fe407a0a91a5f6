//! Whether a license is valid, and if not, why.
//!
//! [`validate`] looks at one thing after the other and says what it found first. Two classes of
//! finding exist: one that makes the license invalid, and one that is only said (a limit that is
//! passed within the overage of the terms, an expiry that the terms forgive). The first that makes
//! it invalid wins over any that is only said: a license is never valid because of what else is
//! wrong with it, and raising a limit never makes it invalid.
//!
//! Meters are not looked at: reaching a usage limit does not make a license invalid (rule 10).

mod machines;
mod room;
mod scope;

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

use crate::id::LicenseId;
use crate::license::{License, Standing};
use crate::lifecycle;
use crate::limits::VALIDATED_AGAIN_MS;
use crate::live::Live;
use crate::terms::{ExpiresFrom, ScopeKind, Terms, WhenExpired};
use crate::text::Code;
use crate::time::Timestamp;
use crate::words::words;

use self::room::Room;
pub use self::scope::{Scope, ScopedUser};

words! {
    /// What a validation found.
    ValidationCode {
        /// Nothing is wrong.
        Valid = "valid",
        /// There is no such license.
        NotFound = "not-found",
        /// Its owner is shut out.
        Banned = "banned",
        /// It is stopped until reinstated.
        Suspended = "suspended",
        /// It is stopped for good.
        Revoked = "revoked",
        /// It is over.
        Expired = "expired",
        /// It has not begun.
        NotYetValid = "not-yet-valid",
        /// Its check-in is overdue.
        Overdue = "overdue",
        /// It is for another product.
        ProductMismatch = "product-mismatch",
        /// The terms require the product to be named.
        ProductRequired = "product-required",
        /// It is under another policy.
        PolicyMismatch = "policy-mismatch",
        /// The terms require the policy to be named.
        PolicyRequired = "policy-required",
        /// It is another person's.
        UserMismatch = "user-mismatch",
        /// The terms require a person to be named.
        UserRequired = "user-required",
        /// No feature was named, but the list was there.
        EntitlementsEmpty = "entitlements-empty",
        /// It does not grant all the features that were named.
        EntitlementsMissing = "entitlements-missing",
        /// No machine holds it.
        NotActivated = "not-activated",
        /// The machine that was named does not hold it.
        ActivationMismatch = "activation-mismatch",
        /// The terms require the machine to be named.
        ActivationRequired = "activation-required",
        /// No fingerprint was named, but the list was there.
        FingerprintEmpty = "fingerprint-empty",
        /// No machine with this fingerprint, or too few of them, hold it.
        FingerprintMismatch = "fingerprint-mismatch",
        /// The terms require a fingerprint.
        FingerprintRequired = "fingerprint-required",
        /// No component was named, but the list was there.
        ComponentsEmpty = "components-empty",
        /// Too few of the components are known.
        ComponentsMismatch = "components-mismatch",
        /// The terms require components.
        ComponentsRequired = "components-required",
        /// The machine has never shown that it lives.
        HeartbeatNotStarted = "heartbeat-not-started",
        /// The machine has not shown that it lives for too long.
        HeartbeatDead = "heartbeat-dead",
        /// The checksum is not one that is known.
        ChecksumMismatch = "checksum-mismatch",
        /// The terms require a checksum.
        ChecksumRequired = "checksum-required",
        /// The version is not one that is known.
        VersionMismatch = "version-mismatch",
        /// The terms require a version.
        VersionRequired = "version-required",
        /// More people use it than may.
        TooManyUsers = "too-many-users",
        /// More machines hold it than may.
        TooManyActivations = "too-many-activations",
        /// Its machines have more cores than they may.
        TooManyCores = "too-many-cores",
        /// Its machines have more memory than they may.
        TooMuchMemory = "too-much-memory",
        /// Its machines have more disk than they may.
        TooMuchDisk = "too-much-disk",
        /// More processes run than may.
        TooManyProcesses = "too-many-processes",
    }
}

/// What a validation found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validation {
    /// The license, if there is one.
    pub license: Option<License>,
    /// Whether the program may run. Can be so with a code that says what is above its limit, where
    /// the terms let it.
    pub is_valid: bool,
    /// What was found first.
    pub code: ValidationCode,
    /// The same for people.
    pub detail: String,
    /// The writer's time.
    pub at: Timestamp,
}

impl Validation {
    /// What a verdict says of a license, or of none; `at` is the writer's time.
    #[must_use]
    pub fn new(license: Option<License>, verdict: Verdict, at: Timestamp) -> Self {
        let Verdict { is_valid, code, detail } = verdict;
        Self { license, is_valid, code, detail, at }
    }

    /// The license's id, if there is one.
    #[must_use]
    pub fn license_id(&self) -> Option<LicenseId> {
        self.license.as_ref().map(|license| license.id)
    }
}

/// Everything of a license that a validation looks at.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The license.
    pub license: &'a License,
    /// Under which terms, overrides included.
    pub terms: &'a Terms,
    /// What lives on it.
    pub live: &'a Live,
    /// Whether its owner is shut out.
    pub owner_is_banned: bool,
    /// What its policy and it grant together, in any order.
    pub entitlements: &'a [Code],
    /// The writer's time.
    pub now: Timestamp,
}

/// What a validation says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the program may run.
    pub is_valid: bool,
    /// What was found first; with `is_valid`, what is only said.
    pub code: ValidationCode,
    /// The same for people; names nobody and no machine.
    pub detail: String,
}

impl Verdict {
    /// What is said where there is no such license.
    #[must_use]
    pub fn not_found() -> Self {
        Self {
            is_valid: false,
            code: ValidationCode::NotFound,
            detail: "there is no such license; look for a typing mistake in the key".into(),
        }
    }
}

/// Validates a license: the first finding that makes it invalid, else the first that is only said.
#[must_use]
pub fn validate(subject: &Subject<'_>, scope: &Scope<'_>) -> Verdict {
    let mut room = Room::new(subject.terms.limit_overage);
    let (is_valid, Finding { code, detail }) = match judge(subject, scope, &mut room) {
        Err(finding) => (false, finding),
        Ok(()) => (true, room.said.unwrap_or(Finding::VALID)),
    };
    Verdict { is_valid, code, detail: detail.into_owned() }
}

/// What a validation changes of its license.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effects {
    /// A new mark of the last validation; none if the old one is recent enough.
    pub validated_at: Option<Timestamp>,
    /// The expiry that begins with it; none if none does.
    pub expires_at: Option<Timestamp>,
}

impl Effects {
    /// What a validation with this verdict changes.
    ///
    /// Every validation leaves its mark. Only one that finds the license valid begins its expiry: a
    /// program that was turned away has not had the license yet.
    #[must_use]
    pub fn of(subject: &Subject<'_>, verdict: &Verdict) -> Self {
        let Subject { license, terms, now, .. } = *subject;
        let is_old = |last: Timestamp| now > last.plus_ms(VALIDATED_AGAIN_MS);
        let begin = || lifecycle::begin_expiry(license, terms, ExpiresFrom::FirstValidation, now);
        Self {
            validated_at: license.marks.validated_at.is_none_or(is_old).then_some(now),
            expires_at: verdict.is_valid.then(begin).flatten(),
        }
    }

    /// Whether nothing is to be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Changes the license; `now` is that of the validation.
    pub fn apply(&self, license: &mut License, now: Timestamp) {
        if self.validated_at.is_some() {
            license.marks.validated_at = self.validated_at;
        }
        if self.expires_at.is_some() {
            license.expires_at = self.expires_at;
            license.updated_at = now;
        }
    }
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    code: ValidationCode,
    detail: Cow<'static, str>,
}

impl Finding {
    const VALID: Self = Self::plain(ValidationCode::Valid, "the license is valid");

    const fn plain(code: ValidationCode, detail: &'static str) -> Self {
        Self { code, detail: Cow::Borrowed(detail) }
    }
}

/// Refuses with a sentence that never changes.
fn no<T>(code: ValidationCode, detail: &'static str) -> Result<T, Finding> {
    Err(Finding::plain(code, detail))
}

fn judge(subject: &Subject<'_>, scope: &Scope<'_>, room: &mut Room) -> Result<(), Finding> {
    check_standing(subject)?;
    check_catalogue(subject, scope)?;
    check_user(subject, scope)?;
    check_entitlements(subject, scope)?;
    let asking = machines::asking(subject, scope)?;
    check_program(subject, scope)?;
    room.check_users(subject)?;
    if subject.terms.strict {
        room.check_machines(subject, scope, &asking)?;
    }
    check_window(subject, room)
}

/// What the vendor decided, and what comes before any question about the program that asks.
fn check_standing(subject: &Subject<'_>) -> Result<(), Finding> {
    let Subject { license, terms, now, .. } = *subject;
    if subject.owner_is_banned {
        return no(ValidationCode::Banned, "the owner of the license is shut out");
    }
    match license.standing_at(subject.now) {
        Standing::Revoked => {
            return no(ValidationCode::Revoked, "the license is revoked for good");
        }
        Standing::Suspended => {
            let detail = "the license is suspended; the vendor can reinstate it";
            return no(ValidationCode::Suspended, detail);
        }
        Standing::Active => {}
    }
    if terms.when_expired == WhenExpired::Revoke && license.is_expired(now) {
        return Err(EXPIRED);
    }
    match license.check_in_due(terms) {
        Some(due) if due <= now => {
            let detail = "the license is overdue for its check-in; check it in to go on";
            no(ValidationCode::Overdue, detail)
        }
        _ => Ok(()),
    }
}

const EXPIRED: Finding =
    Finding::plain(ValidationCode::Expired, "the license has expired; renew it to go on");

fn check_catalogue(subject: &Subject<'_>, scope: &Scope<'_>) -> Result<(), Finding> {
    use ValidationCode::{PolicyMismatch, PolicyRequired, ProductMismatch, ProductRequired};
    let license = subject.license;
    match scope.product {
        Some(product) if product != Some(license.product) => {
            return no(ProductMismatch, "the license is for another product");
        }
        None if scope.lacks(subject, ScopeKind::Product) => {
            return no(ProductRequired, "the terms require the validation to name the product");
        }
        _ => {}
    }
    match scope.policy {
        Some(policy) if policy != Some(license.policy) => {
            no(PolicyMismatch, "the license is under another policy")
        }
        None if scope.lacks(subject, ScopeKind::Policy) => {
            no(PolicyRequired, "the terms require the validation to name the policy")
        }
        _ => Ok(()),
    }
}

fn check_user(subject: &Subject<'_>, scope: &Scope<'_>) -> Result<(), Finding> {
    let license = subject.license;
    let is_theirs = match scope.user {
        None if scope.lacks(subject, ScopeKind::User) => {
            let detail = "the terms require the validation to name a user";
            return no(ValidationCode::UserRequired, detail);
        }
        None => true,
        Some(ScopedUser::Nobody) => license.owner.is_none(),
        Some(ScopedUser::Unknown) => false,
        Some(ScopedUser::Known(user)) => {
            license.owner == Some(user) || license.users.contains(&user)
        }
    };
    if is_theirs {
        return Ok(());
    }
    no(ValidationCode::UserMismatch, "the license is not one of this user's")
}

fn check_entitlements(subject: &Subject<'_>, scope: &Scope<'_>) -> Result<(), Finding> {
    let Some(wanted) = scope.entitlements else { return Ok(()) };
    if wanted.is_empty() {
        let detail = "the list of entitlements is empty; name one, or leave it out";
        return no(ValidationCode::EntitlementsEmpty, detail);
    }
    match wanted.iter().find(|code| !subject.entitlements.contains(code)) {
        Some(code) => Err(Finding {
            code: ValidationCode::EntitlementsMissing,
            detail: format!("the license does not grant the entitlement {code}").into(),
        }),
        None => Ok(()),
    }
}

/// What runs cannot be known without releases, and there are none: what is named is another.
fn check_program(subject: &Subject<'_>, scope: &Scope<'_>) -> Result<(), Finding> {
    use ValidationCode::{ChecksumMismatch, ChecksumRequired, VersionMismatch, VersionRequired};
    if scope.checksum.is_some() {
        return no(ChecksumMismatch, "the checksum is not that of a known release");
    }
    if scope.lacks(subject, ScopeKind::Checksum) {
        return no(ChecksumRequired, "the terms require the validation to name a checksum");
    }
    if scope.version.is_some() {
        return no(VersionMismatch, "the version is not that of a known release");
    }
    if scope.lacks(subject, ScopeKind::Version) {
        return no(VersionRequired, "the terms require the validation to name a version");
    }
    Ok(())
}

fn check_window(subject: &Subject<'_>, room: &mut Room) -> Result<(), Finding> {
    let Subject { license, terms, now, .. } = *subject;
    if license.is_expired(now) {
        match terms.when_expired {
            WhenExpired::Restrict | WhenExpired::Revoke => return Err(EXPIRED),
            WhenExpired::Maintain | WhenExpired::Allow => room.say(EXPIRED),
        }
    }
    if license.valid_from.is_some_and(|begin| begin > now) {
        return no(ValidationCode::NotYetValid, "the license is not valid yet");
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
