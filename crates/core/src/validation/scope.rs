//! What a validation is held against.

use alloc::string::String;

use super::Subject;
use crate::activation::Activation;
use crate::command::ValidationRequest;
use crate::id::{ActivationId, PolicyId, ProductId, UserId};
use crate::terms::ScopeKind;
use crate::text::Code;

/// What a validation is held against, with everything that was named looked up. What is not named
/// is not looked at, unless the terms require it.
#[derive(Debug, Clone, Default)]
pub struct Scope<'a> {
    /// The product that asks; `Some(None)` is one that is unknown.
    pub product: Option<Option<ProductId>>,
    /// The policy that is expected; `Some(None)` is one that is unknown.
    pub policy: Option<Option<PolicyId>>,
    /// The machine that asks, by id.
    pub activation: Option<ActivationId>,
    /// The machine that asks, by one or more fingerprints.
    pub fingerprints: Option<&'a [String]>,
    /// Parts of the machine that asks, by fingerprint.
    pub components: Option<&'a [String]>,
    /// The person who asks.
    pub user: Option<ScopedUser>,
    /// Features that it must grant.
    pub entitlements: Option<&'a [Code]>,
    /// A checksum of what runs.
    pub checksum: Option<&'a str>,
    /// A version of what runs.
    pub version: Option<&'a str>,
    /// Whether what the terms require may be left out.
    pub is_quick: bool,
}

/// A person whom a validation names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopedUser {
    /// Nobody, expressly: a license that has no owner.
    Nobody,
    /// Somebody whom the account does not know.
    Unknown,
    /// A person of the account.
    Known(UserId),
}

impl<'a> Scope<'a> {
    /// The scope of a request, whose product, policy and user were looked up.
    #[must_use]
    pub fn of(
        request: &'a ValidationRequest,
        product: Option<Option<ProductId>>,
        policy: Option<Option<PolicyId>>,
        user: Option<ScopedUser>,
    ) -> Self {
        Self {
            product,
            policy,
            activation: request.activation,
            fingerprints: request.fingerprints.as_deref(),
            components: request.components.as_deref(),
            user,
            entitlements: request.entitlements.as_deref(),
            checksum: request.checksum.as_deref(),
            version: request.version.as_deref(),
            is_quick: request.is_quick,
        }
    }

    /// Whether the terms insist on something, to be asked where it is not named.
    pub(super) fn lacks(&self, subject: &Subject<'_>, kind: ScopeKind) -> bool {
        !self.is_quick && subject.terms.require_scopes.contains(kind)
    }

    /// Whether the machine may be the one of the person who asks: it is theirs, or nobody's.
    pub(super) fn may_be_theirs(&self, machine: &Activation) -> bool {
        match (self.user, machine.user) {
            (None, _) | (_, None) => true,
            (Some(ScopedUser::Known(user)), Some(owner)) => user == owner,
            (Some(ScopedUser::Nobody | ScopedUser::Unknown), Some(_)) => false,
        }
    }

    /// Whose machines are counted where each person is limited on their own.
    pub(super) const fn lessee(&self) -> Option<UserId> {
        match self.user {
            Some(ScopedUser::Known(user)) => Some(user),
            Some(ScopedUser::Nobody | ScopedUser::Unknown) | None => None,
        }
    }
}
