//! Limits of machines: how many, and what they have together.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Elsewhere, Machines};
use crate::activation::Activation;
use crate::id::UserId;
use crate::limits::ACTIVATIONS_PER_LICENSE_MAX;
use crate::refusal::{Kind, LimitFigures, Limited, Refusal};
use crate::terms::{Leasing, Limit, LimitOverage, ProcessesPer, Stopper, Terms, WhenFull};

/// What is summed up over machines, in the order of [`Weights`].
const SUMMED: [Limited; 4] = [Limited::Activations, Limited::Cores, Limited::Memory, Limited::Disk];

/// Where the count of machines is in it.
const COUNT: usize = 0;
/// Where their cores are.
const CORES: usize = 1;

/// What a machine, or some together, add to the sums. Wide enough for any sum of 64-bit numbers.
type Weights = [u128; SUMMED.len()];

fn weights(machine: &Activation) -> Weights {
    [
        1,
        machine.cores.unwrap_or(0).into(),
        machine.memory.unwrap_or(0).into(),
        machine.disk.unwrap_or(0).into(),
    ]
}

fn sum<'a>(machines: impl Iterator<Item = &'a Arc<Activation>>) -> Weights {
    machines.fold([0; 4], |mut sums, machine| {
        for (sum, weight) in sums.iter_mut().zip(weights(machine)) {
            *sum += weight;
        }
        sums
    })
}

const fn limits(terms: &Terms) -> [Limit; SUMMED.len()] {
    [terms.max_activations, terms.max_cores, terms.max_memory, terms.max_disk]
}

fn figure(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// A limit that a new machine passes.
struct Full {
    /// Which of the weights must get less.
    weight: usize,
    refusal: Refusal,
}

/// The machines that a new one would be among.
struct Company<'a> {
    new: Weights,
    overdraft: u32,
    elsewhere: &'a Elsewhere,
    /// The sums of those that count together with it, without those it replaces.
    sums: Weights,
    /// How many it replaces.
    replaced: usize,
}

impl<'a> Machines<'a> {
    /// The machines that a new one replaces, in that order, so that it fits.
    ///
    /// Those that showed life longest ago go first, but only ones that have some of what is full.
    /// If it does not fit even with all others gone, none goes.
    pub(super) fn make_room(
        &self,
        new: &Activation,
        overdraft: u32,
        elsewhere: &Elsewhere,
    ) -> Result<Vec<Arc<Activation>>, Refusal> {
        let mut peers: Vec<_> = self.peers(new.user).collect();
        let sums = sum(peers.iter().copied());
        let mut company = Company { new: weights(new), overdraft, elsewhere, sums, replaced: 0 };
        let Some(Full { refusal, .. }) = self.full(&company) else { return Ok(Vec::new()) };
        let alone = Company { sums: [0; 4], replaced: peers.len(), ..company };
        if self.terms.when_full == WhenFull::Refuse || self.full(&alone).is_some() {
            return Err(refusal);
        }
        // Stable: of those that showed life at the same time, the one that came first.
        peers.sort_by_key(|peer| peer.last_life());
        let mut replaced = Vec::new();
        while let Some(full) = self.full(&company) {
            let gives_some = |peer: &&Arc<Activation>| weights(peer)[full.weight] > 0;
            let Some(place) = peers.iter().position(gives_some) else { return Err(refusal) };
            let peer = peers.remove(place);
            for (sum, weight) in company.sums.iter_mut().zip(weights(peer)) {
                *sum -= weight;
            }
            replaced.push(Arc::clone(peer));
            company.replaced = replaced.len();
        }
        Ok(replaced)
    }

    /// The first limit that a new machine passes.
    fn full(&self, company: &Company<'_>) -> Option<Full> {
        for weight in 0..SUMMED.len() {
            let (present, asked) = (company.sums[weight], company.new[weight]);
            if asked > 0 && !self.admits(weight, present + asked, company.overdraft) {
                return Some(Full { weight, refusal: self.refusal(weight, present, asked) });
            }
        }
        let here = self.live.activations.len() - company.replaced;
        if here >= ACTIVATIONS_PER_LICENSE_MAX {
            let most = ACTIVATIONS_PER_LICENSE_MAX as u64;
            return Some(Full { weight: COUNT, refusal: Refusal::TooMany(Kind::Activation, most) });
        }
        let customer = company.elsewhere.customer?;
        let limit = customer.limit.0?;
        let present = customer.present.saturating_sub(company.replaced as u64);
        (present >= limit).then(|| Full {
            weight: COUNT,
            refusal: self.limit_of(Limited::Activations, limit, present.into(), 1),
        })
    }

    /// Whether the terms let so much of a weight be there.
    fn admits(&self, weight: usize, wanted: u128, overdraft: u32) -> bool {
        let limit = limits(self.terms)[weight];
        let overage = self.terms.limit_overage;
        let lifts = weight == COUNT && self.terms.floating && overage == LimitOverage::Refuse;
        let limit = match limit.0 {
            Some(limit) if lifts => Limit(Some(limit.saturating_add(overdraft.into()))),
            _ => limit,
        };
        match u64::try_from(wanted) {
            Ok(wanted) => overage.admits(wanted, limit),
            Err(_) => limit.0.is_none() || overage == LimitOverage::Allow,
        }
    }

    fn refusal(&self, weight: usize, present: u128, asked: u128) -> Refusal {
        let limit = limits(self.terms)[weight].0.unwrap_or(u64::MAX);
        self.limit_of(SUMMED[weight], limit, present, asked)
    }

    pub(super) fn limit_of(&self, of: Limited, limit: u64, present: u128, asked: u128) -> Refusal {
        let license = self.license.id;
        let (present, asked) = (figure(present), figure(asked));
        Refusal::LimitOf(Box::new(LimitFigures { license, of, limit, present, asked }))
    }

    /// The machines that are limited together with one of `user`'s.
    pub(super) fn peers(
        &self,
        user: Option<UserId>,
    ) -> impl Iterator<Item = &'a Arc<Activation>> + use<'a> {
        let all = self.terms.leasing == Leasing::License;
        self.live.activations.iter().filter(move |one| all || one.user == user)
    }

    /// Refuses a machine that changes beyond a limit. What does not grow is not looked at: a
    /// license above its limit may still rename its machines.
    pub(super) fn check_growth(
        &self,
        known: &Activation,
        next: &Activation,
    ) -> Result<(), Refusal> {
        let moves = next.user != known.user;
        let moves_among = moves && self.terms.leasing == Leasing::User;
        let before = if moves_among { [0; 4] } else { weights(known) };
        let sums = sum(self.peers(next.user));
        for (weight, after) in weights(next).into_iter().enumerate() {
            let present = sums[weight];
            let asked = after.saturating_sub(before[weight]);
            if asked > 0 && !self.admits(weight, present + asked, 0) {
                return Err(self.refusal(weight, present, asked));
            }
        }
        if moves && self.terms.processes_per == ProcessesPer::User {
            let its = self.live.processes.iter().filter(|process| process.activation == known.id);
            self.check_processes(next.user, its.count())?;
        }
        Ok(())
    }

    /// Refuses metering on a license that has more machines or cores than it may, unless the terms
    /// let it go on (rule 10). Where each user has limits of their own, one above them is enough.
    ///
    /// # Errors
    /// [`Refusal::LimitOf`].
    pub fn check_limits(&self) -> Result<(), Refusal> {
        let stops =
            |stopper, limit: Limit| limit.0.is_some() && !self.terms.meter_while.contains(stopper);
        let checked = [
            (COUNT, stops(Stopper::TooManyActivations, self.terms.max_activations)),
            (CORES, stops(Stopper::TooManyCores, self.terms.max_cores)),
        ];
        if checked.iter().all(|(_, stops)| !stops) {
            return Ok(());
        }
        let above = |sums: &Weights| {
            let passed = checked
                .iter()
                .find(|(weight, stops)| *stops && !self.admits(*weight, sums[*weight], 0));
            passed.map(|(weight, _)| self.refusal(*weight, sums[*weight], 0))
        };
        let Some(refusal) = above(&sum(self.live.activations.iter())) else { return Ok(()) };
        if self.terms.leasing == Leasing::License {
            return Err(refusal);
        }
        // Only here, where all together have more than one may, is anything allocated.
        let mut by_user: Vec<_> = self.live.activations.iter().collect();
        by_user.sort_by_key(|one| one.user);
        for of_user in by_user.chunk_by(|one, other| one.user == other.user) {
            if let Some(refusal) = above(&sum(of_user.iter().copied())) {
                return Err(refusal);
            }
        }
        Ok(())
    }
}
