mod words;

use super::*;
use crate::quantity::Scale;
use crate::text::Code;

fn spec(allowed: Option<i64>, overage: Overage) -> MeterSpec {
    MeterSpec { allowed, overage, ..MeterSpec::new(Code::parse("name", "frames").unwrap()) }
}

fn meter(spec: &MeterSpec) -> Meter<'_> {
    Meter { license: LicenseId::from_bytes([1; 16]), spec, allowed_from: AllowedFrom::Policy }
}

fn at(total: i64, gross: i64, held: i64) -> MeterState {
    MeterState { total, gross, held, ..spec(None, Overage::Refuse).beginning() }
}

fn step(amount: i64, bound: Option<i64>, fit: Fit) -> Step {
    Step { amount: Decimal::whole(amount), bound: bound.map(Decimal::whole), fit }
}

/// `Ok((applied, total, gross, overage))` or the code of the refusal.
fn outcome(
    spec: &MeterSpec,
    state: MeterState,
    motion: Motion,
) -> Result<(i64, i64, i64, i64), &'static str> {
    match meter(spec).decide(&state, motion, None, Timestamp(0)) {
        Ok((counted, after)) => {
            assert_eq!((counted.total, counted.gross), (after.total, after.gross));
            assert_eq!(state.after(&counted, None, Timestamp(0), 9).unwrap().total, after.total);
            Ok((counted.applied, counted.total, counted.gross, counted.overage))
        }
        Err(refusal) => Err(refusal.code()),
    }
}

#[test]
fn increments() {
    use Fit::{Partial, Whole};
    const MAX: i64 = i64::MAX;
    let refuse = Overage::Refuse;
    for (allowed, overage, state, amount, bound, fit, expected) in [
        (Some(10), refuse, at(0, 0, 0), 10, None, Whole, Ok((10, 10, 10, 0))),
        (Some(10), refuse, at(0, 0, 0), 11, None, Whole, Err("limit-reached")),
        (Some(10), refuse, at(0, 0, 0), 11, None, Partial, Ok((10, 10, 10, 0))),
        (Some(10), refuse, at(10, 10, 0), 1, None, Partial, Err("limit-reached")),
        (Some(10), refuse, at(4, 9, 3), 3, None, Whole, Ok((3, 7, 12, 0))),
        (Some(10), refuse, at(4, 9, 3), 4, None, Whole, Err("limit-reached")),
        (None, refuse, at(4, 4, 0), 1000, None, Whole, Ok((1000, 1004, 1004, 0))),
        (None, refuse, at(4, 4, 0), 2, Some(5), Whole, Err("bound-reached")),
        (None, refuse, at(4, 4, 0), 2, Some(5), Partial, Ok((1, 5, 5, 0))),
        (Some(5), refuse, at(4, 4, 0), 3, Some(6), Whole, Err("limit-reached")),
        (Some(6), refuse, at(4, 4, 0), 3, Some(5), Whole, Err("bound-reached")),
        (Some(10), Overage::Allow, at(8, 8, 0), 5, None, Whole, Ok((5, 13, 13, 3))),
        (Some(10), Overage::Amount(2), at(8, 8, 0), 4, None, Whole, Ok((4, 12, 12, 2))),
        (Some(10), Overage::Amount(2), at(8, 8, 0), 5, None, Whole, Err("limit-reached")),
        (Some(10), Overage::Percent(25), at(10, 10, 0), 2, None, Whole, Ok((2, 12, 12, 2))),
        (Some(10), Overage::Percent(25), at(10, 10, 0), 3, None, Whole, Err("limit-reached")),
        (Some(10), refuse, at(0, 0, 0), 0, None, Whole, Err("amount-not-positive")),
        (Some(10), refuse, at(0, 0, 0), -1, None, Whole, Err("amount-not-positive")),
        (None, refuse, at(1, 1, 0), MAX, None, Whole, Err("counter-full")),
        (None, refuse, at(0, MAX, 0), 1, None, Whole, Err("counter-full")),
        (Some(MAX), Overage::Amount(MAX), at(MAX - 1, 5, 0), 1, None, Whole, Ok((1, MAX, 6, 0))),
        (Some(0), refuse, at(0, 0, 0), 1, None, Whole, Err("limit-reached")),
        (Some(3), refuse, at(5, 5, 0), 1, None, Partial, Err("limit-reached")),
    ] {
        let motion = Motion::Increment(step(amount, bound, fit));
        let found = outcome(&spec(allowed, overage), state, motion);
        assert_eq!(found, expected, "{allowed:?} {overage:?} {state:?} {motion:?}");
    }
}

#[test]
fn decrements_sets_and_resets() {
    use Fit::{Partial, Whole};
    let down = |amount, bound, fit| Motion::Decrement(step(amount, bound, fit));
    let set = |value| Motion::Set(Decimal::whole(value));
    for (floor, state, motion, expected) in [
        (0, at(5, 9, 0), down(5, None, Whole), Ok((5, 0, 9, 0))),
        (0, at(5, 9, 0), down(6, None, Whole), Err("floor-reached")),
        (0, at(5, 9, 0), down(6, None, Partial), Ok((5, 0, 9, 0))),
        (-3, at(0, 0, 0), down(3, None, Whole), Ok((3, -3, 0, 0))),
        (0, at(5, 9, 0), down(3, Some(3), Whole), Err("bound-reached")),
        (0, at(5, 9, 0), down(3, Some(3), Partial), Ok((2, 3, 9, 0))),
        (0, at(5, 9, 0), down(9, Some(-4), Whole), Err("floor-reached")),
        (0, at(0, 9, 0), down(1, None, Partial), Err("floor-reached")),
        (0, at(5, 9, 0), down(-1, None, Whole), Err("amount-not-positive")),
        (0, at(5, 9, 0), set(10), Ok((5, 10, 9, 0))),
        (0, at(5, 9, 0), set(11), Err("limit-reached")),
        (0, at(5, 9, 2), set(9), Err("limit-reached")),
        (0, at(15, 15, 0), set(12), Ok((-3, 12, 15, 0))),
        (0, at(5, 9, 0), set(-1), Err("floor-reached")),
        (0, at(5, 9, 0), Motion::Reset, Ok((-5, 0, 9, 0))),
        (2, at(5, 9, 0), Motion::Reset, Ok((-3, 2, 9, 0))),
    ] {
        let spec = MeterSpec { floor, ..spec(Some(10), Overage::Refuse) };
        assert_eq!(outcome(&spec, state, motion), expected, "{floor} {state:?} {motion:?}");
    }
}

#[test]
fn fractions_are_counted_exactly_or_refused() {
    let spec = MeterSpec { scale: Scale::new(2).unwrap(), ..spec(Some(1000), Overage::Refuse) };
    let increment = |text| {
        Motion::Increment(Step {
            amount: Decimal::parse(text).unwrap(),
            bound: None,
            fit: Fit::Whole,
        })
    };
    assert_eq!(outcome(&spec, at(0, 0, 0), increment("1.25")), Ok((125, 125, 125, 0)));
    assert_eq!(outcome(&spec, at(0, 0, 0), increment("1.255")), Err("fraction-beyond-scale"));
    assert_eq!(
        outcome(&spec, at(0, 0, 0), increment("922337203685477580")),
        Err("amount-out-of-range")
    );
}

#[test]
fn hours_begin_at_zero_and_conserve_the_total() {
    let spec = spec(None, Overage::Refuse);
    let meter = meter(&spec);
    let up = Motion::Increment(step(3, None, Fit::Whole));
    let (_, state) = meter.decide(&at(0, 0, 0), up, None, Timestamp(5)).unwrap();
    let set = Motion::Set(Decimal::whole(1));
    let (_, state) = meter.decide(&state, set, None, Timestamp(6)).unwrap();
    assert_eq!((state.hour.incremented, state.hour.adjusted, state.hour.uses), (3, -2, 2));
    let next_hour = Timestamp(crate::time::HOUR_MS);
    let (_, state) = meter.decide(&state, up, None, next_hour).unwrap();
    assert_eq!((state.hour.hour, state.hour.incremented, state.hour.uses), (1, 3, 1));
}
