//! What happened of late: windows that slide in steps, so that memory is bounded whatever happens.
//!
//! A window of N seconds has sixty steps, which begin at multiples of their length. What it holds
//! depends on nothing but what happened within it: whoever reads the same records again finds the
//! same, wherever they begin before it.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::time::Timestamp;

/// Steps of a window.
const STEPS: i64 = 60;

/// The length of a step of a window, in milliseconds.
#[must_use]
pub const fn step_ms(window_seconds: u32) -> i64 {
    let window_ms = window_seconds as i64 * 1000;
    (window_ms + STEPS - 1) / STEPS
}

/// The step that an instant lies in, and the first one that the window still holds then.
#[must_use]
pub const fn steps_at(window_seconds: u32, at: Timestamp) -> (i64, i64) {
    let step = at.0.div_euclid(step_ms(window_seconds));
    (step, step - STEPS + 1)
}

/// Sums per step.
#[derive(Debug, Default)]
pub struct Sums {
    steps: VecDeque<(i64, i128, u64)>,
    sum: i128,
}

impl Sums {
    /// Forgets what is older than `first`, and says what is left.
    pub fn slide(&mut self, first: i64) -> i128 {
        while self.steps.front().is_some_and(|(step, ..)| *step < first) {
            self.sum -= self.steps.pop_front().map_or(0, |(_, sum, _)| sum);
        }
        self.sum
    }

    /// Adds what a record says, and says what there is now.
    pub fn add(&mut self, step: i64, amount: i128, record: u64) -> i128 {
        match self.steps.back_mut() {
            Some((last, sum, _)) if *last == step => *sum += amount,
            _ => self.steps.push_back((step, amount, record)),
        }
        self.sum += amount;
        self.sum
    }

    /// The first record in the window.
    #[must_use]
    pub fn first_record(&self) -> Option<u64> {
        self.steps.front().map(|(_, _, record)| *record)
    }
}

/// The different things that were seen last, each with the step it was last seen in. More than the
/// rule allows and one are never needed.
#[derive(Debug, Default)]
pub struct Recent(Vec<(u128, i64)>);

impl Recent {
    /// Forgets what is older than `first`, and says how many are left.
    pub fn slide(&mut self, first: i64) -> usize {
        self.0.retain(|(_, step)| *step >= first);
        self.0.len()
    }

    /// Adds one that was seen, keeps the last `most`, and says how many there are.
    pub fn add(&mut self, step: i64, mark: u128, most: usize) -> usize {
        self.0.retain(|(known, _)| *known != mark);
        self.0.push((mark, step));
        if self.0.len() > most {
            self.0.remove(0);
        }
        self.0.len()
    }
}

/// The latest time that was said per step, falling from the front.
#[derive(Debug, Default)]
pub struct Latest(VecDeque<(i64, Timestamp)>);

impl Latest {
    /// Forgets what is older than `first`, and says the latest that is left.
    pub fn slide(&mut self, first: i64) -> Option<Timestamp> {
        while self.0.front().is_some_and(|(step, _)| *step < first) {
            self.0.pop_front();
        }
        self.0.front().map(|(_, said)| *said)
    }

    /// Adds a time that was said.
    pub fn add(&mut self, step: i64, said: Timestamp) {
        // What was said before and is earlier never is the latest again.
        while self.0.back().is_some_and(|(_, earlier)| *earlier <= said) {
            self.0.pop_back();
        }
        // Of one step only the latest counts.
        if self.0.back().is_none_or(|(last, _)| *last != step) {
            self.0.push_back((step, said));
        }
    }
}
