//! `usance serve`: the server.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;
use tracing_subscriber::filter::LevelFilter;
use usance_engine::clock::SystemClock;
use usance_engine::{Engine, Location, OpenError, Options};

use super::fault::Fault;
use super::output;
use crate::config::{Config, Values, WebhookValues, admin_token_from_environment};
use crate::http::limits::{BODY_TIMEOUT_MS, HEADER_TIMEOUT_MS};
use crate::http::{self, HttpOptions};
use crate::webhooks::{Deliverer, Gauges};

/// Run a server
#[derive(Debug, Args)]
#[command(after_help = "\
On its first start it makes an admin token, shows it once, and writes it to DIR/admin-token,
unless USANCE_ADMIN_TOKEN gives one of at least 32 characters. If the token is lost, start once
with USANCE_ADMIN_TOKEN set to a new one.

A configuration file is TOML: data = \"…\", listen = \"…\", idempotency_window_days = 30.
Flags win over the environment, the environment over the file, the file over the defaults.

SIGTERM and SIGINT let it finish what it has accepted; a second one ends it at once.

Examples:
  usance serve
  usance serve --data /var/lib/usance --listen 127.0.0.1:9000
  usance serve --config /etc/usance.toml
  USANCE_LOG=debug usance serve")]
pub struct Serve {
    /// Where the data lies; made if it is not there [default: ./usance-data]
    #[arg(long, env = "USANCE_DATA", hide_env_values = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The address to listen on; port 0 takes a free one [default: 127.0.0.1:8420]
    #[arg(long, env = "USANCE_LISTEN", hide_env_values = true, value_name = "ADDR")]
    listen: Option<String>,
    /// How long idempotency keys are remembered [default: 30]
    #[arg(
        long,
        env = "USANCE_IDEMPOTENCY_WINDOW_DAYS",
        hide_env_values = true,
        value_name = "DAYS"
    )]
    idempotency_window_days: Option<u32>,
    // The admin token has no flag: other users of the machine can see flags.
    /// A configuration file
    #[arg(long, env = "USANCE_CONFIG", hide_env_values = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to tell on stderr
    #[arg(
        long,
        env = "USANCE_LOG",
        hide_env_values = true,
        value_name = "LEVEL",
        value_enum,
        ignore_case = true
    )]
    #[arg(default_value_t = Level::Info)]
    log: Level,
    #[command(flatten)]
    patience: Patience,
}

/// How long it waits for slow clients. Hidden: the values are chosen to fit each other, and only
/// tests have a reason for others.
#[derive(Debug, Clone, Copy, Args)]
struct Patience {
    /// How long a connection may be idle, or take to send the head of a request
    #[arg(long, hide = true, value_name = "MS", default_value_t = HEADER_TIMEOUT_MS)]
    header_timeout_ms: u64,
    /// How long a body may take to arrive
    #[arg(long, hide = true, value_name = "MS", default_value_t = BODY_TIMEOUT_MS)]
    body_timeout_ms: u64,
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Level {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl Serve {
    /// Serves until it is told to stop.
    ///
    /// # Errors
    /// If it cannot start, or stops for another reason.
    pub fn run(self) -> Result<(), Fault> {
        tell(self.log);
        let options = self.patience.options();
        let config = self.resolve()?;
        let admin_token = admin_token_from_environment()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Fault::failure("cannot start threads").because(&error))?;
        runtime.block_on(serve(&config, options, admin_token.as_deref()))
    }

    fn resolve(self) -> Result<Config, Fault> {
        let file = match &self.config {
            Some(path) => Values::read(path)?,
            None => Values::default(),
        };
        let flags = Values {
            data: self.data,
            listen: self.listen,
            idempotency_window_days: self.idempotency_window_days,
            webhooks: WebhookValues::default(),
        };
        Config::resolve(flags, file)
    }
}

impl Patience {
    fn options(self) -> HttpOptions {
        HttpOptions {
            header_timeout: Duration::from_millis(self.header_timeout_ms),
            body_timeout: Duration::from_millis(self.body_timeout_ms),
            ..HttpOptions::default()
        }
    }
}

/// Starts the log.
fn tell(level: Level) {
    let filter = match level {
        Level::Off => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_max_level(filter)
        .with_ansi(io::stderr().is_terminal() && console::colors_enabled_stderr())
        .with_target(false)
        .init();
}

async fn serve(
    config: &Config,
    options: HttpOptions,
    admin_token: Option<&str>,
) -> Result<(), Fault> {
    // The address first: it fails faster than the data opens, and leaves nothing behind.
    let listener = listen(config).await?;
    let engine = open(config)?;
    let made = engine
        .ensure_admin_token(admin_token)
        .await
        .map_err(|error| Fault::failure("cannot prepare the admin token").because(&error))?;
    // A token that was given is known to who gave it.
    if let Some(secret) = made.filter(|_| admin_token.is_none()) {
        hand_over(&secret.0, &config.admin_token_file())?;
    }
    let signals = Signals::new()?;
    let address = listener
        .local_addr()
        .map_err(|error| Fault::failure("cannot tell the address listened on").because(&error))?;
    let gauges = Arc::new(Gauges::default());
    let deliverer = Deliverer::start(engine.clone(), config.webhooks.clone(), Arc::clone(&gauges))
        .map_err(Fault::usage)?;
    info!(data.directory = %config.data.display(), "ready");
    output::line(format_args!("listening on http://{address}"))?;
    let doors = HttpOptions { private_webhooks: config.webhooks.allow_private, ..options };
    let served = http::serve_beside(listener, engine.clone(), doors, gauges, signals.first()).await;
    deliverer.stop().await;
    engine.close().await;
    info!("stopped");
    served.map_err(|error| Fault::failure("the server stopped serving").because(&error))
}

async fn listen(config: &Config) -> Result<TcpListener, Fault> {
    let addresses = config.addresses()?;
    TcpListener::bind(addresses.as_slice()).await.map_err(|error| {
        let fault = Fault::failure(format!("cannot listen on {}", config.listen));
        let advice = match error.kind() {
            io::ErrorKind::AddrInUse => {
                "stop what listens there, or choose another address with --listen"
            }
            io::ErrorKind::PermissionDenied => {
                "ports below 1024 need a privilege; choose another with --listen"
            }
            _ => "choose an address of this machine with --listen",
        };
        fault.because(&error).advise(advice)
    })
}

fn open(config: &Config) -> Result<Engine, Fault> {
    let options = Options {
        location: Location::Directory(config.data.clone()),
        idempotency_window_ms: config.idempotency_window_ms(),
    };
    Engine::open(options, Arc::new(SystemClock)).map_err(|error| not_opened(&error))
}

/// The fault of data that does not open; the error itself says what to do.
#[must_use]
pub fn not_opened(error: &OpenError) -> Fault {
    let fault = Fault::failure(error.to_string());
    let fault = match error {
        OpenError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
            fault.advise("name the directory of a server's data, or a file of a backup")
        }
        _ => fault,
    };
    match std::error::Error::source(error) {
        Some(source) => fault.because(source),
        None => fault,
    }
}

/// Shows the admin token once, and writes it where the command line finds it.
fn hand_over(secret: &str, path: &Path) -> Result<(), Fault> {
    write_private(path, secret).map_err(|error| {
        Fault::failure(format!("cannot write the admin token to {}", path.display()))
            .because(&error)
            .advise("make the directory writable, and start once with USANCE_ADMIN_TOKEN set")
    })?;
    output::talk(format_args!(
        "This is the first start. The admin token, shown once:\n\n  {secret}\n\n\
         It is also in {}, readable by this user alone.",
        path.display()
    ));
    Ok(())
}

/// Writes a line that only this user may read, whole or not at all.
fn write_private(path: &Path, line: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;

    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    writeln!(file, "{line}")?;
    file.sync_all()?;
    fs::rename(&draft, path)
}

/// What asks a process to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Fault> {
        let listen = |kind| {
            signal(kind).map_err(|error| Fault::failure("cannot hear signals").because(&error))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Done when the first one comes; the second ends the process at once.
    async fn first(mut self) {
        self.next().await;
        info!("stopping; what was accepted is finished first, a second signal ends at once");
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(1);
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_token_is_for_this_user_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("admin-token");
        for line in ["first", "second"] {
            fs::write(path.with_extension("new"), "left by a crash").unwrap();
            write_private(&path, line).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{line}\n"));
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(!path.with_extension("new").exists());
    }
}
