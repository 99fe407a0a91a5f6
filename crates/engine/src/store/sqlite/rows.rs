//! Catalogue entries as rows, in both directions.

use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use usance_core::customer::Customer;
use usance_core::id::{AccountId, CustomerId, LicenseId, PolicyId, ProductId, TokenId};
use usance_core::key::KeyPattern;
use usance_core::license::{License, LicenseKey, Standing};
use usance_core::meter::{AllowedFrom, HourSums, MeterSpec, MeterState, Overage};
use usance_core::policy::{MeterWhile, Policy};
use usance_core::product::Product;
use usance_core::quantity::Scale;
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::token::{Locks, Permissions, SecretHash, Token};

use crate::limits::RECORD_INDEX_BITS;
use crate::store::LoadedMeter;
use crate::unit::{Block, LedgerNumber};

type Result<T> = rusqlite::Result<T>;

pub const PRODUCT: &str = "id, code, name, archived_at, created_at, updated_at";
pub const POLICY: &str = "id, product, code, name, duration_ms, key_pattern, license_permissions, \
                          meter_while, archived_at, created_at, updated_at";
pub const CUSTOMER: &str = "id, code, name, email, archived_at, created_at, updated_at";
pub const LICENSE: &str = "id, key, product, policy, customer, name, standing, valid_from, \
                           expires_at, created_at, updated_at";
pub const TOKEN: &str = "id, name, secret, permissions, product, license, meter, expires_at, \
                         revoked_at, created_at";
pub const METER: &str = "own_allowed, allowed, total, gross, held, last_record, refusals, hour, \
                         uses, incremented, decremented, adjusted, overage";
pub const BLOCK: &str = "id, count, root, signature, body";
pub const HOUR: &str = "hour, uses, incremented, decremented, adjusted, overage";

fn damaged(column: usize, what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, what.into())
}

fn at(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    row.get(column).map(Timestamp)
}

fn maybe_at(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp))
}

fn code(row: &Row<'_>, column: usize) -> Result<Code> {
    let text = row.get_ref(column)?.as_str()?;
    Code::parse("code", text).map_err(|_| damaged(column, "not a code"))
}

fn permissions(row: &Row<'_>, column: usize) -> Result<Permissions> {
    let text = row.get_ref(column)?.as_str()?;
    Permissions::from_words(text.split_whitespace()).map_err(|_| damaged(column, "a permission"))
}

fn words(permissions: Permissions) -> String {
    permissions.words().collect::<Vec<_>>().join(" ")
}

pub fn product(row: &Row<'_>) -> Result<Product> {
    Ok(Product {
        id: ProductId::from_bytes(row.get(0)?),
        code: code(row, 1)?,
        name: row.get(2)?,
        archived_at: maybe_at(row, 3)?,
        created_at: at(row, 4)?,
        updated_at: at(row, 5)?,
    })
}

pub fn put_product(db: &Connection, account: AccountId, product: &Product) -> Result<usize> {
    db.prepare_cached(
        "INSERT INTO product (account, id, code, name, archived_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (account, id) DO UPDATE SET name = ?4, archived_at = ?5, updated_at = ?7",
    )?
    .execute(params![
        account.bytes(),
        product.id.bytes(),
        product.code.as_str(),
        product.name,
        product.archived_at.map(|at| at.0),
        product.created_at.0,
        product.updated_at.0,
    ])
}

/// A policy without its meters.
pub fn policy(row: &Row<'_>) -> Result<Policy> {
    let meter_while: u8 = row.get(7)?;
    Ok(Policy {
        id: PolicyId::from_bytes(row.get(0)?),
        product: ProductId::from_bytes(row.get(1)?),
        code: code(row, 2)?,
        name: row.get(3)?,
        meters: Vec::new(),
        duration_ms: row.get(4)?,
        key_pattern: KeyPattern::parse(row.get_ref(5)?.as_str()?)
            .map_err(|_| damaged(5, "not a key pattern"))?,
        license_permissions: permissions(row, 6)?,
        meter_while: MeterWhile {
            suspended: meter_while & 1 != 0,
            expired: meter_while & 2 != 0,
            not_yet_valid: meter_while & 4 != 0,
        },
        archived_at: maybe_at(row, 8)?,
        created_at: at(row, 9)?,
        updated_at: at(row, 10)?,
    })
}

pub fn meter_specs(
    db: &Connection,
    account: AccountId,
    policy: PolicyId,
) -> Result<Vec<MeterSpec>> {
    db.prepare_cached(
        "SELECT name, unit, scale, allowed, floor, overage, overage_value, record_refusals
         FROM policy_meter WHERE account = ?1 AND policy = ?2 ORDER BY place",
    )?
    .query_map(params![account.bytes(), policy.bytes()], |row| {
        let value: i64 = row.get(6)?;
        Ok(MeterSpec {
            name: code(row, 0)?,
            unit: row.get(1)?,
            scale: Scale::new(row.get(2)?).ok_or_else(|| damaged(2, "not a scale"))?,
            allowed: row.get(3)?,
            floor: row.get(4)?,
            overage: match row.get_ref(5)?.as_str()? {
                "refuse" => Overage::Refuse,
                "allow" => Overage::Allow,
                "amount" => Overage::Amount(value),
                "percent" => Overage::Percent(
                    u32::try_from(value).map_err(|_| damaged(6, "not a percentage"))?,
                ),
                _ => return Err(damaged(5, "not an overage")),
            },
            record_refusals: row.get(7)?,
        })
    })?
    .collect()
}

pub fn put_policy(db: &Connection, account: AccountId, policy: &Policy) -> Result<()> {
    let meter_while = u8::from(policy.meter_while.suspended)
        | u8::from(policy.meter_while.expired) << 1
        | u8::from(policy.meter_while.not_yet_valid) << 2;
    db.prepare_cached(
        "INSERT INTO policy (account, id, product, code, name, duration_ms, key_pattern,
             license_permissions, meter_while, archived_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (account, id) DO UPDATE SET name = ?5, duration_ms = ?6, key_pattern = ?7,
             license_permissions = ?8, meter_while = ?9, archived_at = ?10, updated_at = ?12",
    )?
    .execute(params![
        account.bytes(),
        policy.id.bytes(),
        policy.product.bytes(),
        policy.code.as_str(),
        policy.name,
        policy.duration_ms,
        policy.key_pattern.as_str(),
        words(policy.license_permissions),
        meter_while,
        policy.archived_at.map(|at| at.0),
        policy.created_at.0,
        policy.updated_at.0,
    ])?;
    for (place, spec) in policy.meters.iter().enumerate() {
        let (overage, value) = match spec.overage {
            Overage::Refuse => ("refuse", 0),
            Overage::Allow => ("allow", 0),
            Overage::Amount(amount) => ("amount", amount),
            Overage::Percent(percent) => ("percent", i64::from(percent)),
        };
        db.prepare_cached(
            "INSERT OR REPLACE INTO policy_meter (account, policy, place, name, unit, scale,
                 allowed, floor, overage, overage_value, record_refusals)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            account.bytes(),
            policy.id.bytes(),
            place as i64,
            spec.name.as_str(),
            spec.unit,
            spec.scale.digits(),
            spec.allowed,
            spec.floor,
            overage,
            value,
            spec.record_refusals,
        ])?;
    }
    Ok(())
}

pub fn customer(row: &Row<'_>) -> Result<Customer> {
    Ok(Customer {
        id: CustomerId::from_bytes(row.get(0)?),
        code: code(row, 1)?,
        name: row.get(2)?,
        email: row.get(3)?,
        archived_at: maybe_at(row, 4)?,
        created_at: at(row, 5)?,
        updated_at: at(row, 6)?,
    })
}

pub fn put_customer(db: &Connection, account: AccountId, customer: &Customer) -> Result<usize> {
    db.prepare_cached(
        "INSERT INTO customer (account, id, code, name, email, archived_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (account, id) DO UPDATE SET
             name = ?4, email = ?5, archived_at = ?6, updated_at = ?8",
    )?
    .execute(params![
        account.bytes(),
        customer.id.bytes(),
        customer.code.as_str(),
        customer.name,
        customer.email,
        customer.archived_at.map(|at| at.0),
        customer.created_at.0,
        customer.updated_at.0,
    ])
}

pub fn license(row: &Row<'_>) -> Result<License> {
    Ok(License {
        id: LicenseId::from_bytes(row.get(0)?),
        key: LicenseKey(row.get(1)?),
        product: ProductId::from_bytes(row.get(2)?),
        policy: PolicyId::from_bytes(row.get(3)?),
        customer: row.get::<_, Option<[u8; 16]>>(4)?.map(CustomerId::from_bytes),
        name: row.get(5)?,
        standing: match row.get::<_, i64>(6)? {
            0 => Standing::Active,
            1 => Standing::Suspended,
            2 => Standing::Revoked,
            _ => return Err(damaged(6, "not a standing")),
        },
        valid_from: maybe_at(row, 7)?,
        expires_at: maybe_at(row, 8)?,
        created_at: at(row, 9)?,
        updated_at: at(row, 10)?,
    })
}

pub fn put_license(db: &Connection, account: AccountId, license: &License) -> Result<usize> {
    let standing = match license.standing {
        Standing::Active => 0,
        Standing::Suspended => 1,
        Standing::Revoked => 2,
    };
    db.prepare_cached(
        "INSERT INTO license (account, id, key, product, policy, customer, name, standing,
             valid_from, expires_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (account, id) DO UPDATE SET customer = ?6, name = ?7, standing = ?8,
             valid_from = ?9, expires_at = ?10, updated_at = ?12",
    )?
    .execute(params![
        account.bytes(),
        license.id.bytes(),
        license.key.0,
        license.product.bytes(),
        license.policy.bytes(),
        license.customer.as_ref().map(CustomerId::bytes),
        license.name,
        standing,
        license.valid_from.map(|at| at.0),
        license.expires_at.map(|at| at.0),
        license.created_at.0,
        license.updated_at.0,
    ])
}

pub fn token(row: &Row<'_>) -> Result<Token> {
    Ok(Token {
        id: TokenId::from_bytes(row.get(0)?),
        name: row.get(1)?,
        secret: SecretHash(row.get(2)?),
        permissions: permissions(row, 3)?,
        locks: Locks {
            product: row.get::<_, Option<[u8; 16]>>(4)?.map(ProductId::from_bytes),
            license: row.get::<_, Option<[u8; 16]>>(5)?.map(LicenseId::from_bytes),
            meter: match row.get::<_, Option<String>>(6)? {
                Some(name) => Some(Code::parse("meter", &name).map_err(|_| damaged(6, "a name"))?),
                None => None,
            },
        },
        expires_at: maybe_at(row, 7)?,
        revoked_at: maybe_at(row, 8)?,
        created_at: at(row, 9)?,
    })
}

pub fn put_token(db: &Connection, account: AccountId, token: &Token) -> Result<usize> {
    db.prepare_cached(
        "INSERT INTO token (account, id, name, secret, permissions, product, license, meter,
             expires_at, revoked_at, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (account, id) DO UPDATE SET revoked_at = ?10",
    )?
    .execute(params![
        account.bytes(),
        token.id.bytes(),
        token.name,
        token.secret.0,
        words(token.permissions),
        token.locks.product.as_ref().map(ProductId::bytes),
        token.locks.license.as_ref().map(LicenseId::bytes),
        token.locks.meter.as_ref().map(Code::as_str),
        token.expires_at.map(|at| at.0),
        token.revoked_at.map(|at| at.0),
        token.created_at.0,
    ])
}

/// A meter's row, in the order of [`METER`].
pub fn meter(row: &Row<'_>) -> Result<LoadedMeter> {
    meter_from(row, 0)
}

/// A meter's row from this column on, in the order of [`METER`].
pub fn meter_from(row: &Row<'_>, first: usize) -> Result<LoadedMeter> {
    Ok(LoadedMeter {
        allowed_from: allowed_from(row.get(first)?, row.get(first + 1)?),
        state: MeterState {
            total: row.get(first + 2)?,
            gross: row.get(first + 3)?,
            held: row.get(first + 4)?,
            last_record: row.get::<_, Option<i64>>(first + 5)?.map(i64::cast_unsigned),
            refusals: row.get::<_, i64>(first + 6)?.cast_unsigned(),
            hour: HourSums {
                hour: row.get(first + 7)?,
                uses: row.get(first + 8)?,
                incremented: row.get(first + 9)?,
                decremented: row.get(first + 10)?,
                adjusted: row.get(first + 11)?,
                overage: row.get(first + 12)?,
            },
        },
    })
}

/// Where the ceilings of a license's meters come from, in the order of its policy.
pub fn allowed(
    db: &Connection,
    account: AccountId,
    license: LicenseId,
) -> Result<Vec<(Code, AllowedFrom)>> {
    db.prepare_cached(
        "SELECT spec.name, meter.own_allowed, meter.allowed FROM meter
         JOIN license ON license.account = ?1 AND license.id = ?2
         JOIN policy_meter spec ON spec.account = ?1 AND spec.policy = license.policy
             AND spec.place = meter.place
         WHERE meter.account = ?1 AND meter.license = ?2 ORDER BY meter.place",
    )?
    .query_map(params![account.bytes(), license.bytes()], |row| {
        Ok((code(row, 0)?, allowed_from(row.get(1)?, row.get(2)?)))
    })?
    .collect()
}

const fn allowed_from(is_own: bool, allowed: Option<i64>) -> AllowedFrom {
    if is_own { AllowedFrom::License(allowed) } else { AllowedFrom::Policy }
}

pub fn put_meter(
    db: &Connection,
    account: AccountId,
    license: LicenseId,
    place: usize,
    meter: &LoadedMeter,
) -> Result<usize> {
    let (own, allowed) = match meter.allowed_from {
        AllowedFrom::Policy => (0, None),
        AllowedFrom::License(allowed) => (1, allowed),
    };
    let MeterState { total, gross, held, last_record, refusals, hour } = meter.state;
    db.prepare_cached(
        "INSERT OR REPLACE INTO meter (account, license, place, own_allowed, allowed, total, gross,
             held, last_record, refusals, hour, uses, incremented, decremented, adjusted, overage)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?
    .execute(params![
        account.bytes(),
        license.bytes(),
        place as i64,
        own,
        allowed,
        total,
        gross,
        held,
        last_record.map(u64::cast_signed),
        refusals.cast_signed(),
        hour.hour,
        hour.uses,
        hour.incremented,
        hour.decremented,
        hour.adjusted,
        hour.overage,
    ])
}

/// A block of a ledger, from column 0 on, in the order of [`BLOCK`].
pub fn block(row: &Row<'_>, ledger: LedgerNumber) -> Result<Block> {
    Ok(Block {
        ledger,
        first: row.get::<_, i64>(0)?.cast_unsigned() & ((1 << RECORD_INDEX_BITS) - 1),
        count: row.get::<_, i64>(1)?.cast_unsigned(),
        root: row.get(2)?,
        signature: row.get(3)?,
        body: row.get(4)?,
    })
}

/// The sums of an hour from column 0 on, in the order of [`HOUR`].
pub fn hour(row: &Row<'_>) -> Result<HourSums> {
    Ok(HourSums {
        hour: row.get(0)?,
        uses: row.get(1)?,
        incremented: row.get(2)?,
        decremented: row.get(3)?,
        adjusted: row.get(4)?,
        overage: row.get(5)?,
    })
}

/// A policy with its meters.
pub fn whole_policy(
    db: &Connection,
    account: AccountId,
    id: PolicyId,
) -> Result<Option<Arc<Policy>>> {
    let found = db
        .prepare_cached(&format!("SELECT {POLICY} FROM policy WHERE account = ?1 AND id = ?2"))?
        .query_row(params![account.bytes(), id.bytes()], policy)
        .optional()?;
    let Some(mut policy) = found else {
        return Ok(None);
    };
    policy.meters = meter_specs(db, account, id)?;
    Ok(Some(Arc::new(policy)))
}
