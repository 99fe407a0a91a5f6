//! What always holds, tried on random meters, requests and clocks, against the slow model.

use proptest::prelude::*;

use super::model::{Model, Whom};
use super::*;
use crate::live::{Hold, Session};
use crate::meter::{MeterPeriod, Rollover};
use crate::period::Every;
use crate::period::zone::Zone;
use crate::quantity::Scale;
use crate::terms::PeriodAnchor;

/// What is asked, in whole units; holds and sessions by the number of the request that began them.
#[derive(Debug, Clone, Copy)]
enum Ask {
    Increment { amount: i64, bound: Option<i64>, fit: Fit, on: Option<u8> },
    Decrement { amount: i64, fit: Fit, on: Option<u8> },
    Set(i64),
    Reset,
    Hold { amount: i64, fit: Fit, seconds: u32, on: Option<u8> },
    Settle(u16, Option<i64>),
    Release(u16),
    CheckOut(i64, Whom),
    Beat(u16),
    CheckIn(u16),
    EndMachine(u8),
    Allow(Option<i64>),
}

fn fits() -> impl Strategy<Value = Fit> {
    prop_oneof![Just(Fit::Whole), Just(Fit::Partial)]
}

fn machines() -> impl Strategy<Value = Option<u8>> {
    prop::option::of(1u8..4)
}

fn asks() -> impl Strategy<Value = Ask> {
    let whom = prop_oneof![
        Just(Whom::Nobody),
        (1u8..4).prop_map(Whom::Machine),
        Just(Whom::User("ada")),
        Just(Whom::User("eve")),
    ];
    // How many requests ago something began.
    let ago = || 1u16..8;
    prop_oneof![
        4 => (1i64..8, prop::option::of(0i64..15), fits(), machines()).prop_map(
            |(amount, bound, fit, on)| Ask::Increment { amount, bound, fit, on }
        ),
        3 => (1i64..8, fits(), machines())
            .prop_map(|(amount, fit, on)| Ask::Decrement { amount, fit, on }),
        1 => (-4i64..15).prop_map(Ask::Set),
        1 => Just(Ask::Reset),
        4 => (1i64..8, fits(), 1u32..100, machines()).prop_map(
            |(amount, fit, minutes, on)| Ask::Hold { amount, fit, seconds: minutes * 60, on }
        ),
        3 => (ago(), prop::option::of(0i64..12)).prop_map(|(ago, used)| Ask::Settle(ago, used)),
        1 => ago().prop_map(Ask::Release),
        5 => (1i64..4, whom).prop_map(|(count, whom)| Ask::CheckOut(count, whom)),
        6 => ago().prop_map(Ask::Beat),
        3 => ago().prop_map(Ask::CheckIn),
        1 => (1u8..4).prop_map(Ask::EndMachine),
        1 => prop::option::of(3i64..15).prop_map(Ask::Allow),
    ]
}

/// Time that stands still, walks and jumps.
fn gaps() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => Just(0),
        4 => (0i64..20).prop_map(|minutes| minutes * MINUTE),
        3 => 0i64..HOUR,
        1 => 0i64..DAY,
        1 => 0i64..70 * DAY,
    ]
}

fn measures() -> impl Strategy<Value = (Measure, u8)> {
    let timing = (0u32..10, 0u32..10, prop::option::of(1u32..20), any::<bool>());
    let timed = timing.prop_map(|(minimum, free, idle, is_hours)| {
        let timing = Timing {
            unit_seconds: if is_hours { 3600 } else { 60 },
            minimum_seconds: minimum * 60,
            free_seconds: free * 60,
            step_seconds: if is_hours { 900 } else { 60 },
            idle_seconds: idle.map(|idle| idle * 45),
        };
        (Measure::Duration(timing), if is_hours { 2 } else { 0 })
    });
    prop_oneof![
        2 => Just((Measure::Uses, 0)),
        1 => Just((Measure::Seats, 0)),
        2 => Just((Measure::Peak, 1)),
        4 => timed,
        2 => Just((Measure::DayPass, 0)),
    ]
}

fn worlds() -> impl Strategy<Value = World> {
    let period = prop_oneof![
        Just(MeterPeriod::Never),
        prop::sample::select(&Every::ALL[..]).prop_map(MeterPeriod::Every),
    ];
    let rollover = prop_oneof![
        Just(Rollover::None),
        Just(Rollover::All),
        (0i64..30).prop_map(Rollover::UpTo),
    ];
    let overage = prop_oneof![
        3 => Just(Overage::Refuse),
        1 => Just(Overage::Allow),
        1 => (0i64..5).prop_map(Overage::Amount),
        1 => (0u32..60).prop_map(Overage::Percent),
    ];
    let zone = prop::sample::select(&["UTC", "Europe/Berlin", "America/New_York"][..]);
    let limits = (prop::option::of(3i64..20), -3i64..3, 1u32..80, any::<bool>());
    (measures(), period, rollover, overage, zone, limits).prop_map(
        |((measure, digits), period, rollover, overage, zone, limits)| {
            let (allowed, floor, grace, is_anchored) = limits;
            let scale = Scale::new(digits).unwrap();
            let whole = 10i64.pow(u32::from(digits));
            let mut world = World::new(MeterSpec {
                scale,
                period,
                rollover,
                overage,
                floor: floor * whole,
                session_grace_seconds: grace * 60,
                hold_seconds_max: 3600,
                ..spec(allowed.map(|allowed| allowed * whole), measure)
            });
            world.terms.time_zone = Zone::parse("zone", zone).unwrap();
            if is_anchored {
                world.terms.period_anchor = PeriodAnchor::License;
            }
            world.license.created_at = BEGIN.plus_ms(30 * DAY + 7 * HOUR);
            world.now = world.license.created_at;
            world.live.activations = [1, 2, 3].map(a_machine).map(Arc::new).into();
            world
        },
    )
}

/// What lives on the license for another meter, all of it long due.
fn strangers() -> (Hold, Session, Share) {
    let meter = code("pages");
    let hold = Hold {
        id: HoldId::from_bytes([0xff; 16]),
        meter: meter.clone(),
        activation: None,
        units: 3,
        expires_at: BEGIN,
        created_at: BEGIN,
    };
    let session = Session {
        id: SessionId::from_bytes([0xff; 16]),
        meter: meter.clone(),
        activation: None,
        count: 2,
        reserved: 2,
        active_ms: 0,
        subject: None,
        seen_at: BEGIN,
        expires_at: BEGIN,
        created_at: BEGIN,
    };
    (hold, session, Share { activation: machine(1), meter, quantity: 9 })
}

fn operation(ask: Ask, begun: impl Fn(u16) -> u16) -> Option<Operation> {
    let step = |amount, bound: Option<i64>, fit| crate::usage::Step {
        amount: Decimal::whole(amount),
        bound: bound.map(Decimal::whole),
        fit,
    };
    Some(match ask {
        Ask::Increment { amount, bound, fit, .. } => Operation::Increment(step(amount, bound, fit)),
        Ask::Decrement { amount, fit, .. } => Operation::Decrement(step(amount, None, fit)),
        Ask::Set(value) => set(value),
        Ask::Reset => Operation::Reset,
        Ask::Hold { amount, fit, seconds, .. } => hold(amount, fit, Some(seconds)),
        Ask::Settle(ago, used) => settle(begun(ago), used),
        Ask::Release(ago) => release(begun(ago)),
        Ask::CheckOut(count, _) => check_out(count),
        Ask::Beat(ago) => beat(begun(ago)),
        Ask::CheckIn(ago) => check_in(begun(ago)),
        Ask::EndMachine(_) | Ask::Allow(_) => return None,
    })
}

fn whom(ask: Ask) -> Whom {
    match ask {
        Ask::Increment { on: Some(on), .. }
        | Ask::Decrement { on: Some(on), .. }
        | Ask::Hold { on: Some(on), .. } => Whom::Machine(on),
        Ask::CheckOut(_, whom) => whom,
        _ => Whom::Nobody,
    }
}

/// Asks the model the same.
fn model_asks(world: &World, model: &mut Model, ask: Ask, number: u16) -> Result<(), &'static str> {
    let whole = 10i128.pow(u32::from(world.spec.scale.digits()));
    let units = |value: i64| i128::from(value) * whole;
    let begun = |ago: u16| number.saturating_sub(ago);
    let share = match whom(ask) {
        Whom::Machine(one) if world.live.activation(&ActivationRef::Id(machine(one))).is_none() => {
            return Err("unknown");
        }
        Whom::Machine(one) => Some(i128::from(world.live.share(machine(one), "frames"))),
        _ => None,
    };
    match ask {
        Ask::Increment { amount, bound, fit, .. } => {
            model.increment(units(amount), bound.map(units), fit)
        }
        Ask::Decrement { amount, fit, .. } => model.decrement(units(amount), share, fit),
        Ask::Set(value) => model.set(units(value)),
        Ask::Reset => {
            model.reset();
            Ok(())
        }
        Ask::Hold { amount, fit, seconds, .. } => model.hold(number, units(amount), fit, seconds),
        Ask::Settle(ago, used) => model.settle(begun(ago), used.map(units)),
        Ask::Release(ago) => model.release(begun(ago)),
        Ask::CheckOut(count, whom) => model.check_out(number, units(count), whom),
        Ask::Beat(ago) => model.heartbeat(begun(ago)),
        Ask::CheckIn(ago) => model.check_in(begun(ago)),
        Ask::EndMachine(_) | Ask::Allow(_) => Ok(()),
    }
}

impl World {
    fn sum_of_shares(&self) -> i64 {
        let own = self.live.shares.iter().filter(|share| share.meter == self.spec.name);
        own.map(|share| share.quantity).sum()
    }

    /// What holds after everything that happens.
    fn check(&self, model: &Model) {
        let state = &self.state;
        let found = (state.total, state.gross, state.held, state.carried);
        let found = (found.0.into(), found.1.into(), found.2.into(), found.3.into());
        assert_eq!(found, (model.total, model.gross, model.held(), model.carried));
        assert_eq!(state.period_end.map(|at| at.0), model.period_end);
        let name = &self.spec.name;
        let holds = self.live.holds.iter().filter(|hold| hold.meter == *name);
        let holds = holds.map(|hold| (*hold.id.bytes(), hold.units));
        let sessions = self.live.sessions.iter().filter(|session| session.meter == *name);
        let sessions = sessions.map(|session| (*session.id.bytes(), session.reserved));
        let mut live: Vec<_> = holds.chain(sessions).collect();
        live.sort_unstable();
        let expected = model.items.iter().map(|item| (id(item.number), item.units));
        let expected = expected.map(|(id, units)| (id, i64::try_from(units).unwrap()));
        let mut expected: Vec<_> = expected.collect();
        expected.sort_unstable();
        assert_eq!(live, expected, "each hold and session has what the model says");
        let trail = self.auditor.trail(self.license.id, name);
        assert_eq!(
            trail.map(|trail| (trail.total, trail.gross, trail.held, trail.period_end)),
            state.last_record.map(|_| (state.total, state.gross, state.held, state.period_end)),
            "an auditor comes to the same"
        );
        let own = self.live.shares.iter().filter(|share| share.meter == *name);
        assert!(own.clone().all(|share| share.quantity > 0));
        assert!(self.sum_of_shares() <= state.total - self.spec.floor, "{:?}", self.live.shares);
        assert!(overdue(&self.situation()).unwrap().is_none(), "nothing is due any more");
    }

    /// A request, and what it does to shares.
    fn ask_as(&mut self, ask: Ask, operation: Operation) -> Result<(), &'static str> {
        self.due();
        let (live, state, records) = (self.live.clone(), self.state, self.records);
        let result = self.ask_with(operation, |used| match whom(ask) {
            Whom::Nobody => {}
            Whom::Machine(one) => used.activation = Some(ActivationRef::Id(machine(one))),
            Whom::User(user) => {
                let user = Some(user.to_string());
                used.subject = Some(Subject { user, ..Subject::default() });
            }
        });
        let Ok(steps) = result else {
            assert_eq!((&self.live, self.state, self.records), (&live, state, records));
            return result.map(drop);
        };
        let name = self.spec.name.clone();
        let before = |one| live.share(machine(one), &name);
        let after = |one| self.live.share(machine(one), &name);
        match (ask, whom(ask)) {
            (Ask::Increment { .. }, Whom::Machine(one)) => {
                assert_eq!(after(one), before(one) + steps[0].1);
            }
            (Ask::Decrement { .. }, Whom::Machine(one)) => {
                assert_eq!(after(one), before(one) - steps[0].1);
            }
            (Ask::Decrement { .. }, _) => {
                let sum = (1..4).map(before).sum::<i64>();
                let expected = sum.min(self.state.total - self.spec.floor);
                assert_eq!(self.sum_of_shares(), expected, "shares shrink by what is not there");
            }
            (Ask::Set(_) | Ask::Reset, _) => assert_eq!(self.sum_of_shares(), 0),
            _ => {}
        }
        Ok(())
    }

    /// One more thing that happens, and everything that holds after it.
    fn live_on(&mut self, model: &mut Model, (is_timed, gap_ms): (bool, i64), ask: Ask) {
        if is_timed {
            self.pass(gap_ms / 2);
            self.idle();
            model.now = self.now.0;
            model.catch_up(false);
        }
        self.pass(gap_ms - if is_timed { gap_ms / 2 } else { 0 });
        model.now = self.now.0;
        self.due();
        model.catch_up(true);
        self.check(model);
        let number = self.asked + 1;
        match (ask, operation(ask, |ago| number.saturating_sub(ago))) {
            (_, Some(operation)) => {
                let expected = model_asks(self, model, ask, number);
                assert_eq!(self.ask_as(ask, operation), expected, "{ask:?}");
            }
            (Ask::EndMachine(one), _) => {
                let share = self.live.share(machine(one), &self.spec.name);
                let returned = self.end(one);
                assert_eq!(returned.1, share, "all of it comes back");
                model.give_back(share.into());
            }
            (Ask::Allow(allowed), _) => {
                let whole = 10i64.pow(u32::from(self.spec.scale.digits()));
                let allowed = allowed.map(|allowed| allowed * whole);
                self.allowed_from = AllowedFrom::License(allowed);
                model.base = allowed.map(i128::from);
            }
            _ => unreachable!("all others are operations"),
        }
        self.check(model);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_meter_does_what_the_slow_one_does(
        mut world in worlds(),
        story in prop::collection::vec(((any::<bool>(), gaps()), asks()), 1..60),
    ) {
        let (hold, session, share) = strangers();
        world.live.holds.push(Arc::new(hold.clone()));
        world.live.sessions.push(Arc::new(session.clone()));
        world.live.shares.push(share.clone());
        let mut model = Model::new(&world);
        for (gap, ask) in story {
            world.live_on(&mut model, gap, ask);
        }
        // What belongs to another meter is as it was.
        let is_other = |meter: &Code| *meter != world.spec.name;
        let holds = world.live.holds.iter().filter(|hold| is_other(&hold.meter));
        prop_assert_eq!(holds.collect::<Vec<_>>(), [&Arc::new(hold)]);
        let sessions = world.live.sessions.iter().filter(|one| is_other(&one.meter));
        prop_assert_eq!(sessions.collect::<Vec<_>>(), [&Arc::new(session)]);
        let is_gone = world.live.activation(&ActivationRef::Id(machine(1))).is_none();
        let shares = world.live.shares.iter().filter(|share| is_other(&share.meter));
        prop_assert_eq!(shares.count(), usize::from(!is_gone));
    }
}

/// Whole numbers, most of them at some end.
fn extremes() -> impl Strategy<Value = i64> {
    prop_oneof![
        3 => prop::sample::select(&[i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX][..]),
        1 => any::<i64>(),
        2 => -5i64..100,
    ]
}

prop_compose! {
    fn extreme_specs()(
        (measure, digits) in measures(),
        allowed in prop::option::of(extremes()),
        floor in extremes().prop_map(|floor| floor.max(i64::MIN + 1)),
        overage in prop_oneof![
            Just(Overage::Refuse),
            Just(Overage::Allow),
            extremes().prop_map(|amount| Overage::Amount(amount.max(0))),
            (0u32..=10_000).prop_map(Overage::Percent),
        ],
        rollover in prop_oneof![Just(Rollover::All), extremes().prop_map(|most| Rollover::UpTo(most.max(0)))],
        period in prop::sample::select(&Every::ALL[..]),
    ) -> MeterSpec {
        let scale = Scale::new(digits).unwrap();
        let period = MeterPeriod::Every(period);
        let allowed = allowed.map(|allowed| allowed.max(floor).max(0));
        MeterSpec { scale, floor, overage, rollover, period, ..spec(allowed, measure) }
    }
}

fn extreme_operations() -> impl Strategy<Value = Operation> {
    let fit = fits;
    prop_oneof![
        extremes().prop_map(up),
        extremes().prop_map(down),
        extremes().prop_map(set),
        Just(Operation::Reset),
        (extremes(), fit()).prop_map(|(amount, fit)| hold(amount, fit, Some(60))),
        (1u16..20, prop::option::of(extremes())).prop_map(|(number, used)| settle(number, used)),
        (1u16..20).prop_map(release),
        extremes().prop_map(check_out),
        (1u16..20).prop_map(beat),
        (1u16..20).prop_map(check_in),
    ]
}

proptest! {
    /// At the ends of 64 bits a meter refuses: it neither panics nor lies to an auditor. What is due
    /// may have to wait for the next hour there, since the sums of an hour have 64 bits too.
    #[test]
    fn extremes_are_refused_quietly(
        spec in extreme_specs(),
        story in prop::collection::vec((gaps(), prop::option::of(1u8..3), extreme_operations()), 1..30),
    ) {
        let mut world = World::new(spec);
        world.live.activations = [1, 2].map(a_machine).map(Arc::new).into();
        for (gap_ms, on, operation) in story {
            world.pass(gap_ms);
            loop {
                match overdue(&world.situation()) {
                    Ok(Some(decision)) => world.apply(&decision),
                    Ok(None) => break,
                    Err(refusal) => {
                        prop_assert_eq!(refusal.code(), "counter-full");
                        prop_assert_eq!(world.state.hour.hour, world.now.hour());
                        world.pass(HOUR);
                    }
                }
            }
            let named = on.map(|on| ActivationRef::Id(machine(on)));
            let used = Use { activation: named, ..world.used(operation) };
            world.asked += 1;
            if let Ok(decision) = decide(&world.situation(), &used, id(world.asked), &[7; 32]) {
                world.apply(&decision);
            }
            let holds = world.live.holds.iter().map(|hold| i128::from(hold.units));
            let sessions = world.live.sessions.iter().map(|one| i128::from(one.reserved));
            prop_assert_eq!(holds.chain(sessions).sum::<i128>(), i128::from(world.state.held));
        }
    }
}
