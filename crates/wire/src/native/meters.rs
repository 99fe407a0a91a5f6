//! The state of meters.

use usance_core::meter::AllowedFrom;
use usance_core::quantity::Quantity;
use usance_core::view::MeterView;

use crate::json::write::{self, Object};
use crate::native::specs;

/// Appends a meter.
pub fn write(meter: &MeterView, out: &mut Vec<u8>) {
    let (spec, state) = (&meter.spec, &meter.state);
    let allowed = meter.allowed();
    let amount =
        |all: &mut Object<'_>, name: &str, value: Quantity| all.quantity(name, value, spec.scale);
    write::object(out, |members| {
        members.word("license", meter.license);
        specs::write(spec, allowed, members);
        members.word("allowed_from", allowed_from_word(meter.allowed_from));
        members.boolean("own", meter.is_own);
        amount(members, "total", state.total);
        amount(members, "gross", state.gross);
        amount(members, "held", state.held);
        amount(members, "carried", state.carried);
        members.maybe("remaining", meter.remaining(), amount);
        members.integer("refusals", state.refusals);
        members.maybe("period_end", state.period_end, Object::time);
        members.maybe("last_record", state.last_record, Object::integer);
    });
}

/// Appends all meters of a license: they are few, so that this list has no pages.
pub fn write_all(meters: &[MeterView], out: &mut Vec<u8>) {
    write::object(out, |list| {
        write::array(list.member("items"), meters, |out, meter| write(meter, out));
        list.null("next");
    });
}

const fn allowed_from_word(from: AllowedFrom) -> &'static str {
    match from {
        AllowedFrom::Policy => "policy",
        AllowedFrom::License(_) => "license",
    }
}
