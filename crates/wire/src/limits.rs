//! Every bound that the wire sets, with its reason.

/// Uses in one batch: a commit of so many takes milliseconds, and one more gains nothing.
pub const BATCH_ITEMS_MAX: usize = 10_000;

/// Body of a batch, in bytes: [`BATCH_ITEMS_MAX`] uses of 1600 bytes each.
pub const BATCH_BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Any other body, in bytes: a policy with all its meters is a third of it.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Items in one page of a list: what a reader takes in one breath and a writer renders in one.
pub const PAGE_ITEMS_MAX: usize = 1000;

/// Items in a page when the caller does not say.
pub const PAGE_ITEMS_DEFAULT: usize = 100;

/// Longest cursor, in bytes: cursors are ours and short, so a longer one is none of them.
pub const CURSOR_BYTES_MAX: usize = 512;

/// Seconds after which an overloaded server is worth asking again: its mailbox empties in less.
pub const RETRY_AFTER_S: u32 = 1;

/// Windows that one usage query may span: 416 days in hours, 27 years in days.
pub const USAGE_WINDOWS_MAX: i64 = 10_000;

const _: () = assert!(PAGE_ITEMS_DEFAULT <= PAGE_ITEMS_MAX);
const _: () = assert!(BODY_BYTES_MAX < BATCH_BODY_BYTES_MAX);
