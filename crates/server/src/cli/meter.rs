//! `usance meter`: where the counters of a license stand, and what moved them.

use clap::Args;
use jiff::Timestamp;

use super::client::{segment, with_query};
use super::connection::Connection;
use super::entity::{Does, Entity, Field, Named, Own, Run, Verb};
use super::fault::Fault;
use super::json::Object;
use super::said::LICENSE;
use super::table::{self, Column};
use super::{meter_spec, value};

/// A counter of a license.
pub const METER: Entity = Entity {
    word: "meter",
    about: "Meters: where the counters of a license stand, and what moved them",
    examples: "\
usance meter list LICENSE
usance meter records LICENSE frames --limit 20
usance meter usage LICENSE frames --window day
usance meter allow LICENSE frames 5000
usance meter add LICENSE exports:allowed=10",
    path: "/v1/licenses/{}/meters",
    parents: &[Named::new("LICENSE", LICENSE)],
    own: Named::new("METER", "Name of the meter"),
    columns: METERS,
    details: DETAILS,
    parts: &[],
    verbs: &[
        Verb::new(
            "list",
            "List the meters of a license",
            "usance meter list LICENSE",
            Does::ListWhole,
        ),
        Verb::new(
            "show",
            "Show one meter of a license",
            "usance meter show LICENSE frames",
            Does::Show,
        ),
        Verb::new(
            "records",
            "Show what moved a meter, newest first",
            "usance meter records LICENSE frames --all --json",
            Does::ListBelow("records", RECORDS),
        ),
        Verb::new(
            "usage",
            "Show sums per hour, day or month",
            "usance meter usage LICENSE frames\n\
             usance meter usage LICENSE frames --window month --from 2026-01-01",
            Does::Own(Own::of::<Usage>()),
        ),
        Verb::new(
            "allow",
            "Give a license its own ceiling of a meter",
            "usance meter allow LICENSE frames 5000\n\
             usance meter allow LICENSE frames unlimited\n\
             usance meter allow LICENSE frames policy     follow the policy again",
            Does::Change(&[&[Field::place(
                "ALLOWED",
                "allowed",
                "An amount, `unlimited`, or `policy`",
            )
            .reads("ALLOWED", value::allowance)]]),
        ),
        Verb::new(
            "add",
            "Give a license a meter of its own",
            "usance meter add LICENSE exports:allowed=10\n\
             usance meter add LICENSE 'seats:allowed=3,measure=seats'",
            Does::Make(&[&[
                Field::place("SPEC", "", "The meter").reads("METER", meter_spec::parse)
            ]]),
        )
        .explained(|| meter_spec::GRAMMAR.to_owned()),
        Verb::new(
            "remove",
            "Take a meter of its own away from a license; the ledger keeps its records",
            "usance meter remove LICENSE exports",
            Does::Delete("gone"),
        ),
    ],
};

const METERS: &[Column] = &[
    Column::text("name").titled("meter"),
    Column::text("unit"),
    Column::number("total"),
    Column::number("allowed").absent("unlimited"),
    Column::number("remaining").absent("unlimited"),
    Column::number("held"),
    Column::number("gross"),
    Column::number("refusals"),
    Column::computed("period ends", period_end),
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
    Column::computed("measure", measure),
    Column::text("period"),
    Column::computed("rollover", rollover),
    Column::text("carried").titled("carried over").if_there(),
    Column::computed("period ends", period_end),
    Column::text("floating"),
    Column::text("visible_to").titled("visible to").absent("nobody"),
    Column::text("own").titled("the license's own"),
    Column::text("refusals"),
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
    Column::text("activation"),
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

/// `usance meter usage`
#[derive(Debug, Args)]
pub struct Usage {
    /// The license: its id or key
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
}

impl Run for Usage {
    fn run(self, connection: &Connection) -> Result<(), Fault> {
        let path = format!("{}/usage", path_of(&self.license, Some(&self.meter)));
        let (from, to) = span(self.from, self.to, &self.window, Timestamp::now())?;
        let query = [("from", Some(from)), ("to", Some(to)), ("window", Some(self.window))];
        let answer = connection.client()?.fetch(&with_query(&path, &query))?;
        table::print_list(connection.form(), &answer, WINDOWS, "windows")
    }
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

/// How a meter measures, as `--meter` takes it.
#[must_use]
pub fn measure(meter: &Object) -> String {
    let Some(timing) = meter.object("measure").and_then(|measure| measure.object("duration"))
    else {
        return meter.text("measure").unwrap_or_default();
    };
    let parts = [
        ("unit-time", "unit_seconds"),
        ("minimum", "minimum_seconds"),
        ("free", "free_seconds"),
        ("step", "step_seconds"),
        ("idle", "idle_seconds"),
    ];
    let stated = parts.iter().filter_map(|(name, member)| {
        Some(format!("{name}={}s", timing.text(member).filter(|seconds| seconds != "0")?))
    });
    format!("duration {}", stated.collect::<Vec<_>>().join(" "))
}

/// When the period ends; one begins when the meter first moves.
fn period_end(meter: &Object) -> String {
    let is_without = meter.text("period").is_none_or(|period| period == "never");
    let none = if is_without { "never" } else { "not begun" };
    meter.text("period_end").unwrap_or_else(|| none.to_owned())
}

/// What goes over into the next period, as `--meter` takes it.
#[must_use]
pub fn rollover(meter: &Object) -> String {
    let most = meter.object("rollover").and_then(|rollover| rollover.text("up_to"));
    most.or_else(|| meter.text("rollover")).unwrap_or_default()
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
    fn measures_are_shown_as_they_are_written() {
        for (stated, expected) in [
            (r#""seats""#, "seats"),
            (
                r#"{"duration": {"unit_seconds": 3600, "free_seconds": 0, "idle_seconds": null}}"#,
                "duration unit-time=3600s",
            ),
        ] {
            let meter = Object::parse(&format!("{{\"measure\": {stated}}}")).unwrap();
            assert_eq!(measure(&meter), expected);
        }
    }

    #[test]
    fn any_key_fits_a_path() {
        assert_eq!(path_of("a/b", None), "/v1/licenses/a%2Fb/meters");
        assert_eq!(path_of("k", Some("frames")), "/v1/licenses/k/meters/frames");
    }
}
