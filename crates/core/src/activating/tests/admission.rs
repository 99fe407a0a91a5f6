//! Who gets in.

use super::*;

#[test]
fn limits_are_refused_with_their_figures() {
    let core_limit = "core-limit-reached";
    let of = |cores: &[u32]| cores.to_vec();
    for (terms, present, new, expected) in [
        ("", of(&[1, 1, 1]), 9, "ok".to_string()),
        ("max_activations=2", of(&[1]), 1, "ok".into()),
        ("max_activations=1", of(&[1]), 1, "activation-limit-reached 1 of 1 and 1 more".into()),
        // The first machine is no exception.
        ("max_activations=0", of(&[]), 1, "activation-limit-reached 0 of 0 and 1 more".into()),
        ("max_cores=4", of(&[]), 5, format!("{core_limit} 0 of 4 and 5 more")),
        ("max_cores=4", of(&[1, 1]), 2, "ok".into()),
        ("max_cores=4", of(&[1, 2]), 2, format!("{core_limit} 3 of 4 and 2 more")),
        // Exact: a half above three is four and a half.
        ("max_cores=3 limit_overage=50", of(&[2]), 2, "ok".into()),
        ("max_cores=3 limit_overage=50", of(&[2]), 3, format!("{core_limit} 2 of 3 and 3 more")),
        ("max_cores=3 limit_overage=allow", of(&[2]), 300, "ok".into()),
        ("max_activations=4 limit_overage=25", of(&[1; 4]), 1, "ok".into()),
        (
            "max_activations=4 limit_overage=25",
            of(&[1; 5]),
            1,
            "activation-limit-reached 5 of 4 and 1 more".into(),
        ),
        ("max_cores=4294967294", of(&[0x7fff_ffff]), 0x7fff_ffff, "ok".into()),
    ] {
        let mut bench = Bench::new(terms);
        for (index, cores) in present.iter().enumerate() {
            bench.activate(with_cores(&format!("m{index}"), *cores)).expect("room");
        }
        let before = bench.live.clone();
        let decided = bench.activate(with_cores("new", new));
        assert_eq!(told(&decided), expected, "{terms} {present:?} {new}");
        if decided.is_err() {
            assert_eq!(bench.live, before, "a refusal changes nothing");
        }
    }
}

#[test]
fn memory_and_disk_are_limited_in_sum() {
    let mut bench = Bench::new("max_memory=100 max_disk=9223372036854775807");
    let full = NewActivation { memory: Some(60), disk: Some(i64::MAX as u64), ..machine("a") };
    bench.activate(full).expect("room");
    let more = NewActivation { memory: Some(41), ..machine("b") };
    assert_eq!(told(&bench.activate(more)), "memory-limit-reached 60 of 100 and 41 more");
    let more = NewActivation { disk: Some(1), ..machine("b") };
    assert_eq!(
        told(&bench.activate(more)),
        "disk-limit-reached 9223372036854775807 of 9223372036854775807 and 1 more"
    );
    assert_eq!(told(&bench.activate(machine("b"))), "ok");
}

#[test]
fn users_are_limited_each_on_their_own() {
    let mut bench = Bench::new("leasing=user max_activations=1 max_cores=4");
    assert_eq!(told(&bench.activate_of(with_cores("a", 4), 1)), "ok");
    assert_eq!(told(&bench.activate_of(with_cores("b", 4), 2)), "ok");
    // Nobody's machines are somebody's, too.
    assert_eq!(told(&bench.activate(with_cores("c", 3))), "ok");
    let refused = bench.activate_of(machine("d"), 2);
    assert_eq!(told(&refused), "activation-limit-reached 1 of 1 and 1 more");
    assert_eq!(told(&bench.activate(machine("e"))), "activation-limit-reached 1 of 1 and 1 more");
    assert_eq!(told(&bench.activate_of(machine("f"), 7)), "invalid user");
}

#[test]
fn an_overdraft_lifts_the_count_where_the_terms_say_nothing_else() {
    for (terms, overdraft, expected) in [
        ("max_activations=1", 0, "activation-limit-reached 1 of 1 and 1 more"),
        ("max_activations=1", 1, "ok"),
        ("max_activations=1 limit_overage=10", 5, "activation-limit-reached 1 of 1 and 1 more"),
        ("max_activations=1 floating=false", 5, "activation-limit-reached 1 of 1 and 1 more"),
        ("max_activations=1 max_cores=2", 5, "core-limit-reached 2 of 2 and 2 more"),
    ] {
        let mut bench = Bench::new(terms);
        bench.activate(with_cores("a", 2)).expect("room");
        let new = NewActivation { overdraft, ..with_cores("b", 2) };
        assert_eq!(told(&bench.activate(new)), expected, "{terms} {overdraft}");
    }
}

#[test]
fn the_oldest_gives_way() {
    // Machines a, b, c with these cores; b shows life last.
    for (terms, cores, new, left, expected) in [
        ("max_activations=3", [1, 1, 1], 1, "b c new", "ok"),
        ("max_activations=4 max_cores=9", [2, 3, 4], 1, "b c new", "ok"),
        ("max_activations=4 max_cores=9", [2, 3, 4], 3, "b new", "ok"),
        ("max_activations=4 max_cores=9", [2, 3, 4], 9, "new", "ok"),
        // Not even alone: nobody gives way.
        (
            "max_activations=4 max_cores=9",
            [2, 3, 4],
            10,
            "a b c",
            "core-limit-reached 9 of 9 and 10 more",
        ),
        ("max_activations=3 max_cores=9", [2, 3, 4], 7, "new", "ok"),
        // With what may lie above the limit.
        ("max_activations=2 limit_overage=50", [1, 1, 1], 1, "b c new", "ok"),
    ] {
        let mut bench = Bench::new(&format!("when_full=replace-oldest {terms}"));
        for (name, cores) in ["a", "b", "c"].into_iter().zip(cores) {
            bench.now += 1;
            bench.activate(with_cores(name, cores)).expect("room");
        }
        bench.now += 1;
        bench.ask(|machines| machines.heartbeat(&named("b"))).expect("alive");
        let decided = bench.activate(with_cores("new", new));
        assert_eq!((told(&decided).as_str(), bench.names().as_str()), (expected, left), "{terms}");
    }
}

#[test]
fn those_that_have_nothing_of_what_is_full_stay() {
    let mut bench = Bench::new("when_full=replace-oldest max_cores=4");
    bench.activate(machine("a")).expect("room");
    bench.now += 1;
    bench.activate(with_cores("b", 4)).expect("room");
    bench.give("b", "frames", 7);
    let gone = bench.id("b");
    let outcome = bench.activate(with_cores("c", 4)).expect("b gives way");
    assert_eq!(bench.names(), "a c");
    assert_eq!(outcome.ended, [(gone, Action::Replaced)]);
    assert_eq!(outcome.given_back.len(), 1);
    assert_eq!(outcome.given_back[0].quantity, 7);
    assert!(bench.live.shares.is_empty());
    let marks = bench.license.marks;
    assert_eq!((marks.activations, marks.deactivations), (3, 0), "nobody asked for its end");
}

#[test]
fn only_machines_of_the_same_user_give_way() {
    let mut bench = Bench::new("leasing=user when_full=replace-oldest max_activations=1");
    bench.activate_of(machine("a"), 1).expect("room");
    bench.now += 1;
    bench.activate_of(machine("b"), 2).expect("room");
    bench.now += 1;
    bench.activate_of(machine("c"), 2).expect("b gives way");
    assert_eq!(bench.names(), "a c");
}

#[test]
fn the_customer_has_a_limit_of_its_own() {
    let mut bench = Bench::new("limit_overage=allow");
    bench.activate(machine("a")).expect("room");
    let customer = |present| Some(CustomerActivations { present, limit: Limit(Some(5)) });
    bench.elsewhere.customer = customer(4);
    assert_eq!(told(&bench.activate(machine("b"))), "ok");
    bench.elsewhere.customer = customer(5);
    let refused = bench.activate(machine("c"));
    assert_eq!(told(&refused), "activation-limit-reached 5 of 5 and 1 more");
    bench.set("when_full=replace-oldest");
    assert_eq!(told(&bench.activate(machine("c"))), "ok");
    assert_eq!(bench.names(), "b c");
    bench.elsewhere.customer = customer(9);
    assert_eq!(
        told(&bench.activate(machine("d"))),
        "activation-limit-reached 9 of 5 and 1 more",
        "even without all machines of this license there are too many"
    );
    assert_eq!(bench.names(), "b c");
}

#[test]
fn the_same_fingerprint_is_the_same_machine() {
    let mut bench = Bench::new("max_activations=1 max_cores=4 heartbeat_seconds=10");
    let first = bench.activate(with_cores("a", 2)).expect("room");
    assert!(first.is_new);
    bench.now += 5000;
    let chosen = Some(ActivationId::from_bytes([77; 16]));
    let again = NewActivation { id: chosen, name: Some("desk".into()), ..machine("a") };
    let again = bench.activate(again).expect("known");
    assert!(!again.is_new && again.is_changed && !again.is_revived);
    assert_eq!(again.marks, None);
    let known = again.activation.expect("the machine");
    assert_eq!(known.id, first.activation.expect("the machine").id);
    assert_eq!((known.cores, known.name.as_deref()), (Some(2), Some("desk")));
    assert_eq!((known.seen_at, known.updated_at), (Some(Timestamp(6000)), Timestamp(6000)));
    let once_more = bench.activate(machine("a")).expect("known");
    assert!(!once_more.is_changed);
    let refused = bench.activate(with_cores("a", 5));
    assert_eq!(told(&refused), "core-limit-reached 2 of 4 and 3 more");
    bench.now += 10_000;
    assert!(bench.activate(machine("a")).expect("known").is_revived);
    assert_eq!(bench.license.marks.activations, 1);
    assert_eq!(bench.license.marks.activated_at, Some(Timestamp(1000)));
    // Where fingerprints are unique among nothing, each takes a place.
    bench.set("unique=nothing");
    assert_eq!(told(&bench.activate(machine("a"))), "activation-limit-reached 1 of 1 and 1 more");
    bench.set("max_activations=2");
    assert!(bench.activate(machine("a")).expect("room").is_new);
    assert_eq!(bench.license.marks.activations, 2);
    assert_eq!(bench.license.marks.activated_at, Some(Timestamp(1000)), "the first time stays");
    assert_eq!(bench.names(), "a a");
}

#[test]
fn fingerprints_are_unique_as_the_terms_say() {
    for (unique, taken, expected) in [
        ("nothing", true, "ok"),
        ("license", true, "ok"),
        ("policy", false, "ok"),
        ("policy", true, "taken"),
        ("product", true, "taken"),
        ("account", true, "taken"),
    ] {
        let mut bench = Bench::new(&format!("unique={unique}"));
        bench.elsewhere.fingerprint_taken = taken;
        assert_eq!(told(&bench.activate(machine("a"))), expected, "{unique} {taken}");
    }
}

#[test]
fn components_are_unique_as_the_terms_say() {
    for (unique, new, expected) in [
        ("activation", ["disk1", "board9"], "ok"),
        ("license", ["disk2", "board9"], "ok"),
        ("license", ["disk2", "board1"], "taken"),
        ("account", ["disk2", "board1"], "taken"),
        ("account", ["disk2", "board9"], "taken"),
        ("account", ["disk2", "board2"], "ok"),
        ("activation", ["disk2", "disk2"], "invalid components[1].fingerprint"),
    ] {
        let mut bench = Bench::new(&format!("component_unique={unique}"));
        bench.activate(with_components("a", &["disk1", "board1"])).expect("room");
        bench.elsewhere.components_taken = vec!["board9".into()];
        let decided = bench.activate(with_components("b", &new));
        assert_eq!(told(&decided), expected, "{unique} {new:?}");
    }
}

#[test]
fn ids_that_a_caller_chooses_are_its_own() {
    let mut bench = Bench::new("");
    let id = |number| ActivationId::from_bytes([number; 16]);
    let new = |number, name| NewActivation { id: Some(id(number)), ..machine(name) };
    assert_eq!(bench.activate(new(1, "a")).expect("room").activation.expect("it").id, id(1));
    assert_eq!(told(&bench.activate(new(1, "b"))), "taken");
    bench.elsewhere.ids_taken = vec![[2; 16], [4; 16]];
    assert_eq!(told(&bench.activate(new(2, "b"))), "taken");
    let part = |number| NewComponent {
        id: Some(ComponentId::from_bytes([number; 16])),
        fingerprint: format!("part {number}"),
        name: None,
    };
    let of = |name, parts: &[u8]| NewActivation {
        components: parts.iter().map(|number| part(*number)).collect(),
        ..machine(name)
    };
    assert_eq!(told(&bench.activate(of("c", &[3]))), "ok");
    assert_eq!(told(&bench.activate(of("d", &[3]))), "taken", "here");
    assert_eq!(told(&bench.activate(of("d", &[4]))), "taken", "elsewhere");
}

#[test]
fn the_state_of_the_license_comes_first() {
    use Standing::{Active, Revoked, Suspended};
    for (standing, from, end, when_expired, expected) in [
        (Active, None, Some(1001), "restrict", "ok"),
        (Active, None, Some(1000), "restrict", "license-expired"),
        (Active, None, Some(1000), "revoke", "license-expired"),
        (Active, None, Some(1000), "maintain", "ok"),
        (Active, None, Some(1000), "allow", "ok"),
        (Active, Some(1001), None, "allow", "license-not-yet-valid"),
        (Suspended, None, None, "allow", "license-suspended"),
        (Revoked, None, None, "allow", "license-revoked"),
    ] {
        let mut bench = Bench::new(&format!("when_expired={when_expired}"));
        bench.activate(machine("a")).expect("room");
        bench.license.standing = standing;
        bench.license.valid_from = from.map(Timestamp);
        bench.license.expires_at = end.map(Timestamp);
        assert_eq!(told(&bench.activate(machine("b"))), expected);
        assert_eq!(told(&bench.activate(machine("a"))), expected, "known or not");
        assert_eq!(told(&bench.start("a", "1")), expected, "processes too");
        // What is there may stay, and go.
        assert!(bench.ask(|machines| machines.heartbeat(&named("a"))).is_ok());
        assert!(bench.ask(|machines| machines.deactivate(&named("a"))).is_ok());
    }
}

#[test]
fn nonsense_is_refused_by_its_field() {
    let long = |bytes| Some("x".repeat(bytes));
    let base = || machine("a");
    let cases = [
        (NewActivation { fingerprint: String::new(), ..base() }, "invalid fingerprint"),
        (NewActivation { fingerprint: "a\nb".into(), ..base() }, "invalid fingerprint"),
        (NewActivation { fingerprint: "x".repeat(4097), ..base() }, "invalid fingerprint"),
        (NewActivation { fingerprint: "x".repeat(4096), ..base() }, "ok"),
        (machine(&ActivationId::from_bytes([5; 16]).to_string()), "invalid fingerprint"),
        (NewActivation { name: Some(String::new()), ..base() }, "invalid name"),
        (NewActivation { name: long(1025), ..base() }, "invalid name"),
        (NewActivation { name: long(1024), ..base() }, "ok"),
        (NewActivation { hostname: long(1025), ..base() }, "invalid hostname"),
        (NewActivation { platform: Some("\u{7}".into()), ..base() }, "invalid platform"),
        (NewActivation { address: long(1025), ..base() }, "invalid address"),
        (NewActivation { cores: Some(0), ..base() }, "invalid cores"),
        (NewActivation { cores: Some(0x8000_0000), ..base() }, "invalid cores"),
        (NewActivation { cores: Some(0x7fff_ffff), ..base() }, "ok"),
        (NewActivation { memory: Some(0), ..base() }, "invalid memory"),
        (NewActivation { disk: Some(1 << 63), ..base() }, "invalid disk"),
        (NewActivation { heartbeat_seconds: Some(0), ..base() }, "invalid heartbeat_seconds"),
        (
            NewActivation { heartbeat_seconds: Some(u32::MAX), ..base() },
            "invalid heartbeat_seconds",
        ),
        (with_components("a", &["1"; 21]), "invalid components"),
        (with_components("a", &["1", ""]), "invalid components[1].fingerprint"),
    ];
    for (new, expected) in cases {
        let mut bench = Bench::new("");
        assert_eq!(told(&bench.activate(new.clone())), expected, "{expected}");
        bench.activate(base()).expect("room");
    }
    let mut bench = Bench::new("own_heartbeat=false");
    let new = NewActivation { heartbeat_seconds: Some(60), ..base() };
    assert_eq!(told(&bench.activate(new)), "invalid heartbeat_seconds");
}

#[test]
fn virtual_machines_and_containers_need_leave() {
    for (terms, is_vm, is_container, expected) in [
        ("", true, true, "ok"),
        ("allow_vm=false", true, false, "activation-not-allowed"),
        ("allow_vm=false", false, true, "ok"),
        ("allow_container=false", true, true, "activation-not-allowed"),
        ("allow_container=false", true, false, "ok"),
    ] {
        let mut bench = Bench::new(terms);
        let new = NewActivation { is_vm, is_container, ..machine("a") };
        assert_eq!(told(&bench.activate(new)), expected, "{terms}");
    }
}

#[test]
fn a_license_has_so_many_machines_and_no_more() {
    let mut bench = Bench::new("unique=nothing");
    let one = bench.activate(machine("a")).expect("room").activation.expect("it");
    let most = crate::limits::ACTIVATIONS_PER_LICENSE_MAX;
    bench.live.activations = vec![one; most];
    let refused = bench.activate(machine("b"));
    assert_eq!(refused, Err(Refusal::TooMany(Kind::Activation, most as u64)));
}
