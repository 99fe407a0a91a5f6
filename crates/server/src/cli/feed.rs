//! Events of a server: which are wanted, read page by page, or followed without an end.

use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::time::Duration;

use clap::Args;
use serde_json::value::RawValue;

use super::client::{Client, NotHeard, with_query};
use super::fault::Fault;
use super::json::{Object, not_understood};
use super::output;

/// The longest page a server gives.
const PAGE_EVENTS: usize = 1000;
/// How long to wait before a lost stream is asked for again.
const RETRY: Duration = Duration::from_secs(1);
/// The longest event: a thing with all its metadata, before and after.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Which events are wanted.
#[derive(Debug, Clone, Args)]
pub struct Wanted {
    /// Those of these kinds: license.suspended, meter.*
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    pub kind: Vec<String>,
    /// Those about this license, by id or key
    #[arg(long)]
    pub license: Option<String>,
    /// Those about meters of this name
    #[arg(long)]
    pub meter: Option<String>,
    /// Those that changed the thing with this id
    #[arg(long, value_name = "ID")]
    pub thing: Option<String>,
}

/// A page of events.
#[derive(Debug, serde::Deserialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    next: u64,
    end: bool,
}

/// What to do with an event: its text, and the same read.
pub type Each<'e> = &'e mut dyn FnMut(&str, &Object) -> Result<ControlFlow<()>, Fault>;

impl Wanted {
    fn query(&self) -> Vec<(&'static str, Option<String>)> {
        vec![
            ("kind", (!self.kind.is_empty()).then(|| self.kind.join(","))),
            ("license", self.license.clone()),
            ("meter", self.meter.clone()),
            ("thing", self.thing.clone()),
        ]
    }

    /// The number that the next event will have.
    ///
    /// # Errors
    /// If the server does not say.
    pub fn end(client: &Client) -> Result<u64, Fault> {
        let query = [("from", Some("end".to_owned())), ("limit", Some("1".to_owned()))];
        let answer = client.fetch(&with_query("/v1/events", &query))?;
        let page: Page =
            serde_json::from_str(&answer).map_err(|error| not_understood().because(&error))?;
        Ok(page.next)
    }

    /// Reads events from a number on, to the last there is. Returns the number to go on with.
    ///
    /// # Errors
    /// If the server does not answer, or those of `each`.
    pub fn read(&self, client: &Client, from: u64, each: Each<'_>) -> Result<u64, Fault> {
        let mut next = from;
        loop {
            let mut query = self.query();
            query.push(("from", Some(next.to_string())));
            query.push(("limit", Some(PAGE_EVENTS.to_string())));
            let answer = client.fetch(&with_query("/v1/events", &query))?;
            let page: Page =
                serde_json::from_str(&answer).map_err(|error| not_understood().because(&error))?;
            for item in &page.items {
                if each(item.get(), &Object::parse(item.get())?)?.is_break() {
                    return Ok(page.next);
                }
            }
            next = page.next;
            if page.end {
                return Ok(next);
            }
        }
    }

    /// Follows events from a number on, whatever becomes of the connection.
    ///
    /// # Errors
    /// If the server refuses, or those of `each`.
    pub fn follow(&self, client: &Client, from: u64, each: Each<'_>) -> Result<(), Fault> {
        let mut next = from;
        let mut is_first = true;
        loop {
            let mut query = self.query();
            query.push(("from", Some(next.to_string())));
            match client.stream(&with_query("/v1/events/stream", &query)) {
                Ok(stream) => {
                    is_first = false;
                    if hear(stream, &mut next, each)?.is_break() {
                        return Ok(());
                    }
                }
                Err(NotHeard::Lost(fault)) if !is_first => {
                    output::talk(format_args!("{}; trying again", fault.message()));
                }
                Err(NotHeard::Lost(fault) | NotHeard::Refused(fault)) => return Err(fault),
            }
            std::thread::sleep(RETRY);
        }
    }
}

/// Hears a stream to its end.
fn hear(stream: impl Read, next: &mut u64, each: Each<'_>) -> Result<ControlFlow<()>, Fault> {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    let mut id = None;
    let mut data = String::new();
    loop {
        line.clear();
        // A stream that breaks off is asked for again.
        let read = (&mut reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).unwrap_or(0);
        if read == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\r', '\n']);
        if let Some(number) = text.strip_prefix("id: ") {
            id = number.parse::<u64>().ok();
        } else if let Some(text) = text.strip_prefix("data: ") {
            text.clone_into(&mut data);
        } else if text.is_empty() && !data.is_empty() {
            let done = each(&data, &Object::parse(&data)?)?;
            *next = id.take().map_or(*next, |id| id + 1);
            data.clear();
            if done.is_break() {
                return Ok(done);
            }
        }
    }
}

/// What an event says, in a few words.
#[must_use]
pub fn summary(event: &Object) -> String {
    let text = |name: &str| event.text(name);
    let kind = text("kind").unwrap_or_default();
    if let Some(thing) = text("thing") {
        let by = text("by").map_or_else(String::new, |by| format!(" by {by}"));
        let from = text("address").map_or_else(String::new, |from| format!(" from {from}"));
        return format!("{thing}{by}{from}");
    }
    let mut words = Vec::new();
    if let Some(percent) = text("percent") {
        words.push(format!("{percent} %"));
    }
    if let Some(applied) = text("applied") {
        words.push(format!("{applied} applied"));
    }
    if let Some(code) = text("code") {
        words.push(format!("{} asked: {code}", text("asked").unwrap_or_default()));
    }
    if let Some(total) = text("total") {
        let of = text("allowed").map_or_else(String::new, |allowed| format!(" of {allowed}"));
        words.push(format!("total {total}{of}"));
    }
    if kind.ends_with("clock-set-back") {
        words.extend(text("wall"));
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_heard_event_by_event() {
        let stream = ": listening from 4\nretry: 1000\n\n: alive\n\n\
                      id: 4\nevent: a.b\ndata: {\"number\":4}\n\n\
                      id: 6\nevent: a.b\ndata: {\"number\":6}\n\nid: 7\ndata: {\"num";
        let (mut next, mut heard) = (4, Vec::new());
        let done = hear(stream.as_bytes(), &mut next, &mut |text, event| {
            heard.push((text.to_owned(), event.text("number")));
            Ok(ControlFlow::Continue(()))
        });
        assert!(done.unwrap().is_continue());
        assert_eq!(heard.len(), 2);
        assert_eq!(heard[1], ("{\"number\":6}".to_owned(), Some("6".to_owned())));
        // What broke off is asked for once more.
        assert_eq!(next, 7);
    }

    #[test]
    fn events_are_summed_up() {
        for (event, expected) in [
            (
                r#"{"kind":"meter.incremented","applied":5,"total":8,"allowed":10}"#,
                "5 applied, total 8 of 10",
            ),
            (
                r#"{"kind":"meter.threshold-crossed","percent":80,"total":8,"allowed":10}"#,
                "80 %, total 8 of 10",
            ),
            (
                r#"{"kind":"meter.refused","asked":5,"code":"limit-reached","total":8}"#,
                "5 asked: limit-reached, total 8",
            ),
            (
                r#"{"kind":"policy.changed","thing":"pol_1","by":"tok_1","address":"::1"}"#,
                "pol_1 by tok_1 from ::1",
            ),
            (r#"{"kind":"ledger.opened"}"#, ""),
        ] {
            assert_eq!(summary(&Object::parse(event).unwrap()), expected);
        }
    }
}
