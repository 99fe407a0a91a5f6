//! Credentials: permissions, locks, and the secret that is stored as a hash.

use alloc::string::String;
use core::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::audience::Audience;
use crate::id::{CustomerId, LicenseId, ProductId, TokenId, UserId};
use crate::refusal::Refusal;
use crate::text::Code;
use crate::time::Timestamp;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $word:literal;)*) => {
        /// One thing a caller may do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Permission {
            $($(#[$doc])* $name = $bit,)*
        }

        impl Permission {
            /// Every permission there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word for it in the API.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

permissions! {
    /// See products.
    ProductRead = 0, "product:read";
    /// Create, change and delete products.
    ProductWrite = 1, "product:write";
    /// See policies.
    PolicyRead = 2, "policy:read";
    /// Create, change and delete policies.
    PolicyWrite = 3, "policy:write";
    /// See customers.
    CustomerRead = 4, "customer:read";
    /// Create, change and delete customers.
    CustomerWrite = 5, "customer:write";
    /// See licenses.
    LicenseRead = 6, "license:read";
    /// Create, change, suspend, reinstate, revoke and delete licenses.
    LicenseWrite = 7, "license:write";
    /// See tokens, never their secrets.
    TokenRead = 8, "token:read";
    /// Create and revoke tokens.
    TokenWrite = 9, "token:write";
    /// See meters, their history and sums.
    MeterRead = 10, "meter:read";
    /// Count up.
    MeterIncrement = 11, "meter:increment";
    /// Count down.
    MeterDecrement = 12, "meter:decrement";
    /// Set a meter to a value.
    MeterSet = 13, "meter:set";
    /// Set a meter back.
    MeterReset = 14, "meter:reset";
    /// Fetch checkpoints and proofs.
    LedgerRead = 15, "ledger:read";
    /// Ask whether a license is valid.
    LicenseValidate = 16, "license:validate";
    /// Check a license in.
    LicenseCheckIn = 17, "license:check-in";
    /// Fetch a signed license file.
    LicenseFile = 18, "license:file";
    /// See activations and their processes.
    ActivationRead = 19, "activation:read";
    /// Activate a machine.
    ActivationCreate = 20, "activation:create";
    /// Change activations, and set their heartbeats back.
    ActivationWrite = 21, "activation:write";
    /// Deactivate a machine.
    ActivationDelete = 22, "activation:delete";
    /// Tell that a machine or process lives.
    ActivationHeartbeat = 23, "activation:heartbeat";
    /// Set units aside, settle and release them.
    MeterHold = 24, "meter:hold";
    /// Check sessions out, keep them alive and check them in.
    SessionWrite = 25, "session:write";
    /// See entitlements.
    EntitlementRead = 26, "entitlement:read";
    /// Create, change and delete entitlements.
    EntitlementWrite = 27, "entitlement:write";
    /// See users.
    UserRead = 28, "user:read";
    /// Create, change, ban and delete users.
    UserWrite = 29, "user:write";
    /// Make a new signing key for license files.
    KeyWrite = 30, "key:write";
    /// Start and end processes of an activation.
    ProcessWrite = 31, "process:write";
    /// Follow what happens, and see who changed what.
    EventRead = 32, "event:read";
    /// See webhooks and how their deliveries went, never their secrets.
    WebhookRead = 33, "webhook:read";
    /// Create, change and delete webhooks, rotate their secrets, and deliver again: whoever may,
    /// can
    /// have every event told to an address of their own.
    WebhookWrite = 34, "webhook:write";
    /// See rules that block by themselves.
    RuleRead = 35, "rule:read";
    /// Create, change, try and delete rules.
    RuleWrite = 36, "rule:write";
}

impl Permission {
    /// The permission with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|permission| permission.word() == word)
    }
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u64);

impl Permissions {
    /// None at all.
    pub const NONE: Self = Self(0);
    /// Every one, also those of later versions.
    pub const ALL: Self = Self(u64::MAX);
    /// What a license may do by itself if its policy says nothing else: what a program on a machine
    /// needs. None of it lowers a total, shares of floating meters aside, which come back with
    /// their machine.
    pub const OF_A_LICENSE: Self = Self::NONE
        .with(Permission::MeterRead)
        .with(Permission::MeterIncrement)
        .with(Permission::MeterHold)
        .with(Permission::SessionWrite)
        .with(Permission::LicenseValidate)
        .with(Permission::LicenseCheckIn)
        .with(Permission::LicenseFile)
        .with(Permission::ActivationRead)
        .with(Permission::ActivationCreate)
        .with(Permission::ActivationHeartbeat)
        .with(Permission::ActivationDelete)
        .with(Permission::ProcessWrite);

    /// The set with one more.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Self(self.0 | 1 << permission as u64)
    }

    /// Whether the permission is in the set.
    #[must_use]
    pub const fn contain(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u64) != 0
    }

    /// Whether every permission of `other` is in the set.
    #[must_use]
    pub const fn contain_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The permissions in it; for [`Permissions::ALL`] those that are known.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contain(*permission))
    }

    /// The words of the set; `*` alone for every permission.
    pub fn words(self) -> impl Iterator<Item = &'static str> {
        let star = (self == Self::ALL).then_some("*");
        let each = if star.is_some() { Self::NONE } else { self };
        star.into_iter().chain(each.iter().map(Permission::word))
    }

    /// Reads words; `*` is every permission.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] naming the word that is none.
    pub fn from_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, Refusal> {
        let mut set = Self::NONE;
        for word in words {
            if word == "*" {
                set = Self::ALL;
                continue;
            }
            let permission = Permission::from_word(word).ok_or_else(|| Refusal::Invalid {
                field: "permissions".into(),
                reason: alloc::format!("has no permission {word:?}").into(),
            })?;
            set = set.with(permission);
        }
        Ok(set)
    }
}

/// What a token may touch; nothing stated is everything of the account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Locks {
    /// Only licenses of this product.
    pub product: Option<ProductId>,
    /// Only this license.
    pub license: Option<LicenseId>,
    /// Only meters of this name.
    pub meter: Option<Code>,
    /// Only licenses that this person owns or may use.
    pub user: Option<UserId>,
    /// Only licenses that this customer pays for or sold.
    pub customer: Option<CustomerId>,
}

/// SHA-256 of a token's secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    /// The hash of a secret. A plain hash suffices: secrets are random with 256 bits.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Whether `secret` is the one, in time that does not depend on the answer.
    #[must_use]
    pub fn matches(&self, secret: &str) -> bool {
        self.is(&Self::of(secret))
    }

    /// The same, for a secret that was hashed already.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

/// A credential of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id, also the public half of the text that the caller presents.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// What its secret must hash to.
    pub secret: SecretHash,
    /// What it may do.
    pub permissions: Permissions,
    /// What it may touch.
    pub locks: Locks,
    /// Whose eyes it sees with; none is the vendor, who sees everything.
    pub audience: Option<Audience>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Since when it is refused.
    pub revoked_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// How often it was presented. Beside the ledger, and not to the minute after a crash.
    pub used: TokenUse,
}

/// How often a token was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenUse {
    /// Requests that presented it while it was good.
    pub uses: u64,
    /// Requests that were turned away: the token was over, or it did not allow what was asked.
    pub refused: u64,
    /// When it was last presented while it was good.
    pub last_used_at: Option<Timestamp>,
}

impl Token {
    /// Refuses a token that is over.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`], saying why.
    pub fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.revoked_at.is_some() {
            return Err(Refusal::Unauthenticated("the token is revoked; ask for a new one"));
        }
        if self.expires_at.is_some_and(|end| end <= now) {
            return Err(Refusal::Unauthenticated("the token has expired; ask for a new one"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn words_and_sets_correspond() {
        let set = Permissions::from_words(["meter:read", "meter:increment"]).unwrap();
        assert!(set.contain(Permission::MeterRead));
        assert!(!set.contain(Permission::MeterDecrement));
        assert_eq!(set.words().collect::<Vec<_>>(), ["meter:read", "meter:increment"]);
        assert_eq!(Permissions::ALL.words().collect::<Vec<_>>(), ["*"]);
        assert!(Permissions::from_words(["meter:fly"]).is_err());
        assert!(Permissions::ALL.contain_all(set) && !set.contain_all(Permissions::ALL));
    }

    #[test]
    fn secrets_match_only_themselves() {
        let hash = SecretHash::of("right");
        assert!(hash.matches("right"));
        assert!(!hash.matches("wrong"));
        assert_eq!(alloc::format!("{hash:?}"), "SecretHash(…)");
    }
}
