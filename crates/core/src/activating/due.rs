//! What time does to machines and processes.

use alloc::sync::Arc;
use alloc::vec::Vec;

use hashbrown::{HashMap, HashSet};

use super::{Machines, Outcome};
use crate::activation::{Activation, Process};
use crate::id::ActivationId;
use crate::ledger::record::Action;
use crate::live::LiveChange;
use crate::terms::WhenDead;
use crate::time::Timestamp;

impl<'a> Machines<'a> {
    /// Ends the machines that are dead beyond revival, where the terms want that, and the processes
    /// that are dead; none if there are none. Machines end in the order in which they died. Once
    /// its outcome is applied, asking again at the same time gives none.
    #[must_use]
    pub fn expired(&self) -> Option<Outcome> {
        let mut gone: Vec<_> = self
            .ends()
            .filter(|(end, _)| *end <= self.now)
            .map(|(end, one)| (end, one.id))
            .collect();
        gone.sort_by_key(|(end, _)| *end);
        let ids: HashSet<ActivationId> = gone.iter().map(|(_, id)| *id).collect();
        let mut outcome = Outcome::default();
        for (end, process) in self.process_ends() {
            if end <= self.now && !ids.contains(&process.activation) {
                outcome.live.push(LiveChange::DropProcess(process.id));
                outcome.ended_processes.push(process.id);
            }
        }
        if outcome.live.is_empty() && gone.is_empty() {
            return None;
        }
        let shares = self.live.shares.iter().filter(|share| ids.contains(&share.activation));
        outcome.given_back = shares.cloned().collect();
        for (_, id) in gone {
            outcome.live.push(LiveChange::DropActivation(id));
            outcome.ended.push((id, Action::Expired));
        }
        Some(outcome)
    }

    /// When [`Machines::expired`] has something to do next, if nothing is heard until then; none if
    /// never. Can be past.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let machines = self.ends().map(|(end, _)| end);
        machines.chain(self.process_ends().map(|(end, _)| end)).min()
    }

    /// When machines end by themselves: those that do.
    fn ends(&self) -> impl Iterator<Item = (Timestamp, &'a Arc<Activation>)> + use<'a> {
        let terms = self.terms;
        let all = match terms.when_dead {
            WhenDead::Deactivate => self.live.activations.as_slice(),
            WhenDead::Keep => &[],
        };
        all.iter().filter_map(move |one| Some((one.gone_at(terms)?, one)))
    }

    /// When a process ends if nothing is heard of it: with its machine, if it has none any more.
    #[must_use]
    pub fn process_dies_at(&self, process: &Process) -> Timestamp {
        let mut machines = self.live.activations.iter();
        let machine = machines.find(|machine| machine.id == process.activation);
        machine.map_or(self.now, |machine| process.dies_at(machine, self.terms))
    }

    /// When processes end by themselves.
    fn process_ends(&self) -> impl Iterator<Item = (Timestamp, &'a Arc<Process>)> + use<'a> {
        let terms = self.terms;
        let machines: HashMap<ActivationId, &Activation> = match self.live.processes.is_empty() {
            true => HashMap::new(),
            false => self.live.activations.iter().map(|one| (one.id, &**one)).collect(),
        };
        self.live.processes.iter().filter_map(move |process| {
            let machine = machines.get(&process.activation)?;
            Some((process.dies_at(machine, terms), process))
        })
    }
}
