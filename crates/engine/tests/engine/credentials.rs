//! Who is known, and for how long: what is in memory never outlives what is on disk.

use std::sync::Arc;

use usance_core::caller::{Caller, Credential};
use usance_core::command::{Command, NewOverage, NewToken, PolicyPatch, Ref, Reply, Secret};
use usance_core::id::TokenId;
use usance_core::license::LicenseRef;
use usance_core::refusal::Refusal;
use usance_core::terms::TermsPatch;
use usance_core::time::Timestamp;
use usance_core::token::{Permission, Permissions};
use usance_engine::{Failure, Presented};

use crate::world::{BEGIN, World, code, increment, run};

fn new_token(permissions: Permissions, expires_at: Option<Timestamp>) -> NewToken {
    NewToken {
        name: "reader".into(),
        permissions,
        product: None,
        license: None,
        meter: None,
        user: None,
        customer: None,
        audience: None,
        expires_at,
    }
}

async fn make(world: &World, new: NewToken) -> (TokenId, Secret) {
    match world.change(Command::CreateToken(new)).await {
        Ok(Reply::Token(token, Some(secret))) => (token.id, secret),
        other => panic!("{other:?}"),
    }
}

async fn known(world: &World, presented: Presented<'_>) -> Result<Arc<Caller>, &'static str> {
    match world.engine.authenticate(presented).await {
        Ok(caller) => Ok(caller),
        Err(Failure::Refused(refusal)) => Err(refusal.code()),
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn a_token_is_known_until_it_is_revoked_or_expires() {
    run(async {
        let world = World::in_memory();
        let permissions = Permissions::NONE.with(Permission::MeterRead);
        let (revoked, first) = make(&world, new_token(permissions, None)).await;
        let (_, second) = make(&world, new_token(permissions, Some(BEGIN.plus_ms(10)))).await;
        // Twice: from disk, then from memory.
        for _ in 0..2 {
            let caller = known(&world, Presented::Token(&first.0)).await.unwrap();
            assert_eq!(caller.credential, Credential::Token(revoked));
            assert_eq!((caller.account, caller.permissions), (world.engine.account(), permissions));
            assert!(known(&world, Presented::Token(&second.0)).await.is_ok());
        }
        let other = first.0.replace("usance_", "usance_x");
        for wrong in ["", "usance_", &other, &first.0[1..]] {
            let found = known(&world, Presented::Token(wrong)).await;
            assert_eq!(found.err(), Some("unauthenticated"), "{wrong}");
        }
        let as_key = known(&world, Presented::LicenseKey(&first.0)).await;
        assert_eq!(as_key.err(), Some("unauthenticated"), "a token is no license key");

        world.clock.put(BEGIN.plus_ms(9));
        assert!(known(&world, Presented::Token(&second.0)).await.is_ok());
        world.clock.put(BEGIN.plus_ms(10));
        assert_eq!(known(&world, Presented::Token(&second.0)).await.err(), Some("unauthenticated"));
        world.change(Command::RevokeToken(revoked)).await.unwrap();
        for _ in 0..2 {
            let found = known(&world, Presented::Token(&first.0)).await;
            assert_eq!(found.err(), Some("unauthenticated"));
        }
    });
}

#[test]
fn a_license_is_known_by_its_key_and_may_what_its_policy_says() {
    run(async {
        let world = World::in_memory();
        world.policy("plan", None, NewOverage::Refuse).await;
        let (license, other) = (world.license("plan").await, world.license("plan").await);
        let key = license.key.0.clone();
        let present = || Presented::LicenseKey(&key);
        for _ in 0..2 {
            let caller = known(&world, present()).await.unwrap();
            assert_eq!(caller.credential, Credential::License(license.id));
            // It counts on itself, and on nobody else.
            let uses = vec![increment(&license, 1, None), increment(&other, 1, None)];
            let outcomes = world.engine.count(caller, uses).await.unwrap();
            assert!(outcomes[0].is_ok());
            assert!(matches!(outcomes[1], Err(Refusal::Locked(_))), "{:?}", outcomes[1]);
        }
        assert_eq!(known(&world, Presented::Token(&key)).await.err(), Some("unauthenticated"));

        let patch = PolicyPatch {
            terms: TermsPatch {
                license_permissions: Some(Permissions::NONE.with(Permission::MeterRead)),
                ..TermsPatch::default()
            },
            ..PolicyPatch::default()
        };
        world.change(Command::ChangePolicy(Ref::Code(code("plan")), patch)).await.unwrap();
        let caller = known(&world, present()).await.unwrap();
        let outcomes = world.engine.count(caller, vec![increment(&license, 1, None)]).await;
        assert!(matches!(outcomes.unwrap()[..], [Err(Refusal::PermissionMissing(_))]));

        world.change(Command::DeleteLicense(LicenseRef::Id(license.id))).await.unwrap();
        assert_eq!(known(&world, present()).await.err(), Some("unauthenticated"));
    });
}

#[test]
fn the_first_admin_token_is_made_once() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        let made = world.engine.ensure_admin_token(None).await.unwrap().expect("it is made");
        assert_eq!(world.engine.ensure_admin_token(None).await, Ok(None));
        let caller = known(&world, Presented::Token(&made.0)).await.unwrap();
        assert_eq!(caller.permissions, Permissions::ALL);
        let given = "a secret of the operator's choice";
        let added = world.engine.ensure_admin_token(Some(given)).await.unwrap();
        assert_eq!(added, Some(Secret(given.into())));
        for _ in 0..2 {
            assert_eq!(world.engine.ensure_admin_token(Some(given)).await, Ok(None));
        }
        let world = world.crash(directory.path());
        assert_eq!(world.engine.ensure_admin_token(None).await, Ok(None));
        assert_eq!(world.engine.ensure_admin_token(Some(given)).await, Ok(None));
        assert!(known(&world, Presented::Token(given)).await.is_ok());
        assert!(known(&world, Presented::Token(&made.0)).await.is_ok());
    });
}
