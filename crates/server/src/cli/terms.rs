//! What policies state of their licenses: read from the command line, and explained.
//!
//! Names, values, meanings and defaults are those of core's table of terms.

use clap::Args;
use serde_json::{Value, json};
use usance_core::terms::{Kind, Terms, TermsPatch};

use super::body::Body;
use super::connection::{Connection, Form};
use super::entity::{Part, Run};
use super::fault::Fault;
use super::json::Object;
use super::table::{self, Column, Place};
use super::{output, value};

/// The word by which a license follows its policy again.
const POLICY: &str = "policy";
/// The word for no value.
const NONE: &str = "none";

/// How a term is written, for the help.
pub fn grammar() -> String {
    "Terms are written NAME=VALUE, like max_activations=3, check_in_every='1 month',\n\
     duration_seconds=365d, meter_while=expired,suspended, limit_overage=10%, access=@rules.txt;\n\
     `usance policy terms` lists them all, with what they mean and how they are by default."
        .to_owned()
}

/// The same, for the terms that a license overrides.
pub fn override_grammar() -> String {
    format!(
        "{}\nNAME=policy takes an override away; of `unique` and `component_unique`,\n\
         which know that word themselves, NAME=none does.",
        grammar()
    )
}

/// Reads a term into an object with one member.
///
/// # Errors
/// If there is no such term, or it cannot have that value.
pub fn read(text: &str) -> Result<Value, String> {
    let (name, stated) = value::pair(text)?;
    Ok(Body::default().with(&name, read_value(&name, &stated)?).into())
}

/// Reads a term that a license overrides, or does not any more.
///
/// # Errors
/// As [`read`].
pub fn read_override(text: &str) -> Result<Value, String> {
    let (name, stated) = value::pair(text)?;
    let is_a_value = matches!(kind(&name)?, Kind::Word(words) if words.contains(&POLICY));
    let value = match (stated.as_str(), is_a_value) {
        (POLICY, false) => POLICY.into(),
        (NONE, true) => Value::Null,
        _ => read_value(&name, &stated)?,
    };
    Ok(Body::default().with(&name, value).into())
}

fn kind(name: &str) -> Result<Kind, String> {
    let field = Terms::FIELDS.iter().find(|field| field.name == name);
    field
        .map(|field| field.kind)
        .ok_or_else(|| format!("there is no term {name:?}; `usance policy terms` lists them all"))
}

fn read_value(name: &str, stated: &str) -> Result<Value, String> {
    let kind = kind(name)?;
    let words = core_words(kind, stated)?;
    // Core is the judge of what a term may be; this is only how it is written here.
    TermsPatch::default()
        .set(name, &words)
        .map_err(|_| format!("{name} must be {}, and not {stated:?}", values(kind)))?;
    Ok(json_value(kind, &words))
}

/// A value in the words of core.
fn core_words(kind: Kind, stated: &str) -> Result<String, String> {
    Ok(match kind {
        Kind::Seconds if stated != NONE => value::length(stated)?.to_string(),
        Kind::Words(_) | Kind::Permissions if stated == NONE => String::new(),
        Kind::Words(_) | Kind::Permissions => stated.replace(',', " "),
        Kind::Overage => stated.strip_suffix('%').unwrap_or(stated).to_owned(),
        Kind::Anchor if stated != "calendar" && stated != "license" => {
            let instant = value::instant(stated)?;
            let parsed = instant.parse::<jiff::Timestamp>().map_err(|error| error.to_string())?;
            parsed.as_millisecond().to_string()
        }
        Kind::Rules => match stated.strip_prefix('@') {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| format!("{path} cannot be read: {error}"))?,
            None if stated == NONE => String::new(),
            None => stated.to_owned(),
        },
        _ => stated.to_owned(),
    })
}

/// A value in the words of core, as the API has it.
fn json_value(kind: Kind, words: &str) -> Value {
    match kind {
        Kind::Count | Kind::Seconds | Kind::Span | Kind::MaybeWord(_) if words == NONE => {
            Value::Null
        }
        Kind::Count | Kind::Seconds => words.parse::<u64>().map_or(Value::Null, Value::from),
        Kind::Flag => (words == "true").into(),
        Kind::Words(_) | Kind::Permissions => words.split_whitespace().collect::<Vec<_>>().into(),
        Kind::Rules => words.lines().collect::<Vec<_>>().into(),
        Kind::Overage => match words.parse::<u32>() {
            Ok(percent) => json!({"percent": percent}),
            Err(_) => words.into(),
        },
        Kind::Anchor => match words.parse::<i64>() {
            Ok(ms) => instant(ms).into(),
            Err(_) => words.into(),
        },
        Kind::Word(_) | Kind::Zone | Kind::Span | Kind::MaybeWord(_) => words.into(),
    }
}

/// An instant as the API writes it.
#[must_use]
pub fn instant(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| format!("{at:.3}"))
}

/// What values look like on the command line.
fn values(kind: Kind) -> String {
    match kind {
        Kind::Count => "a whole number or none".into(),
        Kind::Seconds => "a length like 90s, 12h or 30d, or none".into(),
        Kind::Flag => "true or false".into(),
        Kind::Word(words) => words.join(" | "),
        Kind::Words(words) => format!("none, or some of {}", words.join(",")),
        Kind::Permissions => "none, or permissions with commas between them".into(),
        Kind::Overage => "refuse, allow or a percentage like 10%".into(),
        Kind::Span => "a span like '1 month', or none".into(),
        Kind::MaybeWord(words) => format!("{} | none", words.join(" | ")),
        Kind::Zone => "a time zone like Europe/Berlin".into(),
        Kind::Anchor => "calendar | license | a time or date".into(),
        Kind::Rules => "an access rule, @FILE with one a line, or none".into(),
    }
}

/// `usance policy terms`
#[derive(Debug, Args)]
pub struct ListTerms {
    /// Only this one
    term: Option<String>,
}

/// All of them, in a table that fits a terminal.
const LIST: &[Column] =
    &[Column::text("term"), Column::text("default").absent("none"), Column::text("meaning")];

const COLUMNS: &[Column] = &[
    Column::text("term"),
    Column::text("default").absent("none"),
    Column::text("values"),
    Column::text("meaning"),
];

impl Run for ListTerms {
    fn run(self, connection: &Connection) -> Result<(), Fault> {
        if let Some(term) = &self.term {
            kind(term).map_err(Fault::usage)?;
        }
        let defaults = Terms::default().all();
        let rows: Vec<Value> = Terms::FIELDS
            .iter()
            .zip(defaults)
            .filter(|(field, _)| self.term.as_deref().is_none_or(|term| term == field.name))
            .map(|(field, (_, default))| {
                json!({
                    "term": field.name,
                    "default": json_value(field.kind, &default),
                    "values": values(field.kind),
                    "meaning": field.about,
                })
            })
            .collect();
        let answer = json!({"items": rows}).to_string();
        if self.term.is_some() && connection.form() == Form::People {
            let rows = Object::parse(&answer)?.objects("items");
            return rows.first().map_or(Ok(()), |row| {
                output::line(table::details(COLUMNS, row, Place::of_stdout()))
            });
        }
        table::print_list(connection.form(), &answer, LIST, "items")?;
        if connection.form() == Form::People {
            output::talk("What a term can be: usance policy terms TERM");
        }
        Ok(())
    }
}

/// Below a policy or license: those of its terms that are not as by default.
pub const STATED: Part = Part {
    rows: stated,
    columns: &[Column::text("term"), Column::text("value").absent("none"), Column::text("meaning")],
};

fn stated(thing: &Object) -> Vec<Object> {
    let terms = thing.object("terms").unwrap_or_default();
    let defaults = Terms::default().all();
    let stated = Terms::FIELDS.iter().zip(defaults).filter_map(|(field, (_, default))| {
        let found: Value = serde_json::from_str(terms.raw(field.name)?).ok()?;
        if found == json_value(field.kind, &default) {
            return None;
        }
        let row = json!({"term": field.name, "value": found, "meaning": field.about});
        Object::parse(&row.to_string()).ok()
    });
    stated.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_by_their_kind() {
        for (text, expected) in [
            ("max_activations=3", r#"{"max_activations":3}"#),
            ("max_activations=none", r#"{"max_activations":null}"#),
            ("duration_seconds=30d", r#"{"duration_seconds":2592000}"#),
            ("strict=true", r#"{"strict":true}"#),
            ("unique=policy", r#"{"unique":"policy"}"#),
            ("meter_while=expired,suspended", r#"{"meter_while":["expired","suspended"]}"#),
            ("meter_while=none", r#"{"meter_while":[]}"#),
            ("limit_overage=10%", r#"{"limit_overage":{"percent":10}}"#),
            ("limit_overage=allow", r#"{"limit_overage":"allow"}"#),
            ("check_in_every=1 month", r#"{"check_in_every":"1 month"}"#),
            ("billing_every=none", r#"{"billing_every":null}"#),
            ("time_zone=Europe/Berlin", r#"{"time_zone":"Europe/Berlin"}"#),
            ("period_anchor=2026-01-31", r#"{"period_anchor":"2026-01-31T00:00:00.000Z"}"#),
            ("access=deny user=guest", r#"{"access":["deny user=guest"]}"#),
        ] {
            assert_eq!(read(text).map(|value| value.to_string()).as_deref(), Ok(expected));
        }
        for (text, part) in [
            ("max_machines=3", "no term \"max_machines\""),
            ("max_activations=many", "must be a whole number or none"),
            ("strict=yes", "must be true or false"),
            ("unique=galaxy", "license | policy"),
            ("time_zone=Mars/Olympus", "must be a time zone"),
            ("access=perhaps", "must be an access rule"),
            ("strict", "name=value"),
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }

    #[test]
    fn an_override_can_be_taken_away() {
        for (text, expected) in [
            ("max_cores=8", r#"{"max_cores":8}"#),
            ("max_cores=none", r#"{"max_cores":null}"#),
            ("max_cores=policy", r#"{"max_cores":"policy"}"#),
            ("unique=policy", r#"{"unique":"policy"}"#),
            ("unique=none", r#"{"unique":null}"#),
        ] {
            let read = read_override(text);
            assert_eq!(read.map(|value| value.to_string()).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn every_default_can_be_written_here() {
        for (name, words) in Terms::default().all() {
            let kind = kind(name).unwrap();
            let stated = match (kind, words.as_str()) {
                (Kind::Words(_) | Kind::Rules, "") => NONE.to_owned(),
                (Kind::Words(_) | Kind::Permissions, words) => words.replace(' ', ","),
                (_, words) => words.to_owned(),
            };
            assert_eq!(read_value(name, &stated), Ok(json_value(kind, &words)), "{name}");
        }
    }
}
