//! Storage that fails, in every step: injected between the writer and a real store, and for real.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Command as Process;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tempfile::TempDir;
use tokio::sync::oneshot;
use usance_core::caller::Caller;
use usance_core::command::{Command, NewOverage, NewProduct, Ref};
use usance_core::id::AccountId;
use usance_core::ledger::checkpoint::Signer;
use usance_core::license::{License, LicenseRef};
use usance_core::metadata::Metadata;
use usance_core::quantity::Decimal;
use usance_core::usage::{Answer, Fit, NewHold, Operation, Reserved, Use};
use usance_engine::clock::ManualClock;
use usance_engine::count::{Batch, Outcomes};
use usance_engine::limits::RUN_RECORDS;
use usance_engine::mailbox::{Job, ReplyTo};
use usance_engine::store::sqlite::{Identity, SqliteOptions, SqliteStore};
use usance_engine::store::{FastMap, LedgerTail, Loaded, Store, StoreError, Wanted};
use usance_engine::unit::{LedgerNumber, Unit};
use usance_engine::vault::Vault;
use usance_engine::writer::{Shared, Writer};
use usance_engine::{Failure, Health};

use crate::world::{BEGIN, WINDOW_MS, World, check, code, increment, run};

// A store that fails when it is told to.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    OpenLedger,
    Load,
    Commit,
    Reload,
    Probe,
    Close,
}

/// What goes wrong: before the step is done, or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Before(Step, Wrong),
    After(Step, Wrong),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrong {
    Full,
    Unavailable,
    Unknown,
    Corrupt,
    Panic,
}

struct Faulty {
    store: SqliteStore,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    probed: Sender<()>,
}

impl Faulty {
    /// Does a step, with whatever is to go wrong in it next.
    fn step<T>(
        &mut self,
        step: Step,
        work: impl FnOnce(&mut SqliteStore) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.fail(|fault| matches!(fault, Fault::Before(at, _) if *at == step))?;
        let done = work(&mut self.store)?;
        self.fail(|fault| matches!(fault, Fault::After(at, _) if *at == step))?;
        Ok(done)
    }

    fn fail(&self, is_due: impl Fn(&Fault) -> bool) -> Result<(), StoreError> {
        let mut faults = self.faults.lock().unwrap();
        if !faults.front().is_some_and(is_due) {
            return Ok(());
        }
        let Some(Fault::Before(_, wrong) | Fault::After(_, wrong)) = faults.pop_front() else {
            return Ok(());
        };
        drop(faults);
        let what = || "injected".to_owned();
        Err(match wrong {
            Wrong::Full => StoreError::Full(what()),
            Wrong::Unavailable => StoreError::Unavailable(what()),
            Wrong::Unknown => StoreError::UnknownOutcome(what()),
            Wrong::Corrupt => StoreError::Corrupt(what()),
            Wrong::Panic => panic!("injected"),
        })
    }
}

impl Store for Faulty {
    fn open_ledger(&mut self, account: AccountId) -> Result<Option<LedgerTail>, StoreError> {
        self.step(Step::OpenLedger, |store| store.open_ledger(account))
    }

    fn next_ledger_number(&mut self) -> Result<LedgerNumber, StoreError> {
        self.store.next_ledger_number()
    }

    fn load(&mut self, wanted: &Wanted<'_>) -> Result<Loaded, StoreError> {
        self.step(Step::Load, |store| store.load(wanted))
    }

    fn commit(&mut self, unit: &Unit) -> Result<(), StoreError> {
        self.step(Step::Commit, |store| store.commit(unit))
    }

    fn probe(&mut self) -> Result<(), StoreError> {
        let done = self.step(Step::Probe, |store| store.probe());
        // The test may be over.
        self.probed.send(()).unwrap_or_default();
        done
    }

    fn reload(&mut self) -> Result<(), StoreError> {
        self.step(Step::Reload, |store| store.reload())
    }

    fn close(&mut self) -> Result<(), StoreError> {
        self.step(Step::Close, |store| store.close())
    }
}

/// A writer over such a store, in a directory that an engine made.
struct Rig {
    shared: Arc<Shared>,
    writer: JoinHandle<()>,
    system: Arc<Caller>,
    license: License,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    probed: Receiver<()>,
    directory: TempDir,
    key_secret: [u8; 32],
}

impl Rig {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (account, license) = run(async {
            let world = World::on_disk(directory.path());
            world.policy("plan", None, NewOverage::Refuse).await;
            let license = world.license("plan").await;
            world.engine.close().await;
            (world.engine.account(), license)
        });
        let secret = std::fs::read(directory.path().join("writer.key")).unwrap();
        let secret: [u8; 32] = secret.try_into().unwrap();
        let options = SqliteOptions {
            directory: Some(directory.path()),
            idempotency_window_ms: WINDOW_MS,
            run_records: RUN_RECORDS,
        };
        let unused = Identity {
            writer: usance_core::id::WriterId::from_bytes([0; 16]),
            key_secret: [0; 32],
        };
        let public = Signer::new("key", &secret).verifier().public();
        let (store, identity) = SqliteStore::open(options, public, unused).unwrap();
        let faults = Arc::new(Mutex::new(VecDeque::new()));
        let (probed_sender, probed) = channel();
        let shared = Arc::new(Shared::default());
        let writer = Writer {
            shared: Arc::clone(&shared),
            reader: store.reader(),
            store: Box::new(Faulty { store, faults: Arc::clone(&faults), probed: probed_sender }),
            clock: Arc::new(ManualClock::new(BEGIN)),
            signer: Signer::new(&format!("usance/{}", identity.writer), &secret),
            id: identity.writer,
            window_ms: WINDOW_MS,
            key_secret: identity.key_secret,
            vault: Vault::new(&secret),
            tended_at: std::time::Instant::now(),
            tallied_at: std::time::Instant::now(),
            refusing: usance_engine::refusing::Refusing::default(),
            is_behind: false,
            heads: FastMap::default(),
            is_poisoned: false,
            lock: None,
        };
        let writer = std::thread::spawn(move || writer.run());
        let system = Arc::new(Caller::system(account));
        let key_secret = identity.key_secret;
        Self { shared, writer, system, license, faults, probed, directory, key_secret }
    }

    fn inject(&self, faults: &[Fault]) {
        self.faults.lock().unwrap().extend(faults);
    }

    fn ask<T>(&self, job: impl FnOnce(ReplyTo<T>) -> Job) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        self.shared.mailbox.put(job(reply))?;
        answer.blocking_recv().expect("the writer answers")
    }

    fn count(&self, uses: &[(i64, &str)]) -> Result<Outcomes, Failure> {
        let uses = uses.iter().map(|(amount, key)| increment(&self.license, *amount, Some(key)));
        let batch = Batch::new(Arc::clone(&self.system), uses.collect(), &self.key_secret);
        self.ask(|reply| Job::Count(batch, reply))
    }

    /// Asks one thing of the license's meter.
    fn one(&self, operation: Operation, key: &str) -> Result<Answer, Failure> {
        let used = Use { operation, ..increment(&self.license, 1, Some(key)) };
        let batch = Batch::new(Arc::clone(&self.system), vec![used], &self.key_secret);
        let mut outcomes = self.ask(|reply| Job::Count(batch, reply))?;
        Ok(outcomes.remove(0)?)
    }

    fn is_stopped(&self) -> bool {
        self.shared.stopped.lock().unwrap().is_some()
    }

    /// Ends the writer without a close, as a crash would.
    fn crash(self) -> (TempDir, License) {
        self.shared.mailbox.put(Job::Leave).unwrap();
        self.writer.join().expect("the writer does not fall");
        (self.directory, self.license)
    }
}

/// What the disk holds after a restart: the total, after each of these was sent once more, too.
fn restarted(directory: &Path, license: &License, again: &[(i64, &str)]) -> (i64, i64) {
    let totals = run(async {
        let world = World::on_disk(directory);
        let (before, ..) = world.frames(license).await;
        let uses: Vec<Use> =
            again.iter().map(|(amount, key)| increment(license, *amount, Some(key))).collect();
        for outcome in world.count(uses).await.expect("the engine counts again") {
            outcome.expect("no use is refused");
        }
        let (after, ..) = world.frames(license).await;
        assert_eq!(world.engine.health(), Health::Ready);
        world.engine.close().await;
        (before, after)
    });
    assert_eq!(check(directory).findings, []);
    totals
}

/// Each step once failed, and once failed but done. In every row four uses are sent before: 1 is
/// acknowledged; 2 and 4 meet the fault; 8 comes after it.
#[test]
fn a_unit_of_work_that_fails() {
    use Fault::{After, Before};
    use Step::{Commit, Load, OpenLedger, Reload};
    use Wrong::{Corrupt, Full, Panic, Unavailable, Unknown};
    let goes_on = None;
    let stops = Some(Failure::StorageFailed);
    for (faults, failure, next, total) in [
        (&[Before(Load, Unavailable)][..], Failure::StorageFailed, &goes_on, 9),
        (&[Before(Load, Corrupt)], Failure::StorageFailed, &stops, 1),
        (&[Before(Load, Panic)], Failure::Unknown, &stops, 1),
        (&[Before(Commit, Full)], Failure::StorageFull, &goes_on, 9),
        (&[Before(Commit, Unavailable)], Failure::StorageFailed, &goes_on, 9),
        (&[Before(Commit, Corrupt)], Failure::StorageFailed, &stops, 1),
        (&[Before(Commit, Unknown)], Failure::Unknown, &stops, 1),
        (&[After(Commit, Unknown)], Failure::Unknown, &stops, 7),
        (&[Before(Commit, Panic)], Failure::Unknown, &stops, 1),
        (&[After(Commit, Panic)], Failure::Unknown, &stops, 7),
        (&[Before(Commit, Full), Before(Reload, Unavailable)], Failure::StorageFull, &stops, 1),
        (&[Before(Commit, Full), After(Reload, Unavailable)], Failure::StorageFull, &stops, 1),
        (&[Before(Commit, Full), Before(OpenLedger, Unavailable)], Failure::StorageFull, &stops, 1),
        (&[Before(Commit, Full), Before(Commit, Full)], Failure::StorageFull, &None, 1),
    ] {
        println!("{faults:?}");
        let rig = Rig::new();
        rig.count(&[(1, "a")]).unwrap()[0].as_ref().unwrap();
        assert!(!rig.is_stopped());
        rig.inject(faults);
        let failed = rig.count(&[(2, "b"), (4, "c")]);
        assert_eq!(failed, Err(failure));
        assert!(rig.is_stopped());
        let is_full_again = faults == [Before(Commit, Full), Before(Commit, Full)];
        let found = rig.count(&[(8, "d")]);
        match next {
            _ if is_full_again => assert_eq!(found, Err(Failure::StorageFull)),
            None => assert!(found.is_ok_and(|outcomes| outcomes[0].is_ok())),
            Some(failure) => assert_eq!(found, Err(failure.clone())),
        }
        assert_eq!(rig.is_stopped(), is_full_again || next.is_some());
        assert!(rig.faults.lock().unwrap().is_empty(), "every fault was met");
        let (directory, license) = rig.crash();
        let again = [(1, "a"), (2, "b"), (4, "c"), (8, "d")];
        assert_eq!(restarted(directory.path(), &license, &again), (total, 15));
    }
}

#[test]
fn a_change_of_the_catalogue_that_fails() {
    for (fault, failure, is_there) in [
        (Fault::Before(Step::Commit, Wrong::Full), Failure::StorageFull, false),
        (Fault::Before(Step::Commit, Wrong::Unknown), Failure::Unknown, false),
        (Fault::After(Step::Commit, Wrong::Unknown), Failure::Unknown, true),
    ] {
        let rig = Rig::new();
        rig.inject(&[fault]);
        let command = || {
            let new =
                NewProduct { code: code("viewer"), name: None, metadata: Metadata::default() };
            Box::new(Command::CreateProduct(new))
        };
        let system = Arc::clone(&rig.system);
        let failed = rig.ask(|reply| Job::Change(system, None, command(), reply));
        assert_eq!(failed, Err(failure));
        let (directory, _) = rig.crash();
        assert_eq!(check(directory.path()).findings, []);
        run(async {
            let world = World::on_disk(directory.path());
            let of = Ref::Code(code("viewer"));
            let found = world.engine.product(Arc::clone(&world.system), of).await;
            assert_eq!(found.is_ok(), is_there, "{found:?}");
            let again = world.change(*command()).await;
            assert_eq!(again.is_ok(), !is_there, "{again:?}");
        });
    }
}

/// A question that the writer answers without writing was taken for a sign of recovery.
#[test]
fn only_a_commit_shows_that_there_is_room_again() {
    let rig = Rig::new();
    rig.inject(&[Fault::Before(Step::Commit, Wrong::Full)]);
    assert_eq!(rig.count(&[(1, "a")]), Err(Failure::StorageFull));
    let (system, of) = (Arc::clone(&rig.system), LicenseRef::Id(rig.license.id));
    let views = rig.ask(|reply| Job::Meters(system, of, reply)).unwrap();
    assert_eq!(views[0].state.total, 0);
    assert!(rig.is_stopped(), "nothing was written");
    let stranger = LicenseRef::parse("lic_00000000000000000000000000000000");
    let used = Use { license: stranger, ..increment(&rig.license, 1, None) };
    let batch = Batch::new(Arc::clone(&rig.system), vec![used], &rig.key_secret);
    assert!(rig.ask(|reply| Job::Count(batch, reply)).unwrap()[0].is_err());
    assert!(rig.is_stopped(), "nothing was written");
    assert!(rig.count(&[(1, "a")]).is_ok());
    assert!(!rig.is_stopped());
    rig.crash();
}

#[test]
fn an_idle_writer_looks_for_room() {
    let rig = Rig::new();
    let full = Fault::Before(Step::Commit, Wrong::Full);
    rig.inject(&[full, Fault::Before(Step::Probe, Wrong::Full)]);
    assert_eq!(rig.count(&[(1, "a")]), Err(Failure::StorageFull));
    rig.probed.recv().expect("the writer looks");
    assert!(rig.is_stopped(), "there is no room yet");
    rig.probed.recv().expect("the writer looks again");
    while rig.is_stopped() {
        std::thread::yield_now();
    }
    let (directory, license) = rig.crash();
    assert_eq!(restarted(directory.path(), &license, &[(1, "a")]), (0, 1));
}

#[test]
fn a_close_that_fails_loses_nothing() {
    for wrong in [Wrong::Full, Wrong::Unknown] {
        let rig = Rig::new();
        rig.count(&[(1, "a"), (2, "b")]).unwrap();
        rig.inject(&[Fault::Before(Step::Close, wrong)]);
        let (reply, closed) = oneshot::channel();
        rig.shared.mailbox.put(Job::Close(reply)).unwrap();
        closed.blocking_recv().expect("the writer ends");
        assert!(rig.shared.mailbox.put(Job::Leave).is_err());
        rig.writer.join().expect("the writer does not fall");
        let again = [(2, "b"), (4, "c")];
        assert_eq!(restarted(rig.directory.path(), &rig.license, &again), (3, 7));
    }
}

// For real. Each of these tests runs itself once more, in a process with a small disk.

/// Where the other process finds its directory.
const CHILD: &str = "USANCE_TEST_DIRECTORY";

/// Runs a test of this binary in a process that a shell prepares: `$0` is the directory, and `"$@"`
/// the test. What it printed.
fn prepared(test: &str, directory: &Path, shell: &str, script: &[&str]) -> (bool, String) {
    let exe = std::env::current_exe().expect("this test has a file");
    let output = Process::new(shell)
        .args(script)
        .arg(directory)
        .arg(exe)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, directory)
        .output()
        .expect("the shell starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

/// Counts ones until that fails: how many were acknowledged, and the failure.
async fn count_until_it_fails(world: &World, license: &License, from: i64) -> (i64, Failure) {
    let mut acknowledged = from;
    loop {
        // Each spends a key, and each batch is a unit of work.
        let keys = acknowledged..acknowledged + 100;
        let uses = keys.map(|key| increment(license, 1, Some(&format!("key {key}")))).collect();
        match world.count(uses).await {
            Ok(outcomes) => {
                acknowledged += outcomes.iter().filter(|one| one.is_ok()).count() as i64
            }
            Err(failure) => return (acknowledged, failure),
        }
        assert!(acknowledged < 1_000_000, "the disk is never full");
    }
}

#[test]
fn a_disk_that_fills_up_and_has_room_again() {
    if let Some(directory) = std::env::var_os(CHILD) {
        return on_a_small_disk(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let script = "mount -t tmpfs -o size=4m none \"$0\" || exit 77; exec \"$@\"";
    let script = ["--user", "--map-root-user", "--mount", "sh", "-c", script];
    let test = "faults::a_disk_that_fills_up_and_has_room_again";
    let (succeeded, text) = prepared(test, directory.path(), "unshare", &script);
    if !text.contains("running 1 test") {
        println!("SKIPPED: this system gives no small disk to a test: {text}");
        return;
    }
    assert!(succeeded && text.contains("filled up twice"), "{text}");
}

fn on_a_small_disk(directory: &Path) {
    let ballast = directory.join("ballast");
    std::fs::write(&ballast, vec![1; 1 << 20]).unwrap();
    let data = directory.join("data");
    run(async {
        let world = World::on_disk(&data);
        world.policy("plan", None, NewOverage::Refuse).await;
        let license = world.license("plan").await;
        let (first, failure) = count_until_it_fails(&world, &license, 0).await;
        assert_eq!(failure, Failure::StorageFull);
        assert!(first > 0);
        assert!(matches!(world.engine.health(), Health::Stopped(_)));
        assert_eq!(world.frames(&license).await, (first, first, 0));
        // Nothing that was acknowledged is counted again, also while there is no room.
        let again = world.count_one(increment(&license, 1, Some("key 0"))).await;
        assert!(again.is_ok_and(|answer| answer.repeat));

        std::fs::remove_file(&ballast).unwrap();
        let (second, failure) = count_until_it_fails(&world, &license, first).await;
        assert_eq!(failure, Failure::StorageFull);
        assert!(second > first, "there was room again");
        assert_eq!(check(&data).findings, []);

        let world = world.crash(&data);
        assert_eq!(world.frames(&license).await, (second, second, 0));
        for key in [0, first - 1, first, second - 1] {
            let again = world.count_one(increment(&license, 1, Some(&format!("key {key}")))).await;
            assert!(again.is_ok_and(|answer| answer.repeat), "key {key}");
        }
    });
    println!("filled up twice");
}

#[test]
fn a_disk_that_fails_in_the_middle_of_a_commit() {
    const ACKNOWLEDGED: &str = "acknowledged=";
    if let Some(directory) = std::env::var_os(CHILD) {
        let directory = Path::new(&directory);
        return run(async {
            let world = World::on_disk(directory);
            world.policy("plan", None, NewOverage::Refuse).await;
            let license = world.license("plan").await;
            let (acknowledged, failure) = count_until_it_fails(&world, &license, 0).await;
            assert_eq!(failure, Failure::Unknown, "it cannot be known how much was written");
            assert!(matches!(world.engine.health(), Health::Stopped(_)));
            let next = world.count_one(increment(&license, 1, None)).await;
            assert_eq!(next, Err(Failure::StorageFailed), "a restart must look first");
            println!("\n{ACKNOWLEDGED}{acknowledged}={}", license.id);
        });
    }
    let directory = tempfile::tempdir().unwrap();
    // A file may not grow beyond two megabytes: writing fails, and nobody is killed for it.
    let script = ["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$@\""];
    let test = "faults::a_disk_that_fails_in_the_middle_of_a_commit";
    let (succeeded, text) = prepared(test, directory.path(), "bash", &script);
    assert!(succeeded, "{text}");
    let told = text.lines().find_map(|line| line.strip_prefix(ACKNOWLEDGED)).expect("it was told");
    let (acknowledged, license) = told.split_once('=').expect("a number and an id");
    let (acknowledged, of) = (acknowledged.parse::<i64>().unwrap(), LicenseRef::parse(license));
    run(async {
        let world = World::on_disk(directory.path());
        let license = world.engine.license(Arc::clone(&world.system), of).await.unwrap().0;
        let (total, ..) = world.frames(&license).await;
        // The last batch may have been written, whole, or not at all.
        assert!([acknowledged, acknowledged + 100].contains(&total), "{total} of {acknowledged}");
        let keys = 0..acknowledged + 100;
        let uses = keys.map(|key| increment(&license, 1, Some(&format!("key {key}"))));
        for outcome in world.count(uses.collect()).await.unwrap() {
            outcome.expect("no use is refused");
        }
        assert_eq!(world.frames(&license).await.0, acknowledged + 100);
        world.engine.close().await;
    });
    assert_eq!(check(directory.path()).findings, []);
}

/// A hold, its settlement or its release that meets a fault: all of it happened or nothing, and
/// what is said once more happens once.
#[test]
fn a_hold_that_meets_a_fault_is_whole_or_not_there() {
    use Step::Commit;
    let hold =
        Operation::Hold(NewHold { amount: Decimal::whole(7), fit: Fit::Whole, seconds: None });
    for fault in [
        Fault::Before(Commit, Wrong::Full),
        Fault::After(Commit, Wrong::Unknown),
        Fault::Before(Commit, Wrong::Unknown),
        Fault::After(Commit, Wrong::Panic),
    ] {
        for ends in ["begin", "settle", "release"] {
            println!("{fault:?} at {ends}");
            let rig = Rig::new();
            let begun = (ends != "begin").then(|| rig.one(hold, "begin").expect("it is held"));
            let id = begun.map(|answer| match answer.reference.expect("a hold").id {
                Reserved::Hold(id) => id,
                Reserved::Session(_) => panic!("no session was asked for"),
            });
            let operation = match (ends, id) {
                ("settle", Some(id)) => Operation::Settle(id, Some(Decimal::whole(5))),
                ("release", Some(id)) => Operation::Release(id),
                _ => hold,
            };
            rig.inject(&[fault]);
            rig.one(operation, "again").expect_err("it meets the fault");
            let (directory, license) = rig.crash();
            run(async {
                let world = World::on_disk(directory.path());
                let of = || LicenseRef::Id(license.id);
                let known = world.engine.known(Arc::clone(&world.system), of()).await.unwrap();
                let held: i64 = known.loaded.live.holds.iter().map(|one| one.units).sum();
                assert_eq!(known.loaded.meters[0].state.held, held);
                // Asked once more, it is done, once.
                let used = Use { operation, ..increment(&license, 1, Some("again")) };
                world.count_one(used).await.expect("now it is done");
                let known = world.engine.known(Arc::clone(&world.system), of()).await.unwrap();
                let state = known.loaded.meters[0].state;
                let expected = match ends {
                    "begin" => (0, 7, 1),
                    "settle" => (5, 0, 0),
                    _ => (0, 0, 0),
                };
                assert_eq!((state.total, state.held, known.loaded.live.holds.len()), expected);
                world.engine.close().await;
            });
            assert_eq!(check(directory.path()).findings, []);
        }
    }
}
