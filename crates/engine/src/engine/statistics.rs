//! What operators want to know of a running engine.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use usance_core::id::AccountId;

use super::Engine;
use crate::histogram::Distribution;

/// Counters for operators, since the start.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "named for what they count")]
pub struct Statistics {
    pub uses_accepted: u64,
    pub uses_refused: u64,
    pub uses_repeated: u64,
    pub commits: u64,
    pub records: u64,
    pub commit_ns_total: u64,
    pub batch_uses_max: u64,
    pub mailbox_uses: u64,
    pub overloaded: u64,
    pub credentials_unknown: u64,
    pub attempts_refused: u64,
    pub mailbox_age_us: u64,
    pub batch_uses: Distribution,
    pub commit_us: Distribution,
    pub refusals: Vec<(&'static str, u64)>,
    pub ledger_sizes: Vec<(AccountId, u64)>,
    pub rule_acts: u64,
    pub rule_records: u64,
    pub rule_states_forgotten: u64,
}

impl Engine {
    /// Counters since the start.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let counters = &self.0.shared.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Statistics {
            uses_accepted: read(&counters.uses_accepted),
            uses_refused: read(&counters.uses_refused),
            uses_repeated: read(&counters.uses_repeated),
            commits: read(&counters.commits),
            records: read(&counters.records),
            commit_ns_total: read(&counters.commit_ns),
            batch_uses_max: read(&counters.unit_uses_max),
            mailbox_uses: self.0.shared.mailbox.depth() as u64,
            overloaded: read(&counters.overloaded),
            credentials_unknown: read(&counters.credentials_unknown),
            attempts_refused: read(&counters.attempts_refused),
            mailbox_age_us: u64::try_from(self.0.shared.mailbox.age().as_micros()).unwrap_or(0),
            batch_uses: counters.batch_uses.read(),
            commit_us: counters.commit_us.read(),
            refusals: {
                let refusals = counters.refusals.lock().unwrap_or_else(PoisonError::into_inner);
                refusals.iter().map(|(code, count)| (*code, *count)).collect()
            },
            ledger_sizes: {
                let sizes = self.0.shared.sizes.lock().unwrap_or_else(PoisonError::into_inner);
                sizes.iter().map(|(account, size)| (*account, *size)).collect()
            },
            rule_acts: read(&self.0.shared.following.acts),
            rule_records: read(&self.0.shared.following.records),
            rule_states_forgotten: read(&self.0.shared.following.forgotten),
        }
    }
}
