//! The server under the demonstration: this executable, run as `serve`.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::cli::fault::Fault;

/// The longest wait for a server to be ready.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How much of the server's log is shown when it does not start, in lines.
const LOG_LINES_SHOWN: usize = 10;
/// What of the environment could make the server another than the demonstration's.
const ENVIRONMENT: [&str; 6] = [
    "USANCE_CONFIG",
    "USANCE_DATA",
    "USANCE_LISTEN",
    "USANCE_ADMIN_TOKEN",
    "USANCE_IDEMPOTENCY_WINDOW_DAYS",
    "USANCE_LOG",
];

/// A running server, killed with this value unless it is let go.
pub struct Server {
    child: Option<Child>,
    base: String,
    took: Duration,
}

impl Server {
    /// Starts a server on `data` and waits until it is ready.
    ///
    /// # Errors
    /// If it does not become ready.
    pub fn start(data: &Path) -> Result<Self, Fault> {
        let begun = Instant::now();
        let executable = std::env::current_exe()
            .map_err(|error| Fault::failure("cannot find this executable").because(&error))?;
        let log_path = log_path(data);
        let log = File::options().create(true).append(true).open(&log_path).map_err(|error| {
            Fault::failure(format!("cannot write {}", log_path.display())).because(&error)
        })?;
        let mut command = Command::new(executable);
        command
            .arg("serve")
            .arg("--data")
            .arg(data)
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        for name in ENVIRONMENT {
            command.env_remove(name);
        }
        let child = command
            .spawn()
            .map_err(|error| Fault::failure("cannot start a server").because(&error))?;
        // From here on the child ends with this value, also where a step below fails.
        let mut server = Self { child: Some(child), base: String::new(), took: Duration::ZERO };
        server.base = server.ready_line().map_err(|what| {
            Fault::failure(format!("the server did not start: {what}"))
                .advise(format!("its log ends with\n{}", log_end(&log_path)))
        })?;
        server.took = begun.elapsed();
        Ok(server)
    }

    /// Waits for the line that says where it listens.
    fn ready_line(&mut self) -> Result<String, &'static str> {
        let stdout = self.child.as_mut().and_then(|child| child.stdout.take());
        let stdout = stdout.ok_or("it has no standard output")?;
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            // A line that cannot be read is an empty line, and the receiver says so.
            BufReader::new(stdout).read_line(&mut line).unwrap_or_default();
            // Nobody waits any more if the time was up.
            sender.send(line).unwrap_or_default();
        });
        let line = receiver.recv_timeout(START_TIMEOUT).map_err(|_| "it was not ready in time")?;
        let base = line.trim_end().strip_prefix("listening on ");
        base.map(ToOwned::to_owned).ok_or("it ended before it was ready")
    }

    /// Where it listens.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// How long it took to be ready.
    #[must_use]
    pub const fn took(&self) -> Duration {
        self.took
    }

    /// Its process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Ends it as a power cut would: SIGKILL, without a word.
    ///
    /// # Errors
    /// If it cannot be killed, or was gone before.
    pub fn kill(mut self) -> Result<(), Fault> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        let gone = child
            .try_wait()
            .map_err(|error| Fault::failure("cannot watch the server").because(&error))?;
        if let Some(status) = gone {
            return Err(Fault::failure(format!("the server ended by itself, with {status}")));
        }
        child
            .kill()
            .and_then(|()| child.wait())
            .map_err(|error| Fault::failure("cannot kill the server").because(&error))?;
        Ok(())
    }

    /// Lets it run on after this process.
    pub fn let_go(mut self) {
        drop(self.child.take());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // It may be gone already, and there is nobody left to tell.
            child.kill().unwrap_or_default();
            drop(child.wait());
        }
    }
}

/// The log of the servers on `data`.
#[must_use]
pub fn log_path(data: &Path) -> PathBuf {
    data.with_file_name("server.log")
}

fn log_end(path: &Path) -> String {
    let log = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
    shown.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
