//! Who is known: credentials in memory, so that the hot path does not touch the disk.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use usance_core::audience::Audience;
use usance_core::caller::{Caller, Credential};
use usance_core::command::Ref;
use usance_core::id::{AccountId, TokenId};
use usance_core::refusal::Refusal;
use usance_core::time::Timestamp;
use usance_core::token::{Locks, SecretHash, Token, TokenUse};

use crate::limits::CREDENTIALS_CACHED_MAX;
use crate::store::{FastMap, Reader, StoreError};
use crate::unit::{Change, Unit};

/// Credentials in memory.
#[derive(Default)]
pub struct Directory {
    known: RwLock<FastMap<[u8; 32], Known>>,
    /// How often tokens were presented.
    tallies: RwLock<FastMap<TokenId, Arc<Tally>>>,
    /// Counts changes, so that a look-up that ran beside one is not kept.
    generation: AtomicU64,
}

#[derive(Clone)]
struct Known {
    /// The token, where the credential is one: it can expire.
    token: Option<(Arc<Token>, Arc<Tally>)>,
    caller: Arc<Caller>,
}

impl Directory {
    /// The caller with this token, if it is in memory.
    pub fn token(&self, text: &str, now: Timestamp) -> Option<Result<Arc<Caller>, Refusal>> {
        let hash = SecretHash::of(text);
        let known = self.read().get(&hash.0)?.clone();
        let (token, tally) = known.token?;
        // The map found it by a hash; this compares the whole of it in constant time.
        if !token.secret.is(&hash) {
            return None;
        }
        let checked = token.check(now);
        tally.presented(checked.is_ok(), now);
        Some(checked.map(|()| known.caller))
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
        let tally = self.tally(account, &token);
        tally.presented(checked.is_ok(), now);
        let known = Known { token: Some((Arc::new(token), tally)), caller: Arc::clone(&caller) };
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

    /// Counts a request that its token did not allow.
    pub fn refused(&self, caller: &Caller) {
        if let Credential::Token(id) = caller.credential
            && let Some(tally) = self.read_tallies().get(&id)
        {
            tally.presented(false, Timestamp(0));
        }
    }

    /// How often a token was presented, if it was since the start.
    #[must_use]
    pub fn used(&self, id: TokenId) -> Option<TokenUse> {
        self.read_tallies().get(&id).map(|tally| tally.used())
    }

    /// What was counted since it was taken the last time: to be written, or to be put back.
    pub fn take_tallies(&self) -> Vec<(AccountId, TokenId, TokenUse)> {
        let tallies = self.read_tallies();
        let changed = tallies.iter().filter(|(_, tally)| tally.has_news.swap(false, Relaxed));
        changed.map(|(id, tally)| (tally.account, *id, tally.used())).collect()
    }

    /// Has tallies taken once more.
    pub fn put_tallies_back(&self, taken: &[(AccountId, TokenId, TokenUse)]) {
        let tallies = self.read_tallies();
        for tally in taken.iter().filter_map(|(_, id, _)| tallies.get(id)) {
            tally.has_news.store(true, Relaxed);
        }
    }

    /// The tally of a token, which goes on from what is stored.
    fn tally(&self, account: AccountId, token: &Token) -> Arc<Tally> {
        let mut tallies = self.tallies.write().unwrap_or_else(PoisonError::into_inner);
        if tallies.len() >= CREDENTIALS_CACHED_MAX {
            // What is written and in nobody's hands can be read again.
            let is_needed = |tally: &Arc<Tally>| {
                Arc::strong_count(tally) > 1 || tally.has_news.load(Relaxed)
            };
            tallies.retain(|_, tally| is_needed(tally));
        }
        Arc::clone(tallies.entry(token.id).or_insert_with(|| Arc::new(Tally::new(account, token))))
    }

    fn read_tallies(&self) -> RwLockReadGuard<'_, FastMap<TokenId, Arc<Tally>>> {
        self.tallies.read().unwrap_or_else(PoisonError::into_inner)
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

/// How often one token was presented, in memory.
struct Tally {
    account: AccountId,
    uses: AtomicU64,
    refused: AtomicU64,
    /// Milliseconds; the smallest is never.
    last_used_at: AtomicI64,
    has_news: AtomicBool,
}

impl Tally {
    fn new(account: AccountId, token: &Token) -> Self {
        let TokenUse { uses, refused, last_used_at } = token.used;
        Self {
            account,
            uses: AtomicU64::new(uses),
            refused: AtomicU64::new(refused),
            last_used_at: AtomicI64::new(last_used_at.map_or(i64::MIN, |at| at.0)),
            has_news: AtomicBool::new(false),
        }
    }

    fn presented(&self, is_good: bool, now: Timestamp) {
        if is_good {
            self.uses.fetch_add(1, Relaxed);
            self.last_used_at.fetch_max(now.0, Relaxed);
        } else {
            self.refused.fetch_add(1, Relaxed);
        }
        self.has_news.store(true, Relaxed);
    }

    fn used(&self) -> TokenUse {
        let last = self.last_used_at.load(Relaxed);
        TokenUse {
            uses: self.uses.load(Relaxed),
            refused: self.refused.load(Relaxed),
            last_used_at: (last != i64::MIN).then_some(Timestamp(last)),
        }
    }
}

fn key_hash(key: &str) -> [u8; 32] {
    SecretHash::of(key).0
}
