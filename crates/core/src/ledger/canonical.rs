//! Catalogue entries as text, one form each, so that the ledger can hold their hash.
//!
//! A line `name=value` per field in a fixed order; absent fields are left out; backslashes and line
//! breaks in values are escaped. `docs/reference/ledger.md` lists the fields.

use alloc::string::String;
use core::fmt::{Display, Write as _};

use sha2::{Digest, Sha256};

use crate::license::{License, Standing};
use crate::meter::{AllowedFrom, Overage};
use crate::policy::Policy;
use crate::product::Product;
use crate::text::Code;
use crate::token::Token;

/// The hash of a product's canonical text.
#[must_use]
pub fn product(product: &Product) -> [u8; 32] {
    let mut text = Text::new("product", &product.id);
    text.line("code", &product.code);
    text.line("name", &product.name);
    text.line("archived", product.archived_at.is_some());
    text.digest()
}

/// The hash of a policy's canonical text.
#[must_use]
pub fn policy(policy: &Policy) -> [u8; 32] {
    let mut text = Text::new("policy", &policy.id);
    text.line("code", &policy.code);
    text.line("name", &policy.name);
    text.line("product", policy.product);
    text.line("archived", policy.archived_at.is_some());
    text.option("duration_ms", policy.duration_ms);
    text.line("key_pattern", policy.key_pattern.as_str());
    for word in policy.license_permissions.words() {
        text.line("license_permission", word);
    }
    text.line("meter_while_suspended", policy.meter_while.suspended);
    text.line("meter_while_expired", policy.meter_while.expired);
    text.line("meter_while_not_yet_valid", policy.meter_while.not_yet_valid);
    for meter in &policy.meters {
        text.line("meter", &meter.name);
        text.line("unit", &meter.unit);
        text.line("scale", meter.scale.digits());
        text.option("allowed", meter.allowed);
        text.line("floor", meter.floor);
        match meter.overage {
            Overage::Refuse => text.line("overage", "refuse"),
            Overage::Allow => text.line("overage", "allow"),
            Overage::Amount(amount) => text.line("overage_amount", amount),
            Overage::Percent(percent) => text.line("overage_percent", percent),
        }
        text.line("record_refusals", meter.record_refusals);
    }
    text.digest()
}

/// The hash of a license's canonical text, its own ceilings included.
#[must_use]
pub fn license<'a>(
    license: &License,
    meters: impl Iterator<Item = (&'a Code, AllowedFrom)>,
) -> [u8; 32] {
    let mut text = Text::new("license", &license.id);
    text.line("key", &license.key.0);
    text.line("product", license.product);
    text.line("policy", license.policy);
    text.option("customer", license.customer);
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
    for (meter, allowed) in meters {
        text.line("meter", meter);
        match allowed {
            AllowedFrom::Policy => text.line("allowed", "policy"),
            AllowedFrom::License(None) => text.line("allowed", "unlimited"),
            AllowedFrom::License(Some(allowed)) => text.line("allowed", allowed),
        }
    }
    text.digest()
}

/// The hash of a token's canonical text.
#[must_use]
pub fn token(token: &Token) -> [u8; 32] {
    let mut text = Text::new("token", &token.id);
    text.line("name", &token.name);
    for word in token.permissions.words() {
        text.line("permission", word);
    }
    text.option("product", token.locks.product);
    text.option("license", token.locks.license);
    text.option("meter", token.locks.meter.as_ref());
    text.option("expires_at", token.expires_at.map(|at| at.0));
    text.line("revoked", token.revoked_at.is_some());
    text.digest()
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
        for c in shown.chars() {
            match c {
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                other => self.0.push(other),
            }
        }
        self.0.push('\n');
    }

    fn option(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.line(name, value);
        }
    }

    fn digest(self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests;
