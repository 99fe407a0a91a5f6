//! The loop.

use std::time::{Duration, Instant};

use crate::corpus::{inputs, to_hex};
use crate::mutation::mutated;
use crate::random::Random;
use crate::targets::Target;

/// Inputs between two looks at the clock.
const INPUTS_PER_LOOK: u64 = 256;

/// How long each target is to run: `USANCE_FUZZ_SECONDS`, or as given.
pub fn time(seconds: u64) -> Duration {
    let asked = std::env::var("USANCE_FUZZ_SECONDS").ok();
    let asked = asked.map(|text| text.parse().expect("USANCE_FUZZ_SECONDS is a whole number"));
    Duration::from_secs(asked.unwrap_or(seconds))
}

/// Says which input it was when its check panics.
struct Witness<'a>(&'a str, u64, &'a [u8]);

impl Drop for Witness<'_> {
    #[expect(clippy::print_stdout, reason = "the failing input is what all this is for")]
    fn drop(&mut self) {
        let Self(name, seed, input) = self;
        if std::thread::panicking() {
            println!("{name} fails (USANCE_TEST_SEED={seed}) on\n{}", to_hex(input));
        }
    }
}

/// Runs a target on its corpus, and then on mutated inputs for this long. Answers how many.
///
/// # Panics
/// If something does not hold, after the input was printed.
pub fn run(target: &Target, seed: u64, time: Duration) -> u64 {
    let corpus = inputs(target.name);
    for input in &corpus {
        check(target, seed, input);
    }
    let mut random = Random(seed);
    let begun = Instant::now();
    let mut count = 0;
    loop {
        for _ in 0..INPUTS_PER_LOOK {
            check(target, seed, &mutated(&corpus, &mut random));
        }
        count += INPUTS_PER_LOOK;
        if begun.elapsed() >= time {
            return count;
        }
    }
}

fn check(target: &Target, seed: u64, input: &[u8]) {
    let witness = Witness(target.name, seed, input);
    (target.check)(input);
    drop(witness);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random;
    use crate::targets::TARGETS;

    /// Each target for a moment; `USANCE_FUZZ_SECONDS` for longer.
    #[test]
    fn every_target_holds() {
        let seed = random::seed();
        println!("USANCE_TEST_SEED={seed}");
        for target in TARGETS {
            let count = run(target, seed, time(1));
            println!("{}: {count} inputs", target.name);
        }
    }
}
