//! Things of every kind, for the tests.

use std::sync::Arc;

use usance_core::activation::{Activation, Component, Heartbeat, Process};
use usance_core::artefact::{PublicKey, SigningKey};
use usance_core::audience::{Audience, Audiences};
use usance_core::caller::{Caller, Credential};
use usance_core::command::Secret;
use usance_core::customer::{Customer, CustomerKind};
use usance_core::entitlement::Entitlement;
use usance_core::id::{
    AccountId, ActivationId, ComponentId, CustomerId, EntitlementId, HoldId, LicenseId, PolicyId,
    ProcessId, ProductId, SessionId, TokenId, UserId,
};
use usance_core::key::KeyPattern;
use usance_core::license::{License, LicenseKey, Marks, Standing};
use usance_core::live::{Hold, Session};
use usance_core::metadata::{Entry, Metadata};
use usance_core::meter::{
    AllowedFrom, Measure, MeterPeriod, MeterSpec, MeterState, Overage, Rollover, Timing,
};
use usance_core::period::Every;
use usance_core::policy::Policy;
use usance_core::product::Product;
use usance_core::quantity::Scale;
use usance_core::terms::{Limit, Terms, TermsPatch};
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::token::{Locks, Permission, Permissions, SecretHash, Token, TokenUse};
use usance_core::usage::Subject;
use usance_core::user::{Role, User};
use usance_core::validation::{Validation, ValidationCode};
use usance_core::view::{ActivationView, HoldView, MeterView, SessionView, ShareView};

const AT: Timestamp = Timestamp(1_795_443_600_123);

fn code(text: &str) -> Code {
    Code::parse("code", text).unwrap()
}

pub(super) fn product() -> Product {
    Product {
        id: ProductId::from_bytes([1; 16]),
        code: code("renderer"),
        name: "Renderer \"Pro\"".into(),
        metadata: metadata(),
        archived_at: None,
        created_at: AT,
        updated_at: AT,
    }
}

pub(super) fn customer() -> Customer {
    Customer {
        id: CustomerId::from_bytes([2; 16]),
        code: code("acme"),
        name: "ACME".into(),
        email: Some("pay@acme.example".into()),
        kind: CustomerKind::Reseller,
        reseller: Some(CustomerId::from_bytes([12; 16])),
        max_users: Limit(Some(5)),
        max_licenses: Limit::NONE,
        max_activations: Limit(Some(u64::MAX / 2)),
        metadata: metadata(),
        archived_at: Some(AT),
        created_at: AT,
        updated_at: AT,
    }
}

pub(super) fn spec(overage: Overage) -> MeterSpec {
    MeterSpec {
        name: code("frames"),
        unit: "frame".into(),
        scale: Scale::new(2).unwrap(),
        allowed: Some(100_000),
        floor: -50,
        overage,
        record_refusals: true,
        measure: Measure::Duration(TIMING),
        period: MeterPeriod::Every(Every::Month),
        rollover: Rollover::UpTo(5_050),
        floating: true,
        visible_to: Audiences::NONE.with(Audience::User),
        stated_by_license: true,
        thresholds: vec![80, 100],
        hold_seconds_max: 60,
        session_grace_seconds: 30,
    }
}

const TIMING: Timing = Timing {
    unit_seconds: 3600,
    minimum_seconds: 60,
    free_seconds: 30,
    step_seconds: 36,
    idle_seconds: Some(300),
};

/// What is said of meters, in all ways of saying it.
pub(super) fn specs() -> Vec<Arc<MeterSpec>> {
    let overages = [Overage::Refuse, Overage::Allow, Overage::Amount(50), Overage::Percent(10)];
    let timing = Timing { unit_seconds: 36, idle_seconds: None, ..TIMING };
    let measures = [Measure::Uses, Measure::Peak, Measure::Duration(timing), Measure::Seats];
    let periods = [MeterPeriod::Never, MeterPeriod::Billing, MeterPeriod::Every(Every::Hour)];
    let rollovers = [Rollover::None, Rollover::All, Rollover::UpTo(0)];
    let mut all: Vec<_> = overages.into_iter().map(spec).map(Arc::new).collect();
    for (index, measure) in measures.into_iter().enumerate() {
        let plain = MeterSpec::new(code(&format!("m{index}")));
        let period = periods[index % 3];
        let rollover = rollovers[index % 3];
        all.push(Arc::new(MeterSpec { measure, period, rollover, ..plain }));
    }
    all
}

/// Notes that one audience sees one of.
pub(super) fn metadata() -> Metadata {
    let entry = |key: &str, value: &str, visible_to| Entry {
        key: key.into(),
        value: value.into(),
        visible_to,
    };
    Metadata::new(vec![
        entry("tier \"1\"", r#"{"a":[1.50,null,"\""]}"#, Audiences::NONE),
        entry("greeting", "\"hello\"", Audiences::NONE.with(Audience::User)),
    ])
    .unwrap()
}

pub(super) fn policy() -> Policy {
    Policy {
        id: PolicyId::from_bytes([3; 16]),
        product: product().id,
        code: code("prepaid"),
        name: "Prepaid".into(),
        meters: specs(),
        key_pattern: KeyPattern::default(),
        terms: Arc::new(Terms::default().with(&terms_patch())),
        entitlements: vec![code("export"), code("import")],
        metadata: metadata(),
        archived_at: None,
        created_at: AT,
        updated_at: AT,
    }
}

/// A value of each kind that is not the default.
pub(super) fn terms_patch() -> TermsPatch {
    let mut patch = TermsPatch::default();
    for (name, words) in [
        ("duration_seconds", "86400"),
        ("when_expired", "maintain"),
        ("meter_while", "suspended expired"),
        ("license_permissions", "*"),
        ("check_in_every", "1 month"),
        ("time_zone", "Europe/Berlin"),
        ("billing_every", "quarter"),
        ("period_anchor", "1795443600123"),
        ("max_cores", "8"),
        ("limit_overage", "25"),
        ("strict", "true"),
        ("unique", "policy"),
        ("require_scopes", "product policy"),
        ("access", "deny host=*.lab\nallow user=ada\n"),
    ] {
        patch.set(name, words).unwrap();
    }
    patch
}

pub(super) fn license() -> (License, Timestamp) {
    let license = License {
        id: LicenseId::from_bytes([4; 16]),
        key: LicenseKey("AB\"CD".into()),
        product: product().id,
        policy: policy().id,
        customer: Some(customer().id),
        reseller: None,
        owner: Some(user().id),
        users: vec![UserId::from_bytes([13; 16])],
        name: None,
        overrides: Some(Box::new(overrides())),
        entitlements: vec![code("export")],
        metadata: metadata(),
        blocks: Vec::new(),
        marks: Marks { checked_in_at: Some(AT), activations: 3, ..Marks::default() },
        standing: Standing::Active,
        valid_from: None,
        expires_at: Some(AT),
        created_at: AT,
        updated_at: AT,
    };
    (license, AT)
}

/// What the license states otherwise than its policy.
pub(super) fn overrides() -> TermsPatch {
    TermsPatch { max_cores: Some(Limit(Some(16))), ..TermsPatch::default() }
}

pub(super) fn token() -> (Token, Secret) {
    let token = Token {
        id: TokenId::from_bytes([5; 16]),
        name: "ci".into(),
        secret: SecretHash::of("s"),
        permissions: Permissions::NONE.with(Permission::MeterIncrement),
        locks: locks(),
        audience: Some(Audience::Reseller),
        expires_at: None,
        revoked_at: Some(AT),
        created_at: AT,
        used: TokenUse { uses: 3, refused: 1, last_used_at: Some(AT) },
    };
    (token, Secret("s".into()))
}

fn locks() -> Locks {
    Locks {
        product: Some(product().id),
        license: None,
        meter: Some(code("frames")),
        user: Some(user().id),
        customer: None,
    }
}

pub(super) fn meter() -> MeterView {
    let spec = spec(Overage::Percent(10));
    MeterView {
        license: LicenseId::from_bytes([4; 16]),
        state: MeterState { carried: 25, period_end: Some(AT), ..spec.beginning() },
        spec: Arc::new(spec),
        is_own: true,
        allowed_from: AllowedFrom::License(None),
    }
}

pub(super) fn caller() -> Caller {
    Caller {
        account: AccountId::from_bytes([6; 16]),
        credential: Credential::Token(token().0.id),
        permissions: Permissions::ALL,
        locks: locks(),
        audience: None,
        acts_as: None,
    }
}

pub(super) fn user() -> User {
    User {
        id: UserId::from_bytes([7; 16]),
        email: "ada@acme.example".into(),
        first_name: Some("Ada \"the\"".into()),
        last_name: None,
        role: Role::OrganizationAdmin,
        customer: Some(customer().id),
        password: Some("$argon2id$".into()),
        banned_at: None,
        metadata: metadata(),
        created_at: AT,
        updated_at: AT,
    }
}

pub(super) fn entitlement() -> Entitlement {
    Entitlement {
        id: EntitlementId::from_bytes([8; 16]),
        code: code("export"),
        name: "Export".into(),
        metadata: metadata(),
        created_at: AT,
        updated_at: AT,
    }
}

pub(super) fn activation() -> ActivationView {
    let machine = Activation {
        id: ActivationId::from_bytes([9; 16]),
        fingerprint: "9f\"3c".into(),
        name: Some("Ada's".into()),
        hostname: None,
        platform: Some("linux".into()),
        address: None,
        cores: Some(8),
        memory: Some(1 << 34),
        disk: None,
        is_vm: true,
        is_container: false,
        user: Some(user().id),
        components: vec![Component {
            id: ComponentId::from_bytes([14; 16]),
            fingerprint: "mb".into(),
            name: "board".into(),
        }],
        metadata: metadata(),
        own_heartbeat_seconds: None,
        seen_at: Some(AT),
        last_file_at: None,
        created_at: AT,
        updated_at: AT,
    };
    ActivationView {
        license: license().0.id,
        activation: Arc::new(machine),
        heartbeat: Heartbeat::Alive,
        heartbeat_seconds: Some(600),
        next_heartbeat: Some(AT),
        shares: vec![ShareView {
            meter: code("frames"),
            scale: Scale::new(2).unwrap(),
            quantity: 125,
        }],
    }
}

pub(super) fn process() -> Process {
    Process {
        id: ProcessId::from_bytes([15; 16]),
        activation: activation().activation.id,
        pid: "4711".into(),
        metadata: metadata(),
        seen_at: AT,
        created_at: AT,
    }
}

pub(super) fn hold() -> HoldView {
    HoldView {
        license: license().0.id,
        scale: Scale::new(2).unwrap(),
        hold: Arc::new(Hold {
            id: HoldId::from_bytes([10; 16]),
            meter: code("frames"),
            activation: None,
            units: 150,
            expires_at: AT,
            created_at: AT,
        }),
    }
}

pub(super) fn session() -> SessionView {
    SessionView {
        license: license().0.id,
        scale: Scale::default(),
        session: Arc::new(Session {
            id: SessionId::from_bytes([11; 16]),
            meter: code("seats"),
            activation: Some(activation().activation.id),
            count: 2,
            reserved: 2,
            active_ms: 61_999,
            subject: Some(Subject { user: Some("ada".into()), ..Subject::default() }),
            seen_at: AT,
            expires_at: AT,
            created_at: AT,
        }),
    }
}

pub(super) fn validation() -> Validation {
    Validation {
        license: Some(license().0),
        is_valid: false,
        code: ValidationCode::FingerprintMismatch,
        detail: "no machine with this fingerprint".into(),
        at: AT,
    }
}

pub(super) fn public_key() -> PublicKey {
    SigningKey::from_seed(1, AT, &[1; 32]).public()
}
