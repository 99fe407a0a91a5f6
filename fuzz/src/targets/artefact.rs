//! What is handed out and comes back from machines that nobody sees.

use std::sync::LazyLock;

use usance_core::artefact::{Header, LicenseFile, PublicKey, SigningKey};
use usance_core::time::Timestamp;

/// What the encrypted file of the corpus is encrypted to.
const LICENSE_KEY: &str = "7K2QD-9X4M1-VB8ZT-0HJ5R-W3NEC";

/// Who signs the files of the corpus.
static KEYS: LazyLock<[PublicKey; 1]> =
    LazyLock::new(|| [SigningKey::from_seed(1, Timestamp(0), &[7; 32]).public()]);

/// What the files of the corpus say, plain and encrypted alike.
static SIGNED: LazyLock<LicenseFile> = LazyLock::new(|| {
    let text = include_str!("../../corpus/license_file/plain.lic");
    LicenseFile::open_unjudged(text, &*KEYS, None).expect("the corpus holds a signed file")
});

/// License files, and the notes within them: what opens was signed.
pub fn license_file(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        file(text);
    }
    file(&armoured(input));
}

fn file(text: &str) {
    let peeked = Header::peek(text);
    let verified = Header::verify(text, &*KEYS);
    if let Ok(header) = &verified {
        assert_eq!(Ok(header), peeked.as_ref(), "what is verified differs from what was read");
    }
    let opened = LicenseFile::open_unjudged(text, &*KEYS, Some(LICENSE_KEY));
    assert_eq!(opened.is_ok(), verified.is_ok(), "{text}");
    if let Ok(opened) = opened {
        assert_eq!(opened, *SIGNED, "forged");
    }
}

/// The armour of a license file around any bytes, without line ends within.
fn armoured(bytes: &[u8]) -> String {
    const SYMBOLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("-----BEGIN USANCE LICENSE FILE-----\n");
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let index = (bits >> (18 - 6 * place)) & 63;
            let symbol = SYMBOLS[usize::try_from(index).expect("six bits")];
            text.push(if place > group.len() { '=' } else { char::from(symbol) });
        }
    }
    text + "\n-----END USANCE LICENSE FILE-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::inputs;

    #[test]
    fn every_file_and_note_of_the_corpus_opens() {
        for input in inputs("license_file") {
            let text = String::from_utf8(input).unwrap();
            let text = if text.starts_with("-----") { text } else { armoured(text.as_bytes()) };
            let opened = LicenseFile::open_unjudged(&text, &*KEYS, Some(LICENSE_KEY));
            assert_eq!(opened.as_ref(), Ok(&*SIGNED));
        }
    }
}
