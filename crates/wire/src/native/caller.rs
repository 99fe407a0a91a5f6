//! Who is calling, told to itself.

use usance_core::caller::{Caller, Credential};

use crate::json::write::{self, Object};
use crate::native::policies::write_words;
use crate::native::tokens::write_locks;

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
        members.maybe("audience", caller.audience, Object::word);
        write::object(members.member("locked_to"), |locks| write_locks(&caller.locks, locks));
    });
}
