//! The native contract, `docs/reference/api.md`: what requests say, and what answers and problems
//! look like.
//!
//! Every reader is `bytes -> command or Problem`; every writer appends to a buffer.

pub mod activations;
pub mod answers;
pub mod batch;
pub mod caller;
pub mod customers;
pub mod entitlements;
pub mod events;
pub mod files;
pub mod holds;
pub mod keys;
pub mod ledger;
pub mod licenses;
pub mod lists;
mod metadata;
pub mod meters;
pub mod openapi;
pub mod policies;
pub mod problem;
pub mod processes;
pub mod products;
pub mod query;
pub mod records;
pub mod references;
mod request;
pub mod rules;
mod schemas;
pub mod sessions;
pub mod specs;
mod terms;
pub mod tokens;
pub mod usage;
pub mod users;
pub mod uses;
pub mod validations;
pub mod webhooks;

pub use problem::{Fault, Problem};
pub use request::read_nothing;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;
