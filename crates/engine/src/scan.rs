//! Shows a watcher what a ledger says, record by record, with what the records do not say.

use std::sync::Arc;

use usance_core::command::Ref;
use usance_core::id::{AccountId, LicenseId, PolicyId, ProductId};
use usance_core::ledger::block;
use usance_core::ledger::record::{Entity, Event, Record};
use usance_core::license::LicenseRef;
use usance_core::policy::Policy;
use usance_core::quantity::Scale;
use usance_core::rule::{Seen, SeenWhat, Trigger, Watcher, address_mark};
use usance_core::text::Code;
use usance_core::time::{HOUR_MS, Timestamp};
use usance_core::view::PageRequest;

use crate::limits::{FACTS_CACHED_MAX, PAGE_ITEMS_MAX};
use crate::store::{FastMap, LicenseQuery, Reader, Slice, StoreError};
use crate::unit::LedgerNumber;

/// Hours of a day.
const DAY_HOURS: i64 = 24;
/// Days that the usual use of an hour is the average of.
const USUAL_DAYS: i64 = 7;

/// Reads a ledger for a watcher.
pub struct Scan {
    reader: Arc<dyn Reader>,
    account: AccountId,
    ledger: LedgerNumber,
    /// Who is shown what happens.
    pub watcher: Watcher,
    /// The first record that was not shown yet.
    pub next: u64,
    /// When the last record was stamped that was shown.
    pub last_at: Timestamp,
    facts: FastMap<LicenseId, Option<Facts>>,
    policies: FastMap<PolicyId, Arc<Policy>>,
}

/// What records do not say of a license.
struct Facts {
    product: ProductId,
    policy: PolicyId,
    meters: Vec<(Code, Scale)>,
}

impl Scan {
    /// Begins at the first record from `begin` on, or a little before.
    ///
    /// # Errors
    /// The store's.
    pub fn begin(
        reader: Arc<dyn Reader>,
        account: AccountId,
        ledger: LedgerNumber,
        watcher: Watcher,
        begin: Timestamp,
    ) -> Result<Self, StoreError> {
        let next = first_from(&*reader, ledger, begin)?;
        let mut scan = Self {
            reader,
            account,
            ledger,
            watcher,
            next,
            last_at: Timestamp(i64::MIN),
            facts: FastMap::default(),
            policies: FastMap::default(),
        };
        if scan.watcher.needs_dues() {
            scan.tell_all_dues()?;
        }
        Ok(scan)
    }

    /// Shows the next block of records that are committed. Returns what they trigger; none at the
    /// end.
    ///
    /// # Errors
    /// The store's.
    pub fn step(&mut self) -> Result<Option<Vec<Trigger>>, StoreError> {
        let Some(found) = self.reader.block_of(self.ledger, self.next)? else { return Ok(None) };
        let end = found.first + found.count;
        if end <= self.next {
            return Ok(None);
        }
        let addresses = match self.watcher.needs_addresses() {
            true => self.reader.addresses(self.ledger, self.next, end)?,
            false => Vec::new(),
        };
        let mut addresses = addresses.into_iter().peekable();
        let skipped = usize::try_from(self.next - found.first).unwrap_or(usize::MAX);
        let mut triggers = Vec::new();
        for (bytes, _) in block::records(&found.body).skip(skipped) {
            let number = self.next;
            let corrupt = |error| StoreError::Corrupt(format!("record {number}: {error}"));
            let record = Record::decode(bytes).map_err(corrupt)?;
            while addresses.peek().is_some_and(|(record, _)| *record < number) {
                addresses.next();
            }
            let address = addresses.next_if(|(record, _)| *record == number);
            let address = address.map(|(_, address)| address_mark(&address));
            triggers.extend(self.show(number, &record, address)?);
            self.next += 1;
            self.last_at = record.at;
        }
        if self.next < end {
            return Err(StoreError::Corrupt(format!("record {} is missing", self.next)));
        }
        Ok(Some(triggers))
    }

    fn show(
        &mut self,
        number: u64,
        record: &Record<'_>,
        address: Option<u128>,
    ) -> Result<Vec<Trigger>, StoreError> {
        let (license, meter, what) = match &record.event {
            Event::Use(event) => {
                let counted = &event.counted;
                let what = SeenWhat::Used {
                    amount: counted.operation.change_of_gross(counted.applied),
                    activation: event.activation,
                    occurred_at: event.occurred_at,
                    address,
                };
                (event.license, event.meter, what)
            }
            Event::Refused(event) => (event.license, event.meter, SeenWhat::Refused),
            Event::Changed(event) => {
                self.forget(event.entity, event.id)?;
                return Ok(Vec::new());
            }
            Event::Opened { .. } | Event::Noticed(_) | Event::ClockBack { .. } => {
                return Ok(Vec::new());
            }
        };
        let Some((product, policy, place)) = self.facts(license, meter)? else {
            return Ok(Vec::new());
        };
        let Some(Some(facts)) = self.facts.get(&license) else { return Ok(Vec::new()) };
        let (meter, scale) = &facts.meters[place];
        let at = record.at;
        let seen = Seen { number, at, license, product, policy, meter, scale: *scale, what };
        if self.watcher.wants_usual(&seen) {
            let hour = at.hour();
            let range = hour - USUAL_DAYS * DAY_HOURS..hour;
            let hours = self.reader.hours(self.account, license, meter, range)?;
            let is_same = |past: i64| (hour - past) % DAY_HOURS == 0;
            let same = hours.iter().filter(|sums| is_same(sums.hour));
            let sum = same.map(|sums| i128::from(sums.incremented)).sum();
            self.watcher.tell_usual(license, meter, hour, sum);
        }
        Ok(self.watcher.observe(&seen))
    }

    /// The product and policy of a license that is there, and the place of its meter.
    fn facts(
        &mut self,
        license: LicenseId,
        meter: &str,
    ) -> Result<Option<(ProductId, PolicyId, usize)>, StoreError> {
        if self.facts.len() >= FACTS_CACHED_MAX {
            self.facts.clear();
            self.policies.clear();
        }
        if !self.facts.contains_key(&license) {
            let found = self.reader.license(self.account, &LicenseRef::Id(license))?;
            let facts = found.map(|found| Facts {
                product: found.product,
                policy: found.policy,
                meters: Vec::new(),
            });
            self.facts.insert(license, facts);
        }
        let Some(Some(facts)) = self.facts.get_mut(&license) else { return Ok(None) };
        let known = facts.meters.iter().position(|(name, _)| name.as_str() == meter);
        let place = match known {
            Some(place) => place,
            None => {
                let id = LicenseRef::Id(license);
                let spec = self.reader.meter_spec(self.account, &id, meter)?;
                let scale = spec.map_or_else(Scale::default, |spec| spec.scale);
                let name = Code::parse("meter", meter)
                    .map_err(|_| StoreError::Corrupt(format!("{meter} is no meter")))?;
                facts.meters.push((name, scale));
                facts.meters.len() - 1
            }
        };
        Ok(Some((facts.product, facts.policy, place)))
    }

    /// What is known may be known no more.
    fn forget(&mut self, entity: Entity, id: [u8; 16]) -> Result<(), StoreError> {
        match entity {
            Entity::License => {
                let license = LicenseId::from_bytes(id);
                self.facts.remove(&license);
                if self.watcher.needs_dues() {
                    self.tell_due(license)?;
                }
            }
            Entity::Policy => {
                self.facts.clear();
                self.policies.clear();
                if self.watcher.needs_dues() {
                    self.tell_all_dues()?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn tell_due(&mut self, license: LicenseId) -> Result<(), StoreError> {
        match self.reader.license(self.account, &LicenseRef::Id(license))? {
            Some(found) => self.tell_due_of(&found),
            None => {
                let (product, policy) =
                    (ProductId::from_bytes([0; 16]), PolicyId::from_bytes([0; 16]));
                self.watcher.tell_due(license, None, product, policy);
                Ok(())
            }
        }
    }

    fn tell_due_of(&mut self, license: &usance_core::license::License) -> Result<(), StoreError> {
        let policy = match self.policies.get(&license.policy) {
            Some(policy) => Arc::clone(policy),
            None => {
                let found = self.reader.policy(self.account, &Ref::Id(license.policy))?;
                let missing = || StoreError::Corrupt(format!("there is no {}", license.policy));
                let policy = Arc::new(found.ok_or_else(missing)?);
                self.policies.insert(license.policy, Arc::clone(&policy));
                policy
            }
        };
        let own = policy.terms.of_license(&license.overrides);
        let due = license.check_in_due(own.as_ref().unwrap_or(&policy.terms));
        self.watcher.tell_due(license.id, due, license.product, license.policy);
        Ok(())
    }

    fn tell_all_dues(&mut self) -> Result<(), StoreError> {
        let request = PageRequest { limit: PAGE_ITEMS_MAX, cursor: None };
        let mut part = Slice { after: None, limit: request.limit };
        loop {
            let found = self.reader.licenses(self.account, &LicenseQuery::default(), &part)?;
            for license in &found {
                self.tell_due_of(license)?;
            }
            match found.last() {
                Some(last) => part.after = Some(*last.id.bytes()),
                None => return Ok(()),
            }
        }
    }
}

/// When what can matter began, for a watcher that judges from `from` on: whole hours, as the sums
/// of hours are whole.
#[must_use]
pub fn begins(watcher: &Watcher, from: Timestamp) -> Timestamp {
    let begin = from.plus_ms(-watcher.reach_ms());
    Timestamp(begin.hour().saturating_mul(HOUR_MS))
}

/// The first record of the block in which the records from `at` on begin.
fn first_from(reader: &dyn Reader, ledger: LedgerNumber, at: Timestamp) -> Result<u64, StoreError> {
    let Some(last) = reader.last_block(ledger)? else { return Ok(0) };
    // Every block that begins before `low` begins too early, none from `high` on does.
    let (mut low, mut high) = (0, last.first + last.count);
    while low < high {
        let middle = low + (high - low) / 2;
        let missing = || StoreError::Corrupt(format!("record {middle} is missing"));
        let found = reader.block_of(ledger, middle)?.ok_or_else(missing)?;
        if begins_before(&found.body, at) {
            low = found.first + found.count;
        } else {
            high = found.first;
        }
    }
    match low.checked_sub(1) {
        None => Ok(0),
        Some(before) => Ok(reader.block_of(ledger, before)?.map_or(0, |block| block.first)),
    }
}

fn begins_before(body: &[u8], at: Timestamp) -> bool {
    let first = block::records(body).next();
    first.and_then(|(bytes, _)| Record::decode(bytes).ok()).is_some_and(|record| record.at < at)
}
