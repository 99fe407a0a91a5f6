//! Copies a data directory's database into one file, while a server goes on writing.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::failure::OpenError;
use crate::store::sqlite::{FILE_NAME, open_error, open_for_reading};

/// Pages copied at a time: 16 MiB.
const STEP_PAGES: i32 = 4096;

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupReport {
    /// Bytes of the copy.
    pub bytes: u64,
}

/// Copies the database of `data` into the new file `target`. The copy is one consistent state, and
/// a complete server database without its secret key (`writer.key` is kept apart on purpose).
/// `progress` hears how many of how many pages are done.
///
/// # Errors
/// [`OpenError`]; a target that exists is never overwritten.
pub fn backup(
    data: &Path,
    target: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<BackupReport, OpenError> {
    let source = open_for_reading(&data.join(FILE_NAME))?;
    let io = |source| OpenError::Io { path: target.to_path_buf(), source };
    std::fs::File::create_new(target).map_err(io)?;
    let failed = |error: rusqlite::Error| open_error(target, &error);
    if let Err(error) = copy(&source, target, progress) {
        // Half a copy must not be taken for a whole one.
        std::fs::remove_file(target).map_err(io)?;
        return Err(failed(error));
    }
    std::fs::File::open(target).and_then(|file| file.sync_all()).map_err(io)?;
    let bytes = std::fs::metadata(target).map_err(io)?.len();
    Ok(BackupReport { bytes })
}

fn copy(
    source: &Connection,
    target: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> rusqlite::Result<()> {
    // One read snapshot for the whole copy: without it, each commit of the server starts it again.
    source.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")?;
    let mut copy = Connection::open(target)?;
    {
        let backup = Backup::new(source, &mut copy)?;
        loop {
            let step = backup.step(STEP_PAGES)?;
            let pages = backup.progress();
            let total = u64::try_from(pages.pagecount).unwrap_or(0);
            progress(total - u64::try_from(pages.remaining).unwrap_or(0), total);
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                _ => return Err(busy()),
            }
        }
    }
    // A single file that opens without a write-ahead log beside it.
    copy.pragma_update(None, "journal_mode", "DELETE")
}

/// Somebody else writes the target, which was made a moment ago.
fn busy() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    rusqlite::Error::SqliteFailure(code, None)
}
