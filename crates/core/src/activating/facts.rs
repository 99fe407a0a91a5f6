//! What a machine tells of itself.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Elsewhere, Fresh, Machines};
use crate::activation::{Activation, ActivationRef, Component};
use crate::command::{ActivationPatch, NewActivation, NewComponent};
use crate::id::{ComponentId, UserId};
use crate::limits::{
    COMPONENTS_MAX, CORES_MAX, FINGERPRINT_BYTES_MAX, LIMIT_MAX, MACHINE_TEXT_BYTES_MAX,
    SECONDS_MAX,
};
use crate::refusal::{Kind, Refusal};
use crate::terms::{ComponentUnique, Terms};

/// Refuses a new machine that the terms do not let in, or that tells nonsense.
pub(super) fn check_new(new: &NewActivation, terms: &Terms) -> Result<(), Refusal> {
    check_fingerprint("fingerprint".into(), &new.fingerprint)?;
    if let ActivationRef::Id(_) = ActivationRef::parse(&new.fingerprint) {
        // It could not be told from the id of another machine.
        return Err(Refusal::invalid(
            "fingerprint",
            "must not have the form of an activation's id",
        ));
    }
    check_text("name", new.name.as_deref())?;
    check_text("hostname", new.hostname.as_deref())?;
    check_text("platform", new.platform.as_deref())?;
    check_text("address", new.address.as_deref())?;
    check_cores(new.cores)?;
    check_bytes("memory", new.memory)?;
    check_bytes("disk", new.disk)?;
    check_components(&new.components)?;
    match new.heartbeat_seconds {
        Some(_) if !terms.own_heartbeat => {
            let why = "must be left out; the policy lets no machine choose its own";
            return Err(Refusal::invalid("heartbeat_seconds", why));
        }
        Some(seconds) if seconds == 0 || u64::from(seconds) > SECONDS_MAX => {
            return Err(Refusal::invalid("heartbeat_seconds", "must be 1 second to 100 years"));
        }
        _ => {}
    }
    if new.is_vm && !terms.allow_vm {
        return Err(Refusal::ActivationNotAllowed("the policy lets no virtual machine in"));
    }
    if new.is_container && !terms.allow_container {
        return Err(Refusal::ActivationNotAllowed("the policy lets no container in"));
    }
    Ok(())
}

/// Refuses changes that are nonsense.
pub(super) fn check_patch(patch: &ActivationPatch) -> Result<(), Refusal> {
    let text = |field, new: &Option<Option<String>>| {
        check_text(field, new.as_ref().and_then(|text| text.as_deref()))
    };
    text("name", &patch.name)?;
    text("hostname", &patch.hostname)?;
    text("platform", &patch.platform)?;
    text("address", &patch.address)?;
    check_cores(patch.cores.flatten())?;
    check_bytes("memory", patch.memory.flatten())?;
    check_bytes("disk", patch.disk.flatten())?;
    patch.components.as_deref().map_or(Ok(()), check_components)
}

/// What a machine that activates again changes by it: what it does not tell, it leaves.
pub(super) fn told_anew(new: NewActivation) -> ActivationPatch {
    ActivationPatch {
        name: new.name.map(Some),
        hostname: new.hostname.map(Some),
        platform: new.platform.map(Some),
        address: new.address.map(Some),
        cores: new.cores.map(Some),
        memory: new.memory.map(Some),
        disk: new.disk.map(Some),
        user: None,
        components: Some(new.components).filter(|components| !components.is_empty()),
        metadata: Some(new.metadata).filter(|metadata| !metadata.is_empty()),
    }
}

fn check_fingerprint(field: Cow<'static, str>, text: &str) -> Result<(), Refusal> {
    if is_text(text, FINGERPRINT_BYTES_MAX) {
        return Ok(());
    }
    let reason = "must be 1 to 4096 bytes of text without control characters".into();
    Err(Refusal::Invalid { field, reason })
}

pub(super) fn check_text(field: &'static str, text: Option<&str>) -> Result<(), Refusal> {
    if text.is_none_or(|text| is_text(text, MACHINE_TEXT_BYTES_MAX)) {
        return Ok(());
    }
    Err(Refusal::invalid(field, "must be 1 to 1024 bytes of text without control characters"))
}

fn is_text(text: &str, bytes_max: usize) -> bool {
    !text.trim().is_empty() && text.len() <= bytes_max && !text.chars().any(char::is_control)
}

fn check_cores(cores: Option<u32>) -> Result<(), Refusal> {
    if cores.is_none_or(|cores| (1..=CORES_MAX).contains(&cores)) {
        return Ok(());
    }
    Err(Refusal::invalid("cores", "must be 1 to 2147483647; leave it out if it is not known"))
}

fn check_bytes(field: &'static str, bytes: Option<u64>) -> Result<(), Refusal> {
    if bytes.is_none_or(|bytes| (1..=LIMIT_MAX).contains(&bytes)) {
        return Ok(());
    }
    Err(Refusal::invalid(
        field,
        "must be 1 to 9223372036854775807 bytes; leave it out if it is not known",
    ))
}

fn check_components(components: &[NewComponent]) -> Result<(), Refusal> {
    if components.len() > COMPONENTS_MAX {
        return Err(Refusal::invalid("components", "may be at most 20"));
    }
    for (index, component) in components.iter().enumerate() {
        let field = alloc::format!("components[{index}].fingerprint");
        check_fingerprint(field.into(), &component.fingerprint)?;
        check_text("components.name", component.name.as_deref())?;
        let mut before = components[..index].iter();
        if before.any(|other| other.fingerprint == component.fingerprint) {
            return Err(Refusal::Invalid {
                field: alloc::format!("components[{index}].fingerprint").into(),
                reason: "is there twice".into(),
            });
        }
    }
    Ok(())
}

impl Machines<'_> {
    /// A person whose machine it is must be one who may use the license.
    pub(super) fn check_user(&self, user: Option<UserId>) -> Result<(), Refusal> {
        let may_use = |user| self.license.owner == Some(user) || self.license.users.contains(&user);
        if user.is_none_or(may_use) {
            return Ok(());
        }
        Err(Refusal::invalid("user", "must be the owner of the license or one of its users"))
    }

    /// A machine with what it tells anew, its checks passed and its limits held.
    pub(super) fn patched(
        &self,
        known: &Activation,
        patch: ActivationPatch,
        user: Option<Option<UserId>>,
        fresh: Fresh<'_>,
        elsewhere: &Elsewhere,
    ) -> Result<Activation, Refusal> {
        let mut next = known.clone();
        next.name = patch.name.unwrap_or(next.name);
        next.hostname = patch.hostname.unwrap_or(next.hostname);
        next.platform = patch.platform.unwrap_or(next.platform);
        next.address = patch.address.unwrap_or(next.address);
        next.cores = patch.cores.unwrap_or(next.cores);
        next.memory = patch.memory.unwrap_or(next.memory);
        next.disk = patch.disk.unwrap_or(next.disk);
        next.metadata = patch.metadata.unwrap_or(next.metadata);
        next.user = user.unwrap_or(next.user);
        if next.user != known.user {
            self.check_user(next.user)?;
        }
        if let Some(components) = patch.components {
            next.components = self.components(components, Some(known), fresh, elsewhere)?;
        }
        self.check_growth(known, &next)?;
        Ok(next)
    }

    /// The parts of a machine, `known` if it was there before: parts that stay keep their ids.
    pub(super) fn components(
        &self,
        new: Vec<NewComponent>,
        known: Option<&Activation>,
        fresh: Fresh<'_>,
        elsewhere: &Elsewhere,
    ) -> Result<Vec<Component>, Refusal> {
        let mut components: Vec<Component> = Vec::with_capacity(new.len());
        for (index, one) in new.into_iter().enumerate() {
            if self.is_component_taken(&one.fingerprint, known, elsewhere) {
                let which = alloc::format!("with the fingerprint of components[{index}]");
                return Err(Refusal::Taken(Kind::Component, which));
            }
            let before = known.into_iter().flat_map(|known| &known.components);
            let stays = before.into_iter().find(|old| old.fingerprint == one.fingerprint);
            if let Some(id) = one.id {
                self.check_component_id(id, known, elsewhere)?;
            }
            let id = one.id.or_else(|| stays.map(|old| old.id));
            let id = id.unwrap_or_else(|| ComponentId::from_bytes(fresh()));
            if components.iter().any(|other| other.id == id) {
                return Err(Refusal::Taken(Kind::Component, id.to_string()));
            }
            let name = one.name.or_else(|| stays.map(|old| old.name.clone()));
            let name = name.unwrap_or_else(|| one.fingerprint.clone());
            components.push(Component { id, fingerprint: one.fingerprint, name });
        }
        Ok(components)
    }

    fn is_component_taken(
        &self,
        fingerprint: &str,
        known: Option<&Activation>,
        elsewhere: &Elsewhere,
    ) -> bool {
        let looks_elsewhere = match self.terms.component_unique {
            ComponentUnique::Activation => return false,
            ComponentUnique::License => false,
            ComponentUnique::Policy | ComponentUnique::Product | ComponentUnique::Account => true,
        };
        self.other_components(known).any(|other| other.fingerprint == fingerprint)
            || looks_elsewhere && elsewhere.components_taken.iter().any(|one| one == fingerprint)
    }

    fn check_component_id(
        &self,
        id: ComponentId,
        known: Option<&Activation>,
        elsewhere: &Elsewhere,
    ) -> Result<(), Refusal> {
        let is_here = self.other_components(known).any(|other| other.id == id);
        if is_here || elsewhere.ids_taken.contains(id.bytes()) {
            return Err(Refusal::Taken(Kind::Component, id.to_string()));
        }
        Ok(())
    }

    fn other_components(&self, known: Option<&Activation>) -> impl Iterator<Item = &Component> {
        let own = known.map(|known| known.id);
        let others = self.live.activations.iter().filter(move |one| Some(one.id) != own);
        others.flat_map(|other| &other.components)
    }
}
