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

/// Listeners to the stream of events at the same time: each holds a connection, a task, and what is
/// on its way. A quarter of the connections, so that they never keep uses out.
pub const LISTENERS_MAX: usize = 2048;

/// Events that are told together. With [`HUB_BATCHES_MAX`] it bounds what the stream holds in
/// memory, to some 30 MB, however many listen and however slowly.
pub const HUB_BATCH_EVENTS_MAX: usize = 4096;

/// Batches of events that are kept for listeners that are not quite as fast; those that are slower
/// read from the ledger.
pub const HUB_BATCHES_MAX: usize = 8;

/// How long telling one listener may take, in microseconds. After telling all, nobody is told
/// anything for that long, so that listeners leave time for uses: a thousand are told ten times a
/// second.
pub const HUB_PACE_US_PER_LISTENER: u64 = 100;

/// The longest of those pauses, in milliseconds.
pub const HUB_PACE_MS_MAX: u64 = 250;

/// Listeners that read from the ledger at the same time; others wait for their turn.
pub const CATCHING_UP_MAX: usize = 4;

/// How long a stream is silent before a comment shows that it is alive, in milliseconds: less than
/// the 30 seconds after which the most impatient proxies cut.
pub const LISTENER_HEARTBEAT_MS: u64 = 15_000;

/// How long a listener may read nothing before it is given up, in milliseconds.
pub const LISTENER_STALL_MS: u64 = 60_000;
