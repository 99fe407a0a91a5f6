//! Checkpoints and proofs, checked with nothing but the core and a kept key.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use usance_core::command::NewOverage;
use usance_core::ledger::checkpoint::{Checkpoint, Verifier};
use usance_core::ledger::proof::{verify_consistency, verify_inclusion};
use usance_core::ledger::record::{Event, Record};
use usance_core::ledger::tree::leaf_hash;
use usance_core::refusal::Refusal;
use usance_engine::Failure;

use crate::property::property;
use crate::world::{World, increment, run};

/// Units of work of these sizes, so that blocks and tree nodes of every kind are there.
fn units() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![4 => 1usize..5, 1 => 100usize..300], 1..6)
}

#[test]
fn every_record_is_in_every_later_tree() {
    let picks = prop::collection::vec((any::<Index>(), any::<Index>()), 8);
    property(24, &(units(), picks), |(units, picks)| {
        run(async {
            let world = World::in_memory();
            world.policy("plan", None, NewOverage::Refuse).await;
            let license = world.license("plan").await;
            let key = world.engine.verifier_key(&world.system).unwrap();
            let verifier = Verifier::parse(&key).unwrap();
            let mut kept = Vec::new();
            for unit in units {
                let uses = (0..unit).map(|_| increment(&license, 1, None)).collect();
                world.count(uses).await.unwrap();
                kept.push(Checkpoint::open(&world.note().await, &verifier).unwrap());
            }
            let newest = kept.last().unwrap();
            let caller = || Arc::clone(&world.system);
            for (one, other) in picks {
                // Any record in any tree that holds it.
                let size = 1 + one.index(usize::try_from(newest.size).unwrap()) as u64;
                let record = other.index(usize::try_from(size).unwrap()) as u64;
                let proof = world.engine.inclusion(caller(), record, Some(size)).await.unwrap();
                let leaf = leaf_hash(&proof.bytes);
                assert!(verify_inclusion(&leaf, record, size, &proof.path, &proof.root));
                assert!(Record::decode(&proof.bytes).is_ok());
                // And any tree in the newest one.
                let grown = world.engine.consistency(caller(), size, newest.size).await.unwrap();
                assert_eq!((grown.from_root, grown.to_root), (proof.root, newest.root));
                let (old, new) = (&grown.from_root, &grown.to_root);
                assert!(verify_consistency(size, newest.size, old, new, &grown.path));
            }
            for checkpoint in &kept {
                let grown = world.engine.consistency(caller(), checkpoint.size, newest.size).await;
                assert_eq!(grown.unwrap().from_root, checkpoint.root);
            }
        });
    });
}

#[test]
fn answers_name_the_record_that_holds_them() {
    run(async {
        let world = World::in_memory();
        world.policy("plan", None, NewOverage::Refuse).await;
        let license = world.license("plan").await;
        for amount in 1..300 {
            let answer = world.count_one(increment(&license, amount, None)).await.unwrap();
            let caller = Arc::clone(&world.system);
            let proof = world.engine.inclusion(caller, answer.record, None).await.unwrap();
            let record = Record::decode(&proof.bytes).unwrap();
            let Event::Use(event) = record.event else { panic!("{record:?}") };
            assert_eq!((record.at, event.counted), (answer.at, answer.counted));
            assert_eq!((event.license, event.meter), (license.id, "frames"));
        }
    });
}

#[test]
fn there_are_no_proofs_of_what_is_not_there() {
    run(async {
        let world = World::in_memory();
        world.policy("plan", None, NewOverage::Refuse).await;
        let system = || Arc::clone(&world.system);
        // Three records: opened, product, policy.
        for (record, size, expected) in [
            (0, None, None),
            (2, Some(3), None),
            (2, Some(2), Some("unknown")),
            (3, None, Some("unknown")),
            (0, Some(0), Some("invalid")),
            (0, Some(4), Some("invalid")),
            (u64::MAX, Some(u64::MAX), Some("invalid")),
        ] {
            let found = world.engine.inclusion(system(), record, size).await;
            assert_eq!(code_of(found), expected, "record {record} in {size:?}");
        }
        for (from, to, expected) in [
            (0, 0, None),
            (0, 3, None),
            (1, 3, None),
            (3, 3, None),
            (3, 4, Some("invalid")),
            (2, 1, Some("invalid")),
            (u64::MAX, u64::MAX, Some("invalid")),
        ] {
            let found = world.engine.consistency(system(), from, to).await;
            assert_eq!(code_of(found), expected, "{from} to {to}");
        }
    });
}

fn code_of<T>(found: Result<T, Failure>) -> Option<&'static str> {
    match found {
        Ok(_) => None,
        Err(Failure::Refused(refusal)) => Some(Refusal::code(&refusal)),
        Err(failure) => panic!("{failure}"),
    }
}
