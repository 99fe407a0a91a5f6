//! Verifying: how fast `usance verify` reads a ledger back.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::floors::{self, Bound, Floor};
use crate::table::{self, Drawing};

/// Runs it, relays what it says, and counts from what it says and how long it took.
pub fn measure(program: &Path, data: &Path, drawing: Drawing) -> Result<()> {
    let begin = Instant::now();
    let output = Command::new(program)
        .arg("verify")
        .arg(data)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let elapsed = begin.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{}\n", said.trim_end());
    ensure!(output.status.success(), "usance verify ended with {}", output.status);
    let records = record_count(&said);
    let shown = records.map_or_else(|| "unknown".to_owned(), |count| table::whole(count as f64));
    println!("{shown} records in {:.3} s\n", elapsed.as_secs_f64());
    let floor = Floor {
        what: "verify, with starting the program".to_owned(),
        bound: Bound::AtLeast,
        floor: 1_000_000.0,
        aim: 3_000_000.0,
        measured: records.map(|count| count as f64 / elapsed.as_secs_f64()),
        unit: "records/s",
    };
    floors::print(drawing, &[floor]);
    Ok(())
}

/// The largest whole number that stands beside the word records: `12 records`, `records: 12`.
///
/// "records per second" is a rate and does not count.
fn record_count(said: &str) -> Option<u64> {
    let number = |word: Option<&&str>| {
        let digits: String =
            word?.chars().filter(|letter| !matches!(letter, ',' | '_' | ';' | '.')).collect();
        digits.parse::<u64>().ok()
    };
    let words: Vec<&str> = said.split_whitespace().collect();
    let beside = words.iter().enumerate().filter(|(index, word)| {
        word.trim_matches(|letter: char| !letter.is_alphanumeric()).eq_ignore_ascii_case("records")
            && !word.contains('/')
            && words.get(index + 1).is_none_or(|next| !matches!(*next, "per" | "a" | "/"))
    });
    beside
        .filter_map(|(index, _)| {
            let before = number(index.checked_sub(1).and_then(|index| words.get(index)));
            before.or_else(|| number(words.get(index + 1)))
        })
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_counts_are_found() {
        for (said, expected) in [
            ("ok: 10000000 records, root abc", Some(10_000_000)),
            ("records: 1,234\n", Some(1234)),
            ("12 records\n3400000 records per second", Some(12)),
            ("2 ledgers: 5 records and 7 records.", Some(7)),
            ("all is well", None),
        ] {
            assert_eq!(record_count(said), expected, "{said}");
        }
    }
}
