//! Questions about the catalogue.

use std::sync::Arc;

use usance_core::activation::Activation;
use usance_core::artefact::PublicKey;
use usance_core::command::{Ref, UserRef};
use usance_core::customer::Customer;
use usance_core::entitlement::Entitlement;
use usance_core::id::{
    ActivationId, CustomerId, EntitlementId, LicenseId, PolicyId, ProductId, TokenId, UserId,
};
use usance_core::license::{License, LicenseRef};
use usance_core::policy::Policy;
use usance_core::product::Product;
use usance_core::refusal::{Kind, Refusal};
use usance_core::time::Timestamp;
use usance_core::token::{Permission, Token};
use usance_core::user::User;
use usance_core::view::{ActivationFilter, ActivationView, LicenseFilter, Page, PageRequest};

use super::{
    Queries, known_customer, known_entitlement, known_license, known_policy, known_product,
    known_user, need_no_license_lock, page, slice,
};
use crate::catalogue::Undecided;
use crate::store::{ActivationQuery, LicenseQuery, StoreError};

type Answer<T> = Result<T, Undecided>;

#[expect(clippy::missing_errors_doc, reason = "all fail with a refusal, or as the store does")]
impl Queries<'_> {
    /// A product.
    pub fn product(&self, of: &Ref<ProductId>) -> Answer<Product> {
        self.caller.need(Permission::ProductRead)?;
        known_product(self.reader, self.caller, of)
    }

    /// Products, oldest first.
    pub fn products(&self, request: &PageRequest) -> Answer<Page<Product>> {
        self.caller.need(Permission::ProductRead)?;
        self.caller.need_unlocked()?;
        let part = slice(request, |text| Some(*text.parse::<ProductId>().ok()?.bytes()))?;
        let found = self.reader.products(self.caller.account, &part);
        Ok(page(request, found, |product| product.id.to_string())?)
    }

    /// A policy.
    pub fn policy(&self, of: &Ref<PolicyId>) -> Answer<Policy> {
        self.caller.need(Permission::PolicyRead)?;
        known_policy(self.reader, self.caller, of)
    }

    /// Policies, oldest first; all that the caller's locks let it see.
    pub fn policies(
        &self,
        product: Option<&Ref<ProductId>>,
        request: &PageRequest,
    ) -> Answer<Page<Policy>> {
        self.caller.need(Permission::PolicyRead)?;
        need_no_license_lock(self.caller)?;
        let product = match product {
            Some(of) => Some(known_product(self.reader, self.caller, of)?.id),
            None => self.caller.locks.product,
        };
        let part = slice(request, |text| Some(*text.parse::<PolicyId>().ok()?.bytes()))?;
        let found = self.reader.policies(self.caller.account, product, &part);
        Ok(page(request, found, |policy| policy.id.to_string())?)
    }

    /// A customer.
    pub fn customer(&self, of: &Ref<CustomerId>) -> Answer<Customer> {
        self.caller.need(Permission::CustomerRead)?;
        known_customer(self.reader, self.caller, of)
    }

    /// Customers, oldest first.
    pub fn customers(&self, request: &PageRequest) -> Answer<Page<Customer>> {
        self.caller.need(Permission::CustomerRead)?;
        self.caller.need_unlocked()?;
        let part = slice(request, |text| Some(*text.parse::<CustomerId>().ok()?.bytes()))?;
        let found = self.reader.customers(self.caller.account, &part);
        Ok(page(request, found, |customer| customer.id.to_string())?)
    }

    /// A license.
    pub fn license(&self, of: &LicenseRef) -> Answer<License> {
        self.caller.need(Permission::LicenseRead)?;
        known_license(self.reader, self.caller, of)
    }

    /// Licenses, oldest first; all that the caller's locks let it see.
    pub fn licenses(
        &self,
        filter: &LicenseFilter,
        request: &PageRequest,
        now: Timestamp,
    ) -> Answer<Page<License>> {
        self.caller.need(Permission::LicenseRead)?;
        need_no_license_lock(self.caller)?;
        let product = match &filter.product {
            Some(of) => Some(known_product(self.reader, self.caller, of)?.id),
            None => self.caller.locks.product,
        };
        let policy = match &filter.policy {
            Some(of) => Some(known_policy(self.reader, self.caller, of)?.id),
            None => None,
        };
        let customer = match &filter.customer {
            Some(of) => Some(known_customer(self.reader, &self.caller.without_locks(), of)?.id),
            None => None,
        };
        let reseller = match &filter.reseller {
            Some(of) => Some(known_customer(self.reader, &self.caller.without_locks(), of)?.id),
            None => None,
        };
        let user = match &filter.user {
            Some(of) => Some(known_user(self.reader, &self.caller.without_locks(), of)?.id),
            None => self.caller.locks.user,
        };
        let status = filter.status.map(|status| (status, now));
        let only = self.caller.locks.customer;
        let query = LicenseQuery { product, policy, customer, reseller, user, only, status };
        let part = slice(request, |text| Some(*text.parse::<LicenseId>().ok()?.bytes()))?;
        let found = self.reader.licenses(self.caller.account, &query, &part);
        Ok(page(request, found, |license| license.id.to_string())?)
    }

    /// A token.
    pub fn token(&self, of: TokenId) -> Answer<Token> {
        self.caller.need(Permission::TokenRead)?;
        self.caller.need_unlocked()?;
        let found = self.reader.token(self.caller.account, of)?;
        Ok(found.ok_or_else(|| Refusal::Unknown(Kind::Token, of.to_string()))?)
    }

    /// Tokens, oldest first.
    pub fn tokens(&self, request: &PageRequest) -> Answer<Page<Token>> {
        self.caller.need(Permission::TokenRead)?;
        self.caller.need_unlocked()?;
        let part = slice(request, |text| Some(*text.parse::<TokenId>().ok()?.bytes()))?;
        let found = self.reader.tokens(self.caller.account, &part);
        Ok(page(request, found, |token| token.id.to_string())?)
    }

    /// Machines with the licenses they hold, oldest first; all that the caller's locks let it see.
    pub fn activations(
        &self,
        filter: &ActivationFilter,
        request: &PageRequest,
        now: Timestamp,
    ) -> Answer<Page<ActivationView>> {
        self.caller.need(Permission::ActivationRead)?;
        let unlocked = self.caller.without_locks();
        let license = match &filter.license {
            Some(of) => Some(known_license(self.reader, self.caller, of)?.id),
            None => self.caller.locks.license,
        };
        let product = match &filter.product {
            Some(of) => Some(known_product(self.reader, self.caller, of)?.id),
            None => self.caller.locks.product,
        };
        let policy = match &filter.policy {
            Some(of) => Some(known_policy(self.reader, self.caller, of)?.id),
            None => None,
        };
        let user = match &filter.user {
            Some(of) => Some(known_user(self.reader, &unlocked, of)?.id),
            None => None,
        };
        let query = ActivationQuery {
            license,
            policy,
            product,
            user,
            fingerprint: filter.fingerprint.clone(),
            of_user: self.caller.locks.user,
            of_customer: self.caller.locks.customer,
        };
        let part = slice(request, |text| Some(*text.parse::<ActivationId>().ok()?.bytes()))?;
        let found = self.reader.activations(self.caller.account, &query, &part);
        let found = page(request, found, |(_, activation)| activation.id.to_string())?;
        let mut items = Vec::with_capacity(found.items.len());
        for (license, activation) in found.items {
            items.push(self.machine_view(license, activation, now)?);
        }
        Ok(Page { items, next: found.next })
    }

    /// A machine in a list; what it has of meters is shown with its license.
    fn machine_view(
        &self,
        license: LicenseId,
        activation: Activation,
        now: Timestamp,
    ) -> Answer<ActivationView> {
        let missing = || StoreError::Corrupt(format!("license {license} is missing"));
        let account = self.caller.account;
        let found = self.reader.license(account, &LicenseRef::Id(license))?.ok_or_else(missing)?;
        let policy = self.reader.policy(account, &Ref::Id(found.policy))?.ok_or_else(missing)?;
        let own = policy.terms.of_license(&found.overrides);
        let terms = own.as_ref().unwrap_or(&policy.terms);
        let seconds = |ms: i64| u64::try_from(ms / 1000).unwrap_or(0);
        Ok(ActivationView {
            license,
            heartbeat: activation.heartbeat(terms, now),
            heartbeat_seconds: activation.heartbeat_ms(terms).map(seconds),
            next_heartbeat: activation.dies_at(terms),
            activation: Arc::new(activation),
            shares: Vec::new(),
        })
    }

    /// The license that a machine holds.
    pub fn holder(&self, of: ActivationId) -> Answer<LicenseId> {
        self.caller.need(Permission::ActivationRead)?;
        let unknown = || Refusal::Unknown(Kind::Activation, of.to_string());
        let license = self.reader.holder(self.caller.account, of)?.ok_or_else(unknown)?;
        known_license(self.reader, self.caller, &LicenseRef::Id(license))?;
        Ok(license)
    }

    /// An entitlement.
    pub fn entitlement(&self, of: &Ref<EntitlementId>) -> Answer<Entitlement> {
        self.caller.need(Permission::EntitlementRead)?;
        known_entitlement(self.reader, self.caller, of)
    }

    /// Entitlements, oldest first.
    pub fn entitlements(&self, request: &PageRequest) -> Answer<Page<Entitlement>> {
        self.caller.need(Permission::EntitlementRead)?;
        self.caller.need_unlocked()?;
        let part = slice(request, |text| Some(*text.parse::<EntitlementId>().ok()?.bytes()))?;
        let found = self.reader.entitlements(self.caller.account, &part);
        Ok(page(request, found, |entitlement| entitlement.id.to_string())?)
    }

    /// A person.
    pub fn user(&self, of: &UserRef) -> Answer<User> {
        self.caller.need(Permission::UserRead)?;
        known_user(self.reader, self.caller, of)
    }

    /// People, oldest first; all that the caller's locks let it see.
    pub fn users(
        &self,
        customer: Option<&Ref<CustomerId>>,
        request: &PageRequest,
    ) -> Answer<Page<User>> {
        self.caller.need(Permission::UserRead)?;
        let customer = match (customer, self.caller.locks.customer) {
            (Some(of), _) => Some(known_customer(self.reader, self.caller, of)?.id),
            (None, Some(only)) => Some(only),
            (None, None) => {
                self.caller.need_unlocked()?;
                None
            }
        };
        let part = slice(request, |text| Some(*text.parse::<UserId>().ok()?.bytes()))?;
        let found = self.reader.users(self.caller.account, customer, &part);
        Ok(page(request, found, |user| user.id.to_string())?)
    }

    /// The public halves of the keys that sign license files, oldest first.
    pub fn public_keys(&self) -> Answer<Vec<PublicKey>> {
        let keys = self.reader.signing_keys(self.caller.account)?;
        Ok(keys.into_iter().map(|key| key.public).collect())
    }
}
