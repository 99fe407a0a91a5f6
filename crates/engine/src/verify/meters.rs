//! Compares where meters stand with where the ledger leaves them.

use rusqlite::{Connection, OptionalExtension as _};
use usance_core::id::LicenseId;
use usance_core::ledger::audit::{Auditor, Trail};
use usance_core::ledger::block;
use usance_core::ledger::record::{Event, Record};
use usance_core::meter::MeterSpec;
use usance_core::policy::Policy;

use super::{Finding, Named, Problem, Report};
use crate::store::LoadedMeter;
use crate::store::sqlite::row_id;

/// Checks the meters of one license; `rows` has what is stored for each meter of its policy.
pub fn check(
    db: &Connection,
    ledger: &Named,
    auditor: &Auditor,
    (license, policy, rows): (LicenseId, &Policy, &[Option<LoadedMeter>]),
    report: &mut Report,
) -> rusqlite::Result<()> {
    for (spec, row) in policy.meters.iter().zip(rows) {
        let trail = auditor.trail(license, &spec.name);
        let found = match row {
            Some(meter) => {
                report.meters += 1;
                difference(db, ledger, (license, spec), meter, trail)?
            }
            None => Some((trail.map(|trail| trail.last_record), "is missing".to_owned())),
        };
        if let Some((record, what)) = found {
            let what = Problem::WrongMeter(format!("meter {} of {license} {what}", spec.name));
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
    (license, spec): (LicenseId, &MeterSpec),
    meter: &LoadedMeter,
    trail: Option<Trail>,
) -> rusqlite::Result<Difference> {
    let state = &meter.state;
    let beginning = spec.beginning().total;
    let stands = || format!("stands at total {} and gross {}", state.total, state.gross);
    let Some(trail) = trail else {
        let is_new = state.total == beginning && state.gross == 0 && state.last_record.is_none();
        let difference = || (None, format!("{}, but the ledger never moved it", stands()));
        return Ok((!is_new).then(difference));
    };
    let must_be_current = trail.last_record < ledger.covered;
    let expected = match state.last_record {
        Some(last) if last == trail.last_record => Some((trail.total, trail.gross)),
        _ if must_be_current => None,
        Some(last) => figures_of(db, ledger, (license, &spec.name), last)?,
        None => Some((beginning, 0)),
    };
    // A refusal leaves a record, but no gross in it.
    let fits = expected.is_some_and(|(total, gross)| {
        total == state.total && (gross == state.gross || gross == i64::MIN)
    });
    if fits {
        return Ok(None);
    }
    let Trail { total, gross, last_record } = trail;
    let leaves = format!("but the ledger leaves it at total {total} and gross {gross}");
    Ok(Some((Some(last_record), format!("{}, {leaves}", stands()))))
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
