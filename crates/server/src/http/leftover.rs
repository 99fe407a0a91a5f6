//! What of a body nobody read.
//!
//! A request that is refused before its body has arrived would have its connection closed under the
//! client's hands, which then sees a broken pipe instead of the refusal, and tries again. So the
//! rest is read and forgotten, within bounds.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use crate::http::limits::{BODY_TIMEOUT_MS, LEFTOVER_BYTES_MAX, LEFTOVER_PAUSE_MS_MAX};

/// A body that is read to its end, by its handler or after it.
pub(crate) struct ReadToEnd {
    body: Option<Incoming>,
}

impl ReadToEnd {
    /// The body of a request.
    pub(crate) const fn new(body: Incoming) -> Self {
        Self { body: Some(body) }
    }
}

impl Body for ReadToEnd {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = self.body.as_mut() else {
            return Poll::Ready(None);
        };
        let polled = Pin::new(body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.body = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for ReadToEnd {
    fn drop(&mut self) {
        let Some(body) = self.body.take() else {
            return;
        };
        if body.is_end_stream() || body.size_hint().lower() > LEFTOVER_BYTES_MAX {
            return;
        }
        let timeout = Duration::from_millis(BODY_TIMEOUT_MS);
        tokio::spawn(tokio::time::timeout(timeout, forget(body)));
    }
}

async fn forget(mut body: Incoming) {
    let mut left = LEFTOVER_BYTES_MAX;
    let pause = Duration::from_millis(LEFTOVER_PAUSE_MS_MAX);
    // Whoever pauses is not sending any more, and has time to read.
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(pause, body.frame()).await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(u64::try_from(size).unwrap_or(u64::MAX)) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
