//! `usance customer`: who pays.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::body::Body;
use super::connection::Connection;
use super::fault::Fault;
use super::paging::Paging;
use super::resource::Resource;
use super::table::Column;

const CUSTOMERS: Resource = Resource {
    word: "customer",
    path: "/v1/customers",
    columns: &[
        Column::text("code"),
        Column::text("name"),
        Column::text("email"),
        Column::text("id"),
        Column::text("archived"),
    ],
    details: &[
        Column::text("id"),
        Column::text("code"),
        Column::text("name"),
        Column::text("email"),
        Column::text("archived"),
        Column::text("created_at").titled("created"),
        Column::text("updated_at").titled("updated"),
    ],
};

/// Customers: who pays
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usance customer create aurora --name 'Aurora Films' --email office@aurora.example
  usance customer list
  usance license list --customer aurora")]
pub struct Group {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a customer
    #[command(after_help = "Example:\n  usance customer create aurora --name 'Aurora Films'")]
    Create {
        /// Its code: a-z, 0-9, '.', '_' and '-', at most 64
        code: String,
        /// Its name for people [default: the code]
        #[arg(long)]
        name: Option<String>,
        /// Where invoices go
        #[arg(long)]
        email: Option<String>,
    },
    /// List customers
    #[command(after_help = "Example:\n  usance customer list --all --json")]
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a customer
    #[command(after_help = "Example:\n  usance customer show aurora")]
    Show {
        /// Its code or id
        customer: String,
    },
    /// Change a customer
    #[command(after_help = "Example:\n  usance customer change aurora --email new@aurora.example")]
    Change {
        /// Its code or id
        customer: String,
        /// A new name for people
        #[arg(long)]
        name: Option<String>,
        /// A new address for invoices, or `none`
        #[arg(long)]
        email: Option<String>,
        /// Take no new licenses for it
        #[arg(long, conflicts_with = "unarchive")]
        archive: bool,
        /// Take new licenses for it again
        #[arg(long)]
        unarchive: bool,
    },
    /// Delete a customer that nothing refers to
    #[command(after_help = "Example:\n  usance customer delete aurora")]
    Delete {
        /// Its code or id
        customer: String,
    },
}

impl Group {
    /// Does what is asked.
    ///
    /// # Errors
    /// If the server does not.
    pub fn run(self) -> Result<(), Fault> {
        let customers = CUSTOMERS.on(&self.connection)?;
        match self.action {
            Action::Create { code, name, email } => {
                let body =
                    Body::default().with("code", code).maybe("name", name).maybe("email", email);
                customers.create(&body)?;
            }
            Action::List { paging } => customers.list(&paging, &[])?,
            Action::Show { customer } => drop(customers.show(&customer)?),
            Action::Change { customer, name, email, archive, unarchive } => {
                let email = email.map(|email| match email.as_str() {
                    "none" => Value::Null,
                    _ => email.into(),
                });
                let body = Body::default()
                    .maybe("name", name)
                    .maybe("email", email)
                    .archived(archive, unarchive);
                customers.change(&customer, &body)?;
            }
            Action::Delete { customer } => customers.delete(&customer, "deleted")?,
        }
        Ok(())
    }
}
