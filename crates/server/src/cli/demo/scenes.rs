//! Small things that happen to a vendor: a late payment, a refund, a copied token, a reused key.

use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

use super::book::Account;
use super::line::Caller;
use super::load::{UseAnswer, Verdict, count};
use super::vendor::Customer;
use crate::cli::fault::Fault;

/// Uses on each side of the suspension.
const DELTA_USES: usize = 20;
/// Frames given back.
const REFUND_FRAMES: i64 = 25;

#[derive(Deserialize)]
struct Standing {
    status: String,
}

/// The operator and a client, who speak to the server in turn.
pub struct Cast<'a> {
    /// Who may do everything.
    pub admin: Caller<'a>,
    /// Who may count up.
    pub client: Caller<'a>,
}

/// A license is suspended between uses, and reinstated after some that are refused.
///
/// # Errors
/// If the server does not answer as the contract has it.
pub fn late_payment(
    cast: &mut Cast<'_>,
    delta: &Customer,
    account: &mut Account,
) -> Result<(bool, String), Fault> {
    let mut as_told = true;
    let mut stand = |cast: &mut Cast<'_>, action: &str, status: &str| {
        let path = format!("/v1/licenses/{}/{action}", delta.license);
        let standing: Standing = cast.admin.need(&Method::POST, &path, None)?;
        as_told &= standing.status == status;
        Ok::<(), Fault>(())
    };
    let before = few_uses(cast, delta, account)?;
    stand(cast, "suspend", "suspended")?;
    let during = few_uses(cast, delta, account)?;
    stand(cast, "reinstate", "active")?;
    let after = few_uses(cast, delta, account)?;
    let counted = |verdicts: &[Verdict]| {
        let counted = |verdict: &&Verdict| matches!(verdict, Verdict::Counted(_));
        verdicts.iter().filter(counted).count()
    };
    let refused = Verdict::Refused("license-suspended".into());
    let holds = as_told
        && counted(&before) == DELTA_USES
        && during.iter().all(|verdict| *verdict == refused)
        && counted(&after) == DELTA_USES;
    let evidence = format!(
        "{} counted, {} refused, {} counted",
        counted(&before),
        during.len() - counted(&during),
        counted(&after)
    );
    Ok((holds, evidence))
}

fn few_uses(
    cast: &mut Cast<'_>,
    customer: &Customer,
    account: &mut Account,
) -> Result<Vec<Verdict>, Fault> {
    let path = format!("{}/increment", customer.meter_path());
    let mut verdicts = Vec::new();
    for _ in 0..DELTA_USES {
        let key = format!("{}-{:06}", customer.code, account.asked);
        let (verdict, _) = count(&mut cast.client, &path, 1, Some(&key))?;
        account.enter(&verdict);
        verdicts.push(verdict);
    }
    Ok(verdicts)
}

/// Frames are given back to a customer at its ceiling: as many fit again, and not one more.
///
/// # Errors
/// If the server does not answer as the contract has it.
pub fn refund(
    cast: &mut Cast<'_>,
    customer: &Customer,
    account: &mut Account,
) -> Result<(bool, String), Fault> {
    let meter = customer.meter_path();
    let body = json!({"amount": REFUND_FRAMES, "idempotency_key": "credit-note-1",
                      "attributes": {"reason": "faulty-frames"}});
    let path = format!("{meter}/decrement");
    let gross_before = account.counted;
    let back: UseAnswer = cast.admin.need(&Method::POST, &path, Some(&body))?;
    account.enter_return(&back);
    let mut holds = back.total == account.total() && back.gross == gross_before;
    let path = format!("{meter}/increment");
    let mut fitted = 0;
    for number in 0..=REFUND_FRAMES {
        let key = format!("{}-again-{number:02}", customer.code);
        let (verdict, _) = count(&mut cast.client, &path, 1, Some(&key))?;
        account.enter(&verdict);
        match verdict {
            Verdict::Counted(_) => fitted += 1,
            Verdict::Refused(code) => holds &= code == "limit-reached" && fitted == REFUND_FRAMES,
        }
    }
    let evidence = format!("{REFUND_FRAMES} returned, {fitted} fit again, the next does not");
    Ok((holds && fitted == REFUND_FRAMES, evidence))
}

/// The token in the renderer is no secret for long; what it can do must be small.
///
/// # Errors
/// If the server does not answer.
pub fn copied_token(cast: &mut Cast<'_>, customer: &Customer) -> Result<(bool, String), Fault> {
    let path = format!("{}/decrement", customer.meter_path());
    let (verdict, _) = count(&mut cast.client, &path, 1, None)?;
    Ok(match verdict {
        Verdict::Refused(code) => (code == "permission-missing", code),
        Verdict::Counted(_) => (false, "it counted down".into()),
    })
}

/// A key that was used for one amount comes with another.
///
/// # Errors
/// If the server does not answer.
pub fn reused_key(
    cast: &mut Cast<'_>,
    customer: &Customer,
    counted: (&str, i64),
) -> Result<(bool, String), Fault> {
    let (key, frames) = counted;
    let path = format!("{}/increment", customer.meter_path());
    let (verdict, _) = count(&mut cast.client, &path, frames + 1, Some(key))?;
    Ok(match verdict {
        Verdict::Refused(code) => (code == "idempotency-conflict", code),
        Verdict::Counted(_) => (false, "it was counted".into()),
    })
}
