use alloc::string::ToString;

use super::*;
use crate::audience::Audiences;
use crate::id::{PolicyId, ProductId};
use crate::meter::{AllowedFrom, MeterPeriod, Overage, Rollover};
use crate::terms::{MeterWhile, Seconds, Stopper, Terms};

fn code(text: &str) -> Code {
    Code::parse("code", text).unwrap()
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn new_meter(allowed: Option<&str>, floor: &str, overage: NewOverage) -> NewMeter {
    NewMeter {
        scale: Scale::new(2).unwrap(),
        allowed: allowed.map(decimal),
        floor: decimal(floor),
        overage,
        record_refusals: true,
        ..NewMeter::named(code("hours"))
    }
}

/// The field that a refusal names.
fn field<T>(result: Result<T, Refusal>) -> Result<T, &'static str> {
    result.map_err(|refusal| match refusal {
        Refusal::Invalid { field, .. } => [
            "allowed",
            "floor",
            "overage",
            "unit",
            "name",
            "rollover",
            "meters",
            "terms.duration_seconds",
        ]
        .into_iter()
        .find(|known| *known == field)
        .expect("a known field"),
        other => other.code(),
    })
}

#[test]
fn new_meters_are_scaled_exactly_or_refused() {
    use NewOverage::{Allow, Amount, Percent, Refuse};
    let amount = |text| Amount(decimal(text));
    for (allowed, floor, overage, expected) in [
        (Some("1.25"), "0", Refuse, Ok((Some(125), 0, Overage::Refuse))),
        (None, "-1", Allow, Ok((None, -100, Overage::Allow))),
        (Some("2"), "2", amount("0.5"), Ok((Some(200), 200, Overage::Amount(50)))),
        (Some("2"), "0", Percent(30), Ok((Some(200), 0, Overage::Percent(30)))),
        (Some("1.255"), "0", Refuse, Err("allowed")),
        (Some("92233720368547758.1"), "0", Refuse, Err("allowed")),
        (Some("92233720368547758.07"), "0", Refuse, Ok((Some(i64::MAX), 0, Overage::Refuse))),
        (Some("-1"), "-1", Refuse, Err("allowed")),
        (Some("1"), "2", Refuse, Err("allowed")),
        (Some("1"), "0.001", Refuse, Err("floor")),
        (Some("1"), "0", amount("0.001"), Err("overage")),
        (Some("1"), "0", amount("-1"), Err("overage")),
        (Some("1"), "0", Percent(10_001), Err("overage")),
    ] {
        let spec = new_meter(allowed, floor, overage).spec();
        let found = field(spec.map(|spec| {
            assert_eq!((spec.unit.as_str(), spec.record_refusals), ("hours", true));
            (spec.allowed, spec.floor, spec.overage)
        }));
        assert_eq!(found, expected, "{allowed:?} {floor} {overage:?}");
    }
    let unit = Some("hour".to_string());
    let named = NewMeter { unit, ..new_meter(None, "0", Refuse) };
    assert_eq!(named.spec().unwrap().unit, "hour");
}

#[test]
fn own_ceilings_are_held_against_the_meter() {
    let spec = new_meter(Some("10"), "2", NewOverage::Refuse).spec().unwrap();
    for (change, expected) in [
        (AllowedChange::Policy, Ok(AllowedFrom::Policy)),
        (AllowedChange::Unlimited, Ok(AllowedFrom::License(None))),
        (AllowedChange::Own(decimal("2")), Ok(AllowedFrom::License(Some(200)))),
        (AllowedChange::Own(decimal("1.99")), Err("allowed")),
        (AllowedChange::Own(decimal("2.001")), Err("allowed")),
        (AllowedChange::Own(decimal("-1")), Err("allowed")),
    ] {
        assert_eq!(field(change.scaled(&spec)), expected, "{change:?}");
    }
}

fn terms_of(policy: &mut Policy) -> &mut Terms {
    Arc::make_mut(&mut policy.terms)
}

fn spec_of(policy: &mut Policy) -> &mut MeterSpec {
    Arc::make_mut(&mut policy.meters[0])
}

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let spec = new_meter(Some("10"), "2", NewOverage::Refuse).spec().unwrap();
    let before = Policy {
        id: PolicyId::from_bytes([1; 16]),
        product: ProductId::from_bytes([2; 16]),
        code: code("plan"),
        name: "Plan".to_string(),
        meters: alloc::vec![Arc::new(spec)],
        key_pattern: KeyPattern::default(),
        terms: Arc::new(Terms { duration_seconds: Seconds(Some(5)), ..Terms::default() }),
        entitlements: alloc::vec![code("old")],
        metadata: Metadata::default(),
        archived_at: None,
        created_at: Timestamp(1),
        updated_at: Timestamp(1),
    };
    let meter = |allowed: Option<Option<&str>>| MeterPatch {
        allowed: allowed.map(|allowed| allowed.map(decimal)),
        ..MeterPatch::of(code("hours"))
    };
    let terms = |lines: &str| PolicyPatch {
        terms: TermsPatch::from_lines(lines).unwrap(),
        ..PolicyPatch::default()
    };
    let of = |meter| PolicyPatch { meters: alloc::vec![meter], ..PolicyPatch::default() };
    type Change = fn(&mut Policy);
    let cases: [(PolicyPatch, Result<Change, &str>); 19] = [
        (PolicyPatch::default(), Ok(|_| {})),
        (
            PolicyPatch { name: Some("Better".to_string()), ..PolicyPatch::default() },
            Ok(|policy| policy.name = "Better".to_string()),
        ),
        (PolicyPatch { name: Some(" ".to_string()), ..PolicyPatch::default() }, Err("name")),
        (
            PolicyPatch { archived: Some(true), ..PolicyPatch::default() },
            Ok(|policy| policy.archived_at = Some(Timestamp(9))),
        ),
        (
            terms("duration_seconds=none"),
            Ok(|policy| terms_of(policy).duration_seconds = Seconds::NONE),
        ),
        (
            terms("license_permissions=*\nmeter_while=expired"),
            Ok(|policy| {
                terms_of(policy).license_permissions = Permissions::ALL;
                terms_of(policy).meter_while = MeterWhile::NONE.with(Stopper::Expired);
            }),
        ),
        (terms("duration_seconds=0"), Err("terms.duration_seconds")),
        (
            PolicyPatch {
                entitlements: Some(alloc::vec![code("b"), code("a"), code("b")]),
                ..PolicyPatch::default()
            },
            Ok(|policy| policy.entitlements = alloc::vec![code("a"), code("b")]),
        ),
        (
            PolicyPatch {
                new_meters: alloc::vec![NewMeter::named(code("pages"))],
                ..PolicyPatch::default()
            },
            Ok(|policy| policy.meters.push(Arc::new(MeterSpec::new(code("pages"))))),
        ),
        (
            PolicyPatch {
                new_meters: alloc::vec![NewMeter::named(code("hours"))],
                ..PolicyPatch::default()
            },
            Err("meters"),
        ),
        (
            of(MeterPatch { rollover: Some(NewRollover::UpTo(decimal("0.5"))), ..meter(None) }),
            Ok(|policy| spec_of(policy).rollover = Rollover::UpTo(50)),
        ),
        (
            of(MeterPatch { rollover: Some(NewRollover::UpTo(decimal("-1"))), ..meter(None) }),
            Err("rollover"),
        ),
        (
            of(MeterPatch {
                period: Some(MeterPeriod::Billing),
                floating: Some(true),
                visible_to: Some(Audiences::NONE),
                hold_seconds_max: Some(60),
                session_grace_seconds: Some(61),
                ..meter(None)
            }),
            Ok(|policy| {
                let spec = spec_of(policy);
                (spec.period, spec.floating) = (MeterPeriod::Billing, true);
                spec.visible_to = Audiences::NONE;
                (spec.hold_seconds_max, spec.session_grace_seconds) = (60, 61);
            }),
        ),
        (of(meter(Some(None))), Ok(|policy| spec_of(policy).allowed = None)),
        (of(meter(Some(Some("3.5")))), Ok(|policy| spec_of(policy).allowed = Some(350))),
        (of(meter(Some(Some("1")))), Err("allowed")),
        (of(MeterPatch { name: code("pages"), ..meter(None) }), Err("unknown")),
        (
            of(MeterPatch { overage: Some(NewOverage::Percent(5)), ..meter(None) }),
            Ok(|policy| spec_of(policy).overage = Overage::Percent(5)),
        ),
        (
            of(MeterPatch { record_refusals: Some(false), ..meter(None) }),
            Ok(|policy| spec_of(policy).record_refusals = false),
        ),
    ];
    for (patch, expected) in cases {
        let mut policy = before.clone();
        let found = field(patch.clone().apply(&mut policy, Timestamp(9)));
        match expected {
            Err(expected) => assert_eq!(found, Err(expected), "{patch:?}"),
            Ok(change) => {
                assert_eq!(found, Ok(()), "{patch:?}");
                let mut expected = Policy { updated_at: Timestamp(9), ..before.clone() };
                change(&mut expected);
                assert_eq!(policy, expected, "{patch:?}");
            }
        }
    }
    // Archived once is archived since then.
    let mut policy = Policy { archived_at: Some(Timestamp(4)), ..before };
    let archive = |archived| PolicyPatch { archived: Some(archived), ..PolicyPatch::default() };
    archive(true).apply(&mut policy, Timestamp(9)).unwrap();
    assert_eq!(policy.archived_at, Some(Timestamp(4)));
    archive(false).apply(&mut policy, Timestamp(9)).unwrap();
    assert_eq!(policy.archived_at, None);
}

#[test]
fn secrets_are_not_shown() {
    assert_eq!(alloc::format!("{:?}", Secret("hidden".to_string())), "Secret(…)");
}
