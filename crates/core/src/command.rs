//! Commands that change the catalogue, and what they answer.
//!
//! Doors build these from their own words; the engine loads what they refer to, and the functions
//! here decide.

mod licensing;
mod meters;
mod people;
mod rules;
mod webhooks;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

pub use self::licensing::{
    ActivationPatch, EntitlementPatch, FileRequest, MadeFile, NewActivation, NewComponent,
    NewEntitlement, NewProcess, ValidationRequest,
};
pub use self::meters::{MeterPatch, NewMeasure, NewMeter, NewOverage, NewRollover, NewTiming};
pub use self::people::{NewUser, UserPatch, UserRef};
pub use self::rules::{NewAct, NewRule, RulePatch};
pub use self::webhooks::{NewWebhook, RedeliveryRequest, SecretRotation, WebhookPatch};
use crate::activation::{ActivationRef, Process};
use crate::artefact::PublicKey;
use crate::audience::Audience;
use crate::customer::{Customer, CustomerKind};
use crate::entitlement::Entitlement;
use crate::id::{
    CustomerId, EntitlementId, PolicyId, ProcessId, ProductId, RuleId, TokenId, WebhookId,
};
use crate::key::KeyPattern;
use crate::license::{License, LicenseRef, StandingChange};
use crate::limits::ENTITLEMENTS_MAX;
use crate::metadata::Metadata;
use crate::meter::{MeterSpec, check_allowed};
use crate::policy::Policy;
use crate::product::Product;
use crate::quantity::{Decimal, Quantity, Scale};
use crate::refusal::{Kind, Refusal};
use crate::rule::Rule;
use crate::terms::{Limit, TermsPatch};
use crate::text::Code;
use crate::time::Timestamp;
use crate::token::{Permissions, Token};
use crate::user::User;
use crate::validation::Validation;
use crate::view::{ActivationView, MeterView};
use crate::webhook::{DeliveryNote, WebhookView};

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
    /// Make a license last longer by the duration of its terms.
    RenewLicense(LicenseRef),
    /// Tell that a license is still there.
    CheckInLicense(LicenseRef),
    /// Move a license to another policy of its product.
    TransferLicense(LicenseRef, Ref<PolicyId>),
    /// Ask whether a license is valid.
    ValidateLicense(LicenseRef, ValidationRequest),
    /// Make a signed file that proves a license offline.
    MakeFile(LicenseRef, FileRequest),
    /// Give a license its own ceiling, or take it away.
    ChangeAllowed(LicenseRef, Code, AllowedChange),
    /// Give a license a meter of its own.
    AddMeter(LicenseRef, NewMeter),
    /// Take a license's own meter away; the ledger keeps its records.
    RemoveMeter(LicenseRef, Code),
    /// Let a machine hold a license.
    Activate(LicenseRef, NewActivation),
    /// Change what is known of a machine.
    ChangeActivation(LicenseRef, ActivationRef, ActivationPatch),
    /// A machine shows that it lives.
    HeartbeatActivation(LicenseRef, ActivationRef),
    /// Forget the last heartbeat of a machine.
    ResetHeartbeat(LicenseRef, ActivationRef),
    /// A machine lets go of its license.
    Deactivate(LicenseRef, ActivationRef),
    /// A program starts on a machine.
    StartProcess(LicenseRef, ActivationRef, NewProcess),
    /// A program shows that it runs.
    HeartbeatProcess(LicenseRef, ProcessId),
    /// A program has ended.
    EndProcess(LicenseRef, ProcessId),
    /// Make an entitlement.
    CreateEntitlement(NewEntitlement),
    /// Change an entitlement.
    ChangeEntitlement(Ref<EntitlementId>, EntitlementPatch),
    /// Delete an entitlement that nothing grants.
    DeleteEntitlement(Ref<EntitlementId>),
    /// Add a person.
    CreateUser(NewUser),
    /// Change a person.
    ChangeUser(UserRef, UserPatch),
    /// Shut a person out, or let them in again.
    BanUser(UserRef, bool),
    /// Forget a person who owns no license.
    DeleteUser(UserRef),
    /// Make a new signing key for license files, and retire the one before.
    RotateKey,
    /// Make a token.
    CreateToken(NewToken),
    /// Revoke a token for good.
    RevokeToken(TokenId),
    /// Make a receiver of events.
    CreateWebhook(NewWebhook),
    /// Change a receiver of events.
    ChangeWebhook(WebhookId, WebhookPatch),
    /// Delete a receiver of events.
    DeleteWebhook(WebhookId),
    /// Give a receiver of events a new secret.
    RotateWebhookSecret(WebhookId, SecretRotation),
    /// Tell a receiver events once more.
    Redeliver(WebhookId, RedeliveryRequest),
    /// Note how deliveries went. The server's own: it is no record of the ledger.
    NoteDeliveries(Vec<DeliveryNote>),
    /// Make a rule.
    CreateRule(NewRule),
    /// Change a rule.
    ChangeRule(Ref<RuleId>, RulePatch),
    /// Delete a rule; what it did stays until it is over or undone.
    DeleteRule(Ref<RuleId>),
    /// Have a rule act on a license, once for each cause. Only the process itself may.
    Act(NewAct),
    /// Undo what a rule did to a license, or what all did.
    Unblock(LicenseRef, Option<Ref<RuleId>>),
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
    /// Whether the license is valid.
    Validation(Box<Validation>),
    /// A signed license file.
    File(MadeFile),
    /// The machine as it is now.
    Activation(Box<ActivationView>),
    /// The machine that was to be activated, as it is now: it held the license already.
    ActivatedAlready(Box<ActivationView>),
    /// The process as it is now.
    Process(Process, Timestamp),
    /// The entitlement as it is now.
    Entitlement(Entitlement),
    /// The person as they are now.
    User(Box<User>),
    /// The public half of the new signing key.
    Key(PublicKey),
    /// The meter as it is now.
    Meter(MeterView),
    /// The token as it is now, and its secret if it was just made.
    Token(Token, Option<Secret>),
    /// The rule as it is now.
    Rule(Box<Rule>),
    /// Whether the rule acted; it does not if it did so before for the same cause.
    Acted(bool),
    /// It is gone.
    Deleted,
    /// The receiver of events as it is now, and its secret if it was just made.
    Webhook(Box<WebhookView>, Option<Secret>),
    /// It is noted.
    Noted,
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
    /// What the vendor notes.
    pub metadata: Metadata,
}

/// Changes of a product; none leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductPatch {
    /// A new name.
    pub name: Option<String>,
    /// New notes.
    pub metadata: Option<Metadata>,
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
    /// How keys look; the default pattern if none.
    pub key_pattern: Option<KeyPattern>,
    /// What it states otherwise than by default.
    pub terms: TermsPatch,
    /// What it grants.
    pub entitlements: Vec<Code>,
    /// What the vendor notes.
    pub metadata: Metadata,
}

/// Changes of a policy; none leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyPatch {
    /// A new name.
    pub name: Option<String>,
    /// Archive it, or take it out again.
    pub archived: Option<bool>,
    /// How new keys look.
    pub key_pattern: Option<KeyPattern>,
    /// New terms.
    pub terms: TermsPatch,
    /// What it grants from now on.
    pub entitlements: Option<Vec<Code>>,
    /// New notes.
    pub metadata: Option<Metadata>,
    /// Changes of meters, by name.
    pub meters: Vec<MeterPatch>,
    /// Meters that it gets beside those it has; its licenses get them too.
    pub new_meters: Vec<NewMeter>,
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
    /// What it is.
    pub kind: CustomerKind,
    /// The reseller it buys from.
    pub reseller: Option<Ref<CustomerId>>,
    /// People that may belong to it.
    pub max_users: Limit,
    /// Licenses that it may have.
    pub max_licenses: Limit,
    /// Activations that its licenses may have together.
    pub max_activations: Limit,
    /// What the vendor notes.
    pub metadata: Metadata,
}

/// Changes of a customer; none leaves a field as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustomerPatch {
    /// A new name.
    pub name: Option<String>,
    /// A new address; `Some(None)` is none.
    pub email: Option<Option<String>>,
    /// The reseller it buys from; `Some(None)` is none.
    pub reseller: Option<Option<Ref<CustomerId>>>,
    /// People that may belong to it.
    pub max_users: Option<Limit>,
    /// Licenses that it may have.
    pub max_licenses: Option<Limit>,
    /// Activations that its licenses may have together.
    pub max_activations: Option<Limit>,
    /// New notes.
    pub metadata: Option<Metadata>,
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
    /// Who sold it.
    pub reseller: Option<Ref<CustomerId>>,
    /// Whose it is among the people who use it.
    pub owner: Option<UserRef>,
    /// Who else may use it.
    pub users: Vec<UserRef>,
    /// What it states otherwise than its policy.
    pub terms: TermsPatch,
    /// What it grants beside its policy.
    pub entitlements: Vec<Code>,
    /// What the vendor notes.
    pub metadata: Metadata,
    /// Meters of its own.
    pub meters: Vec<NewMeter>,
    /// A key that the vendor brings along; a random one if none.
    pub key: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// From when on it is valid.
    pub valid_from: Option<Timestamp>,
    /// From when on it is not; by the duration of its terms if nothing is said, never if
    /// `Some(None)`.
    pub expires_at: Option<Option<Timestamp>>,
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
    /// Who sold it; `Some(None)` is the vendor.
    pub reseller: Option<Option<Ref<CustomerId>>>,
    /// Whose it is; `Some(None)` is nobody's.
    pub owner: Option<Option<UserRef>>,
    /// Who else may use it.
    pub users: Option<Vec<UserRef>>,
    /// What it states otherwise than its policy.
    pub terms: TermsPatch,
    /// Terms in which it follows its policy again, by name.
    pub cleared_terms: Vec<String>,
    /// What it grants beside its policy.
    pub entitlements: Option<Vec<Code>>,
    /// New notes.
    pub metadata: Option<Metadata>,
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
    /// Only licenses that this person owns or may use.
    pub user: Option<UserRef>,
    /// Only licenses that this customer pays for or sold.
    pub customer: Option<Ref<CustomerId>>,
    /// Whose eyes it sees with; by its locks if none.
    pub audience: Option<Audience>,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

impl NewProduct {
    /// A product of this code that states nothing else.
    #[must_use]
    pub fn of(code: Code) -> Self {
        Self { code, name: None, metadata: Metadata::default() }
    }
}

impl NewPolicy {
    /// A policy of this code, without meters, that states nothing else.
    #[must_use]
    pub fn of(product: Ref<ProductId>, code: Code) -> Self {
        Self {
            product,
            code,
            name: None,
            meters: Vec::new(),
            key_pattern: None,
            terms: TermsPatch::default(),
            entitlements: Vec::new(),
            metadata: Metadata::default(),
        }
    }
}

impl NewLicense {
    /// A license under this policy that states nothing else.
    #[must_use]
    pub fn of(policy: Ref<PolicyId>) -> Self {
        Self {
            policy,
            customer: None,
            reseller: None,
            owner: None,
            users: Vec::new(),
            terms: TermsPatch::default(),
            entitlements: Vec::new(),
            metadata: Metadata::default(),
            meters: Vec::new(),
            key: None,
            name: None,
            valid_from: None,
            expires_at: None,
            allowed: Vec::new(),
        }
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
        if let Some(pattern) = self.key_pattern {
            policy.key_pattern = pattern;
        }
        policy.terms = Arc::new(policy.terms.with(&self.terms));
        if let Some(entitlements) = self.entitlements {
            policy.entitlements = granted(entitlements)?;
        }
        policy.metadata = self.metadata.unwrap_or_else(|| policy.metadata.clone());
        for patch in self.meters {
            let meter = policy.meters.iter_mut().find(|spec| spec.name == patch.name);
            let Some(spec) = meter else {
                return Err(Refusal::Unknown(Kind::Meter, patch.name.as_str().into()));
            };
            patch.apply(Arc::make_mut(spec))?;
        }
        for new in self.new_meters {
            policy.meters.push(Arc::new(new.spec()?));
        }
        policy.updated_at = now;
        policy.check()
    }
}

/// Sorts the codes of what is granted.
///
/// # Errors
/// [`Refusal::Invalid`] for too many.
pub fn granted(mut codes: Vec<Code>) -> Result<Vec<Code>, Refusal> {
    codes.sort();
    codes.dedup();
    if codes.len() > ENTITLEMENTS_MAX {
        return Err(Refusal::invalid("entitlements", "may be at most 256"));
    }
    Ok(codes)
}

pub(crate) fn scaled(
    field: &'static str,
    decimal: Decimal,
    scale: Scale,
) -> Result<Quantity, Refusal> {
    decimal.quantity(scale).map_err(|_| {
        Refusal::invalid(field, "must fit 64 bits and the digits that the meter counts")
    })
}

#[cfg(test)]
mod tests;
