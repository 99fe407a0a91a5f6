//! Text that was checked once, at the edge.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::ops::Deref;

use crate::limits::{CODE_BYTES_MAX, NAME_BYTES_MAX};
use crate::refusal::Refusal;

/// A short name for machines: `[a-z0-9][a-z0-9._-]*`, at most 64 bytes.
///
/// Codes of products, policies and customers, and names of meters and attributes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(Arc<str>);

impl Code {
    /// Reads a code, refusing what is none; `field` names it in the refusal.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if the text has another form.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Refusal> {
        if !is_code(text) {
            return Err(Refusal::invalid(
                field,
                "must be 1 to 64 of a-z, 0-9, '.', '_' and '-', and start with a letter or digit",
            ));
        }
        Ok(Self(text.into()))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Code {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl core::borrow::Borrow<str> for Code {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

/// Whether the text has the form of a [`Code`].
#[must_use]
pub fn is_code(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= CODE_BYTES_MAX
        && bytes.first().is_some_and(|first| first.is_ascii_lowercase() || first.is_ascii_digit())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(byte))
}

/// Checks a name for people: not empty, at most 200 bytes, no control characters.
///
/// # Errors
/// [`Refusal::Invalid`] naming `field`.
pub fn display_name(field: &'static str, text: String) -> Result<String, Refusal> {
    if text.trim().is_empty() || text.len() > NAME_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(Refusal::invalid(
            field,
            "must be 1 to 200 bytes of text without control characters",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        for (text, expected) in [
            ("frames", true),
            ("a", true),
            ("gpu-hours.v2_x", true),
            ("9lives", true),
            ("", false),
            ("-a", false),
            ("Frames", false),
            ("fra mes", false),
            ("früh", false),
        ] {
            assert_eq!(is_code(text), expected, "{text}");
        }
        assert!(is_code(&"a".repeat(64)));
        assert!(!is_code(&"a".repeat(65)));
    }
}
