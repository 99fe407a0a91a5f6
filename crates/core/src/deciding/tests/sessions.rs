//! Sessions of each measure, from check-out to check-in (rule 9).

use super::*;
use crate::access::AccessList;
use crate::period::zone::Zone;
use crate::quantity::Scale;
use crate::usage::OperationKind::{Hold, Increment, Release, Settle};

fn timed(allowed: Option<i64>, timing: Timing) -> World {
    World::new(spec(allowed, Measure::Duration(timing)))
}

fn of(user: Option<&str>, host: Option<&str>) -> Option<Subject> {
    let text = |text: &str| text.to_string();
    Some(Subject { user: user.map(text), host: host.map(text), address: None })
}

impl World {
    /// Asks for somebody.
    fn ask_for(&mut self, user: &str, operation: Operation) -> Outcome {
        self.ask_with(operation, |used| used.subject = of(Some(user), None))
    }
}

#[test]
fn seats_are_held_while_sessions_last() {
    let mut world = World::new(spec(Some(3), Measure::Seats));
    world.play(&[
        (0, check_out(2), Ok(vec![(Hold, 2, 0, 0, 2)])),
        (0, check_out(2), Err("limit-reached")),
        (0, check_out(1), Ok(vec![(Hold, 1, 0, 0, 3)])),
        (0, up(1), Err("limit-reached")),
        (9 * MINUTE, beat(1), Ok(vec![])),
        // The other one was not heard of for ten minutes.
        (MINUTE, check_out(1), Ok(vec![(Hold, 1, 0, 0, 3)])),
        (0, beat(3), Err("over")),
        (0, check_in(3), Err("over")),
        (0, check_in(1), Ok(vec![(Release, 2, 2, 0, 1)])),
        (0, check_in(1), Err("over")),
        (0, check_out(0), Err("amount-not-positive")),
        (10 * MINUTE, check_out(3), Ok(vec![(Hold, 3, 0, 0, 3)])),
    ]);
    assert_eq!(world.state.gross, 0);
}

#[test]
fn a_meter_of_uses_takes_no_sessions_and_none_is_another_ones() {
    let mut world = World::new(spec(None, Measure::Uses));
    world.play(&[(0, check_out(1), Err("no-sessions")), (0, beat(1), Err("over"))]);
    let mut world = World::new(spec(None, Measure::Seats));
    world.ask(check_out(1)).unwrap();
    world.spec.name = code("pages");
    world.play(&[(0, beat(1), Err("over")), (0, check_in(1), Err("over"))]);
    let one = world.live.sessions[0].clone();
    world.live.sessions = vec![one; SESSIONS_PER_LICENSE_MAX];
    assert_eq!(world.ask(check_out(1)), Err("too-many"));
}

/// The total is the most seats that were ever held at once. Counting it up by hand claims that
/// there were more, but no more than there may be.
#[test]
fn a_peak_rises_and_never_falls() {
    let mut world = World::new(spec(Some(5), Measure::Peak));
    world.play(&[
        (0, check_out(2), Ok(vec![(Hold, 2, 0, 0, 2), (Increment, 2, 0, 2, 2)])),
        (0, check_out(1), Ok(vec![(Hold, 1, 0, 2, 3), (Increment, 1, 0, 3, 3)])),
        (0, check_in(1), Ok(vec![(Release, 2, 2, 3, 1)])),
        (0, check_out(2), Ok(vec![(Hold, 2, 0, 3, 3)])),
        (0, check_out(3), Err("limit-reached")),
        (0, check_out(2), Ok(vec![(Hold, 2, 0, 3, 5), (Increment, 2, 0, 5, 5)])),
        (0, up(1), Err("limit-reached")),
        (0, check_in(4), Ok(vec![(Release, 2, 2, 5, 3)])),
        (0, up(1), Err("limit-reached")),
        (0, set(4), Ok(vec![(OperationKind::Set, -1, 0, 4, 3)])),
        (0, up(1), Ok(vec![(Increment, 1, 0, 5, 3)])),
        (0, set(6), Err("limit-reached")),
        (0, hold(2, Fit::Whole, None), Ok(vec![(Hold, 2, 0, 5, 5)])),
        (0, settle(13, None), Err("limit-reached")),
        (0, settle(13, Some(0)), Ok(vec![(Settle, 0, 2, 5, 3)])),
    ]);
}

/// What a session costs, by the gaps between its heartbeats in seconds; the last one is up to its
/// check-in. First is what the check-out sets aside.
#[test]
fn durations_become_quantities() {
    let quarters = Timing { unit_seconds: 3600, step_seconds: 900, ..MINUTES };
    let seconds = Timing { unit_seconds: 1, step_seconds: 1, ..MINUTES };
    let at_least = Timing { minimum_seconds: 600, ..MINUTES };
    let odd = Timing { minimum_seconds: 90, ..MINUTES };
    let free = Timing { free_seconds: 120, ..MINUTES };
    let both = Timing { free_seconds: 120, minimum_seconds: 300, ..MINUTES };
    let idle = Timing { idle_seconds: Some(90), ..MINUTES };
    for (timing, digits, count, gaps, first, cost) in [
        (MINUTES, 0, 1, &[0][..], 1, 1),
        (MINUTES, 0, 1, &[59], 1, 1),
        (MINUTES, 0, 1, &[60], 1, 1),
        (MINUTES, 0, 1, &[61], 1, 2),
        (MINUTES, 0, 1, &[40, 40, 40], 1, 2),
        (MINUTES, 0, 1, &[40, 40, 41], 1, 3),
        (MINUTES, 0, 3, &[61], 3, 6),
        (MINUTES, 3, 2, &[61], 2000, 4000),
        (quarters, 2, 1, &[1], 25, 25),
        (quarters, 2, 1, &[500, 400], 25, 25),
        (quarters, 2, 1, &[500, 401], 25, 50),
        (quarters, 2, 4, &[500, 401], 100, 200),
        (seconds, 0, 1, &[5, 7], 1, 12),
        (at_least, 0, 1, &[1], 10, 10),
        (at_least, 0, 1, &[300, 300], 10, 10),
        (at_least, 0, 2, &[300, 301], 20, 22),
        (odd, 0, 1, &[1], 2, 2),
        (free, 0, 1, &[120], 0, 0),
        (free, 0, 1, &[121], 0, 1),
        (free, 0, 2, &[120, 120], 0, 4),
        (both, 0, 1, &[100], 0, 0),
        (both, 0, 1, &[121], 0, 5),
        (both, 0, 1, &[400, 21], 0, 6),
        (idle, 0, 1, &[90], 1, 2),
        (idle, 0, 1, &[91], 1, 2),
        (idle, 0, 1, &[500, 500, 30], 1, 4),
    ] {
        let scale = Scale::new(digits).unwrap();
        let mut world = World::new(MeterSpec { scale, ..spec(None, Measure::Duration(timing)) });
        let what = alloc::format!("{timing:?} {count} {gaps:?}");
        assert_eq!(world.ask(check_out(count)), Ok(vec![(Hold, first, 0, 0, first)]), "{what}");
        let (last, beats) = gaps.split_last().unwrap();
        for seconds in beats {
            world.pass(seconds * SECOND);
            world.ask(beat(1)).unwrap();
        }
        world.pass(last * SECOND);
        let found = world.ask(check_in(1)).unwrap()[0];
        assert_eq!((found.0, found.1, found.4), (Settle, cost, 0), "{what}");
    }
}

/// Half a session cannot be shown in every unit, so there is none.
#[test]
fn only_whole_sessions_take_time() {
    let mut world = timed(None, MINUTES);
    world.spec.scale = Scale::new(1).unwrap();
    let half = Operation::CheckOut(CheckOut { count: Decimal::parse("0.5").unwrap() });
    assert_eq!(world.ask(half), Err("invalid"));
    world.spec.measure = Measure::Seats;
    assert_eq!(world.ask(half), Ok(vec![(Hold, 5, 0, 0, 5)]));
}

/// A session that falls silent ended at its last heartbeat plus the grace, whenever that is found
/// out.
#[test]
fn silent_sessions_end_at_their_grace() {
    for (found_after, grace, cost) in
        [(0, 600, 13), (DAY, 600, 13), (400 * DAY, 600, 13), (0, 60, 4), (0, 30, 4), (0, 1, 4)]
    {
        let mut world = timed(None, MINUTES);
        world.spec.session_grace_seconds = 600;
        world.ask(check_out(1)).unwrap();
        world.pass(3 * MINUTE);
        world.spec.session_grace_seconds = grace;
        assert_eq!(world.ask(beat(1)), Ok(vec![(Hold, 2, 0, 0, 3)]));
        world.pass(i64::from(grace) * SECOND - 1);
        assert_eq!(world.due(), []);
        world.pass(1 + found_after);
        assert_eq!(world.due(), [(Settle, cost, 3, cost, 0)], "{found_after} {grace}");
        assert_eq!(world.ask(beat(1)), Err("over"));
    }
}

/// A pause counts as much of a silence as of a gap.
#[test]
fn a_silence_is_a_pause_too() {
    let mut world = timed(None, Timing { idle_seconds: Some(60), ..MINUTES });
    world.ask(check_out(1)).unwrap();
    world.pass(DAY);
    assert_eq!(world.due(), [(Settle, 1, 1, 1, 0)]);
}

#[test]
fn a_heartbeat_that_cannot_hold_more_ends_the_session() {
    let mut world = timed(Some(3), MINUTES);
    world.play(&[
        (0, check_out(1), Ok(vec![(Hold, 1, 0, 0, 1)])),
        (2 * MINUTE, beat(1), Ok(vec![(Hold, 1, 0, 0, 2)])),
        (MINUTE, beat(1), Ok(vec![(Hold, 1, 0, 0, 3)])),
        (0, check_out(1), Err("limit-reached")),
    ]);
    world.pass(1);
    let used = world.used(beat(1));
    let decision = world.request(&used).unwrap();
    assert_eq!(decision.ended, Some(Ended::LimitReached));
    let counted = decision.steps[0].counted;
    assert_eq!(done(&counted), (Settle, 3, 3, 3, 0));
    assert_eq!((counted.asked, world.live.sessions.len()), (4, 0));
    assert_eq!(world.ask(beat(1)), Err("over"));
}

/// What was used was used: at the end what fits is counted, and the record says what was asked.
#[test]
fn the_end_counts_what_fits() {
    for (others, counted) in [(0, 5), (4, 5), (5, 5), (7, 3), (9, 1)] {
        let mut world = timed(Some(10), MINUTES);
        world.ask(check_out(1)).unwrap();
        if others > 0 {
            world.ask(up(others)).unwrap();
        }
        world.pass(5 * MINUTE);
        let total = others + counted;
        assert_eq!(world.ask(check_in(1)), Ok(vec![(Settle, counted, 1, total, 0)]), "{others}");
        assert_eq!(world.log.last().map(|counted| counted.asked), Some(5));
    }
    // The same where the ceiling has come down below what is there.
    let mut world = timed(Some(10), MINUTES);
    world.ask(up(5)).unwrap();
    world.ask(check_out(1)).unwrap();
    world.allowed_from = AllowedFrom::License(Some(2));
    world.pass(5 * MINUTE);
    assert_eq!(world.ask(check_in(2)), Ok(vec![(Settle, 1, 1, 6, 0)]));
}

/// No session can become so dear that it cannot end.
#[test]
fn beyond_64_bits_a_session_counts_what_the_counter_takes() {
    let most = i64::MAX / 2;
    for ending in ["heartbeat", "check-in", "silence"] {
        let mut world = timed(None, MINUTES);
        world.ask(check_out(most)).unwrap();
        world.pass(5 * MINUTE);
        match ending {
            "heartbeat" => {
                let used = world.used(beat(1));
                assert_eq!(world.request(&used).unwrap().ended, Some(Ended::LimitReached));
            }
            "check-in" => assert!(world.ask(check_in(1)).is_ok()),
            _ => {
                world.pass(HOUR);
                assert_eq!(world.due().len(), 1);
            }
        }
        assert_eq!((world.state.total, world.state.held), (i64::MAX, 0), "{ending}");
    }
    let mut world = timed(None, MINUTES);
    world.ask(up(i64::MAX - 1)).unwrap();
    world.ask(check_out(1)).unwrap();
    world.pass(DAY);
    assert_eq!(world.due(), [(Settle, 1, 1, i64::MAX, 0)]);
}

#[test]
fn a_day_is_paid_for_once_by_each() {
    let mut world = World::new(spec(Some(4), Measure::DayPass));
    world.live.activations = [1, 2].map(a_machine).map(Arc::new).into();
    let first = |total| Ok(vec![(Increment, 1, 0, total, 0)]);
    let again = |total| Ok(vec![(Hold, 0, 0, total, 0)]);
    assert_eq!(world.ask_on(1, check_out(1)), first(1));
    assert_eq!(world.ask_on(1, check_out(1)), again(1));
    assert_eq!(world.ask_on(2, check_out(1)), first(2));
    assert_eq!(world.ask_for("ada", check_out(1)), first(3));
    assert_eq!(world.ask_for("ada", check_out(1)), again(3));
    let on_host = |used: &mut Use| used.subject = of(None, Some("ada"));
    assert_eq!(world.ask_with(check_out(1), on_host), first(4));
    assert_eq!(world.ask_with(check_out(1), on_host), again(4));
    // Who is nobody pays each time; and what is paid for is good at the limit, too.
    assert_eq!(world.live.passes.len(), 4);
    assert_eq!(world.ask(check_out(1)), Err("limit-reached"));
    world.allowed_from = AllowedFrom::License(Some(2));
    assert_eq!(world.ask_for("ada", check_out(1)), again(4));
    assert_eq!(world.ask(check_in(2)), Ok(vec![(Release, 0, 0, 4, 0)]));
    assert_eq!(world.ask(check_in(1)), Ok(vec![(Release, 0, 0, 4, 0)]));
    assert_eq!(world.state.gross, 4);
    assert!(world.live.passes.iter().all(|pass| pass.until == BEGIN.plus_ms(DAY)));
}

/// Days end at midnight where the license is at home, also those that have 23 or 25 hours.
#[test]
fn days_are_those_of_the_time_zone() {
    for (zone, begin, length) in [
        ("UTC", BEGIN, 24 * HOUR),
        ("America/New_York", BEGIN, 5 * HOUR),
        ("Europe/Berlin", BEGIN.plus_ms(86 * DAY + 23 * HOUR), 23 * HOUR),
        ("Europe/Berlin", BEGIN.plus_ms(296 * DAY + 22 * HOUR), 25 * HOUR),
    ] {
        let mut world = World::new(spec(None, Measure::DayPass));
        world.terms.time_zone = Zone::parse("zone", zone).unwrap();
        world.now = begin;
        assert_eq!(world.ask_for("ada", check_out(1)).unwrap()[0].0, Increment);
        world.pass(length - 1);
        assert_eq!(world.ask_for("ada", check_out(1)).unwrap()[0].0, Hold, "{zone}");
        world.pass(1);
        assert_eq!(world.ask_for("ada", check_out(1)).unwrap()[0].0, Increment, "{zone}");
        assert_eq!(world.live.passes.len(), 1, "yesterday is forgotten");
    }
}

#[test]
fn access_rules_are_asked() {
    let rules = "deny user=mallory\nlimit 2 user=ada\nreserve 3 host=host1\n";
    let mut world = World::new(spec(Some(6), Measure::Seats));
    world.terms.access = AccessList::parse(rules).unwrap();
    world.live.activations = vec![Arc::new(a_machine(1))];
    let seat = |held| Ok(vec![(Hold, 1, 0, 0, held)]);
    assert_eq!(world.ask_for("mallory", check_out(1)), Err("access-denied"));
    assert_eq!(world.ask_for("mallory", up(1)), Err("access-denied"));
    assert_eq!(world.ask_for("mallory", hold(1, Fit::Whole, None)), Err("access-denied"));
    assert_eq!(world.ask_for("ada", check_out(3)), Err("reserved-for-others"));
    assert_eq!(world.ask_for("ada", check_out(1)), seat(1));
    assert_eq!(world.ask_for("ada", check_out(1)), seat(2));
    assert_eq!(world.ask_for("ada", check_out(1)), Err("reserved-for-others"));
    assert_eq!(world.ask_for("eve", check_out(2)), Err("reserved-for-others"));
    assert_eq!(world.ask_for("eve", check_out(1)), seat(3));
    assert_eq!(world.ask_for("eve", check_out(1)), Err("reserved-for-others"));
    // The three that are left are for the host, which the machine is known to be.
    for held in 4..=6 {
        assert_eq!(world.ask_on(1, check_out(1)), seat(held));
    }
    assert_eq!(world.ask_on(1, check_out(1)), Err("limit-reached"));
}

/// A rule that comes later turns nobody out: what was begun goes on and ends.
#[test]
fn what_was_begun_goes_on_and_ends() {
    let mut world = World::new(spec(Some(9), Measure::Seats));
    world.ask_for("ada", check_out(1)).unwrap();
    world.ask_for("ada", hold(1, Fit::Whole, None)).unwrap();
    world.ask_for("ada", hold(1, Fit::Whole, None)).unwrap();
    world.terms.access = AccessList::parse("deny").unwrap();
    assert_eq!(world.ask_for("ada", check_out(1)), Err("access-denied"));
    for operation in [beat(1), check_in(1), settle(2, None), release(3)] {
        assert!(world.ask_for("ada", operation).is_ok(), "{operation:?}");
    }
}

/// Counts of sessions that hold nothing may add up to more than 64 bits.
#[test]
fn counts_of_others_do_not_overflow() {
    let mut world = timed(None, Timing { free_seconds: 60, ..MINUTES });
    world.terms.access = AccessList::parse("limit 9 user=ada").unwrap();
    for _ in 0..3 {
        assert!(world.ask_for("eve", check_out(i64::MAX)).is_ok());
    }
    world.terms.access = AccessList::parse("limit 9 user=eve").unwrap();
    assert_eq!(world.ask_for("eve", check_out(1)), Err("reserved-for-others"));
}
