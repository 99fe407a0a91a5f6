use alloc::string::ToString;
use alloc::vec;

use super::*;
use crate::metadata::Metadata;

fn machine(number: u8) -> ActivationId {
    ActivationId::from_bytes([number; 16])
}

fn an_activation(number: u8, fingerprint: &str) -> Arc<Activation> {
    Arc::new(Activation {
        id: machine(number),
        fingerprint: fingerprint.to_string(),
        name: None,
        hostname: None,
        platform: None,
        address: None,
        cores: None,
        memory: None,
        disk: None,
        is_vm: false,
        is_container: false,
        user: None,
        components: Vec::new(),
        metadata: Metadata::default(),
        own_heartbeat_seconds: None,
        seen_at: None,
        last_file_at: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    })
}

fn a_process(number: u8, on: u8) -> Arc<Process> {
    Arc::new(Process {
        id: ProcessId::from_bytes([number; 16]),
        activation: machine(on),
        pid: number.to_string(),
        metadata: Metadata::default(),
        seen_at: Timestamp(0),
        created_at: Timestamp(0),
    })
}

fn a_hold(number: u8, units: Quantity) -> Arc<Hold> {
    Arc::new(Hold {
        id: HoldId::from_bytes([number; 16]),
        meter: code("frames"),
        activation: None,
        units,
        expires_at: Timestamp(9),
        created_at: Timestamp(0),
    })
}

fn a_session(number: u8, reserved: Quantity) -> Arc<Session> {
    Arc::new(Session {
        id: SessionId::from_bytes([number; 16]),
        meter: code("frames"),
        activation: None,
        count: 1,
        reserved,
        active_ms: 0,
        subject: None,
        seen_at: Timestamp(0),
        expires_at: Timestamp(9),
        created_at: Timestamp(0),
    })
}

fn code(text: &str) -> Code {
    Code::parse("code", text).unwrap()
}

fn share(number: u8, meter: &str, quantity: Quantity) -> Share {
    Share { activation: machine(number), meter: code(meter), quantity }
}

fn live(changes: &[LiveChange]) -> Live {
    let mut live = Live::default();
    for change in changes {
        live.apply(change);
    }
    live
}

/// What is put twice is there once, as it was put last; what is dropped is gone, once or twice.
#[test]
fn things_come_change_and_go() {
    use LiveChange::{
        DropActivation, DropHold, DropProcess, DropSession, PutActivation, PutHold, PutProcess,
        PutSession,
    };
    let found = live(&[
        PutActivation(an_activation(1, "a")),
        PutActivation(an_activation(2, "b")),
        PutActivation(an_activation(1, "c")),
        PutProcess(a_process(1, 1)),
        PutProcess(a_process(2, 1)),
        PutProcess(a_process(1, 2)),
        PutHold(a_hold(1, 4)),
        PutHold(a_hold(2, 5)),
        PutHold(a_hold(1, 6)),
        PutSession(a_session(1, 4)),
        PutSession(a_session(2, 5)),
        PutSession(a_session(2, 6)),
    ]);
    assert_eq!(found.activations, [an_activation(1, "c"), an_activation(2, "b")]);
    assert_eq!(found.processes, [a_process(1, 2), a_process(2, 1)]);
    assert_eq!(found.holds, [a_hold(1, 6), a_hold(2, 5)]);
    assert_eq!(found.sessions, [a_session(1, 4), a_session(2, 6)]);
    assert_eq!(found.hold(HoldId::from_bytes([2; 16])), Some(&a_hold(2, 5)));
    assert_eq!(found.session(SessionId::from_bytes([3; 16])), None);
    let mut found = found;
    for _ in 0..2 {
        for number in [1, 2] {
            found.apply(&DropHold(HoldId::from_bytes([number; 16])));
            found.apply(&DropSession(SessionId::from_bytes([number; 16])));
            found.apply(&DropProcess(ProcessId::from_bytes([number; 16])));
            found.apply(&DropActivation(machine(number)));
        }
        assert!(found.is_empty());
    }
}

/// A machine takes its processes and shares with it, and nothing of another one.
#[test]
fn a_machine_takes_its_own_with_it() {
    let found = live(&[
        LiveChange::PutActivation(an_activation(1, "a")),
        LiveChange::PutActivation(an_activation(2, "b")),
        LiveChange::PutProcess(a_process(1, 1)),
        LiveChange::PutProcess(a_process(2, 2)),
        LiveChange::PutShare(share(1, "frames", 4)),
        LiveChange::PutShare(share(1, "pages", 5)),
        LiveChange::PutShare(share(2, "frames", 6)),
        LiveChange::DropActivation(machine(1)),
    ]);
    assert_eq!(found.activations, [an_activation(2, "b")]);
    assert_eq!(found.processes, [a_process(2, 2)]);
    assert_eq!(found.shares, [share(2, "frames", 6)]);
}

#[test]
fn a_share_of_nothing_is_none() {
    let mut found = live(&[
        LiveChange::PutShare(share(1, "frames", 4)),
        LiveChange::PutShare(share(1, "frames", 5)),
        LiveChange::PutShare(share(1, "pages", 7)),
        LiveChange::PutShare(share(2, "frames", 6)),
        LiveChange::PutShare(share(3, "frames", 0)),
    ]);
    assert_eq!(found.shares.len(), 3);
    assert_eq!(found.share(machine(1), "frames"), 5);
    assert_eq!(found.share(machine(3), "frames"), 0);
    found.apply(&LiveChange::PutShare(share(2, "frames", 0)));
    assert_eq!(found.share(machine(2), "frames"), 0);
    found.apply(&LiveChange::DropShares(code("frames")));
    assert_eq!(found.shares, [share(1, "pages", 7)]);
}

#[test]
fn days_that_are_over_are_forgotten() {
    let pass = |number, until| Pass { holder: [number; 16], until: Timestamp(until) };
    let found = live(&[
        LiveChange::PutPass(pass(1, 10)),
        LiveChange::PutPass(pass(2, 11)),
        LiveChange::DropPasses(Timestamp(10)),
    ]);
    assert_eq!(found.passes, vec![pass(2, 11)]);
}

/// A fingerprint may stand for several machines: then for the oldest.
#[test]
fn machines_are_found_by_id_or_fingerprint() {
    let found = live(&[
        LiveChange::PutActivation(an_activation(1, "a")),
        LiveChange::PutActivation(an_activation(2, "b")),
        LiveChange::PutActivation(an_activation(3, "b")),
    ]);
    let of = |of: &str| found.activation(&ActivationRef::parse(of)).map(|found| found.id);
    assert_eq!(of("b"), Some(machine(2)));
    assert_eq!(of(&machine(3).to_string()), Some(machine(3)));
    assert_eq!(of("c"), None);
    assert_eq!(of(&machine(9).to_string()), None);
}
