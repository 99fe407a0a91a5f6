//! What is sold.

use usance_core::audience::Audience;
use usance_core::command::{NewProduct, ProductPatch};
use usance_core::product::Product;

use crate::json::value::Value;
use crate::json::write;
use crate::native::metadata;
use crate::native::problem::Problem;
use crate::native::request;

pub(super) const NEW: [&str; 4] = ["code", "name", "metadata", "metadata_visible_to"];
pub(super) const PATCH: [&str; 4] = ["name", "archived", "metadata", "metadata_visible_to"];

/// Reads a product to be made.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<NewProduct, Problem> {
    let members = request::object(body, &NEW)?;
    Ok(NewProduct {
        code: members.need("code", Value::code)?,
        name: members.read("name", Value::name)?,
        metadata: metadata::read(&members)?,
    })
}

/// Reads changes of a product.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_patch(body: &[u8]) -> Result<ProductPatch, Problem> {
    let members = request::object(body, &PATCH)?;
    Ok(ProductPatch {
        name: members.change("name", Value::name)?,
        archived: members.change("archived", Value::boolean)?,
        metadata: metadata::read_change(&members)?,
    })
}

/// Appends what an audience sees of a product; none is the vendor.
pub fn write(product: &Product, audience: Option<Audience>, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.word("id", product.id);
        members.word("code", &product.code);
        members.text("name", &product.name);
        metadata::write(&product.metadata, audience, members);
        members.boolean("archived", product.archived_at.is_some());
        members.time("created_at", product.created_at);
        members.time("updated_at", product.updated_at);
    });
}
