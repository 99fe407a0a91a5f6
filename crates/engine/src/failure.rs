//! Why the engine did not do what it was asked.

use usance_core::refusal::Refusal;

/// Why a request was not carried out. In every case nothing of it has happened, or the engine
/// could not learn whether it has ([`Failure::Unknown`]).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// An expected no.
    #[error("{0}")]
    Refused(Refusal),
    /// More is waiting than the mailbox holds.
    #[error("too many requests are waiting")]
    Overloaded,
    /// The disk is full; writes are refused until there is room.
    #[error("the disk is full")]
    StorageFull,
    /// The storage failed; writes have stopped, see `/readyz`.
    #[error("the storage failed and writes have stopped")]
    StorageFailed,
    /// The storage failed while committing: a restart will show whether it happened. Ask again with
    /// the same idempotency key.
    #[error("the outcome is unknown")]
    Unknown,
    /// The server is stopping.
    #[error("the server is stopping")]
    Closing,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Why a data directory cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("data directory {0} is in use by another usance process; stop that one first")]
    InUse(std::path::PathBuf),
    /// It was written by a newer version.
    #[error(
        "data directory {path} has format {found}, and this usance knows up to {known}; \
         use a newer usance"
    )]
    Newer {
        /// Which directory.
        path: std::path::PathBuf,
        /// Its format.
        found: i64,
        /// The newest known format.
        known: i64,
    },
    /// The file is no usance database.
    #[error("{0} is not a usance database, or its header is damaged; restore a backup")]
    NotADatabase(std::path::PathBuf),
    /// The database contradicts itself.
    #[error("{path} is damaged: {what}; run `usance verify`, then restore a backup")]
    Corrupt {
        /// Which file.
        path: std::path::PathBuf,
        /// What was found.
        what: String,
    },
    /// A file could not be made, read or written.
    #[error("cannot use {path}")]
    Io {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database engine failed.
    #[error("cannot open {path}: {what}")]
    Database {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        what: String,
    },
}
