//! The engine as doors see it, and its store by its contract.
//!
//! - `world`: an engine with a vendor in it; `property`: random tests that print their seed.
//! - `model`: what must be answered; `laws`: the engine against it, and against what never changes.
//! - `conformance`: what every store must do.
//! - `attacks`: what can be done to a file, and what `verify` says of it.
//! - `proofs`, `credentials`: what anybody can check, and who is known.
//! - `races`, `faults`, `opening`: many callers, failing storage, directories that cannot be
//!   opened.
//! - `regressions`: what once was wrong, as small as it could be made.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics where it stands")]
#![expect(clippy::print_stdout, reason = "a failed test shows what it printed: its seed, its row")]

mod attacks;
mod conformance;
mod credentials;
mod due;
mod events;
mod faults;
mod files;
mod laws;
mod life;
mod living;
mod machines;
mod model;
mod opening;
mod proofs;
mod property;
mod races;
mod regressions;
mod smoke;
mod world;
