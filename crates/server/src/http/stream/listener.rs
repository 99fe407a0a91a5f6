//! One who listens.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use hyper::body::{Bytes, Frame};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, sleep_until, timeout};
use usance_core::caller::Caller;
use usance_core::event::EventFilter;
use usance_engine::Presented;
use usance_wire::native::events::Sight;

use super::batch::{Batch, write_frame};
use super::{Hub, PAGE_EVENTS, Seat};
use crate::http::limits::{LISTENER_HEARTBEAT_MS, LISTENER_STALL_MS};

/// What a listener asked for.
pub(crate) struct Wanted {
    /// Who it is.
    pub(crate) caller: Arc<Caller>,
    /// How it showed that.
    pub(crate) credential: Credential,
    /// What it may hear of what it wants.
    pub(crate) filter: EventFilter,
    /// The number of the first event that it did not see.
    pub(crate) next: u64,
}

/// What a listener presented, to be looked at again: it may be revoked while the stream lasts.
pub(crate) enum Credential {
    /// A token.
    Token(String),
    /// The key of a license.
    LicenseKey(String),
}

impl Credential {
    /// Keeps what was presented.
    pub(crate) fn of(presented: Presented<'_>) -> Self {
        match presented {
            Presented::Token(text) => Self::Token(text.to_owned()),
            Presented::LicenseKey(key) => Self::LicenseKey(key.to_owned()),
        }
    }

    fn presented(&self) -> Presented<'_> {
        match self {
            Self::Token(text) => Presented::Token(text),
            Self::LicenseKey(key) => Presented::LicenseKey(key),
        }
    }
}

/// One who listens.
pub(crate) struct Listener {
    hub: Hub,
    wanted: Wanted,
    sight: Sight,
    receiver: broadcast::Receiver<Arc<Batch>>,
    out: mpsc::Sender<Bytes>,
    /// Until when something is to be sent, so that nobody takes the connection for dead.
    heartbeat_at: Instant,
    /// The place among the listeners, given back at the end.
    _seat: Seat,
}

/// Why a listener is not served any more.
enum Over {
    /// It went away, or reads nothing.
    Gone,
    /// The server stops, or the listener may not listen any more.
    Ended,
}

impl Listener {
    /// A listener, and the body through which it hears.
    pub(crate) fn new(
        hub: Hub,
        seat: Seat,
        wanted: Wanted,
        receiver: broadcast::Receiver<Arc<Batch>>,
    ) -> (Self, Body) {
        // One is on its way while the next is made; the rest waits in the ledger.
        let (out, frames) = mpsc::channel(1);
        let sight = Sight::of(&wanted.caller);
        let heartbeat_at = Instant::now();
        let listener = Self { hub, wanted, sight, receiver, out, heartbeat_at, _seat: seat };
        (listener, Body::new(Frames(frames)))
    }

    /// Tells it what it wants until it goes or the server stops.
    pub(crate) async fn run(mut self) {
        let mut closing = self.hub.0.closing.subscribe();
        let ended = tokio::select! {
            over = self.serve() => over,
            _ = closing.wait_for(|closing| *closing) => Over::Ended,
        };
        if matches!(ended, Over::Ended) {
            // What ends is the last that it hears; it may have gone before.
            let goodbye = self.out.send(Bytes::from_static(b": the stream ends here\n\n"));
            let said = timeout(Duration::from_secs(1), goodbye).await;
            tracing::debug!(said = matches!(said, Ok(Ok(()))), "a stream of events ends");
        }
    }

    async fn serve(&mut self) -> Over {
        let hello = format!(": listening from {}\nretry: 1000\n\n", self.wanted.next);
        let mut done = self.send(hello.into()).await;
        while done.is_ok() {
            done = self.catch_up().await;
            if done.is_ok() {
                done = self.live().await;
            }
        }
        done.err().unwrap_or(Over::Ended)
    }

    /// Reads on from the ledger to its end.
    async fn catch_up(&mut self) -> Result<(), Over> {
        let hub = self.hub.clone();
        loop {
            let Wanted { caller, filter, next, .. } = &self.wanted;
            let permit = hub.0.catching_up.acquire().await.map_err(|_| Over::Ended)?;
            let read =
                hub.0.engine.events(Arc::clone(caller), *next, filter.clone(), PAGE_EVENTS).await;
            drop(permit);
            let page = read.map_err(|_| Over::Ended)?;
            let mut out = Vec::new();
            for told in &page.items {
                write_frame(told, self.sight, &mut out);
            }
            if !out.is_empty() {
                self.send(out.into()).await?;
            }
            self.wanted.next = page.next;
            if page.is_end {
                return Ok(());
            }
            if Instant::now() >= self.heartbeat_at {
                self.heartbeat().await?;
            }
        }
    }

    /// Hears what the hub tells. Returns when it missed something.
    async fn live(&mut self) -> Result<(), Over> {
        loop {
            let batch = tokio::select! {
                heard = self.receiver.recv() => match heard {
                    Ok(batch) => batch,
                    Err(RecvError::Lagged(_)) => {
                        self.hub.0.lagged.fetch_add(1, Ordering::Relaxed);
                        self.receiver = self.receiver.resubscribe();
                        return Ok(());
                    }
                    Err(RecvError::Closed) => return Err(Over::Ended),
                },
                () = sleep_until(self.heartbeat_at) => {
                    self.heartbeat().await?;
                    continue;
                }
                () = self.out.closed() => return Err(Over::Gone),
            };
            let Wanted { caller, filter, next, .. } = &self.wanted;
            if batch.next <= *next {
                continue;
            }
            if batch.first > *next {
                // The hub began after this listener had read to the end.
                return Ok(());
            }
            let frames = batch.frames(*next, caller, self.sight, filter);
            if !frames.is_empty() {
                self.send(frames).await?;
            }
            self.wanted.next = batch.next;
        }
    }

    /// Shows that the stream is alive, if it still may be.
    async fn heartbeat(&mut self) -> Result<(), Over> {
        let presented = self.wanted.credential.presented();
        if self.hub.0.engine.authenticate(presented).await.is_err() {
            return Err(Over::Ended);
        }
        self.send(Bytes::from_static(b": alive\n\n")).await
    }

    async fn send(&mut self, bytes: Bytes) -> Result<(), Over> {
        self.heartbeat_at = Instant::now() + Duration::from_millis(LISTENER_HEARTBEAT_MS);
        match timeout(Duration::from_millis(LISTENER_STALL_MS), self.out.send(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Over::Gone),
        }
    }
}

/// What a listener hears, as the body of its answer.
struct Frames(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Frames {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}
