//! Sums per window.

use usance_core::view::UsageReport;

use crate::json::write;
use crate::native::query::window_word;

/// Appends a usage report.
pub fn write(report: &UsageReport, out: &mut Vec<u8>) {
    let scale = report.scale;
    write::object(out, |members| {
        members.word("meter", &report.meter);
        members.word("window", window_word(report.window));
        members.time("from", report.from);
        members.time("to", report.to);
        write::array(members.member("windows"), &report.windows, |out, (from, sums)| {
            write::object(out, |members| {
                members.time("from", *from);
                members.quantity("incremented", sums.incremented, scale);
                members.quantity("decremented", sums.decremented, scale);
                members.quantity("adjusted", sums.adjusted, scale);
                members.quantity("overage", sums.overage, scale);
                members.integer("uses", sums.uses);
            });
        });
    });
}
