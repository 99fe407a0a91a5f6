//! Queries over committed data, on connections of their own.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, MutexGuard};

use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, params};
use usance_core::activation::Activation;
use usance_core::command::{Ref, UserRef};
use usance_core::customer::Customer;
use usance_core::entitlement::Entitlement;
use usance_core::id::{
    AccountId, ActivationId, CustomerId, EntitlementId, LicenseId, PolicyId, ProductId, TokenId,
    WriterId,
};
use usance_core::ledger::tree::{Hash, Position};
use usance_core::license::{License, LicenseRef, Status};
use usance_core::meter::{MeterSpec, MeterState};
use usance_core::policy::Policy;
use usance_core::product::Product;
use usance_core::quantity::Scale;
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::token::{SecretHash, Token};
use usance_core::usage::Subject;
use usance_core::user::User;

use super::connection::{Shared, store_error};
use super::{live_rows, people_rows, rows};
use crate::limits::RECORD_INDEX_BITS;
use crate::store::{
    ActivationQuery, Belongings, Detail, Hours, LicenseQuery, Reader, Referent, SigningKeyRow,
    Slice, StoreError,
};
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

    pub(super) fn one<T>(
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

    pub(super) fn many<T>(
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
    pub(super) fn named<T, Id>(
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
    pub(super) fn slice<T>(
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

/// Conditions of a question, and the values that they ask for. The first three are taken.
#[derive(Default)]
struct Asked {
    condition: String,
    values: Vec<Box<dyn ToSql>>,
}

impl Asked {
    /// One more condition: text, value, text.
    fn with(&mut self, before: &str, value: impl ToSql + 'static, after: &str) {
        let number = self.values.len() + 4;
        self.condition.push_str(&format!(" AND {before}?{number}{after}"));
        self.values.push(Box::new(value));
    }

    fn id(&mut self, column: &str, id: Option<[u8; 16]>) {
        if let Some(id) = id {
            self.with(&format!("{column} = "), id, "");
        }
    }

    fn status(&mut self, status: Status, now: Timestamp) {
        let standing = match status {
            Status::Suspended => 1,
            Status::Revoked => 2,
            Status::Active | Status::Expired | Status::NotYetValid => 0,
        };
        self.with("standing = ", standing, "");
        let over = "expires_at IS NOT NULL AND expires_at <= ";
        let early = "valid_from IS NOT NULL AND valid_from > ";
        if status == Status::Expired {
            self.with(&format!("({over}"), now.0, ")");
        } else if standing == 0 {
            self.with(&format!("NOT ({over}"), now.0, ")");
        }
        match status {
            Status::NotYetValid => self.with(&format!("({early}"), now.0, ")"),
            Status::Active => self.with(&format!("NOT ({early}"), now.0, ")"),
            _ => {}
        }
    }

    fn values(&self) -> Vec<&dyn ToSql> {
        self.values.iter().map(|value| &**value).collect()
    }
}

impl SqliteReader {
    /// What grants an entitlement: a policy or license that names its code.
    fn granter(&self, of: AccountId, code: &Code) -> Result<Option<&'static str>, StoreError> {
        for table in ["policy", "license"] {
            let sql = format!(
                "SELECT 1 FROM {table} WHERE account = ?1
                     AND instr(' ' || entitlements || ' ', ' ' || ?2 || ' ') > 0 LIMIT 1"
            );
            if self.one(&sql, params![of.bytes(), code.as_str()], |_| Ok(()))?.is_some() {
                return Ok(Some(table));
            }
        }
        Ok(None)
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

    fn hidden_meter(
        &self,
        of: AccountId,
        license: LicenseId,
        meter: &Code,
    ) -> Result<Option<(Scale, MeterState)>, StoreError> {
        let sql = format!(
            "SELECT {} FROM meter WHERE account = ?1 AND license = ?2 AND name = ?3 AND hidden = 1",
            rows::METER
        );
        let values = params![of.bytes(), license.bytes(), meter.as_str()];
        let found = self.one(&sql, values, rows::meter)?;
        Ok(found.map(|row| (row.own.map_or(Scale::default(), |spec| spec.scale), row.state)))
    }

    fn other_meters(
        &self,
        of: AccountId,
        policy: PolicyId,
        meter: &Code,
    ) -> Result<Vec<(bool, Scale)>, StoreError> {
        let sql = format!(
            "SELECT {}, max(hidden) AS is_hidden FROM meter WHERE account = ?1 AND name = ?3
                 AND spec IS NOT NULL AND license IN
                     (SELECT id FROM license WHERE account = ?1 AND policy = ?2)
             GROUP BY hidden, spec",
            rows::METER
        );
        let db = self.db();
        let found = db.prepare_cached(&sql).and_then(|mut statement| {
            let values = params![of.bytes(), policy.bytes(), meter.as_str()];
            let read = |row: &rusqlite::Row<'_>| {
                let scale = rows::meter(row)?.own.map_or(Scale::default(), |spec| spec.scale);
                Ok((row.get("is_hidden")?, scale))
            };
            statement.query_map(values, read)?.collect()
        });
        found.map_err(store_error)
    }

    fn licenses(
        &self,
        of: AccountId,
        filter: &LicenseQuery,
        part: &Slice,
    ) -> Result<Vec<License>, StoreError> {
        let mut asked = Asked::default();
        asked.id("product", filter.product.map(|id| *id.bytes()));
        asked.id("policy", filter.policy.map(|id| *id.bytes()));
        asked.id("customer", filter.customer.map(|id| *id.bytes()));
        asked.id("reseller", filter.reseller.map(|id| *id.bytes()));
        if let Some(user) = filter.user {
            let of_user = "SELECT license FROM license_user WHERE account = ?1 AND user = ";
            asked.with(&format!("id IN ({of_user}"), *user.bytes(), ")");
        }
        if let Some(only) = filter.only {
            asked.with("", *only.bytes(), " IN (customer, reseller)");
        }
        if let Some((status, now)) = filter.status {
            asked.status(status, now);
        }
        let values = asked.values();
        self.slice(("license", rows::LICENSE), of, (&asked.condition, &values), part, rows::license)
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

    fn entitlement(
        &self,
        of: AccountId,
        id: &Ref<EntitlementId>,
    ) -> Result<Option<Entitlement>, StoreError> {
        let table = ("entitlement", rows::ENTITLEMENT);
        self.named(table, of, id, |id| *id.bytes(), people_rows::entitlement)
    }

    fn entitlements(&self, of: AccountId, part: &Slice) -> Result<Vec<Entitlement>, StoreError> {
        let table = ("entitlement", rows::ENTITLEMENT);
        self.slice(table, of, ("", &[]), part, people_rows::entitlement)
    }

    fn user(&self, of: AccountId, id: &UserRef) -> Result<Option<User>, StoreError> {
        let select = format!("SELECT {} FROM user WHERE account = ?1", rows::USER);
        match id {
            UserRef::Id(id) => self.one(
                &format!("{select} AND id = ?2"),
                params![of.bytes(), id.bytes()],
                people_rows::user,
            ),
            UserRef::Email(email) => self.one(
                &format!("{select} AND email_key = ?2"),
                params![of.bytes(), people_rows::email_key(email)],
                people_rows::user,
            ),
        }
    }

    fn users(
        &self,
        of: AccountId,
        customer: Option<CustomerId>,
        part: &Slice,
    ) -> Result<Vec<User>, StoreError> {
        let mut asked = Asked::default();
        asked.id("customer", customer.map(|id| *id.bytes()));
        let condition = (asked.condition.as_str(), asked.values());
        let condition = (condition.0, condition.1.as_slice());
        self.slice(("user", rows::USER), of, condition, part, people_rows::user)
    }

    fn holder(&self, of: AccountId, id: ActivationId) -> Result<Option<LicenseId>, StoreError> {
        let sql = "SELECT license FROM activation WHERE account = ?1 AND id = ?2";
        self.one(sql, params![of.bytes(), id.bytes()], |row| Ok(LicenseId::from_bytes(row.get(0)?)))
    }

    fn activations(
        &self,
        of: AccountId,
        filter: &ActivationQuery,
        part: &Slice,
    ) -> Result<Vec<(LicenseId, Activation)>, StoreError> {
        let mut asked = Asked::default();
        asked.id("license", filter.license.map(|id| *id.bytes()));
        asked.id("user", filter.user.map(|id| *id.bytes()));
        if let Some(fingerprint) = &filter.fingerprint {
            asked.with("fingerprint = ", fingerprint.clone(), "");
        }
        let licenses = "license IN (SELECT id FROM license WHERE account = ?1 AND";
        if let Some(policy) = filter.policy {
            asked.with(&format!("{licenses} policy = "), *policy.bytes(), ")");
        }
        if let Some(product) = filter.product {
            asked.with(&format!("{licenses} product = "), *product.bytes(), ")");
        }
        if let Some(user) = filter.of_user {
            let of_user = "SELECT license FROM license_user WHERE account = ?1 AND user = ";
            asked.with(&format!("license IN ({of_user}"), *user.bytes(), ")");
        }
        if let Some(customer) = filter.of_customer {
            asked.with(&format!("{licenses} "), *customer.bytes(), " IN (customer, reseller))");
        }
        let columns = format!("{}, license", live_rows::ACTIVATION);
        let values = asked.values();
        self.slice(("activation", &columns), of, (&asked.condition, &values), part, |row| {
            let license = LicenseId::from_bytes(row.get("license")?);
            Ok((license, live_rows::activation(row)?))
        })
    }

    fn component_holders(
        &self,
        of: AccountId,
        fingerprint: &str,
    ) -> Result<Vec<(LicenseId, ActivationId)>, StoreError> {
        let sql = "SELECT license, activation FROM component
                   WHERE account = ?1 AND fingerprint = ?2";
        self.many(sql, params![of.bytes(), fingerprint], |row| {
            Ok((LicenseId::from_bytes(row.get(0)?), ActivationId::from_bytes(row.get(1)?)))
        })
    }

    fn belongings(&self, of: AccountId, customer: CustomerId) -> Result<Belongings, StoreError> {
        let count = |sql: &str| {
            let values = params![of.bytes(), customer.bytes()];
            let found = self.one(sql, values, |row| row.get::<_, i64>(0))?;
            Ok::<u64, StoreError>(found.unwrap_or(0).cast_unsigned())
        };
        Ok(Belongings {
            users: count("SELECT count(*) FROM user WHERE account = ?1 AND customer = ?2")?,
            licenses: count("SELECT count(*) FROM license WHERE account = ?1 AND customer = ?2")?,
            activations: count(
                "SELECT count(*) FROM activation WHERE account = ?1 AND license IN
                     (SELECT id FROM license WHERE account = ?1 AND customer = ?2)",
            )?,
        })
    }

    fn signing_keys(&self, of: AccountId) -> Result<Vec<SigningKeyRow>, StoreError> {
        let sql = format!(
            "SELECT {} FROM signing_key WHERE account = ?1 ORDER BY number",
            rows::SIGNING_KEY
        );
        self.many(&sql, [of.bytes()], people_rows::signing_key)
    }

    fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<(AccountId, LicenseId)>, StoreError> {
        let sql = "SELECT account, license FROM timer WHERE at <= ?1 ORDER BY at LIMIT ?2";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.many(sql, params![now.0, limit], |row| {
            Ok((AccountId::from_bytes(row.get(0)?), LicenseId::from_bytes(row.get(1)?)))
        })
    }

    fn referrer(&self, of: AccountId, to: &Referent) -> Result<Option<&'static str>, StoreError> {
        let (id, places): (&[u8; 16], &[(&'static str, &str)]) = match to {
            Referent::Product(id) => (id.bytes(), &[("policy", "product"), ("token", "product")]),
            Referent::Policy(id) => (id.bytes(), &[("license", "policy")]),
            Referent::Customer(id) => (
                id.bytes(),
                &[
                    ("license", "customer"),
                    ("license", "reseller"),
                    ("user", "customer"),
                    ("customer", "reseller"),
                    ("token", "customer"),
                ],
            ),
            Referent::License(id) => (id.bytes(), &[("token", "license")]),
            Referent::User(id) => {
                (id.bytes(), &[("license_user", "user"), ("activation", "user"), ("token", "user")])
            }
            Referent::Entitlement(code) => return self.granter(of, code),
        };
        for (table, column) in places {
            let live = if *table == "token" { "AND revoked_at IS NULL" } else { "" };
            let sql = format!(
                "SELECT 1 FROM {table} WHERE account = ?1 AND {column} = ?2 {live} LIMIT 1"
            );
            if self.one(&sql, params![of.bytes(), id], |_| Ok(()))?.is_some() {
                return Ok(Some(if *table == "license_user" { "license" } else { table }));
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

    fn details(
        &self,
        ledger: LedgerNumber,
        record: u64,
        thing: [u8; 16],
    ) -> Result<Detail, StoreError> {
        let id = row_id(ledger, record);
        let row = |sql: &str| {
            self.one(sql, params![thing, id, row_id(ledger, 0)], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?))
            })
        };
        let text = |(text, _): (String, _)| Some(text).filter(|text| !text.is_empty());
        let before =
            row("SELECT text, address FROM detail WHERE thing = ?1 AND id < ?2 AND id >= ?3
             ORDER BY id DESC LIMIT 1")?;
        let after =
            row("SELECT text, address FROM detail WHERE thing = ?1 AND id = ?2 AND id >= ?3")?;
        let address = after.as_ref().and_then(|(_, address)| address.clone());
        Ok(Detail { before: before.and_then(text), after: after.and_then(text), address })
    }

    fn meter_spec(
        &self,
        of: AccountId,
        license: &LicenseRef,
        meter: &str,
    ) -> Result<Option<Arc<MeterSpec>>, StoreError> {
        let Some(license) = self.license(of, license)? else { return Ok(None) };
        let Some(policy) = self.policy(of, &Ref::Id(license.policy))? else { return Ok(None) };
        if let Some(spec) = policy.meter(meter) {
            return Ok(Some(Arc::clone(spec)));
        }
        let rows = rows::stored_meters(&self.db(), of, license.id).map_err(store_error)?;
        Ok(rows.into_iter().find(|row| &*row.name == meter).and_then(|row| row.own))
    }

    fn subject(&self, ledger: LedgerNumber, record: u64) -> Result<Option<Subject>, StoreError> {
        let sql = "SELECT user, host, address FROM subject WHERE id = ?1";
        self.one(sql, [row_id(ledger, record)], |row| {
            Ok(Subject { user: row.get(0)?, host: row.get(1)?, address: row.get(2)? })
        })
    }
}
