//! `usance whoami`: what the token may do, and with whose eyes it sees.

use clap::Args;

use super::connection::Connection;
use super::fault::Fault;
use super::json::Object;
use super::table::{self, Column};

/// Tell who is asking: what the token may do, and with whose eyes it sees
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usance whoami
  usance whoami --token-file portal.token")]
pub struct Whoami {
    #[command(flatten)]
    connection: Connection,
}

const DETAILS: &[Column] = &[
    Column::text("account"),
    Column::text("token"),
    Column::text("license").if_there(),
    Column::text("permissions"),
    Column::text("audience").titled("sees as").absent("vendor"),
    Column::computed("locked to", locks).absent("nothing"),
];

impl Whoami {
    /// Asks the server.
    ///
    /// # Errors
    /// If it does not know the token.
    pub fn run(self) -> Result<(), Fault> {
        let answer = self.connection.client()?.fetch("/v1/whoami")?;
        table::print_details(self.connection.form(), &answer, DETAILS)
    }
}

fn locks(caller: &Object) -> String {
    caller.text("locked_to").unwrap_or_default()
}
