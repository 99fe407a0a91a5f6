//! Rules that act by themselves, and what they did.

use serde_json::{Value, json};
use usance_core::limits::{RULE_PERCENT_MAX, RULE_WINDOW_SECONDS_MAX, SECONDS_MAX};
use usance_core::rule::{RuleAction, RuleKind};

use crate::native::schemas::parts::{
    amount, asked, boolean, code, id, or_null, positive, quantity, reference, shown, text, time,
    whole,
};

/// Their schemas, by name.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let why = [
        ("record", or_null(whole())),
        ("due", or_null(time())),
        ("reason", text()),
        ("evidence", json!({"type": "object", "additionalProperties": {"type": "string"}})),
    ];
    let block = [
        ("rule", id("rule_")),
        ("name", code()),
        ("action", action()),
        ("holds", boolean()),
        ("since", time()),
        ("until", or_null(time())),
        ("undone_at", or_null(time())),
    ];
    let trial = [
        ("from", time()),
        ("to", time()),
        ("records", whole()),
        ("whole", boolean()),
        ("acts", json!({"type": "array", "items": reference("TriedAct")})),
    ];
    let try_one = [
        ("name", or_null(text())),
        ("rule", or_null(reference("NewRule"))),
        ("days", or_null(positive())),
    ];
    let figures = [
        ("meter", or_null(code())),
        ("above", amount()),
        ("window_seconds", window()),
        ("percent", percent()),
        ("action", action()),
        ("lasts_seconds", or_null(lasts())),
        ("enabled", boolean()),
    ];
    vec![
        ("Rule", rule()),
        ("NewRule", new_rule()),
        ("RulePatch", asked(&[], &figures)),
        ("RuleTrial", asked(&[], &try_one)),
        ("Trial", shown(&[&trial])),
        ("TriedAct", shown(&[&[("license", id("lic_")), ("at", time())], &why])),
        ("Block", shown(&[&block, &why])),
        ("Unblocking", asked(&[], &[("rule", or_null(text()))])),
    ]
}

fn rule() -> Value {
    shown(&[&[
        ("id", id("rule_")),
        ("name", code()),
        ("kind", kind()),
        ("product", or_null(id("prod_"))),
        ("policy", or_null(id("pol_"))),
        ("meter", or_null(code())),
        ("above", quantity()),
        ("window_seconds", or_null(window())),
        ("percent", or_null(percent())),
        ("action", action()),
        ("lasts_seconds", or_null(lasts())),
        ("enabled", boolean()),
        ("created_at", time()),
        ("updated_at", time()),
    ]])
}

fn new_rule() -> Value {
    let members = [
        ("name", code()),
        ("kind", kind()),
        ("product", or_null(text())),
        ("policy", or_null(text())),
        ("meter", or_null(code())),
        ("above", amount()),
        ("window_seconds", or_null(window())),
        ("percent", or_null(percent())),
        ("action", action()),
        ("lasts_seconds", or_null(lasts())),
        ("enabled", or_null(boolean())),
    ];
    asked(&["name", "kind", "above", "action"], &members)
}

fn kind() -> Value {
    json!({"enum": RuleKind::WORDS})
}

fn action() -> Value {
    json!({"enum": RuleAction::WORDS})
}

fn window() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": RULE_WINDOW_SECONDS_MAX})
}

fn percent() -> Value {
    json!({"type": "integer", "minimum": 100, "maximum": RULE_PERCENT_MAX})
}

fn lasts() -> Value {
    json!({"type": "integer", "minimum": 1, "maximum": SECONDS_MAX})
}
