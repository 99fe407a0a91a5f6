//! Terms: what a policy states of its licenses beside their meters.
//!
//! Everything here follows from core's table of them, by the kind of their values.

use std::borrow::Cow;
use std::fmt::Write as _;

use usance_core::access::AccessList;
use usance_core::limits::ACCESS_RULES_MAX;
use usance_core::refusal::Refusal;
use usance_core::terms::{Kind, Terms, TermsPatch};
use usance_core::time::Timestamp;

use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::native::policies::permissions;
use crate::time;

/// How many there are.
const COUNT: usize = Terms::FIELDS.len();

/// Their names, in the order of the table.
pub(super) const NAMES: [&str; COUNT] = {
    let mut names = [""; COUNT];
    let mut index = 0;
    while index < COUNT {
        names[index] = Terms::FIELDS[index].name;
        index += 1;
    }
    names
};

pub(super) const PERCENT: [&str; 1] = ["percent"];

/// The word that takes an override away.
const POLICY: &str = "policy";

/// More lines than rules, for comments among them.
const RULE_LINES_MAX: usize = 2 * ACCESS_RULES_MAX;

/// Reads terms, of which any may be left out.
pub(super) fn read(value: Value<'_, '_>) -> Result<TermsPatch, Refusal> {
    let (patch, _) = read_each(value, |_, _| false)?;
    Ok(patch)
}

/// Reads changes of a license's overrides: new ones, and the names of those that it gives up.
pub(super) fn read_overrides(value: Value<'_, '_>) -> Result<(TermsPatch, Vec<String>), Refusal> {
    read_each(value, is_cleared)
}

/// Writes all of them.
pub(super) fn write(terms: &Terms, name: &str, members: &mut Object<'_>) {
    write_stated(terms.all(), name, members);
}

/// Writes those that a license overrides.
pub(super) fn write_overrides(patch: Option<&TermsPatch>, name: &str, members: &mut Object<'_>) {
    write_stated(patch.map(TermsPatch::stated).unwrap_or_default(), name, members);
}

fn read_each(
    value: Value<'_, '_>,
    is_cleared: impl Fn(Kind, Value<'_, '_>) -> bool,
) -> Result<(TermsPatch, Vec<String>), Refusal> {
    let members = value.object(&NAMES)?;
    let mut patch = TermsPatch::default();
    let mut cleared = Vec::new();
    for field in Terms::FIELDS {
        members.change(field.name, |value| {
            if is_cleared(field.kind, value) {
                cleared.push(field.name.to_owned());
                return Ok(());
            }
            let words = words(field.kind, value)?;
            patch.set(field.name, &words).map_err(|refusal| value.place().moved(refusal))
        })?;
    }
    Ok((patch, cleared))
}

/// Whether a license follows its policy again: where the word for that is itself a value, null says
/// it.
fn is_cleared(kind: Kind, value: Value<'_, '_>) -> bool {
    match kind {
        Kind::Word(words) if words.contains(&POLICY) => value.is_null(),
        _ => value.is_text() && value.text().is_ok_and(|text| text == POLICY),
    }
}

/// A value in the words that core reads.
fn words<'a>(kind: Kind, value: Value<'_, 'a>) -> Result<Cow<'a, str>, Refusal> {
    let wrong = || value.refuse(format!("must be {kind}"));
    match kind {
        Kind::Count | Kind::Seconds | Kind::Span | Kind::MaybeWord(_) if value.is_null() => {
            Ok("none".into())
        }
        Kind::Count | Kind::Seconds => {
            let number: u64 = value.whole().map_err(|_| wrong())?;
            Ok(number.to_string().into())
        }
        Kind::Flag => Ok(value.boolean()?.to_string().into()),
        Kind::Word(_) | Kind::Zone => value.text().map_err(|_| wrong()),
        Kind::Span | Kind::MaybeWord(_) => {
            let text = value.text().map_err(|_| wrong())?;
            // What core calls nothing is null here, and no word.
            if text == "none" { Err(wrong()) } else { Ok(text) }
        }
        Kind::Words(known) => {
            let words =
                value.words(known, |word| known.iter().copied().find(|own| *own == word))?;
            Ok(words.join(" ").into())
        }
        Kind::Permissions => {
            let words: Vec<_> = permissions(value)?.words().collect();
            Ok(words.join(" ").into())
        }
        Kind::Overage if value.is_text() => match value.text()? {
            text if text == "refuse" || text == "allow" => Ok(text),
            _ => Err(wrong()),
        },
        Kind::Overage => {
            let members = value.object(&PERCENT).map_err(|_| wrong())?;
            let percent: u32 = members.need("percent", Value::whole)?;
            Ok(percent.to_string().into())
        }
        Kind::Anchor => match value.text().map_err(|_| wrong())? {
            text if text == "calendar" || text == "license" => Ok(text),
            text => Ok(time::read(&text).ok_or_else(wrong)?.0.to_string().into()),
        },
        Kind::Rules => rules(value).map(Cow::Owned),
    }
}

/// Access rules, one an item, so that what is wrong is told of the right one.
fn rules(value: Value<'_, '_>) -> Result<String, Refusal> {
    let mut all = String::new();
    value.items(RULE_LINES_MAX, |item| {
        let line = item.text()?;
        if line.contains(['\n', '\r']) {
            return Err(item.refuse("must be one rule, on one line"));
        }
        // Cannot fail: a string has room.
        writeln!(all, "{line}").map_err(|_| item.refuse("is too long"))
    })?;
    AccessList::parse(&all).map_err(|refusal| value.place().moved(refusal))?;
    Ok(all)
}

fn write_stated(stated: Vec<(&'static str, String)>, name: &str, members: &mut Object<'_>) {
    write::object(members.member(name), |all| {
        for (name, words) in stated {
            if let Some(field) = Terms::FIELDS.iter().find(|field| field.name == name) {
                write_value(field.kind, &words, all.member(name));
            }
        }
    });
}

/// Appends a value that core shows in these words.
pub(super) fn write_value(kind: Kind, words: &str, out: &mut Vec<u8>) {
    match kind {
        Kind::Count | Kind::Seconds | Kind::Span | Kind::MaybeWord(_) if words == "none" => {
            out.extend_from_slice(b"null");
        }
        Kind::Count | Kind::Seconds | Kind::Flag => out.extend_from_slice(words.as_bytes()),
        Kind::Words(_) | Kind::Permissions => {
            write::array(out, words.split_whitespace(), write::text);
        }
        Kind::Rules => write::array(out, words.lines(), write::text),
        Kind::Overage => match words.parse::<u32>() {
            Ok(percent) => write::object(out, |all| all.integer("percent", percent)),
            Err(_) => write::text(out, words),
        },
        Kind::Anchor => match words.parse() {
            Ok(ms) => {
                out.push(b'"');
                time::write(Timestamp(ms), out);
                out.push(b'"');
            }
            Err(_) => write::text(out, words),
        },
        Kind::Word(_) | Kind::Zone | Kind::Span | Kind::MaybeWord(_) => write::text(out, words),
    }
}

#[cfg(test)]
mod tests;
