use alloc::string::ToString;

use super::*;
use crate::meter::Overage;
use crate::terms::Seconds;

fn meter(name: &str) -> MeterSpec {
    MeterSpec { allowed: Some(5), ..MeterSpec::new(Code::parse("name", name).unwrap()) }
}

fn policy(meters: Vec<MeterSpec>, duration: Option<u64>) -> Policy {
    Policy {
        id: PolicyId::from_bytes([1; 16]),
        product: ProductId::from_bytes([2; 16]),
        code: Code::parse("code", "plan").unwrap(),
        name: "Plan".to_string(),
        meters: meters.into_iter().map(Arc::new).collect(),
        key_pattern: KeyPattern::default(),
        terms: Arc::new(Terms { duration_seconds: Seconds(duration), ..Terms::default() }),
        entitlements: Vec::new(),
        metadata: Metadata::default(),
        archived_at: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

#[test]
fn contradictions_are_refused_by_field() {
    let many = |count: usize| (0..count).map(|n| meter(&alloc::format!("m{n}"))).collect();
    let with = |change: fn(&mut MeterSpec)| {
        let mut spec = meter("a");
        change(&mut spec);
        alloc::vec![spec]
    };
    for (meters, duration, expected) in [
        (Vec::new(), None, None),
        (many(POLICY_METERS_MAX), Some(1), None),
        (many(POLICY_METERS_MAX + 1), None, Some("meters")),
        (alloc::vec![meter("a"), meter("b"), meter("a")], None, Some("meters")),
        (Vec::new(), Some(0), Some("terms.duration_seconds")),
        (with(|spec| spec.unit = "  ".to_string()), None, Some("unit")),
        (with(|spec| spec.allowed = Some(-1)), None, Some("allowed")),
        (with(|spec| spec.floor = 6), None, Some("allowed")),
        (with(|spec| spec.floor = 5), None, None),
        (with(|spec| spec.floor = -6), None, None),
        (with(|spec| (spec.allowed, spec.floor) = (None, 6)), None, None),
        (with(|spec| spec.overage = Overage::Amount(-1)), None, Some("overage")),
        (with(|spec| spec.overage = Overage::Percent(10_000)), None, None),
        (with(|spec| spec.overage = Overage::Percent(10_001)), None, Some("overage")),
    ] {
        let policy = policy(meters, duration);
        let found = match policy.check() {
            Ok(()) => None,
            Err(Refusal::Invalid { field, .. }) => Some(field),
            Err(other) => panic!("{other}"),
        };
        assert_eq!(found.as_deref(), expected, "{:?} {duration:?}", policy.meters);
    }
}

#[test]
fn meters_are_found_by_name() {
    let policy = policy(alloc::vec![meter("a"), meter("b")], None);
    assert_eq!(policy.meter("b"), Some(&policy.meters[1]));
    assert_eq!(policy.meter("c"), None);
}
