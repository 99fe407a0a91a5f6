//! Machines on licenses: what only the whole account can tell of them, and their shares against a
//! model that counts on its fingers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use usance_core::activation::ActivationRef;
use usance_core::command::{
    Command, NewActivation, NewComponent, NewCustomer, NewLicense, NewMeter, NewPolicy, NewProduct,
    Ref,
};
use usance_core::customer::CustomerKind;
use usance_core::id::{ActivationId, HoldId};
use usance_core::license::{License, LicenseRef};
use usance_core::metadata::Metadata;
use usance_core::quantity::Decimal;
use usance_core::refusal::Refusal;
use usance_core::terms::{Limit, TermsPatch};
use usance_core::time::HOUR_MS;
use usance_core::usage::{Fit, NewHold, Operation, Reserved, Step, Use};
use usance_engine::Failure;
use usance_engine::clock::Clock as _;

use crate::property::property;
use crate::world::{World, check, code, increment, new_license, new_meter, new_policy, run};

fn terms(of: &[(&str, &str)]) -> TermsPatch {
    let mut terms = TermsPatch::default();
    for (name, value) in of {
        terms.set(name, value).expect("a term");
    }
    terms
}

async fn policy(world: &World, product: &str, name: &str, of: &[(&str, &str)]) {
    let new = NewProduct { code: code(product), name: None, metadata: Metadata::default() };
    match world.change(Command::CreateProduct(new)).await {
        Ok(_) | Err(Failure::Refused(Refusal::Taken(..))) => {}
        Err(failure) => panic!("{failure}"),
    }
    let meters = vec![NewMeter { floating: true, ..new_meter("frames", Some(20)) }];
    let product = Ref::Code(code(product));
    let new = NewPolicy { product, meters, terms: terms(of), ..new_policy(name) };
    world.change(Command::CreatePolicy(new)).await.expect("a policy");
}

/// What became of an activation: nothing, or the code of its refusal.
async fn activate(world: &World, of: &License, new: NewActivation) -> Option<&'static str> {
    match world.change(Command::Activate(LicenseRef::Id(of.id), new)).await {
        Ok(_) => None,
        Err(Failure::Refused(refusal)) => Some(refusal.code()),
        Err(failure) => panic!("{failure}"),
    }
}

fn machine(fingerprint: &str, component: &str) -> NewActivation {
    let part = NewComponent { id: None, fingerprint: component.into(), name: None };
    let fingerprint = fingerprint.into();
    NewActivation { fingerprint, components: vec![part], ..NewActivation::default() }
}

#[test]
fn fingerprints_are_unique_among_what_the_terms_say() {
    // The first license has the machine. The others: of its policy, its product, its account.
    for (term, expected) in [
        ("nothing", [false, false, false]),
        ("license", [false, false, false]),
        ("policy", [true, false, false]),
        ("product", [true, true, false]),
        ("account", [true, true, true]),
    ] {
        run(async {
            let world = World::in_memory();
            let of = [("unique", term)];
            policy(&world, "renderer", "one", &of).await;
            policy(&world, "renderer", "two", &of).await;
            policy(&world, "viewer", "three", &of).await;
            let first = world.license("one").await;
            assert_eq!(activate(&world, &first, machine("m", "c")).await, None);
            for (policy, is_taken) in ["one", "two", "three"].into_iter().zip(expected) {
                let license = world.license(policy).await;
                let found = activate(&world, &license, machine("m", "c")).await;
                assert_eq!(found, is_taken.then_some("taken"), "{term} by {policy}");
                let other = activate(&world, &license, machine("other", "c")).await;
                assert_eq!(other, None, "{term} by {policy}");
                let id = LicenseRef::Id(license.id);
                for name in ["m", "other"] {
                    let name = ActivationRef::Fingerprint(name.into());
                    let _gone = world.change(Command::Deactivate(id.clone(), name)).await;
                }
            }
            // What let go of it leaves it to others.
            let name = ActivationRef::Fingerprint("m".into());
            let end = Command::Deactivate(LicenseRef::Id(first.id), name);
            world.change(end).await.expect("it ends");
            for policy in ["one", "two", "three"] {
                if term != "account" && term != "product" && term != "policy" {
                    break;
                }
                let license = world.license(policy).await;
                assert_eq!(activate(&world, &license, machine("m", "c")).await, None);
                let name = ActivationRef::Fingerprint("m".into());
                let end = Command::Deactivate(LicenseRef::Id(license.id), name);
                world.change(end).await.expect("it ends");
            }
        });
    }
}

#[test]
fn components_are_unique_among_what_the_terms_say() {
    for (term, expected) in [
        ("activation", [false, false, false]),
        ("license", [false, false, false]),
        ("policy", [true, false, false]),
        ("product", [true, true, false]),
        ("account", [true, true, true]),
    ] {
        run(async {
            let world = World::in_memory();
            let of = [("component_unique", term)];
            policy(&world, "renderer", "one", &of).await;
            policy(&world, "renderer", "two", &of).await;
            policy(&world, "viewer", "three", &of).await;
            let first = world.license("one").await;
            assert_eq!(activate(&world, &first, machine("m", "c")).await, None);
            for (policy, is_taken) in ["one", "two", "three"].into_iter().zip(expected) {
                let license = world.license(policy).await;
                let found = activate(&world, &license, machine("n", "c")).await;
                assert_eq!(found, is_taken.then_some("taken"), "{term} by {policy}");
            }
        });
    }
}

#[test]
fn limits_that_lie_on_several_licenses_or_several_machines() {
    run(async {
        let world = World::in_memory();
        policy(&world, "renderer", "plan", &[]).await;
        let bounds = [("max_cores", "10"), ("limit_overage", "50")];
        policy(&world, "renderer", "cores", &bounds).await;
        let full = [("max_activations", "2"), ("when_full", "replace-oldest")];
        policy(&world, "renderer", "full", &full).await;
        let new = NewCustomer {
            code: code("ada"),
            name: None,
            email: None,
            kind: CustomerKind::Person,
            reseller: None,
            max_users: Limit(None),
            max_licenses: Limit(Some(2)),
            max_activations: Limit(Some(3)),
            metadata: Metadata::default(),
        };
        world.change(Command::CreateCustomer(new)).await.expect("a customer");
        let mut licenses = Vec::new();
        for number in 0..3 {
            let customer = Some(Ref::Code(code("ada")));
            let new = NewLicense { customer, ..new_license("plan") };
            match world.change(Command::CreateLicense(new)).await {
                Ok(usance_core::command::Reply::License(license, _)) => licenses.push(license),
                Err(Failure::Refused(refusal)) => {
                    assert_eq!((refusal.code(), number), ("invalid", 2));
                }
                other => panic!("{other:?}"),
            }
        }
        for (license, name, expected) in
            [(0, "a", None), (0, "b", None), (1, "a", None), (1, "b", Some("limit-of"))]
        {
            let found = activate(&world, &licenses[license], machine(name, name)).await;
            assert_eq!(found.is_some(), expected.is_some(), "{name} on {license}: {found:?}");
        }
        // An id names one machine of the account.
        let id = Some(ActivationId::from_bytes([5; 16]));
        let (one, two) = (world.license("plan").await, world.license("plan").await);
        let chosen = |name| NewActivation { id, ..machine(name, name) };
        assert_eq!(activate(&world, &one, chosen("x")).await, None);
        assert_eq!(activate(&world, &two, chosen("y")).await, Some("taken"));
        // Ten cores, and half of that above.
        let license = world.license("cores").await;
        let cores = |name, count| NewActivation { cores: Some(count), ..machine(name, name) };
        assert_eq!(activate(&world, &license, cores("a", 9)).await, None);
        assert_eq!(activate(&world, &license, cores("b", 6)).await, None);
        assert!(activate(&world, &license, cores("c", 1)).await.is_some());
        // The oldest gives way, and what it had comes back.
        let license = world.license("full").await;
        for (seconds, name) in [(1, "a"), (2, "b"), (3, "c")] {
            world.clock.put(crate::world::BEGIN.plus_ms(seconds * 1000));
            assert_eq!(activate(&world, &license, machine(name, name)).await, None);
            let activation = Some(ActivationRef::Fingerprint(name.into()));
            let used = Use { activation, ..increment(&license, seconds, None) };
            world.count_one(used).await.expect("counted");
        }
        assert_eq!(world.frames(&license).await, (5, 6, 0), "2 of b and 3 of c");
    });
}

// Shares, against fingers.

#[derive(Debug, Clone, Copy)]
enum Doing {
    Activate(u8),
    Beat(u8),
    Take(u8, i64),
    GiveBack(u8, i64),
    Hold(u8, i64),
    Settle(usize, i64),
    Release(usize),
    Deactivate(u8),
    Clock(i64),
    Tend,
    Crash,
}

fn doing() -> impl Strategy<Value = Doing> {
    let who = || 0u8..4;
    let clock = select(vec![1, 600_000, HOUR_MS - 1, HOUR_MS, 3 * HOUR_MS]);
    prop_oneof![
        3 => who().prop_map(Doing::Activate),
        2 => who().prop_map(Doing::Beat),
        5 => (who(), 1i64..9).prop_map(|(who, by)| Doing::Take(who, by)),
        3 => (who(), 1i64..9).prop_map(|(who, by)| Doing::GiveBack(who, by)),
        3 => (who(), 1i64..9).prop_map(|(who, by)| Doing::Hold(who, by)),
        3 => (0usize..4, 0i64..9).prop_map(|(one, by)| Doing::Settle(one, by)),
        1 => (0usize..4).prop_map(Doing::Release),
        1 => who().prop_map(Doing::Deactivate),
        3 => clock.prop_map(Doing::Clock),
        1 => Just(Doing::Tend),
        1 => Just(Doing::Crash),
    ]
}

/// Three machines of one hour each share twenty frames; holds last half an hour.
#[derive(Default)]
struct Fingers {
    now: i64,
    /// When each was seen, and what it has.
    machines: BTreeMap<u8, (i64, i64)>,
    /// Who, units and until when.
    holds: Vec<(u8, i64, i64)>,
    /// Settled for machines that were gone.
    nobodys: i64,
}

const ALLOWED: i64 = 20;
const HOLD_MS: i64 = HOUR_MS / 2;

impl Fingers {
    fn pass(&mut self, by: i64) {
        self.now += by;
        let now = self.now;
        self.machines.retain(|_, (seen, _)| *seen + HOUR_MS > now);
        self.holds.retain(|(.., until)| *until > now);
        self.forget_gone();
    }

    /// What is held for a machine that is gone is nobody's, even if it comes again.
    fn forget_gone(&mut self) {
        for (who, ..) in &mut self.holds {
            if !self.machines.contains_key(who) {
                *who = u8::MAX;
            }
        }
    }

    fn total(&self) -> i64 {
        self.nobodys + self.machines.values().map(|(_, has)| has).sum::<i64>()
    }

    fn held(&self) -> i64 {
        self.holds.iter().map(|(_, units, _)| units).sum()
    }

    fn room(&self) -> i64 {
        ALLOWED - self.total() - self.held()
    }

    /// Whether it is done.
    fn happens(&mut self, doing: Doing) -> bool {
        let (room, now) = (self.room(), self.now);
        match doing {
            Doing::Activate(who) => {
                let is_full = self.machines.len() >= 3 && !self.machines.contains_key(&who);
                if !is_full {
                    self.machines.entry(who).or_default().0 = now;
                }
                !is_full
            }
            Doing::Beat(who) => self.machines.get_mut(&who).map(|one| one.0 = now).is_some(),
            Doing::Take(who, by) => {
                let one = self.machines.get_mut(&who).filter(|_| by <= room);
                one.map(|one| one.1 += by).is_some()
            }
            Doing::GiveBack(who, by) => {
                let one = self.machines.get_mut(&who).filter(|one| by <= one.1);
                one.map(|one| one.1 -= by).is_some()
            }
            Doing::Hold(who, by) => {
                let may = self.machines.contains_key(&who) && by <= room;
                if may {
                    self.holds.push((who, by, now + HOLD_MS));
                }
                may
            }
            Doing::Settle(one, by) => {
                let Some((who, units, _)) = self.holds.get(one).copied() else { return false };
                if by > units.max(room + units) {
                    return false;
                }
                self.holds.remove(one);
                match self.machines.get_mut(&who) {
                    Some(one) => one.1 += by,
                    None => self.nobodys += by,
                }
                true
            }
            Doing::Release(one) => {
                let is_there = one < self.holds.len();
                if is_there {
                    self.holds.remove(one);
                }
                is_there
            }
            Doing::Deactivate(who) => {
                let was_there = self.machines.remove(&who).is_some();
                self.forget_gone();
                was_there
            }
            Doing::Clock(_) | Doing::Tend | Doing::Crash => true,
        }
    }
}

/// The engine's side of it: the ids of the holds that the fingers know, in their order.
struct Hands {
    world: World,
    license: License,
    holds: Vec<HoldId>,
}

impl Hands {
    async fn does(&mut self, doing: Doing) -> bool {
        let of = || LicenseRef::Id(self.license.id);
        let name = |who: u8| ActivationRef::Fingerprint(format!("machine {who}"));
        let amount = Decimal::whole;
        let step = |by| Step { amount: amount(by), bound: None, fit: Fit::Whole };
        let hold = |by| NewHold { amount: amount(by), fit: Fit::Whole, seconds: Some(1800) };
        let (who, operation) = match doing {
            Doing::Activate(who) => {
                let name = format!("machine {who}");
                return activate(&self.world, &self.license, machine(&name, "c")).await.is_none();
            }
            Doing::Beat(who) => {
                let beat = Command::HeartbeatActivation(of(), name(who));
                return self.world.change(beat).await.is_ok();
            }
            Doing::Deactivate(who) => {
                return self.world.change(Command::Deactivate(of(), name(who))).await.is_ok();
            }
            Doing::Take(who, by) => (Some(who), Operation::Increment(step(by))),
            Doing::GiveBack(who, by) => (Some(who), Operation::Decrement(step(by))),
            Doing::Hold(who, by) => (Some(who), Operation::Hold(hold(by))),
            Doing::Settle(one, by) => match self.holds.get(one) {
                Some(id) => (None, Operation::Settle(*id, Some(amount(by)))),
                None => return false,
            },
            Doing::Release(one) => match self.holds.get(one) {
                Some(id) => (None, Operation::Release(*id)),
                None => return false,
            },
            Doing::Clock(_) | Doing::Tend | Doing::Crash => return true,
        };
        let activation = who.map(name);
        let used = Use { operation, activation, ..increment(&self.license, 1, None) };
        let Ok(answer) = self.world.count_one(used).await else { return false };
        match (operation, answer.reference) {
            (Operation::Hold(_), Some(reference)) => match reference.id {
                Reserved::Hold(id) => self.holds.push(id),
                Reserved::Session(_) => panic!("no session was asked for"),
            },
            (Operation::Settle(id, _) | Operation::Release(id), _) => {
                self.holds.retain(|known| *known != id);
            }
            _ => {}
        }
        true
    }

    async fn compare(&mut self, fingers: &Fingers) {
        let caller = Arc::clone(&self.world.system);
        let of = LicenseRef::Id(self.license.id);
        let known = self.world.engine.known(caller, of).await.expect("the license").loaded;
        let state = known.meters[0].state;
        assert_eq!((state.total, state.held), (fingers.total(), fingers.held()));
        let machines = known.live.activations.iter().map(|one| {
            let share = known.live.share(one.id, "frames");
            (one.fingerprint.clone(), share)
        });
        let expected =
            fingers.machines.iter().map(|(who, (_, has))| (format!("machine {who}"), *has));
        let (mut machines, expected): (Vec<_>, Vec<_>) = (machines.collect(), expected.collect());
        machines.sort();
        assert_eq!(machines, expected);
        // The fingers forget holds that are over; so do the hands.
        self.holds.retain(|id| known.live.hold(*id).is_some());
        let units: Vec<_> =
            self.holds.iter().map(|id| known.live.hold(*id).unwrap().units).collect();
        let expected: Vec<_> = fingers.holds.iter().map(|(_, units, _)| *units).collect();
        assert_eq!(units, expected);
    }
}

async fn shares(directory: &Path, doings: &[Doing]) {
    let world = World::on_disk(directory);
    let bounds = [("max_activations", "3"), ("heartbeat_seconds", "3600")];
    policy(&world, "renderer", "plan", &bounds).await;
    let license = world.license("plan").await;
    let mut hands = Hands { world, license, holds: Vec::new() };
    let mut fingers = Fingers::default();
    for doing in doings {
        match doing {
            Doing::Clock(by) => {
                let clock = &hands.world.clock;
                clock.put(clock.now().plus_ms(*by));
                fingers.pass(*by);
                // So that both number the holds that are left alike.
                hands.compare(&fingers).await;
            }
            Doing::Tend => hands.world.engine.tend().await.expect("what is due is done"),
            Doing::Crash => {
                let Hands { world, license, holds } = hands;
                hands = Hands { world: world.crash(directory), license, holds };
            }
            _ => {}
        }
        assert_eq!(hands.does(*doing).await, fingers.happens(*doing), "{doing:?}");
        hands.compare(&fingers).await;
    }
    hands.world.engine.close().await;
}

#[test]
fn shares_and_holds_are_what_fingers_count() {
    property(96, &prop::collection::vec(doing(), 1..50), |doings| {
        let directory = tempfile::tempdir().unwrap();
        run(shares(directory.path(), &doings));
        assert_eq!(check(directory.path()).findings, []);
    });
}
