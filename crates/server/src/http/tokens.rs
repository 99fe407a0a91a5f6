//! Credentials.

use axum::extract::State;
use usance_core::command::Command;
use usance_wire::native::{lists, query, references, tokens};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, carry_out, json, make};

pub(super) async fn create(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    let command = Command::CreateToken(tokens::read_new(&body)?);
    make(&app, caller, command).await
}

pub(super) async fn list(State(app): State<App>, Who(caller): Who, Query(query): Query) -> Answer {
    let page = query::read_page(&query)?;
    let page = app.engine.tokens(caller, page).await.map_err(failed)?;
    let item = |token: &_, out: &mut _| tokens::write(token, None, out);
    Ok(json(|out| lists::write(&page, out, item)))
}

pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    InPath(token): InPath<String>,
) -> Answer {
    let of = references::token(&token)?;
    let token = app.engine.token(caller, of).await.map_err(failed)?;
    Ok(json(|out| tokens::write(&token, None, out)))
}

pub(super) async fn revoke(
    State(app): State<App>,
    Who(caller): Who,
    InPath(token): InPath<String>,
) -> Answer {
    let command = Command::RevokeToken(references::token(&token)?);
    carry_out(&app, caller, command).await
}
