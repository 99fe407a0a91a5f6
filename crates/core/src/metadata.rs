//! What a vendor notes about a thing in its own words. No rule looks at it.

use alloc::string::String;
use alloc::vec::Vec;

use crate::audience::{Audience, Audiences};
use crate::limits::{METADATA_BYTES_MAX, METADATA_ENTRIES_MAX, METADATA_KEY_BYTES_MAX};
use crate::refusal::Refusal;
use crate::terms::{escape, unescape};

/// A note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, unique among the notes of a thing.
    pub key: String,
    /// Its value: JSON text in its shortest form, which only doors understand.
    pub value: String,
    /// To whom it is shown beside the vendor.
    pub visible_to: Audiences,
}

/// The notes of a thing, by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata(Vec<Entry>);

impl Metadata {
    /// Checks and sorts notes.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for too many, too long, or the same key twice.
    pub fn new(mut entries: Vec<Entry>) -> Result<Self, Refusal> {
        let refuse = |reason| Err(Refusal::invalid("metadata", reason));
        if entries.len() > METADATA_ENTRIES_MAX {
            return refuse("may be at most 64 entries");
        }
        let is_key = |key: &str| {
            !key.is_empty()
                && key.len() <= METADATA_KEY_BYTES_MAX
                && !key.chars().any(char::is_control)
        };
        if entries.iter().any(|entry| !is_key(&entry.key)) {
            return refuse("must have keys of 1 to 256 bytes without control characters");
        }
        let bytes: usize = entries.iter().map(|entry| entry.key.len() + entry.value.len()).sum();
        if bytes > METADATA_BYTES_MAX {
            return refuse("may be at most 16 KiB");
        }
        entries.sort_by(|one, other| one.key.cmp(&other.key));
        if entries.windows(2).any(|pair| pair[0].key == pair[1].key) {
            return refuse("may have each key once");
        }
        Ok(Self(entries))
    }

    /// The notes, by key.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The notes as text, one a line, for storage.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for entry in &self.0 {
            let audiences: Vec<_> = entry.visible_to.iter().map(Audience::word).collect();
            text.push_str(&audiences.join(","));
            for part in [&entry.key, &entry.value] {
                text.push('\t');
                escape(part, &mut text);
            }
            text.push('\n');
        }
        text
    }

    /// Reads what [`Metadata::to_text`] wrote. None if it did not.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let entry = |line: &str| {
            let (audiences, rest) = line.split_once('\t')?;
            let (key, value) = rest.split_once('\t')?;
            let words = audiences.split(',').filter(|word| !word.is_empty());
            Some(Entry {
                key: unescape(key),
                value: unescape(value),
                visible_to: words.map(Audience::from_word).collect::<Option<_>>()?,
            })
        };
        Self::new(text.lines().map(entry).collect::<Option<_>>()?).ok()
    }

    /// What an audience sees of them; none is the vendor, who sees all.
    pub fn seen_by(&self, audience: Option<Audience>) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(move |entry| audience.is_none_or(|who| entry.visible_to.contains(who)))
    }
}
