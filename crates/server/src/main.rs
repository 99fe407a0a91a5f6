//! The binary `usance`.

use std::process::ExitCode;

fn main() -> ExitCode {
    usance::cli::main()
}
