//! Laws, tried on random commands and a jumping clock against a slow and obvious model.

extern crate std;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Activate { name: u8, user: u8, cores: u32, overdraft: u32 },
    Cores { name: u8, cores: u32 },
    Move { name: u8, user: u8 },
    Heartbeat(u8),
    Reset(u8),
    Deactivate(u8),
    Use { name: u8, quantity: i64 },
    Start { name: u8, pid: u8 },
    HeartbeatProcess(u8, u8),
    End(u8, u8),
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = || 0..6_u8;
    let (user, cores) = (|| 0..3_u8, || 0..5_u32);
    let waits = prop::sample::select(vec![0, 1, 500, 999, 1000, 1001, 2000, 5000, 700_000]);
    let step = prop_oneof![
        8 => (name(), user(), cores(), 0..2_u32).prop_map(|(name, user, cores, overdraft)| {
            Step::Activate { name, user, cores, overdraft }
        }),
        2 => (name(), cores()).prop_map(|(name, cores)| Step::Cores { name, cores }),
        2 => (name(), user()).prop_map(|(name, user)| Step::Move { name, user }),
        3 => name().prop_map(Step::Heartbeat),
        1 => name().prop_map(Step::Reset),
        2 => name().prop_map(Step::Deactivate),
        4 => (name(), 1..9_i64).prop_map(|(name, quantity)| Step::Use { name, quantity }),
        4 => (name(), 0..3_u8).prop_map(|(name, pid)| Step::Start { name, pid }),
        2 => (name(), 0..3_u8).prop_map(|(name, pid)| Step::HeartbeatProcess(name, pid)),
        1 => (name(), 0..3_u8).prop_map(|(name, pid)| Step::End(name, pid)),
        5 => waits.prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..60)
}

#[derive(Debug, Clone)]
struct Rules {
    count: Option<u64>,
    cores: Option<u64>,
    overage: &'static str,
    replaces: bool,
    per_user: bool,
    seconds: Option<i64>,
    revive: Option<i64>,
    from_creation: bool,
    keeps: bool,
    processes: Option<u64>,
    per: &'static str,
}

fn rules() -> impl Strategy<Value = Rules> {
    let limits = (
        prop::option::of(0..4_u64),
        prop::option::of(0..9_u64),
        prop::sample::select(vec!["refuse", "refuse", "allow", "50", "34"]),
        any::<bool>(),
        any::<bool>(),
    );
    let life = (
        prop::option::of(1..4_i64),
        prop::option::of(0..3_i64),
        any::<bool>(),
        any::<bool>(),
        prop::option::of(0..4_u64),
        prop::sample::select(vec!["activation", "license", "user"]),
    );
    (limits, life).prop_map(|(limits, life)| {
        let (count, cores, overage, replaces, per_user) = limits;
        let (seconds, revive, from_creation, keeps, processes, per) = life;
        Rules {
            count,
            cores,
            overage,
            replaces,
            per_user,
            seconds,
            revive,
            from_creation,
            keeps,
            processes,
            per,
        }
    })
}

impl Rules {
    fn words(&self) -> String {
        let none = |number: Option<u64>| number.map_or("none".into(), |number| number.to_string());
        let seconds = |number: Option<i64>| none(number.map(i64::unsigned_abs));
        let or = |yes: bool, one: &'static str, other: &'static str| if yes { one } else { other };
        [
            format!("max_activations={} max_cores={}", none(self.count), none(self.cores)),
            format!("limit_overage={}", self.overage),
            format!("when_full={}", or(self.replaces, "replace-oldest", "refuse")),
            format!("leasing={}", or(self.per_user, "user", "license")),
            format!("heartbeat_seconds={}", seconds(self.seconds)),
            format!("revive_seconds={}", seconds(self.revive)),
            format!("heartbeat_from={}", or(self.from_creation, "creation", "first-heartbeat")),
            format!("when_dead={}", or(self.keeps, "keep", "deactivate")),
            format!("max_processes={} processes_per={}", none(self.processes), self.per),
        ]
        .join(" ")
    }

    /// The highest number within a limit and what may lie above it.
    fn highest(&self, limit: Option<u64>, overdraft: u64) -> u64 {
        match (limit, self.overage) {
            (None, _) | (_, "allow") => u64::MAX,
            (Some(limit), "refuse") => limit + overdraft,
            (Some(limit), percent) => limit + limit * percent.parse::<u64>().expect("digits") / 100,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Machine {
    user: u8,
    cores: u64,
    /// When it came.
    made: i64,
    /// When it last showed life since, if that is not forgotten, and whether it must again.
    seen: Option<i64>,
    must: bool,
    /// Order of arrival.
    nth: usize,
    share: i64,
    /// When each process was last seen.
    runs: BTreeMap<u8, i64>,
}

impl Machine {
    fn last(&self) -> i64 {
        self.seen.unwrap_or(self.made)
    }
}

/// The model: machines by name.
#[derive(Debug, Clone, Default)]
struct Model {
    all: BTreeMap<u8, Machine>,
    arrived: usize,
    now: i64,
}

impl Model {
    fn peers(&self, rules: &Rules, user: u8) -> Vec<u8> {
        let counts = |one: &Machine| !rules.per_user || one.user == user;
        self.all.iter().filter(|(_, one)| counts(one)).map(|(name, _)| *name).collect()
    }

    fn fits(&self, rules: &Rules, peers: &[u8], cores: u64, overdraft: u64) -> (bool, bool) {
        let present: u64 = peers.iter().map(|name| self.all[name].cores).sum();
        let count = peers.len() as u64 + 1;
        (
            count <= rules.highest(rules.count, overdraft),
            cores == 0 || present + cores <= rules.highest(rules.cores, 0),
        )
    }

    /// Who is left of the peers so that a new machine fits; none if it does not.
    fn room(&self, rules: &Rules, user: u8, cores: u64, overdraft: u64) -> Option<Vec<u8>> {
        let mut left = self.peers(rules, user);
        if self.fits(rules, &left, cores, overdraft) == (true, true) {
            return Some(left);
        }
        if !rules.replaces || self.fits(rules, &[], cores, overdraft) != (true, true) {
            return None;
        }
        loop {
            let (by_count, by_cores) = self.fits(rules, &left, cores, overdraft);
            if by_count && by_cores {
                return Some(left);
            }
            let useful = left.iter().filter(|name| !by_count || self.all[name].cores > 0);
            let oldest = *useful.min_by_key(|name| (self.all[name].last(), self.all[name].nth))?;
            left.retain(|name| *name != oldest);
        }
    }

    fn dies(&self, rules: &Rules, one: &Machine) -> Option<i64> {
        one.must.then_some(one.last() + rules.seconds? * 1000)
    }

    fn gone(&self, rules: &Rules, one: &Machine) -> Option<i64> {
        Some(self.dies(rules, one)? + rules.revive? * 1000)
    }

    /// What is due ends: the sum of the shares of the machines that did.
    fn expire(&mut self, rules: &Rules) -> i64 {
        let now = self.now;
        let life = rules.seconds.unwrap_or(600) * 1000;
        for one in self.all.values_mut() {
            one.runs.retain(|_, seen| *seen + life > now);
        }
        if rules.keeps {
            return 0;
        }
        let old = self.clone();
        self.all.retain(|_, one| old.gone(rules, one).is_none_or(|gone| gone > now));
        let total = |model: &Self| model.all.values().map(|one| one.share).sum::<i64>();
        total(&old) - total(self)
    }

    fn running(&self, rules: &Rules, name: u8) -> u64 {
        let user = self.all[&name].user;
        let counted = |(other, one): (&u8, &Machine)| match rules.per {
            "activation" => *other == name,
            "license" => true,
            _ => one.user == user,
        };
        let all = self.all.iter().filter(|(other, one)| counted((other, one)));
        all.map(|(_, one)| one.runs.len() as u64).sum()
    }

    /// Whether a step is accepted; then it is done. The second is what shares came back.
    fn step(&mut self, rules: &Rules, step: &Step) -> (bool, i64) {
        match *step {
            Step::Activate { name, user, cores, overdraft } => {
                self.activate(rules, name, user, cores.into(), overdraft.into())
            }
            Step::Cores { name, cores } => (self.cores(rules, name, cores.into()), 0),
            Step::Move { name, user } => (self.give_to(rules, name, user), 0),
            Step::Heartbeat(name) => {
                let (old, now) = (self.clone(), self.now);
                let Some(one) = self.all.get_mut(&name) else { return (false, 0) };
                let alive = old.gone(rules, one).is_none_or(|gone| gone > now);
                if alive {
                    (one.seen, one.must) = (Some(now), true);
                }
                (alive, 0)
            }
            Step::Reset(name) => {
                let now = self.now;
                let Some(one) = self.all.get_mut(&name) else { return (false, 0) };
                one.must = rules.from_creation;
                one.seen = (one.must && rules.seconds.is_some()).then_some(now);
                (true, 0)
            }
            Step::Deactivate(name) => match self.all.remove(&name) {
                Some(one) => (true, one.share),
                None => (false, 0),
            },
            Step::Use { name, quantity } => {
                let one = self.all.get_mut(&name);
                (one.map(|one| one.share += quantity).is_some(), 0)
            }
            Step::Start { name, pid } => {
                let Some(one) = self.all.get(&name) else { return (false, 0) };
                let dead = self.gone(rules, one).is_some_and(|gone| gone <= self.now);
                let taken = one.runs.contains_key(&pid);
                let full = self.running(rules, name) + 1 > rules.highest(rules.processes, 0);
                if dead || taken || full {
                    return (false, 0);
                }
                let now = self.now;
                self.all.get_mut(&name).map(|one| one.runs.insert(pid, now));
                (true, 0)
            }
            Step::HeartbeatProcess(name, pid) => {
                let now = self.now;
                let seen = self.all.get_mut(&name).and_then(|one| one.runs.get_mut(&pid));
                (seen.map(|seen| *seen = now).is_some(), 0)
            }
            Step::End(name, pid) => {
                let one = self.all.get_mut(&name);
                (one.is_some_and(|one| one.runs.remove(&pid).is_some()), 0)
            }
            Step::Wait(ms) => {
                self.now += ms;
                (true, 0)
            }
        }
    }

    fn activate(
        &mut self,
        rules: &Rules,
        name: u8,
        user: u8,
        cores: u64,
        overdraft: u64,
    ) -> (bool, i64) {
        if let Some(known) = self.all.get(&name).cloned() {
            // Nobody says nothing of whose it is, no cores nothing of its cores.
            let user = if user == 0 { known.user } else { user };
            if !self.can_take_with(rules, name, user, cores) {
                return (false, 0);
            }
            let now = self.now;
            let one = self.all.get_mut(&name).expect("known");
            one.user = user;
            one.cores = if cores > 0 { cores } else { known.cores };
            let seen_once = one.must || rules.seconds.is_none() || one.seen.is_some();
            one.seen = if seen_once { Some(now) } else { None };
            return (true, 0);
        }
        let Some(left) = self.room(rules, user, cores, overdraft) else { return (false, 0) };
        let mut back = 0;
        for peer in self.peers(rules, user) {
            if !left.contains(&peer) {
                back += self.all.remove(&peer).map_or(0, |one| one.share);
            }
        }
        self.arrived += 1;
        let (nth, made, must) = (self.arrived, self.now, rules.from_creation);
        let runs = BTreeMap::new();
        self.all.insert(name, Machine { user, cores, made, seen: None, must, nth, share: 0, runs });
        (true, back)
    }

    /// Whether a machine may become this user's with these cores (0: those it has) at once.
    fn can_take_with(&self, rules: &Rules, name: u8, user: u8, cores: u64) -> bool {
        let mut changed = self.clone();
        let one = changed.all.get_mut(&name).expect("known");
        let before = one.clone();
        one.user = user;
        one.cores = if cores > 0 { cores } else { one.cores };
        let after = one.clone();
        let peers = changed.peers(rules, user);
        let total: u64 = peers.iter().map(|peer| changed.all[peer].cores).sum();
        let comes = rules.per_user && before.user != user;
        let more_cores = after.cores > before.cores || (comes && after.cores > 0);
        let brings = before.user != user && rules.per == "user" && !after.runs.is_empty();
        (!comes || peers.len() as u64 <= rules.highest(rules.count, 0))
            && (!more_cores || total <= rules.highest(rules.cores, 0))
            && (!brings || changed.running(rules, name) <= rules.highest(rules.processes, 0))
    }

    fn cores(&mut self, rules: &Rules, name: u8, cores: u64) -> bool {
        let Some(one) = self.all.get(&name) else { return false };
        let user = one.user;
        if cores > 0 && !self.can_take_with(rules, name, user, cores) {
            return false;
        }
        self.all.get_mut(&name).expect("known").cores = cores;
        true
    }

    fn give_to(&mut self, rules: &Rules, name: u8, user: u8) -> bool {
        if !self.all.contains_key(&name) || !self.can_take_with(rules, name, user, 0) {
            return false;
        }
        self.all.get_mut(&name).expect("known").user = user;
        true
    }
}

fn who(user: u8) -> Option<UserId> {
    (user > 0).then(|| UserId::from_bytes([user; 16]))
}

fn some(cores: u32) -> Option<u32> {
    (cores > 0).then_some(cores)
}

fn process(bench: &Bench, name: u8, pid: u8) -> ProcessId {
    let machine = bench.live.activation(&named(&format!("m{name}"))).map(|one| one.id);
    let mut all = bench.live.processes.iter();
    all.find(|one| Some(one.activation) == machine && one.pid == pid.to_string())
        .map_or(ProcessId::from_bytes([0; 16]), |one| one.id)
}

fn run(bench: &mut Bench, step: &Step) -> Result<Outcome, Refusal> {
    let of = |name: u8| named(&format!("m{name}"));
    match *step {
        Step::Activate { name, user, cores, overdraft } => {
            let new =
                NewActivation { cores: some(cores), overdraft, ..machine(&format!("m{name}")) };
            bench.run(|machines, fresh, away| machines.activate(new, who(user), fresh, away))
        }
        Step::Cores { name, cores } => {
            let patch = ActivationPatch { cores: Some(some(cores)), ..ActivationPatch::default() };
            bench.change(&format!("m{name}"), patch)
        }
        Step::Move { name, user } => bench.run(|machines, fresh, away| {
            machines.change(&of(name), ActivationPatch::default(), Some(who(user)), fresh, away)
        }),
        Step::Heartbeat(name) => bench.ask(|machines| machines.heartbeat(&of(name))),
        Step::Reset(name) => bench.ask(|machines| machines.reset_heartbeat(&of(name))),
        Step::Deactivate(name) => bench.ask(|machines| machines.deactivate(&of(name))),
        Step::Use { name, quantity } => {
            let unknown = Refusal::Unknown(Kind::Activation, String::new());
            let id = bench.live.activation(&of(name)).ok_or(unknown)?.id;
            let share = bench.live.share(id, "frames");
            bench.give(&format!("m{name}"), "frames", share + quantity);
            Ok(Outcome::default())
        }
        Step::Start { name, pid } => bench.start(&format!("m{name}"), &pid.to_string()),
        Step::HeartbeatProcess(name, pid) => {
            let id = process(bench, name, pid);
            bench.ask(|machines| machines.heartbeat_process(id))
        }
        Step::End(name, pid) => {
            let id = process(bench, name, pid);
            bench.ask(|machines| machines.end_process(id))
        }
        Step::Wait(ms) => {
            bench.now += ms;
            Ok(Outcome::default())
        }
    }
}

/// What the license holds, in the words of the model.
fn held(bench: &Bench) -> BTreeMap<u8, (u8, u64, i64, Vec<u8>)> {
    let user = |one: &Activation| one.user.map_or(0, |user| user.bytes()[0]);
    let one = |one: &Arc<Activation>| {
        let runs = bench.live.processes.iter().filter(|process| process.activation == one.id);
        let mut runs: Vec<u8> =
            runs.map(|process| process.pid.parse().expect("a number")).collect();
        runs.sort_unstable();
        let cores = one.cores.unwrap_or(0).into();
        let name = one.fingerprint[1..].parse().expect("a number");
        (name, (user(one), cores, bench.live.share(one.id, "frames"), runs))
    };
    bench.live.activations.iter().map(one).collect()
}

fn back(outcome: &Outcome) -> i64 {
    outcome.given_back.iter().map(|share| share.quantity).sum()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2048, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn machines_do_what_the_model_does(rules in rules(), steps in steps()) {
        let mut bench = Bench::new(&rules.words());
        let mut model = Model { now: bench.now, ..Model::default() };
        let (mut used, mut came_back) = (0, 0);
        for step in &steps {
            // Nothing ends before it was due.
            let due = bench.machines().next_due();
            let ended = bench.expire();
            prop_assert_eq!(ended.is_some(), due.is_some_and(|due| due.0 <= bench.now));
            let expired = ended.as_ref().map_or(0, back);
            prop_assert_eq!(expired, model.expire(&rules));
            prop_assert!(bench.machines().next_due().is_none_or(|due| due.0 > bench.now));

            let before = bench.live.clone();
            let marks = bench.license.marks;
            let decided = run(&mut bench, step);
            let (accepted, returned) = model.step(&rules, step);
            prop_assert_eq!(decided.is_ok(), accepted, "{:?}: {}", step, told(&decided));
            match &decided {
                Ok(outcome) => {
                    prop_assert_eq!(back(outcome), returned, "{:?}", step);
                    let after = bench.license.marks;
                    let is_new = outcome.is_new && outcome.process.is_none();
                    prop_assert_eq!(after.activations - marks.activations, u64::from(is_new));
                    let asked = u64::from(matches!(step, Step::Deactivate(_)));
                    prop_assert_eq!(after.deactivations - marks.deactivations, asked);
                }
                Err(_) => prop_assert_eq!(&bench.live, &before, "a refusal changes nothing"),
            }
            let found = held(&bench);
            let expected: BTreeMap<_, _> = model.all.iter().map(|(name, one)| {
                (*name, (one.user, one.cores, one.share, one.runs.keys().copied().collect()))
            }).collect();
            prop_assert_eq!(found, expected, "{:?}", step);

            // Nothing of a share is lost, and nothing comes back twice.
            if let (Step::Use { quantity, .. }, true) = (step, accepted) {
                used += quantity;
            }
            came_back += expired + returned;
            let left: i64 = bench.live.shares.iter().map(|share| share.quantity).sum();
            prop_assert_eq!(used, left + came_back);
        }
    }

    /// What was accepted never adds up to more than the limit and what may lie above it.
    #[test]
    fn sums_stay_within_the_limits(rules in rules(), steps in steps()) {
        let mut bench = Bench::new(&rules.words());
        bench.set("meter_while=");
        for step in &steps {
            bench.expire();
            if let Step::Activate { overdraft: 1.., .. } = step {
                continue;
            }
            if run(&mut bench, step).is_err() {
                continue;
            }
            for user in 0..3 {
                let found = held(&bench);
                let peers = || found.values().filter(|one| !rules.per_user || one.0 == user);
                prop_assert!(peers().count() as u64 <= rules.highest(rules.count, 0));
                let cores: u64 = peers().map(|one| one.1).sum();
                prop_assert!(cores <= rules.highest(rules.cores, 0));
            }
            prop_assert!(bench.machines().check_limits().is_ok());
        }
    }
}
