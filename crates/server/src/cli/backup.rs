//! `usance backup`: a consistent copy of the data, also while a server uses it.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use usance_engine::backup::BackupReport;

use super::fault::Fault;
use super::progress::Progress;
use super::serve::not_opened;
use super::{figures, output};

/// Copy a data directory into one file, also while a server uses it
#[derive(Debug, Args)]
#[command(after_help = "\
The copy is what was committed at one instant: a complete database, but for the secret key that
signs checkpoints (writer.key), which is to be kept apart. A target that is already there is not
overwritten.

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
        let report = usance_engine::backup::backup(&self.data, &self.target, &mut |done, total| {
            progress.show(done, total);
        });
        drop(progress);
        let BackupReport { bytes } = report.map_err(|error| not_opened(&error))?;
        output::line(format_args!(
            "backed up  {}\nto         {}\nsize       {} bytes\ntook       {}",
            self.data.display(),
            self.target.display(),
            figures::grouped(bytes),
            figures::duration(begun.elapsed())
        ))?;
        output::talk(format_args!("Check it with `usance verify {}`.", self.target.display()));
        Ok(())
    }
}
