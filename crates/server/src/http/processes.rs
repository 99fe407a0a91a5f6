//! Programs that run on machines.

use axum::extract::State;
use usance_core::command::Command;
use usance_wire::native::{lists, processes, query, read_nothing, references};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, carry_out, json, make};

pub(super) async fn create(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, machine)): InPath<(String, String)>,
    Json(body): Json,
) -> Answer {
    let new = processes::read_new(&body)?;
    let (of, machine) = (references::license(&license), references::activation(&machine));
    make(&app, caller, Command::StartProcess(of, machine, new)).await
}

pub(super) async fn list(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, machine)): InPath<(String, String)>,
    Query(query): Query,
) -> Answer {
    let page = query::read_page(&query)?;
    let (of, machine) = (references::license(&license), references::activation(&machine));
    let audience = caller.audience;
    let page = app.engine.processes(caller, of, machine, page).await.map_err(failed)?;
    let item = |each: &std::sync::Arc<_>, out: &mut _| processes::write(each, audience, out);
    Ok(json(|out| lists::write(&page, out, item)))
}

pub(super) async fn heartbeat(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, _, process)): InPath<(String, String, String)>,
    Json(body): Json,
) -> Answer {
    read_nothing(&body)?;
    let (of, process) = (references::license(&license), references::process(&process)?);
    carry_out(&app, caller, Command::HeartbeatProcess(of, process)).await
}

pub(super) async fn delete(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, _, process)): InPath<(String, String, String)>,
) -> Answer {
    let (of, process) = (references::license(&license), references::process(&process)?);
    carry_out(&app, caller, Command::EndProcess(of, process)).await
}
