//! Many callers at once, and callers that go away.

use std::sync::{Arc, Condvar, Mutex};

use usance_core::caller::Caller;
use usance_core::command::{Command, NewActivation, NewOverage, NewPolicy};
use usance_core::id::AccountId;
use usance_core::license::{License, LicenseRef};
use usance_core::quantity::Decimal;
use usance_core::refusal::Refusal;
use usance_core::terms::TermsPatch;
use usance_core::time::Timestamp;
use usance_core::usage::{Answer, Fit, NewHold, Operation, OperationKind, Reserved, Use};
use usance_engine::clock::Clock;
use usance_engine::limits::MAILBOX_USES_MAX;
use usance_engine::{Engine, Failure, Health, Location, Options};

use crate::world::{BEGIN, WINDOW_MS, World, begin, check, increment, new_policy, run};

/// Runs a future on several threads.
fn run_on_threads<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build();
    runtime.expect("a runtime starts").block_on(future)
}

#[test]
fn two_hundred_race_for_the_last_hundred() {
    run_on_threads(async {
        let world = Arc::new(World::in_memory());
        world.policy("plan", Some(1000), NewOverage::Refuse).await;
        let license = world.license("plan").await;
        world.count_one(increment(&license, 900, None)).await.unwrap();
        let racers: Vec<_> = (0..200)
            .map(|_| {
                let (world, used) = (Arc::clone(&world), increment(&license, 1, None));
                tokio::spawn(async move { world.count_one(used).await })
            })
            .collect();
        let mut totals = Vec::new();
        let mut refused = 0;
        for racer in racers {
            match racer.await.expect("no racer falls") {
                Ok(answer) => totals.push(answer.counted.total),
                Err(Failure::Refused(Refusal::LimitReached(_))) => refused += 1,
                Err(failure) => panic!("{failure}"),
            }
        }
        totals.sort_unstable();
        assert_eq!(totals, (901..=1000).collect::<Vec<_>>());
        assert_eq!(refused, 100);
        assert_eq!(world.frames(&license).await, (1000, 1000, 100));
        let statistics = world.engine.statistics();
        assert_eq!((statistics.uses_accepted, statistics.uses_refused), (101, 100));
    });
}

#[test]
fn one_of_many_that_send_the_same_key_is_the_first() {
    run_on_threads(async {
        let world = Arc::new(World::in_memory());
        world.policy("plan", None, NewOverage::Refuse).await;
        let license = world.license("plan").await;
        let senders: Vec<_> = (0..100)
            .map(|number| {
                let key = format!("key {}", number % 5);
                let (world, used) = (Arc::clone(&world), increment(&license, 1, Some(&key)));
                tokio::spawn(async move { world.count_one(used).await })
            })
            .collect();
        let mut firsts = 0;
        for sender in senders {
            firsts += u64::from(!sender.await.expect("no sender falls").unwrap().repeat);
        }
        assert_eq!(firsts, 5);
        assert_eq!(world.frames(&license).await, (5, 5, 0));
        assert_eq!(world.engine.statistics().uses_repeated, 95);
    });
}

#[test]
fn readers_see_whole_units_while_others_write() {
    run_on_threads(async {
        let directory = tempfile::tempdir().unwrap();
        let world = Arc::new(World::on_disk(directory.path()));
        world.policy("plan", None, NewOverage::Refuse).await;
        let license = world.license("plan").await;
        let writer = {
            let (world, license) = (Arc::clone(&world), license.clone());
            tokio::spawn(async move {
                for _ in 0..60 {
                    let uses = (0..10).map(|_| increment(&license, 1, None)).collect();
                    world.count(uses).await.unwrap();
                }
            })
        };
        let mut seen = 0;
        while !writer.is_finished() || seen < 600 {
            let entries = world.history(&license, "frames", 1000).await;
            assert!(entries.len() >= seen, "history only grows");
            assert_eq!(entries.len() % 10, 0, "a unit of work is seen whole");
            seen = entries.len();
        }
        writer.await.expect("the writer does not fall");
    });
}

// A writer that is held, so that the mailbox fills.

/// A clock that can hold whoever asks it: the writer asks before every unit of work.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    is_closed: bool,
    is_waiting: bool,
}

impl Clock for Gate {
    fn now(&self) -> Timestamp {
        let mut state = self.state.lock().unwrap();
        while state.is_closed {
            state.is_waiting = true;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap();
        }
        state.is_waiting = false;
        BEGIN
    }
}

impl Gate {
    /// Lets nobody pass any more.
    fn close(&self) {
        self.state.lock().unwrap().is_closed = true;
    }

    /// Waits until the writer stands at the gate.
    fn holds(&self) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| !state.is_waiting).unwrap());
    }

    fn open(&self) {
        self.state.lock().unwrap().is_closed = false;
        self.changed.notify_all();
    }
}

/// An engine whose writer can be held, with one license.
struct Held {
    world: World,
    gate: Arc<Gate>,
    license: License,
}

impl Held {
    async fn open(location: Location) -> Self {
        let gate = Arc::new(Gate::default());
        let options = Options { location, idempotency_window_ms: WINDOW_MS };
        let engine = Engine::open(options, Arc::clone(&gate) as _).expect("the engine opens");
        let system = Arc::new(Caller::system(engine.account()));
        let clock = Arc::new(usance_engine::clock::ManualClock::new(BEGIN));
        let world = World { engine, clock, system };
        world.policy("plan", None, NewOverage::Refuse).await;
        let license = world.license("plan").await;
        Self { world, gate, license }
    }

    /// Counts some uses of one each, as one request.
    fn count(
        &self,
        count: usize,
    ) -> crate::world::Begun<
        impl Future<Output = Result<Vec<Result<Answer, Refusal>>, Failure>> + use<>,
    > {
        let (engine, system) = (self.world.engine.clone(), Arc::clone(&self.world.system));
        let uses = vec![increment(&self.license, 1, None); count];
        begin(async move { engine.count(system, uses).await })
    }
}

#[test]
fn what_overflows_the_mailbox_is_turned_away_and_the_rest_is_counted() {
    run(async {
        let held = Held::open(Location::Memory).await;
        held.gate.close();
        let first = held.count(1);
        held.gate.holds();
        // The mailbox is empty again; what comes now stays in it.
        let accepted = [held.count(MAILBOX_USES_MAX - 2), held.count(1), held.count(1)];
        let engine = &held.world.engine;
        assert_eq!(engine.statistics().mailbox_uses, MAILBOX_USES_MAX as u64);
        for _ in 0..3 {
            assert_eq!(held.count(1).answer().await, Err(Failure::Overloaded));
        }
        assert_eq!(engine.statistics().overloaded, 3);
        assert_eq!(engine.health(), Health::Ready, "overload is an answer, not an illness");
        held.gate.open();
        let mut total = first.answer().await.unwrap().len();
        for request in accepted {
            total += request.answer().await.unwrap().iter().filter(|one| one.is_ok()).count();
        }
        assert_eq!(total, MAILBOX_USES_MAX + 1);
        let total = total as i64;
        assert_eq!(held.world.frames(&held.license).await, (total, total, 0));
        // And there is room again.
        assert!(held.count(1).answer().await.is_ok());
    });
}

#[test]
fn a_close_finishes_what_was_accepted_and_is_heard_through_a_full_mailbox() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let held = Held::open(Location::Directory(directory.path().to_path_buf())).await;
        held.gate.close();
        let mut accepted = vec![held.count(1)];
        held.gate.holds();
        accepted.extend((0..5).map(|_| held.count(3)));
        accepted.push(held.count(MAILBOX_USES_MAX));
        assert_eq!(held.count(1).answer().await, Err(Failure::Overloaded));
        let engine = held.world.engine.clone();
        let closed = begin(async move { engine.close().await });
        for _ in 0..2 {
            assert_eq!(held.count(1).answer().await, Err(Failure::Closing));
        }
        held.gate.open();
        closed.answer().await;
        for request in accepted {
            assert!(
                request.answer().await.is_ok_and(|outcomes| outcomes.iter().all(Result::is_ok))
            );
        }
        assert_eq!(held.count(1).answer().await, Err(Failure::Closing));
        held.world.engine.close().await;
        // The directory is free although there is still a handle.
        let world = World::on_disk(directory.path());
        let total = 1 + 5 * 3 + MAILBOX_USES_MAX as i64;
        assert_eq!(world.frames(&held.license).await, (total, total, 0));
        world.engine.close().await;
    });
    assert_eq!(check(directory.path()).findings, []);
}

#[test]
fn what_was_accepted_is_counted_though_everybody_went_away() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let held = Held::open(Location::Directory(directory.path().to_path_buf())).await;
        let Held { gate, license, .. } = &held;
        let (gate, license) = (Arc::clone(gate), license.clone());
        gate.close();
        let first = held.count(1);
        gate.holds();
        let others = [held.count(2), held.count(3)];
        drop((first, others, held));
        gate.open();
        let world = World::on_disk(directory.path());
        assert_eq!(world.frames(&license).await, (6, 6, 0));
        world.engine.close().await;
    });
    assert_eq!(check(directory.path()).findings, []);
}

/// Two accounts whose ledgers begin in one unit of work were given the same number.
#[test]
fn two_ledgers_may_begin_together() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let held = Held::open(Location::Directory(directory.path().to_path_buf())).await;
        held.gate.close();
        let first = held.count(1);
        held.gate.holds();
        let newcomers = [1u8, 2, 3].map(|number| {
            let caller = Arc::new(Caller::system(AccountId::from_bytes([number; 16])));
            let (engine, uses) =
                (held.world.engine.clone(), vec![increment(&held.license, 1, None)]);
            begin(async move { engine.count(caller, uses).await })
        });
        let last = held.count(1);
        held.gate.open();
        for newcomer in newcomers {
            let outcomes = newcomer.answer().await.expect("the unit is written");
            assert!(matches!(outcomes[..], [Err(Refusal::Unknown(..))]), "{outcomes:?}");
        }
        assert!(first.answer().await.is_ok() && last.answer().await.is_ok());
        held.world.engine.close().await;
    });
    let report = check(directory.path());
    assert_eq!(report.findings, []);
    let sizes: Vec<u64> = report.ledgers.iter().map(|ledger| ledger.size).collect();
    assert_eq!(sizes, [6, 1, 1, 1]);
}

/// Starts them all, and counts those that were let in; the others must have been refused for the
/// limit.
async fn race<T, F>(racers: Vec<F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>> + Send + 'static,
{
    let racers: Vec<_> = racers.into_iter().map(tokio::spawn).collect();
    let mut done = Vec::new();
    for racer in racers {
        match racer.await.expect("no racer falls") {
            Ok(found) => done.push(found),
            Err(Failure::Refused(Refusal::LimitReached(_) | Refusal::LimitOf(_))) => {}
            Err(failure) => panic!("{failure}"),
        }
    }
    done
}

#[test]
fn two_hundred_machines_race_for_a_hundred_places() {
    run_on_threads(async {
        let directory = tempfile::tempdir().unwrap();
        let world = Arc::new(World::on_disk(directory.path()));
        world.policy("none", None, NewOverage::Refuse).await;
        let mut terms = TermsPatch::default();
        terms.set("max_activations", "100").unwrap();
        let new = NewPolicy { terms, ..new_policy("plan") };
        world.change(Command::CreatePolicy(new)).await.unwrap();
        let license = world.license("plan").await;
        let activate = |number: usize| {
            let (world, of) = (Arc::clone(&world), LicenseRef::Id(license.id));
            let fingerprint = format!("machine {number}");
            async move {
                let new = NewActivation { fingerprint, ..NewActivation::default() };
                world.change(Command::Activate(of, new)).await
            }
        };
        assert_eq!(race((0..200).map(activate).collect()).await.len(), 100);
        let of = LicenseRef::Id(license.id);
        let known = world.engine.known(Arc::clone(&world.system), of).await.unwrap().loaded;
        assert_eq!((known.live.activations.len(), known.license.marks.activations), (100, 100));
        world.engine.close().await;
        assert_eq!(check(directory.path()).findings, []);
    });
}

#[test]
fn two_hundred_holds_race_for_a_hundred_units_and_end_once() {
    run_on_threads(async {
        let directory = tempfile::tempdir().unwrap();
        let world = Arc::new(World::on_disk(directory.path()));
        world.policy("plan", Some(100), NewOverage::Refuse).await;
        let license = world.license("plan").await;
        let ask = |operation: Operation| {
            let (world, used) = (Arc::clone(&world), increment(&license, 1, None));
            async move { world.count_one(Use { operation, ..used }).await }
        };
        let one = Decimal::whole(1);
        let hold = Operation::Hold(NewHold { amount: one, fit: Fit::Whole, seconds: None });
        let begun = race((0..200).map(|_| ask(hold)).collect()).await;
        assert_eq!(begun.len(), 100);
        let ids: Vec<_> = begun
            .into_iter()
            .map(|answer| match answer.reference.expect("a hold").id {
                Reserved::Hold(id) => id,
                Reserved::Session(_) => panic!("no session was asked for"),
            })
            .collect();
        // Each is settled and released at once, twice over: only one of four comes first.
        let ends = ids.iter().flat_map(|id| {
            [Operation::Settle(*id, None), Operation::Release(*id)].into_iter().cycle().take(4)
        });
        let racers: Vec<_> = ends.map(|end| tokio::spawn(ask(end))).collect();
        let (mut settled, mut released) = (0, 0);
        for racer in racers {
            match racer.await.expect("no racer falls") {
                Ok(answer) if answer.counted.operation == OperationKind::Settle => settled += 1,
                Ok(_) => released += 1,
                Err(Failure::Refused(Refusal::Over(..))) => {}
                Err(failure) => panic!("{failure}"),
            }
        }
        assert_eq!(settled + released, 100, "each ended once");
        let of = LicenseRef::Id(license.id);
        let known = world.engine.known(Arc::clone(&world.system), of).await.unwrap().loaded;
        let state = known.meters[0].state;
        assert_eq!((state.total, state.gross, state.held), (settled, settled, 0));
        assert!(known.live.holds.is_empty());
        world.engine.close().await;
        assert_eq!(check(directory.path()).findings, []);
    });
}
