//! Checkpoints of the ledger, and proofs over it.

use axum::extract::State;
use usance_wire::native::{ledger, query};

use crate::http::App;
use crate::http::extract::{Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, json, text};

pub(super) async fn checkpoint(State(app): State<App>, Who(caller): Who) -> Answer {
    Ok(text(app.engine.checkpoint(caller).await.map_err(failed)?))
}

pub(super) async fn key(State(app): State<App>, Who(caller): Who) -> Answer {
    let mut key = app.engine.verifier_key(&caller).map_err(failed)?;
    key.push('\n');
    Ok(text(key))
}

pub(super) async fn inclusion(
    State(app): State<App>,
    Who(caller): Who,
    Query(query): Query,
) -> Answer {
    let (record, size) = query::read_inclusion(&query)?;
    let proof = app.engine.inclusion(caller, record, size).await;
    let proof = proof.map_err(failed)?;
    Ok(json(|out| ledger::write_inclusion(&proof, out)))
}

pub(super) async fn consistency(
    State(app): State<App>,
    Who(caller): Who,
    Query(query): Query,
) -> Answer {
    let (from, to) = query::read_consistency(&query)?;
    let proof = app.engine.consistency(caller, from, to).await;
    let proof = proof.map_err(failed)?;
    Ok(json(|out| ledger::write_consistency(&proof, out)))
}
