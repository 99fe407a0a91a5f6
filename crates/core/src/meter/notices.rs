//! What is worth telling of a meter beside its uses.

use super::{Counted, Measure, Meter, MeterState};
use crate::ledger::record::Notice;

/// Everything that one movement of a meter makes worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Notices {
    /// The highest threshold that the total came up to.
    pub threshold: Option<u32>,
    /// Whether nothing is left any more.
    pub limit_reached: bool,
    /// Whether the total went above the ceiling.
    pub overage_begun: bool,
}

impl Notices {
    /// The notices, in the order in which they came true.
    pub fn iter(self) -> impl Iterator<Item = Notice> {
        let threshold = self.threshold.map(Notice::ThresholdCrossed);
        let overage = self.overage_begun.then_some(Notice::OverageBegun);
        let limit = self.limit_reached.then_some(Notice::LimitReached);
        [threshold, overage, limit].into_iter().flatten()
    }
}

impl Meter<'_> {
    /// What a movement from `before` makes worth telling. Exactly the movement that crosses a line
    /// tells of it; whoever falls below it can cross it again.
    #[must_use]
    pub fn notices(&self, before: &MeterState, counted: &Counted) -> Notices {
        let Some(allowed) = counted.allowed.filter(|_| !self.spec.thresholds.is_empty()) else {
            return Notices::default();
        };
        let measure = self.spec.measure;
        // Seats use nothing up: what is held is what comes up to the ceiling.
        let stands = |total: i64, held: i64| {
            if measure == Measure::Seats { measure.used(total, held) } else { total }
        };
        let from = i128::from(stands(before.total, before.held));
        let to = i128::from(stands(counted.total, counted.held));
        let crosses = |line: i128| from < line && line <= to;
        let line = |percent: u32| (i128::from(allowed) * i128::from(percent) + 99) / 100;
        let mut thresholds = self.spec.thresholds.iter().rev().copied();
        let left = |total: i64, held: i64| {
            self.ceiling(before).map(|ceiling| ceiling.saturating_sub(measure.used(total, held)))
        };
        let had_some = left(before.total, before.held).is_some_and(|left| left > 0);
        let has_none = left(counted.total, counted.held).is_some_and(|left| left <= 0);
        Notices {
            threshold: thresholds.find(|percent| crosses(line(*percent))),
            limit_reached: had_some && has_none,
            overage_begun: crosses(i128::from(allowed) + 1),
        }
    }
}
