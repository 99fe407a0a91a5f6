//! Events: each once, in order, and enough to know the state from.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use rusqlite::{Connection, params};
use usance_core::caller::Caller;
use usance_core::command::{Command, NewMeter, NewProduct, NewToken, ProductPatch, Ref, Reply};
use usance_core::customer::CustomerKind;
use usance_core::event::{EventFilter, KINDS, Kinds, THINGS, Told, What};
use usance_core::id::LicenseId;
use usance_core::ledger::record::Notice;
use usance_core::license::LicenseRef;
use usance_core::metadata::Metadata;
use usance_core::meter::MeterPeriod;
use usance_core::period::Every;
use usance_core::quantity::Decimal;
use usance_core::refusal::Refusal;
use usance_core::terms::Limit;
use usance_core::text::Code;
use usance_core::token::{Permission, Permissions};
use usance_core::usage::{Fit, NewHold, Operation, OperationKind, Reference, Reserved, Step, Use};
use usance_core::view::HistoryEvent;
use usance_engine::clock::Clock;
use usance_engine::verify::Problem;
use usance_engine::{Failure, Presented};

use crate::property::property;
use crate::world::{World, begin, check, code, increment, new_meter, run};

/// All events there are, read in pages of `limit`.
async fn all(world: &World, filter: &EventFilter, limit: usize) -> Vec<Told> {
    let mut told = Vec::new();
    let mut from = 0;
    loop {
        let caller = Arc::clone(&world.system);
        let page = world.engine.events(caller, from, filter.clone(), limit).await.expect("events");
        assert!(page.items.len() <= limit && page.next >= from);
        told.extend(page.items);
        from = page.next;
        if page.is_end {
            return told;
        }
    }
}

fn of(kinds: &[&str]) -> EventFilter {
    EventFilter { kinds: Kinds::parse(kinds.iter().copied()).unwrap(), ..<_>::default() }
}

fn watched(allowed: i64) -> NewMeter {
    NewMeter { thresholds: vec![50, 80, 100], ..new_meter("frames", Some(allowed)) }
}

fn percents(told: &[Told]) -> Vec<u32> {
    told.iter()
        .filter_map(|told| match told.what {
            What::Noticed { notice: Notice::ThresholdCrossed(percent), .. } => Some(percent),
            _ => None,
        })
        .collect()
}

/// Where meters stand after these events, told by nothing else.
fn replayed(told: &[Told]) -> BTreeMap<(LicenseId, Code), (i64, i64, i64)> {
    let mut meters = BTreeMap::new();
    for told in told {
        let What::Meter { meter, event: HistoryEvent::Use { counted, .. }, .. } = &told.what else {
            continue;
        };
        let license = told.license.expect("a use is of a license");
        let state: &mut (i64, i64, i64) = meters.entry((license, meter.clone())).or_default();
        let (applied, released) = (counted.applied, counted.released);
        match counted.operation {
            OperationKind::Increment => {
                state.0 += applied;
                state.1 += applied;
            }
            OperationKind::Decrement | OperationKind::Return => state.0 -= applied,
            OperationKind::Set | OperationKind::Reset | OperationKind::Turn => {
                state.0 = counted.total;
            }
            OperationKind::Hold => state.2 += applied,
            OperationKind::Settle => {
                state.0 += applied;
                state.1 += applied;
                state.2 -= released;
            }
            OperationKind::Release => state.2 -= applied,
        }
        assert_eq!((counted.total, counted.gross, counted.held), *state, "{told:?}");
    }
    meters
}

#[test]
fn every_crossing_is_told_exactly_once_whatever_the_concurrency_and_crashes() {
    let steps = proptest::collection::vec((0usize..2, 0u8..3), 40);
    let rounds = proptest::collection::vec((steps, proptest::bool::ANY), 6);
    property(12, &rounds, |rounds| {
        run(async {
            let directory = tempfile::tempdir().unwrap();
            let mut world = World::on_disk(directory.path());
            world.policy_of("plan", vec![watched(100)]).await;
            let licenses = [world.license("plan").await, world.license("plan").await];
            let mut number = 0;
            for (steps, is_crash) in rounds {
                let mut waiting = Vec::new();
                for (license, keyed) in steps {
                    let license = &licenses[license];
                    let key = (keyed > 0).then(|| format!("job-{}", number / 2));
                    number += 1;
                    let used = increment(license, 1, key.as_deref());
                    waiting.push(begin(world.count(vec![used])));
                }
                for one in waiting {
                    one.answer().await.expect("counted or refused");
                }
                world = match is_crash {
                    true => world.crash(directory.path()),
                    false => world.restart(directory.path()).await,
                };
            }
            for license in &licenses {
                let filter = EventFilter { license: Some(license.id), ..of(&["meter.*"]) };
                let told = all(&world, &filter, 7).await;
                let (total, ..) = world.frames(license).await;
                let expected: Vec<u32> = [50, 80, 100]
                    .into_iter()
                    .filter(|percent| i64::from(*percent) <= total)
                    .collect();
                assert_eq!(percents(&told), expected, "{total}");
                let reached = told.iter().filter(|told| told.kind == "meter.limit-reached");
                assert_eq!(reached.count(), usize::from(total == 100));
                assert_eq!(replayed(&told)[&(license.id, code("frames"))].0, total);
            }
        });
    });
}

#[test]
fn numbers_are_positions_and_pages_join() {
    run(async {
        let world = World::in_memory();
        world.policy_of("plan", vec![watched(10)]).await;
        let license = world.license("plan").await;
        for _ in 0..20 {
            world.count(vec![increment(&license, 1, None)]).await.expect("counted or refused");
        }
        let whole = all(&world, &EventFilter::default(), 1000).await;
        let numbers: Vec<u64> = whole.iter().map(|told| told.number).collect();
        assert_eq!(numbers, (0..whole.len() as u64).collect::<Vec<_>>());
        assert_eq!(all(&world, &EventFilter::default(), 3).await, whole);
        let few = all(&world, &of(&["license.*", "meter.threshold-crossed"]), 1).await;
        let kinds: Vec<_> = few.iter().map(|told| told.kind).collect();
        let crossed = "meter.threshold-crossed";
        assert_eq!(kinds, ["license.created", crossed, crossed, crossed]);
        for told in &whole {
            let (thing, _) = told.kind.split_once('.').expect("two words");
            assert!(KINDS.contains(&told.kind) || THINGS.contains(&thing), "{}", told.kind);
        }
        let end = world.engine.events_end(Arc::clone(&world.system)).await.expect("the end");
        assert_eq!(end, whole.len() as u64);
        let beyond = world.engine.events(Arc::clone(&world.system), end + 1, of(&["*"]), 1).await;
        assert!(matches!(beyond, Err(Failure::Refused(Refusal::Invalid { .. }))));
    });
}

#[test]
fn that_a_meter_refuses_is_told_once_until_it_moves() {
    run(async {
        let directory = tempfile::tempdir().unwrap();
        let mut world = World::on_disk(directory.path());
        let loud = NewMeter { record_refusals: true, ..watched(10) };
        let loud = NewMeter { name: code("loud"), ..loud };
        world.policy_of("plan", vec![watched(10), loud]).await;
        let license = world.license("plan").await;
        let refusing = async |world: &World| all(world, &of(&["meter.refusing"]), 100).await.len();
        let too_much = || increment(&license, 11, None);
        for _ in 0..3 {
            world.count(vec![too_much(), too_much()]).await.expect("refused");
        }
        assert_eq!(refusing(&world).await, 1);
        world.count(vec![increment(&license, 1, None), too_much(), too_much()]).await.unwrap();
        assert_eq!(refusing(&world).await, 2);
        for _ in 0..3 {
            let used = increment(&license, 11, None);
            let loud = usance_core::usage::Use { meter: code("loud"), ..used };
            world.count(vec![loud]).await.expect("refused");
        }
        let told = all(&world, &of(&["meter.refusing", "meter.refused"]), 100).await;
        let kinds: Vec<_> = told.iter().map(|told| told.kind).collect();
        let (ing, ed) = ("meter.refusing", "meter.refused");
        assert_eq!(kinds, [ing, ing, ed, ing, ed, ed]);
        // A restart forgets that it was told: it is told once more, and once only.
        world = world.restart(directory.path()).await;
        for _ in 0..3 {
            world.count(vec![too_much()]).await.expect("refused");
        }
        assert_eq!(refusing(&world).await, 4);
        world.engine.close().await;
        let report = check(directory.path());
        assert!(report.is_clean(), "{:?}", report.findings);
    });
}

fn product(name: &str) -> NewProduct {
    NewProduct { code: code(name), name: None, metadata: Metadata::default() }
}

fn rename(of: &str, name: &str) -> Command {
    let patch = ProductPatch { name: Some(name.into()), ..ProductPatch::default() };
    Command::ChangeProduct(Ref::Code(code(of)), patch)
}

#[test]
fn the_audit_log_says_who_changed_what_from_where() {
    run(async {
        let world = World::in_memory();
        let origin = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)));
        let system = || Arc::clone(&world.system);
        let made = world.engine.change_from(system(), origin, Command::CreateProduct(product("a")));
        let Reply::Product(made) = made.await.expect("made") else { panic!() };
        world.change(rename("a", "Second")).await.expect("changed");
        let filter = EventFilter { thing: Some(*made.id.bytes()), ..EventFilter::default() };
        let told = all(&world, &filter, 10).await;
        let [created, changed] = &told[..] else { panic!("{told:?}") };
        let What::Changed { address, before: None, after: Some(first), .. } = &created.what else {
            panic!("{created:?}")
        };
        assert_eq!(address.as_deref(), Some("192.0.2.7"));
        let What::Changed { thing, address, before, after: Some(after), .. } = &changed.what else {
            panic!("{changed:?}")
        };
        assert_eq!(*thing, made.id.to_string());
        assert_eq!((address, before.as_ref()), (&None, Some(first)));
        assert!(after.contains("name=Second\n"), "{after}");
    });
}

#[test]
fn an_altered_audit_log_is_found_and_an_erased_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        world.change(Command::CreateProduct(product("a"))).await.expect("made");
        world.change(rename("a", "Second")).await.expect("changed");
        let customer = usance_core::command::NewCustomer {
            code: code("acme"),
            name: Some("ACME".into()),
            email: None,
            kind: CustomerKind::Organization,
            reseller: None,
            max_users: Limit::NONE,
            max_licenses: Limit::NONE,
            max_activations: Limit::NONE,
            metadata: Metadata::default(),
        };
        world.change(Command::CreateCustomer(customer)).await.expect("made");
        world.engine.close().await;
    });
    let file = directory.path().join("usance.db");
    let whole = check(&file);
    assert!(whole.is_clean() && whole.details == 3, "{:?}", whole.findings);
    let rows: Vec<(i64, String)> = {
        let db = Connection::open(&file).unwrap();
        let mut statement = db.prepare("SELECT id, text FROM detail ORDER BY id").unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    for (sql, values, expected) in [
        (
            "UPDATE detail SET text = replace(text, 'Second', 'Third')",
            None,
            Some(Problem::WrongDetail),
        ),
        (
            "UPDATE detail SET text = replace(text, 'ACME', 'OTHER')",
            None,
            Some(Problem::WrongDetail),
        ),
        (
            "UPDATE detail SET salt = zeroblob(32) WHERE salt IS NOT NULL",
            None,
            Some(Problem::WrongDetail),
        ),
        (
            "UPDATE detail SET thing = zeroblob(16) WHERE id = ?1",
            Some(1),
            Some(Problem::WrongDetail),
        ),
        ("UPDATE detail SET id = id + 500 WHERE id = ?1", Some(1), Some(Problem::StrayDetail)),
        ("UPDATE detail SET text = '' WHERE id = ?1", Some(1), None),
        ("DELETE FROM detail WHERE id = ?1", Some(2), None),
    ] {
        let copy = directory.path().join("copy.db");
        std::fs::copy(&file, &copy).unwrap();
        let db = Connection::open(&copy).unwrap();
        let changed = match values {
            Some(row) => db.execute(sql, params![rows[row].0]),
            None => db.execute(sql, []),
        };
        assert_eq!(changed.map(|changed| changed > 0), Ok(true), "{sql}");
        drop(db);
        let found: Vec<_> = check(&copy).findings.into_iter().map(|finding| finding.what).collect();
        // A salt is also what opens the customer's own entry, which is found then.
        assert_eq!(found.first(), expected.as_ref(), "{sql}");
    }
}

#[test]
fn how_often_tokens_are_presented_is_counted_and_kept() {
    run(async {
        let directory = tempfile::tempdir().unwrap();
        let mut world = World::on_disk(directory.path());
        let new = NewToken {
            name: "reader".into(),
            permissions: Permissions::NONE.with(Permission::TokenRead),
            product: None,
            license: None,
            meter: None,
            user: None,
            customer: None,
            audience: None,
            expires_at: None,
        };
        let made = world.change(Command::CreateToken(new)).await.expect("made");
        let Reply::Token(token, Some(secret)) = made else { panic!() };
        assert_eq!((token.used.uses, token.used.last_used_at), (0, None));
        let now = world.clock.clone();
        for _ in 0..3 {
            let caller = presented(&world, &secret.0).await.expect("known");
            let refused = world.engine.change(caller, Command::RotateKey).await;
            assert!(matches!(refused, Err(Failure::Refused(Refusal::PermissionMissing(_)))));
        }
        let used = async |world: &World| {
            let found = world.engine.token(Arc::clone(&world.system), token.id).await;
            found.expect("the token").used
        };
        let at = Clock::now(&*now);
        let expected = usance_core::token::TokenUse { uses: 3, refused: 3, last_used_at: Some(at) };
        assert_eq!(used(&world).await, expected);
        world = world.restart(directory.path()).await;
        assert_eq!(used(&world).await, expected);
        presented(&world, &secret.0).await.expect("known");
        world.change(Command::RevokeToken(token.id)).await.expect("revoked");
        assert!(presented(&world, &secret.0).await.is_err());
        let now = used(&world).await;
        assert_eq!((now.uses, now.refused), (4, 4));
        assert!(presented(&world, "nobody's").await.is_err());
        assert_eq!(world.engine.statistics().credentials_unknown, 2);
        world.engine.close().await;
        assert!(check(directory.path()).is_clean());
    });
}

async fn presented(world: &World, secret: &str) -> Result<Arc<Caller>, Failure> {
    world.engine.authenticate(Presented::Token(secret)).await
}

#[test]
fn nobody_sees_beyond_permissions_and_locks() {
    run(async {
        let world = World::in_memory();
        world.policy_of("plan", vec![watched(10), new_meter("pages", None)]).await;
        let (mine, other) = (world.license("plan").await, world.license("plan").await);
        for license in [&mine, &other] {
            world.count(vec![increment(license, 5, None)]).await.expect("counted");
        }
        let may = Permissions::NONE.with(Permission::EventRead);
        let mut caller = Caller { permissions: may, ..(*world.system).clone() };
        caller.locks.license = Some(mine.id);
        let seen = world.engine.events(Arc::new(caller.clone()), 0, of(&["*"]), 1000).await;
        let seen = seen.expect("events").items;
        assert!(!seen.is_empty() && seen.iter().all(|told| told.license == Some(mine.id)));
        let wrong = EventFilter { license: Some(other.id), ..EventFilter::default() };
        let refused = world.engine.events(Arc::new(caller.clone()), 0, wrong, 1).await;
        assert!(matches!(refused, Err(Failure::Refused(Refusal::Locked(_)))));
        caller.permissions = Permissions::NONE;
        let refused = world.engine.events(Arc::new(caller), 0, of(&["*"]), 1).await;
        assert!(matches!(refused, Err(Failure::Refused(Refusal::PermissionMissing(_)))));
    });
}

#[test]
fn replaying_the_events_gives_the_state_of_all_meters() {
    let step = (0usize..2, 0u8..8, 0i64..12, 0i64..200_000);
    property(12, &proptest::collection::vec(step, 60), |steps| {
        run(async {
            let directory = tempfile::tempdir().unwrap();
            let mut world = World::on_disk(directory.path());
            let hourly = NewMeter {
                period: MeterPeriod::Every(Every::Hour),
                ..new_meter("frames", Some(40))
            };
            world.policy_of("plan", vec![hourly]).await;
            let licenses = [world.license("plan").await, world.license("plan").await];
            let mut holds = Vec::new();
            for (of, does, amount, ms) in steps {
                let amount = Decimal::whole(amount);
                let used = increment(&licenses[of], 1, None);
                let by = Step { amount, bound: None, fit: Fit::Partial };
                let hold = holds.last().copied();
                let operation = match (does, hold) {
                    (0 | 1, _) => Operation::Increment(by),
                    (2, _) => Operation::Decrement(by),
                    (3, _) => Operation::Set(amount),
                    (4, _) => Operation::Reset,
                    (5, Some((_, hold))) => Operation::Settle(hold, None),
                    (6, Some((_, hold))) => Operation::Release(hold),
                    _ => Operation::Hold(NewHold { amount, fit: Fit::Partial, seconds: Some(100) }),
                };
                let of = match (does, hold) {
                    (5 | 6, Some((of, _))) => of,
                    _ => of,
                };
                let license = LicenseRef::Id(licenses[of].id);
                let outcome = world.count(vec![Use { license, operation, ..used }]).await.unwrap();
                if let Ok(answer) = &outcome[0]
                    && let Some(Reference { id: Reserved::Hold(id), .. }) = answer.reference
                {
                    holds.retain(|(_, known)| *known != id);
                    if answer.counted.operation == OperationKind::Hold {
                        holds.push((of, id));
                    }
                }
                world.clock.put(Clock::now(&*world.clock).plus_ms(ms));
                if does == 7 && ms % 4 == 0 {
                    world = world.crash(directory.path());
                }
            }
            // Asking carries out what is due, which is told as well.
            let mut expected = BTreeMap::new();
            for license in &licenses {
                let state = world.views(license).await[0].state;
                expected
                    .insert((license.id, code("frames")), (state.total, state.gross, state.held));
            }
            let told = all(&world, &EventFilter::default(), 100).await;
            let mut found = replayed(&told);
            for meter in expected.keys() {
                found.entry(meter.clone()).or_default();
            }
            assert_eq!(found, expected);
        });
    });
}
