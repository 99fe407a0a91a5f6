//! Connections: accepted within bounds, ended in order.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::EXPECT;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower_service::Service as _;
use usance_engine::Engine;

use crate::http::leftover::ReadToEnd;
use crate::http::limits::{ACCEPT_RETRY_MS, HEADERS_MAX, READ_BUFFER_BYTES_MAX};
use crate::http::{App, HttpOptions, origin, problem, routes, uses};
use crate::webhooks::Gauges;

/// Serves until `shutdown` is done and what was accepted is finished.
///
/// # Errors
/// None now; a listener that fails for the moment is asked again.
pub async fn serve(
    listener: TcpListener,
    engine: Engine,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_with(listener, engine, HttpOptions::default(), shutdown).await
}

/// The same, with options.
///
/// # Errors
/// As [`serve`].
pub async fn serve_with(
    listener: TcpListener,
    engine: Engine,
    options: HttpOptions,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    serve_beside(listener, engine, options, Arc::default(), shutdown).await
}

/// The same, beside a deliverer of webhooks, whose counters are shown.
///
/// # Errors
/// As [`serve`].
pub async fn serve_beside(
    listener: TcpListener,
    engine: Engine,
    options: HttpOptions,
    webhooks: Arc<Gauges>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = App::new(engine, options, webhooks);
    let hub = app.hub.clone();
    let router = routes::router().with_state(app.clone());
    let doors = Doors { router, app: Some(app) };
    let shutdown = async move {
        shutdown.await;
        // Streams have no end of their own that could be waited for.
        hub.close();
    };
    serve_doors(listener, doors, options, shutdown).await;
    Ok(())
}

/// What requests are given to.
#[derive(Clone)]
pub(crate) struct Doors {
    /// All routes.
    pub(crate) router: Router,
    /// What single uses are counted with, past the router.
    pub(crate) app: Option<App>,
}

impl Doors {
    async fn respond(self, request: Request<Incoming>) -> Response {
        let request = request_of(request);
        if let Some(app) = &self.app
            && let Some(named) = uses::named(request.method(), request.uri())
        {
            return uses::count_one(app, named, request).await;
        }
        let mut router = self.router;
        match router.call(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Serves any doors.
pub(crate) async fn serve_doors(
    listener: TcpListener,
    doors: Doors,
    options: HttpOptions,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    let slots = Arc::new(Semaphore::new(options.connections_max));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        // A client that has said everything may close its half and still wants its answer.
        .half_close(true)
        .max_headers(HEADERS_MAX)
        .max_buf_size(READ_BUFFER_BYTES_MAX);
    loop {
        let (stream, slot) = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            () = &mut shutdown => break,
        };
        let doors = doors.clone();
        let peer = stream.peer_addr().ok().map(|peer| peer.ip().to_canonical());
        let service = service_fn(move |request: Request<Incoming>| {
            let response = origin::of(peer, doors.clone().respond(request));
            async move { Ok::<_, Infallible>(guarded(response).await) }
        });
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                // A client that goes away or talks nonsense is its own affair.
                tracing::debug!(%error, "a connection ended early");
            }
            drop(slot);
        });
    }
    drop(listener);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(options.drain_timeout) => {
            tracing::warn!("some connections did not end in time and are cut");
        }
    }
}

/// The request, whose body is read to its end even where it is refused before.
fn request_of(request: Request<Incoming>) -> Request<Body> {
    // A client that waits for permission to send has nothing under way that could be lost.
    if request.headers().contains_key(EXPECT) {
        return request.map(Body::new);
    }
    request.map(|body| Body::new(ReadToEnd::new(body)))
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, OwnedSemaphorePermit) {
    let slot = Arc::clone(slots).acquire_owned().await;
    let slot = slot.expect("the semaphore is never closed");
    loop {
        let error = match listener.accept().await {
            Ok((stream, _)) => match stream.set_nodelay(true) {
                Ok(()) => return (stream, slot),
                Err(error) => error,
            },
            Err(error) => error,
        };
        if is_of_the_connection(&error) {
            continue;
        }
        tracing::error!(%error, "cannot accept connections; trying again");
        tokio::time::sleep(Duration::from_millis(ACCEPT_RETRY_MS)).await;
    }
}

/// Whether the next connection may be accepted at once, as only this one is gone.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::NotConnected
            | io::ErrorKind::InvalidInput
    )
}

/// A response in any case: a panic in a handler is one request's failure, not the server's.
///
/// Unwinding is safe here: handlers share the engine alone, whose state lives in its own thread.
async fn guarded(response: impl Future<Output = Response>) -> Response {
    let mut response = pin!(response);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| response.as_mut().poll(context)));
        match polled {
            Ok(polled) => polled,
            Err(_) => Poll::Ready(problem::panicked()),
        }
    })
    .await
}

#[cfg(test)]
mod tests;
