//! Compares where meters stand with where the ledger leaves them.

use rusqlite::{Connection, OptionalExtension as _, params};
use usance_core::id::LicenseId;
use usance_core::ledger::audit::{Auditor, Trail};
use usance_core::ledger::block;
use usance_core::ledger::record::{Action, Event, Record};

use super::{Finding, Named, Problem, Report};
use crate::store::LoadedMeter;
use crate::store::sqlite::{row_id, rows};

/// Checks every meter of the ledger's account.
pub fn check(
    db: &Connection,
    ledger: &Named,
    auditor: &Auditor,
    report: &mut Report,
) -> rusqlite::Result<()> {
    let sql = format!(
        "SELECT {}, meter.license, spec.name, spec.floor FROM meter
         JOIN license ON license.account = meter.account AND license.id = meter.license
         JOIN policy_meter spec ON spec.account = meter.account AND spec.policy = license.policy
             AND spec.place = meter.place
         WHERE meter.account = ?1",
        rows::METER.split(", ").map(|name| format!("meter.{name}")).collect::<Vec<_>>().join(", ")
    );
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query([ledger.account.bytes()])?;
    while let Some(row) = found.next()? {
        let meter = rows::meter(row)?;
        let license = LicenseId::from_bytes(row.get(13)?);
        let name: String = row.get(14)?;
        let floor: i64 = row.get(15)?;
        report.meters += 1;
        let trail = auditor.trail(license, &name);
        if let Some((record, what)) =
            difference(db, ledger, (license, &name), &meter, floor, trail)?
        {
            let what = Problem::WrongMeter(format!("meter {name} of {license} {what}"));
            report.findings.push(Finding { origin: ledger.origin.clone(), record, what });
        }
    }
    for (license, name, trail) in auditor.trails() {
        let change = auditor.last_change(license.bytes());
        let is_deleted = change.is_some_and(|change| change.action == Action::Deleted);
        if !is_deleted && !has_meters(db, ledger, license)? {
            let what = Problem::WrongMeter(format!("meter {name} of {license} is missing"));
            let record = Some(trail.last_record);
            report.findings.push(Finding { origin: ledger.origin.clone(), record, what });
        }
    }
    Ok(())
}

type Difference = Option<(Option<u64>, String)>;

/// What is wrong with a meter's row. A row may be older than the ledger's end if the rest is still
/// to be replayed; then it must be what its own last record says.
fn difference(
    db: &Connection,
    ledger: &Named,
    meter_of: (LicenseId, &str),
    meter: &LoadedMeter,
    floor: i64,
    trail: Option<Trail>,
) -> rusqlite::Result<Difference> {
    let state = &meter.state;
    let stands = format!("stands at total {} and gross {}", state.total, state.gross);
    let Some(trail) = trail else {
        let is_new = state.total == floor.max(0) && state.gross == 0 && state.last_record.is_none();
        let difference = (None, format!("{stands}, but the ledger never moved it"));
        return Ok((!is_new).then_some(difference));
    };
    let must_be_current = trail.last_record < ledger.covered;
    let expected = match state.last_record {
        Some(last) if last == trail.last_record => Some((trail.total, trail.gross)),
        _ if must_be_current => None,
        Some(last) => figures_of(db, ledger, meter_of, last)?,
        None => Some((floor.max(0), 0)),
    };
    // A refusal leaves a record, but no gross in it.
    let fits = expected.is_some_and(|(total, gross)| {
        total == state.total && (gross == state.gross || gross == i64::MIN)
    });
    let difference = format!(
        "{stands}, but the ledger leaves it at total {} and gross {}",
        trail.total, trail.gross
    );
    Ok((!fits).then_some((Some(trail.last_record), difference)))
}

/// The total and gross that a record of this meter states; no gross if it is a refusal.
fn figures_of(
    db: &Connection,
    ledger: &Named,
    (license, name): (LicenseId, &str),
    record: u64,
) -> rusqlite::Result<Option<(i64, i64)>> {
    let id = row_id(ledger.number, record);
    let found: Option<(i64, Vec<u8>)> = db
        .prepare_cached("SELECT id, body FROM block WHERE id <= ?1 ORDER BY id DESC LIMIT 1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((first, body)) = found else {
        return Ok(None);
    };
    let place = usize::try_from(id - first).unwrap_or(usize::MAX);
    let bytes = block::records(&body).nth(place).map(|(bytes, _)| bytes);
    Ok(match bytes.and_then(|bytes| Record::decode(bytes).ok()).map(|record| record.event) {
        Some(Event::Use(event)) if event.license == license && event.meter == name => {
            Some((event.counted.total, event.counted.gross))
        }
        Some(Event::Refused(event)) if event.license == license && event.meter == name => {
            Some((event.total, i64::MIN))
        }
        _ => None,
    })
}

fn has_meters(db: &Connection, ledger: &Named, license: LicenseId) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM meter WHERE account = ?1 AND license = ?2 LIMIT 1")?
        .exists(params![ledger.account.bytes(), license.bytes()])
}
