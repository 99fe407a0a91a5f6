//! `usance verify`: checks again, from its bytes alone, what the ledger says.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use serde_json::{Value, json};
use usance_core::ledger::audit::Tally;
use usance_core::ledger::checkpoint::{Checkpoint, Verifier};
use usance_engine::verify::{FINDINGS_MAX, LedgerReport, Report, VerifyOptions};

use super::fault::Fault;
use super::figures::{duration, grouped, per_second, several};
use super::output;
use super::progress::Progress;
use super::serve::not_opened;
use crate::config::DEFAULT_DATA;

/// Check that nothing in a ledger was altered
#[derive(Debug, Args)]
#[command(after_help = "\
Every record is read and hashed, every meter is counted again from its records, the root is
compared with the signed head, and with each checkpoint that is given. Checkpoints kept outside
the server's reach (`GET /v1/ledger/checkpoint`) show a tail that was cut, or a history rewritten.

It only reads, and may run beside a server. It exits with 1 if anything is found, and names the
first bad record.

Examples:
  usance verify
  usance verify /var/lib/usance
  usance verify backup.usance --checkpoint march.note --checkpoint april.note
  usance verify usage.usance --key 'usance/…+1a2b3c4d+AZ…' --json")]
pub struct Verify {
    /// A data directory, or a file of a backup
    #[arg(env = "USANCE_DATA", hide_env_values = true, default_value = DEFAULT_DATA)]
    data: PathBuf,
    /// The verifier key that must have signed [default: the one that the data names]
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// A file with a checkpoint that the ledger must continue; may be given several times
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// What a verification came to.
#[derive(Debug)]
pub struct Checked {
    /// What was read and found.
    pub report: Report,
    /// Checkpoints it was compared with.
    pub checkpoints: usize,
    /// How long it took.
    pub took: Duration,
}

impl Verify {
    /// Checks, and prints what came of it.
    ///
    /// # Errors
    /// If the data cannot be read, or anything is wrong with it.
    pub fn run(self) -> Result<(), Fault> {
        let key = self.key.as_deref().map(read_key).transpose()?;
        let notes = self.checkpoints.iter().map(|path| read_note(path));
        let notes = notes.collect::<Result<Vec<_>, _>>()?;
        let progress = Progress::new("records");
        let checked = verify(&self.data, key, notes, &mut |done, total| {
            progress.show(done, total);
        });
        drop(progress);
        let checked = checked?;
        if self.json {
            output::line(checked.json())?;
        } else {
            output::line(checked.text())?;
        }
        match checked.first_fault() {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }
}

/// Checks the ledgers in `data`.
///
/// # Errors
/// If it cannot be read. What is wrong with it is in the answer.
pub fn verify(
    data: &Path,
    key: Option<Verifier>,
    checkpoints: Vec<String>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Checked, Fault> {
    let begun = Instant::now();
    let options = VerifyOptions { key, checkpoints };
    let report = usance_engine::verify::verify(data, &options, progress)
        .map_err(|error| not_opened(&error))?;
    Ok(Checked { report, checkpoints: options.checkpoints.len(), took: begun.elapsed() })
}

impl Checked {
    fn text(&self) -> String {
        let Report {
            path,
            ledgers,
            findings,
            remarks,
            catalogue_entries,
            meters,
            subjects_opened,
            subjects_absent,
            details,
            signatures,
            bytes,
        } = &self.report;
        let records = self.report.records();
        let mut lines = vec![format!("checked    {}", path.display())];
        for ledger in ledgers {
            lines.extend(ledger_lines(ledger));
        }
        lines.push(format!(
            "compared   {} meters, {} catalogue entries, {} signatures, {} checkpoints",
            grouped(*meters),
            grouped(*catalogue_entries),
            grouped(*signatures),
            self.checkpoints
        ));
        lines.push(format!(
            "personal   {} opened, {} not kept any more",
            grouped(*subjects_opened),
            grouped(*subjects_absent)
        ));
        lines.push(format!("audit log  {} changes compared", grouped(*details)));
        lines.push(format!(
            "speed      {} records a second; {} bytes in {}",
            grouped(per_second(records, self.took)),
            grouped(*bytes),
            duration(self.took)
        ));
        lines.extend(remarks.iter().map(|remark| format!("remark     {remark}")));
        lines.extend(findings.iter().map(|finding| format!("finding    {finding}")));
        if findings.is_empty() {
            lines.push("findings   none: everything is as it was written".into());
        }
        lines.join("\n")
    }

    fn json(&self) -> Value {
        let report = &self.report;
        let findings = report.findings.iter().map(|finding| {
            json!({
                "origin": finding.origin,
                "record": finding.record,
                "what": finding.what.to_string(),
            })
        });
        json!({
            "path": report.path.display().to_string(),
            "ledgers": report.ledgers.iter().map(ledger_json).collect::<Vec<_>>(),
            "findings": findings.collect::<Vec<_>>(),
            "remarks": report.remarks,
            "meters": report.meters,
            "catalogue_entries": report.catalogue_entries,
            "subjects_opened": report.subjects_opened,
            "subjects_absent": report.subjects_absent,
            "signatures": report.signatures,
            "checkpoints": self.checkpoints,
            "bytes": report.bytes,
            "records_per_second": per_second(report.records(), self.took),
        })
    }

    fn first_fault(&self) -> Option<Fault> {
        let findings = &self.report.findings;
        let first = findings.iter().find(|finding| finding.record.is_some()).or(findings.first())?;
        let more = match findings.len() - 1 {
            0 => String::new(),
            more if findings.len() == FINDINGS_MAX => format!(", and at least {more} more"),
            more => format!(", and {}", several(more, "more finding")),
        };
        Some(
            Fault::failure(format!("this is not as it was written: {first}{more}"))
                .advise("keep this copy as it is, and compare it with a backup and checkpoints"),
        )
    }
}

fn ledger_lines(ledger: &LedgerReport) -> [String; 4] {
    let Tally { records, uses, refused, changed, noticed, clock_back } = ledger.tally;
    [
        format!("ledger     {}", ledger.origin),
        format!(
            "records    {}: {} uses, {} refusals, {} changes, {} notices, {} times the clock set back",
            grouped(records),
            grouped(uses),
            grouped(refused),
            grouped(changed),
            grouped(noticed),
            grouped(clock_back)
        ),
        format!("head       size {}, root {}", ledger.size, BASE64.encode(ledger.root)),
        format!("signed by  {}", ledger.verifier),
    ]
}

fn ledger_json(ledger: &LedgerReport) -> Value {
    json!({
        "origin": ledger.origin,
        "records": ledger.tally.records,
        "uses": ledger.tally.uses,
        "refused": ledger.tally.refused,
        "changed": ledger.tally.changed,
        "noticed": ledger.tally.noticed,
        "clock_back": ledger.tally.clock_back,
        "size": ledger.size,
        "root": BASE64.encode(ledger.root),
        "verifier_key": ledger.verifier.to_string(),
    })
}

fn read_key(text: &str) -> Result<Verifier, Fault> {
    Verifier::parse(text).map_err(|error| {
        Fault::usage(format!("--key {text:?} is no verifier key"))
            .because(&error)
            .advise("copy it whole from `GET /v1/ledger/key`, in quotes")
    })
}

fn read_note(path: &Path) -> Result<String, Fault> {
    let note = std::fs::read_to_string(path).map_err(|error| {
        Fault::usage(format!("cannot read checkpoint {}", path.display())).because(&error)
    })?;
    match Checkpoint::peek(&note) {
        Some(_) => Ok(note),
        None => Err(Fault::usage(format!(
            "{} holds no checkpoint (a C2SP signed note)",
            path.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use usance_core::ledger::checkpoint::Signer;
    use usance_engine::verify::{Finding, Problem};

    use super::*;

    fn checked(findings: Vec<Finding>) -> Checked {
        let tally = Tally { records: 3000, uses: 2990, changed: 9, ..Tally::default() };
        let ledger = LedgerReport {
            origin: "usance/a/w".into(),
            tally,
            size: 3000,
            root: [0; 32],
            verifier: Signer::new("usance/w", &[7; 32]).verifier().clone(),
        };
        let report = Report {
            path: "d/usance.db".into(),
            ledgers: vec![ledger],
            findings,
            meters: 4,
            ..Report::default()
        };
        Checked { report, checkpoints: 1, took: Duration::from_millis(2) }
    }

    #[test]
    fn a_sound_ledger_is_described() {
        let checked = checked(Vec::new());
        let text = checked.text();
        for line in [
            "checked    d/usance.db",
            "ledger     usance/a/w",
            "records    3,000: 2,990 uses, 0 refusals, 9 changes, 0 notices, 0 times the clock set back",
            "head       size 3000, root AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "compared   4 meters, 0 catalogue entries, 0 signatures, 1 checkpoints",
            "speed      1,500,000 records a second; 0 bytes in 2.0 ms",
            "findings   none: everything is as it was written",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(checked.first_fault().is_none());
        assert_eq!(checked.json()["records_per_second"], 1_500_000);
    }

    #[test]
    fn the_first_bad_record_is_named() {
        let finding = |record, what| Finding { origin: "usance/a/w".into(), record, what };
        let checked =
            checked(vec![finding(None, Problem::OtherKey), finding(Some(17), Problem::Damaged)]);
        assert_eq!(
            checked.first_fault().unwrap().message(),
            "this is not as it was written: record 17 of usance/a/w: its bytes were changed after \
             it was written, and 1 more finding"
        );
    }
}
