//! The parts that schemas are made of.

use serde_json::{Map, Value, json};
use usance_core::license::Status;
use usance_core::limits::{
    ATTRIBUTE_VALUE_BYTES_MAX, ATTRIBUTES_MAX, CODE_BYTES_MAX, METADATA_ENTRIES_MAX, NAME_BYTES_MAX,
};
use usance_core::token::Permission;
use usance_core::usage::OperationKind;

use crate::native::schemas::catalogue::audiences;
use crate::native::uses::Verb;

/// An instant.
pub(in crate::native) fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

/// A count or a position.
pub(in crate::native) fn whole() -> Value {
    json!({"type": "integer", "minimum": 0})
}

/// How a license stands.
pub(in crate::native) fn status() -> Value {
    json!({"enum": Status::ALL.map(Status::word)})
}

/// An object that we write: every member is there.
pub(super) fn shown(parts: &[&[(&'static str, Value)]]) -> Value {
    let members = parts.concat();
    let required: Vec<_> = members.iter().map(|(name, _)| *name).collect();
    let properties: Map<_, _> =
        members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({"type": "object", "required": required, "properties": properties})
}

/// An object that we write: every member is there, but for those that may be hidden or pointless.
pub(super) fn shown_in_part(parts: &[&[(&'static str, Value)]], hidden: &[&str]) -> Value {
    let mut object = shown(parts);
    if let Some(required) = object["required"].as_array_mut() {
        required.retain(|name| name.as_str().is_none_or(|name| !hidden.contains(&name)));
    }
    object
}

/// An object that we read: nothing else may be there.
pub(super) fn asked(required: &[&str], members: &[(&'static str, Value)]) -> Value {
    let mut object = shown(&[members]);
    object["required"] = json!(required);
    object["additionalProperties"] = json!(false);
    object
}

/// A schema by its name.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A value or null.
pub(super) fn or_null(schema: Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}

/// An id.
pub(super) fn id(prefix: &str) -> Value {
    json!({"type": "string", "pattern": format!("^{prefix}[0-9a-f]{{32}}$")})
}

/// A name for machines.
pub(super) fn code() -> Value {
    json!({
        "type": "string", "pattern": "^[a-z0-9][a-z0-9._-]*$", "maxLength": CODE_BYTES_MAX,
    })
}

/// A name for people.
pub(super) fn name() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": NAME_BYTES_MAX})
}

/// Any text.
pub(super) fn text() -> Value {
    json!({"type": "string"})
}

/// True or false.
pub(super) fn boolean() -> Value {
    json!({"type": "boolean"})
}

/// A whole number above zero.
pub(super) fn positive() -> Value {
    json!({"type": "integer", "minimum": 1})
}

/// Bytes.
pub(super) fn base64() -> Value {
    json!({"type": "string", "contentEncoding": "base64"})
}

/// An exact decimal in an answer.
pub(super) fn quantity() -> Value {
    json!({"type": "number"})
}

/// An exact decimal in a request.
pub(super) fn amount() -> Value {
    json!({"type": ["number", "string"], "pattern": r"^-?[0-9]+(\.[0-9]+)?$"})
}

/// A ceiling, or where it comes from.
pub(super) fn allowed_change() -> Value {
    json!({"anyOf": [amount(), {"const": "policy"}, {"type": "null"}]})
}

/// What may lie above the ceiling.
pub(super) fn overage() -> Value {
    json!({"anyOf": [
        {"enum": ["refuse", "allow"]},
        asked(&["amount"], &[("amount", amount())]),
        asked(&["percent"], &[("percent", whole())]),
    ]})
}

/// How a meter moved.
pub(super) fn operation() -> Value {
    json!({"enum": OperationKind::WORDS})
}

/// What a meter is asked to do.
pub(super) fn verb() -> Value {
    json!({"enum": Verb::WORDS})
}

/// Notes, and who sees them; the latter is there for the vendor.
pub(super) fn metadata() -> Vec<(&'static str, Value)> {
    let notes = json!({"type": "object", "maxProperties": METADATA_ENTRIES_MAX});
    let visible = json!({
        "type": "object", "maxProperties": METADATA_ENTRIES_MAX,
        "additionalProperties": audiences(),
    });
    vec![("metadata", notes), ("metadata_visible_to", visible)]
}

/// The same where both may be null, which is as good as left out.
pub(super) fn unset_metadata() -> Vec<(&'static str, Value)> {
    metadata().into_iter().map(|(name, schema)| (name, or_null(schema))).collect()
}

/// What a caller may do.
pub(super) fn permissions() -> Value {
    let words: Vec<_> =
        Permission::ALL.iter().map(|permission| permission.word()).chain(["*"]).collect();
    json!({"type": "array", "items": {"enum": words}})
}

/// A list.
pub(super) fn list(item: Value, count_max: usize) -> Value {
    json!({"type": "array", "items": item, "maxItems": count_max})
}

/// What a price may depend on.
pub(super) fn attributes() -> Value {
    json!({
        "type": "object",
        "maxProperties": ATTRIBUTES_MAX,
        "propertyNames": code(),
        "additionalProperties": {"type": "string", "maxLength": ATTRIBUTE_VALUE_BYTES_MAX},
    })
}
