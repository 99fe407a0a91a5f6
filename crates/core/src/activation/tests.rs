use alloc::string::ToString;

use super::*;
use crate::terms::TermsPatch;

fn an_activation(own_seconds: Option<u32>, seen_at: Option<i64>) -> Activation {
    Activation {
        id: ActivationId::from_bytes([1; 16]),
        fingerprint: "secret".to_string(),
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
        own_heartbeat_seconds: own_seconds,
        seen_at: seen_at.map(|seconds| Timestamp(seconds * 1000)),
        last_file_at: None,
        created_at: Timestamp(0),
        updated_at: Timestamp(0),
    }
}

/// Made at 0; all in seconds. Whether it lives just before it dies, and when it dies and is gone.
#[test]
fn a_machine_lives_as_long_as_its_terms_and_heartbeats_say() {
    use Heartbeat::{Alive, NotStarted};
    for (terms, own, seen_at, state, dies_at, gone_at) in [
        ("", None, None, NotStarted, None, None),
        ("", None, Some(5), Alive, None, None),
        ("", Some(10), None, NotStarted, Some(10), Some(10)),
        ("", Some(10), Some(5), Alive, Some(15), Some(15)),
        ("own_heartbeat=false", Some(10), Some(5), Alive, None, None),
        ("heartbeat_seconds=60", None, None, NotStarted, Some(60), Some(60)),
        ("heartbeat_seconds=60", None, Some(30), Alive, Some(90), Some(90)),
        ("heartbeat_seconds=60", Some(10), Some(30), Alive, Some(40), Some(40)),
        ("heartbeat_seconds=60\nown_heartbeat=false", Some(1), Some(3), Alive, Some(63), Some(63)),
        ("heartbeat_seconds=60\nrevive_seconds=9", None, Some(3), Alive, Some(63), Some(72)),
        ("heartbeat_seconds=60\nrevive_seconds=none", None, Some(3), Alive, Some(63), None),
        (
            "heartbeat_seconds=60\nheartbeat_from=first-heartbeat",
            None,
            None,
            NotStarted,
            None,
            None,
        ),
        (
            "heartbeat_seconds=60\nheartbeat_from=first-heartbeat",
            None,
            Some(1),
            Alive,
            Some(61),
            Some(61),
        ),
        (
            "heartbeat_seconds=60\nheartbeat_from=first-heartbeat\nheartbeat_required=true",
            None,
            None,
            NotStarted,
            Some(60),
            Some(60),
        ),
    ] {
        let what = alloc::format!("{terms} {own:?} {seen_at:?}");
        let terms = Terms::default().with(&TermsPatch::from_lines(terms).unwrap());
        let one = an_activation(own, seen_at);
        let at = |seconds: Option<i64>| seconds.map(|seconds| Timestamp(seconds * 1000));
        assert_eq!(one.dies_at(&terms), at(dies_at), "{what}");
        assert_eq!(one.gone_at(&terms), at(gone_at), "{what}");
        let end = at(dies_at).unwrap_or(Timestamp::MAX);
        assert_eq!(one.heartbeat(&terms, end.plus_ms(-1)), state, "{what}");
        if dies_at.is_some() {
            assert_eq!(one.heartbeat(&terms, end), Heartbeat::Dead, "{what}");
        }
        let end = at(gone_at).unwrap_or(Timestamp::MAX);
        assert!(!one.is_gone(&terms, end.plus_ms(-1)), "{what}");
        assert_eq!(one.is_gone(&terms, end), gone_at.is_some(), "{what}");
    }
}

#[test]
fn names_of_machines_are_not_shown() {
    let shown = alloc::format!("{:?}", an_activation(None, None));
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn a_machine_is_named_by_id_or_fingerprint() {
    let id = ActivationId::from_bytes([7; 16]);
    assert_eq!(ActivationRef::parse(&id.to_string()), ActivationRef::Id(id));
    for text in ["", "act_", "ACT_07", "a machine"] {
        assert_eq!(ActivationRef::parse(text), ActivationRef::Fingerprint(text.to_string()));
    }
}
