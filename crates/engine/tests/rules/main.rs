//! Rules that act by themselves, through the engine's face: a use that is too much, and what
//! becomes of its license.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics where it stands")]

mod acting;
mod causes;
mod world;
