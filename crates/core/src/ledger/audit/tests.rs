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
    let tally = Tally { records: 6, uses: 2, refused: 0, changed: 1, noticed: 0, clock_back: 1 };
    assert_eq!(auditor.tally(), tally);
    assert_eq!(auditor.last_change(&[3; 16]), Some(&changed));
    assert_eq!(auditor.last_change(&[4; 16]), None);
}

/// A use with all its figures: asked, applied, released, total, gross, held.
fn with_held(
    operation: OperationKind,
    previous: Option<u64>,
    (asked, applied, released, total, gross, held): (i64, i64, i64, i64, i64, i64),
) -> Record<'static> {
    let mut record = by(operation, previous, (asked, applied, 0, total, gross, None));
    if let Event::Use(event) = &mut record.event {
        event.counted = Counted { released, held, ..event.counted };
    }
    record
}

/// Each after a use of 5 as record 1 and a hold of 3 as record 2.
#[test]
fn units_on_hold_follow_from_those_before() {
    use OperationKind::{Decrement, Hold, Increment, Release, Return, Set, Settle, Turn as Turned};
    let amount = Err(Flaw::WrongAmount);
    let total = |stated, computed| Err(Flaw::WrongTotal { stated, computed: Some(computed) });
    let gross = |stated, computed| Err(Flaw::WrongGross { stated, computed: Some(computed) });
    let held = |stated, computed| Err(Flaw::WrongHeld { stated, computed });
    for (operation, figures, expected) in [
        (Hold, (2, 2, 0, 5, 5, 5), Ok(())),
        (Hold, (0, 0, 0, 5, 5, 3), Ok(())),
        (Hold, (9, 2, 0, 5, 5, 5), Ok(())),
        (Hold, (2, 2, 0, 5, 5, 4), held(4, Some(5))),
        (Hold, (1, 2, 0, 5, 5, 5), amount),
        (Hold, (-1, -1, 0, 5, 5, 2), amount),
        (Hold, (2, 2, 0, 7, 5, 5), total(7, 5)),
        (Hold, (2, 2, 0, 5, 7, 5), gross(7, 5)),
        (Hold, (i64::MAX, i64::MAX, 0, 5, 5, 5), held(5, None)),
        (Settle, (3, 3, 3, 8, 8, 0), Ok(())),
        (Settle, (3, 1, 3, 6, 6, 0), Ok(())),
        (Settle, (9, 9, 2, 14, 14, 1), Ok(())),
        (Settle, (3, 3, 3, 8, 8, 3), held(3, Some(0))),
        (Settle, (3, 3, 4, 8, 8, -1), held(-1, Some(-1))),
        (Settle, (3, 3, -1, 8, 8, 4), amount),
        (Settle, (2, 3, 3, 8, 8, 0), amount),
        (Settle, (3, -3, 3, 2, 2, 0), amount),
        (Settle, (3, 3, 3, 5, 8, 0), total(5, 8)),
        (Settle, (3, 3, 3, 8, 5, 0), gross(5, 8)),
        (Release, (3, 3, 3, 5, 5, 0), Ok(())),
        (Release, (3, 3, 3, 5, 5, 1), held(1, Some(0))),
        (Release, (4, 4, 4, 5, 5, -1), held(-1, Some(-1))),
        (Release, (2, 3, 3, 5, 5, 0), amount),
        (Release, (-1, -1, -1, 5, 5, 4), amount),
        (Release, (3, 3, 3, 2, 5, 0), total(2, 5)),
        (Return, (2, 2, 0, 3, 5, 3), Ok(())),
        (Return, (2, 0, 0, 5, 5, 3), Ok(())),
        (Return, (2, 2, 0, 3, 3, 3), gross(3, 5)),
        (Return, (1, 2, 0, 3, 5, 3), amount),
        (Return, (-1, -1, 0, 6, 5, 3), amount),
        (Return, (2, 2, 0, 3, 5, 1), held(1, Some(3))),
        (Increment, (1, 1, 0, 6, 6, 2), held(2, Some(3))),
        (Decrement, (1, 1, 0, 4, 5, 4), held(4, Some(3))),
        (Set, (0, -5, 0, 0, 5, 0), held(0, Some(3))),
        (Turned, (0, -5, 0, 0, 5, 3), Err(Flaw::WrongTurn)),
    ] {
        let hold = with_held(Hold, Some(1), (3, 3, 0, 5, 5, 3));
        let record = with_held(operation, Some(2), figures);
        assert_eq!(
            audit(&[opened(), used(None, 5, 5, 5), hold, record]),
            expected,
            "{operation:?} {figures:?}"
        );
    }
}

/// A turn, stamped then: of what ended, what ends next, and what was carried over.
fn turned(
    at: i64,
    previous: Option<u64>,
    (ended_at, next_end, carried): (Option<i64>, Option<i64>, i64),
    (applied, total): (i64, i64),
) -> Record<'static> {
    let mut record = with_held(OperationKind::Turn, previous, (total, applied, 0, total, 5, 0));
    record.at = Timestamp(at);
    if let Event::Use(event) = &mut record.event {
        let (ended_at, next_end) = (ended_at.map(Timestamp), next_end.map(Timestamp));
        event.turn = Some(Turn { ended_at, next_end, carried });
    }
    record
}

/// Each after a use of 5 as record 1 and the beginning of a period that ends at 100 as record 2.
#[test]
fn turns_follow_from_those_before() {
    let first = || turned(10, Some(1), (None, Some(100), 0), (0, 5));
    let wrong = Err(Flaw::WrongTurn);
    for (at, turn, figures, expected) in [
        (100, (Some(100), Some(200), 0), (-5, 0), Ok(())),
        (150, (Some(100), Some(200), 7), (-5, 0), Ok(())),
        (950, (Some(100), Some(1000), 0), (-3, 2), Ok(())),
        (100, (Some(100), None, 0), (-5, 0), Ok(())),
        (99, (Some(100), Some(200), 0), (-5, 0), wrong),
        (100, (Some(100), Some(100), 0), (-5, 0), wrong),
        (100, (Some(100), Some(99), 0), (-5, 0), wrong),
        // Late, up to what ended in that period: the next turn follows at once.
        (200, (Some(100), Some(200), 0), (-5, 0), Ok(())),
        (150, (Some(90), Some(200), 0), (-5, 0), wrong),
        (150, (None, Some(200), 0), (-5, 0), wrong),
        (150, (Some(100), Some(200), -1), (-5, 0), wrong),
        (
            150,
            (Some(100), Some(200), 0),
            (-4, 0),
            Err(Flaw::WrongTotal { stated: 0, computed: Some(1) }),
        ),
    ] {
        let records = [opened(), used(None, 5, 5, 5), first(), turned(at, Some(2), turn, figures)];
        assert_eq!(audit(&records), expected, "{at} {turn:?} {figures:?}");
    }
    let with_gross = |at, turn, gross| {
        let mut record = turned(at, None, turn, (0, 5));
        if let Event::Use(event) = &mut record.event {
            event.counted.gross = gross;
        }
        audit(&[opened(), record])
    };
    let alone = |at, turn| with_gross(at, turn, 0);
    let out_of_nothing = Err(Flaw::WrongGross { stated: 5, computed: Some(0) });
    assert_eq!(with_gross(10, (None, Some(100), 0), 5), out_of_nothing);
    assert_eq!(alone(100, (Some(90), Some(200), 0)), wrong, "no period ran before");
    assert_eq!(alone(10, (None, Some(100), 0)), Ok(()));
    assert_eq!(alone(100, (None, Some(100), 0)), wrong, "also the first of a meter");
    let mut other = used(Some(2), 1, 6, 6);
    if let Event::Use(event) = &mut other.event {
        event.turn = Some(Turn { ended_at: None, next_end: None, carried: 0 });
    }
    assert_eq!(audit(&[opened(), used(None, 5, 5, 5), first(), other]), wrong, "no turn at all");
}

#[test]
fn a_trail_knows_holds_and_periods() {
    let mut auditor = Auditor::new(account(), writer());
    let hold = with_held(OperationKind::Hold, Some(2), (3, 3, 0, 5, 5, 3));
    let turn = turned(10, Some(1), (None, Some(100), 4), (0, 5));
    for record in [opened(), used(None, 5, 5, 5), turn, hold] {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        auditor.record(&bytes).unwrap();
    }
    let expected = Trail {
        total: 5,
        gross: 5,
        held: 3,
        period_end: Some(Timestamp(100)),
        carried: 4,
        last_record: 3,
    };
    assert_eq!(auditor.trail(LicenseId::from_bytes([3; 16]), "frames"), Some(expected));
}
