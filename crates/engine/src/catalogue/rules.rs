//! Rules, what they do, and how it is undone.

use std::sync::Arc;

use usance_core::caller::Credential;
use usance_core::command::{NewAct, NewRule, Ref, Reply, RulePatch};
use usance_core::id::RuleId;
use usance_core::ledger::canonical;
use usance_core::ledger::record::{Action, Entity};
use usance_core::license::LicenseRef;
use usance_core::limits::RULES_MAX;
use usance_core::refusal::{Kind, Refusal};
use usance_core::rule::{Act, Block, Rule, RuleAction, RuleScope, acts_on, undone};
use usance_core::token::Permission;

use super::{Decided, Desk, Undecided, need_unlike_id};
use crate::queries::{known_license, known_policy, known_product, known_rule};
use crate::random::uuid_v7;
use crate::store::Slice;
use crate::unit::Change;

impl Desk<'_> {
    pub(super) fn create_rule(&mut self, new: NewRule) -> Result<Decided, Undecided> {
        self.caller.need(Permission::RuleWrite)?;
        self.caller.need_unlocked()?;
        need_unlike_id::<RuleId>(&new.name)?;
        let rule = self.rule_of(new)?;
        if self.reader.rule(self.caller.account, &Ref::Code(rule.name.clone()))?.is_some() {
            return Err(Refusal::Taken(Kind::Rule, rule.name.to_string()).into());
        }
        let part = Slice { after: None, limit: RULES_MAX };
        if self.reader.rules(self.caller.account, &part)?.len() >= RULES_MAX {
            return Err(Refusal::invalid("rules", "may be at most 100; delete one first").into());
        }
        Ok(self.put_rule(Action::Created, rule))
    }

    /// The rule that a caller's words make.
    pub fn rule_of(&self, new: NewRule) -> Result<Rule, Undecided> {
        let product = match &new.product {
            Some(of) => Some(known_product(self.reader, self.caller, of)?.id),
            None => None,
        };
        let policy = match &new.policy {
            Some(of) => Some(known_policy(self.reader, self.caller, of)?.id),
            None => None,
        };
        let rule = Rule {
            id: RuleId::from_bytes(uuid_v7(self.now)),
            name: new.name,
            scope: RuleScope { product, policy },
            condition: new.condition,
            action: new.action,
            lasts_seconds: new.lasts_seconds,
            is_enabled: new.is_enabled,
            told: None,
            created_at: self.now,
            updated_at: self.now,
        };
        rule.check()?;
        Ok(rule)
    }

    pub(super) fn change_rule(
        &mut self,
        of: &Ref<RuleId>,
        patch: RulePatch,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::RuleWrite)?;
        self.caller.need_unlocked()?;
        let mut rule = known_rule(self.reader, self.caller, of)?;
        patch.apply(&mut rule, self.now)?;
        Ok(self.put_rule(Action::Changed, rule))
    }

    fn put_rule(&self, action: Action, rule: Rule) -> Decided {
        let text = canonical::rule(&rule);
        Decided {
            changes: vec![Change::PutRule(self.caller.account, rule.clone())],
            events: self.event(Entity::Rule, action, *rule.id.bytes(), text),
            reply: Reply::Rule(Box::new(rule)),
        }
    }

    pub(super) fn delete_rule(&mut self, of: &Ref<RuleId>) -> Result<Decided, Undecided> {
        self.caller.need(Permission::RuleWrite)?;
        self.caller.need_unlocked()?;
        let rule = known_rule(self.reader, self.caller, of)?;
        let text = canonical::rule(&rule);
        Ok(Decided {
            changes: vec![Change::DeleteRule(self.caller.account, rule.id)],
            events: self.event(Entity::Rule, Action::Deleted, *rule.id.bytes(), text),
            reply: Reply::Deleted,
        })
    }

    /// Has a rule act, unless it did so for this cause, whatever became of it since.
    pub(super) fn act(&mut self, new: NewAct) -> Result<Decided, Undecided> {
        if self.caller.credential != Credential::System {
            return Err(Refusal::PermissionMissing(Permission::RuleWrite).into());
        }
        let account = self.caller.account;
        let NewAct { rule, license, cause, reason, evidence } = new;
        let rule = known_rule(self.reader, self.caller, &Ref::Id(rule))?;
        if !rule.is_enabled || self.reader.has_acted(account, license, rule.id, cause)? {
            return Ok(acted(false));
        }
        let (name, action, since) = (rule.name.clone(), rule.action, self.now);
        let until = rule.until(since);
        let block = Block { rule: rule.id, name, action, since, until, cause, reason, evidence };
        let act = Act { license, block: block.clone() };
        let put = Change::PutAct(account, act.clone());
        if action == RuleAction::Event {
            known_license(self.reader, self.caller, &LicenseRef::Id(license))?;
            let rule = Rule { told: Some(Box::new(act)), ..rule };
            let text = canonical::rule(&rule);
            return Ok(Decided {
                events: self.event(Entity::Rule, Action::Warned, *rule.id.bytes(), text),
                changes: vec![Change::TellRule(account, rule), put],
                ..acted(true)
            });
        }
        let mut moving = self.moving(&LicenseRef::Id(license))?;
        let Some(changed) = acts_on(&moving.loaded.license, block) else {
            return Ok(Decided { changes: vec![put], ..acted(false) });
        };
        let told = if action == RuleAction::Warn { Action::Warned } else { Action::Blocked };
        let mut decided = self.put_license(told, changed.clone(), &moving.loaded.meters);
        decided.changes.push(put);
        moving.loaded.license = Arc::new(changed);
        moving.stir();
        moving.wind(self.unit);
        Ok(Decided { reply: Reply::Acted(true), ..decided })
    }

    pub(super) fn unblock(
        &mut self,
        of: &LicenseRef,
        rule: Option<&Ref<RuleId>>,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_all_meters()?;
        let mut moving = self.moving(of)?;
        let license = Arc::clone(&moving.loaded.license);
        let rule = match rule {
            None => None,
            Some(Ref::Id(id)) => Some(*id),
            Some(Ref::Code(name)) => {
                let found = license.blocks.iter().find(|block| block.name == *name);
                let unknown = || Refusal::Unknown(Kind::Rule, name.to_string());
                Some(found.map(|block| block.rule).ok_or_else(unknown)?)
            }
        };
        let conflict = "is not blocked by a rule, or not by this one";
        let changed = undone(&license, self.now, rule.as_ref())
            .ok_or(Refusal::LicenseStateConflict(license.id, conflict))?;
        let mut decided =
            self.put_license(Action::Unblocked, changed.clone(), &moving.loaded.meters);
        let undo = Change::UndoActs(self.caller.account, license.id, rule, self.now);
        decided.changes.push(undo);
        moving.loaded.license = Arc::new(changed);
        moving.stir();
        moving.wind(self.unit);
        Ok(decided)
    }
}

fn acted(is_new: bool) -> Decided {
    Decided { changes: Vec::new(), events: Vec::new(), reply: Reply::Acted(is_new) }
}
