//! What the engine needs of a store to have rules act.

use usance_core::command::Ref;
use usance_core::id::{AccountId, LicenseId, RuleId};
use usance_core::rule::{Block, Cause, Rule};
use usance_core::time::Timestamp;

use super::{Slice, StoreError};
use crate::unit::LedgerNumber;

/// What a rule did to a license, and whether it was undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActRow {
    /// Whose license.
    pub license: LicenseId,
    /// What it did.
    pub block: Block,
    /// When it was undone.
    pub undone_at: Option<Timestamp>,
}

/// Questions about rules. All methods fail with [`StoreError`] and nothing else.
#[expect(clippy::missing_errors_doc, reason = "said once, above")]
pub trait RuleReader {
    /// A rule, by id or name.
    fn rule(&self, of: AccountId, id: &Ref<RuleId>) -> Result<Option<Rule>, StoreError>;

    /// Rules, oldest first.
    fn rules(&self, of: AccountId, part: &Slice) -> Result<Vec<Rule>, StoreError>;

    /// Whether a rule acted on a license for this cause.
    fn has_acted(
        &self,
        of: AccountId,
        license: LicenseId,
        rule: RuleId,
        cause: Cause,
    ) -> Result<bool, StoreError>;

    /// What rules did to a license, newest first: without the first so many, and at most so many.
    fn acts(
        &self,
        of: AccountId,
        license: LicenseId,
        part: (usize, usize),
    ) -> Result<Vec<ActRow>, StoreError>;

    /// The network addresses of records in `[from, to)`, as far as they are kept.
    fn addresses(
        &self,
        ledger: LedgerNumber,
        from: u64,
        to: u64,
    ) -> Result<Vec<(u64, String)>, StoreError>;
}
