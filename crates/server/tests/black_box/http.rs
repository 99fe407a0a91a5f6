//! A client of HTTP/1.1 that is small enough to misbehave on purpose.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// How long an answer may take before the test fails: longer than any healthy one ever does.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: &'static str,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    pub fn post(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", path).with_body(body)
    }

    pub fn patch(path: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::new("PATCH", path).with_body(body)
    }

    pub fn delete(path: impl Into<String>) -> Self {
        Self::new("DELETE", path)
    }

    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The bytes of the request. Its length is told unless the headers already do.
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nHost: usance.test\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        let is_framed = self.headers.iter().any(|(name, _)| {
            ["content-length", "transfer-encoding"].contains(&name.to_ascii_lowercase().as_str())
        });
        if !is_framed && (!self.body.is_empty() || self.method != "GET") {
            write!(head, "Content-Length: {}\r\n", self.body.len()).unwrap();
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Its JSON, which must come with this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// Its text, which must be this.
    #[track_caller]
    pub fn expect_text(&self, text: &str) {
        assert_eq!((self.status, self.body.as_str()), (200, text));
    }

    /// The code of the problem that it is, with its status; an empty one for a success.
    #[track_caller]
    pub fn problem(&self) -> (u16, String) {
        if self.status < 300 {
            return (self.status, String::new());
        }
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{self:?}");
        (self.status, problem["code"].as_str().expect("a problem has a code").to_owned())
    }
}

/// One connection.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes)
    }

    /// Says that nothing more will be sent.
    pub fn end_sending(&mut self) -> io::Result<()> {
        self.0.get_mut().shutdown(Shutdown::Write)
    }

    /// Everything until the server closes.
    pub fn rest(mut self) -> io::Result<String> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes)?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }

    /// The next answer. An end before its first byte is `UnexpectedEof`, as is any other.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let status_line = self.line()?;
        let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
        let status = status.and_then(|digits| digits.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("{status_line:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) =
                line.split_once(':').ok_or_else(|| io::Error::other(line.clone()))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, body: String::new() };
        let body = match (answer.header("content-length"), answer.header("transfer-encoding")) {
            (Some(length), None) => self.exactly(length.parse().map_err(io::Error::other)?)?,
            (None, Some("chunked")) => self.chunks()?,
            (None, None) if status == 204 => Vec::new(),
            framing => return Err(io::Error::other(format!("framing {framing:?}"))),
        };
        answer.body = String::from_utf8(body).map_err(io::Error::other)?;
        Ok(answer)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line)?;
        match line.as_slice() {
            [text @ .., b'\r', b'\n'] => String::from_utf8(text.to_vec()).map_err(io::Error::other),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let length = usize::from_str_radix(&self.line()?, 16).map_err(io::Error::other)?;
            let chunk = self.exactly(length)?;
            bytes.extend_from_slice(&chunk);
            self.line()?;
            if length == 0 {
                return Ok(bytes);
            }
        }
    }
}

/// A caller that keeps one connection open.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    authorization: Option<String>,
    connection: Option<Connection>,
}

impl Client {
    /// A caller with an `Authorization` header, or without.
    pub fn new(address: SocketAddr, authorization: Option<&str>) -> Self {
        Self { address, authorization: authorization.map(str::to_owned), connection: None }
    }

    /// Sends a request and reads its answer. What fails may have happened or not.
    pub fn send(&mut self, request: &Request) -> io::Result<Answer> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.address)?,
        };
        let mut request = request.clone();
        let is_known = request.headers.iter().any(|(name, _)| *name == "Authorization");
        if let Some(authorization) = self.authorization.clone().filter(|_| !is_known) {
            request.headers.push(("Authorization", authorization));
        }
        connection.send(&request.bytes())?;
        let answer = connection.answer()?;
        if answer.header("connection") != Some("close") {
            self.connection = Some(connection);
        }
        Ok(answer)
    }

    /// The same, where it must not fail.
    #[track_caller]
    pub fn ask(&mut self, request: &Request) -> Answer {
        match self.send(request) {
            Ok(answer) => answer,
            Err(error) => panic!("{} {}: {error}", request.method, request.path),
        }
    }

    #[track_caller]
    pub fn get(&mut self, path: &str) -> Answer {
        self.ask(&Request::get(path))
    }

    #[track_caller]
    pub fn post(&mut self, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.ask(&Request::post(path, body))
    }
}

/// Text as a segment of a path.
pub fn segment(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").unwrap();
        }
    }
    encoded
}
