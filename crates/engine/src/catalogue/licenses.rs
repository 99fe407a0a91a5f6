//! Licenses.

use std::sync::Arc;

use usance_core::command::{
    AllowedChange, LicensePatch, NewLicense, NewMeter, Ref, Reply, UserRef, granted,
};
use usance_core::id::{CustomerId, LicenseId, UserId};
use usance_core::key::check_given_key;
use usance_core::ledger::canonical;
use usance_core::ledger::record::{Action, Entity};
use usance_core::license::{License, LicenseKey, LicenseRef, Marks, Standing, StandingChange};
use usance_core::lifecycle::{
    check_people, check_stated, distinct, effective_terms, expiry_at_creation, people,
};
use usance_core::limits::OWN_METERS_MAX;
use usance_core::meter::AllowedFrom;
use usance_core::policy::Policy;
use usance_core::refusal::{Kind, Refusal};
use usance_core::terms::{Overrides, TermsPatch};
use usance_core::text::{Code, display_name};
use usance_core::token::Permission;

use super::meters::in_order;
use super::{Decided, Desk, Undecided, live};
use crate::queries::{known_customer, known_policy, known_user};
use crate::random::{license_key, uuid_v7};
use crate::store::{LoadedLicense, LoadedMeter, Referent};
use crate::unit::Change;

impl Desk<'_> {
    pub(super) fn create_license(&mut self, new: NewLicense) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_all_meters()?;
        let policy = known_policy(self.reader, self.caller, &new.policy)?;
        live(Kind::Policy, policy.archived_at)?;
        let overrides = overrides(new.terms);
        let terms = effective_terms(&policy.terms, &overrides)?;
        self.need_granted_terms(&overrides)?;
        self.need_entitlements(&new.entitlements)?;
        let meters = meters_of(&policy, new.allowed, new.meters)?;
        let customer = self.customer(new.customer.as_ref())?;
        self.need_room_for_license(customer)?;
        let license = License {
            id: LicenseId::from_bytes(uuid_v7(self.now)),
            key: self.key(&policy, new.key)?,
            product: policy.product,
            policy: policy.id,
            customer,
            reseller: self.customer(new.reseller.as_ref())?,
            owner: self.person(new.owner.as_ref())?,
            users: self.people(&new.users)?,
            name: new.name.map(|name| display_name("name", name)).transpose()?,
            expires_at: expiry_at_creation(&terms, self.now, new.valid_from, new.expires_at),
            overrides,
            entitlements: granted(new.entitlements)?,
            metadata: new.metadata,
            marks: Marks::default(),
            blocks: Vec::new(),
            standing: Standing::Active,
            valid_from: new.valid_from,
            created_at: self.now,
            updated_at: self.now,
        };
        license.check()?;
        check_people(&license, &terms, 0)?;
        self.caller.need_license(&license)?;
        let text = canonical::license(&license, meters.iter().map(LoadedMeter::entry));
        Ok(Decided {
            events: self.event(Entity::License, Action::Created, *license.id.bytes(), text),
            reply: Reply::License(license.clone(), self.now),
            changes: vec![Change::CreateLicense(self.caller.account, license, meters)],
        })
    }

    fn key(&self, policy: &Policy, given: Option<String>) -> Result<LicenseKey, Undecided> {
        let Some(key) = given else {
            return Ok(LicenseKey(license_key(&policy.key_pattern)));
        };
        check_given_key(&key)?;
        if self.reader.license_by_key(&key)?.is_some() {
            return Err(Refusal::Taken(Kind::License, "with this key".into()).into());
        }
        Ok(LicenseKey(key))
    }

    fn customer(&self, of: Option<&Ref<CustomerId>>) -> Result<Option<CustomerId>, Undecided> {
        let Some(of) = of else { return Ok(None) };
        let customer = known_customer(self.reader, &self.caller.without_locks(), of)?;
        live(Kind::Customer, customer.archived_at)?;
        Ok(Some(customer.id))
    }

    fn person(&self, of: Option<&UserRef>) -> Result<Option<UserId>, Undecided> {
        let Some(of) = of else { return Ok(None) };
        Ok(Some(known_user(self.reader, &self.caller.without_locks(), of)?.id))
    }

    fn people(&self, of: &[UserRef]) -> Result<Vec<UserId>, Undecided> {
        let mut found = Vec::with_capacity(of.len());
        for user in of {
            found.extend(self.person(Some(user))?);
        }
        Ok(distinct(found))
    }

    fn need_room_for_license(&self, customer: Option<CustomerId>) -> Result<(), Undecided> {
        let Some(id) = customer else { return Ok(()) };
        let customer = self.reader.customer(self.caller.account, &Ref::Id(id))?;
        let Some(limit) = customer.and_then(|customer| customer.max_licenses.0) else {
            return Ok(());
        };
        if self.reader.belongings(self.caller.account, id)?.licenses >= limit {
            let what = "has as many licenses as it may; raise its max_licenses";
            return Err(Refusal::invalid("customer", what).into());
        }
        Ok(())
    }

    /// Nobody can let a license do what they may not do themselves.
    fn need_granted_terms(&self, overrides: &Overrides) -> Result<(), Refusal> {
        let permissions = overrides.as_ref().and_then(|own| own.license_permissions);
        permissions.map_or(Ok(()), |permissions| self.need_grantable(permissions))
    }

    pub(super) fn change_license(
        &mut self,
        of: &LicenseRef,
        patch: LicensePatch,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_all_meters()?;
        let moving = self.tended(of)?;
        let loaded = &moving.loaded;
        let mut license = (*loaded.license).clone();
        let before = people(&license);
        if let Some(name) = patch.name {
            license.name = name.map(|name| display_name("name", name)).transpose()?;
        }
        if let Some(customer) = patch.customer {
            license.customer = self.customer(customer.as_ref())?;
        }
        if let Some(reseller) = patch.reseller {
            license.reseller = self.customer(reseller.as_ref())?;
        }
        if let Some(owner) = patch.owner {
            license.owner = self.person(owner.as_ref())?;
        }
        if let Some(users) = patch.users {
            license.users = self.people(&users)?;
        }
        if let Some(entitlements) = patch.entitlements {
            self.need_entitlements(&entitlements)?;
            license.entitlements = granted(entitlements)?;
        }
        license.metadata = patch.metadata.unwrap_or(license.metadata);
        license.valid_from = patch.valid_from.unwrap_or(license.valid_from);
        license.expires_at = patch.expires_at.unwrap_or(license.expires_at);
        self.need_granted_terms(&overrides(patch.terms.clone()))?;
        license.overrides = overriding(&license.overrides, patch.terms, &patch.cleared_terms);
        license.check()?;
        let policy = Arc::clone(&loaded.policy);
        let terms = effective_terms(&policy.terms, &license.overrides)?;
        check_people(&license, &terms, before)?;
        self.caller.need_license(&license)?;
        let decided = self.put_license(Action::Changed, license, &moving.loaded.meters);
        let terms = Arc::new(terms.into_owned());
        self.rewind(LoadedLicense { terms, ..moving.loaded });
        Ok(decided)
    }

    pub(super) fn change_standing(
        &mut self,
        of: &LicenseRef,
        change: StandingChange,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_all_meters()?;
        let moving = self.moving(of)?;
        let mut license = (*moving.loaded.license).clone();
        license.stand(change)?;
        let action = match change {
            StandingChange::Suspend => Action::Suspended,
            StandingChange::Reinstate => Action::Reinstated,
            StandingChange::Revoke => Action::Revoked,
        };
        Ok(self.put_license(action, license, &moving.loaded.meters))
    }

    /// A changed license, and what the ledger says of it.
    pub(super) fn put_license(
        &self,
        action: Action,
        mut license: License,
        meters: &[LoadedMeter],
    ) -> Decided {
        license.updated_at = self.now;
        let text = canonical::license(&license, meters.iter().map(LoadedMeter::entry));
        Decided {
            changes: vec![Change::ChangeLicense(self.caller.account, license.clone())],
            events: self.event(Entity::License, action, *license.id.bytes(), text),
            reply: Reply::License(license, self.now),
        }
    }

    pub(super) fn delete_license(&mut self, of: &LicenseRef) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_all_meters()?;
        let mut moving = self.moving(of)?;
        let license = Arc::clone(&moving.loaded.license);
        self.need_unreferred(Kind::License, &Referent::License(license.id))?;
        moving.end_all_machines(self.by(), self.head, self.unit)?;
        let meters = moving.loaded.meters.iter().map(LoadedMeter::entry);
        let text = canonical::license(&license, meters);
        Ok(Decided {
            changes: vec![Change::DeleteLicense(self.caller.account, license.id)],
            events: self.event(Entity::License, Action::Deleted, *license.id.bytes(), text),
            reply: Reply::Deleted,
        })
    }
}

/// The meters of a new license: those of its policy with its own ceilings, then its own.
fn meters_of(
    policy: &Policy,
    stated: Vec<(Code, AllowedChange)>,
    own: Vec<NewMeter>,
) -> Result<Vec<LoadedMeter>, Refusal> {
    let new = |spec| LoadedMeter::new(spec, false, AllowedFrom::Policy);
    let mut meters: Vec<_> = policy.meters.iter().cloned().map(new).collect();
    for (name, change) in stated {
        let meter = meters.iter_mut().find(|meter| meter.spec.name == name);
        let meter = meter.ok_or_else(|| Refusal::Unknown(Kind::Meter, name.to_string()))?;
        meter.allowed_from = change.scaled(&meter.spec)?;
    }
    let states = |name: &str| {
        let is_it = |meter: &&LoadedMeter| &*meter.spec.name == name;
        meters.iter().find(is_it).is_some_and(|meter| meter.allowed_from != AllowedFrom::Policy)
    };
    check_stated(&policy.meters, states)?;
    if own.len() > OWN_METERS_MAX {
        return Err(Refusal::invalid("new_meters", "may be at most 64"));
    }
    for new in own {
        let spec = new.spec()?;
        if meters.iter().any(|meter| meter.spec.name == spec.name) {
            return Err(Refusal::Taken(Kind::Meter, spec.name.to_string()));
        }
        meters.push(LoadedMeter::new(Arc::new(spec), true, AllowedFrom::Policy));
    }
    in_order(&mut meters);
    Ok(meters)
}

fn overrides(terms: TermsPatch) -> Overrides {
    (!terms.is_empty()).then(|| Box::new(terms))
}

/// What a license states otherwise than its policy, after a change.
fn overriding(before: &Overrides, newer: TermsPatch, cleared: &[String]) -> Overrides {
    let mut terms = before.as_deref().cloned().unwrap_or_default();
    terms.merge(newer);
    for name in cleared {
        terms.clear(name);
    }
    overrides(terms)
}
