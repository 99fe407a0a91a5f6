//! Compares catalogue entries with the hashes that the ledger holds of them.

use std::fmt::Display;

use rusqlite::{Connection, params};
use usance_core::ledger::audit::Auditor;
use usance_core::ledger::canonical::{self, Canonical};
use usance_core::ledger::record::{Action, Entity};

use super::{Finding, Named, Problem, Report, licenses, live};
use crate::store::sqlite::{rows, rule_rows, webhook_rows};

/// Checks every product, policy, license and token of the ledger's account.
pub fn check(
    db: &Connection,
    ledger: &Named,
    auditor: &Auditor,
    report: &mut Report,
) -> rusqlite::Result<()> {
    let mut entries = Entries { ledger, auditor, report, seen: 0 };
    products(db, &mut entries)?;
    policies(db, &mut entries)?;
    licenses::check(db, ledger, auditor, &mut entries)?;
    tokens(db, &mut entries)?;
    webhooks(db, &mut entries)?;
    rules(db, &mut entries)?;
    live::check_entries(db, ledger, &mut entries)?;
    live::check_held(db, ledger, auditor, &mut entries)?;

    let Entries { seen, report, .. } = entries;
    let there = || auditor.catalogue().filter(|change| !is_gone(change.action));
    if there().count() == seen {
        return Ok(());
    }
    for change in there() {
        let (table, word) = match change.entity {
            Entity::Product => ("product", "product"),
            Entity::Policy => ("policy", "policy"),
            Entity::License => ("license", "license"),
            Entity::Token => ("token", "token"),
            Entity::Activation => ("activation", "activation"),
            Entity::Entitlement => ("entitlement", "entitlement"),
            Entity::Customer => ("customer", "customer"),
            Entity::User => ("user", "user"),
            Entity::Webhook => ("webhook", "webhook"),
            Entity::Rule => ("rule", "rule"),
        };
        let sql = format!("SELECT 1 FROM {table} WHERE account = ?1 AND id = ?2");
        let is_there =
            db.prepare_cached(&sql)?.exists(params![ledger.account.bytes(), change.id])?;
        if !is_there {
            let hex: String = change.id.iter().map(|byte| format!("{byte:02x}")).collect();
            let what = Problem::WrongEntry(format!("{word} {hex} is gone without a record of it"));
            report.findings.push(Finding { origin: ledger.origin.clone(), record: None, what });
        }
    }
    Ok(())
}

/// Catalogue entries, as they are compared one after the other.
pub struct Entries<'a> {
    ledger: &'a Named,
    auditor: &'a Auditor,
    pub report: &'a mut Report,
    seen: usize,
}

impl Entries<'_> {
    /// Notes a thing that is there and cannot be compared.
    pub fn pass(&mut self) {
        self.seen += 1;
    }

    /// Compares the hash of what is stored with the last that the ledger holds.
    pub fn compare(&mut self, word: &str, name: &dyn Display, id: &[u8; 16], text: &Canonical) {
        self.compare_digest(word, name, id, text.digest());
    }

    /// The same with a hash, or a commitment, that was computed already.
    pub fn compare_digest(
        &mut self,
        word: &str,
        name: &dyn Display,
        id: &[u8; 16],
        digest: [u8; 32],
    ) {
        self.report.catalogue_entries += 1;
        self.seen += 1;
        let what = match self.auditor.last_change(id) {
            Some(change) if is_gone(change.action) => "was deleted, but is there",
            Some(change) if change.digest == digest => return,
            Some(_) => "was changed behind the ledger's back",
            None => "was put there behind the ledger's back",
        };
        let what = Problem::WrongEntry(format!("{word} {name} {what}"));
        let origin = self.ledger.origin.clone();
        self.report.findings.push(Finding { origin, record: None, what });
    }
}

fn products(db: &Connection, entries: &mut Entries<'_>) -> rusqlite::Result<()> {
    let sql = format!("SELECT {} FROM product WHERE account = ?1", rows::PRODUCT);
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query([entries.ledger.account.bytes()])?;
    while let Some(row) = found.next()? {
        let product = rows::product(row)?;
        let text = canonical::product(&product);
        entries.compare("product", &product.id, product.id.bytes(), &text);
    }
    Ok(())
}

fn policies(db: &Connection, entries: &mut Entries<'_>) -> rusqlite::Result<()> {
    let sql = format!("SELECT {} FROM policy WHERE account = ?1", rows::POLICY);
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query([entries.ledger.account.bytes()])?;
    while let Some(row) = found.next()? {
        let mut policy = rows::policy(row)?;
        policy.meters = rows::meter_specs(db, entries.ledger.account, policy.id)?;
        let text = canonical::policy(&policy);
        entries.compare("policy", &policy.id, policy.id.bytes(), &text);
    }
    Ok(())
}

fn tokens(db: &Connection, entries: &mut Entries<'_>) -> rusqlite::Result<()> {
    let sql = format!("SELECT {} FROM token WHERE account = ?1", rows::TOKEN);
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query([entries.ledger.account.bytes()])?;
    while let Some(row) = found.next()? {
        let token = rows::token(row)?;
        entries.compare("token", &token.id, token.id.bytes(), &canonical::token(&token));
    }
    Ok(())
}

fn webhooks(db: &Connection, entries: &mut Entries<'_>) -> rusqlite::Result<()> {
    let sql = format!("SELECT {} FROM webhook WHERE account = ?1", webhook_rows::WEBHOOK);
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query([entries.ledger.account.bytes()])?;
    while let Some(row) = found.next()? {
        let webhook = webhook_rows::webhook(row)?;
        let text = canonical::webhook(&webhook);
        entries.compare("webhook", &webhook.id, webhook.id.bytes(), &text);
    }
    Ok(())
}

fn rules(db: &Connection, entries: &mut Entries<'_>) -> rusqlite::Result<()> {
    let sql = format!("SELECT {} FROM rule WHERE account = ?1", rule_rows::RULE);
    let mut statement = db.prepare(&sql)?;
    let mut found = statement.query([entries.ledger.account.bytes()])?;
    while let Some(row) = found.next()? {
        let rule = rule_rows::rule(row)?;
        entries.compare("rule", &rule.name, rule.id.bytes(), &canonical::rule(&rule));
    }
    Ok(())
}

/// Whether a thing is not there any more after this.
const fn is_gone(action: Action) -> bool {
    matches!(action, Action::Deleted | Action::Expired | Action::Replaced)
}
