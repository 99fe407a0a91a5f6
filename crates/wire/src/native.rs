//! The native contract, `docs/reference/api.md`: what requests say, and what answers and problems
//! look like.
//!
//! Every reader is `bytes -> command or Problem`; every writer appends to a buffer.

pub mod answers;
pub mod batch;
pub mod caller;
pub mod customers;
pub mod ledger;
pub mod licenses;
pub mod lists;
pub mod meters;
pub mod openapi;
pub mod policies;
pub mod problem;
pub mod products;
pub mod query;
pub mod records;
pub mod references;
mod request;
mod schemas;
pub mod tokens;
pub mod usage;
pub mod uses;

pub use problem::{Fault, Problem};

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
