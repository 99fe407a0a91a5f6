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
/// Longest name of a time zone, in bytes: twice the longest in the database.
pub const ZONE_NAME_BYTES_MAX: usize = 64;
/// The earliest instant of the calendar, in milliseconds: the beginning of the year 1. With
/// `Timestamp::MAX` it bounds every period, so that each end of one can be written as a date.
pub const CALENDAR_MS_MIN: i64 = -62_135_596_800_000;
/// Longest span, in seconds: 1000 years, beyond any contract.
pub const SPAN_SECONDS_MAX: u64 = 1000 * 365 * 24 * 60 * 60;
/// Until when a zone may skip a whole day, in milliseconds: the beginning of the year 2100. Rules
/// that repeat each year, which are all that is known of the time after it, do not.
pub const DAY_SKIPPED_MS_MAX: i64 = 4_102_444_800_000;
/// Which offset decides when the hours of a zone begin: the one it has at this instant, the
/// beginning of July 2025. It is winter where clocks change by half an hour, and being past it
/// is not changed by a newer database.
pub const HOUR_OFFSET_AT_MS: i64 = 1_751_328_000_000;
