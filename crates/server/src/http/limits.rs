//! Every bound that the doors set, with its reason. Those of bodies are in `usance_wire::limits`.

/// Connections at the same time: each may hold [`READ_BUFFER_BYTES_MAX`] and a file descriptor.
pub const CONNECTIONS_MAX: usize = 8192;

/// How long a connection may be idle or take to send a head, in milliseconds. Longer than the 60
/// seconds for which load balancers keep idle connections, so that they close first and never send
/// into a closing one.
pub const HEADER_TIMEOUT_MS: u64 = 75_000;

/// How long a body may take to arrive, in milliseconds: 16 MiB at 5 Mbit/s.
pub const BODY_TIMEOUT_MS: u64 = 30_000;

/// How long connections may take to end after the server was asked to stop, in milliseconds. Less
/// than the 30 seconds after which service managers kill.
pub const DRAIN_TIMEOUT_MS: u64 = 10_000;

/// What a connection reads before it is asked for more, and with that the longest head of a
/// request, in bytes: a percent-encoded license key of the longest kind is a tenth of it.
pub const READ_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// Headers of a request: proxies add a dozen to the dozen of a browser.
pub const HEADERS_MAX: usize = 64;

/// How long to wait after a connection could not be accepted, in milliseconds: the reason is mostly
/// that no file descriptor is left, which takes a moment to change.
pub const ACCEPT_RETRY_MS: u64 = 500;

/// What is read and forgotten of a body after its request was refused, in bytes: twice the largest
/// batch. Whoever sends more has the connection closed.
pub const LEFTOVER_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// How long such a body may pause before its connection is closed, in milliseconds: beyond any
/// hiccup of a network that still delivers.
pub const LEFTOVER_PAUSE_MS_MAX: u64 = 1000;

/// Passwords that are hashed at the same time: each takes 19 MiB and a core for a moment.
pub const PASSWORDS_HASHED_AT_ONCE_MAX: usize = 2;
