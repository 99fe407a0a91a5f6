//! The no-op server: what HTTP, routing and JSON cost when nothing is counted and nothing is kept.
//!
//! It stands on the same libraries as usance with their defaults, has the same route, reads the
//! same use into types and writes the same answer from types. It runs as a process of its own, so
//! that its memory and processor time compare with those of a real server.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::extract::Path;
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::child::Child;
use crate::http::Caller;

/// A use as the contract has it. What is not answered is read all the same.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "reading the fields is the work; answering needs the amount alone")]
struct Use {
    #[serde(default = "one")]
    amount: i64,
    idempotency_key: Option<String>,
    bound: Option<i64>,
    #[serde(default)]
    partial: bool,
    occurred_at: Option<String>,
    subject: Option<Subject>,
    attributes: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "reading the fields is the work")]
struct Subject {
    user: Option<String>,
    host: Option<String>,
    address: Option<String>,
}

#[derive(Debug, Serialize)]
struct Answer {
    license: String,
    meter: String,
    operation: &'static str,
    asked: i64,
    applied: i64,
    overage: i64,
    total: i64,
    gross: i64,
    allowed: i64,
    remaining: i64,
    held: i64,
    period_end: Option<&'static str>,
    record: u64,
    at: &'static str,
    repeat: bool,
}

fn one() -> i64 {
    1
}

/// Serves until the process is ended; prints its address when it is ready.
pub fn serve(listen: SocketAddr) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen}"))?;
        println!("listening on http://{}", listener.local_addr()?);
        let routes =
            Router::new().route("/v1/licenses/{license}/meters/{meter}/increment", post(increment));
        axum::serve(listener, routes).await.context("the server ended")
    })
}

async fn increment(
    Path((license, meter)): Path<(String, String)>,
    Json(asked): Json<Use>,
) -> Json<Answer> {
    const TOTAL: i64 = 123_456;
    const ALLOWED: i64 = 1_000_000_000_000_000;
    Json(Answer {
        license,
        meter,
        operation: "increment",
        asked: asked.amount,
        applied: asked.amount,
        overage: 0,
        total: TOTAL,
        gross: TOTAL,
        allowed: ALLOWED,
        remaining: ALLOWED - TOTAL,
        held: 0,
        period_end: None,
        record: 1_234_567,
        at: "2026-11-23T14:20:00.123Z",
        repeat: false,
    })
}

/// A running no-op server.
pub struct Noop {
    pub child: Child,
    pub address: SocketAddr,
}

impl Noop {
    /// Starts this very program as the server.
    pub fn start() -> Result<Self> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut command = std::process::Command::new(program);
        command.args(["noop", "--listen", "127.0.0.1:0"]);
        let mut child = Child::start("the no-op server", command)?;
        let address = child.wait_for_address(Duration::from_secs(10))?;
        Ok(Self { child, address })
    }

    /// Sends an authorization as a caller of usance does, though nobody here reads it.
    pub fn caller(&self) -> Caller {
        Caller { host: self.address.to_string(), token: "n".repeat(48) }
    }
}
