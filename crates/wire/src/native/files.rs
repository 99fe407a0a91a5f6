//! Signed license files.

use usance_core::activation::ActivationRef;
use usance_core::command::{FileRequest, MadeFile};
use usance_core::limits::SECONDS_MAX;
use usance_core::refusal::Refusal;

use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::native::problem::Problem;
use crate::native::references;
use crate::native::request;

pub(super) const REQUEST: [&str; 3] = ["activation", "encrypted", "seconds"];

/// Reads which file is wanted; an empty body leaves everything out.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read(body: &[u8]) -> Result<FileRequest, Problem> {
    let members = request::optional_object(body, &REQUEST)?;
    let activation: Option<ActivationRef> =
        members.read("activation", references::activation_in_value)?;
    Ok(FileRequest {
        activation,
        is_encrypted: members.read("encrypted", Value::boolean)?.unwrap_or_default(),
        seconds: members.read("seconds", seconds)?,
    })
}

/// Appends a license file.
pub fn write(file: &MadeFile, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.text("file", &file.text);
        members.time("issued_at", file.issued_at);
        members.maybe("expires_at", file.expires_at, Object::time);
    });
}

fn seconds(value: Value<'_, '_>) -> Result<u64, Refusal> {
    match value.whole()? {
        seconds @ 1..=SECONDS_MAX => Ok(seconds),
        _ => Err(value.refuse("must be 1 second to 100 years")),
    }
}
