//! Which idempotency keys were spent, and by which record.
//!
//! The newest keys are in a map; older ones in immutable runs on disk, of which memory holds only
//! a filter: two bytes a key. A key is found by its fingerprint (64 bits); the record that it leads
//! to holds the whole digest and decides. Runs whose newest key is older than the window are
//! dropped. `docs/adr/0003-idempotency.md` has the figures.

use std::collections::hash_map::Entry;

use rusqlite::{Connection, OptionalExtension as _, params};
use usance_core::time::Timestamp;
use usance_core::usage::KeyDigest;

use super::connection::store_error;
use super::filter::Filter;
use crate::limits::RUN_KEYS_SMALL;
use crate::store::{FastMap, StoreError};
use crate::unit::LedgerNumber;

/// Chunks of a run: a fingerprint's highest twelve bits choose one.
const CHUNKS: usize = 4096;
/// Chunks that lie together in memory, and are written together.
const PART_CHUNKS: usize = 64;
/// Parts of the keys in memory.
const PARTS: usize = CHUNKS / PART_CHUNKS;
/// Bytes of an entry: fingerprint, ledger, record.
const ENTRY_BYTES: usize = 20;

/// Where a record lies.
pub type Place = (LedgerNumber, u64);

/// Fingerprints and the records that spent them, in parts that are written one after the other.
struct Places(Vec<Part>);

/// Two keys seldom share a fingerprint, and one key is seldom spent twice (after its window): such
/// second places lie apart.
#[derive(Default)]
struct Part {
    first: FastMap<u64, Place>,
    further: Vec<(u64, Place)>,
}

impl Default for Places {
    fn default() -> Self {
        Self(std::iter::repeat_with(Part::default).take(PARTS).collect())
    }
}

impl Places {
    fn insert(&mut self, fingerprint: u64, place: Place) {
        let part = &mut self.0[chunk_of(fingerprint) / PART_CHUNKS];
        match part.first.entry(fingerprint) {
            Entry::Vacant(entry) => {
                entry.insert(place);
            }
            Entry::Occupied(entry) if *entry.get() == place => {}
            Entry::Occupied(_) => part.further.push((fingerprint, place)),
        }
    }

    fn of(&self, fingerprint: u64) -> impl Iterator<Item = Place> {
        let part = &self.0[chunk_of(fingerprint) / PART_CHUNKS];
        let further = part.further.iter().filter(move |(found, _)| *found == fingerprint);
        part.first.get(&fingerprint).copied().into_iter().chain(further.map(|(_, place)| *place))
    }

    fn count(&self) -> usize {
        self.0.iter().map(|part| part.first.len()).sum()
    }
}

impl Part {
    fn iter(&self) -> impl Iterator<Item = (u64, Place)> {
        let first = self.first.iter().map(|(fingerprint, place)| (*fingerprint, *place));
        first.chain(self.further.iter().copied())
    }
}

/// All spent keys of a store.
#[derive(Default)]
pub struct Keys {
    fresh: Places,
    /// When the newest of them was spent.
    fresh_at: Option<Timestamp>,
    writing: Option<Writing>,
    runs: Vec<Run>,
}

struct Run {
    number: i64,
    keys: u64,
    newest_at: Timestamp,
    filter: Filter,
}

/// A run on its way to disk, a few chunks with each unit of work.
struct Writing {
    run: Run,
    places: Places,
    next_part: usize,
    /// Whether the commit that is under way makes the run whole on disk.
    is_written: bool,
    /// The run that it replaces, which was small.
    merged: Option<i64>,
}

impl Keys {
    /// Reads the runs of a store.
    pub fn open(db: &Connection) -> Result<Self, StoreError> {
        let runs = db
            .prepare("SELECT number, keys, newest_at, filter FROM key_run ORDER BY number")
            .and_then(|mut statement| {
                statement
                    .query_map([], |row| {
                        Ok(Run {
                            number: row.get(0)?,
                            keys: row.get::<_, i64>(1)?.cast_unsigned(),
                            newest_at: Timestamp(row.get(2)?),
                            filter: Filter::from_bytes(row.get(3)?)
                                .ok_or(rusqlite::Error::IntegralValueOutOfRange(3, 0))?,
                        })
                    })?
                    .collect::<rusqlite::Result<Vec<_>>>()
            })
            .map_err(store_error)?;
        Ok(Self { runs, ..Self::default() })
    }

    /// Notes a key that was spent at this time.
    pub fn spend(&mut self, key: KeyDigest, place: Place, at: Timestamp) {
        self.fresh_at = self.fresh_at.max(Some(at));
        self.fresh.insert(fingerprint(key), place);
    }

    /// Records that may have spent a key, to be looked at.
    pub fn candidates(&self, db: &Connection, key: KeyDigest) -> Result<Vec<Place>, StoreError> {
        let fingerprint = fingerprint(key);
        let mut places = Vec::new();
        places.extend(self.fresh.of(fingerprint));
        if let Some(writing) = &self.writing {
            places.extend(writing.places.of(fingerprint));
        }
        for run in self.runs.iter().filter(|run| run.filter.may_contain(fingerprint)) {
            let chunk = read_chunk(db, run.number, chunk_of(fingerprint))?;
            places.extend(
                entries(&chunk).filter(|(found, _)| *found == fingerprint).map(|(_, place)| place),
            );
        }
        Ok(places)
    }

    /// Starts to write the newest keys out, together with the last run if that is small.
    pub fn begin_run(&mut self, db: &Connection) -> Result<(), StoreError> {
        if self.writing.is_some() || self.fresh.count() == 0 {
            return Ok(());
        }
        let mut places = std::mem::take(&mut self.fresh);
        let mut newest_at = self.fresh_at.take();
        let number = self.runs.last().map_or(0, |run| run.number) + 1;
        let mut merged = None;
        if let Some(last) = self.runs.last().filter(|run| run.keys < RUN_KEYS_SMALL) {
            merged = Some(last.number);
            newest_at = newest_at.max(Some(last.newest_at));
            for chunk in 0..CHUNKS {
                for (fingerprint, place) in entries(&read_chunk(db, last.number, chunk)?) {
                    places.insert(fingerprint, place);
                }
            }
        }
        let keys = places.count();
        let newest_at = newest_at.expect("every fresh key was spent at some time");
        let run = Run { number, keys: keys as u64, newest_at, filter: Filter::for_keys(keys) };
        self.writing = Some(Writing { run, places, next_part: 0, is_written: false, merged });
        Ok(())
    }

    /// Writes about so many more chunks, within the caller's transaction. Says whether the run is
    /// whole. [`Keys::finish_run`] comes after the commit.
    pub fn write_chunks(&mut self, db: &Connection, count: usize) -> rusqlite::Result<bool> {
        let Some(Writing { run, places, next_part, is_written, merged }) = &mut self.writing else {
            return Ok(true);
        };
        if *next_part == 0 {
            // A crash may have left part of a run of this number.
            delete_run(db, run.number)?;
        }
        let end = PARTS.min(next_part.saturating_add(count.div_ceil(PART_CHUNKS)));
        for part in &places.0[*next_part..end] {
            write_part(db, run, part)?;
        }
        *next_part = end;
        if end < PARTS {
            return Ok(false);
        }
        db.prepare_cached(
            "INSERT INTO key_run (number, keys, newest_at, filter) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            run.number,
            run.keys.cast_signed(),
            run.newest_at.0,
            run.filter.bytes()
        ])?;
        if let Some(merged) = merged {
            delete_run(db, *merged)?;
        }
        *is_written = true;
        Ok(true)
    }

    /// Takes over the run if the commit that has just succeeded made it whole.
    pub fn finish_run(&mut self) {
        if let Some(writing) = self.writing.take_if(|writing| writing.is_written) {
            self.runs.retain(|run| Some(run.number) != writing.merged);
            self.runs.push(writing.run);
        }
    }

    /// Deletes runs whose keys are all older than the window, within the caller's transaction.
    /// The last run stays, so that numbers are not given twice, and because it may be the one that
    /// is merged just now.
    pub fn drop_expired(&mut self, db: &Connection, before: Timestamp) -> rusqlite::Result<()> {
        while self.runs.len() > 1 && self.runs[0].newest_at < before {
            delete_run(db, self.runs[0].number)?;
            self.runs.remove(0);
        }
        Ok(())
    }
}

fn fingerprint(key: KeyDigest) -> u64 {
    u64::from_le_bytes(*key.0.first_chunk().expect("a key digest has 16 bytes"))
}

fn chunk_of(fingerprint: u64) -> usize {
    usize::try_from(fingerprint >> 52).expect("twelve bits fit")
}

fn chunk_id(run: i64, chunk: usize) -> i64 {
    run << 16 | i64::try_from(chunk).expect("twelve bits fit")
}

/// Writes the chunks of a part that have entries, and puts those into the run's filter.
fn write_part(db: &Connection, run: &mut Run, part: &Part) -> rusqlite::Result<()> {
    let mut chunks = vec![Vec::new(); PART_CHUNKS];
    let mut first_chunk = 0;
    for (fingerprint, (ledger, record)) in part.iter() {
        run.filter.insert(fingerprint);
        let chunk = chunk_of(fingerprint);
        first_chunk = chunk - chunk % PART_CHUNKS;
        let entries = &mut chunks[chunk % PART_CHUNKS];
        entries.extend_from_slice(&fingerprint.to_le_bytes());
        entries.extend_from_slice(&ledger.to_le_bytes());
        entries.extend_from_slice(&record.to_le_bytes());
    }
    for (offset, entries) in chunks.iter().enumerate().filter(|(_, entries)| !entries.is_empty()) {
        db.prepare_cached("INSERT INTO key_chunk (id, entries) VALUES (?1, ?2)")?
            .execute(params![chunk_id(run.number, first_chunk + offset), entries])?;
    }
    Ok(())
}

/// The entries of a chunk; a chunk without any has no row.
fn read_chunk(db: &Connection, run: i64, chunk: usize) -> Result<Vec<u8>, StoreError> {
    let found = db
        .prepare_cached("SELECT entries FROM key_chunk WHERE id = ?1")
        .and_then(|mut statement| {
            statement.query_row([chunk_id(run, chunk)], |row| row.get(0)).optional()
        })
        .map_err(store_error)?;
    Ok(found.unwrap_or_default())
}

fn entries(chunk: &[u8]) -> impl Iterator<Item = (u64, Place)> {
    chunk.chunks_exact(ENTRY_BYTES).map(|entry| {
        let part = |from: usize, to: usize| &entry[from..to];
        let long = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        let ledger = u32::from_le_bytes(part(8, 12).try_into().expect("four bytes"));
        (long(part(0, 8)), (ledger, long(part(12, 20))))
    })
}

fn delete_run(db: &Connection, number: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM key_chunk WHERE id >= ?1 AND id < ?2")?
        .execute([number << 16, (number + 1) << 16])?;
    db.prepare_cached("DELETE FROM key_run WHERE number = ?1")?.execute([number])?;
    Ok(())
}
