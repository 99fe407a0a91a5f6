//! The live stream: one task follows a ledger and tells all who listen.
//!
//! Each event is read and written once, however many listen. A listener that cannot keep up is not
//! waited for: it reads on from the ledger by itself and comes back, by the numbers of the events,
//! so that it misses nothing and sees nothing twice. When nobody listens, nothing is read.

mod batch;
mod listener;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use tokio::sync::{Semaphore, broadcast, watch};
use tokio::time::Instant;
use usance_core::caller::Caller;
use usance_core::event::EventFilter;
use usance_core::id::AccountId;
use usance_engine::{Engine, Failure};
use usance_wire::native::{Fault, Problem};

use self::batch::Batch;
pub(crate) use self::listener::{Credential, Wanted};
use crate::http::limits::{
    CATCHING_UP_MAX, HUB_BATCH_EVENTS_MAX, HUB_BATCHES_MAX, HUB_PACE_MS_MAX,
    HUB_PACE_US_PER_LISTENER, LISTENERS_MAX,
};
use crate::webhooks::WebhookStatistics;

/// Events asked of the engine at once.
const PAGE_EVENTS: usize = 1000;

/// Where listeners come to.
#[derive(Clone)]
pub(crate) struct Hub(Arc<Inner>);

struct Inner {
    engine: Engine,
    channels: Mutex<HashMap<AccountId, Arc<Channel>>>,
    listeners: AtomicUsize,
    /// How many listeners had to read the ledger by themselves.
    lagged: AtomicU64,
    catching_up: Semaphore,
    closing: watch::Sender<bool>,
}

/// What is told of one account.
struct Channel {
    sender: broadcast::Sender<Arc<Batch>>,
    /// Whether a task follows the ledger. Locked while listeners come and the task goes.
    is_followed: Mutex<bool>,
    /// The number of the next event to be told.
    next: AtomicU64,
}

/// Figures for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Figures {
    /// Who listen.
    pub(crate) listeners: usize,
    /// How often one of them had to read the ledger by itself.
    pub(crate) lagged: u64,
    /// Events that are committed and not told yet.
    pub(crate) behind: u64,
    /// How it goes with webhooks.
    pub(crate) webhooks: WebhookStatistics,
}

impl Hub {
    /// A hub that nobody listens to.
    pub(crate) fn new(engine: Engine) -> Self {
        Self(Arc::new(Inner {
            engine,
            channels: Mutex::default(),
            listeners: AtomicUsize::new(0),
            lagged: AtomicU64::new(0),
            catching_up: Semaphore::new(CATCHING_UP_MAX),
            closing: watch::Sender::new(false),
        }))
    }

    /// Tells a listener what it wants, from where it wants it, as long as it reads.
    pub(crate) fn listen(&self, wanted: Wanted) -> Result<Body, Problem> {
        let seat = Seat::take(self)?;
        let receiver = self.subscribe(wanted.caller.account);
        let (listener, body) = listener::Listener::new(self.clone(), seat, wanted, receiver);
        tokio::spawn(listener.run());
        Ok(body)
    }

    /// Ends all streams: the server stops.
    pub(crate) fn close(&self) {
        self.0.closing.send_replace(true);
    }

    /// Figures for operators; `sizes` are those of the ledgers.
    pub(crate) fn figures(&self, sizes: &[(AccountId, u64)]) -> Figures {
        let channels = self.0.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = |(account, size): &(AccountId, u64)| {
            let channel = channels.get(account).filter(|channel| channel.is_followed())?;
            Some(size.saturating_sub(channel.next.load(Ordering::Relaxed)))
        };
        Figures {
            listeners: self.0.listeners.load(Ordering::Relaxed),
            lagged: self.0.lagged.load(Ordering::Relaxed),
            behind: sizes.iter().filter_map(behind).max().unwrap_or(0),
            ..Figures::default()
        }
    }

    fn subscribe(&self, account: AccountId) -> broadcast::Receiver<Arc<Batch>> {
        let mut channels = self.0.channels.lock().unwrap_or_else(PoisonError::into_inner);
        let channel = channels.entry(account).or_insert_with(|| Arc::new(Channel::new()));
        let channel = Arc::clone(channel);
        drop(channels);
        let mut is_followed = channel.is_followed.lock().unwrap_or_else(PoisonError::into_inner);
        let receiver = channel.sender.subscribe();
        if !std::mem::replace(&mut *is_followed, true) {
            let (hub, channel) = (self.clone(), Arc::clone(&channel));
            tokio::spawn(async move { hub.follow(account, &channel).await });
        }
        receiver
    }

    /// Follows the ledger of an account until nobody listens or the server stops.
    async fn follow(&self, account: AccountId, channel: &Channel) {
        let caller = Arc::new(Caller::system(account));
        let mut commits = self.0.engine.commits();
        let mut closing = self.0.closing.subscribe();
        let mut next = None;
        loop {
            commits.mark_unchanged();
            let read = self.read_on(&caller, &mut next).await;
            let told_at = Instant::now();
            match read {
                Ok(Some(batch)) => {
                    channel.next.store(batch.next, Ordering::Relaxed);
                    // Nobody may be left, which is looked at below.
                    channel.sender.send(Arc::new(batch)).unwrap_or_default();
                }
                Ok(None) => {}
                Err(error) => tracing::debug!(?error, "events cannot be read now"),
            }
            if channel.is_abandoned() {
                return;
            }
            // A thousand are woken ten times a second, and one a thousand times.
            let pace = pace(channel.sender.receiver_count());
            tokio::select! {
                () = tokio::time::sleep_until(told_at + pace) => {}
                _ = closing.wait_for(|closing| *closing) => return,
            }
            let is_behind = next.is_some_and(|(_, is_end)| !is_end);
            tokio::select! {
                changed = commits.changed(), if !is_behind => match changed {
                    Ok(()) => {}
                    Err(_) => return,
                },
                _ = closing.wait_for(|closing| *closing) => return,
                () = std::future::ready(()), if is_behind => {}
            }
        }
    }

    /// What came since, if anything did. The first time it only looks where the end is.
    async fn read_on(
        &self,
        caller: &Arc<Caller>,
        at: &mut Option<(u64, bool)>,
    ) -> Result<Option<Batch>, Failure> {
        let engine = &self.0.engine;
        let Some((first, _)) = *at else {
            let end = engine.events_end(Arc::clone(caller)).await?;
            *at = Some((end, true));
            // It has nothing in it, but listeners learn from where on they will be told.
            return Ok(Some(Batch::new(end, end, Vec::new())));
        };
        let mut next = first;
        let mut told = Vec::new();
        let mut is_end = false;
        while !is_end && told.len() < HUB_BATCH_EVENTS_MAX {
            let all = EventFilter::default();
            let page = engine.events(Arc::clone(caller), next, all, PAGE_EVENTS).await?;
            next = page.next;
            is_end = page.is_end;
            told.extend(page.items);
        }
        *at = Some((next, is_end));
        Ok((next > first).then(|| Batch::new(first, next, told)))
    }
}

impl Channel {
    fn new() -> Self {
        Self {
            sender: broadcast::Sender::new(HUB_BATCHES_MAX),
            is_followed: Mutex::new(false),
            next: AtomicU64::new(0),
        }
    }

    fn is_followed(&self) -> bool {
        *self.is_followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody listens; then nobody follows any more, either.
    fn is_abandoned(&self) -> bool {
        let mut is_followed = self.is_followed.lock().unwrap_or_else(PoisonError::into_inner);
        if self.sender.receiver_count() > 0 {
            return false;
        }
        *is_followed = false;
        true
    }
}

/// How long after telling something the next is told, so that waking listeners leaves time for
/// uses.
fn pace(listeners: usize) -> Duration {
    let listeners = u64::try_from(listeners).unwrap_or(u64::MAX);
    let pace = Duration::from_micros(listeners.saturating_mul(HUB_PACE_US_PER_LISTENER));
    pace.min(Duration::from_millis(HUB_PACE_MS_MAX))
}

/// One of the places for listeners.
pub(crate) struct Seat(Hub);

impl Seat {
    fn take(hub: &Hub) -> Result<Self, Problem> {
        if hub.0.listeners.fetch_add(1, Ordering::Relaxed) >= LISTENERS_MAX {
            hub.0.listeners.fetch_sub(1, Ordering::Relaxed);
            return Err(Fault::Overloaded.into());
        }
        Ok(Self(hub.clone()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.0.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
