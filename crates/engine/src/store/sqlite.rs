//! The embedded store: one SQLite database, one writing connection, several reading ones.
//!
//! What is written with every commit is little: the records in packed blocks, and what cannot be
//! found in them. Where meters stand and which keys were spent follows from the records, so it is
//! kept in memory and written back by and by (`write_back`); a restart replays the rest.

mod connection;
mod filter;
mod keys;
mod licenses;
pub(crate) mod live_rows;
pub(crate) mod people_rows;
mod reader;
pub(crate) mod rows;
pub(crate) mod rule_rows;
mod unit_rows;
pub(crate) mod webhook_rows;
mod write_back;

use std::path::Path;
use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior, params};
use usance_core::id::{AccountId, WriterId};
use usance_core::ledger::block;
use usance_core::ledger::record::{Event, Record, UseEvent};
use usance_core::license::LicenseRef;
use usance_core::meter::MeterState;
use usance_core::usage::KeyDigest;

use self::connection::{Shared, commit_error, store_error};
use self::keys::Keys;
use self::licenses::Licenses;
use self::write_back::{Pace, WriteBack};
use crate::failure::OpenError;
use crate::limits::READERS;
use crate::store::{FastMap, LedgerTail, Loaded, Reader, Store, StoreError, Wanted};
use crate::stored_tree::StoredTree;
use crate::unit::{Change, LedgerNumber, Unit};

pub use self::connection::{FILE_NAME, open_error, open_for_reading};
pub use self::reader::{SqliteReader, row_id};

/// The writing half.
pub struct SqliteStore {
    connection: Shared,
    reader: Arc<SqliteReader>,
    writer: WriterId,
    window_ms: i64,
    run_records: u64,
    licenses: Licenses,
    keys: Keys,
    write_back: WriteBack,
    /// How far each open ledger reaches.
    sizes: FastMap<LedgerNumber, u64>,
}

/// Up to which record of a ledger the tables are as the records leave them.
#[derive(Clone, Copy)]
struct Covered {
    meters: u64,
    keys: u64,
}

/// What a store of SQLite needs to know of its surroundings.
#[derive(Debug, Clone, Copy)]
pub struct SqliteOptions<'a> {
    /// The data directory; none is memory.
    pub directory: Option<&'a Path>,
    /// How long idempotency keys are remembered, in milliseconds.
    pub idempotency_window_ms: i64,
    /// Records after which the newest idempotency keys become a run on disk.
    pub run_records: u64,
}

/// Who writes, as the database knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterRow {
    /// Its id.
    pub id: WriterId,
    /// Its public key.
    pub public_key: [u8; 32],
}

/// What a store knows beside its contents.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// Who writes.
    pub writer: WriterId,
    /// What idempotency keys are hashed with.
    pub key_secret: [u8; 32],
}

impl SqliteStore {
    /// Opens or makes the store, for the writer with this public key.
    ///
    /// `new_identity` is what a fresh database, or a new key, is given.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(
        options: SqliteOptions<'_>,
        public_key: [u8; 32],
        new_identity: Identity,
    ) -> Result<(Self, Identity), OpenError> {
        let (connection, readers, path) = match options.directory {
            Some(directory) => {
                let path = directory.join(FILE_NAME);
                let connection = Shared::new(connection::open_for_writing(directory)?);
                let readers: Result<_, OpenError> = (0..READERS)
                    .map(|_| Ok(Shared::new(connection::open_for_reading(&path)?)))
                    .collect();
                (connection, readers?, path)
            }
            None => {
                let connection = Shared::new(connection::open_in_memory()?);
                (connection.clone(), vec![connection], ":memory:".into())
            }
        };
        let failed = |error: rusqlite::Error| open_error(&path, &error);
        let identity = identity(&connection.lock(), public_key, new_identity).map_err(failed)?;
        let other_key = || {
            let what = "it was written with another writer.key; put that one back".into();
            OpenError::Database { path: path.clone(), what }
        };
        let identity = identity.ok_or_else(other_key)?;
        let corrupt =
            |error: StoreError| OpenError::Corrupt { path: path.clone(), what: error.to_string() };
        let keys = Keys::open(&connection.lock()).map_err(corrupt)?;
        let store = Self {
            connection,
            reader: Arc::new(SqliteReader::new(readers)),
            writer: identity.writer,
            window_ms: options.idempotency_window_ms,
            run_records: options.run_records,
            licenses: Licenses::default(),
            keys,
            write_back: WriteBack::new(options.run_records),
            sizes: FastMap::default(),
        };
        Ok((store, identity))
    }

    /// The reading half.
    #[must_use]
    pub fn reader(&self) -> Arc<dyn Reader> {
        Arc::clone(&self.reader) as Arc<dyn Reader>
    }

    /// Brings memory to where the records that are not covered leave it.
    fn replay(
        &mut self,
        account: AccountId,
        ledger: LedgerNumber,
        covered: Covered,
        size: u64,
    ) -> Result<(), StoreError> {
        let reader = Arc::clone(&self.reader);
        let mut tree = StoredTree::new(&*reader, ledger);
        let mut next = covered.meters.min(covered.keys);
        while next < size {
            let block = tree.block(next)?;
            let (first, end) = (block.first, block.first + block.count);
            let mut index = first;
            let db = self.connection.clone();
            for (bytes, _) in block::records(&block.body) {
                let record = Record::decode(bytes)
                    .map_err(|error| StoreError::Corrupt(format!("record {index}: {error}")))?;
                if index >= covered.keys {
                    self.replay_key((ledger, index), &record);
                }
                if index >= covered.meters {
                    self.replay_meter(&db, account, index, &record)?;
                }
                index += 1;
            }
            if index != end {
                return Err(StoreError::Corrupt(format!("the block of record {first} is damaged")));
            }
            next = end;
        }
        self.write_back.note_replayed(size - covered.meters, size - covered.keys);
        Ok(())
    }

    fn replay_key(&mut self, place: (LedgerNumber, u64), record: &Record<'_>) {
        if let Event::Use(UseEvent { idempotency: Some((key, _)), .. }) = record.event {
            self.keys.spend(key, place, record.at);
        }
    }

    fn replay_meter(
        &mut self,
        db: &Shared,
        account: AccountId,
        index: u64,
        record: &Record<'_>,
    ) -> Result<(), StoreError> {
        let (license, meter) = match &record.event {
            Event::Use(event) => (event.license, event.meter),
            Event::Refused(event) => (event.license, event.meter),
            Event::Opened { .. }
            | Event::Changed(_)
            | Event::Noticed(_)
            | Event::ClockBack { .. } => return Ok(()),
        };
        // A license that was deleted later has no meters to bring anywhere.
        if self.licenses.find(&db.lock(), account, &LicenseRef::Id(license))?.is_none() {
            return Ok(());
        }
        let Some(entry) = self.licenses.get(license) else {
            return Ok(());
        };
        let Some(place) = entry.meters.iter().position(|one| &*one.spec.name == meter) else {
            return Ok(());
        };
        let state = &mut entry.meters[place].state;
        if state.last_record.is_some_and(|last| last >= index) {
            return Ok(());
        }
        *state = match &record.event {
            Event::Use(event) => {
                state.after(&event.counted, event.turn.as_ref(), record.at, index).ok_or_else(
                    || StoreError::Corrupt(format!("record {index} overflows its meter")),
                )?
            }
            _ => MeterState { last_record: Some(index), ..*state },
        };
        if !entry.dirty {
            entry.dirty = true;
            self.write_back.note_dirty(license);
        }
        Ok(())
    }

    fn spent_record(
        &self,
        db: &Connection,
        key: KeyDigest,
    ) -> Result<Option<(LedgerNumber, u64, Vec<u8>)>, StoreError> {
        let mut newest: Option<(LedgerNumber, u64, Vec<u8>)> = None;
        for (ledger, record) in self.keys.candidates(db, key)? {
            let bytes = read_record(db, ledger, record)?;
            let decoded = Record::decode(&bytes)
                .map_err(|error| StoreError::Corrupt(format!("record {record}: {error}")))?;
            let Event::Use(event) = decoded.event else {
                continue;
            };
            let is_newer = newest.as_ref().is_none_or(|(_, last, _)| *last < record);
            if is_newer && event.idempotency.is_some_and(|(found, _)| found == key) {
                newest = Some((ledger, record, bytes));
            }
        }
        Ok(newest)
    }

    fn commit_at(&mut self, unit: &Unit, pace: Pace) -> Result<(), StoreError> {
        let shared = self.connection.clone();
        let mut db = shared.lock();
        let sizes = self.sizes.iter().map(|(ledger, size)| (*ledger, *size));
        self.write_back.begin(&db, &mut self.keys, pace, sizes)?;
        let tx =
            db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store_error)?;
        // Write-backs come first: they hold what memory knew before this unit.
        let is_whole = self
            .write_back
            .write(&tx, &mut self.licenses, &mut self.keys, pace)
            .and_then(|is_whole| {
                if let (true, Some(now)) = (is_whole, unit.at) {
                    self.keys.drop_expired(&tx, now.plus_ms(-self.window_ms))?;
                }
                unit_rows::write(&tx, self.writer, unit)?;
                Ok(is_whole)
            })
            .map_err(store_error)?;
        tx.commit().map_err(commit_error)?;
        self.keys.finish_run();
        if is_whole {
            self.write_back.finish();
        }
        Ok(())
    }

    /// Takes over what a unit changed, after its commit.
    fn take_over(&mut self, unit: &Unit) {
        // Before meters come and go: places are those that the unit was decided with. One that came
        // with the unit has no place yet, and its state is in the change.
        for moved in &unit.meters {
            let meters = self.licenses.get(moved.license).map(|entry| &mut entry.meters);
            if let Some(meter) = meters.and_then(|meters| meters.get_mut(moved.meter)) {
                meter.state = moved.state;
            }
        }
        for change in &unit.changes {
            match change {
                Change::ChangeLicense(_, license) => self.licenses.put_license(license),
                Change::DeleteLicense(_, license) => self.licenses.remove(*license),
                Change::ChangeMeters(_, license, policy, meters, _) => {
                    self.licenses.put_meters(license, policy, meters);
                }
                Change::ChangeAllowed(_, license, changed) => {
                    let meters = self.licenses.get(*license).map(|entry| &mut entry.meters);
                    for meter in meters.into_iter().flatten() {
                        if meter.spec.name == changed.spec.name {
                            meter.allowed_from = changed.allowed_from;
                        }
                    }
                }
                Change::WakeLicenses(account, policy, at) => {
                    self.licenses.wake(*account, *policy, *at);
                }
                _ => {}
            }
        }
        let moved = unit.meters.iter().map(|moved| moved.license);
        let refused = unit.refusals.iter().map(|(license, ..)| *license);
        for license in moved.chain(refused) {
            if let Some(entry) = self.licenses.get(license)
                && !entry.dirty
            {
                entry.dirty = true;
                self.write_back.note_dirty(license);
            }
        }
        for (_, license, change) in &unit.live {
            self.licenses.apply(*license, change);
        }
        for (_, license, at) in &unit.timers {
            if let Some(entry) = self.licenses.get(*license) {
                entry.timer = *at;
            }
        }
        for (license, place, count) in &unit.refusals {
            if let Some(entry) = self.licenses.get(*license) {
                entry.meters[*place].state.refusals += count;
            }
        }
        for spent in &unit.keys {
            let at = unit.at.expect("a unit that spends a key has a time");
            self.keys.spend(spent.key, (spent.ledger, spent.record), at);
        }
        for block in &unit.blocks {
            self.sizes.insert(block.ledger, block.first + block.count);
            self.write_back.note_records(block.count);
        }
    }
}

impl Store for SqliteStore {
    fn open_ledger(&mut self, account: AccountId) -> Result<Option<LedgerTail>, StoreError> {
        let found = {
            let db = self.connection.lock();
            db.prepare_cached(
                "SELECT number, covered, keys_covered FROM ledger
                 WHERE account = ?1 AND writer = ?2",
            )
            .and_then(|mut statement| {
                let values = params![account.bytes(), self.writer.bytes()];
                let mut rows = statement.query(values)?;
                rows.next()?
                    .map(|row| {
                        let meters = row.get::<_, i64>(1)?.cast_unsigned();
                        let keys = row.get::<_, i64>(2)?.cast_unsigned();
                        Ok((row.get(0)?, Covered { meters, keys }))
                    })
                    .transpose()
            })
            .map_err(store_error)?
        };
        let Some((number, covered)) = found else {
            return Ok(None);
        };
        let missing = || StoreError::Corrupt(format!("ledger {number} has no records"));
        let last = self.reader.last_block(number)?.ok_or_else(missing)?;
        let size = last.first + last.count;
        let written = covered.meters.max(covered.keys);
        if size < written {
            return Err(StoreError::Corrupt(format!(
                "ledger {number} ends at record {size}, but {written} were written"
            )));
        }
        let reader = Arc::clone(&self.reader);
        let mut tree = StoredTree::new(&*reader, number);
        let frontier = tree.frontier(size)?;
        if frontier.root() != last.root {
            return Err(StoreError::Corrupt(format!(
                "the records of ledger {number} do not add up to its last root"
            )));
        }
        let last_at = Record::decode(tree.record(size - 1)?)
            .map_err(|error| StoreError::Corrupt(format!("record {}: {error}", size - 1)))?
            .at;
        self.replay(account, number, covered, size)?;
        self.sizes.insert(number, size);
        Ok(Some(LedgerTail { number, frontier, last_at }))
    }

    fn next_ledger_number(&mut self) -> Result<LedgerNumber, StoreError> {
        self.connection
            .lock()
            .query_row("SELECT coalesce(max(number), 0) + 1 FROM ledger", [], |row| row.get(0))
            .map_err(store_error)
    }

    fn load(&mut self, wanted: &Wanted<'_>) -> Result<Loaded, StoreError> {
        let shared = self.connection.clone();
        let db = shared.lock();
        let mut loaded = Loaded::default();
        let mut places = FastMap::default();
        for (account, name) in &wanted.licenses {
            let place = self.licenses.find(&db, *account, name)?.map(|id| {
                *places.entry(id).or_insert_with(|| {
                    loaded.licenses.extend(self.licenses.loaded(id));
                    loaded.licenses.len() - 1
                })
            });
            loaded.places.push(place);
        }
        for key in &wanted.keys {
            if let Some(record) = self.spent_record(&db, *key)? {
                loaded.spent.insert(*key, record);
            }
        }
        Ok(loaded)
    }

    fn commit(&mut self, unit: &Unit) -> Result<(), StoreError> {
        self.commit_at(unit, Pace::Beside(unit.keys.len().max(unit.meters.len())))?;
        self.take_over(unit);
        let db = self.connection.clone();
        for change in &unit.changes {
            if let Change::PutPolicy(account, policy) = change {
                self.licenses.put_policy(&db.lock(), *account, policy)?;
            }
        }
        Ok(())
    }

    fn probe(&mut self) -> Result<(), StoreError> {
        let sql = "INSERT OR REPLACE INTO meta (name, value) VALUES ('probe', randomblob(4096))";
        self.connection.lock().execute(sql, []).map(|_| ()).map_err(commit_error)
    }

    fn reload(&mut self) -> Result<(), StoreError> {
        self.licenses = Licenses::default();
        self.write_back = WriteBack::new(self.run_records);
        self.sizes.clear();
        self.keys = Keys::open(&self.connection.lock())?;
        Ok(())
    }

    fn close(&mut self) -> Result<(), StoreError> {
        // A running cycle may end with a share; a second one writes what came after it began.
        for _ in 0..2 {
            self.commit_at(&Unit::default(), Pace::Everything)?;
        }
        let db = self.connection.lock();
        db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(store_error)
    }
}

/// Who writes with this key; none if the database was written with another one. Where a meter
/// stands and which keys were spent follows from the ledger of one writer: another one, with a
/// ledger of its own, would forget what the first has not written back.
fn identity(
    db: &Connection,
    public_key: [u8; 32],
    new: Identity,
) -> rusqlite::Result<Option<Identity>> {
    use rusqlite::OptionalExtension as _;
    let secret = db
        .query_row("SELECT value FROM meta WHERE name = 'key_secret'", [], |row| row.get(0))
        .optional()?;
    let key_secret = match secret {
        Some(secret) => secret,
        None => {
            db.execute(
                "INSERT INTO meta (name, value) VALUES ('key_secret', ?1)",
                [new.key_secret],
            )?;
            new.key_secret
        }
    };
    let writer = db
        .query_row("SELECT id FROM writer WHERE public_key = ?1", [public_key], |row| row.get(0))
        .optional()?;
    let writer = match writer {
        Some(id) => WriterId::from_bytes(id),
        None if db.prepare("SELECT 1 FROM ledger")?.exists([])? => return Ok(None),
        None => {
            db.execute(
                "INSERT INTO writer (id, public_key) VALUES (?1, ?2)",
                params![new.writer.bytes(), public_key],
            )?;
            new.writer
        }
    };
    Ok(Some(Identity { writer, key_secret }))
}

fn read_record(db: &Connection, ledger: LedgerNumber, record: u64) -> Result<Vec<u8>, StoreError> {
    let (first, body): (i64, Vec<u8>) = db
        .prepare_cached("SELECT id, body FROM block WHERE id <= ?1 ORDER BY id DESC LIMIT 1")
        .and_then(|mut statement| {
            statement.query_row([row_id(ledger, record)], |row| Ok((row.get(0)?, row.get(1)?)))
        })
        .map_err(store_error)?;
    let place = usize::try_from(row_id(ledger, record) - first).unwrap_or(usize::MAX);
    let missing = || StoreError::Corrupt(format!("record {record} is missing"));
    block::records(&body).nth(place).map(|(bytes, _)| bytes.to_vec()).ok_or_else(missing)
}
