//! Rules and what they did as rows, in both directions.

use rusqlite::{Connection, Row, params};
use usance_core::command::Ref;
use usance_core::id::{AccountId, LicenseId, RuleId};
use usance_core::rule::{Act, Block, Cause, Rule};
use usance_core::terms;
use usance_core::time::Timestamp;

use super::reader::{SqliteReader, row_id};
use super::rows;
use crate::limits::RECORD_INDEX_BITS;
use crate::store::rules::{ActRow, RuleReader};
use crate::store::{Slice, StoreError};
use crate::unit::LedgerNumber;

type Result<T> = rusqlite::Result<T>;

pub const RULE: &str = "id, spec, told_license, told, created_at, updated_at";
const TABLE: (&str, &str) = ("rule", RULE);

pub fn rule(row: &Row<'_>) -> Result<Rule> {
    let id = RuleId::from_bytes(row.get(0)?);
    let text = row.get_ref(1)?.as_str()?;
    let told = match rows::maybe_id(row, 2, LicenseId::from_bytes)? {
        Some(license) => Some(Box::new(Act { license, block: block(row, 3)? })),
        None => None,
    };
    let rule = Rule::from_lines(id, text).map_err(|_| rows::damaged(1, "not a rule"))?;
    Ok(Rule { told, created_at: rows::at(row, 4)?, updated_at: rows::at(row, 5)?, ..rule })
}

fn block(row: &Row<'_>, column: usize) -> Result<Block> {
    let line = row.get_ref(column)?.as_str()?;
    Block::from_line(line).ok_or_else(|| rows::damaged(column, "not a block"))
}

/// The blocks of a license: a line each.
pub fn blocks(row: &Row<'_>, column: usize) -> Result<Vec<Block>> {
    let lines = row.get_ref(column)?.as_str()?.lines();
    lines
        .map(|line| Block::from_line(line).ok_or_else(|| rows::damaged(column, "not a block")))
        .collect()
}

pub fn blocks_text(blocks: &[Block]) -> String {
    blocks.iter().map(|block| block.to_line() + "\n").collect()
}

pub fn put_rule(db: &Connection, account: AccountId, rule: &Rule) -> Result<usize> {
    let told = rule.told.as_ref();
    db.prepare_cached(
        "INSERT OR REPLACE INTO rule (account, id, code, spec, told_license, told, created_at,
             updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        account.bytes(),
        rule.id.bytes(),
        rule.name.as_str(),
        terms::lines(&rule.stated()),
        told.map(|told| *told.license.bytes()),
        told.map(|told| told.block.to_line()),
        rule.created_at.0,
        rule.updated_at.0,
    ])
}

pub fn put_act(db: &Connection, account: AccountId, act: &Act) -> Result<usize> {
    let Act { license, block } = act;
    db.prepare_cached(
        "INSERT INTO act (account, license, rule, cause, since, block, undone_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, NULL)",
    )?
    .execute(params![
        account.bytes(),
        license.bytes(),
        block.rule.bytes(),
        block.cause.to_string(),
        block.since.0,
        block.to_line(),
    ])
}

/// Notes that what a rule did to a license was undone, or what all rules did.
pub fn undo_acts(
    db: &Connection,
    account: AccountId,
    license: LicenseId,
    rule: Option<RuleId>,
    now: Timestamp,
) -> Result<usize> {
    db.prepare_cached(
        "UPDATE act SET undone_at = ?4 WHERE account = ?1 AND license = ?2
             AND (?3 IS NULL OR rule = ?3) AND undone_at IS NULL",
    )?
    .execute(params![account.bytes(), license.bytes(), rule.map(|rule| *rule.bytes()), now.0])
}

impl RuleReader for SqliteReader {
    fn rule(
        &self,
        of: AccountId,
        id: &Ref<RuleId>,
    ) -> std::result::Result<Option<Rule>, StoreError> {
        self.named(TABLE, of, id, |id| *id.bytes(), rule)
    }

    fn rules(&self, of: AccountId, part: &Slice) -> std::result::Result<Vec<Rule>, StoreError> {
        self.slice(TABLE, of, ("", &[]), part, rule)
    }

    fn has_acted(
        &self,
        of: AccountId,
        license: LicenseId,
        rule: RuleId,
        cause: Cause,
    ) -> std::result::Result<bool, StoreError> {
        let sql = "SELECT 1 FROM act WHERE account = ?1 AND license = ?2 AND rule = ?3
                       AND cause = ?4";
        let values = params![of.bytes(), license.bytes(), rule.bytes(), cause.to_string()];
        Ok(self.one(sql, values, |_| Ok(()))?.is_some())
    }

    fn acts(
        &self,
        of: AccountId,
        license: LicenseId,
        (after, limit): (usize, usize),
    ) -> std::result::Result<Vec<ActRow>, StoreError> {
        let sql = "SELECT block, undone_at FROM act WHERE account = ?1 AND license = ?2
                   ORDER BY since DESC, rule, cause LIMIT ?3 OFFSET ?4";
        let [limit, after] = [limit, after].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        self.many(sql, params![of.bytes(), license.bytes(), limit, after], |row| {
            Ok(ActRow { license, block: block(row, 0)?, undone_at: rows::maybe_at(row, 1)? })
        })
    }

    fn addresses(
        &self,
        ledger: LedgerNumber,
        from: u64,
        to: u64,
    ) -> std::result::Result<Vec<(u64, String)>, StoreError> {
        let sql = "SELECT id, address FROM subject WHERE id >= ?1 AND id < ?2
                       AND address IS NOT NULL ORDER BY id";
        self.many(sql, [row_id(ledger, from), row_id(ledger, to)], |row| {
            let id = row.get::<_, i64>(0)?.cast_unsigned();
            Ok((id & ((1 << RECORD_INDEX_BITS) - 1), row.get(1)?))
        })
    }
}
