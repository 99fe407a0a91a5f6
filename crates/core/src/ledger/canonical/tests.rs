use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::*;
use crate::id::{CustomerId, LicenseId, PolicyId, ProductId, TokenId};
use crate::key::KeyPattern;
use crate::license::LicenseKey;
use crate::license::Marks;
use crate::meter::Overage;
use crate::quantity::Scale;
use crate::terms::{MeterWhile, Seconds, Stopper, Terms};
use crate::time::Timestamp;
use crate::token::{Locks, Permission, Permissions, SecretHash};

// Golden text: format 1. A ledger holds hashes of these texts for ever.

const PRODUCT: &str = "\
product=prod_02020202020202020202020202020202
code=renderer
name=A\\\\B\\nC\\rD=E
archived=true
";

const POLICY: &str = "\
policy=pol_03030303030303030303030303030303
code=prepaid
name=Prepaid
product=prod_02020202020202020202020202020202
archived=false
key_pattern=AAAAAAAAAAAAAAAAC
duration_seconds=86400
meter_while=expired
license_permissions=meter:read
meter=a
unit=frame
scale=0
allowed=100
floor=0
overage=refuse
record_refusals=false
meter=b
unit=frame
scale=2
floor=-5
overage=allow
record_refusals=true
meter=c
unit=frame
scale=0
allowed=0
floor=0
overage_amount=10
record_refusals=false
meter=d
unit=frame
scale=0
allowed=9223372036854775807
floor=0
overage_percent=25
record_refusals=false
";

const LICENSE: &str = "\
license=lic_04040404040404040404040404040404
key=KEY-1
product=prod_02020202020202020202020202020202
policy=pol_03030303030303030303030303030303
customer=cus_05050505050505050505050505050505
name=Ada
standing=suspended
valid_from=-1
expires_at=5
meter=b
allowed=unlimited
meter=c
allowed=7
";

const LICENSE_PLAIN: &str = "\
license=lic_04040404040404040404040404040404
key=KEY-1
product=prod_02020202020202020202020202020202
policy=pol_03030303030303030303030303030303
standing=active
";

const TOKEN: &str = "\
token=tok_06060606060606060606060606060606
name=ci
permission=meter:read
permission=meter:increment
product=prod_02020202020202020202020202020202
license=lic_04040404040404040404040404040404
meter=a
expires_at=9
revoked=true
";

const TOKEN_PLAIN: &str = "\
token=tok_06060606060606060606060606060606
name=ci
permission=*
revoked=false
";

const AT: Timestamp = Timestamp(1);

fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn code(text: &str) -> Code {
    Code::parse("code", text).unwrap()
}

fn a_product() -> Product {
    Product {
        id: ProductId::from_bytes([2; 16]),
        code: code("renderer"),
        name: "A\\B\nC\rD=E".to_string(),
        metadata: Metadata::default(),
        archived_at: Some(AT),
        created_at: AT,
        updated_at: AT,
    }
}

fn a_policy() -> Policy {
    let meter = |name, allowed, overage| MeterSpec {
        unit: "frame".to_string(),
        allowed,
        overage,
        ..MeterSpec::new(code(name))
    };
    Policy {
        id: PolicyId::from_bytes([3; 16]),
        product: ProductId::from_bytes([2; 16]),
        code: code("prepaid"),
        name: "Prepaid".to_string(),
        meters: [
            meter("a", Some(100), Overage::Refuse),
            MeterSpec {
                scale: Scale::new(2).unwrap(),
                floor: -5,
                record_refusals: true,
                ..meter("b", None, Overage::Allow)
            },
            meter("c", Some(0), Overage::Amount(10)),
            meter("d", Some(i64::MAX), Overage::Percent(25)),
        ]
        .map(Arc::new)
        .into(),
        key_pattern: KeyPattern::parse("AAAAAAAAAAAAAAAAC").unwrap(),
        terms: Arc::new(Terms {
            duration_seconds: Seconds(Some(86_400)),
            license_permissions: Permissions::NONE.with(Permission::MeterRead),
            meter_while: MeterWhile::NONE.with(Stopper::Expired),
            ..Terms::default()
        }),
        entitlements: Vec::new(),
        metadata: Metadata::default(),
        archived_at: None,
        created_at: AT,
        updated_at: AT,
    }
}

fn by_default() -> Permissions {
    Permissions::NONE.with(Permission::MeterIncrement).with(Permission::MeterRead)
}

fn a_license() -> License {
    License {
        id: LicenseId::from_bytes([4; 16]),
        key: LicenseKey("KEY-1".to_string()),
        product: ProductId::from_bytes([2; 16]),
        policy: PolicyId::from_bytes([3; 16]),
        customer: Some(CustomerId::from_bytes([5; 16])),
        reseller: None,
        owner: None,
        users: Vec::new(),
        name: Some("Ada".to_string()),
        overrides: None,
        entitlements: Vec::new(),
        metadata: Metadata::default(),
        marks: Marks::default(),
        standing: Standing::Suspended,
        valid_from: Some(Timestamp(-1)),
        expires_at: Some(Timestamp(5)),
        created_at: AT,
        updated_at: AT,
    }
}

fn a_token() -> Token {
    Token {
        id: TokenId::from_bytes([6; 16]),
        name: "ci".to_string(),
        secret: SecretHash([0; 32]),
        permissions: by_default(),
        locks: Locks {
            product: Some(ProductId::from_bytes([2; 16])),
            license: Some(LicenseId::from_bytes([4; 16])),
            meter: Some(code("a")),
            ..Locks::default()
        },
        audience: None,
        expires_at: Some(Timestamp(9)),
        revoked_at: Some(AT),
        created_at: AT,
    }
}

fn meter_of(policy: &mut Policy) -> &mut MeterSpec {
    Arc::make_mut(&mut policy.meters[0])
}

fn hash_of(license: &License, meters: &[(Code, AllowedFrom)]) -> [u8; 32] {
    let specs: Vec<_> =
        meters.iter().map(|(name, from)| (MeterSpec::new(name.clone()), *from)).collect();
    super::license(
        license,
        specs.iter().map(|(spec, allowed_from)| MeterEntry {
            spec,
            is_own: false,
            allowed_from: *allowed_from,
        }),
    )
}

#[test]
fn golden_text() {
    assert_eq!(product(&a_product()), sha256(PRODUCT));
    assert_eq!(policy(&a_policy()), sha256(POLICY));
    let meters = [
        (code("a"), AllowedFrom::Policy),
        (code("b"), AllowedFrom::License(None)),
        (code("c"), AllowedFrom::License(Some(7))),
    ];
    assert_eq!(hash_of(&a_license(), &meters), sha256(LICENSE));
    let plain = License {
        customer: None,
        name: None,
        standing: Standing::Active,
        valid_from: None,
        expires_at: None,
        ..a_license()
    };
    assert_eq!(hash_of(&plain, &[]), sha256(LICENSE_PLAIN));
    assert_eq!(token(&a_token()), sha256(TOKEN));
    let plain = Token {
        permissions: Permissions::ALL,
        locks: Locks::default(),
        expires_at: None,
        revoked_at: None,
        ..a_token()
    };
    assert_eq!(token(&plain), sha256(TOKEN_PLAIN));
}

/// The hash itself, by another implementation.
#[test]
fn golden_hash() {
    let expected = "16a0c010f01be587838f855c8ac090d11e61834f00c6827e8161a8785ca85037";
    let found: String =
        product(&a_product()).iter().map(|byte| alloc::format!("{byte:02x}")).collect();
    assert_eq!(found, expected);
}

/// What matters to a bill changes the hash; times that only tell when do not.
#[test]
fn what_counts_and_what_does_not() {
    let license = hash_of(&a_license(), &[]);
    let licenses = |change: fn(&mut License)| {
        let mut changed = a_license();
        change(&mut changed);
        hash_of(&changed, &[]) == license
    };
    let products = |change: fn(&mut Product)| {
        let mut changed = a_product();
        change(&mut changed);
        product(&changed) == product(&a_product())
    };
    let tokens = |change: fn(&mut Token)| {
        let mut changed = a_token();
        change(&mut changed);
        token(&changed) == token(&a_token())
    };
    let policies = |change: fn(&mut Policy)| {
        let mut changed = a_policy();
        change(&mut changed);
        policy(&changed) == policy(&a_policy())
    };
    for (is_same, what, found) in [
        (true, "when it was made", licenses(|it| it.created_at = Timestamp(7))),
        (true, "when it was changed", licenses(|it| it.updated_at = Timestamp(7))),
        (true, "when it was archived", products(|it| it.archived_at = Some(Timestamp(7)))),
        (true, "when it was revoked", tokens(|it| it.revoked_at = Some(Timestamp(7)))),
        (true, "the secret", tokens(|it| it.secret = SecretHash([1; 32]))),
        (false, "whether it is archived", products(|it| it.archived_at = None)),
        (false, "whether it is revoked", tokens(|it| it.revoked_at = None)),
        (false, "the standing", licenses(|it| it.standing = Standing::Revoked)),
        (false, "the end", licenses(|it| it.expires_at = None)),
        (false, "the key", licenses(|it| it.key = LicenseKey("KEY-2".to_string()))),
        (false, "the customer", licenses(|it| it.customer = None)),
        (
            false,
            "a name with a line in it",
            licenses(|it| it.name = Some("Ada\nstanding=active".to_string())),
        ),
        (false, "a lock", tokens(|it| it.locks.meter = None)),
        (false, "the permissions", tokens(|it| it.permissions = Permissions::ALL)),
        (false, "a meter", policies(|it| it.meters.truncate(3))),
        (false, "the order of meters", policies(|it| it.meters.swap(0, 2))),
        (false, "an overage", policies(|it| meter_of(it).overage = Overage::Allow)),
        (false, "a ceiling", policies(|it| meter_of(it).allowed = Some(101))),
    ] {
        assert_eq!(found, is_same, "{what}");
    }
}
