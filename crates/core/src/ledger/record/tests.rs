use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::text::Code;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| alloc::format!("{byte:02x}")).collect()
}

fn encoded(record: &Record<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.encode(&mut bytes);
    bytes
}

fn full_use(attributes: AttributesView<'_>) -> Record<'_> {
    Record {
        at: Timestamp(1_700_000_000_001),
        event: Event::Use(UseEvent {
            license: LicenseId::from_bytes([0xcc; 16]),
            meter: "frames",
            counted: Counted {
                operation: OperationKind::Increment,
                asked: 5,
                applied: 3,
                released: 0,
                overage: 1,
                total: 101,
                gross: 300,
                allowed: Some(100),
                held: 0,
            },
            previous: Some(7),
            activation: None,
            reference: None,
            turn: None,
            idempotency: Some((KeyDigest([0xdd; 16]), RequestDigest([0xee; 8]))),
            occurred_at: Some(Timestamp(-1)),
            subject: Some(Commitment([0xff; 32])),
            attributes,
        }),
    }
}

/// Golden bytes of version 1: these never change.
#[test]
fn golden_bytes() {
    let opened = Record {
        at: Timestamp(1_700_000_000_000),
        event: Event::Opened {
            account: AccountId::from_bytes([0xaa; 16]),
            writer: WriterId::from_bytes([0xbb; 16]),
        },
    };
    let (a, b, c) = ("aa".repeat(16), "bb".repeat(16), "cc".repeat(16));
    assert_eq!(hex(&encoded(&opened)), ["0100", "80a0abfef962", &a, &b].concat());

    let scene = Code::parse("", "scene").unwrap();
    let attributes = Attributes::new(alloc::vec![(scene, "intro".to_string())]).unwrap();
    let mut buffer = Vec::new();
    let used = full_use(AttributesView::encode(&attributes, &mut buffer));
    let expected = [
        "0101",
        "82a0abfef962",
        "3f",
        "01",
        &c,
        "066672616d6573",
        "0a",
        "06",
        "02",
        "ca01",
        "d804",
        "00",
        "c801",
        "07",
        &"dd".repeat(16),
        &"ee".repeat(8),
        "01",
        &"ff".repeat(32),
        "01",
        "057363656e65",
        "05696e74726f",
    ];
    assert_eq!(hex(&encoded(&used)), expected.concat());

    let refused = Record {
        at: Timestamp(0),
        event: Event::Refused(RefusedEvent {
            license: LicenseId::from_bytes([0xcc; 16]),
            meter: "f",
            operation: OperationKind::Decrement,
            asked: -1,
            code: "floor-reached",
            total: 0,
            previous: Some(200),
        }),
    };
    let expected =
        ["0102", "00", "02", &c, "0166", "0d666c6f6f722d72656163686564", "01", "00", "01c801"];
    assert_eq!(hex(&encoded(&refused)), expected.concat());

    let changed = Record {
        at: Timestamp(0),
        event: Event::Changed(ChangedEvent {
            entity: Entity::License,
            action: Action::Suspended,
            id: [0xcc; 16],
            by: Some(TokenId::from_bytes([0xbb; 16])),
            digest: [0xdd; 32],
        }),
    };
    let expected = ["0103", "00", "0304", &c, "01", &b, &"dd".repeat(32)];
    assert_eq!(hex(&encoded(&changed)), expected.concat());

    let back = Record { at: Timestamp(5), event: Event::ClockBack { wall: Timestamp(2) } };
    assert_eq!(hex(&encoded(&back)), "01040a04");

    for record in [&opened, &used, &refused, &changed, &back] {
        assert_eq!(Record::decode(&encoded(record)).as_ref(), Ok(record));
    }
}

#[test]
fn attributes_read_back() {
    let pair = |name, value: &str| (Code::parse("", name).unwrap(), value.to_string());
    let attributes = Attributes::new(alloc::vec![pair("b", "2"), pair("a", "")]).unwrap();
    let mut buffer = Vec::new();
    let view = AttributesView::encode(&attributes, &mut buffer);
    assert_eq!(view.iter().collect::<Vec<_>>(), [("a", ""), ("b", "2")]);
    assert_eq!(AttributesView::default().iter().count(), 0);
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let bytes = encoded(&full_use(AttributesView::default()));
    for end in 0..bytes.len() {
        assert!(Record::decode(&bytes[..end]).is_err(), "cut at {end}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Record::decode(&longer), Err(RecordError::Trailing));
    assert_eq!(Record::decode(&[VERSION; RECORD_BYTES_MAX + 1]), Err(RecordError::TooLong));
}

proptest! {
    /// What decodes encodes to the same bytes: hostile bytes cannot have two readings.
    #[test]
    fn one_encoding_each(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        kind in 0u8..6,
    ) {
        if bytes.len() > 2 {
            bytes[0] = VERSION;
            bytes[1] = kind;
        }
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(encoded(&record), bytes);
        }
    }

    /// The same, starting from a valid record with a few bytes changed.
    #[test]
    fn changed_bytes_have_one_encoding_or_none(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = encoded(&full_use(AttributesView::default()));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(encoded(&record), bytes);
        }
    }
}

/// A record of each kind that holds, sessions, periods and machines brought, on meter `f`.
fn others() -> [Record<'static>; 6] {
    use OperationKind::{Hold, Release, Return, Settle, Turn as Turned};
    let reference = |id, until: Option<i64>| Some(Reference { id, until: until.map(Timestamp) });
    let of_hold = Reserved::Hold(HoldId::from_bytes([0xbb; 16]));
    let of_session = Reserved::Session(SessionId::from_bytes([0xbb; 16]));
    let figures = |operation, asked, applied, released, total, held| Counted {
        operation,
        asked,
        applied,
        released,
        overage: 0,
        total,
        gross: 8,
        allowed: None,
        held,
    };
    let plain = |counted| UseEvent {
        license: LicenseId::from_bytes([0xcc; 16]),
        meter: "f",
        counted,
        previous: None,
        activation: None,
        reference: None,
        turn: None,
        idempotency: None,
        occurred_at: None,
        subject: None,
        attributes: AttributesView::default(),
    };
    let machine = Some(ActivationId::from_bytes([0xaa; 16]));
    let turn = |ended_at: Option<i64>, next_end: Option<i64>, carried| {
        let (ended_at, next_end) = (ended_at.map(Timestamp), next_end.map(Timestamp));
        Some(Turn { ended_at, next_end, carried })
    };
    [
        UseEvent {
            previous: Some(7),
            activation: machine,
            reference: reference(of_hold, Some(1000)),
            counted: Counted { allowed: Some(10), ..figures(Hold, 5, 4, 0, 3, 4) },
            ..plain(figures(Hold, 0, 0, 0, 0, 0))
        },
        UseEvent {
            reference: reference(of_session, None),
            ..plain(figures(Settle, 9, 8, 2, 8, 0))
        },
        UseEvent { reference: reference(of_hold, None), ..plain(figures(Release, 4, 4, 4, 3, 0)) },
        UseEvent {
            turn: turn(Some(1000), Some(2000), 2),
            ..plain(figures(Turned, 0, -8, 0, 0, 1))
        },
        UseEvent { turn: turn(None, Some(2000), 0), ..plain(figures(Turned, 3, 0, 0, 3, 0)) },
        UseEvent { activation: machine, ..plain(figures(Return, 3, 2, 0, 1, 0)) },
    ]
    .map(|event| Record { at: Timestamp(0), event: Event::Use(event) })
}

/// Golden bytes of version 1: these never change. After the flags and the operation come license
/// and meter; then asked, applied, (released,) overage, total, gross, held.
#[test]
fn golden_bytes_of_holds_sessions_and_periods() {
    let (a, b) = (&*"aa".repeat(16), &*"bb".repeat(16));
    let expected: [(&str, &[&str]); 6] = [
        ("c305", &["0a", "08", "00", "06", "10", "08", "14", "07", a, "09", b, "d00f"]),
        ("8006", &["12", "10", "04", "00", "10", "10", "00", "02", b]),
        ("8007", &["08", "08", "00", "06", "10", "00", "01", b]),
        ("8008", &["00", "0f", "00", "00", "10", "02", "1c", "d00f", "a01f", "04"]),
        ("8008", &["06", "00", "00", "06", "10", "00", "14", "a01f", "00"]),
        ("4009", &["06", "04", "00", "02", "10", "00", a]),
    ];
    for (record, (flags, rest)) in others().iter().zip(expected) {
        let expected = ["010100", flags, &"cc".repeat(16), "0166", &rest.concat()].concat();
        assert_eq!(hex(&encoded(record)), expected, "{record:?}");
        assert_eq!(Record::decode(&encoded(record)).as_ref(), Ok(record));
    }
}

#[test]
fn references_that_are_none_are_refused() {
    let with = |kind: u8| {
        let mut bytes = encoded(&others()[2]);
        let place = bytes.len() - 17;
        assert_eq!(bytes[place], REFERENCE_HOLD);
        bytes[place] = kind;
        Record::decode(&bytes).map(drop)
    };
    assert_eq!(with(REFERENCE_SESSION), Ok(()));
    for kind in [0, 3, 5, 6, 7, 16 | 1, 16 | 2, 32 | 1, 64 | 2, 128 | 1] {
        assert_eq!(with(kind), Err(RecordError::UnknownValue), "{kind}");
    }
    assert_eq!(with(REFERENCE_HOLD | REFERENCE_UNTIL), Err(RecordError::Truncated));
}

#[test]
fn every_cut_of_the_others_is_refused() {
    for record in others() {
        let bytes = encoded(&record);
        for end in 0..bytes.len() {
            assert!(Record::decode(&bytes[..end]).is_err(), "{record:?} cut at {end}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Record::decode(&longer), Err(RecordError::Trailing));
    }
}

fn instants() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::of(any::<i64>().prop_map(Timestamp))
}

fn references() -> impl Strategy<Value = (Option<Reference>, Option<Turn>)> {
    let id = (any::<[u8; 16]>(), any::<bool>()).prop_map(|(id, is_hold)| match is_hold {
        true => Reserved::Hold(HoldId::from_bytes(id)),
        false => Reserved::Session(SessionId::from_bytes(id)),
    });
    prop_oneof![
        Just((None, None)),
        (id, instants()).prop_map(|(id, until)| (Some(Reference { id, until }), None)),
        (instants(), instants(), any::<i64>()).prop_map(|(ended_at, next_end, carried)| {
            (None, Some(Turn { ended_at, next_end, carried }))
        }),
    ]
}

prop_compose! {
    fn uses()(
        at in any::<i64>(),
        license in any::<[u8; 16]>(),
        operation in prop::sample::select(OperationKind::ALL),
        figures in any::<[i64; 7]>(),
        allowed in prop::option::of(any::<i64>()),
        previous in prop::option::of(any::<u64>()),
        activation in prop::option::of(any::<[u8; 16]>()),
        (reference, turn) in references(),
        key in prop::option::of(any::<([u8; 16], [u8; 8])>()),
        occurred_at in instants(),
        subject in prop::option::of(any::<[u8; 32]>()),
    ) -> Record<'static> {
        let [asked, applied, released, overage, total, gross, held] = figures;
        let released = match operation {
            OperationKind::Settle => released,
            OperationKind::Release => applied,
            _ => 0,
        };
        let counted =
            Counted { operation, asked, applied, released, overage, total, gross, allowed, held };
        Record {
            at: Timestamp(at),
            event: Event::Use(UseEvent {
                license: LicenseId::from_bytes(license),
                meter: "frames",
                counted,
                previous,
                activation: activation.map(ActivationId::from_bytes),
                reference,
                turn,
                idempotency: key.map(|(key, request)| (KeyDigest(key), RequestDigest(request))),
                occurred_at,
                subject: subject.map(Commitment),
                attributes: AttributesView::default(),
            }),
        }
    }
}

proptest! {
    /// Every use reads back as it was written, whatever its figures are.
    #[test]
    fn uses_read_back(record in uses()) {
        let bytes = encoded(&record);
        prop_assert_eq!(Record::decode(&bytes), Ok(record.clone()));
    }

    /// A few bytes of it changed make another record, in its only form, or none.
    #[test]
    fn changed_uses_have_one_encoding_or_none(
        record in uses(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = encoded(&record);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(record) = Record::decode(&bytes) {
            prop_assert_eq!(encoded(&record), bytes);
        }
    }
}
