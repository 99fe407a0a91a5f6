//! Posts one message at a time to one receiver, within bounds, whatever the receiver does.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use usance_core::limits::DELIVERY_ANSWER_BYTES_MAX;
use usance_core::webhook::Target;

use crate::webhooks::address::is_public;
use crate::webhooks::limits::{
    ADDRESSES_TRIED_MAX, ANSWER_BYTES_READ_MAX, HEAD_BYTES_MAX, HEADERS_MAX,
};

/// Whom to trust.
#[derive(Clone)]
pub struct Roots(TlsConnector);

impl Roots {
    /// The certificate authorities of the public, and those in a file.
    ///
    /// # Errors
    /// If the file cannot be read, or holds none.
    pub fn load(file: Option<&Path>) -> Result<Self, String> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(path) = file {
            let failed = |what: String| format!("webhooks.ca_file {}: {what}", path.display());
            let found = CertificateDer::pem_file_iter(path)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|error| failed(error.to_string()))?;
            if found.is_empty() {
                return Err(failed("holds no certificate".into()));
            }
            for certificate in found {
                roots.add(certificate).map_err(|error| failed(error.to_string()))?;
            }
        }
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

/// A message.
#[derive(Debug, Clone)]
pub struct Message {
    /// Where to.
    pub url: String,
    /// Its id.
    pub id: String,
    /// When it is sent, in seconds.
    pub seconds: i64,
    /// Its signatures, with spaces between.
    pub signatures: String,
    /// Whether somebody asked for it again.
    pub is_again: bool,
    /// What it says.
    pub body: Bytes,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// The beginning of the answer, or what went wrong.
    pub text: String,
}

/// Posts to one receiver, over one connection that it keeps.
pub struct Sender {
    allow_private: bool,
    timeout: Duration,
    roots: Roots,
    open: Option<Open>,
}

/// A connection that is kept.
struct Open {
    /// Where it leads to: whether by TLS, and host and port.
    to: (bool, String),
    requests: SendRequest<Full<Bytes>>,
    work: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.work.abort();
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Sender {
    pub fn new(allow_private: bool, timeout: Duration, roots: Roots) -> Self {
        Self { allow_private, timeout, roots, open: None }
    }

    /// Posts a message, and waits for the answer.
    pub async fn post(&mut self, message: &Message) -> Answered {
        let (timeout, kept) = (self.timeout, self.open.take());
        match tokio::time::timeout(timeout, self.exchange(message, kept)).await {
            Ok(Ok(answered)) => answered,
            Ok(Err(what)) => Answered { status: None, text: clipped(&what) },
            Err(_) => {
                let text = format!("no whole answer within {} s", timeout.as_secs());
                Answered { status: None, text }
            }
        }
    }

    async fn exchange(
        &mut self,
        message: &Message,
        kept: Option<Open>,
    ) -> Result<Answered, String> {
        let target = Target::parse(&message.url).map_err(|refusal| refusal.to_string())?;
        let to = (target.is_https, target.authority.to_owned());
        // Whether a kept connection still lives is only known by using it. A receiver that had the
        // message before it died is told twice, which it must know how to take.
        if let Some(mut open) = kept.filter(|open| open.to == to && !open.requests.is_closed())
            && let Ok(response) = open.requests.send_request(request(&target, message)?).await
        {
            return self.answered(open, response).await;
        }
        let mut open = self.connect(&target, to).await?;
        let response = open
            .requests
            .send_request(request(&target, message)?)
            .await
            .map_err(|error| format!("no answer: {}", chain(&error)))?;
        self.answered(open, response).await
    }

    /// Reads as much of an answer as is wanted, and keeps the connection if that was all.
    async fn answered(
        &mut self,
        open: Open,
        response: Response<Incoming>,
    ) -> Result<Answered, String> {
        let status = response.status().as_u16();
        let mut body = response.into_body();
        let (mut text, mut read) = (Vec::new(), 0);
        let mut is_whole = true;
        while let Some(frame) = body.frame().await {
            // The status has been said: what happens to the words after it changes nothing.
            let Ok(frame) = frame else {
                is_whole = false;
                break;
            };
            let Some(data) = frame.data_ref() else { continue };
            read += data.len();
            let room = DELIVERY_ANSWER_BYTES_MAX - text.len();
            text.extend_from_slice(data.get(..data.len().min(room)).unwrap_or_default());
            if read > ANSWER_BYTES_READ_MAX {
                is_whole = false;
                break;
            }
        }
        if is_whole {
            self.open = Some(open);
        }
        Ok(Answered { status: Some(status), text: clipped(&String::from_utf8_lossy(&text)) })
    }

    async fn connect(&self, target: &Target<'_>, to: (bool, String)) -> Result<Open, String> {
        let stream = self.reach(target).await?;
        let stream: Box<dyn Stream> = if target.is_https {
            let name = ServerName::try_from(target.host.to_owned())
                .map_err(|_| "the host is no name that a certificate can have".to_owned())?;
            let secured = self.roots.0.connect(name, stream).await;
            Box::new(secured.map_err(|error| format!("TLS: {error}"))?)
        } else {
            Box::new(stream)
        };
        let mut http = http1::Builder::new();
        http.max_buf_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
        let (requests, connection) = http
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| format!("HTTP: {}", chain(&error)))?;
        let work = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to a webhook ended early");
            }
        });
        Ok(Open { to, requests, work })
    }

    /// Connects to the first address that answers. The address that is checked is the one that is
    /// called: a name that leads elsewhere the next time it is looked up gains nothing.
    async fn reach(&self, target: &Target<'_>) -> Result<TcpStream, String> {
        if !target.is_https && !self.allow_private {
            return Err("plain http is not allowed by this server".into());
        }
        let found = tokio::net::lookup_host((target.host, target.port))
            .await
            .map_err(|error| format!("the host is not known: {error}"))?;
        let found: Vec<SocketAddr> = found.collect();
        let allowed = |address: &&SocketAddr| self.allow_private || is_public(address.ip());
        let mut last = match found.is_empty() {
            true => "the host has no address".to_owned(),
            false => "the host is at a private address, which this server does not call".to_owned(),
        };
        for address in found.iter().filter(allowed).take(ADDRESSES_TRIED_MAX) {
            let patience = self.timeout / u32::try_from(ADDRESSES_TRIED_MAX).unwrap_or(1);
            let connecting = tokio::time::timeout(patience, TcpStream::connect(address));
            match connecting.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(|error| error.to_string())?;
                    return Ok(stream);
                }
                Err(error) => last = format!("cannot connect: {error}"),
            }
        }
        Err(last)
    }
}

fn request(target: &Target<'_>, message: &Message) -> Result<Request<Full<Bytes>>, String> {
    let mut request = Request::post(target.path)
        .header("host", target.authority)
        .header("content-type", "application/json")
        .header("user-agent", concat!("usance/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", message.seconds)
        .header("webhook-signature", &message.signatures);
    if message.is_again {
        request = request.header("usance-redelivery", "true");
    }
    request.body(Full::new(message.body.clone())).map_err(|error| error.to_string())
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").expect("appending to a string does not fail");
        cause = error.source();
    }
    text
}

/// At most as many bytes as are remembered, of whole characters, without control characters.
fn clipped(text: &str) -> String {
    let mut clipped = String::new();
    for symbol in text.chars() {
        let shown = if symbol.is_control() { ' ' } else { symbol };
        if clipped.len() + shown.len_utf8() > DELIVERY_ANSWER_BYTES_MAX {
            break;
        }
        clipped.push(shown);
    }
    clipped
}
