//! The template that licenses are made from.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::id::{PolicyId, ProductId};
use crate::key::KeyPattern;
use crate::limits::POLICY_METERS_MAX;
use crate::metadata::Metadata;
use crate::meter::MeterSpec;
use crate::refusal::Refusal;
use crate::terms::Terms;
use crate::text::Code;
use crate::time::Timestamp;

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
    pub meters: Vec<Arc<MeterSpec>>,
    /// How new keys look.
    pub key_pattern: KeyPattern,
    /// Everything else it states, each of which a license may override.
    pub terms: Arc<Terms>,
    /// What it grants, by code, sorted.
    pub entitlements: Vec<Code>,
    /// What the vendor notes.
    pub metadata: Metadata,
    /// Since when it takes no new licenses.
    pub archived_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Policy {
    /// The meter of this name.
    #[must_use]
    pub fn meter(&self, name: &str) -> Option<&Arc<MeterSpec>> {
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
        self.terms.check()
    }
}

#[cfg(test)]
mod tests;
