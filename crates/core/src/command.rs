//! Commands that change the catalogue, and what they answer.
//!
//! Doors build these from their own words; the engine loads what they refer to, and the functions
//! here decide.

use alloc::string::String;
use alloc::vec::Vec;

use crate::customer::Customer;
use crate::id::{CustomerId, PolicyId, ProductId, TokenId};
use crate::key::KeyPattern;
use crate::license::{License, LicenseRef, StandingChange};
use crate::meter::{MeterSpec, Overage, check_allowed};
use crate::policy::{MeterWhile, Policy};
use crate::product::Product;
use crate::quantity::{Decimal, Quantity, Scale};
use crate::refusal::{Kind, Refusal};
use crate::text::Code;
use crate::time::Timestamp;
use crate::token::{Permissions, Token};
use crate::view::MeterView;

/// How a caller names a product, policy or customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ref<Id> {
    /// By its id.
    Id(Id),
    /// By its code.
    Code(Code),
}

/// A command that changes the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Make a product.
    CreateProduct(NewProduct),
    /// Change a product.
    ChangeProduct(Ref<ProductId>, ProductPatch),
    /// Delete a product that nothing refers to.
    DeleteProduct(Ref<ProductId>),
    /// Make a policy.
    CreatePolicy(NewPolicy),
    /// Change a policy.
    ChangePolicy(Ref<PolicyId>, PolicyPatch),
    /// Delete a policy that nothing refers to.
    DeletePolicy(Ref<PolicyId>),
    /// Make a customer.
    CreateCustomer(NewCustomer),
    /// Change a customer.
    ChangeCustomer(Ref<CustomerId>, CustomerPatch),
    /// Delete a customer that nothing refers to.
    DeleteCustomer(Ref<CustomerId>),
    /// Make a license.
    CreateLicense(NewLicense),
    /// Change a license.
    ChangeLicense(LicenseRef, LicensePatch),
    /// Suspend, reinstate or revoke a license.
    ChangeStanding(LicenseRef, StandingChange),
    /// Delete a license; the ledger keeps its records.
    DeleteLicense(LicenseRef),
    /// Give a license its own ceiling, or take it away.
    ChangeAllowed(LicenseRef, Code, AllowedChange),
    /// Make a token.
    CreateToken(NewToken),
    /// Revoke a token for good.
    RevokeToken(TokenId),
}

/// What a command made or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The product as it is now.
    Product(Product),
    /// The policy as it is now.
    Policy(Policy),
    /// The customer as it is now.
    Customer(Customer),
    /// The license as it is now, and the writer's time for its status.
    License(License, Timestamp),
    /// The meter as it is now.
    Meter(MeterView),
    /// The token as it is now, and its secret if it was just made.
    Token(Token, Option<Secret>),
    /// It is gone.
    Deleted,
}

/// The text a caller presents; shown once.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A product to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProduct {
    /// Its code.
    pub code: Code,
    /// Its name; the code if none.
    pub name: Option<String>,
}

/// Changes of a product; none leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductPatch {
    /// A new name.
    pub name: Option<String>,
    /// Archive it, or take it out again.
    pub archived: Option<bool>,
}

/// A policy to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPolicy {
    /// What its licenses are for.
    pub product: Ref<ProductId>,
    /// Its code.
    pub code: Code,
    /// Its name; the code if none.
    pub name: Option<String>,
    /// Its meters.
    pub meters: Vec<NewMeter>,
    /// How long licenses last, in milliseconds.
    pub duration_ms: Option<i64>,
    /// How keys look; the default pattern if none.
    pub key_pattern: Option<KeyPattern>,
    /// What a license may do by itself; read and increment its meters if none.
    pub license_permissions: Option<Permissions>,
    /// States in which metering goes on.
    pub meter_while: MeterWhile,
}

/// A meter of a policy to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMeter {
    /// Its name.
    pub name: Code,
    /// What it counts; the name if none.
    pub unit: Option<String>,
    /// Digits after the point.
    pub scale: Scale,
    /// Ceiling; none is unlimited.
    pub allowed: Option<Decimal>,
    /// Lowest total.
    pub floor: Decimal,
    /// What may lie above the ceiling.
    pub overage: NewOverage,
    /// Whether refusals are written to the ledger.
    pub record_refusals: bool,
}

/// An overage in the words of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NewOverage {
    /// Nothing.
    #[default]
    Refuse,
    /// Anything.
    Allow,
    /// Up to this much.
    Amount(Decimal),
    /// Up to this percentage of the ceiling.
    Percent(u32),
}

/// Changes of a policy; none leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyPatch {
    /// A new name.
    pub name: Option<String>,
    /// Archive it, or take it out again.
    pub archived: Option<bool>,
    /// How long new licenses last; `Some(None)` is for ever.
    pub duration_ms: Option<Option<i64>>,
    /// How new keys look.
    pub key_pattern: Option<KeyPattern>,
    /// What a license may do by itself.
    pub license_permissions: Option<Permissions>,
    /// States in which metering goes on.
    pub meter_while: Option<MeterWhile>,
    /// Changes of meters, by name.
    pub meters: Vec<MeterPatch>,
}

/// Changes of one meter of a policy; none leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeterPatch {
    /// Which meter.
    pub name: Code,
    /// A new ceiling; `Some(None)` is unlimited.
    pub allowed: Option<Option<Decimal>>,
    /// What may lie above it.
    pub overage: Option<NewOverage>,
    /// Whether refusals are written to the ledger.
    pub record_refusals: Option<bool>,
}

/// A customer to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCustomer {
    /// Its code.
    pub code: Code,
    /// Its name; the code if none.
    pub name: Option<String>,
    /// Where to write to.
    pub email: Option<String>,
}

/// Changes of a customer; none leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerPatch {
    /// A new name.
    pub name: Option<String>,
    /// A new address; `Some(None)` is none.
    pub email: Option<Option<String>>,
    /// Archive it, or take it out again.
    pub archived: Option<bool>,
}

/// A license to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLicense {
    /// What it is made from.
    pub policy: Ref<PolicyId>,
    /// Who pays.
    pub customer: Option<Ref<CustomerId>>,
    /// A key that the vendor brings along; a random one if none.
    pub key: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// From when on it is valid.
    pub valid_from: Option<Timestamp>,
    /// From when on it is not; by the policy's duration if none.
    pub expires_at: Option<Timestamp>,
    /// Its own ceilings, by meter.
    pub allowed: Vec<(Code, AllowedChange)>,
}

/// Changes of a license; none leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LicensePatch {
    /// A new name; `Some(None)` is none.
    pub name: Option<Option<String>>,
    /// Who pays; `Some(None)` is nobody known.
    pub customer: Option<Option<Ref<CustomerId>>>,
    /// From when on it is valid; `Some(None)` is from the start.
    pub valid_from: Option<Option<Timestamp>>,
    /// From when on it is not; `Some(None)` is never.
    pub expires_at: Option<Option<Timestamp>>,
}

/// A license's ceiling in the words of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowedChange {
    /// As the policy says.
    Policy,
    /// None at all.
    Unlimited,
    /// The license's own.
    Own(Decimal),
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub permissions: Permissions,
    /// Only licenses of this product.
    pub product: Option<Ref<ProductId>>,
    /// Only this license.
    pub license: Option<LicenseRef>,
    /// Only meters of this name.
    pub meter: Option<Code>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

impl NewMeter {
    /// The meter as a policy keeps it.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for quantities that do not fit the scale, and contradictions.
    pub fn spec(self) -> Result<MeterSpec, Refusal> {
        let spec = MeterSpec {
            unit: self.unit.unwrap_or_else(|| self.name.as_str().into()),
            scale: self.scale,
            allowed: self.allowed.map(|q| scaled("allowed", q, self.scale)).transpose()?,
            floor: scaled("floor", self.floor, self.scale)?,
            overage: self.overage.scaled(self.scale)?,
            record_refusals: self.record_refusals,
            name: self.name,
        };
        spec.check()?;
        Ok(spec)
    }
}

impl NewOverage {
    /// The overage in a meter's smallest unit.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] for an amount that does not fit the scale.
    pub fn scaled(self, scale: Scale) -> Result<Overage, Refusal> {
        Ok(match self {
            Self::Refuse => Overage::Refuse,
            Self::Allow => Overage::Allow,
            Self::Amount(amount) => Overage::Amount(scaled("overage", amount, scale)?),
            Self::Percent(percent) => Overage::Percent(percent),
        })
    }
}

impl AllowedChange {
    /// Where the ceiling of a meter comes from after the change.
    ///
    /// # Errors
    /// [`Refusal::Invalid`].
    pub fn scaled(self, spec: &MeterSpec) -> Result<crate::meter::AllowedFrom, Refusal> {
        use crate::meter::AllowedFrom;
        let own = match self {
            Self::Policy => return Ok(AllowedFrom::Policy),
            Self::Unlimited => None,
            Self::Own(allowed) => Some(scaled("allowed", allowed, spec.scale)?),
        };
        check_allowed(own, spec.floor)?;
        Ok(AllowedFrom::License(own))
    }
}

impl PolicyPatch {
    /// Applies the changes to a policy.
    ///
    /// # Errors
    /// A refusal, and then the policy must be thrown away.
    pub fn apply(self, policy: &mut Policy, now: Timestamp) -> Result<(), Refusal> {
        if let Some(name) = self.name {
            policy.name = crate::text::display_name("name", name)?;
        }
        if let Some(archived) = self.archived {
            policy.archived_at = archived.then(|| policy.archived_at.unwrap_or(now));
        }
        policy.duration_ms = self.duration_ms.unwrap_or(policy.duration_ms);
        policy.meter_while = self.meter_while.unwrap_or(policy.meter_while);
        policy.license_permissions = self.license_permissions.unwrap_or(policy.license_permissions);
        if let Some(pattern) = self.key_pattern {
            policy.key_pattern = pattern;
        }
        for patch in self.meters {
            let meter = policy.meters.iter_mut().find(|spec| spec.name == patch.name);
            let Some(spec) = meter else {
                return Err(Refusal::Unknown(Kind::Meter, patch.name.as_str().into()));
            };
            if let Some(allowed) = patch.allowed {
                let scale = spec.scale;
                spec.allowed = allowed.map(|q| scaled("allowed", q, scale)).transpose()?;
            }
            if let Some(overage) = patch.overage {
                spec.overage = overage.scaled(spec.scale)?;
            }
            spec.record_refusals = patch.record_refusals.unwrap_or(spec.record_refusals);
        }
        policy.updated_at = now;
        policy.check()
    }
}

fn scaled(field: &'static str, decimal: Decimal, scale: Scale) -> Result<Quantity, Refusal> {
    decimal.quantity(scale).map_err(|_| {
        Refusal::invalid(field, "must fit 64 bits and the digits that the meter counts")
    })
}

#[cfg(test)]
mod tests;
