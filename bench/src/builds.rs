//! Several builds of usance against each other, window by window.
//!
//! A virtual machine may be twice as fast in one minute as in the next, so runs of a build one
//! after the other compare minutes. Here all builds are up at the same time and take turns within
//! seconds; what counts is the ratio to the first build in the same round, and its median.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use indicatif::ProgressBar;

use crate::load::{Plan, Until, run};
use crate::random;
use crate::table::{self, Drawing};
use crate::template::{KeyOrder, Keys, LicenseDigits};
use crate::usance::{self, Meters, Usance};
use crate::uses::{Keying, SingleUses};

/// Enough for connections to be open and caches to be warm again.
const WARMUP: Duration = Duration::from_millis(100);
/// How long a server may take to listen on an empty directory.
const START_WAIT_MAX: Duration = Duration::from_secs(30);

/// The knobs.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The binaries; the first is what the others are compared with
    #[arg(required = true)]
    pub builds: Vec<PathBuf>,
    /// Rounds; every build is measured once in each
    #[arg(long, default_value_t = 9)]
    pub rounds: usize,
    /// The measured window
    #[arg(long, default_value_t = 0.3)]
    pub seconds: f64,
    /// Where data directories are made [default: the system's temporary directory]
    #[arg(long)]
    pub directory: Option<PathBuf>,
    /// Licenses that the uses go round
    #[arg(long, default_value_t = 1000)]
    pub licenses: u64,
    /// Numbers of connections
    #[arg(long, value_delimiter = ',', default_value = "64,256")]
    pub connections: Vec<usize>,
    /// Measure each build a second time, with 100 thresholds and 20 rules set
    #[arg(long)]
    pub watched: bool,
    /// Draw the table in Markdown
    #[arg(long)]
    pub markdown: bool,
}

impl Options {
    /// What is measured: programs, and the meters of their licenses.
    fn sorts(&self) -> Vec<(&PathBuf, Meters)> {
        let meters: &[Meters] =
            if self.watched { &[Meters::Seven, Meters::Watched] } else { &[Meters::Two] };
        let builds = self.builds.iter();
        builds.flat_map(|program| meters.iter().map(move |meters| (program, *meters))).collect()
    }
}

struct Build {
    name: String,
    server: Usance,
    licenses: Vec<LicenseDigits>,
    /// Uses a second, round by round, for each kind of row.
    rates: Vec<Vec<f64>>,
    /// The server's processor time for a use, in microseconds, likewise.
    costs: Vec<Vec<f64>>,
}

/// Measures all builds, in turns.
pub fn measure(options: &Options, directory: &Path, drawing: Drawing) -> Result<()> {
    ensure!(options.rounds > 0 && options.seconds > 0.0, "there is nothing to measure");
    let window = Duration::from_secs_f64(options.seconds);
    let kinds: Vec<(usize, Keying)> = options
        .connections
        .iter()
        .flat_map(|count| [(*count, Keying::Plain), (*count, Keying::Keyed)])
        .collect();
    let none = vec![Vec::new(); kinds.len()];
    let mut builds = Vec::new();
    for (program, meters) in options.sorts() {
        let data = directory.join(builds.len().to_string());
        std::fs::create_dir(&data).context("cannot make a data directory")?;
        let mut name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let program = usance::program(Some(program.clone()))?;
        let server = Usance::start(&program, &data, START_WAIT_MAX)?;
        let licenses = server.set_up(meters, options.licenses, &ProgressBar::hidden())?;
        if meters == Meters::Watched {
            server.watch()?;
            name.push_str(", watched");
        }
        builds.push(Build { name, server, licenses, rates: none.clone(), costs: none.clone() });
    }
    let mut keys = Keys::new(KeyOrder::Scattered, random::seed()?);
    for round in 0..options.rounds {
        for (place, (connections, keying)) in kinds.iter().enumerate() {
            for turn in 0..builds.len() {
                // Nobody is always the first after somebody else.
                let index = if round % 2 == 0 { turn } else { builds.len() - 1 - turn };
                let build = &mut builds[index];
                let caller = &build.server.caller;
                let mut uses = SingleUses::new(caller, &build.licenses, *keying, &mut keys)?;
                let until = Until::Elapsed { warmup: WARMUP, window };
                let address = build.server.address;
                let before = build.server.child.processor_time()?;
                let load = run(Plan { address, connections: *connections, until }, &mut uses)?;
                build.rates[place].push(load.rate());
                let spent = build.server.child.processor_time()? - before;
                let uses = load.rate() * (WARMUP + window).as_secs_f64();
                build.costs[place].push(spent.as_secs_f64() * 1e6 / uses);
            }
        }
    }
    print(&kinds, &builds, drawing);
    Ok(())
}

fn print(kinds: &[(usize, Keying)], builds: &[Build], drawing: Drawing) {
    let mut rows = Vec::new();
    for (place, (connections, keying)) in kinds.iter().enumerate() {
        for build in builds {
            let (rates, costs) = (&build.rates[place], &build.costs[place]);
            let speed = Ratios::of(rates, &builds[0].rates[place]);
            let cost = Ratios::of(costs, &builds[0].costs[place]);
            rows.push(vec![
                build.name.clone(),
                if *keying == Keying::Keyed { "yes" } else { "no" }.to_owned(),
                connections.to_string(),
                table::whole(sorted(rates.clone())[rates.len() / 2]),
                speed.median(),
                speed.quartiles(),
                format!("{:.1}", sorted(costs.clone())[costs.len() / 2]),
                cost.median(),
                cost.quartiles(),
            ]);
        }
    }
    let header = [
        "build",
        "keys",
        "connections",
        "uses/s",
        "vs first",
        "quartiles",
        "CPU µs/use",
        "vs first",
        "quartiles",
    ];
    table::print(drawing, &header, rows, 2);
}

/// Figures of a build over those of the first one in the same rounds, ascending.
struct Ratios(Vec<f64>);

impl Ratios {
    fn of(figures: &[f64], base: &[f64]) -> Self {
        Self(sorted(figures.iter().zip(base).map(|(figure, base)| figure / base).collect()))
    }

    fn quarter(&self, numerator: usize) -> String {
        table::ratio(self.0.get(self.0.len() * numerator / 4).copied())
    }

    fn median(&self) -> String {
        self.quarter(2)
    }

    fn quartiles(&self) -> String {
        format!("{}-{}", self.quarter(1), self.quarter(3))
    }
}

fn sorted(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers
}
