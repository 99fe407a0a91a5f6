//! Rules that act by themselves, and what they did.

use usance_core::command::{NewRule, Ref, RulePatch};
use usance_core::id::RuleId;
use usance_core::rule::{Block, Cause, Condition, Rule, RuleAction, RuleKind, Trigger};
use usance_core::time::Timestamp;

use crate::json::members::Members;
use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::native::problem::Problem;
use crate::native::{references, request};

pub(super) const NEW: [&str; 11] = [
    "name",
    "kind",
    "product",
    "policy",
    "meter",
    "above",
    "window_seconds",
    "percent",
    "action",
    "lasts_seconds",
    "enabled",
];
pub(super) const PATCH: [&str; 7] =
    ["meter", "above", "window_seconds", "percent", "action", "lasts_seconds", "enabled"];
pub(super) const TRIAL: [&str; 3] = ["name", "rule", "days"];
pub(super) const UNBLOCK: [&str; 1] = ["rule"];

/// Days that a rule is tried on, if nothing is said.
const TRIAL_DAYS: i64 = 30;

/// Reads a rule to be made.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<NewRule, Problem> {
    Ok(new(&request::object(body, &NEW)?)?)
}

fn new(members: &Members<'_, '_, 11>) -> Result<NewRule, usance_core::refusal::Refusal> {
    let kind = |value: Value<'_, '_>| value.word(RuleKind::WORDS, RuleKind::from_word);
    let action = |value: Value<'_, '_>| value.word(RuleAction::WORDS, RuleAction::from_word);
    Ok(NewRule {
        name: members.need("name", Value::code)?,
        product: members.read("product", references::in_value)?,
        policy: members.read("policy", references::in_value)?,
        condition: Condition {
            kind: members.need("kind", kind)?,
            meter: members.read("meter", Value::code)?,
            above: members.need("above", Value::decimal)?,
            window_seconds: members.read("window_seconds", Value::whole)?,
            percent: members.read("percent", Value::whole)?,
        },
        action: members.need("action", action)?,
        lasts_seconds: members.read("lasts_seconds", Value::whole)?,
        is_enabled: members.read("enabled", Value::boolean)?.unwrap_or(true),
    })
}

/// Reads changes of a rule.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_patch(body: &[u8]) -> Result<RulePatch, Problem> {
    let members = request::object(body, &PATCH)?;
    let action = |value: Value<'_, '_>| value.word(RuleAction::WORDS, RuleAction::from_word);
    Ok(RulePatch {
        meter: members.clear("meter", Value::code)?,
        above: members.change("above", Value::decimal)?,
        window_seconds: members.change("window_seconds", Value::whole)?,
        percent: members.change("percent", Value::whole)?,
        action: members.change("action", action)?,
        lasts_seconds: members.clear("lasts_seconds", Value::whole)?,
        is_enabled: members.change("enabled", Value::boolean)?,
    })
}

/// What is to be tried, and on how many days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialRequest {
    /// A rule that is there, or else one that is not made yet.
    pub rule: Result<Ref<RuleId>, Box<NewRule>>,
    /// The last so many days.
    pub days: i64,
}

/// Reads which rule is to be tried.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_trial(body: &[u8]) -> Result<TrialRequest, Problem> {
    let members = request::object(body, &TRIAL)?;
    let days = members.read("days", Value::whole)?.unwrap_or(TRIAL_DAYS);
    let stated = members.read("rule", |value| new(&value.object(&NEW)?).map(Box::new))?;
    let rule = match stated {
        Some(stated) => Err(stated),
        None => Ok(members.need("name", references::in_value)?),
    };
    Ok(TrialRequest { rule, days })
}

/// Reads which rule's act is to be undone; none is all of them.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_unblock(body: &[u8]) -> Result<Option<Ref<RuleId>>, Problem> {
    let members = request::optional_object(body, &UNBLOCK)?;
    Ok(members.read("rule", references::in_value)?)
}

/// Appends a rule.
pub fn write(rule: &Rule, out: &mut Vec<u8>) {
    let Condition { kind, meter, above, window_seconds, percent } = &rule.condition;
    write::object(out, |members| {
        members.word("id", rule.id);
        members.word("name", &rule.name);
        members.word("kind", kind);
        members.maybe("product", rule.scope.product, Object::word);
        members.maybe("policy", rule.scope.policy, Object::word);
        members.maybe("meter", meter.as_ref(), Object::word);
        // A decimal is a JSON number as it is written.
        write::write_shown(members.member("above"), above);
        members.maybe("window_seconds", *window_seconds, Object::integer);
        members.maybe("percent", *percent, Object::integer);
        members.word("action", rule.action);
        members.maybe("lasts_seconds", rule.lasts_seconds, Object::integer);
        members.boolean("enabled", rule.is_enabled);
        members.time("created_at", rule.created_at);
        members.time("updated_at", rule.updated_at);
    });
}

/// Appends what a rule did to a license, and whether it holds at `now`.
pub fn write_block(block: &Block, undone_at: Option<Timestamp>, now: Timestamp, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.word("rule", block.rule);
        members.word("name", &block.name);
        members.word("action", block.action);
        members.boolean("holds", undone_at.is_none() && block.holds(now));
        members.time("since", block.since);
        members.maybe("until", block.until, Object::time);
        members.maybe("undone_at", undone_at, Object::time);
        write_why((block.cause, &block.reason), block.figures(), members);
    });
}

/// Appends what a rule would have done.
pub fn write_trial(
    (acts, records): (&[Trigger], u64),
    (from, to): (Timestamp, Timestamp),
    is_whole: bool,
    out: &mut Vec<u8>,
) {
    write::object(out, |members| {
        members.time("from", from);
        members.time("to", to);
        members.integer("records", records);
        members.boolean("whole", is_whole);
        write::array(members.member("acts"), acts, |out, act: &Trigger| {
            write::object(out, |members| {
                members.word("license", act.license);
                members.time("at", act.at);
                let figures = act.evidence.split(' ').filter_map(|pair| pair.split_once('='));
                write_why((act.cause, &act.reason), figures, members);
            });
        });
    });
}

fn write_why<'a>(
    (cause, reason): (Cause, &str),
    figures: impl Iterator<Item = (&'a str, &'a str)>,
    members: &mut Object<'_>,
) {
    match cause {
        Cause::Record(number) => {
            members.integer("record", number);
            members.null("due");
        }
        Cause::Due(at) => {
            members.null("record");
            members.time("due", at);
        }
    }
    members.text("reason", reason);
    write::object(members.member("evidence"), |evidence| {
        for (name, value) in figures {
            evidence.text(name, value);
        }
    });
}

#[cfg(test)]
pub(super) mod tests {
    use usance_core::id::LicenseId;
    use usance_core::text::Code;

    use super::*;

    const NEW_RULE: &[u8] = br#"{"name": "burst", "kind": "rate", "meter": "frames",
        "above": "1.50", "window_seconds": 60, "action": "refuse", "lasts_seconds": 600}"#;

    pub(in crate::native) fn rule() -> Rule {
        let lines = "name=burst\nkind=rate\nmeter=frames\nabove=1.5\nwindow_seconds=60\n\
                     action=refuse\nlasts_seconds=600\n";
        Rule::from_lines(RuleId::from_bytes([1; 16]), lines).unwrap()
    }

    pub(in crate::native) fn blocks() -> [Block; 2] {
        let of = |cause| Block {
            rule: RuleId::from_bytes([1; 16]),
            name: Code::parse("name", "burst").unwrap(),
            action: RuleAction::Warn,
            since: Timestamp(0),
            until: None,
            cause,
            reason: "too much".into(),
            evidence: "found=2 above=1".into(),
        };
        [of(Cause::Record(7)), of(Cause::Due(Timestamp(5)))]
    }

    pub(in crate::native) fn triggers() -> [Trigger; 2] {
        blocks().map(|block| Trigger {
            rule: block.rule,
            license: LicenseId::from_bytes([2; 16]),
            cause: block.cause,
            at: block.since,
            reason: block.reason,
            evidence: block.evidence,
        })
    }

    #[test]
    fn a_rule_reads_and_is_written_in_the_same_words() {
        let new = read_new(NEW_RULE).unwrap();
        assert_eq!(new.condition.above.to_string(), "1.5");
        assert!(new.is_enabled);
        let mut out = Vec::new();
        write(&rule(), &mut out);
        let text = String::from_utf8(out).unwrap();
        let expected = r#""kind":"rate","product":null,"policy":null,"meter":"frames","above":1.5,"window_seconds":60,"percent":null,"action":"refuse","lasts_seconds":600,"enabled":true,"#;
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn a_trial_is_of_a_rule_that_is_there_or_of_one_that_is_not() {
        let known = read_trial(br#"{"name": "burst"}"#).unwrap();
        assert_eq!(known.rule, Ok(Ref::Code(Code::parse("name", "burst").unwrap())));
        assert_eq!(known.days, 30);
        let text = [br#"{"days": 7, "rule": "#, NEW_RULE, b"}"].concat();
        let new = read_trial(&text).unwrap();
        assert_eq!((new.rule.unwrap_err().name.as_str(), new.days), ("burst", 7));
        for wrong in [&b"{}"[..], br#"{"rule": {"name": "a"}}"#, br#"{"name": "a", "days": -1}"#] {
            assert!(read_trial(wrong).is_err());
        }
        assert_eq!(read_unblock(b""), Ok(None));
    }

    #[test]
    fn words_that_are_none_are_refused() {
        for (from, to) in [
            ("rate", "speed"),
            ("refuse", "explode"),
            ("frames", "Frames"),
            ("\"1.50\"", "\"a\""),
            ("60", "-60"),
            ("\"kind\"", "\"sort\""),
        ] {
            let text = std::str::from_utf8(NEW_RULE).unwrap().replacen(from, to, 1);
            assert!(read_new(text.as_bytes()).is_err(), "{text}");
        }
    }
}
