//! Questions about what lives on one license: its machines and their processes, its holds and
//! sessions. The writer answers them, with all that is due carried out.

use std::sync::Arc;

use usance_core::activation::{ActivationRef, Process};
use usance_core::caller::Caller;
use usance_core::command::Ref;
use usance_core::id::{ActivationId, HoldId, PolicyId, ProcessId, SessionId};
use usance_core::license::LicenseRef;
use usance_core::refusal::{Kind, Refusal};
use usance_core::terms::Terms;
use usance_core::text::Code;
use usance_core::token::Permission;
use usance_core::view::{ActivationView, HoldView, Page, PageRequest, SessionView};

use crate::engine::Engine;
use crate::failure::Failure;
use crate::limits::PAGE_ITEMS_MAX;
use crate::moving::machine_view;
use crate::store::{LoadedLicense, LoadedMeter};
use crate::writer::Known;

#[expect(clippy::missing_errors_doc, reason = "all fail with a refusal, or as the store does")]
impl Engine {
    /// The machines that hold a license, oldest first.
    pub async fn machines(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
        page: PageRequest,
    ) -> Result<Page<ActivationView>, Failure> {
        caller.need(Permission::ActivationRead)?;
        let after = after(&page, |text| Some(*text.parse::<ActivationId>().ok()?.bytes()))?;
        let Known { loaded, now } = self.known(Arc::clone(&caller), of).await?;
        let part = part(&loaded.live.activations, &page, after, |machine| *machine.id.bytes());
        let next = part.next.map(|id| ActivationId::from_bytes(id).to_string());
        let view = |machine| seen(&caller, machine_view(&loaded, machine, now), &loaded);
        Ok(Page { items: part.items.into_iter().map(view).collect(), next })
    }

    /// A machine that holds a license.
    pub async fn machine(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
        machine: ActivationRef,
    ) -> Result<ActivationView, Failure> {
        caller.need(Permission::ActivationRead)?;
        let Known { loaded, now } = self.known(Arc::clone(&caller), of).await?;
        let found = loaded.live.activation(&machine).ok_or_else(|| unknown(&machine))?;
        Ok(seen(&caller, machine_view(&loaded, found, now), &loaded))
    }

    /// What runs on a machine, oldest first.
    pub async fn processes(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
        machine: ActivationRef,
        page: PageRequest,
    ) -> Result<Page<Arc<Process>>, Failure> {
        caller.need(Permission::ActivationRead)?;
        let after = after(&page, |text| Some(*text.parse::<ProcessId>().ok()?.bytes()))?;
        let Known { loaded, .. } = self.known(caller, of).await?;
        let on = loaded.live.activation(&machine).ok_or_else(|| unknown(&machine))?.id;
        let mut all = loaded.live.processes.clone();
        all.retain(|process| process.activation == on);
        let part = part(&all, &page, after, |process| *process.id.bytes());
        let next = part.next.map(|id| ProcessId::from_bytes(id).to_string());
        Ok(Page { items: part.items.into_iter().cloned().collect(), next })
    }

    /// Units of a meter that are set aside, oldest first.
    pub async fn holds(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
        meter: Code,
        page: PageRequest,
    ) -> Result<Page<HoldView>, Failure> {
        caller.need(Permission::MeterRead)?;
        let after = after(&page, |text| Some(*text.parse::<HoldId>().ok()?.bytes()))?;
        let Known { loaded, .. } = self.known(Arc::clone(&caller), of).await?;
        let scale = known_meter(&caller, &loaded, &meter)?.spec.scale;
        let mut all = loaded.live.holds.clone();
        all.retain(|hold| hold.meter == meter);
        let part = part(&all, &page, after, |hold| *hold.id.bytes());
        let next = part.next.map(|id| HoldId::from_bytes(id).to_string());
        let license = loaded.license.id;
        let view = |hold: &Arc<_>| HoldView { license, scale, hold: Arc::clone(hold) };
        Ok(Page { items: part.items.into_iter().map(view).collect(), next })
    }

    /// What is checked out of a meter, oldest first.
    pub async fn sessions(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
        meter: Code,
        page: PageRequest,
    ) -> Result<Page<SessionView>, Failure> {
        caller.need(Permission::MeterRead)?;
        let after = after(&page, |text| Some(*text.parse::<SessionId>().ok()?.bytes()))?;
        let Known { loaded, .. } = self.known(Arc::clone(&caller), of).await?;
        let scale = known_meter(&caller, &loaded, &meter)?.spec.scale;
        let mut all = loaded.live.sessions.clone();
        all.retain(|session| session.meter == meter);
        let part = part(&all, &page, after, |session| *session.id.bytes());
        let next = part.next.map(|id| SessionId::from_bytes(id).to_string());
        let license = loaded.license.id;
        let view = |session: &Arc<_>| SessionView { license, scale, session: Arc::clone(session) };
        Ok(Page { items: part.items.into_iter().map(view).collect(), next })
    }

    /// The terms of a policy, for showing a license that the caller was already shown.
    pub async fn terms(&self, caller: Arc<Caller>, of: PolicyId) -> Result<Arc<Terms>, Failure> {
        let unknown = move || Refusal::Unknown(Kind::Policy, of.to_string());
        self.query(caller, move |queries| {
            let found = queries.reader.policy(queries.caller.account, &Ref::Id(of))?;
            Ok(found.ok_or_else(unknown)?.terms)
        })
        .await
    }
}

/// A machine without what the caller may not see: what it has of meters that are hidden.
pub(crate) fn seen(
    caller: &Caller,
    mut view: ActivationView,
    loaded: &LoadedLicense,
) -> ActivationView {
    view.shares.retain(|share| known_meter(caller, loaded, &share.meter).is_ok());
    view
}

fn known_meter<'l>(
    caller: &Caller,
    loaded: &'l LoadedLicense,
    name: &Code,
) -> Result<&'l LoadedMeter, Refusal> {
    caller.need_meter(name)?;
    let found = loaded.meters.iter().find(|meter| meter.spec.name == *name);
    let seen = found.filter(|meter| caller.sees(meter.spec.visible_to));
    seen.ok_or_else(|| Refusal::Unknown(Kind::Meter, name.to_string()))
}

fn unknown(of: &ActivationRef) -> Refusal {
    match of {
        ActivationRef::Id(id) => Refusal::Unknown(Kind::Activation, id.to_string()),
        ActivationRef::Fingerprint(_) => {
            Refusal::Unknown(Kind::Activation, "with this fingerprint".into())
        }
    }
}

/// After which id a page begins.
fn after(
    page: &PageRequest,
    read: impl FnOnce(&str) -> Option<[u8; 16]>,
) -> Result<Option<[u8; 16]>, Refusal> {
    if page.limit == 0 || page.limit > PAGE_ITEMS_MAX {
        return Err(Refusal::invalid("limit", "must be 1 to 1000"));
    }
    let Some(cursor) = &page.cursor else { return Ok(None) };
    let bad = || Refusal::invalid("cursor", "must be the `next` of the page before");
    read(cursor).ok_or_else(bad).map(Some)
}

/// Part of a list that is in memory.
struct Part<'a, T> {
    items: Vec<&'a T>,
    next: Option<[u8; 16]>,
}

/// The part of a list that a page is, by id: ids are as old as what they name.
fn part<'a, T>(
    all: &'a [T],
    page: &PageRequest,
    after: Option<[u8; 16]>,
    id: impl Fn(&T) -> [u8; 16],
) -> Part<'a, T> {
    let mut items: Vec<&T> =
        all.iter().filter(|one| after.is_none_or(|after| id(one) > after)).collect();
    items.sort_unstable_by_key(|one| id(one));
    let goes_on = items.len() > page.limit;
    items.truncate(page.limit);
    let next = items.last().filter(|_| goes_on).map(|one| id(one));
    Part { items, next }
}
