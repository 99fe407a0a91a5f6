//! The templates of licenses.

use axum::extract::State;
use usance_core::command::Command;
use usance_wire::native::{lists, policies, query, references};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, changed, json, made};

pub(super) async fn create(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    let command = Command::CreatePolicy(policies::read_new(&body)?);
    let reply = app.engine.change(caller, command).await.map_err(failed)?;
    Ok(made(&reply))
}

pub(super) async fn list(State(app): State<App>, Who(caller): Who, Query(query): Query) -> Answer {
    let (product, page) = query::read_policies(&query)?;
    let page = app.engine.policies(caller, product, page).await;
    let page = page.map_err(failed)?;
    Ok(json(|out| lists::write(&page, out, policies::write)))
}

pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    InPath(policy): InPath<String>,
) -> Answer {
    let of = references::policy(&policy)?;
    let policy = app.engine.policy(caller, of).await.map_err(failed)?;
    Ok(json(|out| policies::write(&policy, out)))
}

pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    InPath(policy): InPath<String>,
    Json(body): Json,
) -> Answer {
    let patch = policies::read_patch(&body)?;
    let command = Command::ChangePolicy(references::policy(&policy)?, patch);
    let reply = app.engine.change(caller, command).await.map_err(failed)?;
    Ok(changed(&reply))
}

pub(super) async fn delete(
    State(app): State<App>,
    Who(caller): Who,
    InPath(policy): InPath<String>,
) -> Answer {
    let command = Command::DeletePolicy(references::policy(&policy)?);
    let reply = app.engine.change(caller, command).await.map_err(failed)?;
    Ok(changed(&reply))
}
