//! Catalogue entries as rows, in both directions.

use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use usance_core::audience::Audience;
use usance_core::customer::{Customer, CustomerKind};
use usance_core::id::{AccountId, CustomerId, LicenseId, PolicyId, ProductId, TokenId, UserId};
use usance_core::key::KeyPattern;
use usance_core::license::{License, LicenseKey, Marks, Standing};
use usance_core::metadata::Metadata;
use usance_core::meter::{AllowedFrom, HourSums, MeterSpec, MeterState};
use usance_core::policy::Policy;
use usance_core::product::Product;
use usance_core::terms::{self, Limit, Terms, TermsPatch};
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::token::{Locks, Permissions, SecretHash, Token, TokenUse};

use super::rule_rows;
use crate::limits::RECORD_INDEX_BITS;
use crate::store::LoadedMeter;
use crate::unit::{Block, LedgerNumber};

type Result<T> = rusqlite::Result<T>;

pub const PRODUCT: &str = "id, code, name, metadata, archived_at, created_at, updated_at";
pub const POLICY: &str = "id, product, code, name, key_pattern, terms, entitlements, metadata, \
                          archived_at, created_at, updated_at";
pub const CUSTOMER: &str = "id, code, name, email, kind, reseller, max_users, max_licenses, \
                            max_activations, metadata, archived_at, created_at, updated_at";
pub const LICENSE: &str = "id, key, product, policy, customer, reseller, owner, users, name, \
                           overrides, entitlements, metadata, checked_in_at, validated_at, \
                           file_at, activated_at, activations, deactivations, standing, \
                           valid_from, expires_at, created_at, updated_at, blocks";
pub const TOKEN: &str = "id, name, secret, permissions, product, license, meter, user, customer, \
                         audience, expires_at, revoked_at, created_at, uses, refused, \
                         last_used_at";
pub const METER: &str = "name, spec, own_allowed, allowed, total, gross, held, carried, \
                         period_end, last_record, refusals, hour, uses, incremented, \
                         decremented, adjusted, overage";
pub const ENTITLEMENT: &str = "id, code, name, metadata, created_at, updated_at";
pub const USER: &str = "id, email, first_name, last_name, role, customer, password, banned_at, \
                        metadata, created_at, updated_at";
pub const SIGNING_KEY: &str = "number, public, secret, created_at, retired_at";
pub const BLOCK: &str = "id, count, root, signature, body";
pub const HOUR: &str = "hour, uses, incremented, decremented, adjusted, overage";

pub fn damaged(column: usize, what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, what.into())
}

pub fn at(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    row.get(column).map(Timestamp)
}

pub fn maybe_at(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp))
}

pub fn code(row: &Row<'_>, column: usize) -> Result<Code> {
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

pub fn metadata(row: &Row<'_>, column: usize) -> Result<Metadata> {
    let text = row.get_ref(column)?.as_str()?;
    Metadata::from_text(text).ok_or_else(|| damaged(column, "not metadata"))
}

pub fn word<T>(row: &Row<'_>, column: usize, read: impl Fn(&str) -> Option<T>) -> Result<T> {
    read(row.get_ref(column)?.as_str()?).ok_or_else(|| damaged(column, "not one of the words"))
}

fn limit(row: &Row<'_>, column: usize) -> Result<Limit> {
    Ok(Limit(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned)))
}

fn limit_value(limit: Limit) -> Option<i64> {
    limit.0.map(u64::cast_signed)
}

fn codes(row: &Row<'_>, column: usize) -> Result<Vec<Code>> {
    let words = row.get_ref(column)?.as_str()?.split_whitespace();
    words.map(|word| Code::parse("code", word).map_err(|_| damaged(column, "not a code"))).collect()
}

fn codes_text(codes: &[Code]) -> String {
    codes.iter().map(Code::as_str).collect::<Vec<_>>().join(" ")
}

fn stated(row: &Row<'_>, column: usize) -> Result<TermsPatch> {
    let text = row.get_ref(column)?.as_str()?;
    TermsPatch::from_lines(text).map_err(|_| damaged(column, "not terms"))
}

pub fn maybe_id<T>(row: &Row<'_>, column: usize, id: impl Fn([u8; 16]) -> T) -> Result<Option<T>> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(id))
}

pub fn product(row: &Row<'_>) -> Result<Product> {
    Ok(Product {
        id: ProductId::from_bytes(row.get(0)?),
        code: code(row, 1)?,
        name: row.get(2)?,
        metadata: metadata(row, 3)?,
        archived_at: maybe_at(row, 4)?,
        created_at: at(row, 5)?,
        updated_at: at(row, 6)?,
    })
}

pub fn put_product(db: &Connection, account: AccountId, product: &Product) -> Result<usize> {
    db.prepare_cached(
        "INSERT INTO product (account, id, code, name, archived_at, created_at, updated_at,
             metadata)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (account, id) DO UPDATE SET
             name = ?4, archived_at = ?5, updated_at = ?7, metadata = ?8",
    )?
    .execute(params![
        account.bytes(),
        product.id.bytes(),
        product.code.as_str(),
        product.name,
        product.archived_at.map(|at| at.0),
        product.created_at.0,
        product.updated_at.0,
        product.metadata.to_text(),
    ])
}

/// A policy without its meters.
pub fn policy(row: &Row<'_>) -> Result<Policy> {
    Ok(Policy {
        id: PolicyId::from_bytes(row.get(0)?),
        product: ProductId::from_bytes(row.get(1)?),
        code: code(row, 2)?,
        name: row.get(3)?,
        meters: Vec::new(),
        key_pattern: KeyPattern::parse(row.get_ref(4)?.as_str()?)
            .map_err(|_| damaged(4, "not a key pattern"))?,
        terms: Arc::new(Terms::default().with(&stated(row, 5)?)),
        entitlements: codes(row, 6)?,
        metadata: metadata(row, 7)?,
        archived_at: maybe_at(row, 8)?,
        created_at: at(row, 9)?,
        updated_at: at(row, 10)?,
    })
}

pub fn meter_specs(
    db: &Connection,
    account: AccountId,
    policy: PolicyId,
) -> Result<Vec<Arc<MeterSpec>>> {
    db.prepare_cached(
        "SELECT spec FROM policy_meter WHERE account = ?1 AND policy = ?2 ORDER BY place",
    )?
    .query_map(params![account.bytes(), policy.bytes()], |row| meter_spec(row, 0).map(Arc::new))?
    .collect()
}

fn meter_spec(row: &Row<'_>, column: usize) -> Result<MeterSpec> {
    let text = row.get_ref(column)?.as_str()?;
    MeterSpec::from_lines(text).map_err(|_| damaged(column, "not a meter"))
}

pub fn put_policy(db: &Connection, account: AccountId, policy: &Policy) -> Result<()> {
    db.prepare_cached(
        "INSERT INTO policy (account, id, product, code, name, key_pattern, terms, entitlements,
             metadata, archived_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (account, id) DO UPDATE SET name = ?5, key_pattern = ?6, terms = ?7,
             entitlements = ?8, metadata = ?9, archived_at = ?10, updated_at = ?12",
    )?
    .execute(params![
        account.bytes(),
        policy.id.bytes(),
        policy.product.bytes(),
        policy.code.as_str(),
        policy.name,
        policy.key_pattern.as_str(),
        terms::lines(&policy.terms.stated()),
        codes_text(&policy.entitlements),
        policy.metadata.to_text(),
        policy.archived_at.map(|at| at.0),
        policy.created_at.0,
        policy.updated_at.0,
    ])?;
    let before = meter_specs(db, account, policy.id)?;
    for (place, spec) in policy.meters.iter().enumerate() {
        db.prepare_cached(
            "INSERT OR REPLACE INTO policy_meter (account, policy, place, spec)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            account.bytes(),
            policy.id.bytes(),
            place as i64,
            terms::lines(&spec.stated()),
        ])?;
        // What a license had under another policy goes on where it stood.
        if before.iter().all(|known| known.name != spec.name) {
            db.prepare_cached(
                "UPDATE meter SET hidden = 0, spec = NULL, own_allowed = 0, allowed = NULL
                 WHERE account = ?1 AND name = ?3 AND hidden = 1 AND license IN
                     (SELECT id FROM license WHERE account = ?1 AND policy = ?2)",
            )?
            .execute(params![
                account.bytes(),
                policy.id.bytes(),
                spec.name.as_str()
            ])?;
        }
    }
    Ok(())
}

/// The rows of a meter on the licenses of a policy that has it.
pub fn moved_meters(
    db: &Connection,
    account: AccountId,
    policy: PolicyId,
    name: &Code,
) -> Result<Vec<(LicenseId, StoredMeter)>> {
    let sql = format!(
        "SELECT {METER}, license FROM meter
         WHERE account = ?1 AND name = ?3 AND hidden = 0 AND license IN
             (SELECT id FROM license WHERE account = ?1 AND policy = ?2)"
    );
    db.prepare_cached(&sql)?
        .query_map(params![account.bytes(), policy.bytes(), name.as_str()], |row| {
            Ok((LicenseId::from_bytes(row.get("license")?), meter(row)?))
        })?
        .collect()
}

pub fn customer(row: &Row<'_>) -> Result<Customer> {
    Ok(Customer {
        id: CustomerId::from_bytes(row.get(0)?),
        code: code(row, 1)?,
        name: row.get(2)?,
        email: row.get(3)?,
        kind: word(row, 4, CustomerKind::from_word)?,
        reseller: maybe_id(row, 5, CustomerId::from_bytes)?,
        max_users: limit(row, 6)?,
        max_licenses: limit(row, 7)?,
        max_activations: limit(row, 8)?,
        metadata: metadata(row, 9)?,
        archived_at: maybe_at(row, 10)?,
        created_at: at(row, 11)?,
        updated_at: at(row, 12)?,
    })
}

pub fn put_customer(db: &Connection, account: AccountId, customer: &Customer) -> Result<usize> {
    db.prepare_cached(
        "INSERT INTO customer (account, id, code, name, email, kind, reseller, max_users,
             max_licenses, max_activations, metadata, archived_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
         ON CONFLICT (account, id) DO UPDATE SET name = ?4, email = ?5, reseller = ?7,
             max_users = ?8, max_licenses = ?9, max_activations = ?10, metadata = ?11,
             archived_at = ?12, updated_at = ?14",
    )?
    .execute(params![
        account.bytes(),
        customer.id.bytes(),
        customer.code.as_str(),
        customer.name,
        customer.email,
        customer.kind.word(),
        customer.reseller.as_ref().map(CustomerId::bytes),
        limit_value(customer.max_users),
        limit_value(customer.max_licenses),
        limit_value(customer.max_activations),
        customer.metadata.to_text(),
        customer.archived_at.map(|at| at.0),
        customer.created_at.0,
        customer.updated_at.0,
    ])
}

pub fn license(row: &Row<'_>) -> Result<License> {
    let overrides = match row.get_ref(9)? {
        rusqlite::types::ValueRef::Null => None,
        _ => Some(Box::new(stated(row, 9)?)),
    };
    let users = row.get_ref(7)?.as_blob()?;
    let (users, rest) = users.as_chunks();
    if !rest.is_empty() {
        return Err(damaged(7, "not ids"));
    }
    Ok(License {
        id: LicenseId::from_bytes(row.get(0)?),
        key: LicenseKey(row.get(1)?),
        product: ProductId::from_bytes(row.get(2)?),
        policy: PolicyId::from_bytes(row.get(3)?),
        customer: maybe_id(row, 4, CustomerId::from_bytes)?,
        reseller: maybe_id(row, 5, CustomerId::from_bytes)?,
        owner: maybe_id(row, 6, UserId::from_bytes)?,
        users: users.iter().copied().map(UserId::from_bytes).collect(),
        name: row.get(8)?,
        overrides,
        entitlements: codes(row, 10)?,
        metadata: metadata(row, 11)?,
        marks: Marks {
            checked_in_at: maybe_at(row, 12)?,
            validated_at: maybe_at(row, 13)?,
            file_at: maybe_at(row, 14)?,
            activated_at: maybe_at(row, 15)?,
            activations: row.get::<_, i64>(16)?.cast_unsigned(),
            deactivations: row.get::<_, i64>(17)?.cast_unsigned(),
        },
        standing: match row.get::<_, i64>(18)? {
            0 => Standing::Active,
            1 => Standing::Suspended,
            2 => Standing::Revoked,
            _ => return Err(damaged(18, "not a standing")),
        },
        valid_from: maybe_at(row, 19)?,
        expires_at: maybe_at(row, 20)?,
        created_at: at(row, 21)?,
        updated_at: at(row, 22)?,
        blocks: rule_rows::blocks(row, 23)?,
    })
}

pub fn put_license(db: &Connection, account: AccountId, license: &License) -> Result<()> {
    let standing = match license.standing {
        Standing::Active => 0,
        Standing::Suspended => 1,
        Standing::Revoked => 2,
    };
    let users: Vec<u8> = license.users.iter().flat_map(|user| *user.bytes()).collect();
    db.prepare_cached(
        "INSERT INTO license (account, id, key, product, policy, customer, reseller, owner, users,
             name, overrides, entitlements, metadata, checked_in_at, validated_at, file_at,
             activated_at, activations, deactivations, standing, valid_from, expires_at,
             created_at, updated_at, blocks)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
             ?19, ?20, ?21, ?22, ?23, ?24, ?25)
         ON CONFLICT (account, id) DO UPDATE SET policy = ?5, customer = ?6, reseller = ?7,
             owner = ?8, users = ?9, name = ?10, overrides = ?11, entitlements = ?12,
             metadata = ?13, checked_in_at = ?14, validated_at = ?15, file_at = ?16,
             activated_at = ?17, activations = ?18, deactivations = ?19, standing = ?20,
             valid_from = ?21, expires_at = ?22, updated_at = ?24, blocks = ?25",
    )?
    .execute(params![
        account.bytes(),
        license.id.bytes(),
        license.key.0,
        license.product.bytes(),
        license.policy.bytes(),
        license.customer.as_ref().map(CustomerId::bytes),
        license.reseller.as_ref().map(CustomerId::bytes),
        license.owner.as_ref().map(UserId::bytes),
        users,
        license.name,
        license.overrides.as_ref().map(|overrides| terms::lines(&overrides.stated())),
        codes_text(&license.entitlements),
        license.metadata.to_text(),
        license.marks.checked_in_at.map(|at| at.0),
        license.marks.validated_at.map(|at| at.0),
        license.marks.file_at.map(|at| at.0),
        license.marks.activated_at.map(|at| at.0),
        license.marks.activations.cast_signed(),
        license.marks.deactivations.cast_signed(),
        standing,
        license.valid_from.map(|at| at.0),
        license.expires_at.map(|at| at.0),
        license.created_at.0,
        license.updated_at.0,
        rule_rows::blocks_text(&license.blocks),
    ])?;
    put_license_users(db, account, license)
}

/// Brings the table that is asked for a person's licenses up to date.
fn put_license_users(db: &Connection, account: AccountId, license: &License) -> Result<()> {
    db.prepare_cached("DELETE FROM license_user WHERE account = ?1 AND license = ?2")?
        .execute(params![account.bytes(), license.id.bytes()])?;
    for user in license.owner.iter().chain(&license.users) {
        db.prepare_cached(
            "INSERT OR IGNORE INTO license_user (account, user, license) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![account.bytes(), user.bytes(), license.id.bytes()])?;
    }
    Ok(())
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
            user: maybe_id(row, 7, UserId::from_bytes)?,
            customer: maybe_id(row, 8, CustomerId::from_bytes)?,
        },
        audience: match row.get::<_, Option<String>>(9)? {
            Some(_) => Some(word(row, 9, Audience::from_word)?),
            None => None,
        },
        expires_at: maybe_at(row, 10)?,
        revoked_at: maybe_at(row, 11)?,
        created_at: at(row, 12)?,
        used: TokenUse {
            uses: row.get::<_, i64>(13)?.cast_unsigned(),
            refused: row.get::<_, i64>(14)?.cast_unsigned(),
            last_used_at: maybe_at(row, 15)?,
        },
    })
}

/// Writes how often a token was presented.
pub fn put_token_use(
    db: &Connection,
    account: AccountId,
    token: TokenId,
    used: &TokenUse,
) -> Result<usize> {
    db.prepare_cached(
        "UPDATE token SET uses = ?3, refused = ?4, last_used_at = ?5 WHERE account = ?1 AND id = ?2",
    )?
    .execute(params![
        account.bytes(),
        token.bytes(),
        used.uses.cast_signed(),
        used.refused.cast_signed(),
        used.last_used_at.map(|at| at.0),
    ])
}

pub fn put_token(db: &Connection, account: AccountId, token: &Token) -> Result<usize> {
    db.prepare_cached(
        "INSERT INTO token (account, id, name, secret, permissions, product, license, meter,
             expires_at, revoked_at, created_at, user, customer, audience)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
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
        token.locks.user.as_ref().map(UserId::bytes),
        token.locks.customer.as_ref().map(CustomerId::bytes),
        token.audience.map(Audience::word),
    ])
}

/// A meter as its row has it: what the license says of it is there, what its policy says is not.
#[derive(Debug, Clone)]
pub struct StoredMeter {
    /// Its name.
    pub name: Code,
    /// What the license says of it.
    pub own: Option<Arc<MeterSpec>>,
    /// Where its ceiling comes from.
    pub allowed_from: AllowedFrom,
    /// Where it stood when it was written back.
    pub state: MeterState,
}

/// A meter's row, in the order of [`METER`].
pub fn meter(row: &Row<'_>) -> Result<StoredMeter> {
    meter_from(row, 0)
}

/// A meter's row from this column on, in the order of [`METER`].
pub fn meter_from(row: &Row<'_>, first: usize) -> Result<StoredMeter> {
    let is_own = !matches!(row.get_ref(first + 1)?, rusqlite::types::ValueRef::Null);
    Ok(StoredMeter {
        name: code(row, first)?,
        own: if is_own { Some(Arc::new(meter_spec(row, first + 1)?)) } else { None },
        allowed_from: allowed_from(row.get(first + 2)?, row.get(first + 3)?),
        state: MeterState {
            total: row.get(first + 4)?,
            gross: row.get(first + 5)?,
            held: row.get(first + 6)?,
            carried: row.get(first + 7)?,
            period_end: maybe_at(row, first + 8)?,
            last_record: row.get::<_, Option<i64>>(first + 9)?.map(i64::cast_unsigned),
            refusals: row.get::<_, i64>(first + 10)?.cast_unsigned(),
            hour: HourSums {
                hour: row.get(first + 11)?,
                uses: row.get(first + 12)?,
                incremented: row.get(first + 13)?,
                decremented: row.get(first + 14)?,
                adjusted: row.get(first + 15)?,
                overage: row.get(first + 16)?,
            },
        },
    })
}

/// A license's meters from its policy and its rows: those of the policy in their order, then its
/// own. A meter of the policy without a row has not moved yet.
#[must_use]
pub fn meters_of(policy: &Policy, rows: Vec<StoredMeter>) -> Vec<LoadedMeter> {
    let find = |name: &Code| rows.iter().find(|row| row.name == *name && row.own.is_none());
    let from_policy = policy.meters.iter().map(|spec| match find(&spec.name) {
        Some(row) => LoadedMeter {
            spec: Arc::clone(spec),
            is_own: false,
            allowed_from: row.allowed_from,
            state: row.state,
        },
        None => LoadedMeter::new(Arc::clone(spec), false, AllowedFrom::Policy),
    });
    let own = rows.iter().filter_map(|row| {
        let spec = Arc::clone(row.own.as_ref()?);
        let StoredMeter { allowed_from, state, .. } = *row;
        Some(LoadedMeter { spec, is_own: true, allowed_from, state })
    });
    from_policy.chain(own).collect()
}

/// The rows of a license's meters that are in sight.
pub fn stored_meters(
    db: &Connection,
    account: AccountId,
    license: LicenseId,
) -> Result<Vec<StoredMeter>> {
    let sql = format!(
        "SELECT {METER} FROM meter WHERE account = ?1 AND license = ?2 AND hidden = 0 ORDER BY name"
    );
    db.prepare_cached(&sql)?.query_map(params![account.bytes(), license.bytes()], meter)?.collect()
}

const fn allowed_from(is_own: bool, allowed: Option<i64>) -> AllowedFrom {
    if is_own { AllowedFrom::License(allowed) } else { AllowedFrom::Policy }
}

pub fn put_meter(
    db: &Connection,
    account: AccountId,
    license: LicenseId,
    meter: &LoadedMeter,
    is_hidden: bool,
) -> Result<usize> {
    let (own, allowed) = match meter.allowed_from {
        AllowedFrom::Policy => (0, None),
        AllowedFrom::License(allowed) => (1, allowed),
    };
    let state = &meter.state;
    let hour = &state.hour;
    db.prepare_cached(
        "INSERT OR REPLACE INTO meter (account, license, name, spec, hidden, own_allowed, allowed,
             total, gross, held, carried, period_end, last_record, refusals, hour, uses,
             incremented, decremented, adjusted, overage)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
             ?19, ?20)",
    )?
    .execute(params![
        account.bytes(),
        license.bytes(),
        meter.spec.name.as_str(),
        (meter.is_own || is_hidden).then(|| terms::lines(&meter.spec.stated())),
        is_hidden,
        own,
        allowed,
        state.total,
        state.gross,
        state.held,
        state.carried,
        state.period_end.map(|at| at.0),
        state.last_record.map(u64::cast_signed),
        state.refusals.cast_signed(),
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
