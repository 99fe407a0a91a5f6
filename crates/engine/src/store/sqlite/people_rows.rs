//! Entitlements, people and signing keys as rows, in both directions.

use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};
use usance_core::artefact::PublicKey;
use usance_core::entitlement::Entitlement;
use usance_core::id::{AccountId, CustomerId, EntitlementId, UserId};
use usance_core::time::Timestamp;
use usance_core::user::{Role, User};

use super::rows::{at, code, maybe_at, maybe_id, metadata, word};
use crate::store::SigningKeyRow;

type Result<T> = rusqlite::Result<T>;

pub fn entitlement(row: &Row<'_>) -> Result<Entitlement> {
    Ok(Entitlement {
        id: EntitlementId::from_bytes(row.get(0)?),
        code: code(row, 1)?,
        name: row.get(2)?,
        metadata: metadata(row, 3)?,
        created_at: at(row, 4)?,
        updated_at: at(row, 5)?,
    })
}

pub fn put_entitlement(db: &Connection, account: AccountId, one: &Entitlement) -> Result<usize> {
    db.prepare_cached(
        "INSERT INTO entitlement (account, id, code, name, metadata, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (account, id) DO UPDATE SET name = ?4, metadata = ?5, updated_at = ?7",
    )?
    .execute(params![
        account.bytes(),
        one.id.bytes(),
        one.code.as_str(),
        one.name,
        one.metadata.to_text(),
        one.created_at.0,
        one.updated_at.0,
    ])
}

pub fn user(row: &Row<'_>) -> Result<User> {
    Ok(User {
        id: UserId::from_bytes(row.get(0)?),
        email: row.get(1)?,
        first_name: row.get(2)?,
        last_name: row.get(3)?,
        role: word(row, 4, Role::from_word)?,
        customer: maybe_id(row, 5, CustomerId::from_bytes)?,
        password: row.get(6)?,
        banned_at: maybe_at(row, 7)?,
        metadata: metadata(row, 8)?,
        created_at: at(row, 9)?,
        updated_at: at(row, 10)?,
    })
}

pub fn put_user(db: &Connection, account: AccountId, user: &User) -> Result<usize> {
    db.prepare_cached(
        "INSERT INTO user (account, id, email, email_key, first_name, last_name, role, customer,
             password, banned_at, metadata, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
         ON CONFLICT (account, id) DO UPDATE SET email = ?3, email_key = ?4, first_name = ?5,
             last_name = ?6, role = ?7, customer = ?8, password = ?9, banned_at = ?10,
             metadata = ?11, updated_at = ?13",
    )?
    .execute(params![
        account.bytes(),
        user.id.bytes(),
        user.email,
        email_key(&user.email),
        user.first_name,
        user.last_name,
        user.role.word(),
        user.customer.as_ref().map(CustomerId::bytes),
        user.password,
        user.banned_at.map(|at| at.0),
        user.metadata.to_text(),
        user.created_at.0,
        user.updated_at.0,
    ])
}

/// The form in which an address is looked up.
pub fn email_key(email: &str) -> String {
    email.to_lowercase()
}

pub fn signing_key(row: &Row<'_>) -> Result<SigningKeyRow> {
    let number: i64 = row.get(0)?;
    let number = u32::try_from(number).map_err(|_| {
        rusqlite::Error::FromSqlConversionFailure(0, Type::Integer, "not a number of a key".into())
    })?;
    let public = PublicKey {
        number,
        key: row.get(1)?,
        created_at: at(row, 3)?,
        retired_at: row.get::<_, Option<i64>>(4)?.map(Timestamp),
    };
    Ok(SigningKeyRow { public, secret: row.get(2)? })
}

pub fn put_signing_key(db: &Connection, account: AccountId, key: &SigningKeyRow) -> Result<usize> {
    db.prepare_cached(
        "INSERT INTO signing_key (account, number, public, secret, created_at, retired_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (account, number) DO UPDATE SET retired_at = ?6",
    )?
    .execute(params![
        account.bytes(),
        key.public.number,
        key.public.key,
        key.secret,
        key.public.created_at.0,
        key.public.retired_at.map(|at| at.0),
    ])
}
