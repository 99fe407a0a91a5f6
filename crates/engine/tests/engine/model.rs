//! What the engine must answer, computed slowly and obviously: 128-bit arithmetic, and lists that
//! are read from one end to the other. Knows rules 1 to 3, 5, 7 and 10 to 13 of how we count.

use usance_core::license::{Standing, StandingChange};
use usance_core::meter::{AllowedFrom, Counted, HourSums, MeterSpec, MeterState, Overage};
use usance_core::quantity::Decimal;
use usance_core::terms::{MeterWhile, Stopper};
use usance_core::usage::OperationKind;

/// Milliseconds by which a clock may step back before the ledger says so.
const CLOCK_BACK_MS: i64 = 2_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A decimal: the mantissa, and how many of its digits lie behind the point.
pub type Number = (i64, u8);

/// A use, in words that can be compared and counted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub license: usize,
    pub meter: usize,
    pub kind: OperationKind,
    pub amount: Number,
    pub bound: Option<Number>,
    pub partial: bool,
    pub key: Option<u8>,
    pub occurred_at: Option<i64>,
}

/// What an accepted use is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub counted: Counted,
    pub record: u64,
    pub at: i64,
    pub repeat: bool,
}

/// What a refused use is answered: the code, and the figures where a meter refused: what was asked,
/// total, gross, allowed, ceiling and held.
pub type No = (&'static str, Option<(i64, i64, i64, Option<i64>, Option<i64>, i64)>);

/// An entry of a meter's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub record: u64,
    pub at: i64,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Use { counted: Counted, occurred_at: Option<i64> },
    Refused { kind: OperationKind, asked: i64, code: &'static str, total: i64 },
}

#[derive(Debug, Clone)]
pub struct Meter {
    pub from: AllowedFrom,
    pub total: i128,
    pub gross: i128,
    pub refusals: u64,
    /// The refusals that a crash leaves.
    refusals_kept: u64,
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
pub struct License {
    pub standing: Standing,
    pub valid_from: Option<i64>,
    pub expires_at: Option<i64>,
    pub meters: Vec<Meter>,
    pub is_deleted: bool,
}

/// One account: its licenses, all of one policy, and its ledger.
#[derive(Debug, Clone)]
pub struct Model {
    pub specs: Vec<MeterSpec>,
    pub meter_while: MeterWhile,
    pub window_ms: i64,
    pub licenses: Vec<License>,
    pub size: u64,
    /// How often the clock was found set back.
    pub clock_backs: u64,
    keys: Vec<(Asked, Told)>,
    now: i64,
    last_record_at: i64,
    clock_is_back: bool,
}

impl Model {
    pub fn new(specs: Vec<MeterSpec>, meter_while: MeterWhile, window_ms: i64) -> Self {
        Self {
            specs,
            meter_while,
            window_ms,
            licenses: Vec::new(),
            size: 0,
            clock_backs: 0,
            keys: Vec::new(),
            now: 0,
            last_record_at: 0,
            clock_is_back: false,
        }
    }

    /// The writer looks at the clock, which shows `wall`.
    pub fn look(&mut self, wall: i64) {
        if self.size == 0 {
            self.now = wall;
            self.record();
        }
        let is_back = wall + CLOCK_BACK_MS < self.now;
        if is_back && !self.clock_is_back {
            self.record();
            self.clock_backs += 1;
        }
        self.clock_is_back = is_back;
        self.now = self.now.max(wall);
    }

    /// A record is written; its position.
    pub fn record(&mut self) -> u64 {
        self.last_record_at = self.now;
        self.size += 1;
        self.size - 1
    }

    /// The engine stops and starts again, having written back what is in memory or not.
    pub fn restart(&mut self, is_closed: bool) {
        self.clock_is_back = false;
        self.now = self.last_record_at;
        for meter in self.licenses.iter_mut().flat_map(|license| &mut license.meters) {
            if is_closed {
                meter.refusals_kept = meter.refusals;
            }
            meter.refusals = meter.refusals_kept;
        }
    }

    pub fn create(&mut self, from: Vec<AllowedFrom>) {
        self.record();
        let new = |(from, spec): (AllowedFrom, &MeterSpec)| Meter {
            from,
            total: i128::from(spec.floor.max(0)),
            gross: 0,
            refusals: 0,
            refusals_kept: 0,
            entries: Vec::new(),
        };
        self.licenses.push(License {
            standing: Standing::Active,
            valid_from: None,
            expires_at: None,
            meters: from.into_iter().zip(&self.specs).map(new).collect(),
            is_deleted: false,
        });
    }

    pub fn delete(&mut self, license: usize) -> Result<(), &'static str> {
        self.known(license)?.is_deleted = true;
        self.record();
        Ok(())
    }

    pub fn change_standing(
        &mut self,
        license: usize,
        change: StandingChange,
    ) -> Result<(), &'static str> {
        let license = self.known(license)?;
        license.standing = match (license.standing, change) {
            (Standing::Active, StandingChange::Suspend) => Standing::Suspended,
            (Standing::Suspended, StandingChange::Reinstate) => Standing::Active,
            (Standing::Active | Standing::Suspended, StandingChange::Revoke) => Standing::Revoked,
            _ => return Err("license-state-conflict"),
        };
        self.record();
        Ok(())
    }

    pub fn change_validity(
        &mut self,
        license: usize,
        valid_from: Option<i64>,
        expires_at: Option<i64>,
    ) -> Result<(), &'static str> {
        let license = self.known(license)?;
        if let (Some(from), Some(end)) = (valid_from, expires_at)
            && end <= from
        {
            return Err("invalid");
        }
        (license.valid_from, license.expires_at) = (valid_from, expires_at);
        self.record();
        Ok(())
    }

    /// A license gets its own ceiling (`Some(None)` is none at all), or the policy's again.
    pub fn change_allowed(
        &mut self,
        license: usize,
        meter: usize,
        own: Option<Option<Number>>,
    ) -> Result<(), &'static str> {
        let spec = self.specs[meter].clone();
        let license = self.known(license)?;
        license.meters[meter].from = match own {
            None => AllowedFrom::Policy,
            Some(own) => AllowedFrom::License(valid_ceiling(&spec, own)?),
        };
        // The whole row is written.
        license.meters[meter].refusals_kept = license.meters[meter].refusals;
        self.record();
        Ok(())
    }

    pub fn change_policy(
        &mut self,
        meter: usize,
        allowed: Option<Number>,
    ) -> Result<(), &'static str> {
        self.specs[meter].allowed = valid_ceiling(&self.specs[meter], allowed)?;
        self.record();
        Ok(())
    }

    fn known(&mut self, license: usize) -> Result<&mut License, &'static str> {
        Some(&mut self.licenses[license]).filter(|license| !license.is_deleted).ok_or("unknown")
    }

    /// Counts a use. The writer has looked at the clock.
    pub fn count(&mut self, asked: &Asked) -> Result<Told, No> {
        if self.licenses[asked.license].is_deleted {
            return Err(("unknown", None));
        }
        if let Some((first, told)) = self.first_answer(asked) {
            let same = normal(first) == normal(asked);
            return if same {
                Ok(Told { repeat: true, ..told.clone() })
            } else {
                Err(("idempotency-conflict", None))
            };
        }
        self.check_license(asked.license)?;
        let occurred = asked.occurred_at.unwrap_or(self.now);
        if occurred > self.now + DAY_MS || occurred < self.now - 400 * DAY_MS {
            return Err(("occurred-at-out-of-range", None));
        }
        let now = self.now;
        let spec = self.specs[asked.meter].clone();
        let decided = self.licenses[asked.license].meters[asked.meter].decide(&spec, asked, now);
        let (record, what) = match &decided {
            Ok(counted) => {
                let what = What::Use { counted: *counted, occurred_at: asked.occurred_at };
                (self.record(), what)
            }
            Err((code, Some(figures))) => {
                self.licenses[asked.license].meters[asked.meter].refusals += 1;
                if !spec.record_refusals {
                    return Err((code, Some(*figures)));
                }
                let (quantity, total, ..) = *figures;
                let what = What::Refused { kind: asked.kind, asked: quantity, code, total };
                (self.record(), what)
            }
            Err(no) => return Err(*no),
        };
        let meter = &mut self.licenses[asked.license].meters[asked.meter];
        meter.entries.push(Entry { record, at: self.now, what });
        let counted = decided?;
        meter.total = i128::from(counted.total);
        meter.gross = i128::from(counted.gross);
        let told = Told { counted, record, at: self.now, repeat: false };
        if asked.key.is_some() {
            self.keys.push((asked.clone(), told.clone()));
        }
        Ok(told)
    }

    /// The last use that spent this key, while its window lasts.
    fn first_answer(&self, asked: &Asked) -> Option<&(Asked, Told)> {
        let key = asked.key?;
        let found = self.keys.iter().rev().find(|(first, _)| first.key == Some(key))?;
        (found.1.at + self.window_ms >= self.now).then_some(found)
    }

    fn check_license(&self, license: usize) -> Result<(), No> {
        let License { standing, valid_from, expires_at, .. } = &self.licenses[license];
        let over = expires_at.is_some_and(|end| self.now >= end);
        let early = valid_from.is_some_and(|begin| self.now < begin);
        for (stops, code) in [
            (*standing == Standing::Revoked, "license-revoked"),
            (
                *standing == Standing::Suspended && !self.meter_while.contains(Stopper::Suspended),
                "license-suspended",
            ),
            (over && !self.meter_while.contains(Stopper::Expired), "license-expired"),
            (early && !self.meter_while.contains(Stopper::NotYetValid), "license-not-yet-valid"),
        ] {
            if stops {
                return Err((code, None));
            }
        }
        Ok(())
    }
}

impl Meter {
    pub fn allowed(&self, spec: &MeterSpec) -> Option<i128> {
        let allowed = match self.from {
            AllowedFrom::Policy => spec.allowed,
            AllowedFrom::License(own) => own,
        };
        allowed.map(i128::from)
    }

    /// The ceiling with overage. One beyond 64 bits is the highest total there is.
    pub fn ceiling(&self, spec: &MeterSpec) -> Option<i128> {
        let allowed = self.allowed(spec)?;
        let extra = match spec.overage {
            Overage::Refuse => 0,
            Overage::Allow => return None,
            Overage::Amount(amount) => i128::from(amount),
            Overage::Percent(percent) => allowed * i128::from(percent) / 100,
        };
        Some((allowed + extra).min(i128::from(i64::MAX)))
    }

    fn decide(&self, spec: &MeterSpec, asked: &Asked, now: i64) -> Result<Counted, No> {
        let bare = |code| (code, None);
        let scale = spec.scale.digits();
        let beginning = i128::from(spec.floor.max(0));
        let (quantity, change) = match asked.kind {
            OperationKind::Reset => (beginning, beginning - self.total),
            OperationKind::Set => {
                let value = quantity(asked.amount, scale).map_err(bare)?;
                let beyond = self.ceiling(spec).is_some_and(|ceiling| value > ceiling);
                if value < i128::from(spec.floor) {
                    return Err(self.no("floor-reached", spec, value));
                }
                if value > self.total && beyond {
                    return Err(self.no("limit-reached", spec, value));
                }
                (value, value - self.total)
            }
            OperationKind::Increment | OperationKind::Decrement => {
                let quantity_asked = quantity(asked.amount, scale).map_err(bare)?;
                if quantity_asked <= 0 {
                    return Err(bare("amount-not-positive"));
                }
                let bound = asked.bound.map(|bound| quantity(bound, scale)).transpose();
                let room = self.room(spec, asked.kind, bound.map_err(bare)?, quantity_asked);
                let applied = match room {
                    Err((_, room)) if asked.partial && room > 0 => room,
                    Err((code, _)) => return Err(self.no(code, spec, quantity_asked)),
                    Ok(()) => quantity_asked,
                };
                let is_up = asked.kind == OperationKind::Increment;
                (quantity_asked, if is_up { applied } else { -applied })
            }
            other => unreachable!("{other} is not asked of this model"),
        };
        let total = self.total + change;
        let is_increment = asked.kind == OperationKind::Increment;
        let gross = if is_increment { self.gross + change } else { self.gross };
        let above = |total: i128| self.allowed(spec).map_or(0, |allowed| (total - allowed).max(0));
        let overage = (above(total) - above(self.total)).max(0);
        let is_decrement = asked.kind == OperationKind::Decrement;
        let applied = if is_decrement { -change } else { change };
        let sums = self.sums(now.div_euclid(60 * 60 * 1000));
        let hour = match asked.kind {
            OperationKind::Increment => sums.incremented,
            OperationKind::Decrement => sums.decremented,
            OperationKind::Set | OperationKind::Reset => sums.adjusted,
            other => unreachable!("{other} is not asked of this model"),
        };
        let hour_overage = i128::from(sums.overage) + overage;
        let fits = [total, gross, applied, i128::from(hour) + applied, hour_overage]
            .iter()
            .all(|number| i64::try_from(*number).is_ok());
        if !fits {
            return Err(self.no("counter-full", spec, quantity));
        }
        Ok(Counted {
            operation: asked.kind,
            asked: whole(quantity),
            applied: whole(applied),
            released: 0,
            overage: whole(overage),
            total: whole(total),
            gross: whole(gross),
            allowed: self.allowed(spec).map(whole),
            held: 0,
        })
    }

    /// Whether a step fits, or else what stops it first, and how much does fit.
    fn room(
        &self,
        spec: &MeterSpec,
        kind: OperationKind,
        bound: Option<i128>,
        asked: i128,
    ) -> Result<(), (&'static str, i128)> {
        let rooms = match kind {
            OperationKind::Increment => [
                ("limit-reached", self.ceiling(spec).map(|ceiling| ceiling - self.total)),
                ("bound-reached", bound.map(|bound| bound - self.total)),
            ],
            _ => [
                ("floor-reached", Some(self.total - i128::from(spec.floor))),
                ("bound-reached", bound.map(|bound| self.total - bound)),
            ],
        };
        let tight = rooms.into_iter().filter_map(|(code, room)| Some((code, room?)));
        match tight.min_by_key(|(_, room)| *room) {
            Some((code, room)) if room < asked => Err((code, room)),
            _ => Ok(()),
        }
    }

    fn no(&self, code: &'static str, spec: &MeterSpec, asked: i128) -> No {
        let (total, gross) = (whole(self.total), whole(self.gross));
        let (allowed, ceiling) = (self.allowed(spec), self.ceiling(spec));
        (code, Some((whole(asked), total, gross, allowed.map(whole), ceiling.map(whole), 0)))
    }

    /// Sums of an hour: all entries, read again.
    pub fn sums(&self, hour: i64) -> HourSums {
        let mut sums = HourSums { hour, ..HourSums::default() };
        for entry in &self.entries {
            let What::Use { counted, .. } = &entry.what else { continue };
            if entry.at.div_euclid(60 * 60 * 1000) != hour {
                continue;
            }
            sums.uses += 1;
            sums.overage += counted.overage;
            match counted.operation {
                OperationKind::Increment => sums.incremented += counted.applied,
                OperationKind::Decrement => sums.decremented += counted.applied,
                OperationKind::Set | OperationKind::Reset => sums.adjusted += counted.applied,
                other => unreachable!("{other} is not asked of this model"),
            }
        }
        sums
    }

    /// The hours in which it moved, ascending.
    pub fn hours(&self) -> Vec<i64> {
        let uses = self.entries.iter().filter(|entry| matches!(entry.what, What::Use { .. }));
        let mut hours: Vec<i64> = uses.map(|entry| entry.at.div_euclid(60 * 60 * 1000)).collect();
        hours.sort_unstable();
        hours.dedup();
        hours
    }

    /// Where it must stand.
    pub fn state(&self) -> MeterState {
        MeterState {
            total: whole(self.total),
            gross: whole(self.gross),
            held: 0,
            carried: 0,
            period_end: None,
            last_record: self.entries.last().map(|entry| entry.record),
            refusals: self.refusals,
            hour: self.hours().last().map_or_else(HourSums::default, |hour| self.sums(*hour)),
        }
    }
}

/// A number in a meter's smallest unit, exactly or not at all.
fn quantity(number: Number, scale: u8) -> Result<i128, &'static str> {
    let (mantissa, digits) = without_zeros(number);
    if digits > scale {
        return Err("fraction-beyond-scale");
    }
    let quantity = i128::from(mantissa) * 10i128.pow(u32::from(scale - digits));
    i64::try_from(quantity).map(i128::from).map_err(|_| "amount-out-of-range")
}

fn valid_ceiling(spec: &MeterSpec, allowed: Option<Number>) -> Result<Option<i64>, &'static str> {
    let Some(allowed) = allowed else { return Ok(None) };
    let allowed = quantity(allowed, spec.scale.digits()).map_err(|_| "invalid")?;
    if allowed < 0 || allowed < i128::from(spec.floor) {
        return Err("invalid");
    }
    Ok(Some(whole(allowed)))
}

fn without_zeros((mut mantissa, mut digits): Number) -> Number {
    while digits > 0 && mantissa % 10 == 0 {
        (mantissa, digits) = (mantissa / 10, digits - 1);
    }
    (mantissa, digits)
}

/// What makes two requests the same: everything but the way their numbers are written. A reset has
/// no amount, and a set no bound.
fn normal(asked: &Asked) -> Asked {
    let steps = matches!(asked.kind, OperationKind::Increment | OperationKind::Decrement);
    let amount = if asked.kind == OperationKind::Reset { (0, 0) } else { asked.amount };
    Asked {
        amount: without_zeros(amount),
        bound: asked.bound.filter(|_| steps).map(without_zeros),
        partial: asked.partial && steps,
        ..asked.clone()
    }
}

fn whole(number: i128) -> i64 {
    i64::try_from(number).expect("the model checked that it fits")
}

/// A number as people write it.
pub fn decimal((mantissa, digits): Number) -> Decimal {
    let sign = if mantissa < 0 { "-" } else { "" };
    let shown = format!("{:0width$}", mantissa.unsigned_abs(), width = usize::from(digits) + 1);
    let (before, after) = shown.split_at(shown.len() - usize::from(digits));
    let point = if digits > 0 { "." } else { "" };
    Decimal::parse(&format!("{sign}{before}{point}{after}")).expect("a decimal")
}
