//! Whether licenses are valid, online and offline.

use axum::extract::State;
use usance_core::command::Command;
use usance_wire::native::{files, references, validations};

use crate::http::App;
use crate::http::extract::{InPath, Json, Who};
use crate::http::respond::{Answer, carry_out};

pub(super) async fn validate(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
    Json(body): Json,
) -> Answer {
    let request = validations::read(&body)?;
    let command = Command::ValidateLicense(references::license(&license), request);
    carry_out(&app, caller, command).await
}

pub(super) async fn validate_key(
    State(app): State<App>,
    Who(caller): Who,
    Json(body): Json,
) -> Answer {
    let (of, request) = validations::read_of_key(&body)?;
    carry_out(&app, caller, Command::ValidateLicense(of, request)).await
}

pub(super) async fn file(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
    Json(body): Json,
) -> Answer {
    let request = files::read(&body)?;
    let command = Command::MakeFile(references::license(&license), request);
    carry_out(&app, caller, command).await
}
