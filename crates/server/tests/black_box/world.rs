//! A server in a directory of its own, and the command line that speaks to it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::http::Client;

/// The binary, away from the environment and the directory of whoever runs the tests.
pub fn usance(dir: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_usance"));
    command.env_clear().env("TMPDIR", dir.path()).current_dir(dir.path()).stdin(Stdio::null());
    command
}

/// What a command said.
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// The data of a command that must have done what it was asked.
    #[track_caller]
    pub fn done(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self.out
    }

    /// The talk of a command that must have failed with this code.
    #[track_caller]
    pub fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self.err
    }
}

/// Runs the binary without a server.
pub fn run(dir: &TempDir, line: &[&str]) -> Said {
    usance(dir).args(line).output().unwrap().into()
}

/// The server on the data in `dir`, with its log beside them.
pub fn serve(dir: &TempDir) -> Command {
    let path = dir.path().join("log");
    let log = std::fs::File::options().create(true).append(true).open(path).unwrap();
    let mut command = usance(dir);
    command
        .args(["serve", "--data", "data", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::null())
        .stderr(log);
    command
}

/// A running server; ends with this value.
pub struct Server {
    pub dir: TempDir,
    child: Child,
    stdout: BufReader<ChildStdout>,
    base: String,
}

impl Server {
    pub fn new() -> Self {
        Self::start(tempfile::tempdir().unwrap(), &[])
    }

    /// Starts a server on the data in `dir`.
    pub fn start(dir: TempDir, environment: &[(&str, &str)]) -> Self {
        Self::start_with(dir, &[], environment)
    }

    /// The same, with more flags.
    pub fn start_with(dir: TempDir, flags: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut child = serve(&dir)
            .args(flags)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let base = line.trim_end().strip_prefix("listening on ").map(str::to_owned);
        let log = || std::fs::read_to_string(dir.path().join("log")).unwrap();
        let base = base.unwrap_or_else(|| panic!("{line:?} {}", log()));
        Self { dir, child, stdout, base }
    }

    /// Runs a command of words against this server.
    pub fn run(&self, line: &str) -> Said {
        self.run_words(&line.split_whitespace().collect::<Vec<_>>())
    }

    pub fn run_words(&self, words: &[&str]) -> Said {
        usance(&self.dir)
            .env("USANCE_SERVER", &self.base)
            .env("USANCE_DATA", "data")
            .args(words)
            .output()
            .unwrap()
            .into()
    }

    /// The JSON that a command prints, which must do what it was asked.
    #[track_caller]
    pub fn json(&self, line: &str) -> Value {
        let out = self.run(&format!("{line} --json")).done();
        serde_json::from_str(&out).unwrap()
    }

    /// A product `renderer`, a policy `prepaid` with the meter `frames`, and a license under it.
    pub fn license(&self, meter: &str) -> String {
        self.json("product create renderer");
        self.json(&format!("policy create prepaid --product renderer --meter {meter}"));
        let license = self.json("license create --policy prepaid");
        license["id"].as_str().unwrap().to_owned()
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.base.strip_prefix("http://").unwrap().parse().unwrap()
    }

    /// A caller over HTTP who may do everything.
    pub fn admin(&self) -> Client {
        let token = std::fs::read_to_string(self.data().join("admin-token")).unwrap();
        self.caller(&format!("Bearer {}", token.trim()))
    }

    /// A caller over HTTP with this `Authorization` header.
    pub fn caller(&self, authorization: &str) -> Client {
        Client::new(self.address(), Some(authorization))
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// Kills it, from whichever thread; [`Self::stop`] still has to wait for it.
    pub fn kill(&self) {
        kill_process(Pid::from_child(&self.child), Signal::KILL).unwrap();
    }

    /// Asks it to stop; the directory, the exit code, and what else it wrote to stdout.
    pub fn stop(mut self, signal: Signal) -> (TempDir, Option<i32>, String) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
        let code = self.child.wait().unwrap().code();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        (dir, code, rest)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended before.
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}
