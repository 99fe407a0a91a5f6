//! Meters in the words of a caller.

use alloc::string::String;
use alloc::vec::Vec;

use super::scaled;
use crate::audience::Audiences;
use crate::meter::{Measure, MeterPeriod, MeterSpec, Overage, Rollover, Timing};
use crate::quantity::{Decimal, Scale};
use crate::refusal::Refusal;
use crate::text::Code;

/// A meter of a policy or license to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMeter {
    /// Its name.
    pub name: Code,
    /// What it counts; the name if none.
    pub unit: Option<String>,
    /// Digits after the point.
    pub scale: Scale,
    /// Ceiling; none is unlimited.
    pub allowed: Option<Decimal>,
    /// Lowest total.
    pub floor: Decimal,
    /// What may lie above the ceiling.
    pub overage: NewOverage,
    /// Whether refusals are written to the ledger.
    pub record_refusals: bool,
    /// What of a session it counts.
    pub measure: NewMeasure,
    /// When it starts again.
    pub period: MeterPeriod,
    /// What of an unused ceiling the next period gets.
    pub rollover: NewRollover,
    /// Whether the share of an activation comes back.
    pub floating: bool,
    /// To whom it is shown; to all if nothing is said.
    pub visible_to: Option<Audiences>,
    /// Whether each license must state its own ceiling.
    pub stated_by_license: bool,
    /// Percentages of the ceiling whose crossing is told.
    pub thresholds: Vec<u32>,
    /// How long a hold may last, in seconds.
    pub hold_seconds_max: Option<u32>,
    /// How long a session lives after its last heartbeat, in seconds.
    pub session_grace_seconds: Option<u32>,
}

/// An overage in the words of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NewOverage {
    /// Nothing.
    #[default]
    Refuse,
    /// Anything.
    Allow,
    /// Up to this much.
    Amount(Decimal),
    /// Up to this percentage of the ceiling.
    Percent(u32),
}

/// What of a session a meter counts, in the words of a caller.
pub type NewMeasure = Measure;

/// How a duration becomes a quantity, in the words of a caller.
pub type NewTiming = Timing;

/// A rollover in the words of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NewRollover {
    /// Nothing.
    #[default]
    None,
    /// All of it.
    All,
    /// At most this much.
    UpTo(Decimal),
}

/// Changes of one meter of a policy or license; none leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterPatch {
    /// Which meter.
    pub name: Code,
    /// A new ceiling; `Some(None)` is unlimited.
    pub allowed: Option<Option<Decimal>>,
    /// What may lie above it.
    pub overage: Option<NewOverage>,
    /// Whether refusals are written to the ledger.
    pub record_refusals: Option<bool>,
    /// When it starts again, from the end of the running period on.
    pub period: Option<MeterPeriod>,
    /// What of an unused ceiling the next period gets.
    pub rollover: Option<NewRollover>,
    /// Whether the share of an activation comes back.
    pub floating: Option<bool>,
    /// To whom it is shown.
    pub visible_to: Option<Audiences>,
    /// Percentages of the ceiling whose crossing is told.
    pub thresholds: Option<Vec<u32>>,
    /// How long a hold may last, in seconds.
    pub hold_seconds_max: Option<u32>,
    /// How long a session lives after its last heartbeat, in seconds.
    pub session_grace_seconds: Option<u32>,
}

impl NewMeter {
    /// A meter without a ceiling that counts uses for ever.
    #[must_use]
    pub fn named(name: Code) -> Self {
        Self {
            name,
            unit: None,
            scale: Scale::default(),
            allowed: None,
            floor: Decimal::whole(0),
            overage: NewOverage::Refuse,
            record_refusals: false,
            measure: Measure::Uses,
            period: MeterPeriod::Never,
            rollover: NewRollover::None,
            floating: false,
            visible_to: None,
            stated_by_license: false,
            thresholds: Vec::new(),
            hold_seconds_max: None,
            session_grace_seconds: None,
        }
    }

    /// The meter as a policy keeps it.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for quantities that do not fit the scale, and contradictions.
    pub fn spec(self) -> Result<MeterSpec, Refusal> {
        let default = MeterSpec::new(self.name);
        let spec = MeterSpec {
            unit: self.unit.unwrap_or(default.unit),
            scale: self.scale,
            allowed: self.allowed.map(|q| scaled("allowed", q, self.scale)).transpose()?,
            floor: scaled("floor", self.floor, self.scale)?,
            overage: self.overage.scaled(self.scale)?,
            record_refusals: self.record_refusals,
            measure: self.measure,
            period: self.period,
            rollover: self.rollover.scaled(self.scale)?,
            floating: self.floating,
            visible_to: self.visible_to.unwrap_or(default.visible_to),
            stated_by_license: self.stated_by_license,
            thresholds: self.thresholds,
            hold_seconds_max: self.hold_seconds_max.unwrap_or(default.hold_seconds_max),
            session_grace_seconds: self
                .session_grace_seconds
                .unwrap_or(default.session_grace_seconds),
            name: default.name,
        };
        spec.check()?;
        Ok(spec)
    }
}

impl NewOverage {
    /// The overage in a meter's smallest unit.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for an amount that does not fit the scale.
    pub fn scaled(self, scale: Scale) -> Result<Overage, Refusal> {
        Ok(match self {
            Self::Refuse => Overage::Refuse,
            Self::Allow => Overage::Allow,
            Self::Amount(amount) => Overage::Amount(scaled("overage", amount, scale)?),
            Self::Percent(percent) => Overage::Percent(percent),
        })
    }
}

impl NewRollover {
    /// The rollover in a meter's smallest unit.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for an amount that does not fit the scale.
    pub fn scaled(self, scale: Scale) -> Result<Rollover, Refusal> {
        Ok(match self {
            Self::None => Rollover::None,
            Self::All => Rollover::All,
            Self::UpTo(most) => Rollover::UpTo(scaled("rollover", most, scale)?),
        })
    }
}

impl MeterPatch {
    /// Changes that change nothing yet.
    #[must_use]
    pub const fn of(name: Code) -> Self {
        Self {
            name,
            allowed: None,
            overage: None,
            record_refusals: None,
            period: None,
            rollover: None,
            floating: None,
            visible_to: None,
            thresholds: None,
            hold_seconds_max: None,
            session_grace_seconds: None,
        }
    }

    /// Applies the changes to a meter.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for quantities that do not fit the scale.
    pub fn apply(self, spec: &mut MeterSpec) -> Result<(), Refusal> {
        let scale = spec.scale;
        if let Some(allowed) = self.allowed {
            spec.allowed = allowed.map(|q| scaled("allowed", q, scale)).transpose()?;
        }
        if let Some(overage) = self.overage {
            spec.overage = overage.scaled(scale)?;
        }
        if let Some(rollover) = self.rollover {
            spec.rollover = rollover.scaled(scale)?;
        }
        spec.record_refusals = self.record_refusals.unwrap_or(spec.record_refusals);
        spec.period = self.period.unwrap_or(spec.period);
        spec.floating = self.floating.unwrap_or(spec.floating);
        spec.visible_to = self.visible_to.unwrap_or(spec.visible_to);
        if let Some(thresholds) = self.thresholds {
            spec.thresholds = thresholds;
        }
        spec.hold_seconds_max = self.hold_seconds_max.unwrap_or(spec.hold_seconds_max);
        spec.session_grace_seconds =
            self.session_grace_seconds.unwrap_or(spec.session_grace_seconds);
        spec.check()
    }
}
