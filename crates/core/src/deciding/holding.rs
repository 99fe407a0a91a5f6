//! Holds: units set aside before the work, settled for what was really used (rule 8).

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Decision, Situation, Step};
use crate::id::{ActivationId, HoldId};
use crate::limits::HOLDS_PER_LICENSE_MAX;
use crate::live::{Hold, LiveChange};
use crate::quantity::Decimal;
use crate::refusal::{Kind, Refusal};
use crate::usage::{Fit, NewHold, Reference, Reserved};

impl Situation<'_> {
    pub(super) fn begin_hold(
        &self,
        new: NewHold,
        activation: Option<ActivationId>,
        fresh: [u8; 16],
    ) -> Result<Decision, Refusal> {
        if self.live.holds.len() >= HOLDS_PER_LICENSE_MAX {
            return Err(Refusal::TooMany(Kind::Hold, HOLDS_PER_LICENSE_MAX as u64));
        }
        let asked = self.meter.positive(new.amount)?;
        let most = self.meter.spec.hold_seconds_max;
        let seconds = new.seconds.unwrap_or(most);
        if seconds == 0 || seconds > most {
            return Err(Refusal::Invalid {
                field: "seconds".into(),
                reason: alloc::format!("must be 1 to {most} for this meter").into(),
            });
        }
        let decided = self.meter.hold(self.state, asked, new.fit, self.now)?;
        let hold = Hold {
            id: HoldId::from_bytes(fresh),
            meter: self.meter.spec.name.clone(),
            activation,
            units: decided.0.applied,
            expires_at: self.now.plus_ms(i64::from(seconds) * 1000),
            created_at: self.now,
        };
        let until = Some(hold.expires_at);
        let reference = Some(Reference { id: Reserved::Hold(hold.id), until });
        Ok(Decision {
            steps: alloc::vec![Step { activation, reference, ..Step::plain(decided) }],
            live: alloc::vec![LiveChange::PutHold(Arc::new(hold))],
            ..Decision::default()
        })
    }

    pub(super) fn settle_hold(
        &self,
        id: HoldId,
        amount: Option<Decimal>,
    ) -> Result<Decision, Refusal> {
        let hold = self.known_hold(id)?;
        let asked = amount.map_or(Ok(hold.units), |amount| self.meter.not_negative(amount))?;
        let decided = self.meter.settle(self.state, hold.units, asked, Fit::Whole, self.now)?;
        Ok(self.end_hold(hold, Step::plain(decided)))
    }

    pub(super) fn release_hold(&self, id: HoldId) -> Result<Decision, Refusal> {
        let hold = self.known_hold(id)?;
        let decided = self.meter.release(self.state, hold.units, self.now)?;
        Ok(self.end_hold(hold, Step::plain(decided)))
    }

    /// The step that ends a hold, and what it changes.
    pub(super) fn end_hold(&self, hold: &Hold, step: Step) -> Decision {
        let reference = Some(Reference { id: Reserved::Hold(hold.id), until: None });
        let step = Step { activation: hold.activation, reference, ..step };
        let mut live: Vec<_> = self.shares_after(&step);
        live.push(LiveChange::DropHold(hold.id));
        Decision { steps: alloc::vec![step], live, ..Decision::default() }
    }

    fn known_hold(&self, id: HoldId) -> Result<&Arc<Hold>, Refusal> {
        self.live
            .hold(id)
            .filter(|hold| hold.meter == self.meter.spec.name)
            .ok_or_else(|| Refusal::Over(Kind::Hold, alloc::format!("{id}")))
    }
}
