//! The inputs that a run begins with.

use std::fs;
use std::path::PathBuf;

/// The inputs of a target, in the order of their names: files as they are, but for those that end
/// in `.hex`.
pub fn inputs(target: &str) -> Vec<Vec<u8>> {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "corpus", target].iter().collect();
    let entries = fs::read_dir(&folder).expect("every target has a folder in the corpus");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("is readable").path()).collect();
    paths.sort();
    let inputs: Vec<_> = paths
        .iter()
        .map(|path| {
            let bytes = fs::read(path).expect("is readable");
            let is_hex = path.extension().is_some_and(|end| end == "hex");
            if is_hex { from_hex(&bytes) } else { bytes }
        })
        .collect();
    assert!(!inputs.is_empty(), "there is nothing in {}", folder.display());
    inputs
}

/// The bytes that hexadecimal digits stand for; white space is passed over.
fn from_hex(text: &[u8]) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).expect("only hexadecimal digits");
    let digits: Vec<u32> =
        text.iter().filter(|byte| !byte.is_ascii_whitespace()).map(digit).collect();
    let pairs = digits.chunks(2);
    pairs.map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits")).collect()
}

/// The hexadecimal digits of bytes.
pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
