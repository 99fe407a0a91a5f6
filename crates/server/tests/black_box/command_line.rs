//! What the command line prints, where, and what it exits with.

mod catalogue;
mod counting;
mod demonstration;
mod ledger;
mod serving;
mod usage;
