//! Writing JSON into one buffer.
//!
//! By hand, because quantities have to be exact JSON numbers, and serde's data model only has
//! integers and floats; and because an answer to a use is written hundreds of thousands of times a
//! second.

use std::fmt::{Display, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use usance_core::quantity::{Quantity, Scale};
use usance_core::time::Timestamp;

use crate::time;

/// Appends an object whose members `members` writes.
pub(crate) fn object(out: &mut Vec<u8>, members: impl FnOnce(&mut Object<'_>)) {
    out.push(b'{');
    members(&mut Object { out, is_empty: true });
    out.push(b'}');
}

/// Appends an array with an item for each of `items`.
pub(crate) fn array<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (index, each) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        item(out, each);
    }
    out.push(b']');
}

/// Appends a string.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut plain_from = 0;
    for (index, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(text.as_bytes().get(plain_from..index).unwrap_or_default());
        plain_from = index + 1;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            _ => {
                let [high, low] = hex(byte);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        }
    }
    out.extend_from_slice(text.as_bytes().get(plain_from..).unwrap_or_default());
    out.push(b'"');
}

/// Appends a quantity as an exact number.
pub(crate) fn quantity(out: &mut Vec<u8>, quantity: Quantity, scale: Scale) {
    if scale.digits() == 0 {
        integer(out, quantity);
        return;
    }
    let unit = 10u64.pow(u32::from(scale.digits()));
    let magnitude = quantity.unsigned_abs();
    if quantity < 0 {
        out.push(b'-');
    }
    integer(out, magnitude / unit);
    let mut fraction = magnitude % unit;
    if fraction == 0 {
        return;
    }
    let mut width = usize::from(scale.digits());
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        width -= 1;
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(fraction).as_bytes();
    out.push(b'.');
    out.resize(out.len() + width.saturating_sub(digits.len()), b'0');
    out.extend_from_slice(digits);
}

/// Appends an integer.
pub(crate) fn integer(out: &mut Vec<u8>, integer: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(integer).as_bytes());
}

const fn hex(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]]
}

/// Room that a member mostly needs after its name: its buffer then grows once, not byte by byte.
const MEMBER_BYTES: usize = 48;

/// An object being written.
pub(crate) struct Object<'o> {
    out: &'o mut Vec<u8>,
    is_empty: bool,
}

impl Object<'_> {
    /// Begins a member; what is appended to the buffer next is its value.
    pub(crate) fn member(&mut self, name: &str) -> &mut Vec<u8> {
        let before: &[u8] = if self.is_empty { b"\"" } else { b",\"" };
        self.is_empty = false;
        self.out.reserve(before.len() + name.len() + MEMBER_BYTES);
        self.out.extend_from_slice(before);
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Begins a member whose name is data and may need escapes.
    pub(crate) fn entry(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
        text(self.out, name);
        self.out.push(b':');
        self.out
    }

    /// Null.
    pub(crate) fn null(&mut self, name: &str) {
        self.member(name).extend_from_slice(b"null");
    }

    /// A string.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        text(self.member(name), value);
    }

    /// A string that needs no escapes, such as an id, a code or a word of ours.
    pub(crate) fn word(&mut self, name: &str, value: impl Display) {
        let out = self.member(name);
        out.push(b'"');
        write_shown(out, value);
        out.push(b'"');
    }

    /// An id, for the path where [`Object::word`] would show.
    pub(crate) fn id(&mut self, name: &str, prefix: &str, bytes: &[u8; 16]) {
        let out = self.member(name);
        out.push(b'"');
        out.extend_from_slice(prefix.as_bytes());
        out.extend(bytes.iter().copied().flat_map(hex));
        out.push(b'"');
    }

    /// An integer.
    pub(crate) fn integer(&mut self, name: &str, value: impl itoa::Integer) {
        integer(self.member(name), value);
    }

    /// True or false.
    pub(crate) fn boolean(&mut self, name: &str, value: bool) {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.member(name).extend_from_slice(word);
    }

    /// An amount in a meter's unit.
    pub(crate) fn quantity(&mut self, name: &str, value: Quantity, scale: Scale) {
        quantity(self.member(name), value, scale);
    }

    /// An instant.
    pub(crate) fn time(&mut self, name: &str, at: Timestamp) {
        let out = self.member(name);
        out.push(b'"');
        time::write(at, out);
        out.push(b'"');
    }

    /// Bytes as base64.
    pub(crate) fn bytes(&mut self, name: &str, bytes: &[u8]) {
        base64(self.member(name), bytes);
    }

    /// A member that is null where there is no value.
    pub(crate) fn maybe<T>(
        &mut self,
        name: &str,
        value: Option<T>,
        write: impl FnOnce(&mut Self, &str, T),
    ) {
        match value {
            Some(value) => write(self, name, value),
            None => self.null(name),
        }
    }
}

/// Appends bytes as a base64 string.
pub(crate) fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    out.extend_from_slice(BASE64.encode(bytes).as_bytes());
    out.push(b'"');
}

/// Appends what `Display` shows.
pub(crate) fn write_shown(out: &mut Vec<u8>, value: impl Display) {
    struct Bytes<'o>(&'o mut Vec<u8>);

    impl std::fmt::Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }

    write!(Bytes(out), "{value}").expect("appending to a vector does not fail");
}

#[cfg(test)]
mod tests {
    use usance_core::quantity::Shown;

    use super::*;

    #[test]
    fn members_are_separated() {
        let mut out = Vec::new();
        object(&mut out, |all| {
            all.integer("a", 1);
            all.boolean("b", true);
            all.maybe("c", None, Object::text);
            all.maybe("d", Some("x"), Object::text);
            all.bytes("e", &[255]);
            array(all.member("f"), [1, 2], integer);
            object(all.member("g"), |_| {});
            all.id("h", "lic_", &[0xab; 16]);
        });
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"a\":1,\"b\":true,\"c\":null,\"d\":\"x\",\"e\":\"/w==\",\"f\":[1,2],\"g\":{},\
             \"h\":\"lic_abababababababababababababababab\"}"
        );
    }

    proptest::proptest! {
        #[test]
        fn texts_read_back(value: String) {
            let mut out = Vec::new();
            text(&mut out, &value);
            let back: String = serde_json::from_slice(&out).unwrap();
            proptest::prop_assert_eq!(back, value);
        }

        #[test]
        fn quantities_are_those_of_core(value: i64, digits in 0u8..=9) {
            let scale = Scale::new(digits).unwrap();
            let mut out = Vec::new();
            quantity(&mut out, value, scale);
            proptest::prop_assert_eq!(
                String::from_utf8(out).unwrap(),
                Shown(value, scale).to_string()
            );
        }
    }
}
