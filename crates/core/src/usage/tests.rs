use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::*;

fn a_use(operation: Operation) -> Use {
    Use {
        license: LicenseRef::Id(LicenseId::from_bytes([1; 16])),
        meter: Code::parse("meter", "frames").unwrap(),
        operation,
        activation: None,
        idempotency_key: None,
        occurred_at: None,
        subject: None,
        attributes: Attributes::default(),
    }
}

fn step(amount: &str, bound: Option<&str>, fit: Fit) -> Step {
    let decimal = |text: &str| Decimal::parse(text).unwrap();
    Step { amount: decimal(amount), bound: bound.map(decimal), fit }
}

fn full() -> Use {
    let subject = Subject {
        user: Some("ada".to_string()),
        host: None,
        address: Some("10.0.0.1".to_string()),
    };
    Use {
        occurred_at: Some(Timestamp(1_767_225_600_000)),
        subject: Some(subject),
        attributes: attributes(&[("scene", "intro")]).unwrap(),
        ..a_use(Operation::Increment(step("1.5", Some("10"), Fit::Partial)))
    }
}

fn attributes(pairs: &[(&str, &str)]) -> Result<Attributes, Refusal> {
    let pair =
        |(name, value): &(&str, &str)| (Code::parse("name", name).unwrap(), (*value).to_string());
    Attributes::new(pairs.iter().map(pair).collect())
}

fn new_hold(seconds: Option<u32>) -> NewHold {
    NewHold { amount: Decimal::parse("1.5").unwrap(), fit: Fit::Whole, seconds }
}

fn one() -> CheckOut {
    CheckOut { count: Decimal::ONE }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| alloc::format!("{byte:02x}")).collect()
}

/// Golden hashes, made with another implementation: a repeat after an upgrade is still a repeat.
#[test]
fn golden_digests() {
    let up = Operation::Increment(step("1.5", None, Fit::Whole));
    let down = Operation::Decrement(step("1.5", None, Fit::Whole));
    for (used, expected) in [
        (a_use(up), "fb0b88fccf4165f8"),
        (full(), "ddc1b3e5fe39345b"),
        (a_use(down), "4efd7568702025eb"),
        (a_use(Operation::Set(Decimal::parse("-3").unwrap())), "4291ba773cd302d3"),
        (a_use(Operation::Reset), "b8b532b10ed59357"),
    ] {
        assert_eq!(hex(&used.request_digest().0), expected, "{used:?}");
    }
    let key = IdempotencyKey::parse("order-7".to_string()).unwrap();
    let digest = key.digest(&[5; 32], AccountId::from_bytes([1; 16]));
    assert_eq!(hex(&digest.0), "a132f0232965e3e2c6baf8255e1628cd");
    assert_ne!(digest, key.digest(&[6; 32], AccountId::from_bytes([1; 16])));
    assert_ne!(digest, key.digest(&[5; 32], AccountId::from_bytes([2; 16])));
}

/// Everything that a caller can say makes another request, but for the way numbers are written.
#[test]
fn requests_are_told_apart() {
    let operation = |operation| Use { operation, ..full() };
    let increment = |amount, bound, fit| operation(Operation::Increment(step(amount, bound, fit)));
    let subject = |user: Option<&str>, host: Option<&str>| {
        let text = |text: &str| text.to_string();
        let subject = Subject { user: user.map(text), host: host.map(text), address: None };
        Use { subject: Some(subject), ..full() }
    };
    let with = |pairs: &[(&str, &str)]| Use { attributes: attributes(pairs).unwrap(), ..full() };
    let (hold, session) = (HoldId::from_bytes([1; 16]), SessionId::from_bytes([1; 16]));
    let partial = NewHold { fit: Fit::Partial, ..new_hold(None) };
    let two = CheckOut { count: Decimal::whole(2) };
    let on = |activation| Use { activation: Some(activation), ..full() };
    let machine = |text: &str| ActivationRef::Fingerprint(text.to_string());
    let others = [
        full(),
        operation(Operation::Hold(new_hold(None))),
        operation(Operation::Hold(new_hold(Some(60)))),
        operation(Operation::Hold(partial)),
        operation(Operation::Settle(hold, None)),
        operation(Operation::Settle(hold, Some(Decimal::whole(0)))),
        operation(Operation::Settle(hold, Some(Decimal::ONE))),
        operation(Operation::Settle(HoldId::from_bytes([2; 16]), None)),
        operation(Operation::Release(hold)),
        operation(Operation::CheckOut(one())),
        operation(Operation::CheckOut(two)),
        operation(Operation::Heartbeat(session)),
        operation(Operation::CheckIn(session)),
        on(ActivationRef::Id(ActivationId::from_bytes([1; 16]))),
        on(machine("a")),
        on(machine("b")),
        increment("1.6", Some("10"), Fit::Partial),
        increment("15", Some("10"), Fit::Partial),
        increment("1.5", Some("11"), Fit::Partial),
        increment("1.5", None, Fit::Partial),
        increment("1.5", Some("10"), Fit::Whole),
        operation(Operation::Decrement(step("1.5", Some("10"), Fit::Partial))),
        operation(Operation::Set(Decimal::parse("1.5").unwrap())),
        operation(Operation::Reset),
        Use { occurred_at: None, ..full() },
        Use { occurred_at: Some(Timestamp(0)), ..full() },
        Use { subject: None, ..full() },
        subject(Some("ada"), None),
        subject(None, Some("ada")),
        subject(Some("a"), Some("da")),
        with(&[]),
        with(&[("scene", "outro")]),
        with(&[("shot", "intro")]),
        with(&[("scene", "intro"), ("shot", "1")]),
    ];
    for (place, one) in others.iter().enumerate() {
        for other in &others[..place] {
            assert_ne!(one.request_digest(), other.request_digest(), "{one:?} {other:?}");
        }
    }
    let same = increment("1.50", Some("10.0"), Fit::Partial);
    assert_eq!(same.request_digest(), full().request_digest());
}

#[test]
fn what_occurred_may_lie_so_far_away() {
    let now = Timestamp(1_767_225_600_000);
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    for (offset, expected) in [
        (None, true),
        (Some(0), true),
        (Some(DAY_MS), true),
        (Some(DAY_MS + 1), false),
        (Some(-400 * DAY_MS), true),
        (Some(-400 * DAY_MS - 1), false),
        (Some(i64::MIN), false),
        (Some(i64::MAX), false),
    ] {
        let occurred_at = offset.map(|offset| now.plus_ms(offset));
        let used = Use { occurred_at, ..full() };
        assert_eq!(used.check_occurred_at(now).is_ok(), expected, "{offset:?}");
    }
}

#[test]
fn keys_subjects_and_attributes_are_bounded() {
    for (length, expected) in [(0, false), (1, true), (255, true), (256, false)] {
        let text = "a".repeat(length);
        assert_eq!(IdempotencyKey::parse(text.clone()).is_ok(), expected, "key of {length}");
        let subject = Subject { host: Some(text.clone()), ..Subject::default() };
        assert_eq!(subject.check().is_ok(), expected, "host of {length}");
        let is_short = length <= 255;
        assert_eq!(attributes(&[("a", &text)]).is_ok(), is_short, "value of {length}");
    }
    assert!(Subject::default().check().is_err(), "nobody");
    let names: Vec<String> = (0..17).map(|number| alloc::format!("a{number}")).collect();
    let pairs: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "")).collect();
    assert!(attributes(&pairs[..16]).is_ok() && attributes(&pairs).is_err());
    assert!(attributes(&[("a", "1"), ("b", "2"), ("a", "1")]).is_err());
    let sorted = attributes(&[("b", "2"), ("a", "1")]).unwrap();
    assert_eq!(sorted.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
}

#[test]
fn personal_data_and_keys_are_not_shown() {
    let shown = alloc::format!("{:?}", full());
    assert!(!shown.contains("ada") && !shown.contains("10.0.0.1"), "{shown}");
}

#[test]
fn operations_have_words_and_permissions() {
    for kind in OperationKind::ALL {
        assert_eq!(OperationKind::from_word(kind.word()), Some(*kind));
    }
    let step = step("1", None, Fit::Whole);
    let (hold, session) = (HoldId::from_bytes([1; 16]), SessionId::from_bytes([2; 16]));
    for (operation, word, permission, kind) in [
        (Operation::Increment(step), "increment", "meter:increment", "increment"),
        (Operation::Decrement(step), "decrement", "meter:decrement", "decrement"),
        (Operation::Set(step.amount), "set", "meter:set", "set"),
        (Operation::Reset, "reset", "meter:reset", "reset"),
        (Operation::Hold(new_hold(None)), "hold", "meter:hold", "hold"),
        (Operation::Settle(hold, None), "settle", "meter:hold", "settle"),
        (Operation::Release(hold), "release", "meter:hold", "release"),
        (Operation::CheckOut(one()), "check-out", "session:write", "hold"),
        (Operation::Heartbeat(session), "heartbeat", "session:write", "hold"),
        (Operation::CheckIn(session), "check-in", "session:write", "settle"),
    ] {
        assert_eq!(operation.word(), word);
        assert_eq!(operation.permission().word(), permission, "{word}");
        assert_eq!(operation.kind().word(), kind, "{word}");
    }
    assert_eq!(OperationKind::from_word("Increment"), None);
}
