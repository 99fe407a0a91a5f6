//! Rights to use.

use axum::extract::State;
use usance_core::command::Command;
use usance_core::license::StandingChange;
use usance_wire::native::{licenses, lists, query, references};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, changed, json, made};

pub(super) async fn create(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    let command = Command::CreateLicense(licenses::read_new(&body)?);
    let reply = app.engine.change(caller, command).await.map_err(failed)?;
    Ok(made(&reply))
}

pub(super) async fn list(State(app): State<App>, Who(caller): Who, Query(query): Query) -> Answer {
    let (filter, page) = query::read_licenses(&query)?;
    let found = app.engine.licenses(caller, filter, page).await;
    let (page, now) = found.map_err(failed)?;
    let item = |license: &_, out: &mut _| licenses::write(license, now, out);
    Ok(json(|out| lists::write(&page, out, item)))
}

pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
) -> Answer {
    let of = references::license(&license);
    let (license, now) = app.engine.license(caller, of).await.map_err(failed)?;
    Ok(json(|out| licenses::write(&license, now, out)))
}

pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
    Json(body): Json,
) -> Answer {
    let patch = licenses::read_patch(&body)?;
    let command = Command::ChangeLicense(references::license(&license), patch);
    let reply = app.engine.change(caller, command).await.map_err(failed)?;
    Ok(changed(&reply))
}

pub(super) async fn delete(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
) -> Answer {
    let command = Command::DeleteLicense(references::license(&license));
    let reply = app.engine.change(caller, command).await.map_err(failed)?;
    Ok(changed(&reply))
}

pub(super) async fn suspend(
    app: State<App>,
    caller: Who,
    license: InPath<String>,
    body: Json,
) -> Answer {
    change_standing(app, caller, license, body, StandingChange::Suspend).await
}

pub(super) async fn reinstate(
    app: State<App>,
    caller: Who,
    license: InPath<String>,
    body: Json,
) -> Answer {
    change_standing(app, caller, license, body, StandingChange::Reinstate).await
}

pub(super) async fn revoke(
    app: State<App>,
    caller: Who,
    license: InPath<String>,
    body: Json,
) -> Answer {
    change_standing(app, caller, license, body, StandingChange::Revoke).await
}

async fn change_standing(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
    Json(body): Json,
    change: StandingChange,
) -> Answer {
    licenses::read_standing_change(&body)?;
    let command = Command::ChangeStanding(references::license(&license), change);
    let reply = app.engine.change(caller, command).await.map_err(failed)?;
    Ok(changed(&reply))
}
