//! One order of events to one receiver: nothing is sent before what comes before it was taken or
//! given up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use tokio::sync::{oneshot, watch};
use usance_core::event::Told;
use usance_core::id::WebhookId;
use usance_core::time::Timestamp;
use usance_core::view::PageRequest;
use usance_core::webhook::{Attempt, DeliveryNote, Outcome, Progress, Redelivery, message_id};
use usance_engine::Endpoint;
use usance_wire::native::webhooks::write_message;

use crate::webhooks::Shared;
use crate::webhooks::limits::{
    EVENTS_READ_MAX, PAUSE, STOP_GRACE, UNNOTED_MAX, UNNOTED_RECORDS_MAX,
};
use crate::webhooks::noter::Said;
use crate::webhooks::sender::{Answered, Message, Sender};

/// The status by which a receiver says that it is gone for good.
const GONE: u16 = 410;

/// One order of events to one receiver.
pub struct Lane {
    shared: Arc<Shared>,
    id: WebhookId,
    config: watch::Receiver<Arc<Endpoint>>,
    stop: watch::Receiver<bool>,
    sender: Sender,
    /// The redelivery that it works on; none is the live order.
    redelivery: Option<u64>,
    progress: Progress,
    /// Up to where it is written down that it went.
    noted: u64,
    /// What was tried and is not written down.
    unnoted: Vec<Attempt>,
}

/// What the lane is to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The next event.
    Event,
    /// Look again at what the receiver wants.
    Look,
    /// End.
    End,
}

impl Lane {
    pub fn new(
        shared: Arc<Shared>,
        config: watch::Receiver<Arc<Endpoint>>,
        stop: watch::Receiver<bool>,
        redelivery: Option<u64>,
    ) -> Self {
        let options = &shared.options;
        let sender = Sender::new(options.allow_private, options.timeout, shared.roots.clone());
        let endpoint = Arc::clone(&config.borrow());
        let progress = endpoint.view.progress;
        Self {
            shared,
            id: endpoint.view.webhook.id,
            config,
            stop,
            sender,
            redelivery,
            noted: progress.next,
            progress,
            unnoted: Vec::new(),
        }
    }

    /// Tells what happens, as it happens, from where the receiver stands.
    pub async fn tell_live(&mut self) {
        let mut commits = self.shared.engine.commits();
        loop {
            let Some(endpoint) = self.enabled().await else { break };
            commits.mark_unchanged();
            self.shared.gauges.stands(self.id, Some(self.progress.next));
            let wants = endpoint.view.webhook.wants.clone();
            let engine = self.shared.engine.clone();
            let (caller, from) = (Arc::clone(&self.shared.caller), self.progress.next);
            let events = match engine.events_for(caller, wants, from, EVENTS_READ_MAX).await {
                Ok(events) => events,
                Err(failure) => {
                    tracing::error!(webhook = %self.id, %failure, "events cannot be read");
                    if self.pause(PAUSE).await == Next::End {
                        break;
                    }
                    continue;
                }
            };
            let next = self.tell_all(&events.items, false).await;
            if next == Next::End {
                break;
            }
            if next == Next::Look {
                continue;
            }
            self.pass_over(events.next);
            if !events.is_end {
                continue;
            }
            let is_far = self.progress.next.saturating_sub(self.noted) >= UNNOTED_RECORDS_MAX;
            if !self.unnoted.is_empty() || is_far {
                self.note(false).await;
            }
            let is_over = tokio::select! {
                changed = commits.changed() => changed.is_err(),
                changed = self.config.changed() => changed.is_err(),
                _ = self.stop.wait_for(|stop| *stop) => true,
            };
            if is_over {
                break;
            }
        }
        if !self.unnoted.is_empty() || self.progress.next > self.noted {
            self.note(false).await;
        }
    }

    /// Tells what somebody asked for again, one redelivery after the other.
    pub async fn tell_again(&mut self) {
        let mut finished = 0;
        while let Some(endpoint) = self.enabled().await {
            let waits = endpoint.redeliveries.iter().find(|each| each.number > finished);
            let Some(redelivery) = waits else {
                let is_over = tokio::select! {
                    changed = self.config.changed() => changed.is_err(),
                    _ = self.stop.wait_for(|stop| *stop) => true,
                };
                if is_over {
                    return;
                }
                continue;
            };
            self.redelivery = Some(redelivery.number);
            self.progress = redelivery.progress;
            self.noted = redelivery.progress.next;
            if !self.redeliver(redelivery).await {
                self.note(false).await;
                return;
            }
            self.note(true).await;
            finished = redelivery.number;
        }
    }

    /// Works on a redelivery to its end; false if the lane ends first.
    async fn redeliver(&mut self, redelivery: &Redelivery) -> bool {
        loop {
            let Some(endpoint) = self.enabled().await else { return false };
            if self.progress.next >= redelivery.until {
                return true;
            }
            let read = match redelivery.is_dead_only {
                true => self.dead_letters(redelivery.until).await,
                false => self.wanted(&endpoint, redelivery.until).await,
            };
            let Some((events, next)) = read else {
                if self.pause(PAUSE).await == Next::End {
                    return false;
                }
                continue;
            };
            match self.tell_all(&events, true).await {
                Next::End => return false,
                Next::Look => {}
                Next::Event => self.pass_over(next),
            }
        }
    }

    /// Events that the receiver wants, before `until`, and from where to ask on.
    async fn wanted(&self, endpoint: &Endpoint, until: u64) -> Option<(Vec<Told>, u64)> {
        let wants = endpoint.view.webhook.wants.clone();
        let (caller, from) = (Arc::clone(&self.shared.caller), self.progress.next);
        let read = self.shared.engine.events_for(caller, wants, from, EVENTS_READ_MAX).await;
        let mut events = read.inspect_err(|failure| {
            tracing::error!(webhook = %self.id, %failure, "events cannot be read");
        });
        let events = events.as_mut().ok()?;
        events.items.retain(|told| told.number < until);
        let next = if events.is_end { until } else { events.next };
        Some((std::mem::take(&mut events.items), next))
    }

    /// Events that the receiver never took, before `until`, and from where to ask on.
    async fn dead_letters(&self, until: u64) -> Option<(Vec<Told>, u64)> {
        let engine = &self.shared.engine;
        let last = self.progress.next.checked_sub(1);
        let cursor = last.map(|last| last.to_string());
        let page = PageRequest { limit: EVENTS_READ_MAX, cursor };
        let caller = || Arc::clone(&self.shared.caller);
        let letters = engine.dead_letters(caller(), self.id, page).await.ok()?;
        let mut events = Vec::new();
        for letter in letters.items.iter().filter(|letter| letter.event < until) {
            events.extend(engine.event(caller(), letter.event).await.ok()?);
        }
        let next = match &letters.next {
            Some(_) => letters.items.last().map_or(until, |last| last.event + 1),
            None => until,
        };
        Some((events, next))
    }

    /// Tells events in their order.
    async fn tell_all(&mut self, events: &[Told], is_again: bool) -> Next {
        for told in events {
            self.pass_over(told.number);
            let next = self.tell(told, is_again).await;
            if next != Next::Event {
                return next;
            }
            let is_over = *self.stop.borrow();
            if is_over {
                return Next::End;
            }
            // Something about the receiver has changed: what was read may not be wanted any more.
            match self.config.has_changed() {
                Ok(false) => {}
                Ok(true) => return Next::Look,
                Err(_) => return Next::End,
            }
        }
        Next::Event
    }

    /// Tells one event until it is taken or given up.
    async fn tell(&mut self, told: &Told, is_again: bool) -> Next {
        loop {
            match self.wait_for_retry().await {
                Next::Event => {}
                other => return other,
            }
            let Some(attempt) = self.attempt(told, is_again).await else { return Next::End };
            let (outcome, number) = (attempt.outcome, attempt.number);
            self.unnoted.push(attempt);
            let gauges = &self.shared.gauges;
            let counter = match outcome {
                Outcome::Delivered => &gauges.delivered,
                Outcome::Failed | Outcome::GaveUp | Outcome::Gone => &gauges.failed,
            };
            counter.fetch_add(1, Ordering::Relaxed);
            match outcome {
                Outcome::Delivered => {
                    self.progress = Progress { next: told.number + 1, ..Progress::default() };
                    if self.unnoted.len() >= UNNOTED_MAX {
                        self.note(false).await;
                    }
                    return Next::Event;
                }
                Outcome::GaveUp => {
                    gauges.dead.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(webhook = %self.id, event = told.number, "an event was given up");
                    self.progress = Progress { next: told.number + 1, ..Progress::default() };
                    self.note(false).await;
                    return Next::Event;
                }
                Outcome::Failed => {
                    self.progress.attempts = number;
                    let wait = self.shared.options.retries.get(number as usize - 1);
                    let wait = jittered(wait.copied().unwrap_or_default());
                    self.progress.retry_at = Some(self.shared.engine.now().plus_ms(wait));
                    self.note(false).await;
                }
                Outcome::Gone => {
                    self.config.mark_unchanged();
                    self.note(false).await;
                    // It is disabled with this note, which comes back as a change.
                    let is_over = tokio::select! {
                        changed = self.config.changed() => changed.is_err(),
                        _ = self.stop.wait_for(|stop| *stop) => true,
                    };
                    return if is_over { Next::End } else { Next::Look };
                }
            }
        }
    }

    /// Tries once; none if all stopped in between, and nothing is known of it.
    async fn attempt(&mut self, told: &Told, is_again: bool) -> Option<Attempt> {
        let now = self.shared.engine.now();
        let message = self.message(told, is_again, now);
        let begin = Instant::now();
        let stop = &mut self.stop;
        let stopped = async {
            if stop.wait_for(|stop| *stop).await.is_ok() {
                tokio::time::sleep(STOP_GRACE).await;
            }
        };
        let answered = tokio::select! {
            answered = self.sender.post(&message) => answered,
            () = stopped => return None,
        };
        let duration_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        let Answered { status, text } = answered;
        let number = self.progress.attempts.saturating_add(1);
        let outcome = match status {
            Some(200..=299) => Outcome::Delivered,
            Some(GONE) => Outcome::Gone,
            _ if number as usize > self.shared.options.retries.len() => Outcome::GaveUp,
            _ => Outcome::Failed,
        };
        let answer = text;
        let event = told.number;
        Some(Attempt { event, number, is_again, at: now, duration_ms, outcome, status, answer })
    }

    fn message(&self, told: &Told, is_again: bool, now: Timestamp) -> Message {
        let endpoint = self.config.borrow();
        let mut body = Vec::with_capacity(512);
        write_message(told, &mut body);
        let id = message_id(self.shared.engine.account(), told.number);
        let seconds = now.0.div_euclid(1000);
        let secrets = endpoint.secrets.iter();
        let valid = secrets.filter(|(_, until)| until.is_none_or(|until| until > now));
        let signatures: Vec<_> =
            valid.map(|(secret, _)| secret.sign(&id, seconds, &body)).collect();
        Message {
            url: endpoint.view.webhook.url.clone(),
            id,
            seconds,
            signatures: signatures.join(" "),
            is_again,
            body: Bytes::from(body),
        }
    }

    /// Waits until the event may be tried again, or something about the receiver changes.
    async fn wait_for_retry(&mut self) -> Next {
        let Some(at) = self.progress.retry_at else { return Next::Event };
        let longest = self.shared.options.retries.iter().max().copied().unwrap_or_default();
        let left = at.0.saturating_sub(self.shared.engine.now().0).max(0);
        // A clock that was set back does not make it wait longer than any retry does.
        let left = Duration::from_millis(left.cast_unsigned()).min(longest * 2);
        let before = self.config.borrow().view.webhook.updated_at;
        let deadline = tokio::time::Instant::now() + left;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(deadline) => break,
                changed = self.config.changed() => {
                    if changed.is_err() {
                        return Next::End;
                    }
                    if self.config.borrow().view.webhook.updated_at != before {
                        // Somebody may have mended it.
                        self.progress.retry_at = None;
                        return Next::Look;
                    }
                }
                _ = self.stop.wait_for(|stop| *stop) => return Next::End,
            }
        }
        self.progress.retry_at = None;
        Next::Event
    }

    /// The receiver, once it is to be told something; none if it never is.
    async fn enabled(&mut self) -> Option<Arc<Endpoint>> {
        let mut was_disabled = false;
        loop {
            if *self.stop.borrow() || self.config.has_changed().is_err() {
                return None;
            }
            let endpoint = Arc::clone(&self.config.borrow_and_update());
            if endpoint.view.webhook.disabled.is_none() {
                if was_disabled {
                    // What failed before is tried anew.
                    self.progress = Progress { next: self.progress.next, ..Progress::default() };
                }
                return Some(endpoint);
            }
            was_disabled = true;
            if self.redelivery.is_none() {
                self.shared.gauges.stands(self.id, None);
            }
            if !self.unnoted.is_empty() {
                self.note(false).await;
            }
            tokio::select! {
                changed = self.config.changed() => if changed.is_err() { return None },
                _ = self.stop.wait_for(|stop| *stop) => return None,
            }
        }
    }

    /// Everything before `next` is done with, or not wanted.
    fn pass_over(&mut self, next: u64) {
        if next > self.progress.next {
            self.progress = Progress { next, ..Progress::default() };
        }
    }

    /// Has it written down how far this lane went, and waits until that is so.
    async fn note(&mut self, is_finished: bool) {
        let note = DeliveryNote {
            webhook: self.id,
            redelivery: self.redelivery,
            progress: self.progress,
            is_finished,
            attempts: std::mem::take(&mut self.unnoted),
        };
        self.noted = self.progress.next;
        if self.redelivery.is_none() {
            self.shared.gauges.stands(self.id, Some(self.progress.next));
        }
        let (written, waits) = oneshot::channel();
        if self.shared.noter.send(Said { note, written }).await.is_ok() {
            // The noter answers each note, unless it was cut short with the process.
            waits.await.unwrap_or_default();
        }
    }

    async fn pause(&mut self, wait: Duration) -> Next {
        tokio::select! {
            () = tokio::time::sleep(wait) => Next::Look,
            _ = self.stop.wait_for(|stop| *stop) => Next::End,
        }
    }
}

/// A wait in milliseconds, a fifth shorter or longer, so that what failed together does not come
/// back together.
fn jittered(wait: Duration) -> i64 {
    let [random] = usance_engine::random::bytes::<1>();
    let ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 1024);
    ms * 4 / 5 + ms * 2 / 5 * i64::from(random) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_differ_by_a_fifth() {
        for _ in 0..1000 {
            let ms = jittered(Duration::from_secs(10));
            assert!((8_000..=12_000).contains(&ms), "{ms}");
        }
        assert_eq!(jittered(Duration::ZERO), 0);
    }
}
