//! The Merkle tree of a stored ledger: every 256th hash is stored, the rest follows from the
//! records.

use usance_core::ledger::block;
use usance_core::ledger::proof::Nodes;
use usance_core::ledger::tree::{
    Frontier, Hash, Position, complete_subtrees, leaf_hash, node_hash,
};

use crate::limits::NODE_HEIGHT_STEP;
use crate::store::{Reader, StoreError};
use crate::unit::{Block, LedgerNumber};

/// Reads one ledger, keeping the block it read last.
pub struct StoredTree<'a> {
    reader: &'a dyn Reader,
    ledger: LedgerNumber,
    block: Option<Block>,
}

/// Whether nodes of this height are stored.
#[must_use]
pub const fn is_stored(height: u8) -> bool {
    height > 0 && height.is_multiple_of(NODE_HEIGHT_STEP)
}

impl<'a> StoredTree<'a> {
    /// The tree of a ledger.
    #[must_use]
    pub fn new(reader: &'a dyn Reader, ledger: LedgerNumber) -> Self {
        Self { reader, ledger, block: None }
    }

    /// The block that holds a record.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if there is none.
    pub fn block(&mut self, record: u64) -> Result<&Block, StoreError> {
        let holds = |block: &Block| record >= block.first && record - block.first < block.count;
        if !self.block.as_ref().is_some_and(holds) {
            self.block = self.reader.block_of(self.ledger, record)?.filter(holds);
        }
        let missing = || StoreError::Corrupt(format!("record {record} is missing"));
        self.block.as_ref().ok_or_else(missing)
    }

    /// The bytes of a record.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if there are none.
    pub fn record(&mut self, record: u64) -> Result<&[u8], StoreError> {
        let block = self.block(record)?;
        let place = usize::try_from(record - block.first).unwrap_or(usize::MAX);
        let damaged = || StoreError::Corrupt(format!("the block of record {record} is damaged"));
        block::records(&block.body).nth(place).map(|(bytes, _)| bytes).ok_or_else(damaged)
    }

    /// What must be known to append to the tree of this size.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn frontier(&mut self, size: u64) -> Result<Frontier, StoreError> {
        let roots: Result<_, _> =
            complete_subtrees(size).map(|position| self.node(position)).collect();
        Ok(Frontier::new(size, roots?).expect("one root for each complete subtree"))
    }
}

impl Nodes for StoredTree<'_> {
    type Error = StoreError;

    fn node(&mut self, position: Position) -> Result<Hash, StoreError> {
        let Position { height, index } = position;
        if height == 0 {
            return self.record(index).map(leaf_hash);
        }
        if is_stored(height) {
            let missing = || StoreError::Corrupt(format!("tree node {position:?} is missing"));
            return self.reader.node(self.ledger, position)?.ok_or_else(missing);
        }
        let left = self.node(Position { height: height - 1, index: index * 2 })?;
        let right = self.node(Position { height: height - 1, index: index * 2 + 1 })?;
        Ok(node_hash(&left, &right))
    }
}
