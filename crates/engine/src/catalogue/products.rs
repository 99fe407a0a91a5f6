//! Products.

use usance_core::command::{NewProduct, ProductPatch, Ref, Reply};
use usance_core::id::ProductId;
use usance_core::ledger::canonical;
use usance_core::ledger::record::{Action, Entity};
use usance_core::product::Product;
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::display_name;
use usance_core::token::Permission;

use super::{Decided, Desk, Undecided, archived, need_unlike_id};
use crate::queries::known_product;
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
            metadata: new.metadata,
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
        if let Some(metadata) = patch.metadata {
            product.metadata = metadata;
        }
        product.archived_at = archived(patch.archived, product.archived_at, self.now);
        product.updated_at = self.now;
        Ok(self.put_product(Action::Changed, product))
    }

    fn put_product(&self, action: Action, product: Product) -> Decided {
        let digest = canonical::product(&product);
        Decided {
            changes: vec![Change::PutProduct(self.caller.account, product.clone())],
            events: self.event(Entity::Product, action, *product.id.bytes(), digest),
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
            events: self.event(
                Entity::Product,
                Action::Deleted,
                *product.id.bytes(),
                canonical::product(&product),
            ),
            reply: Reply::Deleted,
        })
    }
}
