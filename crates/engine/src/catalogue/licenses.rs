//! Licenses and the ceilings of their meters.

use usance_core::command::{AllowedChange, LicensePatch, NewLicense, Ref, Reply};
use usance_core::id::{CustomerId, LicenseId};
use usance_core::key::check_given_key;
use usance_core::ledger::canonical;
use usance_core::ledger::record::{Action, Entity};
use usance_core::license::{License, LicenseKey, LicenseRef, Standing, StandingChange};
use usance_core::meter::AllowedFrom;
use usance_core::policy::Policy;
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::{Code, display_name};
use usance_core::token::Permission;
use usance_core::view::MeterView;

use super::{Decided, Desk, Undecided, live};
use crate::queries::{known_customer, known_license, known_policy};
use crate::random::{license_key, uuid_v7};
use crate::store::{Referent, StoreError, Wanted};
use crate::unit::Change;

impl Desk<'_> {
    pub(super) fn create_license(&mut self, new: NewLicense) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_all_meters()?;
        let policy = known_policy(self.reader, self.caller, &new.policy)?;
        live(Kind::Policy, policy.archived_at)?;
        let customer = self.customer(new.customer.as_ref())?;
        let allowed = allowed_of(&policy, new.allowed)?;
        let by_duration = policy
            .duration_ms
            .map(|duration| new.valid_from.unwrap_or(self.now).max(self.now).plus_ms(duration));
        let license = License {
            id: LicenseId::from_bytes(uuid_v7(self.now)),
            key: self.key(&policy, new.key)?,
            product: policy.product,
            policy: policy.id,
            customer,
            name: new.name.map(|name| display_name("name", name)).transpose()?,
            standing: Standing::Active,
            valid_from: new.valid_from,
            expires_at: new.expires_at.or(by_duration),
            created_at: self.now,
            updated_at: self.now,
        };
        license.check()?;
        let meters = policy.meters.iter().map(|spec| &spec.name).zip(allowed.iter().copied());
        let digest = canonical::license(&license, meters);
        Ok(Decided {
            events: self.event(Entity::License, Action::Created, *license.id.bytes(), digest),
            reply: Reply::License(license.clone(), self.now),
            changes: vec![Change::CreateLicense(self.caller.account, license, allowed)],
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

    pub(super) fn change_license(
        &mut self,
        of: &LicenseRef,
        patch: LicensePatch,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_all_meters()?;
        let mut license = known_license(self.reader, self.caller, of)?;
        if let Some(name) = patch.name {
            license.name = name.map(|name| display_name("name", name)).transpose()?;
        }
        if let Some(customer) = patch.customer {
            license.customer = self.customer(customer.as_ref())?;
        }
        license.valid_from = patch.valid_from.unwrap_or(license.valid_from);
        license.expires_at = patch.expires_at.unwrap_or(license.expires_at);
        license.check()?;
        self.put_license(Action::Changed, license)
    }

    pub(super) fn change_standing(
        &mut self,
        of: &LicenseRef,
        change: StandingChange,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_all_meters()?;
        let mut license = known_license(self.reader, self.caller, of)?;
        license.standing = license.changed_standing(change)?;
        let action = match change {
            StandingChange::Suspend => Action::Suspended,
            StandingChange::Reinstate => Action::Reinstated,
            StandingChange::Revoke => Action::Revoked,
        };
        self.put_license(action, license)
    }

    fn put_license(&self, action: Action, mut license: License) -> Result<Decided, Undecided> {
        license.updated_at = self.now;
        let allowed = self.reader.allowed(self.caller.account, license.id)?;
        let digest = canonical::license(&license, allowed.iter().map(|(name, from)| (name, *from)));
        Ok(Decided {
            changes: vec![Change::ChangeLicense(self.caller.account, license.clone())],
            events: self.event(Entity::License, action, *license.id.bytes(), digest),
            reply: Reply::License(license, self.now),
        })
    }

    pub(super) fn delete_license(&mut self, of: &LicenseRef) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_all_meters()?;
        let license = known_license(self.reader, self.caller, of)?;
        self.need_unreferred(Kind::License, &Referent::License(license.id))?;
        let allowed = self.reader.allowed(self.caller.account, license.id)?;
        let digest = canonical::license(&license, allowed.iter().map(|(name, from)| (name, *from)));
        Ok(Decided {
            changes: vec![Change::DeleteLicense(self.caller.account, license.id)],
            events: self.event(Entity::License, Action::Deleted, *license.id.bytes(), digest),
            reply: Reply::Deleted,
        })
    }

    pub(super) fn change_allowed(
        &mut self,
        of: &LicenseRef,
        meter: &Code,
        change: AllowedChange,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_meter(meter)?;
        let license = known_license(self.reader, self.caller, of)?;
        let id = LicenseRef::Id(license.id);
        let wanted = Wanted { licenses: vec![(self.caller.account, &id)], keys: Vec::new() };
        let loaded = self.store.load(&wanted)?;
        let missing = || StoreError::Corrupt(format!("license {} has no meters", license.id));
        let loaded = loaded.licenses.into_iter().next().ok_or_else(missing)?;
        let unknown = || Refusal::Unknown(Kind::Meter, meter.to_string());
        let place = loaded.policy.meters.iter().position(|spec| spec.name == *meter);
        let place = place.ok_or_else(unknown)?;
        let spec = loaded.policy.meters[place].clone();
        let allowed_from = change.scaled(&spec)?;
        let mut from: Vec<_> = loaded.meters.iter().map(|meter| meter.allowed_from).collect();
        from[place] = allowed_from;
        let names = loaded.policy.meters.iter().map(|spec| &spec.name);
        let digest = canonical::license(&license, names.zip(from));
        Ok(Decided {
            changes: vec![Change::ChangeAllowed(
                self.caller.account,
                license.id,
                place,
                allowed_from,
            )],
            events: self.event(Entity::License, Action::Changed, *license.id.bytes(), digest),
            reply: Reply::Meter(MeterView {
                license: license.id,
                spec,
                allowed_from,
                state: loaded.meters[place].state,
            }),
        })
    }
}

fn allowed_of(
    policy: &Policy,
    own: Vec<(Code, AllowedChange)>,
) -> Result<Vec<AllowedFrom>, Refusal> {
    let mut allowed = vec![AllowedFrom::Policy; policy.meters.len()];
    for (name, change) in own {
        let place = policy.meters.iter().position(|spec| spec.name == name);
        let place = place.ok_or_else(|| Refusal::Unknown(Kind::Meter, name.to_string()))?;
        allowed[place] = change.scaled(&policy.meters[place])?;
    }
    Ok(allowed)
}
