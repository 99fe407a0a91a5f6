//! The report of a side-by-side measurement: one table with ratios, and the floors.

use std::time::Duration;

use crate::compare::{Figures, Findings, Row, System};
use crate::floors::{self, Bound, Floor};
use crate::table::{self, Drawing};
use crate::uses::Keying;

/// Prints everything that was found.
pub fn print(drawing: Drawing, machine: &[(&'static str, String)], findings: &Findings) {
    table::heading(drawing, "Machine");
    let mut about: Vec<Vec<String>> =
        machine.iter().map(|(name, value)| vec![(*name).to_owned(), value.clone()]).collect();
    about.extend(findings.notes.iter().map(|(name, value)| vec![name.clone(), value.clone()]));
    if let Some(fdatasync) = findings.fdatasync {
        about.push(vec![
            "fdatasync of 4 KiB".to_owned(),
            format!(
                "{} ms median, {} ms p99",
                milliseconds(fdatasync.median),
                milliseconds(fdatasync.p99)
            ),
        ]);
    }
    table::print(drawing, &["what", "value"], about, 2);

    table::heading(drawing, "Measurements");
    let header = [
        "system",
        "keys",
        "connections",
        "batch",
        "uses/s",
        "spread",
        "p50 ms",
        "p99 ms",
        "vs no-op",
        "vs Redis",
        "vs PostgreSQL",
        "client µs",
    ];
    let mut rows: Vec<Vec<String>> =
        findings.rows.iter().map(|(row, figures)| line(findings, *row, figures)).collect();
    for (name, why) in &findings.skipped {
        let mut line = vec![(*name).to_owned(), format!("skipped: {why}")];
        line.resize(header.len(), String::new());
        rows.push(line);
    }
    table::print(drawing, &header, rows, 2);
    floors::print(drawing, &of(findings));
}

fn line(findings: &Findings, row: Row, figures: &Figures) -> Vec<String> {
    let against = |system| {
        let is_single = row.batch == 1 && row.system != System::Batches;
        (is_single && row.system != system).then(|| rate_ratio(findings, row, system)).flatten()
    };
    vec![
        name(row.system).to_owned(),
        match row.keying {
            Keying::Plain => "no".to_owned(),
            Keying::Keyed => "yes".to_owned(),
        },
        row.connections.to_string(),
        row.batch.to_string(),
        table::whole(figures.uses_per_second),
        format!("{:.0} %", figures.spread * 100.0),
        milliseconds(figures.latency_median),
        milliseconds(figures.latency_p99),
        table::ratio(against(System::Noop)),
        table::ratio(against(System::Redis)),
        table::ratio(against(System::Postgres)),
        format!("{:.1}", figures.client_cpu.as_secs_f64() * 1e6),
    ]
}

/// Uses per second of a row against another system at the same connections with the same keys.
///
/// PostgreSQL has its unique key always; a row without keys is compared with that.
fn rate_ratio(findings: &Findings, row: Row, system: System) -> Option<f64> {
    let keying = if system == System::Postgres { Keying::Keyed } else { row.keying };
    let own = findings.rows.get(&row)?.uses_per_second;
    let other = findings.rows.get(&Row { system, keying, ..row })?.uses_per_second;
    Some(own / other)
}

/// The floors that one comparison can tell.
fn of(findings: &Findings) -> Vec<Floor> {
    let mut floors = Vec::new();
    let against = |system, keying, connections, floor, aim| {
        let row = Row { system: System::Usance, keying, connections, batch: 1 };
        Floor {
            what: format!(
                "single uses, {}, {connections} connections, against {}",
                keys(keying),
                name(system)
            ),
            bound: Bound::AtLeast,
            floor,
            aim,
            measured: rate_ratio(findings, row, system),
            unit: "x",
        }
    };
    for keying in [Keying::Plain, Keying::Keyed] {
        floors.push(against(System::Noop, keying, 64, 0.70, 0.90));
        floors.push(against(System::Noop, keying, 256, 0.85, 0.95));
    }
    for keying in [Keying::Plain, Keying::Keyed] {
        floors.push(against(System::Redis, keying, 64, 1.0, 1.5));
        floors.push(against(System::Redis, keying, 256, 1.0, 1.5));
    }
    floors.push(against(System::Postgres, Keying::Keyed, 64, 4.0, 8.0));
    floors.push(against(System::Postgres, Keying::Keyed, 256, 4.0, 8.0));
    for keying in [Keying::Plain, Keying::Keyed] {
        floors.push(Floor {
            what: format!(
                "median latency, {}, 1 connection, against one fdatasync plus one no-op request",
                keys(keying)
            ),
            bound: Bound::AtMost,
            floor: 2.0,
            aim: 1.3,
            measured: lone_latency_ratio(findings, keying),
            unit: "x",
        });
    }
    let batches = findings.rows.iter().filter(|(row, _)| row.system == System::Batches);
    floors.push(Floor {
        what: "uses in batches, the best size, keyed".to_owned(),
        bound: Bound::AtLeast,
        floor: 300_000.0,
        aim: 1_000_000.0,
        measured: batches.map(|(_, figures)| figures.uses_per_second).max_by(f64::total_cmp),
        unit: "uses/s",
    });
    floors
}

fn lone_latency_ratio(findings: &Findings, keying: Keying) -> Option<f64> {
    let lone = |system| {
        let row = Row { system, keying, connections: 1, batch: 1 };
        findings.rows.get(&row).map(|figures| figures.latency_median.as_secs_f64())
    };
    let yardstick = findings.fdatasync?.median.as_secs_f64() + lone(System::Noop)?;
    Some(lone(System::Usance)? / yardstick)
}

fn name(system: System) -> &'static str {
    match system {
        System::Noop => "no-op",
        System::Usance => "usance",
        System::Batches => "usance, batches",
        System::Redis => "Redis",
        System::Postgres => "PostgreSQL",
        System::Disk => "disk",
    }
}

fn keys(keying: Keying) -> &'static str {
    match keying {
        Keying::Plain => "no keys",
        Keying::Keyed => "keyed",
    }
}

fn milliseconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64() * 1000.0)
}
