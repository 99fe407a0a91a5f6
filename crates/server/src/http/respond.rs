//! Every answer that is a yes.

use std::sync::Arc;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use usance_core::caller::Caller;
use usance_core::command::{Command, Reply};
use usance_core::license::License;
use usance_core::time::Timestamp;
use usance_wire::native::licenses::{self, Shown};
use usance_wire::native::webhooks;
use usance_wire::native::{
    activations, customers, entitlements, files, keys, meters, policies, processes, products,
    rules, tokens, users, validations,
};

use crate::http::App;
use crate::http::origin;
use crate::http::problem::{No, failed};

/// What a handler ends in.
pub(crate) type Answer = Result<Response, No>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// JSON that `write` appends.
pub(crate) fn json(write: impl FnOnce(&mut Vec<u8>)) -> Response {
    let mut body = Vec::with_capacity(512);
    write(&mut body);
    of_type(JSON, body)
}

/// Plain text.
pub(crate) fn text(text: impl Into<Body>) -> Response {
    of_type(TEXT, text)
}

/// A body of a media type.
pub(crate) fn of_type(media_type: HeaderValue, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// Has the engine carry a command out, and shows what came of it.
pub(crate) async fn carry_out(app: &App, caller: Arc<Caller>, command: Command) -> Answer {
    let reply = app.engine.change_from(Arc::clone(&caller), origin::peer(), command).await;
    let reply = reply.map_err(failed)?;
    Ok(answer(app, caller, &reply).await)
}

/// The same, for a command that makes something.
pub(crate) async fn make(app: &App, caller: Arc<Caller>, command: Command) -> Answer {
    let reply = app.engine.change_from(Arc::clone(&caller), origin::peer(), command).await;
    let reply = reply.map_err(failed)?;
    let is_new = !matches!(reply, Reply::ActivatedAlready(_));
    let mut response = answer(app, caller, &reply).await;
    if is_new {
        *response.status_mut() = StatusCode::CREATED;
    }
    Ok(response)
}

async fn answer(app: &App, caller: Arc<Caller>, reply: &Reply) -> Response {
    match reply {
        Reply::License(license, now) => license_with_terms(app, caller, license, *now).await,
        other => changed(&caller, other),
    }
}

/// A license with the terms that hold for it. They are left out where they cannot be read: what was
/// changed is changed, whatever else fails.
pub(crate) async fn license_with_terms(
    app: &App,
    caller: Arc<Caller>,
    license: &License,
    at: Timestamp,
) -> Response {
    let audience = caller.audience;
    let terms = app.engine.terms(caller, license.policy).await.ok();
    let shown = Shown { license, policy_terms: terms.as_deref(), at, audience };
    json(|out| licenses::write(shown, out))
}

fn changed(caller: &Caller, reply: &Reply) -> Response {
    if *reply == Reply::Deleted {
        return StatusCode::NO_CONTENT.into_response();
    }
    let audience = caller.audience;
    json(|out| match reply {
        Reply::Product(product) => products::write(product, audience, out),
        Reply::Policy(policy) => policies::write(policy, audience, out),
        Reply::Customer(customer) => customers::write(customer, audience, out),
        Reply::License(license, at) => {
            licenses::write(Shown { license, policy_terms: None, at: *at, audience }, out);
        }
        Reply::Validation(validation) => validations::write(validation, audience, out),
        Reply::File(file) => files::write(file, out),
        Reply::Activation(machine) | Reply::ActivatedAlready(machine) => {
            activations::write(machine, audience, out);
        }
        Reply::Process(process, _) => processes::write(process, audience, out),
        Reply::Entitlement(entitlement) => entitlements::write(entitlement, audience, out),
        Reply::User(user) => users::write(user, audience, out),
        Reply::Key(key) => keys::write(caller.account, key, out),
        Reply::Meter(meter) => meters::write(meter, out),
        Reply::Token(token, secret) => tokens::write(token, secret.as_ref(), out),
        Reply::Webhook(view, secret) => webhooks::write(view, secret.as_ref(), out),
        Reply::Rule(rule) => rules::write(rule, out),
        // What only the server itself asks for has no words.
        Reply::Deleted | Reply::Noted | Reply::Acted(_) => {}
    })
}
