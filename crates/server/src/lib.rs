//! Where it is met: the binary `usance`.
//!
//! - [`http`]: the doors of the server.

pub mod http;
