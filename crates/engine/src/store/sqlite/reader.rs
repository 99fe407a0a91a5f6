//! Queries over committed data, on connections of their own.

use std::ops::Range;
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicUsize, Ordering};

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};
use usance_core::command::Ref;
use usance_core::customer::Customer;
use usance_core::id::{AccountId, CustomerId, LicenseId, PolicyId, ProductId, TokenId, WriterId};
use usance_core::ledger::tree::{Hash, Position};
use usance_core::license::{License, LicenseRef, Status};
use usance_core::meter::AllowedFrom;
use usance_core::policy::Policy;
use usance_core::product::Product;
use usance_core::text::Code;
use usance_core::token::{SecretHash, Token};
use usance_core::usage::Subject;

use super::connection::{Shared, store_error};
use super::rows;
use crate::limits::RECORD_INDEX_BITS;
use crate::store::{Hours, LicenseQuery, Reader, Referent, Slice, StoreError};
use crate::unit::{Block, LedgerNumber};

/// Several connections, taken in turn.
pub struct SqliteReader {
    connections: Vec<Shared>,
    turn: AtomicUsize,
}

/// The row id of a record's place.
pub fn row_id(ledger: LedgerNumber, record: u64) -> i64 {
    i64::from(ledger) << RECORD_INDEX_BITS | record.cast_signed()
}

impl SqliteReader {
    pub(super) fn new(connections: Vec<Shared>) -> Self {
        Self { connections, turn: AtomicUsize::new(0) }
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        self.connections[turn % self.connections.len()].lock()
    }

    fn one<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let db = self.db();
        db.prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(values, read).optional())
            .map_err(store_error)
    }

    fn many<T>(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let db = self.db();
        db.prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(values, read)?.collect())
            .map_err(store_error)
    }

    /// An entry of the catalogue by id or code.
    fn named<T, Id>(
        &self,
        (table, columns): (&str, &str),
        account: AccountId,
        name: &Ref<Id>,
        bytes: impl Fn(&Id) -> [u8; 16],
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let select = format!("SELECT {columns} FROM {table} WHERE account = ?1");
        match name {
            Ref::Id(id) => self.one(
                &format!("{select} AND id = ?2"),
                params![account.bytes(), bytes(id)],
                read,
            ),
            Ref::Code(code) => self.one(
                &format!("{select} AND code = ?2"),
                params![account.bytes(), code.as_str()],
                read,
            ),
        }
    }

    /// Entries of the catalogue in the order of their ids, which is that of their making.
    fn slice<T>(
        &self,
        (table, columns): (&str, &str),
        account: AccountId,
        (condition, values): (&str, &[&dyn ToSql]),
        part: &Slice,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let limit = i64::try_from(part.limit).unwrap_or(i64::MAX);
        let after = part.after.map_or_else(Vec::new, |after| after.to_vec());
        let sql = format!(
            "SELECT {columns} FROM {table} WHERE account = ?1 AND id > ?2 {condition}
             ORDER BY id LIMIT ?3"
        );
        let mut all: Vec<&dyn ToSql> = vec![account.bytes(), &after, &limit];
        all.extend(values);
        self.many(&sql, all.as_slice(), read)
    }
}

impl Reader for SqliteReader {
    fn first_account(&self) -> Result<Option<AccountId>, StoreError> {
        self.one("SELECT id FROM account ORDER BY created_at, id LIMIT 1", [], |row| {
            Ok(AccountId::from_bytes(row.get(0)?))
        })
    }

    fn product(&self, of: AccountId, id: &Ref<ProductId>) -> Result<Option<Product>, StoreError> {
        self.named(("product", rows::PRODUCT), of, id, |id| *id.bytes(), rows::product)
    }

    fn products(&self, of: AccountId, part: &Slice) -> Result<Vec<Product>, StoreError> {
        self.slice(("product", rows::PRODUCT), of, ("", &[]), part, rows::product)
    }

    fn policy(&self, of: AccountId, id: &Ref<PolicyId>) -> Result<Option<Policy>, StoreError> {
        let bytes = |id: &PolicyId| *id.bytes();
        let found = self.named(("policy", rows::POLICY), of, id, bytes, rows::policy)?;
        let Some(mut policy) = found else {
            return Ok(None);
        };
        policy.meters = rows::meter_specs(&self.db(), of, policy.id).map_err(store_error)?;
        Ok(Some(policy))
    }

    fn policies(
        &self,
        of: AccountId,
        product: Option<ProductId>,
        part: &Slice,
    ) -> Result<Vec<Policy>, StoreError> {
        let product = product.map(|id| *id.bytes());
        let condition = if product.is_some() { "AND product = ?4" } else { "AND ?4 IS NULL" };
        let mut policies =
            self.slice(("policy", rows::POLICY), of, (condition, &[&product]), part, rows::policy)?;
        let db = self.db();
        for policy in &mut policies {
            policy.meters = rows::meter_specs(&db, of, policy.id).map_err(store_error)?;
        }
        Ok(policies)
    }

    fn customer(
        &self,
        of: AccountId,
        id: &Ref<CustomerId>,
    ) -> Result<Option<Customer>, StoreError> {
        self.named(("customer", rows::CUSTOMER), of, id, |id| *id.bytes(), rows::customer)
    }

    fn customers(&self, of: AccountId, part: &Slice) -> Result<Vec<Customer>, StoreError> {
        self.slice(("customer", rows::CUSTOMER), of, ("", &[]), part, rows::customer)
    }

    fn license(&self, of: AccountId, id: &LicenseRef) -> Result<Option<License>, StoreError> {
        let select = format!("SELECT {} FROM license WHERE account = ?1", rows::LICENSE);
        match id {
            LicenseRef::Id(id) => self.one(
                &format!("{select} AND id = ?2"),
                params![of.bytes(), id.bytes()],
                rows::license,
            ),
            LicenseRef::Key(key) => self.one(
                &format!("{select} AND key = ?2"),
                params![of.bytes(), key.0],
                rows::license,
            ),
        }
    }

    fn license_by_key(&self, key: &str) -> Result<Option<(AccountId, License)>, StoreError> {
        let sql = format!("SELECT {}, account FROM license WHERE key = ?1", rows::LICENSE);
        self.one(&sql, [key], |row| {
            Ok((AccountId::from_bytes(row.get("account")?), rows::license(row)?))
        })
    }

    fn allowed(
        &self,
        of: AccountId,
        id: LicenseId,
    ) -> Result<Vec<(Code, AllowedFrom)>, StoreError> {
        rows::allowed(&self.db(), of, id).map_err(store_error)
    }

    fn licenses(
        &self,
        of: AccountId,
        filter: &LicenseQuery,
        part: &Slice,
    ) -> Result<Vec<License>, StoreError> {
        let product = filter.product.map(|id| *id.bytes());
        let policy = filter.policy.map(|id| *id.bytes());
        let customer = filter.customer.map(|id| *id.bytes());
        let now = filter.status.map_or(0, |(_, now)| now.0);
        let mut condition = String::new();
        for (is_wanted, text) in [
            (product.is_some(), " AND product = ?4"),
            (policy.is_some(), " AND policy = ?5"),
            (customer.is_some(), " AND customer = ?6"),
            (true, " AND (?4 IS NULL OR 1) AND (?5 IS NULL OR 1) AND (?6 IS NULL OR 1)"),
        ] {
            if is_wanted {
                condition.push_str(text);
            }
        }
        let over = "(expires_at IS NOT NULL AND expires_at <= ?7)";
        let early = "(valid_from IS NOT NULL AND valid_from > ?7)";
        condition.push_str(&match filter.status.map(|(status, _)| status) {
            None => " AND ?7 IS NOT NULL".to_owned(),
            Some(Status::Suspended) => " AND standing = 1 AND ?7 IS NOT NULL".to_owned(),
            Some(Status::Revoked) => " AND standing = 2 AND ?7 IS NOT NULL".to_owned(),
            Some(Status::Expired) => format!(" AND standing = 0 AND {over}"),
            Some(Status::NotYetValid) => format!(" AND standing = 0 AND NOT {over} AND {early}"),
            Some(Status::Active) => format!(" AND standing = 0 AND NOT {over} AND NOT {early}"),
        });
        let values: [&dyn ToSql; 4] = [&product, &policy, &customer, &now];
        self.slice(("license", rows::LICENSE), of, (&condition, &values), part, rows::license)
    }

    fn token(&self, of: AccountId, id: TokenId) -> Result<Option<Token>, StoreError> {
        let sql = format!("SELECT {} FROM token WHERE account = ?1 AND id = ?2", rows::TOKEN);
        self.one(&sql, params![of.bytes(), id.bytes()], rows::token)
    }

    fn token_by_secret(&self, hash: &SecretHash) -> Result<Option<(AccountId, Token)>, StoreError> {
        let sql = format!("SELECT {}, account FROM token WHERE secret = ?1", rows::TOKEN);
        self.one(&sql, [hash.0], |row| {
            Ok((AccountId::from_bytes(row.get("account")?), rows::token(row)?))
        })
    }

    fn tokens(&self, of: AccountId, part: &Slice) -> Result<Vec<Token>, StoreError> {
        self.slice(("token", rows::TOKEN), of, ("", &[]), part, rows::token)
    }

    fn referrer(&self, of: AccountId, to: &Referent) -> Result<Option<&'static str>, StoreError> {
        let (id, places): (_, &[(&str, &str)]) = match to {
            Referent::Product(id) => (id.bytes(), &[("policy", "product"), ("token", "product")]),
            Referent::Policy(id) => (id.bytes(), &[("license", "policy")]),
            Referent::Customer(id) => (id.bytes(), &[("license", "customer")]),
            Referent::License(id) => (id.bytes(), &[("token", "license")]),
        };
        for (table, column) in places {
            let live = if *table == "token" { "AND revoked_at IS NULL" } else { "" };
            let sql = format!(
                "SELECT 1 FROM {table} WHERE account = ?1 AND {column} = ?2 {live} LIMIT 1"
            );
            if self.one(&sql, params![of.bytes(), id], |_| Ok(()))?.is_some() {
                return Ok(Some(match *table {
                    "policy" => "policy",
                    "license" => "license",
                    _ => "token",
                }));
            }
        }
        Ok(None)
    }

    fn hours(
        &self,
        of: AccountId,
        license: LicenseId,
        meter: &Code,
        range: Range<i64>,
    ) -> Result<Hours, StoreError> {
        let sql = format!(
            "SELECT {} FROM usage_hour WHERE account = ?1 AND license = ?2 AND meter = ?3
                 AND hour >= ?4 AND hour < ?5 ORDER BY hour",
            rows::HOUR
        );
        let values = params![of.bytes(), license.bytes(), meter.as_str(), range.start, range.end];
        self.many(&sql, values, rows::hour)
    }

    fn ledger_number(
        &self,
        of: AccountId,
        writer: WriterId,
    ) -> Result<Option<LedgerNumber>, StoreError> {
        let sql = "SELECT number FROM ledger WHERE account = ?1 AND writer = ?2";
        self.one(sql, params![of.bytes(), writer.bytes()], |row| row.get(0))
    }

    fn last_block(&self, ledger: LedgerNumber) -> Result<Option<Block>, StoreError> {
        self.block_of(ledger, (1 << RECORD_INDEX_BITS) - 1)
    }

    fn block_of(&self, ledger: LedgerNumber, record: u64) -> Result<Option<Block>, StoreError> {
        let sql = format!(
            "SELECT {} FROM block WHERE id >= ?1 AND id <= ?2 ORDER BY id DESC LIMIT 1",
            rows::BLOCK
        );
        let range = [row_id(ledger, 0), row_id(ledger, record)];
        self.one(&sql, range, |row| rows::block(row, ledger))
    }

    fn node(&self, ledger: LedgerNumber, at: Position) -> Result<Option<Hash>, StoreError> {
        let sql = "SELECT hash FROM node WHERE ledger = ?1 AND height = ?2 AND position = ?3";
        self.one(sql, params![ledger, at.height, at.index.cast_signed()], |row| row.get(0))
    }

    fn subject(&self, ledger: LedgerNumber, record: u64) -> Result<Option<Subject>, StoreError> {
        let sql = "SELECT user, host, address FROM subject WHERE id = ?1";
        self.one(sql, [row_id(ledger, record)], |row| {
            Ok(Subject { user: row.get(0)?, host: row.get(1)?, address: row.get(2)? })
        })
    }
}
