//! Counts uses: load, decide, record.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use usance_core::caller::Caller;
use usance_core::deciding::{Decision, decide};
use usance_core::id::{AccountId, LicenseId};
use usance_core::key::{as_probably_meant, has_valid_check_symbol};
use usance_core::ledger::record::{Event, Notice, NoticedEvent, Record, RefusedEvent};
use usance_core::license::{LicenseKey, LicenseRef};
use usance_core::meter::{MeterSpec, MeterState};
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::usage::{Answer, KeyDigest, RequestDigest, Use};

use crate::ledger_head::LedgerHead;
use crate::moving::{Moving, Told};
use crate::random;
use crate::refusing::Refusing;
use crate::store::{FastMap, Loaded, LoadedLicense, LoadedMeter, Store, StoreError, Wanted};
use crate::unit::{LedgerNumber, SpentKey, Unit};

/// What a caller hears of each of its uses.
pub type Outcomes = Vec<Result<Answer, Refusal>>;

/// Uses of one caller, to be counted together.
#[derive(Debug)]
pub struct Batch {
    /// Who asks.
    pub caller: Arc<Caller>,
    /// What for.
    pub uses: Vec<Use>,
    /// What recognises a repeat of each, where it has a key.
    pub keyed: Vec<Keyed>,
}

/// The hashes of an idempotency key and of the request under it, if there is a key.
pub type Keyed = Option<(KeyDigest, RequestDigest)>;

impl Batch {
    /// A batch. The hashes are computed here, on the caller's thread, to spare the writer's.
    #[must_use]
    pub fn new(caller: Arc<Caller>, uses: Vec<Use>, key_secret: &[u8; 32]) -> Self {
        let account = caller.account;
        let keyed = uses.iter().map(|used| {
            let key = used.idempotency_key.as_ref()?;
            Some((key.digest(key_secret, account), used.request_digest()))
        });
        Self { keyed: keyed.collect(), caller, uses }
    }
}

/// The uses of one unit of work that belong to one account.
pub struct Counting<'a> {
    window_ms: i64,
    key_secret: [u8; 32],
    /// For each use its license's place in `licenses`, if it exists.
    places: Vec<Option<usize>>,
    licenses: Vec<Moving>,
    /// The records of keys that were spent before this unit.
    spent: FastMap<KeyDigest, (LedgerNumber, u64, Vec<u8>)>,
    /// What this unit has answered under a key.
    answered: FastMap<KeyDigest, Spent>,
    refused: FastMap<(usize, usize), u64>,
    batches: &'a [Batch],
}

#[derive(Clone)]
struct Spent {
    request: RequestDigest,
    answer: Answer,
}

impl<'a> Counting<'a> {
    /// Loads what the batches touch. They all belong to `account`.
    ///
    /// # Errors
    /// Those of the store.
    pub fn load(
        store: &mut dyn Store,
        account: AccountId,
        batches: &'a [Batch],
        (window_ms, key_secret): (i64, &[u8; 32]),
    ) -> Result<Self, StoreError> {
        let mut wanted = Wanted::default();
        for batch in batches {
            wanted.licenses.extend(batch.uses.iter().map(|used| (account, &used.license)));
            wanted.keys.extend(batch.keyed.iter().flatten().map(|(key, _)| *key));
        }
        let mut loaded = store.load(&wanted)?;
        find_mistyped(store, account, batches, &mut loaded)?;
        Ok(Self {
            window_ms,
            key_secret: *key_secret,
            places: loaded.places,
            licenses: loaded.licenses.into_iter().map(Moving::new).collect(),
            spent: loaded.spent,
            answered: FastMap::default(),
            refused: FastMap::default(),
            batches,
        })
    }

    /// Decides every use in order and puts what follows into the unit.
    pub fn decide(
        mut self,
        head: &mut LedgerHead,
        refusing: &mut Refusing,
        unit: &mut Unit,
    ) -> Vec<Outcomes> {
        let mut all = Vec::with_capacity(self.batches.len());
        let mut number = 0;
        for batch in self.batches {
            let mut outcomes = Vec::with_capacity(batch.uses.len());
            for (used, keyed) in batch.uses.iter().zip(&batch.keyed) {
                let place = self.places[number];
                number += 1;
                let told = Told { used, keyed: *keyed };
                outcomes.push(self.decide_one(
                    &batch.caller,
                    told,
                    place,
                    (&mut *head, &mut *refusing),
                    unit,
                ));
            }
            all.push(outcomes);
        }
        for ((license, meter), count) in std::mem::take(&mut self.refused) {
            unit.refusals.push((self.licenses[license].loaded.license.id, meter, count));
        }
        for license in &mut self.licenses {
            license.wind(unit);
        }
        all
    }

    fn decide_one(
        &mut self,
        caller: &Caller,
        told: Told<'_>,
        place: Option<usize>,
        (head, refusing): (&mut LedgerHead, &mut Refusing),
        unit: &mut Unit,
    ) -> Result<Answer, Refusal> {
        let Told { used, keyed } = told;
        caller.need(used.operation.permission())?;
        caller.need_meter(&used.meter)?;
        let place = place.ok_or_else(|| unknown_license(&used.license))?;
        let loaded = &self.licenses[place].loaded;
        caller.need_license(&loaded.license)?;
        let meter = loaded
            .meters
            .iter()
            .position(|meter| meter.spec.name == used.meter && caller.sees(meter.spec.visible_to))
            .ok_or_else(|| Refusal::Unknown(Kind::Meter, used.meter.as_str().into()))?;
        let license = loaded.license.id;
        let spec = Arc::clone(&loaded.meters[meter].spec);
        let now = head.now();
        if let Some(first) = self.first_answer(keyed, license, &spec, now)? {
            return Ok(first);
        }
        let moving = &mut self.licenses[place];
        let begins = used.operation.begins();
        if begins {
            moving.loaded.license.check_metering(&moving.loaded.terms, now)?;
        }
        used.check_occurred_at(now)?;
        moving.tend_if_due(head, unit);
        moving.catch_up(meter, head, unit)?;
        if begins {
            moving.machines(now).check_limits()?;
        }
        let fresh = if used.operation.makes_id() { random::uuid_v7(now) } else { [0; 16] };
        let decided = decide(&moving.situation(meter, now), used, fresh, &self.key_secret);
        let decision = match decided {
            Ok(decision) => decision,
            Err(refusal) => {
                self.refuse((place, meter), used, &refusal, (head, refusing), unit);
                return Err(refusal);
            }
        };
        let record = moving.carry_out(meter, &decision, Some(told), head, unit);
        moving.begin_expiry(used, head, unit);
        let answer = answer(moving, meter, &decision, record, now);
        if let (Some((key, request)), Some(record)) = (keyed, record) {
            unit.keys.push(SpentKey { key, ledger: head.number(), record });
            self.answered.insert(key, Spent { request, answer: answer.clone() });
        }
        Ok(answer)
    }

    /// The first answer once more, if the key was spent on this very request.
    fn first_answer(
        &mut self,
        keyed: Keyed,
        license: LicenseId,
        spec: &MeterSpec,
        now: Timestamp,
    ) -> Result<Option<Answer>, Refusal> {
        let Some((key, request)) = keyed else { return Ok(None) };
        let Some(spent) = self.spent(key, spec, now) else { return Ok(None) };
        let is_same = spent.answer.license == license && spent.answer.meter == spec.name;
        if spent.request != request || !is_same {
            return Err(Refusal::IdempotencyConflict);
        }
        Ok(Some(Answer { repeat: true, ..spent.answer }))
    }

    /// The first answer under a key, from this unit or from the ledger, while the window lasts.
    fn spent(&mut self, digest: KeyDigest, spec: &MeterSpec, now: Timestamp) -> Option<Spent> {
        match self.answered.entry(digest) {
            Entry::Occupied(entry) => Some(entry.get().clone()),
            Entry::Vacant(entry) => {
                let (_, index, bytes) = self.spent.get(&digest)?;
                let record = Record::decode(bytes).ok()?;
                let Event::Use(event) = record.event else {
                    return None;
                };
                if record.at.plus_ms(self.window_ms) < now {
                    return None;
                }
                let (_, request) = event.idempotency?;
                let answer = Answer {
                    license: event.license,
                    meter: Code::parse("meter", event.meter).ok()?,
                    scale: spec.scale,
                    counted: event.counted,
                    remaining: event.counted.remaining(spec.measure),
                    period_end: None,
                    activation: event.activation,
                    reference: event.reference,
                    ended: None,
                    record: *index,
                    at: record.at,
                    repeat: false,
                    warning: None,
                };
                Some(entry.insert(Spent { request, answer }).clone())
            }
        }
    }

    /// Counts a refusal, and records it if the policy asks. Otherwise nothing changes (rule 13).
    fn refuse(
        &mut self,
        place: (usize, usize),
        used: &Use,
        refusal: &Refusal,
        (head, refusing): (&mut LedgerHead, &mut Refusing),
        unit: &mut Unit,
    ) {
        if refusal.figures().is_none() {
            return;
        }
        *self.refused.entry(place).or_default() += 1;
        let moving = &mut self.licenses[place.0];
        let license = moving.loaded.license.id;
        let meter = &moving.loaded.meters[place.1];
        let spec = Arc::clone(&meter.spec);
        let state = meter.state;
        let is_news = !spec.thresholds.is_empty()
            && !refusing.is_told(license, &spec.name, state.last_record);
        let mut record = None;
        if spec.record_refusals {
            record = Some(Self::record_refusal(moving, place.1, used, refusal, head, unit));
        }
        let last_record = record.or(state.last_record);
        if is_news {
            let allowed = moving.situation(place.1, head.now()).meter.allowed(&state);
            let event = NoticedEvent {
                license,
                meter: &spec.name,
                notice: Notice::Refused,
                cause: record,
                total: state.total,
                allowed,
            };
            head.append(Event::Noticed(event), unit);
        }
        if !spec.thresholds.is_empty() && (is_news || record.is_some()) {
            refusing.tell(license, &spec.name, last_record);
        }
    }

    /// Writes a refusal down, in the meter's history.
    fn record_refusal(
        moving: &mut Moving,
        place: usize,
        used: &Use,
        refusal: &Refusal,
        head: &mut LedgerHead,
        unit: &mut Unit,
    ) -> u64 {
        let meter = &moving.loaded.meters[place];
        let state = meter.state;
        let asked = refusal.figures().map_or(0, |figures| figures.asked);
        let event = Event::Refused(RefusedEvent {
            license: moving.loaded.license.id,
            meter: &meter.spec.name,
            operation: used.operation.kind(),
            asked,
            code: refusal.code(),
            total: state.total,
            previous: state.last_record,
        });
        let record = head.append(event, unit);
        moving.move_to(place, MeterState { last_record: Some(record), ..state }, unit);
        record
    }
}

/// What the caller hears of a decision that was carried out.
fn answer(
    moving: &Moving,
    meter: usize,
    decision: &Decision,
    record: Option<u64>,
    now: Timestamp,
) -> Answer {
    let LoadedLicense { license, meters, .. } = &moving.loaded;
    let LoadedMeter { spec, state, .. } = &meters[meter];
    let first = decision.steps.first();
    let counted = match first {
        Some(step) => step.counted,
        None => moving.situation(meter, now).meter.standing(state),
    };
    Answer {
        license: license.id,
        meter: spec.name.clone(),
        scale: spec.scale,
        counted,
        remaining: counted.remaining(spec.measure),
        period_end: state.period_end,
        activation: first.and_then(|step| step.activation),
        reference: first.and_then(|step| step.reference).or(decision.reference),
        ended: decision.ended,
        record: record.or(state.last_record).unwrap_or(0),
        at: now,
        repeat: false,
        warning: license.warning(now).cloned(),
    }
}

/// Looks once more for keys that were not found, as they were probably meant.
fn find_mistyped(
    store: &mut dyn Store,
    account: AccountId,
    batches: &[Batch],
    loaded: &mut Loaded,
) -> Result<(), StoreError> {
    let uses = batches.iter().flat_map(|batch| &batch.uses);
    let mut meant = Vec::new();
    for (number, used) in uses.enumerate() {
        if loaded.places[number].is_none()
            && let LicenseRef::Key(key) = &used.license
        {
            let again = as_probably_meant(&key.0);
            if again != key.0 {
                meant.push((number, LicenseRef::Key(LicenseKey(again))));
            }
        }
    }
    if meant.is_empty() {
        return Ok(());
    }
    let licenses = meant.iter().map(|(_, license)| (account, license)).collect();
    let found = store.load(&Wanted { licenses, keys: Vec::new() })?;
    for ((number, _), place) in meant.iter().zip(found.places) {
        let Some(place) = place else { continue };
        let id = found.licenses[place].license.id;
        let known = loaded.licenses.iter().position(|known| known.license.id == id);
        loaded.places[*number] = Some(known.unwrap_or_else(|| {
            loaded.licenses.push(found.licenses[place].clone());
            loaded.licenses.len() - 1
        }));
    }
    Ok(())
}

/// What to say of a license that was not found: a key that fails its check was mistyped.
#[must_use]
pub fn unknown_license(name: &LicenseRef) -> Refusal {
    match name {
        LicenseRef::Id(id) => Refusal::Unknown(Kind::License, id.to_string()),
        LicenseRef::Key(key) if !has_valid_check_symbol(&as_probably_meant(&key.0)) => {
            Refusal::KeyMistyped
        }
        LicenseRef::Key(_) => Refusal::Unknown(Kind::License, "with this key".into()),
    }
}
