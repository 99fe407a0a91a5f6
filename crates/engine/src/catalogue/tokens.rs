//! Tokens.

use usance_core::audience::Audience;
use usance_core::command::{NewToken, Reply, Secret};
use usance_core::customer::{Customer, CustomerKind};
use usance_core::id::TokenId;
use usance_core::ledger::canonical;
use usance_core::ledger::record::{Action, Entity};
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::display_name;
use usance_core::token::{Locks, Permission, SecretHash, Token, TokenUse};

use super::{Decided, Desk, Undecided};
use crate::queries::{known_customer, known_license, known_product, known_user};
use crate::random::{token_secret, uuid_v7};
use crate::unit::Change;

impl Desk<'_> {
    pub(super) fn create_token(&mut self, new: NewToken) -> Result<Decided, Undecided> {
        self.create_token_with(new, token_secret())
    }

    /// Makes a token with a secret that is known already: the first admin token may be given.
    ///
    /// # Errors
    /// [`Undecided`].
    pub fn create_token_with(
        &mut self,
        new: NewToken,
        secret: String,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::TokenWrite)?;
        self.caller.need_unlocked()?;
        self.need_grantable(new.permissions)?;
        let product = new.product.map(|of| known_product(self.reader, self.caller, &of));
        let license = new.license.map(|of| known_license(self.reader, self.caller, &of));
        let user = new.user.as_ref().map(|of| known_user(self.reader, self.caller, of));
        let user = user.transpose()?.map(|user| user.id);
        let customer = new.customer.map(|of| known_customer(self.reader, self.caller, &of));
        let customer = customer.transpose()?;
        let audience = new.audience.or_else(|| audience(user.is_some(), customer.as_ref()));
        if new.expires_at.is_some_and(|end| end <= self.now) {
            return Err(Refusal::invalid("expires_at", "must be later than now").into());
        }
        let token = Token {
            id: TokenId::from_bytes(uuid_v7(self.now)),
            name: display_name("name", new.name)?,
            secret: SecretHash::of(&secret),
            permissions: new.permissions,
            locks: Locks {
                product: product.transpose()?.map(|product| product.id),
                license: license.transpose()?.map(|license| license.id),
                meter: new.meter,
                user,
                customer: customer.map(|customer| customer.id),
            },
            audience,
            expires_at: new.expires_at,
            revoked_at: None,
            created_at: self.now,
            used: TokenUse::default(),
        };
        let text = canonical::token(&token);
        Ok(Decided {
            changes: vec![Change::PutToken(self.caller.account, token.clone())],
            events: self.event(Entity::Token, Action::Created, *token.id.bytes(), text),
            reply: Reply::Token(token, Some(Secret(secret))),
        })
    }

    pub(super) fn revoke_token(&mut self, id: TokenId) -> Result<Decided, Undecided> {
        self.caller.need(Permission::TokenWrite)?;
        self.caller.need_unlocked()?;
        let unknown = || Refusal::Unknown(Kind::Token, id.to_string());
        let mut token = self.reader.token(self.caller.account, id)?.ok_or_else(unknown)?;
        token.revoked_at = Some(token.revoked_at.unwrap_or(self.now));
        let text = canonical::token(&token);
        Ok(Decided {
            changes: vec![Change::PutToken(self.caller.account, token.clone())],
            events: self.event(Entity::Token, Action::Revoked, *token.id.bytes(), text),
            reply: Reply::Token(token, None),
        })
    }
}

/// Whose eyes a token sees with, by its locks.
fn audience(has_user: bool, customer: Option<&Customer>) -> Option<Audience> {
    match customer.map(|customer| customer.kind) {
        Some(CustomerKind::Reseller) => Some(Audience::Reseller),
        Some(CustomerKind::Organization) => Some(Audience::Organization),
        Some(CustomerKind::Person) => Some(Audience::User),
        None if has_user => Some(Audience::User),
        None => None,
    }
}
