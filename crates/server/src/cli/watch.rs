//! `usance watch`: live usage in the terminal.

mod picture;

use std::ops::ControlFlow;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use clap::Args;
use console::Term;

use self::picture::Picture;
use super::connection::Connection;
use super::fault::Fault;
use super::feed::Wanted;
use super::json::Object;
use super::output;

/// Show live usage: rates, top licenses and meters, refusals, limits ahead
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usance watch                            of everything
  usance watch --meter frames             of meters of one name
  usance watch --every 10 | tee usage.log a line every ten seconds, for a pipe

On a terminal it redraws in place; on a pipe it prints a line each time. Stop it with Ctrl-C.
Refusals are counted by the whole server, also where they are not recorded.")]
pub struct Watch {
    /// Only this license, by id or key
    #[arg(long)]
    license: Option<String>,
    /// Only meters of this name
    #[arg(long)]
    meter: Option<String>,
    /// How often to draw, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
    /// Stop after drawing so often
    #[arg(long, value_name = "N")]
    times: Option<u64>,
    #[command(flatten)]
    connection: Connection,
}

/// Events that wait to be drawn; more of them make the reader wait, and the server's stream.
const WAITING_EVENTS: usize = 4096;

impl Watch {
    /// Runs it.
    ///
    /// # Errors
    /// If the server does not answer.
    pub fn run(self) -> Result<(), Fault> {
        let client = self.connection.client()?;
        let from = Wanted::end(&client)?;
        let (sender, events) = mpsc::sync_channel(WAITING_EVENTS);
        let kind = vec!["meter.*".into(), "hold.*".into(), "session.*".into()];
        let wanted =
            Wanted { kind, license: self.license.clone(), meter: self.meter.clone(), thing: None };
        let follower = self.connection.client()?;
        std::thread::spawn(move || {
            let done = wanted.follow(&follower, from, &mut |text, _| {
                let told = sender.send(Ok(Object::parse(text)?));
                Ok(if told.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
            });
            if let Err(fault) = done {
                // Nobody may be drawing any more.
                sender.send(Err(fault)).unwrap_or_default();
            }
        });
        let every = Duration::from_secs(self.every);
        let mut picture = Picture::default();
        let mut screen = Screen { term: Term::stdout(), lines: 0 };
        let mut drawn = 0;
        let mut draw_at = Instant::now() + every;
        loop {
            match events.recv_timeout(draw_at.saturating_duration_since(Instant::now())) {
                Ok(event) => {
                    picture.take(&event?);
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            draw_at = Instant::now() + every;
            // A server that is away for a moment has no figures then.
            picture.refused(client.fetch("/metrics").ok().as_deref());
            screen.draw(&mut picture, every)?;
            drawn += 1;
            if self.times.is_some_and(|times| drawn >= times) {
                return Ok(());
            }
        }
    }
}

/// Where it is drawn.
struct Screen {
    term: Term,
    lines: usize,
}

impl Screen {
    fn draw(&mut self, picture: &mut Picture, every: Duration) -> Result<(), Fault> {
        if !self.term.is_term() {
            return output::line(picture.line(every));
        }
        let failed =
            |error: std::io::Error| Fault::failure("cannot write to the terminal").because(&error);
        let (height, width) = self.term.size();
        let lines = picture.lines(every, usize::from(width), usize::from(height));
        self.term.clear_last_lines(self.lines).map_err(failed)?;
        self.lines = lines.len();
        output::line(lines.join("\n"))
    }
}
