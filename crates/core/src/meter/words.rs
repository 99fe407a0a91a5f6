//! What is said of a meter, in words: for storage and for the ledger.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::{Measure, MeterPeriod, MeterSpec, Overage, Rollover, Timing};
use crate::audience::Audience;
use crate::period::Every;
use crate::quantity::Scale;
use crate::refusal::Refusal;
use crate::terms::unescape;
use crate::text::Code;

impl MeterSpec {
    /// What is said of it, name by name. What is as by default is left out, but for what the first
    /// version of the format had.
    #[must_use]
    pub fn stated(&self) -> Vec<(&'static str, String)> {
        let default = MeterSpec::new(self.name.clone());
        let mut lines = vec![
            ("meter", self.name.to_string()),
            ("unit", self.unit.clone()),
            ("scale", self.scale.digits().to_string()),
        ];
        let mut line = |name, value: String| lines.push((name, value));
        if let Some(allowed) = self.allowed {
            line("allowed", allowed.to_string());
        }
        line("floor", self.floor.to_string());
        match self.overage {
            Overage::Refuse => line("overage", "refuse".into()),
            Overage::Allow => line("overage", "allow".into()),
            Overage::Amount(amount) => line("overage_amount", amount.to_string()),
            Overage::Percent(percent) => line("overage_percent", percent.to_string()),
        }
        line("record_refusals", self.record_refusals.to_string());
        if self.measure != Measure::Uses {
            line("measure", self.measure.word().into());
        }
        if let Measure::Duration(timing) = self.measure {
            line("unit_seconds", timing.unit_seconds.to_string());
            line("minimum_seconds", timing.minimum_seconds.to_string());
            line("free_seconds", timing.free_seconds.to_string());
            line("step_seconds", timing.step_seconds.to_string());
            if let Some(idle) = timing.idle_seconds {
                line("idle_seconds", idle.to_string());
            }
        }
        match self.period {
            MeterPeriod::Never => {}
            MeterPeriod::Every(every) => line("period", every.word().into()),
            MeterPeriod::Billing => line("period", "billing".into()),
        }
        match self.rollover {
            Rollover::None => {}
            Rollover::All => line("rollover", "all".into()),
            Rollover::UpTo(most) => line("rollover", most.to_string()),
        }
        if self.floating {
            line("floating", "true".into());
        }
        if self.visible_to != default.visible_to {
            let words: Vec<_> = self.visible_to.iter().map(Audience::word).collect();
            line("meter_visible_to", words.join(" "));
        }
        if self.stated_by_license {
            line("stated_by_license", "true".into());
        }
        if !self.thresholds.is_empty() {
            let words: Vec<_> = self.thresholds.iter().map(ToString::to_string).collect();
            line("thresholds", words.join(" "));
        }
        if self.hold_seconds_max != default.hold_seconds_max {
            line("hold_seconds_max", self.hold_seconds_max.to_string());
        }
        if self.session_grace_seconds != default.session_grace_seconds {
            line("session_grace_seconds", self.session_grace_seconds.to_string());
        }
        lines
    }

    /// Reads what [`MeterSpec::stated`] wrote as lines of `name=value`.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn from_lines(text: &str) -> Result<Self, Refusal> {
        let mut spec = None;
        let mut timing = Timing {
            unit_seconds: 1,
            minimum_seconds: 0,
            free_seconds: 0,
            step_seconds: 1,
            idle_seconds: None,
        };
        for line in text.lines() {
            let (name, value) = line.split_once('=').ok_or_else(damaged)?;
            let value = unescape(value);
            if name == "meter" {
                spec = Some(Self::new(Code::parse("name", &value)?));
                continue;
            }
            let spec = spec.as_mut().ok_or_else(damaged)?;
            spec.set(name, &value, &mut timing).ok_or_else(damaged)?;
        }
        let mut spec = spec.ok_or_else(damaged)?;
        if let Measure::Duration(stated) = &mut spec.measure {
            *stated = timing;
        }
        Ok(spec)
    }

    fn set(&mut self, name: &str, value: &str, timing: &mut Timing) -> Option<()> {
        match name {
            "unit" => self.unit = value.into(),
            "scale" => self.scale = Scale::new(value.parse().ok()?)?,
            "allowed" => self.allowed = Some(value.parse().ok()?),
            "floor" => self.floor = value.parse().ok()?,
            "overage" => {
                self.overage = match value {
                    "refuse" => Overage::Refuse,
                    "allow" => Overage::Allow,
                    _ => return None,
                }
            }
            "overage_amount" => self.overage = Overage::Amount(value.parse().ok()?),
            "overage_percent" => self.overage = Overage::Percent(value.parse().ok()?),
            "record_refusals" => self.record_refusals = value.parse().ok()?,
            "measure" => {
                self.measure = match value {
                    "seats" => Measure::Seats,
                    "peak" => Measure::Peak,
                    "duration" => Measure::Duration(*timing),
                    "day-pass" => Measure::DayPass,
                    _ => return None,
                }
            }
            "unit_seconds" => timing.unit_seconds = value.parse().ok()?,
            "minimum_seconds" => timing.minimum_seconds = value.parse().ok()?,
            "free_seconds" => timing.free_seconds = value.parse().ok()?,
            "step_seconds" => timing.step_seconds = value.parse().ok()?,
            "idle_seconds" => timing.idle_seconds = Some(value.parse().ok()?),
            "period" if value == "billing" => self.period = MeterPeriod::Billing,
            "period" => self.period = MeterPeriod::Every(Every::from_word(value)?),
            "rollover" if value == "all" => self.rollover = Rollover::All,
            "rollover" => self.rollover = Rollover::UpTo(value.parse().ok()?),
            "floating" => self.floating = value.parse().ok()?,
            "meter_visible_to" => {
                self.visible_to =
                    value.split_whitespace().map(Audience::from_word).collect::<Option<_>>()?;
            }
            "stated_by_license" => self.stated_by_license = value.parse().ok()?,
            "thresholds" => {
                self.thresholds =
                    value.split_whitespace().map(|one| one.parse().ok()).collect::<Option<_>>()?;
            }
            "hold_seconds_max" => self.hold_seconds_max = value.parse().ok()?,
            "session_grace_seconds" => self.session_grace_seconds = value.parse().ok()?,
            _ => return None,
        }
        Some(())
    }
}

fn damaged() -> Refusal {
    Refusal::invalid("meter", "must be lines of name=value that say what a meter is")
}
