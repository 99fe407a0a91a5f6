//! Every bound of the deliverer, with its reason.

use std::time::Duration;

/// How long to wait after each failure, in seconds, before the event is tried again: about a day in
/// all, so that a receiver may be broken for a night and miss nothing.
pub const RETRY_SECONDS: [u64; 8] = [5, 30, 120, 600, 3600, 10_800, 21_600, 43_200];
/// Retries that a configuration may ask for.
pub const RETRIES_MAX: usize = 32;
/// The longest wait before a retry that a configuration may ask for, in seconds: a week.
pub const RETRY_SECONDS_MAX: u32 = 7 * 24 * 60 * 60;
/// How long an attempt may take, from the look-up of the name to the end of the answer: what
/// Standard Webhooks allows a receiver.
pub const TIMEOUT: Duration = Duration::from_secs(15);
/// The longest of that a configuration may ask for, in seconds.
pub const TIMEOUT_SECONDS_MAX: u32 = 60;
/// Addresses of one name that are tried before the attempt has failed.
pub const ADDRESSES_TRIED_MAX: usize = 4;
/// Bytes of an answer that are read; who says more has its connection closed.
pub const ANSWER_BYTES_READ_MAX: usize = 16 * 1024;
/// Bytes of the head of an answer.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Headers of an answer.
pub const HEADERS_MAX: usize = 100;
/// Events that a lane reads at once.
pub const EVENTS_READ_MAX: usize = 100;
/// Events that a lane delivers before it writes down that it did: what a crash repeats at most.
pub const UNNOTED_MAX: usize = 64;
/// Records that a lane passes over before it writes down that it did: what a restart looks at again
/// at most is of this size, for each receiver.
pub const UNNOTED_RECORDS_MAX: u64 = 16_384;
/// Notes of lanes that wait for the one before to be written.
pub const NOTES_WAITING_MAX: usize = 256;
/// How long to wait before the storage is asked again after it has failed.
pub const PAUSE: Duration = Duration::from_secs(1);
/// How long an attempt that is under way may go on after all was asked to stop.
pub const STOP_GRACE: Duration = Duration::from_secs(3);
/// How long all lanes may take to end then: more than that grace, and the commit of how it went.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(8);
