//! Compares what lives on licenses with what the ledger says of it.

use std::fmt::Display;

use rusqlite::{Connection, OptionalExtension as _, params};
use usance_core::id::LicenseId;
use usance_core::ledger::audit::Auditor;
use usance_core::ledger::canonical::{self, Canonical};

use super::catalogue::Entries;
use super::{Finding, Named, Problem};
use crate::store::FastMap;
use crate::store::sqlite::{live_rows, people_rows, rows};

/// Checks every activation and entitlement of the ledger's account against its last change.
pub fn check_entries(
    db: &Connection,
    ledger: &Named,
    entries: &mut Entries<'_>,
) -> rusqlite::Result<()> {
    let sql =
        format!("SELECT {}, license FROM activation WHERE account = ?1", live_rows::ACTIVATION);
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query([ledger.account.bytes()])?;
    while let Some(row) = found.next()? {
        let license = LicenseId::from_bytes(row.get("license")?);
        let activation = live_rows::activation(row)?;
        let text = canonical::activation(license, &activation);
        entries.compare("activation", &activation.id, activation.id.bytes(), &text);
    }
    let sql = format!("SELECT {} FROM entitlement WHERE account = ?1", rows::ENTITLEMENT);
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query([ledger.account.bytes()])?;
    while let Some(row) = found.next()? {
        let one = people_rows::entitlement(row)?;
        entries.compare("entitlement", &one.id, one.id.bytes(), &canonical::entitlement(&one));
    }
    people(db, ledger, entries)
}

/// Compares customers and people with the commitments to them, as far as their salts are kept.
fn people(db: &Connection, ledger: &Named, entries: &mut Entries<'_>) -> rusqlite::Result<()> {
    let sql = format!("SELECT {} FROM customer WHERE account = ?1", rows::CUSTOMER);
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query([ledger.account.bytes()])?;
    while let Some(row) = found.next()? {
        let one = rows::customer(row)?;
        let text = canonical::customer(&one);
        compare_private(db, entries, ("customer", &one.id, one.id.bytes()), &text)?;
    }
    let sql = format!("SELECT {} FROM user WHERE account = ?1", rows::USER);
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query([ledger.account.bytes()])?;
    while let Some(row) = found.next()? {
        let one = people_rows::user(row)?;
        compare_private(db, entries, ("user", &one.id, one.id.bytes()), &canonical::user(&one))?;
    }
    Ok(())
}

/// Compares a thing with the commitment to it, opened by the salt that lies beside its last change.
/// Without a salt, which an erasure takes away, nothing can be said of it but that it is there.
fn compare_private(
    db: &Connection,
    entries: &mut Entries<'_>,
    (word, name, id): (&str, &dyn Display, &[u8; 16]),
    text: &Canonical,
) -> rusqlite::Result<()> {
    let salt: Option<[u8; 32]> = db
        .prepare_cached("SELECT salt FROM detail WHERE thing = ?1 ORDER BY id DESC LIMIT 1")?
        .query_row([id], |row| row.get(0))
        .optional()?
        .flatten();
    match salt {
        Some(salt) => entries.compare_digest(word, name, id, text.commitment(&salt)),
        None => entries.pass(),
    }
    Ok(())
}

/// Checks that what is on hold by the ledger is what holds and sessions hold.
pub fn check_held(
    db: &Connection,
    ledger: &Named,
    auditor: &Auditor,
    entries: &mut Entries<'_>,
) -> rusqlite::Result<()> {
    let mut held: FastMap<(LicenseId, String), i64> = FastMap::default();
    let mut statement = db.prepare(
        "SELECT license, meter, units FROM hold WHERE account = ?1
         UNION ALL SELECT license, meter, reserved FROM session WHERE account = ?1",
    )?;
    let mut found = statement.query(params![ledger.account.bytes()])?;
    while let Some(row) = found.next()? {
        let units: i64 = row.get(2)?;
        let sum = held.entry((LicenseId::from_bytes(row.get(0)?), row.get(1)?)).or_default();
        *sum = sum.saturating_add(units);
    }
    let mut find = |license: LicenseId, meter: &str, stated: i64, found: i64| {
        let what = Problem::WrongMeter(format!(
            "meter {meter} of {license} has {stated} units on hold by the ledger, but its holds \
             and sessions hold {found}"
        ));
        let origin = ledger.origin.clone();
        entries.report.findings.push(Finding { origin, record: None, what });
    };
    for (license, meter, trail) in auditor.trails() {
        let found = held.remove(&(license, meter.to_owned())).unwrap_or(0);
        // Nothing lives on a license that is gone.
        let is_gone = auditor
            .last_change(license.bytes())
            .is_some_and(|change| change.action == usance_core::ledger::record::Action::Deleted);
        let stated = if is_gone { 0 } else { trail.held };
        if stated != found {
            find(license, meter, stated, found);
        }
    }
    for ((license, meter), found) in held.into_iter().filter(|(_, units)| *units != 0) {
        find(license, &meter, 0, found);
    }
    Ok(())
}
