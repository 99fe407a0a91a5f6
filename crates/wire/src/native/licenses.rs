//! Rights to use.

use usance_core::audience::Audience;
use usance_core::command::{AllowedChange, LicensePatch, NewLicense, Ref};
use usance_core::id::PolicyId;
use usance_core::key::check_given_key;
use usance_core::license::License;
use usance_core::limits::{LICENSE_USERS_MAX, OWN_METERS_MAX, POLICY_METERS_MAX};
use usance_core::refusal::Refusal;
use usance_core::terms::Terms;
use usance_core::text::Code;
use usance_core::time::Timestamp;

use crate::json::place::Place;
use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::native::metadata;
use crate::native::policies::{entitlements, write_codes};
use crate::native::problem::Problem;
use crate::native::references;
use crate::native::request;
use crate::native::specs;
use crate::native::terms;

pub(super) const NEW: [&str; 15] = [
    "policy",
    "customer",
    "reseller",
    "owner",
    "users",
    "key",
    "name",
    "valid_from",
    "expires_at",
    "overrides",
    "entitlements",
    "metadata",
    "metadata_visible_to",
    "meters",
    "new_meters",
];
pub(super) const PATCH: [&str; 11] = [
    "name",
    "customer",
    "reseller",
    "owner",
    "users",
    "valid_from",
    "expires_at",
    "overrides",
    "entitlements",
    "metadata",
    "metadata_visible_to",
];
pub(super) const ALLOWED: [&str; 1] = ["allowed"];
pub(super) const TRANSFER: [&str; 1] = ["policy"];

/// A license, and what else decides how it is shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The license.
    pub license: &'a License,
    /// The terms of its policy, where its own are to be shown in whole: not in lists.
    pub policy_terms: Option<&'a Terms>,
    /// The writer's time, for its status.
    pub at: Timestamp,
    /// Whose eyes see it; none is the vendor.
    pub audience: Option<Audience>,
}

/// Reads a license to be made.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<NewLicense, Problem> {
    let members = request::object(body, &NEW)?;
    let new_meters = |value: Value<'_, '_>| value.items(OWN_METERS_MAX, specs::new_in_value);
    let users = |value: Value<'_, '_>| value.items(LICENSE_USERS_MAX, references::user_in_value);
    Ok(NewLicense {
        policy: members.need("policy", references::in_value)?,
        customer: members.read("customer", references::in_value)?,
        reseller: members.read("reseller", references::in_value)?,
        owner: members.read("owner", references::user_in_value)?,
        users: members.read("users", users)?.unwrap_or_default(),
        key: members.read("key", given_key)?,
        name: members.read("name", Value::name)?,
        valid_from: members.read("valid_from", Value::timestamp)?,
        expires_at: members.clear("expires_at", Value::timestamp)?,
        terms: members.read("overrides", terms::read)?.unwrap_or_default(),
        entitlements: members.read("entitlements", entitlements)?.unwrap_or_default(),
        metadata: metadata::read(&members)?,
        allowed: members.read("meters", meters)?.unwrap_or_default(),
        meters: members.read("new_meters", new_meters)?.unwrap_or_default(),
    })
}

/// Reads changes of a license.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_patch(body: &[u8]) -> Result<LicensePatch, Problem> {
    let members = request::object(body, &PATCH)?;
    let users = |value: Value<'_, '_>| value.items(LICENSE_USERS_MAX, references::user_in_value);
    let overrides = members.change("overrides", terms::read_overrides)?;
    let (terms, cleared_terms) = overrides.unwrap_or_default();
    Ok(LicensePatch {
        name: members.clear("name", Value::name)?,
        customer: members.clear("customer", references::in_value)?,
        reseller: members.clear("reseller", references::in_value)?,
        owner: members.clear("owner", references::user_in_value)?,
        users: members.change("users", users)?,
        terms,
        cleared_terms,
        entitlements: members.change("entitlements", entitlements)?,
        metadata: metadata::read_change(&members)?,
        valid_from: members.clear("valid_from", Value::timestamp)?,
        expires_at: members.clear("expires_at", Value::timestamp)?,
    })
}

/// Reads a change of a meter's ceiling.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_allowed(body: &[u8]) -> Result<AllowedChange, Problem> {
    let members = request::object(body, &ALLOWED)?;
    let change = members.change("allowed", allowed)?;
    Ok(change.ok_or_else(|| Refusal::invalid("allowed", "is missing"))?)
}

/// Reads which policy a license is to move to.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_transfer(body: &[u8]) -> Result<Ref<PolicyId>, Problem> {
    Ok(request::object(body, &TRANSFER)?.need("policy", references::in_value)?)
}

/// Appends a license.
pub fn write(shown: Shown<'_>, out: &mut Vec<u8>) {
    let Shown { license, policy_terms, at, audience } = shown;
    let is_vendor = audience.is_none();
    write::object(out, |members| {
        members.word("id", license.id);
        members.text("key", &license.key.0);
        members.word("product", license.product);
        members.word("policy", license.policy);
        members.maybe("customer", license.customer, Object::word);
        members.maybe("reseller", license.reseller, Object::word);
        if is_vendor {
            members.maybe("owner", license.owner, Object::word);
            write::array(members.member("users"), &license.users, |out, user| {
                write::text(out, &user.to_string());
            });
        }
        members.maybe("name", license.name.as_deref(), Object::text);
        members.word("status", license.status(at).word());
        members.maybe("valid_from", license.valid_from, Object::time);
        members.maybe("expires_at", license.expires_at, Object::time);
        write_codes(members, "entitlements", &license.entitlements);
        write_marks(license, members);
        metadata::write(&license.metadata, audience, members);
        if is_vendor {
            terms::write_overrides(license.overrides.as_deref(), "overrides", members);
        }
        if let Some(policy) = policy_terms {
            let own = policy.of_license(&license.overrides);
            let terms = own.as_ref().unwrap_or(policy);
            terms::write(terms, "terms", members);
            members.maybe("check_in_due", license.check_in_due(terms), Object::time);
        }
        members.time("created_at", license.created_at);
        members.time("updated_at", license.updated_at);
    });
}

fn write_marks(license: &License, members: &mut Object<'_>) {
    let marks = license.marks;
    members.maybe("checked_in_at", marks.checked_in_at, Object::time);
    members.maybe("validated_at", marks.validated_at, Object::time);
    members.maybe("file_at", marks.file_at, Object::time);
    members.maybe("activated_at", marks.activated_at, Object::time);
    members.integer("activations", marks.activations);
    members.integer("deactivations", marks.deactivations);
}

fn given_key(value: Value<'_, '_>) -> Result<String, Refusal> {
    let key = value.string()?;
    check_given_key(&key)?;
    Ok(key)
}

fn meters(value: Value<'_, '_>) -> Result<Vec<(Code, AllowedChange)>, Refusal> {
    let place = value.place();
    let entries = value.entries(POLICY_METERS_MAX)?;
    let meter = |(name, text): (std::borrow::Cow<'_, str>, &str)| {
        let place = Place::Member(&place, &name);
        let code = Code::parse("", &name).map_err(|refusal| place.moved(refusal))?;
        let members = Value::new(place, text).object(&ALLOWED)?;
        let change = members.change("allowed", allowed)?;
        Ok((code, change.ok_or_else(|| place.refuse("must say what is allowed"))?))
    };
    entries.into_iter().map(meter).collect()
}

fn allowed(value: Value<'_, '_>) -> Result<AllowedChange, Refusal> {
    if value.is_null() {
        return Ok(AllowedChange::Unlimited);
    }
    if value.is_text() && value.text()? == "policy" {
        return Ok(AllowedChange::Policy);
    }
    value.decimal().map(AllowedChange::Own)
}
