//! Machines, programs, holds and sessions: what lives on a license.

use crate::world::Server;

#[test]
fn machines_take_their_places_and_let_go() {
    let server = Server::new();
    server.json("product create renderer");
    server.json(
        "policy create studio --product renderer --meter frames:allowed=10,floating \
         --term max_activations=2 --term max_cores=16",
    );
    let license = server.json("license create --policy studio")["id"].as_str().unwrap().to_owned();
    let create = |line: &str| server.run(&format!("activation create {license} {line}"));
    let first = server.json(&format!(
        "activation create {license} 9f3c --cores 8 --name node7 --component mb-77=board \
         --metadata rack=4"
    ));
    assert_eq!(
        (&first["cores"], &first["components"][0]["name"], &first["metadata"]["rack"]),
        (&8.into(), &"board".into(), &4.into())
    );
    let err = create("aaaa --cores 9").failed(1);
    assert!(err.contains("(core-limit-reached)") && err.contains("--override"), "{err}");
    create("aaaa --cores 8").done();
    let err = create("bbbb").failed(1);
    assert!(err.contains("(activation-limit-reached)"), "{err}");

    let used = server.json(&format!("use {license} frames 4 --activation 9f3c"));
    assert_eq!((&used["total"], &used["activation"]), (&4.into(), &first["id"]));
    let shown = server.run(&format!("activation show {license} 9f3c")).done();
    assert!(shown.contains("frames=4") && shown.contains("mb-77 (board)"), "{shown}");
    let table = server.run(&format!("activation list --license {license}")).done();
    assert_eq!(table.lines().count(), 3, "{table}");
    server.run(&format!("activation heartbeat {license} 9f3c")).done();
    let changed = server.json(&format!("activation change {license} 9f3c --cores 4 --name none"));
    assert_eq!((&changed["cores"], &changed["name"]), (&4.into(), &serde_json::Value::Null));

    server.run(&format!("activation delete {license} 9f3c")).done();
    assert_eq!(server.json(&format!("meter show {license} frames"))["total"], 0, "its share");
    create("bbbb").done();
}

#[test]
fn programs_start_and_end_on_a_machine() {
    let server = Server::new();
    server.json("product create renderer");
    server.json("policy create one --product renderer --term max_processes=1");
    let license = server.json("license create --policy one")["id"].as_str().unwrap().to_owned();
    server.json(&format!("activation create {license} a/b?c"));
    let start = format!("process start {license} a/b?c 4711");
    let process = server.json(&start)["id"].as_str().unwrap().to_owned();
    let err = server.run(&start.replace("4711", "4712")).failed(1);
    assert!(err.contains("(process-limit-reached)"), "{err}");
    server.run(&format!("process heartbeat {license} a/b?c {process}")).done();
    assert!(server.run(&format!("process list {license} a/b?c")).done().contains("4711"));
    server.run(&format!("process end {license} a/b?c {process}")).done();
    server.run(&start.replace("4711", "4712")).done();
}

#[test]
fn units_are_set_aside_and_settled_for_less() {
    let server = Server::new();
    let license = server.license("frames:allowed=100");
    let held = server.json(&format!("hold take {license} frames 60 --for 2h --key job-1"));
    let hold = held["hold"].as_str().unwrap();
    assert_eq!((&held["held"], &held["remaining"]), (&60.into(), &40.into()));
    let repeat = server.json(&format!("hold take {license} frames 60 --for 2h --key job-1"));
    assert_eq!((&repeat["hold"], &repeat["repeat"]), (&held["hold"], &true.into()));
    server.run(&format!("use {license} frames 41")).failed(1);
    assert!(server.run(&format!("hold list {license} frames")).done().contains(hold));
    let settled = server.json(&format!("hold settle {license} frames {hold} 45"));
    assert_eq!(
        (&settled["total"], &settled["held"], &settled["released"]),
        (&45.into(), &0.into(), &60.into())
    );
    let err = server.run(&format!("hold settle {license} frames {hold} 45")).failed(1);
    assert!(err.contains("usance hold list"), "{err}");
    let other = server.json(&format!("hold take {license} frames 9"));
    let other = other["hold"].as_str().unwrap();
    let text = server.run(&format!("hold release {license} frames {other}")).done();
    assert!(text.contains("released") && text.contains("over"), "{text}");
    assert_eq!(server.json(&format!("meter show {license} frames"))["total"], 45);
}

#[test]
fn a_floating_seat_is_taken_and_given_back() {
    let server = Server::new();
    let license = server.license("seats:allowed=1,measure=seats,grace=5m");
    let out = format!("session check-out {license} seats --user ada --host n7");
    let taken = server.json(&out);
    let session = taken["session"].as_str().unwrap();
    assert!(server.run(&out).failed(1).contains("(limit-reached)"));
    let table = server.run(&format!("session list {license} seats")).done();
    assert!(table.contains(session) && table.contains("host=n7, user=ada"), "{table}");
    server.run(&format!("session heartbeat {license} seats {session}")).done();
    let back = server.json(&format!("session check-in {license} seats {session}"));
    assert_eq!((&back["held"], &back["total"]), (&0.into(), &0.into()));
    server.run(&format!("session check-in {license} seats {session}")).failed(1);
    server.run(&out).done();
}

#[test]
fn a_license_gets_meters_of_its_own() {
    let server = Server::new();
    let license = server.license("frames:allowed=10");
    let added = server.json(&format!("meter add {license} exports:allowed=3,period=month"));
    assert_eq!((&added["own"], &added["period"]), (&true.into(), &"month".into()));
    let used = server.json(&format!("use {license} exports 2"));
    assert!(used["period_end"].is_string(), "{used}");
    server.run(&format!("meter remove {license} exports")).done();
    server.run(&format!("use {license} exports 1")).failed(1);
    server.run(&format!("meter remove {license} frames")).failed(1);
}
