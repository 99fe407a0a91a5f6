//! Whether what there is stays within its limits.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use super::{Finding, Scope, Subject, ValidationCode, no};
use crate::activation::Activation;
use crate::id::ActivationId;
use crate::lifecycle;
use crate::terms::{Leasing, Limit, LimitOverage, ProcessesPer, Terms};

/// Looks at limits, and keeps what is only to be said.
#[derive(Debug)]
pub(super) struct Room {
    overage: LimitOverage,
    /// The first finding that does not make the license invalid.
    pub(super) said: Option<Finding>,
}

impl Room {
    pub(super) const fn new(overage: LimitOverage) -> Self {
        Self { overage, said: None }
    }

    /// Notes what does not make the license invalid, unless something was noted before.
    pub(super) fn say(&mut self, finding: Finding) {
        self.said.get_or_insert(finding);
    }

    pub(super) fn check_users(&mut self, subject: &Subject<'_>) -> Result<(), Finding> {
        let people = lifecycle::people(subject.license);
        self.check(ValidationCode::TooManyUsers, "users", people, subject.terms.max_users)
    }

    /// The limits of a license that is strict about its machines.
    pub(super) fn check_machines(
        &mut self,
        subject: &Subject<'_>,
        scope: &Scope<'_>,
        asking: &[&Activation],
    ) -> Result<(), Finding> {
        use ValidationCode::{
            TooManyActivations, TooManyCores, TooManyProcesses, TooMuchDisk, TooMuchMemory,
        };
        let Subject { terms, live, .. } = *subject;
        let counts = |machine: &&Activation| match terms.leasing {
            Leasing::License => true,
            Leasing::User => machine.user == scope.lessee(),
        };
        let machines = live.activations.iter().map(|machine| &**machine);
        let counted: Vec<&Activation> = machines.filter(counts).collect();
        // A license that does not move is held as a whole, whoever has its only machine.
        let is_held =
            if terms.floating { !counted.is_empty() } else { !live.activations.is_empty() };
        if !is_held {
            return no(ValidationCode::NotActivated, "no machine holds the license; activate one");
        }
        let sum = |of: fn(&Activation) -> Option<u64>| {
            counted.iter().filter_map(|machine| of(machine)).fold(0, u64::saturating_add)
        };
        let cores = sum(|machine| machine.cores.map(u64::from));
        let machines = count(counted.len());
        let Terms { max_activations, max_cores, max_memory, max_disk, .. } = *terms;
        self.check(TooManyActivations, "activations", machines, max_activations)?;
        self.check(TooManyCores, "cores", cores, max_cores)?;
        self.check(TooMuchMemory, "bytes of memory", sum(|machine| machine.memory), max_memory)?;
        self.check(TooMuchDisk, "bytes of disk", sum(|machine| machine.disk), max_disk)?;
        let processes = processes(subject, scope, asking);
        self.check(TooManyProcesses, "processes", processes, terms.max_processes)
    }

    fn check(
        &mut self,
        code: ValidationCode,
        what: &str,
        present: u64,
        limit: Limit,
    ) -> Result<(), Finding> {
        let Some(most) = limit.0.filter(|most| present > *most) else {
            return Ok(());
        };
        let detail = format!("the license has {present} {what}, and {most} are allowed").into();
        let finding = Finding { code, detail };
        if !self.overage.admits(present, limit) {
            return Err(finding);
        }
        self.say(finding);
        Ok(())
    }
}

/// Processes that the limit counts. Where each machine is limited on its own, those of the busiest
/// that asks; nobody else's matter to it.
fn processes(subject: &Subject<'_>, scope: &Scope<'_>, asking: &[&Activation]) -> u64 {
    let Subject { terms, live, .. } = *subject;
    let mut tally: BTreeMap<ActivationId, usize> = BTreeMap::new();
    for process in &live.processes {
        *tally.entry(process.activation).or_default() += 1;
    }
    let of = |machine: &Activation| tally.get(&machine.id).copied().unwrap_or(0);
    count(match terms.processes_per {
        ProcessesPer::Activation => asking.iter().map(|machine| of(machine)).max().unwrap_or(0),
        ProcessesPer::License => live.processes.len(),
        ProcessesPer::User => {
            let machines = live.activations.iter();
            machines.filter(|machine| machine.user == scope.lessee()).map(|one| of(one)).sum()
        }
    })
}

fn count(things: usize) -> u64 {
    u64::try_from(things).unwrap_or(u64::MAX)
}
