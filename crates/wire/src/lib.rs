//! What is said: pure functions between bytes and core. The only crate that knows JSON.
//!
//! - [`native`]: the contract of `docs/reference/api.md`, request by request.
//! - [`limits`]: every bound that the wire sets.
//! - `json`: strict reading without floats, and writing into one buffer.
//! - `time`: instants as RFC 3339.
//!
//! A function here never waits, never looks at a clock, and never panics on bytes from outside.

#![forbid(unsafe_code)]
#![deny(clippy::float_arithmetic)]

mod json;
pub mod limits;
pub mod native;
mod time;
