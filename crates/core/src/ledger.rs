//! The append-only log of one account by one writer.
//!
//! [`record`] says what is written and in which bytes, [`tree`] hashes it (RFC 6962),
//! [`proof`] shows parts of it, [`checkpoint`] signs it (C2SP), [`commitment`] keeps personal data
//! beside it, [`canonical`] writes catalogue entries as text to be hashed, [`block`] lays records
//! on disk, and [`audit`] checks all of that again.

pub mod audit;
pub mod block;
mod bytes;
pub mod canonical;
pub mod checkpoint;
pub mod commitment;
pub mod proof;
pub mod record;
pub mod tree;
