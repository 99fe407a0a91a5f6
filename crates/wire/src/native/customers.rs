//! Who pays.

use usance_core::audience::Audience;
use usance_core::command::{CustomerPatch, NewCustomer};
use usance_core::customer::{Customer, CustomerKind};
use usance_core::limits::LIMIT_MAX;
use usance_core::refusal::Refusal;
use usance_core::terms::Limit;

use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::native::metadata;
use crate::native::problem::Problem;
use crate::native::references;
use crate::native::request;

pub(super) const NEW: [&str; 10] = [
    "code",
    "name",
    "email",
    "kind",
    "reseller",
    "max_users",
    "max_licenses",
    "max_activations",
    "metadata",
    "metadata_visible_to",
];
pub(super) const PATCH: [&str; 9] = [
    "name",
    "email",
    "archived",
    "reseller",
    "max_users",
    "max_licenses",
    "max_activations",
    "metadata",
    "metadata_visible_to",
];

/// Reads a customer to be made.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<NewCustomer, Problem> {
    let members = request::object(body, &NEW)?;
    let kind = |value: Value<'_, '_>| value.word(CustomerKind::WORDS, CustomerKind::from_word);
    let most = |name| Ok::<_, Refusal>(members.read(name, limit)?.unwrap_or(Limit::NONE));
    Ok(NewCustomer {
        code: members.need("code", Value::code)?,
        name: members.read("name", Value::name)?,
        email: members.read("email", Value::name)?,
        kind: members.read("kind", kind)?.unwrap_or(CustomerKind::Organization),
        reseller: members.read("reseller", references::in_value)?,
        max_users: most("max_users")?,
        max_licenses: most("max_licenses")?,
        max_activations: most("max_activations")?,
        metadata: metadata::read(&members)?,
    })
}

/// Reads changes of a customer.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_patch(body: &[u8]) -> Result<CustomerPatch, Problem> {
    let members = request::object(body, &PATCH)?;
    Ok(CustomerPatch {
        name: members.change("name", Value::name)?,
        email: members.clear("email", Value::name)?,
        reseller: members.clear("reseller", references::in_value)?,
        max_users: members.change("max_users", limit)?,
        max_licenses: members.change("max_licenses", limit)?,
        max_activations: members.change("max_activations", limit)?,
        metadata: metadata::read_change(&members)?,
        archived: members.change("archived", Value::boolean)?,
    })
}

/// Appends what an audience sees of a customer; none is the vendor.
pub fn write(customer: &Customer, audience: Option<Audience>, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.word("id", customer.id);
        members.word("code", &customer.code);
        members.text("name", &customer.name);
        members.maybe("email", customer.email.as_deref(), Object::text);
        members.word("kind", customer.kind);
        members.maybe("reseller", customer.reseller, Object::word);
        members.maybe("max_users", customer.max_users.0, Object::integer);
        members.maybe("max_licenses", customer.max_licenses.0, Object::integer);
        members.maybe("max_activations", customer.max_activations.0, Object::integer);
        metadata::write(&customer.metadata, audience, members);
        members.boolean("archived", customer.archived_at.is_some());
        members.time("created_at", customer.created_at);
        members.time("updated_at", customer.updated_at);
    });
}

/// A whole number, or null for no limit.
fn limit(value: Value<'_, '_>) -> Result<Limit, Refusal> {
    if value.is_null() {
        return Ok(Limit::NONE);
    }
    match value.whole()? {
        limit if limit <= LIMIT_MAX => Ok(Limit(Some(limit))),
        _ => Err(value.refuse("must fit 63 bits")),
    }
}
