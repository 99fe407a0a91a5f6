//! Rules that no other tool knows: arrows between crates, lengths, banned words.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Longest file, in lines, tests and generated files aside.
const FILE_LINES_MAX: usize = 800;
/// Longest function, in lines, tests aside.
const FUNCTION_LINES_MAX: usize = 70;
/// Longest line of code, in characters. Strings that cannot be broken may pass it in tests.
const LINE_CHARS_MAX: usize = 100;

/// Which of our crates each crate may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("crates/core", &[]),
    ("crates/wire", &["usance-core"]),
    ("crates/engine", &["usance-core"]),
    ("crates/server", &["usance-core", "usance-engine", "usance-wire"]),
    ("bench", &["usance-core", "usance-engine"]),
    ("fuzz", &["usance-core", "usance-wire"]),
    ("xtask", &["usance"]),
];

/// Words that must not be committed in code.
const BANNED: &[&str] = &["FIXME", "XXX", "todo!(", "unimplemented!(", "dbg!(", "#[ignore"];

/// Checks every rule and tells all that is broken.
pub fn run() -> Result<()> {
    let mut flaws = Vec::new();
    let files = committed()?;
    arrows(&mut flaws)?;
    for path in files.iter().filter(|path| path.extension().is_some_and(|end| end == "rs")) {
        let text = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        source(path, &text, &mut flaws);
    }
    for flaw in &flaws {
        println!("{flaw}");
    }
    if !flaws.is_empty() {
        bail!("{} things are untidy", flaws.len());
    }
    Ok(())
}

fn committed() -> Result<Vec<PathBuf>> {
    let listed = Command::new("git").args(["ls-files"]).output().context("cannot ask git")?;
    let names = String::from_utf8(listed.stdout)?;
    Ok(names.lines().map(PathBuf::from).filter(|path| path.is_file()).collect())
}

fn arrows(flaws: &mut Vec<String>) -> Result<()> {
    for (folder, allowed) in ARROWS {
        let manifest = Path::new(folder).join("Cargo.toml");
        let Ok(text) = fs::read_to_string(&manifest) else { continue };
        let runtime = text.split("[dev-dependencies]").next().unwrap_or_default();
        for line in runtime.lines().filter(|line| line.starts_with("usance")) {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if !allowed.contains(&name) {
                flaws.push(format!("{folder} must not use {name}: see ARCHITECTURE.md"));
            }
        }
    }
    Ok(())
}

fn source(path: &Path, text: &str, flaws: &mut Vec<String>) {
    let shown = path.display();
    let is_test = shown.to_string().contains("tests");
    if !is_test && text.lines().count() > FILE_LINES_MAX {
        flaws.push(format!("{shown} has more than {FILE_LINES_MAX} lines"));
    }
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    if !is_test && !is_table(path) {
        functions(path, code, flaws);
    }
    let tells_of_words = path.ends_with("xtask/src/tidy.rs");
    for (number, line) in text.lines().enumerate() {
        let can_break = !line.contains('"') || line.trim_start().starts_with("//");
        if !is_test && can_break && line.chars().count() > LINE_CHARS_MAX {
            flaws.push(format!("{shown}:{} is longer than {LINE_CHARS_MAX}", number + 1));
        }
        for word in BANNED.iter().filter(|word| !tells_of_words && line.contains(**word)) {
            flaws.push(format!("{shown}:{} has {word}", number + 1));
        }
    }
}

/// Whether a file's functions are tables in disguise, which are not easier to read in pieces.
fn is_table(path: &Path) -> bool {
    path.starts_with("crates/wire/src/native/schemas")
}

/// Measures functions by their indentation, which the formatter guarantees.
fn functions(path: &Path, code: &str, flaws: &mut Vec<String>) {
    let mut begin: Option<(usize, usize)> = None;
    for (number, line) in code.lines().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let is_head = line.trim_start().split(' ').take(5).any(|word| word == "fn");
        if is_head && !line.trim_start().starts_with("//") && begin.is_none() {
            begin = Some((number, indent));
        }
        let Some((first, depth)) = begin else { continue };
        let ends = indent == depth && (line.trim() == "}" || line.trim_end().ends_with(';'));
        let ends_at_once = number == first && line.trim_end().ends_with('}');
        if !ends && !ends_at_once {
            continue;
        }
        if number - first + 1 > FUNCTION_LINES_MAX {
            let shown = path.display();
            flaws.push(format!("{shown}:{} is longer than {FUNCTION_LINES_MAX} lines", first + 1));
        }
        begin = None;
    }
}
