//! Questions to the ledger: checkpoints and proofs.

use usance_core::ledger::checkpoint::{Checkpoint, Verifier};
use usance_core::ledger::proof;
use usance_core::refusal::{Kind, Refusal};
use usance_core::token::Permission;
use usance_core::view::{ConsistencyProof, InclusionProof};

use super::Queries;
use crate::catalogue::Undecided;
use crate::store::StoreError;
use crate::stored_tree::StoredTree;
use crate::unit::{Block, LedgerNumber};
use crate::writer_key::origin;

impl Queries<'_> {
    /// The newest signed checkpoint of the caller's account, as a note.
    ///
    /// # Errors
    /// A refusal, or the store's.
    pub fn checkpoint(&self, verifier: &Verifier) -> Result<String, Undecided> {
        let (_, block) = self.ledger()?;
        let unsigned = || StoreError::Corrupt("the ledger's last block is not signed".into());
        let signature = block.signature.ok_or_else(unsigned)?;
        let checkpoint = Checkpoint {
            origin: origin(self.caller.account, self.writer),
            size: block.first + block.count,
            root: block.root,
        };
        Ok(verifier.note(&checkpoint, &signature))
    }

    /// Proof that a record is in the tree of `size`.
    ///
    /// # Errors
    /// A refusal, or the store's.
    pub fn inclusion(&self, record: u64, size: Option<u64>) -> Result<InclusionProof, Undecided> {
        let (ledger, block) = self.ledger()?;
        let newest = block.first + block.count;
        let size = size.unwrap_or(newest);
        if size == 0 || size > newest {
            return Err(beyond("size", newest).into());
        }
        if record >= size {
            return Err(
                Refusal::Unknown(Kind::Record, format!("{record} in a ledger of {size}")).into()
            );
        }
        let mut tree = StoredTree::new(self.reader, ledger);
        Ok(InclusionProof {
            record,
            bytes: tree.record(record)?.to_vec(),
            size,
            root: tree.frontier(size)?.root(),
            path: proof::inclusion(record, size, &mut tree)?,
        })
    }

    /// Proof that the tree of `to` continues that of `from`.
    ///
    /// # Errors
    /// A refusal, or the store's.
    pub fn consistency(&self, from: u64, to: u64) -> Result<ConsistencyProof, Undecided> {
        let (ledger, block) = self.ledger()?;
        let newest = block.first + block.count;
        if to > newest {
            return Err(beyond("to", newest).into());
        }
        if from > to {
            return Err(Refusal::invalid("from", "must not be larger than to").into());
        }
        let mut tree = StoredTree::new(self.reader, ledger);
        Ok(ConsistencyProof {
            from,
            to,
            from_root: tree.frontier(from)?.root(),
            to_root: tree.frontier(to)?.root(),
            path: proof::consistency(from, to, &mut tree)?,
        })
    }

    fn ledger(&self) -> Result<(LedgerNumber, Block), Undecided> {
        self.caller.need(Permission::LedgerRead)?;
        self.caller.need_unlocked()?;
        let empty = || Refusal::Unknown(Kind::Record, "in this ledger yet".into());
        let number = self.reader.ledger_number(self.caller.account, self.writer)?;
        let number = number.ok_or_else(empty)?;
        Ok((number, self.reader.last_block(number)?.ok_or_else(empty)?))
    }
}

fn beyond(field: &'static str, newest: u64) -> Refusal {
    Refusal::Invalid {
        field: field.into(),
        reason: format!("must be 1 to {newest}, the size of the ledger").into(),
    }
}
