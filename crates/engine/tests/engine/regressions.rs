//! What once was wrong, as small as it could be made.

use usance_core::command::{Command, LicensePatch, NewOverage, Reply};
use usance_core::license::{LicenseRef, Standing, StandingChange};
use usance_core::usage::Use;

use crate::world::{World, increment, run};

/// The query for a license's own ceilings named a column that two tables have.
#[test]
fn a_license_can_be_changed_suspended_and_deleted() {
    run(async {
        let world = World::in_memory();
        world.policy("plan", Some(5), NewOverage::Refuse).await;
        let license = world.license("plan").await;
        let of = || LicenseRef::Id(license.id);
        let patch = LicensePatch { name: Some(Some("Ada".into())), ..LicensePatch::default() };
        let changed = world.change(Command::ChangeLicense(of(), patch)).await;
        assert!(
            matches!(&changed, Ok(Reply::License(license, _)) if license.name.is_some()),
            "{changed:?}"
        );
        let suspend = Command::ChangeStanding(of(), StandingChange::Suspend);
        let suspended = world.change(suspend).await;
        let Ok(Reply::License(suspended, _)) = suspended else { panic!("{suspended:?}") };
        assert_eq!(suspended.standing, Standing::Suspended);
        assert_eq!(world.change(Command::DeleteLicense(of())).await, Ok(Reply::Deleted));
    });
}

/// A license that was in memory under its id was read from disk again when it was named by its
/// key, and what had been counted since the last write-back was forgotten.
#[test]
fn a_license_is_the_same_under_its_id_and_its_key() {
    run(async {
        let world = World::in_memory();
        world.policy("plan", Some(5), NewOverage::Refuse).await;
        let license = world.license("plan").await;
        let by_id = increment(&license, 3, None);
        let by_key = Use { license: LicenseRef::Key(license.key.clone()), ..by_id.clone() };
        let first = world.count_one(by_id).await.unwrap();
        let second = world.count_one(by_key).await;
        assert_eq!(first.counted.total, 3);
        assert!(second.is_err(), "six of five: {second:?}");
        assert_eq!(world.frames(&license).await, (3, 3, 1));
    });
}
