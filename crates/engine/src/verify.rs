//! Checks a data directory or a single database file against its ledgers, trusting nothing in it.

mod blocks;
mod catalogue;
mod details;
mod ledger;
mod licenses;
mod live;
mod meters;

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use usance_core::id::{AccountId, WriterId};
use usance_core::ledger::audit::{Flaw, Tally};
use usance_core::ledger::checkpoint::{Checkpoint, CheckpointError, Verifier};
use usance_core::ledger::tree::Hash;

use crate::failure::OpenError;
use crate::store::sqlite::{FILE_NAME, open_error, open_for_reading};
use crate::unit::LedgerNumber;
use crate::writer_key::signer_name;

/// Findings after which a check of one ledger ends: the rest would only repeat them.
pub const FINDINGS_MAX: usize = 100;

/// What a check is held against from outside the file.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// The key that must have signed. None takes the one in the file, which who can write the file
    /// could have replaced.
    pub key: Option<Verifier>,
    /// Checkpoints that somebody kept, as notes.
    pub checkpoints: Vec<String>,
}

/// What was checked, and what was found.
#[derive(Debug, Default)]
pub struct Report {
    /// The file.
    pub path: PathBuf,
    /// Each ledger in it.
    pub ledgers: Vec<LedgerReport>,
    /// What is wrong, in the order of the records.
    pub findings: Vec<Finding>,
    /// What is strange but can be innocent.
    pub remarks: Vec<String>,
    /// Catalogue entries compared with what the ledger says of them.
    pub catalogue_entries: u64,
    /// Meters compared with where the ledger leaves them.
    pub meters: u64,
    /// Commitments opened with the personal data beside the ledger.
    pub subjects_opened: u64,
    /// Commitments whose personal data is not kept any more.
    pub subjects_absent: u64,
    /// Changes of the catalogue compared with what the audit log says of them.
    pub details: u64,
    /// Signatures checked.
    pub signatures: u64,
    /// Bytes of records read.
    pub bytes: u64,
}

/// What was read of one ledger.
#[derive(Debug, Clone)]
pub struct LedgerReport {
    /// Its origin line.
    pub origin: String,
    /// Its records by kind.
    pub tally: Tally,
    /// Its size.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// The key it is signed with.
    pub verifier: Verifier,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The ledger, by its origin.
    pub origin: String,
    /// The first record concerned, where one is.
    pub record: Option<u64>,
    /// What is wrong.
    pub what: Problem,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The record contradicts itself or those before it.
    Flaw(Flaw),
    /// The record's bytes do not have the hash that was written with them.
    Damaged,
    /// Records are missing up to this one.
    Missing(u64),
    /// A record is there that has no place.
    Surplus,
    /// The records up to this one do not have the root that was written with them.
    WrongRoot(u64),
    /// The last block is not signed.
    NotSigned,
    /// The signature does not belong to the root.
    Forged,
    /// The ledger is signed with another key than was asked for.
    OtherKey,
    /// A stored node of the tree is not what the records give.
    WrongNode,
    /// The personal data is not what the record committed to.
    WrongSubject,
    /// Personal data lies beside no record.
    StraySubject,
    /// The audit log says something else of a change than its record.
    WrongDetail,
    /// The audit log tells of a change beside no record of one.
    StrayDetail,
    /// A checkpoint that somebody kept shows more records than there are.
    TailCut(u64),
    /// A checkpoint that somebody kept shows another history.
    OtherHistory(u64),
    /// A checkpoint that somebody kept cannot be used.
    BadCheckpoint(CheckpointError),
    /// A checkpoint that somebody kept is of a ledger that is not here.
    UnknownOrigin,
    /// A meter does not stand where the ledger leaves it.
    WrongMeter(String),
    /// A catalogue entry is not what the ledger says it is.
    WrongEntry(String),
    /// A table cannot be read.
    Unreadable(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.record {
            Some(record) => write!(f, "record {record} of {}: {}", self.origin, self.what),
            None => write!(f, "{}: {}", self.origin, self.what),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flaw(flaw) => write!(f, "{flaw}"),
            Self::Damaged => f.write_str("its bytes were changed after it was written"),
            Self::Missing(last) => write!(f, "records are missing from here to {last}"),
            Self::Surplus => f.write_str("is there, but has no place in the ledger"),
            Self::WrongRoot(last) => {
                write!(f, "the records from here to {last} are not those that were written")
            }
            Self::NotSigned => f.write_str("the ledger's end is not signed"),
            Self::Forged => f.write_str("the signature does not belong to the records"),
            Self::OtherKey => f.write_str("is signed with another key than the one given"),
            Self::WrongNode => f.write_str("a stored tree hash is not what the records give"),
            Self::WrongSubject => f.write_str("its personal data was changed after it was written"),
            Self::StraySubject => f.write_str("personal data lies beside no record"),
            Self::WrongDetail => {
                f.write_str("what the audit log says of it was changed after it was written")
            }
            Self::StrayDetail => {
                f.write_str("the audit log tells of a change that no record tells of")
            }
            Self::TailCut(size) => write!(
                f,
                "the end was cut off: a kept checkpoint shows {size} records, or an older copy was put back"
            ),
            Self::OtherHistory(size) => write!(
                f,
                "a kept checkpoint of {size} records shows another history: rewritten, or two copies ran"
            ),
            Self::BadCheckpoint(error) => write!(f, "a kept checkpoint cannot be used: {error}"),
            Self::UnknownOrigin => f.write_str("a kept checkpoint is of a ledger that is not here"),
            Self::WrongMeter(what) | Self::WrongEntry(what) => f.write_str(what),
            Self::Unreadable(what) => write!(f, "cannot be read: {what}"),
        }
    }
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// Records read in all ledgers.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.ledgers.iter().map(|ledger| ledger.tally.records).sum()
    }
}

/// One ledger, as the file names it.
struct Named {
    number: LedgerNumber,
    account: AccountId,
    origin: String,
    covered: u64,
    verifier: Verifier,
}

/// Checks everything that can be checked in a data directory or database file. `progress` hears how
/// many of how many records are done.
///
/// # Errors
/// [`OpenError`] if there is nothing to check; whatever is wrong inside is a finding.
pub fn verify(
    path: &Path,
    options: &VerifyOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, OpenError> {
    let path = if path.is_dir() { path.join(FILE_NAME) } else { path.to_path_buf() };
    if !path.is_file() {
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(OpenError::Io { path, source });
    }
    let db = open_for_reading(&path)?;
    let failed = |error: rusqlite::Error| open_error(&path, &error);
    // One snapshot, also while a server goes on writing.
    db.execute_batch("BEGIN").map_err(failed)?;
    let mut report = Report { path: path.clone(), ..Report::default() };
    let named = ledgers(&db, &mut report).map_err(failed)?;
    let numbers = numbers(&db).map_err(failed)?;
    let total = records_total(&db, &numbers).map_err(failed)?;
    let mut kept = Kept::read(options, &named, &mut report);
    for ledger in &named {
        if options.key.as_ref().is_some_and(|key| key.public() != ledger.verifier.public()) {
            let origin = ledger.origin.clone();
            report.findings.push(Finding { origin, record: None, what: Problem::OtherKey });
        }
        let done = report.records();
        let mut at = |records: u64| progress(done + records, total);
        ledger::check(&db, ledger, &mut kept, &mut report, &mut at);
    }
    without_ledger(&db, &numbers, &mut report).map_err(failed)?;
    report.findings.truncate(FINDINGS_MAX);
    Ok(report)
}

/// Checkpoints that somebody kept, each to be compared when the audit reaches its size.
struct Kept(Vec<Checkpoint>);

impl Kept {
    fn read(options: &VerifyOptions, named: &[Named], report: &mut Report) -> Self {
        let mut kept = Vec::new();
        for note in &options.checkpoints {
            let claimed = Checkpoint::peek(note);
            let origin = claimed.as_ref().map_or("a checkpoint", |claimed| &claimed.origin);
            let mut find =
                |what| report.findings.push(Finding { origin: origin.into(), record: None, what });
            let ledger = named.iter().find(|ledger| ledger.origin == origin);
            let verifier = options.key.as_ref().or(ledger.map(|ledger| &ledger.verifier));
            let Some(verifier) = verifier.filter(|_| ledger.is_some()) else {
                find(Problem::UnknownOrigin);
                continue;
            };
            match Checkpoint::open(note, verifier) {
                Ok(checkpoint) => kept.push(checkpoint),
                Err(error) => find(Problem::BadCheckpoint(error)),
            }
        }
        Self(kept)
    }

    /// Compares those of this ledger and size with its root, and forgets them.
    fn compare(&mut self, origin: &str, size: u64, root: &Hash, report: &mut Report) {
        self.0.retain(|checkpoint| {
            if checkpoint.origin != origin || checkpoint.size != size {
                return true;
            }
            if checkpoint.root != *root {
                let what = Problem::OtherHistory(size);
                report.findings.push(Finding { origin: origin.into(), record: None, what });
            }
            false
        });
    }

    /// Those of this ledger that show more than there is.
    fn beyond(&mut self, origin: &str, size: u64, report: &mut Report) {
        for checkpoint in self.0.iter().filter(|checkpoint| checkpoint.origin == origin) {
            report.findings.push(Finding {
                origin: origin.into(),
                record: Some(size),
                what: Problem::TailCut(checkpoint.size),
            });
        }
    }

    fn sizes(&self, origin: &str) -> Vec<u64> {
        let of_ledger = self.0.iter().filter(|checkpoint| checkpoint.origin == origin);
        let mut sizes: Vec<u64> = of_ledger.map(|checkpoint| checkpoint.size).collect();
        sizes.sort_unstable();
        sizes
    }
}

fn ledgers(db: &Connection, report: &mut Report) -> rusqlite::Result<Vec<Named>> {
    let mut statement = db.prepare(
        "SELECT number, account, writer, covered, public_key FROM ledger
         LEFT JOIN writer ON writer.id = ledger.writer ORDER BY number",
    )?;
    let mut rows = statement.query([])?;
    let mut named = Vec::new();
    while let Some(row) = rows.next()? {
        let account = AccountId::from_bytes(row.get(1)?);
        let writer = WriterId::from_bytes(row.get(2)?);
        let origin = crate::writer_key::origin(account, writer);
        let public: Option<[u8; 32]> = row.get(4)?;
        let verifier = public.and_then(|key| Verifier::new(&signer_name(writer), &key).ok());
        let Some(verifier) = verifier else {
            report.findings.push(Finding { origin, record: None, what: Problem::NotSigned });
            continue;
        };
        let covered = row.get::<_, i64>(3)?.cast_unsigned();
        named.push(Named { number: row.get(0)?, account, origin, covered, verifier });
    }
    Ok(named)
}

fn numbers(db: &Connection) -> rusqlite::Result<Vec<LedgerNumber>> {
    let mut statement = db.prepare("SELECT number FROM ledger ORDER BY number")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn records_total(db: &Connection, numbers: &[LedgerNumber]) -> rusqlite::Result<u64> {
    let mut total = 0;
    for number in numbers {
        total += ledger::size(db, *number)?;
    }
    Ok(total)
}

/// Finds what would be checked with a ledger that somebody took away.
fn without_ledger(
    db: &Connection,
    numbers: &[LedgerNumber],
    report: &mut Report,
) -> rusqlite::Result<()> {
    if let Some((number, record)) = ledger::stray(db, numbers)? {
        let origin = format!("ledger {number}");
        report.findings.push(Finding { origin, record: Some(record), what: Problem::Surplus });
    }
    let sql = "SELECT id FROM account WHERE id NOT IN (SELECT account FROM ledger)";
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let account = AccountId::from_bytes(row.get(0)?);
        let what = Problem::WrongEntry(format!("account {account} has no ledger"));
        let origin = account.to_string();
        report.findings.push(Finding { origin, record: None, what });
    }
    Ok(())
}
