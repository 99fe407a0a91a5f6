//! Filling: many licenses and many records, over HTTP as everybody else's.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};

use crate::load::{Load, Plan, Until, run};
use crate::random;
use crate::table;
use crate::template::{KeyOrder, Keys, LicenseDigits};
use crate::usance::{Meters, Usance};
use crate::uses::BatchUses;

/// Connections that send batches.
const CONNECTIONS: usize = 4;
/// A large directory may take its time to open.
const START_WAIT_MAX: Duration = Duration::from_secs(300);

/// How much, and in which portions.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    pub licenses: u64,
    pub records: u64,
    pub batch: u64,
    pub keys: KeyOrder,
}

/// Fills a data directory, which stays.
pub fn fill(program: &Path, data: &Path, amount: Amount) -> Result<()> {
    let mut server = Usance::start(program, data, START_WAIT_MAX)?;
    let licenses = create(&server, amount.licenses)?;
    if amount.records > 0 {
        let load = spend(&server, &licenses, amount)?;
        eprintln!(
            "{} uses in {:.1} s, {} a second",
            table::whole(load.units as f64),
            load.elapsed.as_secs_f64(),
            table::whole(load.rate())
        );
    }
    let status = server.child.stop()?;
    ensure!(status.success(), "usance ended with {status}{}", server.child.last_words());
    Ok(())
}

/// Creates licenses of one meter each.
pub fn create(server: &Usance, count: u64) -> Result<Vec<LicenseDigits>> {
    let progress = bar("licenses", count)?;
    let licenses = server.set_up(Meters::One, count, &progress)?;
    progress.finish();
    Ok(licenses)
}

/// Spends keyed uses in batches, license after license.
pub fn spend(server: &Usance, licenses: &[LicenseDigits], amount: Amount) -> Result<Load> {
    ensure!((1..=100_000).contains(&amount.batch), "a batch has from 1 to 100000 uses");
    let progress = bar("uses", amount.records)?;
    let mut keys = Keys::new(amount.keys, random::seed()?);
    let mut uses = BatchUses::new(&server.caller, licenses, amount.batch, &mut keys)?
        .limited(amount.records)
        .reporting(|accepted| progress.inc(accepted));
    let plan = Plan { address: server.address, connections: CONNECTIONS, until: Until::Exhausted };
    let load = run(plan, &mut uses).context("cannot send batches")?;
    progress.finish();
    Ok(load)
}

fn bar(what: &str, count: u64) -> Result<ProgressBar> {
    let progress = ProgressBar::new(count).with_message(what.to_owned());
    progress.set_style(ProgressStyle::with_template(
        "{msg:>8} {wide_bar} {human_pos}/{human_len} {per_sec} {eta}",
    )?);
    Ok(progress)
}
