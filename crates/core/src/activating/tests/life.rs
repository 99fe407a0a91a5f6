//! Heartbeats, death and what is let go.

use super::*;

fn heartbeat(bench: &mut Bench, name: &str) -> Result<Outcome, Refusal> {
    bench.ask(|machines| machines.heartbeat(&named(name)))
}

fn deactivate(bench: &mut Bench, name: &str) -> Result<Outcome, Refusal> {
    bench.ask(|machines| machines.deactivate(&named(name)))
}

#[test]
fn a_heartbeat_keeps_alive_and_revives_while_it_can() {
    // A machine made at 0, asked at an instant.
    for (terms, at, expected, revived) in [
        ("", 1_000_000, "ok", false),
        ("heartbeat_seconds=10", 9999, "ok", false),
        ("heartbeat_seconds=10", 10_000, "activation-dead", false),
        ("heartbeat_seconds=10 revive_seconds=5", 10_000, "ok", true),
        ("heartbeat_seconds=10 revive_seconds=5", 14_999, "ok", true),
        ("heartbeat_seconds=10 revive_seconds=5", 15_000, "activation-dead", false),
        ("heartbeat_seconds=10 revive_seconds=none", 1_000_000, "ok", true),
        ("heartbeat_seconds=10 heartbeat_from=first-heartbeat", 1_000_000, "ok", false),
        (
            "heartbeat_seconds=10 heartbeat_from=first-heartbeat heartbeat_required=true",
            10_000,
            "activation-dead",
            false,
        ),
    ] {
        for when_dead in ["deactivate", "keep"] {
            let mut bench = Bench::new(&format!("{terms} when_dead={when_dead}"));
            bench.now = 0;
            bench.activate(machine("a")).expect("room");
            bench.now = at;
            let decided = heartbeat(&mut bench, "a");
            assert_eq!(told(&decided), expected, "{terms} {at}");
            if let Ok(outcome) = decided {
                assert_eq!(outcome.is_revived, revived, "{terms} {at}");
                let seen = outcome.activation.expect("it");
                assert_eq!(seen.seen_at, Some(Timestamp(at)));
                assert_eq!(seen.updated_at, Timestamp(0), "a heartbeat is no change");
            }
        }
    }
    assert_eq!(told(&heartbeat(&mut Bench::new(""), "a")), "unknown");
}

#[test]
fn a_machine_may_bring_its_own_life_span() {
    let mut bench = Bench::new("heartbeat_seconds=10");
    bench.now = 0;
    bench.activate(NewActivation { heartbeat_seconds: Some(3), ..machine("a") }).expect("room");
    bench.activate(machine("b")).expect("room");
    assert_eq!(bench.machines().next_due(), Some(Timestamp(3000)));
    bench.now = 3000;
    assert_eq!(bench.expire().expect("a is due").ended.len(), 1);
    assert_eq!(
        (bench.names().as_str(), bench.machines().next_due()),
        ("b", Some(Timestamp(10_000)))
    );
}

#[test]
fn the_dead_end_in_the_order_of_their_death() {
    let mut bench = Bench::new("heartbeat_seconds=10 revive_seconds=5 max_activations=3");
    bench.now = 0;
    for name in ["a", "b", "c"] {
        bench.activate(machine(name)).expect("room");
        bench.give(name, "frames", 5);
        bench.start(name, "1").expect("room");
    }
    bench.now = 2000;
    heartbeat(&mut bench, "a").expect("alive");
    bench.now = 8000;
    heartbeat(&mut bench, "c").expect("alive");
    bench.now = 14_999;
    let processes = bench.expire().expect("their processes died");
    assert_eq!((processes.ended.len(), processes.ended_processes.len()), (0, 3));
    // Dead, but not ended: it keeps its place.
    assert_eq!(told(&bench.activate(machine("d"))), "activation-limit-reached 3 of 3 and 1 more");
    bench.now = 17_000;
    let (a, b) = (bench.id("a"), bench.id("b"));
    let outcome = bench.expire().expect("two are due");
    assert_eq!(outcome.ended, [(b, Action::Expired), (a, Action::Expired)]);
    assert_eq!(outcome.given_back.len(), 2);
    assert_eq!(outcome.marks, None, "nobody asked for it");
    assert_eq!((bench.names().as_str(), bench.live.shares.len()), ("c", 1));
    assert_eq!(told(&bench.activate(machine("d"))), "ok");
}

#[test]
fn the_dead_stay_where_the_terms_keep_them() {
    let mut bench = Bench::new("heartbeat_seconds=10 when_dead=keep max_activations=1");
    bench.activate(machine("a")).expect("room");
    bench.now += 1_000_000;
    assert_eq!((bench.expire(), bench.machines().next_due()), (None, None));
    assert_eq!(told(&heartbeat(&mut bench, "a")), "activation-dead");
    assert_eq!(told(&bench.start("a", "1")), "activation-dead");
    assert_eq!(told(&bench.activate(machine("b"))), "activation-limit-reached 1 of 1 and 1 more");
    // It activates again, as its refusal says.
    assert!(bench.activate(machine("a")).expect("known").is_revived);
    assert_eq!(told(&heartbeat(&mut bench, "a")), "ok");
}

#[test]
fn a_reset_lets_a_machine_begin_anew() {
    for (from, required, seen) in [
        ("creation", false, Some(Timestamp(50_000))),
        ("first-heartbeat", true, Some(Timestamp(50_000))),
        ("first-heartbeat", false, None),
    ] {
        let terms = format!("heartbeat_seconds=10 heartbeat_from={from}");
        let mut bench = Bench::new(&format!("{terms} heartbeat_required={required}"));
        bench.activate(machine("a")).expect("room");
        heartbeat(&mut bench, "a").expect("alive");
        bench.now = 50_000;
        let outcome = bench.ask(|machines| machines.reset_heartbeat(&named("a")));
        let outcome = outcome.expect("known");
        assert!(outcome.is_revived);
        assert_eq!(outcome.activation.expect("it").seen_at, seen, "{from} {required}");
        assert_eq!(bench.expire(), None);
    }
}

#[test]
fn activating_again_starts_no_clock() {
    let mut bench = Bench::new("heartbeat_seconds=10 heartbeat_from=first-heartbeat");
    bench.activate(machine("a")).expect("room");
    bench.now += 1;
    let again = bench.activate(machine("a")).expect("known").activation.expect("it");
    assert_eq!(again.seen_at, None);
    assert_eq!(bench.machines().next_due(), None);
}

#[test]
fn deactivations_are_limited_and_give_shares_back() {
    let mut bench = Bench::new("max_deactivations=1 limit_overage=allow");
    for name in ["a", "b"] {
        bench.activate(machine(name)).expect("room");
        bench.give(name, "frames", 3);
        bench.give(name, "hours", 4);
        bench.start(name, "1").expect("room");
    }
    let a = bench.id("a");
    let outcome = deactivate(&mut bench, "a").expect("the first");
    assert_eq!(outcome.ended, [(a, Action::Deleted)]);
    let back: Vec<_> = outcome.given_back.iter().map(|one| (&*one.meter, one.quantity)).collect();
    assert_eq!(back, [("frames", 3), ("hours", 4)]);
    assert!(outcome.given_back.iter().all(|share| share.activation == a));
    assert_eq!(outcome.marks.expect("counted").deactivations, 1);
    assert_eq!((bench.live.shares.len(), bench.live.processes.len()), (2, 1));
    let refused = deactivate(&mut bench, "b");
    assert_eq!(told(&refused), "deactivation-limit-reached 1 of 1 and 1 more");
    assert_eq!(told(&deactivate(&mut bench, "a")), "unknown");
    bench.set("max_deactivations=none");
    assert_eq!(told(&deactivate(&mut bench, "b")), "ok");
    assert!(bench.live.is_empty());
}
