//! What is done: load, decide, commit.
//!
//! - [`engine`]: the face. Doors ask it; it puts what they ask into the [`mailbox`].
//! - [`writer`]: the one thread that takes from the mailbox, decides and commits.
//! - [`count`] and [`catalogue`]: the use cases, deciding with the rules of `usance_core`.
//! - [`ledger_head`]: the records of a unit of work, hashed and signed.
//! - [`mod@unit`] and [`store`]: what is written at once, and who writes it.
//! - [`queries`]: answers from what is committed; [`living`]: of what lives on a license.
//!   [`directory`]: who is known.
//! - [`follower`]: rules, held against what is committed by a thread of its own with [`scan`].
//! - [`verify`] checks a data directory from outside; [`backup`] copies one.

#![deny(clippy::float_arithmetic)]

pub mod backup;
pub mod catalogue;
pub mod clock;
pub mod count;
pub mod directory;
pub mod engine;
pub mod failure;
pub mod follower;
pub mod histogram;
pub mod ledger_head;
pub mod limits;
pub mod living;
pub mod mailbox;
pub mod moving;
pub mod queries;
pub mod random;
pub mod refusing;
pub mod scan;
pub mod store;
pub mod stored_tree;
pub mod tallies;
pub mod unit;
pub mod vault;
pub mod verify;
pub mod writer;
pub mod writer_key;

pub use engine::{Endpoint, Engine, Health, Location, Options, Presented, Statistics};
pub use failure::{Failure, OpenError};
