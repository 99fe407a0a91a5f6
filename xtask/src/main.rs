//! Tooling: `cargo xtask ci`, `cargo xtask tidy`, `cargo xtask generate [--check]`.

#![expect(clippy::print_stdout, reason = "a tool for people")]

mod ci;
mod generate;
mod tidy;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["ci"] => ci::run(),
        ["tidy"] => tidy::run(),
        ["generate"] => generate::write(),
        ["generate", "--check"] => generate::check(),
        _ => bail!("usage: cargo xtask ci | tidy | generate [--check]"),
    }
}
