//! `usance product`: what is sold.

use clap::{Args, Subcommand};

use super::body::Body;
use super::connection::Connection;
use super::fault::Fault;
use super::paging::Paging;
use super::resource::Resource;
use super::table::Column;

const PRODUCTS: Resource = Resource {
    word: "product",
    path: "/v1/products",
    columns: &[
        Column::text("code"),
        Column::text("name"),
        Column::text("id"),
        Column::text("archived"),
    ],
    details: &[
        Column::text("id"),
        Column::text("code"),
        Column::text("name"),
        Column::text("archived"),
        Column::text("created_at").titled("created"),
        Column::text("updated_at").titled("updated"),
    ],
};

/// Products: what you sell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usance product create renderer --name 'The Renderer'
  usance product list
  usance product change renderer --archive")]
pub struct Group {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a product
    #[command(after_help = "Example:\n  usance product create renderer --name 'The Renderer'")]
    Create {
        /// Its code: a-z, 0-9, '.', '_' and '-', at most 64
        code: String,
        /// Its name for people [default: the code]
        #[arg(long)]
        name: Option<String>,
    },
    /// List products
    #[command(after_help = "Example:\n  usance product list --all --json")]
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a product
    #[command(after_help = "Example:\n  usance product show renderer")]
    Show {
        /// Its code or id
        product: String,
    },
    /// Change a product
    #[command(after_help = "Example:\n  usance product change renderer --name 'Renderer 2'")]
    Change {
        /// Its code or id
        product: String,
        /// A new name for people
        #[arg(long)]
        name: Option<String>,
        /// Take no new policies for it
        #[arg(long, conflicts_with = "unarchive")]
        archive: bool,
        /// Take new policies for it again
        #[arg(long)]
        unarchive: bool,
    },
    /// Delete a product that nothing refers to
    #[command(after_help = "Example:\n  usance product delete renderer")]
    Delete {
        /// Its code or id
        product: String,
    },
}

impl Group {
    /// Does what is asked.
    ///
    /// # Errors
    /// If the server does not.
    pub fn run(self) -> Result<(), Fault> {
        let products = PRODUCTS.on(&self.connection)?;
        match self.action {
            Action::Create { code, name } => {
                let body = Body::default().with("code", code).maybe("name", name);
                products.create(&body)?;
            }
            Action::List { paging } => products.list(&paging, &[])?,
            Action::Show { product } => drop(products.show(&product)?),
            Action::Change { product, name, archive, unarchive } => {
                let body = Body::default().maybe("name", name).archived(archive, unarchive);
                products.change(&product, &body)?;
            }
            Action::Delete { product } => products.delete(&product, "deleted")?,
        }
        Ok(())
    }
}
