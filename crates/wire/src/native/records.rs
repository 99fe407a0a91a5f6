//! The history of a meter.

use usance_core::audience::Audience;
use usance_core::meter::{Measure, Turn};
use usance_core::quantity::Scale;
use usance_core::usage::Subject;
use usance_core::view::{History, HistoryEntry, HistoryEvent};

use crate::json::write::{self, Object};
use crate::native::answers::{write_about, write_counted};
use crate::native::lists;

/// Appends what an audience sees of a page of history; none is the vendor, who also sees who it
/// was.
pub fn write(history: &History, audience: Option<Audience>, out: &mut Vec<u8>) {
    lists::write(&history.page, out, |entry, out| {
        write::object(out, |members| write_entry(history, entry, audience, members));
    });
}

fn write_entry(
    history: &History,
    entry: &HistoryEntry,
    audience: Option<Audience>,
    members: &mut Object<'_>,
) {
    let kind = match entry.event {
        HistoryEvent::Use { .. } => "use",
        HistoryEvent::Refused { .. } => "refused",
    };
    members.word("kind", kind);
    let prefix = usance_core::id::LicenseId::PREFIX;
    members.id("license", prefix, history.license.bytes());
    members.word("meter", &history.meter);
    write_event(&entry.event, (history.scale, history.measure), audience.is_none(), members);
    members.integer("record", entry.record);
    members.time("at", entry.at);
}

/// Writes a movement of a meter, or a refusal; who it was only for the vendor.
pub(super) fn write_event(
    event: &HistoryEvent,
    (scale, measure): (Scale, Measure),
    is_vendor: bool,
    members: &mut Object<'_>,
) {
    match event {
        HistoryEvent::Use {
            counted,
            activation,
            reference,
            turn,
            occurred_at,
            subject,
            attributes,
        } => {
            write_counted(counted, counted.remaining(measure), scale, members);
            members.null("period_end");
            write_about(counted, *activation, *reference, scale, members);
            if let Some(turn) = turn {
                write_turn(turn, scale, members);
            }
            members.maybe("occurred_at", *occurred_at, Object::time);
            if is_vendor {
                members.maybe("subject", subject.as_ref(), write_subject);
            }
            write::object(members.member("attributes"), |all| {
                for (name, value) in attributes {
                    all.text(name, value);
                }
            });
        }
        HistoryEvent::Refused { operation, asked, code, total } => {
            members.word("operation", operation.word());
            members.quantity("asked", *asked, scale);
            members.text("code", code);
            members.quantity("total", *total, scale);
        }
    }
}

fn write_turn(turn: &Turn, scale: Scale, members: &mut Object<'_>) {
    write::object(members.member("turn"), |all| {
        all.maybe("ended_at", turn.ended_at, Object::time);
        all.maybe("next_end", turn.next_end, Object::time);
        all.quantity("carried", turn.carried, scale);
    });
}

/// Writes who used something.
pub(super) fn write_subject(members: &mut Object<'_>, name: &str, subject: &Subject) {
    write::object(members.member(name), |fields| {
        fields.maybe("user", subject.user.as_deref(), Object::text);
        fields.maybe("host", subject.host.as_deref(), Object::text);
        fields.maybe("address", subject.address.as_deref(), Object::text);
    });
}
