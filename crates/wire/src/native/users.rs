//! People who may see and use licenses.

use std::fmt;

use usance_core::audience::Audience;
use usance_core::command::{NewUser, UserPatch};
use usance_core::refusal::Refusal;
use usance_core::user::{Role, User};

use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::limits::{PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN};
use crate::native::metadata;
use crate::native::problem::Problem;
use crate::native::references;
use crate::native::request;

pub(super) const FIELDS: [&str; 8] = [
    "email",
    "first_name",
    "last_name",
    "role",
    "customer",
    "password",
    "metadata",
    "metadata_visible_to",
];

/// A password in clear, on its way to be hashed: never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Reads a person to be added, and beside them their password: whoever has the time to hash it puts
/// the hash in its place.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<(NewUser, Option<Password>), Problem> {
    let members = request::object(body, &FIELDS)?;
    let user = NewUser {
        email: members.need("email", Value::name)?,
        first_name: members.read("first_name", Value::name)?,
        last_name: members.read("last_name", Value::name)?,
        role: members.read("role", role)?.unwrap_or(Role::User),
        customer: members.read("customer", references::in_value)?,
        password: None,
        metadata: metadata::read(&members)?,
    };
    Ok((user, members.read("password", password)?))
}

/// Reads changes of a person. A new password stands beside them, as in [`read_new`]; one that is
/// taken away is in them.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_patch(body: &[u8]) -> Result<(UserPatch, Option<Password>), Problem> {
    let members = request::object(body, &FIELDS)?;
    let new_password = members.clear("password", password)?;
    let patch = UserPatch {
        email: members.change("email", Value::name)?,
        first_name: members.clear("first_name", Value::name)?,
        last_name: members.clear("last_name", Value::name)?,
        role: members.change("role", role)?,
        customer: members.clear("customer", references::in_value)?,
        password: matches!(new_password, Some(None)).then_some(None),
        metadata: metadata::read_change(&members)?,
    };
    Ok((patch, new_password.flatten()))
}

/// Appends what an audience sees of a person; none is the vendor.
pub fn write(user: &User, audience: Option<Audience>, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.word("id", user.id);
        members.text("email", &user.email);
        members.maybe("first_name", user.first_name.as_deref(), Object::text);
        members.maybe("last_name", user.last_name.as_deref(), Object::text);
        members.word("role", user.role);
        members.maybe("customer", user.customer, Object::word);
        members.boolean("has_password", user.password.is_some());
        members.maybe("banned_at", user.banned_at, Object::time);
        metadata::write(&user.metadata, audience, members);
        members.time("created_at", user.created_at);
        members.time("updated_at", user.updated_at);
    });
}

fn role(value: Value<'_, '_>) -> Result<Role, Refusal> {
    value.word(Role::WORDS, Role::from_word)
}

fn password(value: Value<'_, '_>) -> Result<Password, Refusal> {
    let text = value.string()?;
    if text.len() < PASSWORD_BYTES_MIN || text.len() > PASSWORD_BYTES_MAX {
        return Err(value.refuse("must be 8 to 1024 bytes"));
    }
    Ok(Password(text))
}
