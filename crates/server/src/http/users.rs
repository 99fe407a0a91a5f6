//! People who may see and use licenses.

use axum::extract::State;
use usance_core::command::{Command, NewUser, UserPatch};
use usance_core::token::Permission;
use usance_wire::native::{lists, query, read_nothing, references, users};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::passwords;
use crate::http::problem::failed;
use crate::http::respond::{Answer, carry_out, json, make};

pub(super) async fn create(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    let (new, password) = users::read_new(&body)?;
    // Before the slow part, which is not for everybody.
    caller.need(Permission::UserWrite)?;
    let password = match password {
        Some(password) => Some(passwords::hash(password).await?),
        None => None,
    };
    make(&app, caller, Command::CreateUser(NewUser { password, ..new })).await
}

pub(super) async fn list(State(app): State<App>, Who(caller): Who, Query(query): Query) -> Answer {
    let page = query::read_page(&query)?;
    let audience = caller.audience;
    let page = app.engine.users(caller, None, page).await.map_err(failed)?;
    let item = |each: &_, out: &mut _| users::write(each, audience, out);
    Ok(json(|out| lists::write(&page, out, item)))
}

pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    InPath(user): InPath<String>,
) -> Answer {
    let audience = caller.audience;
    let user = app.engine.user(caller, references::user(&user)).await.map_err(failed)?;
    Ok(json(|out| users::write(&user, audience, out)))
}

pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    InPath(user): InPath<String>,
    Json(body): Json,
) -> Answer {
    let (mut patch, password) = users::read_patch(&body)?;
    caller.need(Permission::UserWrite)?;
    if let Some(password) = password {
        let password = Some(Some(passwords::hash(password).await?));
        patch = UserPatch { password, ..patch };
    }
    let command = Command::ChangeUser(references::user(&user), patch);
    carry_out(&app, caller, command).await
}

pub(super) async fn delete(
    State(app): State<App>,
    Who(caller): Who,
    InPath(user): InPath<String>,
) -> Answer {
    carry_out(&app, caller, Command::DeleteUser(references::user(&user))).await
}

pub(super) async fn ban(
    State(app): State<App>,
    Who(caller): Who,
    InPath(user): InPath<String>,
    Json(body): Json,
) -> Answer {
    read_nothing(&body)?;
    carry_out(&app, caller, Command::BanUser(references::user(&user), true)).await
}

pub(super) async fn unban(
    State(app): State<App>,
    Who(caller): Who,
    InPath(user): InPath<String>,
    Json(body): Json,
) -> Answer {
    read_nothing(&body)?;
    carry_out(&app, caller, Command::BanUser(references::user(&user), false)).await
}
