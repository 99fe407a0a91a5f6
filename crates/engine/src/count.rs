//! Counts uses: load, decide, record.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use usance_core::caller::Caller;
use usance_core::id::{AccountId, LicenseId};
use usance_core::key::{as_probably_meant, has_valid_check_symbol};
use usance_core::ledger::commitment::Commitment;
use usance_core::ledger::record::{AttributesView, Event, Record, RefusedEvent, UseEvent};
use usance_core::license::{LicenseKey, LicenseRef};
use usance_core::meter::{Counted, Meter, MeterSpec, MeterState};
use usance_core::quantity::Scale;
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::usage::{Answer, KeyDigest, RequestDigest, Use};

use crate::ledger_head::LedgerHead;
use crate::random;
use crate::store::{FastMap, Loaded, LoadedLicense, LoadedMeter, Store, StoreError, Wanted};
use crate::unit::{ClosedHour, MovedMeter, SpentKey, SubjectRow, Unit};

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
    account: AccountId,
    window_ms: i64,
    loaded: Loaded,
    /// What this unit has answered under a key.
    answered: FastMap<KeyDigest, Spent>,
    /// Meters that this unit moved: license place, meter place, place in the unit.
    moved: FastMap<(usize, usize), usize>,
    refused: FastMap<(usize, usize), u64>,
    batches: &'a [Batch],
    attributes: Vec<u8>,
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
        window_ms: i64,
    ) -> Result<Self, StoreError> {
        let mut wanted = Wanted::default();
        for batch in batches {
            wanted.licenses.extend(batch.uses.iter().map(|used| (account, &used.license)));
            wanted.keys.extend(batch.keyed.iter().flatten().map(|(key, _)| *key));
        }
        let mut loaded = store.load(&wanted)?;
        find_mistyped(store, account, batches, &mut loaded)?;
        Ok(Self {
            account,
            window_ms,
            loaded,
            answered: FastMap::default(),
            moved: FastMap::default(),
            refused: FastMap::default(),
            batches,
            attributes: Vec::new(),
        })
    }

    /// Decides every use in order and puts what follows into the unit.
    pub fn decide(mut self, head: &mut LedgerHead, unit: &mut Unit) -> Vec<Outcomes> {
        let mut all = Vec::with_capacity(self.batches.len());
        let mut number = 0;
        for batch in self.batches {
            let mut outcomes = Vec::with_capacity(batch.uses.len());
            for (used, keyed) in batch.uses.iter().zip(&batch.keyed) {
                let place = self.loaded.places[number];
                number += 1;
                outcomes.push(self.decide_one(&batch.caller, used, *keyed, place, head, unit));
            }
            all.push(outcomes);
        }
        for ((license, meter), count) in std::mem::take(&mut self.refused) {
            unit.refusals.push((self.loaded.licenses[license].license.id, meter, count));
        }
        all
    }

    fn decide_one(
        &mut self,
        caller: &Caller,
        used: &Use,
        keyed: Keyed,
        place: Option<usize>,
        head: &mut LedgerHead,
        unit: &mut Unit,
    ) -> Result<Answer, Refusal> {
        caller.need(used.operation.kind().permission())?;
        caller.need_meter(&used.meter)?;
        let place = place.ok_or_else(|| unknown_license(&used.license))?;
        let LoadedLicense { license, policy, meters, .. } = &self.loaded.licenses[place];
        let (license, policy) = (Arc::clone(license), Arc::clone(policy));
        caller.need_license(license.id, license.product)?;
        let meter_place = policy
            .meters
            .iter()
            .position(|spec| spec.name == used.meter)
            .ok_or_else(|| Refusal::Unknown(Kind::Meter, used.meter.as_str().into()))?;
        let spec = &policy.meters[meter_place];
        let LoadedMeter { allowed_from, state } = meters[meter_place];
        let now = head.now();

        if let Some(first) = self.first_answer(keyed, license.id, spec, now)? {
            return Ok(first);
        }
        license.check_metering(policy.meter_while, now)?;
        used.check_occurred_at(now)?;
        let meter = Meter { license: license.id, spec, allowed_from };
        let place = (place, meter_place);
        let (counted, after) = match meter.decide(&state, &used.operation, now) {
            Ok(decided) => decided,
            Err(refusal) => {
                self.refuse(place, used, &meter, &refusal, head, unit);
                return Err(refusal);
            }
        };
        let record = self.record(used, keyed, &meter, &state, counted, head, unit);
        if state.hour.uses > 0 && state.hour.hour != after.hour.hour {
            unit.hours.push(ClosedHour {
                account: self.account,
                license: license.id,
                meter: spec.name.clone(),
                sums: state.hour,
            });
        }
        self.move_to(place, MeterState { last_record: Some(record), ..after }, unit);
        let answer = Answer {
            license: license.id,
            meter: spec.name.clone(),
            scale: spec.scale,
            counted,
            record,
            at: now,
            repeat: false,
        };
        if let Some((key, request)) = keyed {
            unit.keys.push(SpentKey { key, ledger: head.number(), record });
            self.answered.insert(key, Spent { request, answer: answer.clone() });
        }
        Ok(answer)
    }

    /// Appends the record of an accepted use, and lays its personal data beside it.
    #[expect(clippy::too_many_arguments, reason = "a record is made of all of these")]
    fn record(
        &mut self,
        used: &Use,
        keyed: Keyed,
        meter: &Meter<'_>,
        before: &MeterState,
        counted: Counted,
        head: &mut LedgerHead,
        unit: &mut Unit,
    ) -> u64 {
        let salted = used.subject.as_ref().map(|subject| (subject, random::salt()));
        let event = Event::Use(UseEvent {
            license: meter.license,
            meter: &meter.spec.name,
            counted,
            previous: before.last_record,
            idempotency: keyed,
            occurred_at: used.occurred_at,
            subject: salted.map(|(subject, salt)| Commitment::to(subject, &salt)),
            attributes: AttributesView::encode(&used.attributes, &mut self.attributes),
        });
        let record = head.append(event, unit);
        if let Some((subject, salt)) = salted {
            let subject = subject.clone();
            unit.subjects.push(SubjectRow { ledger: head.number(), record, salt, subject });
        }
        record
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
        let Some(spent) = self.spent(key, spec.scale, now) else { return Ok(None) };
        let is_same = spent.answer.license == license && spent.answer.meter == spec.name;
        if spent.request != request || !is_same {
            return Err(Refusal::IdempotencyConflict);
        }
        Ok(Some(Answer { repeat: true, ..spent.answer }))
    }

    /// The first answer under a key, from this unit or from the ledger, while the window lasts.
    fn spent(&mut self, digest: KeyDigest, scale: Scale, now: Timestamp) -> Option<Spent> {
        match self.answered.entry(digest) {
            Entry::Occupied(entry) => Some(entry.get().clone()),
            Entry::Vacant(entry) => {
                let (_, index, bytes) = self.loaded.spent.get(&digest)?;
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
                    scale,
                    counted: event.counted,
                    record: *index,
                    at: record.at,
                    repeat: false,
                };
                Some(entry.insert(Spent { request, answer }).clone())
            }
        }
    }

    fn move_to(&mut self, place: (usize, usize), state: MeterState, unit: &mut Unit) {
        let loaded = &mut self.loaded.licenses[place.0];
        loaded.meters[place.1].state = state;
        match self.moved.entry(place) {
            Entry::Occupied(entry) => unit.meters[*entry.get()].state = state,
            Entry::Vacant(entry) => {
                entry.insert(unit.meters.len());
                let license = loaded.license.id;
                unit.meters.push(MovedMeter { license, meter: place.1, state });
            }
        }
    }

    /// Counts a refusal, and records it if the policy asks. Otherwise nothing changes (rule 13).
    fn refuse(
        &mut self,
        place: (usize, usize),
        used: &Use,
        meter: &Meter<'_>,
        refusal: &Refusal,
        head: &mut LedgerHead,
        unit: &mut Unit,
    ) {
        let Some(figures) = refusal.figures() else {
            return;
        };
        *self.refused.entry(place).or_default() += 1;
        if !meter.spec.record_refusals {
            return;
        }
        let state = self.loaded.licenses[place.0].meters[place.1].state;
        let event = Event::Refused(RefusedEvent {
            license: meter.license,
            meter: &meter.spec.name,
            operation: used.operation.kind(),
            asked: figures.asked,
            code: refusal.code(),
            total: state.total,
            previous: state.last_record,
        });
        let record = head.append(event, unit);
        self.move_to(place, MeterState { last_record: Some(record), ..state }, unit);
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
