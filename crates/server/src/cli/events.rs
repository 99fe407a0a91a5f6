//! `usance events`: what happened, and what happens.

use std::ops::ControlFlow;

use clap::Args;

use super::client::Client;
use super::connection::{Connection, Form};
use super::fault::Fault;
use super::feed::{Wanted, summary};
use super::json::Object;
use super::output;
use super::table::{self, Column, Place};

/// Show what happened, oldest first, or follow what happens
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usance events                                  the last hundred
  usance events --follow                         and all that happen from now on
  usance events --kind 'license.*,meter.limit-reached'
  usance events --license LICENSE --from 0       all about a license
  usance events --from 0 --json | jq .kind       one event a line, for programs

The kinds are listed in docs/reference/events.md.")]
pub struct Events {
    #[command(flatten)]
    wanted: Wanted,
    /// Begin with this number; 0 is the first of all
    #[arg(long, value_name = "NUMBER", conflicts_with = "last")]
    from: Option<u64>,
    /// Begin so many events before the end, of whatever kind
    #[arg(long, value_name = "N", default_value_t = 100)]
    last: u64,
    /// Show at most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Go on with what happens, until it is stopped
    #[arg(long, short)]
    follow: bool,
    #[command(flatten)]
    connection: Connection,
}

const COLUMNS: &[Column] = &[
    Column::number("number"),
    Column::text("at"),
    Column::text("kind"),
    Column::text("license"),
    Column::text("meter"),
    Column::computed("what", summary),
];

impl Events {
    /// Runs it.
    ///
    /// # Errors
    /// If the server does not answer.
    pub fn run(self) -> Result<(), Fault> {
        let client = self.connection.client()?;
        let from = match self.from {
            Some(from) => from,
            None => Wanted::end(&client)?.saturating_sub(self.last),
        };
        if self.follow { self.go_on(&client, from) } else { self.list(&client, from) }
    }

    fn list(&self, client: &Client, from: u64) -> Result<(), Fault> {
        let form = self.connection.form();
        let mut rows = Vec::new();
        let mut count = 0;
        self.wanted.read(client, from, &mut |text, _| {
            count += 1;
            match form {
                Form::Programs => output::line(text)?,
                Form::People => rows.push(Object::parse(text)?),
            }
            // A table knows its widths when it has its rows; they go out some at a time.
            if rows.len() >= ROWS_MAX {
                print(&mut rows)?;
            }
            Ok(enough(count, self.limit))
        })?;
        if form == Form::Programs {
            return Ok(());
        }
        if count == 0 {
            output::talk("Nothing of that happened.");
            return Ok(());
        }
        print(&mut rows)
    }

    fn go_on(&self, client: &Client, from: u64) -> Result<(), Fault> {
        let form = self.connection.form();
        let mut count = 0;
        self.wanted.follow(client, from, &mut |text, event| {
            count += 1;
            match form {
                Form::Programs => output::line(text)?,
                Form::People => output::line(line(event))?,
            }
            Ok(enough(count, self.limit))
        })
    }
}

/// Rows of one table.
const ROWS_MAX: usize = 1000;

fn print(rows: &mut Vec<Object>) -> Result<(), Fault> {
    if rows.is_empty() {
        return Ok(());
    }
    output::line(table::list(COLUMNS, rows, Place::of_stdout()))?;
    rows.clear();
    Ok(())
}

fn enough(count: u64, limit: Option<u64>) -> ControlFlow<()> {
    if limit.is_some_and(|limit| count >= limit) {
        return ControlFlow::Break(());
    }
    ControlFlow::Continue(())
}

fn line(event: &Object) -> String {
    let text = |name: &str| event.text(name).unwrap_or_default();
    let about = [text("license"), text("meter")].join(" ");
    let line = format!(
        "{} {} {} {} {}",
        text("number"),
        text("at"),
        text("kind"),
        about.trim(),
        summary(event)
    );
    line.split_whitespace().collect::<Vec<_>>().join(" ").replace(char::is_control, "\u{fffd}")
}
