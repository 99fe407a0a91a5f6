//! Checks the records of one ledger, and what lies beside them.

use rusqlite::{Connection, OptionalExtension as _, params};
use usance_core::ledger::audit::Auditor;
use usance_core::ledger::block;
use usance_core::ledger::checkpoint::Checkpoint;
use usance_core::ledger::commitment::{Commitment, Salt};
use usance_core::ledger::tree::{Hash, Position};
use usance_core::usage::Subject;

use super::blocks::{HashedBlock, for_each_hashed};
use super::details::{self, Found};
use super::{FINDINGS_MAX, Finding, Kept, LedgerReport, Named, Problem, Report, catalogue};
use crate::limits::RECORD_INDEX_BITS;
use crate::store::sqlite::row_id;
use crate::stored_tree::is_stored;
use crate::unit::LedgerNumber;

/// Records after which the progress is told.
const PROGRESS_RECORDS: u64 = 16_384;

/// How many records a ledger has.
pub fn size(db: &Connection, ledger: LedgerNumber) -> rusqlite::Result<u64> {
    let last = db
        .query_row(
            "SELECT id, count FROM block WHERE id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT 1",
            [row_id(ledger, 0), row_id(ledger.saturating_add(1), 0)],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)),
        )
        .optional()?;
    Ok(last.map_or(0, |(id, count)| (id - row_id(ledger, 0) + count).cast_unsigned()))
}

/// The first record that lies in no ledger: the ledger's number, and the record's position.
pub fn stray(db: &Connection, known: &[LedgerNumber]) -> rusqlite::Result<Option<(i64, u64)>> {
    let mut statement =
        db.prepare("SELECT id FROM block WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT 1")?;
    let mut from = i64::MIN;
    let ends = known.iter().map(|number| row_id(*number, 0)).chain([i64::MAX]);
    let begins = known.iter().map(|number| row_id(number.saturating_add(1), 0));
    for (to, next) in ends.zip(begins.chain([i64::MAX])) {
        let id: Option<i64> = statement.query_row([from, to], |row| row.get(0)).optional()?;
        if let Some(id) = id {
            let record = id.cast_unsigned() & ((1 << RECORD_INDEX_BITS) - 1);
            return Ok(Some((id >> RECORD_INDEX_BITS, record)));
        }
        from = next;
    }
    Ok(None)
}

/// Checks a ledger from its first record to its last.
pub fn check(
    db: &Connection,
    ledger: &Named,
    kept: &mut Kept,
    report: &mut Report,
    progress: &mut dyn FnMut(u64),
) {
    if let Err(error) = Check::new(db, ledger, kept, report).run(progress) {
        let what = Problem::Unreadable(error.to_string());
        report.findings.push(Finding { origin: ledger.origin.clone(), record: None, what });
    }
}

struct Check<'a> {
    db: &'a Connection,
    ledger: &'a Named,
    kept: &'a mut Kept,
    kept_sizes: Vec<u64>,
    report: &'a mut Report,
    auditor: Auditor,
    last_signed: Option<(u64, Hash, [u8; 64])>,
    subjects: u64,
    details: u64,
}

impl<'a> Check<'a> {
    fn new(
        db: &'a Connection,
        ledger: &'a Named,
        kept: &'a mut Kept,
        report: &'a mut Report,
    ) -> Self {
        let writer = ledger.verifier.name().trim_start_matches("usance/").parse();
        let writer = writer.expect("the verifier is named after the writer");
        Self {
            db,
            ledger,
            kept_sizes: kept.sizes(&ledger.origin),
            kept,
            report,
            auditor: Auditor::new(ledger.account, writer),
            last_signed: None,
            subjects: 0,
            details: 0,
        }
    }

    fn run(mut self, progress: &mut dyn FnMut(u64)) -> rusqlite::Result<()> {
        let mut next_progress = PROGRESS_RECORDS;
        let (db, number) = (self.db, self.ledger.number);
        for_each_hashed(db, number, |block| {
            self.block(block)?;
            if self.auditor.size() >= next_progress {
                progress(self.auditor.size());
                next_progress = self.auditor.size() + PROGRESS_RECORDS;
            }
            Ok(self.report.findings.len() < FINDINGS_MAX)
        })?;
        self.end()?;
        progress(self.auditor.size());
        Ok(())
    }

    fn block(&mut self, HashedBlock { block, leaves }: &HashedBlock) -> rusqlite::Result<()> {
        let expected = self.auditor.size();
        if block.first > expected {
            self.find(Some(expected), Problem::Missing(block.first - 1));
        }
        if block.first < expected {
            self.find(Some(block.first), Problem::Surplus);
            return Ok(());
        }
        let findings_before = self.report.findings.len();
        let mut count = 0;
        for ((bytes, check), leaf) in block::records(&block.body).zip(leaves) {
            self.record(bytes, check, leaf)?;
            count += 1;
        }
        if count < block.count {
            self.find(Some(block.first + count), Problem::Missing(block.first + block.count - 1));
        }
        if count > block.count {
            self.find(Some(block.first + block.count), Problem::Surplus);
        }
        self.report.bytes += block.body.len() as u64;
        let has_new_findings = self.report.findings.len() > findings_before;
        if !has_new_findings && self.auditor.root() != block.root {
            let last = block.first + block.count.saturating_sub(1);
            self.find(Some(block.first), Problem::WrongRoot(last));
        }
        self.last_signed =
            block.signature.map(|signature| (block.first + block.count, block.root, signature));
        Ok(())
    }

    fn record(&mut self, bytes: &[u8], check: [u8; 4], leaf: &Hash) -> rusqlite::Result<()> {
        let index = self.auditor.size();
        let mut completed: Option<(Position, Hash)> = None;
        let audited = self.auditor.record_hashed(bytes, *leaf, |position, hash| {
            if is_stored(position.height) {
                completed = completed.or(Some((position, hash)));
            }
        });
        if check[..] != leaf[..4] {
            self.find(Some(index), Problem::Damaged);
        }
        match audited {
            Ok(Some(commitment)) => self.subject(index, commitment)?,
            Ok(None) => {}
            Err(flaw) => self.find(Some(index), Problem::Flaw(flaw)),
        }
        match details::check(self.db, self.ledger.number, index, bytes)? {
            Found::Nothing => {}
            found => {
                self.details += 1;
                self.report.details += 1;
                if found == Found::Altered {
                    self.find(Some(index), Problem::WrongDetail);
                }
            }
        }
        if let Some((position, hash)) = completed {
            self.node(index, position, &hash)?;
        }
        if self.kept_sizes.first() == Some(&self.auditor.size()) {
            self.kept_sizes.retain(|size| *size != self.auditor.size());
            let root = self.auditor.root();
            self.kept.compare(&self.ledger.origin, self.auditor.size(), &root, self.report);
        }
        Ok(())
    }

    fn node(&mut self, index: u64, position: Position, hash: &Hash) -> rusqlite::Result<()> {
        let stored: Option<Hash> = self
            .db
            .prepare_cached(
                "SELECT hash FROM node WHERE ledger = ?1 AND height = ?2 AND position = ?3",
            )?
            .query_row(
                params![self.ledger.number, position.height, position.index.cast_signed()],
                |row| row.get(0),
            )
            .optional()?;
        if stored.as_ref() != Some(hash) {
            self.find(Some(index), Problem::WrongNode);
        }
        Ok(())
    }

    fn subject(&mut self, index: u64, commitment: Commitment) -> rusqlite::Result<()> {
        let stored: Option<(Salt, Subject)> = self
            .db
            .prepare_cached("SELECT salt, user, host, address FROM subject WHERE id = ?1")?
            .query_row([row_id(self.ledger.number, index)], |row| {
                let subject =
                    Subject { user: row.get(1)?, host: row.get(2)?, address: row.get(3)? };
                Ok((row.get(0)?, subject))
            })
            .optional()?;
        let Some((salt, subject)) = stored else {
            self.report.subjects_absent += 1;
            return Ok(());
        };
        self.subjects += 1;
        self.report.subjects_opened += 1;
        if Commitment::to(&subject, &salt) != commitment {
            self.find(Some(index), Problem::WrongSubject);
        }
        Ok(())
    }

    fn end(&mut self) -> rusqlite::Result<()> {
        let size = self.auditor.size();
        self.signature(size);
        let stray: u64 = self
            .db
            .query_row(
                "SELECT count(*) FROM subject WHERE id >= ?1 AND id < ?2",
                [row_id(self.ledger.number, 0), row_id(self.ledger.number.saturating_add(1), 0)],
                |row| row.get::<_, i64>(0),
            )?
            .cast_unsigned()
            .saturating_sub(self.subjects);
        if stray > 0 {
            self.find(None, Problem::StraySubject);
        }
        if details::count(self.db, self.ledger.number)? > self.details {
            self.find(None, Problem::StrayDetail);
        }
        self.kept.beyond(&self.ledger.origin, size, self.report);
        if self.ledger.covered > size {
            self.find(Some(size), Problem::TailCut(self.ledger.covered));
        }
        let tally = self.auditor.tally();
        if tally.clock_back > 0 {
            self.report.remarks.push(format!(
                "the clock was set back {} times while {} was written",
                tally.clock_back, self.ledger.origin
            ));
        }
        self.report.ledgers.push(LedgerReport {
            origin: self.ledger.origin.clone(),
            tally,
            size,
            root: self.auditor.root(),
            verifier: self.ledger.verifier.clone(),
        });
        catalogue::check(self.db, self.ledger, &self.auditor, self.report)
    }

    /// The signature over the last root vouches for every record before it.
    fn signature(&mut self, size: u64) {
        let Some((signed_size, root, signature)) = self.last_signed else {
            self.find(Some(size.saturating_sub(1)), Problem::NotSigned);
            return;
        };
        let origin = self.ledger.origin.clone();
        let checkpoint = Checkpoint { origin, size: signed_size, root };
        self.report.signatures += 1;
        if !self.ledger.verifier.accepts(&checkpoint, &signature) {
            self.find(Some(size.saturating_sub(1)), Problem::Forged);
        }
    }

    fn find(&mut self, record: Option<u64>, what: Problem) {
        let origin = self.ledger.origin.clone();
        self.report.findings.push(Finding { origin, record, what });
    }
}
