//! What doors may ask about rules.

use std::sync::Arc;

use usance_core::caller::Caller;
use usance_core::command::Ref;
use usance_core::id::RuleId;
use usance_core::license::LicenseRef;
use usance_core::refusal::Refusal;
use usance_core::rule::Rule;
use usance_core::view::{Page, PageRequest};

use super::Engine;
use crate::failure::Failure;
use crate::follower::{Trial, try_rule};
use crate::limits::{TRY_ACTS_MAX, TRY_DAYS_MAX, TRY_RECORDS_MAX};
use crate::queries::TryRule;
use crate::store::rules::ActRow;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[expect(clippy::missing_errors_doc, reason = "all fail with a Failure")]
impl Engine {
    /// A rule.
    pub async fn rule(&self, caller: Arc<Caller>, of: Ref<RuleId>) -> Result<Rule, Failure> {
        self.query(caller, move |queries| queries.rule(&of)).await
    }

    /// Rules, oldest first.
    pub async fn rules(
        &self,
        caller: Arc<Caller>,
        page: PageRequest,
    ) -> Result<Page<Rule>, Failure> {
        self.query(caller, move |queries| queries.rules(&page)).await
    }

    /// What rules did to a license, newest first.
    pub async fn blocks(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
        page: PageRequest,
    ) -> Result<Page<ActRow>, Failure> {
        self.query(caller, move |queries| queries.blocks(&of, &page)).await
    }

    /// What a rule would have done in the last days, without doing anything.
    pub async fn try_rule(
        &self,
        caller: Arc<Caller>,
        of: TryRule,
        days: i64,
    ) -> Result<Trial, Failure> {
        if !(1..=TRY_DAYS_MAX).contains(&days) {
            return Err(Refusal::invalid("days", "must be 1 to 400").into());
        }
        let now = self.now();
        let from = now.plus_ms(-days * DAY_MS);
        let reader = Arc::clone(&self.0.reader);
        let whose = (caller.account, self.0.writer);
        self.query(caller, move |queries| {
            let rule = queries.rule_to_try(of)?;
            let most = (TRY_RECORDS_MAX, TRY_ACTS_MAX);
            Ok(try_rule(&reader, whose, rule, (from, now), most)?)
        })
        .await
    }

    /// Answers when rules were held against all that is committed now, and have acted: what they
    /// do by themselves within a second.
    pub async fn followed(&self) {
        // A follower that is gone follows nothing.
        self.0.shared.following.wait().await.unwrap_or_default();
    }
}
