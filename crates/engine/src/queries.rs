//! Answers questions from what is committed, within what the caller may see.

mod catalogue;
mod events;
pub use events::event_filter;
mod history;
mod proofs;
mod rules;
mod webhooks;

pub use self::rules::TryRule;
use usance_core::caller::Caller;
use usance_core::command::{Ref, UserRef};
use usance_core::customer::Customer;
use usance_core::entitlement::Entitlement;
use usance_core::id::{CustomerId, EntitlementId, PolicyId, ProductId, RuleId, WriterId};
use usance_core::key::as_probably_meant;
use usance_core::license::{License, LicenseKey, LicenseRef};
use usance_core::policy::Policy;
use usance_core::product::Product;
use usance_core::refusal::{Kind, Refusal};
use usance_core::rule::Rule;
use usance_core::token::Locks;
use usance_core::user::User;
use usance_core::view::{Page, PageRequest};

use crate::catalogue::Undecided;
use crate::count::unknown_license;
use crate::limits::PAGE_ITEMS_MAX;
use crate::store::{Reader, Slice, StoreError};

pub use self::webhooks::known_webhook;

/// Answers questions. Each method checks the caller's permission first.
pub struct Queries<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// What is committed.
    pub reader: &'a dyn Reader,
    /// Who writes.
    pub writer: WriterId,
}

/// A product that the caller may know of.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::Locked`], or the store's.
pub fn known_product(
    reader: &dyn Reader,
    caller: &Caller,
    of: &Ref<ProductId>,
) -> Result<Product, Undecided> {
    let found = reader.product(caller.account, of)?;
    let product = found.ok_or_else(|| Refusal::Unknown(Kind::Product, named(of)))?;
    caller.need_product(product.id)?;
    need_no_license_lock(caller)?;
    Ok(product)
}

/// A policy that the caller may know of.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::Locked`], or the store's.
pub fn known_policy(
    reader: &dyn Reader,
    caller: &Caller,
    of: &Ref<PolicyId>,
) -> Result<Policy, Undecided> {
    let found = reader.policy(caller.account, of)?;
    let policy = found.ok_or_else(|| Refusal::Unknown(Kind::Policy, named(of)))?;
    caller.need_product(policy.product)?;
    need_no_license_lock(caller)?;
    Ok(policy)
}

/// A customer that the caller may know of.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::Locked`], or the store's.
pub fn known_customer(
    reader: &dyn Reader,
    caller: &Caller,
    of: &Ref<CustomerId>,
) -> Result<Customer, Undecided> {
    let found = reader.customer(caller.account, of)?;
    let customer = found.ok_or_else(|| Refusal::Unknown(Kind::Customer, named(of)))?;
    match caller.locks.customer {
        // A reseller knows those who buy from it.
        Some(only) if only == customer.id || customer.reseller == Some(only) => Ok(customer),
        Some(_) => Err(Refusal::Locked(Kind::Customer).into()),
        None => {
            caller.need_unlocked()?;
            Ok(customer)
        }
    }
}

/// A license that the caller may know of; a mistyped key is put right where that finds one.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::KeyMistyped`], [`Refusal::Locked`], or the store's.
pub fn known_license(
    reader: &dyn Reader,
    caller: &Caller,
    of: &LicenseRef,
) -> Result<License, Undecided> {
    let mut found = reader.license(caller.account, of)?;
    if let (None, LicenseRef::Key(key)) = (&found, of) {
        let meant = LicenseRef::Key(LicenseKey(as_probably_meant(&key.0)));
        found = reader.license(caller.account, &meant)?;
    }
    let license = found.ok_or_else(|| unknown_license(of))?;
    caller.need_license(&license)?;
    Ok(license)
}

/// An entitlement.
///
/// # Errors
/// [`Refusal::Unknown`], or the store's.
pub fn known_entitlement(
    reader: &dyn Reader,
    caller: &Caller,
    of: &Ref<EntitlementId>,
) -> Result<Entitlement, Undecided> {
    let found = reader.entitlement(caller.account, of)?;
    Ok(found.ok_or_else(|| Refusal::Unknown(Kind::Entitlement, named(of)))?)
}

/// A rule.
///
/// # Errors
/// [`Refusal::Unknown`], or the store's.
pub fn known_rule(
    reader: &dyn Reader,
    caller: &Caller,
    of: &Ref<RuleId>,
) -> Result<Rule, Undecided> {
    let found = reader.rule(caller.account, of)?;
    Ok(found.ok_or_else(|| Refusal::Unknown(Kind::Rule, named(of)))?)
}

/// A person that the caller may know of.
///
/// # Errors
/// [`Refusal::Unknown`], [`Refusal::Locked`], or the store's.
pub fn known_user(reader: &dyn Reader, caller: &Caller, of: &UserRef) -> Result<User, Undecided> {
    let unknown = || match of {
        UserRef::Id(id) => Refusal::Unknown(Kind::User, id.to_string()),
        UserRef::Email(_) => Refusal::Unknown(Kind::User, "with this address".into()),
    };
    let user = reader.user(caller.account, of)?.ok_or_else(unknown)?;
    need_user(caller, &user)?;
    Ok(user)
}

/// Refuses a person outside the caller's locks.
///
/// # Errors
/// [`Refusal::Locked`].
pub fn need_user(caller: &Caller, user: &User) -> Result<(), Refusal> {
    let Locks { product, license, meter, user: only, customer } = &caller.locks;
    if license.is_some() || product.is_some() || meter.is_some() {
        return caller.need_unlocked();
    }
    if only.is_some_and(|only| only != user.id) {
        return Err(Refusal::Locked(Kind::User));
    }
    if customer.is_some_and(|customer| user.customer != Some(customer)) {
        return Err(Refusal::Locked(Kind::Customer));
    }
    Ok(())
}

fn need_no_license_lock(caller: &Caller) -> Result<(), Refusal> {
    match caller.locks.license {
        None => Ok(()),
        Some(_) => Err(Refusal::Locked(Kind::License)),
    }
}

fn named<Id: std::fmt::Display>(of: &Ref<Id>) -> String {
    match of {
        Ref::Id(id) => id.to_string(),
        Ref::Code(code) => code.to_string(),
    }
}

/// The part of a list that a page needs: one item more than asked, to know whether it goes on.
fn slice(page: &PageRequest, read: impl Fn(&str) -> Option<[u8; 16]>) -> Result<Slice, Refusal> {
    let after = match &page.cursor {
        None => None,
        Some(cursor) => Some(read(cursor).ok_or_else(bad_cursor)?),
    };
    if page.limit == 0 || page.limit > PAGE_ITEMS_MAX {
        return Err(Refusal::invalid("limit", "must be 1 to 1000"));
    }
    Ok(Slice { after, limit: page.limit + 1 })
}

fn bad_cursor() -> Refusal {
    Refusal::invalid("cursor", "must be the `next` of the page before")
}

/// A page from one item more than asked.
fn page<T>(
    page: &PageRequest,
    items: Result<Vec<T>, StoreError>,
    id: impl Fn(&T) -> String,
) -> Result<Page<T>, StoreError> {
    let mut items = items?;
    let goes_on = items.len() > page.limit;
    items.truncate(page.limit);
    let next = items.last().filter(|_| goes_on).map(id);
    Ok(Page { items, next })
}
