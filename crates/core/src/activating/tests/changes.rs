//! What is known of a machine changes, and metering looks at all of them.

use super::*;

fn cores(cores: Option<u32>) -> ActivationPatch {
    ActivationPatch { cores: Some(cores), ..ActivationPatch::default() }
}

#[test]
fn cores_changed_later_are_checked_as_well() {
    for (terms, new, expected) in [
        ("max_cores=8", Some(5), "ok"),
        ("max_cores=8", Some(6), "core-limit-reached 7 of 8 and 2 more"),
        ("max_cores=8 when_full=replace-oldest", Some(6), "core-limit-reached 7 of 8 and 2 more"),
        ("max_cores=8 limit_overage=25", Some(7), "ok"),
        ("max_cores=8 limit_overage=25", Some(8), "core-limit-reached 7 of 8 and 4 more"),
        ("max_cores=8", None, "ok"),
        ("max_cores=8", Some(0), "invalid cores"),
        ("max_cores=8", Some(u32::MAX), "invalid cores"),
    ] {
        let mut bench = Bench::new(terms);
        bench.activate(with_cores("a", 4)).expect("room");
        bench.activate(with_cores("b", 3)).expect("room");
        bench.now += 1;
        let decided = bench.change("a", cores(new));
        assert_eq!(told(&decided), expected, "{terms} {new:?}");
        if let Ok(outcome) = decided {
            let next = outcome.activation.expect("it");
            assert_eq!((next.cores, next.updated_at), (new, Timestamp(1001)));
            assert!(outcome.is_changed && !outcome.is_new);
        }
    }
}

#[test]
fn above_its_limit_a_license_may_still_rename_and_shrink() {
    let mut bench = Bench::new("");
    bench.activate(with_cores("a", 8)).expect("room");
    bench.activate(with_cores("b", 8)).expect("room");
    bench.set("max_cores=4 max_activations=1");
    let rename = ActivationPatch { name: Some(Some("desk".into())), ..ActivationPatch::default() };
    assert_eq!(told(&bench.change("a", rename.clone())), "ok");
    assert_eq!(told(&bench.change("a", cores(Some(7)))), "ok");
    assert_eq!(told(&bench.change("a", cores(Some(8)))), "core-limit-reached 15 of 4 and 1 more");
    let same = bench.change("a", rename).expect("known");
    assert!(same.live.is_empty() && !same.is_changed && same.activation.is_some());
    assert_eq!(told(&bench.change("z", cores(Some(1)))), "unknown");
}

#[test]
fn fields_are_set_and_taken_away() {
    let mut bench = Bench::new("");
    let full = NewActivation {
        name: Some("n".into()),
        hostname: Some("h".into()),
        platform: Some("p".into()),
        address: Some("10.0.0.1".into()),
        memory: Some(5),
        disk: Some(6),
        ..machine("a")
    };
    bench.activate(full).expect("room");
    let patch = ActivationPatch {
        name: Some(None),
        hostname: Some(Some("h2".into())),
        memory: Some(None),
        disk: Some(Some(7)),
        ..ActivationPatch::default()
    };
    let next = bench.change("a", patch).expect("known").activation.expect("it");
    assert_eq!((next.name.as_deref(), next.hostname.as_deref()), (None, Some("h2")));
    assert_eq!((next.platform.as_deref(), next.memory, next.disk), (Some("p"), None, Some(7)));
    let wrong =
        ActivationPatch { hostname: Some(Some(String::new())), ..ActivationPatch::default() };
    assert_eq!(told(&bench.change("a", wrong)), "invalid hostname");
}

#[test]
fn parts_that_stay_keep_their_ids() {
    let mut bench = Bench::new("component_unique=license");
    bench.activate(with_components("a", &["disk", "board"])).expect("room");
    bench.activate(with_components("b", &["other"])).expect("room");
    let before = bench.live.activations[0].components.clone();
    let patch = |parts: &[&str]| ActivationPatch {
        components: Some(components_of(parts)),
        ..ActivationPatch::default()
    };
    let next = bench.change("a", patch(&["board", "fan"])).expect("free").activation.expect("it");
    assert_eq!(next.components[0], before[1]);
    assert_eq!(next.components[1].name, "fan");
    assert!(before.iter().all(|old| old.id != next.components[1].id));
    assert_eq!(told(&bench.change("a", patch(&["other"]))), "taken");
    let none = bench.change("a", patch(&[])).expect("free").activation.expect("it");
    assert!(none.components.is_empty());
}

#[test]
fn a_machine_moves_to_a_user_who_has_room() {
    let mut bench =
        Bench::new("leasing=user max_activations=2 max_cores=8 processes_per=user max_processes=2");
    let user = |number| Some(Some(UserId::from_bytes([number; 16])));
    let give = |bench: &mut Bench, name: &str, to: Option<Option<UserId>>| {
        let decided = bench.run(|machines, fresh, elsewhere| {
            machines.change(&named(name), ActivationPatch::default(), to, fresh, elsewhere)
        });
        told(&decided)
    };
    bench.activate_of(with_cores("a", 4), 1).expect("room");
    bench.activate_of(with_cores("b", 5), 2).expect("room");
    bench.start("a", "1").expect("room");
    bench.start("a", "2").expect("room");
    bench.start("b", "1").expect("room");
    assert_eq!(give(&mut bench, "a", user(2)), "core-limit-reached 5 of 8 and 4 more");
    bench.set("max_cores=9");
    assert_eq!(give(&mut bench, "a", user(2)), "process-limit-reached 1 of 2 and 2 more");
    bench.set("max_processes=3");
    assert_eq!(give(&mut bench, "a", user(7)), "invalid user");
    assert_eq!(give(&mut bench, "a", user(2)), "ok");
    bench.activate_of(machine("c"), 3).expect("room");
    assert_eq!(give(&mut bench, "c", user(2)), "activation-limit-reached 2 of 2 and 1 more");
    assert_eq!(give(&mut bench, "c", Some(None)), "ok");
}

#[test]
fn metering_stops_above_the_limits_unless_the_terms_let_it_go_on() {
    let both = "too-many-activations+too-many-cores";
    for (while_, terms, expected) in [
        (both, "max_activations=1 max_cores=1", "ok"),
        ("", "max_activations=1", "activation-limit-reached 3 of 1 and 0 more"),
        ("", "max_activations=3 max_cores=12", "ok"),
        ("", "max_cores=11", "core-limit-reached 12 of 11 and 0 more"),
        ("", "max_cores=11 limit_overage=10", "ok"),
        ("", "max_cores=11 limit_overage=9", "core-limit-reached 12 of 11 and 0 more"),
        ("too-many-cores", "max_cores=1", "ok"),
        ("too-many-activations", "max_activations=1", "ok"),
        ("", "leasing=user max_activations=2", "ok"),
        ("", "leasing=user max_activations=1", "activation-limit-reached 2 of 1 and 0 more"),
        ("", "leasing=user max_cores=8", "ok"),
        ("", "leasing=user max_cores=7", "core-limit-reached 8 of 7 and 0 more"),
        ("", "", "ok"),
    ] {
        let mut bench = Bench::new("");
        bench.activate_of(with_cores("a", 4), 1).expect("room");
        bench.activate_of(with_cores("b", 4), 2).expect("room");
        bench.activate_of(with_cores("c", 4), 1).expect("room");
        bench.set(&format!("meter_while={while_} {terms}"));
        let checked = bench.machines().check_limits().map(|()| Outcome::default());
        assert_eq!(told(&checked), expected, "{while_} {terms}");
    }
}
