//! The command line: what is asked, and who does it.
//!
//! Each command is a module with its arguments and a `run`. All but `serve`, `verify`, `backup` and
//! `demo` are clients of a running server and know it only by its HTTP contract.

mod activation;
mod audit;
mod backup;
mod body;
mod client;
mod completions;
mod connection;
mod counting;
mod customer;
mod demo;
mod entitlement;
mod entity;
mod events;
pub mod fault;
mod feed;
mod figures;
mod hold;
mod json;
mod keys;
mod license;
mod meter;
mod meter_spec;
pub mod output;
mod paging;
mod policy;
mod problem;
mod process;
mod product;
mod progress;
mod rule;
mod said;
mod serve;
mod session;
mod table;
mod terms;
mod token;
mod user;
mod value;
mod verify;
mod watch;
mod webhook;
mod whoami;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use self::fault::Fault;

const EXAMPLES: &str = "\
Examples:
  usance demo                               see it work, in ten seconds
  usance serve                              run a server on this machine
  usance product create renderer            set up what you sell
  usance policy create prepaid --product renderer --meter 'frames:allowed=1000,unit=frame'
  usance license create --policy prepaid
  usance use LICENSE frames 5 --key job-17  count five frames, exactly once
  usance activation create LICENSE 9f3c     let a machine hold it
  usance session check-out LICENSE seats    take a floating seat
  usance license file LICENSE               prove it where there is no network
  usance watch                              see live usage
  usance verify ./usance-data               check that nothing was altered

Exit codes: 0 done, 1 failed or refused, 2 wrong usage.";

/// Pay-per-use licensing that you host yourself: counts every use exactly once, stops at the
/// limit, and proves that nothing was altered.
#[derive(Debug, Parser)]
#[command(name = "usance", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    #[command(flatten)]
    Things(entity::Things),
    Use(counting::UseMeter),
    Whoami(whoami::Whoami),
    Webhook(webhook::Group),
    Verify(verify::Verify),
    Backup(backup::Backup),
    Events(events::Events),
    Watch(watch::Watch),
    Audit(audit::Audit),
    Completions(completions::Completions),
}

/// Reads the command line, does it, and says what to exit with.
#[must_use]
pub fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            let label = console::style("error:").for_stderr().red().bold();
            output::talk(format_args!("{label} {fault}"));
            fault.exit_code()
        }
    }
}

/// The definition of the command line, for completions and the reference.
#[must_use]
pub fn definition() -> clap::Command {
    Cli::command()
}

fn run(cli: Cli) -> Result<(), Fault> {
    match cli.command {
        Command::Serve(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Things(command) => command.run(),
        Command::Use(command) => command.run(),
        Command::Whoami(command) => command.run(),
        Command::Webhook(command) => command.run(),
        Command::Verify(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Events(command) => command.run(),
        Command::Watch(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Completions(command) => command.run(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_contradicts_itself_nowhere() {
        definition().debug_assert();
    }

    #[test]
    fn every_command_teaches_with_examples() {
        fn check(command: &clap::Command, path: &str) {
            let help = command.get_after_help().map(ToString::to_string);
            assert!(help.is_some_and(|help| help.contains("Example")), "{path} has no examples");
            assert!(command.get_about().is_some(), "{path} has no description");
            for child in command.get_subcommands() {
                check(child, &format!("{path} {}", child.get_name()));
            }
        }
        check(&definition(), "usance");
    }
}
