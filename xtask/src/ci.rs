//! What CI runs, in order; the tests come last, so that it ends with their summary.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// Runs every step and stops at the first that fails.
pub fn run() -> Result<()> {
    step("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
    step("lints", &mut cargo(&clippy))?;
    println!("== tidy");
    crate::tidy::run()?;
    println!("== generated files");
    crate::generate::check()?;
    let mut docs =
        cargo(&["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"]);
    step(
        "docs",
        docs.env("RUSTDOCFLAGS", "--deny warnings --allow rustdoc::private-intra-doc-links"),
    )?;
    step("examples in docs", &mut cargo(&["test", "--workspace", "--doc", "--quiet"]))?;
    if has_nextest() {
        return step("tests", &mut cargo(&["nextest", "run", "--workspace"]));
    }
    let all = ["test", "--workspace", "--lib", "--bins", "--tests"];
    step("tests (cargo-nextest is not installed; this is slower)", &mut cargo(&all))
}

fn cargo(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words);
    command
}

fn has_nextest() -> bool {
    let mut ask = cargo(&["nextest", "--version"]);
    let answer = ask.stdout(Stdio::null()).stderr(Stdio::null()).status();
    answer.is_ok_and(|status| status.success())
}

fn step(name: &str, command: &mut Command) -> Result<()> {
    println!("== {name}");
    let status = command.status().with_context(|| format!("cannot start {name}"))?;
    if !status.success() {
        bail!("{name} failed");
    }
    Ok(())
}
