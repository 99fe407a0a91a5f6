//! Proofs over the ledger.

use serde_json::{Value, json};

use crate::native::schemas::parts::{base64, shown, whole};

/// Their schemas, by name.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    let path = ("path", json!({"type": "array", "items": base64()}));
    vec![
        (
            "InclusionProof",
            shown(&[&[
                ("record", whole()),
                ("bytes", base64()),
                ("size", whole()),
                ("root", base64()),
                path.clone(),
            ]]),
        ),
        (
            "ConsistencyProof",
            shown(&[&[
                ("from", whole()),
                ("to", whole()),
                ("from_root", base64()),
                ("to_root", base64()),
                path,
            ]]),
        ),
    ]
}
