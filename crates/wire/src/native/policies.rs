//! The templates of licenses.

use usance_core::audience::Audience;
use usance_core::command::{NewPolicy, PolicyPatch};
use usance_core::key::KeyPattern;
use usance_core::limits::{CODE_BYTES_MAX, ENTITLEMENTS_MAX, POLICY_METERS_MAX};
use usance_core::policy::Policy;
use usance_core::refusal::Refusal;
use usance_core::text::Code;
use usance_core::token::{Permission, Permissions};

use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::native::metadata;
use crate::native::problem::Problem;
use crate::native::references;
use crate::native::request;
use crate::native::specs;
use crate::native::terms;

pub(super) const NEW: [&str; 9] = [
    "product",
    "code",
    "name",
    "meters",
    "key_pattern",
    "terms",
    "entitlements",
    "metadata",
    "metadata_visible_to",
];
pub(super) const PATCH: [&str; 9] = [
    "name",
    "archived",
    "key_pattern",
    "terms",
    "entitlements",
    "metadata",
    "metadata_visible_to",
    "meters",
    "new_meters",
];

/// More words than there are permissions: a longer list repeats itself.
const WORDS_MAX: usize = 2 * Permission::ALL.len();

/// Reads a policy to be made.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<NewPolicy, Problem> {
    let members = request::object(body, &NEW)?;
    let meters = |value: Value<'_, '_>| value.items(POLICY_METERS_MAX, specs::new_in_value);
    Ok(NewPolicy {
        product: members.need("product", references::in_value)?,
        code: members.need("code", Value::code)?,
        name: members.read("name", Value::name)?,
        meters: members.read("meters", meters)?.unwrap_or_default(),
        key_pattern: members.read("key_pattern", key_pattern)?,
        terms: members.read("terms", terms::read)?.unwrap_or_default(),
        entitlements: members.read("entitlements", entitlements)?.unwrap_or_default(),
        metadata: metadata::read(&members)?,
    })
}

/// Reads changes of a policy.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_patch(body: &[u8]) -> Result<PolicyPatch, Problem> {
    let members = request::object(body, &PATCH)?;
    let meters = |value: Value<'_, '_>| value.items(POLICY_METERS_MAX, specs::patch_in_value);
    let new_meters = |value: Value<'_, '_>| value.items(POLICY_METERS_MAX, specs::new_in_value);
    Ok(PolicyPatch {
        name: members.change("name", Value::name)?,
        archived: members.change("archived", Value::boolean)?,
        key_pattern: members.change("key_pattern", key_pattern)?,
        terms: members.change("terms", terms::read)?.unwrap_or_default(),
        entitlements: members.change("entitlements", entitlements)?,
        metadata: metadata::read_change(&members)?,
        meters: members.change("meters", meters)?.unwrap_or_default(),
        new_meters: members.change("new_meters", new_meters)?.unwrap_or_default(),
    })
}

/// Appends what an audience sees of a policy; none is the vendor.
pub fn write(policy: &Policy, audience: Option<Audience>, out: &mut Vec<u8>) {
    let seen = policy
        .meters
        .iter()
        .filter(|spec| audience.is_none_or(|audience| spec.visible_to.contains(audience)));
    write::object(out, |members| {
        members.word("id", policy.id);
        members.word("product", policy.product);
        members.word("code", &policy.code);
        members.text("name", &policy.name);
        write::array(members.member("meters"), seen, |out, spec| {
            write::object(out, |members| specs::write(spec, spec.allowed, members));
        });
        members.text("key_pattern", policy.key_pattern.as_str());
        terms::write(&policy.terms, "terms", members);
        write_codes(members, "entitlements", &policy.entitlements);
        metadata::write(&policy.metadata, audience, members);
        members.boolean("archived", policy.archived_at.is_some());
        members.time("created_at", policy.created_at);
        members.time("updated_at", policy.updated_at);
    });
}

/// Writes an array of words of ours.
pub(super) fn write_words(
    members: &mut Object<'_>,
    name: &str,
    words: impl Iterator<Item = &'static str>,
) {
    write::array(members.member(name), words, write::text);
}

/// Writes an array of codes.
pub(super) fn write_codes(members: &mut Object<'_>, name: &str, codes: &[Code]) {
    write::array(members.member(name), codes, |out, code| write::text(out, code));
}

/// Reads a list of permissions.
pub(super) fn permissions(value: Value<'_, '_>) -> Result<Permissions, Refusal> {
    let words = value.items(WORDS_MAX, |value| {
        let word = value.text()?;
        // What is none is told whole, so that its length has a bound.
        if word.len() > CODE_BYTES_MAX { Err(value.refuse("is no permission")) } else { Ok(word) }
    })?;
    Permissions::from_words(words.iter().map(|word| &**word))
        .map_err(|refusal| value.place().moved(refusal))
}

/// Reads the codes of entitlements.
pub(super) fn entitlements(value: Value<'_, '_>) -> Result<Vec<Code>, Refusal> {
    value.items(ENTITLEMENTS_MAX, Value::code)
}

fn key_pattern(value: Value<'_, '_>) -> Result<KeyPattern, Refusal> {
    KeyPattern::parse(&value.text()?)
}
