//! Licenses in memory, with where their meters stand.
//!
//! The writer is the only one who moves meters, so memory is the truth between two write-backs, and
//! a restart finds it again in the ledger. Memory is bounded by two generations: what was not
//! touched in the last one is let go, unless it has yet to be written back.

use std::mem;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};
use usance_core::id::{AccountId, LicenseId, PolicyId};
use usance_core::license::{License, LicenseRef};
use usance_core::policy::Policy;

use super::connection::store_error;
use super::rows;
use crate::limits::LICENSES_CACHED_MAX;
use crate::store::{FastMap, LoadedLicense, LoadedMeter, StoreError};

#[derive(Default)]
pub struct Licenses {
    young: FastMap<LicenseId, Entry>,
    old: FastMap<LicenseId, Entry>,
    by_key: FastMap<Box<str>, LicenseId>,
    policies: FastMap<PolicyId, Arc<Policy>>,
}

pub struct Entry {
    pub account: AccountId,
    pub license: Arc<License>,
    pub policy: Arc<Policy>,
    pub meters: Box<[LoadedMeter]>,
    /// Whether the meters differ from what is on disk.
    pub dirty: bool,
}

impl Licenses {
    /// The license that a caller names, from memory or else from disk.
    pub fn find(
        &mut self,
        db: &Connection,
        account: AccountId,
        name: &LicenseRef,
    ) -> Result<Option<LicenseId>, StoreError> {
        let id = match name {
            LicenseRef::Id(id) => Some(*id),
            LicenseRef::Key(key) => self.by_key.get(key.0.as_str()).copied(),
        };
        if let Some(id) = id
            && let Some(entry) = self.get(id)
        {
            return Ok((entry.account == account).then_some(id));
        }
        let (column, value): (_, &dyn rusqlite::ToSql) = match (&id, name) {
            (Some(id), _) => ("id", id.bytes()),
            (None, LicenseRef::Key(key)) => ("key", &key.0),
            (None, LicenseRef::Id(_)) => return Ok(None),
        };
        let sql =
            format!("SELECT {} FROM license WHERE account = ?1 AND {column} = ?2", rows::LICENSE);
        let found = db
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                statement.query_row(params![account.bytes(), value], rows::license).optional()
            })
            .map_err(store_error)?;
        let Some(license) = found else {
            return Ok(None);
        };
        let id = license.id;
        if matches!(name, LicenseRef::Key(_)) {
            self.by_key.insert(license.key.0.as_str().into(), id);
        }
        // It may have been found under its id before: what is in memory is newer than the disk.
        if self.get(id).is_none() {
            self.take_in(db, account, license)?;
        }
        Ok(Some(id))
    }

    /// A license that is in memory.
    pub fn get(&mut self, id: LicenseId) -> Option<&mut Entry> {
        if !self.young.contains_key(&id) {
            let entry = self.old.remove(&id)?;
            self.young.insert(id, entry);
        }
        self.young.get_mut(&id)
    }

    /// A copy of a license that is in memory, for a unit of work.
    pub fn loaded(&mut self, id: LicenseId) -> Option<LoadedLicense> {
        let entry = self.get(id)?;
        Some(LoadedLicense {
            account: entry.account,
            license: Arc::clone(&entry.license),
            policy: Arc::clone(&entry.policy),
            meters: entry.meters.to_vec(),
        })
    }

    fn take_in(
        &mut self,
        db: &Connection,
        account: AccountId,
        license: License,
    ) -> Result<(), StoreError> {
        let policy = self.policy(db, account, license.policy)?;
        let sql = format!(
            "SELECT {} FROM meter WHERE account = ?1 AND license = ?2 ORDER BY place",
            rows::METER
        );
        let meters: Box<[LoadedMeter]> = db
            .prepare_cached(&sql)
            .and_then(|mut statement| {
                statement
                    .query_map(params![account.bytes(), license.id.bytes()], rows::meter)?
                    .collect()
            })
            .map_err(store_error)?;
        if meters.len() != policy.meters.len() {
            return Err(StoreError::Corrupt(format!(
                "license {} has {} meters and its policy {}",
                license.id,
                meters.len(),
                policy.meters.len()
            )));
        }
        let id = license.id;
        let license = Arc::new(license);
        self.young.insert(id, Entry { account, license, policy, meters, dirty: false });
        if self.young.len() >= LICENSES_CACHED_MAX {
            self.next_generation();
        }
        Ok(())
    }

    fn next_generation(&mut self) {
        let forgotten = mem::replace(&mut self.old, mem::take(&mut self.young));
        self.young.extend(forgotten.into_iter().filter(|(_, entry)| entry.dirty));
        if self.by_key.len() > 2 * LICENSES_CACHED_MAX {
            self.by_key.clear();
        }
    }

    fn policy(
        &mut self,
        db: &Connection,
        account: AccountId,
        id: PolicyId,
    ) -> Result<Arc<Policy>, StoreError> {
        if let Some(policy) = self.policies.get(&id) {
            return Ok(Arc::clone(policy));
        }
        let policy = rows::whole_policy(db, account, id)
            .map_err(store_error)?
            .ok_or_else(|| StoreError::Corrupt(format!("there is no policy {id}")))?;
        self.policies.insert(id, Arc::clone(&policy));
        Ok(policy)
    }

    /// Takes over a changed policy.
    pub fn put_policy(&mut self, policy: &Policy) {
        let policy = Arc::new(policy.clone());
        for entry in self.young.values_mut().chain(self.old.values_mut()) {
            if entry.policy.id == policy.id {
                entry.policy = Arc::clone(&policy);
            }
        }
        self.policies.insert(policy.id, policy);
    }

    /// Takes over a changed license.
    pub fn put_license(&mut self, license: &License) {
        if let Some(entry) = self.get(license.id) {
            entry.license = Arc::new(license.clone());
        }
    }

    /// Forgets a license that is gone. Its key may come back with another license, so keys are
    /// looked up anew.
    pub fn remove(&mut self, id: LicenseId) {
        self.young.remove(&id);
        self.old.remove(&id);
        self.by_key.clear();
    }
}
