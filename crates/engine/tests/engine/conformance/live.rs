//! What lives on licenses, people, entitlements, keys and timers, and meters that come and go.

use std::sync::Arc;

use usance_core::activation::{Activation, Component, Process};
use usance_core::artefact::PublicKey;
use usance_core::command::{Ref, UserRef};
use usance_core::entitlement::Entitlement;
use usance_core::id::{
    AccountId, ActivationId, ComponentId, EntitlementId, HoldId, ProcessId, SessionId, UserId,
};
use usance_core::live::{Hold, Live, LiveChange, Pass, Session, Share};
use usance_core::quantity::Scale;
use usance_core::user::{Role, User};
use usance_engine::store::{ActivationQuery, Belongings, LoadedLicense, SigningKeyRow};

use super::*;

fn activation(account: AccountId, number: u16) -> Activation {
    Activation {
        id: ActivationId::from_bytes(id(account, 6, number)),
        fingerprint: format!("machine {number}"),
        name: Some("A \"name\"".into()),
        hostname: Some("host".into()),
        platform: None,
        address: Some("10.0.0.1".into()),
        cores: Some(u32::MAX),
        memory: Some(u64::MAX),
        disk: Some(0),
        is_vm: true,
        is_container: false,
        user: Some(UserId::from_bytes(id(account, 7, 1))),
        components: vec![Component {
            id: ComponentId::from_bytes(id(account, 8, number)),
            fingerprint: "board".into(),
            name: "Board = 1".into(),
        }],
        metadata: Metadata::default(),
        own_heartbeat_seconds: Some(60),
        seen_at: Some(BEGIN),
        last_file_at: None,
        created_at: BEGIN.plus_ms(i64::from(number)),
        updated_at: BEGIN,
    }
}

fn process(account: AccountId, number: u16, machine: u16) -> Process {
    Process {
        id: ProcessId::from_bytes(id(account, 9, number)),
        activation: activation(account, machine).id,
        pid: format!("{number}"),
        metadata: Metadata::default(),
        seen_at: BEGIN,
        created_at: BEGIN,
    }
}

fn hold(account: AccountId, number: u16) -> Hold {
    Hold {
        id: HoldId::from_bytes(id(account, 10, number)),
        meter: code("frames"),
        activation: Some(activation(account, 1).id),
        units: 7,
        expires_at: BEGIN.plus_ms(9),
        created_at: BEGIN,
    }
}

fn session(account: AccountId, number: u16) -> Session {
    let subject = Subject { user: Some("ada".into()), ..Subject::default() };
    Session {
        id: SessionId::from_bytes(id(account, 11, number)),
        meter: code("pages"),
        activation: None,
        count: 2,
        reserved: 2,
        active_ms: 5,
        subject: (number == 1).then_some(subject),
        seen_at: BEGIN,
        expires_at: BEGIN.plus_ms(5),
        created_at: BEGIN,
    }
}

fn share(account: AccountId, machine: u16, meter: &str, quantity: i64) -> LiveChange {
    let activation = activation(account, machine).id;
    LiveChange::PutShare(Share { activation, meter: code(meter), quantity })
}

fn loaded(bench: &mut Bench, account: AccountId, license: &License) -> LoadedLicense {
    let mut found = bench.wanted(&[(account, LicenseRef::Id(license.id))], &[]);
    found.licenses.remove(0)
}

/// In an order of its own, where none is promised.
fn sorted(live: &Live) -> Live {
    let mut live = live.clone();
    live.shares.sort_by_key(|one| (one.activation, one.meter.to_string()));
    live.passes.sort_by_key(|one| (one.holder, one.until));
    live
}

fn changes(account: AccountId) -> Vec<LiveChange> {
    let put = |number| LiveChange::PutActivation(Arc::new(activation(account, number)));
    let seen = Activation { seen_at: None, components: Vec::new(), ..activation(account, 2) };
    let longer = Session { active_ms: 99, reserved: 3, ..session(account, 1) };
    let pass = |holder, ms| Pass { holder: [holder; 16], until: BEGIN.plus_ms(ms) };
    vec![
        put(2),
        put(1),
        put(3),
        LiveChange::PutProcess(Arc::new(process(account, 1, 1))),
        LiveChange::PutProcess(Arc::new(process(account, 2, 2))),
        share(account, 1, "frames", 5),
        share(account, 1, "pages", 6),
        share(account, 2, "frames", 7),
        share(account, 1, "frames", 8),
        LiveChange::PutHold(Arc::new(hold(account, 1))),
        LiveChange::PutHold(Arc::new(hold(account, 2))),
        LiveChange::PutSession(Arc::new(session(account, 1))),
        LiveChange::PutSession(Arc::new(session(account, 2))),
        LiveChange::PutPass(pass(1, 5)),
        LiveChange::PutPass(pass(2, 10)),
        LiveChange::PutActivation(Arc::new(seen)),
        LiveChange::PutSession(Arc::new(longer)),
        LiveChange::DropPasses(BEGIN.plus_ms(5)),
        LiveChange::DropProcess(process(account, 2, 2).id),
        share(account, 2, "frames", 0),
        LiveChange::DropHold(hold(account, 2).id),
        LiveChange::DropSession(session(account, 2).id),
        LiveChange::DropShares(code("pages")),
        LiveChange::DropActivation(activation(account, 1).id),
    ]
}

#[test]
fn what_lives_on_a_license_is_there_and_nowhere_else() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 2);
        let mut others = Books::open(&mut bench, OTHER, 1);
        let license = books.licenses[0].clone();
        let mut expected = Live::default();
        // The same ids in another account.
        let mut unit = others.unit(&mut bench);
        let mut of_other = Live::default();
        for change in changes(ACCOUNT).into_iter().take(17) {
            of_other.apply(&change);
            unit.live.push((OTHER, others.licenses[0].id, change));
        }
        bench.wanted(&[(OTHER, LicenseRef::Id(others.licenses[0].id))], &[]);
        others.commit(&mut bench, unit);
        for change in changes(ACCOUNT) {
            assert_eq!(sorted(&loaded(&mut bench, ACCOUNT, &license).live), sorted(&expected));
            let mut unit = books.unit(&mut bench);
            unit.live.push((ACCOUNT, license.id, change.clone()));
            books.commit(&mut bench, unit);
            expected.apply(&change);
            for _ in 0..2 {
                let found = loaded(&mut bench, ACCOUNT, &license);
                assert_eq!(sorted(&found.live), sorted(&expected), "after {change:?}");
                // The second time from disk.
                bench.store.reload().unwrap();
                books.reopen(&mut bench);
                others.reopen(&mut bench);
            }
        }
        let found = loaded(&mut bench, OTHER, &others.licenses[0]);
        assert_eq!(sorted(&found.live), sorted(&of_other));
        assert!(loaded(&mut bench, ACCOUNT, &books.licenses[1]).live.is_empty());
        // And all of it goes with its license.
        let gone = vec![Change::DeleteLicense(ACCOUNT, license.id)];
        change(&mut bench, gone).unwrap();
        let machine = activation(ACCOUNT, 2).id;
        assert_eq!(bench.reader.holder(ACCOUNT, machine), Ok(None));
        assert_eq!(bench.reader.holder(OTHER, machine), Ok(Some(others.licenses[0].id)));
        for table in ["activation", "share", "hold", "session", "pass", "process", "component"] {
            let sql = format!("SELECT count(*) FROM {table} WHERE account = x'{:032x}'", 0);
            let sql = sql.replace(&format!("{:032x}", 0), &"01".repeat(16));
            assert!(bench.inspect(&sql).is_none_or(|count| count == 0), "{table}");
        }
    });
}

#[test]
fn machines_are_found_by_what_they_are() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 3);
        let paid = License {
            customer: Some(customer(ACCOUNT, 1).id),
            owner: Some(UserId::from_bytes(id(ACCOUNT, 7, 5))),
            ..books.licenses[1].clone()
        };
        let mut unit = books.unit(&mut bench);
        unit.changes.push(Change::ChangeLicense(ACCOUNT, paid.clone()));
        unit.changes.push(Change::PutCustomer(ACCOUNT, customer(ACCOUNT, 1)));
        for (number, holder) in [(1, 0), (2, 1), (3, 1)] {
            let mut one = activation(ACCOUNT, number);
            one.user = one.user.filter(|_| number != 3);
            let change = LiveChange::PutActivation(Arc::new(one));
            unit.live.push((ACCOUNT, books.licenses[holder].id, change));
        }
        books.commit(&mut bench, unit);
        let reader = &bench.reader;
        let any = ActivationQuery::default;
        let [first, second, _] = [0, 1, 2].map(|number| books.licenses[number].id);
        for (query, expected) in [
            (any(), &[1, 2, 3][..]),
            (ActivationQuery { license: Some(second), ..any() }, &[2, 3]),
            (ActivationQuery { policy: Some(books.policy.id), ..any() }, &[1, 2, 3]),
            (ActivationQuery { product: Some(product(ACCOUNT, 2).id), ..any() }, &[]),
            (ActivationQuery { user: activation(ACCOUNT, 1).user, ..any() }, &[1, 2]),
            (ActivationQuery { fingerprint: Some("machine 3".into()), ..any() }, &[3]),
            (ActivationQuery { of_user: paid.owner, ..any() }, &[2, 3]),
            (ActivationQuery { of_customer: paid.customer, ..any() }, &[2, 3]),
        ] {
            let found = reader.activations(ACCOUNT, &query, &ALL).unwrap();
            let found: Vec<_> = found.iter().map(|(_, one)| one.id).collect();
            let expected: Vec<_> =
                expected.iter().map(|number| activation(ACCOUNT, *number).id).collect();
            assert_eq!(found, expected, "{query:?}");
            assert_eq!(reader.activations(OTHER, &query, &ALL), Ok(vec![]));
        }
        let part = Slice { after: Some(*activation(ACCOUNT, 1).id.bytes()), limit: 1 };
        let found = reader.activations(ACCOUNT, &any(), &part).unwrap();
        assert_eq!(found, [(second, activation(ACCOUNT, 2))]);
        assert_eq!(reader.holder(ACCOUNT, activation(ACCOUNT, 1).id), Ok(Some(first)));
        let mut holders = reader.component_holders(ACCOUNT, "board").unwrap();
        holders.sort();
        let expected = [(first, 1), (second, 2), (second, 3)];
        let expected = expected.map(|(of, number)| (of, activation(ACCOUNT, number).id));
        assert_eq!(holders, expected);
        assert_eq!(reader.component_holders(OTHER, "board"), Ok(vec![]));
        assert_eq!(reader.component_holders(ACCOUNT, "other"), Ok(vec![]));
        let found = reader.belongings(ACCOUNT, customer(ACCOUNT, 1).id).unwrap();
        assert_eq!(found, Belongings { users: 0, licenses: 1, activations: 2 });
        let found = reader.belongings(OTHER, customer(ACCOUNT, 1).id).unwrap();
        assert_eq!(found, Belongings::default());
    });
}

#[test]
fn people_entitlements_and_keys_are_their_accounts_own() {
    on_each_store(|mut bench| {
        let user = |account, number: u16| User {
            id: UserId::from_bytes(id(account, 7, number)),
            email: format!("Ada{number}@Example.com"),
            first_name: Some("Ada".into()),
            last_name: None,
            role: Role::OrganizationAdmin,
            customer: (number == 2).then(|| customer(account, 1).id),
            password: Some("$argon2".into()),
            banned_at: Some(BEGIN),
            metadata: Metadata::default(),
            created_at: BEGIN,
            updated_at: BEGIN,
        };
        let entitlement = |account, number: u16| Entitlement {
            id: EntitlementId::from_bytes(id(account, 12, number)),
            code: code(&format!("feature-{number}")),
            name: "A feature".into(),
            metadata: Metadata::default(),
            created_at: BEGIN,
            updated_at: BEGIN,
        };
        let key = |number: u32, retired_at| SigningKeyRow {
            public: PublicKey { retired_at, ..public_key(number) },
            secret: vec![u8::try_from(number).unwrap(); 3],
        };
        change(
            &mut bench,
            vec![
                Change::PutUser(ACCOUNT, user(ACCOUNT, 2)),
                Change::PutUser(ACCOUNT, user(ACCOUNT, 1)),
                Change::PutUser(OTHER, user(OTHER, 1)),
                Change::PutEntitlement(ACCOUNT, entitlement(ACCOUNT, 1)),
                Change::PutEntitlement(OTHER, entitlement(OTHER, 1)),
                Change::PutSigningKey(ACCOUNT, key(1, None)),
                Change::PutSigningKey(ACCOUNT, key(2, None)),
            ],
        )
        .unwrap();
        let renamed = Entitlement { name: "Another".into(), ..entitlement(ACCOUNT, 1) };
        change(
            &mut bench,
            vec![
                Change::PutUser(ACCOUNT, User { banned_at: None, ..user(ACCOUNT, 1) }),
                Change::PutEntitlement(ACCOUNT, renamed.clone()),
                Change::PutSigningKey(ACCOUNT, key(1, Some(BEGIN))),
            ],
        )
        .unwrap();
        let reader = &bench.reader;
        let first = User { banned_at: None, ..user(ACCOUNT, 1) };
        for of in [UserRef::Id(first.id), UserRef::Email("ADA1@example.COM".into())] {
            assert_eq!(reader.user(ACCOUNT, &of), Ok(Some(first.clone())));
        }
        assert_eq!(reader.user(OTHER, &UserRef::Id(first.id)), Ok(None));
        let by_email = UserRef::Email("ada1@example.com".into());
        assert_eq!(reader.user(OTHER, &by_email), Ok(Some(user(OTHER, 1))));
        assert_eq!(reader.users(ACCOUNT, None, &ALL), Ok(vec![first, user(ACCOUNT, 2)]));
        let of = Some(customer(ACCOUNT, 1).id);
        assert_eq!(reader.users(ACCOUNT, of, &ALL), Ok(vec![user(ACCOUNT, 2)]));
        for of in [Ref::Id(renamed.id), Ref::Code(renamed.code.clone())] {
            assert_eq!(reader.entitlement(ACCOUNT, &of), Ok(Some(renamed.clone())));
        }
        assert_eq!(reader.entitlement(OTHER, &Ref::Id(renamed.id)), Ok(None));
        assert_eq!(reader.entitlements(OTHER, &ALL), Ok(vec![entitlement(OTHER, 1)]));
        assert_eq!(reader.signing_keys(ACCOUNT), Ok(vec![key(1, Some(BEGIN)), key(2, None)]));
        assert_eq!(reader.signing_keys(OTHER), Ok(vec![]));
        change(
            &mut bench,
            vec![
                Change::DeleteUser(ACCOUNT, user(ACCOUNT, 1).id),
                Change::DeleteEntitlement(ACCOUNT, renamed.id),
            ],
        )
        .unwrap();
        assert_eq!(bench.reader.user(ACCOUNT, &by_email), Ok(None));
        assert_eq!(bench.reader.user(OTHER, &by_email), Ok(Some(user(OTHER, 1))));
        assert_eq!(bench.reader.entitlements(ACCOUNT, &ALL), Ok(vec![]));
        // An entitlement that something grants is referred to by its code, and by no part of it.
        Books::open(&mut bench, ACCOUNT, 1);
        for (named, expected) in [("export", Some("policy")), ("exp", None), ("port", None)] {
            let to = Referent::Entitlement(code(named));
            assert_eq!(bench.reader.referrer(ACCOUNT, &to), Ok(expected), "{named}");
            assert_eq!(bench.reader.referrer(OTHER, &to), Ok(None));
        }
    });
}

fn public_key(number: u32) -> PublicKey {
    usance_core::artefact::SigningKey::from_seed(number, BEGIN, &[3; 32]).public()
}

#[test]
fn timers_are_due_in_order_and_wake_with_their_policy() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 4);
        let at = |ms| Some(BEGIN.plus_ms(ms));
        let of = |number: usize| (ACCOUNT, id(ACCOUNT, 3, u16::try_from(number).unwrap()));
        let due = |bench: &Bench, ms, limit| {
            let found = bench.reader.due(BEGIN.plus_ms(ms), limit).unwrap();
            found.into_iter().map(|(account, id)| (account, *id.bytes())).collect::<Vec<_>>()
        };
        let mut unit = books.unit(&mut bench);
        for (number, ms) in [(0, 30), (1, 10), (2, 20), (1, 15)] {
            unit.timers.push((ACCOUNT, books.licenses[number].id, at(ms)));
        }
        let machine = LiveChange::PutActivation(Arc::new(activation(ACCOUNT, 1)));
        unit.live.push((ACCOUNT, books.licenses[3].id, machine));
        books.commit(&mut bench, unit);
        assert_eq!(due(&bench, 14, 9), []);
        assert_eq!(due(&bench, 30, 9), [of(1), of(2), of(0)]);
        assert_eq!(due(&bench, 30, 2), [of(1), of(2)]);
        assert_eq!(loaded(&mut bench, ACCOUNT, &books.licenses[1]).timer, at(15));
        loaded(&mut bench, ACCOUNT, &books.licenses[3]);
        let wake = Change::WakeLicenses(ACCOUNT, books.policy.id, BEGIN.plus_ms(1));
        let foreign = Change::WakeLicenses(OTHER, books.policy.id, BEGIN);
        change(&mut bench, vec![wake, foreign]).unwrap();
        assert_eq!(due(&bench, 14, 9), [of(3)], "only what has machines");
        for _ in 0..2 {
            assert_eq!(loaded(&mut bench, ACCOUNT, &books.licenses[3]).timer, at(1));
            bench.store.reload().unwrap();
            books.reopen(&mut bench);
        }
        let mut unit = books.unit(&mut bench);
        unit.timers.push((ACCOUNT, books.licenses[1].id, None));
        books.commit(&mut bench, unit);
        let gone = vec![Change::DeleteLicense(ACCOUNT, books.licenses[2].id)];
        change(&mut bench, gone).unwrap();
        assert_eq!(due(&bench, 99, 9), [of(3), of(0)]);
    });
}

#[test]
fn meters_come_and_go_and_come_back_where_they_stood() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 2);
        books.count_one(&mut bench, 0, 3, None);
        let license = books.licenses[0].clone();
        let second = Policy {
            id: PolicyId::from_bytes(id(ACCOUNT, 2, 2)),
            code: code("policy-2"),
            meters: vec![Arc::clone(&books.policy.meters[1])],
            ..books.policy.clone()
        };
        // Moved in the same unit, by the places of before, as a transfer does.
        let mut unit = books.unit(&mut bench);
        books.count(&mut unit, 0, 4, None);
        unit.changes.push(Change::PutPolicy(ACCOUNT, second.clone()));
        let moved = License { policy: second.id, ..license.clone() };
        let own = MeterSpec { scale: Scale::new(2).unwrap(), ..MeterSpec::new(code("extra")) };
        let mut meters = loaded(&mut bench, ACCOUNT, &license).meters;
        let hidden = LoadedMeter { state: books.states[0], ..meters.remove(0) };
        meters.push(LoadedMeter::new(Arc::new(own), true, AllowedFrom::Policy));
        let policy = Arc::new(second.clone());
        let change_meters =
            Change::ChangeMeters(ACCOUNT, moved.clone(), policy, meters.clone(), vec![hidden]);
        unit.changes.push(change_meters);
        books.commit(&mut bench, unit);
        let frames = code("frames");
        for _ in 0..2 {
            let found = loaded(&mut bench, ACCOUNT, &license);
            assert_eq!((&found.meters, found.policy.id), (&meters, second.id));
            let hidden = bench.reader.hidden_meter(ACCOUNT, license.id, &frames).unwrap();
            assert_eq!(hidden, Some((Scale::default(), books.states[0])));
            assert_eq!(bench.reader.hidden_meter(OTHER, license.id, &frames), Ok(None));
            bench.store.reload().unwrap();
            books.reopen(&mut bench);
        }
        let others = |name: &str| bench.reader.other_meters(ACCOUNT, second.id, &code(name));
        assert_eq!(others("frames"), Ok(vec![(true, Scale::default())]));
        assert_eq!(others("extra"), Ok(vec![(false, Scale::new(2).unwrap())]));
        assert_eq!(others("pages"), Ok(vec![]));
        let stranger = bench.reader.other_meters(OTHER, second.id, &frames);
        assert_eq!(stranger, Ok(vec![]));
        // The policy gains what the license had: it goes on.
        loaded(&mut bench, ACCOUNT, &license);
        let mut gained = second.clone();
        gained.meters.push(Arc::clone(&books.policy.meters[0]));
        change(&mut bench, vec![Change::PutPolicy(ACCOUNT, gained)]).unwrap();
        for _ in 0..2 {
            let found = loaded(&mut bench, ACCOUNT, &license).meters;
            let names: Vec<_> = found.iter().map(|meter| meter.spec.name.to_string()).collect();
            assert_eq!(names, ["pages", "frames", "extra"]);
            assert_eq!(found[1].state, books.states[0]);
            assert_eq!(bench.reader.hidden_meter(ACCOUNT, license.id, &frames), Ok(None));
            bench.store.reload().unwrap();
            books.reopen(&mut bench);
        }
        // The other license is as it was.
        let found = loaded(&mut bench, ACCOUNT, &books.licenses[1]);
        assert_eq!((found.policy.id, found.meters.len()), (books.policy.id, 2));
    });
}
