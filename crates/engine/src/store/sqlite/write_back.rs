//! Writes what is newer in memory back to its tables, a little with every unit of work.
//!
//! A cycle notes how far each ledger reaches and which meters are dirty, writes those meters and
//! the newest keys over many commits, and then says in `ledger.covered` that a restart need not
//! replay what lies before. Meters may move again meanwhile: their rows name their last record, so
//! a replay never counts a record twice.

use rusqlite::{Connection, params};
use usance_core::id::LicenseId;

use super::keys::Keys;
use super::licenses::Licenses;
use super::rows;
use crate::limits::{WRITE_BACK_CHUNKS_PER_UNIT, WRITE_BACK_METERS_PER_UNIT, WRITE_BACK_RECORDS};
use crate::store::StoreError;
use crate::unit::LedgerNumber;

/// What has yet to be written back.
#[derive(Default)]
pub struct WriteBack {
    /// Licenses whose meters differ from disk, in the order they began to.
    dirty: Vec<LicenseId>,
    /// Records since the last cycle began.
    records: u64,
    /// Records since the newest keys last became a run, and how many there may be.
    run_records: u64,
    run_records_max: u64,
    cycle: Option<Cycle>,
}

struct Cycle {
    dirty: Vec<LicenseId>,
    next: usize,
    covered: Vec<(LedgerNumber, u64)>,
    /// Whether the newest keys become a run as well.
    has_run: bool,
}

/// How much to write with a unit of work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// A share that nobody notices beside a unit of so many uses.
    Beside(usize),
    /// All of it.
    Everything,
}

impl WriteBack {
    /// Nothing to write back; the newest keys become a run after `run_records_max` records.
    pub fn new(run_records_max: u64) -> Self {
        Self { run_records_max, ..Self::default() }
    }

    /// Notes that a license's meters differ from disk from now on.
    pub fn note_dirty(&mut self, license: LicenseId) {
        self.dirty.push(license);
    }

    /// Notes records that were committed.
    pub fn note_records(&mut self, count: u64) {
        self.records += count;
        self.run_records += count;
    }

    /// Notes records that were replayed: to where meters stand, and to the newest keys.
    pub fn note_replayed(&mut self, meters: u64, keys: u64) {
        self.records += meters;
        self.run_records += keys;
    }

    /// Begins a cycle if one is due (or asked for), where ledgers reach `sizes`.
    pub fn begin(
        &mut self,
        db: &Connection,
        keys: &mut Keys,
        pace: Pace,
        sizes: impl Iterator<Item = (LedgerNumber, u64)>,
    ) -> Result<(), StoreError> {
        let is_due = self.records >= WRITE_BACK_RECORDS
            || (pace == Pace::Everything && (self.records > 0 || !self.dirty.is_empty()));
        if self.cycle.is_some() || !is_due {
            return Ok(());
        }
        let has_run = self.run_records >= self.run_records_max || pace == Pace::Everything;
        if has_run {
            keys.begin_run(db)?;
            self.run_records = 0;
        }
        let dirty = std::mem::take(&mut self.dirty);
        self.records = 0;
        self.cycle = Some(Cycle { dirty, next: 0, covered: sizes.collect(), has_run });
        Ok(())
    }

    /// Writes a share of the running cycle within the caller's transaction. Says whether the cycle
    /// is whole with it; [`WriteBack::finish`] comes after the commit then.
    pub fn write(
        &mut self,
        db: &Connection,
        licenses: &mut Licenses,
        keys: &mut Keys,
        pace: Pace,
    ) -> rusqlite::Result<bool> {
        let Some(cycle) = &mut self.cycle else {
            return Ok(false);
        };
        let (meters, chunks) = match pace {
            Pace::Everything => (usize::MAX, usize::MAX),
            // Whoever produces faster than this share writes back would grow the tail without end.
            Pace::Beside(_) if self.records >= 2 * WRITE_BACK_RECORDS => (usize::MAX, usize::MAX),
            Pace::Beside(uses) => {
                (WRITE_BACK_METERS_PER_UNIT + uses / 2, WRITE_BACK_CHUNKS_PER_UNIT + uses / 4)
            }
        };
        let end = cycle.dirty.len().min(cycle.next.saturating_add(meters));
        for id in &cycle.dirty[cycle.next..end] {
            // A license that was deleted meanwhile has no meters to write.
            let Some(entry) = licenses.get(*id) else {
                continue;
            };
            for meter in &entry.meters {
                rows::put_meter(db, entry.account, *id, meter, false)?;
            }
            entry.dirty = false;
        }
        cycle.next = end;
        let keys_are_written = keys.write_chunks(db, chunks)?;
        if end < cycle.dirty.len() || !keys_are_written {
            return Ok(false);
        }
        for (ledger, covered) in &cycle.covered {
            db.prepare_cached(
                "UPDATE ledger SET covered = ?2, keys_covered = iif(?3, ?2, keys_covered)
                 WHERE number = ?1",
            )?
            .execute(params![ledger, covered.cast_signed(), cycle.has_run])?;
        }
        Ok(true)
    }

    /// Ends the cycle whose last share was just committed.
    pub fn finish(&mut self) {
        self.cycle = None;
    }
}
