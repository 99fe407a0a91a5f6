//! What is sold.

use alloc::string::String;

use crate::id::ProductId;
use crate::metadata::Metadata;
use crate::text::Code;
use crate::time::Timestamp;

/// What is sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its name for machines, unique among the account's products.
    pub code: Code,
    /// Its name for people.
    pub name: String,
    /// What the vendor notes.
    pub metadata: Metadata,
    /// Since when it takes no new policies.
    pub archived_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
