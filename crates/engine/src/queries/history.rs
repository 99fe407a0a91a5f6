//! Questions about what a meter did.

use usance_core::ledger::record::{Event, Record};
use usance_core::meter::HourSums;
use usance_core::refusal::Refusal;
use usance_core::time::{HOUR_MS, Timestamp};
use usance_core::usage::Subject;
use usance_core::view::{
    History, HistoryEntry, HistoryEvent, MeterView, Page, PageRequest, UsageReport, Window,
};

use super::{Queries, bad_cursor};
use crate::catalogue::Undecided;
use crate::limits::{PAGE_ITEMS_MAX, USAGE_HOURS_MAX};
use crate::store::StoreError;
use crate::stored_tree::StoredTree;

impl Queries<'_> {
    /// The history of a meter, newest first. Each record names the one before it of the same meter,
    /// so that a page reads as many blocks as it has entries, however long the ledger is.
    ///
    /// # Errors
    /// A refusal, or the store's.
    pub fn history(&self, meter: &MeterView, page: &PageRequest) -> Result<History, Undecided> {
        if page.limit == 0 || page.limit > PAGE_ITEMS_MAX {
            return Err(Refusal::invalid("limit", "must be 1 to 1000").into());
        }
        let account = self.caller.account;
        let Some(ledger) = self.reader.ledger_number(account, self.writer)? else {
            return Ok(history(meter, Vec::new(), None));
        };
        let mut next = match &page.cursor {
            None => meter.state.last_record,
            Some(cursor) => Some(cursor.parse::<u64>().map_err(|_| bad_cursor())?),
        };
        let mut tree = StoredTree::new(self.reader, ledger);
        let mut entries = Vec::new();
        while let Some(index) = next
            && entries.len() < page.limit
        {
            if meter.state.last_record.is_none_or(|last| index > last) {
                return Err(bad_cursor().into());
            }
            let corrupt = |error| StoreError::Corrupt(format!("record {index}: {error}"));
            let record = Record::decode(tree.record(index)?).map_err(corrupt)?;
            let Some((event, previous)) = event_of(&record.event, meter) else {
                return Err(bad_cursor().into());
            };
            let mut entry = HistoryEntry { record: index, at: record.at, event };
            if let HistoryEvent::Use { subject: subject @ Some(_), .. } = &mut entry.event {
                *subject = self.reader.subject(ledger, index)?;
            }
            entries.push(entry);
            next = previous;
        }
        Ok(history(meter, entries, next))
    }

    /// Sums of a meter per window. `[from, to)` is widened to whole hours.
    ///
    /// # Errors
    /// A refusal, or the store's.
    pub fn usage(
        &self,
        meter: &MeterView,
        from: Timestamp,
        to: Timestamp,
        window: Window,
    ) -> Result<UsageReport, Undecided> {
        let first = from.hour();
        let end = to.0.div_euclid(HOUR_MS) + i64::from(to.0.rem_euclid(HOUR_MS) > 0);
        if to <= from {
            return Err(Refusal::invalid("to", "must be later than from").into());
        }
        if end - first > USAGE_HOURS_MAX {
            return Err(Refusal::invalid("from", "must be at most 20 years before to").into());
        }
        let name = &meter.spec.name;
        let mut hours = self.reader.hours(self.caller.account, meter.license, name, first..end)?;
        let running = meter.state.hour;
        if !running.is_empty() && (first..end).contains(&running.hour) {
            hours.retain(|hour| hour.hour != running.hour);
            hours.push(running);
        }
        let mut windows: Vec<(Timestamp, HourSums)> = Vec::new();
        for hour in hours {
            let begin = window_begin(hour.hour, window);
            match windows.last_mut() {
                Some((last, sums)) if *last == begin => add(sums, &hour),
                _ => windows.push((begin, hour)),
            }
        }
        Ok(UsageReport {
            meter: name.clone(),
            scale: meter.spec.scale,
            window,
            from: Timestamp(first * HOUR_MS),
            to: Timestamp(end * HOUR_MS),
            windows,
        })
    }
}

fn history(meter: &MeterView, items: Vec<HistoryEntry>, next: Option<u64>) -> History {
    History {
        license: meter.license,
        meter: meter.spec.name.clone(),
        scale: meter.spec.scale,
        measure: meter.spec.measure,
        page: Page { items, next: next.map(|next| next.to_string()) },
    }
}

/// What happened to this meter, and the record before; none if the record is not of this meter.
/// A subject that was told is left empty, for the caller to fill in.
fn event_of(event: &Event<'_>, of: &MeterView) -> Option<(HistoryEvent, Option<u64>)> {
    let is_of = |license, meter: &str| license == of.license && *meter == *of.spec.name;
    match event {
        Event::Use(event) if is_of(event.license, event.meter) => {
            let attributes = event.attributes.iter();
            let shown = HistoryEvent::Use {
                counted: event.counted,
                activation: event.activation,
                reference: event.reference,
                turn: event.turn,
                occurred_at: event.occurred_at,
                subject: event.subject.map(|_| Subject::default()),
                attributes: attributes.map(|(name, value)| (name.into(), value.into())).collect(),
            };
            Some((shown, event.previous))
        }
        Event::Refused(event) if is_of(event.license, event.meter) => {
            let shown = HistoryEvent::Refused {
                operation: event.operation,
                asked: event.asked,
                code: event.code.into(),
                total: event.total,
            };
            Some((shown, event.previous))
        }
        _ => None,
    }
}

fn window_begin(hour: i64, window: Window) -> Timestamp {
    let begin = Timestamp(hour * HOUR_MS);
    match window {
        Window::Hour => begin,
        Window::Day => Timestamp(hour.div_euclid(24) * 24 * HOUR_MS),
        Window::Month => month_begin(begin).unwrap_or(begin),
    }
}

fn month_begin(at: Timestamp) -> Option<Timestamp> {
    let utc = jiff::Timestamp::from_millisecond(at.0).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
    let first = utc.first_of_month().ok()?.start_of_day().ok()?;
    Some(Timestamp(first.timestamp().as_millisecond()))
}

fn add(sums: &mut HourSums, hour: &HourSums) {
    sums.uses = sums.uses.saturating_add(hour.uses);
    sums.incremented = sums.incremented.saturating_add(hour.incremented);
    sums.decremented = sums.decremented.saturating_add(hour.decremented);
    sums.adjusted = sums.adjusted.saturating_add(hour.adjusted);
    sums.overage = sums.overage.saturating_add(hour.overage);
}
