//! Names of users and hosts, with `*` for any run of characters.

use alloc::borrow::{Cow, ToOwned};
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use crate::limits::SUBJECT_FIELD_BYTES_MAX;

/// A name, or what names look like: `*` stands for any run of characters, also none.
///
/// ASCII letters match in either case; all else is compared byte by byte.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    /// In lower case, and never two `*` in a row.
    text: Box<str>,
    shape: Shape,
}

/// What the text is made of, so that matching need not look.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Shape {
    /// No `*`.
    Exact,
    /// One `*`, at this byte.
    Ends(usize),
    /// More.
    Parts,
}

impl Pattern {
    /// Reads a pattern of 1 to 255 bytes without control characters.
    ///
    /// # Errors
    /// What it must be, in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("has an empty name");
        }
        if text.len() > SUBJECT_FIELD_BYTES_MAX {
            return Err("has a name of more than 255 bytes");
        }
        if text.chars().any(char::is_control) {
            return Err("has a control character in a name");
        }
        let mut canonical = String::with_capacity(text.len());
        for letter in text.chars() {
            if letter != '*' || !canonical.ends_with('*') {
                canonical.push(letter.to_ascii_lowercase());
            }
        }
        let shape = match canonical.find('*') {
            None => Shape::Exact,
            Some(at) if canonical.rfind('*') == Some(at) => Shape::Ends(at),
            Some(_) => Shape::Parts,
        };
        Ok(Self { text: canonical.into(), shape })
    }

    /// The pattern in its canonical form, without quotation marks.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches a name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.matches_folded(&fold(name))
    }

    /// Whether it matches a name that [`fold`] has been through. Takes time linear in both: each
    /// part is looked for once, behind the one before, by the linear search of `str::find`.
    pub(super) fn matches_folded(&self, name: &str) -> bool {
        match self.shape {
            Shape::Exact => *self.text == *name,
            Shape::Ends(at) => {
                let (prefix, rest) = self.text.split_at(at);
                let suffix = rest.get(1..).unwrap_or_default();
                name.strip_prefix(prefix).is_some_and(|left| left.ends_with(suffix))
            }
            Shape::Parts => self.matches_parts(name).is_some(),
        }
    }

    fn matches_parts(&self, name: &str) -> Option<()> {
        let (prefix, rest) = self.text.split_once('*')?;
        let (middle, suffix) = rest.rsplit_once('*')?;
        let mut left = name.strip_prefix(prefix)?.strip_suffix(suffix)?;
        for part in middle.split('*') {
            let (_, behind) = left.split_once(part)?;
            left = behind;
        }
        Some(())
    }
}

/// A name in the form that patterns are compared with; costs nothing if it has that form already.
pub(super) fn fold(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let mut folded = name.to_owned();
        folded.make_ascii_lowercase();
        return Cow::Owned(folded);
    }
    Cow::Borrowed(name)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.text.chars().any(|letter| letter.is_whitespace() || [',', '"'].contains(&letter)) {
            return f.write_str(&self.text);
        }
        f.write_str("\"")?;
        for (index, part) in self.text.split('"').enumerate() {
            if index > 0 {
                f.write_str("\"\"")?;
            }
            f.write_str(part)?;
        }
        f.write_str("\"")
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pattern(…)")
    }
}
