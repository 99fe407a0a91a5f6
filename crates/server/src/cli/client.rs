//! A blocking HTTP client for one server.

use std::fmt::Write as _;
use std::io::Read;
use std::time::Duration;

use ureq::http::{Method, Request};

use super::fault::Fault;
use super::output;
use super::problem;

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest wait for an answer, all of it: the longest page, from a slow disk.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest answer: a thousand records with every attribute as long as it may be.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Who asks one server with one token.
pub struct Client {
    agent: ureq::Agent,
    base: String,
    authorization: String,
    problems: Problems,
}

/// What becomes of problem documents besides the fault they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problems {
    /// They are also data, for programs that asked for JSON.
    Print,
    /// Nothing.
    Keep,
}

/// What the server answered.
#[derive(Debug, Clone)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// Why a stream is not heard.
pub enum NotHeard {
    /// The server is not there, or cannot now: it may be later.
    Lost(Fault),
    /// The server does not want to.
    Refused(Fault),
}

impl Response {
    /// Whether it is what was asked for, and no problem.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

impl Client {
    /// A client of the server at `server`, presenting `token`.
    ///
    /// # Errors
    /// If the server's address is none that this build can speak to.
    pub fn new(server: &str, token: &str, problems: Problems) -> Result<Self, Fault> {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(ANSWER_TIMEOUT))
            .proxy(None)
            .max_redirects(0)
            .user_agent(concat!("usance/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: config.into(),
            base: base_of(server)?,
            authorization: format!("Bearer {token}"),
            problems,
        })
    }

    /// Asks once. A problem document is an answer here.
    ///
    /// # Errors
    /// If no answer came; whether the server did what was asked is then not known.
    pub fn ask(
        &self,
        method: &Method,
        path: &str,
        body: Option<&str>,
    ) -> Result<Response, ureq::Error> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("authorization", &self.authorization);
        let answer = match body {
            Some(body) => {
                self.agent.run(request.header("content-type", "application/json").body(body)?)
            }
            None if method == Method::POST => self.agent.run(request.body("")?),
            None => self.agent.run(request.body(())?),
        };
        let mut answer = answer?;
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string()?;
        Ok(Response { status: answer.status().as_u16(), body })
    }

    /// Asks, and takes a problem document for a fault.
    ///
    /// # Errors
    /// If no answer came, or it is a problem.
    pub fn data(&self, method: &Method, path: &str, body: Option<&str>) -> Result<String, Fault> {
        let answer =
            self.ask(method, path, body).map_err(|error| self.no_answer(method, &error))?;
        if answer.is_success() {
            return Ok(answer.body);
        }
        if self.problems == Problems::Print {
            output::line(answer.body.trim_end())?;
        }
        Err(problem::fault(&answer))
    }

    /// Fetches a path.
    ///
    /// # Errors
    /// As [`Client::data`].
    pub fn fetch(&self, path: &str) -> Result<String, Fault> {
        self.data(&Method::GET, path, None)
    }

    /// Fetches what has no end: a stream that is read as it comes.
    ///
    /// # Errors
    /// If no answer came, or it is a problem.
    pub fn stream(&self, path: &str) -> Result<impl Read + use<>, NotHeard> {
        let request = Request::builder()
            .method(Method::GET)
            .uri(format!("{}{path}", self.base))
            .header("authorization", &self.authorization);
        let request = request.body(()).map_err(|error| {
            NotHeard::Refused(Fault::usage("this cannot be asked for").because(&error))
        })?;
        // It lasts as long as it is listened to.
        let request = self.agent.configure_request(request).timeout_global(None).build();
        let answer = self.agent.run(request);
        let lost = |error| NotHeard::Lost(self.no_answer(&Method::GET, &error));
        let mut answer = answer.map_err(lost)?;
        let status = answer.status().as_u16();
        if status == 200 {
            return Ok(answer.into_body().into_reader());
        }
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        let fault = problem::fault(&Response { status, body: body.unwrap_or_default() });
        Err(if status >= 500 { NotHeard::Lost(fault) } else { NotHeard::Refused(fault) })
    }

    /// The fault of a request that got no answer.
    fn no_answer(&self, method: &Method, error: &ureq::Error) -> Fault {
        let unreached = matches!(error, ureq::Error::ConnectionFailed | ureq::Error::HostNotFound)
            || matches!(error, ureq::Error::Io(io)
            if io.kind() == std::io::ErrorKind::ConnectionRefused);
        if unreached {
            return Fault::failure(format!("cannot reach a usance server at {}", self.base))
                .because(error)
                .advise("start one with `usance serve`, or say where it is with --server");
        }
        let fault = Fault::failure(format!("no answer from {}", self.base)).because(error);
        if method == Method::GET {
            return fault.advise("ask again");
        }
        fault.advise(
            "look whether it happened before repeating it; a use with --key may be repeated",
        )
    }
}

/// The address that paths are appended to.
///
/// # Errors
/// If it is none that this build can speak to.
pub fn base_of(server: &str) -> Result<String, Fault> {
    let server = server.trim().trim_end_matches('/');
    if server.starts_with("https://") {
        return Err(Fault::usage(format!(
            "cannot speak TLS to {server}: this command line speaks plain HTTP"
        ))
        .advise("run it beside the server, or through a tunnel that ends on this machine"));
    }
    let host = server.strip_prefix("http://").unwrap_or(server);
    if host.is_empty() || host.contains("://") || host.contains(char::is_whitespace) {
        return Err(Fault::usage(format!("{server:?} is not the address of a server"))
            .advise("write it like http://127.0.0.1:8420"));
    }
    Ok(format!("http://{host}"))
}

/// One segment of a path: what is not plain is percent-encoded, so that any license key fits.
#[must_use]
pub fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        // A segment of dots alone would be a way up.
        let dot = byte == b'.' && text.bytes().any(|other| other != b'.');
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) || dot {
            encoded.push(char::from(byte));
            continue;
        }
        write!(encoded, "%{byte:02X}").expect("a String takes whatever is written to it");
    }
    encoded
}

/// A path with a query of those values that are there.
#[must_use]
pub fn with_query(path: &str, query: &[(&str, Option<String>)]) -> String {
    let stated: Vec<String> = query
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", segment(value.as_deref()?))))
        .collect();
    if stated.is_empty() {
        return path.to_owned();
    }
    format!("{path}?{}", stated.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_carry_any_key() {
        for (text, expected) in [
            ("lic_01", "lic_01"),
            ("AB-12.x~y", "AB-12.x~y"),
            ("a/b?c", "a%2Fb%3Fc"),
            ("..", "%2E%2E"),
            ("é", "%C3%A9"),
        ] {
            assert_eq!(segment(text), expected);
        }
    }

    #[test]
    fn queries_hold_what_is_stated() {
        assert_eq!(with_query("/v1/x", &[("a", None)]), "/v1/x");
        assert_eq!(
            with_query("/v1/x", &[("a", Some("1".into())), ("b", Some("p q".into()))]),
            "/v1/x?a=1&b=p%20q"
        );
    }

    #[test]
    fn servers_are_plain_http() {
        for (server, expected) in [
            ("http://127.0.0.1:8420/", Some("http://127.0.0.1:8420")),
            ("localhost:8420", Some("http://localhost:8420")),
            ("https://usance.example", None),
            ("ftp://usance.example", None),
            ("", None),
        ] {
            assert_eq!(base_of(server).ok().as_deref(), expected, "{server}");
        }
    }
}
