//! `usance meter`: where the counters of a license stand, and what moved them.

use clap::{Args, Subcommand};
use jiff::Timestamp;
use ureq::http::Method;

use super::body::Body;
use super::client::{Client, segment, with_query};
use super::connection::{Connection, Form};
use super::fault::Fault;
use super::json::Object;
use super::license::ceiling_value;
use super::output;
use super::paging::Paging;
use super::table::{self, Column, Place};
use super::value;

const METERS: &[Column] = &[
    Column::text("name").titled("meter"),
    Column::text("unit"),
    Column::number("total"),
    Column::number("allowed").absent("unlimited"),
    Column::number("remaining").absent("unlimited"),
    Column::number("held"),
    Column::number("gross"),
    Column::number("refusals"),
];

const DETAILS: &[Column] = &[
    Column::text("name").titled("meter"),
    Column::text("unit"),
    Column::text("scale"),
    Column::text("total"),
    Column::text("allowed").absent("unlimited"),
    Column::text("allowed_from").titled("allowed by"),
    Column::text("remaining").absent("unlimited"),
    Column::text("held"),
    Column::text("gross"),
    Column::text("floor"),
    Column::computed("overage", overage),
    Column::text("refusals"),
    Column::text("period_end").titled("period ends").absent("never"),
];

const RECORDS: &[Column] = &[
    Column::number("record"),
    Column::text("at"),
    Column::text("kind"),
    Column::text("operation"),
    Column::number("asked"),
    Column::number("applied"),
    Column::number("overage"),
    Column::number("total"),
    Column::number("gross"),
    Column::text("code").titled("refused for"),
    Column::text("subject"),
    Column::text("attributes"),
];

const WINDOWS: &[Column] = &[
    Column::text("from"),
    Column::number("incremented"),
    Column::number("decremented"),
    Column::number("adjusted"),
    Column::number("uses"),
    Column::number("overage"),
];

/// Meters: where the counters of a license stand, and what moved them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usance meter list LICENSE
  usance meter records LICENSE frames --limit 20
  usance meter usage LICENSE frames --window day
  usance meter allow LICENSE frames 5000")]
pub struct Group {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the meters of a license
    #[command(after_help = "Example:\n  usance meter list LICENSE")]
    List {
        /// Its id or key
        license: String,
    },
    /// Show one meter of a license
    #[command(after_help = "Example:\n  usance meter show LICENSE frames")]
    Show {
        /// Its id or key
        license: String,
        /// Name of the meter
        meter: String,
    },
    /// Show what moved a meter, newest first
    #[command(after_help = "Example:\n  usance meter records LICENSE frames --all --json")]
    Records {
        /// Its id or key
        license: String,
        /// Name of the meter
        meter: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show sums per hour, day or month
    #[command(after_help = "\
Example:
  usance meter usage LICENSE frames
  usance meter usage LICENSE frames --window month --from 2026-01-01")]
    Usage {
        /// Its id or key
        license: String,
        /// Name of the meter
        meter: String,
        /// From here on: RFC 3339 or a date [default: a day, a month or a year before the end]
        #[arg(long, value_name = "TIME", value_parser = value::instant)]
        from: Option<String>,
        /// Up to here: RFC 3339 or a date [default: now]
        #[arg(long, value_name = "TIME", value_parser = value::instant)]
        to: Option<String>,
        /// How long each window is
        #[arg(long, default_value = "day", value_parser = ["hour", "day", "month"])]
        window: String,
    },
    /// Give a license its own ceiling of a meter
    #[command(after_help = "\
Examples:
  usance meter allow LICENSE frames 5000
  usance meter allow LICENSE frames unlimited
  usance meter allow LICENSE frames policy     follow the policy again")]
    Allow {
        /// Its id or key
        license: String,
        /// Name of the meter
        meter: String,
        /// An amount, `unlimited`, or `policy`
        #[arg(value_parser = allowance)]
        allowed: String,
    },
}

impl Group {
    /// Does what is asked.
    ///
    /// # Errors
    /// If the server does not.
    pub fn run(self) -> Result<(), Fault> {
        let client = self.connection.client()?;
        let form = self.connection.form();
        match self.action {
            Action::List { license } => {
                let answer = client.fetch(&path_of(&license, None))?;
                print_list(form, &answer, METERS, "items")
            }
            Action::Show { license, meter } => {
                let answer = client.fetch(&path_of(&license, Some(&meter)))?;
                print_one(form, &answer)
            }
            Action::Records { license, meter, paging } => {
                let path = format!("{}/records", path_of(&license, Some(&meter)));
                paging.print(&client, form, &path, &[], RECORDS)
            }
            Action::Usage { license, meter, from, to, window } => {
                let path = format!("{}/usage", path_of(&license, Some(&meter)));
                let (from, to) = span(from, to, &window, Timestamp::now())?;
                let query = [("from", Some(from)), ("to", Some(to)), ("window", Some(window))];
                let answer = client.fetch(&with_query(&path, &query))?;
                print_list(form, &answer, WINDOWS, "windows")
            }
            Action::Allow { license, meter, allowed } => {
                allow(&client, form, &path_of(&license, Some(&meter)), &allowed)
            }
        }
    }
}

fn allow(client: &Client, form: Form, path: &str, allowed: &str) -> Result<(), Fault> {
    let body = Body::default().with("allowed", ceiling_value(allowed));
    let answer = client.data(&Method::PATCH, path, Some(&body.text()))?;
    print_one(form, &answer)
}

/// From where to where, if one or both were not said.
fn span(
    from: Option<String>,
    to: Option<String>,
    window: &str,
    now: Timestamp,
) -> Result<(String, String), Fault> {
    let to = to.unwrap_or_else(|| format!("{now:.3}"));
    if let Some(from) = from {
        return Ok((from, to));
    }
    let hours = match window {
        "hour" => 24,
        "day" => 31 * 24,
        _ => 366 * 24,
    };
    let before = to
        .parse::<Timestamp>()
        .and_then(|end| end.checked_sub(jiff::SignedDuration::from_hours(hours)))
        .map_err(|error| Fault::usage("--to is no time to look back from").because(&error))?;
    Ok((format!("{before:.3}"), to))
}

/// An amount, `unlimited` or `policy`.
fn allowance(text: &str) -> Result<String, String> {
    match text {
        "policy" => Ok(text.to_owned()),
        _ => value::ceiling(text).map_err(|why| format!("{why}, nor `policy`")),
    }
}

/// The path of a license's meters, or of one of them.
#[must_use]
pub fn path_of(license: &str, meter: Option<&str>) -> String {
    let license = segment(license);
    match meter {
        Some(meter) => format!("/v1/licenses/{license}/meters/{}", segment(meter)),
        None => format!("/v1/licenses/{license}/meters"),
    }
}

/// What may lie above a ceiling, as `--meter` takes it.
#[must_use]
pub fn overage(meter: &Object) -> String {
    let stated = meter.object("overage").unwrap_or_default();
    match (stated.text("percent"), stated.text("amount")) {
        (Some(percent), _) => format!("{percent}%"),
        (None, Some(amount)) => amount,
        (None, None) => meter.text("overage").unwrap_or_default(),
    }
}

fn print_one(form: Form, answer: &str) -> Result<(), Fault> {
    if form == Form::Programs {
        return output::line(answer.trim_end());
    }
    let meter = Object::parse(answer)?;
    output::line(table::details(DETAILS, &meter, Place::of_stdout()))
}

fn print_list(form: Form, answer: &str, columns: &[Column], member: &str) -> Result<(), Fault> {
    if form == Form::Programs {
        return output::line(answer.trim_end());
    }
    let rows = Object::parse(answer)?.objects(member);
    if rows.is_empty() {
        output::talk("There are none.");
        return Ok(());
    }
    output::line(table::list(columns, &rows, Place::of_stdout()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overages_are_shown_as_they_are_written() {
        for (stated, expected) in
            [(r#""allow""#, "allow"), (r#"{"percent": 10}"#, "10%"), (r#"{"amount": 2.5}"#, "2.5")]
        {
            let meter = Object::parse(&format!("{{\"overage\": {stated}}}")).unwrap();
            assert_eq!(overage(&meter), expected);
        }
    }

    #[test]
    fn a_span_that_is_not_said_ends_now() {
        let now: Timestamp = "2026-11-23T14:20:00.1234Z".parse().unwrap();
        let say = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        for (from, to, window, expected) in [
            ("", "", "hour", ("2026-11-22T14:20:00.123Z", "2026-11-23T14:20:00.123Z")),
            ("", "", "day", ("2026-10-23T14:20:00.123Z", "2026-11-23T14:20:00.123Z")),
            ("a", "", "month", ("a", "2026-11-23T14:20:00.123Z")),
            (
                "",
                "2026-02-01T00:00:00Z",
                "day",
                ("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00Z"),
            ),
            ("a", "b", "day", ("a", "b")),
        ] {
            let (begin, end) = span(say(from), say(to), window, now).unwrap();
            assert_eq!((begin.as_str(), end.as_str()), expected);
        }
    }

    #[test]
    fn any_key_fits_a_path() {
        assert_eq!(path_of("a/b", None), "/v1/licenses/a%2Fb/meters");
        assert_eq!(path_of("k", Some("frames")), "/v1/licenses/k/meters/frames");
    }
}
