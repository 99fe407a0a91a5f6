//! Entitlements.

use usance_core::command::{EntitlementPatch, NewEntitlement, Ref, Reply};
use usance_core::entitlement::Entitlement;
use usance_core::id::EntitlementId;
use usance_core::ledger::canonical;
use usance_core::ledger::record::{Action, Entity};
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::{Code, display_name};
use usance_core::token::Permission;

use super::{Decided, Desk, Undecided, need_unlike_id};
use crate::queries::known_entitlement;
use crate::random::uuid_v7;
use crate::store::Referent;
use crate::unit::Change;

impl Desk<'_> {
    pub(super) fn create_entitlement(&mut self, new: NewEntitlement) -> Result<Decided, Undecided> {
        self.caller.need(Permission::EntitlementWrite)?;
        self.caller.need_unlocked()?;
        need_unlike_id::<EntitlementId>(&new.code)?;
        let of = Ref::Code(new.code.clone());
        if self.reader.entitlement(self.caller.account, &of)?.is_some() {
            return Err(Refusal::Taken(Kind::Entitlement, new.code.to_string()).into());
        }
        let entitlement = Entitlement {
            id: EntitlementId::from_bytes(uuid_v7(self.now)),
            name: display_name("name", new.name.unwrap_or_else(|| new.code.to_string()))?,
            code: new.code,
            metadata: new.metadata,
            created_at: self.now,
            updated_at: self.now,
        };
        Ok(self.put_entitlement(Action::Created, entitlement))
    }

    pub(super) fn change_entitlement(
        &mut self,
        of: &Ref<EntitlementId>,
        patch: EntitlementPatch,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::EntitlementWrite)?;
        self.caller.need_unlocked()?;
        let mut entitlement = known_entitlement(self.reader, self.caller, of)?;
        if let Some(name) = patch.name {
            entitlement.name = display_name("name", name)?;
        }
        if let Some(metadata) = patch.metadata {
            entitlement.metadata = metadata;
        }
        entitlement.updated_at = self.now;
        Ok(self.put_entitlement(Action::Changed, entitlement))
    }

    fn put_entitlement(&self, action: Action, entitlement: Entitlement) -> Decided {
        let digest = canonical::entitlement(&entitlement);
        Decided {
            changes: vec![Change::PutEntitlement(self.caller.account, entitlement.clone())],
            events: self.event(Entity::Entitlement, action, *entitlement.id.bytes(), digest),
            reply: Reply::Entitlement(entitlement),
        }
    }

    pub(super) fn delete_entitlement(
        &mut self,
        of: &Ref<EntitlementId>,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::EntitlementWrite)?;
        self.caller.need_unlocked()?;
        let entitlement = known_entitlement(self.reader, self.caller, of)?;
        let referent = Referent::Entitlement(entitlement.code.clone());
        self.need_unreferred(Kind::Entitlement, &referent)?;
        let digest = canonical::entitlement(&entitlement);
        let id = *entitlement.id.bytes();
        Ok(Decided {
            changes: vec![Change::DeleteEntitlement(self.caller.account, entitlement.id)],
            events: self.event(Entity::Entitlement, Action::Deleted, id, digest),
            reply: Reply::Deleted,
        })
    }

    /// Refuses codes of entitlements that are not there.
    pub(super) fn need_entitlements(&self, codes: &[Code]) -> Result<(), Undecided> {
        for code in codes {
            let found = self.reader.entitlement(self.caller.account, &Ref::Code(code.clone()))?;
            if found.is_none() {
                return Err(Refusal::Unknown(Kind::Entitlement, code.to_string()).into());
            }
        }
        Ok(())
    }
}
