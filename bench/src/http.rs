//! HTTP/1.1 as bytes: requests built once, answers read no further than needed.

use anyhow::{Context, Result, bail, ensure};
use memchr::memchr;

use crate::dialogue::{Asked, Dialogue, Heard};

/// Headers longer than this are not an answer of the servers we measure.
const HEAD_SIZE_BYTES_MAX: usize = 64 * 1024;

/// What every request of a run has in common.
#[derive(Debug, Clone)]
pub struct Caller {
    pub host: String,
    pub token: String,
}

impl Caller {
    /// A whole request. Without a body, without its headers.
    pub fn request(&self, method: &str, path: &str, body: &[u8]) -> Vec<u8> {
        let Self { host, token } = self;
        let mut bytes = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n"
        )
        .into_bytes();
        if !body.is_empty() {
            let head =
                format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len());
            bytes.extend_from_slice(head.as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        bytes
    }
}

/// How much of an answer is there.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    Partly { needed_bytes: usize },
    Wholly { status: u16, body: &'a [u8] },
}

impl Answer<'_> {
    /// Reads the status line, `Content-Length`, and nothing else.
    pub fn read(input: &[u8]) -> Result<Answer<'_>> {
        let mut content_size_bytes = None;
        let mut line_begin = 0;
        let head_end = loop {
            let rest = input.get(line_begin..).unwrap_or_default();
            let Some(line_size) = memchr(b'\n', rest) else {
                ensure!(input.len() < HEAD_SIZE_BYTES_MAX, "the answer's head has no end");
                let needed_bytes = input.len() + 1;
                return Ok(Answer::Partly { needed_bytes });
            };
            let line = rest.get(..line_size).unwrap_or_default().trim_ascii_end();
            line_begin += line_size + 1;
            if line.is_empty() {
                break line_begin;
            }
            if let Some(value) = header(line, b"content-length:") {
                let size_bytes: usize = std::str::from_utf8(value)?
                    .parse()
                    .context("the answer's Content-Length is not a number")?;
                content_size_bytes = Some(size_bytes);
            }
            if header(line, b"transfer-encoding:").is_some() {
                bail!(
                    "the server answers with Transfer-Encoding, which this client does not read; \
                     an answer of known size should carry Content-Length"
                );
            }
        };
        let status = status(input)?;
        let size_bytes = match content_size_bytes {
            Some(size_bytes) => size_bytes,
            None if status == 204 || status == 304 => 0,
            None => bail!("the answer (status {status}) has no Content-Length"),
        };
        match input.get(head_end..head_end + size_bytes) {
            Some(body) => Ok(Answer::Wholly { status, body }),
            None => Ok(Answer::Partly { needed_bytes: head_end + size_bytes }),
        }
    }
}

fn header<'a>(line: &'a [u8], name_and_colon: &[u8]) -> Option<&'a [u8]> {
    let (name, value) = line.split_at_checked(name_and_colon.len())?;
    name.eq_ignore_ascii_case(name_and_colon).then(|| value.trim_ascii())
}

fn status(input: &[u8]) -> Result<u16> {
    ensure!(input.starts_with(b"HTTP/1."), "the answer is not HTTP/1");
    let digits = input.get(9..12).context("the status line is too short")?;
    Ok(std::str::from_utf8(digits)?.parse()?)
}

/// One request and its JSON answer: enough for setting a server up.
pub struct Once {
    request: Option<Vec<u8>>,
    pub body: Vec<u8>,
}

impl Once {
    pub fn new(request: Vec<u8>) -> Self {
        Self { request: Some(request), body: Vec::new() }
    }
}

impl Dialogue for Once {
    fn ask(&mut self, _connection_index: usize, output: &mut Vec<u8>) -> Result<Asked> {
        let Some(request) = self.request.take() else {
            return Ok(Asked::Nothing);
        };
        output.extend_from_slice(&request);
        Ok(Asked::Request)
    }

    fn hear(&mut self, _connection_index: usize, input: &[u8]) -> Result<Heard> {
        Ok(match Answer::read(input)? {
            Answer::Partly { needed_bytes } => Heard::Partly { needed_bytes },
            Answer::Wholly { status: 200 | 201, body } => {
                self.body.extend_from_slice(body);
                Heard::Expected { size_bytes: input.len(), units: 1 }
            }
            Answer::Wholly { .. } => Heard::Unexpected { size_bytes: input.len() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_pieces() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";
        for size_bytes in 0..whole.len() {
            let answer = Answer::read(&whole[..size_bytes]).unwrap();
            assert!(matches!(answer, Answer::Partly { needed_bytes } if needed_bytes > size_bytes));
        }
        let answer = Answer::read(whole).unwrap();
        assert_eq!(answer, Answer::Wholly { status: 200, body: b"hello" });
    }

    #[test]
    fn answers_of_unknown_size_are_errors() {
        for head in [
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
            "SSH-2.0-what\r\ncontent-length: 0\r\n\r\n",
        ] {
            assert!(Answer::read(head.as_bytes()).is_err(), "{head}");
        }
    }
}
