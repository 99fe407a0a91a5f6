//! Products, policies and customers.

use std::str::FromStr;

use usance_core::command::{
    CustomerPatch, NewCustomer, NewMeter, NewPolicy, NewProduct, PolicyPatch, ProductPatch, Ref,
    Reply,
};
use usance_core::customer::Customer;
use usance_core::id::{CustomerId, PolicyId, ProductId};
use usance_core::ledger::canonical;
use usance_core::ledger::record::{Action, Entity};
use usance_core::policy::Policy;
use usance_core::product::Product;
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::{Code, display_name};
use usance_core::token::{Permission, Permissions};

use super::{Decided, Desk, Undecided, archived, live};
use crate::queries::{known_customer, known_policy, known_product};
use crate::random::uuid_v7;
use crate::store::Referent;
use crate::unit::Change;

impl Desk<'_> {
    pub(super) fn create_product(&mut self, new: NewProduct) -> Result<Decided, Undecided> {
        self.caller.need(Permission::ProductWrite)?;
        self.caller.need_unlocked()?;
        let account = self.caller.account;
        need_unlike_id::<ProductId>(&new.code)?;
        if self.reader.product(account, &Ref::Code(new.code.clone()))?.is_some() {
            return Err(Refusal::Taken(Kind::Product, new.code.to_string()).into());
        }
        let product = Product {
            id: ProductId::from_bytes(uuid_v7(self.now)),
            name: display_name("name", new.name.unwrap_or_else(|| new.code.to_string()))?,
            code: new.code,
            archived_at: None,
            created_at: self.now,
            updated_at: self.now,
        };
        Ok(self.put_product(Action::Created, product))
    }

    pub(super) fn change_product(
        &mut self,
        of: &Ref<ProductId>,
        patch: ProductPatch,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::ProductWrite)?;
        self.caller.need_all_meters()?;
        let mut product = known_product(self.reader, self.caller, of)?;
        if let Some(name) = patch.name {
            product.name = display_name("name", name)?;
        }
        product.archived_at = archived(patch.archived, product.archived_at, self.now);
        product.updated_at = self.now;
        Ok(self.put_product(Action::Changed, product))
    }

    fn put_product(&self, action: Action, product: Product) -> Decided {
        let digest = canonical::product(&product);
        Decided {
            changes: vec![Change::PutProduct(self.caller.account, product.clone())],
            event: self.event(Entity::Product, action, *product.id.bytes(), digest),
            reply: Reply::Product(product),
        }
    }

    pub(super) fn delete_product(&mut self, of: &Ref<ProductId>) -> Result<Decided, Undecided> {
        self.caller.need(Permission::ProductWrite)?;
        self.caller.need_all_meters()?;
        let product = known_product(self.reader, self.caller, of)?;
        self.need_unreferred(Kind::Product, &Referent::Product(product.id))?;
        Ok(Decided {
            changes: vec![Change::DeleteProduct(self.caller.account, product.id)],
            event: self.event(
                Entity::Product,
                Action::Deleted,
                *product.id.bytes(),
                canonical::product(&product),
            ),
            reply: Reply::Deleted,
        })
    }

    pub(super) fn create_policy(&mut self, new: NewPolicy) -> Result<Decided, Undecided> {
        self.caller.need(Permission::PolicyWrite)?;
        self.caller.need_all_meters()?;
        let product = known_product(self.reader, self.caller, &new.product)?;
        live(Kind::Product, product.archived_at)?;
        need_unlike_id::<PolicyId>(&new.code)?;
        if self.reader.policy(self.caller.account, &Ref::Code(new.code.clone()))?.is_some() {
            return Err(Refusal::Taken(Kind::Policy, new.code.to_string()).into());
        }
        let by_default =
            Permissions::NONE.with(Permission::MeterRead).with(Permission::MeterIncrement);
        let policy = Policy {
            id: PolicyId::from_bytes(uuid_v7(self.now)),
            product: product.id,
            name: display_name("name", new.name.unwrap_or_else(|| new.code.to_string()))?,
            code: new.code,
            meters: new.meters.into_iter().map(NewMeter::spec).collect::<Result<_, _>>()?,
            duration_ms: new.duration_ms,
            key_pattern: new.key_pattern.unwrap_or_default(),
            license_permissions: new.license_permissions.unwrap_or(by_default),
            meter_while: new.meter_while,
            archived_at: None,
            created_at: self.now,
            updated_at: self.now,
        };
        policy.check()?;
        self.need_grantable(policy.license_permissions)?;
        Ok(self.put_policy(Action::Created, policy))
    }

    pub(super) fn change_policy(
        &mut self,
        of: &Ref<PolicyId>,
        patch: PolicyPatch,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::PolicyWrite)?;
        self.caller.need_all_meters()?;
        let mut policy = known_policy(self.reader, self.caller, of)?;
        if let Some(permissions) = patch.license_permissions {
            self.need_grantable(permissions)?;
        }
        patch.apply(&mut policy, self.now)?;
        Ok(self.put_policy(Action::Changed, policy))
    }

    fn put_policy(&self, action: Action, policy: Policy) -> Decided {
        let digest = canonical::policy(&policy);
        Decided {
            changes: vec![Change::PutPolicy(self.caller.account, policy.clone())],
            event: self.event(Entity::Policy, action, *policy.id.bytes(), digest),
            reply: Reply::Policy(policy),
        }
    }

    pub(super) fn delete_policy(&mut self, of: &Ref<PolicyId>) -> Result<Decided, Undecided> {
        self.caller.need(Permission::PolicyWrite)?;
        self.caller.need_all_meters()?;
        let policy = known_policy(self.reader, self.caller, of)?;
        self.need_unreferred(Kind::Policy, &Referent::Policy(policy.id))?;
        Ok(Decided {
            changes: vec![Change::DeletePolicy(self.caller.account, policy.id)],
            event: self.event(
                Entity::Policy,
                Action::Deleted,
                *policy.id.bytes(),
                canonical::policy(&policy),
            ),
            reply: Reply::Deleted,
        })
    }

    pub(super) fn create_customer(&mut self, new: NewCustomer) -> Result<Decided, Undecided> {
        self.caller.need(Permission::CustomerWrite)?;
        self.caller.need_unlocked()?;
        let account = self.caller.account;
        need_unlike_id::<CustomerId>(&new.code)?;
        if self.reader.customer(account, &Ref::Code(new.code.clone()))?.is_some() {
            return Err(Refusal::Taken(Kind::Customer, new.code.to_string()).into());
        }
        let customer = Customer {
            id: CustomerId::from_bytes(uuid_v7(self.now)),
            name: display_name("name", new.name.unwrap_or_else(|| new.code.to_string()))?,
            code: new.code,
            email: new.email.map(email).transpose()?,
            archived_at: None,
            created_at: self.now,
            updated_at: self.now,
        };
        Ok(self.put_customer(customer))
    }

    pub(super) fn change_customer(
        &mut self,
        of: &Ref<CustomerId>,
        patch: CustomerPatch,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::CustomerWrite)?;
        let mut customer = known_customer(self.reader, self.caller, of)?;
        if let Some(name) = patch.name {
            customer.name = display_name("name", name)?;
        }
        if let Some(changed) = patch.email {
            customer.email = changed.map(email).transpose()?;
        }
        customer.archived_at = archived(patch.archived, customer.archived_at, self.now);
        customer.updated_at = self.now;
        Ok(self.put_customer(customer))
    }

    /// Customers are personal data and change no bill by themselves: the ledger says nothing of
    /// them.
    fn put_customer(&self, customer: Customer) -> Decided {
        Decided {
            changes: vec![Change::PutCustomer(self.caller.account, customer.clone())],
            event: None,
            reply: Reply::Customer(customer),
        }
    }

    pub(super) fn delete_customer(&mut self, of: &Ref<CustomerId>) -> Result<Decided, Undecided> {
        self.caller.need(Permission::CustomerWrite)?;
        let customer = known_customer(self.reader, self.caller, of)?;
        self.need_unreferred(Kind::Customer, &Referent::Customer(customer.id))?;
        Ok(Decided {
            changes: vec![Change::DeleteCustomer(self.caller.account, customer.id)],
            event: None,
            reply: Reply::Deleted,
        })
    }

    /// Nobody can give away what they may not do themselves.
    pub(super) fn need_grantable(&self, permissions: Permissions) -> Result<(), Refusal> {
        if self.caller.permissions.contain_all(permissions) {
            return Ok(());
        }
        let missing = permissions.iter().find(|wanted| !self.caller.permissions.contain(*wanted));
        Err(match missing {
            Some(permission) => Refusal::PermissionMissing(permission),
            None => Refusal::invalid("permissions", "may hold '*' only if the caller has '*'"),
        })
    }

    pub(super) fn need_unreferred(&self, kind: Kind, to: &Referent) -> Result<(), Undecided> {
        match self.reader.referrer(self.caller.account, to)? {
            None => Ok(()),
            Some(by) => Err(Refusal::InUse(kind, by).into()),
        }
    }
}

/// A code in the form of an id could never be asked for.
fn need_unlike_id<Id: FromStr>(code: &Code) -> Result<(), Refusal> {
    match code.parse::<Id>() {
        Ok(_) => Err(Refusal::invalid("code", "must not have the form of an id")),
        Err(_) => Ok(()),
    }
}

fn email(text: String) -> Result<String, Refusal> {
    let has_shape = text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && !host.is_empty() && !text.contains(char::is_whitespace)
    });
    if has_shape && text.len() <= 254 {
        return Ok(text);
    }
    Err(Refusal::invalid("email", "must be an address like name@example.com"))
}
