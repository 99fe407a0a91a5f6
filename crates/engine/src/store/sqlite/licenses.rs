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
use usance_core::live::{Live, LiveChange};
use usance_core::meter::AllowedFrom;
use usance_core::policy::Policy;
use usance_core::terms::Terms;
use usance_core::text::Code;
use usance_core::time::Timestamp;

use super::connection::store_error;
use super::rows::StoredMeter;
use super::{live_rows, rows};
use crate::limits::LICENSES_CACHED_MAX;
use crate::store::{FastMap, LoadedLicense, LoadedMeter, StoreError};

#[derive(Default)]
pub struct Licenses {
    /// What lives on most licenses.
    nothing: Arc<Live>,
    young: FastMap<LicenseId, Entry>,
    old: FastMap<LicenseId, Entry>,
    by_key: FastMap<Box<str>, LicenseId>,
    policies: FastMap<PolicyId, Arc<Policy>>,
}

pub struct Entry {
    pub account: AccountId,
    pub license: Arc<License>,
    pub policy: Arc<Policy>,
    pub terms: Arc<Terms>,
    pub meters: Box<[LoadedMeter]>,
    pub live: Arc<Live>,
    pub timer: Option<Timestamp>,
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
            terms: Arc::clone(&entry.terms),
            meters: entry.meters.to_vec(),
            live: Arc::clone(&entry.live),
            timer: entry.timer,
        })
    }

    fn take_in(
        &mut self,
        db: &Connection,
        account: AccountId,
        license: License,
    ) -> Result<(), StoreError> {
        let policy = self.policy(db, account, license.policy)?;
        let id = license.id;
        let rows = rows::stored_meters(db, account, id).map_err(store_error)?;
        let live = live_rows::live(db, account, id).map_err(store_error)?;
        let entry = Entry {
            account,
            terms: terms_of(&policy, &license),
            meters: rows::meters_of(&policy, rows).into(),
            live: if live.is_empty() { Arc::clone(&self.nothing) } else { Arc::new(live) },
            timer: timer(db, account, id).map_err(store_error)?,
            license: Arc::new(license),
            policy,
            dirty: false,
        };
        self.young.insert(id, entry);
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

    /// Takes over a changed policy. Its licenses get the meters that it gained.
    pub fn put_policy(
        &mut self,
        db: &Connection,
        account: AccountId,
        policy: &Policy,
    ) -> Result<(), StoreError> {
        let policy = Arc::new(policy.clone());
        self.policies.insert(policy.id, Arc::clone(&policy));
        let mut entries = self.young.values().chain(self.old.values());
        let one = entries.find(|entry| entry.policy.id == policy.id);
        let Some(before) = one.map(|entry| Arc::clone(&entry.policy)) else { return Ok(()) };
        let mut stood = FastMap::default();
        for spec in policy.meters.iter().filter(|spec| before.meter(&spec.name).is_none()) {
            let found = rows::moved_meters(db, account, policy.id, &spec.name);
            stood.extend(
                found
                    .map_err(store_error)?
                    .into_iter()
                    .map(|(license, meter)| ((license, spec.name.clone()), meter)),
            );
        }
        for (id, entry) in self.young.iter_mut().chain(self.old.iter_mut()) {
            if entry.policy.id == policy.id {
                entry.policy = Arc::clone(&policy);
                entry.terms = terms_of(&policy, &entry.license);
                let stood = |name: &Code| stood.get(&(*id, name.clone())).cloned();
                entry.meters = reshaped(&policy, &entry.meters, stood);
            }
        }
        Ok(())
    }

    /// Takes over that the licenses of a policy that have machines are to be looked at.
    pub fn wake(&mut self, account: AccountId, policy: PolicyId, at: Timestamp) {
        for entry in self.young.values_mut().chain(self.old.values_mut()) {
            let is_its = entry.account == account && entry.policy.id == policy;
            if is_its && !entry.live.activations.is_empty() {
                entry.timer = Some(at);
            }
        }
    }

    /// Takes over a changed license.
    pub fn put_license(&mut self, license: &License) {
        if let Some(entry) = self.get(license.id) {
            entry.license = Arc::new(license.clone());
            entry.terms = terms_of(&entry.policy, license);
        }
    }

    /// Takes over a license whose meters, and maybe whose policy, are others now.
    pub fn put_meters(&mut self, license: &License, policy: &Arc<Policy>, meters: &[LoadedMeter]) {
        if let Some(entry) = self.get(license.id) {
            entry.license = Arc::new(license.clone());
            entry.policy = Arc::clone(policy);
            entry.terms = terms_of(policy, license);
            entry.meters = meters.into();
        }
    }

    /// Takes over a change of what lives on a license.
    pub fn apply(&mut self, license: LicenseId, change: &LiveChange) {
        let nothing = Arc::clone(&self.nothing);
        if let Some(entry) = self.get(license) {
            let live = Arc::make_mut(&mut entry.live);
            live.apply(change);
            if live.is_empty() {
                entry.live = nothing;
            }
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

fn terms_of(policy: &Policy, license: &License) -> Arc<Terms> {
    let own = policy.terms.of_license(&license.overrides);
    own.map_or_else(|| Arc::clone(&policy.terms), Arc::new)
}

/// The meters of a license after its policy changed.
fn reshaped(
    policy: &Policy,
    meters: &[LoadedMeter],
    stood: impl Fn(&Code) -> Option<StoredMeter>,
) -> Box<[LoadedMeter]> {
    let from_policy = policy.meters.iter().map(|spec| {
        let known = meters.iter().find(|meter| !meter.is_own && meter.spec.name == spec.name);
        let spec = Arc::clone(spec);
        match (known, stood(&spec.name)) {
            (Some(known), _) => LoadedMeter { spec, ..known.clone() },
            (None, Some(StoredMeter { allowed_from, state, .. })) => {
                LoadedMeter { spec, is_own: false, allowed_from, state }
            }
            (None, None) => LoadedMeter::new(spec, false, AllowedFrom::Policy),
        }
    });
    let own = meters.iter().filter(|meter| meter.is_own).cloned();
    from_policy.chain(own).collect()
}

fn timer(
    db: &Connection,
    account: AccountId,
    license: LicenseId,
) -> rusqlite::Result<Option<Timestamp>> {
    db.prepare_cached("SELECT at FROM timer WHERE account = ?1 AND license = ?2")?
        .query_row(params![account.bytes(), license.bytes()], |row| row.get(0).map(Timestamp))
        .optional()
}
