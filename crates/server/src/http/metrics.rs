//! What operators graph: counters as Prometheus text.

use std::fmt::Write as _;

use usance_engine::Statistics;

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
        rule_acts,
        rule_records,
        rule_states_forgotten,
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
        ("usance_rule_acts_total", "counter", "Times that rules acted by themselves.", rule_acts),
        (
            "usance_rule_records_total",
            "counter",
            "Records that rules were held against.",
            rule_records,
        ),
        (
            "usance_rule_states_forgotten_total",
            "counter",
            "What rules kept in mind and forgot for want of room.",
            rule_states_forgotten,
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
