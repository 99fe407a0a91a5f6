//! Every bound of the engine, with its reason.

/// Uses waiting in the mailbox before new ones are turned away. At 100 thousand uses a second this
/// is a wait of under a second, and about 50 MiB.
pub const MAILBOX_USES_MAX: usize = 65_536;
/// Uses in one unit of work. Larger ones would make the first caller wait for the last.
pub const UNIT_USES_MAX: usize = 16_384;
/// Records in one block: what reading one record must read at most.
pub const BLOCK_RECORDS_MAX: usize = 128;
/// Bytes in one block, after which a new one begins.
pub const BLOCK_BYTES_MAX: usize = 32 * 1024;
/// Bits of a block's row id that hold its first record: a trillion records a ledger.
pub const RECORD_INDEX_BITS: u32 = 40;
/// Height of the tree nodes that are stored, and of every multiple: one hash for 256 records.
pub const NODE_HEIGHT_STEP: u8 = 8;
/// Records after which meters and keys are written back from memory: what a restart after a crash
/// must replay is at most a few times that.
pub const WRITE_BACK_RECORDS: u64 = 131_072;
/// Meters written back in one unit of work, beside one for every two uses in it.
pub const WRITE_BACK_METERS_PER_UNIT: usize = 64;
/// Chunks of idempotency keys written back in one unit of work, at least.
pub const WRITE_BACK_CHUNKS_PER_UNIT: usize = 64;
/// Records after which the newest idempotency keys become a run on disk. Each run is one more
/// filter to ask for every key; each key in memory costs 40 bytes, and a replay after a crash.
pub const RUN_RECORDS: u64 = 1_048_576;
/// Keys in a run below which it is merged into the next one.
pub const RUN_KEYS_SMALL: u64 = 262_144;
/// Licenses kept in memory, twice at the worst while generations change: about 500 bytes each.
pub const LICENSES_CACHED_MAX: usize = 250_000;
/// Credentials kept in memory.
pub const CREDENTIALS_CACHED_MAX: usize = 100_000;
/// Read-only connections, so that long queries do not wait for each other.
pub const READERS: usize = 4;
/// Uses of one hour are kept for ever; a usage query may span at most so many hours: 20 years.
pub const USAGE_HOURS_MAX: i64 = 20 * 366 * 24;
/// Items on a page.
pub const PAGE_ITEMS_MAX: usize = 1000;
/// Licenses on which what is due is carried out in one unit of work, so that uses in between do not
/// wait long when a million periods end at once.
pub const TIMERS_PER_UNIT_MAX: usize = 1024;
/// Records that one question for events looks at: a filter that nothing passes must end, too.
pub const EVENTS_SCANNED_MAX: u64 = 65_536;
/// Meters that are remembered to refuse: some 10 MB. Beyond, all are forgotten, and each is told
/// once more.
pub const REFUSING_METERS_MAX: usize = 65_536;
/// Licenses that rules know the product and policy of, at once: about 200 bytes each.
pub const FACTS_CACHED_MAX: usize = 250_000;
/// How much of the ledger's time rules are held against once more after a start or a change of
/// rules, in milliseconds: one hour, which no follower that works lags behind. What was acted upon
/// is known by its cause.
pub const FOLLOW_AGAIN_MS: i64 = 60 * 60 * 1000;
/// Acts of rules that wait for the writer at once, so that uses in between do not wait long.
pub const ACTS_AT_ONCE: usize = 256;
/// Days that a rule can be tried on.
pub const TRY_DAYS_MAX: i64 = 400;
/// Records that trying a rule looks at: some ten seconds.
pub const TRY_RECORDS_MAX: u64 = 10_000_000;
/// Acts that trying a rule tells of: a rule that acts more often is wrong anyway.
pub const TRY_ACTS_MAX: usize = 1000;
