//! Rules in the words of a caller.

use alloc::string::String;

use super::Ref;
use crate::id::{LicenseId, PolicyId, ProductId, RuleId};
use crate::rule::{Cause, Condition, RuleAction};
use crate::text::Code;

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
    /// Another condition.
    pub condition: Option<Condition>,
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
