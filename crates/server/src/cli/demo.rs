//! `usance demo`: a vendor, its customers, a load, a kill and an audit, in ten seconds.
//!
//! The server is this same executable, and everything but the last check goes through its HTTP
//! contract. What the clients are told is kept in a [`book::Book`] apart from the server; every
//! check compares the two, and a figure that is wrong is shown as such and ends in exit code 1.

mod audit;
mod book;
mod checks;
mod line;
mod load;
mod machines;
mod place;
mod plan;
mod process;
mod proofs;
mod scenes;
mod stage;
mod summary;
mod vendor;

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;
use clap::builder::RangedU64ValueParser;
use usance_core::ledger::checkpoint::{Checkpoint, Verifier};
use usance_engine::verify::LedgerReport;

use self::book::{Account, Book};
use self::checks::Checks;
use self::line::Line;
use self::load::{CLIENTS, Load, Outcome, UseAnswer, Verdict};
use self::place::TemporaryPlace;
use self::plan::{PlannedUse, Shares};
use self::process::Server;
use self::proofs::Head;
use self::scenes::Cast;
use self::vendor::Vendor;
use super::fault::Fault;
use super::figures::{duration, grouped, per_second, several};
use super::verify::{Checked, verify};
use crate::config::ADMIN_TOKEN_FILE;

/// Where in the load the server is killed, in hundredths of the uses.
const KILL_AT_PERCENT: usize = 45;

/// See it work: a vendor, its customers, a load, a kill and an audit, in ten seconds
#[derive(Debug, Args)]
#[command(after_help = "\
Starts a server in a temporary directory, sets up a vendor who sells a renderer by the frame, lets
eight clients count at once, loses some of their answers, kills the server with SIGKILL in the
middle of it, starts it again, and then compares what the clients were told with what the server
says and wrote. A studio with machines of its own shares cores, sets frames aside, takes floating
seats, and proves its license with a file alone. A figure that is wrong is shown, and the exit code
is 1.

Examples:
  usance demo
  usance demo --uses 50000
  usance demo --keep        leave the server running, to look around")]
pub struct Demo {
    /// Leave the server and its data there at the end
    #[arg(long)]
    keep: bool,
    /// How many uses the clients tell
    #[arg(long, value_name = "N", default_value_t = 4000)]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(500..=1_000_000))]
    uses: usize,
}

/// What happens in the middle of the load.
struct Middle {
    server: Server,
    /// The head before the kill.
    before: Head,
    restart_took: Duration,
    late_payment: Result<(bool, String), Fault>,
    delta: Account,
}

impl Demo {
    /// Shows it.
    ///
    /// # Errors
    /// If something cannot be done, or a figure is wrong.
    pub fn run(self) -> Result<(), Fault> {
        let begun = Instant::now();
        let mut place = TemporaryPlace::new()?;
        stage::title("usance demo", "a renderer that is sold by the frame")?;
        let data = place.data();
        let server = Server::start(&data)?;
        stage::step(
            "started",
            &format!(
                "a server at {} in {}, data in {}",
                server.base(),
                duration(server.took()),
                data.display()
            ),
        )?;
        let admin_token = read_admin_token(&data)?;
        let line = Line::new(server.base());
        let shares = Shares::of(self.uses);
        let vendor = vendor::set_up(&mut line.caller(&admin_token)?, shares.allowances())?;
        stage::step(
            "set up",
            "product renderer, policies prepaid and postpaid, four customers, a client token",
        )?;
        let plan = shares.plan(&vendor);
        let stand = Stand {
            line: &line,
            admin_token: &admin_token,
            vendor: &vendor,
            plan: &plan,
            data: &data,
        };
        let (server, book, checks) = stand.play(server)?;
        summary::show(&vendor, &book, &checks, begun.elapsed())?;
        if checks.failed() > 0 {
            place.keep();
            return Err(Fault::failure(format!(
                "{} of {} checks do not hold",
                checks.failed(),
                checks.count()
            ))
            .advise(format!("look at what was left in {}", place.root().display())));
        }
        if self.keep {
            place.keep();
            summary::next_with_server(&server, &data, &vendor)?;
            server.let_go();
            return Ok(());
        }
        summary::next()
    }
}

/// Everything that stands still while the demonstration moves.
struct Stand<'a> {
    line: &'a Line,
    admin_token: &'a str,
    vendor: &'a Vendor,
    plan: &'a [PlannedUse],
    data: &'a Path,
}

impl Stand<'_> {
    /// The load with the kill in it, and then the audit.
    fn play(&self, server: Server) -> Result<(Server, Book, Checks), Fault> {
        let mut cast = Cast {
            admin: self.line.caller(self.admin_token)?,
            client: self.line.caller(&self.vendor.client_token)?,
        };
        let verifier = proofs::verifier(&mut cast.admin)?;
        let kill_at = self.plan.len() * KILL_AT_PERCENT / 100;
        let token = &self.vendor.client_token;
        let load = load::run(self.line, token, self.plan, kill_at, || {
            self.middle(server, &mut cast, &verifier)
        })?;
        self.tell_of(&load)?;
        let mut book = Book::default();
        for outcome in &load.outcomes {
            book.accounts[self.plan[outcome.planned].customer].enter(&outcome.verdict);
        }
        book.accounts[3] = load.middle.delta.clone();
        let mut checks = Checks::default();
        self.check_uses(&mut checks, &mut cast, &mut book, &load)?;
        machines::play(&mut checks, &mut cast.admin, &mut book)?;
        self.check_ledger(&mut checks, &mut cast, &book, &verifier, &load)?;
        Ok((load.middle.server, book, checks))
    }

    /// Kills the server, starts it again, and lets a customer pay late while the load goes on.
    fn middle(
        &self,
        server: Server,
        cast: &mut Cast<'_>,
        verifier: &Verifier,
    ) -> Result<Middle, Fault> {
        let before = proofs::head(&mut cast.admin, verifier)?;
        server.kill()?;
        let begun = Instant::now();
        let server = Server::start(self.data)?;
        self.line.restore(server.base());
        let restart_took = begun.elapsed();
        let mut delta = Account::default();
        let late_payment = scenes::late_payment(cast, &self.vendor.delta, &mut delta);
        Ok(Middle { server, before, restart_took, late_payment, delta })
    }

    fn tell_of(&self, load: &Load<Middle>) -> Result<(), Fault> {
        let answers = load.outcomes.len() + told_twice(&load.outcomes);
        stage::step(
            "counted",
            &format!(
                "{} uses by {CLIENTS} clients at once, {} of them told twice; {} answers a second",
                grouped(load.outcomes.len() as u64),
                grouped(told_twice(&load.outcomes) as u64),
                grouped(per_second(answers as u64, load.took))
            ),
        )?;
        let (half, most) = latencies(&load.outcomes);
        stage::step(
            "",
            &format!(
                "each on disk before its answer: half within {}, 99 of 100 within {}",
                duration(half),
                duration(most)
            ),
        )?;
        let cut = load.outcomes.iter().filter(|outcome| outcome.was_cut);
        let (known, unknown) =
            cut.fold((0, 0), |(known, unknown), outcome| match &outcome.verdict {
                Verdict::Counted(answer) if answer.repeat => (known + 1, unknown),
                _ => (known, unknown + 1),
            });
        let answered_before = load.outcomes.iter().filter(|outcome| outcome.life == 0).count();
        stage::step(
            "killed",
            &format!(
                "with SIGKILL after {} answers, in the middle of {} uses",
                grouped(answered_before as u64),
                known + unknown
            ),
        )?;
        stage::step(
            "restarted",
            &format!(
                "in {}; told again, {known} of them had been counted and {unknown} had not",
                duration(load.middle.restart_took)
            ),
        )
    }

    fn check_uses(
        &self,
        checks: &mut Checks,
        cast: &mut Cast<'_>,
        book: &mut Book,
        load: &Load<Middle>,
    ) -> Result<(), Fault> {
        let Vendor { aurora, bergwerk, .. } = self.vendor;
        audit::limits(checks, self.vendor, self.plan, &load.outcomes);
        audit::overage(checks, bergwerk, &book.accounts[1]);
        audit::repeats(checks, &load.outcomes);
        checks.add_result(
            "what was acknowledged survived the kill",
            audit::replay(&mut cast.client, self.vendor, self.plan, &load.outcomes),
        );
        let late_payment = match &load.middle.late_payment {
            Ok(found) => Ok(found.clone()),
            Err(fault) => Err(Fault::failure(fault.to_string())),
        };
        checks.add_result("a suspended license stops, a reinstated one goes on", late_payment);
        checks.add_result(
            "a refund makes room for exactly as much",
            scenes::refund(cast, aurora, &mut book.accounts[0]),
        );
        checks
            .add_result("the clients' token cannot count down", scenes::copied_token(cast, aurora));
        if let Some((planned, _)) = self.some_counted(1, &load.outcomes) {
            let counted = (planned.key.as_str(), planned.frames);
            checks.add_result(
                "a key that was used for something else is refused",
                scenes::reused_key(cast, bergwerk, counted),
            );
        }
        audit::conservation(checks, &mut cast.admin, self.vendor, book)
    }

    fn check_ledger(
        &self,
        checks: &mut Checks,
        cast: &mut Cast<'_>,
        book: &Book,
        verifier: &Verifier,
        load: &Load<Middle>,
    ) -> Result<(), Fault> {
        let now = proofs::head(&mut cast.admin, verifier)?;
        let before = &load.middle.before;
        checks.add(
            "both checkpoints are signed by the writer's key",
            now.checkpoint.size > before.checkpoint.size,
            key_hash(verifier),
        );
        let (earlier, later) = (&before.checkpoint, &now.checkpoint);
        let continues = proofs::continues(&mut cast.admin, earlier, later);
        checks.add_result(
            "the ledger after the kill continues the one before",
            continues.map(|holds| (holds, format!("size {} to {}", earlier.size, later.size))),
        );
        if let Some((_, told)) = self.some_counted(0, &load.outcomes) {
            let aurora = &self.vendor.aurora;
            let holds = proofs::holds_use(&mut cast.admin, later, aurora, told);
            checks.add_result(
                "a use is proven to be in it, and no bit of it can change",
                holds.map(|holds| (holds, format!("record {} of {}", told.record, later.size))),
            );
        }
        let notes = vec![before.note.clone(), now.note];
        let verified = verify(self.data, Some(verifier.clone()), notes, &mut |_, _| {});
        checks.add_result(
            "usance verify finds nothing",
            verified.map(|found| verified_evidence(&found, later, book)),
        );
        Ok(())
    }

    /// The last use of a customer that was counted under load, and its answer.
    fn some_counted<'o>(
        &self,
        customer: usize,
        outcomes: &'o [Outcome],
    ) -> Option<(&PlannedUse, &'o UseAnswer)> {
        outcomes.iter().rev().find_map(|outcome| {
            let planned = &self.plan[outcome.planned];
            match &outcome.verdict {
                Verdict::Counted(answer) if planned.customer == customer => Some((planned, answer)),
                _ => None,
            }
        })
    }
}

fn verified_evidence(checked: &Checked, head: &Checkpoint, book: &Book) -> (bool, String) {
    let report = &checked.report;
    let is_as_told = |ledger: &LedgerReport| {
        ledger.origin == head.origin
            && ledger.size == head.size
            && ledger.root == head.root
            && ledger.tally.uses == (book.accepted() + book.others) as u64
    };
    let holds = report.is_clean() && report.ledgers.iter().any(is_as_told);
    let evidence = match report.findings.first() {
        Some(finding) => finding.to_string(),
        None => format!(
            "{} uses in {}, {} a second",
            grouped(report.ledgers.iter().map(|ledger| ledger.tally.uses).sum::<u64>()),
            several(usize::try_from(report.records()).unwrap_or(usize::MAX), "record"),
            grouped(per_second(report.records(), checked.took))
        ),
    };
    (holds, evidence)
}

/// The hash by which people tell keys apart.
fn key_hash(verifier: &Verifier) -> String {
    format!("key {:08x}", u32::from_be_bytes(verifier.key_hash()))
}

fn told_twice(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| outcome.second.is_some()).count()
}

/// How long half of the answers took at most, and 99 of 100; those cut by the kill aside.
fn latencies(outcomes: &[Outcome]) -> (Duration, Duration) {
    let mut took: Vec<Duration> =
        outcomes.iter().filter(|outcome| !outcome.was_cut).map(|outcome| outcome.took).collect();
    took.sort_unstable();
    let at = |percent: usize| {
        let index = took.len() * percent / 100;
        took.get(index).or(took.last()).copied().unwrap_or_default()
    };
    (at(50), at(99))
}

fn read_admin_token(data: &Path) -> Result<String, Fault> {
    let path = data.join(ADMIN_TOKEN_FILE);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Fault::failure(format!("the server left no admin token in {}", path.display()))
            .because(&error)
    })?;
    Ok(text.trim().to_owned())
}
