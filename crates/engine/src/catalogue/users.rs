//! People. Personal data that changes no bill by itself: the ledger says nothing of them.

use usance_core::command::{NewUser, Ref, Reply, UserPatch, UserRef};
use usance_core::id::{CustomerId, UserId};
use usance_core::limits::NAME_BYTES_MAX;
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::display_name;
use usance_core::token::Permission;
use usance_core::user::User;

use super::{Decided, Desk, Undecided, email};
use crate::queries::{known_customer, known_user};
use crate::random::uuid_v7;
use crate::store::Referent;
use crate::unit::Change;

impl Desk<'_> {
    pub(super) fn create_user(&mut self, new: NewUser) -> Result<Decided, Undecided> {
        self.caller.need(Permission::UserWrite)?;
        let user = User {
            id: UserId::from_bytes(uuid_v7(self.now)),
            email: self.free_email(new.email, None)?,
            first_name: new.first_name.map(|name| display_name("first_name", name)).transpose()?,
            last_name: new.last_name.map(|name| display_name("last_name", name)).transpose()?,
            role: new.role,
            customer: self.home(new.customer.as_ref())?,
            password: new.password,
            banned_at: None,
            metadata: new.metadata,
            created_at: self.now,
            updated_at: self.now,
        };
        self.need_user_lock(&user)?;
        Ok(self.put_user(user))
    }

    pub(super) fn change_user(
        &mut self,
        of: &UserRef,
        patch: UserPatch,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::UserWrite)?;
        let mut user = known_user(self.reader, self.caller, of)?;
        if let Some(text) = patch.email {
            user.email = self.free_email(text, Some(user.id))?;
        }
        if let Some(name) = patch.first_name {
            user.first_name = name.map(|name| display_name("first_name", name)).transpose()?;
        }
        if let Some(name) = patch.last_name {
            user.last_name = name.map(|name| display_name("last_name", name)).transpose()?;
        }
        user.role = patch.role.unwrap_or(user.role);
        if let Some(customer) = patch.customer {
            user.customer = self.home(customer.as_ref())?;
        }
        user.password = patch.password.unwrap_or(user.password);
        user.metadata = patch.metadata.unwrap_or(user.metadata);
        self.need_user_lock(&user)?;
        Ok(self.put_user(user))
    }

    pub(super) fn ban_user(&mut self, of: &UserRef, is_banned: bool) -> Result<Decided, Undecided> {
        self.caller.need(Permission::UserWrite)?;
        let mut user = known_user(self.reader, self.caller, of)?;
        user.banned_at = is_banned.then(|| user.banned_at.unwrap_or(self.now));
        Ok(self.put_user(user))
    }

    fn put_user(&self, mut user: User) -> Decided {
        user.updated_at = self.now;
        Decided {
            changes: vec![Change::PutUser(self.caller.account, user.clone())],
            events: Vec::new(),
            reply: Reply::User(Box::new(user)),
        }
    }

    pub(super) fn delete_user(&mut self, of: &UserRef) -> Result<Decided, Undecided> {
        self.caller.need(Permission::UserWrite)?;
        let user = known_user(self.reader, self.caller, of)?;
        self.need_unreferred(Kind::User, &Referent::User(user.id))?;
        Ok(Decided {
            changes: vec![Change::DeleteUser(self.caller.account, user.id)],
            events: Vec::new(),
            reply: Reply::Deleted,
        })
    }

    /// An address that nobody else has.
    fn free_email(&self, text: String, own: Option<UserId>) -> Result<String, Undecided> {
        let text = email(text)?;
        if text.len() > NAME_BYTES_MAX {
            return Err(Refusal::invalid("email", "must be at most 200 bytes").into());
        }
        let other = self.reader.user(self.caller.account, &UserRef::Email(text.clone()))?;
        match other {
            Some(other) if Some(other.id) != own => {
                Err(Refusal::Taken(Kind::User, "with this address".into()).into())
            }
            _ => Ok(text),
        }
    }

    /// The customer that a person joins, if it takes one more.
    fn home(&self, of: Option<&Ref<CustomerId>>) -> Result<Option<CustomerId>, Undecided> {
        let Some(of) = of else { return Ok(None) };
        let customer = known_customer(self.reader, &self.caller.without_locks(), of)?;
        if let Some(limit) = customer.max_users.0 {
            let present = self.reader.belongings(self.caller.account, customer.id)?.users;
            if present >= limit {
                let what = "has as many people as it may; raise its max_users";
                return Err(Refusal::invalid("customer", what).into());
            }
        }
        Ok(Some(customer.id))
    }

    /// A caller that is locked to a person or a customer may touch no other.
    fn need_user_lock(&self, user: &User) -> Result<(), Refusal> {
        crate::queries::need_user(self.caller, user)
    }
}
