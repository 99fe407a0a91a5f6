//! PostgreSQL: one transaction for each use, with its default durability.
//!
//! The statement inserts the event under its unique key and updates the meter within its limit,
//! in one round trip; either both happen or neither. Everything that may be chosen is chosen in
//! its favour: a prepared statement with binary parameters, one index on the events, room for
//! heap-only updates of the meters, and the common load loop as its client instead of a library.

use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::child::Child;
use crate::dialogue::{Asked, Dialogue, Heard};
use crate::pgwire;
use crate::redis::free_port;
use crate::template::{Keys, LicenseDigits, RoundRobin, Template};

/// What to do when it is not there.
pub const INSTALL: &str = "not installed; apt-get install postgresql";

const SCHEMA: &str = "
    CREATE TABLE meter (
        license text PRIMARY KEY,
        total bigint NOT NULL,
        gross bigint NOT NULL,
        allowed bigint NOT NULL
    ) WITH (fillfactor = 50);
    CREATE TABLE event (
        key text PRIMARY KEY,
        license text NOT NULL,
        amount bigint NOT NULL,
        at timestamptz NOT NULL
    );";

const USE: &str = "
    WITH used AS (
        UPDATE meter SET total = total + $2, gross = gross + $2
        WHERE license = $1 AND total + $2 <= allowed
        RETURNING total, gross, allowed
    ), event AS (
        INSERT INTO event (key, license, amount, at) SELECT $3, $1, $2, now() FROM used
    )
    SELECT total, gross, allowed FROM used";

/// A running server with the two tables in it.
pub struct Postgres {
    _child: Child,
    pub address: SocketAddr,
    pub version: String,
}

impl Postgres {
    /// Starts one in a directory, or says that it is not installed.
    pub fn start(directory: &Path, licenses: u64) -> Result<Option<Self>> {
        let Some(programs) = programs() else {
            return Ok(None);
        };
        let owner = owner()?;
        if let Some(owner) = owner {
            chown(directory, Some(owner.user), Some(owner.group))
                .context("cannot give the data directory to another user")?;
        }
        let version = run(Command::new(programs.join("postgres")).arg("--version"))?;
        let data = directory.join("data");
        let mut initdb = as_owner(programs.join("initdb"), owner, directory);
        initdb.arg("-D").arg(&data);
        initdb.args(["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]);
        run(&mut initdb)?;

        let address = SocketAddr::from(([127, 0, 0, 1], free_port()?));
        let mut command = as_owner(programs.join("postgres"), owner, directory);
        command.arg("-D").arg(&data);
        command.args(["-p", &address.port().to_string()]);
        for setting in
            ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=300"]
        {
            command.args(["-c", setting]);
        }
        // An immediate shutdown: its data is thrown away, but its children must end.
        let child = Child::start("postgres", command)?;
        let mut child = child.stopped_by(Signal::QUIT, Duration::from_secs(20));
        let mut stream = child.wait_until(Duration::from_secs(30), || {
            let mut stream = TcpStream::connect(address).ok()?;
            stream.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
            pgwire::enter(&mut stream, "postgres", "postgres").ok()?;
            Some(stream)
        })?;
        pgwire::execute(&mut stream, SCHEMA)?;
        // The digits are those of `template::numbered_license`.
        let fill = format!(
            "INSERT INTO meter SELECT lpad(to_hex(number), 32, '0'), 0, 0, 1000000000000000
             FROM generate_series(0, {licenses} - 1) AS number; VACUUM ANALYZE meter;"
        );
        for statement in fill.split_inclusive(';') {
            pgwire::execute(&mut stream, statement)?;
        }
        let version = version.trim().to_owned();
        Ok(Some(Self { _child: child, address, version }))
    }

    /// Uses of one, license after license, each under a key of its own.
    pub fn uses<'a>(
        &self,
        licenses: &'a [LicenseDigits],
        keys: &'a mut Keys,
    ) -> Result<Transactions<'a>> {
        Ok(Transactions {
            template: Template::new(pgwire::use_message()),
            licenses: RoundRobin::new(licenses)?,
            keys,
        })
    }
}

/// A load of transactions.
pub struct Transactions<'a> {
    template: Template,
    licenses: RoundRobin<'a>,
    keys: &'a mut Keys,
}

impl Dialogue for Transactions<'_> {
    fn greet(&mut self, stream: &mut TcpStream) -> Result<()> {
        pgwire::enter(stream, "postgres", "postgres")?;
        pgwire::prepare(stream, USE)
    }

    fn ask(&mut self, _connection_index: usize, output: &mut Vec<u8>) -> Result<Asked> {
        self.template.write(&mut self.licenses, self.keys, output)?;
        Ok(Asked::Request)
    }

    fn hear(&mut self, _connection_index: usize, input: &[u8]) -> Result<Heard> {
        let size_bytes = input.len();
        let answer = pgwire::read(input)?;
        if !answer.is_ready {
            return Ok(Heard::Partly { needed_bytes: answer.needed_bytes });
        }
        if answer.error.is_none() && answer.row_count == 1 {
            return Ok(Heard::Expected { size_bytes, units: 1 });
        }
        Ok(Heard::Unexpected { size_bytes })
    }
}

/// The user that runs the server, when we are root, which it refuses.
#[derive(Debug, Clone, Copy)]
struct Owner {
    user: u32,
    group: u32,
}

fn owner() -> Result<Option<Owner>> {
    let is_root = std::fs::metadata("/proc/self").context("cannot see who we are")?.uid() == 0;
    if !is_root {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").context("cannot read the list of users")?;
    let find = |name: &str| {
        users.lines().find_map(|line| {
            let mut words = line.split(':');
            (words.next()? == name).then_some(())?;
            let user = words.nth(1)?.parse().ok()?;
            let group = words.next()?.parse().ok()?;
            Some(Owner { user, group })
        })
    };
    let owner = find("postgres").or_else(|| find("nobody"));
    Ok(Some(owner.context("postgres refuses root, and there is no user postgres or nobody")?))
}

fn as_owner(program: PathBuf, owner: Option<Owner>, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory);
    if let Some(owner) = owner {
        command.uid(owner.user).gid(owner.group);
    }
    command
}

/// The directory of the newest installed server.
fn programs() -> Option<PathBuf> {
    let is_complete = |directory: &PathBuf| {
        directory.join("postgres").is_file() && directory.join("initdb").is_file()
    };
    let mut packaged: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            Some((version, path.join("bin")))
        })
        .filter(|(_, directory)| is_complete(directory))
        .collect();
    packaged.sort_unstable();
    packaged.pop().map(|(_, directory)| directory).or_else(|| {
        let path = std::env::var_os("PATH")?;
        let found = std::env::split_paths(&path).find(is_complete)?;
        // Links into another place would lose the server its share files.
        found.join("postgres").canonicalize().ok()?.parent().map(Path::to_path_buf)
    })
}

fn run(command: &mut Command) -> Result<String> {
    let output =
        command.output().with_context(|| format!("cannot run {:?}", command.get_program()))?;
    ensure!(
        output.status.success(),
        "{:?} failed: {}",
        command.get_program(),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
