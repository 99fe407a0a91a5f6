//! Many clients at once, who lose answers and ask again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

use super::line::{Caller, Line, Told, read};
use super::plan::PlannedUse;
use crate::cli::fault::Fault;

/// How many clients there are.
pub const CLIENTS: usize = 8;
/// How often the middle of the load is looked for.
const LOOK: Duration = Duration::from_millis(1);

/// What the server answers to a use that it counts; the frames are whole.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UseAnswer {
    /// What was counted of it.
    pub applied: i64,
    /// What of it lay above the ceiling.
    pub overage: i64,
    /// The total after it.
    pub total: i64,
    /// The gross after it.
    pub gross: i64,
    /// Its position in the ledger.
    pub record: u64,
    /// Whether it had been counted before.
    pub repeat: bool,
}

/// What became of a use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was counted.
    Counted(UseAnswer),
    /// It was refused, with this code.
    Refused(String),
}

/// What became of a planned use.
#[derive(Debug)]
pub struct Outcome {
    /// Which one: index into the plan.
    pub planned: usize,
    /// What the client heard.
    pub verdict: Verdict,
    /// What it heard when it asked once more.
    pub second: Option<Verdict>,
    /// In which life of the server it first heard.
    pub life: u32,
    /// Whether the server died while it waited.
    pub was_cut: bool,
    /// How long the answer took.
    pub took: Duration,
}

/// What the load came to.
pub struct Load<T> {
    /// What became of each planned use.
    pub outcomes: Vec<Outcome>,
    /// What happened in the middle of it.
    pub middle: T,
    /// From the first use to the last answer.
    pub took: Duration,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
}

/// Lets the clients do what is planned. As soon as `middle_at` uses are answered, does `middle` in
/// between.
///
/// # Errors
/// If a client hears what is neither an answer nor a refusal, or the middle fails.
pub fn run<T>(
    line: &Line,
    token: &str,
    plan: &[PlannedUse],
    middle_at: usize,
    middle: impl FnOnce() -> Result<T, Fault>,
) -> Result<Load<T>, Fault> {
    let begun = Instant::now();
    let (next, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let work = || client(line, token, plan, &next, &answered);
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(work)).collect();
        while answered.load(Ordering::Relaxed) < middle_at
            && !clients.iter().all(std::thread::ScopedJoinHandle::is_finished)
        {
            std::thread::sleep(LOOK);
        }
        let middle = middle();
        if middle.is_err() {
            line.give_up();
        }
        let mut outcomes = Vec::with_capacity(plan.len());
        let mut faults = Vec::new();
        for client in clients {
            match client.join() {
                Ok(Ok(told)) => outcomes.extend(told),
                Ok(Err(fault)) => faults.push(fault),
                Err(_) => faults.push(Fault::failure("a client of the demonstration panicked")),
            }
        }
        // What failed in the middle comes first: the clients' faults follow from it.
        let middle = middle?;
        if let Some(fault) = faults.into_iter().next() {
            return Err(fault);
        }
        Ok(Load { outcomes, middle, took: begun.elapsed() })
    })
}

fn client(
    line: &Line,
    token: &str,
    plan: &[PlannedUse],
    next: &AtomicUsize,
    answered: &AtomicUsize,
) -> Result<Vec<Outcome>, Fault> {
    let mut caller = line.caller(token)?;
    let mut outcomes = Vec::with_capacity(plan.len() / CLIENTS);
    loop {
        let planned = next.fetch_add(1, Ordering::Relaxed);
        let Some(planned_use) = plan.get(planned) else {
            return Ok(outcomes);
        };
        let (verdict, told) = tell(&mut caller, planned_use)?;
        answered.fetch_add(1, Ordering::Relaxed);
        // The answer got lost: the client cannot know, and asks for the same again.
        let second = match planned_use.is_told_twice {
            true => Some(tell(&mut caller, planned_use)?.0),
            false => None,
        };
        outcomes.push(Outcome {
            planned,
            verdict,
            second,
            life: told.life,
            was_cut: told.was_cut,
            took: told.took,
        });
    }
}

fn tell(caller: &mut Caller<'_>, planned: &PlannedUse) -> Result<(Verdict, Told), Fault> {
    count(caller, &planned.path, planned.frames, Some(&planned.key))
}

/// Counts, or hears a refusal.
///
/// # Errors
/// If the answer is neither.
pub fn count(
    caller: &mut Caller<'_>,
    path: &str,
    frames: i64,
    key: Option<&str>,
) -> Result<(Verdict, Told), Fault> {
    let body = match key {
        Some(key) => json!({"amount": frames, "idempotency_key": key}),
        None => json!({"amount": frames}),
    };
    let told = caller.tell(&Method::POST, path, Some(&body.to_string()))?;
    let verdict = match told.answer.status {
        200..300 => Verdict::Counted(read(&told.answer.body)?),
        400..500 => Verdict::Refused(read::<Problem>(&told.answer.body)?.code),
        _ => return Err(crate::cli::problem::fault(&told.answer)),
    };
    Ok((verdict, told))
}
