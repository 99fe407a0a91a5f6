//! Bytes that are no JSON, and where they stop being it.

use std::fmt;

/// Why bytes are no JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// What was found or missing.
    pub reason: String,
    /// The line, from 1.
    pub line: usize,
    /// The byte in the line, from 1; 0 is before the first.
    pub column: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, line, column } = self;
        write!(f, "{reason}, at line {line}, column {column}")
    }
}

impl From<serde_json::Error> for Malformed {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let told = error.to_string();
        // The library appends the position to its words; ours has a form of its own.
        let position = format!(" at line {line} column {column}");
        let words = told.strip_suffix(&position).unwrap_or(&told);
        Self { reason: format!("the text is not JSON: {words}"), line, column }
    }
}

/// The bytes as text.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let begin = before.iter().rposition(|byte| *byte == b'\n');
        Malformed {
            reason: "the text is not UTF-8".into(),
            line,
            column: before.len() - begin.map_or(0, |newline| newline + 1) + 1,
        }
    })
}
