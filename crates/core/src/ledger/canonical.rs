//! Catalogue entries as text, one form each, so that the ledger can hold their hash.
//!
//! A line `name=value` per field in a fixed order; absent fields are left out; backslashes and line
//! breaks in values are escaped. `docs/reference/ledger.md` lists the fields.
//!
//! A hash is for ever, and whoever can guess a text can find out whether it is that one. So what
//! tells of people is left out (`docs/adr/0009-people-and-digests.md`).

use alloc::string::String;
use core::fmt::{Display, Write as _};

use sha2::{Digest, Sha256};

use super::commitment::Salt;
use crate::activation::Activation;
use crate::customer::Customer;
use crate::entitlement::Entitlement;
use crate::license::{License, Standing};
use crate::metadata::Metadata;
use crate::meter::{AllowedFrom, MeterSpec};
use crate::policy::Policy;
use crate::product::Product;
use crate::rule::Rule;
use crate::terms::{escape, unescape};
use crate::text::Code;
use crate::token::Token;
use crate::user::User;
use crate::webhook::Webhook;

/// Terms that name people and addresses, and are left out.
const TERMS_OF_PEOPLE: &[&str] = &["access"];

/// The canonical text of a product.
#[must_use]
pub fn product(product: &Product) -> Canonical {
    let mut text = Text::new("product", &product.id);
    text.line("code", &product.code);
    text.line("name", &product.name);
    text.line("archived", product.archived_at.is_some());
    text.metadata(&product.metadata);
    Canonical(text.0)
}

/// The canonical text of a policy.
#[must_use]
pub fn policy(policy: &Policy) -> Canonical {
    let mut text = Text::new("policy", &policy.id);
    text.line("code", &policy.code);
    text.line("name", &policy.name);
    text.line("product", policy.product);
    text.line("archived", policy.archived_at.is_some());
    text.line("key_pattern", policy.key_pattern.as_str());
    text.stated(&policy.terms.stated());
    text.entitlements(&policy.entitlements);
    text.metadata(&policy.metadata);
    for meter in &policy.meters {
        text.meter(meter);
    }
    Canonical(text.0)
}

/// A meter of a license, as far as the license says something of it.
#[derive(Debug, Clone, Copy)]
pub struct MeterEntry<'a> {
    /// What is said of it.
    pub spec: &'a MeterSpec,
    /// Whether the license says it, and not its policy.
    pub is_own: bool,
    /// Where its ceiling comes from.
    pub allowed_from: AllowedFrom,
}

/// The canonical text of a license, its own meters and ceilings included.
#[must_use]
pub fn license<'a>(license: &License, meters: impl Iterator<Item = MeterEntry<'a>>) -> Canonical {
    let mut text = Text::new("license", &license.id);
    text.line("key", &license.key.0);
    text.line("product", license.product);
    text.line("policy", license.policy);
    text.option("customer", license.customer);
    text.option("reseller", license.reseller);
    text.option("owner", license.owner);
    for user in &license.users {
        text.line("user", user);
    }
    text.option("name", license.name.as_ref());
    text.line(
        "standing",
        match license.standing {
            Standing::Active => "active",
            Standing::Suspended => "suspended",
            Standing::Revoked => "revoked",
        },
    );
    text.option("valid_from", license.valid_from.map(|at| at.0));
    text.option("expires_at", license.expires_at.map(|at| at.0));
    if let Some(overrides) = &license.overrides {
        text.stated(&overrides.stated());
    }
    text.entitlements(&license.entitlements);
    text.metadata(&license.metadata);
    text.option("checked_in_at", license.marks.checked_in_at.map(|at| at.0));
    for block in &license.blocks {
        text.line("block", block.to_line());
    }
    for meter in meters {
        // Nothing is said of a meter that is as its policy has it: the policy may gain some.
        if !meter.is_own && meter.allowed_from == AllowedFrom::Policy {
            continue;
        }
        if meter.is_own {
            text.meter(meter.spec);
        } else {
            text.line("meter", &meter.spec.name);
        }
        match meter.allowed_from {
            AllowedFrom::Policy => text.line("allowed", "policy"),
            AllowedFrom::License(None) => text.line("allowed", "unlimited"),
            AllowedFrom::License(Some(allowed)) => text.line("allowed", allowed),
        }
    }
    Canonical(text.0)
}

/// The canonical text of a token.
#[must_use]
pub fn token(token: &Token) -> Canonical {
    let mut text = Text::new("token", &token.id);
    text.line("name", &token.name);
    for word in token.permissions.words() {
        text.line("permission", word);
    }
    text.option("product", token.locks.product);
    text.option("license", token.locks.license);
    text.option("meter", token.locks.meter.as_ref());
    text.option("user", token.locks.user);
    text.option("customer", token.locks.customer);
    text.option("audience", token.audience);
    text.option("expires_at", token.expires_at.map(|at| at.0));
    text.line("revoked", token.revoked_at.is_some());
    Canonical(text.0)
}

/// The canonical text of an activation. Heartbeats are not in it, as they change no bill; nor are
/// its names, its address and what the vendor notes, as those may tell of a person.
#[must_use]
pub fn activation(license: crate::id::LicenseId, activation: &Activation) -> Canonical {
    let mut text = Text::new("activation", &activation.id);
    text.line("license", license);
    text.line("fingerprint", &activation.fingerprint);
    text.option("platform", activation.platform.as_ref());
    text.option("cores", activation.cores);
    text.option("memory", activation.memory);
    text.option("disk", activation.disk);
    text.line("is_vm", activation.is_vm);
    text.line("is_container", activation.is_container);
    text.option("user", activation.user);
    text.option("own_heartbeat_seconds", activation.own_heartbeat_seconds);
    for component in &activation.components {
        text.line("component", component.id);
        text.line("component_fingerprint", &component.fingerprint);
    }
    Canonical(text.0)
}

/// The canonical text of an entitlement.
#[must_use]
pub fn entitlement(entitlement: &Entitlement) -> Canonical {
    let mut text = Text::new("entitlement", &entitlement.id);
    text.line("code", &entitlement.code);
    text.line("name", &entitlement.name);
    text.metadata(&entitlement.metadata);
    Canonical(text.0)
}

/// The canonical text of a rule, with what it told of last.
#[must_use]
pub fn rule(rule: &Rule) -> Canonical {
    let mut text = Text::new("rule", &rule.id);
    text.stated(&rule.stated());
    if let Some(told) = &rule.told {
        text.line("told_license", told.license);
        text.line("told", told.block.to_line());
    }
    Canonical(text.0)
}

/// The names and values of a canonical text, in their order.
pub fn lines(text: &str) -> impl Iterator<Item = (&str, String)> {
    text.lines().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        Some((name, unescape(value)))
    })
}

/// A thing as text, in its one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canonical(pub String);

impl Canonical {
    /// Its hash: what the ledger holds of it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// What the ledger holds of it where it is personal data: a hash that says nothing to who lacks
    /// the salt.
    #[must_use]
    pub fn commitment(&self, salt: &Salt) -> [u8; 32] {
        Sha256::new().chain_update(salt).chain_update(self.0.as_bytes()).finalize().into()
    }
}

struct Text(String);

impl Text {
    fn new(kind: &str, id: &dyn Display) -> Self {
        let mut text = Self(String::new());
        text.line(kind, id);
        text
    }

    fn line(&mut self, name: &str, value: impl Display) {
        let mut shown = String::new();
        write!(shown, "{value}").expect("writing to a string cannot fail");
        self.0.push_str(name);
        self.0.push('=');
        escape(&shown, &mut self.0);
        self.0.push('\n');
    }

    fn option(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.line(name, value);
        }
    }

    fn stated(&mut self, terms: &[(&'static str, String)]) {
        for (name, value) in terms.iter().filter(|term| !TERMS_OF_PEOPLE.contains(&term.0)) {
            self.line(name, value);
        }
    }

    fn entitlements(&mut self, codes: &[Code]) {
        for code in codes {
            self.line("entitlement", code);
        }
    }

    fn metadata(&mut self, metadata: &Metadata) {
        for entry in metadata.entries() {
            self.line("metadata", &entry.key);
            self.line("value", &entry.value);
            for audience in entry.visible_to.iter() {
                self.line("visible_to", audience);
            }
        }
    }

    fn meter(&mut self, meter: &MeterSpec) {
        for (name, value) in meter.stated() {
            self.line(name, value);
        }
    }
}

/// The canonical text of a customer. Personal data: the ledger holds a commitment to it.
#[must_use]
pub fn customer(customer: &Customer) -> Canonical {
    let mut text = Text::new("customer", &customer.id);
    text.line("code", &customer.code);
    text.line("name", &customer.name);
    text.option("email", customer.email.as_ref());
    text.line("kind", customer.kind);
    text.option("reseller", customer.reseller);
    text.option("max_users", customer.max_users.0);
    text.option("max_licenses", customer.max_licenses.0);
    text.option("max_activations", customer.max_activations.0);
    text.line("archived", customer.archived_at.is_some());
    text.metadata(&customer.metadata);
    Canonical(text.0)
}

/// The canonical text of a person, whether they have a password but not which. Personal data: the
/// ledger holds a commitment to it.
#[must_use]
pub fn user(user: &User) -> Canonical {
    let mut text = Text::new("user", &user.id);
    text.line("email", &user.email);
    text.option("first_name", user.first_name.as_ref());
    text.option("last_name", user.last_name.as_ref());
    text.line("role", user.role);
    text.option("customer", user.customer);
    text.line("has_password", user.password.is_some());
    text.line("banned", user.banned_at.is_some());
    text.metadata(&user.metadata);
    Canonical(text.0)
}

/// The canonical text of a receiver of events. Of its secrets it says how many there were.
#[must_use]
pub fn webhook(webhook: &Webhook) -> Canonical {
    let mut text = Text::new("webhook", &webhook.id);
    text.line("name", &webhook.name);
    text.line("url", &webhook.url);
    for pattern in webhook.wants.kinds.patterns() {
        text.line("kind", pattern);
    }
    text.option("license", webhook.wants.license);
    text.option("product", webhook.wants.product);
    text.option("meter", webhook.wants.meter.as_ref());
    text.option("disabled", webhook.disabled.map(|disabled| disabled.why.word()));
    text.line("secret", webhook.secret);
    Canonical(text.0)
}

#[cfg(test)]
mod tests;
