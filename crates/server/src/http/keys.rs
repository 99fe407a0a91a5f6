//! The public keys that license files verify with.

use axum::extract::State;
use usance_core::command::Command;
use usance_wire::native::{keys, read_nothing};

use crate::http::App;
use crate::http::extract::{Json, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, carry_out, json};

pub(super) async fn list(State(app): State<App>) -> Answer {
    let account = app.engine.account();
    let found = app.engine.public_keys().await.map_err(failed)?;
    Ok(json(|out| keys::write_all(account, &found, out)))
}

pub(super) async fn rotate(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    read_nothing(&body)?;
    carry_out(&app, caller, Command::RotateKey).await
}
