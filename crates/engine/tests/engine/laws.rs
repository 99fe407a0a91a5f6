//! The engine against the reference model, and what never changes whatever is asked.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use usance_core::caller::Caller;
use usance_core::command::{
    AllowedChange, Command, LicensePatch, MeterPatch, NewMeter, NewOverage, NewPolicy, NewProduct,
    PolicyPatch, Ref, Reply,
};
use usance_core::id::AccountId;
use usance_core::ledger::checkpoint::Checkpoint;
use usance_core::license::{LicenseRef, StandingChange};
use usance_core::meter::{AllowedFrom, HourSums, MeterSpec, Overage};
use usance_core::quantity::Scale;
use usance_core::refusal::Refusal;
use usance_core::terms::{MeterWhile, Stopper, TermsPatch};
use usance_core::time::{HOUR_MS, Timestamp};
use usance_core::usage::{
    Answer, Attributes, Fit, IdempotencyKey, Operation, OperationKind, Step, Use,
};
use usance_core::view::{HistoryEvent, MeterView, PageRequest, Window};
use usance_engine::clock::Clock as _;
use usance_engine::{Engine, Failure};

use crate::model::{Asked, Entry, Model, No, Number, Told, What, decimal};
use crate::property::property;
use crate::world::{BEGIN, World, begin, check, code, new_license, new_meter, new_policy, run};

const LICENSES: usize = 3;
const METERS: usize = 3;
const WINDOW_MS: i64 = 12 * HOUR_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

// What is tried.

/// A use to be asked: a new one, or one that was asked before with a key.
#[derive(Debug, Clone)]
enum Input {
    New(Asked),
    Again(Index),
}

/// Something that happens to an engine. The first number is the account.
#[derive(Debug, Clone)]
enum Happening {
    Count(usize, Vec<Vec<Input>>),
    Clock(i64),
    Restart { is_closed: bool },
    Standing(usize, usize, StandingChange),
    Validity(usize, usize, Option<i64>, Option<i64>),
    Allowed(usize, usize, usize, Option<Option<Number>>),
    Policy(usize, usize, Option<Number>),
    Delete(usize, usize),
}

#[derive(Debug, Clone)]
struct Account {
    specs: Vec<MeterSpec>,
    meter_while: MeterWhile,
    /// The ceilings that the licenses begin with.
    own: Vec<Vec<AllowedFrom>>,
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        20 => (1i64..30).prop_map(|whole| (whole, 0)),
        6 => (-3i64..400, 0u8..4),
        1 => (any::<i64>(), 0u8..3),
        1 => select(vec![i64::MAX, i64::MIN, i64::MAX - 10, 0]).prop_map(|number| (number, 0)),
    ]
}

fn kind() -> impl Strategy<Value = OperationKind> {
    use OperationKind::{Decrement, Increment, Reset, Set};
    select(vec![Increment, Increment, Increment, Increment, Decrement, Decrement, Set, Reset])
}

fn asked() -> impl Strategy<Value = Asked> {
    let offsets = [0, -HOUR_MS, DAY_MS, DAY_MS + 1, -400 * DAY_MS, -400 * DAY_MS - 1];
    (
        (0..LICENSES, 0..METERS, kind(), number(), any::<bool>()),
        prop::option::weighted(0.3, number()),
        prop::option::weighted(0.4, 0u8..6),
        prop::option::weighted(0.1, select(offsets.to_vec())),
    )
        .prop_map(|((license, meter, kind, amount, partial), bound, key, occurred_at)| Asked {
            license,
            meter,
            kind,
            amount,
            bound,
            partial,
            key,
            occurred_at,
        })
}

fn batch() -> impl Strategy<Value = Vec<Input>> {
    let input = prop_oneof![
        4 => asked().prop_map(Input::New),
        1 => any::<Index>().prop_map(Input::Again),
    ];
    prop::collection::vec(input, 0..8)
}

fn spec(name: &'static str) -> impl Strategy<Value = MeterSpec> {
    let overage = prop_oneof![
        2 => Just(Overage::Refuse),
        1 => Just(Overage::Allow),
        1 => (0i64..50).prop_map(Overage::Amount),
        1 => (0u32..200).prop_map(Overage::Percent),
    ];
    let room = prop::option::weighted(0.8, prop_oneof![9 => 0i64..100, 1 => Just(i64::MAX - 7)]);
    let floor = prop_oneof![3 => Just(0i64), 1 => Just(-20i64), 1 => Just(7i64)];
    (0u8..4, floor, room, overage, any::<bool>()).prop_map(
        move |(scale, floor, room, overage, record_refusals)| MeterSpec {
            scale: Scale::new(scale).expect("a scale"),
            allowed: room.map(|room| floor.max(0) + room),
            floor,
            overage,
            record_refusals,
            ..MeterSpec::new(code(name))
        },
    )
}

fn account() -> impl Strategy<Value = Account> {
    let specs = (spec("frames"), spec("hours"), spec("pages"));
    let own = prop_oneof![
        3 => Just(None),
        1 => Just(Some(None)),
        1 => (0i64..60).prop_map(|room| Some(Some(room))),
    ];
    let own = prop::collection::vec(prop::collection::vec(own, METERS), LICENSES);
    (specs, any::<[bool; 3]>(), own).prop_map(|(specs, states, own)| {
        let specs = vec![specs.0, specs.1, specs.2];
        let from = |(own, spec): (Option<Option<i64>>, &MeterSpec)| match own {
            None => AllowedFrom::Policy,
            Some(room) => AllowedFrom::License(room.map(|room| spec.floor.max(0) + room)),
        };
        Account {
            own: own
                .into_iter()
                .map(|meters| meters.into_iter().zip(&specs).map(from).collect())
                .collect(),
            meter_while: [Stopper::Suspended, Stopper::Expired, Stopper::NotYetValid]
                .into_iter()
                .zip(states)
                .filter_map(|(state, goes_on)| goes_on.then_some(state))
                .collect(),
            specs,
        }
    })
}

fn happening() -> impl Strategy<Value = Happening> {
    use StandingChange::{Reinstate, Revoke, Suspend};
    let clock = select(vec![
        1,
        999,
        60_000,
        HOUR_MS,
        WINDOW_MS,
        WINDOW_MS + 1,
        26 * HOUR_MS,
        40 * DAY_MS,
        -1,
        -2000,
        -2001,
        -HOUR_MS,
        -2 * DAY_MS,
    ]);
    let standing = select(vec![Suspend, Suspend, Reinstate, Reinstate, Reinstate, Revoke]);
    let instant = || prop::option::of(select(vec![-DAY_MS, 0, 1, HOUR_MS, 30 * DAY_MS]));
    let own = prop::option::of(prop::option::of(number()));
    prop_oneof![
        12 => (0usize..2, prop::collection::vec(batch(), 1..4))
            .prop_map(|(account, batches)| Happening::Count(account, batches)),
        5 => clock.prop_map(Happening::Clock),
        2 => any::<bool>().prop_map(|is_closed| Happening::Restart { is_closed }),
        2 => (0usize..2, 0..LICENSES, standing)
            .prop_map(|(account, license, change)| Happening::Standing(account, license, change)),
        1 => (0usize..2, 0..LICENSES, instant(), instant())
            .prop_map(|(of, license, from, end)| Happening::Validity(of, license, from, end)),
        2 => (0usize..2, 0..LICENSES, 0..METERS, own)
            .prop_map(|(of, license, meter, own)| Happening::Allowed(of, license, meter, own)),
        1 => (0usize..2, 0..METERS, prop::option::of(number()))
            .prop_map(|(account, meter, allowed)| Happening::Policy(account, meter, allowed)),
        1 => (0usize..2, 0..LICENSES).prop_map(|(of, license)| Happening::Delete(of, license)),
    ]
}

// How it is asked.

fn as_use(asked: &Asked, of: LicenseRef) -> Use {
    let step = Step {
        amount: decimal(asked.amount),
        bound: asked.bound.map(decimal),
        fit: if asked.partial { Fit::Partial } else { Fit::Whole },
    };
    let key = asked.key.map(|key| IdempotencyKey::parse(format!("key {key}")).expect("a key"));
    Use {
        license: of,
        meter: code(["frames", "hours", "pages"][asked.meter]),
        activation: None,
        operation: match asked.kind {
            OperationKind::Increment => Operation::Increment(step),
            OperationKind::Decrement => Operation::Decrement(step),
            OperationKind::Set => Operation::Set(step.amount),
            OperationKind::Reset => Operation::Reset,
            other => unreachable!("{other} is not asked here"),
        },
        idempotency_key: key,
        occurred_at: asked.occurred_at.map(Timestamp),
        subject: None,
        attributes: Attributes::default(),
    }
}

/// One vendor on an engine.
struct Vendor {
    caller: Arc<Caller>,
    licenses: Vec<usance_core::license::License>,
}

impl Vendor {
    /// Makes a product, a policy and licenses.
    async fn open(engine: &Engine, caller: Arc<Caller>, account: &Account) -> Self {
        let change = |command| engine.change(Arc::clone(&caller), command);
        let product = NewProduct {
            code: code("renderer"),
            name: None,
            metadata: usance_core::metadata::Metadata::default(),
        };
        change(Command::CreateProduct(product)).await.expect("a product");
        let meters = account.specs.iter().map(|spec| {
            let number = |quantity| decimal((quantity, spec.scale.digits()));
            NewMeter {
                scale: spec.scale,
                allowed: spec.allowed.map(number),
                floor: number(spec.floor),
                overage: match spec.overage {
                    Overage::Refuse => NewOverage::Refuse,
                    Overage::Allow => NewOverage::Allow,
                    Overage::Amount(amount) => NewOverage::Amount(number(amount)),
                    Overage::Percent(percent) => NewOverage::Percent(percent),
                },
                record_refusals: spec.record_refusals,
                ..new_meter(&spec.name, None)
            }
        });
        let meter_while = Some(account.meter_while);
        let terms = TermsPatch { meter_while, ..TermsPatch::default() };
        let policy = NewPolicy { meters: meters.collect(), terms, ..new_policy("plan") };
        change(Command::CreatePolicy(policy)).await.expect("a policy");
        let mut licenses = Vec::new();
        for own in &account.own {
            let mut new = new_license("plan");
            for (spec, from) in account.specs.iter().zip(own) {
                let change = match from {
                    AllowedFrom::Policy => continue,
                    AllowedFrom::License(None) => AllowedChange::Unlimited,
                    AllowedFrom::License(Some(own)) => {
                        AllowedChange::Own(decimal((*own, spec.scale.digits())))
                    }
                };
                new.allowed.push((spec.name.clone(), change));
            }
            match change(Command::CreateLicense(new)).await {
                Ok(Reply::License(license, _)) => licenses.push(license),
                other => panic!("{other:?}"),
            }
        }
        Self { caller, licenses }
    }

    fn of(&self, license: usize) -> LicenseRef {
        let license = &self.licenses[license];
        // Half of them are named by their key.
        match license.id.bytes()[15] % 2 {
            0 => LicenseRef::Id(license.id),
            _ => LicenseRef::Key(license.key.clone()),
        }
    }

    fn as_use(&self, asked: &Asked) -> Use {
        as_use(asked, self.of(asked.license))
    }

    async fn views(&self, engine: &Engine, license: usize) -> Result<Vec<MeterView>, Failure> {
        engine.meters(Arc::clone(&self.caller), self.of(license)).await
    }

    async fn size(&self, engine: &Engine) -> u64 {
        let note = engine.checkpoint(Arc::clone(&self.caller)).await.expect("a checkpoint");
        Checkpoint::peek(&note).expect("a note").size
    }
}

/// What an outcome says, in the model's words.
fn told(outcome: Result<Answer, Refusal>) -> Result<Told, No> {
    match outcome {
        Ok(Answer { counted, record, at, repeat, .. }) => {
            Ok(Told { counted, record, at: at.0, repeat })
        }
        Err(refusal) => {
            let figures = refusal.figures().map(|figures| {
                let usance_core::refusal::Figures {
                    asked,
                    total,
                    gross,
                    allowed,
                    ceiling,
                    held,
                    ..
                } = *figures;
                (asked, total, gross, allowed, ceiling, held)
            });
            Err((refusal.code(), figures))
        }
    }
}

// The engine against the model.

struct Both {
    world: World,
    vendors: Vec<Vendor>,
    models: Vec<Model>,
    /// Uses with a key, by account.
    keyed: Vec<Vec<Asked>>,
}

impl Both {
    async fn open(directory: &Path, accounts: &[Account]) -> Self {
        let clock = Arc::new(usance_engine::clock::ManualClock::new(BEGIN));
        let world = World::on_disk_at(directory, clock, WINDOW_MS);
        let mut vendors = Vec::new();
        let mut models = Vec::new();
        for (number, account) in accounts.iter().enumerate() {
            let id = match number {
                0 => world.engine.account(),
                _ => AccountId::from_bytes([7; 16]),
            };
            let caller = Arc::new(Caller::system(id));
            vendors.push(Vendor::open(&world.engine, caller, account).await);
            let Account { specs, meter_while, own } = account.clone();
            let mut model = Model::new(specs, meter_while, WINDOW_MS);
            model.look(BEGIN.0);
            model.record();
            model.record();
            own.into_iter().for_each(|from| model.create(from));
            models.push(model);
        }
        let keyed = vec![Vec::new(); accounts.len()];
        Self { world, vendors, models, keyed }
    }

    async fn happen(mut self, directory: &Path, happening: &Happening) -> Self {
        let wall = self.world.clock.now().0;
        match happening.clone() {
            Happening::Count(account, batches) => self.count(account, &batches).await,
            Happening::Clock(by) => self.world.clock.put(Timestamp(wall + by)),
            Happening::Restart { is_closed } => {
                if is_closed {
                    self.world.engine.close().await;
                }
                let clock = Arc::clone(&self.world.clock);
                drop(self.world);
                self.world = World::on_disk_at(directory, clock, WINDOW_MS);
                self.models.iter_mut().for_each(|model| model.restart(is_closed));
            }
            Happening::Standing(account, license, change) => {
                let command = Command::ChangeStanding(self.vendors[account].of(license), change);
                let expected = self.look(account).change_standing(license, change);
                self.change(account, command, expected).await;
            }
            Happening::Validity(account, license, from, end) => {
                let (from, end) = (from.map(|from| wall + from), end.map(|end| wall + end));
                let patch = LicensePatch {
                    valid_from: Some(from.map(Timestamp)),
                    expires_at: Some(end.map(Timestamp)),
                    ..LicensePatch::default()
                };
                let command = Command::ChangeLicense(self.vendors[account].of(license), patch);
                let expected = self.look(account).change_validity(license, from, end);
                self.change(account, command, expected).await;
            }
            Happening::Allowed(account, license, meter, own) => {
                let change = match own {
                    None => AllowedChange::Policy,
                    Some(None) => AllowedChange::Unlimited,
                    Some(Some(own)) => AllowedChange::Own(decimal(own)),
                };
                let name = self.models[account].specs[meter].name.clone();
                let of = self.vendors[account].of(license);
                let expected = self.look(account).change_allowed(license, meter, own);
                self.change(account, Command::ChangeAllowed(of, name, change), expected).await;
            }
            Happening::Policy(account, meter, allowed) => {
                let patch = MeterPatch {
                    allowed: Some(allowed.map(decimal)),
                    ..MeterPatch::of(self.models[account].specs[meter].name.clone())
                };
                let patch = PolicyPatch { meters: vec![patch], ..PolicyPatch::default() };
                let command = Command::ChangePolicy(Ref::Code(code("plan")), patch);
                let expected = self.look(account).change_policy(meter, allowed);
                self.change(account, command, expected).await;
            }
            Happening::Delete(account, license) => {
                let command = Command::DeleteLicense(self.vendors[account].of(license));
                let expected = self.look(account).delete(license);
                self.change(account, command, expected).await;
            }
        }
        self
    }

    fn look(&mut self, account: usize) -> &mut Model {
        self.models[account].look(self.world.clock.now().0);
        &mut self.models[account]
    }

    async fn change(&self, account: usize, command: Command, expected: Result<(), &'static str>) {
        let caller = Arc::clone(&self.vendors[account].caller);
        let done = self.world.engine.change(caller, command).await;
        let found = match done {
            Ok(_) => Ok(()),
            Err(Failure::Refused(refusal)) => Err(refusal.code()),
            Err(failure) => panic!("{failure}"),
        };
        assert_eq!(found, expected);
    }

    /// Counts batches that lie in the mailbox together.
    async fn count(&mut self, account: usize, batches: &[Vec<Input>]) {
        let engine = self.world.engine.clone();
        let mut waiting = Vec::new();
        let mut expected = Vec::new();
        for batch in batches {
            let mut uses = Vec::new();
            let mut outcomes = Vec::new();
            self.look(account);
            for input in batch {
                let Some(asked) = self.resolve(account, input) else { continue };
                uses.push(self.vendors[account].as_use(&asked));
                outcomes.push(self.models[account].count(&asked));
            }
            let caller = Arc::clone(&self.vendors[account].caller);
            waiting.push(begin(engine.count(caller, uses)));
            expected.push(outcomes);
        }
        for (batch, expected) in waiting.into_iter().zip(expected) {
            let found = batch.answer().await.expect("the batch is counted");
            assert_eq!(found.into_iter().map(told).collect::<Vec<_>>(), expected);
        }
    }

    fn resolve(&mut self, account: usize, input: &Input) -> Option<Asked> {
        let keyed = &mut self.keyed[account];
        match input {
            Input::New(asked) => {
                let wall = self.world.clock.now().0;
                let occurred_at = asked.occurred_at.map(|offset| wall + offset);
                let asked = Asked { occurred_at, ..asked.clone() };
                keyed.extend(asked.key.map(|_| asked.clone()));
                Some(asked)
            }
            Input::Again(_) if keyed.is_empty() => None,
            Input::Again(index) => Some(keyed[index.index(keyed.len())].clone()),
        }
    }

    /// Compares where everything stands.
    async fn compare(&mut self) {
        for account in 0..self.vendors.len() {
            for license in 0..LICENSES {
                // Who asks for what is not there does not make the writer look at the clock.
                if !self.models[account].licenses[license].is_deleted {
                    self.look(account);
                }
                let (model, vendor) = (&self.models[account], &self.vendors[account]);
                let found = vendor.views(&self.world.engine, license).await;
                if model.licenses[license].is_deleted {
                    let unknown = matches!(found, Err(Failure::Refused(Refusal::Unknown(..))));
                    assert!(unknown, "{found:?}");
                    continue;
                }
                let found = found.expect("the meters");
                for (place, view) in found.into_iter().enumerate() {
                    let meter = &model.licenses[license].meters[place];
                    assert_eq!(view.state, meter.state(), "meter {place} of license {license}");
                    assert_eq!(*view.spec, model.specs[place]);
                    assert_eq!(view.allowed_from, meter.from);
                }
            }
            let size = self.vendors[account].size(&self.world.engine).await;
            assert_eq!(size, self.models[account].size, "records of account {account}");
        }
    }

    /// Compares what every meter did.
    async fn compare_histories(&self, limit: usize) {
        for (model, vendor) in self.models.iter().zip(&self.vendors) {
            for license in (0..LICENSES).filter(|license| !model.licenses[*license].is_deleted) {
                for (meter, spec) in model.licenses[license].meters.iter().zip(&model.specs) {
                    let found =
                        history(&self.world.engine, vendor, license, &spec.name, limit).await;
                    let expected: Vec<Entry> = meter.entries.iter().rev().cloned().collect();
                    assert_eq!(found, expected);
                    let hours =
                        usage(&self.world.engine, vendor, license, &spec.name, Window::Hour).await;
                    let sums = |hour: i64| (Timestamp(hour * HOUR_MS), meter.sums(hour));
                    let expected: Vec<_> = meter.hours().into_iter().map(sums).collect();
                    assert_eq!(hours, expected);
                }
            }
        }
    }
}

async fn history(
    engine: &Engine,
    vendor: &Vendor,
    license: usize,
    meter: &str,
    limit: usize,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut cursor = None;
    loop {
        let (caller, of) = (Arc::clone(&vendor.caller), vendor.of(license));
        let request = PageRequest { limit, cursor };
        let page = engine.history(caller, of, code(meter), request).await.expect("a page").page;
        assert!(page.items.len() == limit || page.next.is_none(), "a full page, or the last");
        entries.extend(page.items.into_iter().map(|entry| Entry {
            record: entry.record,
            at: entry.at.0,
            what: match entry.event {
                HistoryEvent::Use { counted, occurred_at, .. } => {
                    What::Use { counted, occurred_at: occurred_at.map(|at| at.0) }
                }
                HistoryEvent::Refused { operation, asked, code, total } => {
                    let code = Refusal::CODES.iter().find(|known| **known == code);
                    let code = code.expect("a known code");
                    What::Refused { kind: operation, asked, code, total }
                }
            },
        }));
        cursor = page.next;
        if cursor.is_none() {
            return entries;
        }
    }
}

/// Sums over all time.
async fn usage(
    engine: &Engine,
    vendor: &Vendor,
    license: usize,
    meter: &str,
    window: Window,
) -> Vec<(Timestamp, HourSums)> {
    let range = BEGIN..BEGIN.plus_ms(19 * 365 * DAY_MS);
    let (caller, of) = (Arc::clone(&vendor.caller), vendor.of(license));
    engine.usage(caller, of, code(meter), range, window).await.expect("the sums").windows
}

#[test]
fn the_engine_does_what_the_model_does() {
    let inputs = (account(), account(), prop::collection::vec(happening(), 1..40), 1usize..5);
    property(96, &inputs, |(first, second, happenings, limit)| {
        let directory = tempfile::tempdir().unwrap();
        let both = run(async {
            let mut both = Both::open(directory.path(), &[first, second]).await;
            for happening in &happenings {
                both = both.happen(directory.path(), happening).await;
                both.compare().await;
            }
            both.compare_histories(limit).await;
            both.world.engine.close().await;
            both
        });
        let report = check(directory.path());
        assert_eq!(report.findings, []);
        for (ledger, model) in report.ledgers.iter().zip(&both.models) {
            let records = (ledger.size, ledger.tally.clock_back);
            assert_eq!(records, (model.size, model.clock_backs));
        }
    });
}

// What never changes, told without the model.

/// Batches of uses by one vendor whose licenses and meters are all different.
fn batches() -> impl Strategy<Value = (Account, Vec<Vec<Asked>>)> {
    let batch = prop::collection::vec(asked(), 1..8);
    (account(), prop::collection::vec(batch, 1..12))
}

struct Counted {
    world: World,
    vendor: Vendor,
    /// Everything that was asked and not refused, in order.
    accepted: Vec<(Asked, Answer)>,
}

async fn count_all(account: &Account, batches: &[Vec<Asked>]) -> Counted {
    let world = World::in_memory();
    let vendor = Vendor::open(&world.engine, Arc::clone(&world.system), account).await;
    let mut accepted = Vec::new();
    for (number, batch) in batches.iter().enumerate() {
        world.clock.put(BEGIN.plus_ms(number as i64 * 20 * 60 * 1000));
        // The offset is from now here, too.
        let uses = batch.iter().map(|asked| Asked { occurred_at: None, ..asked.clone() });
        let uses = uses.map(|asked| vendor.as_use(&asked)).collect();
        let outcomes = world.count(uses).await.expect("the batch is counted");
        accepted.extend(
            batch
                .iter()
                .zip(outcomes)
                .filter_map(|(asked, outcome)| Some((asked.clone(), outcome.ok()?))),
        );
    }
    Counted { world, vendor, accepted }
}

/// By how much a use moved the total.
fn change(counted: &usance_core::meter::Counted) -> i64 {
    match counted.operation {
        OperationKind::Decrement => -counted.applied,
        _ => counted.applied,
    }
}

#[test]
fn conservation_a_total_is_the_sum_of_the_changes_and_a_gross_of_the_increments() {
    property(64, &batches(), |(account, batches)| {
        run(async {
            let Counted { world, vendor, accepted } = count_all(&account, &batches).await;
            for license in 0..LICENSES {
                let views = vendor.views(&world.engine, license).await.expect("the meters");
                for (place, view) in views.iter().enumerate() {
                    let firsts = accepted.iter().filter(|(asked, answer)| {
                        (asked.license, asked.meter) == (license, place) && !answer.repeat
                    });
                    let (mut total, mut gross) = (i128::from(view.spec.floor.max(0)), 0);
                    for (_, Answer { counted, .. }) in firsts {
                        total += i128::from(change(counted));
                        let is_up = counted.operation == OperationKind::Increment;
                        gross += if is_up { i128::from(counted.applied) } else { 0 };
                    }
                    let state = view.state;
                    assert_eq!((i128::from(state.total), i128::from(state.gross)), (total, gross));
                }
            }
        });
    });
}

#[test]
fn no_increment_passes_the_ceiling_and_no_gross_falls() {
    property(64, &batches(), |(account, batches)| {
        run(async {
            let Counted { accepted, .. } = count_all(&account, &batches).await;
            let mut grosses: HashMap<(usize, usize), i64> = HashMap::new();
            for (asked, Answer { counted, repeat, .. }) in accepted {
                if repeat {
                    continue;
                }
                let gross = grosses.entry((asked.license, asked.meter)).or_default();
                assert!(counted.gross >= *gross, "{counted:?}");
                *gross = counted.gross;
                let spec = &account.specs[asked.meter];
                let ceiling = counted.allowed.and_then(|allowed| match spec.overage {
                    Overage::Refuse => Some(i128::from(allowed)),
                    Overage::Allow => None,
                    Overage::Amount(extra) => Some(i128::from(allowed) + i128::from(extra)),
                    Overage::Percent(extra) => {
                        Some(i128::from(allowed) * i128::from(100 + extra) / 100)
                    }
                });
                if counted.operation == OperationKind::Increment {
                    let within = ceiling.is_none_or(|ceiling| i128::from(counted.total) <= ceiling);
                    assert!(within, "{counted:?} above {ceiling:?}");
                }
                assert!(counted.total >= spec.floor, "{counted:?} below {}", spec.floor);
            }
        });
    });
}

#[test]
fn a_refusal_changes_nothing_but_the_count_of_refusals() {
    property(64, &(batches(), asked()), |((account, batches), asked)| {
        let account = Account {
            specs: account
                .specs
                .into_iter()
                .map(|spec| MeterSpec { record_refusals: false, ..spec })
                .collect(),
            ..account
        };
        run(async {
            let Counted { world, vendor, .. } = count_all(&account, &batches).await;
            let license = asked.license;
            let before = vendor.views(&world.engine, license).await.expect("the meters");
            let size = vendor.size(&world.engine).await;
            let mut outcomes = world.count(vec![vendor.as_use(&asked)]).await.expect("counted");
            let mut after = vendor.views(&world.engine, license).await.expect("the meters");
            let Some(Err(refusal)) = outcomes.pop() else { return };
            if refusal.figures().is_some() {
                after[asked.meter].state.refusals -= 1;
            }
            assert_eq!(after, before, "{refusal}");
            assert_eq!(vendor.size(&world.engine).await, size, "{refusal}");
        });
    });
}

#[test]
fn answers_are_the_state_that_follows() {
    property(48, &batches(), |(account, batches)| {
        run(async {
            let world = World::in_memory();
            let vendor = Vendor::open(&world.engine, Arc::clone(&world.system), &account).await;
            for asked in batches.iter().flatten() {
                let asked = Asked { occurred_at: None, ..asked.clone() };
                let Ok(answer) = world.count_one(vendor.as_use(&asked)).await else { continue };
                let views = vendor.views(&world.engine, asked.license).await.expect("the meters");
                let view = &views[asked.meter];
                if answer.repeat {
                    continue;
                }
                let Answer { license, meter, scale, counted, record, at, .. } = answer;
                assert_eq!(
                    (license, &meter, scale),
                    (view.license, &view.spec.name, view.spec.scale)
                );
                assert_eq!((counted.total, counted.gross), (view.state.total, view.state.gross));
                assert_eq!((counted.allowed, counted.held), (view.allowed(), view.state.held));
                assert_eq!(Some(record), view.state.last_record);
                assert_eq!(at, world.engine.now());
                let left = counted.allowed.map(|allowed| {
                    let left = i128::from(allowed) - i128::from(counted.total);
                    i64::try_from(left.clamp(0, i128::from(i64::MAX))).expect("clamped")
                });
                assert_eq!(answer.remaining, left);
            }
        });
    });
}

/// What a use was answered, but for its place in the ledger, which others share.
fn without_place(
    outcome: Result<Answer, Refusal>,
) -> Result<(usance_core::meter::Counted, bool), No> {
    told(outcome).map(|told| (told.counted, told.repeat))
}

#[test]
fn licenses_do_not_touch_each_other() {
    property(48, &batches(), |(account, batches)| {
        // A key belongs to the account, so it would join them.
        let uses = batches.concat().into_iter();
        let uses = uses.map(|asked| Asked { key: None, occurred_at: None, ..asked });
        let uses: Vec<Asked> = uses.collect();
        run(async {
            let together = World::in_memory();
            let system = Arc::clone(&together.system);
            let vendor = Vendor::open(&together.engine, system, &account).await;
            let all = uses.iter().map(|asked| vendor.as_use(asked)).collect();
            let all = together.count(all).await.expect("counted");
            for license in 0..LICENSES {
                let alone = World::in_memory();
                let system = Arc::clone(&alone.system);
                let vendor = Vendor::open(&alone.engine, system, &account).await;
                let own = uses.iter().filter(|asked| asked.license == license);
                let own = own.map(|asked| vendor.as_use(asked)).collect();
                let own = alone.count(own).await.expect("counted").into_iter();
                let own: Vec<_> = own.map(without_place).collect();
                let same = uses.iter().zip(&all).filter(|(asked, _)| asked.license == license);
                let same: Vec<_> =
                    same.map(|(_, outcome)| without_place(outcome.clone())).collect();
                assert_eq!(own, same);
            }
        });
    });
}

#[test]
fn accounts_do_not_touch_each_other() {
    let inputs = (batches(), prop::collection::vec(any::<bool>(), 1..20));
    property(48, &inputs, |((account, batches), turns)| {
        run(async {
            // The same codes, the same keys, the same uses: one account twice, interleaved.
            let world = World::in_memory();
            let other = Arc::new(Caller::system(AccountId::from_bytes([9; 16])));
            let callers = [Arc::clone(&world.system), other];
            let mut vendors = Vec::new();
            for caller in callers {
                vendors.push(Vendor::open(&world.engine, caller, &account).await);
            }
            let mut outcomes = [Vec::new(), Vec::new()];
            let mut next = [0, 0];
            for turn in turns.iter().cycle().take(batches.len() * 2) {
                let mut who = usize::from(*turn);
                if next[who] == batches.len() {
                    who = 1 - who;
                }
                let batch = &batches[next[who]];
                next[who] += 1;
                let uses = batch.iter().map(|asked| Asked { occurred_at: None, ..asked.clone() });
                let uses = uses.map(|asked| vendors[who].as_use(&asked)).collect();
                let caller = Arc::clone(&vendors[who].caller);
                let found = world.engine.count(caller, uses).await.expect("counted");
                outcomes[who].extend(found.into_iter().map(told));
            }
            // Also the places: each has a ledger of its own.
            assert_eq!(outcomes[0], outcomes[1]);
            let stranger = Arc::clone(&vendors[1].caller);
            let of = LicenseRef::Id(vendors[0].licenses[0].id);
            let seen = world.engine.meters(Arc::clone(&stranger), of).await;
            assert!(matches!(seen, Err(Failure::Refused(Refusal::Unknown(..)))), "{seen:?}");
            let of = LicenseRef::Key(vendors[0].licenses[0].key.clone());
            let seen = world.engine.license(stranger, of).await;
            assert!(matches!(seen, Err(Failure::Refused(Refusal::Unknown(..)))), "{seen:?}");
        });
    });
}

#[test]
fn usage_sums_are_the_sums_of_the_history() {
    property(48, &batches(), |(account, batches)| {
        run(async {
            let Counted { world, vendor, .. } = count_all(&account, &batches).await;
            for (license, spec) in
                (0..LICENSES).flat_map(|of| account.specs.iter().map(move |spec| (of, spec)))
            {
                let entries = history(&world.engine, &vendor, license, &spec.name, 3).await;
                for (window, length_ms) in
                    [(Window::Hour, HOUR_MS), (Window::Day, DAY_MS), (Window::Month, 31 * DAY_MS)]
                {
                    let found = usage(&world.engine, &vendor, license, &spec.name, window).await;
                    for (begin, sums) in &found {
                        let within = begin.0..begin.0 + length_ms;
                        let entries = entries.iter().filter(|entry| within.contains(&entry.at));
                        let HourSums { uses, incremented, decremented, adjusted, overage, .. } =
                            *sums;
                        let found = [uses, incremented, decremented, adjusted, overage];
                        assert_eq!(found, sums_of(entries), "{window:?} from {begin:?}");
                    }
                    let uses =
                        entries.iter().filter(|entry| matches!(entry.what, What::Use { .. }));
                    let shown: i64 = found.iter().map(|(_, sums)| sums.uses).sum();
                    assert_eq!(shown, uses.count() as i64, "every use lies in one window");
                }
            }
        });
    });
}

/// Uses, increments, decrements, adjustments and overage. The sums of an hour always fit, because a
/// use that would overflow one is refused; those of longer windows stop at what 64 bits hold.
fn sums_of<'a>(entries: impl Iterator<Item = &'a Entry>) -> [i64; 5] {
    let mut hours: BTreeMap<i64, [i128; 5]> = BTreeMap::new();
    for entry in entries {
        let What::Use { counted, .. } = &entry.what else { continue };
        let sums = hours.entry(entry.at.div_euclid(HOUR_MS)).or_default();
        let place = match counted.operation {
            OperationKind::Increment => 1,
            OperationKind::Decrement => 2,
            OperationKind::Set | OperationKind::Reset => 3,
            other => unreachable!("{other} is not asked here"),
        };
        sums[0] += 1;
        sums[place] += i128::from(counted.applied);
        sums[4] += i128::from(counted.overage);
    }
    hours.into_values().fold([0; 5], |window, hour| {
        let fits = |sum: i128| i64::try_from(sum).expect("the sums of an hour fit");
        std::array::from_fn(|place| window[place].saturating_add(fits(hour[place])))
    })
}

/// How a key is delivered: its number, and what happens to the engine before.
#[derive(Debug, Clone, Copy)]
enum Delivery {
    Batch,
    Crash,
    Restart,
}

#[test]
fn exactly_once_however_often_a_key_is_sent() {
    let delivery =
        select(vec![Delivery::Batch, Delivery::Batch, Delivery::Crash, Delivery::Restart]);
    let batch = prop::collection::vec(0i64..12, 1..10);
    let inputs = prop::collection::vec((delivery, batch), 1..20);
    property(48, &inputs, |deliveries| {
        let directory = tempfile::tempdir().unwrap();
        run(async {
            let mut world = World::on_disk(directory.path());
            world.policy("plan", None, NewOverage::Refuse).await;
            let license = world.license("plan").await;
            let mut firsts: HashMap<i64, Answer> = HashMap::new();
            for (delivery, batch) in &deliveries {
                world = match delivery {
                    Delivery::Batch => world,
                    Delivery::Crash => world.crash(directory.path()),
                    Delivery::Restart => world.restart(directory.path()).await,
                };
                // The amount follows from the key: 1, 2, 4, … so that the total tells which ones.
                let uses = batch.iter().map(|key| {
                    crate::world::increment(&license, 1 << key, Some(&format!("key {key}")))
                });
                let outcomes = world.count(uses.collect()).await.expect("counted");
                for (key, outcome) in batch.iter().zip(outcomes) {
                    let answer = outcome.expect("no key conflicts");
                    match firsts.get(key) {
                        None => {
                            assert!(!answer.repeat, "{answer:?}");
                            firsts.insert(*key, answer);
                        }
                        Some(first) => assert_eq!(answer, Answer { repeat: true, ..first.clone() }),
                    }
                }
                let total = firsts.keys().map(|key| 1 << key).sum();
                assert_eq!(world.frames(&license).await, (total, total, 0));
            }
            world.engine.close().await;
        });
        assert_eq!(check(directory.path()).findings, []);
    });
}

#[test]
fn a_key_lasts_as_long_as_its_window_and_no_longer() {
    let directory = tempfile::tempdir().unwrap();
    run(async {
        let world = World::on_disk(directory.path());
        world.policy("plan", None, NewOverage::Refuse).await;
        let license = world.license("plan").await;
        let once = || crate::world::increment(&license, 1, Some("once"));
        let mut begin = BEGIN;
        let mut world = world;
        for (after_ms, expected) in [
            (0, 1),
            (1, 1),
            (crate::world::WINDOW_MS, 1),
            (crate::world::WINDOW_MS + 1, 2),
            (crate::world::WINDOW_MS, 2),
            (crate::world::WINDOW_MS + 1, 3),
        ] {
            world.clock.put(begin.plus_ms(after_ms));
            world = world.crash(directory.path());
            let answer = world.count_one(once()).await.unwrap();
            assert_eq!(answer.counted.total, expected, "{after_ms} ms after the first");
            if !answer.repeat {
                begin = answer.at;
            }
        }
    });
}
