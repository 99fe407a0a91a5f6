//! Policies.

use std::sync::Arc;

use usance_core::command::{NewPolicy, PolicyPatch, Ref, Reply, granted};
use usance_core::id::PolicyId;
use usance_core::ledger::canonical;
use usance_core::ledger::record::{Action, Entity};
use usance_core::meter::MeterSpec;
use usance_core::policy::Policy;
use usance_core::refusal::{Kind, Refusal};
use usance_core::terms::Terms;
use usance_core::text::display_name;
use usance_core::token::Permission;

use super::meters::need_scale;
use super::{Decided, Desk, Undecided, live, need_unlike_id};
use crate::queries::{known_policy, known_product};
use crate::random::uuid_v7;
use crate::store::Referent;
use crate::unit::Change;

impl Desk<'_> {
    pub(super) fn create_policy(&mut self, new: NewPolicy) -> Result<Decided, Undecided> {
        self.caller.need(Permission::PolicyWrite)?;
        self.caller.need_all_meters()?;
        let product = known_product(self.reader, self.caller, &new.product)?;
        live(Kind::Product, product.archived_at)?;
        need_unlike_id::<PolicyId>(&new.code)?;
        if self.reader.policy(self.caller.account, &Ref::Code(new.code.clone()))?.is_some() {
            return Err(Refusal::Taken(Kind::Policy, new.code.to_string()).into());
        }
        let meters = new.meters.into_iter().map(|meter| meter.spec().map(Arc::new));
        let policy = Policy {
            id: PolicyId::from_bytes(uuid_v7(self.now)),
            product: product.id,
            name: display_name("name", new.name.unwrap_or_else(|| new.code.to_string()))?,
            code: new.code,
            meters: meters.collect::<Result<_, _>>()?,
            key_pattern: new.key_pattern.unwrap_or_default(),
            terms: Arc::new(Terms::default().with(&new.terms)),
            entitlements: granted(new.entitlements)?,
            metadata: new.metadata,
            archived_at: None,
            created_at: self.now,
            updated_at: self.now,
        };
        policy.check()?;
        self.need_grantable(policy.terms.license_permissions)?;
        self.need_entitlements(&policy.entitlements)?;
        Ok(self.put_policy(Action::Created, policy))
    }

    pub(super) fn change_policy(
        &mut self,
        of: &Ref<PolicyId>,
        patch: PolicyPatch,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::PolicyWrite)?;
        self.caller.need_all_meters()?;
        let mut policy = known_policy(self.reader, self.caller, of)?;
        if let Some(permissions) = patch.terms.license_permissions {
            self.need_grantable(permissions)?;
        }
        if let Some(entitlements) = &patch.entitlements {
            self.need_entitlements(entitlements)?;
        }
        let terms = Arc::clone(&policy.terms);
        let meters = policy.meters.len();
        patch.apply(&mut policy, self.now)?;
        for spec in &policy.meters[meters..] {
            self.need_free_meter(policy.id, spec)?;
        }
        let id = policy.id;
        let are_terms_new = policy.terms != terms;
        let mut decided = self.put_policy(Action::Changed, policy);
        if are_terms_new {
            let wake = Change::WakeLicenses(self.caller.account, id, self.now);
            decided.changes.push(wake);
        }
        Ok(decided)
    }

    /// A policy cannot give its licenses a meter that one of them has of its own, nor one that
    /// counts other digits than when one of them had it before.
    fn need_free_meter(&self, policy: PolicyId, spec: &MeterSpec) -> Result<(), Undecided> {
        let found = self.reader.other_meters(self.caller.account, policy, &spec.name)?;
        for (is_hidden, scale) in found {
            if !is_hidden {
                let which = format!("{}, on a license of the policy", spec.name);
                return Err(Refusal::Taken(Kind::Meter, which).into());
            }
            need_scale(spec, scale)?;
        }
        Ok(())
    }

    fn put_policy(&self, action: Action, policy: Policy) -> Decided {
        let text = canonical::policy(&policy);
        Decided {
            changes: vec![Change::PutPolicy(self.caller.account, policy.clone())],
            events: self.event(Entity::Policy, action, *policy.id.bytes(), text),
            reply: Reply::Policy(policy),
        }
    }

    pub(super) fn delete_policy(&mut self, of: &Ref<PolicyId>) -> Result<Decided, Undecided> {
        self.caller.need(Permission::PolicyWrite)?;
        self.caller.need_all_meters()?;
        let policy = known_policy(self.reader, self.caller, of)?;
        self.need_unreferred(Kind::Policy, &Referent::Policy(policy.id))?;
        Ok(Decided {
            changes: vec![Change::DeletePolicy(self.caller.account, policy.id)],
            events: self.event(
                Entity::Policy,
                Action::Deleted,
                *policy.id.bytes(),
                canonical::policy(&policy),
            ),
            reply: Reply::Deleted,
        })
    }
}
