//! The public keys that license files verify with.

use axum::extract::State;
use usance_core::command::Command;
use usance_wire::native::{keys, query, read_nothing};

use crate::http::App;
use crate::http::extract::{Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, json, make};

pub(super) async fn list(State(app): State<App>, Query(query): Query) -> Answer {
    query::read_none(&query)?;
    let account = app.engine.account();
    let found = app.engine.public_keys().await.map_err(failed)?;
    Ok(json(|out| keys::write_all(account, &found, out)))
}

pub(super) async fn rotate(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    read_nothing(&body)?;
    make(&app, caller, Command::RotateKey).await
}
