//! License files: made by the engine, opened with what everybody may know.

use std::sync::Arc;

use rusqlite::Connection;
use usance_core::activation::ActivationRef;
use usance_core::artefact::{ArtefactError, LicenseFile, PublicKey};
use usance_core::command::{Command, FileRequest, NewActivation, NewOverage, Reply};
use usance_core::license::{License, LicenseRef};
use usance_core::refusal::Refusal;
use usance_engine::{Failure, Health};

use crate::world::{BEGIN, World, check, increment, run};

async fn make(world: &World, license: &License, request: FileRequest) -> Result<String, Failure> {
    let command = Command::MakeFile(LicenseRef::Id(license.id), request);
    match world.change(command).await {
        Ok(Reply::File(file)) => Ok(file.text),
        Ok(other) => panic!("{other:?}"),
        Err(failure) => Err(failure),
    }
}

async fn rotate(world: &World) -> PublicKey {
    match world.change(Command::RotateKey).await {
        Ok(Reply::Key(key)) => key,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_says_where_the_license_stands() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        world.policy("plan", Some(10), NewOverage::Refuse).await;
        let license = world.license("plan").await;
        world.count_one(increment(&license, 3, None)).await.unwrap();
        assert_eq!(world.engine.public_keys().await.unwrap(), [], "no key before the first file");
        let plain = make(&world, &license, FileRequest::default()).await.unwrap();
        let keys = world.engine.public_keys().await.unwrap();
        assert_eq!(keys.len(), 1);
        let file = LicenseFile::open(&plain, &keys, None, BEGIN).expect("it opens");
        assert_eq!((file.account, file.license), (world.engine.account(), license.id));
        let meter = &file.meters[0];
        assert_eq!((meter.total, meter.gross, meter.allowed), (3, 3, Some(10)));
        // For a machine, encrypted, and for a minute.
        let of = LicenseRef::Id(license.id);
        let new = NewActivation { fingerprint: "machine".into(), ..NewActivation::default() };
        world.change(Command::Activate(of.clone(), new)).await.expect("a machine");
        let request = FileRequest {
            activation: Some(ActivationRef::Fingerprint("machine".into())),
            is_encrypted: true,
            seconds: Some(60),
        };
        let locked = make(&world, &license, request).await.unwrap();
        let key = Some(license.key.0.as_str());
        let file = LicenseFile::open(&locked, &keys, key, BEGIN).expect("it opens");
        assert_eq!(file.activation.map(|one| one.fingerprint), Some("machine".into()));
        assert!(LicenseFile::open(&locked, &keys, None, BEGIN).is_err());
        assert!(LicenseFile::open(&locked, &keys, Some("another"), BEGIN).is_err());
        let late = LicenseFile::open(&locked, &keys, key, BEGIN.plus_ms(60_000));
        assert!(late.is_err(), "{late:?}");
        let known = world.engine.known(Arc::clone(&world.system), of).await.unwrap().loaded;
        assert_eq!(known.license.marks.file_at, Some(BEGIN));
        assert_eq!(known.live.activations[0].last_file_at, Some(BEGIN));
        world.engine.close().await;
    });
    assert_eq!(check(directory.path()).findings, []);
}

#[test]
fn files_of_older_keys_open_after_a_rotation_and_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        world.policy("plan", None, NewOverage::Refuse).await;
        let license = world.license("plan").await;
        let mut files = Vec::new();
        for number in 1..=3 {
            files.push(make(&world, &license, FileRequest::default()).await.unwrap());
            // What a key signed before it was retired opens, to the millisecond.
            world.clock.put(BEGIN.plus_ms(number));
            rotate(&world).await;
        }
        let world = world.crash(directory.path());
        files.push(make(&world, &license, FileRequest::default()).await.unwrap());
        let keys = world.engine.public_keys().await.unwrap();
        assert_eq!(keys.iter().map(|key| key.number).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!(keys.iter().filter(|key| key.retired_at.is_none()).count(), 1);
        for (number, file) in files.iter().enumerate() {
            let opened =
                LicenseFile::open(file, &keys, None, world.engine.now()).expect("it opens");
            assert_eq!(opened.key_number as usize, number + 1);
            let without = keys.iter().filter(|key| key.number != opened.key_number).cloned();
            let without: Vec<_> = without.collect();
            let found: Result<LicenseFile, ArtefactError> =
                LicenseFile::open(file, &without, None, world.engine.now());
            assert!(found.is_err(), "not with another key");
        }
    });
}

#[test]
fn a_vault_that_does_not_open_stops_no_counting() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        world.policy("plan", None, NewOverage::Refuse).await;
        let license = world.license("plan").await;
        make(&world, &license, FileRequest::default()).await.unwrap();
        let db = Connection::open(directory.path().join("usance.db")).unwrap();
        db.execute("UPDATE signing_key SET secret = zeroblob(60)", []).unwrap();
        let world = world.crash(directory.path());
        for _ in 0..2 {
            let found = make(&world, &license, FileRequest::default()).await;
            let refused = matches!(found, Err(Failure::Refused(Refusal::Invalid { .. })));
            assert!(refused, "{found:?}");
        }
        assert_eq!(world.engine.health(), Health::Ready);
        world.count_one(increment(&license, 1, None)).await.expect("it counts");
        let key = rotate(&world).await;
        let made = make(&world, &license, FileRequest::default()).await.unwrap();
        assert!(LicenseFile::open(&made, &[key], None, BEGIN).is_ok());
        world.engine.close().await;
    });
    assert_eq!(check(directory.path()).findings, []);
}
