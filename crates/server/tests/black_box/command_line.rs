//! What the command line prints, where, and what it exits with.

mod catalogue;
mod counting;
mod demonstration;
mod files;
mod guide;
mod ledger;
mod living;
mod people;
mod serving;
mod terms;
mod usage;
