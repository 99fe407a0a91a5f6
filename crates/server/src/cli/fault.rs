//! Why a command did not do what it was asked: what happened, to which thing, what to do next.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// A command that failed.
#[derive(Debug)]
pub struct Fault {
    message: String,
    causes: Vec<String>,
    advice: Option<String>,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Failure,
    Usage,
}

impl Fault {
    /// The world failed, or said no.
    pub fn failure(message: impl Into<String>) -> Self {
        Self::new(message, Kind::Failure)
    }

    /// The command line, the environment or the configuration asks for what cannot be.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(message, Kind::Usage)
    }

    fn new(message: impl Into<String>, kind: Kind) -> Self {
        Self { message: message.into(), causes: Vec::new(), advice: None, kind }
    }

    /// What was beneath it, down to the root.
    #[must_use]
    pub fn because(mut self, error: &dyn Error) -> Self {
        let mut cause = Some(error);
        while let Some(error) = cause {
            self.causes.push(error.to_string());
            cause = error.source();
        }
        self
    }

    /// What to do next.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// What happened, alone.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the process exits with: 1 for a failure, 2 for wrong usage.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self.kind {
            Kind::Failure => ExitCode::from(1),
            Kind::Usage => ExitCode::from(2),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for cause in &self.causes {
            write!(f, "\n  because: {cause}")?;
        }
        if let Some(advice) = &self.advice {
            write!(f, "\n  next: {advice}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_what_why_and_what_next() {
        let cause = std::io::Error::other("address already in use");
        let fault = Fault::failure("cannot listen on 127.0.0.1:8420")
            .because(&cause)
            .advise("choose another address with --listen");
        assert_eq!(
            fault.to_string(),
            "cannot listen on 127.0.0.1:8420\n  because: address already in use\n  \
             next: choose another address with --listen"
        );
    }
}
