//! Which machines ask, and whether they hold the license.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Finding, Scope, Subject, ValidationCode, no};
use crate::activation::{Activation, Heartbeat};
use crate::terms::{Matching, ScopeKind};

/// The machines that ask: the one that was named, and those with the fingerprints. None if no
/// machine was asked for.
pub(super) fn asking<'a>(
    subject: &Subject<'a>,
    scope: &Scope<'_>,
) -> Result<Vec<&'a Activation>, Finding> {
    let named = named(subject, scope)?;
    let mut asking = found(subject, scope)?;
    check_components(subject, scope, named, &asking)?;
    if let Some(named) = named
        && !asking.iter().any(|machine| machine.id == named.id)
    {
        asking.push(named);
    }
    Ok(asking)
}

const NOT_ACTIVATED: &str = "no machine holds the license; activate one";

fn named<'a>(subject: &Subject<'a>, scope: &Scope<'_>) -> Result<Option<&'a Activation>, Finding> {
    let Some(id) = scope.activation else {
        if scope.lacks(subject, ScopeKind::Activation) {
            let detail = "the terms require the validation to name the activation";
            return no(ValidationCode::ActivationRequired, detail);
        }
        return Ok(None);
    };
    let Subject { live, terms, now, .. } = *subject;
    if live.activations.is_empty() {
        return no(ValidationCode::NotActivated, NOT_ACTIVATED);
    }
    let Some(machine) = live.activations.iter().find(|machine| machine.id == id) else {
        let detail = "the activation is not one of this license; activate the machine";
        return no(ValidationCode::ActivationMismatch, detail);
    };
    if !scope.may_be_theirs(machine) {
        return no(ValidationCode::UserMismatch, "the activation is another user's");
    }
    match machine.heartbeat(terms, now) {
        Heartbeat::NotStarted if terms.heartbeat_required => Err(NOT_STARTED),
        Heartbeat::Dead if terms.heartbeat_required => Err(DEAD),
        _ => Ok(Some(machine)),
    }
}

const NOT_STARTED: Finding = Finding::plain(
    ValidationCode::HeartbeatNotStarted,
    "the terms require heartbeats, and the activation has sent none yet",
);
const DEAD: Finding = Finding::plain(
    ValidationCode::HeartbeatDead,
    "the activation has sent no heartbeat for too long; activate the machine again",
);

/// The living machines with the fingerprints, if there are enough of them. What counts is how many
/// fingerprints are found, not how many machines have one.
fn found<'a>(subject: &Subject<'a>, scope: &Scope<'_>) -> Result<Vec<&'a Activation>, Finding> {
    let Some(given) = scope.fingerprints else {
        if scope.lacks(subject, ScopeKind::Fingerprint) {
            let detail = "the terms require the validation to name a fingerprint";
            return no(ValidationCode::FingerprintRequired, detail);
        }
        return Ok(Vec::new());
    };
    let Subject { live, terms, now, .. } = *subject;
    if given.is_empty() {
        let detail = "the list of fingerprints is empty; name one, or leave it out";
        return no(ValidationCode::FingerprintEmpty, detail);
    }
    if live.activations.is_empty() {
        return no(ValidationCode::NotActivated, NOT_ACTIVATED);
    }
    let wanted = distinct(given);
    let enough = enough(terms.matching, wanted.len());
    let machines = live.activations.iter().map(|machine| &**machine);
    let mut found: Vec<_> =
        machines.filter(|machine| wanted.contains(machine.fingerprint.as_str())).collect();
    let are_all_known = fingerprints(&found) == wanted.len();
    found.retain(|machine| machine.heartbeat(terms, now) != Heartbeat::Dead);
    if found.is_empty() && are_all_known {
        return Err(DEAD);
    }
    if fingerprints(&found) < enough {
        return no(ValidationCode::FingerprintMismatch, too_few_machines(terms.matching, &wanted));
    }
    found.retain(|machine| scope.may_be_theirs(machine));
    if fingerprints(&found) < enough {
        let detail = "the activations with this fingerprint are another user's";
        return no(ValidationCode::UserMismatch, detail);
    }
    if terms.heartbeat_required {
        found.retain(|machine| machine.heartbeat(terms, now) == Heartbeat::Alive);
        if fingerprints(&found) < enough {
            return Err(NOT_STARTED);
        }
    }
    Ok(found)
}

fn distinct(given: &[String]) -> BTreeSet<&str> {
    given.iter().map(String::as_str).collect()
}

fn fingerprints(machines: &[&Activation]) -> usize {
    machines.iter().map(|machine| machine.fingerprint.as_str()).collect::<BTreeSet<_>>().len()
}

/// How many of several fingerprints must be found. Of one that is always one.
fn enough(matching: Matching, given: usize) -> usize {
    match matching {
        Matching::Any => 1,
        Matching::Two => given.min(2),
        Matching::Most => given.div_ceil(2),
        Matching::All => given,
    }
}

fn too_few_machines(matching: Matching, wanted: &BTreeSet<&str>) -> &'static str {
    match matching {
        _ if wanted.len() == 1 => "no living activation has this fingerprint; activate the machine",
        Matching::Any => "no living activation has one of these fingerprints",
        Matching::Two => "fewer than two of these fingerprints are those of living activations",
        Matching::Most => "fewer than half of these fingerprints are those of living activations",
        Matching::All => "not all of these fingerprints are those of living activations",
    }
}

/// Parts are looked for in the machines with the fingerprints. Where a quick validation names none,
/// in the machine that it names, or else in all that live.
fn check_components(
    subject: &Subject<'_>,
    scope: &Scope<'_>,
    named: Option<&Activation>,
    found: &[&Activation],
) -> Result<(), Finding> {
    let Subject { live, terms, now, .. } = *subject;
    let Some(given) = scope.components else {
        if scope.lacks(subject, ScopeKind::Components) {
            let detail = "the terms require the validation to name components";
            return no(ValidationCode::ComponentsRequired, detail);
        }
        return Ok(());
    };
    if scope.fingerprints.is_none() && !scope.is_quick {
        let detail = "components can only be looked for together with a fingerprint";
        return no(ValidationCode::FingerprintRequired, detail);
    }
    if given.is_empty() {
        let detail = "the list of components is empty; name one, or leave it out";
        return no(ValidationCode::ComponentsEmpty, detail);
    }
    let living = live.activations.iter().map(|machine| &**machine);
    let living = living.filter(|machine| machine.heartbeat(terms, now) != Heartbeat::Dead);
    let machines: Vec<&Activation> = match (scope.fingerprints, named) {
        (Some(_), _) => found.to_vec(),
        (None, Some(named)) => alloc::vec![named],
        (None, None) => living.collect(),
    };
    let wanted = distinct(given);
    let known = machines.iter().flat_map(|machine| &machine.components);
    let known: BTreeSet<&str> = known.map(|component| component.fingerprint.as_str()).collect();
    if wanted.intersection(&known).count() < enough(terms.component_matching, wanted.len()) {
        let detail = match terms.component_matching {
            Matching::Any => "the activation has none of these components",
            Matching::Two => "the activation has fewer than two of these components",
            Matching::Most => "the activation has fewer than half of these components",
            Matching::All => "the activation does not have all of these components",
        };
        return no(ValidationCode::ComponentsMismatch, detail);
    }
    Ok(())
}
