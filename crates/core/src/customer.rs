//! Who pays.

use alloc::string::String;
use core::fmt;

use crate::id::CustomerId;
use crate::metadata::Metadata;
use crate::terms::Limit;
use crate::text::Code;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// What a customer is.
    CustomerKind {
        /// A person.
        Person = "person",
        /// A company, a team, an institute.
        Organization = "organization",
        /// A company that sells to others.
        Reseller = "reseller",
    }
}

/// Who pays.
#[derive(Clone, PartialEq, Eq)]
pub struct Customer {
    /// Its id.
    pub id: CustomerId,
    /// Its name for machines, unique among the account's customers.
    pub code: Code,
    /// Its name for people. May be personal data.
    pub name: String,
    /// Where to write to. Personal data.
    pub email: Option<String>,
    /// What it is.
    pub kind: CustomerKind,
    /// The reseller it buys from.
    pub reseller: Option<CustomerId>,
    /// People that may belong to it; none is unlimited.
    pub max_users: Limit,
    /// Licenses that it may have; none is unlimited.
    pub max_licenses: Limit,
    /// Activations that its licenses may have together; none is unlimited.
    pub max_activations: Limit,
    /// What the vendor notes.
    pub metadata: Metadata,
    /// Since when it takes no new licenses.
    pub archived_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer").field("id", &self.id).finish_non_exhaustive()
    }
}
