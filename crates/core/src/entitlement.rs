//! A named feature that policies and licenses grant.

use alloc::string::String;

use crate::id::EntitlementId;
use crate::metadata::Metadata;
use crate::text::Code;
use crate::time::Timestamp;

/// A named feature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// Its id.
    pub id: EntitlementId,
    /// Its name for machines, unique among the account's entitlements; what programs ask for.
    pub code: Code,
    /// Its name for people.
    pub name: String,
    /// What the vendor notes.
    pub metadata: Metadata,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
