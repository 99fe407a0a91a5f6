//! The meters of a license.

use std::sync::Arc;

use usance_core::command::{AllowedChange, NewMeter, Reply};
use usance_core::ledger::canonical;
use usance_core::ledger::record::{Action, Entity};
use usance_core::license::{License, LicenseRef};
use usance_core::limits::OWN_METERS_MAX;
use usance_core::meter::{AllowedFrom, MeterSpec};
use usance_core::quantity::Scale;
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::Code;
use usance_core::token::Permission;
use usance_core::view::MeterView;

use super::{Decided, Desk, Undecided};
use crate::store::{LoadedLicense, LoadedMeter};
use crate::unit::Change;

impl Desk<'_> {
    pub(super) fn change_allowed(
        &mut self,
        of: &LicenseRef,
        meter: &Code,
        change: AllowedChange,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_meter(meter)?;
        let moving = self.tended(of)?;
        let LoadedLicense { license, mut meters, .. } = moving.loaded;
        let found = meters.iter().position(|one| one.spec.name == *meter);
        let place = found.ok_or_else(|| Refusal::Unknown(Kind::Meter, meter.to_string()))?;
        let allowed_from = change.scaled(&meters[place].spec)?;
        if meters[place].spec.stated_by_license && allowed_from == AllowedFrom::Policy {
            return Err(Refusal::MeterMissing(meter.clone()).into());
        }
        meters[place].allowed_from = allowed_from;
        let text = canonical::license(&license, meters.iter().map(LoadedMeter::entry));
        let account = self.caller.account;
        Ok(Decided {
            changes: vec![Change::ChangeAllowed(account, license.id, meters[place].clone())],
            events: self.event(Entity::License, Action::Changed, *license.id.bytes(), text),
            reply: Reply::Meter(view(&license, &meters[place])),
        })
    }

    pub(super) fn add_meter(
        &mut self,
        of: &LicenseRef,
        new: NewMeter,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_meter(&new.name)?;
        let spec = Arc::new(new.spec()?);
        let mut moving = self.tended(of)?;
        let meters = &moving.loaded.meters;
        if meters.iter().any(|meter| meter.spec.name == spec.name) {
            return Err(Refusal::Taken(Kind::Meter, spec.name.to_string()).into());
        }
        if meters.iter().filter(|meter| meter.is_own).count() >= OWN_METERS_MAX {
            return Err(Refusal::TooMany(Kind::Meter, OWN_METERS_MAX as u64).into());
        }
        let mut meter = LoadedMeter::new(Arc::clone(&spec), true, AllowedFrom::Policy);
        let account = self.caller.account;
        let hidden = self.reader.hidden_meter(account, moving.loaded.license.id, &spec.name)?;
        if let Some((scale, state)) = hidden {
            need_scale(&spec, scale)?;
            meter.state = state;
        }
        moving.loaded.meters.push(meter);
        // A meter that was here before goes on in its history, from the beginning again.
        if hidden.is_some() {
            moving.reset(moving.loaded.meters.len() - 1, self.head, self.unit)?;
            // It may be in the middle of a period.
            moving.stir();
            moving.wind(self.unit);
        }
        let place = moving.loaded.meters.len() - 1;
        let reply = Reply::Meter(view(&moving.loaded.license, &moving.loaded.meters[place]));
        Ok(self.put_meters(moving.loaded, Vec::new(), reply))
    }

    pub(super) fn remove_meter(
        &mut self,
        of: &LicenseRef,
        name: &Code,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_meter(name)?;
        let moving = self.tended(of)?;
        let LoadedLicense { live, .. } = &moving.loaded;
        let is_held = live.holds.iter().any(|hold| hold.meter == *name)
            || live.sessions.iter().any(|session| session.meter == *name);
        let mut loaded = moving.loaded;
        let found = loaded.meters.iter().position(|meter| meter.spec.name == *name);
        let place = found.ok_or_else(|| Refusal::Unknown(Kind::Meter, name.to_string()))?;
        if !loaded.meters[place].is_own {
            return Err(Refusal::InUse(Kind::Meter, "policy").into());
        }
        if is_held {
            return Err(Refusal::InUse(Kind::Meter, "hold or session").into());
        }
        let hidden = vec![loaded.meters.remove(place)];
        Ok(self.put_meters(loaded, hidden, Reply::Deleted))
    }

    /// The license with other meters, and what the ledger says of it.
    pub(super) fn put_meters(
        &self,
        loaded: LoadedLicense,
        hidden: Vec<LoadedMeter>,
        reply: Reply,
    ) -> Decided {
        let LoadedLicense { account, license, policy, mut meters, .. } = loaded;
        in_order(&mut meters);
        let license = License { updated_at: self.now, ..(*license).clone() };
        let text = canonical::license(&license, meters.iter().map(LoadedMeter::entry));
        Decided {
            events: self.event(Entity::License, Action::Changed, *license.id.bytes(), text),
            changes: vec![Change::ChangeMeters(account, license, policy, meters, hidden)],
            reply,
        }
    }
}

/// Brings meters into the order in which a license has them: those of its policy as they are, then
/// its own by name.
pub(super) fn in_order(meters: &mut [LoadedMeter]) {
    meters.sort_by_key(|meter| meter.is_own.then(|| meter.spec.name.clone()));
}

/// A meter that comes back goes on counting the digits that it counted.
pub(super) fn need_scale(spec: &MeterSpec, before: Scale) -> Result<(), Refusal> {
    if spec.scale == before {
        return Ok(());
    }
    let reason = format!(
        "must be {} for meter {}, as it was when a license had it before",
        before.digits(),
        spec.name
    );
    Err(Refusal::Invalid { field: "scale".into(), reason: reason.into() })
}

fn view(license: &License, meter: &LoadedMeter) -> MeterView {
    MeterView {
        license: license.id,
        spec: Arc::clone(&meter.spec),
        is_own: meter.is_own,
        allowed_from: meter.allowed_from,
        state: meter.state,
    }
}
