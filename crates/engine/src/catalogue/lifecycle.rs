//! The life of a license: renewal, check-in, transfer, validation.

use std::sync::Arc;

use usance_core::command::{Ref, Reply, UserRef, ValidationRequest};
use usance_core::id::PolicyId;
use usance_core::ledger::record::Action;
use usance_core::license::LicenseRef;
use usance_core::lifecycle::{self, Transfer, effective_terms};
use usance_core::meter::AllowedFrom;
use usance_core::refusal::Refusal;
use usance_core::text::Code;
use usance_core::token::Permission;
use usance_core::validation::{Effects, Scope, ScopedUser, Subject, Validation, Verdict, validate};

use super::meters::need_scale;
use super::{Decided, Desk, Undecided};
use crate::queries::known_policy;
use crate::store::{LoadedLicense, LoadedMeter};
use crate::unit::Change;

impl Desk<'_> {
    pub(super) fn renew_license(&mut self, of: &LicenseRef) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_all_meters()?;
        let LoadedLicense { license, terms, meters, .. } = self.moving(of)?.loaded;
        let renewed = lifecycle::renew(&license, &terms, self.now)?;
        Ok(self.put_license(Action::Renewed, renewed, &meters))
    }

    pub(super) fn check_in_license(&mut self, of: &LicenseRef) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseCheckIn)?;
        self.caller.need_all_meters()?;
        let LoadedLicense { license, terms, meters, .. } = self.moving(of)?.loaded;
        let checked_in = lifecycle::check_in(&license, &terms, self.now)?;
        Ok(self.put_license(Action::CheckedIn, checked_in, &meters))
    }

    pub(super) fn transfer_license(
        &mut self,
        of: &LicenseRef,
        to: &Ref<PolicyId>,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseWrite)?;
        self.caller.need_all_meters()?;
        let policy = Arc::new(known_policy(self.reader, self.caller, to)?);
        let loaded = self.tended(of)?.loaded;
        let own_meters: Vec<_> = loaded
            .meters
            .iter()
            .filter(|meter| meter.is_own)
            .map(|meter| Arc::clone(&meter.spec))
            .collect();
        let stated: Vec<Code> = loaded
            .meters
            .iter()
            .filter(|meter| meter.allowed_from != AllowedFrom::Policy)
            .map(|meter| meter.spec.name.clone())
            .collect();
        let moved = lifecycle::transfer(&Transfer {
            license: &loaded.license,
            old: &loaded.policy,
            new: &policy,
            own_meters: &own_meters,
            stated: &stated,
            live: &loaded.live,
            now: self.now,
        })?;
        let mut kept: Vec<LoadedMeter> = Vec::new();
        let mut gone = loaded.meters;
        for spec in &policy.meters {
            let found = gone.iter().position(|one| !one.is_own && one.spec.name == spec.name);
            kept.push(match found {
                Some(place) => LoadedMeter { spec: Arc::clone(spec), ..gone.remove(place) },
                None => self.meter_come_back(&moved, spec)?,
            });
        }
        let (own, hidden): (Vec<_>, Vec<_>) = gone.into_iter().partition(|meter| meter.is_own);
        kept.extend(own);
        let decided = self.put_license(Action::Transferred, moved.clone(), &kept);
        let account = self.caller.account;
        let terms = effective_terms(&policy.terms, &moved.overrides)?;
        self.rewind(LoadedLicense {
            account,
            license: Arc::new(moved.clone()),
            policy: Arc::clone(&policy),
            terms: Arc::new(terms.into_owned()),
            meters: kept.clone(),
            live: loaded.live,
            timer: loaded.timer,
        });
        let changes = vec![Change::ChangeMeters(account, moved, policy, kept, hidden)];
        Ok(Decided { changes, ..decided })
    }

    /// A meter of a license's new policy: it goes on where it stood if the license had it before.
    fn meter_come_back(
        &self,
        license: &usance_core::license::License,
        spec: &Arc<usance_core::meter::MeterSpec>,
    ) -> Result<LoadedMeter, Undecided> {
        let mut meter = LoadedMeter::new(Arc::clone(spec), false, AllowedFrom::Policy);
        let account = self.caller.account;
        if let Some((scale, state)) = self.reader.hidden_meter(account, license.id, &spec.name)? {
            need_scale(spec, scale)?;
            meter.state = state;
        }
        Ok(meter)
    }

    pub(super) fn validate_license(
        &mut self,
        of: &LicenseRef,
        request: ValidationRequest,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseValidate)?;
        self.caller.need_all_meters()?;
        let mut moving = match self.moving(of) {
            Ok(moving) => moving,
            Err(Undecided::Refused(Refusal::Unknown(..) | Refusal::KeyMistyped)) => {
                return Ok(self.validated(None, Verdict::not_found()));
            }
            Err(other) => return Err(other),
        };
        moving.end_expired(self.head, self.unit)?;
        moving.wind(self.unit);
        let LoadedLicense { license, policy, terms, meters, live, .. } = moving.loaded;
        let owner_is_banned = match license.owner {
            Some(owner) => self.is_banned(&UserRef::Id(owner))?,
            None => false,
        };
        let entitlements = [&policy.entitlements[..], &license.entitlements[..]].concat();
        let subject = Subject {
            license: &license,
            terms: &terms,
            live: &live,
            owner_is_banned,
            entitlements: &entitlements,
            now: self.now,
        };
        let verdict = validate(&subject, &self.scope(&request)?);
        let effects = Effects::of(&subject, &verdict);
        if effects.is_empty() {
            return Ok(self.validated(Some((*license).clone()), verdict));
        }
        let mut changed = (*license).clone();
        effects.apply(&mut changed, self.now);
        let decided = self.validated(Some(changed.clone()), verdict);
        // Only what a bill may depend on is told to the ledger.
        if effects.expires_at.is_some() {
            let put = self.put_license(Action::Changed, changed, &meters);
            return Ok(Decided { reply: decided.reply, ..put });
        }
        let changes = vec![Change::ChangeLicense(self.caller.account, changed)];
        Ok(Decided { changes, ..decided })
    }

    fn validated(
        &self,
        license: Option<usance_core::license::License>,
        verdict: Verdict,
    ) -> Decided {
        let Verdict { is_valid, code, detail } = verdict;
        let validation = Validation { license, is_valid, code, detail, at: self.now };
        let reply = Reply::Validation(Box::new(validation));
        Decided { changes: Vec::new(), events: Vec::new(), reply }
    }

    /// The request with everything that it names looked up.
    fn scope<'r>(&self, request: &'r ValidationRequest) -> Result<Scope<'r>, Undecided> {
        let account = self.caller.account;
        let product = match &request.product {
            None => None,
            Some(of) => Some(self.reader.product(account, of)?.map(|product| product.id)),
        };
        let policy = match &request.policy {
            None => None,
            Some(of) => Some(self.reader.policy(account, of)?.map(|policy| policy.id)),
        };
        let user = match &request.user {
            None => None,
            Some(None) => Some(ScopedUser::Nobody),
            Some(Some(of)) => Some(match self.reader.user(account, of)? {
                Some(user) => ScopedUser::Known(user.id),
                None => ScopedUser::Unknown,
            }),
        };
        Ok(Scope::of(request, product, policy, user))
    }

    fn is_banned(&self, of: &UserRef) -> Result<bool, Undecided> {
        let user = self.reader.user(self.caller.account, of)?;
        Ok(user.is_some_and(|user| user.banned_at.is_some()))
    }
}
