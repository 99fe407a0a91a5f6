//! What is done: load, decide, commit.

pub mod clock;
pub mod engine;
pub mod failure;

pub use engine::{Engine, Health, Location, Options, Presented, Statistics};
pub use failure::{Failure, OpenError};
