//! Receivers of events.

use axum::extract::State;
use usance_core::command::Command;
use usance_wire::native::{lists, query, references, webhooks};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, carry_out, json, make};
use crate::webhooks::address::check;

pub(super) async fn create(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    let new = webhooks::read_new(&body)?;
    check(&new.url, app.options.private_webhooks)?;
    make(&app, caller, Command::CreateWebhook(new)).await
}

pub(super) async fn list(State(app): State<App>, Who(caller): Who, Query(query): Query) -> Answer {
    let page = query::read_page(&query)?;
    let page = app.engine.webhooks(caller, page).await.map_err(failed)?;
    let item = |view: &_, out: &mut _| webhooks::write(view, None, out);
    Ok(json(|out| lists::write(&page, out, item)))
}

pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    InPath(webhook): InPath<String>,
) -> Answer {
    let of = references::webhook(&webhook)?;
    let view = app.engine.webhook(caller, of).await.map_err(failed)?;
    Ok(json(|out| webhooks::write(&view, None, out)))
}

pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    InPath(webhook): InPath<String>,
    Json(body): Json,
) -> Answer {
    let patch = webhooks::read_patch(&body)?;
    if let Some(url) = &patch.url {
        check(url, app.options.private_webhooks)?;
    }
    carry_out(&app, caller, Command::ChangeWebhook(references::webhook(&webhook)?, patch)).await
}

pub(super) async fn delete(
    State(app): State<App>,
    Who(caller): Who,
    InPath(webhook): InPath<String>,
) -> Answer {
    carry_out(&app, caller, Command::DeleteWebhook(references::webhook(&webhook)?)).await
}

pub(super) async fn rotate_secret(
    State(app): State<App>,
    Who(caller): Who,
    InPath(webhook): InPath<String>,
    Json(body): Json,
) -> Answer {
    let rotation = webhooks::read_rotation(&body)?;
    let of = references::webhook(&webhook)?;
    carry_out(&app, caller, Command::RotateWebhookSecret(of, rotation)).await
}

pub(super) async fn redeliver(
    State(app): State<App>,
    Who(caller): Who,
    InPath(webhook): InPath<String>,
    Json(body): Json,
) -> Answer {
    let request = webhooks::read_redelivery(&body)?;
    carry_out(&app, caller, Command::Redeliver(references::webhook(&webhook)?, request)).await
}

pub(super) async fn deliveries(
    State(app): State<App>,
    Who(caller): Who,
    InPath(webhook): InPath<String>,
    Query(query): Query,
) -> Answer {
    let page = query::read_page(&query)?;
    let of = references::webhook(&webhook)?;
    let page = app.engine.deliveries(caller, of, page).await.map_err(failed)?;
    Ok(json(|out| lists::write(&page, out, webhooks::write_delivery)))
}

pub(super) async fn dead_letters(
    State(app): State<App>,
    Who(caller): Who,
    InPath(webhook): InPath<String>,
    Query(query): Query,
) -> Answer {
    let page = query::read_page(&query)?;
    let of = references::webhook(&webhook)?;
    let page = app.engine.dead_letters(caller, of, page).await.map_err(failed)?;
    Ok(json(|out| lists::write(&page, out, webhooks::write_dead_letter)))
}
