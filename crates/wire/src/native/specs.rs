//! What is said of a meter, by a policy or by the license that brought it along.

use usance_core::command::{MeterPatch, NewMeter, NewOverage, NewRollover};
use usance_core::limits::THRESHOLDS_MAX;
use usance_core::meter::{Measure, MeterPeriod, MeterSpec, Overage, Rollover, Timing};
use usance_core::period::Every;
use usance_core::quantity::{Quantity, Scale};
use usance_core::refusal::Refusal;

use crate::json::members::Members;
use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::native::metadata::{audiences, write_audiences};
use crate::native::problem::Problem;
use crate::native::request;

pub(super) const NEW: [&str; 16] = [
    "name",
    "unit",
    "scale",
    "allowed",
    "floor",
    "overage",
    "record_refusals",
    "measure",
    "period",
    "rollover",
    "floating",
    "visible_to",
    "stated_by_license",
    "thresholds",
    "hold_seconds_max",
    "session_grace_seconds",
];
pub(super) const PATCH: [&str; 11] = [
    "name",
    "allowed",
    "overage",
    "record_refusals",
    "period",
    "rollover",
    "floating",
    "visible_to",
    "thresholds",
    "hold_seconds_max",
    "session_grace_seconds",
];
pub(super) const TIMING: [&str; 5] =
    ["unit_seconds", "minimum_seconds", "free_seconds", "step_seconds", "idle_seconds"];
const OVERAGE: [&str; 2] = ["amount", "percent"];
const ROLLOVER: [&str; 1] = ["up_to"];
const MEASURE: [&str; 1] = ["duration"];

/// Words for the periods of a meter.
pub(super) const PERIODS: [&str; 8] =
    ["never", "hour", "day", "week", "month", "quarter", "year", "billing"];

/// Reads a meter that a license gets for itself.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<NewMeter, Problem> {
    Ok(new(&request::object(body, &NEW)?)?)
}

/// Reads one of several meters to be made.
pub(super) fn new_in_value(value: Value<'_, '_>) -> Result<NewMeter, Refusal> {
    new(&value.object(&NEW)?)
}

/// Reads changes of one of several meters.
pub(super) fn patch_in_value(value: Value<'_, '_>) -> Result<MeterPatch, Refusal> {
    let members = value.object(&PATCH)?;
    Ok(MeterPatch {
        name: members.need("name", Value::code)?,
        allowed: members.clear("allowed", Value::decimal)?,
        overage: members.change("overage", overage)?,
        record_refusals: members.change("record_refusals", Value::boolean)?,
        period: members.change("period", period)?,
        rollover: members.change("rollover", rollover)?,
        floating: members.change("floating", Value::boolean)?,
        visible_to: members.change("visible_to", audiences)?,
        thresholds: members.change("thresholds", thresholds)?,
        hold_seconds_max: members.change("hold_seconds_max", Value::whole)?,
        session_grace_seconds: members.change("session_grace_seconds", Value::whole)?,
    })
}

/// Writes what is said of a meter, with the ceiling that holds.
pub(super) fn write(spec: &MeterSpec, allowed: Option<Quantity>, members: &mut Object<'_>) {
    members.word("name", &spec.name);
    members.text("unit", &spec.unit);
    members.integer("scale", spec.scale.digits());
    members.maybe("allowed", allowed, |all, name, allowed| {
        all.quantity(name, allowed, spec.scale);
    });
    members.quantity("floor", spec.floor, spec.scale);
    write_overage(spec.overage, spec.scale, members);
    members.boolean("record_refusals", spec.record_refusals);
    write_measure(spec.measure, members);
    members.word("period", period_word(spec.period));
    match spec.rollover {
        Rollover::None => members.word("rollover", "none"),
        Rollover::All => members.word("rollover", "all"),
        Rollover::UpTo(most) => write::object(members.member("rollover"), |rollover| {
            rollover.quantity("up_to", most, spec.scale);
        }),
    }
    members.boolean("floating", spec.floating);
    write_audiences(spec.visible_to, members.member("visible_to"));
    members.boolean("stated_by_license", spec.stated_by_license);
    write::array(members.member("thresholds"), spec.thresholds.iter().copied(), write::integer);
    members.integer("hold_seconds_max", spec.hold_seconds_max);
    members.integer("session_grace_seconds", spec.session_grace_seconds);
}

fn write_overage(overage: Overage, scale: Scale, members: &mut Object<'_>) {
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

fn write_measure(measure: Measure, members: &mut Object<'_>) {
    let Measure::Duration(timing) = measure else {
        members.word("measure", measure.word());
        return;
    };
    write::object(members.member("measure"), |measure| {
        write::object(measure.member("duration"), |all| {
            all.integer("unit_seconds", timing.unit_seconds);
            all.integer("minimum_seconds", timing.minimum_seconds);
            all.integer("free_seconds", timing.free_seconds);
            all.integer("step_seconds", timing.step_seconds);
            all.maybe("idle_seconds", timing.idle_seconds, Object::integer);
        });
    });
}

const fn period_word(period: MeterPeriod) -> &'static str {
    match period {
        MeterPeriod::Never => "never",
        MeterPeriod::Every(every) => every.word(),
        MeterPeriod::Billing => "billing",
    }
}

fn new(members: &Members<'_, '_, 16>) -> Result<NewMeter, Refusal> {
    let plain = NewMeter::named(members.need("name", Value::code)?);
    let flag = |name| Ok(members.read(name, Value::boolean)?.unwrap_or_default());
    Ok(NewMeter {
        unit: members.read("unit", Value::name)?,
        scale: members.read("scale", scale)?.unwrap_or_default(),
        allowed: members.read("allowed", Value::decimal)?,
        floor: members.read("floor", Value::decimal)?.unwrap_or(plain.floor),
        overage: members.read("overage", overage)?.unwrap_or_default(),
        record_refusals: flag("record_refusals")?,
        measure: members.read("measure", measure)?.unwrap_or_default(),
        period: members.read("period", period)?.unwrap_or_default(),
        rollover: members.read("rollover", rollover)?.unwrap_or_default(),
        floating: flag("floating")?,
        visible_to: members.read("visible_to", audiences)?,
        stated_by_license: flag("stated_by_license")?,
        thresholds: members.read("thresholds", thresholds)?.unwrap_or_default(),
        hold_seconds_max: members.read("hold_seconds_max", Value::whole)?,
        session_grace_seconds: members.read("session_grace_seconds", Value::whole)?,
        name: plain.name,
    })
}

fn thresholds(value: Value<'_, '_>) -> Result<Vec<u32>, Refusal> {
    value.items(THRESHOLDS_MAX, Value::whole)
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
    let members = form(value, &OVERAGE, FORM)?;
    let amount = members.read("amount", Value::decimal)?;
    let percent = members.read("percent", Value::whole)?;
    match (amount, percent) {
        (Some(amount), None) => Ok(NewOverage::Amount(amount)),
        (None, Some(percent)) => Ok(NewOverage::Percent(percent)),
        _ => Err(value.refuse(FORM)),
    }
}

fn rollover(value: Value<'_, '_>) -> Result<NewRollover, Refusal> {
    const FORM: &str = "must be \"none\", \"all\" or {\"up_to\": …}";
    if value.is_text() {
        return match &*value.text()? {
            "none" => Ok(NewRollover::None),
            "all" => Ok(NewRollover::All),
            _ => Err(value.refuse(FORM)),
        };
    }
    let members = form(value, &ROLLOVER, FORM)?;
    members.need("up_to", Value::decimal).map(NewRollover::UpTo)
}

fn measure(value: Value<'_, '_>) -> Result<Measure, Refusal> {
    const FORM: &str = "must be \"uses\", \"seats\", \"peak\", \"day-pass\" or {\"duration\": {…}}";
    const PLAIN: Timing = Timing {
        unit_seconds: 1,
        minimum_seconds: 0,
        free_seconds: 0,
        step_seconds: 1,
        idle_seconds: None,
    };
    if value.is_text() {
        return match &*value.text()? {
            "uses" => Ok(Measure::Uses),
            "seats" => Ok(Measure::Seats),
            "peak" => Ok(Measure::Peak),
            "day-pass" => Ok(Measure::DayPass),
            "duration" => Ok(Measure::Duration(PLAIN)),
            _ => Err(value.refuse(FORM)),
        };
    }
    let members = form(value, &MEASURE, FORM)?;
    members.need("duration", |value| {
        let members = value.object(&TIMING)?;
        let seconds = |name, plain| Ok(members.read(name, Value::whole)?.unwrap_or(plain));
        Ok(Measure::Duration(Timing {
            unit_seconds: seconds("unit_seconds", PLAIN.unit_seconds)?,
            minimum_seconds: seconds("minimum_seconds", PLAIN.minimum_seconds)?,
            free_seconds: seconds("free_seconds", PLAIN.free_seconds)?,
            step_seconds: seconds("step_seconds", PLAIN.step_seconds)?,
            idle_seconds: members.read("idle_seconds", Value::whole)?,
        }))
    })
}

fn period(value: Value<'_, '_>) -> Result<MeterPeriod, Refusal> {
    value.word(&PERIODS, |word| match word {
        "never" => Some(MeterPeriod::Never),
        "billing" => Some(MeterPeriod::Billing),
        every => Every::from_word(every).map(MeterPeriod::Every),
    })
}

/// An object, where the refusal of anything else names all the forms there are.
fn form<'p, 'a, const N: usize>(
    value: Value<'p, 'a>,
    names: &'static [&'static str; N],
    forms: &'static str,
) -> Result<Members<'p, 'a, N>, Refusal> {
    if value.is_object() { value.object(names) } else { Err(value.refuse(forms)) }
}
