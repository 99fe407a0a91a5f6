//! `usance rule examples`: rules that are ready to be made.

use clap::Args;
use serde_json::{Value, json};

use crate::cli::connection::Connection;
use crate::cli::entity::Run;
use crate::cli::fault::Fault;
use crate::cli::output;

/// Which one to print.
#[derive(Debug, Args)]
pub struct Examples {
    /// Only the one with this name
    name: Option<String>,
}

impl Run for Examples {
    fn run(self, _: &Connection) -> Result<(), Fault> {
        let all = all();
        let Some(name) = self.name else {
            let all: Vec<Value> = all.into_iter().collect();
            return output::line(format_args!("{:#}", Value::from(all)));
        };
        let names: Vec<_> = all.iter().filter_map(|rule| rule["name"].as_str()).collect();
        let found = all.iter().find(|rule| rule["name"] == name.as_str());
        let unknown = || {
            Fault::usage(format!("there is no example {name}"))
                .advise(format!("there are {}", names.join(", ")))
        };
        output::line(format_args!("{:#}", found.ok_or_else(unknown)?))
    }
}

/// Lenient ones: they tell and warn before they refuse.
fn all() -> [Value; 7] {
    [
        json!({
            "name": "burst", "kind": "rate", "above": 1000, "window_seconds": 60,
            "action": "warn", "lasts_seconds": 600,
        }),
        json!({
            "name": "unusual", "kind": "unusual-use", "above": 100, "percent": 500,
            "action": "event",
        }),
        json!({
            "name": "passed-on", "kind": "many-addresses", "above": 5, "window_seconds": 3600,
            "action": "warn", "lasts_seconds": 3600,
        }),
        json!({
            "name": "shared-license", "kind": "many-networks", "above": 10,
            "window_seconds": 86400, "action": "refuse", "lasts_seconds": 3600,
        }),
        json!({
            "name": "clock", "kind": "clock-set-back", "above": 3600, "window_seconds": 86400,
            "action": "warn", "lasts_seconds": 86400,
        }),
        json!({
            "name": "silent", "kind": "check-in-overdue", "above": 86400, "action": "suspend",
        }),
        json!({
            "name": "hammering", "kind": "repeated-refusals", "above": 100,
            "window_seconds": 60, "action": "refuse", "lasts_seconds": 300,
        }),
    ]
}

#[cfg(test)]
mod tests {
    use usance_wire::native::rules;

    use super::*;

    #[test]
    fn every_example_is_a_rule() {
        for rule in all() {
            let new = rules::read_new(rule.to_string().as_bytes()).unwrap();
            new.condition.check().unwrap();
        }
    }
}
