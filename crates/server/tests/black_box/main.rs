//! The shipped binary from outside: what it prints and exits with, what it answers over real
//! sockets, and what is left of it when it is killed. Nothing here links its code.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics where it stands")]

mod command_line;

mod http;
mod random;
mod tree;
mod webhooks;
mod world;

mod answers;
mod backup;
mod bad_input;
mod crash;
mod events;
mod race;
mod rights;
mod rules;
mod second_license_file;
mod second_verifier;
