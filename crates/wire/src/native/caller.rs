//! Who is calling, told to itself.

use usance_core::caller::{Caller, Credential};

use crate::json::write::{self, Object};
use crate::native::policies::write_words;

/// Appends the caller.
pub fn write(caller: &Caller, out: &mut Vec<u8>) {
    let (token, license) = match caller.credential {
        Credential::Token(id) => (Some(id), None),
        Credential::License(id) => (None, Some(id)),
        Credential::System => (None, None),
    };
    write::object(out, |members| {
        members.word("account", caller.account);
        members.maybe("token", token, Object::word);
        members.maybe("license", license, Object::word);
        write_words(members, "permissions", caller.permissions.words());
        write::object(members.member("locked_to"), |locks| {
            locks.maybe("product", caller.locks.product, Object::word);
            locks.maybe("license", caller.locks.license, Object::word);
            locks.maybe("meter", caller.locks.meter.as_ref(), Object::word);
        });
    });
}
