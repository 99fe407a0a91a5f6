//! Tells receivers what happened: each in the order of the ledger, at least once, and none waits
//! for another.
//!
//! A receiver is a task with two [`lane`]s: the live order, and what somebody asked for again. A
//! lane reads the ledger from where the receiver stands, posts with a [`sender`], and has how it
//! went written down through the [`noter`], which joins what several lanes have to say into one
//! commit. What is not written down when the process dies is told once more: never less, and at
//! most [`limits::UNNOTED_MAX`] events of each lane more.

pub mod address;
mod lane;
pub mod limits;
mod noter;
mod sender;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use usance_core::caller::Caller;
use usance_core::id::WebhookId;
use usance_engine::{Endpoint, Engine};

use self::lane::Lane;
use self::noter::Noter;
use self::sender::Roots;
use crate::webhooks::limits::{NOTES_WAITING_MAX, PAUSE, STOP_TIMEOUT};

/// How receivers are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookOptions {
    /// Whether they may be at private addresses, and be told in plain text.
    pub allow_private: bool,
    /// How long to wait after each failure; after one more it is given up.
    pub retries: Vec<Duration>,
    /// How long one attempt may take, all of it.
    pub timeout: Duration,
    /// Certificate authorities to trust beside the public ones, as PEM.
    pub ca_file: Option<PathBuf>,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            allow_private: false,
            retries: limits::RETRY_SECONDS.map(Duration::from_secs).to_vec(),
            timeout: limits::TIMEOUT,
            ca_file: None,
        }
    }
}

/// Counters for operators, since the start, and where things stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WebhookStatistics {
    /// Receivers, those that are told nothing included.
    pub endpoints: u64,
    /// Attempts that succeeded.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Events that were given up.
    pub dead: u64,
    /// Records that the receiver furthest behind has not been told of.
    pub lag_records_max: u64,
}

/// What is counted while receivers are told.
#[derive(Debug, Default)]
pub struct Gauges {
    delivered: AtomicU64,
    failed: AtomicU64,
    dead: AtomicU64,
    /// Where the live order of each receiver stands; none while it is told nothing.
    places: Mutex<HashMap<WebhookId, Option<u64>>>,
}

impl Gauges {
    /// The counters now, when the ledger has `end` records.
    #[must_use]
    pub fn statistics(&self, end: u64) -> WebhookStatistics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let behind = places.values().flatten().map(|next| end.saturating_sub(*next));
        WebhookStatistics {
            endpoints: places.len() as u64,
            delivered: read(&self.delivered),
            failed: read(&self.failed),
            dead: read(&self.dead),
            lag_records_max: behind.max().unwrap_or(0),
        }
    }

    fn stands(&self, id: WebhookId, next: Option<u64>) {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).insert(id, next);
    }

    fn forget(&self, id: WebhookId) {
        self.places.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

/// What all lanes share.
struct Shared {
    engine: Engine,
    caller: Arc<Caller>,
    options: WebhookOptions,
    roots: Roots,
    noter: mpsc::Sender<noter::Said>,
    gauges: Arc<Gauges>,
}

/// Tells all receivers of an engine, until it is stopped.
pub struct Deliverer {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Deliverer {
    /// Starts telling.
    ///
    /// # Errors
    /// If the file of certificate authorities cannot be read.
    pub fn start(
        engine: Engine,
        options: WebhookOptions,
        gauges: Arc<Gauges>,
    ) -> Result<Self, String> {
        let roots = Roots::load(options.ca_file.as_deref())?;
        let (noter, said) = mpsc::channel(NOTES_WAITING_MAX);
        let caller = Arc::new(Caller::system(engine.account()));
        let (stop, stopped) = watch::channel(false);
        let noting = Noter::new(engine.clone(), Arc::clone(&caller), said, stopped.clone());
        let shared = Arc::new(Shared { engine, caller, options, roots, noter, gauges });
        let task = tokio::spawn(async move {
            let noting = tokio::spawn(noting.run());
            supervise(shared, stopped).await;
            // It ends when the last lane has let go of its end.
            if let Err(error) = noting.await {
                tracing::error!(%error, "what was delivered could not be written down");
            }
        });
        Ok(Self { stop, task })
    }

    /// Lets what is under way end, within a bound, and writes down how it went.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the deliverer of webhooks ended badly");
        }
    }
}

/// Keeps a task for each receiver, as they come, change and go.
async fn supervise(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut changes = shared.engine.webhook_changes();
    let mut known: HashMap<WebhookId, watch::Sender<Arc<Endpoint>>> = HashMap::new();
    let mut tasks = JoinSet::new();
    loop {
        changes.mark_unchanged();
        let is_read = match shared.engine.endpoints().await {
            Ok(endpoints) => {
                let ids: Vec<_> = endpoints.iter().map(|each| each.view.webhook.id).collect();
                // Whose sender is dropped, ends.
                known.retain(|id, _| ids.contains(id));
                for endpoint in endpoints {
                    let endpoint = Arc::new(endpoint);
                    let id = endpoint.view.webhook.id;
                    if let Some(task) = known.get(&id) {
                        task.send_replace(endpoint);
                        continue;
                    }
                    let (sender, config) = watch::channel(endpoint);
                    known.insert(id, sender);
                    tasks.spawn(tell(Arc::clone(&shared), id, config, stop.clone()));
                }
                true
            }
            Err(failure) => {
                tracing::error!(%failure, "the receivers of webhooks cannot be read");
                false
            }
        };
        tokio::select! {
            // The engine is gone, and the process with it.
            changed = changes.changed(), if is_read => if changed.is_err() { break },
            () = tokio::time::sleep(PAUSE), if !is_read => {}
            Some(ended) = tasks.join_next(), if !tasks.is_empty() => ended_task(ended),
            _ = stop.wait_for(|stop| *stop) => break,
        }
    }
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            ended_task(ended)
        }
    };
    if tokio::time::timeout(STOP_TIMEOUT, all).await.is_err() {
        tracing::warn!("some webhooks did not end in time; what they were sent is sent once more");
        tasks.shutdown().await;
    }
}

fn ended_task(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a webhook's task met a broken invariant; it goes on at a restart");
    }
}

/// Tells one receiver, in two lanes, until it is deleted or all stops.
async fn tell(
    shared: Arc<Shared>,
    id: WebhookId,
    config: watch::Receiver<Arc<Endpoint>>,
    stop: watch::Receiver<bool>,
) {
    let mut live = Lane::new(Arc::clone(&shared), config.clone(), stop.clone(), None);
    let mut again = Lane::new(Arc::clone(&shared), config, stop, Some(0));
    tokio::join!(live.tell_live(), again.tell_again());
    shared.gauges.forget(id);
}
