//! What waits for the writer, in order and bounded by the uses in it.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use usance_core::caller::Caller;
use usance_core::command::{Command, Reply, Secret};
use usance_core::license::LicenseRef;
use usance_core::view::MeterView;

use crate::count::{Batch, Outcomes};
use crate::failure::Failure;
use crate::limits::{MAILBOX_USES_MAX, UNIT_USES_MAX};
use crate::writer::Known;

/// Where an answer goes.
pub type ReplyTo<T> = oneshot::Sender<Result<T, Failure>>;

/// What the writer is asked.
pub enum Job {
    /// Count uses.
    Count(Batch, ReplyTo<Outcomes>),
    /// Change the catalogue, asked from an address.
    Change(Arc<Caller>, Option<IpAddr>, Box<Command>, ReplyTo<Reply>),
    /// Tell where the meters of a license stand.
    Meters(Arc<Caller>, LicenseRef, ReplyTo<Vec<MeterView>>),
    /// Tell what is known of a license, all that lives on it included.
    Known(Arc<Caller>, LicenseRef, ReplyTo<Known>),
    /// Carry out what is due, now: for tests that stop the clock.
    Tend(ReplyTo<()>),
    /// Make sure there is an admin token, with this secret if one is given.
    AdminToken(Option<String>, ReplyTo<Option<Secret>>),
    /// Finish and stop.
    Close(oneshot::Sender<()>),
    /// Finish and stop without writing back: the last handle is gone.
    Leave,
}

/// The writer's mailbox.
#[derive(Default)]
pub struct Mailbox {
    inner: Mutex<Inner>,
    arrived: Condvar,
}

#[derive(Default)]
struct Inner {
    jobs: VecDeque<(Instant, Job)>,
    uses: usize,
    is_closed: bool,
    writer_waits: bool,
}

impl Job {
    /// What it weighs: uses, or one.
    fn uses(&self) -> usize {
        match self {
            Self::Count(batch, _) => batch.uses.len().max(1),
            _ => 1,
        }
    }
}

impl Mailbox {
    /// Puts a job at the end. There is always room for the last one.
    ///
    /// # Errors
    /// [`Failure::Overloaded`] if more waits than may, [`Failure::Closing`] after the last job.
    pub fn put(&self, job: Job) -> Result<(), Failure> {
        let mut inner = self.lock();
        if inner.is_closed {
            return Err(Failure::Closing);
        }
        let is_last = matches!(job, Job::Close(_) | Job::Leave);
        if inner.uses >= MAILBOX_USES_MAX && !is_last {
            return Err(Failure::Overloaded);
        }
        inner.is_closed = is_last;
        inner.uses += job.uses();
        inner.jobs.push_back((Instant::now(), job));
        if inner.writer_waits {
            inner.writer_waits = false;
            drop(inner);
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Takes what one unit of work may hold, waiting for a job if there is none. Empty only after
    /// `patience`.
    pub fn take(&self, patience: Duration, jobs: &mut Vec<Job>) {
        let mut inner = self.lock();
        if inner.jobs.is_empty() {
            inner.writer_waits = true;
            let (locked, _) = self
                .arrived
                .wait_timeout_while(inner, patience, |inner| inner.jobs.is_empty())
                .unwrap_or_else(PoisonError::into_inner);
            inner = locked;
            inner.writer_waits = false;
        }
        let mut uses = 0;
        while let Some((_, job)) = inner.jobs.front() {
            uses += job.uses();
            if uses > UNIT_USES_MAX && !jobs.is_empty() {
                break;
            }
            inner.uses -= job.uses();
            jobs.extend(inner.jobs.pop_front().map(|(_, job)| job));
        }
    }

    /// Uses that wait.
    pub fn depth(&self) -> usize {
        self.lock().uses
    }

    /// How long the job that comes next has waited.
    pub fn age(&self) -> Duration {
        self.lock().jobs.front().map_or(Duration::ZERO, |(arrived, _)| arrived.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
