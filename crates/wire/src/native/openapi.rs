//! The contract for machines: OpenAPI 3.1, made from the same table that the router is made from.

use serde_json::{Map, Value, json};

use crate::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use crate::native::problem::{Fault, TYPE_PREFIX};
use crate::native::schemas;
use crate::native::uses::IDEMPOTENCY_HEADER;

/// What the contract says of one route.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// `get`, `post`, `patch` or `delete`.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// What the caller needs.
    pub needs: Needs,
    /// Names of the parameters in its query, of [`crate::native::query`].
    pub query: &'static [&'static str],
    /// What its body is.
    pub asks: Asks,
    /// What a success is answered with.
    pub answers: Answers,
    /// What it does, in a few words.
    pub does: &'static str,
}

/// What a caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: anybody may ask.
    Nothing,
    /// To be known.
    Caller,
    /// This permission.
    Permission(&'static str),
    /// The permission of each operation in the body.
    EachOperation,
}

/// What a body is; names are those of schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// There is none.
    Nothing,
    /// An object.
    One(&'static str),
    /// An object that may also be left out.
    Maybe(&'static str),
    /// A use, which may also be left out.
    Use(&'static str),
    /// Many uses.
    Batch,
}

/// What a success is answered with; names are those of schemas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// An object.
    One(&'static str),
    /// An object that was just made.
    Made(&'static str),
    /// An object that was just made, or was there already.
    MadeOrThere(&'static str),
    /// Part of a list of objects.
    Page(&'static str),
    /// Nothing.
    Nothing,
    /// Plain text.
    Text,
    /// Server-sent events, without an end.
    Stream,
    /// This document.
    Contract,
    /// An outcome for each use of a batch.
    Outcomes,
}

/// The document for these routes.
#[must_use]
pub fn document(operations: &[Operation]) -> String {
    let mut paths = Map::new();
    for operation in operations {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        if let Value::Object(methods) = path {
            methods.insert(operation.method.to_owned(), describe(operation));
        }
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "usance",
            "summary": "Self-hosted pay-per-use licensing.",
            "description": "See `docs/reference/api.md` for the conventions.",
            "version": "1",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "responses": {"Problem": problem()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "license": {
                    "type": "apiKey", "in": "header", "name": "Authorization",
                    "description": "`License <key>`",
                },
            },
        },
    });
    // Maps of strings always serialise.
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn describe(operation: &Operation) -> Value {
    let mut described = Map::new();
    described.insert("operationId".into(), json!(operation_id(operation)));
    described.insert("summary".into(), json!(operation.does));
    let needs = match operation.needs {
        Needs::Nothing => None,
        Needs::Caller => Some("Any caller that is known.".to_owned()),
        Needs::Permission(word) => Some(format!("Needs the permission `{word}`.")),
        Needs::EachOperation => Some("Needs the permission of each operation.".to_owned()),
    };
    if let Some(needs) = needs {
        described.insert("description".into(), json!(needs));
        described.insert("security".into(), json!([{"token": []}, {"license": []}]));
    } else {
        described.insert("security".into(), json!([]));
    }
    let parameters = parameters(operation);
    if !parameters.is_empty() {
        described.insert("parameters".into(), json!(parameters));
    }
    if let Some(body) = body(operation.asks) {
        described.insert("requestBody".into(), body);
    }
    let mut responses = Map::new();
    if let Answers::MadeOrThere(name) = operation.answers {
        let (status, there) = success(Answers::One(name));
        responses.insert(status.into(), there);
    }
    let (status, success) = success(operation.answers);
    responses.insert(status.into(), success);
    responses.insert("default".into(), json!({"$ref": "#/components/responses/Problem"}));
    described.insert("responses".into(), responses.into());
    Value::Object(described)
}

/// The method and the fixed segments of the path, which no two routes share.
fn operation_id(operation: &Operation) -> String {
    let named = operation.path.ends_with('}');
    let segments = operation.path.split(['/', '.']);
    let fixed = segments
        .filter(|segment| !segment.is_empty() && *segment != "v1" && !segment.starts_with('{'));
    let mut id = operation.method.to_owned();
    for segment in fixed {
        id.push('_');
        id.push_str(&segment.replace('-', "_"));
    }
    if named {
        id.push_str("_one");
    }
    id
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation.path.split('/').filter_map(|segment| {
        let name = segment.strip_prefix('{')?.strip_suffix('}')?;
        Some(json!({
            "name": name, "in": "path", "required": true, "schema": {"type": "string"},
            "description": match name {
                "license" => "Id or percent-encoded key.",
                "rule" => "Id or name.",
                "token" | "process" | "hold" | "session" => "Id.",
                "activation" if operation.path.starts_with("/v1/activations/") => "Id.",
                "activation" => "Id or percent-encoded fingerprint.",
                "user" => "Id or percent-encoded email.",
                "meter" => "Name.",
                _ => "Id or code.",
            },
        }))
    });
    let in_query = operation.query.iter().map(|name| {
        let is_of_events = matches!(operation.answers, Answers::One("Events") | Answers::Stream);
        let is_required = matches!(*name, "from" | "to" | "record") && !is_of_events;
        let schema = match (operation.answers, *name) {
            (_, "limit") => json!({
                "type": "integer", "minimum": 1, "maximum": PAGE_ITEMS_MAX,
                "default": PAGE_ITEMS_DEFAULT,
            }),
            (_, "window") => json!({"enum": ["hour", "day", "month"], "default": "day"}),
            (_, "status") => schemas::parts::status(),
            (Answers::One("Usage"), "from" | "to") => schemas::parts::time(),
            (Answers::One("Events") | Answers::Stream, "from") => {
                json!({"type": "string", "pattern": "^([0-9]+|end)$"})
            }
            (_, "record" | "size" | "from" | "to") => schemas::parts::whole(),
            _ => json!({"type": "string"}),
        };
        json!({"name": name, "in": "query", "required": is_required, "schema": schema})
    });
    let in_header = matches!(operation.asks, Asks::Use(_)).then(|| {
        json!({
            "name": IDEMPOTENCY_HEADER, "in": "header", "required": false,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            "description": "The same as the field `idempotency_key`.",
        })
    });
    in_path.chain(in_query).chain(in_header).collect()
}

fn body(asks: Asks) -> Option<Value> {
    match asks {
        Asks::Nothing => None,
        Asks::One(name) => Some(json!({"required": true, "content": json_of(&reference(name))})),
        Asks::Maybe(name) => Some(json!({"required": false, "content": json_of(&reference(name))})),
        Asks::Use(name) => Some(json!({
            "required": name == "SetUse", "content": json_of(&reference(name)),
        })),
        Asks::Batch => Some(json!({
            "required": true,
            "content": {
                "application/json": {
                    "schema": {"type": "array", "items": reference("BatchUse")},
                },
                "application/x-ndjson": {"schema": reference("BatchUse")},
            },
        })),
    }
}

fn success(answers: Answers) -> (&'static str, Value) {
    match answers {
        Answers::One(name) => ("200", described("As it is now.", &json_of(&reference(name)))),
        Answers::Made(name) | Answers::MadeOrThere(name) => {
            ("201", described("Made.", &json_of(&reference(name))))
        }
        Answers::Nothing => ("204", json!({"description": "Gone."})),
        Answers::Text => {
            let content = json!({"text/plain": {"schema": {"type": "string"}}});
            ("200", described("Text.", &content))
        }
        Answers::Stream => {
            let event = json!({"text/event-stream": {"schema": reference("Event")}});
            ("200", described("Each event as it happens: its number is the id.", &event))
        }
        Answers::Contract => {
            let content = json_of(&json!({"type": "object"}));
            ("200", described("This document.", &content))
        }
        Answers::Page(name) => {
            let page = json!({
                "type": "object",
                "required": ["items", "next"],
                "properties": {
                    "items": {"type": "array", "items": reference(name)},
                    "next": {
                        "type": ["string", "null"],
                        "description": "The `cursor` of the next page; null on the last.",
                    },
                },
            });
            ("200", described("Part of the list.", &json_of(&page)))
        }
        Answers::Outcomes => {
            let content = json!({
                "application/json": {"schema": reference("Outcomes")},
                "application/x-ndjson": {"schema": reference("Outcome")},
            });
            ("200", described("An outcome for each use, in the order asked.", &content))
        }
    }
}

fn problem() -> Value {
    let content = json!({"application/problem+json": {"schema": reference("Problem")}});
    let text = format!(
        "A problem document (RFC 9457). `type` is `{TYPE_PREFIX}` and the `code`. Beside the codes \
         of refusals there are {}.",
        Fault::CODES.join(", ")
    );
    described(&text, &content)
}

fn described(description: &str, content: &Value) -> Value {
    json!({"description": description, "content": content})
}

fn json_of(schema: &Value) -> Value {
    json!({"application/json": {"schema": schema}})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}
