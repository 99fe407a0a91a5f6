//! Who pays.

use usance_core::command::{CustomerPatch, NewCustomer};
use usance_core::customer::Customer;

use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::native::problem::Problem;
use crate::native::request;

pub(super) const NEW: [&str; 3] = ["code", "name", "email"];
pub(super) const PATCH: [&str; 3] = ["name", "email", "archived"];

/// Reads a customer to be made.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<NewCustomer, Problem> {
    let members = request::object(body, &NEW)?;
    Ok(NewCustomer {
        code: members.need("code", Value::code)?,
        name: members.read("name", Value::name)?,
        email: members.read("email", Value::name)?,
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
        archived: members.change("archived", Value::boolean)?,
    })
}

/// Appends a customer.
pub fn write(customer: &Customer, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.word("id", customer.id);
        members.word("code", &customer.code);
        members.text("name", &customer.name);
        members.maybe("email", customer.email.as_deref(), Object::text);
        members.boolean("archived", customer.archived_at.is_some());
        members.time("created_at", customer.created_at);
        members.time("updated_at", customer.updated_at);
    });
}
