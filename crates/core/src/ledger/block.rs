//! Records as they lie on disk: several in a row, each behind its length and before a check.
//!
//! `length (LEB128) || record || first four bytes of the record's leaf hash`. The check names the
//! damaged record where the signed root can only say that one of many is damaged.

use alloc::vec::Vec;

use super::bytes::{Reader, put_unsigned};
use super::record::RECORD_BYTES_MAX;
use super::tree::Hash;

/// Appends a record with this leaf hash to the body of a block.
pub fn push(body: &mut Vec<u8>, record: &[u8], leaf: &Hash) {
    put_unsigned(body, record.len() as u64);
    body.extend_from_slice(record);
    body.extend_from_slice(&leaf[..4]);
}

/// The records of a block's body in order, each with its check. Ends early at damage: the caller
/// compares the count.
pub fn records(body: &[u8]) -> impl Iterator<Item = (&[u8], [u8; 4])> {
    let mut reader = Reader(body);
    core::iter::from_fn(move || {
        let length = usize::try_from(reader.unsigned().ok()?).ok()?;
        if length > RECORD_BYTES_MAX {
            return None;
        }
        let (record, rest) = reader.0.split_at_checked(length)?;
        let (check, rest) = rest.split_first_chunk()?;
        reader.0 = rest;
        Some((record, *check))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_and_damage_ends_the_list() {
        let mut body = Vec::new();
        push(&mut body, b"one", &[1; 32]);
        push(&mut body, b"", &[2; 32]);
        let all: Vec<_> = records(&body).collect();
        assert_eq!(all, [(&b"one"[..], [1; 4]), (&b""[..], [2; 4])]);
        for end in 0..body.len() {
            assert!(records(&body[..end]).count() < 2);
        }
        assert_eq!(records(&[0xff; 20]).count(), 0);
    }
}
