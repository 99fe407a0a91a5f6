//! `usance webhook`: receivers of events.

mod listen;

use clap::{Args, Subcommand};
use ureq::http::Method;

use super::body::Body;
use super::client::{Client, segment};
use super::connection::{Connection, Form};
use super::fault::Fault;
use super::json::Object;
use super::output;
use super::paging::Paging;
use super::table::{self, Column, Place};
use super::value;

const PATH: &str = "/v1/webhooks";

const COLUMNS: &[Column] = &[
    Column::text("id"),
    Column::text("name"),
    Column::text("url"),
    Column::text("kinds"),
    Column::text("enabled"),
    Column::number("next_event").titled("next event"),
    Column::number("attempts"),
    Column::number("dead_letters").titled("dead letters"),
];

const DETAILS: &[Column] = &[
    Column::text("id"),
    Column::text("name"),
    Column::text("url"),
    Column::text("secret").absent("(shown once, when it was made)"),
    Column::text("kinds"),
    Column::text("license").absent("any"),
    Column::text("product").absent("any"),
    Column::text("meter").absent("any"),
    Column::text("enabled"),
    Column::text("disabled_at").titled("disabled"),
    Column::text("disabled_for").titled("because"),
    Column::number("next_event").titled("next event"),
    Column::number("attempts").titled("attempts at it"),
    Column::text("retry_at").titled("next attempt"),
    Column::text("delivered_at").titled("last delivery"),
    Column::text("failed_at").titled("last failure"),
    Column::number("dead_letters").titled("dead letters"),
    Column::number("redeliveries").titled("redeliveries left"),
    Column::text("created_at").titled("created"),
];

const DELIVERIES: &[Column] = &[
    Column::number("number"),
    Column::number("event"),
    Column::number("attempt"),
    Column::text("redelivery"),
    Column::text("at"),
    Column::number("duration_ms").titled("ms"),
    Column::text("outcome"),
    Column::number("status"),
    Column::text("answer"),
];

const DEAD_LETTERS: &[Column] = &[
    Column::number("event"),
    Column::text("at").titled("given up"),
    Column::number("attempts"),
    Column::number("status"),
    Column::text("answer"),
];

/// Webhooks: who is told what happens
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usance webhook create https://shop.example/usance --kind 'license.*' --kind meter.limit-reached
  usance webhook deliveries whk_0193b2c4d5e67890a1b2c3d4e5f60718
  usance webhook redeliver whk_0193b2c4d5e67890a1b2c3d4e5f60718 --dead-letters
  usance webhook listen --register")]
pub struct Group {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a webhook; its secret is shown once
    #[command(after_help = "\
Kinds of events are listed in docs/guide/webhooks.md; license.* is every kind about licenses.

Examples:
  usance webhook create https://shop.example/usance
  usance webhook create https://shop.example/usance --kind 'license.*' --product renderer
  usance webhook create https://shop.example/usance --from 0")]
    Create {
        /// Where events are posted to
        url: String,
        /// What it is for [default: the URL]
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        wants: Wants,
        /// What its messages are signed with: whsec_ and base64 [default: a random one]
        #[arg(long, value_name = "SECRET")]
        secret: Option<String>,
        /// The number of the first event to tell [default: that of its own making]
        #[arg(long, value_name = "EVENT")]
        from: Option<u64>,
    },
    /// List webhooks, never their secrets
    #[command(after_help = "Example:\n  usance webhook list")]
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a webhook, never its secret
    #[command(after_help = "Example:\n  usance webhook show whk_0193b2c4d5e67890a1b2c3d4e5f60718")]
    Show {
        /// Its id
        webhook_id: String,
    },
    /// Change a webhook; a disabled one is told what it missed when it is enabled again
    #[command(after_help = "\
Examples:
  usance webhook change whk_0193b2c4d5e67890a1b2c3d4e5f60718 --url https://new.example/usance
  usance webhook change whk_0193b2c4d5e67890a1b2c3d4e5f60718 --enable")]
    Change {
        /// Its id
        webhook_id: String,
        /// What it is for
        #[arg(long)]
        name: Option<String>,
        /// Where events are posted to
        #[arg(long)]
        url: Option<String>,
        #[command(flatten)]
        wants: Wants,
        /// Tell it what happens, and what it missed
        #[arg(long, conflicts_with = "disable")]
        enable: bool,
        /// Tell it nothing until it is enabled
        #[arg(long)]
        disable: bool,
    },
    /// Delete a webhook, and what is known of its deliveries
    #[command(
        after_help = "Example:\n  usance webhook delete whk_0193b2c4d5e67890a1b2c3d4e5f60718"
    )]
    Delete {
        /// Its id
        webhook_id: String,
    },
    /// Sign with a new secret; the old one signs beside it for a while
    #[command(after_help = "\
Examples:
  usance webhook rotate-secret whk_0193b2c4d5e67890a1b2c3d4e5f60718
  usance webhook rotate-secret whk_0193b2c4d5e67890a1b2c3d4e5f60718 --keep 1h")]
    RotateSecret {
        /// Its id
        webhook_id: String,
        /// The new secret: whsec_ and base64 [default: a random one]
        #[arg(long)]
        secret: Option<String>,
        /// How long the old one signs as well: 90s, 15m, 12h, 30d [default: 24h]
        #[arg(long, value_name = "LENGTH", value_parser = value::duration_seconds)]
        keep: Option<u64>,
    },
    /// Show the last attempts to tell it something, newest first
    #[command(after_help = "\
Example:
  usance webhook deliveries whk_0193b2c4d5e67890a1b2c3d4e5f60718")]
    Deliveries {
        /// Its id
        webhook_id: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show the events that it never took
    #[command(after_help = "\
Example:
  usance webhook dead-letters whk_0193b2c4d5e67890a1b2c3d4e5f60718")]
    DeadLetters {
        /// Its id
        webhook_id: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Tell it events once more, beside what happens now
    #[command(after_help = "\
Examples:
  usance webhook redeliver whk_0193b2c4d5e67890a1b2c3d4e5f60718 --event 4711
  usance webhook redeliver whk_0193b2c4d5e67890a1b2c3d4e5f60718 --from 4000 --to 4999
  usance webhook redeliver whk_0193b2c4d5e67890a1b2c3d4e5f60718 --dead-letters")]
    Redeliver {
        /// Its id
        webhook_id: String,
        /// One event, by its number
        #[arg(long, value_name = "EVENT", conflicts_with_all = ["from", "to", "dead_letters"])]
        #[arg(required_unless_present_any = ["from", "dead_letters"])]
        event: Option<u64>,
        /// The first of several
        #[arg(long, value_name = "EVENT", requires = "to", conflicts_with = "dead_letters")]
        from: Option<u64>,
        /// The last of several
        #[arg(long, value_name = "EVENT", requires = "from")]
        to: Option<u64>,
        /// All that it never took
        #[arg(long)]
        dead_letters: bool,
    },
    Listen(listen::Listen),
}

/// Which events.
#[derive(Debug, Args)]
struct Wants {
    /// A kind of events: license.suspended, license.* or *; may be given several times [default: *]
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// Only those about this license
    #[arg(long)]
    license: Option<String>,
    /// Only those about this product, its policies and their licenses
    #[arg(long)]
    product: Option<String>,
    /// Only those about meters of this name
    #[arg(long)]
    meter: Option<String>,
}

impl Wants {
    fn add_to(self, body: Body) -> Body {
        body.list("kinds", self.kinds)
            .maybe("license", self.license)
            .maybe("product", self.product)
            .maybe("meter", self.meter)
    }
}

impl Group {
    /// Does what is asked.
    ///
    /// # Errors
    /// If the server does not.
    pub fn run(self) -> Result<(), Fault> {
        let form = self.connection.form();
        let action = match self.action {
            Action::Listen(listen) => return listen.run(&self.connection),
            other => other,
        };
        let client = self.connection.client()?;
        match action {
            Action::List { paging } => paging.print(&client, form, PATH, &[], COLUMNS),
            Action::Show { webhook_id } => show(form, &client.fetch(&path_of(&webhook_id))?),
            Action::Delete { webhook_id } => {
                client.data(&Method::DELETE, &path_of(&webhook_id), None)?;
                if form == Form::People {
                    output::talk(format_args!("webhook {webhook_id} is deleted."));
                }
                Ok(())
            }
            Action::Deliveries { webhook_id, paging } => {
                let path = format!("{}/deliveries", path_of(&webhook_id));
                paging.print(&client, form, &path, &[], DELIVERIES)
            }
            Action::DeadLetters { webhook_id, paging } => {
                let path = format!("{}/dead-letters", path_of(&webhook_id));
                paging.print(&client, form, &path, &[], DEAD_LETTERS)
            }
            other => write(&client, form, other),
        }
    }
}

/// Does what has a body.
fn write(client: &Client, form: Form, action: Action) -> Result<(), Fault> {
    let (method, path, body, has_secret) = match action {
        Action::Create { url, name, wants, secret, from } => {
            let body = Body::default().with("url", url).maybe("name", name);
            let body = wants.add_to(body).maybe("secret", secret).maybe("from", from);
            (Method::POST, PATH.to_owned(), body.text(), true)
        }
        Action::Change { webhook_id, name, url, wants, enable, disable } => {
            let body = Body::default().maybe("name", name).maybe("url", url);
            let body = wants.add_to(body);
            let body = body.maybe("enabled", (enable || disable).then_some(enable));
            (Method::PATCH, path_of(&webhook_id), body.change()?, false)
        }
        Action::RotateSecret { webhook_id, secret, keep } => {
            let body = Body::default().maybe("secret", secret).maybe("keep_seconds", keep);
            let path = format!("{}/rotate-secret", path_of(&webhook_id));
            (Method::POST, path, body.text(), true)
        }
        Action::Redeliver { webhook_id, event, from, to, dead_letters } => {
            let body = Body::default().maybe("event", event).maybe("from", from).maybe("to", to);
            let body = body.maybe("dead_letters", dead_letters.then_some(true));
            let path = format!("{}/redeliver", path_of(&webhook_id));
            (Method::POST, path, body.text(), false)
        }
        _ => return Ok(()),
    };
    show(form, &client.data(&method, &path, Some(&body))?)?;
    if has_secret && form == Form::People {
        output::talk("Keep the secret now: it is not shown again.");
    }
    Ok(())
}

fn path_of(id: &str) -> String {
    format!("{PATH}/{}", segment(id))
}

fn show(form: Form, answer: &str) -> Result<(), Fault> {
    match form {
        Form::Programs => output::line(answer.trim_end()),
        Form::People => {
            let webhook = Object::parse(answer)?;
            output::line(table::details(DETAILS, &webhook, Place::of_stdout()))
        }
    }
}
