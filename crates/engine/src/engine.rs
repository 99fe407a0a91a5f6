//! The engine's face: what doors may ask of it.

mod rules;
mod statistics;
mod webhooks;

use std::fs::{File, TryLockError};
use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use tokio::sync::{oneshot, watch};
use usance_core::artefact::PublicKey;
use usance_core::caller::{Caller, Credential};
use usance_core::command::{Command, Ref, Reply, Secret, UserRef};
use usance_core::customer::Customer;
use usance_core::entitlement::Entitlement;
use usance_core::event::{EventFilter, Events};
use usance_core::id::{
    AccountId, ActivationId, CustomerId, EntitlementId, LicenseId, PolicyId, ProductId, TokenId,
    WriterId,
};
use usance_core::ledger::checkpoint::{Signer, Verifier};
use usance_core::license::{License, LicenseRef};
use usance_core::policy::Policy;
use usance_core::product::Product;
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::token::{Permission, Token};
use usance_core::usage::{Answer, Use};
use usance_core::user::User;
use usance_core::view::{
    ActivationFilter, ActivationView, ConsistencyProof, History, InclusionProof, LicenseFilter,
    MeterView, Page, PageRequest, UsageReport, Window,
};

use crate::catalogue::Undecided;
use crate::clock::Clock;
use crate::count::Batch;
use crate::failure::{Failure, OpenError};
use crate::follower::Follower;
use crate::limits::RUN_RECORDS;
use crate::mailbox::{Job, ReplyTo};
use crate::queries::{Queries, event_filter};
use crate::refusing::Refusing;
use crate::store::sqlite::{Identity, SqliteOptions, SqliteStore};
use crate::store::{FastMap, Reader, StoreError};
use crate::vault::Vault;
use crate::writer::{Known, Shared, Writer};
use crate::{random, writer_key};

pub use self::webhooks::Endpoint;

pub use self::statistics::Statistics;

/// How an engine runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the data lies.
    pub location: Location,
    /// How long idempotency keys are remembered, in milliseconds.
    pub idempotency_window_ms: i64,
}

/// Where data lies.
#[derive(Debug, Clone)]
pub enum Location {
    /// In a directory; made if it is not there.
    Directory(PathBuf),
    /// In memory, gone with the engine.
    Memory,
}

/// What a caller presents to show who it is.
#[derive(Clone, Copy)]
pub enum Presented<'a> {
    /// `Authorization: Bearer …`
    Token(&'a str),
    /// `Authorization: License …`
    LicenseKey(&'a str),
}

/// Whether the engine can commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It can.
    Ready,
    /// It cannot, and why, for the operator.
    Stopped(String),
}

/// A running engine; clones are handles to the same.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    reader: Arc<dyn Reader>,
    clock: Arc<dyn Clock>,
    account: AccountId,
    verifier: Verifier,
    writer: WriterId,
    key_secret: [u8; 32],
    vault: Vault,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // An engine that was closed has no writer to tell.
        self.shared.mailbox.put(Job::Leave).unwrap_or_default();
        self.shared.following.end();
    }
}

impl Engine {
    /// Opens the data and starts the writer.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(options: Options, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let directory = match &options.location {
            Location::Directory(directory) => Some(directory.as_path()),
            Location::Memory => None,
        };
        let lock = directory.map(lock_directory).transpose()?;
        let secret = match directory {
            Some(directory) => writer_key::load_or_create(directory)?,
            None => random::bytes(),
        };
        let public_key = Signer::new("key", &secret).verifier().public();
        let new_identity = Identity {
            writer: WriterId::from_bytes(random::uuid_v7(clock.now())),
            key_secret: random::bytes(),
        };
        let window_ms = options.idempotency_window_ms;
        let store_options =
            SqliteOptions { directory, idempotency_window_ms: window_ms, run_records: RUN_RECORDS };
        let (store, identity) = SqliteStore::open(store_options, public_key, new_identity)?;
        let reader = store.reader();
        let signer = writer_key::signer(identity.writer, &secret);
        let verifier = signer.verifier().clone();
        let shared = Arc::new(Shared::default());
        let mut writer = Writer {
            shared: Arc::clone(&shared),
            store: Box::new(store),
            reader: Arc::clone(&reader),
            clock: Arc::clone(&clock),
            signer,
            id: identity.writer,
            window_ms,
            key_secret: identity.key_secret,
            vault: Vault::new(&secret),
            tended_at: std::time::Instant::now(),
            tallied_at: std::time::Instant::now(),
            refusing: Refusing::default(),
            is_behind: false,
            heads: FastMap::default(),
            is_poisoned: false,
            lock,
        };
        let path = directory.unwrap_or(Path::new(":memory:")).to_path_buf();
        let account = first_account(&mut writer, &path)?;
        let follower = Follower {
            shared: Arc::clone(&shared),
            reader: Arc::clone(&reader),
            clock: Arc::clone(&clock),
            account,
            writer: identity.writer,
            watching: None,
            known: None,
        };
        start(writer, follower).map_err(|source| OpenError::Io { path: path.clone(), source })?;
        let inner = Inner {
            shared,
            reader,
            clock,
            account,
            verifier,
            writer: identity.writer,
            key_secret: identity.key_secret,
            vault: Vault::new(&secret),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// The account that a fresh data directory begins with.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.0.account
    }

    /// Makes the first admin token, if the account has no token yet: `given`, or a random one.
    /// With `given` and tokens there already, makes sure that it is known. Answers the text only if
    /// it was made here.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn ensure_admin_token(&self, given: Option<&str>) -> Result<Option<Secret>, Failure> {
        let given = given.map(str::to_owned);
        self.ask(|reply| Job::AdminToken(given, reply)).await
    }

    /// Who is calling. Does not touch the disk when warm.
    ///
    /// # Errors
    /// [`Refusal::Unauthenticated`], [`Refusal::LicenseExpired`] where the terms make that of
    /// expiry, or a [`Failure`] of the storage.
    pub async fn authenticate(&self, presented: Presented<'_>) -> Result<Arc<Caller>, Failure> {
        let known = self.known_caller(presented).await;
        if matches!(known, Err(Failure::Refused(_))) {
            self.0.shared.counters.credentials_unknown.fetch_add(1, Ordering::Relaxed);
        }
        known
    }

    async fn known_caller(&self, presented: Presented<'_>) -> Result<Arc<Caller>, Failure> {
        let now = self.now();
        let inner = Arc::clone(&self.0);
        match presented {
            Presented::Token(text) => {
                if let Some(known) = self.0.shared.directory.token(text, now) {
                    return Ok(known?);
                }
                let text = text.to_owned();
                let find = move || inner.shared.directory.find_token(&*inner.reader, &text, now);
                Ok(blocking(find).await??)
            }
            Presented::LicenseKey(key) => {
                if let Some(known) = self.0.shared.directory.license(key, now) {
                    return Ok(known?);
                }
                let key = key.to_owned();
                let find = move || inner.shared.directory.find_license(&*inner.reader, &key, now);
                Ok(blocking(find).await??)
            }
        }
    }

    /// Counts uses as one unit of work; an outcome each, in order. Checks the caller's permissions.
    ///
    /// # Errors
    /// [`Failure`]: nothing was counted, unless it is [`Failure::Unknown`].
    pub async fn count(
        &self,
        caller: Arc<Caller>,
        uses: Vec<Use>,
    ) -> Result<Vec<Result<Answer, Refusal>>, Failure> {
        let asker = Arc::clone(&caller);
        let batch = Batch::new(caller, uses, &self.0.key_secret);
        let outcomes = self.ask(|reply| Job::Count(batch, reply)).await?;
        for refusal in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            self.note(&asker, refusal);
        }
        Ok(outcomes)
    }

    /// Changes the catalogue. Checks the caller's permissions.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn change(&self, caller: Arc<Caller>, command: Command) -> Result<Reply, Failure> {
        self.change_from(caller, None, command).await
    }

    /// The same, with the network address that it comes from, for the audit log.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn change_from(
        &self,
        caller: Arc<Caller>,
        origin: Option<IpAddr>,
        command: Command,
    ) -> Result<Reply, Failure> {
        let asker = Arc::clone(&caller);
        let command = Box::new(command);
        let changed = self.ask(|reply| Job::Change(caller, origin, command, reply)).await;
        self.noting(&asker, changed).map(|reply| match reply {
            Reply::Token(token, secret) => Reply::Token(self.tallied(token), secret),
            other => other,
        })
    }

    /// Where the meters of a license stand, in the order of its policy.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn meters(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
    ) -> Result<Vec<MeterView>, Failure> {
        let asker = Arc::clone(&caller);
        let meters = self.ask(|reply| Job::Meters(caller, of, reply)).await;
        self.noting(&asker, meters)
    }

    /// Where a meter stands.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn meter(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
        meter: Code,
    ) -> Result<MeterView, Failure> {
        caller.need_meter(&meter)?;
        let found = self.meters(caller, of).await?;
        let found = found.into_iter().find(|view| view.spec.name == meter);
        Ok(found.ok_or_else(|| Refusal::Unknown(Kind::Meter, meter.to_string()))?)
    }

    /// A license with its meters and all that lives on it.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn known(&self, caller: Arc<Caller>, of: LicenseRef) -> Result<Known, Failure> {
        let asker = Arc::clone(&caller);
        let known = self.ask(|reply| Job::Known(caller, of, reply)).await;
        self.noting(&asker, known)
    }

    /// Carries out all that is due by the engine's clock: what the writer does by itself every
    /// second.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn tend(&self) -> Result<(), Failure> {
        self.ask(Job::Tend).await
    }

    /// Machines with the licenses they hold, oldest first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn activations(
        &self,
        caller: Arc<Caller>,
        filter: ActivationFilter,
        page: PageRequest,
    ) -> Result<Page<ActivationView>, Failure> {
        let now = self.now();
        self.query(caller, move |queries| queries.activations(&filter, &page, now)).await
    }

    /// The license that a machine holds.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn holder(
        &self,
        caller: Arc<Caller>,
        of: ActivationId,
    ) -> Result<LicenseId, Failure> {
        self.query(caller, move |queries| queries.holder(of)).await
    }

    /// An entitlement.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn entitlement(
        &self,
        caller: Arc<Caller>,
        of: Ref<EntitlementId>,
    ) -> Result<Entitlement, Failure> {
        self.query(caller, move |queries| queries.entitlement(&of)).await
    }

    /// Entitlements, oldest first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn entitlements(
        &self,
        caller: Arc<Caller>,
        page: PageRequest,
    ) -> Result<Page<Entitlement>, Failure> {
        self.query(caller, move |queries| queries.entitlements(&page)).await
    }

    /// A person.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn user(&self, caller: Arc<Caller>, of: UserRef) -> Result<User, Failure> {
        self.query(caller, move |queries| queries.user(&of)).await
    }

    /// People, oldest first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn users(
        &self,
        caller: Arc<Caller>,
        customer: Option<Ref<CustomerId>>,
        page: PageRequest,
    ) -> Result<Page<User>, Failure> {
        self.query(caller, move |queries| queries.users(customer.as_ref(), &page)).await
    }

    /// The public halves of the keys that sign license files, oldest first. They are nobody's
    /// secret: the account is that of a fresh data directory.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn public_keys(&self) -> Result<Vec<PublicKey>, Failure> {
        let caller = Arc::new(Caller::system(self.account()));
        self.query(caller, |queries| queries.public_keys()).await
    }

    /// Events from `from` on that are wanted, oldest first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn events(
        &self,
        caller: Arc<Caller>,
        from: u64,
        filter: EventFilter,
        limit: usize,
    ) -> Result<Events, Failure> {
        self.query(caller, move |queries| queries.events(from, &filter, limit)).await
    }

    /// The number that the next event will have.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn events_end(&self, caller: Arc<Caller>) -> Result<u64, Failure> {
        self.query(caller, |queries| queries.events_end()).await
    }

    /// Changes with every commit, for those who follow what happens.
    #[must_use]
    pub fn commits(&self) -> watch::Receiver<u64> {
        self.0.shared.commits.subscribe()
    }

    /// Answers a question from what is committed, on a thread that may wait for the disk.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn query<T: Send + 'static>(
        &self,
        caller: Arc<Caller>,
        question: impl FnOnce(&Queries<'_>) -> Result<T, Undecided> + Send + 'static,
    ) -> Result<T, Failure> {
        let inner = Arc::clone(&self.0);
        let asker = Arc::clone(&caller);
        let answer = tokio::task::spawn_blocking(move || {
            let Inner { reader, writer, .. } = &*inner;
            question(&Queries { caller: &caller, reader: &**reader, writer: *writer })
        });
        match answer.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Undecided::Refused(refusal))) => {
                self.note(&asker, &refusal);
                Err(Failure::Refused(refusal))
            }
            Ok(Err(Undecided::Store(error))) => Err(query_failed(&error)),
            Err(_) => Err(Failure::StorageFailed),
        }
    }

    /// A product.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn product(
        &self,
        caller: Arc<Caller>,
        of: Ref<ProductId>,
    ) -> Result<Product, Failure> {
        self.query(caller, move |queries| queries.product(&of)).await
    }

    /// Products, oldest first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn products(
        &self,
        caller: Arc<Caller>,
        page: PageRequest,
    ) -> Result<Page<Product>, Failure> {
        self.query(caller, move |queries| queries.products(&page)).await
    }

    /// A policy.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn policy(&self, caller: Arc<Caller>, of: Ref<PolicyId>) -> Result<Policy, Failure> {
        self.query(caller, move |queries| queries.policy(&of)).await
    }

    /// Policies, oldest first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn policies(
        &self,
        caller: Arc<Caller>,
        product: Option<Ref<ProductId>>,
        page: PageRequest,
    ) -> Result<Page<Policy>, Failure> {
        self.query(caller, move |queries| queries.policies(product.as_ref(), &page)).await
    }

    /// A customer.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn customer(
        &self,
        caller: Arc<Caller>,
        of: Ref<CustomerId>,
    ) -> Result<Customer, Failure> {
        self.query(caller, move |queries| queries.customer(&of)).await
    }

    /// Customers, oldest first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn customers(
        &self,
        caller: Arc<Caller>,
        page: PageRequest,
    ) -> Result<Page<Customer>, Failure> {
        self.query(caller, move |queries| queries.customers(&page)).await
    }

    /// A license, and the time by which its status is to be told.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn license(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
    ) -> Result<(License, Timestamp), Failure> {
        let now = self.now();
        self.query(caller, move |queries| Ok((queries.license(&of)?, now))).await
    }

    /// Licenses, oldest first, and the time by which their status is to be told.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn licenses(
        &self,
        caller: Arc<Caller>,
        filter: LicenseFilter,
        page: PageRequest,
    ) -> Result<(Page<License>, Timestamp), Failure> {
        let now = self.now();
        self.query(caller, move |queries| Ok((queries.licenses(&filter, &page, now)?, now))).await
    }

    /// A token.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn token(&self, caller: Arc<Caller>, of: TokenId) -> Result<Token, Failure> {
        let token = self.query(caller, move |queries| queries.token(of)).await?;
        Ok(self.tallied(token))
    }

    /// Tokens, oldest first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn tokens(
        &self,
        caller: Arc<Caller>,
        page: PageRequest,
    ) -> Result<Page<Token>, Failure> {
        let page = self.query(caller, move |queries| queries.tokens(&page)).await?;
        let items = page.items.into_iter().map(|token| self.tallied(token)).collect();
        Ok(Page { items, next: page.next })
    }

    /// The history of a meter, newest first.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn history(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
        meter: Code,
        page: PageRequest,
    ) -> Result<History, Failure> {
        let meter = self.meter(Arc::clone(&caller), of, meter).await?;
        self.query(caller, move |queries| queries.history(&meter, &page)).await
    }

    /// Sums of a meter per window.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn usage(
        &self,
        caller: Arc<Caller>,
        of: LicenseRef,
        meter: Code,
        range: Range<Timestamp>,
        window: Window,
    ) -> Result<UsageReport, Failure> {
        let meter = self.meter(Arc::clone(&caller), of, meter).await?;
        self.query(caller, move |queries| queries.usage(&meter, range.start, range.end, window))
            .await
    }

    /// The newest signed checkpoint of the caller's account, as a note.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn checkpoint(&self, caller: Arc<Caller>) -> Result<String, Failure> {
        let verifier = self.0.verifier.clone();
        self.query(caller, move |queries| queries.checkpoint(&verifier)).await
    }

    /// The verifier key of this writer, `name+hash+base64`.
    ///
    /// # Errors
    /// [`Refusal::PermissionMissing`].
    pub fn verifier_key(&self, caller: &Caller) -> Result<String, Failure> {
        caller.need(Permission::LedgerRead)?;
        Ok(self.0.verifier.to_string())
    }

    /// Proof that a record is in the tree of `size` (the newest if none).
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn inclusion(
        &self,
        caller: Arc<Caller>,
        record: u64,
        size: Option<u64>,
    ) -> Result<InclusionProof, Failure> {
        self.query(caller, move |queries| queries.inclusion(record, size)).await
    }

    /// Proof that the tree of `to` records continues that of `from`.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn consistency(
        &self,
        caller: Arc<Caller>,
        from: u64,
        to: u64,
    ) -> Result<ConsistencyProof, Failure> {
        self.query(caller, move |queries| queries.consistency(from, to)).await
    }

    /// Whether it can commit.
    #[must_use]
    pub fn health(&self) -> Health {
        let stopped = self.0.shared.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        stopped.as_ref().map_or(Health::Ready, |why| Health::Stopped(why.clone()))
    }

    /// Which events a caller may see of those it wants.
    ///
    /// # Errors
    /// [`Refusal::PermissionMissing`] or [`Refusal::Locked`].
    pub fn event_filter(
        &self,
        caller: &Caller,
        filter: &EventFilter,
    ) -> Result<EventFilter, Failure> {
        self.noting(caller, event_filter(caller, filter).map_err(Failure::Refused))
    }

    /// The token, with how often it was presented until now.
    fn tallied(&self, token: Token) -> Token {
        let used = self.0.shared.directory.tallies.used(token.id).unwrap_or(token.used);
        Token { used, ..token }
    }

    /// Counts what a caller's token did not allow.
    fn note(&self, caller: &Caller, refusal: &Refusal) {
        if matches!(refusal, Refusal::PermissionMissing(_) | Refusal::Locked(_)) {
            self.0.shared.counters.attempts_refused.fetch_add(1, Ordering::Relaxed);
            if let Credential::Token(id) = caller.credential {
                self.0.shared.directory.tallies.refused(id);
            }
        }
    }

    fn noting<T>(&self, caller: &Caller, done: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(Failure::Refused(refusal)) = &done {
            self.note(caller, refusal);
        }
        done
    }

    /// The time now, by the engine's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Finishes what was accepted, then stops the writer and closes the data. Without it, the
    /// writer stops when the last handle is gone, and the next start replays what it did not write
    /// back.
    pub async fn close(&self) {
        self.0.shared.following.end();
        let (reply, closed) = oneshot::channel();
        if self.0.shared.mailbox.put(Job::Close(reply)).is_ok() {
            // The writer drops the sender only when it has ended, which is what is waited for.
            closed.await.unwrap_or_default();
        }
    }

    async fn ask<T>(&self, job: impl FnOnce(ReplyTo<T>) -> Job) -> Result<T, Failure> {
        let (reply, answer) = oneshot::channel();
        if let Err(failure) = self.0.shared.mailbox.put(job(reply)) {
            if failure == Failure::Overloaded {
                self.0.shared.counters.overloaded.fetch_add(1, Ordering::Relaxed);
            }
            return Err(failure);
        }
        answer.await.unwrap_or(Err(Failure::Unknown))
    }
}

/// The account that a data directory begins with, made if it is fresh, and its ledger opened.
fn first_account(writer: &mut Writer, path: &Path) -> Result<AccountId, OpenError> {
    let failed = |what: String| OpenError::Database { path: path.to_path_buf(), what };
    let found = writer.reader.first_account().map_err(|error| failed(error.to_string()))?;
    let account = match found {
        Some(account) => account,
        None => writer.create_account().map_err(|failure| failed(failure.to_string()))?,
    };
    writer.open_account(account).map_err(|error| match error {
        StoreError::Corrupt(what) => OpenError::Corrupt { path: path.to_path_buf(), what },
        other => failed(other.to_string()),
    })?;
    Ok(account)
}

/// Starts the threads of an engine: the one that writes, and the one that holds rules against what
/// was written.
fn start(writer: Writer, follower: Follower) -> std::io::Result<()> {
    let thread = |name: &str| std::thread::Builder::new().name(name.into());
    thread("writer").spawn(move || writer.run())?;
    thread("follower").spawn(move || follower.run())?;
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(query_failed(&error)),
        Err(_) => Err(Failure::StorageFailed),
    }
}

fn query_failed(error: &StoreError) -> Failure {
    tracing::error!(%error, "a query failed");
    Failure::StorageFailed
}

/// Takes the directory for this process; the operating system lets go of it when the process ends.
fn lock_directory(directory: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Io { path: directory.to_path_buf(), source };
    let mut builder = std::fs::DirBuilder::new();
    // License keys and token hashes are nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory).map_err(failed)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(directory.join("lock"))
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(directory.to_path_buf())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
