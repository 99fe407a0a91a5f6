//! What is sold.

use axum::extract::State;
use usance_core::command::Command;
use usance_wire::native::{lists, products, query, references};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, changed, json, made};

pub(super) async fn create(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    let command = Command::CreateProduct(products::read_new(&body)?);
    let reply = app.engine.change(caller, command).await.map_err(failed)?;
    Ok(made(&reply))
}

pub(super) async fn list(State(app): State<App>, Who(caller): Who, Query(query): Query) -> Answer {
    let page = query::read_page(&query)?;
    let page = app.engine.products(caller, page).await.map_err(failed)?;
    Ok(json(|out| lists::write(&page, out, products::write)))
}

pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    InPath(product): InPath<String>,
) -> Answer {
    let of = references::product(&product)?;
    let product = app.engine.product(caller, of).await.map_err(failed)?;
    Ok(json(|out| products::write(&product, out)))
}

pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    InPath(product): InPath<String>,
    Json(body): Json,
) -> Answer {
    let patch = products::read_patch(&body)?;
    let command = Command::ChangeProduct(references::product(&product)?, patch);
    let reply = app.engine.change(caller, command).await.map_err(failed)?;
    Ok(changed(&reply))
}

pub(super) async fn delete(
    State(app): State<App>,
    Who(caller): Who,
    InPath(product): InPath<String>,
) -> Answer {
    let command = Command::DeleteProduct(references::product(&product)?);
    let reply = app.engine.change(caller, command).await.map_err(failed)?;
    Ok(changed(&reply))
}
