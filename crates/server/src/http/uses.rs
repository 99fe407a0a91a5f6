//! Uses, one or many: the doors that are busy.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Bytes;
use serde::de::DeserializeOwned;
use usance_core::caller::Caller;
use usance_wire::limits::BATCH_BODY_BYTES_MAX;
use usance_wire::native::batch::{self, Form};
use usance_wire::native::uses::{self, Verb};
use usance_wire::native::{Fault, answers, references};

use crate::http::App;
use crate::http::extract::{
    InPath, Json, MediaType, Who, idempotency_key, media_type, no_query, read,
};
use crate::http::problem::{No, bad_header, failed};
use crate::http::respond::{Answer, json, of_type};

const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// A request of one use, whatever it does. Its path names a license and a meter.
pub(super) struct OneUse<Path = (String, String)> {
    app: App,
    caller: Arc<Caller>,
    parts: Parts,
    path: Path,
    body: Bytes,
}

/// The same, of a hold or session that the path names too.
pub(super) type OneMore = OneUse<(String, String, String)>;

/// A request of many uses.
pub(super) struct ManyUses {
    app: App,
    caller: Arc<Caller>,
    form: Form,
    body: Bytes,
}

pub(super) async fn increment(one: OneUse) -> Answer {
    one.count(Verb::Increment).await
}

pub(super) async fn decrement(one: OneUse) -> Answer {
    one.count(Verb::Decrement).await
}

pub(super) async fn set(one: OneUse) -> Answer {
    one.count(Verb::Set).await
}

pub(super) async fn reset(one: OneUse) -> Answer {
    one.count(Verb::Reset).await
}

pub(super) async fn hold(one: OneUse) -> Answer {
    one.count(Verb::Hold).await
}

pub(super) async fn settle(one: OneMore) -> Answer {
    let (one, hold) = one.split();
    one.count(Verb::Settle(references::hold(&hold)?)).await
}

pub(super) async fn release(one: OneMore) -> Answer {
    let (one, hold) = one.split();
    one.count(Verb::Release(references::hold(&hold)?)).await
}

pub(super) async fn check_out(one: OneUse) -> Answer {
    one.count(Verb::CheckOut).await
}

pub(super) async fn heartbeat(one: OneMore) -> Answer {
    let (one, session) = one.split();
    one.count(Verb::Heartbeat(references::session(&session)?)).await
}

pub(super) async fn check_in(one: OneMore) -> Answer {
    let (one, session) = one.split();
    one.count(Verb::CheckIn(references::session(&session)?)).await
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

/// What a path names that is one of a single use.
pub(super) struct Named {
    license: String,
    meter: String,
    verb: Verb,
}

/// What a request names if it is one of a single use, written plainly. All else is the router's,
/// and so is any spelling that has to be decoded.
pub(super) fn named(method: &Method, uri: &Uri) -> Option<Named> {
    let rest = uri.path().strip_prefix("/v1/licenses/")?;
    let mut segments = rest.split('/');
    let license = segments.next()?;
    let is_meter = segments.next()? == "meters";
    let meter = segments.next()?;
    let verb = match segments.next()? {
        "increment" => Verb::Increment,
        "decrement" => Verb::Decrement,
        "set" => Verb::Set,
        "reset" => Verb::Reset,
        _ => return None,
    };
    let is_one = is_meter && segments.next().is_none() && method == Method::POST;
    let is_plain = |segment: &str| !segment.is_empty() && !segment.contains('%');
    if !is_one || !is_plain(license) || !is_plain(meter) {
        return None;
    }
    Some(Named { license: license.to_owned(), meter: meter.to_owned(), verb })
}

/// Counts a single use without asking the router, whose matching, decoding and boxing show where
/// there is nothing else to do. The routes are in the table all the same.
pub(super) async fn count_one(app: &App, named: Named, request: Request<Body>) -> Response {
    let Named { license, meter, verb } = named;
    let (parts, body) = request.into_parts();
    let count = async {
        let Who(caller) = Who::of(&parts, app).await?;
        let Json(body) = Json::of(&parts, body, &app.options).await?;
        let path = (license, meter);
        OneUse { app: app.clone(), caller, parts, path, body }.count(verb).await
    };
    count.await.into_response()
}

impl OneUse {
    async fn count(self, verb: Verb) -> Answer {
        let (license, meter) = &self.path;
        let target = uses::Target {
            license: references::license(license),
            meter: references::meter(meter)?,
            verb,
            header_key: idempotency_key(&self.parts.headers)?,
        };
        let asked = uses::read(target, &self.body)?;
        let counted = self.app.engine.count(self.caller, vec![asked]).await;
        let outcome = counted.map_err(failed)?.pop();
        let answer = outcome.ok_or(Fault::Internal)??;
        Ok(json(|out| answers::write(&answer, out)))
    }
}

impl OneMore {
    fn split(self) -> (OneUse, String) {
        let Self { app, caller, parts, path: (license, meter, third), body } = self;
        (OneUse { app, caller, parts, path: (license, meter), body }, third)
    }
}

impl<P: DeserializeOwned + Send> FromRequest<App> for OneUse<P> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_uses_are_named() {
        for (method, path, expected) in [
            ("POST", "/v1/licenses/a/meters/b/increment", Some(("a", "b", Verb::Increment))),
            ("POST", "/v1/licenses/a/meters/b/decrement", Some(("a", "b", Verb::Decrement))),
            ("POST", "/v1/licenses/a/meters/b/set?x=1", Some(("a", "b", Verb::Set))),
            ("POST", "/v1/licenses/a/meters/b/reset", Some(("a", "b", Verb::Reset))),
            ("GET", "/v1/licenses/a/meters/b/increment", None),
            ("POST", "/v1/licenses/a/meters/b/increment/", None),
            ("POST", "/v1/licenses/a/meters/b/records", None),
            ("POST", "/v1/licenses/a/meters/b/holds", None),
            ("POST", "/v1/licenses/a/meters/b", None),
            ("POST", "/v1/licenses/a/metres/b/set", None),
            ("POST", "/v1/licenses//meters/b/set", None),
            ("POST", "/v1/licenses/a/meters//set", None),
            ("POST", "/v1/licenses/%61/meters/b/set", None),
            ("POST", "/v1/licenses/a/meters/%62/set", None),
            ("POST", "/v1/uses", None),
        ] {
            let uri = path.parse().unwrap();
            let named = named(&method.parse().unwrap(), &uri);
            let found = named
                .as_ref()
                .map(|named| (named.license.as_str(), named.meter.as_str(), named.verb));
            assert_eq!(found, expected, "{method} {path}");
        }
    }
}
