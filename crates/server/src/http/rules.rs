//! Rules that act by themselves, and what they did.

use axum::extract::State;
use usance_core::command::Command;
use usance_engine::queries::TryRule;
use usance_wire::native::rules::{self, TrialRequest};
use usance_wire::native::{lists, query, references};

use crate::http::App;
use crate::http::extract::{InPath, Json, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, carry_out, json, make};

pub(super) async fn create(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    let command = Command::CreateRule(rules::read_new(&body)?);
    make(&app, caller, command).await
}

pub(super) async fn list(State(app): State<App>, Who(caller): Who, Query(query): Query) -> Answer {
    let page = query::read_page(&query)?;
    let page = app.engine.rules(caller, page).await.map_err(failed)?;
    Ok(json(|out| lists::write(&page, out, rules::write)))
}

pub(super) async fn show(
    State(app): State<App>,
    Who(caller): Who,
    InPath(rule): InPath<String>,
) -> Answer {
    let of = references::rule(&rule)?;
    let rule = app.engine.rule(caller, of).await.map_err(failed)?;
    Ok(json(|out| rules::write(&rule, out)))
}

pub(super) async fn change(
    State(app): State<App>,
    Who(caller): Who,
    InPath(rule): InPath<String>,
    Json(body): Json,
) -> Answer {
    let patch = rules::read_patch(&body)?;
    let command = Command::ChangeRule(references::rule(&rule)?, patch);
    carry_out(&app, caller, command).await
}

pub(super) async fn delete(
    State(app): State<App>,
    Who(caller): Who,
    InPath(rule): InPath<String>,
) -> Answer {
    let command = Command::DeleteRule(references::rule(&rule)?);
    carry_out(&app, caller, command).await
}

pub(super) async fn attempt(State(app): State<App>, Who(caller): Who, Json(body): Json) -> Answer {
    let TrialRequest { rule, days } = rules::read_trial(&body)?;
    let of = match rule {
        Ok(known) => TryRule::Known(known),
        Err(new) => TryRule::New(new),
    };
    let trial = app.engine.try_rule(caller, of, days).await.map_err(failed)?;
    let range = (trial.from, trial.to);
    Ok(json(|out| {
        rules::write_trial((&trial.acts, trial.records), range, trial.is_whole, out);
    }))
}

pub(super) async fn blocks(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
    Query(query): Query,
) -> Answer {
    let (now, page) = (app.engine.now(), query::read_page(&query)?);
    let found = app.engine.blocks(caller, references::license(&license), page).await;
    let page = found.map_err(failed)?;
    Ok(json(|out| {
        lists::write(&page, out, |act, out| {
            rules::write_block(&act.block, act.undone_at, now, out);
        });
    }))
}

pub(super) async fn unblock(
    State(app): State<App>,
    Who(caller): Who,
    InPath(license): InPath<String>,
    Json(body): Json,
) -> Answer {
    let rule = rules::read_unblock(&body)?;
    let command = Command::Unblock(references::license(&license), rule);
    carry_out(&app, caller, command).await
}
