//! Machines that hold licenses.

use axum::extract::State;
use usance_core::activation::ActivationRef;
use usance_core::command::Command;
use usance_core::license::LicenseRef;
use usance_wire::native::{activations, lists, query, read_nothing, references};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, carry_out, json, make};

pub(super) async fn create(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
    Json(body): Json,
) -> Answer {
    let new = activations::read_new(&body)?;
    make(&app, caller, Command::Activate(references::license(&license), new)).await
}

pub(super) async fn list(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
    Query(query): Query,
) -> Answer {
    let page = query::read_page(&query)?;
    let of = references::license(&license);
    let audience = caller.audience;
    let page = app.engine.machines(caller, of, page).await.map_err(failed)?;
    let item = |each: &_, out: &mut _| activations::write(each, audience, out);
    Ok(json(|out| lists::write(&page, out, item)))
}

pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, machine)): InPath<(String, String)>,
) -> Answer {
    let (of, machine) = named(&license, &machine);
    let audience = caller.audience;
    let machine = app.engine.machine(caller, of, machine).await.map_err(failed)?;
    Ok(json(|out| activations::write(&machine, audience, out)))
}

pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, machine)): InPath<(String, String)>,
    Json(body): Json,
) -> Answer {
    let patch = activations::read_patch(&body)?;
    let (of, machine) = named(&license, &machine);
    carry_out(&app, caller, Command::ChangeActivation(of, machine, patch)).await
}

pub(super) async fn delete(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, machine)): InPath<(String, String)>,
) -> Answer {
    let (of, machine) = named(&license, &machine);
    carry_out(&app, caller, Command::Deactivate(of, machine)).await
}

pub(super) async fn heartbeat(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, machine)): InPath<(String, String)>,
    Json(body): Json,
) -> Answer {
    read_nothing(&body)?;
    let (of, machine) = named(&license, &machine);
    carry_out(&app, caller, Command::HeartbeatActivation(of, machine)).await
}

pub(super) async fn reset_heartbeat(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, machine)): InPath<(String, String)>,
    Json(body): Json,
) -> Answer {
    read_nothing(&body)?;
    let (of, machine) = named(&license, &machine);
    carry_out(&app, caller, Command::ResetHeartbeat(of, machine)).await
}

/// The machines of all licenses.
pub(super) async fn list_all(
    State(app): State<App>,
    Who(caller): Who,
    Query(query): Query,
) -> Answer {
    let (filter, page) = query::read_activations(&query)?;
    let audience = caller.audience;
    let page = app.engine.activations(caller, filter, page).await.map_err(failed)?;
    let item = |each: &_, out: &mut _| activations::write(each, audience, out);
    Ok(json(|out| lists::write(&page, out, item)))
}

/// A machine, whoever's it is.
pub(super) async fn show_any(
    State(app): State<App>,
    Who(caller): Who,
    InPath(machine): InPath<String>,
) -> Answer {
    let id = references::activation_id(&machine)?;
    let holder = app.engine.holder(caller.clone(), id).await.map_err(failed)?;
    let audience = caller.audience;
    let (of, machine) = (LicenseRef::Id(holder), ActivationRef::Id(id));
    let machine = app.engine.machine(caller, of, machine).await.map_err(failed)?;
    Ok(json(|out| activations::write(&machine, audience, out)))
}

fn named(license: &str, machine: &str) -> (LicenseRef, ActivationRef) {
    (references::license(license), references::activation(machine))
}
