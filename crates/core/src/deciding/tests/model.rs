//! One meter as a slow and obvious machine: everything is kept as a list and summed up again, each
//! period turns by itself, each step of time is counted by hand. Nothing here can overflow.

use super::*;
use crate::meter::{MeterPeriod, Rollover};
use crate::period::{Anchor, Cycle, Every};

/// A hold or session.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub number: u16,
    /// When it was seen, its beginning first; a hold is never seen.
    beats: Option<Vec<i64>>,
    count: i128,
    pub units: i128,
    expires: i64,
}

/// Who checks out, or does anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    Nobody,
    Machine(u8),
    User(&'static str),
}

#[derive(Debug)]
pub(super) struct Model {
    spec: MeterSpec,
    cycle: Option<Cycle>,
    zone: crate::period::zone::Zone,
    pub base: Option<i128>,
    pub total: i128,
    pub gross: i128,
    pub carried: i128,
    pub period_end: Option<i64>,
    pub items: Vec<Item>,
    passes: Vec<(Whom, i64)>,
    pub now: i64,
}

type Outcome = Result<(), &'static str>;

impl Model {
    pub fn new(world: &World) -> Self {
        let spec = world.spec.clone();
        let (zone, began) = (world.terms.time_zone.clone(), world.license.created_at);
        let anchor = world.terms.period_anchor.of(began);
        let cycle = match spec.period {
            MeterPeriod::Every(every) => Some(Cycle { every, anchor, zone: zone.clone() }),
            _ => None,
        };
        Self {
            base: spec.allowed.map(i128::from),
            total: i128::from(spec.floor.max(0)),
            spec,
            cycle,
            zone,
            gross: 0,
            carried: 0,
            period_end: None,
            items: Vec::new(),
            passes: Vec::new(),
            now: world.now.0,
        }
    }

    pub fn held(&self) -> i128 {
        self.items.iter().map(|item| item.units).sum()
    }

    /// As good as endless where nothing is said.
    fn ceiling(&self) -> i128 {
        let Some(base) = self.base else { return i128::MAX / 4 };
        let allowed = base + self.carried;
        match self.spec.overage {
            Overage::Refuse => allowed,
            Overage::Allow => i128::MAX / 4,
            Overage::Amount(amount) => allowed + i128::from(amount),
            Overage::Percent(percent) => allowed + allowed * i128::from(percent) / 100,
        }
    }

    fn is_peak(&self) -> bool {
        self.spec.measure == Measure::Peak
    }

    fn room_of_total(&self) -> i128 {
        self.ceiling() - self.total - if self.is_peak() { 0 } else { self.held() }
    }

    fn room_of_holds(&self) -> i128 {
        self.ceiling() - self.held() - if self.is_peak() { 0 } else { self.total }
    }

    /// Everything that time brings, one thing after the other. Only a use begins a first period.
    pub fn catch_up(&mut self, is_used: bool) {
        if let (None, Some(cycle), true) = (self.period_end, &self.cycle, is_used) {
            self.period_end = Some(cycle.period_at(Timestamp(self.now)).to.0);
        }
        loop {
            let due = self.items.iter().filter(|item| item.expires <= self.now);
            let first = due.min_by_key(|item| (item.expires, item.beats.is_some()));
            let (at, first) = first.map_or((i64::MAX, None), |item| {
                (item.expires, Some((item.number, item.beats.is_some())))
            });
            if self.period_end.is_some_and(|end| end <= self.now && end < at) {
                self.turn_until(self.now.min(at.saturating_sub(1)));
                continue;
            }
            match first {
                None => return,
                Some((number, true)) => self.end_session(number, at),
                Some((number, false)) => self.drop_item(number),
            }
        }
    }

    fn turn_until(&mut self, until: i64) {
        while let Some(end) = self.period_end.filter(|end| *end <= until) {
            let left = self.base.map_or(0, |base| (base + self.carried - self.total).max(0));
            self.carried = match self.spec.rollover {
                Rollover::None => 0,
                Rollover::All => left,
                Rollover::UpTo(most) => left.min(i128::from(most)),
            };
            let floor = i128::from(self.spec.floor.max(0));
            self.total = if self.is_peak() { floor.max(self.held()) } else { floor };
            let cycle = self.cycle.as_ref().unwrap();
            self.period_end = Some(cycle.period_at(Timestamp(end)).to.0);
        }
    }

    fn drop_item(&mut self, number: u16) {
        self.items.retain(|item| item.number != number);
    }

    fn item(&self, number: u16, is_session: bool) -> Result<Item, &'static str> {
        let found = self
            .items
            .iter()
            .find(|item| item.number == number && item.beats.is_some() == is_session);
        found.cloned().ok_or("over")
    }

    fn count_up(&mut self, by: i128) {
        self.total += by;
        self.gross += by;
    }

    fn raise_peak(&mut self) {
        let rise = self.held() - self.total;
        if self.is_peak() && rise > 0 {
            self.count_up(rise);
        }
    }

    /// What a session costs if it was active for so long between its beats.
    fn cost(&self, session: &Item, at: i64) -> i128 {
        let Measure::Duration(timing) = self.spec.measure else { return 0 };
        let idle = timing.idle_seconds.map_or(i64::MAX, |idle| i64::from(idle) * 1000);
        let mut active = 0;
        let mut beats = session.beats.clone().unwrap();
        beats.push(at);
        for pair in beats.windows(2) {
            active += (pair[1] - pair[0]).min(idle);
        }
        let billable = active.max(1) - i64::from(timing.free_seconds) * 1000;
        if billable <= 0 {
            return 0;
        }
        let billable = billable.max(i64::from(timing.minimum_seconds) * 1000);
        let mut steps = 0;
        while steps * i64::from(timing.step_seconds) * 1000 < billable {
            steps += 1;
        }
        let unit = i128::from(timing.unit_seconds);
        i128::from(steps) * i128::from(timing.step_seconds) * session.count / unit
    }

    fn end_session(&mut self, number: u16, at: i64) {
        let session = self.item(number, true).unwrap();
        self.drop_item(number);
        if matches!(self.spec.measure, Measure::Duration(_)) {
            let fits = self.room_of_total().max(session.units);
            self.count_up(self.cost(&session, at).min(fits));
        }
    }

    fn grace(&self) -> i64 {
        i64::from(self.spec.session_grace_seconds) * 1000
    }

    pub fn increment(&mut self, asked: i128, bound: Option<i128>, fit: Fit) -> Outcome {
        let to_limit = self.room_of_total();
        let to_bound = bound.map_or(i128::MAX, |bound| bound - self.total);
        let fits = fitting(asked, to_limit.min(to_bound), fit);
        let is_bound = to_bound < asked && (to_limit >= asked || to_bound < to_limit);
        self.count_up(fits.ok_or(if is_bound { "bound-reached" } else { "limit-reached" })?);
        Ok(())
    }

    pub fn decrement(&mut self, asked: i128, share: Option<i128>, fit: Fit) -> Outcome {
        let to_floor = self.total - i128::from(self.spec.floor);
        let fits = fitting(asked, to_floor.min(share.unwrap_or(i128::MAX)), fit);
        self.total -= fits.ok_or("floor-reached")?;
        Ok(())
    }

    pub fn set(&mut self, value: i128) -> Outcome {
        if value < i128::from(self.spec.floor) {
            return Err("floor-reached");
        }
        if value > self.total && value - self.total > self.room_of_total() {
            return Err("limit-reached");
        }
        self.total = value;
        Ok(())
    }

    pub fn reset(&mut self) {
        self.total = i128::from(self.spec.floor.max(0));
    }

    pub fn hold(&mut self, number: u16, asked: i128, fit: Fit, seconds: u32) -> Outcome {
        if seconds > self.spec.hold_seconds_max {
            return Err("invalid");
        }
        let units = fitting(asked, self.room_of_holds(), fit).ok_or("limit-reached")?;
        let expires = self.now + i64::from(seconds) * 1000;
        self.items.push(Item { number, beats: None, count: 0, units, expires });
        Ok(())
    }

    pub fn settle(&mut self, number: u16, asked: Option<i128>) -> Outcome {
        let hold = self.item(number, false)?;
        let asked = asked.unwrap_or(hold.units);
        let before = self.items.clone();
        self.drop_item(number);
        let promised = if self.is_peak() { 0 } else { hold.units };
        if asked > self.room_of_total().max(promised) {
            self.items = before;
            return Err("limit-reached");
        }
        self.count_up(asked);
        Ok(())
    }

    pub fn release(&mut self, number: u16) -> Outcome {
        self.item(number, false)?;
        self.drop_item(number);
        Ok(())
    }

    pub fn check_out(&mut self, number: u16, count: i128, whom: Whom) -> Outcome {
        let beats = Some(vec![self.now]);
        let expires = self.now + self.grace();
        let mut session = Item { number, beats, count, units: 0, expires };
        match self.spec.measure {
            Measure::Uses => return Err("no-sessions"),
            Measure::Seats | Measure::Peak => session.units = count,
            Measure::Duration(_) => session.units = self.cost(&session, self.now),
            Measure::DayPass => {
                let has_paid =
                    self.passes.iter().any(|(who, until)| *who == whom && *until > self.now);
                if !has_paid {
                    self.increment(count, None, Fit::Whole)?;
                    if whom != Whom::Nobody {
                        let zone = self.zone.clone();
                        let day = Cycle { every: Every::Day, anchor: Anchor::Calendar, zone };
                        let until = day.period_at(Timestamp(self.now)).to.0;
                        self.passes.push((whom, until));
                    }
                }
            }
        }
        if session.units > self.room_of_holds().max(0) {
            return Err("limit-reached");
        }
        self.items.push(session);
        self.raise_peak();
        Ok(())
    }

    pub fn heartbeat(&mut self, number: u16) -> Outcome {
        let session = self.item(number, true)?;
        let is_timed = matches!(self.spec.measure, Measure::Duration(_));
        let more = self.cost(&session, self.now) - session.units;
        if is_timed && more > 0 && more > self.room_of_holds() {
            self.end_session(number, self.now);
            return Ok(());
        }
        let expires = self.now + self.grace();
        for item in self.items.iter_mut().filter(|item| item.number == number) {
            item.beats.as_mut().unwrap().push(self.now);
            item.expires = expires;
            item.units += if is_timed { more.max(0) } else { 0 };
        }
        Ok(())
    }

    pub fn check_in(&mut self, number: u16) -> Outcome {
        self.item(number, true)?;
        self.end_session(number, self.now);
        Ok(())
    }

    pub fn give_back(&mut self, share: i128) {
        self.total -= share;
    }
}

fn fitting(asked: i128, room: i128, fit: Fit) -> Option<i128> {
    match fit {
        _ if asked <= room => Some(asked),
        Fit::Partial if room > 0 => Some(room),
        _ => None,
    }
}
