//! What the demonstration came to, and what to try next.

use std::path::Path;
use std::time::Duration;

use console::style;

use super::book::Book;
use super::checks::Checks;
use super::process::Server;
use super::stage::{self, Side};
use super::vendor::{METER, Vendor};
use crate::cli::fault::Fault;
use crate::cli::figures::{duration, grouped};
use crate::cli::output;
use crate::config::ADMIN_TOKEN_FILE;

/// Shows the customers' accounts, and what was checked.
///
/// # Errors
/// If standard output cannot be written.
pub fn show(vendor: &Vendor, book: &Book, checks: &Checks, took: Duration) -> Result<(), Fault> {
    let header = [
        "customer", "policy", "uses", "accepted", "refused", "returned", "frames", "allowed",
        "overage",
    ];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for (customer, account) in vendor.customers().into_iter().zip(&book.accounts) {
        rows.push(vec![
            customer.name.to_owned(),
            customer.policy.to_owned(),
            grouped(account.asked as u64),
            grouped(account.records.len() as u64),
            grouped(account.refused as u64),
            grouped(account.given_back),
            grouped(account.total()),
            grouped(customer.allowed),
            grouped(account.overage),
        ]);
    }
    let mut sides = [Side::Right; 9];
    sides[..2].fill(Side::Left);
    stage::table("What was used", &sides, &rows)?;
    stage::checks("What was checked", checks.iter())?;
    let held = checks.count() - checks.failed();
    let verdict = format!("{held} of {} checks hold", checks.count());
    let verdict = match checks.failed() {
        0 => style(verdict).green().bold(),
        _ => style(verdict).red().bold(),
    };
    output::line(format_args!("\n  {verdict}, after {} in all.", duration(took)))
}

/// Says what to try with the server that was left running.
///
/// # Errors
/// If standard output cannot be written.
pub fn next_with_server(server: &Server, data: &Path, vendor: &Vendor) -> Result<(), Fault> {
    let base = server.base();
    let token_file = data.join(ADMIN_TOKEN_FILE);
    let (token_file, data_shown) = (token_file.display(), data.display());
    let license = &vendor.bergwerk.license;
    let root = data.parent().unwrap_or(data).display();
    let process_id = server.process_id();
    output::line(format_args!(
        "
  The server is still at {base}, process {process_id}. Try next:

  export USANCE_SERVER={base}
  export USANCE_TOKEN=$(cat {token_file})
  usance license list
  usance meter records {license} {METER} --limit 5
  usance activation list --product renderer
  usance use {license} {METER} 3 --key mine-1
  curl -s {base}/v1/licenses/{license}/meters/{METER}/increment \\
    -H \"Authorization: Bearer $USANCE_TOKEN\" -H 'Content-Type: application/json' \\
    -d '{{\"amount\": 3, \"idempotency_key\": \"mine-2\"}}'
  curl -s {base}/v1/ledger/checkpoint -H \"Authorization: Bearer $USANCE_TOKEN\"
  usance verify {data_shown}
  kill {process_id} && rm -r {root}     when you are done
"
    ))
}

/// Says what to try next where nothing is left.
///
/// # Errors
/// If standard output cannot be written.
pub fn next() -> Result<(), Fault> {
    output::line(
        "
  Try next:

  usance demo --keep          the same, and look around in it
  usance demo --uses 50000    the same, and more of it
  usance serve                your own server, on this machine
  usance --help               everything else
",
    )
}
