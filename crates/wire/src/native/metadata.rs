//! What a vendor notes about a thing, and who else sees it.

use usance_core::audience::{Audience, Audiences};
use usance_core::limits::METADATA_ENTRIES_MAX;
use usance_core::metadata::{Entry, Metadata};
use usance_core::refusal::Refusal;

use crate::json::members::Members;
use crate::json::place::Place;
use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::limits::{METADATA_DEPTH_MAX, METADATA_MEMBERS_MAX};

const NOTES: &str = "metadata";
const VISIBLE: &str = "metadata_visible_to";

/// Reads the notes of a thing to be made.
pub(super) fn read<const N: usize>(members: &Members<'_, '_, N>) -> Result<Metadata, Refusal> {
    let entries = members.read(NOTES, entries)?.unwrap_or_default();
    with_audiences(members, entries)
}

/// Reads notes that replace all there are, if any are there.
pub(super) fn read_change<const N: usize>(
    members: &Members<'_, '_, N>,
) -> Result<Option<Metadata>, Refusal> {
    match members.change(NOTES, entries)? {
        Some(entries) => with_audiences(members, entries).map(Some),
        None if members.present().any(|name| name == VISIBLE) => {
            Err(members.refuse_member(VISIBLE, "comes with metadata, all of which is replaced"))
        }
        None => Ok(None),
    }
}

/// Writes what an audience sees of notes; none is the vendor, who also sees who sees them.
pub(super) fn write(notes: &Metadata, audience: Option<Audience>, members: &mut Object<'_>) {
    write::object(members.member(NOTES), |all| {
        for entry in notes.seen_by(audience) {
            all.entry(&entry.key).extend_from_slice(entry.value.as_bytes());
        }
    });
    if audience.is_some() {
        return;
    }
    write::object(members.member(VISIBLE), |all| {
        for entry in notes.entries().iter().filter(|entry| !entry.visible_to.is_empty()) {
            write_audiences(entry.visible_to, all.entry(&entry.key));
        }
    });
}

/// Reads audiences.
pub(super) fn audiences(value: Value<'_, '_>) -> Result<Audiences, Refusal> {
    Ok(value.words(Audience::WORDS, Audience::from_word)?.into_iter().collect())
}

/// Appends the words of audiences.
pub(super) fn write_audiences(audiences: Audiences, out: &mut Vec<u8>) {
    write::array(out, audiences.iter(), |out, audience| write::text(out, audience.word()));
}

fn entries(value: Value<'_, '_>) -> Result<Vec<Entry>, Refusal> {
    let place = value.place();
    let entries = value.entries(METADATA_ENTRIES_MAX)?;
    let entry = |(key, text): (std::borrow::Cow<'_, str>, &str)| {
        let mut shortest = Vec::with_capacity(text.len());
        write_shortest(Value::new(Place::Member(&place, &key), text), 0, &mut shortest)?;
        let value = String::from_utf8(shortest).map_err(|_| place.refuse("must be UTF-8"))?;
        Ok(Entry { key: key.into_owned(), value, visible_to: Audiences::NONE })
    };
    entries.into_iter().map(entry).collect()
}

fn with_audiences<const N: usize>(
    members: &Members<'_, '_, N>,
    mut entries: Vec<Entry>,
) -> Result<Metadata, Refusal> {
    members.read(VISIBLE, |value| {
        let place = value.place();
        for (key, text) in value.entries(METADATA_ENTRIES_MAX)? {
            let place = Place::Member(&place, &key);
            let visible_to = audiences(Value::new(place, text))?;
            let Some(entry) = entries.iter_mut().find(|entry| entry.key == key) else {
                return Err(place.refuse("is not among the metadata"));
            };
            entry.visible_to = visible_to;
        }
        Ok(())
    })?;
    Metadata::new(entries)
}

/// Appends a value without white space and needless escapes, its numbers as they are.
fn write_shortest(value: Value<'_, '_>, depth: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
    if value.is_text() {
        write::text(out, &value.text()?);
        return Ok(());
    }
    let is_array = value.is_array();
    if !is_array && !value.is_object() {
        out.extend_from_slice(value.scalar().as_bytes());
        return Ok(());
    }
    if depth == METADATA_DEPTH_MAX {
        return Err(value.refuse("is deeper than 4 levels of arrays and objects"));
    }
    let begin = out.len();
    if is_array {
        value.items(METADATA_MEMBERS_MAX, |item| {
            out.push(if out.len() == begin { b'[' } else { b',' });
            write_shortest(item, depth + 1, out)
        })?;
    } else {
        let place = value.place();
        for (name, text) in value.entries(METADATA_MEMBERS_MAX)? {
            out.push(if out.len() == begin { b'{' } else { b',' });
            write::text(out, &name);
            out.push(b':');
            write_shortest(Value::new(Place::Member(&place, &name), text), depth + 1, out)?;
        }
    }
    let (open, close) = if is_array { (b'[', b']') } else { (b'{', b'}') };
    if out.len() == begin {
        out.push(open);
    }
    out.push(close);
    Ok(())
}

#[cfg(test)]
mod tests;
