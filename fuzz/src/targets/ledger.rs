//! What lies in a ledger, and what is signed of it.

use std::sync::LazyLock;

use usance_core::id::{AccountId, WriterId};
use usance_core::ledger::audit::Auditor;
use usance_core::ledger::block::{push, records};
use usance_core::ledger::checkpoint::{Checkpoint, Signer, Verifier};
use usance_core::ledger::record::{Event, Record};
use usance_core::ledger::tree::leaf_hash;

/// What reads back is the only encoding of what it says.
pub fn record(input: &[u8]) {
    let Ok(record) = Record::decode(input) else {
        return;
    };
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    assert_eq!(bytes, input, "{record:?} has two encodings");
    if let Event::Use(event) = &record.event {
        let mut names: Vec<&str> = event.attributes.iter().map(|(name, _)| name).collect();
        let count = names.len();
        names.dedup();
        assert!(count == names.len() && names.is_sorted(), "{names:?}");
    }
    let mut auditor = auditor();
    let is_opening = matches!(record.event, Event::Opened { .. });
    assert!(is_opening || auditor.record(input).is_err(), "a ledger begins with its opening");
}

fn auditor() -> Auditor {
    Auditor::new(AccountId::from_bytes([1; 16]), WriterId::from_bytes([2; 16]))
}

/// What reads back of a block is what its beginning says, and an auditor survives all of it.
pub fn block(input: &[u8]) {
    let mut again = Vec::new();
    let mut auditor = auditor();
    let mut hashes = Vec::new();
    for (bytes, check) in records(input) {
        let mut leaf = [0; 32];
        leaf[..4].copy_from_slice(&check);
        push(&mut again, bytes, &leaf);
        record(bytes);
        if auditor.record(bytes).is_ok() {
            hashes.push(leaf_hash(bytes));
        }
    }
    assert!(input.starts_with(&again), "a block has two forms");
    assert_eq!(auditor.size(), auditor.tally().records);
}

/// Who signs the notes of the corpus.
static SIGNER: LazyLock<Signer> =
    LazyLock::new(|| Signer::new("usance/wri_0193b2c4d5e67890a1b2c3d4e5f60718", &[7; 32]));

/// What the notes of the corpus say.
fn signed() -> [Checkpoint; 2] {
    let origin = "usance/acc_0193b2c4d5e67890a1b2c3d4e5f60718/wri_0193b2c4d5e67890a1b2c3d4e5f60718";
    [(0, [0xe3; 32]), (1_000_000, [0x5a; 32])].map(|(size, root)| Checkpoint {
        origin: origin.into(),
        size,
        root,
    })
}

/// Notes and keys: what opens was signed, and what reads shows as it was written.
pub fn note(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let claimed = Checkpoint::peek(text);
    if let Some(claimed) = &claimed {
        assert!(text.starts_with(&claimed.body()), "{claimed:?}");
    }
    if let Ok(opened) = Checkpoint::open(text, SIGNER.verifier()) {
        assert_eq!(Some(&opened), claimed.as_ref());
        assert!(signed().contains(&opened), "forged: {opened:?}");
    }
    if let Ok(verifier) = Verifier::parse(text) {
        assert_eq!(verifier.to_string(), text.trim());
        assert!(Checkpoint::open(text, &verifier).is_err());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::inputs;

    #[test]
    fn the_corpus_holds_what_is_signed_here() {
        let mut expected: Vec<Vec<u8>> = signed()
            .iter()
            .map(|checkpoint| {
                let signature = SIGNER.sign(checkpoint);
                SIGNER.verifier().note(checkpoint, &signature).into_bytes()
            })
            .collect();
        expected.push(format!("{}\n", SIGNER.verifier()).into_bytes());
        assert_eq!(inputs("note"), expected);
        for note in &expected[..2] {
            let note = std::str::from_utf8(note).unwrap();
            assert!(Checkpoint::open(note, SIGNER.verifier()).is_ok());
        }
    }

    #[test]
    fn every_record_of_the_corpus_is_one() {
        for bytes in inputs("record") {
            assert!(Record::decode(&bytes).is_ok(), "{bytes:02x?}");
        }
        for body in inputs("block") {
            assert!(records(&body).count() > 0);
        }
    }
}
