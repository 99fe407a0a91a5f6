//! `usance audit`: who changed what, when and from where.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use clap::Args;
use serde_json::Value;
use usance_core::event::THINGS;

use super::connection::{Connection, Form};
use super::fault::Fault;
use super::feed::Wanted;
use super::json::Object;
use super::output;

/// Show who changed what in the catalogue: before, after, by which token and from where
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usance audit                                  every change, oldest first
  usance audit --thing LICENSE_ID               of one thing
  usance audit --by TOKEN_ID                    by one token
  usance audit --kind 'license.*'
  usance audit --csv > changes.csv              for a spreadsheet

What is shown lies beside the ledger, whose records hold its hash: `usance verify` finds what was
altered. Of people and customers that are deleted it is erased.")]
pub struct Audit {
    /// Those of this thing, by its id
    #[arg(long, value_name = "ID")]
    thing: Option<String>,
    /// Those of this token
    #[arg(long, value_name = "TOKEN_ID")]
    by: Option<String>,
    /// Those of these kinds: license.suspended, policy.*
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<String>,
    /// Begin with this number
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    from: u64,
    /// Print comma-separated values
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    connection: Connection,
}

const HEADER: [&str; 8] = ["number", "at", "kind", "thing", "by", "address", "before", "after"];

impl Audit {
    /// Runs it.
    ///
    /// # Errors
    /// If the server does not answer.
    pub fn run(self) -> Result<(), Fault> {
        let client = self.connection.client()?;
        let kind = match self.kind.is_empty() {
            true => THINGS.iter().map(|thing| format!("{thing}.*")).collect(),
            false => self.kind.clone(),
        };
        let wanted = Wanted { kind, license: None, meter: None, thing: self.thing.clone() };
        if self.csv {
            output::line(HEADER.join(","))?;
        }
        let mut count = 0;
        wanted.read(&client, self.from, &mut |text, event| {
            if event.text("thing").is_none() || (self.by.is_some() && event.text("by") != self.by) {
                return Ok(ControlFlow::Continue(()));
            }
            count += 1;
            match (self.csv, self.connection.form()) {
                (true, _) => output::line(csv(event))?,
                (false, Form::Programs) => output::line(text)?,
                (false, Form::People) => output::line(shown(event))?,
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if count == 0 && !self.csv && self.connection.form() == Form::People {
            output::talk("Nothing of that was changed.");
        }
        Ok(())
    }
}

/// A change as people read it.
fn shown(event: &Object) -> String {
    let text = |name: &str| event.text(name);
    let by = text("by").unwrap_or_else(|| "a license, or the server itself".to_owned());
    let from = text("address").map_or_else(String::new, |from| format!(" from {from}"));
    let mut lines = vec![format!(
        "#{} {} {} {}\n  by {by}{from}",
        text("number").unwrap_or_default(),
        text("at").unwrap_or_default(),
        text("kind").unwrap_or_default(),
        text("thing").unwrap_or_default(),
    )];
    let (before, after) = (flat(event.raw("before")), flat(event.raw("after")));
    lines.extend(difference(&before, &after));
    lines.join("\n").replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
}

/// What went and what came, line by line, in the order of the members.
fn difference(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let mut lines: Vec<(&String, char, &String)> = Vec::new();
    for (name, value) in before.iter().filter(|(name, value)| after.get(*name) != Some(*value)) {
        lines.push((name, '-', value));
    }
    for (name, value) in after.iter().filter(|(name, value)| before.get(*name) != Some(*value)) {
        lines.push((name, '+', value));
    }
    lines.sort_unstable_by_key(|(name, sign, _)| (*name, *sign == '+'));
    lines.iter().map(|(name, sign, value)| format!("  {sign} {name} = {value}")).collect()
}

/// The members of a thing, those of its parts after the name of the part.
fn flat(raw: Option<&str>) -> BTreeMap<String, String> {
    let mut members = BTreeMap::new();
    if let Some(thing) = raw.and_then(|raw| serde_json::from_str::<Value>(raw).ok()) {
        flatten(String::new(), &thing, &mut members);
    }
    members
}

fn flatten(name: String, value: &Value, members: &mut BTreeMap<String, String>) {
    let below =
        |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        Value::Null => {}
        Value::Object(all) => {
            for (part, value) in all {
                flatten(below(part), value, members);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let label = part_name(&name, item).unwrap_or_else(|| index.to_string());
                flatten(format!("{name}[{label}]"), item, members);
            }
        }
        Value::String(text) => {
            members.insert(name, text.replace('\n', "\\n"));
        }
        other => {
            members.insert(name, other.to_string());
        }
    }
}

/// What a part is called: a meter by its name, so that one that came or went moves no others.
fn part_name(name: &str, part: &Value) -> Option<String> {
    match part {
        Value::Object(all) => Some(all.get(name.rsplit('.').next()?)?.as_str()?.to_owned()),
        Value::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn csv(event: &Object) -> String {
    let cells = HEADER.iter().map(|name| match *name {
        "before" | "after" => {
            let lines = flat(event.raw(name));
            let lines = lines.iter().map(|(name, value)| format!("{name}={value}"));
            cell(&lines.collect::<Vec<_>>().join("\n"))
        }
        _ => cell(&event.text(name).unwrap_or_default()),
    });
    cells.collect::<Vec<_>>().join(",")
}

/// A cell as RFC 4180 has it. What a spreadsheet would take for a formula gets a quote in front.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let quote = if is_formula { "'" } else { "" };
    if is_formula || text.contains([',', '"', '\n', '\r']) {
        return format!("\"{quote}{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Object {
        Object::parse(
            r#"{"number":7,"at":"2026-11-23T14:20:00.000Z","kind":"policy.changed","thing":"pol_1",
                "by":"tok_1","address":"192.0.2.7",
                "before":{"policy":"pol_1","name":"Old","entitlement":["a","b"],
                          "meter":[{"meter":"frames","allowed":"10"}]},
                "after":{"policy":"pol_1","name":"=New, \"x\"","entitlement":["b"],
                         "meter":[{"meter":"cores"},{"meter":"frames","allowed":"20"}]}}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_change_is_shown_as_what_went_and_came() {
        assert_eq!(
            shown(&event()),
            "#7 2026-11-23T14:20:00.000Z policy.changed pol_1\n  by tok_1 from 192.0.2.7\n  \
             - entitlement[a] = a\n  + meter[cores].meter = cores\n  \
             - meter[frames].allowed = 10\n  + meter[frames].allowed = 20\n  \
             - name = Old\n  + name = =New, \"x\""
        );
    }

    #[test]
    fn cells_are_quoted_where_they_must() {
        for (text, expected) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("=1+1", "\"'=1+1\""),
            ("two\nlines", "\"two\nlines\""),
        ] {
            assert_eq!(cell(text), expected);
        }
        assert!(
            csv(&event()).starts_with("7,2026-11-23T14:20:00.000Z,policy.changed,pol_1,tok_1,")
        );
    }
}
