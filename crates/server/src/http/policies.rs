//! The templates of licenses.

use axum::extract::State;
use usance_core::command::Command;
use usance_wire::native::{lists, policies, query, references};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, carry_out, json, make};

pub(super) async fn create(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    let command = Command::CreatePolicy(policies::read_new(&body)?);
    make(&app, caller, command).await
}

pub(super) async fn list(State(app): State<App>, Who(caller): Who, Query(query): Query) -> Answer {
    let (product, page) = query::read_policies(&query)?;
    let audience = caller.audience;
    let page = app.engine.policies(caller, product, page).await.map_err(failed)?;
    let item = |each: &_, out: &mut _| policies::write(each, audience, out);
    Ok(json(|out| lists::write(&page, out, item)))
}

pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    InPath(policy): InPath<String>,
) -> Answer {
    let of = references::policy(&policy)?;
    let audience = caller.audience;
    let policy = app.engine.policy(caller, of).await.map_err(failed)?;
    Ok(json(|out| policies::write(&policy, audience, out)))
}

pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    InPath(policy): InPath<String>,
    Json(body): Json,
) -> Answer {
    let patch = policies::read_patch(&body)?;
    let command = Command::ChangePolicy(references::policy(&policy)?, patch);
    carry_out(&app, caller, command).await
}

pub(super) async fn delete(
    State(app): State<App>,
    Who(caller): Who,
    InPath(policy): InPath<String>,
) -> Answer {
    let command = Command::DeletePolicy(references::policy(&policy)?);
    carry_out(&app, caller, command).await
}
