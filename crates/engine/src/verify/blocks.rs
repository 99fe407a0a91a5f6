//! Reads the blocks of a ledger, while a second thread hashes their records.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rusqlite::Connection;
use usance_core::ledger::block;
use usance_core::ledger::tree::{Hash, leaf_hash};

use crate::store::sqlite::{row_id, rows};
use crate::unit::{Block, LedgerNumber};

/// Blocks that travel between the threads together, so that they seldom wake each other.
const BLOCKS_TOGETHER: usize = 32;
/// Such parcels on their way to the hashing thread and back: 16 MiB at the most.
const PARCELS_UNDER_WAY: usize = 16;

/// A block and the leaf hash of each of its records.
pub struct HashedBlock {
    pub block: Block,
    pub leaves: Vec<Hash>,
}

/// Gives each block of a ledger in order to `audit`, until that says no.
pub fn for_each_hashed(
    db: &Connection,
    ledger: LedgerNumber,
    mut audit: impl FnMut(&HashedBlock) -> rusqlite::Result<bool>,
) -> rusqlite::Result<()> {
    let sql = format!("SELECT {} FROM block WHERE id >= ?1 AND id < ?2 ORDER BY id", rows::BLOCK);
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query([row_id(ledger, 0), row_id(ledger.saturating_add(1), 0)])?;
    thread::scope(|scope| {
        let (to_hash, unhashed) = sync_channel(PARCELS_UNDER_WAY);
        let (hashed, to_audit) = sync_channel(PARCELS_UNDER_WAY);
        scope.spawn(move || hash_all(&unhashed, &hashed));
        let mut under_way = 0;
        loop {
            let mut parcel = Vec::with_capacity(BLOCKS_TOGETHER);
            while parcel.len() < BLOCKS_TOGETHER
                && let Some(row) = found.next()?
            {
                parcel.push(rows::block(row, ledger)?);
            }
            let is_last = parcel.len() < BLOCKS_TOGETHER;
            if to_hash.send(parcel).is_ok() {
                under_way += 1;
            }
            while under_way > if is_last { 0 } else { PARCELS_UNDER_WAY - 1 } {
                let Ok(parcel) = to_audit.recv() else { return Ok(()) };
                under_way -= 1;
                for block in &parcel {
                    if !audit(block)? {
                        return Ok(());
                    }
                }
            }
            if is_last {
                return Ok(());
            }
        }
    })
}

/// Ends when either side has gone.
fn hash_all(unhashed: &Receiver<Vec<Block>>, hashed: &SyncSender<Vec<HashedBlock>>) {
    while let Ok(parcel) = unhashed.recv() {
        let done = parcel.into_iter().map(|block| {
            let leaves = block::records(&block.body).map(|(bytes, _)| leaf_hash(bytes)).collect();
            HashedBlock { block, leaves }
        });
        if hashed.send(done.collect()).is_err() {
            return;
        }
    }
}
