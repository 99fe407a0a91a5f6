//! Who is known: credentials in memory, so that the hot path does not touch the disk.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use usance_core::audience::Audience;
use usance_core::caller::{Caller, Credential};
use usance_core::command::Ref;
use usance_core::refusal::Refusal;
use usance_core::time::Timestamp;
use usance_core::token::{Locks, SecretHash, Token};

use crate::limits::CREDENTIALS_CACHED_MAX;
use crate::store::{FastMap, Reader, StoreError};
use crate::unit::{Change, Unit};

/// Credentials in memory.
#[derive(Default)]
pub struct Directory {
    known: RwLock<FastMap<[u8; 32], Known>>,
    /// Counts changes, so that a look-up that ran beside one is not kept.
    generation: AtomicU64,
}

#[derive(Clone)]
struct Known {
    /// The token, where the credential is one: it can expire.
    token: Option<Arc<Token>>,
    caller: Arc<Caller>,
}

impl Directory {
    /// The caller with this token, if it is in memory.
    pub fn token(&self, text: &str, now: Timestamp) -> Option<Result<Arc<Caller>, Refusal>> {
        let hash = SecretHash::of(text);
        let known = self.read().get(&hash.0)?.clone();
        let token = known.token?;
        // The map found it by a hash; this compares the whole of it in constant time.
        if !token.secret.is(&hash) {
            return None;
        }
        Some(token.check(now).map(|()| known.caller))
    }

    /// The license with this key, if it is in memory.
    pub fn license(&self, key: &str) -> Option<Arc<Caller>> {
        let known = self.read().get(&key_hash(key))?.clone();
        known.token.is_none().then_some(known.caller)
    }

    /// Looks a token up on disk and keeps it.
    pub fn find_token(
        &self,
        reader: &dyn Reader,
        text: &str,
        now: Timestamp,
    ) -> Result<Result<Arc<Caller>, Refusal>, StoreError> {
        let generation = self.generation.load(Ordering::Acquire);
        let hash = SecretHash::of(text);
        let Some((account, token)) = reader.token_by_secret(&hash)? else {
            return Ok(Err(Refusal::Unauthenticated("the token is not known here")));
        };
        let caller = Arc::new(Caller {
            account,
            credential: Credential::Token(token.id),
            permissions: token.permissions,
            locks: token.locks.clone(),
            audience: token.audience,
        });
        let checked = token.check(now);
        let known = Known { token: Some(Arc::new(token)), caller: Arc::clone(&caller) };
        self.keep(generation, hash.0, known);
        Ok(checked.map(|()| caller))
    }

    /// Looks a license up on disk and keeps it.
    pub fn find_license(
        &self,
        reader: &dyn Reader,
        key: &str,
    ) -> Result<Result<Arc<Caller>, Refusal>, StoreError> {
        let generation = self.generation.load(Ordering::Acquire);
        let unknown = Refusal::Unauthenticated("the license key is not known here");
        let Some((account, license)) = reader.license_by_key(key)? else {
            return Ok(Err(unknown));
        };
        let Some(policy) = reader.policy(account, &Ref::Id(license.policy))? else {
            return Ok(Err(unknown));
        };
        let own = policy.terms.of_license(&license.overrides);
        let terms = own.as_ref().unwrap_or(&policy.terms);
        let caller = Arc::new(Caller {
            account,
            credential: Credential::License(license.id),
            permissions: terms.license_permissions,
            locks: Locks { license: Some(license.id), ..Locks::default() },
            audience: Some(Audience::Activation),
        });
        self.keep(generation, key_hash(key), Known { token: None, caller: Arc::clone(&caller) });
        Ok(Ok(caller))
    }

    /// Forgets what a unit of work changes. Called after its commit and before its replies.
    pub fn forget(&self, unit: &Unit) {
        for change in &unit.changes {
            match change {
                Change::PutToken(_, token) => {
                    let mut known = self.write();
                    self.generation.fetch_add(1, Ordering::Release);
                    known.remove(&token.secret.0);
                }
                Change::ChangeLicense(_, license) | Change::ChangeMeters(_, license, ..) => {
                    let mut known = self.write();
                    self.generation.fetch_add(1, Ordering::Release);
                    known.remove(&key_hash(&license.key.0));
                }
                Change::PutPolicy(..) | Change::DeleteLicense(..) | Change::PutUser(..) => {
                    let mut known = self.write();
                    self.generation.fetch_add(1, Ordering::Release);
                    known.clear();
                }
                _ => {}
            }
        }
    }

    fn keep(&self, generation: u64, hash: [u8; 32], found: Known) {
        let mut known = self.write();
        if self.generation.load(Ordering::Acquire) != generation {
            return;
        }
        if known.len() >= CREDENTIALS_CACHED_MAX {
            known.clear();
        }
        known.insert(hash, found);
    }

    fn read(&self) -> RwLockReadGuard<'_, FastMap<[u8; 32], Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, FastMap<[u8; 32], Known>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key_hash(key: &str) -> [u8; 32] {
    SecretHash::of(key).0
}
