//! The templates of licenses.

use usance_core::command::{MeterPatch, NewMeter, NewOverage, NewPolicy, PolicyPatch};
use usance_core::key::KeyPattern;
use usance_core::limits::POLICY_METERS_MAX;
use usance_core::meter::{MeterSpec, Overage};
use usance_core::policy::{MeterWhile, Policy};
use usance_core::quantity::{Decimal, Scale};
use usance_core::refusal::Refusal;
use usance_core::token::{Permission, Permissions};

use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::native::problem::Problem;
use crate::native::references;
use crate::native::request;

pub(super) const NEW: [&str; 8] = [
    "product",
    "code",
    "name",
    "meters",
    "duration_seconds",
    "key_pattern",
    "license_permissions",
    "meter_while",
];
pub(super) const PATCH: [&str; 7] = [
    "name",
    "archived",
    "duration_seconds",
    "key_pattern",
    "license_permissions",
    "meter_while",
    "meters",
];
pub(super) const NEW_METER: [&str; 7] =
    ["name", "unit", "scale", "allowed", "floor", "overage", "record_refusals"];
pub(super) const METER_PATCH: [&str; 4] = ["name", "allowed", "overage", "record_refusals"];
pub(super) const OVERAGE: [&str; 2] = ["amount", "percent"];

/// More words than there are permissions or states: a longer list repeats itself.
const WORDS_MAX: usize = 2 * Permission::ALL.len();

/// Reads a policy to be made.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<NewPolicy, Problem> {
    let members = request::object(body, &NEW)?;
    let meters = |value: Value<'_, '_>| value.items(POLICY_METERS_MAX, new_meter);
    Ok(NewPolicy {
        product: members.need("product", references::in_value)?,
        code: members.need("code", Value::code)?,
        name: members.read("name", Value::name)?,
        meters: members.read("meters", meters)?.unwrap_or_default(),
        duration_ms: members.read("duration_seconds", duration_ms)?,
        key_pattern: members.read("key_pattern", key_pattern)?,
        license_permissions: members.read("license_permissions", permissions)?,
        meter_while: members.read("meter_while", meter_while)?.unwrap_or_default(),
    })
}

/// Reads changes of a policy.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_patch(body: &[u8]) -> Result<PolicyPatch, Problem> {
    let members = request::object(body, &PATCH)?;
    let meters = |value: Value<'_, '_>| value.items(POLICY_METERS_MAX, meter_patch);
    Ok(PolicyPatch {
        name: members.change("name", Value::name)?,
        archived: members.change("archived", Value::boolean)?,
        duration_ms: members.clear("duration_seconds", duration_ms)?,
        key_pattern: members.change("key_pattern", key_pattern)?,
        license_permissions: members.change("license_permissions", permissions)?,
        meter_while: members.change("meter_while", meter_while)?,
        meters: members.change("meters", meters)?.unwrap_or_default(),
    })
}

/// Appends a policy.
pub fn write(policy: &Policy, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.word("id", policy.id);
        members.word("product", policy.product);
        members.word("code", &policy.code);
        members.text("name", &policy.name);
        write::array(members.member("meters"), &policy.meters, |out, spec| {
            write::object(out, |members| write_spec(spec, members));
        });
        let duration_s = policy.duration_ms.map(|duration| duration / 1000);
        members.maybe("duration_seconds", duration_s, Object::integer);
        members.text("key_pattern", policy.key_pattern.as_str());
        write_words(members, "license_permissions", policy.license_permissions.words());
        write_words(members, "meter_while", while_words(policy.meter_while));
        members.boolean("archived", policy.archived_at.is_some());
        members.time("created_at", policy.created_at);
        members.time("updated_at", policy.updated_at);
    });
}

/// Writes an overage in the words that it is read from.
pub(super) fn write_overage(overage: Overage, scale: Scale, members: &mut Object<'_>) {
    match overage {
        Overage::Refuse => members.word("overage", "refuse"),
        Overage::Allow => members.word("overage", "allow"),
        Overage::Amount(amount) => write::object(members.member("overage"), |overage| {
            overage.quantity("amount", amount, scale);
        }),
        Overage::Percent(percent) => write::object(members.member("overage"), |overage| {
            overage.integer("percent", percent);
        }),
    }
}

/// Writes an array of words of ours.
pub(super) fn write_words(
    members: &mut Object<'_>,
    name: &str,
    words: impl Iterator<Item = &'static str>,
) {
    write::array(members.member(name), words, write::text);
}

/// Reads a list of permissions.
pub(super) fn permissions(value: Value<'_, '_>) -> Result<Permissions, Refusal> {
    let words = value.items(WORDS_MAX, Value::text)?;
    Permissions::from_words(words.iter().map(|word| &**word))
        .map_err(|refusal| value.place().moved(refusal))
}

fn write_spec(spec: &MeterSpec, members: &mut Object<'_>) {
    members.word("name", &spec.name);
    members.text("unit", &spec.unit);
    members.integer("scale", spec.scale.digits());
    members.maybe("allowed", spec.allowed, |all, name, allowed| {
        all.quantity(name, allowed, spec.scale);
    });
    members.quantity("floor", spec.floor, spec.scale);
    write_overage(spec.overage, spec.scale, members);
    members.boolean("record_refusals", spec.record_refusals);
}

fn new_meter(value: Value<'_, '_>) -> Result<NewMeter, Refusal> {
    let members = value.object(&NEW_METER)?;
    Ok(NewMeter {
        name: members.need("name", Value::code)?,
        unit: members.read("unit", Value::name)?,
        scale: members.read("scale", scale)?.unwrap_or_default(),
        allowed: members.read("allowed", Value::decimal)?,
        floor: members.read("floor", Value::decimal)?.unwrap_or(Decimal::whole(0)),
        overage: members.read("overage", overage)?.unwrap_or_default(),
        record_refusals: members.read("record_refusals", Value::boolean)?.unwrap_or_default(),
    })
}

fn meter_patch(value: Value<'_, '_>) -> Result<MeterPatch, Refusal> {
    let members = value.object(&METER_PATCH)?;
    Ok(MeterPatch {
        name: members.need("name", Value::code)?,
        allowed: members.clear("allowed", Value::decimal)?,
        overage: members.change("overage", overage)?,
        record_refusals: members.change("record_refusals", Value::boolean)?,
    })
}

fn scale(value: Value<'_, '_>) -> Result<Scale, Refusal> {
    Scale::new(value.whole()?).ok_or_else(|| value.refuse("must be 0 to 9"))
}

fn overage(value: Value<'_, '_>) -> Result<NewOverage, Refusal> {
    const FORM: &str = "must be \"refuse\", \"allow\", {\"amount\": …} or {\"percent\": …}";
    if value.is_text() {
        return match &*value.text()? {
            "refuse" => Ok(NewOverage::Refuse),
            "allow" => Ok(NewOverage::Allow),
            _ => Err(value.refuse(FORM)),
        };
    }
    let members = value.object(&OVERAGE).map_err(|refusal| match refusal {
        Refusal::Invalid { field, .. } if field == value.place().to_string() => value.refuse(FORM),
        other => other,
    })?;
    let amount = members.read("amount", Value::decimal)?;
    let percent = members.read("percent", Value::whole)?;
    match (amount, percent) {
        (Some(amount), None) => Ok(NewOverage::Amount(amount)),
        (None, Some(percent)) => Ok(NewOverage::Percent(percent)),
        _ => Err(value.refuse(FORM)),
    }
}

fn duration_ms(value: Value<'_, '_>) -> Result<i64, Refusal> {
    let seconds: i64 = value.whole()?;
    seconds.checked_mul(1000).ok_or_else(|| value.refuse("is too large"))
}

fn key_pattern(value: Value<'_, '_>) -> Result<KeyPattern, Refusal> {
    KeyPattern::parse(&value.text()?)
}

fn meter_while(value: Value<'_, '_>) -> Result<MeterWhile, Refusal> {
    let mut states = MeterWhile::default();
    value.items(WORDS_MAX, |word| {
        match &*word.text()? {
            "suspended" => states.suspended = true,
            "expired" => states.expired = true,
            "not-yet-valid" => states.not_yet_valid = true,
            _ => return Err(word.refuse("must be suspended, expired or not-yet-valid")),
        }
        Ok(())
    })?;
    Ok(states)
}

fn while_words(states: MeterWhile) -> impl Iterator<Item = &'static str> {
    let MeterWhile { suspended, expired, not_yet_valid } = states;
    [
        suspended.then_some("suspended"),
        expired.then_some("expired"),
        not_yet_valid.then_some("not-yet-valid"),
    ]
    .into_iter()
    .flatten()
}
