//! Every bound that the wire sets, with its reason.

/// Uses in one batch: a commit of so many takes milliseconds, and one more gains nothing.
pub const BATCH_ITEMS_MAX: usize = 10_000;

/// Body of a batch, in bytes: [`BATCH_ITEMS_MAX`] uses of 1600 bytes each.
pub const BATCH_BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Any other body, in bytes: a policy with the longest list of access rules is half of it.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Levels of arrays and objects in a value of metadata: notes are not documents.
pub const METADATA_DEPTH_MAX: usize = 4;

/// Members or items of one level of a value of metadata.
pub const METADATA_MEMBERS_MAX: usize = 256;

/// Shortest password, in bytes, as NIST SP 800-63B has it.
pub const PASSWORD_BYTES_MIN: usize = 8;

/// Longest password, in bytes: what a slow hash is made of is bounded.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Fingerprints or components that one validation may name: what one activation may have.
pub const SCOPE_ITEMS_MAX: usize = 256;

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
