//! The doors of the server: HTTP/1.1 around the engine.
//!
//! The path of a request: [`mod@serve`] accepts it within its bounds, [`routes`] finds its handler,
//! [`extract`] learns who is calling and reads the body, the handler has `usance-wire` read the
//! bytes, asks the engine, and has `usance-wire` write the answer. [`problem`] is every other end.

mod activations;
mod customers;
mod entitlements;
mod events;
mod extract;
mod keys;
mod ledger;
mod leftover;
mod licenses;
pub mod limits;
mod meters;
mod metrics;
mod operations;
mod origin;
mod passwords;
mod policies;
mod problem;
mod processes;
mod products;
mod reserved;
mod respond;
pub mod routes;
mod rules;
mod serve;
mod stream;
mod tokens;
mod users;
mod uses;
mod validations;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use usance_engine::Engine;

use crate::http::stream::Hub;
use crate::webhooks::Gauges;

pub use routes::openapi;
pub use serve::{serve, serve_beside, serve_with};

/// How the doors behave.
#[derive(Debug, Clone, Copy)]
pub struct HttpOptions {
    /// Connections at the same time; those beyond wait to be accepted.
    pub connections_max: usize,
    /// How long a connection may be idle, or take to send the head of a request.
    pub header_timeout: Duration,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long connections may take to end after the server was asked to stop.
    pub drain_timeout: Duration,
    /// Whether receivers of webhooks may be at private addresses, and be told in plain text.
    pub private_webhooks: bool,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            connections_max: limits::CONNECTIONS_MAX,
            header_timeout: Duration::from_millis(limits::HEADER_TIMEOUT_MS),
            body_timeout: Duration::from_millis(limits::BODY_TIMEOUT_MS),
            drain_timeout: Duration::from_millis(limits::DRAIN_TIMEOUT_MS),
            private_webhooks: false,
        }
    }
}

/// What handlers share.
#[derive(Clone)]
pub(crate) struct App {
    engine: Engine,
    options: HttpOptions,
    hub: Hub,
    webhooks: Arc<Gauges>,
}

impl App {
    fn new(engine: Engine, options: HttpOptions, webhooks: Arc<Gauges>) -> Self {
        Self { hub: Hub::new(engine.clone()), engine, options, webhooks }
    }
}

/// The doors as a router, for tests and for programs that bring their own server.
pub fn router(engine: Engine, options: HttpOptions) -> Router {
    routes::router().with_state(App::new(engine, options, Arc::default()))
}
