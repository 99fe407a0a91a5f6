//! Rules and what they did.

use usance_core::command::{NewRule, Ref};
use usance_core::id::RuleId;
use usance_core::license::LicenseRef;
use usance_core::rule::{Rule, RuleScope};
use usance_core::time::Timestamp;
use usance_core::token::Permission;
use usance_core::view::{Page, PageRequest};

use super::{
    Queries, bad_cursor, known_license, known_policy, known_product, known_rule, page, slice,
};
use crate::catalogue::Undecided;
use crate::store::rules::ActRow;

type Answer<T> = Result<T, Undecided>;

#[expect(clippy::missing_errors_doc, reason = "all fail with a refusal, or as the store does")]
impl Queries<'_> {
    /// A rule.
    pub fn rule(&self, of: &Ref<RuleId>) -> Answer<Rule> {
        self.caller.need(Permission::RuleRead)?;
        self.caller.need_unlocked()?;
        known_rule(self.reader, self.caller, of)
    }

    /// Rules, oldest first.
    pub fn rules(&self, request: &PageRequest) -> Answer<Page<Rule>> {
        self.caller.need(Permission::RuleRead)?;
        self.caller.need_unlocked()?;
        let part = slice(request, |text| Some(*text.parse::<RuleId>().ok()?.bytes()))?;
        let found = self.reader.rules(self.caller.account, &part);
        Ok(page(request, found, |rule| rule.id.to_string())?)
    }

    /// What rules did to a license, newest first.
    pub fn blocks(&self, of: &LicenseRef, request: &PageRequest) -> Answer<Page<ActRow>> {
        self.caller.need(Permission::LicenseRead)?;
        self.caller.need_all_meters()?;
        let license = known_license(self.reader, self.caller, of)?;
        // A list that grows at its beginning: who goes on where it was may see one twice.
        let after = match &request.cursor {
            None => 0,
            Some(cursor) => cursor.parse::<u32>().map_err(|_| bad_cursor())? as usize,
        };
        let part = slice(&PageRequest { cursor: None, ..request.clone() }, |_| None)?;
        let found = self.reader.acts(self.caller.account, license.id, (after, part.limit));
        let mut page = page(request, found, |_| String::new())?;
        page.next = page.next.map(|_| (after + page.items.len()).to_string());
        Ok(page)
    }

    /// A rule to be tried: one that is there, or one that is not made yet.
    pub fn rule_to_try(&self, of: TryRule) -> Answer<Rule> {
        self.caller.need(Permission::RuleWrite)?;
        self.caller.need_unlocked()?;
        let new = match of {
            TryRule::Known(of) => return known_rule(self.reader, self.caller, &of),
            TryRule::New(new) => *new,
        };
        let product = match &new.product {
            Some(of) => Some(known_product(self.reader, self.caller, of)?.id),
            None => None,
        };
        let policy = match &new.policy {
            Some(of) => Some(known_policy(self.reader, self.caller, of)?.id),
            None => None,
        };
        let rule = Rule {
            id: RuleId::from_bytes([0; 16]),
            name: new.name,
            scope: RuleScope { product, policy },
            condition: new.condition,
            action: new.action,
            lasts_seconds: new.lasts_seconds,
            is_enabled: true,
            told: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        rule.check()?;
        Ok(rule)
    }
}

/// What is to be tried.
#[derive(Debug, Clone)]
pub enum TryRule {
    /// A rule that is there.
    Known(Ref<RuleId>),
    /// A rule that is not made yet.
    New(Box<NewRule>),
}
