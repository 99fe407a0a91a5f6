//! The load loop: one thread, one epoll, keep-alive connections, one request in flight on each.
//!
//! It shares two processor cores with the server it measures, so what it costs matters as much as
//! what it says: two system calls for an exchange plus a share of one `epoll_wait`, requests copied
//! from a prebuilt template, and answers read no further than their verdict needs. All servers are
//! measured by this loop; only the [`Dialogue`] differs.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mio::{Events, Poll};
use rustix::time::{ClockId, clock_gettime};

use crate::connection::Connection;
use crate::dialogue::{Asked, Dialogue, Heard};
use crate::interrupt;

/// How often interrupts and deadlines are looked at while nothing arrives.
const POLL_WAIT_MAX: Duration = Duration::from_millis(100);
/// A server that says nothing for this long is taken for stuck.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// After this many wrong answers there is nothing left to measure.
const UNEXPECTED_COUNT_MAX: u64 = 100;

/// When a load ends.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// After a warm-up that is not counted and a window that is.
    Elapsed { warmup: Duration, window: Duration },
    /// When the dialogue has nothing left to ask; everything is counted.
    Exhausted,
}

/// Where the load goes, over how many connections, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub address: SocketAddr,
    pub connections: usize,
    pub until: Until,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Load {
    /// Units answered as expected within the window.
    pub units: u64,
    /// Exchanges completed within the window.
    pub exchanges: u64,
    /// The length of the window.
    pub elapsed: Duration,
    /// The latency of every exchange in the window, ascending.
    latencies_ns: Vec<u64>,
    /// The processor time the load generator itself used in the window.
    pub client_cpu: Duration,
}

impl Load {
    /// Units per second.
    pub fn rate(&self) -> f64 {
        self.units as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency below which `per_mille` of a thousand exchanges stayed.
    pub fn latency(&self, per_mille: usize) -> Duration {
        let rank = (self.latencies_ns.len() * per_mille).div_ceil(1000).max(1);
        Duration::from_nanos(self.latencies_ns.get(rank - 1).copied().unwrap_or(0))
    }

    /// Processor time of the load generator for one exchange.
    pub fn client_cpu_per_exchange(&self) -> Duration {
        let count = u32::try_from(self.exchanges).unwrap_or(u32::MAX).max(1);
        self.client_cpu / count
    }
}

/// Runs a load to its end. Fails if any answer was not the expected one.
pub fn run<D: Dialogue>(plan: Plan, dialogue: &mut D) -> Result<Load> {
    let poll = Poll::new().context("cannot create an epoll instance")?;
    let mut connections = Vec::with_capacity(plan.connections);
    for index in 0..plan.connections {
        connections.push(Connection::open(plan.address, index, &poll, dialogue)?);
    }
    Generator::new(plan).run(poll, &mut connections, dialogue)
}

/// The counters of one run.
struct Generator {
    plan: Plan,
    begin: Instant,
    latencies_ns: Vec<u64>,
    units: u64,
    expected_count: u64,
    unexpected_count: u64,
    unexpected_first: Option<String>,
    in_flight_count: usize,
    answered_last: Instant,
    cpu_begin: Option<Duration>,
    cpu_end: Option<Duration>,
}

impl Generator {
    fn new(plan: Plan) -> Self {
        let now = Instant::now();
        Self {
            plan,
            begin: now,
            latencies_ns: Vec::with_capacity(1 << 18),
            units: 0,
            expected_count: 0,
            unexpected_count: 0,
            unexpected_first: None,
            in_flight_count: 0,
            answered_last: now,
            cpu_begin: None,
            cpu_end: None,
        }
    }

    fn run<D: Dialogue>(
        mut self,
        mut poll: Poll,
        connections: &mut [Connection],
        dialogue: &mut D,
    ) -> Result<Load> {
        let mut events = Events::with_capacity(1024);
        self.begin = Instant::now();
        self.answered_last = self.begin;
        for (index, connection) in connections.iter_mut().enumerate() {
            self.send(connection, index, self.begin, dialogue)?;
        }
        while self.in_flight_count > 0 {
            interrupt::check()?;
            match poll.poll(&mut events, Some(POLL_WAIT_MAX)) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("cannot wait for events"),
            }
            if events.is_empty() {
                ensure!(
                    self.answered_last.elapsed() < SILENCE_MAX,
                    "no answer for {} s, {}",
                    SILENCE_MAX.as_secs(),
                    self.unexpected_note()
                );
            }
            for event in &events {
                let index = event.token().0;
                let Some(connection) = connections.get_mut(index) else {
                    bail!("an event for connection {index}, which does not exist");
                };
                self.progress(connection, index, dialogue)?;
            }
        }
        self.finish()
    }

    /// Moves one connection on: what can be written, what can be read, and the next request.
    fn progress<D: Dialogue>(
        &mut self,
        connection: &mut Connection,
        index: usize,
        dialogue: &mut D,
    ) -> Result<()> {
        let progress = connection.progress(index, dialogue);
        let Some(heard) = progress.with_context(|| self.unexpected_note())? else {
            return Ok(());
        };
        let now = Instant::now();
        self.in_flight_count -= 1;
        self.answered_last = now;
        match heard {
            Heard::Expected { units, .. } => self.count(now, connection.sent_at(), units),
            Heard::Unexpected { .. } => self.note_unexpected(connection.answer())?,
            Heard::Partly { .. } => bail!("a judgement before the answer was whole"),
        }
        self.send(connection, index, now, dialogue)
    }

    /// Sends the next request, unless the time is up or there is none.
    fn send<D: Dialogue>(
        &mut self,
        connection: &mut Connection,
        index: usize,
        now: Instant,
        dialogue: &mut D,
    ) -> Result<()> {
        if !self.is_over(now) && connection.send(index, now, dialogue)? == Asked::Request {
            self.in_flight_count += 1;
        }
        Ok(())
    }

    fn is_over(&self, now: Instant) -> bool {
        match self.plan.until {
            Until::Elapsed { warmup, window } => now >= self.begin + warmup + window,
            Until::Exhausted => false,
        }
    }

    fn count(&mut self, now: Instant, sent_at: Instant, units: u64) {
        self.expected_count += 1;
        if let Until::Elapsed { warmup, .. } = self.plan.until {
            if now < self.begin + warmup {
                return;
            }
            if self.is_over(now) {
                self.cpu_end.get_or_insert_with(cpu_time);
                return;
            }
        }
        self.cpu_begin.get_or_insert_with(cpu_time);
        let latency_ns = u64::try_from((now - sent_at).as_nanos()).unwrap_or(u64::MAX);
        self.latencies_ns.push(latency_ns);
        self.units += units;
    }

    fn note_unexpected(&mut self, answer: &[u8]) -> Result<()> {
        self.unexpected_count += 1;
        if self.unexpected_first.is_none() {
            let shown = &answer[..answer.len().min(1000)];
            self.unexpected_first = Some(String::from_utf8_lossy(shown).into_owned());
        }
        ensure!(self.unexpected_count < UNEXPECTED_COUNT_MAX, "{}", self.unexpected_note());
        Ok(())
    }

    /// What has been heard so far, for a message.
    fn unexpected_note(&self) -> String {
        let Self { expected_count, unexpected_count, .. } = self;
        match &self.unexpected_first {
            None => format!("after {expected_count} expected answers"),
            Some(first) => format!(
                "{unexpected_count} unexpected answers beside {expected_count} expected ones; \
                 the first was:\n{first}"
            ),
        }
    }

    fn finish(mut self) -> Result<Load> {
        ensure!(self.unexpected_count == 0, "{}", self.unexpected_note());
        let elapsed = match self.plan.until {
            Until::Elapsed { window, .. } => window,
            Until::Exhausted => self.answered_last - self.begin,
        };
        ensure!(
            !self.latencies_ns.is_empty() && !elapsed.is_zero(),
            "no answer arrived within the window; give it more seconds"
        );
        let cpu_end = self.cpu_end.unwrap_or_else(cpu_time);
        self.latencies_ns.sort_unstable();
        Ok(Load {
            units: self.units,
            exchanges: self.latencies_ns.len() as u64,
            elapsed,
            latencies_ns: self.latencies_ns,
            client_cpu: cpu_end.saturating_sub(self.cpu_begin.unwrap_or(cpu_end)),
        })
    }
}

/// The processor time this process has used.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}
