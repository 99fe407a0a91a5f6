//! What stands in the ledger for personal data that lies beside it.

use alloc::vec::Vec;

use sha2::{Digest, Sha256};

use super::bytes::put_text;
use crate::usage::Subject;

/// 256 random bits, kept beside the ledger with the data and deleted with it.
pub type Salt = [u8; 32];

/// `SHA-256(salt || fields)`: hides the subject from who lacks the salt, and binds who has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment(pub [u8; 32]);

impl Commitment {
    /// The commitment to a subject. Each field is a byte 0 if absent, or 1 and the text behind its
    /// length; in the order user, host, address.
    #[must_use]
    pub fn to(subject: &Subject, salt: &Salt) -> Self {
        let mut fields = Vec::new();
        for field in [&subject.user, &subject.host, &subject.address] {
            fields.push(u8::from(field.is_some()));
            if let Some(text) = field {
                put_text(&mut fields, text);
            }
        }
        Self(Sha256::new().chain_update(salt).chain_update(fields).finalize().into())
    }
}

#[cfg(test)]
mod tests;
