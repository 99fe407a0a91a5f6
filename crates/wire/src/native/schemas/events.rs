//! Events.

use serde_json::{Value, json};

use crate::native::schemas::counting::{about, counted, turn};
use crate::native::schemas::parts::{
    attributes, code, id, or_null, reference, shown, shown_in_part, text, time, whole,
};

/// Their schemas, by name.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let list = json!({"type": "array", "items": reference("Event")});
    let end = json!({"type": "boolean", "description": "Whether that was all there is."});
    let next = json!({
        "type": "integer", "minimum": 0,
        "description": "The `from` of the next page.",
    });
    vec![("Event", event()), ("Events", shown(&[&[("items", list), ("next", next), ("end", end)]]))]
}

/// All members that some kind has; `docs/reference/events.md` says which has which.
fn event() -> Value {
    let thing = json!({"type": "object"});
    let of = [
        ("number", whole()),
        ("at", time()),
        ("kind", text()),
        ("license", id("lic_")),
        ("meter", code()),
    ];
    let used = [
        ("turn", turn()),
        ("occurred_at", or_null(time())),
        ("subject", or_null(reference("Subject"))),
        ("attributes", attributes()),
    ];
    let others = [
        ("code", text()),
        ("percent", json!({"type": "integer", "minimum": 1})),
        ("cause", or_null(whole())),
        ("wall", time()),
        ("thing", text()),
        ("by", or_null(id("tok_"))),
        ("address", or_null(text())),
        ("before", or_null(thing.clone())),
        ("after", or_null(thing)),
    ];
    let mut event = shown_in_part(&[&of, &counted(), &about(), &used, &others], &[]);
    event["required"] = json!(["number", "at", "kind"]);
    event
}
