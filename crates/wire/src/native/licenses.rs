//! Rights to use.

use usance_core::command::{AllowedChange, LicensePatch, NewLicense};
use usance_core::key::check_given_key;
use usance_core::license::License;
use usance_core::limits::POLICY_METERS_MAX;
use usance_core::refusal::Refusal;
use usance_core::text::Code;
use usance_core::time::Timestamp;

use crate::json::place::Place;
use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::native::problem::Problem;
use crate::native::references;
use crate::native::request;

pub(super) const NEW: [&str; 7] =
    ["policy", "customer", "key", "name", "valid_from", "expires_at", "meters"];
pub(super) const PATCH: [&str; 4] = ["name", "customer", "valid_from", "expires_at"];
pub(super) const ALLOWED: [&str; 1] = ["allowed"];

/// Reads a license to be made.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<NewLicense, Problem> {
    let members = request::object(body, &NEW)?;
    Ok(NewLicense {
        policy: members.need("policy", references::in_value)?,
        customer: members.read("customer", references::in_value)?,
        key: members.read("key", given_key)?,
        name: members.read("name", Value::name)?,
        valid_from: members.read("valid_from", Value::timestamp)?,
        expires_at: members.read("expires_at", Value::timestamp)?,
        allowed: members.read("meters", meters)?.unwrap_or_default(),
    })
}

/// Reads changes of a license.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_patch(body: &[u8]) -> Result<LicensePatch, Problem> {
    let members = request::object(body, &PATCH)?;
    Ok(LicensePatch {
        name: members.clear("name", Value::name)?,
        customer: members.clear("customer", references::in_value)?,
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

/// Reads the body of a request that says everything in its path.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_standing_change(body: &[u8]) -> Result<(), Problem> {
    request::optional_object(body, &[])?;
    Ok(())
}

/// Appends a license as it stands at `now`.
pub fn write(license: &License, now: Timestamp, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.word("id", license.id);
        members.text("key", &license.key.0);
        members.word("product", license.product);
        members.word("policy", license.policy);
        members.maybe("customer", license.customer, Object::word);
        members.maybe("name", license.name.as_deref(), Object::text);
        members.word("status", license.status(now).word());
        members.maybe("valid_from", license.valid_from, Object::time);
        members.maybe("expires_at", license.expires_at, Object::time);
        members.time("created_at", license.created_at);
        members.time("updated_at", license.updated_at);
    });
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
