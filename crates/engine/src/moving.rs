//! Carries decisions about one license out: appends their records, moves its meters, and changes
//! what lives on it, all within a unit of work.

use std::sync::Arc;

use usance_core::activating::{Machines, Outcome};
use usance_core::activation::{Activation, ActivationRef};
use usance_core::deciding::{Decision, Situation, Step, overdue, overdue_idle};
use usance_core::id::TokenId;
use usance_core::ledger::canonical;
use usance_core::ledger::commitment::Commitment;
use usance_core::ledger::record::{
    Action, AttributesView, ChangedEvent, Entity, Event, NoticedEvent, UseEvent,
};
use usance_core::license::License;
use usance_core::lifecycle::begin_expiry;
use usance_core::live::{Live, LiveChange, Share};
use usance_core::meter::{Meter, MeterState, Motion};
use usance_core::refusal::Refusal;
use usance_core::rule::let_go;
use usance_core::terms::ExpiresFrom;
use usance_core::time::Timestamp;
use usance_core::usage::{Subject, Use};
use usance_core::view::{ActivationView, ShareView};

use crate::catalogue::ToldChange;
use crate::count::Keyed;
use crate::ledger_head::LedgerHead;
use crate::random;
use crate::store::{LoadedLicense, LoadedMeter};
use crate::unit::{Change, ClosedHour, MovedMeter, SubjectRow, Unit};

/// A license that a unit of work may move.
#[derive(Debug)]
pub struct Moving {
    /// The license, as this unit leaves it.
    pub loaded: LoadedLicense,
    /// Where the unit keeps each meter's new state, once it has moved.
    places: Vec<Option<usize>>,
    /// Whether something changed that its timer depends on.
    is_stirred: bool,
}

/// What a record says beside its step.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// The request.
    pub used: &'a Use,
    /// What recognises its repeat.
    pub keyed: Keyed,
}

impl Moving {
    /// A license that has not moved yet.
    #[must_use]
    pub fn new(loaded: LoadedLicense) -> Self {
        Self { places: vec![None; loaded.meters.len()], loaded, is_stirred: false }
    }

    /// What a decision about one of its meters looks at.
    #[must_use]
    pub fn situation(&self, meter: usize, now: Timestamp) -> Situation<'_> {
        let LoadedLicense { license, terms, meters, live, .. } = &self.loaded;
        let one = &meters[meter];
        let meter = Meter { license: license.id, spec: &one.spec, allowed_from: one.allowed_from };
        Situation { license, terms, meter, state: &one.state, live, now }
    }

    /// Carries out what is due on a meter, whoever asks.
    ///
    /// # Errors
    /// [`Refusal::CounterFull`], where a counter cannot take it.
    pub fn catch_up(
        &mut self,
        meter: usize,
        head: &mut LedgerHead,
        unit: &mut Unit,
    ) -> Result<(), Refusal> {
        while let Some(decision) = overdue(&self.situation(meter, head.now()))? {
            self.carry_out(meter, &decision, None, head, unit);
        }
        Ok(())
    }

    /// Carries out what is due on a meter that nobody uses now.
    ///
    /// # Errors
    /// [`Refusal::CounterFull`], where a counter cannot take it.
    pub fn catch_up_idle(
        &mut self,
        meter: usize,
        head: &mut LedgerHead,
        unit: &mut Unit,
    ) -> Result<(), Refusal> {
        while let Some(decision) = overdue_idle(&self.situation(meter, head.now()))? {
            self.carry_out(meter, &decision, None, head, unit);
        }
        Ok(())
    }

    /// Carries a decision out. Returns the position of its first record, if it has one.
    pub fn carry_out(
        &mut self,
        meter: usize,
        decision: &Decision,
        told: Option<Told<'_>>,
        head: &mut LedgerHead,
        unit: &mut Unit,
    ) -> Option<u64> {
        let mut first = None;
        for step in &decision.steps {
            let told = told.filter(|_| first.is_none());
            let record = self.step(meter, step, told, head, unit);
            first = first.or(Some(record));
            self.is_stirred |= step.turn.is_some();
        }
        for change in &decision.live {
            self.change_live(change.clone(), unit);
        }
        first
    }

    /// Changes what lives on the license.
    pub fn change_live(&mut self, change: LiveChange, unit: &mut Unit) {
        Arc::make_mut(&mut self.loaded.live).apply(&change);
        // What a share is does not matter to any timer, and uses that name a machine are many.
        self.is_stirred |= !matches!(change, LiveChange::PutShare(_));
        unit.live.push((self.loaded.account, self.loaded.license.id, change));
    }

    /// Appends the record of a step, with the request's personal data beside it, and moves the
    /// meter.
    pub fn step(
        &mut self,
        place: usize,
        step: &Step,
        told: Option<Told<'_>>,
        head: &mut LedgerHead,
        unit: &mut Unit,
    ) -> u64 {
        let meter = &self.loaded.meters[place];
        let before = meter.state;
        let salted = told
            .and_then(|told| told.used.subject.as_ref())
            .map(|subject| (subject, random::salt()));
        let mut buffer = Vec::new();
        let attributes = match told {
            Some(told) => AttributesView::encode(&told.used.attributes, &mut buffer),
            None => AttributesView::default(),
        };
        let event = Event::Use(UseEvent {
            license: self.loaded.license.id,
            meter: &meter.spec.name,
            counted: step.counted,
            previous: before.last_record,
            activation: step.activation,
            reference: step.reference,
            turn: step.turn,
            idempotency: told.and_then(|told| told.keyed),
            occurred_at: told.and_then(|told| told.used.occurred_at),
            subject: salted.map(|(subject, salt)| Commitment::to(subject, &salt)),
            attributes,
        });
        let record = head.append(event, unit);
        if let Some((subject, salt)) = salted {
            let subject: Subject = subject.clone();
            unit.subjects.push(SubjectRow { ledger: head.number(), record, salt, subject });
        }
        if !before.hour.is_empty() && before.hour.hour != step.state.hour.hour {
            unit.hours.push(ClosedHour {
                account: self.loaded.account,
                license: self.loaded.license.id,
                meter: meter.spec.name.clone(),
                sums: before.hour,
            });
        }
        self.move_to(place, MeterState { last_record: Some(record), ..step.state }, unit);
        self.tell(place, &before, step, record, head, unit);
        record
    }

    /// Tells what a step makes worth telling.
    fn tell(
        &self,
        place: usize,
        before: &MeterState,
        step: &Step,
        cause: u64,
        head: &mut LedgerHead,
        unit: &mut Unit,
    ) {
        let LoadedMeter { spec, allowed_from, .. } = &self.loaded.meters[place];
        if spec.thresholds.is_empty() {
            return;
        }
        let license = self.loaded.license.id;
        let meter = Meter { license, spec, allowed_from: *allowed_from };
        for notice in meter.notices(before, &step.counted).iter() {
            let event = NoticedEvent {
                license,
                meter: &spec.name,
                notice,
                cause: Some(cause),
                total: step.counted.total,
                allowed: step.counted.allowed,
            };
            head.append(Event::Noticed(event), unit);
        }
    }

    /// Moves a meter without a step: a refusal was recorded, which is in its history.
    pub fn move_to(&mut self, place: usize, state: MeterState, unit: &mut Unit) {
        self.loaded.meters[place].state = state;
        self.places.resize(self.loaded.meters.len(), None);
        match self.places[place] {
            Some(known) => unit.meters[known].state = state,
            None => {
                self.places[place] = Some(unit.meters.len());
                let license = self.loaded.license.id;
                unit.meters.push(MovedMeter { license, meter: place, state });
            }
        }
    }

    /// Sets the license's timer to what is due next, if anything changed that it depends on.
    pub fn wind(&mut self, unit: &mut Unit) {
        if !std::mem::take(&mut self.is_stirred) {
            return;
        }
        let next = self.next_due();
        if next != self.loaded.timer {
            self.loaded.timer = next;
            unit.timers.push((self.loaded.account, self.loaded.license.id, next));
        }
    }

    /// Has the timer set anew, even if nothing else changed.
    pub fn stir(&mut self) {
        self.is_stirred = true;
    }

    /// When something on the license is due next; none if nothing will be.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let LoadedLicense { license, terms, meters, live, .. } = &self.loaded;
        let Live { holds, sessions, passes, .. } = &**live;
        let machines = Machines { license, terms, live, now: Timestamp(0) };
        let periods = meters.iter().filter_map(|meter| meter.state.period_end);
        periods
            .chain(holds.iter().map(|hold| hold.expires_at))
            .chain(sessions.iter().map(|session| session.expires_at))
            .chain(passes.iter().map(|pass| pass.until))
            .chain(license.block_ends_at())
            .chain(machines.next_due())
            .min()
    }
}

impl Moving {
    /// What a decision about the license's machines looks at.
    #[must_use]
    pub fn machines(&self, now: Timestamp) -> Machines<'_> {
        let LoadedLicense { license, terms, live, .. } = &self.loaded;
        Machines { license, terms, live, now }
    }

    /// Starts the duration of the license with its first use, where the terms say so.
    pub fn begin_expiry(&mut self, used: &Use, head: &mut LedgerHead, unit: &mut Unit) {
        let LoadedLicense { account, license, terms, meters, .. } = &self.loaded;
        let is_first = terms.expires_from == ExpiresFrom::FirstUse && license.expires_at.is_none();
        if !is_first || !used.operation.begins() {
            return;
        }
        let now = head.now();
        let Some(end) = begin_expiry(license, terms, ExpiresFrom::FirstUse, now) else {
            return;
        };
        let changed = License { expires_at: Some(end), updated_at: now, ..(**license).clone() };
        let text = canonical::license(&changed, meters.iter().map(LoadedMeter::entry));
        let (entity, action) = (Entity::License, Action::Changed);
        let (id, digest) = (*changed.id.bytes(), text.digest());
        let event = ChangedEvent { entity, action, id, by: None, digest };
        ToldChange { event, text: text.0, salt: None }.append(head, unit);
        unit.changes.push(Change::ChangeLicense(*account, changed.clone()));
        self.loaded.license = Arc::new(changed);
    }
}

impl Moving {
    /// Carries out all that is due on the license.
    ///
    /// # Errors
    /// [`Refusal::CounterFull`], where a counter cannot take it.
    pub fn tend(&mut self, head: &mut LedgerHead, unit: &mut Unit) -> Result<(), Refusal> {
        for meter in 0..self.loaded.meters.len() {
            // A period begins with a use, and not because time passes or somebody looks: what rolls
            // over would depend on it.
            self.catch_up_idle(meter, head, unit)?;
        }
        let now = head.now();
        if self.loaded.live.passes.iter().any(|pass| pass.until <= now) {
            self.change_live(LiveChange::DropPasses(now), unit);
        }
        self.let_go_blocks(head, unit);
        self.end_expired(head, unit)
    }

    /// Lets go of what rules did for a time that is over.
    fn let_go_blocks(&mut self, head: &mut LedgerHead, unit: &mut Unit) {
        let Some(changed) = let_go(&self.loaded.license, head.now()) else { return };
        let LoadedLicense { account, meters, .. } = &self.loaded;
        let text = canonical::license(&changed, meters.iter().map(LoadedMeter::entry));
        let (entity, action) = (Entity::License, Action::Unblocked);
        let (id, digest) = (*changed.id.bytes(), text.digest());
        let event = ChangedEvent { entity, action, id, by: None, digest };
        ToldChange { event, text: text.0, salt: None }.append(head, unit);
        unit.changes.push(Change::ChangeLicense(*account, changed.clone()));
        self.loaded.license = Arc::new(changed);
        self.is_stirred = true;
    }

    /// Carries out all that is due on the license, if its timer says that something may be.
    pub fn tend_if_due(&mut self, head: &mut LedgerHead, unit: &mut Unit) {
        if self.loaded.timer.is_none_or(|at| at > head.now()) {
            return;
        }
        if let Err(refusal) = self.tend(head, unit) {
            let license = self.loaded.license.id;
            tracing::error!(%license, %refusal, "what is due on a license cannot be carried out");
        }
        self.stir();
        self.wind(unit);
    }

    /// Carries out a decision about the license's machines: the shares of those that ended come
    /// back where their meters are floating, and the ledger says what became of them.
    ///
    /// # Errors
    /// [`Refusal::CounterFull`], where a counter cannot take a share back.
    pub fn carry_out_machines(
        &mut self,
        outcome: &Outcome,
        by: Option<TokenId>,
        head: &mut LedgerHead,
        unit: &mut Unit,
    ) -> Result<(), Refusal> {
        for share in &outcome.given_back {
            let meters = &self.loaded.meters;
            let place = meters.iter().position(|meter| meter.spec.name == share.meter);
            if let Some(place) = place.filter(|place| meters[*place].spec.floating) {
                // A turn that was due has wiped the share: nothing of it is in the total any more.
                self.catch_up_idle(place, head, unit)?;
                let left = self.loaded.live.share(share.activation, &share.meter);
                let situation = self.situation(place, head.now());
                let back = situation.meter.give_back(situation.state, left, head.now())?;
                let step = Step { activation: Some(share.activation), ..Step::plain(back) };
                self.step(place, &step, None, head, unit);
                // At once, so that what is written is whole even if the next cannot be decided.
                self.change_live(
                    LiveChange::PutShare(Share { quantity: 0, ..share.clone() }),
                    unit,
                );
            }
        }
        for (id, action) in &outcome.ended {
            let known = self.loaded.live.activation(&ActivationRef::Id(*id));
            if let Some(known) = known.cloned() {
                self.tell_of_machine(&known, *action, by, head, unit);
            }
        }
        if let Some(activation) = &outcome.activation {
            match (outcome.is_new, outcome.is_changed) {
                (true, _) => {
                    self.tell_of_machine(activation, Action::Created, by, head, unit);
                }
                (false, true) => {
                    self.tell_of_machine(activation, Action::Changed, by, head, unit);
                }
                (false, false) => {}
            }
        }
        for change in &outcome.live {
            self.change_live(change.clone(), unit);
        }
        if let Some(marks) = outcome.marks {
            let license = License { marks, ..(*self.loaded.license).clone() };
            unit.changes.push(Change::ChangeLicense(self.loaded.account, license.clone()));
            self.loaded.license = Arc::new(license);
        }
        Ok(())
    }

    fn tell_of_machine(
        &self,
        machine: &Activation,
        action: Action,
        by: Option<TokenId>,
        head: &mut LedgerHead,
        unit: &mut Unit,
    ) {
        let text = canonical::activation(self.loaded.license.id, machine);
        let id = *machine.id.bytes();
        let event =
            ChangedEvent { entity: Entity::Activation, action, id, by, digest: text.digest() };
        ToldChange { event, text: text.0, salt: None }.append(head, unit);
    }
}

impl Moving {
    /// Ends machines and processes that fell silent for too long.
    ///
    /// # Errors
    /// [`Refusal::CounterFull`], where a counter cannot take a share back.
    pub fn end_expired(&mut self, head: &mut LedgerHead, unit: &mut Unit) -> Result<(), Refusal> {
        match self.machines(head.now()).expired() {
            Some(outcome) => self.carry_out_machines(&outcome, None, head, unit),
            None => Ok(()),
        }
    }

    /// Says of every machine that it is gone, before the license is.
    ///
    /// # Errors
    /// [`Refusal::CounterFull`], where a counter cannot take a share back.
    pub fn end_all_machines(
        &mut self,
        by: Option<TokenId>,
        head: &mut LedgerHead,
        unit: &mut Unit,
    ) -> Result<(), Refusal> {
        let live = Arc::clone(&self.loaded.live);
        for machine in &live.activations {
            self.tell_of_machine(machine, Action::Deleted, by, head, unit);
        }
        Ok(())
    }

    /// Sets a meter back to where it begins; nobody has a share of that.
    ///
    /// # Errors
    /// [`Refusal::CounterFull`].
    pub fn reset(
        &mut self,
        meter: usize,
        head: &mut LedgerHead,
        unit: &mut Unit,
    ) -> Result<(), Refusal> {
        let situation = self.situation(meter, head.now());
        let decided = situation.meter.decide(situation.state, Motion::Reset, None, head.now())?;
        self.step(meter, &Step::plain(decided), None, head, unit);
        let name = self.loaded.meters[meter].spec.name.clone();
        if self.loaded.live.shares.iter().any(|share| share.meter == name) {
            self.change_live(LiveChange::DropShares(name), unit);
        }
        Ok(())
    }

    /// A machine as callers see it.
    #[must_use]
    pub fn machine_view(&self, machine: &Arc<Activation>, now: Timestamp) -> ActivationView {
        machine_view(&self.loaded, machine, now)
    }
}

/// A machine as callers see it.
#[must_use]
pub fn machine_view(
    loaded: &LoadedLicense,
    machine: &Arc<Activation>,
    now: Timestamp,
) -> ActivationView {
    let LoadedLicense { license, terms, meters, live, .. } = loaded;
    let shares = live.shares.iter().filter(|share| share.activation == machine.id);
    let shares = shares.filter_map(|share| {
        let meter = meters.iter().find(|meter| meter.spec.name == share.meter)?;
        let Share { meter: name, quantity, .. } = share.clone();
        Some(ShareView { meter: name, scale: meter.spec.scale, quantity })
    });
    let seconds = |ms: i64| u64::try_from(ms / 1000).unwrap_or(0);
    ActivationView {
        license: license.id,
        activation: Arc::clone(machine),
        heartbeat: machine.heartbeat(terms, now),
        heartbeat_seconds: machine.heartbeat_ms(terms).map(seconds),
        next_heartbeat: machine.dies_at(terms),
        shares: shares.collect(),
    }
}
