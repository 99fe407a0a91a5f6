//! Whether a license is valid.

use usance_core::audience::Audience;
use usance_core::command::ValidationRequest;
use usance_core::license::{LicenseKey, LicenseRef};
use usance_core::limits::ENTITLEMENTS_MAX;
use usance_core::refusal::Refusal;
use usance_core::validation::Validation;

use crate::json::members::Members;
use crate::json::value::Value;
use crate::json::write;
use crate::limits::SCOPE_ITEMS_MAX;
use crate::native::activations::{fingerprint, machine_text};
use crate::native::licenses::{self, Shown};
use crate::native::problem::Problem;
use crate::native::references;
use crate::native::request;

pub(super) const REQUEST: [&str; 10] = [
    "product",
    "policy",
    "activation",
    "fingerprints",
    "components",
    "user",
    "entitlements",
    "checksum",
    "version",
    "quick",
];
pub(super) const REQUEST_OF_KEY: [&str; 11] = [
    "key",
    "product",
    "policy",
    "activation",
    "fingerprints",
    "components",
    "user",
    "entitlements",
    "checksum",
    "version",
    "quick",
];

/// Reads what a license that the path names is to be held against; an empty body names nothing.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read(body: &[u8]) -> Result<ValidationRequest, Problem> {
    Ok(of_members(&request::optional_object(body, &REQUEST)?)?)
}

/// Reads the same, and the key of the license.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_of_key(body: &[u8]) -> Result<(LicenseRef, ValidationRequest), Problem> {
    let members = request::object(body, &REQUEST_OF_KEY)?;
    let key = members.need("key", Value::string)?;
    Ok((LicenseRef::Key(LicenseKey(key)), of_members(&members)?))
}

/// Appends what a validation found, as far as an audience sees the license; none is the vendor.
pub fn write(validation: &Validation, audience: Option<Audience>, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.boolean("valid", validation.is_valid);
        members.word("code", validation.code);
        members.text("detail", &validation.detail);
        members.time("at", validation.at);
        members.maybe("license", validation.license.as_ref(), |all, name, license| {
            let shown = Shown { license, policy_terms: None, at: validation.at, audience };
            licenses::write(shown, all.member(name));
        });
    });
}

fn of_members<const N: usize>(members: &Members<'_, '_, N>) -> Result<ValidationRequest, Refusal> {
    let fingerprints = |value: Value<'_, '_>| value.items(SCOPE_ITEMS_MAX, fingerprint);
    let entitlements = |value: Value<'_, '_>| value.items(ENTITLEMENTS_MAX, Value::code);
    Ok(ValidationRequest {
        product: members.read("product", references::in_value)?,
        policy: members.read("policy", references::in_value)?,
        activation: members.read("activation", Value::id)?,
        fingerprints: members.read("fingerprints", fingerprints)?,
        components: members.read("components", fingerprints)?,
        user: members.clear("user", references::user_in_value)?,
        entitlements: members.read("entitlements", entitlements)?,
        checksum: members.read("checksum", machine_text)?,
        version: members.read("version", machine_text)?,
        is_quick: members.read("quick", Value::boolean)?.unwrap_or_default(),
    })
}
