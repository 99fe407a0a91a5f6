//! The growing end of a ledger, and the records that a unit of work puts there.

use usance_core::id::{AccountId, WriterId};
use usance_core::ledger::block;
use usance_core::ledger::checkpoint::{Checkpoint, Signer};
use usance_core::ledger::record::{Event, Record};
use usance_core::ledger::tree::{Frontier, leaf_hash};
use usance_core::limits::CLOCK_BACK_MS_TOLERATED;
use usance_core::time::Timestamp;

use crate::limits::{BLOCK_BYTES_MAX, BLOCK_RECORDS_MAX};
use crate::store::LedgerTail;
use crate::stored_tree::is_stored;
use crate::unit::{Block, LedgerNumber, NewLedger, Unit};
use crate::writer_key::origin;

/// The growing end of a ledger.
#[derive(Debug)]
pub struct LedgerHead {
    account: AccountId,
    origin: String,
    number: LedgerNumber,
    frontier: Frontier,
    last_at: Timestamp,
    /// Whether the clock is known to be set back, so that it is said once.
    clock_is_back: bool,
    block: Option<Block>,
    buffer: Vec<u8>,
}

impl LedgerHead {
    /// The head of a ledger that is there.
    #[must_use]
    pub fn open(account: AccountId, writer: WriterId, tail: LedgerTail) -> Self {
        Self {
            account,
            origin: origin(account, writer),
            number: tail.number,
            frontier: tail.frontier,
            last_at: tail.last_at,
            clock_is_back: false,
            block: None,
            buffer: Vec::new(),
        }
    }

    /// The head of a ledger that begins with this unit.
    #[must_use]
    pub fn begin(
        account: AccountId,
        writer: WriterId,
        number: LedgerNumber,
        now: Timestamp,
        unit: &mut Unit,
    ) -> Self {
        unit.ledgers.push(NewLedger { number, account });
        let tail = LedgerTail { number, frontier: Frontier::default(), last_at: now };
        let mut head = Self::open(account, writer, tail);
        head.append(Event::Opened { account, writer }, unit);
        head
    }

    /// Stamps the time for a unit of work: never earlier than the last record (rule 11). A clock
    /// that was set back is written down, once.
    pub fn stamp(&mut self, wall: Timestamp, unit: &mut Unit) -> Timestamp {
        let is_back = wall.plus_ms(CLOCK_BACK_MS_TOLERATED) < self.last_at;
        if is_back && !self.clock_is_back {
            self.append(Event::ClockBack { wall }, unit);
        }
        self.clock_is_back = is_back;
        self.last_at = self.last_at.max(wall);
        self.last_at
    }

    /// The time that the records of this unit carry.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.last_at
    }

    /// How many records it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The ledger's number.
    #[must_use]
    pub const fn number(&self) -> LedgerNumber {
        self.number
    }

    /// Appends a record and returns its position.
    pub fn append(&mut self, event: Event<'_>, unit: &mut Unit) -> u64 {
        let index = self.frontier.size();
        self.buffer.clear();
        Record { at: self.last_at, event }.encode(&mut self.buffer);
        let leaf = leaf_hash(&self.buffer);
        let number = self.number;
        self.frontier.push(leaf, |position, hash| {
            if is_stored(position.height) {
                unit.nodes.push((number, position, hash));
            }
        });
        let block = self.block.get_or_insert_with(|| Block {
            ledger: number,
            first: index,
            count: 0,
            root: [0; 32],
            signature: None,
            body: Vec::with_capacity(1024),
        });
        block::push(&mut block.body, &self.buffer, &leaf);
        block.count += 1;
        if block.count >= BLOCK_RECORDS_MAX as u64 || block.body.len() >= BLOCK_BYTES_MAX {
            self.close_block(None, unit);
        }
        index
    }

    /// Closes and signs what this unit appended.
    pub fn seal(&mut self, signer: &Signer, unit: &mut Unit) {
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size: self.frontier.size(),
            root: self.frontier.root(),
        };
        if self.block.is_some() {
            self.close_block(Some(signer.sign(&checkpoint)), unit);
            return;
        }
        let last = unit.blocks.iter_mut().rev().find(|block| block.ledger == self.number);
        if let Some(block) = last.filter(|block| block.signature.is_none()) {
            block.signature = Some(signer.sign(&checkpoint));
        }
    }

    fn close_block(&mut self, signature: Option<[u8; 64]>, unit: &mut Unit) {
        if let Some(mut block) = self.block.take() {
            block.root = self.frontier.root();
            block.signature = signature;
            unit.blocks.push(block);
        }
    }

    /// Whose ledger it is.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }
}
