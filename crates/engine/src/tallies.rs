//! How often tokens were presented, counted in memory.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use usance_core::id::{AccountId, TokenId};
use usance_core::time::Timestamp;
use usance_core::token::{Token, TokenUse};

use crate::limits::CREDENTIALS_CACHED_MAX;
use crate::store::FastMap;

/// How often tokens were presented since the start, added to what is stored.
#[derive(Default)]
pub struct Tallies(RwLock<FastMap<TokenId, Arc<Tally>>>);

/// How often one token was presented.
pub struct Tally {
    account: AccountId,
    uses: AtomicU64,
    refused: AtomicU64,
    /// Milliseconds; the smallest is never.
    last_used_at: AtomicI64,
    has_news: AtomicBool,
}

/// What a token's row is to say.
pub type Taken = Vec<(AccountId, TokenId, TokenUse)>;

impl Tallies {
    /// The tally of a token, which goes on from what is stored.
    pub fn of(&self, account: AccountId, token: &Token) -> Arc<Tally> {
        let mut tallies = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if tallies.len() >= CREDENTIALS_CACHED_MAX {
            // What is written and in nobody's hands can be read again.
            tallies.retain(|_, tally| Arc::strong_count(tally) > 1 || tally.has_news.load(Relaxed));
        }
        Arc::clone(tallies.entry(token.id).or_insert_with(|| Arc::new(Tally::new(account, token))))
    }

    /// Counts a request that a token did not allow.
    pub fn refused(&self, id: TokenId) {
        if let Some(tally) = self.read().get(&id) {
            tally.refused();
        }
    }

    /// How often a token was presented, if it was since the start.
    #[must_use]
    pub fn used(&self, id: TokenId) -> Option<TokenUse> {
        self.read().get(&id).map(|tally| tally.used())
    }

    /// What was counted since it was taken the last time: to be written, or to be put back.
    pub fn take(&self) -> Taken {
        let tallies = self.read();
        let changed = tallies.iter().filter(|(_, tally)| tally.has_news.swap(false, Relaxed));
        changed.map(|(id, tally)| (tally.account, *id, tally.used())).collect()
    }

    /// Has what was taken be taken once more.
    pub fn put_back(&self, taken: &Taken) {
        let tallies = self.read();
        for tally in taken.iter().filter_map(|(_, id, _)| tallies.get(id)) {
            tally.has_news.store(true, Relaxed);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, FastMap<TokenId, Arc<Tally>>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
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

    /// Counts a request of a token that is good.
    pub fn admitted(&self, now: Timestamp) {
        self.uses.fetch_add(1, Relaxed);
        self.last_used_at.fetch_max(now.0, Relaxed);
        self.has_news.store(true, Relaxed);
    }

    /// Counts a request that was turned away.
    pub fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
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
