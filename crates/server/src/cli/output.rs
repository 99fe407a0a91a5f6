//! The two streams: standard output is data, standard error is talk.

use std::fmt;
use std::io::{self, Write as _};

use super::fault::Fault;

/// Writes one line, or a block of lines, of data.
///
/// A reader that has gone away (`usance license list | head`) is no failure: the rest is not
/// wanted, and the process ends quietly.
///
/// # Errors
/// If standard output cannot be written for another reason.
pub fn line(text: impl fmt::Display) -> Result<(), Fault> {
    raw(format_args!("{text}\n"))
}

/// Writes data as it is, without a line end.
///
/// # Errors
/// As [`line()`].
pub fn raw(text: impl fmt::Display) -> Result<(), Fault> {
    let mut stdout = io::stdout().lock();
    let written = write!(stdout, "{text}").and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Fault::failure("cannot write to standard output").because(&error)),
        Ok(()) => Ok(()),
    }
}

/// Says something to the person at the terminal.
pub fn talk(text: impl fmt::Display) {
    let mut stderr = io::stderr().lock();
    // Talk that nobody can hear is no reason to stop.
    writeln!(stderr, "{text}").unwrap_or_default();
}
