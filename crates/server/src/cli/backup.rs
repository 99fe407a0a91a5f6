//! `usance backup`: a consistent copy of the data, also while a server uses it.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use self::engine::BackupReport;
use super::fault::Fault;
use super::progress::Progress;
use super::serve::not_opened;
use super::{figures, output};

/// Copy a data directory into one file, also while a server uses it
#[derive(Debug, Args)]
#[command(after_help = "\
The copy is what was committed at one instant. A target that is already there is not overwritten.

Examples:
  usance backup /var/lib/usance /backup/usance-2026-11-23.usance
  usance verify /backup/usance-2026-11-23.usance")]
pub struct Backup {
    /// The data directory
    data: PathBuf,
    /// The file to make
    target: PathBuf,
}

impl Backup {
    /// Copies, and says what.
    ///
    /// # Errors
    /// If the data cannot be read, or the file not written.
    pub fn run(self) -> Result<(), Fault> {
        if self.target.exists() {
            return Err(Fault::failure(format!(
                "{} is already there, and is not overwritten",
                self.target.display()
            ))
            .advise("choose another name, or move it away"));
        }
        let begun = Instant::now();
        let progress = Progress::new("pages");
        let report = engine::backup(&self.data, &self.target, &mut |done, total| {
            progress.show(done, total);
        });
        drop(progress);
        let BackupReport {
            size_bytes,
            records,
        } = report.map_err(|error| not_opened(&error))?;
        output::line(format_args!(
            "backed up  {}\nto         {}\nholds      {} records in {} bytes\ntook       {}",
            self.data.display(),
            self.target.display(),
            figures::grouped(records),
            figures::grouped(size_bytes),
            figures::duration(begun.elapsed())
        ))?;
        output::talk(format_args!(
            "Check it with `usance verify {}`.",
            self.target.display()
        ));
        Ok(())
    }
}

/// Stands for `usance_engine::backup` until that is there.
mod engine {
    use std::path::Path;

    use usance_engine::OpenError;

    pub struct BackupReport {
        pub size_bytes: u64,
        pub records: u64,
    }

    pub fn backup(
        data: &Path,
        _: &Path,
        _: &mut dyn FnMut(u64, u64),
    ) -> Result<BackupReport, OpenError> {
        Err(OpenError::Io {
            path: data.into(),
            source: std::io::Error::other("backup is not part of this build yet"),
        })
    }
}
