//! What happened, asked for in pages or followed.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use usance_core::caller::Caller;
use usance_core::event::EventFilter;
use usance_core::id::LicenseId;
use usance_core::license::LicenseRef;
use usance_core::refusal::Refusal;
use usance_wire::native::events::{self, Sight};
use usance_wire::native::query::{self, EventsFrom};

use crate::http::App;
use crate::http::extract::{Query, Who, presented};
use crate::http::problem::{No, bad_header, failed};
use crate::http::respond::{Answer, json};
use crate::http::stream::{Credential, Wanted};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

pub(super) async fn list(State(app): State<App>, Who(caller): Who, Query(query): Query) -> Answer {
    let asked = query::read_events(&query)?;
    let license = license_id(&app, &caller, asked.license).await?;
    let filter = EventFilter { license, ..asked.filter };
    let from = match asked.from {
        None => 0,
        Some(EventsFrom::Number(number)) => number,
        Some(EventsFrom::End) => end(&app, &caller).await?,
    };
    let sight = Sight::of(&caller);
    let found = app.engine.events(caller, from, filter, asked.limit).await.map_err(failed)?;
    Ok(json(|out| events::write_page(&found, sight, out)))
}

pub(super) async fn follow(
    State(app): State<App>,
    Who(caller): Who,
    Query(query): Query,
    headers: HeaderMap,
) -> Answer {
    let asked = query::read_stream(&query)?;
    let license = license_id(&app, &caller, asked.license).await?;
    let filter = EventFilter { license, ..asked.filter };
    let filter = app.engine.event_filter(&caller, &filter).map_err(failed)?;
    let end = end(&app, &caller).await?;
    let next = match (last_event_id(&headers)?, asked.from) {
        // A browser that comes back sends both, and what it saw last is what counts.
        (Some(seen), _) => seen.saturating_add(1),
        (None, Some(EventsFrom::Number(number))) => number,
        (None, Some(EventsFrom::End) | None) => end,
    };
    if next > end {
        return Err(Refusal::invalid("from", "must not be beyond the end of the ledger").into());
    }
    let credential = Credential::of(presented(&headers)?);
    let body = app.hub.listen(Wanted { caller, credential, filter, next }).map_err(No)?;
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, EVENT_STREAM);
    headers.insert(CACHE_CONTROL, NO_STORE);
    // Proxies that gather answers before they pass them on would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

async fn end(app: &App, caller: &Arc<Caller>) -> Result<u64, No> {
    app.engine.events_end(Arc::clone(caller)).await.map_err(failed)
}

/// The license that is named, by its id or its key.
async fn license_id(
    app: &App,
    caller: &Arc<Caller>,
    named: Option<LicenseRef>,
) -> Result<Option<LicenseId>, No> {
    match named {
        None => Ok(None),
        Some(LicenseRef::Id(id)) => Ok(Some(id)),
        Some(key) => {
            let found = app.engine.license(Arc::clone(caller), key).await;
            Ok(Some(found.map_err(failed)?.0.id))
        }
    }
}

/// The number of the last event that a listener saw before it lost its connection.
fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, No> {
    let Some(value) = headers.get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.parse().map_err(|_| bad_header("Last-Event-ID", "must be a number"))?;
    Ok(Some(number))
}

#[cfg(test)]
mod tests;
