//! What each condition and each action does.

use usance_core::command::{Command, Ref, RulePatch};
use usance_core::event::What;
use usance_core::license::Standing;
use usance_core::rule::{RuleAction, RuleKind};
use usance_core::usage::Use;
use usance_engine::Location;
use usance_engine::queries::TryRule;
use usance_engine::verify::{VerifyOptions, verify};

use crate::world::{World, from, increment, new_rule, refused, run};

#[test]
fn a_license_used_too_fast_is_blocked_until_the_block_is_over() {
    run(async {
        let directory = tempfile::tempdir().unwrap();
        let world = World::new(Location::Directory(directory.path().into())).await;
        world.rule("burst", RuleKind::Rate, 10, RuleAction::Refuse).await;
        world.uses(10).await.unwrap();
        world.uses(1).await.unwrap();
        assert_eq!(refused(world.uses(1).await), "license-blocked");
        let told = world.events(&["license.blocked"]).await;
        let What::Changed { after: Some(after), by: None, .. } = &told[0].what else {
            panic!("{told:?}")
        };
        assert!(after.contains("frames was used 11 in 60 seconds, above 10"), "{after}");
        assert!(after.contains("found=11 above=10 meter=frames"), "{after}");

        // A second before the end nothing changes; at the end it goes on, whoever tends it or not.
        world.at(599);
        assert_eq!(refused(world.uses(1).await), "license-blocked");
        world.at(600);
        world.uses(1).await.unwrap();
        world.engine.tend().await.unwrap();
        assert_eq!(world.events(&["license.unblocked"]).await.len(), 1);
        assert!(world.stored().await.blocks.is_empty());
        world.engine.close().await;
        let report = verify(directory.path(), &VerifyOptions::default(), &mut |_, _| {}).unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
    });
}

#[test]
fn a_warning_is_in_the_answers_as_long_as_it_holds() {
    run(async {
        let world = World::new(Location::Memory).await;
        world.rule("burst", RuleKind::Rate, 10, RuleAction::Warn).await;
        assert_eq!(world.uses(11).await.unwrap().warning, None);
        assert_eq!(world.uses(1).await.unwrap().warning.as_deref(), Some("burst"));
        world.at(600);
        assert_eq!(world.uses(1).await.unwrap().warning, None);
        assert_eq!(world.events(&["license.warned"]).await.len(), 1);
    });
}

#[test]
fn a_suspension_by_a_rule_ends_with_it_or_by_hand() {
    run(async {
        let world = World::new(Location::Memory).await;
        world.rule("burst", RuleKind::Rate, 10, RuleAction::Suspend).await;
        world.uses(11).await.unwrap();
        assert_eq!(refused(world.uses(1).await), "license-suspended");
        assert_eq!(world.stored().await.standing, Standing::Suspended);
        world.at(600);
        world.uses(11).await.unwrap();
        // It was too much once more.
        assert_eq!(refused(world.uses(1).await), "license-suspended");
        let reinstate = usance_core::license::StandingChange::Reinstate;
        world.change(Command::ChangeStanding(world.of(), reinstate)).await.unwrap();
        world.uses(1).await.unwrap();
        assert!(world.stored().await.blocks.is_empty());
    });
}

#[test]
fn an_event_only_tells() {
    run(async {
        let world = World::new(Location::Memory).await;
        let rule = world.rule("burst", RuleKind::Rate, 10, RuleAction::Event).await;
        world.uses(11).await.unwrap();
        assert_eq!(world.uses(1).await.unwrap().warning, None);
        assert!(world.stored().await.blocks.is_empty());
        let told = world.events(&["rule.warned"]).await;
        assert_eq!(told.len(), 1);
        let known = world.engine.rule(world.system.clone(), Ref::Id(rule.id)).await.unwrap();
        assert_eq!(known.told.unwrap().license, world.license.id);
        assert_eq!(world.acts().await, 1);
    });
}

#[test]
fn every_condition_acts_through_the_engine() {
    run(async {
        let of = |world: &World, uses: &[&str]| -> Vec<Use> {
            uses.iter().map(|address| from(&world.license, address)).collect()
        };
        for kind in RuleKind::ALL.iter().copied() {
            let world = World::new(Location::Memory).await;
            world.rule("watch", kind, 1, RuleAction::Refuse).await;
            let uses = match kind {
                RuleKind::Rate | RuleKind::Unusual => vec![increment(&world.license, 2)],
                RuleKind::Refusals => vec![increment(&world.license, 1_000_000); 2],
                RuleKind::Addresses => of(&world, &["10.0.0.1", "10.0.0.2"]),
                RuleKind::Networks => of(&world, &["10.0.0.1", "10.0.1.2"]),
                RuleKind::ClockBack => [0, -2000]
                    .map(|ms| {
                        let occurred_at = Some(world.engine.now().plus_ms(ms));
                        Use { occurred_at, ..increment(&world.license, 1) }
                    })
                    .into(),
                RuleKind::Overdue => {
                    world.at(24 * 60 * 60 + 1);
                    Vec::new()
                }
            };
            for used in uses {
                assert!(world.stored().await.blocks.is_empty(), "{kind}");
                world.count(used).await.map(drop).unwrap_or_default();
            }
            world.engine.followed().await;
            let stored = world.stored().await;
            assert_eq!(stored.blocks.len(), 1, "{kind}");
            assert!(!stored.blocks[0].evidence.contains("10.0"), "no personal data: {kind}");
        }
    });
}

#[test]
fn unusual_use_is_held_against_the_same_hour_of_the_days_before() {
    run(async {
        let world = World::new(Location::Memory).await;
        const DAY: i64 = 24 * 60 * 60;
        world.rule("unusual", RuleKind::Unusual, 5, RuleAction::Event).await;
        world.change(Command::CheckInLicense(world.of())).await.unwrap();
        // Seventy in seven days are ten a day; three times as much is thirty.
        for day in 0..7 {
            world.at(day * DAY);
            world.change(Command::CheckInLicense(world.of())).await.unwrap();
            for _ in 0..2 {
                world.uses(5).await.unwrap();
            }
        }
        let acts = world.acts().await;
        world.at(7 * DAY);
        world.change(Command::CheckInLicense(world.of())).await.unwrap();
        world.uses(30).await.unwrap();
        assert_eq!(world.acts().await, acts);
        world.uses(1).await.unwrap();
        assert_eq!(world.acts().await, acts + 1);
    });
}

#[test]
fn trying_a_rule_says_what_it_would_have_done_and_does_nothing() {
    run(async {
        let world = World::new(Location::Memory).await;
        for second in [0, 10, 20, 100, 110] {
            world.at(second);
            world.uses(6).await.unwrap();
        }
        let before = (world.end().await, world.stored().await);
        let new = new_rule("burst", RuleKind::Rate, 10, RuleAction::Suspend);
        let of = TryRule::New(Box::new(new));
        let trial = world.engine.try_rule(world.system.clone(), of.clone(), 30).await.unwrap();
        let acts: Vec<_> = trial.acts.iter().map(|act| (act.at, act.license)).collect();
        let at = |second: i64| crate::world::BEGIN.plus_ms(second * 1000);
        assert_eq!(acts, [(at(10), world.license.id), (at(110), world.license.id)]);
        assert!(trial.is_whole);
        assert_eq!((world.end().await, world.stored().await), before);
        // What happened before the days that are asked for only counts.
        world.at(24 * 60 * 60 + 50);
        let trial = world.engine.try_rule(world.system.clone(), of, 1).await.unwrap();
        assert_eq!(trial.acts.len(), 1);
    });
}

#[test]
fn a_rule_that_is_not_in_force_does_nothing() {
    run(async {
        let world = World::new(Location::Memory).await;
        world.rule("burst", RuleKind::Rate, 10, RuleAction::Refuse).await;
        let off = RulePatch { is_enabled: Some(false), ..RulePatch::default() };
        world.change_rule("burst", off).await;
        world.uses(11).await.unwrap();
        world.uses(11).await.unwrap();
        // From now on it is, and the use that goes on is its to judge.
        world.at(1);
        let on = RulePatch { is_enabled: Some(true), ..RulePatch::default() };
        world.change_rule("burst", on).await;
        world.engine.followed().await;
        assert!(world.stored().await.blocks.is_empty());
        world.uses(1).await.unwrap();
        assert_eq!(refused(world.uses(1).await), "license-blocked");
    });
}
