//! Units set aside, settled, released and expired (rule 8).

use super::*;
use crate::usage::OperationKind::{Hold, Increment, Release, Settle};
use Fit::{Partial, Whole};

#[test]
fn held_units_count_against_the_limit() {
    World::new(spec(Some(10), Measure::Uses)).play(&[
        (0, up(3), Ok(vec![(Increment, 3, 0, 3, 0)])),
        (0, hold(4, Whole, None), Ok(vec![(Hold, 4, 0, 3, 4)])),
        (0, up(4), Err("limit-reached")),
        (0, set(7), Err("limit-reached")),
        (0, hold(4, Whole, None), Err("limit-reached")),
        (0, hold(4, Partial, None), Ok(vec![(Hold, 3, 0, 3, 7)])),
        (0, hold(1, Partial, None), Err("limit-reached")),
        (0, hold(0, Whole, None), Err("amount-not-positive")),
        (0, release(2), Ok(vec![(Release, 4, 4, 3, 3)])),
        (0, up(4), Ok(vec![(Increment, 4, 0, 7, 3)])),
    ]);
}

/// What is used may be less than what was set aside, or more if it fits, but never more than fits.
#[test]
fn settled_for_what_was_used() {
    for (others, used, expected) in [
        (0, None, Ok(vec![(Settle, 4, 4, 4, 0)])),
        (0, Some(4), Ok(vec![(Settle, 4, 4, 4, 0)])),
        (0, Some(1), Ok(vec![(Settle, 1, 4, 1, 0)])),
        (0, Some(0), Ok(vec![(Settle, 0, 4, 0, 0)])),
        (0, Some(-1), Err("amount-not-positive")),
        (0, Some(10), Ok(vec![(Settle, 10, 4, 10, 0)])),
        (0, Some(11), Err("limit-reached")),
        (6, None, Ok(vec![(Settle, 4, 4, 10, 0)])),
        (6, Some(2), Ok(vec![(Settle, 2, 4, 8, 0)])),
        (6, Some(5), Err("limit-reached")),
        (5, Some(5), Ok(vec![(Settle, 5, 4, 10, 0)])),
    ] {
        let mut world = World::new(spec(Some(10), Measure::Uses));
        world.ask(hold(4, Whole, None)).unwrap();
        if others > 0 {
            world.ask(up(others)).unwrap();
        }
        let (state, live) = (world.state, world.live.clone());
        let found = world.ask(settle(1, used));
        assert_eq!(found, expected, "{others} {used:?}");
        if found.is_err() {
            assert_eq!((world.state, world.live), (state, live), "{others} {used:?}");
        } else {
            assert_eq!(world.live, Live::default());
        }
    }
}

#[test]
fn over_is_over() {
    let mut world = World::new(spec(Some(10), Measure::Uses));
    world.play(&[
        (0, hold(4, Whole, None), Ok(vec![(Hold, 4, 0, 0, 4)])),
        (0, settle(1, Some(3)), Ok(vec![(Settle, 3, 4, 3, 0)])),
        (0, settle(1, Some(3)), Err("over")),
        (0, release(1), Err("over")),
        (0, hold(4, Whole, None), Ok(vec![(Hold, 4, 0, 3, 4)])),
        (0, release(5), Ok(vec![(Release, 4, 4, 3, 0)])),
        (0, release(5), Err("over")),
        (0, settle(5, None), Err("over")),
        (0, settle(99, None), Err("over")),
    ]);
    // The hold of another meter is none of this one.
    world.ask(hold(1, Whole, None)).unwrap();
    world.spec.name = code("pages");
    assert_eq!(world.ask(release(10)), Err("over"));
}

#[test]
fn holds_expire_by_themselves() {
    let spec = MeterSpec { hold_seconds_max: 60, ..spec(Some(10), Measure::Uses) };
    let mut world = World::new(spec);
    world.play(&[
        (0, hold(4, Whole, Some(10)), Ok(vec![(Hold, 4, 0, 0, 4)])),
        (0, hold(5, Whole, None), Ok(vec![(Hold, 5, 0, 0, 9)])),
        (0, hold(1, Whole, Some(61)), Err("invalid")),
        (0, hold(1, Whole, Some(0)), Err("invalid")),
        (10 * SECOND - 1, up(2), Err("limit-reached")),
        (1, up(2), Ok(vec![(Increment, 2, 0, 2, 5)])),
        (0, settle(1, None), Err("over")),
        (50 * SECOND - 1, settle(2, Some(1)), Ok(vec![(Settle, 1, 5, 3, 0)])),
    ]);
    world.pass(HOUR);
    assert_eq!(world.due(), []);
}

#[test]
fn what_is_due_is_decided_in_the_order_of_time() {
    let mut world = World::new(spec(None, Measure::Uses));
    for seconds in [30, 10, 20] {
        world.ask(hold(i64::from(seconds), Whole, Some(seconds))).unwrap();
    }
    world.pass(MINUTE);
    let expected =
        [(10, 50), (20, 30), (30, 0)].map(|(units, held)| (Release, units, units, 0, held));
    assert_eq!(world.due(), expected);
}

/// What was set aside is there to be used, even if the ceiling has come down since; but no more.
#[test]
fn a_lowered_ceiling_keeps_its_promises() {
    let mut world = World::new(spec(Some(10), Measure::Uses));
    world.ask(up(5)).unwrap();
    world.ask(hold(5, Whole, None)).unwrap();
    world.allowed_from = AllowedFrom::License(Some(3));
    world.play(&[
        (0, up(1), Err("limit-reached")),
        (0, hold(1, Partial, None), Err("limit-reached")),
        (0, settle(2, Some(6)), Err("limit-reached")),
        (0, settle(2, None), Ok(vec![(Settle, 5, 5, 10, 0)])),
    ]);
    assert_eq!(world.log.last().map(|counted| counted.overage), Some(5));
}

#[test]
fn holds_are_bounded_and_counters_do_not_overflow() {
    let mut world = World::new(spec(None, Measure::Uses));
    world.ask(up(i64::MAX)).unwrap();
    world.ask(hold(5, Whole, None)).unwrap();
    world.play(&[
        (0, settle(2, None), Err("counter-full")),
        (0, hold(i64::MAX, Whole, None), Err("counter-full")),
        (0, release(2), Ok(vec![(Release, 5, 5, i64::MAX, 0)])),
    ]);
    let mut world = World::new(spec(None, Measure::Uses));
    world.ask(hold(1, Whole, None)).unwrap();
    let one = world.live.holds[0].clone();
    world.live.holds = vec![one; HOLDS_PER_LICENSE_MAX];
    assert_eq!(world.ask(hold(1, Whole, None)), Err("too-many"));
}
