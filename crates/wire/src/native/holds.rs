//! Units set aside.

use usance_core::view::HoldView;

use crate::json::write::{self, Object};

/// Appends a hold.
pub fn write(view: &HoldView, out: &mut Vec<u8>) {
    let hold = &view.hold;
    write::object(out, |members| {
        members.word("id", hold.id);
        members.word("license", view.license);
        members.word("meter", &hold.meter);
        members.maybe("activation", hold.activation, Object::word);
        members.quantity("units", hold.units, view.scale);
        members.time("until", hold.expires_at);
        members.time("created_at", hold.created_at);
    });
}
