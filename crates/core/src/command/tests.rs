use alloc::string::ToString;

use super::*;
use crate::id::{PolicyId, ProductId};
use crate::meter::AllowedFrom;

fn code(text: &str) -> Code {
    Code::parse("code", text).unwrap()
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn new_meter(allowed: Option<&str>, floor: &str, overage: NewOverage) -> NewMeter {
    NewMeter {
        name: code("hours"),
        unit: None,
        scale: Scale::new(2).unwrap(),
        allowed: allowed.map(decimal),
        floor: decimal(floor),
        overage,
        record_refusals: true,
    }
}

/// The field that a refusal names.
fn field<T>(result: Result<T, Refusal>) -> Result<T, &'static str> {
    result.map_err(|refusal| match refusal {
        Refusal::Invalid { field, .. } => ["allowed", "floor", "overage", "unit", "name"]
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

#[test]
fn a_patch_changes_what_it_names_and_nothing_else() {
    let before = Policy {
        id: PolicyId::from_bytes([1; 16]),
        product: ProductId::from_bytes([2; 16]),
        code: code("plan"),
        name: "Plan".to_string(),
        meters: alloc::vec![new_meter(Some("10"), "2", NewOverage::Refuse).spec().unwrap()],
        duration_ms: Some(5),
        key_pattern: KeyPattern::default(),
        license_permissions: Permissions::NONE,
        meter_while: MeterWhile::default(),
        archived_at: None,
        created_at: Timestamp(1),
        updated_at: Timestamp(1),
    };
    let meter = |allowed: Option<Option<&str>>| MeterPatch {
        name: code("hours"),
        allowed: allowed.map(|allowed| allowed.map(decimal)),
        overage: None,
        record_refusals: None,
    };
    let of = |meter| PolicyPatch { meters: alloc::vec![meter], ..PolicyPatch::default() };
    type Change = fn(&mut Policy);
    let cases: [(PolicyPatch, Result<Change, &str>); 12] = [
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
            PolicyPatch { duration_ms: Some(None), ..PolicyPatch::default() },
            Ok(|policy| policy.duration_ms = None),
        ),
        (
            PolicyPatch {
                license_permissions: Some(Permissions::ALL),
                meter_while: Some(MeterWhile { expired: true, ..MeterWhile::default() }),
                ..PolicyPatch::default()
            },
            Ok(|policy| {
                policy.license_permissions = Permissions::ALL;
                policy.meter_while.expired = true;
            }),
        ),
        (of(meter(Some(None))), Ok(|policy| policy.meters[0].allowed = None)),
        (of(meter(Some(Some("3.5")))), Ok(|policy| policy.meters[0].allowed = Some(350))),
        (of(meter(Some(Some("1")))), Err("allowed")),
        (of(MeterPatch { name: code("pages"), ..meter(None) }), Err("unknown")),
        (
            of(MeterPatch { overage: Some(NewOverage::Percent(5)), ..meter(None) }),
            Ok(|policy| policy.meters[0].overage = Overage::Percent(5)),
        ),
        (
            of(MeterPatch { record_refusals: Some(false), ..meter(None) }),
            Ok(|policy| policy.meters[0].record_refusals = false),
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
