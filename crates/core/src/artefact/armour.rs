//! Armour: base64 between two lines, so that e-mail, clipboards and editors do no harm.

use alloc::string::String;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::ArtefactError;
use crate::limits::{LICENSE_FILE_BYTES_MAX, LICENSE_FILE_SEALED_BYTES_MAX};

const BEGIN: &str = "-----BEGIN USANCE LICENSE FILE-----";
const END: &str = "-----END USANCE LICENSE FILE-----";

/// Symbols of a line, as in RFC 7468.
const LINE_SYMBOLS: usize = 64;

/// The note in armour, or none if it is too long.
pub(super) fn close(note: &str) -> Option<String> {
    let symbols = BASE64.encode(note);
    let mut text = String::with_capacity(symbols.len() + symbols.len() / LINE_SYMBOLS + 80);
    text.push_str(BEGIN);
    for (index, symbol) in symbols.chars().enumerate() {
        if index % LINE_SYMBOLS == 0 {
            text.push('\n');
        }
        text.push(symbol);
    }
    text.push('\n');
    text.push_str(END);
    text.push('\n');
    (text.len() <= LICENSE_FILE_SEALED_BYTES_MAX).then_some(text)
}

/// The note within. Blanks and line ends may have changed anywhere but inside the two marks, and a
/// byte order mark may have come before; nothing else may.
pub(super) fn open(text: &str) -> Result<String, ArtefactError> {
    use ArtefactError::Malformed;
    if text.len() > LICENSE_FILE_BYTES_MAX {
        return Err(Malformed("it is longer than 64 KiB"));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_matches(is_blank);
    let text =
        text.strip_prefix(BEGIN).ok_or(Malformed("it does not begin with its BEGIN line"))?;
    let text = text.strip_suffix(END).ok_or(Malformed("it does not end with its END line"))?;
    let symbols: String = text.chars().filter(|c| !is_blank(*c)).collect();
    let bytes = BASE64.decode(symbols).map_err(|_| Malformed("its text is not base64"))?;
    String::from_utf8(bytes).map_err(|_| Malformed("its text is not UTF-8"))
}

const fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}
