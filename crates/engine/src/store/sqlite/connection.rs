//! Connections to one SQLite database, on disk or in memory.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::failure::OpenError;
use crate::store::StoreError;

/// The database's name in the data directory.
pub const FILE_NAME: &str = "usance.db";
/// `PRAGMA application_id`: "usnc".
pub const APPLICATION_ID: i64 = 0x7573_6e63;
/// The newest format this code knows: `PRAGMA user_version`.
pub const FORMAT: i64 = 1;

const SCHEMA: &str = include_str!("schema.sql");

/// A connection that several hold, one at a time.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Connection>>);

impl Shared {
    pub fn new(connection: Connection) -> Self {
        Self(Arc::new(Mutex::new(connection)))
    }

    /// The connection. A panic elsewhere does not damage it: SQLite rolls back what was not
    /// committed.
    pub fn lock(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Opens the database of a directory for writing; makes it if it is not there.
///
/// What is of another program or a newer version is left as it is: only what is ours is set up.
pub fn open_for_writing(directory: &Path) -> Result<Connection, OpenError> {
    let path = directory.join(FILE_NAME);
    let failed = |error: rusqlite::Error| open_error(&path, &error);
    let connection = Connection::open(&path).map_err(failed)?;
    let is_new = is_new(&connection, &path)?;
    let set_up = || {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.pragma_update(None, "cache_size", -16_384)?;
        connection.pragma_update(None, "wal_autocheckpoint", 4000)
    };
    set_up().map_err(failed)?;
    if is_new {
        create_schema(&connection).map_err(failed)?;
    }
    Ok(connection)
}

/// Opens the database of a directory, or a single file, for reading only.
pub fn open_for_reading(path: &Path) -> Result<Connection, OpenError> {
    // A connection is never used by two threads at once: SQLite need not lock it for each value.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.pragma_update(None, "trusted_schema", "OFF")?;
        connection.pragma_update(None, "query_only", "ON")?;
        connection.pragma_update(None, "cache_size", -4096)?;
        Ok(connection)
    };
    let connection = open().map_err(|error| open_error(path, &error))?;
    check_format(&connection, path)?;
    Ok(connection)
}

/// Opens a database in memory.
pub fn open_in_memory() -> Result<Connection, OpenError> {
    let path = PathBuf::from(":memory:");
    let connection = Connection::open_in_memory().map_err(|error| open_error(&path, &error))?;
    create_schema(&connection).map_err(|error| open_error(&path, &error))?;
    Ok(connection)
}

/// Whether the database is still without tables; with tables it must be ours.
fn is_new(connection: &Connection, path: &Path) -> Result<bool, OpenError> {
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| open_error(path, &error))?;
    if tables > 0 {
        check_format(connection, path)?;
    }
    Ok(tables == 0)
}

fn create_schema(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {SCHEMA} PRAGMA application_id = {APPLICATION_ID}; \
         PRAGMA user_version = {FORMAT}; COMMIT;"
    ))
}

fn check_format(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let pragma = |name: &str| -> Result<i64, OpenError> {
        connection
            .query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
            .map_err(|error| open_error(path, &error))
    };
    if pragma("application_id")? != APPLICATION_ID {
        return Err(OpenError::NotADatabase(path.to_path_buf()));
    }
    let found = pragma("user_version")?;
    if found > FORMAT {
        return Err(OpenError::Newer { path: path.to_path_buf(), found, known: FORMAT });
    }
    Ok(())
}

/// What an error at opening means.
pub fn open_error(path: &Path, error: &rusqlite::Error) -> OpenError {
    let path = path.to_path_buf();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase(path),
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Corrupt { path, what: error.to_string() },
        _ => OpenError::Database { path, what: error.to_string() },
    }
}

/// What an error before a commit means: nothing was written.
pub fn store_error(error: rusqlite::Error) -> StoreError {
    let what = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full(what),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt(what),
        _ => match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..) => StoreError::Corrupt(what),
            _ => StoreError::Unavailable(what),
        },
    }
}

/// What an error of the commit itself means.
pub fn commit_error(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full(error.to_string()),
        _ => StoreError::UnknownOutcome(error.to_string()),
    }
}
