//! What `serve` runs with: flag before environment before file before default.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::cli::fault::Fault;
use crate::webhooks::WebhookOptions;
use crate::webhooks::limits::{RETRIES_MAX, RETRY_SECONDS_MAX, TIMEOUT_SECONDS_MAX};

/// Where data lies if nothing is said.
pub const DEFAULT_DATA: &str = "./usance-data";
/// Where the server listens if nothing is said: only this machine.
pub const DEFAULT_LISTEN: &str = "127.0.0.1:8420";
/// How long idempotency keys are remembered if nothing is said, in days.
pub const DEFAULT_IDEMPOTENCY_WINDOW_DAYS: u32 = 30;
/// The longest memory of idempotency keys, in days: ten years, beyond any retry.
pub const IDEMPOTENCY_WINDOW_DAYS_MAX: u32 = 3650;
/// The shortest admin token that is taken, in characters: what 128 random bits need in hexadecimal.
pub const ADMIN_TOKEN_CHARS_MIN: usize = 32;
/// The file in the data directory that holds the first admin token.
pub const ADMIN_TOKEN_FILE: &str = "admin-token";

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Values from one source; what it does not say is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// The data directory.
    pub data: Option<PathBuf>,
    /// The address to listen on.
    pub listen: Option<String>,
    /// How long idempotency keys are remembered.
    pub idempotency_window_days: Option<u32>,
    /// How receivers of events are told.
    #[serde(default)]
    pub webhooks: WebhookValues,
}

/// Values about webhooks; only a file has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookValues {
    /// Whether receivers may be at private addresses, and be told in plain text.
    pub allow_private: Option<bool>,
    /// How long to wait after each failure, in seconds.
    pub retry_seconds: Option<Vec<u32>>,
    /// How long one attempt may take, in seconds.
    pub timeout_seconds: Option<u32>,
    /// Certificate authorities to trust beside the public ones.
    pub ca_file: Option<PathBuf>,
}

impl WebhookValues {
    fn resolve(self) -> Result<WebhookOptions, Fault> {
        let mut options = WebhookOptions::default();
        options.allow_private = self.allow_private.unwrap_or(options.allow_private);
        if let Some(seconds) = self.retry_seconds {
            if seconds.len() > RETRIES_MAX || seconds.iter().any(|wait| *wait > RETRY_SECONDS_MAX) {
                return Err(Fault::usage(format!(
                    "webhooks.retry_seconds may have {RETRIES_MAX} waits of up to \
                     {RETRY_SECONDS_MAX} seconds"
                )));
            }
            options.retries =
                seconds.into_iter().map(|wait| Duration::from_secs(wait.into())).collect();
        }
        if let Some(seconds) = self.timeout_seconds {
            if !(1..=TIMEOUT_SECONDS_MAX).contains(&seconds) {
                return Err(Fault::usage(format!(
                    "webhooks.timeout_seconds is {seconds}; it must lie between 1 and \
                     {TIMEOUT_SECONDS_MAX}"
                )));
            }
            options.timeout = Duration::from_secs(seconds.into());
        }
        options.ca_file = self.ca_file;
        Ok(options)
    }
}

/// What `serve` runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The data directory.
    pub data: PathBuf,
    /// The address to listen on, as it was written.
    pub listen: String,
    /// How long idempotency keys are remembered.
    pub idempotency_window_days: u32,
    /// How receivers of events are told.
    pub webhooks: WebhookOptions,
}

impl Values {
    /// Reads a file. Relative paths in it start at its own directory.
    ///
    /// # Errors
    /// If the file cannot be read, is no TOML, or has keys that are not known.
    pub fn read(path: &Path) -> Result<Self, Fault> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Fault::usage(format!("cannot read configuration {}", path.display()))
                .because(&error)
                .advise("correct --config or USANCE_CONFIG, or leave it out")
        })?;
        let mut values = Self::parse(&text).map_err(|problem| {
            Fault::usage(format!("configuration {} is refused: {problem}", path.display()))
        })?;
        let beside = path.parent().unwrap_or(Path::new(""));
        values.data = values.data.map(|data| beside.join(data));
        values.webhooks.ca_file = values.webhooks.ca_file.map(|file| beside.join(file));
        Ok(values)
    }

    fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map_or(1, |before| before.matches('\n').count() + 1);
            format!("line {line}: {}", error.message())
        })
    }
}

impl Config {
    /// Lays `flags` (with the environment already in them) over `file`, over the defaults.
    ///
    /// # Errors
    /// If a value is out of range.
    pub fn resolve(flags: Values, file: Values) -> Result<Self, Fault> {
        let days = flags
            .idempotency_window_days
            .or(file.idempotency_window_days)
            .unwrap_or(DEFAULT_IDEMPOTENCY_WINDOW_DAYS);
        if !(1..=IDEMPOTENCY_WINDOW_DAYS_MAX).contains(&days) {
            return Err(Fault::usage(format!(
                "idempotency_window_days is {days}; it must lie between 1 and \
                 {IDEMPOTENCY_WINDOW_DAYS_MAX}"
            )));
        }
        Ok(Self {
            data: flags.data.or(file.data).unwrap_or_else(|| DEFAULT_DATA.into()),
            listen: flags.listen.or(file.listen).unwrap_or_else(|| DEFAULT_LISTEN.into()),
            idempotency_window_days: days,
            webhooks: file.webhooks.resolve()?,
        })
    }

    /// How long idempotency keys are remembered, in milliseconds.
    #[must_use]
    pub fn idempotency_window_ms(&self) -> i64 {
        i64::from(self.idempotency_window_days) * DAY_MS
    }

    /// The addresses that `listen` names.
    ///
    /// # Errors
    /// If it is no `host:port`, or the host is not known.
    pub fn addresses(&self) -> Result<Vec<SocketAddr>, Fault> {
        let found = self.listen.to_socket_addrs().map_err(|error| {
            Fault::usage(format!("cannot use {:?} as an address to listen on", self.listen))
                .because(&error)
                .advise("write host and port, as in 127.0.0.1:8420, or [::]:8420 for every address")
        })?;
        Ok(found.collect())
    }

    /// The file with the first admin token.
    #[must_use]
    pub fn admin_token_file(&self) -> PathBuf {
        self.data.join(ADMIN_TOKEN_FILE)
    }
}

/// Refuses an admin token that could be guessed.
///
/// # Errors
/// If it is too short, or holds what a header cannot carry.
pub fn check_admin_token(token: &str) -> Result<(), Fault> {
    let count = token.chars().count();
    if count < ADMIN_TOKEN_CHARS_MIN {
        return Err(Fault::usage(format!(
            "USANCE_ADMIN_TOKEN has {count} characters; it needs at least {ADMIN_TOKEN_CHARS_MIN}"
        ))
        .advise("give a random one, or unset it and let the server make one"));
    }
    if !token.chars().all(|symbol| symbol.is_ascii_graphic()) {
        return Err(Fault::usage(
            "USANCE_ADMIN_TOKEN has spaces or characters outside ASCII, which HTTP cannot carry",
        ));
    }
    Ok(())
}

/// The token in `USANCE_ADMIN_TOKEN`, if there is one, checked.
///
/// # Errors
/// As [`check_admin_token`].
pub fn admin_token_from_environment() -> Result<Option<String>, Fault> {
    let Some(token) = std::env::var_os("USANCE_ADMIN_TOKEN").filter(|token| !token.is_empty())
    else {
        return Ok(None);
    };
    let token = token.to_string_lossy().into_owned();
    check_admin_token(&token)?;
    Ok(Some(token))
}

/// The token in `USANCE_TOKEN`. Read here and not by the flag, so that `--token-file` can win.
#[must_use]
pub fn token_from_environment() -> Option<String> {
    std::env::var("USANCE_TOKEN").ok().filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(data: &str, listen: &str, days: u32) -> Values {
        Values {
            data: (!data.is_empty()).then(|| data.into()),
            listen: (!listen.is_empty()).then(|| listen.into()),
            idempotency_window_days: (days > 0).then_some(days),
            webhooks: WebhookValues::default(),
        }
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        for (flags, file, expected) in [
            (values("", "", 0), values("", "", 0), (DEFAULT_DATA, DEFAULT_LISTEN, 30)),
            (values("", "", 0), values("/f", "f:1", 7), ("/f", "f:1", 7)),
            (values("/x", "", 0), values("/f", "f:1", 7), ("/x", "f:1", 7)),
            (values("/x", "x:2", 9), values("/f", "f:1", 7), ("/x", "x:2", 9)),
        ] {
            let found = Config::resolve(flags, file).unwrap();
            assert_eq!(
                (
                    found.data.to_str().unwrap(),
                    found.listen.as_str(),
                    found.idempotency_window_days
                ),
                expected
            );
        }
    }

    #[test]
    fn a_file_is_read_whole_or_refused_by_name() {
        assert_eq!(
            Values::parse("data = 'd'\nlisten = '[::]:80'\nidempotency_window_days = 3").unwrap(),
            values("d", "[::]:80", 3)
        );
        assert_eq!(Values::parse("").unwrap(), Values::default());
        for (text, expected) in [
            ("data = 'd'\nlissten = 'x'", "line 2: unknown field `lissten`"),
            ("listen = 8420", "line 1: invalid type"),
            ("idempotency_window_days = -1", "line 1: invalid value"),
            ("listen", "line 1: "),
        ] {
            let problem = Values::parse(text).unwrap_err();
            assert!(problem.starts_with(expected), "{text}: {problem}");
        }
    }

    #[test]
    fn paths_in_a_file_start_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("usance.toml");
        for (written, expected) in [("data", dir.path().join("data")), ("/data", "/data".into())] {
            std::fs::write(&path, format!("data = '{written}'")).unwrap();
            assert_eq!(Values::read(&path).unwrap().data, Some(expected));
        }
    }

    #[test]
    fn windows_out_of_range_are_refused() {
        for days in [3651, u32::MAX] {
            assert!(Config::resolve(values("", "", days), Values::default()).is_err());
        }
        let zero = Values { idempotency_window_days: Some(0), ..Values::default() };
        assert!(Config::resolve(zero, Values::default()).is_err());
    }

    #[test]
    fn admin_tokens_must_be_long_and_plain() {
        for (token, fits) in [
            ("x".repeat(31), false),
            ("x".repeat(32), true),
            (format!("{} ", "x".repeat(40)), false),
            ("é".repeat(40), false),
        ] {
            assert_eq!(check_admin_token(&token).is_ok(), fits, "{token}");
        }
    }

    #[test]
    fn addresses_need_host_and_port() {
        for (listen, fits) in [
            ("127.0.0.1:0", true),
            ("[::1]:8420", true),
            ("8420", false),
            ("127.0.0.1", false),
            ("127.0.0.1:99999", false),
        ] {
            let config = Config::resolve(values("", listen, 0), Values::default()).unwrap();
            assert_eq!(config.addresses().is_ok(), fits, "{listen}");
        }
    }
}
