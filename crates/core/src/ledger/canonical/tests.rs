use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::*;
use crate::activation::Component;
use crate::audience::{Audience, Audiences};
use crate::id::{
    ActivationId, ComponentId, CustomerId, EntitlementId, LicenseId, PolicyId, ProductId, TokenId,
    UserId,
};
use crate::key::KeyPattern;
use crate::license::{LicenseKey, Marks};
use crate::metadata::Entry;
use crate::meter::{Measure, MeterPeriod, Overage, Rollover, Timing};
use crate::period::Every;
use crate::quantity::Scale;
use crate::terms::{Field, Kind, MeterWhile, Seconds, Stopper, Terms, TermsPatch};
use crate::time::Timestamp;
use crate::token::{Locks, Permission, Permissions, SecretHash, TokenUse};

fn product(of: &Product) -> [u8; 32] {
    super::product(of).digest()
}

fn policy(of: &Policy) -> [u8; 32] {
    super::policy(of).digest()
}

fn token(of: &Token) -> [u8; 32] {
    super::token(of).digest()
}

fn activation(license: LicenseId, of: &Activation) -> [u8; 32] {
    super::activation(license, of).digest()
}

fn entitlement(of: &Entitlement) -> [u8; 32] {
    super::entitlement(of).digest()
}

fn license<'a>(of: &License, meters: impl Iterator<Item = MeterEntry<'a>>) -> [u8; 32] {
    super::license(of, meters).digest()
}

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
        blocks: Vec::new(),
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
        used: TokenUse { uses: 7, ..TokenUse::default() },
    }
}

fn meter_of(policy: &mut Policy) -> &mut MeterSpec {
    Arc::make_mut(&mut policy.meters[0])
}

fn hash_of(license: &License, meters: &[(Code, AllowedFrom)]) -> [u8; 32] {
    let specs: Vec<_> =
        meters.iter().map(|(name, from)| (MeterSpec::new(name.clone()), *from)).collect();
    self::license(
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

const LICENSE_RICH: &str = "\
license=lic_04040404040404040404040404040404
key=KEY-1
product=prod_02020202020202020202020202020202
policy=pol_03030303030303030303030303030303
reseller=cus_07070707070707070707070707070707
owner=usr_08080808080808080808080808080808
user=usr_09090909090909090909090909090909
standing=active
time_zone=Europe/Berlin
strict=false
entitlement=export
metadata=seat
value=\"7\"
visible_to=user
visible_to=reseller
checked_in_at=3
meter=own
unit=own
scale=0
floor=0
overage=refuse
record_refusals=false
measure=seats
allowed=policy
";

const ACTIVATION: &str = "\
activation=act_01010101010101010101010101010101
license=lic_04040404040404040404040404040404
fingerprint=f\\nn
cores=8
memory=1024
is_vm=false
is_container=true
own_heartbeat_seconds=60
component=cmp_02020202020202020202020202020202
component_fingerprint=board
";

fn a_note(key: &str) -> Metadata {
    let visible_to = Audiences::NONE.with(Audience::User).with(Audience::Reseller);
    let entry = Entry { key: key.to_string(), value: "\"7\"".to_string(), visible_to };
    Metadata::new(alloc::vec![entry]).unwrap()
}

fn a_rich_license() -> License {
    let overrides = TermsPatch::from_lines("time_zone=Europe/Berlin\nstrict=false").unwrap();
    License {
        customer: None,
        reseller: Some(CustomerId::from_bytes([7; 16])),
        owner: Some(UserId::from_bytes([8; 16])),
        users: alloc::vec![UserId::from_bytes([9; 16])],
        name: None,
        overrides: Some(Box::new(overrides)),
        entitlements: alloc::vec![code("export")],
        metadata: a_note("seat"),
        blocks: Vec::new(),
        marks: Marks {
            checked_in_at: Some(Timestamp(3)),
            validated_at: Some(Timestamp(4)),
            file_at: Some(Timestamp(5)),
            activated_at: Some(Timestamp(6)),
            activations: 7,
            deactivations: 8,
        },
        standing: Standing::Active,
        valid_from: None,
        expires_at: None,
        ..a_license()
    }
}

fn an_activation() -> Activation {
    Activation {
        id: ActivationId::from_bytes([1; 16]),
        fingerprint: "f\nn".to_string(),
        name: None,
        hostname: Some("host".to_string()),
        platform: None,
        address: None,
        cores: Some(8),
        memory: Some(1024),
        disk: None,
        is_vm: false,
        is_container: true,
        user: None,
        components: alloc::vec![Component {
            id: ComponentId::from_bytes([2; 16]),
            fingerprint: "board".to_string(),
            name: "Board".to_string(),
        }],
        metadata: Metadata::default(),
        own_heartbeat_seconds: Some(60),
        seen_at: Some(AT),
        last_file_at: Some(AT),
        created_at: AT,
        updated_at: AT,
    }
}

fn own_meter(spec: &MeterSpec) -> [u8; 32] {
    let entry = MeterEntry { spec, is_own: true, allowed_from: AllowedFrom::Policy };
    license(&a_rich_license(), core::iter::once(entry))
}

#[test]
fn golden_text_of_the_licensing_model() {
    let spec = MeterSpec { measure: Measure::Seats, ..MeterSpec::new(code("own")) };
    assert_eq!(own_meter(&spec), sha256(LICENSE_RICH));
    let license = LicenseId::from_bytes([4; 16]);
    assert_eq!(activation(license, &an_activation()), sha256(ACTIVATION));
    let granted = Entitlement {
        id: EntitlementId::from_bytes([3; 16]),
        code: code("export"),
        name: "Export".to_string(),
        metadata: a_note("a"),
        created_at: AT,
        updated_at: AT,
    };
    let text = "entitlement=ent_03030303030303030303030303030303\ncode=export\nname=Export\n\
                metadata=a\nvalue=\"7\"\nvisible_to=user\nvisible_to=reseller\n";
    assert_eq!(entitlement(&granted), sha256(text));
}

/// A value of a term that is not the default.
fn another(field: &Field) -> String {
    let default = Terms::default().all();
    let (_, default) = default.iter().find(|(name, _)| *name == field.name).unwrap();
    let candidates: &[&str] = match field.kind {
        Kind::Count | Kind::Seconds | Kind::Overage | Kind::Anchor => &["7"],
        Kind::Flag => &["true", "false"],
        Kind::Word(words) | Kind::Words(words) | Kind::MaybeWord(words) => words,
        Kind::Permissions => &["license:read"],
        Kind::Span => &["1 month"],
        Kind::Zone => &["Europe/Berlin"],
        Kind::Rules => &["deny user=mallory"],
    };
    (*candidates.iter().find(|one| **one != default).unwrap()).to_string()
}

/// All but those that tell of people, which a hash that is kept for ever would give away.
#[test]
fn every_term_is_in_the_digests() {
    let mut seen = alloc::vec![policy(&a_policy()), hash_of(&a_license(), &[])];
    for field in Terms::FIELDS {
        let mut patch = TermsPatch::default();
        patch.set(field.name, &another(field)).unwrap();
        let terms = Arc::new(a_policy().terms.with(&patch));
        let of_policy = policy(&Policy { terms, ..a_policy() });
        let of_license = hash_of(&License { overrides: Some(Box::new(patch)), ..a_license() }, &[]);
        for found in [of_policy, of_license] {
            assert_eq!(seen.contains(&found), field.name == "access", "{}", field.name);
            seen.push(found);
        }
    }
}

/// A license that states what is the default anyway states it all the same: its policy may change.
#[test]
fn an_override_is_one_whatever_it_says() {
    let mut patch = TermsPatch::default();
    patch.set("strict", "false").unwrap();
    let stated = License { overrides: Some(Box::new(patch)), ..a_license() };
    assert_ne!(hash_of(&stated, &[]), hash_of(&a_license(), &[]));
}

#[test]
fn everything_said_of_a_meter_is_in_the_digests() {
    let timing = Timing {
        unit_seconds: 60,
        minimum_seconds: 1,
        free_seconds: 2,
        step_seconds: 60,
        idle_seconds: None,
    };
    let timed = |timing| Measure::Duration(timing);
    let changes: &[&dyn Fn(&mut MeterSpec)] = &[
        &|_| {},
        &|it| it.name = code("other"),
        &|it| it.unit = "page".to_string(),
        &|it| it.scale = Scale::new(1).unwrap(),
        &|it| it.allowed = Some(5),
        &|it| it.floor = -1,
        &|it| it.overage = Overage::Allow,
        &|it| it.overage = Overage::Amount(5),
        &|it| it.overage = Overage::Percent(5),
        &|it| it.record_refusals = true,
        &|it| it.measure = Measure::Seats,
        &|it| it.measure = Measure::Peak,
        &|it| it.measure = Measure::DayPass,
        &|it| it.measure = timed(timing),
        &|it| it.measure = timed(Timing { unit_seconds: 30, ..timing }),
        &|it| it.measure = timed(Timing { minimum_seconds: 5, ..timing }),
        &|it| it.measure = timed(Timing { free_seconds: 5, ..timing }),
        &|it| it.measure = timed(Timing { step_seconds: 120, ..timing }),
        &|it| it.measure = timed(Timing { idle_seconds: Some(5), ..timing }),
        &|it| it.period = MeterPeriod::Billing,
        &|it| it.period = MeterPeriod::Every(Every::Day),
        &|it| it.rollover = Rollover::All,
        &|it| it.rollover = Rollover::UpTo(5),
        &|it| it.floating = true,
        &|it| it.visible_to = Audiences::NONE,
        &|it| it.stated_by_license = true,
        &|it| it.hold_seconds_max = 5,
        &|it| it.session_grace_seconds = 5,
    ];
    let mut seen = Vec::new();
    for (place, change) in changes.iter().enumerate() {
        let mut spec = MeterSpec::new(code("own"));
        change(&mut spec);
        let of_license = own_meter(&spec);
        let of_policy = policy(&Policy { meters: alloc::vec![Arc::new(spec)], ..a_policy() });
        for found in [of_license, of_policy] {
            assert!(!seen.contains(&found), "change {place}");
            seen.push(found);
        }
    }
}

#[test]
fn everything_said_of_an_activation_is_in_its_digest() {
    let digest = |one: &Activation| activation(LicenseId::from_bytes([4; 16]), one);
    let changes: &[&dyn Fn(&mut Activation)] = &[
        &|_| {},
        &|it| it.fingerprint = "g".to_string(),
        &|it| it.platform = Some("p".to_string()),
        &|it| it.cores = Some(9),
        &|it| it.memory = None,
        &|it| it.disk = Some(1),
        &|it| it.is_vm = true,
        &|it| it.is_container = false,
        &|it| it.user = Some(UserId::from_bytes([1; 16])),
        &|it| it.components.clear(),
        &|it| it.own_heartbeat_seconds = None,
    ];
    let mut seen = Vec::new();
    for (place, change) in changes.iter().enumerate() {
        let mut one = an_activation();
        change(&mut one);
        let found = digest(&one);
        assert!(!seen.contains(&found), "change {place}");
        seen.push(found);
        // What comes and goes with heartbeats and files is not.
        let later = Timestamp(9);
        let (seen_at, last_file_at) = (None, Some(later));
        let volatile =
            Activation { seen_at, last_file_at, created_at: later, updated_at: later, ..one };
        assert_eq!(digest(&volatile), found);
        // Nor is what tells of people.
        let mut renamed = Activation {
            name: Some("Ada's laptop".to_string()),
            hostname: Some("ada-7".to_string()),
            address: Some("10.0.0.7".to_string()),
            metadata: a_note("a"),
            ..volatile
        };
        renamed.components.iter_mut().for_each(|part| part.name = "Ada's".to_string());
        assert_eq!(digest(&renamed), found);
    }
    let other = activation(LicenseId::from_bytes([5; 16]), &an_activation());
    assert!(!seen.contains(&other));
}

#[test]
fn of_what_happens_to_a_license_only_check_ins_are_in_its_digest() {
    let with = |change: fn(&mut License)| {
        let mut license = a_rich_license();
        change(&mut license);
        hash_of(&license, &[]) == hash_of(&a_rich_license(), &[])
    };
    for (is_same, what, found) in [
        (true, "validated", with(|it| it.marks.validated_at = None)),
        (true, "file", with(|it| it.marks.file_at = None)),
        (true, "activated", with(|it| it.marks.activated_at = None)),
        (true, "activations", with(|it| it.marks.activations = 0)),
        (true, "deactivations", with(|it| it.marks.deactivations = 0)),
        (false, "check-in", with(|it| it.marks.checked_in_at = None)),
        (false, "reseller", with(|it| it.reseller = None)),
        (false, "owner", with(|it| it.owner = None)),
        (false, "users", with(|it| it.users.clear())),
        (false, "overrides", with(|it| it.overrides = None)),
        (false, "entitlements", with(|it| it.entitlements.clear())),
        (false, "metadata", with(|it| it.metadata = Metadata::default())),
        (false, "a key of metadata", with(|it| it.metadata = a_note("other"))),
    ] {
        assert_eq!(found, is_same, "{what}");
    }
    let tokens = |change: fn(&mut Token)| {
        let mut changed = a_token();
        change(&mut changed);
        token(&changed) != token(&a_token())
    };
    assert!(tokens(|it| it.locks.user = Some(UserId::from_bytes([1; 16]))));
    assert!(tokens(|it| it.locks.customer = Some(CustomerId::from_bytes([1; 16]))));
    assert!(tokens(|it| it.audience = Some(Audience::User)));
}
