//! Customers.

use usance_core::command::{CustomerPatch, NewCustomer, Ref, Reply};
use usance_core::customer::{Customer, CustomerKind};
use usance_core::id::CustomerId;
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::display_name;
use usance_core::token::Permission;

use super::{Decided, Desk, Undecided, archived, email, need_unlike_id};
use crate::queries::known_customer;
use crate::random::uuid_v7;
use crate::store::Referent;
use crate::unit::Change;

impl Desk<'_> {
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
            kind: new.kind,
            reseller: self.reseller(new.reseller.as_ref())?,
            max_users: new.max_users,
            max_licenses: new.max_licenses,
            max_activations: new.max_activations,
            metadata: new.metadata,
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
        if let Some(reseller) = patch.reseller {
            customer.reseller = self.reseller(reseller.as_ref())?;
        }
        customer.max_users = patch.max_users.unwrap_or(customer.max_users);
        customer.max_licenses = patch.max_licenses.unwrap_or(customer.max_licenses);
        customer.max_activations = patch.max_activations.unwrap_or(customer.max_activations);
        if let Some(metadata) = patch.metadata {
            customer.metadata = metadata;
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
            events: Vec::new(),
            reply: Reply::Customer(customer),
        }
    }

    pub(super) fn delete_customer(&mut self, of: &Ref<CustomerId>) -> Result<Decided, Undecided> {
        self.caller.need(Permission::CustomerWrite)?;
        let customer = known_customer(self.reader, self.caller, of)?;
        self.need_unreferred(Kind::Customer, &Referent::Customer(customer.id))?;
        Ok(Decided {
            changes: vec![Change::DeleteCustomer(self.caller.account, customer.id)],
            events: Vec::new(),
            reply: Reply::Deleted,
        })
    }

    /// The reseller that a customer buys from.
    fn reseller(&self, of: Option<&Ref<CustomerId>>) -> Result<Option<CustomerId>, Undecided> {
        let Some(of) = of else { return Ok(None) };
        let found = known_customer(self.reader, self.caller, of)?;
        if found.kind != CustomerKind::Reseller {
            return Err(
                Refusal::invalid("reseller", "must be a customer of the kind reseller").into()
            );
        }
        Ok(Some(found.id))
    }
}
