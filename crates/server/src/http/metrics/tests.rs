use std::collections::BTreeSet;

use usance_engine::histogram::Histogram;

use super::*;

const DOCS: &str = include_str!("../../../../../docs/reference/metrics.md");
const DASHBOARD: &str = include_str!("../../../../../docs/reference/grafana-dashboard.json");

fn sample() -> String {
    let sizes = Histogram::default();
    for value in [1, 3, 3_000_000] {
        sizes.observe(value);
    }
    let statistics = Statistics {
        uses_accepted: 3,
        commit_ns_total: 1_000_000_007,
        batch_uses: sizes.read(),
        commit_us: sizes.read(),
        refusals: vec![("limit-reached", 2)],
        ..Statistics::default()
    };
    text(&statistics, Figures { listeners: 5, lagged: 1, behind: 7, ..Figures::default() })
}

#[test]
fn families_are_shown_as_prometheus_reads_them() {
    let text = sample();
    for line in [
        "# HELP usance_uses_accepted_total Uses that were counted.",
        "# TYPE usance_uses_accepted_total counter",
        "usance_uses_accepted_total 3",
        "# TYPE usance_mailbox_uses gauge",
        "usance_mailbox_uses 0",
        "usance_commit_seconds_total 1.000000007",
        "usance_refusals_total{code=\"limit-reached\"} 2",
        "usance_batch_uses_bucket{le=\"1\"} 1",
        "usance_batch_uses_bucket{le=\"4\"} 2",
        "usance_batch_uses_bucket{le=\"+Inf\"} 3",
        "usance_batch_uses_sum 3000004",
        "usance_commit_seconds_bucket{le=\"0.000004\"} 2",
        "usance_commit_seconds_sum 3.000004",
        "usance_commit_seconds_count 3",
        "usance_event_listeners 5",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
    }
    for family in FAMILIES {
        assert_eq!(text.matches(&format!("# TYPE {} {}\n", family.name, family.kind)).count(), 1);
    }
}

#[test]
fn the_documentation_has_every_family() {
    let rows: Vec<_> = FAMILIES
        .iter()
        .map(|Family { name, kind, help, .. }| format!("| `{name}` | {kind} | {help} |"))
        .collect();
    let documented: Vec<_> = DOCS.lines().filter(|line| line.starts_with("| `usance_")).collect();
    assert_eq!(documented, rows, "metrics.md must have:\n{}", rows.join("\n"));
}

#[test]
fn the_dashboard_asks_for_what_there_is() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.len() >= 8);
    let mut asked = BTreeSet::new();
    for target in panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap()) {
        let query = target["expr"].as_str().unwrap();
        for word in query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            if let Some(rest) = word.strip_prefix("usance_") {
                let plain = ["_bucket", "_sum", "_count"]
                    .iter()
                    .find_map(|end| word.strip_suffix(end))
                    .filter(|name| FAMILIES.iter().any(|family| family.name == *name));
                let name = plain.unwrap_or(word);
                assert!(FAMILIES.iter().any(|family| family.name == name), "{word} {rest}");
                asked.insert(name.to_owned());
            }
        }
    }
    assert!(asked.len() * 2 > FAMILIES.len(), "the dashboard shows {asked:?}");
}
