//! What is checked out.

use usance_core::audience::Audience;
use usance_core::view::SessionView;

use crate::json::write::{self, Object};
use crate::native::records::write_subject;

/// Appends what an audience sees of a session; none is the vendor, who also sees whom it is for.
pub fn write(view: &SessionView, audience: Option<Audience>, out: &mut Vec<u8>) {
    let session = &view.session;
    write::object(out, |members| {
        members.word("id", session.id);
        members.word("license", view.license);
        members.word("meter", &session.meter);
        members.maybe("activation", session.activation, Object::word);
        members.quantity("count", session.count, view.scale);
        members.quantity("reserved", session.reserved, view.scale);
        members.integer("active_seconds", session.active_ms / 1000);
        if audience.is_none() {
            members.maybe("subject", session.subject.as_ref(), write_subject);
        }
        members.time("seen_at", session.seen_at);
        members.time("until", session.expires_at);
        members.time("created_at", session.created_at);
    });
}
