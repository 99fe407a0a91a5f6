//! Questions about the catalogue.

use usance_core::command::Ref;
use usance_core::customer::Customer;
use usance_core::id::{CustomerId, LicenseId, PolicyId, ProductId, TokenId};
use usance_core::license::{License, LicenseRef};
use usance_core::policy::Policy;
use usance_core::product::Product;
use usance_core::refusal::{Kind, Refusal};
use usance_core::time::Timestamp;
use usance_core::token::{Permission, Token};
use usance_core::view::{LicenseFilter, Page, PageRequest};

use super::{
    Queries, known_customer, known_license, known_policy, known_product, need_no_license_lock,
    page, slice,
};
use crate::catalogue::Undecided;
use crate::store::LicenseQuery;

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
        let status = filter.status.map(|status| (status, now));
        let query = LicenseQuery { product, policy, customer, status };
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
}
