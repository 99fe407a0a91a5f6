//! Events: what happened, as it is told to those who listen.

use std::collections::BTreeMap;

use usance_core::caller::Caller;
use usance_core::event::{Events, Told, What};
use usance_core::id::{LicenseId, TokenId};
use usance_core::ledger::canonical;
use usance_core::ledger::record::Notice;
use usance_core::token::Permissions;

use crate::json::write::{self, Object};
use crate::native::records;

/// What of an event somebody sees. There are few of these, so that what is written for one listener
/// serves all of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sight {
    /// All of it: the vendor, with every permission.
    Everything,
    /// All but the keys of licenses: the vendor.
    NoKeys,
    /// Neither who it was nor what things were like: everybody else.
    NoPeople,
}

impl Sight {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Everything, Self::NoKeys, Self::NoPeople];

    /// What a caller sees.
    #[must_use]
    pub fn of(caller: &Caller) -> Self {
        match caller.audience {
            Some(_) => Self::NoPeople,
            None if caller.permissions == Permissions::ALL => Self::Everything,
            None => Self::NoKeys,
        }
    }
}

/// What a masked key is shown as.
const MASK: &str = "***";

/// Appends `{"items": […], "next": …, "end": …}`.
pub fn write_page(events: &Events, sight: Sight, out: &mut Vec<u8>) {
    write::object(out, |page| {
        write::array(page.member("items"), &events.items, |out, told| write(told, sight, out));
        page.integer("next", events.next);
        page.boolean("end", events.is_end);
    });
}

/// Appends an event.
pub fn write(told: &Told, sight: Sight, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.integer("number", told.number);
        members.time("at", told.at);
        members.word("kind", told.kind);
        if let Some(license) = told.license {
            members.id("license", LicenseId::PREFIX, license.bytes());
        }
        if let Some(meter) = told.meter() {
            members.word("meter", meter);
        }
        write_what(&told.what, sight, members);
    });
}

fn write_what(what: &What, sight: Sight, members: &mut Object<'_>) {
    match what {
        What::Opened => {}
        What::ClockBack { wall } => members.time("wall", *wall),
        What::Meter { scale, measure, event, .. } => {
            let is_vendor = sight != Sight::NoPeople;
            records::write_event(event, (*scale, *measure), is_vendor, members);
        }
        What::Noticed { scale, notice, cause, total, allowed, .. } => {
            if let Notice::ThresholdCrossed(percent) = notice {
                members.integer("percent", *percent);
            }
            members.maybe("cause", *cause, Object::integer);
            members.quantity("total", *total, *scale);
            members
                .maybe("allowed", *allowed, |all, name, value| all.quantity(name, value, *scale));
        }
        What::Changed { thing, by, address, before, after } => {
            members.word("thing", thing);
            members.maybe("by", *by, |all, name, by: TokenId| all.word(name, by));
            if sight == Sight::NoPeople {
                return;
            }
            members.maybe("address", address.as_deref(), Object::text);
            let thing = |all: &mut Object<'_>, name: &str, text: &str| {
                write_thing(text, sight, all.member(name));
            };
            members.maybe("before", before.as_deref(), thing);
            members.maybe("after", after.as_deref(), thing);
        }
    }
}

/// A thing in its canonical text, as an object: what may be there more than once is a list, and
/// what has members of its own is an object.
#[derive(Debug, Default)]
struct Thing {
    texts: Vec<(String, String)>,
    lists: BTreeMap<String, Vec<String>>,
    parts: BTreeMap<String, Vec<Self>>,
}

fn write_thing(text: &str, sight: Sight, out: &mut Vec<u8>) {
    read_thing(text, sight).write(out);
}

/// Names that begin a part, and the names that belong to it. None is all up to the next part.
fn part_of(kind: &str, name: &str) -> Option<Option<&'static [&'static str]>> {
    match name {
        "metadata" => Some(Some(&["value", "visible_to"])),
        "component" => Some(Some(&["component_fingerprint", "component_name"])),
        // Of a token it is a lock.
        "meter" if matches!(kind, "policy" | "license") => Some(None),
        _ => None,
    }
}

fn is_list(kind: &str, name: &str) -> bool {
    matches!(name, "entitlement" | "permission" | "visible_to")
        || (name == "user" && kind == "license")
        || (name == "kind" && kind == "webhook")
}

fn read_thing(text: &str, sight: Sight) -> Thing {
    let mut whole = Thing::default();
    let mut kind = String::new();
    // The part that is open, and the names that belong to it.
    let mut open: Option<(String, Option<&'static [&'static str]>)> = None;
    for (name, value) in canonical::lines(text) {
        if kind.is_empty() {
            kind = name.to_owned();
        }
        if let Some(names) = part_of(&kind, name).filter(|_| !whole.texts.is_empty()) {
            let mut part = Thing::default();
            part.texts.push((name.to_owned(), value));
            whole.parts.entry(name.to_owned()).or_default().push(part);
            open = Some((name.to_owned(), names));
            continue;
        }
        open = open.filter(|(_, names)| names.is_none_or(|names| names.contains(&name)));
        let target = match &open {
            Some((part, _)) => whole.parts.entry(part.clone()).or_default().last_mut(),
            None => Some(&mut whole),
        };
        let Some(target) = target else { continue };
        if is_list(&kind, name) {
            target.lists.entry(name.to_owned()).or_default().push(value);
            continue;
        }
        let is_masked = kind == "license" && name == "key" && sight != Sight::Everything;
        let value = if is_masked { MASK.to_owned() } else { value };
        target.texts.push((name.to_owned(), value));
    }
    whole
}

impl Thing {
    fn write(&self, out: &mut Vec<u8>) {
        write::object(out, |members| {
            for (name, value) in &self.texts {
                write::text(members.entry(name), value);
            }
            for (name, values) in &self.lists {
                write::array(members.entry(name), values, |out, value| write::text(out, value));
            }
            for (name, parts) in &self.parts {
                write::array(members.entry(name), parts, |out, part| part.write(out));
            }
        });
    }
}

#[cfg(test)]
pub(super) mod tests;
