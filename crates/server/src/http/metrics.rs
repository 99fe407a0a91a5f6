//! What operators graph: counters as Prometheus text.

use std::fmt::Write as _;

use usance_engine::Statistics;

use crate::webhooks::WebhookStatistics;

const NS_PER_S: u64 = 1_000_000_000;

/// The counters as Prometheus text.
pub(crate) fn text(statistics: &Statistics) -> String {
    let Statistics {
        uses_accepted,
        uses_refused,
        uses_repeated,
        commits,
        records,
        commit_ns_total,
        batch_uses_max,
        mailbox_uses,
        overloaded,
        ..
    } = statistics;
    let mut text = String::with_capacity(2048);
    for (name, kind, help, value) in [
        ("usance_uses_accepted_total", "counter", "Uses that were counted.", uses_accepted),
        ("usance_uses_refused_total", "counter", "Uses that were refused.", uses_refused),
        (
            "usance_uses_repeated_total",
            "counter",
            "Uses answered from their idempotency key.",
            uses_repeated,
        ),
        ("usance_commits_total", "counter", "Commits to the storage.", commits),
        ("usance_records_total", "counter", "Records appended to ledgers.", records),
        (
            "usance_batch_uses_max",
            "gauge",
            "Most uses in one unit of work since the start.",
            batch_uses_max,
        ),
        ("usance_mailbox_uses", "gauge", "Uses that wait for the writer.", mailbox_uses),
        (
            "usance_overloaded_total",
            "counter",
            "Requests turned away because too many were waiting.",
            overloaded,
        ),
    ] {
        family(&mut text, name, kind, help);
        writeln!(text, " {value}").expect("appending to a string does not fail");
    }
    let (name, help) = ("usance_commit_seconds_total", "Time spent in commits.");
    family(&mut text, name, "counter", help);
    let (seconds, ns) = (commit_ns_total / NS_PER_S, commit_ns_total % NS_PER_S);
    writeln!(text, " {seconds}.{ns:09}").expect("appending to a string does not fail");
    text
}

/// Appends the counters of webhooks.
pub(crate) fn write_webhooks(statistics: &WebhookStatistics, text: &mut String) {
    let WebhookStatistics { endpoints, delivered, failed, dead, lag_records_max } = statistics;
    for (name, kind, help, value) in [
        ("usance_webhooks", "gauge", "Webhooks, those that are disabled included.", endpoints),
        (
            "usance_webhook_deliveries_total",
            "counter",
            "Attempts to tell webhooks an event that succeeded.",
            delivered,
        ),
        (
            "usance_webhook_failures_total",
            "counter",
            "Attempts to tell webhooks an event that failed.",
            failed,
        ),
        (
            "usance_webhook_dead_letters_total",
            "counter",
            "Events that were given up for a webhook.",
            dead,
        ),
        (
            "usance_webhook_lag_records_max",
            "gauge",
            "Records that the webhook furthest behind has not been told of.",
            lag_records_max,
        ),
    ] {
        family(text, name, kind, help);
        writeln!(text, " {value}").expect("appending to a string does not fail");
    }
}

fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name}")
        .expect("appending to a string does not fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_help_type_and_one_value() {
        let text = text(&Statistics {
            uses_accepted: 3,
            commit_ns_total: 1_000_000_007,
            ..Statistics::default()
        });
        for line in [
            "# HELP usance_uses_accepted_total Uses that were counted.",
            "# TYPE usance_uses_accepted_total counter",
            "usance_uses_accepted_total 3",
            "# TYPE usance_mailbox_uses gauge",
            "usance_mailbox_uses 0",
            "usance_commit_seconds_total 1.000000007",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert_eq!(text.lines().count() % 3, 0);
    }
}
