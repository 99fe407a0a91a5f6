//! Named features that policies and licenses grant.

use usance_core::audience::Audience;
use usance_core::command::{EntitlementPatch, NewEntitlement};
use usance_core::entitlement::Entitlement;

use crate::json::value::Value;
use crate::json::write;
use crate::native::metadata;
use crate::native::problem::Problem;
use crate::native::request;

pub(super) const NEW: [&str; 4] = ["code", "name", "metadata", "metadata_visible_to"];
pub(super) const PATCH: [&str; 3] = ["name", "metadata", "metadata_visible_to"];

/// Reads an entitlement to be made.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<NewEntitlement, Problem> {
    let members = request::object(body, &NEW)?;
    Ok(NewEntitlement {
        code: members.need("code", Value::code)?,
        name: members.read("name", Value::name)?,
        metadata: metadata::read(&members)?,
    })
}

/// Reads changes of an entitlement.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_patch(body: &[u8]) -> Result<EntitlementPatch, Problem> {
    let members = request::object(body, &PATCH)?;
    Ok(EntitlementPatch {
        name: members.change("name", Value::name)?,
        metadata: metadata::read_change(&members)?,
    })
}

/// Appends what an audience sees of an entitlement; none is the vendor.
pub fn write(entitlement: &Entitlement, audience: Option<Audience>, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.word("id", entitlement.id);
        members.word("code", &entitlement.code);
        members.text("name", &entitlement.name);
        metadata::write(&entitlement.metadata, audience, members);
        members.time("created_at", entitlement.created_at);
        members.time("updated_at", entitlement.updated_at);
    });
}
