//! Child processes: started here, stopped here by their id, also when something fails.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::interrupt;
use crate::machine::Memory;

/// How often a waiting loop looks again.
const TICK: Duration = Duration::from_millis(5);
/// The end of a child's talk that is kept for the message when it fails.
const TALK_SIZE_BYTES_MAX: usize = 4096;
/// Lines of output that wait to be read; more are thrown away.
const LINES_MAX: usize = 64;

/// A server in a process of its own. Dropping it stops it.
pub struct Child {
    name: &'static str,
    process: std::process::Child,
    lines: Receiver<(Instant, String)>,
    talk: Arc<Mutex<String>>,
    started_at: Instant,
    stop_signal: Signal,
    stop_wait_max: Duration,
}

impl Child {
    /// Starts it, with its output and its talk caught.
    pub fn start(name: &'static str, mut command: Command) -> Result<Self> {
        let started_at = Instant::now();
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {name} ({:?})", command.get_program()))?;
        let (sender, lines) = sync_channel(LINES_MAX);
        let talk = Arc::new(Mutex::new(String::new()));
        if let Some(output) = process.stdout.take() {
            let talk = Arc::clone(&talk);
            std::thread::spawn(move || drain(output, &talk, Some(&sender)));
        }
        if let Some(output) = process.stderr.take() {
            let talk = Arc::clone(&talk);
            std::thread::spawn(move || drain(output, &talk, None));
        }
        Ok(Self {
            name,
            process,
            lines,
            talk,
            started_at,
            stop_signal: Signal::TERM,
            stop_wait_max: Duration::from_secs(10),
        })
    }

    /// Which signal ends it, and how long that may take before it is killed.
    pub fn stopped_by(mut self, stop_signal: Signal, stop_wait_max: Duration) -> Self {
        self.stop_signal = stop_signal;
        self.stop_wait_max = stop_wait_max;
        self
    }

    /// Its resident memory.
    pub fn memory(&self) -> Result<Memory> {
        Memory::of(self.process.id())
    }

    /// The processor time it has used.
    pub fn processor_time(&self) -> Result<Duration> {
        crate::machine::processor_time(self.process.id())
    }

    /// Waits for the line `listening on http://ADDRESS`.
    pub fn wait_for_address(&mut self, wait_max: Duration) -> Result<SocketAddr> {
        Ok(self.wait_for_ready(wait_max)?.0)
    }

    /// The same, and how long after its start the line came.
    pub fn wait_for_ready(&mut self, wait_max: Duration) -> Result<(SocketAddr, Duration)> {
        loop {
            interrupt::check()?;
            match self.lines.recv_timeout(TICK) {
                Ok((at, line)) => {
                    if let Some(rest) = line.split("listening on http://").nth(1) {
                        let address = rest.split_whitespace().next().unwrap_or_default();
                        let address = address.trim_end_matches('/').parse().with_context(|| {
                            format!("{} listens on `{address}`, not an address", self.name)
                        })?;
                        return Ok((address, at - self.started_at));
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                // Its output has ended; whether it has too is looked at below.
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(TICK),
            }
            self.check_alive()?;
            if self.started_at.elapsed() > wait_max {
                bail!("{} was not ready after {wait_max:?}{}", self.name, self.last_words());
            }
        }
    }

    /// Calls `ready` until it gives something.
    pub fn wait_until<T>(
        &mut self,
        wait_max: Duration,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Result<T> {
        loop {
            interrupt::check()?;
            if let Some(found) = ready() {
                return Ok(found);
            }
            self.check_alive()?;
            if self.started_at.elapsed() > wait_max {
                bail!("{} was not ready after {wait_max:?}{}", self.name, self.last_words());
            }
            std::thread::sleep(TICK * 4);
        }
    }

    /// Fails with its last words if it has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        if let Some(status) = self.process.try_wait()? {
            // Its pipes may still be being read.
            std::thread::sleep(TICK * 10);
            bail!("{} ended ({status}){}", self.name, self.last_words());
        }
        Ok(())
    }

    /// What it said last, to be put behind a message.
    pub fn last_words(&self) -> String {
        match self.talk.lock() {
            Ok(talk) if !talk.is_empty() => format!("; its last words:\n{}", talk.trim_end()),
            _ => String::new(),
        }
    }

    /// Asks it to end, waits, and kills it if it does not.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        if let Some(status) = self.process.try_wait()? {
            return Ok(status);
        }
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, self.stop_signal)
                .with_context(|| format!("cannot signal {}", self.name))?;
        }
        let asked_at = Instant::now();
        while asked_at.elapsed() < self.stop_wait_max {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(TICK);
        }
        eprintln!("{} did not end within {:?}; killing it", self.name, self.stop_wait_max);
        self.process.kill()?;
        Ok(self.process.wait()?)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("cannot stop {}: {error:#}", self.name);
        }
    }
}

/// Reads a child's output to its end, so that it never blocks, and keeps the last of it.
fn drain(output: impl Read, talk: &Mutex<String>, lines: Option<&SyncSender<(Instant, String)>>) {
    for line in BufReader::new(output).lines() {
        let Ok(line) = line else { return };
        let at = Instant::now();
        if let Ok(mut talk) = talk.lock() {
            talk.push_str(&line);
            talk.push('\n');
            if talk.len() > TALK_SIZE_BYTES_MAX {
                let cut = talk.ceil_char_boundary(talk.len() - TALK_SIZE_BYTES_MAX / 2);
                talk.drain(..cut);
            }
        }
        if let Some(lines) = lines {
            // Nobody waits for lines after the first ones; a full or closed channel is fine.
            lines.try_send((at, line)).ok();
        }
    }
}
