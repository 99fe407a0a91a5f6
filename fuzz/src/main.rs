//! Throws mutated inputs at everything that reads bytes from outside.
//!
//! `cargo run --release -p usance-fuzz -- [TARGET…]` runs the targets named, or all, each for
//! `USANCE_FUZZ_SECONDS` (10). It prints its seed, which `USANCE_TEST_SEED` repeats. An input that
//! fails is printed in hexadecimal and ends the run with a panic; put it into `corpus/TARGET/` as a
//! file that ends in `.hex`. The tests run every target for a moment.
//!
//! [`corpus`] reads the inputs that it begins with, [`mutation`] changes them, [`targets`] says
//! what must hold of each.

mod corpus;
mod mutation;
mod random;
mod run;
mod targets;

use std::process::ExitCode;

use targets::TARGETS;

/// How long each target runs if nothing is said.
const SECONDS: u64 = 10;

#[expect(clippy::print_stdout, reason = "it is what the program is for")]
fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = names.iter().find(|name| !TARGETS.iter().any(|t| t.name == **name)) {
        let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        println!("there is no target {unknown}; known are {}", known.join(", "));
        return ExitCode::from(2);
    }
    let seed = random::seed();
    println!("USANCE_TEST_SEED={seed}");
    for target in TARGETS.iter().filter(|t| names.is_empty() || names.iter().any(|n| n == t.name)) {
        let count = run::run(target, seed, run::time(SECONDS));
        println!("{}: {count} inputs", target.name);
    }
    ExitCode::SUCCESS
}
