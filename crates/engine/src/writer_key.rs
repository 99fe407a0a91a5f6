//! The key pair by which this process signs its ledgers: 32 secret bytes in a file of mode 0600.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Write as _};
use std::path::Path;

use usance_core::id::WriterId;
use usance_core::ledger::checkpoint::Signer;

use crate::failure::OpenError;
use crate::random;
use crate::store::sqlite;

/// The file's name in the data directory.
pub const FILE_NAME: &str = "writer.key";

/// Reads the secret key of a data directory, or makes one for a fresh directory. A database that is
/// there was written with a key, and would not count on with another one.
///
/// # Errors
/// [`OpenError::Io`] if the file cannot be read or made, is missing beside a database, or has
/// another length; any [`OpenError`] of that database.
pub fn load_or_create(directory: &Path) -> Result<[u8; 32], OpenError> {
    let path = directory.join(FILE_NAME);
    let failed = |source| OpenError::Io { path: path.clone(), source };
    match File::open(&path) {
        Ok(mut file) => {
            let mut secret = Vec::new();
            file.read_to_end(&mut secret).map_err(failed)?;
            secret.try_into().map_err(|_| failed(Error::other("is not 32 bytes long")))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let database = directory.join(sqlite::FILE_NAME);
            if database.exists() {
                // What is no database of ours has worse to be told of it.
                sqlite::open_for_reading(&database)?;
                let why = "is missing; put the key back that the database was written with";
                return Err(failed(Error::other(why)));
            }
            let secret = random::bytes();
            create(directory, &path, &secret).map_err(failed)?;
            Ok(secret)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Writes the file whole or not at all: a crash must not leave half a key, with which no server
/// could start again.
fn create(directory: &Path, path: &Path, secret: &[u8; 32]) -> std::io::Result<()> {
    let draft = path.with_extension("new");
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(secret)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    File::open(directory)?.sync_all()
}

/// The signer of a writer.
#[must_use]
pub fn signer(writer: WriterId, secret: &[u8; 32]) -> Signer {
    Signer::new(&signer_name(writer), secret)
}

/// The name by which a writer signs.
#[must_use]
pub fn signer_name(writer: WriterId) -> String {
    format!("usance/{writer}")
}

/// The origin line of the ledger of an account by a writer.
#[must_use]
pub fn origin(account: usance_core::id::AccountId, writer: WriterId) -> String {
    format!("usance/{account}/{writer}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_that_a_crash_left_is_no_key() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("writer.new"), [7; 5]).unwrap();
        let secret = load_or_create(dir.path()).unwrap();
        assert_eq!(load_or_create(dir.path()).unwrap(), secret);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
