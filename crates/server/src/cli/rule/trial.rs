//! `usance rule try`: what a rule would have done.

use std::path::Path;

use clap::Args;
use serde_json::Value;
use ureq::http::Method;

use crate::cli::body::Body;
use crate::cli::connection::{Connection, Form};
use crate::cli::entity::Run;
use crate::cli::fault::Fault;
use crate::cli::json::Object;
use crate::cli::output;
use crate::cli::table::{self, Column, Place};

/// What to try, and on what.
#[derive(Debug, Args)]
pub struct Trial {
    /// The name of a rule, or a file that holds one as JSON
    rule: String,
    /// On how many of the last days
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=400))]
    days: u32,
}

const ACTS: &[Column] = &[
    Column::text("at"),
    Column::text("license"),
    Column::text("record").absent("-"),
    Column::text("reason"),
];

impl Run for Trial {
    fn run(self, connection: &Connection) -> Result<(), Fault> {
        let Self { rule, days } = self;
        let body = Body::default().with("days", days);
        let body = match Path::new(&rule).is_file() {
            false => body.with("name", rule),
            true => {
                let failed = |why: &dyn std::error::Error| {
                    Fault::failure(format!("{rule} cannot be read")).because(why)
                };
                let text = std::fs::read_to_string(&rule).map_err(|error| failed(&error))?;
                let stated: Value = serde_json::from_str(&text).map_err(|error| failed(&error))?;
                body.with("rule", stated)
            }
        };
        let client = connection.client()?;
        if matches!(connection.form(), Form::People) {
            output::talk(format_args!("Reading the last {days} days…"));
        }
        let answer = client.data(&Method::POST, "/v1/rules/try", Some(&body.text()))?;
        let trial = Object::parse(&answer)?;
        if matches!(connection.form(), Form::Programs) {
            return output::line(answer.trim_end());
        }
        let acts = trial.objects("acts");
        if !acts.is_empty() {
            output::line(table::list(ACTS, &acts, Place::of_stdout()))?;
        }
        let said = |name| trial.text(name).unwrap_or_default();
        let (count, records) = (acts.len(), said("records"));
        output::talk(format_args!("It would have acted {count} times; {records} records read."));
        if said("whole") != "yes" && said("whole") != "true" {
            let to = said("to");
            output::talk(format_args!("There is more: this is what happened until {to}."));
        }
        Ok(())
    }
}
