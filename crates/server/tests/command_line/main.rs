//! The shipped binary from outside: what it prints, where, and what it exits with.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics where it stands")]

mod catalogue;
mod counting;
mod demonstration;
mod ledger;
mod serving;
mod usage;
mod world;
