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
/// Longest license file that is read, in bytes: fits a clipboard, an e-mail and a registry value.
pub const LICENSE_FILE_BYTES_MAX: usize = 64 * 1024;
/// Longest license file that is written, in bytes: what is left is for line ends that grow on the
/// way, two bytes for each of its lines.
pub const LICENSE_FILE_SEALED_BYTES_MAX: usize = 60 * 1024;
/// Entitlements a license file may name.
pub const LICENSE_FILE_ENTITLEMENTS_MAX: usize = 256;
/// Terms a license file may state, and entries of metadata it may carry.
pub const LICENSE_FILE_PAIRS_MAX: usize = 128;
/// Longest text of a license file, in bytes: a fingerprint, or the value of a term.
pub const LICENSE_FILE_TEXT_BYTES_MAX: usize = 4096;
/// How far the instant a license file was issued at may lie ahead of the device's clock, in
/// milliseconds: one day, so that a wrong time zone locks nobody out. Beyond it the clock was set
/// back.
pub const LICENSE_FILE_AHEAD_MS_MAX: i64 = 24 * 60 * 60 * 1000;
/// Highest limit of activations, cores and the like: what a signed 64-bit column holds.
pub const LIMIT_MAX: u64 = i64::MAX.unsigned_abs();
/// Longest time span of a term, in seconds: 100 years.
pub const SECONDS_MAX: u64 = 100 * 366 * 24 * 60 * 60;
/// Highest percentage that may lie above a limit of activations and the like.
pub const LIMIT_OVERAGE_PERCENT_MAX: u32 = 10_000;
/// Longest hold, in seconds: 90 days. Work that takes longer is a session.
pub const HOLD_SECONDS_MAX: u32 = 90 * 24 * 60 * 60;
/// Longest life of a session after its last heartbeat, in seconds: 90 days.
pub const SESSION_GRACE_SECONDS_MAX: u32 = 90 * 24 * 60 * 60;
/// Holds of one license at once: they are looked through at each of its uses.
pub const HOLDS_PER_LICENSE_MAX: usize = 10_000;
/// Sessions of one license at once.
pub const SESSIONS_PER_LICENSE_MAX: usize = 10_000;
/// Activations of one license at once.
pub const ACTIVATIONS_PER_LICENSE_MAX: usize = 10_000;
/// Processes of one license at once.
pub const PROCESSES_PER_LICENSE_MAX: usize = 10_000;
/// Components of one activation.
pub const COMPONENTS_MAX: usize = 20;
/// Longest fingerprint, in bytes.
pub const FINGERPRINT_BYTES_MAX: usize = 4096;
/// Longest name of a machine, host, platform or process, in bytes.
pub const MACHINE_TEXT_BYTES_MAX: usize = 1024;
/// Most processor cores of one machine: what a signed 32-bit field of another system holds.
pub const CORES_MAX: u32 = i32::MAX.unsigned_abs();
/// How long a process lives after its last heartbeat, in seconds, where its machine has no life
/// span of its own and its license's terms state none: ten minutes.
pub const PROCESS_HEARTBEAT_SECONDS: u32 = 600;
/// Entries of metadata on one thing.
pub const METADATA_ENTRIES_MAX: usize = 64;
/// Longest key of metadata, in bytes.
pub const METADATA_KEY_BYTES_MAX: usize = 256;
/// Metadata of one thing, in bytes.
pub const METADATA_BYTES_MAX: usize = 16 * 1024;
/// Meters a license may have beside those of its policy.
pub const OWN_METERS_MAX: usize = 64;
/// Entitlements of one policy or license.
pub const ENTITLEMENTS_MAX: usize = 256;
/// People beside its owner who may use one license.
pub const LICENSE_USERS_MAX: usize = 10_000;
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
/// Longest text of a list of access rules, in bytes: 10 000 lines of 50 bytes, all of which one
/// judgement may have to read.
pub const ACCESS_LIST_BYTES_MAX: usize = 512 * 1024;
/// Rules in a list: the largest file of another system that an importer must take over.
pub const ACCESS_RULES_MAX: usize = 10_000;
/// Patterns that one rule may have of one kind: a department's names on one line.
pub const ACCESS_RULE_PATTERNS_MAX: usize = 1000;
/// Reservations that may concern one meter: every one of them is summed up at each checkout.
pub const ACCESS_METER_RESERVATIONS_MAX: usize = 64;
/// How much older than now the mark of the last validation must be to be written again, in
/// milliseconds: one minute, so that a program that asks every second does not write each time.
pub const VALIDATED_AGAIN_MS: i64 = 60 * 1000;
/// Thresholds of one meter: looked through at each use that raises it.
pub const THRESHOLDS_MAX: usize = 16;
/// Webhooks of one account: each is a task, a connection, and a reader of the ledger.
pub const WEBHOOKS_MAX: usize = 64;
/// Longest address of a webhook, in bytes.
pub const WEBHOOK_URL_BYTES_MAX: usize = 2048;
/// Fewest bytes of a webhook's secret (Standard Webhooks).
pub const WEBHOOK_SECRET_BYTES_MIN: usize = 24;
/// Most bytes of a webhook's secret (Standard Webhooks).
pub const WEBHOOK_SECRET_BYTES_MAX: usize = 64;
/// Secrets that sign the messages of one webhook at the same time, the newest ones.
pub const WEBHOOK_SECRETS_MAX: usize = 4;
/// How long messages are signed with the secret before as well, where nothing is said, in seconds:
/// a day.
pub const WEBHOOK_SECRET_KEPT_SECONDS: u32 = 24 * 60 * 60;
/// The longest of that, in seconds: 30 days.
pub const WEBHOOK_SECRET_KEPT_SECONDS_MAX: u32 = 30 * 24 * 60 * 60;
/// Attempts that are remembered of one webhook, the newest ones.
pub const DELIVERIES_KEPT_MAX: u64 = 1000;
/// Dead letters that are remembered of one webhook, the newest ones; their events stay in the
/// ledger, from where they can be delivered again by number.
pub const DEAD_LETTERS_MAX: u64 = 10_000;
/// Redeliveries of one webhook that wait or go on.
pub const REDELIVERIES_MAX: usize = 16;
/// Bytes of an answer that are remembered.
pub const DELIVERY_ANSWER_BYTES_MAX: usize = 1024;
/// Rules of one account: every record is held against each of them.
pub const RULES_MAX: usize = 100;
/// Longest window of a rule, in seconds: one day. A restart reads twice as much of the ledger.
pub const RULE_WINDOW_SECONDS_MAX: u32 = 24 * 60 * 60;
/// Most addresses, networks or refusals that a rule lets pass: so many are kept for each machine.
pub const RULE_COUNT_MAX: i64 = 1000;
/// Highest multiple of the usual use, in percent: a thousand times.
pub const RULE_PERCENT_MAX: u32 = 100_000;
/// Meters and machines that rules keep in mind at once, and licenses with a check-in to come: a few
/// hundred bytes each.
pub const WATCHED_MAX: usize = 500_000;
