//! The side-by-side measurement: every system, the same load, in one run on one machine.
//!
//! Rounds go over all rows, so that noise of the machine hits every system alike, and every other
//! round goes backwards; what is reported is the median over the rounds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::TempDir;

use crate::disk::{self, Sync};
use crate::load::{Load, Plan, Until, run};
use crate::noop::Noop;
use crate::postgres::{self, Postgres};
use crate::random;
use crate::redis::{self, Redis};
use crate::template::{KeyOrder, Keys, LicenseDigits, numbered_license};
use crate::usance::{self, Meters, Usance};
use crate::uses::{BatchUses, Keying, SingleUses};

/// Answers before this are not counted: connections, caches and plans are still cold.
const WARMUP: Duration = Duration::from_millis(300);
/// Connections that send batches.
const BATCH_CONNECTIONS: usize = 4;
/// How long a server may take to listen on an empty directory.
const START_WAIT_MAX: Duration = Duration::from_secs(30);

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum System {
    Noop,
    Usance,
    Batches,
    Redis,
    Postgres,
    Disk,
}

/// The knobs.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The usance binary [default: beside this program, or target/release/usance]
    #[arg(long, env = "USANCE_BIN")]
    pub usance: Option<PathBuf>,
    /// Licenses that the uses go round
    #[arg(long, default_value_t = 1000)]
    pub licenses: u64,
    /// Rounds; the medians over them are reported
    #[arg(long, default_value_t = 3)]
    pub runs: usize,
    /// The measured window of every row and round
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// Measure these alone
    #[arg(long, value_delimiter = ',', default_value = "noop,usance,batches,redis,postgres,disk")]
    pub only: Vec<System>,
    /// Numbers of connections for single uses
    #[arg(long, value_delimiter = ',', default_value = "1,16,64,256")]
    pub connections: Vec<usize>,
    /// Numbers of uses in a batch
    #[arg(long, value_delimiter = ',', default_value = "1,100,1000,10000")]
    pub batches: Vec<u64>,
    /// How idempotency keys follow each other
    #[arg(long, value_enum, default_value = "scattered")]
    pub keys: KeyOrder,
    /// Where data directories are made [default: the system's temporary directory]
    #[arg(long)]
    pub directory: Option<PathBuf>,
    /// Draw the tables in Markdown
    #[arg(long)]
    pub markdown: bool,
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub system: System,
    pub keying: Keying,
    pub connections: usize,
    /// Uses in a request.
    pub batch: u64,
}

/// The figures of one line.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    pub uses_per_second: f64,
    /// How far apart the rounds were: highest less lowest rate, as a part of the median.
    pub spread: f64,
    pub latency_median: Duration,
    pub latency_p99: Duration,
    /// What the load generator used of the processors for one exchange.
    pub client_cpu: Duration,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Findings {
    pub rows: BTreeMap<Row, Figures>,
    pub fdatasync: Option<Sync>,
    /// Systems that could not be measured, and why.
    pub skipped: Vec<(&'static str, &'static str)>,
    /// Lines about the servers: versions, memory.
    pub notes: Vec<(String, String)>,
}

/// Starts the servers, measures, and stops the servers.
pub fn measure(options: &Options, directory: &Path) -> Result<Findings> {
    ensure!(options.licenses > 0, "--licenses must be at least 1");
    ensure!(options.runs > 0, "--runs must be at least 1");
    ensure!(
        options.seconds > 0.0 && options.seconds <= 600.0,
        "--seconds must be above 0 and at most 600"
    );
    ensure!(
        options.connections.iter().all(|count| (1..=256).contains(count)),
        "--connections go from 1 to 256"
    );
    ensure!(
        options.batches.iter().all(|count| (1..=100_000).contains(count)),
        "--batches go from 1 to 100000"
    );
    let mut findings = Findings::default();
    let mut bench = Bench::start(options, directory, &mut findings)?;
    let mut rows = bench.rows(options);
    let window = Duration::from_secs_f64(options.seconds);
    let progress = ProgressBar::new((rows.len() * options.runs) as u64);
    progress.set_style(ProgressStyle::with_template("{pos}/{len} {wide_bar} {eta} {msg}")?);
    let mut samples: BTreeMap<Row, Vec<Load>> = BTreeMap::new();
    let mut syncs: Vec<Sync> = Vec::new();
    let has_disk = options.only.contains(&System::Disk);
    for _ in 0..options.runs {
        for row in &rows {
            progress.set_message(format!("{:?} x{}", row.system, row.connections));
            let load = bench.run(*row, window).with_context(|| format!("measuring {row:?}"))?;
            samples.entry(*row).or_default().push(load);
            // Next to the rows it is compared with: a disk has its moods.
            if has_disk && row.connections == 1 {
                syncs.push(disk::fdatasync(directory, window / 8)?);
            }
            progress.inc(1);
        }
        if has_disk {
            syncs.push(disk::fdatasync(directory, window / 8)?);
        }
        rows.reverse();
    }
    progress.finish_and_clear();
    findings.rows = samples.iter().map(|(row, loads)| (*row, figures(loads))).collect();
    findings.fdatasync = has_disk.then(|| Sync {
        median: median(syncs.iter().map(|sync| sync.median).collect()),
        p99: median(syncs.iter().map(|sync| sync.p99).collect()),
    });
    bench.note_memory(&mut findings)?;
    Ok(findings)
}

/// A directory that disappears and that the user who runs PostgreSQL may enter.
pub fn temporary_directory(parent: Option<&Path>) -> Result<TempDir> {
    use std::os::unix::fs::PermissionsExt;
    let parent = parent.map_or_else(std::env::temp_dir, Path::to_path_buf);
    tempfile::Builder::new()
        .prefix("usance-bench-")
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir_in(&parent)
        .with_context(|| format!("cannot make a directory in {}", parent.display()))
}

/// The servers that take part.
struct Bench {
    noop: Option<Noop>,
    usance: Option<(Usance, Vec<LicenseDigits>)>,
    redis: Option<Redis>,
    postgres: Option<Postgres>,
    licenses: Vec<LicenseDigits>,
    keys: Keys,
}

impl Bench {
    fn start(options: &Options, directory: &Path, findings: &mut Findings) -> Result<Self> {
        let has = |system| options.only.contains(&system);
        let make = |name: &str| {
            let path = directory.join(name);
            std::fs::create_dir(&path).map(|()| path).context("cannot make a data directory")
        };
        let mut bench = Self {
            noop: None,
            usance: None,
            redis: None,
            postgres: None,
            licenses: (0..options.licenses).map(numbered_license).collect(),
            keys: Keys::new(options.keys, random::seed()?),
        };
        if has(System::Usance) || has(System::Batches) {
            let program = usance::program(options.usance.clone())?;
            let server = Usance::start(&program, &make("usance")?, START_WAIT_MAX)?;
            let licenses = server.set_up(Meters::Two, options.licenses, &ProgressBar::hidden())?;
            bench.usance = Some((server, licenses));
        }
        if has(System::Noop) {
            bench.noop = Some(Noop::start()?);
        }
        if has(System::Redis) {
            bench.redis = Redis::start(&make("redis")?)?;
            if bench.redis.is_none() {
                findings.skipped.push(("Redis", redis::INSTALL));
            }
        }
        if has(System::Postgres) {
            bench.postgres = Postgres::start(&make("postgres")?, options.licenses)?;
            match &bench.postgres {
                None => findings.skipped.push(("PostgreSQL", postgres::INSTALL)),
                Some(server) => {
                    findings.notes.push(("PostgreSQL".to_owned(), server.version.clone()));
                }
            }
        }
        Ok(bench)
    }

    /// The lines to measure, systems next to each other for each number of connections.
    fn rows(&self, options: &Options) -> Vec<Row> {
        use Keying::{Keyed, Plain};
        let mut kinds = Vec::new();
        if self.noop.is_some() {
            kinds.extend([(System::Noop, Plain), (System::Noop, Keyed)]);
        }
        if options.only.contains(&System::Usance) {
            kinds.extend([(System::Usance, Plain), (System::Usance, Keyed)]);
        }
        if self.redis.is_some() {
            kinds.extend([(System::Redis, Plain), (System::Redis, Keyed)]);
        }
        if self.postgres.is_some() {
            kinds.push((System::Postgres, Keyed));
        }
        let mut rows = Vec::new();
        for connections in &options.connections {
            rows.extend(kinds.iter().map(|(system, keying)| Row {
                system: *system,
                keying: *keying,
                connections: *connections,
                batch: 1,
            }));
        }
        if options.only.contains(&System::Batches) {
            rows.extend(options.batches.iter().map(|batch| Row {
                system: System::Batches,
                keying: Keyed,
                connections: BATCH_CONNECTIONS,
                batch: *batch,
            }));
        }
        rows
    }

    fn run(&mut self, row: Row, window: Duration) -> Result<Load> {
        let Self { noop, usance, redis, postgres, licenses, keys } = self;
        let until = Until::Elapsed { warmup: WARMUP, window };
        let plan = |address: SocketAddr| Plan { address, connections: row.connections, until };
        match row.system {
            System::Noop => {
                let server = noop.as_ref().context("the no-op server is not running")?;
                let caller = server.caller();
                let mut uses = SingleUses::new(&caller, licenses, row.keying, keys)?;
                run(plan(server.address), &mut uses)
            }
            System::Usance => {
                let (server, licenses) = usance.as_ref().context("usance is not running")?;
                let mut uses = SingleUses::new(&server.caller, licenses, row.keying, keys)?;
                run(plan(server.address), &mut uses)
            }
            System::Batches => {
                let (server, licenses) = usance.as_ref().context("usance is not running")?;
                let mut uses = BatchUses::new(&server.caller, licenses, row.batch, keys)?;
                run(plan(server.address), &mut uses)
            }
            System::Redis => {
                let server = redis.as_ref().context("Redis is not running")?;
                run(plan(server.address), &mut server.uses(licenses, row.keying, keys)?)
            }
            System::Postgres => {
                let server = postgres.as_ref().context("PostgreSQL is not running")?;
                run(plan(server.address), &mut server.uses(licenses, keys)?)
            }
            System::Disk => anyhow::bail!("the disk has no connections"),
        }
    }

    fn note_memory(&self, findings: &mut Findings) -> Result<()> {
        let noop = self.noop.as_ref().map(|server| ("no-op", server.child.memory()));
        let usance = self.usance.as_ref().map(|(server, _)| ("usance", server.child.memory()));
        for (name, memory) in [noop, usance].into_iter().flatten() {
            let memory = memory?;
            findings.notes.push((
                format!("memory of {name}"),
                format!("{:.1} MiB now, {:.1} MiB peak", memory.now_mib(), memory.peak_mib()),
            ));
        }
        Ok(())
    }
}

fn figures(loads: &[Load]) -> Figures {
    let duration = |of: &dyn Fn(&Load) -> Duration| median(loads.iter().map(of).collect());
    let mut rates: Vec<f64> = loads.iter().map(Load::rate).collect();
    rates.sort_by(f64::total_cmp);
    let rate = middle(&rates, f64::midpoint).unwrap_or(0.0);
    let span = rates.last().unwrap_or(&0.0) - rates.first().unwrap_or(&0.0);
    Figures {
        uses_per_second: rate,
        spread: if rate > 0.0 { span / rate } else { 0.0 },
        latency_median: duration(&|load| load.latency(500)),
        latency_p99: duration(&|load| load.latency(990)),
        client_cpu: duration(&Load::client_cpu_per_exchange),
    }
}

/// The median; of an even number, the mean of the two in the middle.
pub fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    middle(&durations, |low, high| (low + high) / 2).unwrap_or_default()
}

fn middle<T: Copy>(sorted: &[T], mean: impl Fn(T, T) -> T) -> Option<T> {
    let high = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(high);
    }
    Some(mean(*sorted.get(sorted.len() / 2 - 1)?, high))
}
