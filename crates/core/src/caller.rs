//! Who is calling, and what that allows.

use crate::audience::{Audience, Audiences};
use crate::id::{AccountId, LicenseId, ProductId, TokenId};
use crate::license::{License, Standing};
use crate::lifecycle::may_act;
use crate::refusal::{Kind, Refusal};
use crate::token::{Locks, Permission, Permissions};

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account it acts in.
    pub account: AccountId,
    /// The credential it presented.
    pub credential: Credential,
    /// What it may do.
    pub permissions: Permissions,
    /// What it may touch.
    pub locks: Locks,
    /// Whose eyes it sees with; none is the vendor, who sees everything.
    pub audience: Option<Audience>,
    /// The license that it acts as, and how that stands; none if it acts as itself.
    pub acts_as: Option<(LicenseId, Standing)>,
}

/// What a caller presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A token.
    Token(TokenId),
    /// The key of a license, which then acts for itself.
    License(LicenseId),
    /// The process itself: first start, tests and tools that hold the data directory.
    System,
}

impl Caller {
    /// The process itself, which may do everything in the account.
    #[must_use]
    pub const fn system(account: AccountId) -> Self {
        Self {
            account,
            credential: Credential::System,
            permissions: Permissions::ALL,
            locks: Locks { product: None, license: None, meter: None, user: None, customer: None },
            audience: None,
            acts_as: None,
        }
    }

    /// The same caller, for looking up what its locks do not concern.
    #[must_use]
    pub fn without_locks(&self) -> Self {
        Self { locks: Locks::default(), ..self.clone() }
    }

    /// Refuses what the caller may not do anywhere, or not while the license that it acts as is
    /// stopped.
    ///
    /// # Errors
    /// [`Refusal::PermissionMissing`], [`Refusal::LicenseSuspended`], [`Refusal::LicenseRevoked`].
    pub fn need(&self, permission: Permission) -> Result<(), Refusal> {
        if !self.permissions.contain(permission) {
            return Err(Refusal::PermissionMissing(permission));
        }
        match self.acts_as {
            Some((license, standing)) => may_act(license, standing, permission),
            None => Ok(()),
        }
    }

    /// Refuses what reaches beyond the caller's locks: a locked caller has no business with
    /// the account as a whole.
    ///
    /// # Errors
    /// [`Refusal::Locked`], naming the kind of the lock.
    pub fn need_unlocked(&self) -> Result<(), Refusal> {
        if self.locks.meter.is_some() {
            return Err(Refusal::Locked(Kind::Meter));
        }
        if self.locks.license.is_some() {
            return Err(Refusal::Locked(Kind::License));
        }
        if self.locks.user.is_some() {
            return Err(Refusal::Locked(Kind::User));
        }
        if self.locks.customer.is_some() {
            return Err(Refusal::Locked(Kind::Customer));
        }
        if self.locks.product.is_some() {
            return Err(Refusal::Locked(Kind::Product));
        }
        Ok(())
    }

    /// Refuses a license outside the caller's locks.
    ///
    /// # Errors
    /// [`Refusal::Locked`].
    pub fn need_license(&self, license: &License) -> Result<(), Refusal> {
        let Locks { license: only, user, customer, .. } = &self.locks;
        if only.is_some_and(|only| only != license.id) {
            return Err(Refusal::Locked(Kind::License));
        }
        if user.is_some_and(|user| license.owner != Some(user) && !license.users.contains(&user)) {
            return Err(Refusal::Locked(Kind::User));
        }
        let is_theirs = |of| license.customer == Some(of) || license.reseller == Some(of);
        if customer.is_some_and(|customer| !is_theirs(customer)) {
            return Err(Refusal::Locked(Kind::Customer));
        }
        self.need_product(license.product)
    }

    /// Refuses a product outside the caller's locks.
    ///
    /// # Errors
    /// [`Refusal::Locked`].
    pub fn need_product(&self, product: ProductId) -> Result<(), Refusal> {
        if self.locks.product.is_some_and(|only| only != product) {
            return Err(Refusal::Locked(Kind::Product));
        }
        Ok(())
    }

    /// Refuses to change what has more meters than the caller's lock: a whole license, policy or
    /// product.
    ///
    /// # Errors
    /// [`Refusal::Locked`].
    pub fn need_all_meters(&self) -> Result<(), Refusal> {
        match self.locks.meter {
            None => Ok(()),
            Some(_) => Err(Refusal::Locked(Kind::Meter)),
        }
    }

    /// Refuses a meter outside the caller's locks.
    ///
    /// # Errors
    /// [`Refusal::Locked`].
    pub fn need_meter(&self, meter: &str) -> Result<(), Refusal> {
        if self.locks.meter.as_deref().is_some_and(|only| only != meter) {
            return Err(Refusal::Locked(Kind::Meter));
        }
        Ok(())
    }

    /// Whether something that is shown to these audiences is shown to the caller.
    #[must_use]
    pub fn sees(&self, visible_to: Audiences) -> bool {
        self.audience.is_none_or(|audience| visible_to.contains(audience))
    }
}

#[cfg(test)]
mod tests;
