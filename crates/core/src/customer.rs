//! Who pays.

use alloc::string::String;
use core::fmt;

use crate::id::CustomerId;
use crate::text::Code;
use crate::time::Timestamp;

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
