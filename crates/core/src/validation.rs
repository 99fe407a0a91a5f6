//! Whether a license is valid, and if not, why.

use alloc::string::String;

use crate::id::LicenseId;
use crate::license::License;
use crate::time::Timestamp;
use crate::words::words;

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
    /// The license's id, if there is one.
    #[must_use]
    pub fn license_id(&self) -> Option<LicenseId> {
        self.license.as_ref().map(|license| license.id)
    }
}
