//! Who pays.

use axum::extract::State;
use usance_core::command::Command;
use usance_wire::native::{customers, lists, query, references};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, carry_out, json, make};

pub(super) async fn create(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    let command = Command::CreateCustomer(customers::read_new(&body)?);
    make(&app, caller, command).await
}

pub(super) async fn list(State(app): State<App>, Who(caller): Who, Query(query): Query) -> Answer {
    let page = query::read_page(&query)?;
    let audience = caller.audience;
    let page = app.engine.customers(caller, page).await.map_err(failed)?;
    let item = |each: &_, out: &mut _| customers::write(each, audience, out);
    Ok(json(|out| lists::write(&page, out, item)))
}

pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    InPath(customer): InPath<String>,
) -> Answer {
    let of = references::customer(&customer)?;
    let audience = caller.audience;
    let customer = app.engine.customer(caller, of).await.map_err(failed)?;
    Ok(json(|out| customers::write(&customer, audience, out)))
}

pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    InPath(customer): InPath<String>,
    Json(body): Json,
) -> Answer {
    let patch = customers::read_patch(&body)?;
    let command = Command::ChangeCustomer(references::customer(&customer)?, patch);
    carry_out(&app, caller, command).await
}

pub(super) async fn delete(
    State(app): State<App>,
    Who(caller): Who,
    InPath(customer): InPath<String>,
) -> Answer {
    let command = Command::DeleteCustomer(references::customer(&customer)?);
    carry_out(&app, caller, command).await
}
