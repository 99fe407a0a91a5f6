//! Who is known: credentials in memory, so that the hot path does not touch the disk.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use usance_core::audience::Audience;
use usance_core::caller::{Caller, Credential};
use usance_core::command::{Ref, UserRef};
use usance_core::id::{AccountId, LicenseId, UserId};
use usance_core::license::{License, LicenseRef};
use usance_core::lifecycle::{Presented, may_authenticate};
use usance_core::refusal::Refusal;
use usance_core::terms::Terms;
use usance_core::time::Timestamp;
use usance_core::token::{Locks, SecretHash, Token};

use crate::limits::CREDENTIALS_CACHED_MAX;
use crate::store::{FastMap, Reader, StoreError};
use crate::tallies::{Tallies, Tally};
use crate::unit::{Change, Unit};

/// Credentials in memory.
#[derive(Default)]
pub struct Directory {
    known: RwLock<Tables>,
    /// How often tokens are presented.
    pub tallies: Tallies,
    /// Counts changes, so that a look-up that ran beside one is not kept.
    generation: AtomicU64,
}

#[derive(Default)]
struct Tables {
    /// By the hash of what is presented.
    credentials: FastMap<[u8; 32], Known>,
    /// The licenses of those that belong to one, as they were when the credential was found. One
    /// that has changed since is not here, or is another.
    licenses: FastMap<LicenseId, Arc<Acted>>,
}

#[derive(Clone)]
struct Known {
    /// The token, where the credential is one: it can expire.
    token: Option<Arc<Token>>,
    /// How often it is presented.
    tally: Option<Arc<Tally>>,
    /// The license, where the credential belongs to one: it can expire too.
    acted: Option<Arc<Acted>>,
    caller: Arc<Caller>,
}

/// A license that credentials act as.
struct Acted {
    license: License,
    terms: Arc<Terms>,
    owner_is_banned: bool,
}

impl Known {
    /// Judges the credential, and counts that it was presented.
    fn admit(&self, now: Timestamp) -> Result<(), Refusal> {
        let checked = self.check(now);
        match (&self.tally, &checked) {
            (Some(tally), Ok(())) => tally.admitted(now),
            (Some(tally), Err(_)) => tally.refused(),
            (None, _) => {}
        }
        checked
    }

    fn check(&self, now: Timestamp) -> Result<(), Refusal> {
        let by = match &self.token {
            Some(token) => {
                token.check(now)?;
                Presented::Token
            }
            None => Presented::Key,
        };
        self.acted.as_ref().map_or(Ok(()), |acted| {
            let Acted { license, terms, owner_is_banned } = &**acted;
            may_authenticate(license, terms, *owner_is_banned, by, now)
        })
    }
}

impl Tables {
    /// A credential that is as it was when it was found.
    fn fresh(&self, hash: &[u8; 32]) -> Option<&Known> {
        let known = self.credentials.get(hash)?;
        let is_fresh = known.acted.as_ref().is_none_or(|acted| {
            let now = self.licenses.get(&acted.license.id);
            now.is_some_and(|now| Arc::ptr_eq(now, acted))
        });
        is_fresh.then_some(known)
    }

    fn clear(&mut self) {
        self.credentials.clear();
        self.licenses.clear();
    }
}

impl Directory {
    /// The caller with this token, if it is in memory.
    pub fn token(&self, text: &str, now: Timestamp) -> Option<Result<Arc<Caller>, Refusal>> {
        let hash = SecretHash::of(text);
        let known = self.read().fresh(&hash.0)?.clone();
        // The map found it by a hash; this compares the whole of it in constant time.
        if !known.token.as_ref()?.secret.is(&hash) {
            return None;
        }
        Some(known.admit(now).map(|()| known.caller))
    }

    /// The license with this key, if it is in memory.
    pub fn license(&self, key: &str, now: Timestamp) -> Option<Result<Arc<Caller>, Refusal>> {
        let known = self.read().fresh(&key_hash(key))?.clone();
        if known.token.is_some() {
            return None;
        }
        Some(known.admit(now).map(|()| known.caller))
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
        if let Some(user) = token.locks.user
            && is_banned(reader, account, user)?
        {
            return Ok(Err(Refusal::Unauthenticated("the user of the token is shut out")));
        }
        let acted = match token.locks.license {
            Some(license) => match reader.license(account, &LicenseRef::Id(license))? {
                Some(license) => acted(reader, account, license)?,
                // It is gone, and so is all that the token was for.
                None => None,
            },
            None => None,
        };
        let standing = acted.as_ref().map(|acted| (acted.license.id, acted.license.standing));
        let caller = Arc::new(Caller {
            account,
            credential: Credential::Token(token.id),
            permissions: token.permissions,
            locks: token.locks.clone(),
            audience: token.audience,
            // Without an audience it is the vendor's, who may go on where a license may not.
            acts_as: standing.filter(|_| token.audience.is_some()),
        });
        let tally = Some(self.tallies.of(account, &token));
        let known = Known { token: Some(Arc::new(token)), tally, acted, caller };
        Ok(self.keep(generation, hash.0, known, now))
    }

    /// Looks a license up on disk and keeps it.
    pub fn find_license(
        &self,
        reader: &dyn Reader,
        key: &str,
        now: Timestamp,
    ) -> Result<Result<Arc<Caller>, Refusal>, StoreError> {
        let generation = self.generation.load(Ordering::Acquire);
        let unknown = Refusal::Unauthenticated("the license key is not known here");
        let Some((account, license)) = reader.license_by_key(key)? else {
            return Ok(Err(unknown));
        };
        let Some(acted) = acted(reader, account, license)? else {
            return Ok(Err(unknown));
        };
        let license = acted.license.id;
        let caller = Arc::new(Caller {
            account,
            credential: Credential::License(license),
            permissions: acted.terms.license_permissions,
            locks: Locks { license: Some(license), ..Locks::default() },
            audience: Some(Audience::Activation),
            acts_as: Some((license, acted.license.standing)),
        });
        let known = Known { token: None, tally: None, acted: Some(acted), caller };
        Ok(self.keep(generation, key_hash(key), known, now))
    }

    /// Forgets what a unit of work changes. Called after its commit and before its replies.
    pub fn forget(&self, unit: &Unit) {
        for change in &unit.changes {
            match change {
                Change::PutToken(_, token) => {
                    let mut known = self.write();
                    self.generation.fetch_add(1, Ordering::Release);
                    known.credentials.remove(&token.secret.0);
                }
                Change::ChangeLicense(_, license) | Change::ChangeMeters(_, license, ..) => {
                    let mut known = self.write();
                    self.generation.fetch_add(1, Ordering::Release);
                    known.licenses.remove(&license.id);
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

    /// Keeps what was found, unless something changed meanwhile, and judges it.
    fn keep(
        &self,
        generation: u64,
        hash: [u8; 32],
        mut found: Known,
        now: Timestamp,
    ) -> Result<Arc<Caller>, Refusal> {
        let mut known = self.write();
        if self.generation.load(Ordering::Acquire) == generation {
            if known.credentials.len() >= CREDENTIALS_CACHED_MAX {
                known.clear();
            }
            // All credentials of a license have the same one, so that they go stale together.
            if let Some(acted) = &mut found.acted {
                let shared = known.licenses.entry(acted.license.id);
                *acted = Arc::clone(shared.or_insert_with(|| Arc::clone(acted)));
            }
            known.credentials.insert(hash, found.clone());
        }
        drop(known);
        found.admit(now).map(|()| found.caller)
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What credentials of a license depend on; none if its policy is gone.
fn acted(
    reader: &dyn Reader,
    account: AccountId,
    license: License,
) -> Result<Option<Arc<Acted>>, StoreError> {
    let Some(policy) = reader.policy(account, &Ref::Id(license.policy))? else {
        return Ok(None);
    };
    let own = policy.terms.of_license(&license.overrides);
    let terms = own.map_or(policy.terms, Arc::new);
    let owner_is_banned = match license.owner {
        Some(owner) => is_banned(reader, account, owner)?,
        None => false,
    };
    Ok(Some(Arc::new(Acted { license, terms, owner_is_banned })))
}

fn is_banned(reader: &dyn Reader, account: AccountId, user: UserId) -> Result<bool, StoreError> {
    let user = reader.user(account, &UserRef::Id(user))?;
    Ok(user.is_some_and(|user| user.banned_at.is_some()))
}

fn key_hash(key: &str) -> [u8; 32] {
    SecretHash::of(key).0
}
