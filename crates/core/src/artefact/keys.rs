//! Keys: the account signs with one at a time, numbered from 1, and its files outlive their keys.

use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;

use super::ArtefactError;
use crate::id::AccountId;
use crate::ledger::checkpoint::{Signer, Verifier};
use crate::time::Timestamp;

/// An account's signing key, public half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    /// Its number within the account: 1, 2, …
    pub number: u32,
    /// The Ed25519 public key.
    pub key: [u8; 32],
    /// Since when it signs. For people: a clock that is corrected must make no file worthless.
    pub created_at: Timestamp,
    /// Since when it signs no more. What it signed before stays good.
    pub retired_at: Option<Timestamp>,
}

/// An account's signing key, both halves.
pub struct SigningKey {
    number: u32,
    created_at: Timestamp,
    key: ed25519_dalek::SigningKey,
}

impl PublicKey {
    /// The key as C2SP signed notes write it, `usance/acc_…/NUMBER+hash+base64`.
    ///
    /// # Errors
    /// [`ArtefactError::MalformedKey`].
    pub fn verifier_key(&self, account: AccountId) -> Result<String, ArtefactError> {
        Ok(self.verifier(account)?.to_string())
    }

    pub(super) fn verifier(&self, account: AccountId) -> Result<Verifier, ArtefactError> {
        let malformed = ArtefactError::MalformedKey(self.number);
        Verifier::new(&name(account, self.number), &self.key).map_err(|_| malformed)
    }
}

impl SigningKey {
    /// The key of 32 secret random bytes, which is number `number` of its account.
    #[must_use]
    pub fn from_seed(number: u32, created_at: Timestamp, seed: &[u8; 32]) -> Self {
        Self { number, created_at, key: ed25519_dalek::SigningKey::from_bytes(seed) }
    }

    /// Its number within the account.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The public half, not retired.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey {
            number: self.number,
            key: self.key.verifying_key().to_bytes(),
            created_at: self.created_at,
            retired_at: None,
        }
    }

    pub(super) fn signer(&self, account: AccountId) -> Signer {
        Signer::new(&name(account, self.number), self.key.as_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("number", &self.number).finish_non_exhaustive()
    }
}

/// What a key is called in a note. The hash in the note covers it, so that a key is good for one
/// account and one number only.
pub(super) fn name(account: AccountId, number: u32) -> String {
    format!("usance/{account}/{number}")
}
