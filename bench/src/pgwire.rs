//! The PostgreSQL protocol, version 3, as far as one prepared statement needs it.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail, ensure};

use crate::template::{KEY_PLACE, LICENSE_PLACE};

const PROTOCOL_3_0: i32 = 196_608;
const OID_INT8: i32 = 20;
const OID_TEXT: i32 = 25;
/// Text as it stands, numbers in network order.
const FORMAT_BINARY: i16 = 1;
const STATEMENT: &str = "use";

/// What has arrived of the answers up to the next "ready for query".
#[derive(Debug, Default)]
pub struct Answer {
    pub is_ready: bool,
    pub needed_bytes: usize,
    pub row_count: u64,
    pub error: Option<String>,
}

/// Walks over the messages that are there.
pub fn read(input: &[u8]) -> Result<Answer> {
    let mut answer = Answer::default();
    let mut rest = input;
    while let Some((kind, size_bytes)) = head(rest) {
        let Some((message, after)) = rest.split_at_checked(1 + size_bytes) else {
            answer.needed_bytes = input.len() - rest.len() + 1 + size_bytes;
            return Ok(answer);
        };
        match kind {
            b'D' => answer.row_count += 1,
            b'E' => answer.error = Some(String::from_utf8_lossy(message).into_owned()),
            b'Z' => {
                answer.is_ready = true;
                ensure!(after.is_empty(), "PostgreSQL speaks out of turn");
                return Ok(answer);
            }
            _ => {}
        }
        rest = after;
    }
    answer.needed_bytes = input.len() + 1;
    Ok(answer)
}

fn head(rest: &[u8]) -> Option<(u8, usize)> {
    let (kind, after) = rest.split_first()?;
    let size_bytes = i32::from_be_bytes(*after.first_chunk()?);
    Some((*kind, usize::try_from(size_bytes).ok()?))
}

/// Opens a session for a user who is trusted.
pub fn enter(stream: &mut TcpStream, user: &str, database: &str) -> Result<()> {
    let mut body = PROTOCOL_3_0.to_be_bytes().to_vec();
    for word in ["user", user, "database", database, ""] {
        put_text(&mut body, word);
    }
    let mut bytes = size(body.len() + 4)?.to_vec();
    bytes.extend_from_slice(&body);
    exchange(stream, &bytes).context("cannot enter PostgreSQL")
}

/// Runs statements without parameters.
pub fn execute(stream: &mut TcpStream, statements: &str) -> Result<()> {
    let mut body = Vec::new();
    put_text(&mut body, statements);
    let mut bytes = Vec::new();
    put_message(&mut bytes, b'Q', &body);
    exchange(stream, &bytes).with_context(|| format!("cannot execute `{}`", statements.trim()))
}

/// Prepares the one statement of the session, of a license, an amount and a key.
pub fn prepare(stream: &mut TcpStream, statement: &str) -> Result<()> {
    let mut body = Vec::new();
    put_text(&mut body, STATEMENT);
    put_text(&mut body, statement);
    body.extend_from_slice(&3_i16.to_be_bytes());
    for oid in [OID_TEXT, OID_INT8, OID_TEXT] {
        body.extend_from_slice(&oid.to_be_bytes());
    }
    let mut bytes = Vec::new();
    put_message(&mut bytes, b'P', &body);
    put_message(&mut bytes, b'S', &[]);
    exchange(stream, &bytes).context("cannot prepare the statement")
}

/// Bind, execute and sync of the prepared statement, as a template: one write, one transaction.
pub fn use_message() -> Vec<u8> {
    let key = format!("use-{KEY_PLACE}");
    let mut bind = Vec::new();
    put_text(&mut bind, "");
    put_text(&mut bind, STATEMENT);
    bind.extend_from_slice(&1_i16.to_be_bytes());
    bind.extend_from_slice(&FORMAT_BINARY.to_be_bytes());
    let parameters = [LICENSE_PLACE.as_bytes(), &1_i64.to_be_bytes(), key.as_bytes()];
    bind.extend_from_slice(&3_i16.to_be_bytes());
    for parameter in parameters {
        // Parameters are tens of bytes; the width of the field is the protocol's.
        bind.extend_from_slice(&(parameter.len() as i32).to_be_bytes());
        bind.extend_from_slice(parameter);
    }
    bind.extend_from_slice(&1_i16.to_be_bytes());
    bind.extend_from_slice(&FORMAT_BINARY.to_be_bytes());
    let mut execute = Vec::new();
    put_text(&mut execute, "");
    execute.extend_from_slice(&0_i32.to_be_bytes());
    let mut bytes = Vec::new();
    put_message(&mut bytes, b'B', &bind);
    put_message(&mut bytes, b'E', &execute);
    put_message(&mut bytes, b'S', &[]);
    bytes
}

fn exchange(stream: &mut TcpStream, bytes: &[u8]) -> Result<()> {
    stream.write_all(bytes)?;
    let mut input = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let size_bytes = stream.read(&mut buffer)?;
        input.extend_from_slice(buffer.get(..size_bytes).unwrap_or_default());
        let answer = read(&input)?;
        if let Some(error) = answer.error {
            bail!("PostgreSQL says: {}", error.replace('\0', " "));
        }
        if answer.is_ready {
            return Ok(());
        }
        ensure!(size_bytes > 0, "PostgreSQL closed the connection");
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
}

fn put_message(bytes: &mut Vec<u8>, kind: u8, body: &[u8]) {
    bytes.push(kind);
    // Messages are built here and short; the width of the field is the protocol's.
    bytes.extend_from_slice(&(body.len() as i32 + 4).to_be_bytes());
    bytes.extend_from_slice(body);
}

fn size(size_bytes: usize) -> Result<[u8; 4]> {
    Ok(i32::try_from(size_bytes)?.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_in_pieces() {
        let mut whole = Vec::new();
        put_message(&mut whole, b'2', &[]);
        put_message(&mut whole, b'D', &[0, 0]);
        put_message(&mut whole, b'C', b"SELECT 1\0");
        put_message(&mut whole, b'Z', b"I");
        for size_bytes in 0..whole.len() {
            let answer = read(&whole[..size_bytes]).unwrap();
            assert!(!answer.is_ready && answer.needed_bytes > size_bytes);
            assert!(answer.needed_bytes <= whole.len());
        }
        let answer = read(&whole).unwrap();
        assert!(answer.is_ready && answer.error.is_none());
        assert_eq!(answer.row_count, 1);
    }
}
