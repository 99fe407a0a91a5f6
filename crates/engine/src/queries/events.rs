//! What happened: the ledger, told to those who listen.

use usance_core::audience::Audiences;
use usance_core::caller::Caller;
use usance_core::event::{EventFilter, Events, Told, What, kind};
use usance_core::id::{
    ActivationId, CustomerId, EntitlementId, LicenseId, PolicyId, ProductId, RuleId, TokenId,
    UserId, WebhookId,
};
use usance_core::ledger::block;
use usance_core::ledger::record::{ChangedEvent, Entity, Event, Record};
use usance_core::license::LicenseRef;
use usance_core::meter::Measure;
use usance_core::quantity::Scale;
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::Code;
use usance_core::token::Permission;
use usance_core::usage::Subject;
use usance_core::view::HistoryEvent;

use super::Queries;
use crate::catalogue::Undecided;
use crate::limits::{EVENTS_SCANNED_MAX, PAGE_ITEMS_MAX};
use crate::store::{Detail, FastMap, StoreError};
use crate::unit::LedgerNumber;

impl Queries<'_> {
    /// Events from `from` on that are wanted, oldest first, at most `limit`. Looks at a bounded
    /// number of records: an answer may be empty and not the end.
    ///
    /// # Errors
    /// A refusal, or the store's.
    pub fn events(
        &self,
        from: u64,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<Events, Undecided> {
        let filter = event_filter(self.caller, filter)?;
        if limit == 0 || limit > PAGE_ITEMS_MAX {
            return Err(Refusal::invalid("limit", "must be 1 to 1000").into());
        }
        let mut events = Events { items: Vec::new(), next: from, is_end: true };
        let number = self.reader.ledger_number(self.caller.account, self.writer)?;
        let Some(ledger) = number else { return Ok(events) };
        let last = self.reader.last_block(ledger)?;
        let size = last.map_or(0, |last| last.first + last.count);
        if from > size {
            let what = "must not be beyond the end of the ledger";
            return Err(Refusal::invalid("from", what).into());
        }
        let end = size.min(from.saturating_add(EVENTS_SCANNED_MAX));
        let mut known = FastMap::default();
        while events.next < end && events.items.len() < limit {
            let missing = || StoreError::Corrupt(format!("record {} is missing", events.next));
            let block = self.reader.block_of(ledger, events.next)?.ok_or_else(missing)?;
            let skipped = usize::try_from(events.next - block.first).unwrap_or(usize::MAX);
            for (bytes, _) in block::records(&block.body).skip(skipped) {
                if events.items.len() >= limit || events.next >= end {
                    break;
                }
                let corrupt =
                    |error| StoreError::Corrupt(format!("record {}: {error}", events.next));
                let record = Record::decode(bytes).map_err(corrupt)?;
                if is_wanted(&record.event, &filter) {
                    let told = self.told((ledger, events.next), &record, &mut known)?;
                    if self.caller.sees(told.visible_to) {
                        events.items.push(told);
                    }
                }
                events.next += 1;
            }
        }
        events.is_end = events.next >= size;
        Ok(events)
    }

    /// How many records the account's ledger has.
    ///
    /// # Errors
    /// A refusal, or the store's.
    pub fn events_end(&self) -> Result<u64, Undecided> {
        self.caller.need(Permission::EventRead)?;
        let number = self.reader.ledger_number(self.caller.account, self.writer)?;
        let last = match number {
            Some(ledger) => self.reader.last_block(ledger)?,
            None => None,
        };
        Ok(last.map_or(0, |last| last.first + last.count))
    }

    fn told(
        &self,
        (ledger, number): (LedgerNumber, u64),
        record: &Record<'_>,
        known: &mut FastMap<(LicenseId, String), ShownMeter>,
    ) -> Result<Told, Undecided> {
        let shown = match (license_of(&record.event), meter_of(&record.event)) {
            (Some(license), Some(meter)) => self.shown(license, meter, known)?,
            _ => ShownMeter { visible_to: Audiences::all(), ..ShownMeter::GONE },
        };
        let what = match &record.event {
            Event::Opened { .. } => What::Opened,
            Event::ClockBack { wall } => What::ClockBack { wall: *wall },
            Event::Changed(event) => self.changed((ledger, number), event)?,
            Event::Noticed(event) => What::Noticed {
                meter: code(event.meter)?,
                scale: shown.scale,
                notice: event.notice,
                cause: event.cause,
                total: event.total,
                allowed: event.allowed,
            },
            Event::Refused(event) => What::Meter {
                meter: code(event.meter)?,
                scale: shown.scale,
                measure: shown.measure,
                event: HistoryEvent::Refused {
                    operation: event.operation,
                    asked: event.asked,
                    code: event.code.into(),
                    total: event.total,
                },
            },
            Event::Use(event) => {
                let attributes = event.attributes.iter();
                let subject = match event.subject {
                    Some(_) => self.reader.subject(ledger, number)?,
                    None => None::<Subject>,
                };
                What::Meter {
                    meter: code(event.meter)?,
                    scale: shown.scale,
                    measure: shown.measure,
                    event: HistoryEvent::Use {
                        counted: event.counted,
                        activation: event.activation,
                        reference: event.reference,
                        turn: event.turn,
                        occurred_at: event.occurred_at,
                        subject,
                        attributes: attributes
                            .map(|(name, value)| (name.into(), value.into()))
                            .collect(),
                    },
                }
            }
        };
        let license = license_of(&record.event);
        let visible_to = shown.visible_to;
        Ok(Told { number, at: record.at, kind: kind(&record.event), license, visible_to, what })
    }

    fn changed(
        &self,
        (ledger, number): (LedgerNumber, u64),
        event: &ChangedEvent,
    ) -> Result<What, Undecided> {
        let Detail { before, after, address } = self.reader.details(ledger, number, event.id)?;
        let thing = thing(event.entity, event.id);
        Ok(What::Changed { thing, by: event.by, address, before, after })
    }

    /// How a meter is shown. One that is gone is the vendor's alone, in its smallest unit.
    fn shown(
        &self,
        license: LicenseId,
        meter: &str,
        known: &mut FastMap<(LicenseId, String), ShownMeter>,
    ) -> Result<ShownMeter, Undecided> {
        if let Some(shown) = known.get(&(license, meter.to_owned())) {
            return Ok(*shown);
        }
        let found = self.reader.meter_spec(self.caller.account, &LicenseRef::Id(license), meter)?;
        let shown = found.map_or(ShownMeter::GONE, |spec| ShownMeter {
            scale: spec.scale,
            measure: spec.measure,
            visible_to: spec.visible_to,
        });
        known.insert((license, meter.to_owned()), shown);
        Ok(shown)
    }
}

/// The filter, narrowed to what the caller's permissions and locks let it see.
///
/// # Errors
/// A refusal.
pub fn event_filter(caller: &Caller, filter: &EventFilter) -> Result<EventFilter, Refusal> {
    caller.need(Permission::EventRead)?;
    let mut filter = filter.clone();
    let locks = &caller.locks;
    if locks.product.is_some() || locks.user.is_some() || locks.customer.is_some() {
        caller.need_unlocked()?;
    }
    if let Some(only) = locks.license {
        if filter.license.is_some_and(|license| license != only) {
            return Err(Refusal::Locked(Kind::License));
        }
        filter.license = Some(only);
    }
    if let Some(only) = &locks.meter {
        if filter.meter.as_ref().is_some_and(|meter| meter != only) {
            return Err(Refusal::Locked(Kind::Meter));
        }
        filter.meter = Some(only.clone());
    }
    Ok(filter)
}

/// How a meter is shown, and to whom.
#[derive(Clone, Copy)]
struct ShownMeter {
    scale: Scale,
    measure: Measure,
    visible_to: Audiences,
}

impl ShownMeter {
    const GONE: Self =
        Self { scale: Scale::WHOLE, measure: Measure::Uses, visible_to: Audiences::NONE };
}

fn code(meter: &str) -> Result<Code, StoreError> {
    Code::parse("meter", meter).map_err(|_| StoreError::Corrupt(format!("{meter} is no meter")))
}

fn license_of(event: &Event<'_>) -> Option<LicenseId> {
    match event {
        Event::Use(event) => Some(event.license),
        Event::Refused(event) => Some(event.license),
        Event::Noticed(event) => Some(event.license),
        Event::Changed(event) if event.entity == Entity::License => {
            Some(LicenseId::from_bytes(event.id))
        }
        _ => None,
    }
}

const fn meter_of<'e>(event: &Event<'e>) -> Option<&'e str> {
    match event {
        Event::Use(event) => Some(event.meter),
        Event::Refused(event) => Some(event.meter),
        Event::Noticed(event) => Some(event.meter),
        _ => None,
    }
}

fn is_wanted(event: &Event<'_>, filter: &EventFilter) -> bool {
    let meter = meter_of(event);
    let thing = match event {
        Event::Changed(event) => Some(event.id),
        _ => None,
    };
    filter.license.is_none_or(|license| license_of(event) == Some(license))
        && filter.meter.as_ref().is_none_or(|wanted| meter == Some(wanted.as_str()))
        && filter.thing.is_none_or(|wanted| thing == Some(wanted))
        && filter.kinds.contain(kind(event))
}

/// The id of a thing as it is shown.
fn thing(entity: Entity, id: [u8; 16]) -> String {
    match entity {
        Entity::Product => ProductId::from_bytes(id).to_string(),
        Entity::Policy => PolicyId::from_bytes(id).to_string(),
        Entity::License => LicenseId::from_bytes(id).to_string(),
        Entity::Token => TokenId::from_bytes(id).to_string(),
        Entity::Activation => ActivationId::from_bytes(id).to_string(),
        Entity::Entitlement => EntitlementId::from_bytes(id).to_string(),
        Entity::Customer => CustomerId::from_bytes(id).to_string(),
        Entity::User => UserId::from_bytes(id).to_string(),
        Entity::Webhook => WebhookId::from_bytes(id).to_string(),
        Entity::Rule => RuleId::from_bytes(id).to_string(),
    }
}
