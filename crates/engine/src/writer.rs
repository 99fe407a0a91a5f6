//! The one thread that writes: takes what waits, decides it, commits once, replies.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use usance_core::caller::Caller;
use usance_core::command::{Command, NewToken, Reply, Secret};
use usance_core::id::{AccountId, LicenseId, WriterId};
use usance_core::ledger::checkpoint::Signer;
use usance_core::license::LicenseRef;
use usance_core::time::Timestamp;
use usance_core::token::{Permission, Permissions, SecretHash};
use usance_core::view::{MeterView, PageRequest};

use crate::catalogue::{Decided, Desk, Undecided};
use crate::clock::Clock;
use crate::count::{Batch, Counting, Outcomes};
use crate::directory::Directory;
use crate::failure::Failure;
use crate::follower::Following;
use crate::histogram::Histogram;
use crate::ledger_head::LedgerHead;
use crate::limits::TIMERS_PER_UNIT_MAX;
use crate::mailbox::{Job, Mailbox, ReplyTo};
use crate::moving::Moving;
use crate::queries::{Queries, known_license};
use crate::refusing::Refusing;
use crate::store::{FastMap, LoadedLicense, Reader, Store, StoreError, Wanted};
use crate::unit::Unit;
use crate::vault::Vault;

/// How long the writer sleeps when nothing arrives; then it looks whether a full disk has room
/// again.
const PATIENCE: Duration = Duration::from_secs(1);

/// When what is due on a license is tried again that could not be carried out, in milliseconds.
const RETRY_MS: i64 = 10 * 60 * 1000;

/// How often the writer looks for what is due, also under load.
const TEND_EVERY: Duration = Duration::from_secs(1);

/// How often it is written back how often tokens were presented. What a crash loses of it is less.
const TALLY_EVERY: Duration = Duration::from_secs(60);

/// What the writer and its handles share.
#[derive(Default)]
pub struct Shared {
    /// What waits.
    pub mailbox: Mailbox,
    /// Who is known.
    pub directory: Directory,
    /// Why writing has stopped, if it has.
    pub stopped: Mutex<Option<String>>,
    /// Counters.
    pub counters: Counters,
    /// How many records each account's ledger has.
    pub sizes: Mutex<BTreeMap<AccountId, u64>>,
    /// Counts commits, for those who follow what happens.
    pub commits: watch::Sender<u64>,
    /// Counts changes of receivers of events, for those who tell them.
    pub webhooks: watch::Sender<u64>,
    /// What has rules act.
    pub following: Following,
}

/// Counters since the start.
#[derive(Default)]
#[expect(missing_docs, reason = "named for what they count")]
pub struct Counters {
    pub uses_accepted: AtomicU64,
    pub uses_refused: AtomicU64,
    pub uses_repeated: AtomicU64,
    pub commits: AtomicU64,
    pub records: AtomicU64,
    pub commit_ns: AtomicU64,
    pub unit_uses_max: AtomicU64,
    pub overloaded: AtomicU64,
    pub credentials_unknown: AtomicU64,
    pub attempts_refused: AtomicU64,
    pub batch_uses: Histogram,
    pub commit_us: Histogram,
    pub refusals: Mutex<BTreeMap<&'static str, u64>>,
}

impl Counters {
    fn refused(&self, code: &'static str) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        *refusals.entry(code).or_default() += 1;
    }
}

impl Shared {
    /// Notes how long the ledgers are.
    fn note_sizes(&self, heads: &FastMap<AccountId, LedgerHead>) {
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        for (account, head) in heads {
            sizes.insert(*account, head.size());
        }
    }
}

/// The writer.
pub struct Writer {
    /// What it shares with its handles.
    pub shared: Arc<Shared>,
    /// Where it writes.
    pub store: Box<dyn Store>,
    /// What is committed.
    pub reader: Arc<dyn Reader>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What it signs with.
    pub signer: Signer,
    /// Who it is.
    pub id: WriterId,
    /// How long idempotency keys are remembered, in milliseconds.
    pub window_ms: i64,
    /// What keys and people are hashed with.
    pub key_secret: [u8; 32],
    /// What keeps the secret halves of signing keys.
    pub vault: Vault,
    /// When what is due was last carried out.
    pub tended_at: Instant,
    /// When it was last written back how often tokens were presented.
    pub tallied_at: Instant,
    /// Meters that were told to refuse, and their last record then.
    pub refusing: Refusing,
    /// Whether more was due then than one unit of work may hold.
    pub is_behind: bool,
    /// The ends of the ledgers it has opened.
    pub heads: FastMap<AccountId, LedgerHead>,
    /// Whether it has stopped for good.
    pub is_poisoned: bool,
    /// The data directory's lock. The last field: it is let go when nothing can be written any
    /// more.
    pub lock: Option<File>,
}

impl Writer {
    /// Works until it is told to close.
    pub fn run(mut self) {
        let mut jobs = Vec::new();
        loop {
            let patience = if self.is_behind { Duration::ZERO } else { PATIENCE };
            self.shared.mailbox.take(patience, &mut jobs);
            if jobs.is_empty() && !self.is_behind {
                self.look_for_room();
            }
            if self.is_behind || self.tended_at.elapsed() >= TEND_EVERY {
                self.tend_some();
            }
            if self.tallied_at.elapsed() >= TALLY_EVERY {
                self.write_tallies();
            }
            let mut counts = Vec::new();
            for job in jobs.drain(..) {
                // Uses that arrived one after the other share a unit of work; anything else is one
                // of its own, in its place.
                if let Job::Count(batch, reply) = job {
                    counts.push((batch, reply));
                    continue;
                }
                self.count_and_reply(std::mem::take(&mut counts));
                match job {
                    Job::Count(..) => {}
                    Job::Change(caller, origin, command, reply) => {
                        let done = self.guarded(|writer| writer.change(&caller, origin, *command));
                        send(reply, done);
                    }
                    Job::Meters(caller, license, reply) => {
                        let done = self.guarded(|writer| writer.meters(&caller, &license));
                        send(reply, done);
                    }
                    Job::Known(caller, license, reply) => {
                        let done = self.guarded(|writer| writer.known(&caller, &license));
                        send(reply, done);
                    }
                    Job::Tend(reply) => {
                        self.tend_all();
                        send(reply, Ok(()));
                    }
                    Job::AdminToken(given, reply) => {
                        let done = self.guarded(|writer| writer.admin_token(given));
                        send(reply, done);
                    }
                    Job::Close(reply) => {
                        self.close();
                        drop(self);
                        // Nobody may be waiting for the end any more, and that is fine.
                        reply.send(()).unwrap_or_default();
                        return;
                    }
                    Job::Leave => return,
                }
            }
            self.count_and_reply(counts);
        }
    }

    fn close(&mut self) {
        if self.is_poisoned {
            return;
        }
        self.write_tallies();
        if let Err(error) = self.store.close() {
            tracing::warn!(%error, "what is in memory was not written back; the next start replays it");
        }
    }

    /// Writes back how often tokens were presented.
    fn write_tallies(&mut self) {
        self.tallied_at = Instant::now();
        let tallies = self.shared.directory.tallies.take();
        if tallies.is_empty() {
            return;
        }
        let changes = tallies.iter().map(|(account, token, used)| {
            crate::unit::Change::PutTokenUse(*account, *token, *used)
        });
        let mut unit = Unit { changes: changes.collect(), ..Unit::default() };
        let written = self.guarded(|writer| {
            unit.at = Some(writer.clock.now());
            Ok(writer.commit(&mut unit)?)
        });
        if let Err(failure) = written {
            tracing::warn!(%failure, "how often tokens were presented is not written yet");
            self.shared.directory.tallies.put_back(&tallies);
        }
    }

    fn count_and_reply(&mut self, counts: Vec<(Batch, ReplyTo<Outcomes>)>) {
        if counts.is_empty() {
            return;
        }
        let (batches, replies): (Vec<_>, Vec<_>) = counts.into_iter().unzip();
        match self.guarded(|writer| writer.count(batches)) {
            Ok(outcomes) => {
                for (reply, outcomes) in replies.into_iter().zip(outcomes) {
                    send(reply, Ok(outcomes));
                }
            }
            Err(failure) => {
                for reply in replies {
                    send(reply, Err(failure.clone()));
                }
            }
        }
    }

    /// Counts batches as one unit of work; the outcomes in their order.
    fn count(&mut self, batches: Vec<Batch>) -> Result<Vec<Outcomes>, Undecided> {
        let uses: usize = batches.iter().map(|batch| batch.uses.len()).sum();
        let mut by_account: Vec<(AccountId, Vec<usize>, Vec<Batch>)> = Vec::new();
        for (number, batch) in batches.into_iter().enumerate() {
            let account = batch.caller.account;
            match by_account.iter_mut().find(|(known, ..)| *known == account) {
                Some((_, numbers, batches)) => {
                    numbers.push(number);
                    batches.push(batch);
                }
                None => by_account.push((account, vec![number], vec![batch])),
            }
        }
        let mut unit = Unit::default();
        let mut all: Vec<(usize, Outcomes)> = Vec::new();
        for (account, numbers, batches) in &by_account {
            self.open_head(*account, &mut unit)?;
            let keys = (self.window_ms, &self.key_secret);
            let counting = Counting::load(&mut *self.store, *account, batches, keys)?;
            let head = self.heads.get_mut(account).expect("the head was opened above");
            let outcomes = counting.decide(head, &mut self.refusing, &mut unit);
            head.seal(&self.signer, &mut unit);
            all.extend(numbers.iter().copied().zip(outcomes));
        }
        self.commit(&mut unit)?;
        let counters = &self.shared.counters;
        counters.unit_uses_max.fetch_max(uses as u64, Ordering::Relaxed);
        counters.batch_uses.observe(uses as u64);
        all.sort_unstable_by_key(|(number, _)| *number);
        let all: Vec<Outcomes> = all.into_iter().map(|(_, outcomes)| outcomes).collect();
        for outcome in all.iter().flatten() {
            let counter = match outcome {
                Ok(answer) if answer.repeat => &counters.uses_repeated,
                Ok(_) => &counters.uses_accepted,
                Err(refusal) => {
                    counters.refused(refusal.code());
                    &counters.uses_refused
                }
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        Ok(all)
    }

    fn change(
        &mut self,
        caller: &Caller,
        origin: Option<IpAddr>,
        command: Command,
    ) -> Result<Reply, Undecided> {
        self.decide_and_commit(caller, origin, |desk| desk.decide(command))
    }

    fn decide_and_commit(
        &mut self,
        caller: &Caller,
        origin: Option<IpAddr>,
        decide: impl FnOnce(&mut Desk<'_>) -> Result<Decided, Undecided>,
    ) -> Result<Reply, Undecided> {
        let mut unit = Unit { origin, ..Unit::default() };
        self.open_head(caller.account, &mut unit)?;
        let head = self.heads.get_mut(&caller.account).expect("the head was opened above");
        let mut desk = Desk {
            caller,
            now: head.now(),
            reader: &*self.reader,
            store: &mut *self.store,
            vault: &self.vault,
            head,
            unit: &mut unit,
        };
        let decided = match decide(&mut desk) {
            // What is in memory is thrown away, and the truth read again.
            Err(Undecided::Store(error)) => return Err(error.into()),
            decided => decided,
        };
        let head = self.heads.get_mut(&caller.account).expect("the head was opened above");
        if let Ok(decided) = &decided {
            unit.changes.extend(decided.changes.iter().cloned());
            for event in &decided.events {
                event.append(head, &mut unit);
            }
        }
        head.seal(&self.signer, &mut unit);
        // A refused command too may have found something that is due, or the clock set back.
        self.commit(&mut unit)?;
        decided.map(|decided| decided.reply)
    }

    /// What is known of a license: where its meters stand, and what lives on it.
    fn known(&mut self, caller: &Caller, of: &LicenseRef) -> Result<Known, Undecided> {
        // From here to the commit nothing may leave early: what the head has must be on disk.
        let license = known_license(&*self.reader, caller, of)?;
        let mut unit = Unit::default();
        self.open_head(caller.account, &mut unit)?;
        let head = self.heads.get_mut(&caller.account).expect("the head was opened above");
        let mut moving = Moving::new(load_one(&mut *self.store, caller.account, license.id)?);
        // What a question shows is what is so at its time, not what was left there.
        let tended = moving.tend(head, &mut unit);
        moving.wind(&mut unit);
        head.seal(&self.signer, &mut unit);
        let now = head.now();
        self.commit(&mut unit)?;
        tended?;
        Ok(Known { loaded: moving.loaded, now })
    }

    fn meters(&mut self, caller: &Caller, of: &LicenseRef) -> Result<Vec<MeterView>, Undecided> {
        caller.need(Permission::MeterRead)?;
        let Known { loaded, .. } = self.known(caller, of)?;
        let license = loaded.license.id;
        let views = loaded.meters.into_iter().map(|meter| MeterView {
            license,
            spec: meter.spec,
            is_own: meter.is_own,
            allowed_from: meter.allowed_from,
            state: meter.state,
        });
        let is_seen = |view: &MeterView| {
            caller.need_meter(&view.spec.name).is_ok() && caller.sees(view.spec.visible_to)
        };
        Ok(views.filter(is_seen).collect())
    }

    /// Carries out some of what is due. When a million periods end at once, requests come between
    /// its units of work.
    fn tend_some(&mut self) {
        self.tended_at = Instant::now();
        self.is_behind = match self.guarded(|writer| writer.tend()) {
            Ok(done) => done >= TIMERS_PER_UNIT_MAX,
            Err(failure) => {
                tracing::error!(%failure, "what is due could not be carried out");
                false
            }
        };
    }

    /// Carries out all that is due.
    fn tend_all(&mut self) {
        loop {
            self.tend_some();
            if !self.is_behind {
                return;
            }
        }
    }

    /// Carries out what is due on a bounded number of licenses, as one unit of work. Returns on how
    /// many.
    fn tend(&mut self) -> Result<usize, Undecided> {
        let due = self.reader.due(self.clock.now(), TIMERS_PER_UNIT_MAX)?;
        if due.is_empty() {
            return Ok(0);
        }
        let mut accounts: Vec<AccountId> = due.iter().map(|(account, _)| *account).collect();
        accounts.sort_unstable();
        accounts.dedup();
        let mut unit = Unit::default();
        for account in accounts {
            self.open_head(account, &mut unit)?;
            let head = self.heads.get_mut(&account).expect("the head was opened above");
            for (_, license) in due.iter().filter(|(of, _)| *of == account) {
                tend_one(&mut *self.store, account, *license, head, &mut unit)?;
            }
            head.seal(&self.signer, &mut unit);
        }
        self.commit(&mut unit)?;
        Ok(due.len())
    }

    fn admin_token(&mut self, given: Option<String>) -> Result<Option<Secret>, Undecided> {
        let missing = || StoreError::Corrupt("there is no account".into());
        let account = self.reader.first_account()?.ok_or_else(missing)?;
        let caller = Caller::system(account);
        let queries = Queries { caller: &caller, reader: &*self.reader, writer: self.id };
        let has_tokens = !queries.tokens(&PageRequest { limit: 1, cursor: None })?.items.is_empty();
        let is_needed = match &given {
            None => !has_tokens,
            Some(secret) => self.reader.token_by_secret(&SecretHash::of(secret))?.is_none(),
        };
        if !is_needed {
            return Ok(None);
        }
        let new = NewToken {
            name: "admin".into(),
            permissions: Permissions::ALL,
            product: None,
            license: None,
            meter: None,
            user: None,
            customer: None,
            audience: None,
            expires_at: None,
        };
        let secret = given.unwrap_or_else(crate::random::token_secret);
        let reply =
            self.decide_and_commit(&caller, None, |desk| desk.create_token_with(new, secret))?;
        let Reply::Token(_, secret) = reply else {
            return Ok(None);
        };
        Ok(secret)
    }

    /// Makes the account that a fresh store begins with.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn create_account(&mut self) -> Result<AccountId, Failure> {
        let now = self.clock.now();
        let account = AccountId::from_bytes(crate::random::uuid_v7(now));
        self.guarded(|writer| {
            let mut unit = Unit::default();
            unit.changes.push(crate::unit::Change::PutAccount(account, now));
            writer.open_head(account, &mut unit)?;
            let head = writer.heads.get_mut(&account).expect("the head was opened above");
            head.seal(&writer.signer, &mut unit);
            writer.commit(&mut unit)?;
            Ok(account)
        })
    }

    /// Opens an account's ledger before anybody asks, so that damage is found at the start.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_account(&mut self, account: AccountId) -> Result<(), StoreError> {
        if !self.heads.contains_key(&account)
            && let Some(tail) = self.store.open_ledger(account)?
        {
            self.heads.insert(account, LedgerHead::open(account, self.id, tail));
        }
        self.shared.note_sizes(&self.heads);
        Ok(())
    }

    /// Opens the account's ledger if that has not been done, and stamps the time of this unit.
    fn open_head(&mut self, account: AccountId, unit: &mut Unit) -> Result<(), StoreError> {
        let wall = self.clock.now();
        if !self.heads.contains_key(&account) {
            let head = match self.store.open_ledger(account)? {
                Some(tail) => LedgerHead::open(account, self.id, tail),
                None => {
                    // The store does not know yet of those that begin with the same unit.
                    let beside = u32::try_from(unit.ledgers.len()).unwrap_or(u32::MAX);
                    let number = self.store.next_ledger_number()?.saturating_add(beside);
                    LedgerHead::begin(account, self.id, number, wall, unit)
                }
            };
            self.heads.insert(account, head);
        }
        let head = self.heads.get_mut(&account).expect("the head was put in above");
        unit.at = unit.at.max(Some(head.stamp(wall, unit)));
        Ok(())
    }

    fn commit(&mut self, unit: &mut Unit) -> Result<(), StoreError> {
        let is_empty = unit.blocks.is_empty()
            && unit.changes.is_empty()
            && unit.refusals.is_empty()
            && unit.live.is_empty()
            && unit.timers.is_empty();
        if is_empty {
            return Ok(());
        }
        let begin = Instant::now();
        self.store.commit(unit)?;
        let spent = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.set_stopped(None);
        self.shared.directory.forget(unit);
        let counters = &self.shared.counters;
        let records = unit.blocks.iter().map(|block| block.count).sum();
        counters.commits.fetch_add(1, Ordering::Relaxed);
        // Nobody may be following, which costs a comparison.
        self.shared.commits.send_modify(|commits| *commits += 1);
        if unit.changes.iter().any(crate::unit::Change::is_of_webhooks) {
            self.shared.webhooks.send_modify(|changes| *changes += 1);
        }
        self.shared.following.committed(unit.changes_rules());
        counters.records.fetch_add(records, Ordering::Relaxed);
        counters.commit_ns.fetch_add(spent, Ordering::Relaxed);
        counters.commit_us.observe(spent / 1000);
        self.shared.note_sizes(&self.heads);
        Ok(())
    }

    /// Does one piece of work; whatever goes wrong in it leaves memory as the disk has it, or stops
    /// the writer.
    fn guarded<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Undecided>,
    ) -> Result<T, Failure> {
        if self.is_poisoned {
            return Err(Failure::StorageFailed);
        }
        let done = catch_unwind(AssertUnwindSafe(|| work(self)));
        let error = match done {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(Undecided::Refused(refusal))) => return Err(Failure::Refused(refusal)),
            Ok(Err(Undecided::Store(error))) => error,
            Err(_) => StoreError::UnknownOutcome("the writer met a broken invariant".into()),
        };
        tracing::error!(%error, "a unit of work was not written");
        let failure = match &error {
            StoreError::Full(_) => Failure::StorageFull,
            StoreError::Unavailable(_) | StoreError::Corrupt(_) => Failure::StorageFailed,
            StoreError::UnknownOutcome(_) => Failure::Unknown,
        };
        self.is_poisoned = matches!(error, StoreError::Corrupt(_) | StoreError::UnknownOutcome(_));
        self.set_stopped(Some(error.to_string()));
        self.heads.clear();
        self.refusing.clear();
        if let Err(error) = self.store.reload() {
            tracing::error!(%error, "the store cannot be read again; a restart is needed");
            self.is_poisoned = true;
        }
        Err(failure)
    }

    fn look_for_room(&mut self) {
        let is_stopped =
            self.shared.stopped.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if is_stopped && !self.is_poisoned && self.store.probe().is_ok() {
            self.set_stopped(None);
        }
    }

    fn set_stopped(&self, why: Option<String>) {
        *self.shared.stopped.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }
}

/// What is known of a license at an instant.
#[derive(Debug)]
pub struct Known {
    /// The license, its meters and what lives on it.
    pub loaded: LoadedLicense,
    /// The writer's time.
    pub now: Timestamp,
}

/// Loads a license that is there.
///
/// # Errors
/// [`StoreError`].
pub fn load_one(
    store: &mut dyn Store,
    account: AccountId,
    license: LicenseId,
) -> Result<LoadedLicense, StoreError> {
    let id = LicenseRef::Id(license);
    let loaded = store.load(&Wanted { licenses: vec![(account, &id)], keys: Vec::new() })?;
    let missing = || StoreError::Corrupt(format!("license {license} is missing"));
    loaded.licenses.into_iter().next().ok_or_else(missing)
}

/// Carries out what is due on a license.
fn tend_one(
    store: &mut dyn Store,
    account: AccountId,
    license: LicenseId,
    head: &mut LedgerHead,
    unit: &mut Unit,
) -> Result<(), StoreError> {
    let id = LicenseRef::Id(license);
    let loaded = store.load(&Wanted { licenses: vec![(account, &id)], keys: Vec::new() })?;
    let Some(loaded) = loaded.licenses.into_iter().next() else {
        unit.timers.push((account, license, None));
        return Ok(());
    };
    let mut moving = Moving::new(loaded);
    let tended = moving.tend(head, unit);
    if let Err(refusal) = &tended {
        tracing::error!(%license, %refusal, "what is due on a license cannot be carried out");
    }
    // Written even if memory thinks that it stands there already: this one has fired. What could
    // not be done is tried again soon: a full counter may be set back, its hour may pass.
    let next = match tended {
        Ok(()) => moving.next_due().filter(|at| *at > head.now()),
        Err(_) => Some(head.now().plus_ms(RETRY_MS)),
    };
    unit.timers.push((account, license, next));
    Ok(())
}

/// Replies; a caller that went away is nobody's concern.
fn send<T>(reply: ReplyTo<T>, answer: Result<T, Failure>) {
    if reply.send(answer).is_err() {
        tracing::debug!("a caller went away before its answer");
    }
}
