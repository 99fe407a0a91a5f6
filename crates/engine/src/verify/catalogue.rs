//! Compares catalogue entries with the hashes that the ledger holds of them.

use rusqlite::{Connection, params};
use usance_core::ledger::audit::Auditor;
use usance_core::ledger::canonical;
use usance_core::ledger::record::{Action, Entity};

use self::hashes::Hashes;
use super::{Finding, Named, Problem, Report};
use crate::store::sqlite::rows;

/// Checks every product, policy, license and token of the ledger's account.
pub fn check(
    db: &Connection,
    ledger: &Named,
    auditor: &Auditor,
    report: &mut Report,
) -> rusqlite::Result<()> {
    let hashes = Hashes { db, account: ledger.account };
    let mut seen = 0;
    let mut compare = |word: &str, id: [u8; 16], name: String, digest: [u8; 32]| {
        report.catalogue_entries += 1;
        seen += 1;
        let what = match auditor.last_change(&id) {
            Some(change) if change.action == Action::Deleted => "was deleted, but is there",
            Some(change) if change.digest == digest => return,
            Some(_) => "was changed behind the ledger's back",
            None => "was put there behind the ledger's back",
        };
        let what = Problem::WrongEntry(format!("{word} {name} {what}"));
        report.findings.push(Finding { origin: ledger.origin.clone(), record: None, what });
    };
    hashes.products(|id, name, digest| compare("product", id, name, digest))?;
    hashes.policies(|id, name, digest| compare("policy", id, name, digest))?;
    hashes.licenses(|id, name, digest| compare("license", id, name, digest))?;
    hashes.tokens(|id, name, digest| compare("token", id, name, digest))?;

    let live = || auditor.catalogue().filter(|change| change.action != Action::Deleted);
    if live().count() == seen {
        return Ok(());
    }
    for change in live() {
        let (table, word) = match change.entity {
            Entity::Product => ("product", "product"),
            Entity::Policy => ("policy", "policy"),
            Entity::License => ("license", "license"),
            Entity::Token => ("token", "token"),
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

mod hashes {
    //! The canonical hashes of what is stored.

    use usance_core::id::AccountId;

    use super::{Connection, canonical, rows};

    pub struct Hashes<'a> {
        pub db: &'a Connection,
        pub account: AccountId,
    }

    type Result = rusqlite::Result<()>;

    impl Hashes<'_> {
        pub fn products(&self, mut each: impl FnMut([u8; 16], String, [u8; 32])) -> Result {
            let sql = format!("SELECT {} FROM product WHERE account = ?1", rows::PRODUCT);
            let mut statement = self.db.prepare(&sql)?;
            let mut found = statement.query([self.account.bytes()])?;
            while let Some(row) = found.next()? {
                let product = rows::product(row)?;
                let digest = canonical::product(&product);
                each(*product.id.bytes(), product.id.to_string(), digest);
            }
            Ok(())
        }

        pub fn policies(&self, mut each: impl FnMut([u8; 16], String, [u8; 32])) -> Result {
            let sql = format!("SELECT {} FROM policy WHERE account = ?1", rows::POLICY);
            let mut statement = self.db.prepare(&sql)?;
            let mut found = statement.query([self.account.bytes()])?;
            while let Some(row) = found.next()? {
                let mut policy = rows::policy(row)?;
                policy.meters = rows::meter_specs(self.db, self.account, policy.id)?;
                let digest = canonical::policy(&policy);
                each(*policy.id.bytes(), policy.id.to_string(), digest);
            }
            Ok(())
        }

        pub fn licenses(&self, mut each: impl FnMut([u8; 16], String, [u8; 32])) -> Result {
            let sql = format!("SELECT {} FROM license WHERE account = ?1", rows::LICENSE);
            let mut statement = self.db.prepare(&sql)?;
            let mut found = statement.query([self.account.bytes()])?;
            while let Some(row) = found.next()? {
                let license = rows::license(row)?;
                let allowed = rows::allowed(self.db, self.account, license.id)?;
                let digest =
                    canonical::license(&license, allowed.iter().map(|(name, from)| (name, *from)));
                each(*license.id.bytes(), license.id.to_string(), digest);
            }
            Ok(())
        }

        pub fn tokens(&self, mut each: impl FnMut([u8; 16], String, [u8; 32])) -> Result {
            let sql = format!("SELECT {} FROM token WHERE account = ?1", rows::TOKEN);
            let mut statement = self.db.prepare(&sql)?;
            let mut found = statement.query([self.account.bytes()])?;
            while let Some(row) = found.next()? {
                let token = rows::token(row)?;
                each(*token.id.bytes(), token.id.to_string(), canonical::token(&token));
            }
            Ok(())
        }
    }
}
