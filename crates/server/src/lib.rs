//! Where it is met: the binary `usance`.
//!
//! - [`cli`]: the command line, a client of the server like any other but for `serve`, `verify`
//!   and `backup`, which open the data themselves.
//! - [`config`]: what `serve` runs with, and where each value came from.
//! - [`http`]: the doors of the server.
//! - [`webhooks`]: tells receivers what happened.

pub mod cli;
pub mod config;
pub mod http;
pub mod webhooks;
