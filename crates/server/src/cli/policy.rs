//! `usance policy`: the templates that licenses are made from.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::body::Body;
use super::connection::{Connection, Form};
use super::fault::Fault;
use super::json::Object;
use super::output;
use super::paging::Paging;
use super::resource::{Catalogue, Resource};
use super::table::{self, Column, Place};
use super::{meter, meter_spec, value};

const POLICIES: Resource = Resource {
    word: "policy",
    path: "/v1/policies",
    columns: &[
        Column::text("code"),
        Column::text("name"),
        Column::text("product"),
        Column::computed("meters", meter_names),
        Column::text("id"),
        Column::text("archived"),
    ],
    details: &[
        Column::text("id"),
        Column::text("code"),
        Column::text("name"),
        Column::text("product"),
        Column::text("duration_seconds").titled("duration (s)").absent("never ends"),
        Column::text("key_pattern").titled("key pattern"),
        Column::text("license_permissions").titled("a license may"),
        Column::text("meter_while").titled("meters also while"),
        Column::text("archived"),
        Column::text("created_at").titled("created"),
        Column::text("updated_at").titled("updated"),
    ],
};

const METERS: &[Column] = &[
    Column::text("name").titled("meter"),
    Column::text("unit"),
    Column::number("scale"),
    Column::number("allowed").absent("unlimited"),
    Column::number("floor"),
    Column::computed("overage", meter::overage),
    Column::text("record_refusals").titled("records refusals"),
];

/// Policies: the templates that licenses are made from
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usance policy create prepaid --product renderer --meter 'frames:allowed=1000,unit=frame'
  usance policy create postpaid --product renderer \\
      --meter 'frames:allowed=5000,unit=frame,overage=allow' --duration 365d
  usance policy change prepaid --meter frames:allowed=2000")]
pub struct Group {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

/// What both a new and a changed policy may say.
#[derive(Debug, Args)]
struct Terms {
    /// Its name for people
    #[arg(long)]
    name: Option<String>,
    /// A meter; may be given several times
    #[arg(long = "meter", value_name = "METER", value_parser = meter_spec::parse)]
    meters: Vec<Value>,
    /// How long a license lasts: 90s, 15m, 12h, 30d or never
    #[arg(long, value_name = "LENGTH", value_parser = value::duration_seconds)]
    duration: Option<u64>,
    /// How new keys look: A a random symbol, C the check symbol, \ the next as it is
    #[arg(long, value_name = "PATTERN")]
    key_pattern: Option<String>,
    /// What a license may do by itself; may be given several times
    #[arg(long = "license-may", value_name = "PERMISSION")]
    license_permissions: Vec<String>,
    /// A state in which metering goes on: suspended, expired or not-yet-valid; may be given several
    /// times
    #[arg(long, value_name = "STATE")]
    #[arg(value_parser = ["suspended", "expired", "not-yet-valid"])]
    meter_while: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a policy
    #[command(after_help = format!("\
{}

Examples:
  usance policy create prepaid --product renderer \\
      --meter 'frames:allowed=1000,unit=frame,overage=10%,record-refusals'
  usance policy create metered --product renderer --meter core-hours:scale=2 --duration 365d",
        meter_spec::GRAMMAR))]
    Create {
        /// Its code: a-z, 0-9, '.', '_' and '-', at most 64
        code: String,
        /// What its licenses are for: code or id of a product
        #[arg(long)]
        product: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// List policies
    #[command(after_help = "Example:\n  usance policy list --product renderer")]
    List {
        /// Only those of this product
        #[arg(long)]
        product: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a policy and its meters
    #[command(after_help = "Example:\n  usance policy show prepaid")]
    Show {
        /// Its code or id
        policy: String,
    },
    /// Change a policy; of a meter its allowed, overage and record-refusals
    #[command(after_help = format!("\
{}

Examples:
  usance policy change prepaid --meter frames:allowed=2000
  usance policy change prepaid --duration never --archive", meter_spec::GRAMMAR))]
    Change {
        /// Its code or id
        policy: String,
        #[command(flatten)]
        terms: Terms,
        /// Take no new licenses under it
        #[arg(long, conflicts_with = "unarchive")]
        archive: bool,
        /// Take new licenses under it again
        #[arg(long)]
        unarchive: bool,
    },
    /// Delete a policy that nothing refers to
    #[command(after_help = "Example:\n  usance policy delete prepaid")]
    Delete {
        /// Its code or id
        policy: String,
    },
}

impl Terms {
    fn onto(self, body: Body) -> Body {
        let duration = self.duration.map(|seconds| match seconds {
            0 => Value::Null,
            seconds => seconds.into(),
        });
        body.maybe("name", self.name)
            .list("meters", self.meters)
            .maybe("duration_seconds", duration)
            .maybe("key_pattern", self.key_pattern)
            .list("license_permissions", self.license_permissions)
            .list("meter_while", self.meter_while)
    }
}

impl Group {
    /// Does what is asked.
    ///
    /// # Errors
    /// If the server does not.
    pub fn run(self) -> Result<(), Fault> {
        let policies = POLICIES.on(&self.connection)?;
        match self.action {
            Action::Create { code, product, terms } => {
                let body = Body::default().with("code", code).with("product", product);
                let made = policies.create(&terms.onto(body))?;
                print_meters(&policies, &made)?;
            }
            Action::List { product, paging } => policies.list(&paging, &[("product", product)])?,
            Action::Show { policy } => {
                let shown = policies.show(&policy)?;
                print_meters(&policies, &shown)?;
            }
            Action::Change { policy, terms, archive, unarchive } => {
                let body = Body::default().archived(archive, unarchive);
                let changed = policies.change(&policy, &terms.onto(body))?;
                print_meters(&policies, &changed)?;
            }
            Action::Delete { policy } => policies.delete(&policy, "deleted")?,
        }
        Ok(())
    }
}

fn print_meters(policies: &Catalogue<'_>, policy: &Object) -> Result<(), Fault> {
    let meters = policy.objects("meters");
    if policies.form() == Form::Programs || meters.is_empty() {
        return Ok(());
    }
    output::line(table::list(METERS, &meters, Place::of_stdout()))
}

fn meter_names(policy: &Object) -> String {
    let meters = policy.objects("meters");
    let names: Vec<String> = meters.iter().filter_map(|meter| meter.text("name")).collect();
    names.join(", ")
}
