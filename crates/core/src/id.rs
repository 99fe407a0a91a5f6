//! Typed identifiers: one type per kind, all UUIDs (version 7), each shown with its prefix.

use core::fmt;
use core::str::FromStr;

/// Text that is not an id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdError {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} and 32 lower-case hexadecimal digits", self.prefix)
    }
}

impl core::error::Error for IdError {}

macro_rules! id_types {
    ($($(#[$doc:meta])* $name:ident, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What the id starts with when shown.
            pub const PREFIX: &'static str = $prefix;

            /// The id with these bytes, big-endian as in RFC 9562.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The bytes of the UUID, big-endian.
            #[must_use]
            pub const fn bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, $prefix, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, $prefix, &self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                read_hex($prefix, text).map(Self)
            }
        }
    )*};
}

id_types! {
    /// A vendor.
    AccountId, "acc_";
    /// What is sold.
    ProductId, "prod_";
    /// The template of licenses.
    PolicyId, "pol_";
    /// Who pays.
    CustomerId, "cus_";
    /// The right to use.
    LicenseId, "lic_";
    /// A credential.
    TokenId, "tok_";
    /// A process that appends to ledgers.
    WriterId, "wri_";
    /// A machine that holds a license.
    ActivationId, "act_";
    /// A part of a machine.
    ComponentId, "cmp_";
    /// A running program on a machine.
    ProcessId, "prc_";
    /// Units set aside.
    HoldId, "hold_";
    /// A checkout of a feature.
    SessionId, "ses_";
    /// A person who may see and use licenses.
    UserId, "usr_";
    /// A named feature.
    EntitlementId, "ent_";
    /// A receiver of events.
    WebhookId, "whk_";
    /// What blocks by itself.
    RuleId, "rule_";
}

fn write_hex(f: &mut fmt::Formatter<'_>, prefix: &str, bytes: &[u8; 16]) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0u8; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    f.write_str(prefix)?;
    f.write_str(core::str::from_utf8(&text).expect("hexadecimal digits are ASCII"))
}

fn read_hex(prefix: &'static str, text: &str) -> Result<[u8; 16], IdError> {
    let wrong = IdError { prefix };
    let digits = text.strip_prefix(prefix).ok_or(wrong)?.as_bytes();
    if digits.len() != 32 {
        return Err(wrong);
    }
    let mut bytes = [0u8; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let high = hex_value(pair[0]).ok_or(wrong)?;
        let low = hex_value(pair[1]).ok_or(wrong)?;
        *byte = high << 4 | low;
    }
    Ok(bytes)
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn an_id_reads_back_as_it_is_shown() {
        let id = LicenseId::from_bytes(
            *b"\x01\x93\xb2\xc4\xd5\xe6\x78\x90\xa1\xb2\xc3\xd4\xe5\xf6\x07\x18",
        );
        assert_eq!(id.to_string(), "lic_0193b2c4d5e67890a1b2c3d4e5f60718");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn other_kinds_and_shapes_are_refused() {
        for text in [
            "",
            "lic_",
            "pol_0193b2c4d5e67890a1b2c3d4e5f60718",
            "lic_0193B2C4d5e67890a1b2c3d4e5f60718",
            "lic_0193b2c4d5e67890a1b2c3d4e5f6071",
            "lic_0193b2c4d5e67890a1b2c3d4e5f607180",
            "lic_0193b2c4d5e67890a1b2c3d4e5f6071é",
        ] {
            assert!(text.parse::<LicenseId>().is_err(), "{text}");
        }
    }
}
