//! `usance license`: the rights of customers to use products.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::body::Body;
use super::connection::Connection;
use super::fault::Fault;
use super::paging::Paging;
use super::resource::Resource;
use super::table::Column;
use super::value;

const LICENSES: Resource = Resource {
    word: "license",
    path: "/v1/licenses",
    columns: &[
        Column::text("id"),
        Column::text("key"),
        Column::text("name"),
        Column::text("status"),
        Column::text("policy"),
        Column::text("customer"),
        Column::text("expires_at").titled("expires").absent("never"),
    ],
    details: &[
        Column::text("id"),
        Column::text("key"),
        Column::text("name"),
        Column::text("status"),
        Column::text("product"),
        Column::text("policy"),
        Column::text("customer"),
        Column::text("valid_from").titled("valid from"),
        Column::text("expires_at").titled("expires").absent("never"),
        Column::text("created_at").titled("created"),
        Column::text("updated_at").titled("updated"),
    ],
};

/// Licenses: the rights of customers to use products
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  usance license create --policy prepaid --customer aurora
  usance license create --policy prepaid --customer aurora --allow frames=5000
  usance license list --customer aurora --status active
  usance license suspend lic_0193b2c4d5e67890a1b2c3d4e5f60718")]
pub struct Group {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    action: Action,
}

/// What both a new and a changed license may say.
#[derive(Debug, Args)]
struct Terms {
    /// Who pays: code or id of a customer
    #[arg(long)]
    customer: Option<String>,
    /// A name for people
    #[arg(long)]
    name: Option<String>,
    /// From when on it is valid: RFC 3339, a date, or `none`
    #[arg(long, value_name = "TIME", value_parser = value::instant_or_none)]
    valid_from: Option<String>,
    /// From when on it is not: RFC 3339, a date, or `none`
    #[arg(long, value_name = "TIME", value_parser = value::instant_or_none)]
    expires_at: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a license
    #[command(after_help = "\
Examples:
  usance license create --policy prepaid --customer aurora
  usance license create --policy prepaid --key ABCDE-12345 --expires-at 2027-01-01")]
    Create {
        /// What it is made from: code or id of a policy
        #[arg(long)]
        policy: String,
        /// A key of your own [default: a new one, as the policy's pattern says]
        #[arg(long)]
        key: Option<String>,
        /// Its own ceiling of a meter, N or unlimited; may be given several times
        #[arg(long = "allow", value_name = "METER=N", value_parser = value::meter_ceiling)]
        ceilings: Vec<(String, String)>,
        #[command(flatten)]
        terms: Terms,
    },
    /// List licenses
    #[command(after_help = "Example:\n  usance license list --product renderer --status suspended")]
    List {
        /// Only those of this product
        #[arg(long)]
        product: Option<String>,
        /// Only those under this policy
        #[arg(long)]
        policy: Option<String>,
        /// Only those of this customer
        #[arg(long)]
        customer: Option<String>,
        /// Only those that stand so
        #[arg(long)]
        #[arg(value_parser = ["active", "suspended", "revoked", "expired", "not-yet-valid"])]
        status: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a license
    #[command(after_help = "Example:\n  usance license show ABCDE-FGHJK-12345-67890-ABCDE")]
    Show {
        /// Its id or key
        license: String,
    },
    /// Change a license
    #[command(after_help = "Example:\n  usance license change LICENSE --expires-at none")]
    Change {
        /// Its id or key
        license: String,
        #[command(flatten)]
        terms: Terms,
    },
    /// Stop a license until it is reinstated
    #[command(after_help = "Example:\n  usance license suspend LICENSE")]
    Suspend {
        /// Its id or key
        license: String,
    },
    /// Let a suspended license go on
    #[command(after_help = "Example:\n  usance license reinstate LICENSE")]
    Reinstate {
        /// Its id or key
        license: String,
    },
    /// Stop a license for good
    #[command(after_help = "Example:\n  usance license revoke LICENSE")]
    Revoke {
        /// Its id or key
        license: String,
    },
    /// Delete a license that was never used
    #[command(after_help = "Example:\n  usance license delete LICENSE")]
    Delete {
        /// Its id or key
        license: String,
    },
}

impl Terms {
    fn onto(self, body: Body) -> Body {
        let or_none = |text: Option<String>| {
            text.map(|text| match text.as_str() {
                "none" => Value::Null,
                _ => text.into(),
            })
        };
        body.maybe("customer", or_none(self.customer))
            .maybe("name", self.name)
            .maybe("valid_from", or_none(self.valid_from))
            .maybe("expires_at", or_none(self.expires_at))
    }
}

impl Group {
    /// Does what is asked.
    ///
    /// # Errors
    /// If the server does not.
    pub fn run(self) -> Result<(), Fault> {
        let licenses = LICENSES.on(&self.connection)?;
        match self.action {
            Action::Create { policy, key, ceilings, terms } => {
                let body = Body::default()
                    .with("policy", policy)
                    .maybe("key", key)
                    .maybe("meters", own_ceilings(ceilings));
                licenses.create(&terms.onto(body))?;
            }
            Action::List { product, policy, customer, status, paging } => {
                let filters = [
                    ("product", product),
                    ("policy", policy),
                    ("customer", customer),
                    ("status", status),
                ];
                licenses.list(&paging, &filters)?;
            }
            Action::Show { license } => drop(licenses.show(&license)?),
            Action::Change { license, terms } => {
                licenses.change(&license, &terms.onto(Body::default()))?;
            }
            Action::Suspend { license } => drop(licenses.act(&license, "suspend")?),
            Action::Reinstate { license } => drop(licenses.act(&license, "reinstate")?),
            Action::Revoke { license } => drop(licenses.act(&license, "revoke")?),
            Action::Delete { license } => licenses.delete(&license, "deleted")?,
        }
        Ok(())
    }
}

/// The `meters` of a new license.
fn own_ceilings(ceilings: Vec<(String, String)>) -> Option<Value> {
    if ceilings.is_empty() {
        return None;
    }
    let meters = ceilings.into_iter().fold(Body::default(), |meters, (name, ceiling)| {
        let allowed = Body::default().with("allowed", ceiling_value(&ceiling));
        meters.with(&name, allowed)
    });
    Some(meters.into())
}

/// A ceiling as the API takes it.
#[must_use]
pub fn ceiling_value(ceiling: &str) -> Value {
    match ceiling {
        "unlimited" => Value::Null,
        amount => amount.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_of_a_new_license_are_an_object() {
        assert_eq!(own_ceilings(Vec::new()), None);
        let stated = vec![("frames".into(), "5000".into()), ("hours".into(), "unlimited".into())];
        assert_eq!(
            own_ceilings(stated).unwrap().to_string(),
            r#"{"frames":{"allowed":"5000"},"hours":{"allowed":null}}"#
        );
    }
}
