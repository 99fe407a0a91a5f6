//! `usance webhook listen`: prints what arrives, for development.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use ureq::http::Method;
use usance_core::webhook::SigningSecret;

use super::{PATH, Wants, path_of};
use crate::cli::body::Body;
use crate::cli::connection::{Connection, Form};
use crate::cli::fault::Fault;
use crate::cli::json::Object;
use crate::cli::output;

/// The longest message that is taken, in bytes.
const MESSAGE_BYTES_MAX: usize = 1024 * 1024;
/// How far the time of a message may lie from ours before it is called old, in seconds.
const TOLERANCE_SECONDS: u64 = 5 * 60;
/// How long the last answer may take to leave.
const FAREWELL: Duration = Duration::from_secs(1);

/// Print what arrives, for development
#[derive(Debug, Args)]
#[command(after_help = "\
With --register it makes a webhook that leads here, and deletes it at the end (Ctrl-C); the server
must be on this machine and allow private receivers: [webhooks] allow_private = true.

Examples:
  usance webhook listen --register
  usance webhook listen --register --kind 'meter.*' --count 3
  usance webhook listen --port 9000 --secret whsec_…
  usance webhook listen --register --answer 500")]
pub struct Listen {
    /// The port to listen on, of this machine alone [default: a free one]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// Make a webhook that leads here, and delete it at the end
    #[arg(long, conflicts_with = "secret")]
    register: bool,
    #[command(flatten)]
    wants: Wants,
    /// The secret that messages are signed with, to check them
    #[arg(long)]
    secret: Option<String>,
    /// The status to answer with
    #[arg(long, value_name = "STATUS", default_value_t = 204)]
    #[arg(value_parser = clap::value_parser!(u16).range(200..=599))]
    answer: u16,
    /// End after so many messages
    #[arg(long, value_name = "N")]
    count: Option<u64>,
}

/// What a message is printed with.
struct Printer {
    form: Form,
    secret: Option<SigningSecret>,
    answer: StatusCode,
    left: Cell<Option<u64>>,
    over: mpsc::Sender<()>,
}

impl Listen {
    /// Listens until it is told to stop.
    ///
    /// # Errors
    /// If it cannot listen, or the server does not register it.
    pub fn run(self, connection: &Connection) -> Result<(), Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Fault::failure("cannot start").because(&error))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listener = runtime.block_on(TcpListener::bind(address)).map_err(|error| {
            Fault::failure(format!("cannot listen on {address}")).because(&error)
        })?;
        let address = listener
            .local_addr()
            .map_err(|error| Fault::failure("cannot tell the port").because(&error))?;
        let (mut secret, mut registered) = (self.secret.clone(), None);
        if self.register {
            let body = Body::default()
                .with("url", format!("http://{address}/"))
                .with("name", "usance webhook listen");
            let body = self.wants.add_to(body).text();
            let client = connection.client()?;
            let made = Object::parse(&client.data(&Method::POST, PATH, Some(&body))?)?;
            secret = made.text("secret");
            registered = made.text("id").map(|id| (client, id));
        }
        let secret = secret
            .map(|text| SigningSecret::parse(&text))
            .transpose()
            .map_err(|refusal| Fault::usage(refusal.to_string()))?;
        let (over, is_over) = mpsc::channel(1);
        let printer = Printer {
            form: connection.form(),
            secret,
            answer: StatusCode::from_u16(self.answer).unwrap_or(StatusCode::NO_CONTENT),
            left: Cell::new(self.count),
            over,
        };
        output::talk(format_args!("listening on http://{address}/"));
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, serve(listener, Rc::new(printer), is_over));
        if let Some((client, id)) = registered {
            client.data(&Method::DELETE, &path_of(&id), None)?;
            output::talk(format_args!("webhook {id} is deleted."));
        }
        Ok(())
    }
}

async fn serve(listener: TcpListener, printer: Rc<Printer>, mut is_over: mpsc::Receiver<()>) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
            _ = is_over.recv() => break,
            _ = tokio::signal::ctrl_c() => break,
        };
        let printer = Rc::clone(&printer);
        connections.spawn_local(async move {
            let service = service_fn(move |request| {
                let printer = Rc::clone(&printer);
                async move { Ok::<_, Infallible>(take(&printer, request).await) }
            });
            // Who talks nonsense is cut off, and nothing is said of it.
            http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await
                .unwrap_or_default();
        });
    }
    // The answer to the last message is still under way; the sender closes when it has it, or not.
    let farewell = async { while connections.join_next().await.is_some() {} };
    tokio::time::timeout(FAREWELL, farewell).await.unwrap_or_default();
}

async fn take(printer: &Printer, request: Request<Incoming>) -> Response<Empty<Bytes>> {
    let (head, body) = request.into_parts();
    let mut response = Response::new(Empty::new());
    let Ok(body) = Limited::new(body, MESSAGE_BYTES_MAX).collect().await else {
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return response;
    };
    *response.status_mut() = printer.answer;
    printer.print(&head.headers, &body.to_bytes());
    if let Some(left) = printer.left.get() {
        printer.left.set(Some(left.saturating_sub(1)));
        if left <= 1 {
            response
                .headers_mut()
                .insert("connection", hyper::header::HeaderValue::from_static("close"));
            // It may be over already.
            printer.over.try_send(()).unwrap_or_default();
        }
    }
    response
}

impl Printer {
    fn print(&self, headers: &HeaderMap, body: &[u8]) {
        let text = |name: &str| {
            headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let (id, seconds) = (text("webhook-id"), text("webhook-timestamp"));
        let verdict = self.verdict(id, seconds, text("webhook-signature"), body);
        let is_again = headers.contains_key("usance-redelivery");
        let shown = String::from_utf8_lossy(body);
        let line = match self.form {
            Form::Programs => {
                let body: serde_json::Value =
                    serde_json::from_slice(body).unwrap_or_else(|_| shown.into());
                serde_json::json!({
                    "id": id, "timestamp": seconds, "signature": verdict,
                    "redelivery": is_again, "body": body,
                })
                .to_string()
            }
            Form::People => {
                let again = if is_again { "  again" } else { "" };
                format!("{id}  signature {verdict}{again}\n{}", console::strip_ansi_codes(&shown))
            }
        };
        // Who reads this has gone: nothing is left to do.
        if output::line(line).is_err() {
            self.over.try_send(()).unwrap_or_default();
        }
    }

    fn verdict(&self, id: &str, seconds: &str, signatures: &str, body: &[u8]) -> &'static str {
        let Some(secret) = &self.secret else { return "not checked (no --secret)" };
        let Ok(at) = seconds.parse::<i64>() else { return "WRONG: no timestamp" };
        if !secret.verifies(signatures, id, at, body) {
            return "WRONG";
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if at.unsigned_abs().abs_diff(now) > TOLERANCE_SECONDS {
            return "right, but old";
        }
        "right"
    }
}
