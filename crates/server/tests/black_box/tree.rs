//! Merkle trees of RFC 6962 and checkpoints of C2SP, once more and independent of the product.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub type Hash = [u8; 32];

/// What a checkpoint says. Its signature is for `usance verify` and the second verifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

impl Head {
    /// Reads a signed note.
    pub fn of(note: &str) -> Self {
        let lines: Vec<&str> = note.lines().collect();
        let [origin, size, root, "", signature] = lines[..] else {
            panic!("not a checkpoint with one signature: {note:?}")
        };
        assert!(signature.starts_with("— usance/wri_"), "{note:?}");
        Self { origin: origin.to_owned(), size: size.parse().unwrap(), root: hash(root) }
    }
}

/// A hash in base64.
pub fn hash(text: &str) -> Hash {
    STANDARD.decode(text).unwrap().try_into().unwrap()
}

/// The path of a served proof.
pub fn path(proof: &Value) -> Vec<Hash> {
    proof["path"].as_array().unwrap().iter().map(|node| hash(node.as_str().unwrap())).collect()
}

/// The hash of a record.
pub fn leaf(record: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(record).finalize().into()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The largest power of two below `size`, which is above one.
fn split(size: u64) -> u64 {
    size.next_power_of_two() / 2
}

/// The root that a leaf and its path lead to, by the recursion of RFC 6962, section 2.1.1.
pub fn root_of_inclusion(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Hash {
    let Some((sibling, below)) = path.split_last() else {
        assert_eq!((index, size), (0, 1), "the path is too short");
        return leaf;
    };
    let split = split(size);
    if index < split {
        return node(&root_of_inclusion(leaf, index, split, below), sibling);
    }
    node(sibling, &root_of_inclusion(leaf, index - split, size - split, below))
}

/// Both roots that a consistency proof leads to, by the recursion of RFC 6962, section 2.1.2.
pub fn roots_of_consistency(old: &Head, new: &Head, path: &[Hash]) -> (Hash, Hash) {
    if old.size == new.size {
        assert!(path.is_empty());
        return (old.root, new.root);
    }
    subproof(old.size, new.size, path, Some(old.root))
}

/// `whole` is the old root where the old tree is a complete subtree from the left edge.
fn subproof(old: u64, new: u64, path: &[Hash], whole: Option<Hash>) -> (Hash, Hash) {
    if old == new {
        let hash = whole.unwrap_or_else(|| *path.first().expect("the path goes on"));
        assert_eq!(path.len(), usize::from(whole.is_none()), "the path is too long");
        return (hash, hash);
    }
    let (sibling, below) = path.split_last().expect("the path goes on");
    let split = split(new);
    if old <= split {
        let (of_old, of_new) = subproof(old, split, below, whole);
        return (of_old, node(&of_new, sibling));
    }
    let (of_old, of_new) = subproof(old - split, new - split, below, None);
    (node(sibling, &of_old), node(sibling, &of_new))
}
