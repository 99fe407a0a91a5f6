//! What machines have of a total, and what comes back of it (rule 4).

use super::*;
use crate::live::LiveChange;
use crate::meter::MeterPeriod;
use crate::period::Every;
use crate::usage::OperationKind::{Decrement, Increment, Return};

fn world(allowed: Option<i64>) -> World {
    let mut world = World::new(spec(allowed, Measure::Uses));
    world.live.activations = [1, 2, 3].map(a_machine).map(Arc::new).into();
    world
}

impl World {
    fn share(&self, number: u8) -> i64 {
        self.live.share(machine(number), &self.spec.name)
    }

    fn shares(&self) -> [i64; 3] {
        [1, 2, 3].map(|number| self.share(number))
    }

    /// Ends a machine as the engine does where the meter is floating.
    pub(super) fn end(&mut self, number: u8) -> Done {
        let decided = self.meter().give_back(&self.state, self.share(number), self.now).unwrap();
        let step = Step { activation: Some(machine(number)), ..Step::plain(decided) };
        let live = vec![LiveChange::DropActivation(machine(number))];
        self.apply(&Decision { steps: vec![step], live, ..Decision::default() });
        done(&decided.0)
    }
}

#[test]
fn a_machine_takes_back_no_more_than_it_has() {
    let mut world = world(Some(10));
    assert_eq!(world.ask_on(1, up(4)), Ok(vec![(Increment, 4, 0, 4, 0)]));
    assert_eq!(world.ask_on(2, up(3)), Ok(vec![(Increment, 3, 0, 7, 0)]));
    assert_eq!(world.ask_on(1, down(5)), Err("floor-reached"));
    assert_eq!(world.ask_on(3, down(1)), Err("floor-reached"));
    assert_eq!(world.ask_on(1, down(1)), Ok(vec![(Decrement, 1, 0, 6, 0)]));
    assert_eq!(world.ask_on(9, up(1)), Err("unknown"));
    assert_eq!(world.shares(), [3, 3, 0]);
    assert_eq!(world.end(1), (Return, 3, 0, 3, 0));
    assert_eq!(world.end(2), (Return, 3, 0, 0, 0));
    assert_eq!((world.state.gross, world.live.shares.len()), (7, 0));
}

#[test]
fn settled_holds_and_sessions_are_shares_too() {
    let mut world = world(Some(10));
    world.ask_on(1, hold(4, Fit::Whole, None)).unwrap();
    assert_eq!(world.shares(), [0, 0, 0]);
    world.ask(settle(1, Some(3))).unwrap();
    assert_eq!(world.shares(), [3, 0, 0]);
    world.spec.measure = Measure::Duration(MINUTES);
    world.ask_on(2, check_out(1)).unwrap();
    world.pass(90 * SECOND);
    world.ask(check_in(3)).unwrap();
    assert_eq!(world.shares(), [3, 2, 0]);
    world.spec.measure = Measure::DayPass;
    world.ask_on(3, check_out(1)).unwrap();
    world.ask_on(3, check_out(1)).unwrap();
    assert_eq!(world.shares(), [3, 2, 1]);
}

/// Nobody can give back what is not there any more.
#[test]
fn sets_resets_and_turns_wipe_shares() {
    for wipe in ["set", "reset", "turn"] {
        let mut world = world(None);
        world.spec.period = MeterPeriod::Every(Every::Day);
        world.ask_on(1, up(4)).unwrap();
        world.ask_on(2, up(3)).unwrap();
        match wipe {
            "set" => assert!(world.ask(set(6)).is_ok()),
            "reset" => assert!(world.ask(Operation::Reset).is_ok()),
            _ => world.pass(DAY),
        }
        world.due();
        assert_eq!(world.shares(), [0, 0, 0], "{wipe}");
        world.ask(up(1)).unwrap();
        let total = world.state.total;
        assert_eq!(world.end(1), (Return, 0, 0, total, 0), "{wipe}");
        assert_eq!(world.ask_on(2, down(1)), Err("floor-reached"), "{wipe}");
    }
}

/// The first period of a meter that ran without takes nothing away.
#[test]
fn a_first_period_keeps_shares() {
    let mut world = world(None);
    world.ask_on(1, up(4)).unwrap();
    world.spec.period = MeterPeriod::Every(Every::Day);
    assert_eq!(world.due(), [(OperationKind::Turn, 0, 0, 4, 0)]);
    assert_eq!(world.shares(), [4, 0, 0]);
}

/// A decrement of nobody takes what is nobody's first. Then the shares shrink with it, or one
/// machine would later give back what another one uses.
#[test]
fn a_decrement_of_nobody_takes_nobodys_first() {
    for (floor, amount, expected) in [
        (0, 2, [4, 3, 0]),
        (0, 3, [4, 2, 0]),
        (0, 5, [4, 0, 0]),
        (0, 7, [2, 0, 0]),
        (0, 9, [0, 0, 0]),
        (-5, 9, [4, 1, 0]),
    ] {
        let mut world = world(Some(10));
        world.spec.floor = floor;
        world.ask(up(2)).unwrap();
        world.ask_on(1, up(4)).unwrap();
        world.ask_on(2, up(3)).unwrap();
        world.ask(down(amount)).unwrap();
        assert_eq!(world.shares(), expected, "{floor} {amount}");
        let (total, [first, second, _]) = (world.state.total, expected);
        assert_eq!(world.end(1), (Return, first, 0, total - first, 0));
        assert_eq!(world.end(2), (Return, second, 0, total - first - second, 0));
    }
}

/// What was on hold for a machine that is gone is used all the same, but is nobody's share.
#[test]
fn a_machine_that_is_gone_has_no_share() {
    let mut world = world(Some(10));
    world.ask_on(1, hold(4, Fit::Whole, None)).unwrap();
    world.end(1);
    world.ask(settle(1, None)).unwrap();
    assert_eq!((world.state.total, world.live.shares.len()), (4, 0));
}

#[test]
fn a_dead_machine_uses_nothing_but_may_end_what_it_began() {
    let mut world = world(Some(10));
    world.terms.heartbeat_seconds = crate::terms::Seconds(Some(60));
    world.ask_on(1, hold(4, Fit::Whole, None)).unwrap();
    world.pass(MINUTE);
    assert_eq!(world.ask_on(1, up(1)), Err("activation-dead"));
    assert!(world.ask_on(1, settle(1, None)).is_ok());
    world.terms.when_dead = WhenDead::Keep;
    assert!(world.ask_on(1, up(1)).is_ok());
}
