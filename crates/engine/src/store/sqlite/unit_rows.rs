//! Units of work as rows.

use rusqlite::{Connection, params};
use usance_core::id::{AccountId, WriterId};
use usance_core::license::License;
use usance_core::meter::AllowedFrom;

use super::reader::row_id;
use super::rows;
use crate::store::LoadedMeter;
use crate::unit::{Change, Unit};

/// Writes a unit within the caller's transaction.
pub fn write(db: &Connection, writer: WriterId, unit: &Unit) -> rusqlite::Result<()> {
    for ledger in &unit.ledgers {
        db.prepare_cached(
            "INSERT INTO ledger (number, account, writer, covered, keys_covered)
             VALUES (?1, ?2, ?3, 0, 0)",
        )?
        .execute(params![ledger.number, ledger.account.bytes(), writer.bytes()])?;
    }
    for change in &unit.changes {
        write_change(db, change)?;
    }
    for block in &unit.blocks {
        db.prepare_cached(
            "INSERT INTO block (id, count, root, signature, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            row_id(block.ledger, block.first),
            block.count.cast_signed(),
            block.root,
            block.signature,
            block.body
        ])?;
    }
    for (ledger, position, hash) in &unit.nodes {
        db.prepare_cached(
            "INSERT INTO node (ledger, height, position, hash) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![ledger, position.height, position.index.cast_signed(), hash])?;
    }
    for row in &unit.subjects {
        db.prepare_cached(
            "INSERT INTO subject (id, salt, user, host, address) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            row_id(row.ledger, row.record),
            row.salt,
            row.subject.user,
            row.subject.host,
            row.subject.address
        ])?;
    }
    for hour in &unit.hours {
        db.prepare_cached(
            "INSERT INTO usage_hour (account, license, meter, hour, uses, incremented, decremented,
                 adjusted, overage) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            hour.account.bytes(),
            hour.license.bytes(),
            hour.meter.as_str(),
            hour.sums.hour,
            hour.sums.uses,
            hour.sums.incremented,
            hour.sums.decremented,
            hour.sums.adjusted,
            hour.sums.overage,
        ])?;
    }
    Ok(())
}

fn write_change(db: &Connection, change: &Change) -> rusqlite::Result<()> {
    let delete = |table: &str, account: &AccountId, id: &[u8; 16]| {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE account = ?1 AND id = ?2"))?
            .execute(params![account.bytes(), id])
    };
    match change {
        Change::PutAccount(account, at) => {
            db.prepare_cached("INSERT INTO account (id, created_at) VALUES (?1, ?2)")?
                .execute(params![account.bytes(), at.0])?;
        }
        Change::PutProduct(account, product) => {
            rows::put_product(db, *account, product)?;
        }
        Change::DeleteProduct(account, id) => {
            delete("product", account, id.bytes())?;
        }
        Change::PutPolicy(account, policy) => rows::put_policy(db, *account, policy)?,
        Change::DeletePolicy(account, id) => {
            delete("policy", account, id.bytes())?;
            db.prepare_cached("DELETE FROM policy_meter WHERE account = ?1 AND policy = ?2")?
                .execute(params![account.bytes(), id.bytes()])?;
        }
        Change::PutCustomer(account, customer) => {
            rows::put_customer(db, *account, customer)?;
        }
        Change::DeleteCustomer(account, id) => {
            delete("customer", account, id.bytes())?;
        }
        Change::CreateLicense(account, license, allowed) => {
            rows::put_license(db, *account, license)?;
            write_new_meters(db, *account, license, allowed)?;
        }
        Change::ChangeLicense(account, license) => {
            rows::put_license(db, *account, license)?;
        }
        Change::ChangeAllowed(account, license, place, allowed_from) => {
            let (own, allowed) = match allowed_from {
                AllowedFrom::Policy => (0, None),
                AllowedFrom::License(allowed) => (1, *allowed),
            };
            db.prepare_cached(
                "UPDATE meter SET own_allowed = ?4, allowed = ?5
                 WHERE account = ?1 AND license = ?2 AND place = ?3",
            )?
            .execute(params![
                account.bytes(),
                license.bytes(),
                *place as i64,
                own,
                allowed
            ])?;
        }
        Change::DeleteLicense(account, id) => {
            delete("license", account, id.bytes())?;
            for table in ["meter", "usage_hour"] {
                db.prepare_cached(&format!(
                    "DELETE FROM {table} WHERE account = ?1 AND license = ?2"
                ))?
                .execute(params![account.bytes(), id.bytes()])?;
            }
        }
        Change::PutToken(account, token) => {
            rows::put_token(db, *account, token)?;
        }
    }
    Ok(())
}

fn write_new_meters(
    db: &Connection,
    account: AccountId,
    license: &License,
    allowed: &[AllowedFrom],
) -> rusqlite::Result<()> {
    let specs = rows::meter_specs(db, account, license.policy)?;
    for (place, (spec, allowed_from)) in specs.iter().zip(allowed).enumerate() {
        let meter = LoadedMeter { allowed_from: *allowed_from, state: spec.beginning() };
        rows::put_meter(db, account, license.id, place, &meter)?;
    }
    Ok(())
}
