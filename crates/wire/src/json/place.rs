//! Where in a body something is wrong.

use std::borrow::Cow;
use std::fmt;

use usance_core::refusal::Refusal;

/// Where in a body a value lies. Costs nothing until it has to be told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'p> {
    /// The whole body.
    Body,
    /// A member of an object.
    Member(&'p Place<'p>, &'p str),
    /// An item of an array.
    Item(&'p Place<'p>, usize),
}

impl Place<'_> {
    /// The refusal of what lies here.
    pub(crate) fn refuse(&self, reason: impl Into<Cow<'static, str>>) -> Refusal {
        Refusal::Invalid { field: self.to_string().into(), reason: reason.into() }
    }

    /// A refusal by core, told with the place instead of the field that core knew.
    pub(crate) fn moved(&self, refusal: Refusal) -> Refusal {
        match refusal {
            Refusal::Invalid { reason, .. } => self.refuse(reason),
            other => other,
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body => f.write_str("body"),
            Self::Member(Self::Body, name) => write_name(f, name),
            Self::Member(parent, name) => {
                write!(f, "{parent}.")?;
                write_name(f, name)
            }
            Self::Item(Self::Body, index) => write!(f, "[{index}]"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Names of unknown members come from outside: only their beginning is told, and nothing that would
/// upset a terminal.
fn write_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    const CHARS_SHOWN: usize = 64;
    for c in name.chars().take(CHARS_SHOWN) {
        fmt::Write::write_char(f, if c.is_control() { '\u{fffd}' } else { c })?;
    }
    if name.chars().nth(CHARS_SHOWN).is_some() {
        f.write_str("…")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_read_like_paths() {
        let body = Place::Body;
        let meters = Place::Member(&body, "meters");
        let second = Place::Item(&meters, 1);
        let scale = Place::Member(&second, "scale");
        let long = "x".repeat(65);
        for (place, expected) in [
            (body, "body"),
            (meters, "meters"),
            (second, "meters[1]"),
            (scale, "meters[1].scale"),
            (Place::Item(&body, 3), "[3]"),
            (Place::Member(&body, "a\nb"), "a\u{fffd}b"),
            (Place::Member(&body, &long), &format!("{}…", "x".repeat(64))),
        ] {
            assert_eq!(place.to_string(), expected);
        }
    }
}
