//! Compares what the clients were told with what the server says, and with what it wrote.

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

use super::book::{Account, Book};
use super::checks::Checks;
use super::line::{Caller, read};
use super::load::{Outcome, UseAnswer, Verdict};
use super::plan::PlannedUse;
use super::vendor::{Customer, METER, Vendor};
use crate::cli::client::with_query;
use crate::cli::fault::Fault;
use crate::cli::figures::{grouped, several};

/// Uses of one batch.
const BATCH_USES: usize = 500;

#[derive(Deserialize)]
struct MeterAnswer {
    total: i64,
    gross: i64,
}

#[derive(Deserialize)]
struct RecordsPage {
    items: Vec<RecordItem>,
    next: Option<String>,
}

/// A record of a history; a refusal applied nothing.
#[derive(Deserialize)]
struct RecordItem {
    operation: String,
    applied: Option<i64>,
    record: u64,
}

#[derive(Deserialize)]
struct BatchAnswer {
    outcomes: Vec<Value>,
}

/// Prepaid meters stop exactly at the ceiling, postpaid ones never.
pub fn limits(checks: &mut Checks, vendor: &Vendor, plan: &[PlannedUse], outcomes: &[Outcome]) {
    let mut fitted = Vec::new();
    let mut refused_in_all = 0;
    let mut holds = true;
    for (index, customer) in vendor.customers().into_iter().enumerate() {
        if customer.policy != "prepaid" {
            continue;
        }
        let of = outcomes.iter().filter(|it| plan[it.planned].customer == index);
        let (mut asked, mut counted, mut refused) = (0, 0, 0);
        for outcome in of {
            asked += 1;
            match &outcome.verdict {
                Verdict::Counted(answer) => counted += answer.applied,
                Verdict::Refused(code) => {
                    refused += 1;
                    holds &= code == "limit-reached";
                }
            }
        }
        if asked == 0 {
            continue;
        }
        holds &= counted == customer.allowed && refused == asked - customer.allowed;
        refused_in_all += refused;
        fitted.push(format!("{} of {}", grouped(counted), grouped(asked)));
    }
    let evidence = format!("{} fitted, {} refused", fitted.join(" and "), grouped(refused_in_all));
    checks.add("prepaid stops exactly at the ceiling", holds, evidence);
}

/// The overage that was told is what lies above what is included.
pub fn overage(checks: &mut Checks, customer: &Customer, account: &Account) {
    let above = account.total() - customer.allowed;
    checks.add(
        "postpaid goes on, and tells the overage",
        account.refused == 0 && account.overage == above && above > 0,
        format!(
            "{} frames − {} included = {} overage",
            grouped(account.total()),
            grouped(customer.allowed),
            grouped(account.overage)
        ),
    );
}

/// The answer to a repeated use is the first answer.
pub fn repeats(checks: &mut Checks, outcomes: &[Outcome]) {
    let (mut counted, mut refused, mut holds) = (0, 0, true);
    for outcome in outcomes {
        match (&outcome.verdict, &outcome.second) {
            (_, None) => {}
            (Verdict::Counted(first), Some(Verdict::Counted(second))) => {
                counted += 1;
                holds &= is_repeat_of(second, first);
            }
            (Verdict::Refused(first), Some(Verdict::Refused(second))) => {
                refused += 1;
                holds &= first == second;
            }
            _ => holds = false,
        }
    }
    checks.add(
        "a lost answer, asked for again, is the same",
        holds && counted > 0,
        format!("{} counted once, {} refused twice", grouped(counted), grouped(refused)),
    );
}

fn is_repeat_of(second: &UseAnswer, first: &UseAnswer) -> bool {
    let first = UseAnswer { repeat: true, ..first.clone() };
    *second == first
}

/// What was acknowledged before the kill is told again, in batches, and must be known.
///
/// # Errors
/// If the server does not answer.
pub fn replay(
    clients: &mut Caller<'_>,
    vendor: &Vendor,
    plan: &[PlannedUse],
    outcomes: &[Outcome],
) -> Result<(bool, String), Fault> {
    let acknowledged: Vec<(&PlannedUse, &UseAnswer)> = outcomes
        .iter()
        .filter(|outcome| outcome.life == 0)
        .filter_map(|outcome| match &outcome.verdict {
            Verdict::Counted(answer) => Some((&plan[outcome.planned], answer)),
            Verdict::Refused(_) => None,
        })
        .collect();
    let mut known = 0;
    for batch in acknowledged.chunks(BATCH_USES) {
        let uses: Vec<Value> = batch
            .iter()
            .map(|(planned, _)| {
                json!({"license": vendor.customers()[planned.customer].license, "meter": METER,
                       "amount": planned.frames, "idempotency_key": planned.key})
            })
            .collect();
        let answer: BatchAnswer = clients.need(&Method::POST, "/v1/uses", Some(&uses.into()))?;
        for ((_, first), second) in batch.iter().zip(&answer.outcomes) {
            let second = read::<UseAnswer>(&second.to_string());
            known += usize::from(second.is_ok_and(|second| is_repeat_of(&second, first)));
        }
    }
    Ok((
        known == acknowledged.len() && known > 0,
        format!("{} of {} still there", grouped(known as u64), grouped(acknowledged.len() as u64)),
    ))
}

/// Every accepted use has a record of its own, and the meters and their histories say what the
/// clients were told.
///
/// # Errors
/// If the server does not answer.
pub fn conservation(
    checks: &mut Checks,
    admin: &mut Caller<'_>,
    vendor: &Vendor,
    book: &Book,
) -> Result<(), Fault> {
    checks.add(
        "every accepted use has a record of its own",
        book.distinct_records() == book.accepted(),
        format!(
            "{} accepted, {} different records",
            grouped(book.accepted() as u64),
            grouped(book.distinct_records() as u64)
        ),
    );
    let (mut meters_hold, mut histories_hold) = (true, true);
    let (mut on_meters, mut in_history, mut uses) = (0, 0, 0);
    for (customer, account) in vendor.customers().into_iter().zip(&book.accounts) {
        let path = customer.meter_path();
        let meter: MeterAnswer = admin.need(&Method::GET, &path, None)?;
        meters_hold &= meter.total == account.total() && meter.gross == account.counted;
        on_meters += meter.total;
        let (sum, mut records) = history(admin, &path)?;
        let mut told = account.records.clone();
        records.sort_unstable();
        told.sort_unstable();
        histories_hold &= sum == meter.total && records == told;
        in_history += sum;
        uses += records.len();
    }
    checks.add(
        "the meters show what the clients were told",
        meters_hold && on_meters == book.total(),
        format!("{} told, {} on the meters", grouped(book.total()), grouped(on_meters)),
    );
    checks.add(
        "the records add up to the meters",
        histories_hold,
        format!("{} add up to {}", several(uses, "record"), grouped(in_history)),
    );
    Ok(())
}

/// The sum of a meter's history, and the records of its uses.
fn history(admin: &mut Caller<'_>, meter: &str) -> Result<(i64, Vec<u64>), Fault> {
    let (mut sum, mut records, mut cursor) = (0, Vec::new(), None);
    loop {
        let query = [("limit", Some("1000".to_owned())), ("cursor", cursor)];
        let path = with_query(&format!("{meter}/records"), &query);
        let page: RecordsPage = admin.need(&Method::GET, &path, None)?;
        for item in page.items {
            let Some(applied) = item.applied else {
                continue;
            };
            records.push(item.record);
            sum += if item.operation == "decrement" { -applied } else { applied };
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok((sum, records));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::plan::tests::vendor;

    fn counted(applied: i64, record: u64, repeat: bool) -> Verdict {
        Verdict::Counted(UseAnswer { applied, overage: 0, total: 0, gross: 0, record, repeat })
    }

    fn refused(code: &str) -> Verdict {
        Verdict::Refused(code.into())
    }

    fn outcome(planned: usize, verdict: Verdict, second: Option<Verdict>) -> Outcome {
        Outcome {
            planned,
            verdict,
            second,
            life: 0,
            was_cut: false,
            took: std::time::Duration::ZERO,
        }
    }

    fn holds(check: impl Fn(&mut Checks)) -> bool {
        let mut checks = Checks::default();
        check(&mut checks);
        checks.failed() == 0
    }

    #[test]
    fn a_limit_that_is_passed_or_refuses_early_is_noticed() {
        let mut vendor = vendor();
        vendor.aurora.allowed = 2;
        let plan = vec![planned_use(); 3];
        let one = || counted(1, 0, false);
        for (verdicts, expected) in [
            ([one(), one(), refused("limit-reached")], true),
            ([one(), one(), one()], false),
            ([one(), refused("limit-reached"), refused("limit-reached")], false),
            ([one(), one(), refused("license-suspended")], false),
        ] {
            let outcomes: Vec<Outcome> = verdicts
                .into_iter()
                .enumerate()
                .map(|(planned, verdict)| outcome(planned, verdict, None))
                .collect();
            assert_eq!(holds(|checks| limits(checks, &vendor, &plan, &outcomes)), expected);
        }
    }

    #[test]
    fn a_repeat_that_counts_again_is_noticed() {
        for (second, expected) in [
            (counted(1, 7, true), true),
            (counted(1, 8, true), false),
            (counted(1, 7, false), false),
            (counted(2, 7, true), false),
            (refused("limit-reached"), false),
        ] {
            let outcomes = [outcome(0, counted(1, 7, false), Some(second))];
            assert_eq!(holds(|checks| repeats(checks, &outcomes)), expected);
        }
        assert!(!holds(|checks| repeats(checks, &[])), "nothing shown is nothing proven");
    }

    #[test]
    fn an_overage_that_is_not_told_is_noticed() {
        let customer = Customer { allowed: 10, ..vendor().bergwerk };
        for (told, expected) in [(5, true), (4, false)] {
            let account = Account { counted: 15, overage: told, ..Account::default() };
            assert_eq!(holds(|checks| overage(checks, &customer, &account)), expected);
        }
    }

    fn planned_use() -> PlannedUse {
        PlannedUse {
            customer: 0,
            path: String::new(),
            key: String::new(),
            frames: 1,
            is_told_twice: false,
        }
    }
}
