//! How a license moves to another policy.

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

use super::{check_not_revoked, check_stated, effective_terms, later};
use crate::license::License;
use crate::live::Live;
use crate::meter::MeterSpec;
use crate::policy::Policy;
use crate::refusal::{Kind, Refusal};
use crate::terms::{OnTransfer, Terms};
use crate::text::Code;
use crate::time::Timestamp;

/// A license that moves to another policy, and what the move must not contradict.
#[derive(Debug, Clone, Copy)]
pub struct Transfer<'a> {
    /// The license.
    pub license: &'a License,
    /// What it is under.
    pub old: &'a Policy,
    /// What it shall be under.
    pub new: &'a Policy,
    /// The meters that it has beside those of its policy; they stay.
    pub own_meters: &'a [Arc<MeterSpec>],
    /// The meters of policies for which it states a ceiling of its own, by name.
    pub stated: &'a [Code],
    /// What lives on it.
    pub live: &'a Live,
    /// The writer's time.
    pub now: Timestamp,
}

/// The license under the new policy. Its overrides, its own meters and what it has counted stay; a
/// meter that both policies have goes on where it stands.
///
/// That it has more activations than the new terms allow is no reason to refuse: it gets no more.
///
/// # Errors
/// - [`Refusal::LicenseStateConflict`]: the license is revoked.
/// - [`Refusal::Invalid`]: the policy is of another product, its terms contradict what the license
///   overrides, a meter of the same name counts other digits, or fingerprints must be unique among
///   more activations than before while the license has some.
/// - [`Refusal::Archived`]: the policy takes no new licenses.
/// - [`Refusal::Taken`]: the license has a meter of its own with the name of one of the policy's.
/// - [`Refusal::InUse`]: a meter would go away on which units are held or sessions run, or count
///   something else of sessions that run.
/// - [`Refusal::MeterMissing`]: the policy wants the license to state a ceiling that it does not.
pub fn transfer(transfer: &Transfer<'_>) -> Result<License, Refusal> {
    let Transfer { license, old, new, now, .. } = *transfer;
    check_not_revoked(license)?;
    if new.product != license.product {
        return Err(Refusal::invalid("policy", "must be one of the same product"));
    }
    if new.archived_at.is_some() && new.id != license.policy {
        return Err(Refusal::Archived(Kind::Policy));
    }
    let terms = effective_terms(&new.terms, &license.overrides)?;
    let before = old.terms.of_license(&license.overrides);
    transfer.check_unique(before.as_ref().unwrap_or(&old.terms), &terms)?;
    transfer.check_meters()?;
    check_stated(&new.meters, |name| transfer.stated.iter().any(|code| &**code == name))?;
    let expires_at = match terms.on_transfer {
        OnTransfer::Keep => license.expires_at,
        OnTransfer::Reset => {
            let begin = license.valid_from.map_or(now, |begin| begin.max(now));
            later(begin, terms.duration_seconds)
        }
    };
    let moved = License { policy: new.id, expires_at, updated_at: now, ..license.clone() };
    moved.check()?;
    Ok(moved)
}

impl Transfer<'_> {
    /// What was activated when fingerprints had to be unique among fewer may not be unique now.
    fn check_unique(&self, before: &Terms, after: &Terms) -> Result<(), Refusal> {
        if self.live.activations.is_empty() {
            return Ok(());
        }
        if after.unique > before.unique || after.component_unique > before.component_unique {
            let reason = "must not want fingerprints unique among more activations than before; \
                          deactivate the machines first";
            return Err(Refusal::invalid("policy", reason));
        }
        Ok(())
    }

    fn check_meters(&self) -> Result<(), Refusal> {
        let Self { old, new, own_meters, .. } = *self;
        for own in own_meters {
            if new.meter(&own.name).is_some() {
                return Err(Refusal::Taken(Kind::Meter, String::from(&*own.name)));
            }
        }
        for spec in &old.meters {
            match new.meter(&spec.name) {
                Some(next) if next.scale != spec.scale => {
                    let reason = format!(
                        "must count as many digits after the point of meter {} as before",
                        spec.name
                    );
                    return Err(Refusal::Invalid { field: "policy".into(), reason: reason.into() });
                }
                Some(next) if next.measure.word() == spec.measure.word() => {}
                Some(_) => self.check_no_session(&spec.name)?,
                None => {
                    self.check_no_hold(&spec.name)?;
                    self.check_no_session(&spec.name)?;
                }
            }
        }
        Ok(())
    }

    /// Units that are held on a meter that goes away could never be settled.
    fn check_no_hold(&self, meter: &Code) -> Result<(), Refusal> {
        if self.live.holds.iter().any(|hold| hold.meter == *meter) {
            return Err(Refusal::InUse(Kind::Meter, "hold"));
        }
        Ok(())
    }

    /// A session whose meter goes away, or now counts something else of it, could never be billed.
    fn check_no_session(&self, meter: &Code) -> Result<(), Refusal> {
        if self.live.sessions.iter().any(|session| session.meter == *meter) {
            return Err(Refusal::InUse(Kind::Meter, "session"));
        }
        Ok(())
    }
}
