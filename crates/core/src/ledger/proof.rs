//! Proofs of RFC 6962, section 2.1: that a record is in a tree, and that a tree continues another.
//!
//! Verification follows RFC 9162, sections 2.1.3.2 and 2.1.4.2.

use alloc::vec::Vec;

use super::tree::{Hash, Position, complete_subtrees, node_hash};

/// Where the hashes of complete subtrees come from.
pub trait Nodes {
    /// What can go wrong.
    type Error;

    /// The root of a complete subtree.
    ///
    /// # Errors
    /// If it is not to be had.
    fn node(&mut self, position: Position) -> Result<Hash, Self::Error>;
}

/// The audit path of leaf `index` in a tree of `size` leaves, from the leaf upwards.
/// Empty if there is no such leaf.
///
/// # Errors
/// Those of `nodes`.
pub fn inclusion<N: Nodes>(index: u64, size: u64, nodes: &mut N) -> Result<Vec<Hash>, N::Error> {
    let mut path = Vec::new();
    let (mut begin, mut end) = (0, size);
    let mut siblings = Vec::new();
    while index < size && end - begin > 1 {
        let split = begin + split(end - begin);
        if index < split {
            siblings.push((split, end));
            end = split;
        } else {
            siblings.push((begin, split));
            begin = split;
        }
    }
    for (from, to) in siblings.into_iter().rev() {
        path.push(range_hash(from, to, nodes)?);
    }
    Ok(path)
}

/// The proof that a tree of `to` leaves continues one of `from` leaves.
/// Empty if `from` is zero, equal to `to`, or larger.
///
/// # Errors
/// Those of `nodes`.
pub fn consistency<N: Nodes>(from: u64, to: u64, nodes: &mut N) -> Result<Vec<Hash>, N::Error> {
    if from == 0 || from >= to {
        return Ok(Vec::new());
    }
    let (mut begin, mut end) = (0, to);
    let mut siblings = Vec::new();
    while end != from {
        let split = begin + split(end - begin);
        if from <= split {
            siblings.push((split, end));
            end = split;
        } else {
            siblings.push((begin, split));
            begin = split;
        }
    }
    let mut path = Vec::new();
    if begin != 0 {
        path.push(range_hash(begin, end, nodes)?);
    }
    for (from, to) in siblings.into_iter().rev() {
        path.push(range_hash(from, to, nodes)?);
    }
    Ok(path)
}

/// Whether `leaf` is number `index` in the tree of `size` leaves with this root.
#[must_use]
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether the tree of `to` leaves with root `new` continues that of `from` leaves with root `old`.
#[must_use]
pub fn verify_consistency(from: u64, to: u64, old: &Hash, new: &Hash, path: &[Hash]) -> bool {
    if from == to {
        return path.is_empty() && old == new;
    }
    if from == 0 || from > to {
        return from == 0 && path.is_empty();
    }
    let mut path = path.iter();
    let first = if from.is_power_of_two() { Some(old) } else { path.next() };
    let Some(first) = first else { return false };
    let (mut node, mut last) = (from - 1, to - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old && new_hash == *new
}

/// The largest power of two below `size`, which is at least two.
const fn split(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}

/// The hash over leaves `[begin, end)`, where `begin` is a multiple of the range's largest
/// complete subtree: always so for the ranges of a proof.
fn range_hash<N: Nodes>(begin: u64, end: u64, nodes: &mut N) -> Result<Hash, N::Error> {
    let mut roots = Vec::new();
    for position in complete_subtrees(end - begin) {
        let index = position.index + (begin >> position.height);
        roots.push(nodes.node(Position { index, ..position })?);
    }
    let mut from_right = roots.into_iter().rev();
    let last = from_right.next().expect("ranges of a proof are not empty");
    Ok(from_right.fold(last, |right, left| node_hash(&left, &right)))
}

#[cfg(test)]
mod tests;
