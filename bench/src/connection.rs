//! One keep-alive connection with one request in flight.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mio::net::TcpStream;
use mio::{Interest, Poll, Token};

use crate::dialogue::{Asked, Dialogue, Heard};

/// What is read at once; larger answers grow the buffer.
const READ_SIZE_BYTES: usize = 16 * 1024;
/// How long connecting and greeting may take.
const OPEN_WAIT_MAX: Duration = Duration::from_secs(10);

/// A connection and its buffers.
pub struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    filled_bytes: usize,
    needed_bytes: usize,
    output: Vec<u8>,
    written_bytes: usize,
    sent_at: Instant,
    in_flight: bool,
}

impl Connection {
    /// Connects and greets.
    pub fn open<D: Dialogue>(
        address: SocketAddr,
        index: usize,
        poll: &Poll,
        dialogue: &mut D,
    ) -> Result<Self> {
        let mut stream = std::net::TcpStream::connect_timeout(&address, OPEN_WAIT_MAX)
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(OPEN_WAIT_MAX))?;
        dialogue.greet(&mut stream)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(
            &mut stream,
            Token(index),
            Interest::READABLE | Interest::WRITABLE,
        )?;
        Ok(Self {
            stream,
            input: vec![0; READ_SIZE_BYTES],
            filled_bytes: 0,
            needed_bytes: 1,
            output: Vec::new(),
            written_bytes: 0,
            sent_at: Instant::now(),
            in_flight: false,
        })
    }

    /// Sends the next request, if the dialogue has one.
    pub fn send<D: Dialogue>(
        &mut self,
        index: usize,
        now: Instant,
        dialogue: &mut D,
    ) -> Result<Asked> {
        self.output.clear();
        if dialogue.ask(index, &mut self.output)? == Asked::Nothing {
            return Ok(Asked::Nothing);
        }
        self.written_bytes = 0;
        self.filled_bytes = 0;
        self.needed_bytes = 1;
        self.in_flight = true;
        self.sent_at = now;
        self.flush()?;
        Ok(Asked::Request)
    }

    /// Moves on as far as the socket lets it; gives the judgement when the answer is whole.
    pub fn progress<D: Dialogue>(
        &mut self,
        index: usize,
        dialogue: &mut D,
    ) -> Result<Option<Heard>> {
        if !self.in_flight {
            return Ok(None);
        }
        if self.written_bytes < self.output.len() {
            self.flush()?;
        }
        let heard = self.receive(index, dialogue)?;
        self.in_flight = heard.is_none();
        Ok(heard)
    }

    /// The answer that was judged last.
    pub fn answer(&self) -> &[u8] {
        &self.input[..self.filled_bytes]
    }

    /// When the last request was sent.
    pub fn sent_at(&self) -> Instant {
        self.sent_at
    }

    /// Writes what is left of the request, as far as the socket takes it.
    fn flush(&mut self) -> Result<()> {
        while self.written_bytes < self.output.len() {
            match self.stream.write(&self.output[self.written_bytes..]) {
                Ok(0) => bail!("the server takes no more bytes"),
                Ok(size_bytes) => self.written_bytes += size_bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The server may have answered and closed before it read everything; what it
                // said is worth more than the broken pipe, and is read next.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
                    ) =>
                {
                    return Ok(());
                }
                Err(error) => return Err(error).context("cannot write to the server"),
            }
        }
        Ok(())
    }

    /// Reads until the dialogue has heard the whole answer or nothing more is there.
    ///
    /// The registration is edge-triggered, but with one request in flight nothing can follow a
    /// whole answer, so the read that would only say so is saved.
    fn receive<D: Dialogue>(&mut self, index: usize, dialogue: &mut D) -> Result<Option<Heard>> {
        loop {
            if self.filled_bytes == self.input.len() {
                let size_bytes = self.needed_bytes.max(self.input.len() * 2);
                self.input.resize(size_bytes, 0);
            }
            match self.stream.read(&mut self.input[self.filled_bytes..]) {
                Ok(0) => bail!("the server closed the connection before its answer was complete"),
                Ok(size_bytes) => self.filled_bytes += size_bytes,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("cannot read from the server"),
            }
            if self.filled_bytes < self.needed_bytes {
                continue;
            }
            match dialogue.hear(index, &self.input[..self.filled_bytes])? {
                Heard::Partly { needed_bytes } => {
                    self.needed_bytes = needed_bytes.max(self.filled_bytes + 1);
                }
                heard @ (Heard::Expected { size_bytes, .. } | Heard::Unexpected { size_bytes }) => {
                    ensure!(
                        size_bytes == self.filled_bytes,
                        "the server sent {} bytes after its answer",
                        self.filled_bytes - size_bytes
                    );
                    return Ok(Some(heard));
                }
            }
        }
    }
}
