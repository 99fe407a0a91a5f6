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
                released: 0,
                overage: 0,
                total,
                gross,
                allowed: None,
                held: 0,
            },
            previous,
            activation: None,
            reference: None,
            turn: None,
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
    assert_eq!(
        trail,
        Some(Trail { total: 7, gross: 7, held: 0, period_end: None, carried: 0, last_record: 2 })
    );
    assert_eq!(auditor.trail(LicenseId::from_bytes([3; 16]), "other"), None);
    assert_eq!(auditor.tally().uses, 2);
}

fn refused(previous: Option<u64>, total: i64) -> Record<'static> {
    Record {
        at: Timestamp(10),
        event: Event::Refused(RefusedEvent {
            license: LicenseId::from_bytes([3; 16]),
            meter: "frames",
            operation: OperationKind::Increment,
            asked: 9,
            code: "limit-reached",
            total,
            previous,
        }),
    }
}

/// A use by another operation, with its figures: asked, applied, overage, total, gross, allowed.
fn by(
    operation: OperationKind,
    previous: Option<u64>,
    (asked, applied, overage, total, gross, allowed): (i64, i64, i64, i64, i64, Option<i64>),
) -> Record<'static> {
    let mut record = used(previous, applied, total, gross);
    if let Event::Use(event) = &mut record.event {
        event.counted = Counted { operation, asked, overage, allowed, ..event.counted };
    }
    record
}

/// Each after a use of 5 as record 1.
#[test]
fn steps_follow_from_those_before() {
    use OperationKind::{Decrement, Increment, Reset, Set};
    let total = |stated, computed| Err(Flaw::WrongTotal { stated, computed });
    let gross = |stated, computed| Err(Flaw::WrongGross { stated, computed });
    for (operation, figures, expected) in [
        (Increment, (2, 2, 0, 7, 7, None), Ok(())),
        (Increment, (9, 2, 0, 7, 7, None), Ok(())),
        (Increment, (1, 2, 0, 7, 7, None), Err(Flaw::WrongAmount)),
        (Increment, (0, 0, 0, 5, 5, None), Err(Flaw::WrongAmount)),
        (Increment, (2, 2, 1, 7, 7, Some(6)), Ok(())),
        (Increment, (2, 2, 2, 7, 7, Some(4)), Ok(())),
        (Increment, (2, 2, 0, 7, 7, Some(6)), Err(Flaw::WrongOverage)),
        (Increment, (2, 2, 1, 7, 7, None), Err(Flaw::WrongOverage)),
        (Increment, (i64::MAX, i64::MAX, 0, 7, 7, None), total(7, None)),
        (Decrement, (2, 2, 0, 3, 5, None), Ok(())),
        (Decrement, (2, 2, 0, 7, 5, None), total(7, Some(3))),
        (Decrement, (2, 2, 0, 3, 3, None), gross(3, Some(5))),
        (Decrement, (-2, -2, 0, 7, 5, None), Err(Flaw::WrongAmount)),
        (Set, (9, 4, 0, 9, 5, None), Ok(())),
        (Set, (1, -4, 0, 1, 5, None), Ok(())),
        (Set, (9, 5, 0, 9, 5, None), total(9, Some(10))),
        (Set, (8, 4, 0, 9, 5, None), Err(Flaw::WrongAmount)),
        (Set, (9, 4, 0, 9, 9, None), gross(9, Some(5))),
        (Set, (9, 4, 2, 9, 5, Some(7)), Ok(())),
        (Reset, (0, -5, 0, 0, 5, None), Ok(())),
        (Reset, (0, -5, 0, 0, 0, None), gross(0, Some(5))),
    ] {
        let record = by(operation, Some(1), figures);
        assert_eq!(
            audit(&[opened(), used(None, 5, 5, 5), record]),
            expected,
            "{operation:?} {figures:?}"
        );
    }
}

#[test]
fn refusals_are_followed_too() {
    let first = used(None, 5, 5, 5);
    for (records, expected) in [
        (&[first.clone(), refused(Some(1), 5), used(Some(2), 1, 6, 6)][..], Ok(())),
        (&[refused(None, 0), used(Some(1), 5, 5, 5)], Ok(())),
        (
            &[first.clone(), refused(Some(1), 4)],
            Err(Flaw::WrongTotal { stated: 4, computed: Some(5) }),
        ),
        (
            &[first.clone(), refused(None, 5)],
            Err(Flaw::WrongPrevious { stated: None, found: Some(1) }),
        ),
        (
            &[first.clone(), refused(Some(1), 5), used(Some(1), 1, 6, 6)],
            Err(Flaw::WrongPrevious { stated: Some(1), found: Some(2) }),
        ),
        (&[refused(Some(0), 0)], Err(Flaw::WrongPrevious { stated: Some(0), found: None })),
    ] {
        let records: Vec<_> = core::iter::once(opened()).chain(records.iter().cloned()).collect();
        assert_eq!(audit(&records), expected, "{records:?}");
    }
}

#[test]
fn an_audit_goes_on_after_a_flaw_and_counts_everything() {
    let back = Record { at: Timestamp(10), event: Event::ClockBack { wall: Timestamp(1) } };
    let changed = ChangedEvent {
        entity: super::super::record::Entity::License,
        action: super::super::record::Action::Deleted,
        id: [3; 16],
        by: None,
        digest: [0; 32],
    };
    let change = Record { at: Timestamp(10), event: Event::Changed(changed) };
    let mut auditor = Auditor::new(account(), writer());
    let mut frontier = Frontier::default();
    for record in [opened(), used(None, 5, 5, 5), used(None, 1, 6, 6), back, change] {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        frontier.push(leaf_hash(&bytes), |_, _| {});
        let is_flawed = frontier.size() == 3;
        assert_eq!(auditor.record(&bytes).is_err(), is_flawed, "{record:?}");
    }
    assert_eq!(auditor.record(b"no record"), Err(Flaw::Undecodable(RecordError::UnknownVersion)));
    frontier.push(leaf_hash(b"no record"), |_, _| {});
    assert_eq!((auditor.size(), auditor.root()), (6, frontier.root()));
    let tally = Tally { records: 6, uses: 2, refused: 0, changed: 1, clock_back: 1 };
    assert_eq!(auditor.tally(), tally);
    assert_eq!(auditor.last_change(&[3; 16]), Some(&changed));
    assert_eq!(auditor.last_change(&[4; 16]), None);
}
