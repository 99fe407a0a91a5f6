//! A dialogue: one side of a conversation in one protocol.

use std::net::TcpStream;

use anyhow::Result;

/// What to ask next, and what an answer means.
pub trait Dialogue {
    /// Prepares a new connection, blocking; the measurement has not begun.
    fn greet(&mut self, _stream: &mut TcpStream) -> Result<()> {
        Ok(())
    }

    /// Puts the next request of a connection into `output`, which is empty.
    fn ask(&mut self, connection_index: usize, output: &mut Vec<u8>) -> Result<Asked>;

    /// Judges what has arrived since the request. Called again with more bytes while the answer
    /// is [`Heard::Partly`].
    fn hear(&mut self, connection_index: usize, input: &[u8]) -> Result<Heard>;
}

/// Whether there was something left to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The request is in the output.
    Request,
    /// This connection is done.
    Nothing,
}

/// How much of an answer has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Not all; no need to ask again before so many bytes have arrived.
    Partly { needed_bytes: usize },
    /// All of it, and it is the answer that was expected, worth so many units.
    Expected { size_bytes: usize, units: u64 },
    /// All of it, and it is something else.
    Unexpected { size_bytes: usize },
}
