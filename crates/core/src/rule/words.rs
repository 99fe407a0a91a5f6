//! Rules as lines of `name=value`, for storage and for the ledger's hash.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Condition, Rule, RuleAction, RuleKind, RuleScope};
use crate::quantity::Decimal;
use crate::refusal::Refusal;
use crate::terms::unescape;
use crate::text::Code;
use crate::time::Timestamp;

impl Rule {
    /// All that is said of it beside its id, its times and what it told last.
    #[must_use]
    pub fn stated(&self) -> Vec<(&'static str, String)> {
        let Condition { kind, meter, above, window_seconds, percent } = &self.condition;
        let mut stated = alloc::vec![("name", self.name.to_string()), ("kind", kind.to_string())];
        let mut say = |name, value: Option<String>| stated.extend(value.map(|value| (name, value)));
        say("product", self.scope.product.map(|id| id.to_string()));
        say("policy", self.scope.policy.map(|id| id.to_string()));
        say("meter", meter.as_ref().map(Code::to_string));
        say("above", Some(above.to_string()));
        say("window_seconds", window_seconds.map(|seconds| seconds.to_string()));
        say("percent", percent.map(|percent| percent.to_string()));
        say("action", Some(self.action.to_string()));
        say("lasts_seconds", self.lasts_seconds.map(|seconds| seconds.to_string()));
        say("enabled", Some(self.is_enabled.to_string()));
        stated
    }

    /// Reads what [`Rule::stated`] says; the rest is a beginning.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for text that is none.
    pub fn from_lines(id: crate::id::RuleId, text: &str) -> Result<Self, Refusal> {
        let mut rule = Self {
            id,
            name: Code::parse("name", "unnamed")?,
            scope: RuleScope::default(),
            condition: Condition {
                kind: RuleKind::Rate,
                meter: None,
                above: Decimal::whole(0),
                window_seconds: None,
                percent: None,
            },
            action: RuleAction::Event,
            lasts_seconds: None,
            is_enabled: true,
            told: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        for line in text.lines() {
            let read = line.split_once('=');
            let set = read.and_then(|(name, value)| rule.set(name, &unescape(value)));
            set.ok_or_else(|| Refusal::invalid("rule", "must be lines of name=value"))?;
        }
        Ok(rule)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "name" => self.name = Code::parse("name", value).ok()?,
            "kind" => self.condition.kind = RuleKind::from_word(value)?,
            "product" => self.scope.product = Some(value.parse().ok()?),
            "policy" => self.scope.policy = Some(value.parse().ok()?),
            "meter" => self.condition.meter = Some(Code::parse("meter", value).ok()?),
            "above" => self.condition.above = Decimal::parse(value).ok()?,
            "window_seconds" => self.condition.window_seconds = Some(value.parse().ok()?),
            "percent" => self.condition.percent = Some(value.parse().ok()?),
            "action" => self.action = RuleAction::from_word(value)?,
            "lasts_seconds" => self.lasts_seconds = Some(value.parse().ok()?),
            "enabled" => self.is_enabled = value.parse().ok()?,
            _ => return None,
        }
        Some(())
    }
}
