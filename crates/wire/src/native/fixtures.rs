//! Things of every kind, for the tests.

use usance_core::caller::{Caller, Credential};
use usance_core::command::Secret;
use usance_core::customer::Customer;
use usance_core::id::{AccountId, CustomerId, LicenseId, PolicyId, ProductId, TokenId};
use usance_core::key::KeyPattern;
use usance_core::license::{License, LicenseKey, Standing};
use usance_core::meter::{AllowedFrom, MeterSpec, Overage};
use usance_core::policy::{MeterWhile, Policy};
use usance_core::product::Product;
use usance_core::quantity::Scale;
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::token::{Locks, Permission, Permissions, SecretHash, Token};
use usance_core::view::MeterView;

const AT: Timestamp = Timestamp(1_795_443_600_123);

fn code(text: &str) -> Code {
    Code::parse("code", text).unwrap()
}

pub(super) fn product() -> Product {
    Product {
        id: ProductId::from_bytes([1; 16]),
        code: code("renderer"),
        name: "Renderer \"Pro\"".into(),
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
    }
}

pub(super) fn policy() -> Policy {
    let overages = [Overage::Refuse, Overage::Allow, Overage::Amount(50), Overage::Percent(10)];
    Policy {
        id: PolicyId::from_bytes([3; 16]),
        product: product().id,
        code: code("prepaid"),
        name: "Prepaid".into(),
        meters: overages.into_iter().map(spec).collect(),
        duration_ms: Some(86_400_000),
        key_pattern: KeyPattern::default(),
        license_permissions: Permissions::ALL,
        meter_while: MeterWhile { suspended: false, expired: true, not_yet_valid: true },
        archived_at: None,
        created_at: AT,
        updated_at: AT,
    }
}

pub(super) fn license() -> (License, Timestamp) {
    let license = License {
        id: LicenseId::from_bytes([4; 16]),
        key: LicenseKey("AB\"CD".into()),
        product: product().id,
        policy: policy().id,
        customer: Some(customer().id),
        name: None,
        standing: Standing::Active,
        valid_from: None,
        expires_at: Some(AT),
        created_at: AT,
        updated_at: AT,
    };
    (license, AT)
}

pub(super) fn token() -> (Token, Secret) {
    let token = Token {
        id: TokenId::from_bytes([5; 16]),
        name: "ci".into(),
        secret: SecretHash::of("s"),
        permissions: Permissions::NONE.with(Permission::MeterIncrement),
        locks: locks(),
        expires_at: None,
        revoked_at: Some(AT),
        created_at: AT,
    };
    (token, Secret("s".into()))
}

fn locks() -> Locks {
    Locks { product: Some(product().id), license: None, meter: Some(code("frames")) }
}

pub(super) fn meter() -> MeterView {
    let spec = spec(Overage::Percent(10));
    MeterView {
        license: LicenseId::from_bytes([4; 16]),
        state: spec.beginning(),
        spec,
        allowed_from: AllowedFrom::License(None),
    }
}

pub(super) fn caller() -> Caller {
    Caller {
        account: AccountId::from_bytes([6; 16]),
        credential: Credential::Token(token().0.id),
        permissions: Permissions::ALL,
        locks: locks(),
    }
}
