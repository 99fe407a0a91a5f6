//! Compares licenses and their meters with the ledger, in one pass over both tables.

use std::mem;

use rusqlite::{Connection, Row};
use usance_core::id::PolicyId;
use usance_core::ledger::audit::Auditor;
use usance_core::ledger::canonical;
use usance_core::license::License;
use usance_core::meter::AllowedFrom;
use usance_core::policy::Policy;

use super::catalogue::Entries;
use super::{Named, meters};
use crate::store::sqlite::rows;
use crate::store::{FastMap, LoadedMeter};

/// A license and what is stored for each meter of its policy.
type Stored = (License, Vec<Option<LoadedMeter>>);

/// Columns of a license's row, which the meter's follow.
const LICENSE_COLUMNS: usize = 11;

/// Checks every license of the ledger's account.
pub fn check(
    db: &Connection,
    ledger: &Named,
    auditor: &Auditor,
    entries: &mut Entries<'_>,
) -> rusqlite::Result<()> {
    let policies = policies(db, ledger)?;
    let sql = format!(
        "SELECT {}, {}, meter.place FROM license
         LEFT JOIN meter ON meter.account = license.account AND meter.license = license.id
         WHERE license.account = ?1 ORDER BY license.id, meter.place",
        of("license", rows::LICENSE),
        of("meter", rows::METER)
    );
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query([ledger.account.bytes()])?;
    let mut current: Option<Stored> = None;
    while let Some(row) = found.next()? {
        let license = rows::license(row)?;
        if current.as_ref().is_none_or(|(current, _)| current.id != license.id) {
            let meters = policies.get(&license.policy).map_or(0, |policy| policy.meters.len());
            let next = Some((license, vec![None; meters]));
            if let Some(done) = mem::replace(&mut current, next) {
                check_one(db, ledger, auditor, &policies, done, entries)?;
            }
        }
        if let Some((_, meters)) = &mut current {
            take_meter(row, meters)?;
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

/// Puts the meter of a row, if the license has any, in its place.
fn take_meter(row: &Row<'_>, meters: &mut [Option<LoadedMeter>]) -> rusqlite::Result<()> {
    let place: Option<usize> =
        row.get::<_, Option<i64>>("place")?.and_then(|place| usize::try_from(place).ok());
    if let Some(slot) = place.and_then(|place| meters.get_mut(place)) {
        *slot = Some(rows::meter_from(row, LICENSE_COLUMNS)?);
    }
    Ok(())
}

fn check_one(
    db: &Connection,
    ledger: &Named,
    auditor: &Auditor,
    policies: &FastMap<PolicyId, Policy>,
    (license, stored): Stored,
    entries: &mut Entries<'_>,
) -> rusqlite::Result<()> {
    // Without its policy nothing can be said of its meters; that the policy is gone is a finding.
    let Some(policy) = policies.get(&license.policy) else { return Ok(()) };
    let from = stored.iter().map(|meter| meter.map_or(AllowedFrom::Policy, |m| m.allowed_from));
    let digest = canonical::license(&license, policy.meters.iter().map(|m| &m.name).zip(from));
    entries.compare("license", &license.id, license.id.bytes(), digest);
    meters::check(db, ledger, auditor, (license.id, policy, &stored), entries.report)
}
