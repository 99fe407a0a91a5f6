//! Compares where meters stand with where the ledger leaves them.

use rusqlite::{Connection, OptionalExtension as _};
use usance_core::id::LicenseId;
use usance_core::ledger::audit::{Auditor, Trail};
use usance_core::ledger::block;
use usance_core::ledger::record::{Event, Record};
use usance_core::meter::{Counted, MeterState};
use usance_core::text::Code;

use super::{Finding, Named, Problem, Report};
use crate::store::LoadedMeter;
use crate::store::sqlite::row_id;
use crate::store::sqlite::rows::StoredMeter;

/// Checks the meters of one license; `stored` names those that have a row.
pub fn check(
    db: &Connection,
    ledger: &Named,
    auditor: &Auditor,
    (license, meters, stored): (LicenseId, &[LoadedMeter], &[Code]),
    report: &mut Report,
) -> rusqlite::Result<()> {
    for meter in meters {
        let name = &meter.spec.name;
        let trail = auditor.trail(license, name);
        let found = if stored.contains(name) {
            report.meters += 1;
            difference(db, ledger, license, meter, trail)?
        } else {
            // A meter that its policy gained later has no row before it is written back.
            let lost = trail.filter(|trail| trail.last_record < ledger.covered);
            lost.map(|trail| (Some(trail.last_record), "is missing".to_owned()))
        };
        if let Some((record, what)) = found {
            find(ledger, record, format!("meter {name} of {license} {what}"), report);
        }
    }
    Ok(())
}

/// Checks where meters stood that were taken away: their rows do not change any more.
pub fn check_hidden(
    ledger: &Named,
    auditor: &Auditor,
    (license, meters): (LicenseId, &[StoredMeter]),
    report: &mut Report,
) {
    for meter in meters {
        let Some(trail) = auditor.trail(license, &meter.name) else { continue };
        let state = &meter.state;
        let stands = (state.total, state.gross, state.held, state.carried, state.period_end);
        let left = (trail.total, trail.gross, trail.held, trail.carried, trail.period_end);
        if stands != left || state.last_record != Some(trail.last_record) {
            let what = format!("meter {} of {license} is not as it was taken away", meter.name);
            find(ledger, Some(trail.last_record), what, report);
        }
    }
}

fn find(ledger: &Named, record: Option<u64>, what: String, report: &mut Report) {
    let what = Problem::WrongMeter(what);
    report.findings.push(Finding { origin: ledger.origin.clone(), record, what });
}

type Difference = Option<(Option<u64>, String)>;

/// What is wrong with a meter's row. A row may be older than the ledger's end if the rest is still
/// to be replayed; then it must be what its own last record says.
fn difference(
    db: &Connection,
    ledger: &Named,
    license: LicenseId,
    meter: &LoadedMeter,
    trail: Option<Trail>,
) -> rusqlite::Result<Difference> {
    let state = &meter.state;
    let beginning = meter.spec.beginning().total;
    let stands = || {
        let MeterState { total, gross, held, .. } = state;
        format!("stands at total {total}, gross {gross} and {held} on hold")
    };
    let Some(trail) = trail else {
        let is_new = state.total == beginning
            && (state.gross, state.held, state.carried) == (0, 0, 0)
            && state.period_end.is_none()
            && state.last_record.is_none();
        let difference = || (None, format!("{}, but the ledger never moved it", stands()));
        return Ok((!is_new).then(difference));
    };
    let must_be_current = trail.last_record < ledger.covered;
    let figures = (state.total, state.gross, state.held);
    let fits = match state.last_record {
        Some(last) if last == trail.last_record => {
            figures == (trail.total, trail.gross, trail.held)
                && (state.period_end, state.carried) == (trail.period_end, trail.carried)
        }
        _ if must_be_current => false,
        Some(last) => match figures_of(db, ledger, (license, &meter.spec.name), last)? {
            Some(Figures::Use(total, gross, held)) => figures == (total, gross, held),
            // A refusal leaves a record, but no gross in it.
            Some(Figures::Refusal(total)) => state.total == total,
            None => false,
        },
        None => figures == (beginning, 0, 0),
    };
    if fits {
        return Ok(None);
    }
    let Trail { total, gross, held, last_record, .. } = trail;
    let leaves =
        format!("but the ledger leaves it at total {total}, gross {gross} and {held} on hold");
    Ok(Some((Some(last_record), format!("{}, {leaves}", stands()))))
}

/// What a record says of where its meter stood.
enum Figures {
    /// Total, gross and units on hold.
    Use(i64, i64, i64),
    /// The total.
    Refusal(i64),
}

/// What a record of this meter says of where it stood; none if it is no record of it.
fn figures_of(
    db: &Connection,
    ledger: &Named,
    (license, name): (LicenseId, &str),
    record: u64,
) -> rusqlite::Result<Option<Figures>> {
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
            let Counted { total, gross, held, .. } = event.counted;
            Some(Figures::Use(total, gross, held))
        }
        Some(Event::Refused(event)) if event.license == license && event.meter == name => {
            Some(Figures::Refusal(event.total))
        }
        _ => None,
    })
}
