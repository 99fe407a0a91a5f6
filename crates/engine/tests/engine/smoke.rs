//! The thin path through everything: count, refuse, repeat, restart, verify.

use usance_core::command::NewOverage;
use usance_core::refusal::Refusal;
use usance_engine::Failure;

use crate::world::{World, check, increment, run};

#[test]
fn counts_refuses_repeats_restarts_and_verifies() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        world.policy("prepaid", Some(10), NewOverage::Refuse).await;
        let license = world.license("prepaid").await;
        let first = world.count_one(increment(&license, 7, Some("a"))).await.unwrap();
        assert_eq!((first.counted.total, first.repeat), (7, false));
        let refused = world.count_one(increment(&license, 4, None)).await;
        assert!(matches!(refused, Err(Failure::Refused(Refusal::LimitReached(_)))), "{refused:?}");
        let again = world.count_one(increment(&license, 7, Some("a"))).await.unwrap();
        assert_eq!(
            (again.record, again.counted, again.repeat),
            (first.record, first.counted, true)
        );
        let conflict = world.count_one(increment(&license, 6, Some("a"))).await;
        assert_eq!(conflict, Err(Failure::Refused(Refusal::IdempotencyConflict)));
        assert_eq!(world.frames(&license).await, (7, 7, 1));
        let report = check(directory.path());
        assert_eq!(report.findings, []);

        let world = world.restart(directory.path()).await;
        assert_eq!(world.frames(&license).await, (7, 7, 1));
        let again = world.count_one(increment(&license, 7, Some("a"))).await.unwrap();
        assert_eq!(
            (again.record, again.counted, again.repeat),
            (first.record, first.counted, true)
        );
        world.engine.close().await;
    });
    let report = check(directory.path());
    assert_eq!(report.findings, []);
    assert_eq!((report.records(), report.meters, report.catalogue_entries), (5, 1, 3));
}
