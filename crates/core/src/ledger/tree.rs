//! The Merkle tree of RFC 6962, section 2.1, as it grows.

use alloc::vec::Vec;

use sha2::{Digest, Sha256};

/// A node of the tree.
pub type Hash = [u8; 32];

/// The hash of a record: `SHA-256(0x00 || record)`.
#[must_use]
pub fn leaf_hash(record: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(record).finalize().into()
}

/// The hash of two nodes: `SHA-256(0x01 || left || right)`.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    Sha256::digest(bytes).into()
}

/// The root of a tree without leaves: `SHA-256()`.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// A complete subtree: `2^height` leaves, the `index`-th of that size from the left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Its height; leaves have zero.
    pub height: u8,
    /// How many complete subtrees of the same height lie to its left.
    pub index: u64,
}

/// What must be known of a tree to append to it: the roots of its complete subtrees.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees from left to right, one for each set bit of `size`.
    roots: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree of `size` leaves whose complete subtrees, from left to right,
    /// have these roots. None if the numbers do not correspond.
    #[must_use]
    pub fn new(size: u64, roots: Vec<Hash>) -> Option<Self> {
        (roots.len() == size.count_ones() as usize).then_some(Self { size, roots })
    }

    /// Leaves in the tree.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf. `completed` hears of every subtree that the leaf completes, the lowest
    /// first.
    pub fn push(&mut self, leaf: Hash, mut completed: impl FnMut(Position, Hash)) {
        let mut hash = leaf;
        let mut position = Position { height: 0, index: self.size };
        completed(position, hash);
        for _ in 0..self.size.trailing_ones() {
            let left = self.roots.pop().expect("one root for each set bit of the size");
            hash = node_hash(&left, &hash);
            position = Position { height: position.height + 1, index: position.index >> 1 };
            completed(position, hash);
        }
        self.roots.push(hash);
        self.size += 1;
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut from_right = self.roots.iter().rev();
        let Some(last) = from_right.next() else {
            return empty_root();
        };
        from_right.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// The complete subtrees whose roots make up a tree of `size` leaves, from left to right.
pub fn complete_subtrees(size: u64) -> impl Iterator<Item = Position> {
    (0..64u8)
        .rev()
        .filter(move |height| size >> height & 1 == 1)
        .map(move |height| Position { height, index: (size >> height) - 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len() / 2)
            .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
            .collect()
    }

    /// The definition of RFC 6962, word for word.
    pub fn slow_root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node_hash(&slow_root(&leaves[..split]), &slow_root(&leaves[split..]))
            }
        }
    }

    #[test]
    fn published_vectors() {
        let leaves = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let roots = [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (4, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
            (7, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ];
        for (size, root) in roots {
            let mut frontier = Frontier::default();
            for leaf in &leaves[..size] {
                frontier.push(leaf_hash(&hex(leaf)), |_, _| {});
            }
            assert_eq!(frontier.root().to_vec(), hex(root), "{size} leaves");
        }
    }

    #[test]
    fn a_frontier_grows_like_the_definition_and_can_be_rebuilt() {
        let leaves: Vec<Hash> = (0..70u8).map(|i| leaf_hash(&[i])).collect();
        let mut frontier = Frontier::default();
        let mut nodes = hashbrown::HashMap::new();
        for (size, leaf) in leaves.iter().enumerate() {
            assert_eq!(frontier.root(), slow_root(&leaves[..size]));
            let roots = complete_subtrees(size as u64).map(|position| nodes[&position]).collect();
            assert_eq!(Frontier::new(size as u64, roots).unwrap(), frontier);
            frontier.push(*leaf, |position, hash| {
                nodes.insert(position, hash);
            });
        }
        assert!(Frontier::new(3, alloc::vec![leaves[0]]).is_none());
    }
}
