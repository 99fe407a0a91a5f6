//! `usance license file`: a signed file that proves a license offline.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;
use ureq::http::Method;

use crate::cli::body::Body;
use crate::cli::client::segment;
use crate::cli::connection::{Connection, Form};
use crate::cli::entity::Run;
use crate::cli::fault::Fault;
use crate::cli::json::{Object, not_understood};
use crate::cli::{output, value};

/// What file to make.
#[derive(Debug, Args)]
pub struct MakeFile {
    /// Its id or key
    license: String,
    /// For this machine only: id or fingerprint of an activation
    #[arg(long)]
    activation: Option<String>,
    /// Readable with the license key only
    #[arg(long)]
    encrypted: bool,
    /// How long it proves anything: 90s, 15m, 12h or 30d [default: for ever]
    #[arg(long = "for", value_name = "LENGTH", value_parser = value::length)]
    seconds: Option<Value>,
    /// Write it here, where no file is yet [default: to standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Run for MakeFile {
    fn run(self, connection: &Connection) -> Result<(), Fault> {
        // Before the server signs anything.
        let place = self.out.as_deref().map(fresh).transpose()?;
        let body = Body::default()
            .maybe("activation", self.activation)
            .maybe("encrypted", self.encrypted.then_some(true))
            .maybe("seconds", self.seconds);
        let path = format!("/v1/licenses/{}/file", segment(&self.license));
        let answered = connection
            .client()
            .and_then(|client| client.data(&Method::POST, &path, Some(&body.text())));
        let answer = match (answered, &self.out) {
            (Ok(answer), _) => answer,
            (Err(fault), Some(out)) => {
                // An empty file is of no use to anybody; if it stays, the fault is what matters.
                std::fs::remove_file(out).unwrap_or_default();
                return Err(fault);
            }
            (Err(fault), None) => return Err(fault),
        };
        let made = Object::parse(&answer)?;
        let text = made.text("file").ok_or_else(not_understood)?;
        let text = format!("{}\n", text.trim_end());
        if let (Some(mut file), Some(out)) = (place, &self.out) {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
                .map_err(|error| cannot_write(out).because(&error))?;
            if connection.form() == Form::People {
                let end = made.text("expires_at").unwrap_or_else(|| "for ever".into());
                output::talk(format_args!("{} is written; it proves until {end}.", out.display()));
                return Ok(());
            }
        }
        match connection.form() {
            Form::Programs => output::line(answer.trim_end()),
            Form::People => output::raw(text),
        }
    }
}

fn fresh(path: &Path) -> Result<File, Fault> {
    File::options().write(true).create_new(true).open(path).map_err(|error| {
        cannot_write(path).because(&error).advise("name a file that is not there yet with --out")
    })
}

fn cannot_write(path: &Path) -> Fault {
    Fault::failure(format!("cannot write {}", path.display()))
}
