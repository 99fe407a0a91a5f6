//! Machines that hold licenses, and the processes on them.

use usance_core::activating::{CustomerActivations, Elsewhere, Machines, Outcome};
use usance_core::activation::ActivationRef;
use usance_core::command::{
    ActivationPatch, NewActivation, NewComponent, NewProcess, Ref, Reply, UserRef,
};
use usance_core::id::{ActivationId, LicenseId, ProcessId, UserId};
use usance_core::license::{License, LicenseRef};
use usance_core::lifecycle::begin_expiry;
use usance_core::refusal::Refusal;
use usance_core::terms::{ComponentUnique, ExpiresFrom, Terms, Unique};
use usance_core::token::Permission;

use super::{Decided, Desk, Undecided};
use crate::living::seen;
use crate::moving::Moving;
use crate::queries::known_user;
use crate::random::uuid_v7;
use crate::store::{ActivationQuery, Slice};

/// Which licenses share what may occur once among them.
#[derive(Clone, Copy)]
enum Among {
    Policy,
    Product,
    Account,
}

impl Desk<'_> {
    pub(super) fn activate(
        &mut self,
        of: &LicenseRef,
        new: NewActivation,
    ) -> Result<Decided, Undecided> {
        let mut moving = self.machines_of(of, Permission::ActivationCreate)?;
        let user = self.user_id(new.user.as_ref())?;
        let chosen = new.id.iter().map(|id| *id.bytes());
        let parts = new.components.iter().filter_map(|part| part.id.map(|id| *id.bytes()));
        let ids: Vec<_> = chosen.chain(parts).collect();
        let elsewhere = self.elsewhere(&moving, Some(&new.fingerprint), &new.components, &ids)?;
        let now = self.now;
        let outcome = moving.machines(now).activate(new, user, &mut || uuid_v7(now), &elsewhere)?;
        let is_new = outcome.is_new;
        let decided = self.machine_reply(&mut moving, &outcome)?;
        match decided.reply {
            Reply::Activation(view) if !is_new => {
                Ok(Decided { reply: Reply::ActivatedAlready(view), ..decided })
            }
            _ => self.begin_expiry(&moving, decided),
        }
    }

    pub(super) fn change_activation(
        &mut self,
        of: &LicenseRef,
        machine: &ActivationRef,
        patch: ActivationPatch,
    ) -> Result<Decided, Undecided> {
        let mut moving = self.machines_of(of, Permission::ActivationWrite)?;
        let user = match &patch.user {
            None => None,
            Some(user) => Some(self.user_id(user.as_ref())?),
        };
        let components = patch.components.as_deref().unwrap_or_default();
        let elsewhere = self.elsewhere(&moving, None, components, &[])?;
        let now = self.now;
        let machines = moving.machines(now);
        let outcome = machines.change(machine, patch, user, &mut || uuid_v7(now), &elsewhere)?;
        self.machine_reply(&mut moving, &outcome)
    }

    pub(super) fn heartbeat(
        &mut self,
        of: &LicenseRef,
        machine: &ActivationRef,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::ActivationHeartbeat)?;
        self.caller.need_all_meters()?;
        // Before the dead are ended: a machine that comes too late hears so.
        let mut moving = self.moving(of)?;
        let outcome = moving.machines(self.now).heartbeat(machine)?;
        self.machine_reply(&mut moving, &outcome)
    }

    pub(super) fn reset_heartbeat(
        &mut self,
        of: &LicenseRef,
        machine: &ActivationRef,
    ) -> Result<Decided, Undecided> {
        self.on_machine(of, Permission::ActivationWrite, |machines| {
            machines.reset_heartbeat(machine)
        })
    }

    pub(super) fn deactivate(
        &mut self,
        of: &LicenseRef,
        machine: &ActivationRef,
    ) -> Result<Decided, Undecided> {
        let decided = self.on_machine(of, Permission::ActivationDelete, |machines| {
            machines.deactivate(machine)
        })?;
        Ok(Decided { reply: Reply::Deleted, ..decided })
    }

    pub(super) fn start_process(
        &mut self,
        of: &LicenseRef,
        machine: &ActivationRef,
        new: NewProcess,
    ) -> Result<Decided, Undecided> {
        let mut moving = self.machines_of(of, Permission::ProcessWrite)?;
        let ids: Vec<_> = new.id.iter().map(|id| *id.bytes()).collect();
        let elsewhere = self.elsewhere(&moving, None, &[], &ids)?;
        let now = self.now;
        let machines = moving.machines(now);
        let outcome = machines.start_process(machine, new, &mut || uuid_v7(now), &elsewhere)?;
        self.process_reply(&mut moving, &outcome)
    }

    pub(super) fn heartbeat_process(
        &mut self,
        of: &LicenseRef,
        process: ProcessId,
    ) -> Result<Decided, Undecided> {
        let mut moving = self.machines_of(of, Permission::ActivationHeartbeat)?;
        let outcome = moving.machines(self.now).heartbeat_process(process)?;
        self.process_reply(&mut moving, &outcome)
    }

    pub(super) fn end_process(
        &mut self,
        of: &LicenseRef,
        process: ProcessId,
    ) -> Result<Decided, Undecided> {
        let mut moving = self.machines_of(of, Permission::ProcessWrite)?;
        let outcome = moving.machines(self.now).end_process(process)?;
        let decided = self.process_reply(&mut moving, &outcome)?;
        Ok(Decided { reply: Reply::Deleted, ..decided })
    }

    fn on_machine(
        &mut self,
        of: &LicenseRef,
        permission: Permission,
        decide: impl FnOnce(&Machines<'_>) -> Result<Outcome, Refusal>,
    ) -> Result<Decided, Undecided> {
        let mut moving = self.machines_of(of, permission)?;
        let outcome = decide(&moving.machines(self.now))?;
        self.machine_reply(&mut moving, &outcome)
    }

    /// A license whose machines the caller may touch. Those that are over are ended first.
    fn machines_of(
        &mut self,
        of: &LicenseRef,
        permission: Permission,
    ) -> Result<Moving, Undecided> {
        self.caller.need(permission)?;
        self.caller.need_all_meters()?;
        let mut moving = self.moving(of)?;
        moving.end_expired(self.head, self.unit)?;
        moving.wind(self.unit);
        Ok(moving)
    }

    fn machine_reply(
        &mut self,
        moving: &mut Moving,
        outcome: &Outcome,
    ) -> Result<Decided, Undecided> {
        moving.carry_out_machines(outcome, self.by(), self.head, self.unit)?;
        moving.wind(self.unit);
        let view = outcome.activation.as_ref().map(|machine| {
            seen(self.caller, moving.machine_view(machine, self.now), &moving.loaded)
        });
        let reply = view.map_or(Reply::Deleted, |view| Reply::Activation(Box::new(view)));
        Ok(Decided { changes: Vec::new(), events: Vec::new(), reply })
    }

    fn process_reply(
        &mut self,
        moving: &mut Moving,
        outcome: &Outcome,
    ) -> Result<Decided, Undecided> {
        moving.carry_out_machines(outcome, self.by(), self.head, self.unit)?;
        moving.wind(self.unit);
        let process = outcome.process.as_ref();
        let reply = process.map_or(Reply::Deleted, |process| {
            let dies_at = moving.machines(self.now).process_dies_at(process);
            Reply::Process((**process).clone(), dies_at)
        });
        Ok(Decided { changes: Vec::new(), events: Vec::new(), reply })
    }

    /// Starts the duration of a license with its first machine, where the terms say so.
    fn begin_expiry(&self, moving: &Moving, decided: Decided) -> Result<Decided, Undecided> {
        let license = &moving.loaded.license;
        let terms = &moving.loaded.terms;
        let Some(end) = begin_expiry(license, terms, ExpiresFrom::FirstActivation, self.now) else {
            return Ok(decided);
        };
        let license = License { expires_at: Some(end), ..(**license).clone() };
        let put = self.put_license(
            usance_core::ledger::record::Action::Changed,
            license,
            &moving.loaded.meters,
        );
        Ok(Decided { reply: decided.reply, ..put })
    }

    fn user_id(&self, of: Option<&UserRef>) -> Result<Option<UserId>, Undecided> {
        let Some(of) = of else { return Ok(None) };
        Ok(Some(known_user(self.reader, &self.caller.without_locks(), of)?.id))
    }

    /// What lies on other licenses and matters to a machine of this one.
    fn elsewhere(
        &self,
        moving: &Moving,
        fingerprint: Option<&str>,
        components: &[NewComponent],
        ids: &[[u8; 16]],
    ) -> Result<Elsewhere, Undecided> {
        let license = &moving.loaded.license;
        let mut elsewhere =
            Elsewhere { customer: self.customer_activations(license)?, ..Elsewhere::default() };
        let account = self.caller.account;
        for id in ids {
            let holder = self.reader.holder(account, ActivationId::from_bytes(*id))?;
            if holder.is_some_and(|holder| holder != license.id) {
                elsewhere.ids_taken.push(*id);
            }
        }
        if let (Some(among), Some(text)) = (among(&moving.loaded.terms), fingerprint) {
            let filter =
                ActivationQuery { fingerprint: Some(text.into()), ..ActivationQuery::default() };
            let part = Slice { after: None, limit: usize::MAX };
            for (holder, _) in self.reader.activations(account, &filter, &part)? {
                if holder != license.id && self.is_among(license, holder, among)? {
                    elsewhere.fingerprint_taken = true;
                }
            }
        }
        let Some(among) = components_among(&moving.loaded.terms) else { return Ok(elsewhere) };
        for component in components {
            let text = &component.fingerprint;
            for (holder, _) in self.reader.component_holders(account, text)? {
                if holder != license.id && self.is_among(license, holder, among)? {
                    elsewhere.components_taken.push(text.clone());
                }
            }
        }
        Ok(elsewhere)
    }

    fn is_among(
        &self,
        license: &License,
        other: LicenseId,
        among: Among,
    ) -> Result<bool, Undecided> {
        let other = self.reader.license(self.caller.account, &LicenseRef::Id(other))?;
        Ok(other.is_some_and(|other| match among {
            Among::Policy => other.policy == license.policy,
            Among::Product => other.product == license.product,
            Among::Account => true,
        }))
    }

    fn customer_activations(
        &self,
        license: &License,
    ) -> Result<Option<CustomerActivations>, Undecided> {
        let Some(id) = license.customer else { return Ok(None) };
        let Some(customer) = self.reader.customer(self.caller.account, &Ref::Id(id))? else {
            return Ok(None);
        };
        if customer.max_activations.0.is_none() {
            return Ok(None);
        }
        let present = self.reader.belongings(self.caller.account, id)?.activations;
        Ok(Some(CustomerActivations { present, limit: customer.max_activations }))
    }
}

const fn among(terms: &Terms) -> Option<Among> {
    match terms.unique {
        Unique::Nothing | Unique::License => None,
        Unique::Policy => Some(Among::Policy),
        Unique::Product => Some(Among::Product),
        Unique::Account => Some(Among::Account),
    }
}

const fn components_among(terms: &Terms) -> Option<Among> {
    match terms.component_unique {
        ComponentUnique::Activation | ComponentUnique::License => None,
        ComponentUnique::Policy => Some(Among::Policy),
        ComponentUnique::Product => Some(Among::Product),
        ComponentUnique::Account => Some(Among::Account),
    }
}
