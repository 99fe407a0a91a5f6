//! A rule acts once for one cause: with many callers, crashes and replays.

use std::sync::Arc;

use usance_core::caller::{Caller, Credential};
use usance_core::command::{Command, NewAct, Ref, Reply};
use usance_core::id::TokenId;
use usance_core::rule::{Cause, RuleAction, RuleKind};
use usance_engine::{Failure, Location};

use crate::world::{World, code, increment, refused, run};

#[test]
fn one_cause_is_acted_upon_once_however_often_it_is_found() {
    run(async {
        let directory = tempfile::tempdir().unwrap();
        let mut world = World::new(Location::Directory(directory.path().into())).await;
        world.rule("burst", RuleKind::Rate, 10, RuleAction::Refuse).await;
        world.uses(11).await.unwrap();
        // Each start finds the cause in the ledger again.
        for _ in 0..3 {
            world = world.crash(directory.path());
            world.engine.followed().await;
            assert_eq!(world.acts().await, 1);
            assert_eq!(world.events(&["license.blocked"]).await.len(), 1);
            assert_eq!(refused(world.uses(1).await), "license-blocked");
        }
        // What was undone stays undone.
        let unblock = Command::Unblock(world.of(), Some(Ref::Code(code("burst"))));
        world.change(unblock).await.unwrap();
        world = world.crash(directory.path());
        world.engine.followed().await;
        world.uses(1).await.unwrap();
        assert_eq!(world.acts().await, 1);
        let acts = world.all_acts().await;
        assert!(acts[0].undone_at.is_some());
        assert_eq!(
            refused(world.change(Command::Unblock(world.of(), None)).await),
            "license-state-conflict"
        );
    });
}

#[test]
fn a_cause_that_was_committed_just_before_a_crash_is_found_after_it() {
    run(async {
        for _ in 0..20 {
            let directory = tempfile::tempdir().unwrap();
            let world = World::new(Location::Directory(directory.path().into())).await;
            world.rule("burst", RuleKind::Rate, 10, RuleAction::Refuse).await;
            // Nobody waits for the follower: it may have acted, or not, when the engine goes.
            let used = vec![increment(&world.license, 11)];
            world.engine.count(Arc::clone(&world.system), used).await.unwrap();
            let world = world.crash(directory.path());
            world.engine.followed().await;
            assert_eq!(world.acts().await, 1);
            assert_eq!(refused(world.uses(1).await), "license-blocked");
        }
    });
}

#[test]
fn many_callers_at_once_make_one_cause() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    runtime.block_on(async {
        let world = World::new(Location::Memory).await;
        world.rule("burst", RuleKind::Rate, 100, RuleAction::Warn).await;
        world.rule("tell", RuleKind::Rate, 150, RuleAction::Event).await;
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let (engine, system) = (world.engine.clone(), Arc::clone(&world.system));
                let license = world.license.clone();
                tokio::spawn(async move {
                    for _ in 0..50 {
                        let used = vec![increment(&license, 1)];
                        engine.count(Arc::clone(&system), used).await.unwrap().remove(0).unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        world.engine.followed().await;
        assert_eq!(world.acts().await, 2);
        // The hundred and first use is the cause, and no other.
        let block = &world.stored().await.blocks[0];
        assert!(block.evidence.starts_with("found=101 above=100"), "{}", block.evidence);
    });
}

#[test]
fn only_the_process_itself_may_act_and_not_twice() {
    run(async {
        let world = World::new(Location::Memory).await;
        let rule = world.rule("burst", RuleKind::Rate, 10, RuleAction::Refuse).await;
        let act = NewAct {
            rule: rule.id,
            license: world.license.id,
            cause: Cause::Record(7),
            reason: "because".into(),
            evidence: "found=1".into(),
        };
        let token = Credential::Token(TokenId::from_bytes([1; 16]));
        let other = Arc::new(Caller { credential: token, ..(*world.system).clone() });
        let done = world.engine.change(other, Command::Act(act.clone())).await;
        assert_eq!(refused(done), "permission-missing");
        for expected in [true, false, false] {
            let done = world.change(Command::Act(act.clone())).await;
            assert_eq!(done, Ok::<_, Failure>(Reply::Acted(expected)));
        }
        let other = NewAct { cause: Cause::Record(8), ..act };
        assert_eq!(world.change(Command::Act(other)).await, Ok(Reply::Acted(true)));
        assert_eq!(world.stored().await.blocks.len(), 1);
    });
}
