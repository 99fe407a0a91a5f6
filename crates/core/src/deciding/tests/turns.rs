//! Periods of a meter: what turns, when, and what rolls over (rule 6).

use super::*;
use crate::meter::{MeterPeriod, Rollover};
use crate::period::Every;
use crate::period::zone::Zone;
use crate::terms::PeriodAnchor;
use crate::usage::OperationKind::{Hold, Increment, Release, Settle};

fn monthly(allowed: Option<i64>, measure: Measure) -> MeterSpec {
    MeterSpec { period: MeterPeriod::Every(Every::Month), ..spec(allowed, measure) }
}

fn turn(applied: i64, total: i64, held: i64) -> Done {
    (OperationKind::Turn, applied, 0, total, held)
}

/// Midnight of a day of 2026, in Greenwich.
fn day(month: i64, day: i64) -> Timestamp {
    let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    BEGIN.plus_ms((before[usize::try_from(month - 1).unwrap()] + day - 1) * DAY)
}

#[test]
fn the_first_movement_begins_a_period_and_the_next_one_closes_it() {
    let mut world = World::new(monthly(Some(10), Measure::Uses));
    assert_eq!(world.due(), [turn(0, 0, 0)]);
    assert_eq!(world.state.period_end, Some(day(2, 1)));
    world.ask(up(10)).unwrap();
    assert_eq!(world.ask(up(1)), Err("limit-reached"));
    world.now = day(2, 1).plus_ms(-1);
    assert_eq!(world.due(), []);
    world.now = day(2, 1);
    assert_eq!(world.due(), [turn(-10, 0, 0)]);
    assert_eq!(world.state.period_end, Some(day(3, 1)));
    assert_eq!(world.ask(up(10)), Ok(vec![(Increment, 10, 0, 10, 0)]));
    assert_eq!((world.state.gross, world.due()), (20, vec![]));
}

/// A clock that stands still, or is set back behind the ledger's time, turns nothing twice.
#[test]
fn a_period_turns_once() {
    let mut world = World::new(monthly(None, Measure::Uses));
    world.ask(up(3)).unwrap();
    world.now = day(2, 1);
    assert_eq!(world.due().len(), 1);
    for _ in 0..3 {
        assert_eq!(world.ask(up(1)).map(|done| done.len()), Ok(1));
    }
    assert_eq!(world.state.total, 3);
}

#[test]
fn skipped_periods_are_passed_in_one_turn() {
    for (rollover, floor, used, to, carried) in [
        (Rollover::None, 0, 4, day(2, 1), 0),
        (Rollover::All, 0, 4, day(2, 1), 6),
        (Rollover::All, 0, 10, day(2, 1), 0),
        (Rollover::All, 0, 4, day(3, 1).plus_ms(-1), 6),
        (Rollover::All, 0, 4, day(3, 1), 16),
        (Rollover::All, 0, 4, day(6, 15), 46),
        (Rollover::UpTo(5), 0, 4, day(2, 1), 5),
        (Rollover::UpTo(5), 0, 8, day(2, 1), 2),
        (Rollover::UpTo(5), 0, 8, day(6, 1), 5),
        (Rollover::UpTo(25), 0, 4, day(4, 1), 25),
        (Rollover::UpTo(0), 0, 4, day(4, 1), 0),
        (Rollover::All, 2, 4, day(2, 1), 4),
        (Rollover::All, 2, 4, day(4, 1), 20),
        (Rollover::All, -2, 4, day(4, 1), 26),
    ] {
        let spec = MeterSpec { rollover, floor, ..monthly(Some(10), Measure::Uses) };
        let begins = floor.max(0);
        let mut world = World::new(spec);
        world.ask(up(used)).unwrap();
        world.now = to;
        assert_eq!(world.due(), [turn(-used, begins, 0)]);
        assert_eq!(world.state.carried, carried, "{rollover:?} {floor} {used} {to:?}");
        let left = 10 - begins + carried;
        assert_eq!(world.ask(up(left + 1)), Err("limit-reached"));
        assert!(world.ask(up(left)).is_ok(), "{rollover:?} {floor} {used} {to:?}");
    }
}

/// What lay above the ceiling is not taken from the next period, nor from what the skipped ones
/// leave; a meter without a ceiling has nothing to roll over.
#[test]
fn overage_and_endless_ceilings_roll_nothing_over() {
    for (allowed, used, to, carried) in
        [(Some(10), 15, day(2, 1), 0), (Some(10), 15, day(4, 1), 20), (None, 15, day(4, 1), 0)]
    {
        let spec = MeterSpec {
            rollover: Rollover::All,
            overage: Overage::Allow,
            ..monthly(allowed, Measure::Uses)
        };
        let mut world = World::new(spec);
        world.ask(up(used)).unwrap();
        world.now = to;
        world.due();
        assert_eq!(world.state.carried, carried, "{allowed:?} {used}");
    }
}

/// Each rollover once: what was carried and is used is gone, what was not is carried on.
#[test]
fn what_was_carried_is_used_up() {
    let rollover = Rollover::All;
    let mut world = World::new(MeterSpec { rollover, ..monthly(Some(10), Measure::Uses) });
    for (month, used, carried) in [(1, 4, 0), (2, 13, 6), (3, 13, 3), (4, 0, 0), (5, 20, 10)] {
        world.now = day(month, 1);
        world.due();
        assert_eq!(world.state.carried, carried, "{month}");
        assert!(world.ask(up(10 + carried + 1)).is_err(), "{month}");
        if used > 0 {
            world.ask(up(used)).unwrap();
        }
    }
}

#[test]
fn the_end_of_a_month_does_not_drift() {
    let mut world = World::new(monthly(None, Measure::Uses));
    world.terms.period_anchor = PeriodAnchor::License;
    world.license.created_at = day(1, 31);
    world.now = day(1, 31);
    for end in [day(2, 28), day(3, 31), day(4, 30), day(5, 31)] {
        world.due();
        assert_eq!(world.state.period_end, Some(end));
        world.now = end;
    }
}

#[test]
fn periods_follow_the_time_zone() {
    let mut world = World::new(monthly(None, Measure::Uses));
    world.terms.time_zone = Zone::parse("zone", "Europe/Berlin").unwrap();
    world.now = day(3, 15);
    world.due();
    assert_eq!(world.state.period_end, Some(day(4, 1).plus_ms(-2 * HOUR)));
}

/// A period that the policy changes holds from the end of the running one on.
#[test]
fn a_period_changed_on_a_running_meter() {
    let mut world = World::new(monthly(Some(10), Measure::Uses));
    world.spec.rollover = Rollover::All;
    world.now = day(1, 10);
    world.ask(up(4)).unwrap();
    world.spec.period = MeterPeriod::Every(Every::Day);
    world.now = day(1, 20);
    assert_eq!((world.due(), world.state.period_end), (vec![], Some(day(2, 1))));
    world.now = day(2, 3).plus_ms(HOUR);
    assert_eq!(world.due(), [turn(-4, 0, 0)]);
    assert_eq!((world.state.period_end, world.state.carried), (Some(day(2, 4)), 26));
    // Taken away: the running one ends, and none begins.
    world.spec.period = MeterPeriod::Never;
    world.ask(up(1)).unwrap();
    world.now = day(5, 1);
    assert_eq!(world.due(), [turn(-1, 0, 0)]);
    assert_eq!((world.state.period_end, world.state.carried), (None, 35));
    assert_eq!((world.ask(up(2)).is_ok(), world.due()), (true, vec![]));
    // And given again: nothing that is there is lost by it.
    world.spec.period = MeterPeriod::Every(Every::Day);
    assert_eq!(world.due(), [turn(0, 2, 0)]);
    assert_eq!((world.state.period_end, world.state.carried), (Some(day(5, 2)), 35));
}

#[test]
fn the_billing_period_is_that_of_the_terms() {
    let period = MeterPeriod::Billing;
    let mut world = World::new(MeterSpec { period, ..spec(None, Measure::Uses) });
    world.ask(up(1)).unwrap();
    assert_eq!(world.state.period_end, None);
    world.terms.billing_every = Some(Every::Quarter);
    assert_eq!(world.due(), [turn(0, 1, 0)]);
    assert_eq!(world.state.period_end, Some(day(4, 1)));
    world.terms.billing_every = None;
    world.now = day(4, 1);
    assert_eq!(world.due(), [turn(-1, 0, 0)]);
    assert_eq!(world.state.period_end, None);
    // Without a period something may still be due, and in its order.
    world.ask(hold(1, Fit::Whole, Some(20))).unwrap();
    world.ask(hold(2, Fit::Whole, Some(10))).unwrap();
    world.pass(MINUTE);
    assert_eq!(world.due(), [(Release, 2, 2, 0, 1), (Release, 1, 1, 0, 0)]);
}

/// Units on hold stay on hold over a turn, and count in the period in which they are settled.
#[test]
fn holds_pass_over_a_turn() {
    let mut world = World::new(monthly(Some(10), Measure::Uses));
    world.ask(up(6)).unwrap();
    world.now = day(1, 31).plus_ms(DAY - MINUTE);
    world.ask(hold(4, Fit::Whole, None)).unwrap();
    world.now = day(2, 1);
    assert_eq!(world.due(), [turn(-6, 0, 4)]);
    world.play(&[
        (0, up(7), Err("limit-reached")),
        (0, settle(2, Some(10)), Ok(vec![(Settle, 10, 4, 10, 0)])),
    ]);
}

/// What ended before the period did, or with it, counts towards it.
#[test]
fn what_ends_first_is_decided_first() {
    let end = day(2, 1);
    for (seconds, is_first) in [(59, true), (60, true), (61, false)] {
        let mut world = World::new(monthly(Some(10), Measure::Duration(MINUTES)));
        world.spec.session_grace_seconds = seconds;
        world.due();
        world.now = end.plus_ms(-MINUTE);
        world.ask(hold(1, Fit::Whole, Some(seconds))).unwrap();
        world.ask(check_out(1)).unwrap();
        world.now = end.plus_ms(HOUR);
        let done = world.due();
        let minutes = i64::from(seconds > 60) + 1;
        let (released, settled) = ((Release, 1, 1, 0, 1), (Settle, minutes, 1, minutes, 0));
        let expected = match is_first {
            true => vec![released, settled, turn(-minutes, 0, 0)],
            false => vec![turn(0, 0, 2), released, settled],
        };
        assert_eq!(done, expected, "{seconds}");
    }
}

/// A session and a hold are in the order of their ends, on a meter without a period too.
#[test]
fn sessions_and_holds_end_in_order() {
    for (seconds, is_session_first) in [(90, true), (30, false)] {
        let mut world = World::new(spec(Some(10), Measure::Duration(MINUTES)));
        world.spec.session_grace_seconds = 60;
        world.ask(hold(1, Fit::Whole, Some(seconds))).unwrap();
        world.ask(check_out(1)).unwrap();
        world.pass(HOUR);
        let first = world.due()[0].0;
        assert_eq!(first == Settle, is_session_first, "{seconds}");
    }
}

/// A peak begins its new period with the seats that are held.
#[test]
fn a_peak_begins_with_what_is_held() {
    let mut world = World::new(monthly(Some(10), Measure::Peak));
    world.spec.session_grace_seconds = 90 * 24 * 60 * 60;
    world.due();
    world.play(&[
        (0, check_out(5), Ok(vec![(Hold, 5, 0, 0, 5), (Increment, 5, 0, 5, 5)])),
        (0, check_out(3), Ok(vec![(Hold, 3, 0, 5, 8), (Increment, 3, 0, 8, 8)])),
        (0, check_in(1), Ok(vec![(Release, 5, 5, 8, 3)])),
    ]);
    world.now = day(2, 1);
    assert_eq!(world.due(), [turn(-5, 3, 3)]);
    world.play(&[
        (0, check_out(7), Ok(vec![(Hold, 7, 0, 3, 10), (Increment, 7, 0, 10, 10)])),
        (0, check_out(1), Err("limit-reached")),
    ]);
}

/// A timer closes the last period of a meter that nobody moves, once, and the next use begins one.
#[test]
fn an_idle_meter_turns_once() {
    let mut world = World::new(monthly(Some(10), Measure::Uses));
    world.now = day(1, 10);
    assert_eq!(world.idle(), [], "nothing has begun");
    world.ask(up(4)).unwrap();
    world.now = day(2, 1);
    assert_eq!(world.idle(), [turn(-4, 0, 0)]);
    assert_eq!(world.state.period_end, None);
    world.now = day(9, 1);
    assert_eq!(world.idle(), []);
    assert_eq!(world.ask(up(10)), Ok(vec![(Increment, 10, 0, 10, 0)]));
    assert_eq!(world.state.period_end, Some(day(10, 1)));
}

/// What a next period begins with keeps it going: something on hold, carried over or going on.
#[test]
fn an_idle_meter_goes_on_with_what_it_has() {
    let free = Timing { free_seconds: 90 * 24 * 60 * 60, ..MINUTES };
    for (rollover, measure, operation) in [
        (Rollover::All, Measure::Uses, up(1)),
        (Rollover::None, Measure::Uses, hold(1, Fit::Whole, None)),
        (Rollover::None, Measure::Seats, check_out(1)),
        (Rollover::None, Measure::Duration(free), check_out(1)),
    ] {
        let weeks = 60 * 24 * 60 * 60;
        let mut world = World::new(MeterSpec {
            rollover,
            session_grace_seconds: weeks,
            hold_seconds_max: weeks,
            ..monthly(Some(10), measure)
        });
        world.ask(operation).unwrap();
        world.now = day(2, 1);
        assert_eq!(world.idle().len(), 1);
        assert_eq!(world.state.period_end, Some(day(3, 1)), "{rollover:?} {operation:?}");
    }
}
