//! The template that licenses are made from.

use alloc::string::String;
use alloc::vec::Vec;

use crate::id::{PolicyId, ProductId};
use crate::key::KeyPattern;
use crate::limits::POLICY_METERS_MAX;
use crate::meter::MeterSpec;
use crate::refusal::Refusal;
use crate::text::Code;
use crate::time::Timestamp;
use crate::token::Permissions;

/// The template that licenses are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its id.
    pub id: PolicyId,
    /// What its licenses are for.
    pub product: ProductId,
    /// Its name for machines, unique among the account's policies.
    pub code: Code,
    /// Its name for people.
    pub name: String,
    /// The meters that every license gets.
    pub meters: Vec<MeterSpec>,
    /// How long a license lasts from its creation, in milliseconds, unless it says otherwise.
    pub duration_ms: Option<i64>,
    /// How new keys look.
    pub key_pattern: KeyPattern,
    /// What a license may do by itself, presenting its key.
    pub license_permissions: Permissions,
    /// States in which metering goes on.
    pub meter_while: MeterWhile,
    /// Since when it takes no new licenses.
    pub archived_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// States of a license in which its meters may still move. None by default; revoked never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MeterWhile {
    /// While it is suspended.
    pub suspended: bool,
    /// After it has expired.
    pub expired: bool,
    /// Before it is valid.
    pub not_yet_valid: bool,
}

impl Policy {
    /// The meter of this name.
    #[must_use]
    pub fn meter(&self, name: &str) -> Option<&MeterSpec> {
        self.meters.iter().find(|spec| &*spec.name == name)
    }

    /// Refuses a policy that contradicts itself.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], naming the field.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.meters.len() > POLICY_METERS_MAX {
            return Err(Refusal::invalid("meters", "may be at most 64"));
        }
        for (index, spec) in self.meters.iter().enumerate() {
            spec.check()?;
            if self.meters[..index].iter().any(|other| other.name == spec.name) {
                return Err(Refusal::Invalid {
                    field: "meters".into(),
                    reason: alloc::format!("has two meters named {}", spec.name).into(),
                });
            }
        }
        if self.duration_ms.is_some_and(|duration| duration <= 0) {
            return Err(Refusal::invalid("duration_seconds", "must be more than zero"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
