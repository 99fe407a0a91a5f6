//! Rights to use.

use axum::extract::State;
use usance_core::command::Command;
use usance_core::license::StandingChange;
use usance_wire::native::licenses::{self, Shown};
use usance_wire::native::{lists, query, read_nothing, references};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, carry_out, json, license_with_terms, make};

pub(super) async fn create(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    let command = Command::CreateLicense(licenses::read_new(&body)?);
    make(&app, caller, command).await
}

pub(super) async fn list(State(app): State<App>, Who(caller): Who, Query(query): Query) -> Answer {
    let (filter, page) = query::read_licenses(&query)?;
    let audience = caller.audience;
    let found = app.engine.licenses(caller, filter, page).await;
    let (page, at) = found.map_err(failed)?;
    let item = |license: &_, out: &mut _| {
        licenses::write(Shown { license, policy_terms: None, at, audience }, out);
    };
    Ok(json(|out| lists::write(&page, out, item)))
}

pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
) -> Answer {
    let of = references::license(&license);
    let found = app.engine.license(caller.clone(), of).await;
    let (license, now) = found.map_err(failed)?;
    Ok(license_with_terms(&app, caller, &license, now).await)
}

pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
    Json(body): Json,
) -> Answer {
    let patch = licenses::read_patch(&body)?;
    let command = Command::ChangeLicense(references::license(&license), patch);
    carry_out(&app, caller, command).await
}

pub(super) async fn delete(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
) -> Answer {
    let command = Command::DeleteLicense(references::license(&license));
    carry_out(&app, caller, command).await
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
    read_nothing(&body)?;
    let command = Command::ChangeStanding(references::license(&license), change);
    carry_out(&app, caller, command).await
}

pub(super) async fn renew(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
    Json(body): Json,
) -> Answer {
    read_nothing(&body)?;
    carry_out(&app, caller, Command::RenewLicense(references::license(&license))).await
}

pub(super) async fn check_in(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
    Json(body): Json,
) -> Answer {
    read_nothing(&body)?;
    carry_out(&app, caller, Command::CheckInLicense(references::license(&license))).await
}

pub(super) async fn transfer(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
    Json(body): Json,
) -> Answer {
    let to = licenses::read_transfer(&body)?;
    carry_out(&app, caller, Command::TransferLicense(references::license(&license), to)).await
}
