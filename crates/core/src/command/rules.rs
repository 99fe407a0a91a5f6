//! Rules in the words of a caller.

use alloc::string::String;

use super::Ref;
use crate::id::{LicenseId, PolicyId, ProductId, RuleId};
use crate::quantity::Decimal;
use crate::refusal::Refusal;
use crate::rule::{Cause, Condition, Rule, RuleAction};
use crate::text::Code;
use crate::time::Timestamp;

/// A rule to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRule {
    /// Its name.
    pub name: Code,
    /// Only licenses of this product.
    pub product: Option<Ref<ProductId>>,
    /// Only licenses of this policy.
    pub policy: Option<Ref<PolicyId>>,
    /// When it acts.
    pub condition: Condition,
    /// What it does.
    pub action: RuleAction,
    /// For how long, in seconds; none is until undone.
    pub lasts_seconds: Option<u64>,
    /// Whether it is in force.
    pub is_enabled: bool,
}

/// Changes of a rule; none leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RulePatch {
    /// Only meters of this name; `Some(None)` is each.
    pub meter: Option<Option<Code>>,
    /// What must be passed.
    pub above: Option<Decimal>,
    /// The length of the window, in seconds.
    pub window_seconds: Option<u32>,
    /// How much of the usual use, in percent.
    pub percent: Option<u32>,
    /// Another action.
    pub action: Option<RuleAction>,
    /// For how long, in seconds; `Some(None)` is until undone.
    pub lasts_seconds: Option<Option<u64>>,
    /// Whether it is in force.
    pub is_enabled: Option<bool>,
}

/// A rule is to act on a license, by the process itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAct {
    /// Which rule.
    pub rule: RuleId,
    /// On whom.
    pub license: LicenseId,
    /// What it follows from.
    pub cause: Cause,
    /// Why, in words.
    pub reason: String,
    /// The figures, as `name=value` between spaces.
    pub evidence: String,
}

impl RulePatch {
    /// Applies the changes to a rule.
    ///
    /// # Errors
    /// A refusal, and then the rule must be thrown away.
    pub fn apply(self, rule: &mut Rule, now: Timestamp) -> Result<(), Refusal> {
        let condition = &mut rule.condition;
        condition.meter = self.meter.unwrap_or_else(|| condition.meter.clone());
        condition.above = self.above.unwrap_or(condition.above);
        condition.window_seconds = self.window_seconds.or(condition.window_seconds);
        condition.percent = self.percent.or(condition.percent);
        rule.action = self.action.unwrap_or(rule.action);
        rule.lasts_seconds = self.lasts_seconds.unwrap_or(rule.lasts_seconds);
        rule.is_enabled = self.is_enabled.unwrap_or(rule.is_enabled);
        rule.updated_at = now;
        rule.check()
    }
}
