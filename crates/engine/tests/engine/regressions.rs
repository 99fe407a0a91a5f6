//! What once was wrong, as small as it could be made.

use std::sync::Arc;

use usance_core::activation::ActivationRef;
use usance_core::caller::Caller;
use usance_core::command::{
    AllowedChange, Command, LicensePatch, NewActivation, NewMeter, NewOverage, NewProduct,
    PolicyPatch, Ref, Reply,
};
use usance_core::id::{AccountId, LicenseId};
use usance_core::license::{LicenseRef, Standing, StandingChange};
use usance_core::metadata::Metadata;
use usance_core::meter::MeterPeriod;
use usance_core::period::Every;
use usance_core::quantity::{Decimal, Scale};
use usance_core::refusal::Refusal;
use usance_core::time::HOUR_MS;
use usance_core::usage::{Fit, Operation, Step, Use};
use usance_core::view::MeterView;
use usance_engine::Failure;

use crate::world::{BEGIN, World, check, code, increment, new_meter, run};

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

/// What a question that was refused had begun was thrown away on its way to disk, but not in
/// memory: an account whose first question was refused had records, and no ledger.
#[test]
fn a_refused_question_leaves_the_ledger_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        world.policy("plan", Some(5), NewOverage::Refuse).await;
        let license = world.license("plan").await;
        world.clock.put(BEGIN.plus_ms(HOUR_MS));
        world.count_one(increment(&license, 1, None)).await.unwrap();
        // The clock was set back, which is written down with whatever comes next.
        world.clock.put(BEGIN);
        let nobody = LicenseRef::Id(LicenseId::from_bytes([9; 16]));
        for _ in 0..2 {
            let found = world.engine.meters(Arc::clone(&world.system), nobody.clone()).await;
            assert!(matches!(found, Err(Failure::Refused(Refusal::Unknown(..)))), "{found:?}");
        }
        world.count_one(increment(&license, 1, None)).await.unwrap();
        let other = Arc::new(Caller::system(AccountId::from_bytes([8; 16])));
        let found = world.engine.meters(Arc::clone(&other), nobody).await;
        assert!(matches!(found, Err(Failure::Refused(Refusal::Unknown(..)))), "{found:?}");
        let new = NewProduct { code: code("viewer"), name: None, metadata: Metadata::default() };
        world.engine.change(other, Command::CreateProduct(new)).await.expect("a product");
        assert_eq!(check(directory.path()).findings, []);
        let world = world.crash(directory.path());
        assert_eq!(world.frames(&license).await, (2, 2, 0));
    });
}

/// A meter's new state was put where the meter had been before the license's meters changed in the
/// same unit of work: into another meter, or nowhere.
#[test]
fn a_meter_that_is_added_again_or_moves_with_a_transfer_stands_where_it_should() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        world.policy("plan", Some(50), NewOverage::Refuse).await;
        let period = MeterPeriod::Every(Every::Day);
        let daily = |name: &str| NewMeter { period, ..new_meter(name, Some(50)) };
        world.policy_of("long", vec![new_meter("pages", None), daily("frames")]).await;
        let license = world.license("plan").await;
        let of = || LicenseRef::Id(license.id);
        let extra = |by| Use { meter: code("extra"), ..increment(&license, by, None) };
        for _ in 0..2 {
            world.change(Command::AddMeter(of(), daily("extra"))).await.expect("added");
            world.count_one(extra(7)).await.unwrap();
            world.change(Command::RemoveMeter(of(), code("extra"))).await.expect("removed");
        }
        world.change(Command::AddMeter(of(), daily("extra"))).await.expect("added");
        world.count_one(increment(&license, 3, None)).await.unwrap();
        let to = |policy| Command::TransferLicense(of(), Ref::Code(code(policy)));
        world.change(to("long")).await.expect("transferred");
        world.count_one(increment(&license, 4, None)).await.unwrap();
        world.clock.put(BEGIN.plus_ms(25 * HOUR_MS));
        // A period of `frames` is over: it turns with the transfer, in the second place of three.
        world.change(to("plan")).await.expect("transferred");
        let stands = || async {
            let views = world.views(&license).await;
            let stands =
                |view: &MeterView| (view.spec.name.to_string(), view.state.total, view.state.gross);
            views.iter().map(stands).collect::<Vec<_>>()
        };
        let before = stands().await;
        let expected = [("frames".to_owned(), 0, 7), ("extra".to_owned(), 0, 14)];
        assert_eq!(before, expected);
        let world = world.crash(directory.path());
        let views = world.views(&license).await;
        let after: Vec<_> = views.iter().map(|view| (view.state.total, view.state.gross)).collect();
        assert_eq!(after, [(0, 7), (0, 14)]);
    });
    assert_eq!(check(directory.path()).findings, []);
}

/// A policy that gained a meter made every license's hash another; one that a license had before
/// began a second history; and one of the license's own stood there twice.
#[test]
fn a_policy_may_gain_meters_under_its_licenses() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        let pages = || new_meter("pages", None);
        world.policy_of("plan", vec![new_meter("frames", None), pages()]).await;
        world.policy_of("short", vec![new_meter("frames", None)]).await;
        let (license, other) = (world.license("plan").await, world.license("short").await);
        let of = || LicenseRef::Id(license.id);
        let used = |by| Use { meter: code("pages"), ..increment(&license, by, None) };
        world.count_one(used(5)).await.unwrap();
        let short = || Ref::Code(code("short"));
        world.change(Command::TransferLicense(of(), short())).await.expect("transferred");
        let gain = |meter| {
            let patch = PolicyPatch { new_meters: vec![meter], ..PolicyPatch::default() };
            Command::ChangePolicy(short(), patch)
        };
        let finer = NewMeter { scale: Scale::new(2).unwrap(), ..pages() };
        let refused = world.change(gain(finer)).await;
        assert!(matches!(refused, Err(Failure::Refused(Refusal::Invalid { .. }))), "{refused:?}");
        let own = Command::AddMeter(LicenseRef::Id(other.id), new_meter("own", None));
        world.change(own).await.expect("added");
        let refused = world.change(gain(new_meter("own", None))).await;
        assert!(matches!(refused, Err(Failure::Refused(Refusal::Taken(..)))), "{refused:?}");
        world.change(gain(pages())).await.expect("gained");
        assert_eq!(world.count_one(used(1)).await.unwrap().counted.total, 6);
        // A ceiling of its own, before the row of a gained meter was ever written back.
        let more = AllowedChange::Own(Decimal::whole(3));
        let command = Command::ChangeAllowed(LicenseRef::Id(other.id), code("pages"), more);
        world.change(command).await.expect("changed");
        let world = world.crash(directory.path());
        assert_eq!(world.views(&other).await[1].allowed(), Some(3));
        assert_eq!(world.count_one(used(1)).await.unwrap().counted.total, 7);
        world.engine.close().await;
    });
    assert_eq!(check(directory.path()).findings, []);
}

/// Own meters stood in the order in which they came, until they were read again in that of names:
/// the hash of the license was another then.
#[test]
fn own_meters_have_one_order() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        world.policy("plan", Some(5), NewOverage::Refuse).await;
        let license = world.license("plan").await;
        for name in ["pages", "hours"] {
            let add = Command::AddMeter(LicenseRef::Id(license.id), new_meter(name, None));
            world.change(add).await.expect("added");
        }
        world.engine.close().await;
    });
    assert_eq!(check(directory.path()).findings, []);
}

/// A meter that was removed kept what each machine had of it, and they could take it back from
/// what others had used after it was added again.
#[test]
fn nobody_has_a_share_of_a_meter_that_begins_again() {
    run(async {
        let world = World::in_memory();
        world.policy("plan", None, NewOverage::Refuse).await;
        let license = world.license("plan").await;
        let of = || LicenseRef::Id(license.id);
        let new = NewActivation { fingerprint: "machine".into(), ..NewActivation::default() };
        world.change(Command::Activate(of(), new)).await.expect("a machine");
        let machine = || Some(ActivationRef::Fingerprint("machine".into()));
        let extra = || Use { meter: code("extra"), ..increment(&license, 5, None) };
        world.change(Command::AddMeter(of(), new_meter("extra", None))).await.expect("added");
        world.count_one(Use { activation: machine(), ..extra() }).await.unwrap();
        world.change(Command::RemoveMeter(of(), code("extra"))).await.expect("removed");
        world.change(Command::AddMeter(of(), new_meter("extra", None))).await.expect("added");
        world.count_one(extra()).await.unwrap();
        let step = Step { amount: Decimal::whole(1), bound: None, fit: Fit::Partial };
        let back = Use { operation: Operation::Decrement(step), activation: machine(), ..extra() };
        let found = world.count_one(back).await;
        assert!(matches!(found, Err(Failure::Refused(Refusal::FloorReached(..)))), "{found:?}");
    });
}
