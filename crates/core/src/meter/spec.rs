//! What is said of a meter: by its policy, or by the license that brought it along.

use alloc::string::String;
use alloc::vec::Vec;

use super::{HourSums, MeterState};
use crate::audience::Audiences;
use crate::limits::{
    HOLD_SECONDS_MAX, OVERAGE_PERCENT_MAX, SESSION_GRACE_SECONDS_MAX, THRESHOLDS_MAX,
};
use crate::period::Every;
use crate::quantity::{Quantity, Scale};
use crate::refusal::Refusal;
use crate::text::{Code, display_name};

/// What is said of a meter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterSpec {
    /// Its name, unique on a license.
    pub name: Code,
    /// What it counts, for people: `frame`, `hour`.
    pub unit: String,
    /// Digits after the point that it counts.
    pub scale: Scale,
    /// Ceiling of the period; none is unlimited.
    pub allowed: Option<Quantity>,
    /// Lowest total.
    pub floor: Quantity,
    /// What may lie above the ceiling.
    pub overage: Overage,
    /// Whether refusals are written to the ledger.
    pub record_refusals: bool,
    /// What of a session it counts.
    pub measure: Measure,
    /// When it starts again.
    pub period: MeterPeriod,
    /// What of an unused ceiling the next period gets.
    pub rollover: Rollover,
    /// Whether the share of an activation comes back when the activation ends (rule 4).
    pub floating: bool,
    /// To whom it is shown beside the vendor.
    pub visible_to: Audiences,
    /// Whether each license must state its own ceiling.
    pub stated_by_license: bool,
    /// Percentages of the ceiling whose crossing is told, ascending. With any of them it is also
    /// told when nothing is left, when overage begins, and when it begins to refuse.
    pub thresholds: Vec<u32>,
    /// How long a hold may last, in seconds.
    pub hold_seconds_max: u32,
    /// How long a session lives after its last heartbeat, in seconds.
    pub session_grace_seconds: u32,
}

/// What may lie above the ceiling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overage {
    /// Nothing.
    #[default]
    Refuse,
    /// Anything.
    Allow,
    /// Up to this much.
    Amount(Quantity),
    /// Up to this percentage of the ceiling.
    Percent(u32),
}

/// What of a session a meter counts (rule 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Measure {
    /// Nothing: it counts uses and takes no sessions.
    #[default]
    Uses,
    /// Seats: a session holds its count while it lasts, and uses nothing up.
    Seats,
    /// The highest number of seats held at once in the period.
    Peak,
    /// How long sessions last.
    Duration(Timing),
    /// Days: the first session of a user or machine on a day counts one, the others nothing.
    DayPass,
}

impl Measure {
    /// The words for the kinds.
    pub const WORDS: &'static [&'static str] = &["uses", "seats", "peak", "duration", "day-pass"];

    /// What counts against the ceiling. The total of a peak is seats that were held, so it does not
    /// count beside those that are.
    #[must_use]
    pub const fn used(self, total: Quantity, held: Quantity) -> Quantity {
        match self {
            Self::Peak => held,
            Self::Uses | Self::Seats | Self::Duration(_) | Self::DayPass => {
                total.saturating_add(held)
            }
        }
    }

    /// The word for its kind.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Uses => "uses",
            Self::Seats => "seats",
            Self::Peak => "peak",
            Self::Duration(_) => "duration",
            Self::DayPass => "day-pass",
        }
    }
}

/// How the duration of a session becomes a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Seconds of one unit: 3600 for hours.
    pub unit_seconds: u32,
    /// Billed at least, in seconds.
    pub minimum_seconds: u32,
    /// Not billed at the beginning, in seconds.
    pub free_seconds: u32,
    /// Rounded up to a multiple of this, in seconds.
    pub step_seconds: u32,
    /// Of a longer time between two heartbeats only this much is billed, in seconds: the rest was a
    /// pause. None bills it all.
    pub idle_seconds: Option<u32>,
}

/// When a meter starts again (rule 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MeterPeriod {
    /// Never.
    #[default]
    Never,
    /// With each of these.
    Every(Every),
    /// With the billing period of its license's terms.
    Billing,
}

/// What of an unused ceiling the next period gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rollover {
    /// Nothing.
    #[default]
    None,
    /// All of it.
    All,
    /// At most this much, earlier rollovers included.
    UpTo(Quantity),
}

impl MeterSpec {
    /// A meter of whole units without a ceiling that counts uses for ever.
    #[must_use]
    pub fn new(name: Code) -> Self {
        Self {
            unit: name.as_str().into(),
            name,
            scale: Scale::default(),
            allowed: None,
            floor: 0,
            overage: Overage::Refuse,
            record_refusals: false,
            measure: Measure::Uses,
            period: MeterPeriod::Never,
            rollover: Rollover::None,
            floating: false,
            visible_to: Audiences::all(),
            stated_by_license: false,
            thresholds: Vec::new(),
            hold_seconds_max: 24 * 60 * 60,
            session_grace_seconds: 600,
        }
    }

    /// Refuses a meter that contradicts itself.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], naming the field.
    pub fn check(&self) -> Result<(), Refusal> {
        display_name("unit", self.unit.clone())?;
        check_allowed(self.allowed, self.floor)?;
        if self.floor == Quantity::MIN {
            return Err(Refusal::invalid("floor", "must leave a way back to zero"));
        }
        match self.overage {
            Overage::Amount(amount) if amount < 0 => {
                return Err(Refusal::invalid("overage", "must not be negative"));
            }
            Overage::Percent(percent) if percent > OVERAGE_PERCENT_MAX => {
                return Err(Refusal::invalid("overage", "may be at most 10000 percent"));
            }
            _ => {}
        }
        if matches!(self.rollover, Rollover::UpTo(most) if most < 0) {
            return Err(Refusal::invalid("rollover", "must not be negative"));
        }
        let are_ascending = self.thresholds.windows(2).all(|pair| pair[0] < pair[1]);
        let are_sensible =
            self.thresholds.iter().all(|one| (1..=OVERAGE_PERCENT_MAX).contains(one));
        if self.thresholds.len() > THRESHOLDS_MAX || !are_ascending || !are_sensible {
            let what = "must be at most 16 ascending percentages of 1 to 10000";
            return Err(Refusal::invalid("thresholds", what));
        }
        if self.hold_seconds_max == 0 || self.hold_seconds_max > HOLD_SECONDS_MAX {
            return Err(Refusal::invalid("hold_seconds_max", "must be 1 second to 90 days"));
        }
        let grace = self.session_grace_seconds;
        if grace == 0 || grace > SESSION_GRACE_SECONDS_MAX {
            return Err(Refusal::invalid("session_grace_seconds", "must be 1 second to 90 days"));
        }
        match self.measure {
            Measure::Duration(timing) => timing.check(self.scale),
            Measure::Uses | Measure::Seats | Measure::Peak | Measure::DayPass => Ok(()),
        }
    }

    /// Where a new meter stands: at zero, or at the floor if that is higher.
    #[must_use]
    pub fn beginning(&self) -> MeterState {
        MeterState {
            total: self.floor.max(0),
            gross: 0,
            held: 0,
            carried: 0,
            period_end: None,
            last_record: None,
            refusals: 0,
            hour: HourSums::default(),
        }
    }
}

impl Timing {
    /// Refuses a timing whose steps are not exact in the meter's unit: nothing is ever rounded
    /// behind the customer's back.
    fn check(self, scale: Scale) -> Result<(), Refusal> {
        if self.unit_seconds == 0 || self.step_seconds == 0 {
            return Err(Refusal::invalid("measure", "must have a unit and a step above zero"));
        }
        let smallest = 10i64.pow(u32::from(scale.digits()));
        if i64::from(self.step_seconds) * smallest % i64::from(self.unit_seconds) != 0 {
            let what = "must have a step that is exact at the meter's scale: raise the scale";
            return Err(Refusal::invalid("measure", what));
        }
        Ok(())
    }

    /// What so much time of a session costs, in the meter's smallest unit. None beyond 64 bits.
    #[must_use]
    pub fn quantity(self, active_ms: i64, scale: Scale) -> Option<Quantity> {
        let free = i64::from(self.free_seconds) * 1000;
        if active_ms <= free {
            return Some(0);
        }
        let billable = (active_ms - free).max(i64::from(self.minimum_seconds) * 1000);
        let step = i64::from(self.step_seconds) * 1000;
        let steps = i128::from(billable / step + i64::from(billable % step != 0));
        let smallest = i128::from(10i64.pow(u32::from(scale.digits())));
        let seconds = steps * i128::from(self.step_seconds);
        i64::try_from(seconds * smallest / i128::from(self.unit_seconds)).ok()
    }

    /// What of the time between two heartbeats counts.
    #[must_use]
    pub fn active(self, gap_ms: i64) -> i64 {
        let most = self.idle_seconds.map_or(i64::MAX, |idle| i64::from(idle) * 1000);
        gap_ms.clamp(0, most)
    }
}

/// Refuses a ceiling that is negative or below the floor.
///
/// # Errors
/// [`Refusal::Invalid`].
pub fn check_allowed(allowed: Option<Quantity>, floor: Quantity) -> Result<(), Refusal> {
    let Some(allowed) = allowed else {
        return Ok(());
    };
    if allowed < 0 {
        return Err(Refusal::invalid("allowed", "must not be negative; null is unlimited"));
    }
    if allowed < floor {
        return Err(Refusal::invalid("allowed", "must not be below the floor"));
    }
    Ok(())
}
