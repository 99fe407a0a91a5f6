use super::*;
use crate::ledger::record::AttributesView;

fn writer() -> WriterId {
    WriterId::from_bytes([2; 16])
}

fn account() -> AccountId {
    AccountId::from_bytes([1; 16])
}

fn opened() -> Record<'static> {
    Record { at: Timestamp(10), event: Event::Opened { account: account(), writer: writer() } }
}

fn used(previous: Option<u64>, applied: i64, total: i64, gross: i64) -> Record<'static> {
    Record {
        at: Timestamp(10),
        event: Event::Use(UseEvent {
            license: LicenseId::from_bytes([3; 16]),
            meter: "frames",
            counted: Counted {
                operation: OperationKind::Increment,
                asked: applied,
                applied,
                overage: 0,
                total,
                gross,
                allowed: None,
                held: 0,
            },
            previous,
            idempotency: None,
            occurred_at: None,
            subject: None,
            attributes: AttributesView::default(),
        }),
    }
}

fn audit(records: &[Record<'_>]) -> Result<(), Flaw> {
    let mut auditor = Auditor::new(account(), writer());
    let mut bytes = Vec::new();
    for record in records {
        bytes.clear();
        record.encode(&mut bytes);
        auditor.record(&bytes)?;
    }
    Ok(())
}

#[test]
fn contradictions_are_named() {
    let first = used(None, 5, 5, 5);
    let ok = [opened(), first.clone(), used(Some(1), 2, 7, 7)];
    assert_eq!(audit(&ok), Ok(()));
    let earlier = Record { at: Timestamp(9), ..used(Some(1), 2, 7, 7) };
    for (records, expected) in [
        (&[first.clone()][..], Flaw::WrongOpening),
        (&[opened(), opened()], Flaw::WrongOpening),
        (&[opened(), first.clone(), earlier], Flaw::TimeRunsBackwards),
        (
            &[opened(), first.clone(), used(None, 2, 7, 7)],
            Flaw::WrongPrevious { stated: None, found: Some(1) },
        ),
        (
            &[opened(), first.clone(), used(Some(1), 2, 8, 7)],
            Flaw::WrongTotal { stated: 8, computed: Some(7) },
        ),
        (
            &[opened(), first.clone(), used(Some(1), 2, 7, 8)],
            Flaw::WrongGross { stated: 8, computed: Some(7) },
        ),
        (&[opened(), first.clone(), used(Some(1), -2, 3, 5)], Flaw::WrongAmount),
    ] {
        assert_eq!(audit(records), Err(expected), "{records:?}");
    }
}

#[test]
fn the_trail_is_where_the_last_record_leaves_it() {
    let mut auditor = Auditor::new(account(), writer());
    for record in [opened(), used(None, 5, 5, 5), used(Some(1), 2, 7, 7)] {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        auditor.record(&bytes).unwrap();
    }
    let trail = auditor.trail(LicenseId::from_bytes([3; 16]), "frames");
    assert_eq!(trail, Some(Trail { total: 7, gross: 7, last_record: 2 }));
    assert_eq!(auditor.trail(LicenseId::from_bytes([3; 16]), "other"), None);
    assert_eq!(auditor.tally().uses, 2);
}
