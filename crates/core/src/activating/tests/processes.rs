//! Programs that run on machines.

use super::*;

#[test]
fn processes_are_counted_over_what_the_terms_say() {
    let limit = "process-limit-reached 2 of 2 and 1 more";
    // Machines a and b of user 1, c of user 2; each runs one process, a two. Where one more fits.
    for (per, a, b, c) in [
        ("activation", limit, "ok", "ok"),
        ("user", "process-limit-reached 3 of 2 and 1 more", "", "ok"),
        ("license", "process-limit-reached 4 of 2 and 1 more", "", ""),
    ] {
        for (name, expected) in [("a", a), ("b", b), ("c", c)] {
            let mut bench = Bench::new("");
            bench.activate_of(machine("a"), 1).expect("room");
            bench.activate_of(machine("b"), 1).expect("room");
            bench.activate_of(machine("c"), 2).expect("room");
            for (name, pid) in [("a", "1"), ("a", "2"), ("b", "1"), ("c", "1")] {
                bench.start(name, pid).expect("room");
            }
            bench.set(&format!("max_processes=2 processes_per={per}"));
            let expected = if expected.is_empty() { a } else { expected };
            assert_eq!(told(&bench.start(name, "9")), expected, "{per} {name}");
        }
    }
}

#[test]
fn overage_applies_to_processes() {
    let mut bench = Bench::new("max_processes=2 limit_overage=50");
    bench.activate(machine("a")).expect("room");
    for pid in ["1", "2", "3"] {
        assert_eq!(told(&bench.start("a", pid)), "ok");
    }
    assert_eq!(told(&bench.start("a", "4")), "process-limit-reached 3 of 2 and 1 more");
}

#[test]
fn a_number_runs_once_on_a_machine() {
    let mut bench = Bench::new("");
    bench.activate(machine("a")).expect("room");
    bench.activate(machine("b")).expect("room");
    let started = bench.start("a", "1").expect("room");
    assert!(started.is_new && started.activation.is_some());
    assert_eq!(told(&bench.start("a", "1")), "taken");
    assert_eq!(told(&bench.start("b", "1")), "ok");
    assert_eq!(told(&bench.start("a", "")), "invalid pid");
    assert_eq!(told(&bench.start("z", "1")), "unknown");
    let id = started.process.expect("it").id;
    assert_eq!(told(&bench.ask(|machines| machines.end_process(id))), "ok");
    assert_eq!(told(&bench.ask(|machines| machines.end_process(id))), "over");
    assert_eq!(told(&bench.start("a", "1")), "ok");
    let chosen = |id| NewProcess { id: Some(id), pid: "7".into(), metadata: Metadata::default() };
    let taken = bench.live.processes[0].id;
    let decided = bench.run(|machines, fresh, elsewhere| {
        machines.start_process(&named("a"), chosen(taken), fresh, elsewhere)
    });
    assert_eq!(told(&decided), "taken");
    bench.elsewhere.ids_taken = vec![[8; 16]];
    let decided = bench.run(|machines, fresh, elsewhere| {
        machines.start_process(
            &named("a"),
            chosen(ProcessId::from_bytes([8; 16])),
            fresh,
            elsewhere,
        )
    });
    assert_eq!(told(&decided), "taken");
}

#[test]
fn a_process_lives_as_long_as_its_machine_would() {
    for (terms, own, life) in [
        ("", None, 600_000),
        ("heartbeat_seconds=10 revive_seconds=none", None, 10_000),
        ("heartbeat_seconds=10 revive_seconds=none", Some(3), 3000),
        ("", Some(3), 3000),
    ] {
        let mut bench = Bench::new(&format!("{terms} when_dead=keep"));
        bench.now = 0;
        bench.activate(NewActivation { heartbeat_seconds: own, ..machine("a") }).expect("room");
        let id = bench.start("a", "1").expect("room").process.expect("it").id;
        bench.now = life - 1;
        assert_eq!(bench.expire(), None);
        assert_eq!(told(&bench.ask(|machines| machines.heartbeat_process(id))), "ok");
        bench.now = 2 * life - 2;
        assert_eq!(bench.expire(), None);
        bench.now += 1;
        let late = bench.ask(|machines| machines.heartbeat_process(id));
        assert_eq!(told(&late), "over", "before it is ended");
        assert_eq!(bench.machines().next_due(), Some(Timestamp(2 * life - 1)));
        assert_eq!(bench.expire().expect("it is due").ended_processes, [id]);
        let late = bench.ask(|machines| machines.heartbeat_process(id));
        assert_eq!(told(&late), "over", "after it");
        assert_eq!(bench.machines().next_due(), None);
    }
}

#[test]
fn processes_go_with_their_machine() {
    let mut bench = Bench::new("heartbeat_seconds=10");
    bench.activate(machine("a")).expect("room");
    bench.start("a", "1").expect("room");
    bench.now += 10_000;
    let outcome = bench.expire().expect("both are due");
    assert_eq!((outcome.ended.len(), outcome.ended_processes.len()), (1, 0));
    assert!(bench.live.is_empty());
}
