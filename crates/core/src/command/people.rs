//! People in the words of a caller.

use alloc::string::String;
use core::fmt;

use super::Ref;
use crate::id::{CustomerId, UserId};
use crate::metadata::Metadata;
use crate::user::Role;

/// How a caller names a person.
#[derive(Clone, PartialEq, Eq)]
pub enum UserRef {
    /// By their id.
    Id(UserId),
    /// By their address.
    Email(String),
}

impl fmt::Debug for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Email(_) => f.write_str("Email(…)"),
        }
    }
}

impl UserRef {
    /// Reads an id, or takes the text for an address.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Email(text.into()), Self::Id)
    }
}

/// A person to be added.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Their address.
    pub email: String,
    /// Their given name.
    pub first_name: Option<String>,
    /// Their family name.
    pub last_name: Option<String>,
    /// What they are to the account.
    pub role: Role,
    /// The customer they belong to.
    pub customer: Option<Ref<CustomerId>>,
    /// A salted, slow hash of their password (PHC string).
    pub password: Option<String>,
    /// What the vendor notes.
    pub metadata: Metadata,
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewUser(…)")
    }
}

/// Changes of a person; none leaves a field as it is, `Some(None)` takes it away.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct UserPatch {
    /// A new address.
    pub email: Option<String>,
    /// Their given name.
    pub first_name: Option<Option<String>>,
    /// Their family name.
    pub last_name: Option<Option<String>>,
    /// What they are to the account.
    pub role: Option<Role>,
    /// The customer they belong to.
    pub customer: Option<Option<Ref<CustomerId>>>,
    /// A new hash of their password.
    pub password: Option<Option<String>>,
    /// New notes.
    pub metadata: Option<Metadata>,
}

impl fmt::Debug for UserPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserPatch(…)")
    }
}
