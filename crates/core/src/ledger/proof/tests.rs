use alloc::vec::Vec;
use core::convert::Infallible;

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use hashbrown::HashMap;
use proptest::prelude::*;

use super::super::tree::{Frontier, leaf_hash};
use super::*;

/// All complete subtrees of a tree whose leaf `i` is the record `[i]` (little-endian u64).
struct Known(HashMap<Position, Hash>);

impl Nodes for Known {
    type Error = Infallible;

    fn node(&mut self, position: Position) -> Result<Hash, Infallible> {
        Ok(self.0[&position])
    }
}

fn tree(size: u64) -> (Known, Vec<Hash>) {
    let mut frontier = Frontier::default();
    let mut known = HashMap::new();
    let mut roots = Vec::from([frontier.root()]);
    for leaf in 0..size {
        frontier.push(leaf_hash(&leaf.to_le_bytes()), |position, hash| {
            known.insert(position, hash);
        });
        roots.push(frontier.root());
    }
    (Known(known), roots)
}

#[test]
fn every_proof_of_small_trees_holds_and_no_other() {
    let (mut known, roots) = tree(40);
    for size in 1..=40u64 {
        let root = &roots[usize::try_from(size).unwrap()];
        for index in 0..size {
            let leaf = known.0[&Position { height: 0, index }];
            let path = inclusion(index, size, &mut known).unwrap();
            assert!(verify_inclusion(&leaf, index, size, &path, root));
            assert!(!verify_inclusion(&leaf, index, size, &path, &leaf) || size == 1);
            assert!(!verify_inclusion(&leaf, index + size, size, &path, root));
            assert!(index + 1 >= size || !verify_inclusion(&leaf, index + 1, size, &path, root));
        }
        for from in 0..=size {
            let old = &roots[usize::try_from(from).unwrap()];
            let path = consistency(from, size, &mut known).unwrap();
            assert!(verify_consistency(from, size, old, root, &path), "{from} to {size}");
            let forged = node_hash(old, old);
            assert!(from == 0 || !verify_consistency(from, size, &forged, root, &path));
        }
    }
}

#[test]
fn the_oracle_agrees() {
    let mut oracle = MemoryBackedTree::<sha2::Sha256, [u8; 8]>::new();
    let (mut known, roots) = tree(100);
    for leaf in 0..100u64 {
        oracle.push(leaf.to_le_bytes());
    }
    assert_eq!(oracle.root().as_bytes().as_slice(), roots[100].as_slice());
    for index in 0..100u64 {
        let path = inclusion(index, 100, &mut known).unwrap();
        let expected = oracle.prove_inclusion(usize::try_from(index).unwrap());
        assert_eq!(path.concat(), expected.as_bytes());
    }
    for added in 1..100u64 {
        let path = consistency(100 - added, 100, &mut known).unwrap();
        let expected = oracle.prove_consistency(usize::try_from(added).unwrap());
        assert_eq!(path.concat(), expected.as_bytes());
    }
}

proptest! {
    #[test]
    fn hostile_proofs_are_refused_quietly(
        index: u64, from: u64, to: u64,
        path in prop::collection::vec(any::<[u8; 32]>(), 0..70),
    ) {
        let hash = [1; 32];
        prop_assert!(!verify_inclusion(&hash, index, to, &path, &[2; 32]));
        prop_assert!(from == 0 || !verify_consistency(from, to, &hash, &[2; 32], &path));
    }
}
