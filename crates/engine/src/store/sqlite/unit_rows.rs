//! Units of work as rows.

use rusqlite::{Connection, params};
use usance_core::id::{AccountId, LicenseId, PolicyId, WriterId};
use usance_core::time::Timestamp;

use super::reader::row_id;
use super::{live_rows, people_rows, rows, rule_rows, webhook_rows};
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
    for (account, license, change) in &unit.live {
        live_rows::write(db, *account, *license, change)?;
    }
    for (account, license, at) in &unit.timers {
        write_timer(db, *account, *license, *at)?;
    }
    write_records(db, unit)?;
    write_beside(db, unit)
}

/// Writes records, and the nodes of the tree that they complete.
fn write_records(db: &Connection, unit: &Unit) -> rusqlite::Result<()> {
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
    Ok(())
}

/// Writes what lies beside the records.
fn write_beside(db: &Connection, unit: &Unit) -> rusqlite::Result<()> {
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
    for row in &unit.details {
        db.prepare_cached(
            "INSERT INTO detail (id, thing, text, salt, address) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            row_id(row.ledger, row.record),
            row.thing,
            row.text,
            row.salt,
            row.address,
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
    match change {
        Change::PutAccount(account, at) => {
            db.prepare_cached("INSERT INTO account (id, created_at) VALUES (?1, ?2)")?
                .execute(params![account.bytes(), at.0])?;
        }
        Change::PutProduct(account, product) => {
            rows::put_product(db, *account, product)?;
        }
        Change::DeleteProduct(account, id) => delete(db, "product", *account, id.bytes())?,
        Change::PutPolicy(account, policy) => rows::put_policy(db, *account, policy)?,
        Change::DeletePolicy(account, id) => {
            delete(db, "policy", *account, id.bytes())?;
            db.prepare_cached("DELETE FROM policy_meter WHERE account = ?1 AND policy = ?2")?
                .execute(params![account.bytes(), id.bytes()])?;
        }
        Change::PutCustomer(account, customer) => {
            rows::put_customer(db, *account, customer)?;
        }
        Change::DeleteCustomer(account, id) => {
            delete(db, "customer", *account, id.bytes())?;
            forget_details(db, id.bytes())?;
        }
        Change::PutToken(account, token) => {
            rows::put_token(db, *account, token)?;
        }
        Change::PutTokenUse(account, token, used) => {
            rows::put_token_use(db, *account, *token, used)?;
        }
        Change::PutEntitlement(account, entitlement) => {
            people_rows::put_entitlement(db, *account, entitlement)?;
        }
        Change::DeleteEntitlement(account, id) => {
            delete(db, "entitlement", *account, id.bytes())?;
        }
        Change::PutUser(account, user) => {
            people_rows::put_user(db, *account, user)?;
        }
        Change::DeleteUser(account, id) => {
            delete(db, "user", *account, id.bytes())?;
            forget_details(db, id.bytes())?;
        }
        Change::PutSigningKey(account, key) => {
            people_rows::put_signing_key(db, *account, key)?;
        }
        Change::PutRule(account, rule) | Change::TellRule(account, rule) => {
            rule_rows::put_rule(db, *account, rule)?;
        }
        Change::DeleteRule(account, id) => delete(db, "rule", *account, id.bytes())?,
        Change::PutAct(account, act) => {
            rule_rows::put_act(db, *account, act)?;
        }
        Change::UndoActs(account, license, rule, now) => {
            rule_rows::undo_acts(db, *account, *license, *rule, *now)?;
        }
        Change::CreateLicense(..)
        | Change::ChangeLicense(..)
        | Change::ChangeMeters(..)
        | Change::ChangeAllowed(..)
        | Change::WakeLicenses(..)
        | Change::DeleteLicense(..) => write_license(db, change)?,
        Change::PutWebhook(..)
        | Change::DeleteWebhook(..)
        | Change::PutWebhookSecret { .. }
        | Change::PutRedelivery(..)
        | Change::NoteDelivery(..) => write_webhook(db, change)?,
    }
    Ok(())
}

/// Writes a change of a license; anything else is none of its business.
fn write_license(db: &Connection, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::CreateLicense(account, license, meters) => {
            rows::put_license(db, *account, license)?;
            for meter in meters {
                rows::put_meter(db, *account, license.id, meter, false)?;
            }
        }
        Change::ChangeLicense(account, license) => rows::put_license(db, *account, license)?,
        Change::ChangeMeters(account, license, _, meters, hidden) => {
            rows::put_license(db, *account, license)?;
            for (meters, is_hidden) in [(meters, false), (hidden, true)] {
                for meter in meters {
                    rows::put_meter(db, *account, license.id, meter, is_hidden)?;
                }
            }
        }
        // A meter that its policy gained later may have no row yet.
        Change::ChangeAllowed(account, license, meter) => {
            rows::put_meter(db, *account, *license, meter, false)?;
        }
        Change::WakeLicenses(account, policy, at) => wake_licenses(db, *account, *policy, *at)?,
        Change::DeleteLicense(account, id) => {
            delete(db, "license", *account, id.bytes())?;
            live_rows::forget(db, *account, *id)?;
            for table in ["meter", "usage_hour", "license_user", "act"] {
                db.prepare_cached(&format!(
                    "DELETE FROM {table} WHERE account = ?1 AND license = ?2"
                ))?
                .execute(params![account.bytes(), id.bytes()])?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Writes a change of a webhook; anything else is none of its business.
fn write_webhook(db: &Connection, change: &Change) -> rusqlite::Result<()> {
    match change {
        Change::PutWebhook(account, webhook, progress) => {
            webhook_rows::put_webhook(db, *account, webhook, progress.as_ref())?;
        }
        Change::DeleteWebhook(account, id) => {
            webhook_rows::delete_webhook(db, *account, *id)?;
        }
        Change::PutWebhookSecret { account, webhook, secret, older_until, now } => {
            webhook_rows::put_secret(db, (*account, *webhook), secret, *older_until, *now)?;
        }
        Change::PutRedelivery(account, webhook, redelivery) => {
            webhook_rows::put_redelivery(db, (*account, *webhook), redelivery)?;
        }
        Change::NoteDelivery(account, note) => webhook_rows::note(db, *account, note)?,
        _ => {}
    }
    Ok(())
}

fn delete(db: &Connection, table: &str, account: AccountId, id: &[u8; 16]) -> rusqlite::Result<()> {
    db.prepare_cached(&format!("DELETE FROM {table} WHERE account = ?1 AND id = ?2"))?
        .execute(params![account.bytes(), id])
        .map(|_| ())
}

fn write_timer(
    db: &Connection,
    account: AccountId,
    license: LicenseId,
    at: Option<Timestamp>,
) -> rusqlite::Result<()> {
    let sql = match at {
        Some(_) => "INSERT OR REPLACE INTO timer (account, license, at) VALUES (?1, ?2, ?3)",
        None => "DELETE FROM timer WHERE account = ?1 AND license = ?2 AND ?3 IS NULL",
    };
    db.prepare_cached(sql)?
        .execute(params![account.bytes(), license.bytes(), at.map(|at| at.0)])
        .map(|_| ())
}

/// Has the licenses of a policy that have machines looked at soon.
fn wake_licenses(
    db: &Connection,
    account: AccountId,
    policy: PolicyId,
    at: Timestamp,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO timer (account, license, at)
         SELECT DISTINCT license.account, license.id, ?3 FROM license
         JOIN activation ON activation.account = license.account
             AND activation.license = license.id
         WHERE license.account = ?1 AND license.policy = ?2",
    )?
    .execute(params![account.bytes(), policy.bytes(), at.0])
    .map(|_| ())
}

/// Forgets what a person or customer was, and the salts that open the ledger's commitments to it.
fn forget_details(db: &Connection, thing: &[u8; 16]) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM detail WHERE thing = ?1")?.execute([thing]).map(|_| ())
}
