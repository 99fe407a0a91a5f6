//! The temporary directory of a demonstration.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::cli::fault::Fault;

/// A directory that goes away with this value, unless it is kept.
pub struct TemporaryPlace {
    root: PathBuf,
    is_kept: bool,
}

impl TemporaryPlace {
    /// Makes one that nobody else has.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new() -> Result<Self, Fault> {
        let nanos =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
        let name = format!("usance-demo-{}-{nanos:09}", std::process::id());
        let root = std::env::temp_dir().join(name);
        make_private(&root).map_err(|error| {
            Fault::failure(format!("cannot make the directory {}", root.display()))
                .because(&error)
                .advise("point TMPDIR to a directory that can be written")
        })?;
        Ok(Self { root, is_kept: false })
    }

    /// Where the server's data lies.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Leaves it there.
    pub const fn keep(&mut self) {
        self.is_kept = true;
    }
}

impl Drop for TemporaryPlace {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed is in the system's temporary directory, and goes with it.
            std::fs::remove_dir_all(&self.root).unwrap_or_default();
        }
    }
}

fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    std::fs::DirBuilder::new().mode(0o700).create(path)
}
