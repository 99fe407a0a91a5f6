//! Named features that policies and licenses grant.

use axum::extract::State;
use usance_core::command::Command;
use usance_wire::native::{entitlements, lists, query, references};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, carry_out, json, make};

pub(super) async fn create(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    let command = Command::CreateEntitlement(entitlements::read_new(&body)?);
    make(&app, caller, command).await
}

pub(super) async fn list(State(app): State<App>, Who(caller): Who, Query(query): Query) -> Answer {
    let page = query::read_page(&query)?;
    let audience = caller.audience;
    let page = app.engine.entitlements(caller, page).await.map_err(failed)?;
    let item = |each: &_, out: &mut _| entitlements::write(each, audience, out);
    Ok(json(|out| lists::write(&page, out, item)))
}

pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    InPath(entitlement): InPath<String>,
) -> Answer {
    let of = references::entitlement(&entitlement)?;
    let audience = caller.audience;
    let entitlement = app.engine.entitlement(caller, of).await.map_err(failed)?;
    Ok(json(|out| entitlements::write(&entitlement, audience, out)))
}

pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    InPath(entitlement): InPath<String>,
    Json(body): Json,
) -> Answer {
    let patch = entitlements::read_patch(&body)?;
    let command = Command::ChangeEntitlement(references::entitlement(&entitlement)?, patch);
    carry_out(&app, caller, command).await
}

pub(super) async fn delete(
    State(app): State<App>,
    Who(caller): Who,
    InPath(entitlement): InPath<String>,
) -> Answer {
    let command = Command::DeleteEntitlement(references::entitlement(&entitlement)?);
    carry_out(&app, caller, command).await
}
