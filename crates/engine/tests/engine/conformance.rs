//! What every store must do, told once and run against each.

mod live;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;
use usance_core::audience::Audience;
use usance_core::command::Ref;
use usance_core::customer::{Customer, CustomerKind};
use usance_core::id::{AccountId, CustomerId, LicenseId, PolicyId, ProductId, TokenId, WriterId};
use usance_core::key::KeyPattern;
use usance_core::ledger::checkpoint::Signer;
use usance_core::ledger::record::{AttributesView, Event, Record, UseEvent};
use usance_core::license::{License, LicenseKey, LicenseRef, Marks, Standing, Status};
use usance_core::metadata::Metadata;
use usance_core::meter::{AllowedFrom, Counted, MeterSpec, MeterState};
use usance_core::policy::Policy;
use usance_core::product::Product;
use usance_core::terms::{Limit, Seconds, Stopper, Terms};
use usance_core::time::Timestamp;
use usance_core::token::{Locks, Permissions, SecretHash, Token};
use usance_core::usage::{KeyDigest, OperationKind, RequestDigest, Subject};
use usance_engine::ledger_head::LedgerHead;
use usance_engine::limits::{BLOCK_RECORDS_MAX, RUN_KEYS_SMALL, UNIT_USES_MAX, WRITE_BACK_RECORDS};
use usance_engine::store::sqlite::{Identity, SqliteOptions, SqliteStore};
use usance_engine::store::{
    LedgerTail, LicenseQuery, Loaded, LoadedMeter, Reader, Referent, Slice, Store, StoreError,
    Wanted,
};
use usance_engine::unit::{Change, ClosedHour, MovedMeter, SpentKey, SubjectRow, Unit};

use crate::property::scale;
use crate::world::{BEGIN, code};

const WINDOW_MS: i64 = 1_000_000;
const ACCOUNT: AccountId = AccountId::from_bytes([1; 16]);
const OTHER: AccountId = AccountId::from_bytes([2; 16]);
const WRITER: WriterId = WriterId::from_bytes([3; 16]);

// The stores.

/// A store and where it lies.
struct Bench {
    store: Box<dyn Store>,
    reader: Arc<dyn Reader>,
    /// None is memory, which cannot be opened again: it can only forget what it knows.
    directory: Option<TempDir>,
}

type Open = fn() -> Bench;

/// Every store there is.
const STORES: [(&str, Open); 2] = [
    ("SQLite in memory", || sqlite(None)),
    // Here a run of keys is begun with every second cycle.
    ("SQLite on disk", || sqlite(Some(tempfile::tempdir().unwrap()))),
];

fn sqlite(directory: Option<TempDir>) -> Bench {
    let cycles = if directory.is_some() { 2 } else { 1 };
    let options = SqliteOptions {
        directory: directory.as_ref().map(TempDir::path),
        idempotency_window_ms: WINDOW_MS,
        run_records: WRITE_BACK_RECORDS * cycles,
    };
    let identity = Identity { writer: WRITER, key_secret: [5; 32] };
    let public = signer().verifier().public();
    let (store, found) = SqliteStore::open(options, public, identity).expect("the store opens");
    assert_eq!(found.writer, WRITER);
    let reader = store.reader();
    Bench { store: Box::new(store), reader, directory }
}

impl Bench {
    /// The store as a crash leaves it.
    fn crash(self) -> Self {
        let Self { mut store, reader, directory } = self;
        if directory.is_none() {
            store.reload().expect("the store reads the truth again");
            return Self { store, reader, directory };
        }
        drop((store, reader));
        sqlite(directory)
    }

    /// What only this store knows of itself, where it lies on disk.
    fn inspect(&self, sql: &str) -> Option<i64> {
        let path: PathBuf = self.directory.as_ref()?.path().join("usance.db");
        let db = rusqlite::Connection::open(path).unwrap();
        Some(db.query_row(sql, [], |row| row.get(0)).unwrap())
    }

    fn load(&mut self, account: AccountId, name: &LicenseRef) -> Option<Vec<MeterState>> {
        let loaded = self.wanted(&[(account, name.clone())], &[]);
        let place = loaded.places[0]?;
        Some(loaded.licenses[place].meters.iter().map(|meter| meter.state).collect())
    }

    fn wanted(&mut self, licenses: &[(AccountId, LicenseRef)], keys: &[KeyDigest]) -> Loaded {
        let licenses = licenses.iter().map(|(account, name)| (*account, name)).collect();
        self.store.load(&Wanted { licenses, keys: keys.to_vec() }).expect("the store loads")
    }

    /// The record that a key leads to.
    fn record_of(&mut self, key: KeyDigest) -> Option<u64> {
        let loaded = self.wanted(&[], &[key]);
        let (_, record, bytes) = loaded.spent.get(&key)?;
        let decoded = Record::decode(bytes).expect("a record");
        let Event::Use(event) = decoded.event else { panic!("{decoded:?}") };
        assert_eq!(event.idempotency.expect("a key").0, key);
        Some(*record)
    }
}

fn signer() -> Signer {
    Signer::new(&format!("usance/{WRITER}"), &[9; 32])
}

/// Runs a check on every store.
fn on_each_store(check: impl Fn(Bench)) {
    for (name, open) in STORES {
        println!("{name}");
        check(open());
    }
}

// What is written.

/// An account's ledger and licenses, and where their meters must stand.
struct Books {
    account: AccountId,
    head: Option<LedgerHead>,
    now: Timestamp,
    policy: Policy,
    licenses: Vec<License>,
    states: Vec<MeterState>,
    /// Meters that the unit moves, and their places in it.
    moved: HashMap<LicenseId, usize>,
    keys: HashMap<KeyDigest, u64>,
}

impl Books {
    fn open(bench: &mut Bench, account: AccountId, licenses: u16) -> Self {
        let product = product(account, 1);
        let policy = policy(account, 1, product.id);
        let mut books = Self {
            account,
            head: None,
            now: BEGIN,
            licenses: (0..licenses).map(|number| license(account, number, &policy)).collect(),
            states: vec![policy.meters[0].beginning(); usize::from(licenses)],
            policy: policy.clone(),
            moved: HashMap::new(),
            keys: HashMap::new(),
        };
        let mut unit = books.unit(bench);
        unit.changes.push(Change::PutProduct(account, product));
        unit.changes.push(Change::PutPolicy(account, policy));
        for license in &books.licenses {
            let meters = new_meters(&books.policy, [AllowedFrom::Policy; 2]);
            unit.changes.push(Change::CreateLicense(account, license.clone(), meters));
        }
        books.commit(bench, unit);
        books
    }

    /// A unit of work that begins.
    fn unit(&mut self, bench: &mut Bench) -> Unit {
        let mut unit = Unit::default();
        self.moved.clear();
        if self.head.is_none() {
            self.head = Some(match bench.store.open_ledger(self.account).expect("the ledger") {
                Some(tail) => LedgerHead::open(self.account, WRITER, tail),
                None => {
                    let number = bench.store.next_ledger_number().expect("a number");
                    LedgerHead::begin(self.account, WRITER, number, self.now, &mut unit)
                }
            });
        }
        unit.at = Some(self.head.as_mut().unwrap().stamp(self.now, &mut unit));
        unit
    }

    /// Records an increment of a license's first meter.
    fn count(&mut self, unit: &mut Unit, license: usize, amount: i64, key: Option<KeyDigest>) {
        let state = &mut self.states[license];
        let counted = Counted {
            operation: OperationKind::Increment,
            asked: amount,
            applied: amount,
            released: 0,
            overage: 0,
            total: state.total + amount,
            gross: state.gross + amount,
            allowed: None,
            held: 0,
        };
        let head = self.head.as_mut().expect("the unit opened it");
        let event = Event::Use(UseEvent {
            license: self.licenses[license].id,
            meter: "frames",
            counted,
            previous: state.last_record,
            activation: None,
            reference: None,
            turn: None,
            idempotency: key.map(|key| (key, RequestDigest([0; 8]))),
            occurred_at: None,
            subject: None,
            attributes: AttributesView::default(),
        });
        let record = head.append(event, unit);
        let after = state.after(&counted, None, head.now(), record).expect("no overflow");
        if state.hour.uses > 0 && state.hour.hour != after.hour.hour {
            unit.hours.push(ClosedHour {
                account: self.account,
                license: self.licenses[license].id,
                meter: code("frames"),
                sums: state.hour,
            });
        }
        *state = after;
        let id = self.licenses[license].id;
        let moved = MovedMeter { license: id, meter: 0, state: after };
        match self.moved.get(&id) {
            Some(place) => unit.meters[*place] = moved,
            None => {
                self.moved.insert(id, unit.meters.len());
                unit.meters.push(moved);
            }
        }
        if let Some(key) = key {
            unit.keys.push(SpentKey { key, ledger: head.number(), record });
            self.keys.insert(key, record);
        }
    }

    fn commit(&mut self, bench: &mut Bench, mut unit: Unit) {
        self.head.as_mut().expect("the unit opened it").seal(&signer(), &mut unit);
        // What moves must be loaded, as whoever decides has done.
        let names = self.moved.drain().map(|(id, _)| (self.account, LicenseRef::Id(id)));
        bench.wanted(&names.collect::<Vec<_>>(), &[]);
        bench.store.commit(&unit).expect("the unit is committed");
    }

    /// One use in a unit of its own.
    fn count_one(
        &mut self,
        bench: &mut Bench,
        license: usize,
        amount: i64,
        key: Option<KeyDigest>,
    ) {
        let mut unit = self.unit(bench);
        self.count(&mut unit, license, amount, key);
        self.commit(bench, unit);
    }

    /// Many uses of one each, in units as large as they come, over all licenses in turn. With
    /// `key`, each has one: see [`numbered`].
    fn count_many(&mut self, bench: &mut Bench, count: u64, key: Option<u64>) {
        let mut done = 0;
        while done < count {
            let mut unit = self.unit(bench);
            let end = count.min(done + UNIT_USES_MAX as u64);
            for number in done..end {
                let license = usize::try_from(number).unwrap() % self.licenses.len();
                self.count(&mut unit, license, 1, key.map(|first| numbered(first + number)));
            }
            done = end;
            self.commit(bench, unit);
        }
    }

    /// Opens the ledger again, as after a restart.
    fn reopen(&mut self, bench: &mut Bench) -> LedgerTail {
        self.head = None;
        let tail = bench.store.open_ledger(self.account).expect("the ledger");
        let tail = tail.expect("it has begun");
        self.head = Some(LedgerHead::open(self.account, WRITER, tail.clone()));
        tail
    }

    /// Compares every meter, and every `step`-th key.
    fn compare(&self, bench: &mut Bench, step: usize) {
        for (license, state) in self.licenses.iter().zip(&self.states) {
            let found = bench.load(self.account, &LicenseRef::Id(license.id)).expect("the license");
            // Refusals are for people, and the newest may be lost.
            let found = MeterState { refusals: state.refusals, ..found[0] };
            assert_eq!(found, *state, "{}", license.id);
        }
        let mut keys: Vec<_> = self.keys.iter().collect();
        keys.sort_unstable_by_key(|(_, record)| **record);
        for (key, record) in keys.iter().step_by(step).chain(keys.last()) {
            assert_eq!(bench.record_of(**key), Some(**record), "the key of record {record}");
        }
    }
}

/// A key by its number, spread as a hash is.
fn numbered(number: u64) -> KeyDigest {
    let spread = usance_core::ledger::tree::leaf_hash(&number.to_le_bytes());
    KeyDigest(*spread.first_chunk().expect("a hash has 32 bytes"))
}

fn id(account: AccountId, kind: u8, number: u16) -> [u8; 16] {
    let mut bytes = [0; 16];
    (bytes[0], bytes[1]) = (account.bytes()[0], kind);
    bytes[14..].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn product(account: AccountId, number: u16) -> Product {
    Product {
        id: ProductId::from_bytes(id(account, 1, number)),
        code: code(&format!("product-{number}")),
        name: format!("Product {number}"),
        metadata: Metadata::default(),
        archived_at: None,
        created_at: BEGIN,
        updated_at: BEGIN,
    }
}

fn policy(account: AccountId, number: u16, product: ProductId) -> Policy {
    let meter = |name: &str| MeterSpec::new(code(name));
    Policy {
        id: PolicyId::from_bytes(id(account, 2, number)),
        product,
        code: code(&format!("policy-{number}")),
        name: format!("Policy {number}"),
        meters: vec![Arc::new(meter("frames")), Arc::new(MeterSpec { floor: 7, ..meter("pages") })],
        key_pattern: KeyPattern::default(),
        terms: Arc::new(Terms {
            duration_seconds: Seconds(Some(5)),
            license_permissions: Permissions::NONE,
            meter_while: [Stopper::Suspended, Stopper::NotYetValid].into_iter().collect(),
            ..Terms::default()
        }),
        entitlements: vec![code("export"), code("import")],
        metadata: Metadata::default(),
        archived_at: Some(BEGIN),
        created_at: BEGIN,
        updated_at: BEGIN,
    }
}

/// Meters of a new license, with ceilings from there.
fn new_meters(policy: &Policy, from: [AllowedFrom; 2]) -> Vec<LoadedMeter> {
    let new = |(spec, from): (&Arc<MeterSpec>, AllowedFrom)| {
        LoadedMeter::new(Arc::clone(spec), false, from)
    };
    policy.meters.iter().zip(from).map(new).collect()
}

fn license(account: AccountId, number: u16, policy: &Policy) -> License {
    License {
        id: LicenseId::from_bytes(id(account, 3, number)),
        key: LicenseKey(format!("KEY-{}-{number}", account.bytes()[0])),
        product: policy.product,
        policy: policy.id,
        customer: None,
        reseller: None,
        owner: None,
        users: Vec::new(),
        name: None,
        overrides: None,
        entitlements: Vec::new(),
        metadata: Metadata::default(),
        blocks: Vec::new(),
        marks: Marks::default(),
        standing: Standing::Active,
        valid_from: None,
        expires_at: None,
        created_at: BEGIN,
        updated_at: BEGIN,
    }
}

fn customer(account: AccountId, number: u16) -> Customer {
    Customer {
        id: CustomerId::from_bytes(id(account, 4, number)),
        code: code(&format!("customer-{number}")),
        name: format!("Customer {number}"),
        email: Some("ada@example.com".into()),
        kind: CustomerKind::Organization,
        reseller: None,
        max_users: Limit(Some(3)),
        max_licenses: Limit(None),
        max_activations: Limit(Some(0)),
        metadata: Metadata::default(),
        archived_at: None,
        created_at: BEGIN,
        updated_at: BEGIN,
    }
}

fn token(account: AccountId, number: u16) -> Token {
    Token {
        id: TokenId::from_bytes(id(account, 5, number)),
        name: format!("Token {number}"),
        secret: SecretHash::of(&format!("secret {number} of {account}")),
        permissions: Permissions::ALL,
        locks: Locks::default(),
        audience: Some(Audience::Activation),
        expires_at: Some(BEGIN.plus_ms(9)),
        revoked_at: None,
        created_at: BEGIN,
        used: usance_core::token::TokenUse::default(),
    }
}

fn change(bench: &mut Bench, changes: Vec<Change>) -> Result<(), StoreError> {
    bench.store.commit(&Unit { changes, at: Some(BEGIN), ..Unit::default() })
}

const ALL: Slice = Slice { after: None, limit: 100 };

// What it must do.

#[test]
fn a_commit_is_seen_by_readers_whole() {
    on_each_store(|mut bench| {
        let (product, customer, token) =
            (product(ACCOUNT, 1), customer(ACCOUNT, 1), token(ACCOUNT, 1));
        let policy = policy(ACCOUNT, 1, product.id);
        let license = license(ACCOUNT, 1, &policy);
        let mut books = Books::open(&mut bench, OTHER, 1);
        let mut unit = books.unit(&mut bench);
        unit.changes.extend([
            Change::PutAccount(ACCOUNT, BEGIN),
            Change::PutProduct(ACCOUNT, product.clone()),
            Change::PutCustomer(ACCOUNT, customer.clone()),
            Change::PutPolicy(ACCOUNT, policy.clone()),
            Change::CreateLicense(
                ACCOUNT,
                license.clone(),
                new_meters(&policy, [AllowedFrom::License(Some(8)), AllowedFrom::License(None)]),
            ),
            Change::PutToken(ACCOUNT, token.clone()),
        ]);
        books.count(&mut unit, 0, 3, None);
        let subject = Subject { user: Some("ada".into()), ..Subject::default() };
        let row = SubjectRow { ledger: 1, record: 1, salt: [4; 32], subject: subject.clone() };
        unit.subjects.push(row);
        books.commit(&mut bench, unit);

        let reader = &bench.reader;
        assert_eq!(reader.first_account(), Ok(Some(ACCOUNT)));
        let by_code = Ref::Code(product.code.clone());
        for of in [Ref::Id(product.id), by_code] {
            assert_eq!(reader.product(ACCOUNT, &of), Ok(Some(product.clone())));
        }
        for of in [Ref::Id(policy.id), Ref::Code(policy.code.clone())] {
            assert_eq!(reader.policy(ACCOUNT, &of), Ok(Some(policy.clone())));
        }
        for of in [Ref::Id(customer.id), Ref::Code(customer.code.clone())] {
            assert_eq!(reader.customer(ACCOUNT, &of), Ok(Some(customer.clone())));
        }
        for of in [LicenseRef::Id(license.id), LicenseRef::Key(license.key.clone())] {
            assert_eq!(reader.license(ACCOUNT, &of), Ok(Some(license.clone())));
            assert_eq!(reader.license(OTHER, &of), Ok(None));
        }
        let by_key = reader.license_by_key(&license.key.0);
        assert_eq!(by_key, Ok(Some((ACCOUNT, license.clone()))));
        assert_eq!(reader.token(ACCOUNT, token.id), Ok(Some(token.clone())));
        assert_eq!(reader.token_by_secret(&token.secret), Ok(Some((ACCOUNT, token.clone()))));
        assert_eq!(reader.subject(1, 1), Ok(Some(subject)));
        assert_eq!(reader.subject(1, 0), Ok(None));
        assert_eq!(reader.ledger_number(OTHER, WRITER), Ok(Some(1)));
        assert_eq!(reader.ledger_number(ACCOUNT, WRITER), Ok(None));
        let last = reader.last_block(1).unwrap().expect("a block");
        assert_eq!((last.first, last.count, last.signature.is_some()), (1, 1, true));
        assert_eq!(reader.block_of(1, 0).unwrap().expect("a block").first, 0);
        assert_eq!(reader.block_of(2, 0), Ok(None));
        let of = LicenseRef::Id(license.id);
        let found = bench.store.load(&Wanted { licenses: vec![(ACCOUNT, &of)], keys: vec![] });
        let found = found.unwrap().licenses.remove(0).meters;
        assert_eq!(
            found.iter().map(|meter| meter.allowed_from).collect::<Vec<_>>(),
            [AllowedFrom::License(Some(8)), AllowedFrom::License(None)]
        );
        // Of another account, and of another id, there is nothing.
        assert_eq!(reader.product(OTHER, &Ref::Id(product.id)), Ok(None));
        assert_eq!(reader.policy(OTHER, &Ref::Id(policy.id)), Ok(None));
        assert_eq!(reader.customer(OTHER, &Ref::Code(customer.code)), Ok(None));
        assert_eq!(reader.token(OTHER, token.id), Ok(None));
    });
}

#[test]
fn a_unit_that_fails_leaves_nothing_behind() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 1);
        books.count_one(&mut bench, 0, 3, None);
        let good = product(ACCOUNT, 2);
        let same_code = Product { code: good.code.clone(), ..product(ACCOUNT, 3) };
        let mut unit = books.unit(&mut bench);
        books.count(&mut unit, 0, 4, Some(numbered(1)));
        books.head.as_mut().unwrap().seal(&signer(), &mut unit);
        unit.changes.push(Change::PutProduct(ACCOUNT, good.clone()));
        unit.changes.push(Change::PutProduct(ACCOUNT, same_code));
        bench.store.commit(&unit).expect_err("two products of one code");
        bench.store.reload().expect("the truth can be read");
        books.states[0] = bench.load(ACCOUNT, &LicenseRef::Id(books.licenses[0].id)).unwrap()[0];
        let tail = books.reopen(&mut bench);
        assert_eq!(tail.frontier.size(), 2);
        assert_eq!(bench.record_of(numbered(1)), None);
        assert_eq!(bench.load(ACCOUNT, &LicenseRef::Id(books.licenses[0].id)).unwrap()[0].total, 3);
        assert_eq!(bench.reader.product(ACCOUNT, &Ref::Id(good.id)), Ok(None));
        // And the next one is written where the failed one would have been.
        books.states[0] = bench.load(ACCOUNT, &LicenseRef::Id(books.licenses[0].id)).unwrap()[0];
        books.keys.clear();
        books.count_one(&mut bench, 0, 4, Some(numbered(1)));
        assert_eq!(bench.record_of(numbered(1)), Some(2));
        books.compare(&mut bench, 1);
    });
}

#[test]
fn places_align_with_what_is_wanted() {
    on_each_store(|mut bench| {
        let books = Books::open(&mut bench, ACCOUNT, 2);
        let others = Books::open(&mut bench, OTHER, 1);
        let by_id = |number: usize| (ACCOUNT, LicenseRef::Id(books.licenses[number].id));
        let by_key = |number: usize| (ACCOUNT, LicenseRef::Key(books.licenses[number].key.clone()));
        let stranger = LicenseRef::Id(LicenseId::from_bytes([8; 16]));
        let unknown_key = LicenseRef::Key(LicenseKey("KEY-1-99".into()));
        let others_key = LicenseRef::Key(others.licenses[0].key.clone());
        for _ in 0..2 {
            let wanted = [
                by_id(1),
                (ACCOUNT, stranger.clone()),
                by_key(0),
                by_key(1),
                (ACCOUNT, unknown_key.clone()),
                (ACCOUNT, others_key.clone()),
                by_id(0),
                (OTHER, others_key.clone()),
                (OTHER, by_id(0).1),
            ];
            let loaded = bench.wanted(&wanted, &[]);
            let ids = loaded.places.iter().map(|place| Some(loaded.licenses[(*place)?].license.id));
            let [first, second, other] =
                [books.licenses[0].id, books.licenses[1].id, others.licenses[0].id];
            assert_eq!(
                ids.collect::<Vec<_>>(),
                [
                    Some(second),
                    None,
                    Some(first),
                    Some(second),
                    None,
                    None,
                    Some(first),
                    Some(other),
                    None
                ]
            );
            assert_eq!(loaded.licenses.len(), 3, "each once");
            let pages = &loaded.licenses[0].meters[1];
            assert_eq!((pages.allowed_from, pages.state.total), (AllowedFrom::Policy, 7));
            assert_eq!(*loaded.licenses[0].policy, books.policy);
            // The second time from disk.
            bench.store.reload().unwrap();
        }
    });
}

#[test]
fn what_was_counted_is_there_after_a_crash_and_after_a_close() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 3);
        let mut others = Books::open(&mut bench, OTHER, 2);
        for round in 0u64..4 {
            books.now = books.now.plus_ms(1000);
            for number in 0..5 {
                let key = numbered(round * 5 + number);
                books.count_one(&mut bench, usize::try_from(number).unwrap() % 3, 2, Some(key));
                others.count_one(&mut bench, 0, 1, Some(numbered((1 << 40) + round * 5 + number)));
            }
            assert_eq!(bench.record_of(numbered(999)), None);
            books.compare(&mut bench, 1);
            if round % 2 == 0 {
                bench.store.close().expect("memory is written back");
            }
            bench = bench.crash();
            books.reopen(&mut bench);
            books.compare(&mut bench, 1);
            others.reopen(&mut bench);
            others.compare(&mut bench, 1);
        }
    });
}

#[test]
fn a_license_is_one_under_its_id_and_its_key_whatever_was_asked_first() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 1);
        let names =
            [LicenseRef::Id(books.licenses[0].id), LicenseRef::Key(books.licenses[0].key.clone())];
        for order in [[0, 1], [1, 0]] {
            bench = bench.crash();
            books.reopen(&mut bench);
            for name in order {
                bench.load(ACCOUNT, &names[name]);
                books.count_one(&mut bench, 0, 1, None);
                for name in &names {
                    assert_eq!(bench.load(ACCOUNT, name).unwrap()[0], books.states[0], "{name:?}");
                }
            }
        }
    });
}

#[test]
fn the_newest_record_under_a_key_is_the_one_that_counts() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 1);
        for _ in 0..3 {
            books.count_one(&mut bench, 0, 1, Some(numbered(1)));
            books.count_one(&mut bench, 0, 1, None);
            books.compare(&mut bench, 1);
            bench.store.close().unwrap();
            books.compare(&mut bench, 1);
            bench = bench.crash();
            books.reopen(&mut bench);
            books.compare(&mut bench, 1);
        }
    });
}

/// Keys that agree in their fingerprint, which is all that an index may hold of them.
#[test]
fn keys_that_look_alike_are_told_apart() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 1);
        let alike = |last: u8| {
            let mut key = [7; 16];
            key[15] = last;
            KeyDigest(key)
        };
        books.count_one(&mut bench, 0, 1, Some(alike(1)));
        books.count_one(&mut bench, 0, 1, Some(alike(2)));
        for _ in 0..2 {
            books.compare(&mut bench, 1);
            assert_eq!(bench.record_of(alike(3)), None);
            bench.store.close().unwrap();
        }
    });
}

#[test]
fn the_end_of_a_ledger_is_found_again_at_every_size() {
    let block = BLOCK_RECORDS_MAX as u64;
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 2);
        assert!(bench.store.open_ledger(OTHER).unwrap().is_none());
        for (number, size) in
            [2, block - 1, block, block + 1, 2 * block, 256, 257, 511, 512, 513, 1000]
                .into_iter()
                .enumerate()
        {
            let head_size = books.reopen(&mut bench).frontier.size();
            books.now = books.now.plus_ms(1);
            if size > head_size {
                books.count_many(&mut bench, size - head_size, None);
            }
            let now = books.now;
            let last = bench.reader.last_block(1).unwrap().expect("a block");
            bench = bench.crash();
            let tail = books.reopen(&mut bench);
            assert_eq!(tail.frontier.size(), last.first + last.count, "round {number}");
            assert_eq!(tail.frontier.size(), size.max(head_size));
            assert_eq!(tail.frontier.root(), last.root);
            assert!(size <= head_size || tail.last_at == now);
            books.compare(&mut bench, 1);
        }
    });
}

#[test]
fn lists_come_in_parts_in_the_order_of_ids() {
    on_each_store(|mut bench| {
        let owner = policy(ACCOUNT, 1, product(ACCOUNT, 1).id);
        let mut changes = vec![Change::PutPolicy(OTHER, policy(OTHER, 1, product(OTHER, 1).id))];
        for number in [5, 3, 1, 4, 2] {
            let of = policy(ACCOUNT, number, product(ACCOUNT, 1 + number % 2).id);
            changes.push(Change::PutProduct(ACCOUNT, product(ACCOUNT, number)));
            changes.push(Change::PutCustomer(ACCOUNT, customer(ACCOUNT, number)));
            changes.push(Change::PutToken(ACCOUNT, token(ACCOUNT, number)));
            changes.push(Change::PutPolicy(ACCOUNT, of));
            changes.push(Change::PutProduct(OTHER, product(OTHER, number)));
        }
        for number in [5, 3, 1, 4, 2] {
            let license = license(ACCOUNT, number, &owner);
            let meters = new_meters(&owner, [AllowedFrom::Policy; 2]);
            changes.push(Change::CreateLicense(ACCOUNT, license, meters));
        }
        change(&mut bench, changes).expect("the catalogue is written");
        let reader = &*bench.reader;
        let none = LicenseQuery::default();
        type List<'a> = Box<dyn Fn(&Slice) -> Vec<[u8; 16]> + 'a>;
        let lists: [(u8, List<'_>); 5] = [
            (1, Box::new(|part| ids(reader.products(ACCOUNT, part), |item| *item.id.bytes()))),
            (
                2,
                Box::new(|part| ids(reader.policies(ACCOUNT, None, part), |item| *item.id.bytes())),
            ),
            (
                3,
                Box::new(|part| {
                    ids(reader.licenses(ACCOUNT, &none, part), |item| *item.id.bytes())
                }),
            ),
            (4, Box::new(|part| ids(reader.customers(ACCOUNT, part), |item| *item.id.bytes()))),
            (5, Box::new(|part| ids(reader.tokens(ACCOUNT, part), |item| *item.id.bytes()))),
        ];
        for (kind, list) in lists {
            let at = |number: u16| id(ACCOUNT, kind, number);
            for (after, limit, expected) in [
                (None, 10, &[1, 2, 3, 4, 5][..]),
                (None, 2, &[1, 2]),
                (Some(2), 2, &[3, 4]),
                (Some(4), 2, &[5]),
                (Some(5), 2, &[]),
                (Some(0), 1, &[1]),
                (None, 0, &[]),
            ] {
                let found = list(&Slice { after: after.map(at), limit });
                let expected: Vec<_> = expected.iter().map(|number| at(*number)).collect();
                assert_eq!(found, expected, "kind {kind}, {limit} after {after:?}");
            }
        }
        for (product_number, expected) in [(1, &[2, 4][..]), (2, &[1, 3, 5]), (3, &[])] {
            let of = Some(product(ACCOUNT, product_number).id);
            let found = ids(reader.policies(ACCOUNT, of, &ALL), |policy| *policy.id.bytes());
            let expected: Vec<_> = expected.iter().map(|number| id(ACCOUNT, 2, *number)).collect();
            assert_eq!(found, expected, "policies of product {product_number}");
        }
    });
}

fn ids<T>(found: Result<Vec<T>, StoreError>, of: impl Fn(&T) -> [u8; 16]) -> Vec<[u8; 16]> {
    found.expect("the list").iter().map(of).collect()
}

#[test]
fn licenses_are_found_by_what_they_are() {
    on_each_store(|mut bench| {
        let (first, second) = (
            policy(ACCOUNT, 1, product(ACCOUNT, 1).id),
            policy(ACCOUNT, 2, product(ACCOUNT, 2).id),
        );
        let ada = customer(ACCOUNT, 1);
        let at = |ms| Some(BEGIN.plus_ms(ms));
        let licenses = [
            license(ACCOUNT, 1, &first),
            License { customer: Some(ada.id), ..license(ACCOUNT, 2, &first) },
            License { customer: Some(ada.id), ..license(ACCOUNT, 3, &second) },
            License { standing: Standing::Suspended, ..license(ACCOUNT, 4, &second) },
            License {
                standing: Standing::Revoked,
                expires_at: at(5),
                ..license(ACCOUNT, 5, &second)
            },
            License { expires_at: at(10), ..license(ACCOUNT, 6, &first) },
            License { valid_from: at(10), ..license(ACCOUNT, 7, &first) },
            License { valid_from: at(10), expires_at: at(20), ..license(ACCOUNT, 8, &first) },
        ];
        let mut changes = vec![
            Change::PutPolicy(ACCOUNT, first.clone()),
            Change::PutPolicy(ACCOUNT, second.clone()),
        ];
        for license in &licenses {
            let meters = new_meters(&first, [AllowedFrom::Policy; 2]);
            changes.push(Change::CreateLicense(ACCOUNT, license.clone(), meters));
        }
        change(&mut bench, changes).unwrap();
        let any = LicenseQuery::default;
        let stands =
            |status, ms| LicenseQuery { status: Some((status, BEGIN.plus_ms(ms))), ..any() };
        for (query, expected) in [
            (any(), &[1, 2, 3, 4, 5, 6, 7, 8][..]),
            (LicenseQuery { product: Some(first.product), ..any() }, &[1, 2, 6, 7, 8]),
            (LicenseQuery { policy: Some(second.id), ..any() }, &[3, 4, 5]),
            (LicenseQuery { customer: Some(ada.id), ..any() }, &[2, 3]),
            (LicenseQuery { customer: Some(ada.id), policy: Some(first.id), ..any() }, &[2]),
            (LicenseQuery { product: Some(second.product), policy: Some(first.id), ..any() }, &[]),
            (stands(Status::Active, 9), &[1, 2, 3, 6]),
            (stands(Status::Active, 10), &[1, 2, 3, 7, 8]),
            (stands(Status::Active, 20), &[1, 2, 3, 7]),
            (stands(Status::Suspended, 0), &[4]),
            (stands(Status::Revoked, 9), &[5]),
            (stands(Status::Expired, 9), &[]),
            (stands(Status::Expired, 10), &[6]),
            (stands(Status::Expired, 20), &[6, 8]),
            (stands(Status::NotYetValid, 9), &[7, 8]),
            (stands(Status::NotYetValid, 10), &[]),
            (LicenseQuery { product: Some(second.product), ..stands(Status::Active, 0) }, &[3]),
        ] {
            let found =
                ids(bench.reader.licenses(ACCOUNT, &query, &ALL), |found| *found.id.bytes());
            let expected: Vec<_> = expected.iter().map(|number| id(ACCOUNT, 3, *number)).collect();
            assert_eq!(found, expected, "{query:?}");
            if let Some((status, now)) = query.status {
                let by_core = licenses.iter().filter(|license| license.status(now) == status);
                let listed = found.len() == by_core.count() || query.product.is_some();
                assert!(listed, "the core says otherwise of {query:?}");
            }
            assert_eq!(bench.reader.licenses(OTHER, &query, &ALL), Ok(vec![]));
        }
    });
}

#[test]
fn referrers_are_named() {
    on_each_store(|mut bench| {
        let (products, used) = (product(ACCOUNT, 1), customer(ACCOUNT, 1));
        let of = policy(ACCOUNT, 1, products.id);
        let mut licensed = license(ACCOUNT, 1, &of);
        licensed.customer = Some(used.id);
        let locks = Locks { license: Some(licensed.id), ..Locks::default() };
        let locked = Token { locks, ..token(ACCOUNT, 1) };
        let of_product = Locks { product: Some(product(ACCOUNT, 2).id), ..Locks::default() };
        let of_product = Token { locks: of_product, ..token(ACCOUNT, 2) };
        let (at_product, at_policy) = (Referent::Product(products.id), Referent::Policy(of.id));
        let (at_customer, at_license) =
            (Referent::Customer(used.id), Referent::License(licensed.id));
        let other_product = Referent::Product(product(ACCOUNT, 2).id);
        let revoked = |token: &Token| Token { revoked_at: Some(BEGIN), ..token.clone() };
        let new = Change::CreateLicense(
            ACCOUNT,
            licensed.clone(),
            new_meters(&of, [AllowedFrom::Policy; 2]),
        );
        for (changes, expected) in [
            (vec![], [None, None, None, None, None]),
            (
                vec![Change::PutPolicy(ACCOUNT, of.clone())],
                [Some("policy"), None, None, None, None],
            ),
            (vec![new], [Some("policy"), Some("license"), Some("license"), None, None]),
            (
                vec![
                    Change::PutToken(ACCOUNT, locked.clone()),
                    Change::PutToken(ACCOUNT, of_product.clone()),
                ],
                [Some("policy"), Some("license"), Some("license"), Some("token"), Some("token")],
            ),
            (
                vec![
                    Change::PutToken(ACCOUNT, revoked(&locked)),
                    Change::PutToken(ACCOUNT, revoked(&of_product)),
                ],
                [Some("policy"), Some("license"), Some("license"), None, None],
            ),
            (
                vec![Change::DeleteLicense(ACCOUNT, licensed.id)],
                [Some("policy"), None, None, None, None],
            ),
            (vec![Change::DeletePolicy(ACCOUNT, of.id)], [None, None, None, None, None]),
        ] {
            change(&mut bench, changes.clone()).unwrap();
            let referents = [&at_product, &at_policy, &at_customer, &at_license, &other_product];
            let found = referents.map(|to| bench.reader.referrer(ACCOUNT, to).unwrap());
            assert_eq!(found, expected, "after {changes:?}");
            assert_eq!(bench.reader.referrer(OTHER, &at_product), Ok(None));
        }
    });
}

#[test]
fn changed_and_deleted_entries_are_changed_and_gone() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 1);
        let id = books.licenses[0].id;
        let of = LicenseRef::Id(id);
        bench.load(ACCOUNT, &of);
        let changed = License { standing: Standing::Suspended, ..books.licenses[0].clone() };
        let spec = MeterSpec { allowed: Some(4), ..(*books.policy.meters[0]).clone() };
        let meters = [Arc::new(spec)].into_iter().chain(books.policy.meters[1..].iter().cloned());
        let policy = Policy { meters: meters.collect(), ..books.policy.clone() };
        let named = Product { name: "Another".into(), ..product(ACCOUNT, 1) };
        let moved = Customer { email: None, ..customer(ACCOUNT, 1) };
        let changes = vec![
            Change::ChangeLicense(ACCOUNT, changed.clone()),
            Change::PutPolicy(ACCOUNT, policy.clone()),
            Change::PutProduct(ACCOUNT, named.clone()),
            Change::PutCustomer(ACCOUNT, customer(ACCOUNT, 1)),
            Change::PutCustomer(ACCOUNT, moved.clone()),
        ];
        change(&mut bench, changes).unwrap();
        for _ in 0..2 {
            let loaded = bench.wanted(&[(ACCOUNT, of.clone())], &[]);
            assert_eq!(*loaded.licenses[0].license, changed);
            assert_eq!(*loaded.licenses[0].policy, policy);
            assert_eq!(bench.reader.policy(ACCOUNT, &Ref::Id(policy.id)), Ok(Some(policy.clone())));
            assert_eq!(bench.reader.product(ACCOUNT, &Ref::Id(named.id)), Ok(Some(named.clone())));
            let by_id = Ref::Id(moved.id);
            assert_eq!(bench.reader.customer(ACCOUNT, &by_id), Ok(Some(moved.clone())));
            bench = bench.crash();
            books.reopen(&mut bench);
        }
        let gone = vec![
            Change::DeleteLicense(ACCOUNT, id),
            Change::DeletePolicy(ACCOUNT, policy.id),
            Change::DeleteProduct(ACCOUNT, named.id),
            Change::DeleteCustomer(ACCOUNT, moved.id),
        ];
        change(&mut bench, gone).unwrap();
        for _ in 0..2 {
            assert_eq!(bench.load(ACCOUNT, &of), None);
            assert_eq!(bench.load(ACCOUNT, &LicenseRef::Key(changed.key.clone())), None);
            assert_eq!(bench.reader.policy(ACCOUNT, &Ref::Id(policy.id)), Ok(None));
            assert_eq!(bench.reader.product(ACCOUNT, &Ref::Id(named.id)), Ok(None));
            assert_eq!(bench.reader.customer(ACCOUNT, &Ref::Id(moved.id)), Ok(None));
            bench = bench.crash();
            books.reopen(&mut bench);
        }
    });
}

#[test]
fn closed_hours_are_listed_and_go_with_their_license() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 2);
        let first = BEGIN.hour();
        for (hours, amount) in [(0, 1), (0, 2), (1, 4), (5, 8), (6, 16)] {
            books.now = BEGIN.plus_ms(hours * 60 * 60 * 1000);
            books.count_one(&mut bench, 0, amount, None);
        }
        let hours = |bench: &Bench, account, license: &License, range: std::ops::Range<i64>| {
            let found = bench.reader.hours(account, license.id, &code("frames"), range).unwrap();
            found
                .iter()
                .map(|sums| (sums.hour - first, sums.incremented, sums.uses))
                .collect::<Vec<_>>()
        };
        let [one, two] = [books.licenses[0].clone(), books.licenses[1].clone()];
        for (from, to, expected) in [
            (0, 10, &[(0, 3, 2), (1, 4, 1), (5, 8, 1)][..]),
            (1, 5, &[(1, 4, 1)]),
            (1, 6, &[(1, 4, 1), (5, 8, 1)]),
            (6, 10, &[]),
        ] {
            assert_eq!(hours(&bench, ACCOUNT, &one, first + from..first + to), expected);
        }
        assert_eq!(hours(&bench, ACCOUNT, &two, first..first + 10), []);
        assert_eq!(hours(&bench, OTHER, &one, first..first + 10), []);
        change(&mut bench, vec![Change::DeleteLicense(ACCOUNT, one.id)]).unwrap();
        assert_eq!(hours(&bench, ACCOUNT, &one, first..first + 10), []);
    });
}

// Writing back.

#[test]
fn own_ceilings_survive_a_crash_before_beside_and_after_a_write_back() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 2);
        let mut expected = [AllowedFrom::Policy; 2];
        for (round, allowed) in [
            AllowedFrom::License(Some(10)),
            AllowedFrom::License(None),
            AllowedFrom::Policy,
            AllowedFrom::License(Some(0)),
        ]
        .into_iter()
        .enumerate()
        {
            for closes in [false, true] {
                // One change before the meter is dirty, one while it is.
                for (number, expected) in expected.iter_mut().enumerate() {
                    let license = books.licenses[number].id;
                    if number == 1 {
                        books.count_one(&mut bench, number, 1, None);
                    }
                    let name = (ACCOUNT, LicenseRef::Id(license));
                    let meter = bench.wanted(&[name], &[]).licenses[0].meters[0].clone();
                    let meter = LoadedMeter { allowed_from: allowed, ..meter };
                    let change = Change::ChangeAllowed(ACCOUNT, license, meter);
                    let mut unit = books.unit(&mut bench);
                    unit.changes.push(change);
                    books.commit(&mut bench, unit);
                    if number == 0 {
                        books.count_one(&mut bench, number, 1, None);
                    }
                    *expected = allowed;
                }
                if closes {
                    bench.store.close().unwrap();
                }
                bench = bench.crash();
                books.reopen(&mut bench);
                for (license, allowed) in books.licenses.iter().zip(expected) {
                    let name = (ACCOUNT, LicenseRef::Id(license.id));
                    let loaded = bench.wanted(&[name], &[]);
                    let found = loaded.licenses[0].meters[0].allowed_from;
                    assert_eq!(found, allowed, "round {round}");
                }
                books.compare(&mut bench, 1);
            }
        }
    });
}

#[test]
fn licenses_may_be_deleted_while_their_meters_are_dirty() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 4);
        for closes in [false, true] {
            for number in 0..books.licenses.len() {
                books.count_one(&mut bench, number, 1, Some(numbered(number as u64)));
            }
            let gone = books.licenses.remove(0);
            books.states.remove(0);
            let mut unit = books.unit(&mut bench);
            unit.changes.push(Change::DeleteLicense(ACCOUNT, gone.id));
            books.commit(&mut bench, unit);
            if closes {
                bench.store.close().unwrap();
            }
            bench = bench.crash();
            books.reopen(&mut bench);
            assert_eq!(bench.load(ACCOUNT, &LicenseRef::Id(gone.id)), None);
            books.compare(&mut bench, 1);
        }
    });
}

/// Several cycles of writing back, with more keys than a small run has, and a crash after each.
#[test]
fn what_is_written_back_by_and_by_is_what_was_counted() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 200);
        let mut first = 0;
        for part in [WRITE_BACK_RECORDS + 5000, WRITE_BACK_RECORDS / 2, WRITE_BACK_RECORDS + 7] {
            let part = part * u64::from(scale());
            books.count_many(&mut bench, part, Some(first));
            first += part;
            // Small units, so that a cycle is found in every state of completion.
            for number in 0..40 {
                books.count_one(
                    &mut bench,
                    number,
                    1,
                    Some(numbered((1 << 50) + first + number as u64)),
                );
                if number == 13 {
                    let gone = books.licenses.pop().expect("licenses are left");
                    books.states.pop();
                    let mut unit = books.unit(&mut bench);
                    unit.changes.push(Change::DeleteLicense(ACCOUNT, gone.id));
                    books.commit(&mut bench, unit);
                }
            }
            books.compare(&mut bench, 4999);
            bench = bench.crash();
            let tail = books.reopen(&mut bench);
            assert_eq!(tail.frontier.root(), bench.reader.last_block(1).unwrap().unwrap().root);
            books.compare(&mut bench, 4999);
            assert_eq!(bench.record_of(numbered(u64::MAX)), None);
        }
        if let Some(covered) = bench.inspect("SELECT covered FROM ledger") {
            let behind = first.saturating_sub(covered.cast_unsigned());
            assert!(behind <= 2 * WRITE_BACK_RECORDS, "{behind} records are not written back");
            assert!(bench.inspect("SELECT count(*) FROM key_run").unwrap() > 0);
        }
        bench.store.close().unwrap();
        let records = bench.reader.last_block(1).unwrap().map(|block| block.first + block.count);
        if let Some(covered) = bench.inspect("SELECT covered FROM ledger") {
            assert_eq!(Some(covered.cast_unsigned()), records, "a close writes everything back");
        }
        bench = bench.crash();
        books.reopen(&mut bench);
        books.compare(&mut bench, 4999);
    });
}

/// A cycle whose keys are written long before its meters, and one that a crash interrupts there.
#[test]
fn keys_may_be_written_before_the_meters_of_their_cycle() {
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 12_000);
        books.count_many(&mut bench, WRITE_BACK_RECORDS, Some(0));
        for crashes in [true, false] {
            for number in 0..200 {
                let key = numbered(1 << 50 | number | u64::from(crashes) << 40);
                books.count_one(&mut bench, 0, 1, Some(key));
                if crashes && number == 150 {
                    // The keys are written, and most of the meters are not.
                    bench = bench.crash();
                    books.reopen(&mut bench);
                    books.compare(&mut bench, 4999);
                }
            }
            books.compare(&mut bench, 4999);
        }
        if let Some(covered) = bench.inspect("SELECT covered FROM ledger") {
            assert!(covered >= WRITE_BACK_RECORDS.cast_signed(), "the cycle ended");
        }
        bench.store.close().unwrap();
        bench = bench.crash();
        books.reopen(&mut bench);
        books.compare(&mut bench, 4999);
    });
}

/// Keys are found as long as their window lasts, however they were written, and dropped after it.
#[test]
fn runs_of_keys_last_as_long_as_their_window() {
    let run = WRITE_BACK_RECORDS + UNIT_USES_MAX as u64;
    on_each_store(|mut bench| {
        let mut books = Books::open(&mut bench, ACCOUNT, 1);
        // As many as are not merged any more, written by a close, whose unit has no time.
        books.count_many(&mut bench, RUN_KEYS_SMALL, Some(0));
        bench.store.close().unwrap();
        bench = bench.crash();
        books.reopen(&mut bench);
        books.now = BEGIN.plus_ms(WINDOW_MS / 2);
        books.count_one(&mut bench, 0, 1, Some(numbered(1 << 41)));
        bench.store.close().unwrap();
        assert!(bench.inspect("SELECT count(*) FROM key_run").is_none_or(|runs| runs == 2));
        // A cycle without keys, then a cycle with: neither may drop keys whose window lasts.
        books.count_many(&mut bench, run + 1, None);
        books.compare(&mut bench, 9999);
        books.count_many(&mut bench, run + 1, Some(1 << 42));
        books.compare(&mut bench, 9999);
        // Past the window of the first run, whose keys are dropped even while others go on.
        books.now = BEGIN.plus_ms(WINDOW_MS + 1);
        books.count_many(&mut bench, run + 1, Some(1 << 43));
        let first_run: HashSet<KeyDigest> = (0..RUN_KEYS_SMALL).map(numbered).collect();
        books.keys.retain(|key, _| !first_run.contains(key));
        bench = bench.crash();
        books.reopen(&mut bench);
        books.compare(&mut bench, 9999);
        if let Some(oldest) = bench.inspect("SELECT min(newest_at) FROM key_run") {
            assert!(oldest > BEGIN.0, "the first run is still there");
        }
    });
}
