//! What is set aside on meters: holds and sessions. What moves them is a use.

use axum::extract::State;
use usance_wire::native::{holds, lists, query, references, sessions};

use crate::http::App;
use crate::http::extract::{InPath, Query, Who};
use crate::http::problem::failed;
use crate::http::respond::{Answer, json};

pub(super) async fn holds(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, meter)): InPath<(String, String)>,
    Query(query): Query,
) -> Answer {
    let (of, meter) = (references::license(&license), references::meter(&meter)?);
    let page = query::read_page(&query)?;
    let page = app.engine.holds(caller, of, meter, page).await.map_err(failed)?;
    Ok(json(|out| lists::write(&page, out, holds::write)))
}

pub(super) async fn sessions(
    State(app): State<App>,
    Who(caller): Who,
    InPath((license, meter)): InPath<(String, String)>,
    Query(query): Query,
) -> Answer {
    let (of, meter) = (references::license(&license), references::meter(&meter)?);
    let page = query::read_page(&query)?;
    let audience = caller.audience;
    let page = app.engine.sessions(caller, of, meter, page).await.map_err(failed)?;
    let item = |each: &_, out: &mut _| sessions::write(each, audience, out);
    Ok(json(|out| lists::write(&page, out, item)))
}
