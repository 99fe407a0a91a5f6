//! Has rules act: a thread beside the writer that is woken by commits, shows what they hold to a
//! watcher, and asks the writer for what the watcher says.
//!
//! It keeps nothing: a start reads the last part of the ledger again and finds the same triggers
//! with the same causes. The writer knows the causes that were acted upon.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use tokio::sync::oneshot;
use usance_core::caller::Caller;
use usance_core::command::{Command, NewAct, Reply};
use usance_core::id::{AccountId, WriterId};
use usance_core::ledger::block;
use usance_core::ledger::record::Record;
use usance_core::limits::RULES_MAX;
use usance_core::rule::{Rule, Trigger, Watcher};
use usance_core::time::Timestamp;

use crate::clock::Clock;
use crate::failure::Failure;
use crate::limits::{ACTS_AT_ONCE, FOLLOW_AGAIN_MS};
use crate::mailbox::Job;
use crate::scan::{Scan, begins};
use crate::store::{Reader, Slice, StoreError};
use crate::writer::Shared;

/// How long it sleeps when nothing is committed; then it looks what time has brought.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long it leaves the processor to others after a look. Commits come by thousands a second, and
/// one look at what many of them hold costs much less than a look at each.
const REST: Duration = Duration::from_millis(50);

/// What the follower, the writer and the handles share.
#[derive(Default)]
pub struct Following {
    thread: OnceLock<Thread>,
    /// Whether a rule is in force: without one, a commit costs nothing here.
    is_needed: AtomicBool,
    /// Counts changes of rules.
    changes: AtomicU64,
    is_over: AtomicBool,
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
    /// Acts of rules since the start.
    pub acts: AtomicU64,
    /// Records that were shown to rules since the start.
    pub records: AtomicU64,
    /// States that were forgotten for want of room.
    pub forgotten: AtomicU64,
}

impl Following {
    /// Tells that something was committed.
    pub fn committed(&self, changes_rules: bool) {
        if changes_rules {
            self.changes.fetch_add(1, Ordering::Release);
        }
        if changes_rules || self.is_needed.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    /// Answers when all that is committed now was looked at, and acted upon.
    pub fn wait(&self) -> oneshot::Receiver<()> {
        let (done, waits) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(done);
        self.wake();
        waits
    }

    /// Ends the thread.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Release);
        self.wake();
    }

    fn take_waiting(&self) -> Vec<oneshot::Sender<()>> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

/// Follows the ledger of an account.
pub struct Follower {
    /// What it shares with the writer and the handles.
    pub shared: Arc<Shared>,
    /// What is committed.
    pub reader: Arc<dyn Reader>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Whose ledger.
    pub account: AccountId,
    /// Who writes it.
    pub writer: WriterId,
    /// What it follows; none without rules.
    pub watching: Option<Watching>,
    /// The changes of rules that it knows of; none before the first look.
    pub known: Option<u64>,
}

/// What is followed while there are rules.
pub struct Watching {
    scan: Scan,
    /// What happened before was acted upon long ago.
    acts_from: Timestamp,
    /// What is to be done.
    pending: Vec<Trigger>,
    forgotten_at: Timestamp,
}

impl Follower {
    /// Works until it is told to end.
    pub fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let following = &shared.following;
        // It is set once: there is one follower.
        following.thread.set(std::thread::current()).unwrap_or_default();
        while !following.is_over.load(Ordering::Acquire) {
            let waiting = following.take_waiting();
            let done = catch_unwind(AssertUnwindSafe(|| self.follow()));
            match done {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(%error, "rules cannot be held against the ledger")
                }
                Err(_) => {
                    tracing::error!("the follower met a broken invariant; it begins again");
                    self.known = None;
                }
            }
            for done in waiting {
                // Who waits no more need not be told.
                done.send(()).unwrap_or_default();
            }
            // Who wakes it meanwhile pays for no wake-up, and is heard after it.
            std::thread::sleep(REST);
            std::thread::park_timeout(PATIENCE);
        }
    }

    fn follow(&mut self) -> Result<(), StoreError> {
        let changes = self.shared.following.changes.load(Ordering::Acquire);
        if self.known != Some(changes) {
            self.watching = self.begin()?;
            self.known = Some(changes);
            let is_needed = self.watching.is_some();
            self.shared.following.is_needed.store(is_needed, Ordering::Release);
        }
        let Some(watching) = &mut self.watching else { return Ok(()) };
        let counters = &self.shared.following;
        let before = watching.scan.next;
        while let Some(found) = watching.scan.step()? {
            let from = watching.acts_from;
            watching.pending.extend(found.into_iter().filter(|trigger| trigger.at >= from));
            if counters.is_over.load(Ordering::Acquire) {
                return Ok(());
            }
        }
        let now = self.clock.now().max(watching.scan.last_at);
        watching.pending.extend(watching.scan.watcher.tick(now));
        if watching.forgotten_at.plus_ms(FOLLOW_AGAIN_MS) < now {
            watching.scan.watcher.forget(now);
            watching.forgotten_at = now;
        }
        counters.records.fetch_add(watching.scan.next - before, Ordering::Relaxed);
        counters.forgotten.store(watching.scan.watcher.forgotten(), Ordering::Relaxed);
        self.act()
    }

    fn begin(&self) -> Result<Option<Watching>, StoreError> {
        let part = Slice { after: None, limit: RULES_MAX };
        let rules: Vec<Rule> = self.reader.rules(self.account, &part)?;
        let watcher = Watcher::new(rules);
        let ledger = self.reader.ledger_number(self.account, self.writer)?;
        let Some(ledger) = ledger.filter(|_| !watcher.rules().is_empty()) else {
            return Ok(None);
        };
        let last = self.reader.last_block(ledger)?;
        let last = last.and_then(|last| {
            let (bytes, _) = block::records(&last.body).last()?;
            Record::decode(bytes).ok().map(|record| record.at)
        });
        let acts_from = last.unwrap_or(Timestamp(i64::MIN)).plus_ms(-FOLLOW_AGAIN_MS);
        let begin = begins(&watcher, acts_from);
        let scan = Scan::begin(Arc::clone(&self.reader), self.account, ledger, watcher, begin)?;
        Ok(Some(Watching { scan, acts_from, pending: Vec::new(), forgotten_at: acts_from }))
    }

    /// Has the writer do what is pending. What it cannot do now stays.
    fn act(&mut self) -> Result<(), StoreError> {
        let Some(watching) = &mut self.watching else { return Ok(()) };
        let caller = Arc::new(Caller::system(self.account));
        while !watching.pending.is_empty() {
            let most = watching.pending.len().min(ACTS_AT_ONCE);
            let mut asked = Vec::new();
            for trigger in watching.pending.drain(..most) {
                let Trigger { rule, license, cause, .. } = trigger;
                if self.reader.has_acted(self.account, license, rule, cause)? {
                    continue;
                }
                let (reply, answer) = oneshot::channel();
                let Trigger { reason, evidence, .. } = trigger.clone();
                let act = NewAct { rule, license, cause, reason, evidence };
                let command = Box::new(Command::Act(act));
                let job = Job::Change(Arc::clone(&caller), None, command, reply);
                let put = self.shared.mailbox.put(job);
                asked.push((trigger, put.map(|()| answer)));
            }
            let mut is_stuck = false;
            for (trigger, asked) in asked {
                let done = match asked {
                    Ok(answer) => answer.blocking_recv().unwrap_or(Err(Failure::Unknown)),
                    Err(failure) => Err(failure),
                };
                match done {
                    Ok(reply) => {
                        let acted = u64::from(reply == Reply::Acted(true));
                        self.shared.following.acts.fetch_add(acted, Ordering::Relaxed);
                    }
                    // The license or the rule is gone.
                    Err(Failure::Refused(refusal)) => {
                        tracing::info!(%refusal, "a rule has nothing to act on");
                    }
                    Err(failure) => {
                        tracing::warn!(%failure, "a rule could not act yet");
                        watching.pending.push(trigger);
                        is_stuck = true;
                    }
                }
            }
            if is_stuck {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// What a rule would have done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// When it would have acted on whom, oldest first, as if nothing had come of it.
    pub acts: Vec<Trigger>,
    /// Records that were looked at.
    pub records: u64,
    /// From when on.
    pub from: Timestamp,
    /// Until when.
    pub to: Timestamp,
    /// Whether that was all: neither too many records nor too many acts.
    pub is_whole: bool,
}

/// Holds a rule against what happened since `from`, without doing anything.
///
/// # Errors
/// The store's.
pub fn try_rule(
    reader: &Arc<dyn Reader>,
    (account, writer): (AccountId, WriterId),
    rule: Rule,
    (from, now): (Timestamp, Timestamp),
    (records_max, acts_max): (u64, usize),
) -> Result<Trial, StoreError> {
    let rule = Rule { is_enabled: true, updated_at: Timestamp(i64::MIN), ..rule };
    let mut trial = Trial { acts: Vec::new(), records: 0, from, to: now, is_whole: true };
    let Some(ledger) = reader.ledger_number(account, writer)? else { return Ok(trial) };
    let watcher = Watcher::new(vec![rule]);
    let begin = begins(&watcher, from);
    let mut scan = Scan::begin(Arc::clone(reader), account, ledger, watcher, begin)?;
    let first = scan.next;
    while let Some(found) = scan.step()? {
        trial.acts.extend(found.into_iter().filter(|trigger| trigger.at >= from));
        if scan.next - first >= records_max || trial.acts.len() > acts_max {
            trial.is_whole = false;
            trial.to = scan.last_at;
            break;
        }
    }
    trial.acts.extend(scan.watcher.tick(trial.to).into_iter().filter(|act| act.at >= from));
    trial.acts.sort_by_key(|act| act.at);
    trial.acts.truncate(acts_max);
    trial.records = scan.next - first;
    Ok(trial)
}
