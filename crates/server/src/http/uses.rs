//! Uses, one or many: the doors that are busy.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use hyper::body::Bytes;
use usance_core::caller::Caller;
use usance_core::usage::OperationKind;
use usance_wire::limits::BATCH_BODY_BYTES_MAX;
use usance_wire::native::batch::{self, Form};
use usance_wire::native::{Fault, answers, references, uses};

use crate::http::App;
use crate::http::extract::{
    InPath, Json, MediaType, Who, idempotency_key, media_type, no_query, read,
};
use crate::http::problem::{No, bad_header, failed};
use crate::http::respond::{Answer, json, of_type};

const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// A request of one use, whatever it does.
pub(super) struct OneUse {
    app: App,
    caller: Arc<Caller>,
    parts: Parts,
    path: (String, String),
    body: Bytes,
}

/// A request of many uses.
pub(super) struct ManyUses {
    app: App,
    caller: Arc<Caller>,
    form: Form,
    body: Bytes,
}

pub(super) async fn increment(one: OneUse) -> Answer {
    one.count(OperationKind::Increment).await
}

pub(super) async fn decrement(one: OneUse) -> Answer {
    one.count(OperationKind::Decrement).await
}

pub(super) async fn set(one: OneUse) -> Answer {
    one.count(OperationKind::Set).await
}

pub(super) async fn reset(one: OneUse) -> Answer {
    one.count(OperationKind::Reset).await
}

pub(super) async fn batch(many: ManyUses) -> Answer {
    let batch = batch::read(many.form, &many.body)?;
    let outcomes = match batch.uses.is_empty() {
        true => Vec::new(),
        false => {
            let counted = many.app.engine.count(many.caller, batch.uses).await;
            counted.map_err(failed)?
        }
    };
    /// A guess of an outcome's size; the buffer grows where it is wrong.
    const OUTCOME_BYTES: usize = 400;
    let mut out = Vec::with_capacity(outcomes.len() * OUTCOME_BYTES + OUTCOME_BYTES);
    batch.unread.write(&outcomes, &mut out);
    Ok(match many.form {
        Form::Array => json(|answer| *answer = out),
        Form::Lines => of_type(LINES, out),
    })
}

impl OneUse {
    async fn count(self, kind: OperationKind) -> Answer {
        let (license, meter) = &self.path;
        let target = uses::Target {
            license: references::license(license),
            meter: references::meter(meter)?,
            kind,
            header_key: idempotency_key(&self.parts.headers)?,
        };
        let asked = uses::read(target, &self.body)?;
        let counted = self.app.engine.count(self.caller, vec![asked]).await;
        let outcome = counted.map_err(failed)?.pop();
        let answer = outcome.ok_or(Fault::Internal)??;
        Ok(json(|out| answers::write(&answer, out)))
    }
}

impl FromRequest<App> for OneUse {
    type Rejection = No;

    async fn from_request(request: Request, app: &App) -> Result<Self, No> {
        let (mut parts, body) = request.into_parts();
        let Who(caller) = Who::from_request_parts(&mut parts, app).await?;
        let InPath(path) = InPath::from_request_parts(&mut parts, app).await?;
        let Json(body) = Json::of(&parts, body, &app.options).await?;
        Ok(Self { app: app.clone(), caller, parts, path, body })
    }
}

impl FromRequest<App> for ManyUses {
    type Rejection = No;

    async fn from_request(request: Request, app: &App) -> Result<Self, No> {
        let (mut parts, body) = request.into_parts();
        let Who(caller) = Who::from_request_parts(&mut parts, app).await?;
        no_query(&parts)?;
        if idempotency_key(&parts.headers)?.is_some() {
            let reason = "belongs to a single use; give each use of a batch its idempotency_key";
            return Err(bad_header("Idempotency-Key", reason));
        }
        let form = match media_type(&parts.headers) {
            MediaType::None | MediaType::Json => Form::Array,
            MediaType::Lines => Form::Lines,
            MediaType::Other => {
                let expected = "application/json or application/x-ndjson";
                return Err(Fault::UnsupportedMediaType(expected).into());
            }
        };
        let body = read(body, BATCH_BODY_BYTES_MAX, &app.options).await?;
        Ok(Self { app: app.clone(), caller, form, body })
    }
}
