//! What operators graph: counters as Prometheus text. `docs/reference/metrics.md` lists them.

use std::fmt::Write as _;

use usance_engine::Statistics;
use usance_engine::histogram::{BOUNDS, Distribution};

use crate::http::stream::Figures;

const NS_PER_S: u64 = 1_000_000_000;
const US_PER_S: u64 = 1_000_000;

/// One family of metrics.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Family {
    /// What it is called.
    pub(crate) name: &'static str,
    /// `counter`, `gauge` or `histogram`.
    pub(crate) kind: &'static str,
    /// What it counts.
    pub(crate) help: &'static str,
    value: Value,
}

#[derive(Debug, Clone, Copy)]
enum Value {
    /// A whole number.
    Whole(fn(&Statistics, Figures) -> u64),
    /// Seconds, with digits after the point: a number and how many of it are a second.
    Seconds(fn(&Statistics) -> u64, u64),
    /// One number for each value of a label.
    Labelled(&'static str, fn(&Statistics) -> Vec<(String, u64)>),
    /// How large things were: what, and how many of its units the shown unit has.
    Sizes(fn(&Statistics) -> Distribution, u64),
}

/// All families, in the order in which they are shown.
#[rustfmt::skip] // A table of a row each.
pub(crate) const FAMILIES: &[Family] = &[
    counter("usance_uses_accepted_total", "Uses that were counted.", |all, _| all.uses_accepted),
    counter("usance_uses_refused_total", "Uses that were refused.", |all, _| all.uses_refused),
    Family {
        name: "usance_refusals_total", kind: "counter",
        help: "Uses that were refused, by the code of the problem.",
        value: Value::Labelled("code", |all| labelled(&all.refusals)),
    },
    counter("usance_uses_repeated_total", "Uses answered from their idempotency key.", |all, _| all.uses_repeated),
    counter("usance_commits_total", "Commits to the storage.", |all, _| all.commits),
    counter("usance_records_total", "Records appended to ledgers.", |all, _| all.records),
    gauge("usance_batch_uses_max", "Most uses in one unit of work since the start.", |all, _| all.batch_uses_max),
    Family {
        name: "usance_batch_uses", kind: "histogram",
        help: "Uses in a unit of work.",
        value: Value::Sizes(|all| all.batch_uses, 1),
    },
    Family {
        name: "usance_commit_seconds_total", kind: "counter",
        help: "Time spent in commits.",
        value: Value::Seconds(|all| all.commit_ns_total, NS_PER_S),
    },
    Family {
        name: "usance_commit_seconds", kind: "histogram",
        help: "Time of a commit.",
        value: Value::Sizes(|all| all.commit_us, US_PER_S),
    },
    gauge("usance_mailbox_uses", "Uses that wait for the writer.", |all, _| all.mailbox_uses),
    Family {
        name: "usance_mailbox_age_seconds", kind: "gauge",
        help: "How long the next of them has waited.",
        value: Value::Seconds(|all| all.mailbox_age_us, US_PER_S),
    },
    counter("usance_overloaded_total", "Requests turned away because too many were waiting.", |all, _| all.overloaded),
    counter("usance_credentials_unknown_total", "Requests whose credential is not known, or over.", |all, _| all.credentials_unknown),
    counter("usance_attempts_refused_total", "Requests that their credential does not allow.", |all, _| all.attempts_refused),
    Family {
        name: "usance_ledger_records", kind: "gauge",
        help: "Records in the ledger of an account.",
        value: Value::Labelled("account", |all| labelled(&all.ledger_sizes)),
    },
    gauge("usance_webhooks", "Webhooks, those that are disabled included.", |_, all| all.webhooks.endpoints),
    counter("usance_webhook_deliveries_total", "Attempts to tell a webhook an event that succeeded.", |_, all| all.webhooks.delivered),
    counter("usance_webhook_failures_total", "Attempts to tell a webhook an event that failed.", |_, all| all.webhooks.failed),
    counter("usance_webhook_dead_letters_total", "Events that were given up for a webhook.", |_, all| all.webhooks.dead),
    gauge("usance_webhook_lag_records_max", "Records that the webhook furthest behind has not been told of.", |_, all| all.webhooks.lag_records_max),
    counter("usance_rule_acts_total", "Times that rules acted by themselves.", |all, _| all.rule_acts),
    counter("usance_rule_records_total", "Records that rules were held against.", |all, _| all.rule_records),
    counter("usance_rule_states_forgotten_total", "What rules kept in mind and forgot for want of room.", |all, _| all.rule_states_forgotten),
    gauge("usance_event_listeners", "Listeners to the stream of events.", |_, stream| stream.listeners as u64),
    gauge("usance_events_behind", "Events that are committed and not told to listeners yet.", |_, stream| stream.behind),
    counter("usance_event_listeners_lagged_total", "Times a listener was too slow and read on from the ledger by itself.", |_, stream| stream.lagged),
];

const fn counter(
    name: &'static str,
    help: &'static str,
    read: fn(&Statistics, Figures) -> u64,
) -> Family {
    Family { name, kind: "counter", help, value: Value::Whole(read) }
}

const fn gauge(
    name: &'static str,
    help: &'static str,
    read: fn(&Statistics, Figures) -> u64,
) -> Family {
    Family { name, kind: "gauge", help, value: Value::Whole(read) }
}

fn labelled<T: ToString>(counts: &[(T, u64)]) -> Vec<(String, u64)> {
    counts.iter().map(|(label, count)| (label.to_string(), *count)).collect()
}

/// The counters as Prometheus text.
pub(crate) fn text(statistics: &Statistics, stream: Figures) -> String {
    let mut text = String::with_capacity(8192);
    for family in FAMILIES {
        family.write(statistics, stream, &mut text).expect("a String takes whatever is written");
    }
    text
}

impl Family {
    fn write(&self, all: &Statistics, stream: Figures, text: &mut String) -> std::fmt::Result {
        let Self { name, kind, help, value } = self;
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}")?;
        match value {
            Value::Whole(read) => writeln!(text, "{name} {}", read(all, stream)),
            Value::Seconds(read, per_second) => {
                writeln!(text, "{name} {}", Fraction(read(all), *per_second))
            }
            Value::Labelled(label, read) => {
                for (value, count) in read(all) {
                    writeln!(text, "{name}{{{label}=\"{value}\"}} {count}")?;
                }
                Ok(())
            }
            Value::Sizes(read, per_unit) => {
                let Distribution { up_to, count, sum } = read(all);
                for (bound, up_to) in BOUNDS.into_iter().zip(up_to) {
                    let bound = Fraction(bound, *per_unit);
                    writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {up_to}")?;
                }
                writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {count}")?;
                writeln!(text, "{name}_sum {}", Fraction(sum, *per_unit))?;
                writeln!(text, "{name}_count {count}")
            }
        }
    }
}

/// A quotient of a whole number and a power of ten, with all its digits.
struct Fraction(u64, u64);

impl std::fmt::Display for Fraction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(value, unit) = *self;
        if unit == 1 {
            return write!(f, "{value}");
        }
        let digits = usize::try_from(unit.ilog10()).unwrap_or(0);
        write!(f, "{}.{:0digits$}", value / unit, value % unit)
    }
}

#[cfg(test)]
mod tests;
