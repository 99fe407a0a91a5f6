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
