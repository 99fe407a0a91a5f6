//! The machine: what a figure means nothing without.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

/// Lines that say where the figures were taken.
pub fn description(data: &Path) -> Vec<(&'static str, String)> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory_kib = field("/proc/meminfo", "MemTotal").and_then(|value| kibibytes(&value));
    vec![
        ("processor", field("/proc/cpuinfo", "model name").unwrap_or_else(unknown)),
        ("cores", cores.to_string()),
        ("memory", memory_kib.map_or_else(unknown, |kib| format!("{} MiB", kib / 1024))),
        ("kernel", text("/proc/sys/kernel/osrelease").unwrap_or_else(unknown)),
        ("file system", file_system(data).unwrap_or_else(unknown)),
        ("commit", commit().unwrap_or_else(unknown)),
    ]
}

/// The file system type under a path.
pub fn file_system(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mut best: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let mut words = line.split(' ').skip(1);
        let (Some(point), Some(kind)) = (words.next(), words.next()) else {
            continue;
        };
        let is_longer = best.is_none_or(|(size, _)| point.len() >= size);
        if path.starts_with(point) && is_longer {
            best = Some((point.len(), kind));
        }
    }
    best.map(|(_, kind)| kind.to_owned())
}

/// The resident memory of a process.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    pub now_kib: u64,
    pub peak_kib: u64,
}

impl Memory {
    /// Asks the kernel about a process, by its id.
    pub fn of(process_id: u32) -> Result<Self> {
        let path = format!("/proc/{process_id}/status");
        let read = |name| {
            field(&path, name)
                .and_then(|value| kibibytes(&value))
                .with_context(|| format!("process {process_id} has no {name}"))
        };
        Ok(Self { now_kib: read("VmRSS")?, peak_kib: read("VmHWM")? })
    }

    pub fn now_mib(&self) -> f64 {
        self.now_kib as f64 / 1024.0
    }

    pub fn peak_mib(&self) -> f64 {
        self.peak_kib as f64 / 1024.0
    }
}

fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let is_clean = git(&["status", "--porcelain"]).is_some_and(|changes| changes.is_empty());
    Some(if is_clean { commit } else { format!("{commit} with local changes") })
}

fn field(path: &str, name: &str) -> Option<String> {
    let content = fs::read_to_string(path).ok()?;
    content.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    })
}

fn kibibytes(value: &str) -> Option<u64> {
    value.split_whitespace().next()?.parse().ok()
}

fn text(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|content| content.trim().to_owned())
}

fn unknown() -> String {
    "unknown".to_owned()
}
/// The processor time a process has used, from its `/proc` entry: exact to a hundredth of a second,
/// which is the unit of that file on every Linux.
pub fn processor_time(process_id: u32) -> Result<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process_id}/stat"))
        .context("cannot read the processor time of the server")?;
    // The name in parentheses may hold anything; user and system time are the 12th and 13th after.
    let (_, rest) = text.rsplit_once(')').context("/proc/PID/stat has no name")?;
    let ticks =
        rest.split_whitespace().skip(11).take(2).filter_map(|text| text.parse::<u64>().ok());
    Ok(Duration::from_millis(10 * ticks.sum::<u64>()))
}
