//! A person who may see and use licenses.

use alloc::string::String;
use core::fmt;

use crate::id::{CustomerId, UserId};
use crate::metadata::Metadata;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// What a person is to the account.
    Role {
        /// Uses licenses.
        User = "user",
        /// Does everything.
        Admin = "admin",
        /// Does what programmers do: everything but the account itself.
        Developer = "developer",
        /// Sells: makes licenses.
        Sales = "sales",
        /// Helps: changes licenses, makes none.
        Support = "support",
        /// Looks.
        ReadOnly = "read-only",
        /// Looks after the people and licenses of one customer.
        OrganizationAdmin = "organization-admin",
        /// Looks after the customers of one reseller.
        ResellerAdmin = "reseller-admin",
    }
}

/// A person. All of it is personal data.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their address, unique in the account whatever the case of its letters.
    pub email: String,
    /// Their given name.
    pub first_name: Option<String>,
    /// Their family name.
    pub last_name: Option<String>,
    /// What they are to the account.
    pub role: Role,
    /// The customer they belong to.
    pub customer: Option<CustomerId>,
    /// A salted, slow hash of their password (PHC string), if they have one.
    pub password: Option<String>,
    /// Since when they are shut out.
    pub banned_at: Option<Timestamp>,
    /// What the vendor notes.
    pub metadata: Metadata,
    /// When they were added.
    pub created_at: Timestamp,
    /// When they were last changed.
    pub updated_at: Timestamp,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}
