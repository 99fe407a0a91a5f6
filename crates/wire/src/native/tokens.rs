//! Credentials.

use usance_core::audience::Audience;
use usance_core::command::{NewToken, Secret};
use usance_core::token::{Locks, Token};

use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::native::policies::{permissions, write_words};
use crate::native::problem::Problem;
use crate::native::references;
use crate::native::request;

pub(super) const NEW: [&str; 9] = [
    "name",
    "permissions",
    "product",
    "license",
    "meter",
    "user",
    "customer",
    "audience",
    "expires_at",
];

/// Reads a token to be made.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<NewToken, Problem> {
    let members = request::object(body, &NEW)?;
    let audience = |value: Value<'_, '_>| value.word(Audience::WORDS, Audience::from_word);
    Ok(NewToken {
        name: members.need("name", Value::name)?,
        permissions: members.need("permissions", permissions)?,
        product: members.read("product", references::in_value)?,
        license: members.read("license", references::license_in_value)?,
        meter: members.read("meter", Value::code)?,
        user: members.read("user", references::user_in_value)?,
        customer: members.read("customer", references::in_value)?,
        audience: members.read("audience", audience)?,
        expires_at: members.read("expires_at", Value::timestamp)?,
    })
}

/// Appends a token, and its secret if it was just made.
pub fn write(token: &Token, secret: Option<&Secret>, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.word("id", token.id);
        members.text("name", &token.name);
        if let Some(secret) = secret {
            members.text("secret", &secret.0);
        }
        write_words(members, "permissions", token.permissions.words());
        write_locks(&token.locks, members);
        members.maybe("audience", token.audience, Object::word);
        members.maybe("expires_at", token.expires_at, Object::time);
        members.maybe("revoked_at", token.revoked_at, Object::time);
        members.time("created_at", token.created_at);
        members.integer("uses", token.used.uses);
        members.integer("refused", token.used.refused);
        members.maybe("last_used_at", token.used.last_used_at, Object::time);
    });
}

/// Writes what a caller may touch.
pub(super) fn write_locks(locks: &Locks, members: &mut Object<'_>) {
    members.maybe("product", locks.product, Object::word);
    members.maybe("license", locks.license, Object::word);
    members.maybe("meter", locks.meter.as_ref(), Object::word);
    members.maybe("user", locks.user, Object::word);
    members.maybe("customer", locks.customer, Object::word);
}
