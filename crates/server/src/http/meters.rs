//! The state, history and sums of meters.

use axum::extract::State;
use usance_core::command::Command;
use usance_wire::native::{licenses, meters, query, records, references, specs, usage};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, carry_out, json, make};

pub(super) async fn list(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
) -> Answer {
    let of = references::license(&license);
    let meters = app.engine.meters(caller, of).await.map_err(failed)?;
    Ok(json(|out| meters::write_all(&meters, out)))
}

pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, meter)): InPath<(String, String)>,
) -> Answer {
    let (of, meter) = (references::license(&license), references::meter(&meter)?);
    let meter = app.engine.meter(caller, of, meter).await.map_err(failed)?;
    Ok(json(|out| meters::write(&meter, out)))
}

pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, meter)): InPath<(String, String)>,
    Json(body): Json,
) -> Answer {
    let (of, meter) = (references::license(&license), references::meter(&meter)?);
    let command = Command::ChangeAllowed(of, meter, licenses::read_allowed(&body)?);
    carry_out(&app, caller, command).await
}

pub(super) async fn add(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
    Json(body): Json,
) -> Answer {
    let new = specs::read_new(&body)?;
    make(&app, caller, Command::AddMeter(references::license(&license), new)).await
}

pub(super) async fn remove(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, meter)): InPath<(String, String)>,
) -> Answer {
    let (of, meter) = (references::license(&license), references::meter(&meter)?);
    carry_out(&app, caller, Command::RemoveMeter(of, meter)).await
}

pub(super) async fn history(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, meter)): InPath<(String, String)>,
    Query(query): Query,
) -> Answer {
    let (of, meter) = (references::license(&license), references::meter(&meter)?);
    let page = query::read_page(&query)?;
    let audience = caller.audience;
    let history = app.engine.history(caller, of, meter, page).await;
    let history = history.map_err(failed)?;
    Ok(json(|out| records::write(&history, audience, out)))
}

pub(super) async fn sums(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, meter)): InPath<(String, String)>,
    Query(query): Query,
) -> Answer {
    let (of, meter) = (references::license(&license), references::meter(&meter)?);
    let query::UsageQuery { from, to, window } = query::read_usage(&query)?;
    let report = app.engine.usage(caller, of, meter, from..to, window).await;
    let report = report.map_err(failed)?;
    Ok(json(|out| usage::write(&report, out)))
}
