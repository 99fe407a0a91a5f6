use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::activation::{Activation, Component, Process};
use crate::command::ValidationRequest;
use crate::id::{ActivationId, ComponentId, PolicyId, ProcessId, ProductId};
use crate::lifecycle::tests::{license, user};
use crate::metadata::Metadata;
use crate::period::span::Span;
use crate::terms::{
    Leasing, Limit, LimitOverage, Matching, ProcessesPer, RequiredScopes, ScopeKind, Seconds,
};

mod laws;

pub(super) const NOW: Timestamp = Timestamp(100_000_000);

/// Everything that a validation looks at, to be put out of order.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) license: License,
    pub(super) terms: Terms,
    pub(super) live: Live,
    pub(super) owner_is_banned: bool,
    pub(super) granted: Vec<Code>,
    pub(super) request: ValidationRequest,
    pub(super) product: Option<Option<ProductId>>,
    pub(super) policy: Option<Option<PolicyId>>,
    pub(super) user: Option<ScopedUser>,
}

impl World {
    /// A strict license of two people with one machine, which nothing is wrong with.
    pub(super) fn new() -> Self {
        Self {
            license: license(),
            terms: Terms { strict: true, ..Terms::default() },
            live: Live { activations: vec![Arc::new(machine(1, "a"))], ..Live::default() },
            owner_is_banned: false,
            granted: vec![code("pro"), code("export")],
            request: ValidationRequest::default(),
            product: None,
            policy: None,
            user: None,
        }
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            license: &self.license,
            terms: &self.terms,
            live: &self.live,
            owner_is_banned: self.owner_is_banned,
            entitlements: &self.granted,
            now: NOW,
        }
    }

    pub(super) fn validate(&self) -> Verdict {
        let scope = Scope::of(&self.request, self.product, self.policy, self.user);
        validate(&self.subject(), &scope)
    }

    fn found(&self) -> (bool, ValidationCode) {
        let Verdict { is_valid, code, .. } = self.validate();
        (is_valid, code)
    }

    fn require(&mut self, kind: ScopeKind) {
        self.terms.require_scopes = self.terms.require_scopes.with(kind);
    }

    /// One machine again, as at the beginning, but for this.
    fn only(&mut self, change: impl FnOnce(&mut Activation)) {
        let mut only = machine(1, "a");
        change(&mut only);
        self.live.activations = vec![Arc::new(only)];
    }

    fn fingerprints(&mut self, given: &[&str]) {
        self.request.fingerprints = Some(given.iter().map(ToString::to_string).collect());
    }

    fn components(&mut self, given: &[&str]) {
        self.request.components = Some(given.iter().map(ToString::to_string).collect());
    }
}

pub(super) fn code(text: &str) -> Code {
    Code::parse("code", text).unwrap()
}

pub(crate) fn machine(id: u8, fingerprint: &str) -> Activation {
    Activation {
        id: ActivationId::from_bytes([id; 16]),
        fingerprint: fingerprint.to_string(),
        name: None,
        hostname: None,
        platform: None,
        address: None,
        cores: Some(4),
        memory: Some(100),
        disk: Some(1000),
        is_vm: false,
        is_container: false,
        user: None,
        components: ["board", "disk"]
            .into_iter()
            .map(|part| Component {
                id: ComponentId::from_bytes([id; 16]),
                fingerprint: part.to_string(),
                name: String::new(),
            })
            .collect(),
        metadata: Metadata::default(),
        own_heartbeat_seconds: None,
        seen_at: None,
        last_file_at: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

pub(super) fn process(id: u8, machine: u8) -> Process {
    Process {
        id: ProcessId::from_bytes([id; 16]),
        activation: ActivationId::from_bytes([machine; 16]),
        pid: id.to_string(),
        metadata: Metadata::default(),
        seen_at: NOW,
        created_at: NOW,
    }
}

const FIRST: ActivationId = ActivationId::from_bytes([1; 16]);

type Fault = (ValidationCode, fn(&mut World));

/// What can be wrong, in the order in which it must be found. Each puts right what the ones below
/// it would need otherwise.
const FAULTS: &[Fault] = &[
    (ValidationCode::Banned, |w| w.owner_is_banned = true),
    (ValidationCode::Revoked, |w| w.license.standing = Standing::Revoked),
    (ValidationCode::Suspended, |w| w.license.standing = Standing::Suspended),
    (ValidationCode::Expired, |w| {
        w.terms.when_expired = WhenExpired::Revoke;
        w.license.expires_at = Some(NOW);
    }),
    (ValidationCode::Overdue, |w| {
        w.terms.check_in_every = Some(Span::parse("span", "1 day").unwrap());
        w.license.marks.checked_in_at = Some(Timestamp(0));
    }),
    (ValidationCode::ProductMismatch, |w| w.product = Some(None)),
    (ValidationCode::ProductMismatch, |w| {
        w.product = Some(Some(ProductId::from_bytes([9; 16])));
    }),
    (ValidationCode::ProductRequired, |w| {
        w.product = None;
        w.require(ScopeKind::Product);
    }),
    (ValidationCode::PolicyMismatch, |w| w.policy = Some(None)),
    (ValidationCode::PolicyMismatch, |w| w.policy = Some(Some(PolicyId::from_bytes([9; 16])))),
    (ValidationCode::PolicyRequired, |w| {
        w.policy = None;
        w.require(ScopeKind::Policy);
    }),
    (ValidationCode::UserMismatch, |w| w.user = Some(ScopedUser::Unknown)),
    (ValidationCode::UserMismatch, |w| w.user = Some(ScopedUser::Nobody)),
    (ValidationCode::UserMismatch, |w| w.user = Some(ScopedUser::Known(user(9)))),
    (ValidationCode::UserRequired, |w| {
        w.user = None;
        w.require(ScopeKind::User);
    }),
    (ValidationCode::EntitlementsEmpty, |w| w.request.entitlements = Some(Vec::new())),
    (ValidationCode::EntitlementsMissing, |w| {
        w.request.entitlements = Some(vec![code("pro"), code("render")]);
    }),
    (ValidationCode::NotActivated, |w| {
        w.live.activations.clear();
        w.request.activation = Some(FIRST);
    }),
    (ValidationCode::ActivationMismatch, |w| {
        w.only(|_| {});
        w.request.activation = Some(ActivationId::from_bytes([7; 16]));
    }),
    (ValidationCode::UserMismatch, |w| {
        w.only(|machine| machine.user = Some(user(1)));
        w.user = Some(ScopedUser::Known(user(2)));
        w.request.activation = Some(FIRST);
    }),
    (ValidationCode::HeartbeatNotStarted, |w| {
        w.only(|_| {});
        w.terms.heartbeat_required = true;
        w.terms.heartbeat_seconds = Seconds::NONE;
        w.request.activation = Some(FIRST);
    }),
    (ValidationCode::HeartbeatDead, |w| {
        w.only(|machine| machine.seen_at = Some(Timestamp(0)));
        w.terms.heartbeat_required = true;
        w.terms.heartbeat_seconds = Seconds(Some(60));
        w.request.activation = Some(FIRST);
    }),
    (ValidationCode::ActivationRequired, |w| {
        w.request.activation = None;
        w.require(ScopeKind::Activation);
    }),
    (ValidationCode::FingerprintEmpty, |w| w.fingerprints(&[])),
    (ValidationCode::NotActivated, |w| {
        w.live.activations.clear();
        w.fingerprints(&["a"]);
    }),
    (ValidationCode::HeartbeatDead, |w| {
        w.only(|machine| machine.seen_at = Some(Timestamp(0)));
        w.terms.heartbeat_required = false;
        w.terms.heartbeat_seconds = Seconds(Some(60));
        w.fingerprints(&["a"]);
    }),
    (ValidationCode::FingerprintMismatch, |w| {
        w.only(|_| {});
        w.fingerprints(&["z"]);
    }),
    (ValidationCode::UserMismatch, |w| {
        w.only(|machine| machine.user = Some(user(1)));
        w.terms.heartbeat_seconds = Seconds::NONE;
        w.user = Some(ScopedUser::Known(user(2)));
        w.fingerprints(&["a"]);
    }),
    (ValidationCode::HeartbeatNotStarted, |w| {
        w.only(|_| {});
        w.terms.heartbeat_required = true;
        w.terms.heartbeat_seconds = Seconds::NONE;
        w.fingerprints(&["a"]);
    }),
    (ValidationCode::FingerprintRequired, |w| {
        w.request.fingerprints = None;
        w.require(ScopeKind::Fingerprint);
    }),
    (ValidationCode::FingerprintRequired, |w| {
        w.request.fingerprints = None;
        w.components(&["board"]);
    }),
    (ValidationCode::ComponentsEmpty, |w| {
        w.only(|_| {});
        w.fingerprints(&["a"]);
        w.components(&[]);
    }),
    (ValidationCode::ComponentsMismatch, |w| {
        w.only(|_| {});
        w.fingerprints(&["a"]);
        w.components(&["z"]);
    }),
    (ValidationCode::ComponentsRequired, |w| {
        w.request.components = None;
        w.require(ScopeKind::Components);
    }),
    (ValidationCode::ChecksumMismatch, |w| w.request.checksum = Some("sum".into())),
    (ValidationCode::ChecksumRequired, |w| {
        w.request.checksum = None;
        w.require(ScopeKind::Checksum);
    }),
    (ValidationCode::VersionMismatch, |w| w.request.version = Some("1.0".into())),
    (ValidationCode::VersionRequired, |w| {
        w.request.version = None;
        w.require(ScopeKind::Version);
    }),
    (ValidationCode::TooManyUsers, |w| w.terms.max_users = Limit(Some(1))),
    (ValidationCode::NotActivated, |w| w.live.activations.clear()),
    (ValidationCode::TooManyActivations, |w| {
        w.live.activations = vec![Arc::new(machine(1, "a")), Arc::new(machine(2, "b"))];
        w.terms.max_activations = Limit(Some(1));
    }),
    (ValidationCode::TooManyCores, |w| w.terms.max_cores = Limit(Some(3))),
    (ValidationCode::TooMuchMemory, |w| w.terms.max_memory = Limit(Some(99))),
    (ValidationCode::TooMuchDisk, |w| w.terms.max_disk = Limit(Some(999))),
    (ValidationCode::TooManyProcesses, |w| {
        w.terms.processes_per = ProcessesPer::License;
        w.terms.max_processes = Limit(Some(1));
        w.live.processes = vec![Arc::new(process(1, 1)), Arc::new(process(2, 1))];
    }),
    (ValidationCode::Expired, |w| w.license.expires_at = Some(NOW)),
    (ValidationCode::NotYetValid, |w| w.license.valid_from = Some(Timestamp(NOW.0 + 1))),
];

#[test]
fn each_fault_is_found() {
    let Verdict { is_valid, code, .. } = Verdict::not_found();
    assert_eq!((is_valid, code), (false, ValidationCode::NotFound));
    assert_eq!(World::new().found(), (true, ValidationCode::Valid));
    for (index, (code, fault)) in FAULTS.iter().enumerate() {
        let mut world = World::new();
        fault(&mut world);
        assert_eq!(world.found(), (false, *code), "fault {index}");
    }
}

#[test]
fn every_code_has_a_fault() {
    for code in ValidationCode::ALL {
        let is_found = FAULTS.iter().any(|(found, _)| found == code);
        let is_no_fault = matches!(code, ValidationCode::Valid | ValidationCode::NotFound);
        assert!(is_found != is_no_fault, "{code}");
    }
}

#[test]
fn the_first_of_many_faults_is_said() {
    for (index, (code, _)) in FAULTS.iter().enumerate() {
        let mut world = World::new();
        for (_, fault) in FAULTS[index..].iter().rev() {
            fault(&mut world);
        }
        assert_eq!(world.found(), (false, *code), "faults from {index} on");
    }
}

#[test]
fn a_quick_validation_requires_nothing() {
    let mut world = World::new();
    world.terms.require_scopes = RequiredScopes::all();
    world.request.is_quick = true;
    assert_eq!(world.found(), (true, ValidationCode::Valid));
    world.components(&["board"]);
    assert_eq!(world.found(), (true, ValidationCode::Valid));
    world.components(&["z"]);
    assert_eq!(world.found(), (false, ValidationCode::ComponentsMismatch));
}

#[test]
fn expiry_is_taken_as_the_terms_want() {
    use WhenExpired::{Allow, Maintain, Restrict, Revoke};
    for (strategy, is_valid) in
        [(Restrict, false), (Revoke, false), (Maintain, true), (Allow, true)]
    {
        for strict in [false, true] {
            let mut world = World::new();
            world.terms.strict = strict;
            world.terms.when_expired = strategy;
            world.license.expires_at = Some(Timestamp(NOW.0 + 1));
            assert_eq!(world.found(), (true, ValidationCode::Valid), "{strategy} {strict}");
            world.license.expires_at = Some(NOW);
            assert_eq!(world.found(), (is_valid, ValidationCode::Expired), "{strategy} {strict}");
        }
    }
}

#[test]
fn a_license_begins_at_its_first_instant() {
    let mut world = World::new();
    world.license.valid_from = Some(NOW);
    assert_eq!(world.found(), (true, ValidationCode::Valid));
}

#[test]
fn only_strict_terms_look_at_the_limits_of_machines() {
    let mut world = World::new();
    world.terms.strict = false;
    world.terms.max_activations = Limit(Some(0));
    world.terms.max_cores = Limit(Some(0));
    assert_eq!(world.found(), (true, ValidationCode::Valid));
    world.live.activations.clear();
    assert_eq!(world.found(), (true, ValidationCode::Valid));
    world.terms.max_users = Limit(Some(1));
    assert_eq!(world.found(), (false, ValidationCode::TooManyUsers));
}

#[test]
fn overage_is_said_and_lets_the_program_run() {
    use LimitOverage::{Allow, Percent, Refuse};
    for (overage, cores, is_valid) in [
        (Refuse, 4, false),
        (Allow, 1, true),
        // 4 of 3 are a third too many.
        (Percent(33), 3, false),
        (Percent(34), 3, true),
        (Percent(100), 2, true),
        (Percent(99), 2, false),
    ] {
        let mut world = World::new();
        world.terms.limit_overage = overage;
        world.terms.max_cores = Limit(Some(cores.min(3)));
        assert_eq!(world.found(), (is_valid, ValidationCode::TooManyCores), "{overage:?}");
    }
}

#[test]
fn what_is_only_said_hides_nothing() {
    let mut world = World::new();
    world.terms.limit_overage = LimitOverage::Percent(100);
    world.terms.max_users = Limit(Some(1));
    world.terms.max_cores = Limit(Some(2));
    assert_eq!(world.found(), (true, ValidationCode::TooManyUsers));
    world.terms.max_cores = Limit(Some(1));
    assert_eq!(world.found(), (false, ValidationCode::TooManyCores));
    world.terms.max_cores = Limit::NONE;
    world.license.expires_at = Some(NOW);
    assert_eq!(world.found(), (false, ValidationCode::Expired));
    world.terms.when_expired = WhenExpired::Maintain;
    assert_eq!(world.found(), (true, ValidationCode::TooManyUsers));
}

#[test]
fn fingerprints_are_matched_as_the_terms_want() {
    use Matching::{All, Any, Most, Two};
    for (matching, given, is_valid) in [
        (Any, &["a"][..], true),
        (Any, &["z"], false),
        (Any, &["z", "a"], true),
        (Any, &["y", "z"], false),
        (Two, &["a"], true),
        (Two, &["a", "z"], false),
        (Two, &["a", "b", "z"], true),
        // The same twice is one.
        (Two, &["a", "a", "z"], false),
        (Most, &["a", "z"], true),
        (Most, &["a", "y", "z"], false),
        (Most, &["a", "b", "z"], true),
        (Most, &["a", "b", "x", "y", "z"], false),
        (All, &["a", "b"], true),
        (All, &["a", "b", "z"], false),
        // A machine that is dead does not match.
        (Any, &["dead", "z"], false),
        (All, &["a", "dead"], false),
        (Any, &["a", "dead"], true),
    ] {
        let mut world = World::new();
        world.terms.matching = matching;
        world.terms.heartbeat_seconds = Seconds(Some(60));
        let mut machines = [machine(1, "a"), machine(2, "b"), machine(3, "dead")];
        machines[0].seen_at = Some(NOW);
        machines[1].seen_at = Some(NOW);
        world.live.activations = machines.into_iter().map(Arc::new).collect();
        world.fingerprints(given);
        let code =
            if is_valid { ValidationCode::Valid } else { ValidationCode::FingerprintMismatch };
        assert_eq!(world.found(), (is_valid, code), "{matching} {given:?}");
    }
}

#[test]
fn components_are_those_of_the_machines_that_ask() {
    let mut world = World::new();
    let mut other = machine(2, "b");
    other.components.pop();
    world.live.activations.push(Arc::new(other));
    world.terms.component_matching = Matching::All;
    world.components(&["board", "disk"]);
    world.fingerprints(&["a"]);
    assert_eq!(world.found(), (true, ValidationCode::Valid));
    world.fingerprints(&["b"]);
    assert_eq!(world.found(), (false, ValidationCode::ComponentsMismatch));
    world.terms.component_matching = Matching::Most;
    assert_eq!(world.found(), (true, ValidationCode::Valid));
}

#[test]
fn a_fingerprint_that_two_people_have_is_each_ones_own() {
    let mut world = World::new();
    let owned = |id, owner| Activation { user: Some(user(owner)), ..machine(id, "a") };
    world.live.activations = vec![Arc::new(owned(1, 1)), Arc::new(owned(2, 2))];
    world.fingerprints(&["a"]);
    for id in [1, 2] {
        world.user = Some(ScopedUser::Known(user(id)));
        assert_eq!(world.found(), (true, ValidationCode::Valid));
    }
}

#[test]
fn people_are_limited_each_on_their_own_if_the_terms_want() {
    let mut world = World::new();
    let owned = |id, owner| Activation { user: owner, ..machine(id, "a") };
    world.live.activations = [(1, Some(1)), (2, Some(1)), (3, Some(2)), (4, None)]
        .map(|(id, owner)| Arc::new(owned(id, owner.map(user))))
        .into();
    world.terms.max_activations = Limit(Some(1));
    assert_eq!(world.found(), (false, ValidationCode::TooManyActivations));
    world.terms.leasing = Leasing::User;
    assert_eq!(world.found(), (true, ValidationCode::Valid));
    world.user = Some(ScopedUser::Known(user(2)));
    assert_eq!(world.found(), (true, ValidationCode::Valid));
    world.user = Some(ScopedUser::Known(user(1)));
    assert_eq!(world.found(), (false, ValidationCode::TooManyActivations));
    world.live.activations.retain(|machine| machine.user == Some(user(2)));
    assert_eq!(world.found(), (false, ValidationCode::NotActivated));
    world.terms.floating = false;
    assert_eq!(world.found(), (true, ValidationCode::Valid));
}

#[test]
fn processes_are_counted_as_the_terms_want() {
    for (per, is_valid_for) in [
        // Two run on the machine of user 1, one on that of user 2.
        (ProcessesPer::Activation, [false, true]),
        (ProcessesPer::User, [false, true]),
        (ProcessesPer::License, [false, false]),
    ] {
        for (index, is_valid) in is_valid_for.into_iter().enumerate() {
            let id = [1, 2][index];
            let mut world = World::new();
            let owned = |id| Activation { user: Some(user(id)), ..machine(id, "a") };
            world.live.activations = vec![Arc::new(owned(1)), Arc::new(owned(2))];
            world.live.processes =
                [(1, 1), (2, 1), (3, 2)].map(|(id, on)| Arc::new(process(id, on))).into();
            world.terms.processes_per = per;
            world.terms.max_processes = Limit(Some(1));
            world.user = Some(ScopedUser::Known(user(id)));
            world.request.activation = Some(ActivationId::from_bytes([id; 16]));
            assert_eq!(world.validate().is_valid, is_valid, "{per} {id}");
        }
    }
    let mut world = World::new();
    world.terms.max_processes = Limit(Some(0));
    world.live.processes = vec![Arc::new(process(1, 1))];
    assert!(world.validate().is_valid, "no machine asks, so none has too many");
}

#[test]
fn nobody_and_no_machine_is_named_in_what_is_said() {
    let mut world = World::new();
    world.fingerprints(&["secret-a", "secret-b"]);
    world.live.activations[0] = Arc::new(machine(1, "secret-c"));
    assert!(!world.validate().detail.contains("secret"));
    world.request.fingerprints = None;
    world.request.entitlements = Some(vec![code("render")]);
    assert_eq!(world.validate().detail, "the license does not grant the entitlement render");
    world.request.entitlements = None;
    world.terms.max_cores = Limit(Some(3));
    assert_eq!(world.validate().detail, "the license has 4 cores, and 3 are allowed");
}

#[test]
fn a_busy_program_writes_no_mark_each_time() {
    for (last, is_written) in [
        (None, true),
        (Some(NOW.0 - 60_000), false),
        (Some(NOW.0 - 60_001), true),
        (Some(NOW.0 + 1), false),
    ] {
        let mut world = World::new();
        world.license.marks.validated_at = last.map(Timestamp);
        for banned in [false, true] {
            world.owner_is_banned = banned;
            let effects = Effects::of(&world.subject(), &world.validate());
            assert_eq!(effects.validated_at, is_written.then_some(NOW), "{last:?}");
            assert_eq!(effects.is_empty(), !is_written);
        }
    }
}

#[test]
fn the_first_valid_answer_begins_the_expiry() {
    let mut world = World::new();
    world.terms.duration_seconds = Seconds(Some(60));
    world.terms.expires_from = ExpiresFrom::FirstValidation;
    world.fingerprints(&["z"]);
    let refused = Effects::of(&world.subject(), &world.validate());
    assert_eq!(refused.expires_at, None);
    world.fingerprints(&["a"]);
    let begun = Effects::of(&world.subject(), &world.validate());
    assert_eq!(begun.expires_at, Some(Timestamp(NOW.0 + 60_000)));
    let mut license = world.license.clone();
    begun.apply(&mut license, NOW);
    assert_eq!(license.marks.validated_at, Some(NOW));
    assert_eq!((license.expires_at, license.updated_at), (begun.expires_at, NOW));
    world.license = license;
    assert!(Effects::of(&world.subject(), &world.validate()).is_empty());
    world.license.expires_at = None;
    world.terms.expires_from = ExpiresFrom::FirstUse;
    assert_eq!(Effects::of(&world.subject(), &world.validate()).expires_at, None);
}
