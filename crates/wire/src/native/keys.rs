//! The public keys of license files.

use usance_core::artefact::PublicKey;
use usance_core::id::AccountId;

use crate::json::write::{self, Object};

/// Appends all keys of an account: they are few, so that this list has no pages.
pub fn write_all(account: AccountId, keys: &[PublicKey], out: &mut Vec<u8>) {
    write::object(out, |list| {
        list.word("account", account);
        write::array(list.member("items"), keys, |out, key| {
            write::object(out, |members| write_members(account, key, members));
        });
        list.null("next");
    });
}

/// Appends a key and whose it is.
pub fn write(account: AccountId, key: &PublicKey, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.word("account", account);
        write_members(account, key, members);
    });
}

fn write_members(account: AccountId, key: &PublicKey, members: &mut Object<'_>) {
    members.integer("number", key.number);
    members.bytes("key", &key.key);
    // Null for bytes that are no key, which only a damaged store can hold.
    members.maybe("verifier_key", key.verifier_key(account).ok().as_deref(), Object::text);
    members.time("created_at", key.created_at);
    members.maybe("retired_at", key.retired_at, Object::time);
}
