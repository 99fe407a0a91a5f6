//! What blocks by itself: rules that a vendor sets, and what they do to a license.

mod block;
mod watcher;
mod window;
mod words;

use alloc::boxed::Box;

pub use self::block::{Act, Block, Blocks, Cause, acts_on, let_go, undone};
pub use self::watcher::{Seen, SeenWhat, Trigger, Watcher, address_mark};
use crate::id::{PolicyId, ProductId, RuleId};
use crate::limits::{RULE_COUNT_MAX, RULE_PERCENT_MAX, RULE_WINDOW_SECONDS_MAX, SECONDS_MAX};
use crate::quantity::{Decimal, Scale};
use crate::refusal::Refusal;
use crate::text::Code;
use crate::time::{HOUR_MS, Timestamp};
use crate::words::words;

/// What is to happen by itself, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// Its name for machines, unique among the account's rules; callers see it in warnings.
    pub name: Code,
    /// Whom it concerns.
    pub scope: RuleScope,
    /// When it acts.
    pub condition: Condition,
    /// What it does.
    pub action: RuleAction,
    /// For how long, in seconds; none is until undone.
    pub lasts_seconds: Option<u64>,
    /// Whether it is in force.
    pub is_enabled: bool,
    /// What it told of last, if its action is to tell.
    pub told: Option<Box<Act>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed; what happened before is not judged by it.
    pub updated_at: Timestamp,
}

/// Whom a rule concerns; nothing stated is everybody in the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleScope {
    /// Only licenses of this product.
    pub product: Option<ProductId>,
    /// Only licenses of this policy.
    pub policy: Option<PolicyId>,
}

impl RuleScope {
    /// Whether a license of this product and policy is concerned.
    #[must_use]
    pub fn covers(&self, product: ProductId, policy: PolicyId) -> bool {
        self.product.is_none_or(|only| only == product)
            && self.policy.is_none_or(|only| only == policy)
    }
}

/// When a rule acts: its kind says what the figures mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// What is looked at.
    pub kind: RuleKind,
    /// Only meters of this name; each meter of a license by itself if none.
    pub meter: Option<Code>,
    /// What must be passed; at it, nothing happens.
    pub above: Decimal,
    /// The length of the sliding window, in seconds; it slides in sixty steps.
    pub window_seconds: Option<u32>,
    /// How much of the usual use, in percent.
    pub percent: Option<u32>,
}

words! {
    /// What a rule looks at.
    RuleKind {
        /// Use of a meter in the window, in the meter's unit.
        Rate = "rate",
        /// Use of a meter in this hour: above the minimum, and above so many percent of the average
        /// of the same hour of the seven days before.
        Unusual = "unusual-use",
        /// Addresses that one machine was used from in the window; of a license, where uses name no
        /// machine.
        Addresses = "many-addresses",
        /// Networks (/24 or /48) that a license was used from in the window.
        Networks = "many-networks",
        /// A machine says a time that lies so many seconds before one it said in the window.
        ClockBack = "clock-set-back",
        /// Seconds since a check-in was due.
        Overdue = "check-in-overdue",
        /// Recorded refusals in the window.
        Refusals = "repeated-refusals",
    }
}

words! {
    /// What a rule does, ever harder.
    RuleAction {
        /// The ledger says so, and with it whoever listens.
        Event = "event",
        /// The answers of uses say so, too.
        Warn = "warn",
        /// Nothing may begin any more.
        Refuse = "refuse",
        /// The license is suspended.
        Suspend = "suspend",
    }
}

impl RuleKind {
    /// Whether it looks at a window.
    #[must_use]
    pub const fn has_window(self) -> bool {
        !matches!(self, Self::Unusual | Self::Overdue)
    }

    /// Whether it may concern one meter only.
    #[must_use]
    pub const fn has_meter(self) -> bool {
        matches!(self, Self::Rate | Self::Unusual | Self::Refusals)
    }

    /// Whether it looks at network addresses.
    #[must_use]
    pub const fn needs_addresses(self) -> bool {
        matches!(self, Self::Addresses | Self::Networks)
    }
}

impl Condition {
    /// How far back what happened can matter to it, in milliseconds.
    #[must_use]
    pub fn reach_ms(&self) -> i64 {
        match self.window_seconds {
            // Whether a clock was back already depends on the window before that.
            Some(seconds) => i64::from(seconds) * 2000 + 2 * window::step_ms(seconds),
            None if self.kind == RuleKind::Unusual => HOUR_MS,
            None => 0,
        }
    }

    /// Refuses figures that its kind cannot have.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        let Self { kind, meter, above, window_seconds, percent } = self;
        let limit = match kind {
            RuleKind::Addresses | RuleKind::Networks | RuleKind::Refusals => RULE_COUNT_MAX,
            RuleKind::ClockBack | RuleKind::Overdue => SECONDS_MAX.cast_signed(),
            RuleKind::Rate | RuleKind::Unusual => i64::MAX,
        };
        let is_whole =
            matches!(above.quantity(Scale::default()), Ok(0..) if above_fits(*above, limit));
        let is_amount = matches!(kind, RuleKind::Rate | RuleKind::Unusual)
            && (0..=Scale::MAX).any(|digits| {
                Scale::new(digits).is_some_and(|scale| matches!(above.quantity(scale), Ok(0..)))
            });
        if !is_whole && !is_amount {
            let what = "must not be below zero, whole where it counts things, and at most 1000 \
                        addresses, networks or refusals";
            return Err(Refusal::invalid("above", what));
        }
        match window_seconds {
            Some(1..=RULE_WINDOW_SECONDS_MAX) if kind.has_window() => {}
            None if !kind.has_window() => {}
            _ => {
                let what =
                    "must be 1 to 86400 where the kind looks at a window, and absent elsewhere";
                return Err(Refusal::invalid("window_seconds", what));
            }
        }
        match percent {
            Some(100..=RULE_PERCENT_MAX) if *kind == RuleKind::Unusual => {}
            None if *kind != RuleKind::Unusual => {}
            _ => {
                let what = "must be 100 to 100000 for unusual-use, and absent elsewhere";
                return Err(Refusal::invalid("percent", what));
            }
        }
        if meter.is_some() && !kind.has_meter() {
            let what = "must be absent where the kind does not look at a meter";
            return Err(Refusal::invalid("meter", what));
        }
        Ok(())
    }
}

fn above_fits(above: Decimal, limit: i64) -> bool {
    above.quantity(Scale::default()).is_ok_and(|above| above <= limit)
}

impl Rule {
    /// Refuses what no rule can be.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn check(&self) -> Result<(), Refusal> {
        if self.lasts_seconds.is_some_and(|seconds| seconds == 0 || seconds > SECONDS_MAX) {
            return Err(Refusal::invalid("lasts_seconds", "must be 1 second to 100 years"));
        }
        self.condition.check()
    }

    /// Until when it holds what it does at `since`.
    #[must_use]
    pub fn until(&self, since: Timestamp) -> Option<Timestamp> {
        let seconds = i64::try_from(self.lasts_seconds?).unwrap_or(i64::MAX);
        Some(since.plus_ms(seconds.saturating_mul(1000)))
    }
}

#[cfg(test)]
mod tests;
