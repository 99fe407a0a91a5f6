//! Side-by-side measurements of usance: against a no-op server, Redis, PostgreSQL and the disk.
//!
//! Data goes to standard output, progress to standard error. Every server that is measured is
//! started here over loopback and stopped here; nothing outlives the run but a filled directory.

#![expect(clippy::print_stdout, reason = "tables on standard output are what this program makes")]

mod builds;
mod child;
mod compare;
mod connection;
mod dialogue;
mod disk;
mod fill;
mod floors;
mod http;
mod interrupt;
mod load;
mod machine;
mod memory;
mod micro;
mod noop;
mod pgwire;
mod postgres;
mod random;
mod redis;
mod report;
mod start;
mod table;
mod template;
mod usance;
mod uses;
mod verify;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::fill::Amount;
use crate::table::Drawing;
use crate::template::KeyOrder;

/// Measure usance side by side with what it is compared to.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare uses over HTTP with a no-op server, Redis, PostgreSQL and the disk
    Http(compare::Options),
    /// Compare builds of usance over HTTP, window by window
    Builds(builds::Options),
    /// Be the no-op server
    Noop {
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
    /// Measure the server's memory with many licenses
    Memory {
        #[command(flatten)]
        common: Common,
        #[arg(long, default_value_t = 100_000)]
        licenses: u64,
        /// Uses in a batch
        #[arg(long, default_value_t = 1000)]
        batch: u64,
        /// Where the data directory is made [default: the system's temporary directory]
        #[arg(long)]
        directory: Option<PathBuf>,
    },
    /// Measure how fast the server starts over a data directory
    Start {
        #[command(flatten)]
        common: Common,
        #[arg(long)]
        data: PathBuf,
        #[arg(long, default_value_t = 3)]
        runs: usize,
    },
    /// Measure how fast a ledger is verified
    Verify {
        #[command(flatten)]
        common: Common,
        data: PathBuf,
    },
    /// Measure what a use costs in each layer, in this process
    Micro {
        #[arg(long, default_value_t = 1000)]
        licenses: usize,
        /// Uses a row
        #[arg(long, default_value_t = 300_000)]
        uses: usize,
        /// Draw the tables in Markdown
        #[arg(long)]
        markdown: bool,
    },
    /// Fill a data directory with licenses and records, over HTTP
    Fill {
        #[command(flatten)]
        common: Common,
        #[arg(long)]
        data: PathBuf,
        #[arg(long)]
        licenses: u64,
        #[arg(long)]
        records: u64,
        /// Uses in a batch
        #[arg(long, default_value_t = 10_000)]
        batch: u64,
        /// How idempotency keys follow each other
        #[arg(long, value_enum, default_value = "scattered")]
        keys: KeyOrder,
    },
}

/// What the measurements of usance alone have in common.
#[derive(Debug, Args)]
struct Common {
    /// The usance binary [default: beside this program, or target/release/usance]
    #[arg(long, env = "USANCE_BIN")]
    usance: Option<PathBuf>,
    /// Draw the tables in Markdown
    #[arg(long)]
    markdown: bool,
}

impl Common {
    fn program(&self) -> Result<PathBuf> {
        usance::program(self.usance.clone())
    }

    fn drawing(&self) -> Drawing {
        drawing(self.markdown)
    }
}

fn main() -> Result<()> {
    let command = Cli::parse().command;
    if let Command::Noop { listen } = command {
        return noop::serve(listen);
    }
    interrupt::install()?;
    match command {
        Command::Http(options) => http(&options),
        Command::Builds(options) => {
            let directory = compare::temporary_directory(options.directory.as_deref())?;
            builds::measure(&options, directory.path(), drawing(options.markdown))
        }
        Command::Noop { listen } => noop::serve(listen),
        Command::Memory { common, licenses, batch, directory } => {
            let directory = compare::temporary_directory(directory.as_deref())?;
            let amount = Amount { licenses, records: licenses, batch, keys: KeyOrder::Scattered };
            let data = directory.path().join("data");
            memory::measure(&common.program()?, &data, amount, common.drawing())
        }
        Command::Start { common, data, runs } => {
            start::measure(&common.program()?, &data, runs, common.drawing())
        }
        Command::Micro { licenses, uses, markdown } => {
            micro::measure(licenses, uses, drawing(markdown))
        }
        Command::Verify { common, data } => {
            verify::measure(&common.program()?, &data, common.drawing())
        }
        Command::Fill { common, data, licenses, records, batch, keys } => {
            fill::fill(&common.program()?, &data, Amount { licenses, records, batch, keys })
        }
    }
}

fn http(options: &compare::Options) -> Result<()> {
    let directory = compare::temporary_directory(options.directory.as_deref())?;
    if machine::file_system(directory.path()).as_deref() == Some("tmpfs") {
        eprintln!("the data lies in memory (tmpfs); name a --directory on a disk");
    }
    let machine = machine::description(directory.path());
    let findings = compare::measure(options, directory.path())?;
    report::print(drawing(options.markdown), &machine, &findings);
    Ok(())
}

fn drawing(markdown: bool) -> Drawing {
    if markdown { Drawing::Markdown } else { Drawing::Plain }
}
