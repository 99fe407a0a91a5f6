//! Compares licenses and their meters with the ledger, in one pass over both tables.

use std::mem;

use rusqlite::Connection;
use usance_core::id::PolicyId;
use usance_core::ledger::audit::Auditor;
use usance_core::ledger::canonical;
use usance_core::license::License;
use usance_core::policy::Policy;

use super::catalogue::Entries;
use super::{Named, meters};
use crate::store::sqlite::rows::{self, StoredMeter};
use crate::store::{FastMap, LoadedMeter};

/// A license and what is stored of its meters, and of those that were taken away.
type Stored = (License, Vec<StoredMeter>, Vec<StoredMeter>);

/// Columns of a license's row, which the meter's follow.
const LICENSE_COLUMNS: usize = 24;

/// Checks every license of the ledger's account.
pub fn check(
    db: &Connection,
    ledger: &Named,
    auditor: &Auditor,
    entries: &mut Entries<'_>,
) -> rusqlite::Result<()> {
    let policies = policies(db, ledger)?;
    let sql = format!(
        "SELECT {}, {}, meter.hidden FROM license
         LEFT JOIN meter ON meter.account = license.account AND meter.license = license.id
         WHERE license.account = ?1 ORDER BY license.id, meter.name",
        of("license", rows::LICENSE),
        of("meter", rows::METER)
    );
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query([ledger.account.bytes()])?;
    let mut current: Option<Stored> = None;
    while let Some(row) = found.next()? {
        let license = rows::license(row)?;
        if current.as_ref().is_none_or(|(current, ..)| current.id != license.id) {
            let next = Some((license, Vec::new(), Vec::new()));
            if let Some(done) = mem::replace(&mut current, next) {
                check_one(db, ledger, auditor, &policies, done, entries)?;
            }
        }
        if let Some((_, seen, hidden)) = &mut current {
            match row.get::<_, Option<bool>>("hidden")? {
                None => {}
                Some(false) => seen.push(rows::meter_from(row, LICENSE_COLUMNS)?),
                Some(true) => hidden.push(rows::meter_from(row, LICENSE_COLUMNS)?),
            }
        }
    }
    match current {
        Some(last) => check_one(db, ledger, auditor, &policies, last, entries),
        None => Ok(()),
    }
}

fn of(table: &str, columns: &str) -> String {
    columns.split(", ").map(|name| format!("{table}.{name}")).collect::<Vec<_>>().join(", ")
}

fn policies(db: &Connection, ledger: &Named) -> rusqlite::Result<FastMap<PolicyId, Policy>> {
    let sql = format!("SELECT {} FROM policy WHERE account = ?1", rows::POLICY);
    let mut statement = db.prepare(&sql)?;
    let found = statement.query_map([ledger.account.bytes()], rows::policy)?;
    let mut policies = FastMap::default();
    for policy in found {
        let mut policy = policy?;
        policy.meters = rows::meter_specs(db, ledger.account, policy.id)?;
        policies.insert(policy.id, policy);
    }
    Ok(policies)
}

fn check_one(
    db: &Connection,
    ledger: &Named,
    auditor: &Auditor,
    policies: &FastMap<PolicyId, Policy>,
    (license, seen, hidden): Stored,
    entries: &mut Entries<'_>,
) -> rusqlite::Result<()> {
    // Without its policy nothing can be said of its meters; that the policy is gone is a finding.
    let Some(policy) = policies.get(&license.policy) else { return Ok(()) };
    let stored: Vec<_> = seen.iter().map(|row| row.name.clone()).collect();
    let meters = rows::meters_of(policy, seen);
    let text = canonical::license(&license, meters.iter().map(LoadedMeter::entry));
    entries.compare("license", &license.id, license.id.bytes(), &text);
    meters::check(db, ledger, auditor, (license.id, &meters, &stored), entries.report)?;
    meters::check_hidden(ledger, auditor, (license.id, &hidden), entries.report);
    Ok(())
}
