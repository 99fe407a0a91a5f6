//! `usance token`: credentials.

use clap::{Args, Subcommand};
use usance_core::token::Permission;

use super::body::Body;
use super::connection::{Connection, Form};
use super::fault::Fault;
use super::output;
use super::paging::Paging;
use super::resource::Resource;
use super::table::Column;
use super::value;

const TOKENS: Resource = Resource {
    word: "token",
    path: "/v1/tokens",
    columns: &[
        Column::text("id"),
        Column::text("name"),
        Column::text("permissions"),
        Column::text("product").absent("any"),
        Column::text("license").absent("any"),
        Column::text("meter").absent("any"),
        Column::text("expires_at").titled("expires").absent("never"),
        Column::text("revoked_at").titled("revoked"),
    ],
    details: &[
        Column::text("id"),
        Column::text("name"),
        Column::text("secret").absent("(shown once, when it was made)"),
        Column::text("permissions"),
        Column::text("product").absent("any"),
        Column::text("license").absent("any"),
        Column::text("meter").absent("any"),
        Column::text("expires_at").titled("expires").absent("never"),
        Column::text("revoked_at").titled("revoked"),
        Column::text("created_at").titled("created"),
    ],
};

/// Tokens: what programs and people present
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usance token create 'render farm' --may meter:increment --product renderer
  usance token create operator --may '*'
  usance token revoke tok_0193b2c4d5e67890a1b2c3d4e5f60718")]
pub struct Group {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token; its secret is shown once
    #[command(after_help = format!("\
Permissions: * (every one), {}

Examples:
  usance token create 'render farm' --may meter:increment --product renderer
  usance token create 'one license' --may meter:read --may meter:increment --license LICENSE",
        permission_words()))]
    Create {
        /// What it is for
        name: String,
        /// What it may do; may be given several times
        #[arg(long = "may", value_name = "PERMISSION", required = true)]
        permissions: Vec<String>,
        /// Only with licenses of this product
        #[arg(long)]
        product: Option<String>,
        /// Only with this license
        #[arg(long)]
        license: Option<String>,
        /// Only with meters of this name
        #[arg(long)]
        meter: Option<String>,
        /// From when on it is refused: RFC 3339 or a date
        #[arg(long, value_name = "TIME", value_parser = value::instant)]
        expires_at: Option<String>,
    },
    /// List tokens, never their secrets
    #[command(after_help = "Example:\n  usance token list")]
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a token, never its secret
    #[command(after_help = "Example:\n  usance token show tok_0193b2c4d5e67890a1b2c3d4e5f60718")]
    Show {
        /// Its id
        token_id: String,
    },
    /// Refuse a token from now on; it stays in the list
    #[command(visible_alias = "delete")]
    #[command(after_help = "Example:\n  usance token revoke tok_0193b2c4d5e67890a1b2c3d4e5f60718")]
    Revoke {
        /// Its id
        token_id: String,
    },
}

impl Group {
    /// Does what is asked.
    ///
    /// # Errors
    /// If the server does not.
    pub fn run(self) -> Result<(), Fault> {
        let tokens = TOKENS.on(&self.connection)?;
        match self.action {
            Action::Create { name, permissions, product, license, meter, expires_at } => {
                let body = Body::default()
                    .with("name", name)
                    .list("permissions", permissions)
                    .maybe("product", product)
                    .maybe("license", license)
                    .maybe("meter", meter)
                    .maybe("expires_at", expires_at);
                tokens.create(&body)?;
                if tokens.form() == Form::People {
                    output::talk(
                        "Keep the secret now: it is stored as a hash and not shown again.",
                    );
                }
            }
            Action::List { paging } => tokens.list(&paging, &[])?,
            Action::Show { token_id } => drop(tokens.show(&token_id)?),
            Action::Revoke { token_id } => tokens.delete(&token_id, "revoked")?,
        }
        Ok(())
    }
}

/// The words for permissions, as the server knows them.
fn permission_words() -> String {
    let words: Vec<&str> = Permission::ALL.iter().map(|permission| permission.word()).collect();
    words.join(", ")
}
