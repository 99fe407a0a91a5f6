//! Checks the audit log: what it says of a change must be what its record holds the hash of.

use rusqlite::{Connection, OptionalExtension as _};
use usance_core::ledger::canonical::Canonical;
use usance_core::ledger::commitment::Salt;
use usance_core::ledger::record::{ChangedEvent, Event, Record, tells_of_change};

use crate::store::sqlite::row_id;
use crate::unit::LedgerNumber;

/// What the audit log says of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Nothing any more: it was erased, or the record is of something else.
    Nothing,
    /// What was written.
    Whole,
    /// Something else.
    Altered,
}

/// Compares the row of a record with it. A text that was erased is no finding: erasure is why it
/// lies beside the ledger.
pub fn check(
    db: &Connection,
    ledger: LedgerNumber,
    index: u64,
    record: &[u8],
) -> rusqlite::Result<Found> {
    if !tells_of_change(record) {
        return Ok(Found::Nothing);
    }
    let Ok(Record { event: Event::Changed(event), .. }) = Record::decode(record) else {
        return Ok(Found::Nothing);
    };
    let row: Option<([u8; 16], String, Option<Salt>)> = db
        .prepare_cached("SELECT thing, text, salt FROM detail WHERE id = ?1")?
        .query_row([row_id(ledger, index)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((thing, text, salt)) = row else { return Ok(Found::Nothing) };
    let is_whole = thing == event.id && (text.is_empty() || is_of(&event, text, salt.as_ref()));
    Ok(if is_whole { Found::Whole } else { Found::Altered })
}

fn is_of(event: &ChangedEvent, text: String, salt: Option<&Salt>) -> bool {
    let text = Canonical(text);
    let digest = match salt {
        Some(salt) => text.commitment(salt),
        None => text.digest(),
    };
    digest == event.digest
}

/// How many rows the audit log of a ledger has.
pub fn count(db: &Connection, ledger: LedgerNumber) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM detail WHERE id >= ?1 AND id < ?2";
    let ends = [row_id(ledger, 0), row_id(ledger.saturating_add(1), 0)];
    db.query_row(sql, ends, |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
}
