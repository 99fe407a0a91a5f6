//! Programs that run on a license's machines.

use alloc::string::ToString;
use alloc::sync::Arc;

use hashbrown::HashSet;

use super::facts::check_text;
use super::{Elsewhere, Fresh, Machines, Outcome};
use crate::activation::{Activation, ActivationRef, Process};
use crate::command::NewProcess;
use crate::id::{ActivationId, ProcessId, UserId};
use crate::limits::PROCESSES_PER_LICENSE_MAX;
use crate::live::LiveChange;
use crate::refusal::{Kind, Limited, Refusal};
use crate::terms::ProcessesPer;

impl<'a> Machines<'a> {
    /// A program starts on a machine.
    ///
    /// # Errors
    /// Those of the state of the license as in [`Machines::activate`]; [`Refusal::Unknown`] and
    /// [`Refusal::ActivationDead`] for the machine; [`Refusal::Taken`] for a number that runs there
    /// already; [`Refusal::LimitOf`], [`Refusal::TooMany`], [`Refusal::Invalid`].
    pub fn start_process(
        &self,
        of: &ActivationRef,
        new: NewProcess,
        fresh: Fresh<'_>,
        elsewhere: &Elsewhere,
    ) -> Result<Outcome, Refusal> {
        self.check_state()?;
        check_text("pid", Some(&new.pid))?;
        let machine = self.known(of)?;
        if machine.is_gone(self.terms, self.now) {
            return Err(Refusal::ActivationDead(machine.id));
        }
        let mut all = self.live.processes.iter();
        if all.any(|one| one.activation == machine.id && one.pid == new.pid) {
            let which = alloc::format!("{} on {}", new.pid, machine.id);
            return Err(Refusal::Taken(Kind::Process, which));
        }
        if let Some(id) = new.id {
            let is_here = self.live.processes.iter().any(|one| one.id == id);
            if is_here || elsewhere.ids_taken.contains(id.bytes()) {
                return Err(Refusal::Taken(Kind::Process, id.to_string()));
            }
        }
        self.check_room_for_process(machine)?;
        let process = Arc::new(Process {
            id: new.id.unwrap_or_else(|| ProcessId::from_bytes(fresh())),
            activation: machine.id,
            pid: new.pid,
            metadata: new.metadata,
            seen_at: self.now,
            created_at: self.now,
        });
        Ok(Outcome { is_new: true, ..put(machine, process) })
    }

    /// A program shows that it runs.
    ///
    /// # Errors
    /// [`Refusal::Over`] for one that ended, was silent for too long, or never was.
    pub fn heartbeat_process(&self, id: ProcessId) -> Result<Outcome, Refusal> {
        let (machine, process) = self.known_process(id)?;
        if process.dies_at(machine, self.terms) <= self.now {
            return Err(over(id));
        }
        let seen_at = process.seen_at.max(self.now);
        Ok(put(machine, Arc::new(Process { seen_at, ..Process::clone(process) })))
    }

    /// A program has ended.
    ///
    /// # Errors
    /// [`Refusal::Over`] for one that ended before, was silent for too long, or never was.
    pub fn end_process(&self, id: ProcessId) -> Result<Outcome, Refusal> {
        let (machine, process) = self.known_process(id)?;
        Ok(Outcome {
            live: alloc::vec![LiveChange::DropProcess(id)],
            activation: Some(Arc::clone(machine)),
            process: Some(Arc::clone(process)),
            ..Outcome::default()
        })
    }

    fn known_process(
        &self,
        id: ProcessId,
    ) -> Result<(&'a Arc<Activation>, &'a Arc<Process>), Refusal> {
        let process = self.live.processes.iter().find(|process| process.id == id);
        let process = process.ok_or_else(|| over(id))?;
        let machine = self.live.activation(&ActivationRef::Id(process.activation));
        Ok((machine.ok_or_else(|| over(id))?, process))
    }

    fn check_room_for_process(&self, machine: &Activation) -> Result<(), Refusal> {
        let all = &self.live.processes;
        if all.len() >= PROCESSES_PER_LICENSE_MAX {
            return Err(Refusal::TooMany(Kind::Process, PROCESSES_PER_LICENSE_MAX as u64));
        }
        let present = match self.terms.processes_per {
            ProcessesPer::License => all.len(),
            ProcessesPer::Activation => {
                all.iter().filter(|one| one.activation == machine.id).count()
            }
            ProcessesPer::User => return self.check_processes(machine.user, 1),
        };
        self.check_process_limit(present, 1)
    }

    /// Refuses so many more processes on the machines of a user.
    pub(super) fn check_processes(&self, user: Option<UserId>, more: usize) -> Result<(), Refusal> {
        let of_user = self.live.activations.iter().filter(|one| one.user == user);
        let machines: HashSet<ActivationId> = of_user.map(|one| one.id).collect();
        let all = self.live.processes.iter();
        let present = all.filter(|one| machines.contains(&one.activation)).count();
        self.check_process_limit(present, more)
    }

    fn check_process_limit(&self, present: usize, more: usize) -> Result<(), Refusal> {
        let limit = self.terms.max_processes;
        if more == 0 || self.terms.limit_overage.admits((present + more) as u64, limit) {
            return Ok(());
        }
        let limit = limit.0.unwrap_or(u64::MAX);
        Err(self.limit_of(Limited::Processes, limit, present as u128, more as u128))
    }
}

fn put(machine: &Arc<Activation>, process: Arc<Process>) -> Outcome {
    Outcome {
        live: alloc::vec![LiveChange::PutProcess(Arc::clone(&process))],
        activation: Some(Arc::clone(machine)),
        process: Some(process),
        ..Outcome::default()
    }
}

fn over(id: ProcessId) -> Refusal {
    Refusal::Over(Kind::Process, id.to_string())
}
