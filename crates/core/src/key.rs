//! License keys: a readable alphabet, a pattern, and a check symbol.
//!
//! The alphabet is Crockford's base 32 (no I, L, O or U), so a symbol carries 5 bits.
//! The check symbol is the sum of the symbols' values, each times a distinct power of a generator
//! of GF(32): every single wrong symbol and every swap of two symbols within 31 changes it.

use alloc::string::{String, ToString};

use crate::limits::{KEY_PATTERN_CHARS_MAX, KEY_RANDOM_SYMBOLS_MIN, LICENSE_KEY_BYTES_MAX};
use crate::refusal::Refusal;

/// The symbols of keys, by value.
pub const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How the keys of a policy look.
///
/// `A` is a random symbol, `C` the check symbol (once, at the end), `\` makes the next character
/// stand for itself, and every other character stands for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPattern(String);

impl Default for KeyPattern {
    fn default() -> Self {
        Self("AAAAA-AAAAA-AAAAA-AAAAA-AAAAC".to_string())
    }
}

impl KeyPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for one with too little randomness, no check symbol at its end, or
    /// characters that a URL or a terminal would mangle.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = |reason| Err(Refusal::invalid("key_pattern", reason));
        if text.chars().count() > KEY_PATTERN_CHARS_MAX {
            return refuse("may be at most 100 characters");
        }
        let (mut random, mut checks, mut ends_in_check) = (0, 0, false);
        for part in Parts(text.chars()) {
            ends_in_check = part == Part::Check;
            match part {
                Part::Random => random += 1,
                Part::Check => checks += 1,
                Part::Literal(c) if c.is_ascii_alphanumeric() || "-_.".contains(c) => {}
                Part::Literal(_) => {
                    return refuse("may have letters, digits, '-', '_' and '.' beside A and C");
                }
            }
        }
        if checks != 1 || !ends_in_check {
            return refuse("must end in its one check symbol C");
        }
        if random < KEY_RANDOM_SYMBOLS_MIN {
            return refuse("must have at least 16 random symbols A");
        }
        Ok(Self(text.to_string()))
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Random symbols that a key of this pattern needs.
    #[must_use]
    pub fn random_symbols(&self) -> usize {
        Parts(self.0.chars()).filter(|part| *part == Part::Random).count()
    }

    /// The key that random bytes make, one byte a symbol (the low five bits count).
    ///
    /// # Panics
    /// If there are fewer bytes than [`KeyPattern::random_symbols`].
    #[must_use]
    pub fn key(&self, random: &[u8]) -> String {
        let mut random = random.iter();
        let mut key = String::with_capacity(self.0.len());
        for part in Parts(self.0.chars()) {
            key.push(match part {
                Part::Literal(c) => c,
                Part::Random => symbol(*random.next().expect("a byte for every random symbol")),
                Part::Check => symbol(check_value(&key)),
            });
        }
        key
    }
}

/// Refuses a key that a vendor brings along and that could not be typed or sent.
///
/// # Errors
/// [`Refusal::Invalid`].
pub fn check_given_key(key: &str) -> Result<(), Refusal> {
    let printable = key.bytes().all(|byte| byte.is_ascii_graphic());
    if key.len() < 8 || key.len() > LICENSE_KEY_BYTES_MAX || !printable || key.starts_with("lic_") {
        return Err(Refusal::invalid(
            "key",
            "must be 8 to 2048 printable ASCII characters without spaces, and not look like an id",
        ));
    }
    Ok(())
}

/// Whether the last symbol is the check symbol of those before it.
#[must_use]
pub fn has_valid_check_symbol(key: &str) -> bool {
    let Some((last, _)) = key.char_indices().next_back() else {
        return false;
    };
    let (before, check) = key.split_at(last);
    check.bytes().next().and_then(value) == Some(check_value(before))
}

/// The key as it was probably meant: upper case, with O for 0 and I and L for 1 put right.
#[must_use]
pub fn as_probably_meant(key: &str) -> String {
    key.trim()
        .chars()
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Random,
    Check,
    Literal(char),
}

struct Parts<'a>(core::str::Chars<'a>);

impl Iterator for Parts<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        Some(match self.0.next()? {
            'A' => Part::Random,
            'C' => Part::Check,
            '\\' => Part::Literal(self.0.next().unwrap_or('\\')),
            other => Part::Literal(other),
        })
    }
}

fn symbol(bits: u8) -> char {
    char::from(ALPHABET[usize::from(bits & 31)])
}

fn value(symbol: u8) -> Option<u8> {
    let position = ALPHABET.iter().position(|known| *known == symbol)?;
    u8::try_from(position).ok()
}

/// The sum in GF(32) of each symbol's value times the generator to the power of its place;
/// characters outside the alphabet do not count.
fn check_value(text: &str) -> u8 {
    let mut weight = 1;
    let mut sum = 0;
    for symbol in text.bytes().filter_map(value) {
        weight = times_generator(weight);
        sum ^= product(symbol, weight);
    }
    sum
}

/// Multiplication by x in `GF(2)[x] / (x^5 + x^2 + 1)`.
const fn times_generator(value: u8) -> u8 {
    let doubled = value << 1;
    if doubled & 32 == 0 { doubled } else { (doubled ^ 0b10_0101) & 31 }
}

fn product(mut left: u8, mut right: u8) -> u8 {
    let mut sum = 0;
    while right > 0 {
        if right & 1 == 1 {
            sum ^= left;
        }
        left = times_generator(left);
        right >>= 1;
    }
    sum
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use super::*;

    fn key(seed: u8) -> String {
        let random: Vec<u8> = (0..24u8).map(|i| i.wrapping_mul(37) ^ seed).collect();
        KeyPattern::default().key(&random)
    }

    #[test]
    fn every_single_mistake_and_every_swap_is_noticed() {
        let key = key(5);
        assert!(has_valid_check_symbol(&key), "{key}");
        for at in 0..key.len() {
            if key.as_bytes()[at] == b'-' {
                continue;
            }
            for wrong in ALPHABET.iter().filter(|symbol| **symbol != key.as_bytes()[at]) {
                let mut bytes = key.clone().into_bytes();
                bytes[at] = *wrong;
                assert!(!has_valid_check_symbol(core::str::from_utf8(&bytes).unwrap()));
            }
            for other in at + 1..key.len() - 1 {
                let mut bytes = key.clone().into_bytes();
                bytes.swap(at, other);
                if bytes != key.as_bytes() && bytes[at] != b'-' && at != key.len() - 1 {
                    let swapped = core::str::from_utf8(&bytes).unwrap();
                    assert!(!has_valid_check_symbol(swapped), "{swapped}");
                }
            }
        }
    }

    #[test]
    fn patterns() {
        for (text, expected) in [
            ("AAAAAAAAAAAAAAAAC", true),
            (r"\ACME-AAAAAAAA-AAAAAAAAC", false),
            (r"\A\CME-AAAAAAAA-AAAAAAAAC", true),
            ("AAAAAAAAAAAAAAAA", false),
            ("AAAAAAAAAAAAAAAC", false),
            ("CAAAAAAAAAAAAAAAAAAA", false),
            ("AAAA AAAA AAAA AAAA C", false),
            ("", false),
        ] {
            assert_eq!(KeyPattern::parse(text).is_ok(), expected, "{text}");
        }
        let pattern = KeyPattern::parse(r"\A\CME-AAAAAAAA-AAAAAAAAC").unwrap();
        let key = pattern.key(&[7; 16]);
        assert!(key.starts_with("ACME-77777777-77777777"));
        assert!(has_valid_check_symbol(&key));
    }

    #[test]
    fn confusable_letters_are_put_right() {
        assert_eq!(as_probably_meant(" abOil-u "), "AB011-U");
    }

    #[test]
    fn hostile_keys_do_not_panic() {
        for text in ["", "é", "-", "é9", "\u{0}"] {
            assert!(!has_valid_check_symbol(text), "{text}");
        }
        assert!(check_given_key("short").is_err());
        assert!(check_given_key("lic_0193b2c4d5e67890a1b2c3d4e5f60718").is_err());
        assert!(check_given_key("ABCD-1234-EFGH").is_ok());
    }
}
