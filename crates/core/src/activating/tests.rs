use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::command::{NewComponent, NewProcess};
use crate::id::{ComponentId, LicenseId, PolicyId, ProductId};
use crate::license::{LicenseKey, Standing};
use crate::metadata::Metadata;
use crate::terms::TermsPatch;
use crate::text::Code;

mod admission;
mod changes;
mod laws;
mod life;
mod processes;

/// A license with its machines, and a clock.
pub(super) struct Bench {
    pub(super) license: License,
    pub(super) terms: Terms,
    pub(super) live: Live,
    pub(super) now: i64,
    pub(super) elsewhere: Elsewhere,
    ids: u64,
}

impl Bench {
    /// A license of users 1, 2 and 3 under terms in words, such as `max_cores=8 when_full=refuse`.
    pub(super) fn new(terms: &str) -> Self {
        let user = |number| UserId::from_bytes([number; 16]);
        let license = License {
            id: LicenseId::from_bytes([9; 16]),
            key: LicenseKey("K".into()),
            product: ProductId::from_bytes([2; 16]),
            policy: PolicyId::from_bytes([3; 16]),
            customer: None,
            reseller: None,
            owner: Some(user(1)),
            users: vec![user(2), user(3)],
            name: None,
            overrides: None,
            entitlements: Vec::new(),
            metadata: Metadata::default(),
            marks: Marks::default(),
            blocks: Vec::new(),
            standing: Standing::Active,
            valid_from: None,
            expires_at: None,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
        };
        let mut bench = Self {
            license,
            terms: Terms::default(),
            live: Live::default(),
            now: 1000,
            elsewhere: Elsewhere::default(),
            ids: 0,
        };
        bench.set(terms);
        bench
    }

    /// States terms in words.
    pub(super) fn set(&mut self, terms: &str) {
        let mut patch = TermsPatch::default();
        for pair in terms.split_whitespace() {
            let (name, value) = pair.split_once('=').expect("name=value");
            let value = value.replace('+', " ");
            patch.set(name, &value).unwrap_or_else(|refusal| panic!("{pair}: {refusal}"));
        }
        self.terms = self.terms.with(&patch);
    }

    pub(super) fn machines(&self) -> Machines<'_> {
        let now = Timestamp(self.now);
        Machines { license: &self.license, terms: &self.terms, live: &self.live, now }
    }

    /// Decides with new ids, and applies what follows.
    pub(super) fn run(
        &mut self,
        decide: impl FnOnce(&Machines<'_>, Fresh<'_>, &Elsewhere) -> Result<Outcome, Refusal>,
    ) -> Result<Outcome, Refusal> {
        let mut ids = self.ids;
        let mut fresh = || {
            ids += 1;
            u128::from(ids).to_be_bytes()
        };
        let decided = decide(&self.machines(), &mut fresh, &self.elsewhere);
        self.ids = ids;
        let outcome = decided?;
        outcome.live.iter().for_each(|change| self.live.apply(change));
        self.license.marks = outcome.marks.unwrap_or(self.license.marks);
        Ok(outcome)
    }

    /// The same where no new ids are needed.
    pub(super) fn ask(
        &mut self,
        decide: impl FnOnce(&Machines<'_>) -> Result<Outcome, Refusal>,
    ) -> Result<Outcome, Refusal> {
        self.run(|machines, _, _| decide(machines))
    }

    pub(super) fn activate(&mut self, new: NewActivation) -> Result<Outcome, Refusal> {
        self.run(|machines, fresh, elsewhere| machines.activate(new, None, fresh, elsewhere))
    }

    pub(super) fn activate_of(&mut self, new: NewActivation, user: u8) -> Result<Outcome, Refusal> {
        let user = UserId::from_bytes([user; 16]);
        self.run(|machines, fresh, elsewhere| machines.activate(new, Some(user), fresh, elsewhere))
    }

    pub(super) fn change(
        &mut self,
        fingerprint: &str,
        patch: ActivationPatch,
    ) -> Result<Outcome, Refusal> {
        self.run(|machines, fresh, elsewhere| {
            machines.change(&named(fingerprint), patch, None, fresh, elsewhere)
        })
    }

    pub(super) fn start(&mut self, fingerprint: &str, pid: &str) -> Result<Outcome, Refusal> {
        let new = NewProcess { id: None, pid: pid.into(), metadata: Metadata::default() };
        self.run(|machines, fresh, elsewhere| {
            machines.start_process(&named(fingerprint), new, fresh, elsewhere)
        })
    }

    /// Ends what is due, and says what has ended.
    pub(super) fn expire(&mut self) -> Option<Outcome> {
        let outcome = self.machines().expired()?;
        outcome.live.iter().for_each(|change| self.live.apply(change));
        assert_eq!(self.machines().expired(), None, "asked again, nothing is due any more");
        Some(outcome)
    }

    pub(super) fn give(&mut self, fingerprint: &str, meter: &str, quantity: i64) {
        let share = Share {
            activation: self.id(fingerprint),
            meter: Code::parse("meter", meter).expect("a code"),
            quantity,
        };
        self.live.apply(&LiveChange::PutShare(share));
    }

    pub(super) fn id(&self, fingerprint: &str) -> ActivationId {
        self.live.activation(&named(fingerprint)).expect("a machine").id
    }

    /// Fingerprints of its machines, oldest first.
    pub(super) fn names(&self) -> String {
        let names: Vec<_> =
            self.live.activations.iter().map(|one| one.fingerprint.as_str()).collect();
        names.join(" ")
    }
}

pub(super) fn named(fingerprint: &str) -> ActivationRef {
    ActivationRef::Fingerprint(fingerprint.into())
}

pub(super) fn machine(fingerprint: &str) -> NewActivation {
    NewActivation { fingerprint: fingerprint.into(), ..NewActivation::default() }
}

pub(super) fn with_cores(fingerprint: &str, cores: u32) -> NewActivation {
    NewActivation { cores: Some(cores), ..machine(fingerprint) }
}

pub(super) fn with_components(fingerprint: &str, components: &[&str]) -> NewActivation {
    NewActivation { components: components_of(components), ..machine(fingerprint) }
}

pub(super) fn components_of(fingerprints: &[&str]) -> Vec<NewComponent> {
    let part = |text: &&str| NewComponent { id: None, fingerprint: (*text).into(), name: None };
    fingerprints.iter().map(part).collect()
}

/// What a decision came to: `ok`, or the code with its figures or field.
pub(super) fn told(decided: &Result<Outcome, Refusal>) -> String {
    match decided {
        Ok(_) => "ok".into(),
        Err(refusal @ Refusal::LimitOf(figures)) => {
            let LimitFigures { present, limit, asked, .. } = **figures;
            format!("{} {present} of {limit} and {asked} more", refusal.code())
        }
        Err(Refusal::Invalid { field, .. }) => format!("invalid {field}"),
        Err(refusal) => refusal.code().to_string(),
    }
}
