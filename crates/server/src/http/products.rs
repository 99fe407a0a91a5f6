//! What is sold.

use axum::extract::State;
use usance_core::command::Command;
use usance_wire::native::{lists, products, query, references};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, carry_out, json, make};

pub(super) async fn create(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    let command = Command::CreateProduct(products::read_new(&body)?);
    make(&app, caller, command).await
}

pub(super) async fn list(State(app): State<App>, Who(caller): Who, Query(query): Query) -> Answer {
    let page = query::read_page(&query)?;
    let audience = caller.audience;
    let page = app.engine.products(caller, page).await.map_err(failed)?;
    let item = |each: &_, out: &mut _| products::write(each, audience, out);
    Ok(json(|out| lists::write(&page, out, item)))
}

pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    InPath(product): InPath<String>,
) -> Answer {
    let of = references::product(&product)?;
    let audience = caller.audience;
    let product = app.engine.product(caller, of).await.map_err(failed)?;
    Ok(json(|out| products::write(&product, audience, out)))
}

pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    InPath(product): InPath<String>,
    Json(body): Json,
) -> Answer {
    let patch = products::read_patch(&body)?;
    let command = Command::ChangeProduct(references::product(&product)?, patch);
    carry_out(&app, caller, command).await
}

pub(super) async fn delete(
    State(app): State<App>,
    Who(caller): Who,
    InPath(product): InPath<String>,
) -> Answer {
    let command = Command::DeleteProduct(references::product(&product)?);
    carry_out(&app, caller, command).await
}
