//! Which server a command speaks to, as whom, and for whom it prints.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;

use super::client::{Client, Problems, base_of};
use super::fault::Fault;
use crate::config::{ADMIN_TOKEN_FILE, DEFAULT_DATA, token_from_environment};

/// Options of every command that asks a server.
#[derive(Debug, Args)]
#[command(next_help_heading = "Server")]
pub struct Connection {
    /// The server, by plain HTTP (this command line speaks no TLS)
    #[arg(long, global = true, env = "USANCE_SERVER", hide_env_values = true, value_name = "URL")]
    #[arg(default_value = "http://127.0.0.1:8420")]
    server: String,
    /// The token to present; others on this machine can see it, so prefer --token-file [env:
    /// USANCE_TOKEN]
    #[arg(long, global = true, value_name = "TOKEN", conflicts_with = "token_file")]
    token: Option<String>,
    /// A file that holds the token
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The data directory of a server on this machine, whose admin token is used if no token is
    /// given
    #[arg(long, global = true, env = "USANCE_DATA", hide_env_values = true, value_name = "DIR")]
    #[arg(default_value = DEFAULT_DATA)]
    data: PathBuf,
    /// Print what the server answers as it is, for programs; problems too
    #[arg(long, global = true)]
    json: bool,
}

/// For whom a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Tables.
    People,
    /// What the server answered.
    Programs,
}

impl Connection {
    /// The client that the options describe.
    ///
    /// # Errors
    /// If there is no token, or the server's address is none.
    pub fn client(&self) -> Result<Client, Fault> {
        let problems = match self.form() {
            Form::People => Problems::Keep,
            Form::Programs => Problems::Print,
        };
        let base = base_of(&self.server)?;
        Client::new(&base, &self.find_token()?, problems)
    }

    /// For whom to print.
    #[must_use]
    pub const fn form(&self) -> Form {
        if self.json { Form::Programs } else { Form::People }
    }

    fn find_token(&self) -> Result<String, Fault> {
        if let Some(token) = &self.token {
            return Ok(token.trim().to_owned());
        }
        if let Some(path) = &self.token_file {
            return read_token(path);
        }
        if let Some(token) = token_from_environment() {
            return Ok(token.trim().to_owned());
        }
        let fault = Fault::usage("no token: the server would not know who asks");
        if !is_this_machine(&self.server) {
            // The admin token of the server here is nothing to show to a server elsewhere.
            return Err(fault.advise(
                "pass one with --token-file, --token or USANCE_TOKEN; the admin token of a data \
                 directory is only presented to a server on this machine",
            ));
        }
        let path = self.data.join(ADMIN_TOKEN_FILE);
        if !path.exists() {
            return Err(fault.advise(format!(
                "pass one with --token-file, --token or USANCE_TOKEN, or name the server's \
                 directory with --data ({} is not there)",
                path.display()
            )));
        }
        read_token(&path)
    }
}

fn read_token(path: &Path) -> Result<String, Fault> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Fault::failure(format!("cannot read the token in {}", path.display())).because(&error)
    })?;
    match text.trim() {
        "" => Err(Fault::failure(format!("{} holds no token", path.display()))),
        token => Ok(token.to_owned()),
    }
}

/// Whether the server is on this machine, as far as its address tells.
fn is_this_machine(server: &str) -> bool {
    let host = server.trim().strip_prefix("http://").unwrap_or(server);
    let authority = host.split('/').next().unwrap_or_default();
    let name = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(server: &str, data: &Path) -> Connection {
        Connection {
            server: server.into(),
            token: None,
            token_file: None,
            data: data.into(),
            json: false,
        }
    }

    #[test]
    fn the_admin_token_stays_on_this_machine() {
        for (server, here) in [
            ("http://127.0.0.1:8420", true),
            ("http://localhost", true),
            ("[::1]:8420", true),
            ("127.9.9.9", true),
            ("http://10.0.0.1:8420", false),
            ("http://localhost.example", false),
            ("http://127.0.0.1@usance.example", false),
        ] {
            assert_eq!(is_this_machine(server), here, "{server}");
        }
    }

    #[test]
    fn tokens_are_found_in_their_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(ADMIN_TOKEN_FILE);
        let mut connection = connection("http://127.0.0.1:1", dir.path());
        std::fs::write(&path, "admin\n").unwrap();
        let other = dir.path().join("other");
        std::fs::write(&other, "of the file\n").unwrap();
        connection.token_file = Some(other);
        assert_eq!(connection.find_token().unwrap(), "of the file");
        connection.token = Some("of the flag".into());
        assert_eq!(connection.find_token().unwrap(), "of the flag");
    }
}
