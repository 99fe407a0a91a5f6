//! The append-only log of one account by one writer.
//!
//! [`record`] says what is written and in which bytes, [`tree`] hashes it (RFC 6962),
//! [`proof`] shows parts of it, [`checkpoint`] signs it (C2SP), [`commitment`] keeps personal data
//! beside it, and [`audit`] checks all of that again.

pub mod audit;
mod bytes;
pub mod checkpoint;
pub mod commitment;
pub mod proof;
pub mod record;
pub mod tree;
