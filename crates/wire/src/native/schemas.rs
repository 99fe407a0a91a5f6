//! What bodies look like, as JSON Schema. Tests hold it against what the readers and writers do.

mod catalogue;
mod counting;
mod events;
mod licensing;
pub(super) mod parts;
mod people;
mod proofs;
mod rules;
mod webhooks;

use serde_json::{Map, Value};

/// Every schema, by name.
pub(super) fn all() -> Value {
    [
        catalogue::all(),
        licensing::all(),
        people::all(),
        counting::all(),
        proofs::all(),
        events::all(),
        webhooks::all(),
        rules::all(),
    ]
    .concat()
    .into_iter()
    .map(|(name, schema)| (name.to_owned(), schema))
    .collect::<Map<_, _>>()
    .into()
}

#[cfg(test)]
mod tests;
