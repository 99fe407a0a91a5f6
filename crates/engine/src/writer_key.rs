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
/// another length.
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
            if directory.join(sqlite::FILE_NAME).exists() {
                let why = "is missing; put the key back that the database was written with";
                return Err(failed(Error::other(why)));
            }
            let secret = random::bytes();
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&path).map_err(failed)?;
            file.write_all(&secret).and_then(|()| file.sync_all()).map_err(failed)?;
            File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
            Ok(secret)
        }
        Err(error) => Err(failed(error)),
    }
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
