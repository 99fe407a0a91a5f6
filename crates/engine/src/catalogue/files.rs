//! Signed license files, and the keys that sign them.

use std::sync::Arc;

use usance_core::activation::{Activation, ActivationRef};
use usance_core::artefact::{
    Encryption, FileActivation, FileMeter, LicenseFile, PublicKey, SigningKey,
};
use usance_core::command::{FileRequest, MadeFile, Ref, Reply};
use usance_core::id::AccountId;
use usance_core::license::{License, LicenseRef};
use usance_core::limits::SECONDS_MAX;
use usance_core::live::LiveChange;
use usance_core::meter::Meter;
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::Code;
use usance_core::token::Permission;

use super::{Decided, Desk, Undecided};
use crate::moving::Moving;
use crate::random;
use crate::store::{LoadedLicense, LoadedMeter, SigningKeyRow, StoreError};
use crate::unit::Change;

impl Desk<'_> {
    pub(super) fn make_file(
        &mut self,
        of: &LicenseRef,
        request: FileRequest,
    ) -> Result<Decided, Undecided> {
        self.caller.need(Permission::LicenseFile)?;
        self.caller.need_all_meters()?;
        if request.seconds.is_some_and(|seconds| seconds == 0 || seconds > SECONDS_MAX) {
            return Err(Refusal::invalid("seconds", "must be 1 second to 100 years").into());
        }
        let mut moving = self.tended(of)?;
        let machine = match &request.activation {
            None => None,
            Some(of) => Some(machine(&moving, of)?),
        };
        let (signer, created) = self.signer()?;
        let file = self.license_file(&moving, machine.as_deref(), &request, &signer)?;
        let license = &moving.loaded.license;
        let encryption = request
            .is_encrypted
            .then(|| Encryption { license_key: &license.key.0, nonce: random::bytes() });
        let text = file.seal(&signer, encryption)?;
        let mut marked = (**license).clone();
        marked.marks.file_at = Some(self.now);
        if let Some(machine) = machine {
            let marked = Activation { last_file_at: Some(self.now), ..(*machine).clone() };
            moving.change_live(LiveChange::PutActivation(Arc::new(marked)), self.unit);
        }
        moving.wind(self.unit);
        let mut changes = vec![Change::ChangeLicense(self.caller.account, marked)];
        changes.extend(created);
        let expires_at = file.file_expires_at;
        let reply = Reply::File(MadeFile { text, issued_at: self.now, expires_at });
        Ok(Decided { changes, events: Vec::new(), reply })
    }

    fn license_file(
        &self,
        moving: &Moving,
        machine: Option<&Activation>,
        request: &FileRequest,
        signer: &SigningKey,
    ) -> Result<LicenseFile, Undecided> {
        let LoadedLicense { account, license, policy, terms, meters, .. } = &moving.loaded;
        let missing = || StoreError::Corrupt(format!("product {} is missing", license.product));
        let product = self.reader.product(*account, &Ref::Id(license.product))?;
        let mut entitlements = [&policy.entitlements[..], &license.entitlements[..]].concat();
        entitlements.sort();
        entitlements.dedup();
        let milliseconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX / 1000) * 1000;
        // Access rules name people, and nothing in a file enforces them.
        let stated = terms.stated().into_iter().filter(|(name, _)| *name != "access");
        let notes = license.metadata.seen_by(self.caller.audience);
        Ok(LicenseFile {
            account: *account,
            license: license.id,
            product: license.product,
            product_code: product.ok_or_else(missing)?.code,
            policy: policy.id,
            policy_code: policy.code.clone(),
            customer: license.customer,
            status: Code::parse("status", license.status(self.now).word())?,
            valid_from: license.valid_from,
            expires_at: license.expires_at,
            activation: machine.map(|machine| FileActivation {
                id: machine.id.to_string(),
                fingerprint: machine.fingerprint.clone(),
            }),
            entitlements,
            terms: stated.map(|(name, value)| (name.to_owned(), value)).collect(),
            meters: meters
                .iter()
                .filter(|meter| self.caller.sees(meter.spec.visible_to))
                .map(|meter| file_meter(license, meter))
                .collect(),
            metadata: notes.map(|entry| (entry.key.clone(), entry.value.clone())).collect(),
            issued_at: self.now,
            file_expires_at: request.seconds.map(|span| self.now.plus_ms(milliseconds(span))),
            key_number: signer.number(),
        })
    }

    /// The account's newest key, and the change that makes it if there is none yet.
    fn signer(&self) -> Result<(SigningKey, Option<Change>), Undecided> {
        let account = self.caller.account;
        let keys = self.reader.signing_keys(account)?;
        match keys.into_iter().rfind(|key| key.public.retired_at.is_none()) {
            Some(row) => Ok((self.opened(&row)?, None)),
            None => {
                let (signer, row) = self.new_key(1);
                Ok((signer, Some(Change::PutSigningKey(account, row))))
            }
        }
    }

    fn opened(&self, row: &SigningKeyRow) -> Result<SigningKey, Undecided> {
        let PublicKey { number, created_at, .. } = row.public;
        let name = vault_name(self.caller.account, number);
        // No reason to stop counting: the rest of the data is in order, and a new key helps.
        let lost = || {
            let reason = format!("{name} does not open with this writer.key; rotate the key");
            Refusal::Invalid { field: "signing key".into(), reason: reason.into() }
        };
        let seed = self.vault.unlock(&name, &row.secret).ok_or_else(lost)?;
        let seed: [u8; 32] = seed.try_into().map_err(|_| lost())?;
        Ok(SigningKey::from_seed(number, created_at, &seed))
    }

    fn new_key(&self, number: u32) -> (SigningKey, SigningKeyRow) {
        let seed: [u8; 32] = random::bytes();
        let signer = SigningKey::from_seed(number, self.now, &seed);
        let secret = self.vault.lock(&vault_name(self.caller.account, number), &seed);
        let public = signer.public();
        (signer, SigningKeyRow { public, secret })
    }

    pub(super) fn rotate_key(&mut self) -> Result<Decided, Undecided> {
        self.caller.need(Permission::KeyWrite)?;
        self.caller.need_unlocked()?;
        let account = self.caller.account;
        let keys = self.reader.signing_keys(account)?;
        let last = keys.last().map_or(0, |key| key.public.number);
        let retired = keys.into_iter().filter(|key| key.public.retired_at.is_none()).map(|key| {
            let public = PublicKey { retired_at: Some(self.now), ..key.public };
            Change::PutSigningKey(account, SigningKeyRow { public, ..key })
        });
        let mut changes: Vec<_> = retired.collect();
        let (_, row) = self.new_key(last + 1);
        let reply = Reply::Key(row.public);
        changes.push(Change::PutSigningKey(account, row));
        Ok(Decided { changes, events: Vec::new(), reply })
    }
}

fn vault_name(account: AccountId, number: u32) -> String {
    format!("signing key {number} of {account}")
}

fn machine(moving: &Moving, of: &ActivationRef) -> Result<Arc<Activation>, Refusal> {
    let unknown = || Refusal::Unknown(Kind::Activation, "with this id or fingerprint".into());
    moving.loaded.live.activation(of).cloned().ok_or_else(unknown)
}

fn file_meter(license: &License, meter: &LoadedMeter) -> FileMeter {
    let LoadedMeter { spec, allowed_from, state, .. } = meter;
    let counted = Meter { license: license.id, spec, allowed_from: *allowed_from };
    FileMeter {
        name: spec.name.clone(),
        unit: spec.unit.clone(),
        scale: spec.scale.digits(),
        allowed: counted.allowed(state),
        total: state.total,
        gross: state.gross,
        held: state.held,
        period_end: state.period_end,
    }
}
