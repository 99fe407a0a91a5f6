//! Every bound that the domain sets, with its reason.

/// Longest code or meter name, in bytes: fits a path segment and a database key.
pub const CODE_BYTES_MAX: usize = 64;
/// Longest display name, in bytes.
pub const NAME_BYTES_MAX: usize = 200;
/// Longest license key, in bytes: signed keys of other systems reach several hundred.
pub const LICENSE_KEY_BYTES_MAX: usize = 2048;
/// Longest key pattern, in characters.
pub const KEY_PATTERN_CHARS_MAX: usize = 100;
/// Fewest random symbols in a key pattern: 16 symbols of 5 bits are 80 bits, beyond guessing.
pub const KEY_RANDOM_SYMBOLS_MIN: usize = 16;
/// Meters a policy may have: what one license loads into memory at once.
pub const POLICY_METERS_MAX: usize = 64;
/// Longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// Longest field of a subject (user, host or address), in bytes.
pub const SUBJECT_FIELD_BYTES_MAX: usize = 255;
/// Attributes a use may carry.
pub const ATTRIBUTES_MAX: usize = 16;
/// Longest attribute value, in bytes.
pub const ATTRIBUTE_VALUE_BYTES_MAX: usize = 255;
/// How far a client's clock may run ahead of the writer's, in milliseconds: one day.
pub const OCCURRED_AHEAD_MS_MAX: i64 = 24 * 60 * 60 * 1000;
/// How late a use may be told, in milliseconds: 400 days, a year's contract plus its settlement.
pub const OCCURRED_BEHIND_MS_MAX: i64 = 400 * 24 * 60 * 60 * 1000;
/// How far the writer's clock may step back before the ledger says so, in milliseconds.
/// Below it lies what time synchronisation does on a healthy machine.
pub const CLOCK_BACK_MS_TOLERATED: i64 = 2000;
/// Highest percentage an overage may state: a hundred times the ceiling.
pub const OVERAGE_PERCENT_MAX: u32 = 10_000;
/// Longest text of a list of access rules, in bytes: 10 000 lines of 50 bytes, all of which one
/// judgement may have to read.
pub const ACCESS_LIST_BYTES_MAX: usize = 512 * 1024;
/// Rules in a list: the largest file of another system that an importer must take over.
pub const ACCESS_RULES_MAX: usize = 10_000;
/// Patterns that one rule may have of one kind: a department's names on one line.
pub const ACCESS_RULE_PATTERNS_MAX: usize = 1000;
/// Reservations that may concern one meter: every one of them is summed up at each checkout.
pub const ACCESS_METER_RESERVATIONS_MAX: usize = 64;
