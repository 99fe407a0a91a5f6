//! Randomness: a token nobody can guess and seeds that two processes do not share.

use std::fs::File;
use std::io::Read;

use anyhow::{Context, Result};

/// Longer than the shortest token usance takes.
const TOKEN_SIZE: usize = 48;

/// An administrator's token of lower-case letters and digits.
pub fn token() -> Result<String> {
    let bytes: [u8; TOKEN_SIZE] = bytes()?;
    let letter = |byte: u8| match byte % 36 {
        rest @ 0..26 => char::from(b'a' + rest),
        rest => char::from(b'0' + (rest - 26)),
    };
    Ok(bytes.into_iter().map(letter).collect())
}

/// A seed.
pub fn seed() -> Result<u64> {
    Ok(u64::from_le_bytes(bytes()?))
}

fn bytes<const SIZE: usize>() -> Result<[u8; SIZE]> {
    let mut bytes = [0; SIZE];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("cannot read random bytes")?;
    Ok(bytes)
}
