//! `usance license validate`: is it valid, and if not, why.

use clap::Args;
use ureq::http::Method;

use crate::cli::body::Body;
use crate::cli::client::segment;
use crate::cli::connection::{Connection, Form};
use crate::cli::entity::Run;
use crate::cli::fault::Fault;
use crate::cli::json::{Object, not_understood};
use crate::cli::output;
use crate::cli::table::{self, Column, Place};

/// What is asked of a license.
#[derive(Debug, Args)]
pub struct Validate {
    /// Its id or key
    license: String,
    /// The product that asks
    #[arg(long)]
    product: Option<String>,
    /// The policy that it must be under
    #[arg(long)]
    policy: Option<String>,
    /// The activation that asks, by id
    #[arg(long)]
    activation: Option<String>,
    /// A fingerprint of the machine that asks; may be given several times
    #[arg(long = "fingerprint", value_name = "FINGERPRINT")]
    fingerprints: Vec<String>,
    /// A fingerprint of a part of the machine; may be given several times
    #[arg(long = "component", value_name = "FINGERPRINT")]
    components: Vec<String>,
    /// Whose it must be: id or email of a user
    #[arg(long)]
    user: Option<String>,
    /// A feature that it must switch on; may be given several times
    #[arg(long = "entitlement", value_name = "CODE")]
    entitlements: Vec<String>,
    /// A checksum of the program
    #[arg(long)]
    checksum: Option<String>,
    /// A version of the program
    #[arg(long = "program-version", value_name = "VERSION")]
    version: Option<String>,
    /// Only look: what the policy wants to be named may be left out
    #[arg(long)]
    quick: bool,
}

const FOUND: &[Column] = &[
    Column::text("valid"),
    Column::text("code"),
    Column::text("detail"),
    Column::computed("license", license),
    Column::computed("expires", expires).absent("never"),
    Column::text("at"),
];

impl Run for Validate {
    fn run(self, connection: &Connection) -> Result<(), Fault> {
        let path = format!("/v1/licenses/{}/validate", segment(&self.license));
        let text = self.body().text();
        let answer = connection.client()?.data(&Method::POST, &path, Some(&text))?;
        let found = Object::parse(&answer)?;
        match connection.form() {
            Form::Programs => output::line(answer.trim_end())?,
            Form::People => output::line(table::details(FOUND, &found, Place::of_stdout()))?,
        }
        match found.text("valid").as_deref() {
            Some("true") => Ok(()),
            Some("false") => {
                let code = found.text("code").unwrap_or_default();
                let fault = Fault::failure(format!("the license is not valid ({code})"));
                Err(match advice(&code) {
                    Some(advice) => fault.advise(advice),
                    None => fault,
                })
            }
            _ => Err(not_understood()),
        }
    }
}

impl Validate {
    fn body(self) -> Body {
        Body::default()
            .maybe("product", self.product)
            .maybe("policy", self.policy)
            .maybe("activation", self.activation)
            .list("fingerprints", self.fingerprints)
            .list("components", self.components)
            .maybe("user", self.user)
            .list("entitlements", self.entitlements)
            .maybe("checksum", self.checksum)
            .maybe("version", self.version)
            .maybe("quick", self.quick.then_some(true))
    }
}

/// What to do next, where a command line can do it.
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "suspended" => "let it go on with `usance license reinstate`",
        "expired" => "make it last longer with `usance license renew` or `license change`",
        "overdue" => "check it in with `usance license check-in`",
        "not-activated" | "fingerprint-mismatch" => {
            "activate the machine with `usance activation create`"
        }
        "heartbeat-dead" | "heartbeat-not-started" => {
            "send one with `usance activation heartbeat`, or activate the machine again"
        }
        "entitlements-missing" => "grant it with `usance license change --entitlement`",
        "too-many-activations" | "too-many-cores" | "too-much-memory" | "too-much-disk" => {
            "deactivate a machine with `usance activation delete`, or raise the limit with \
             `usance license change --override`"
        }
        "banned" => "let its owner in again with `usance user unban`",
        _ if code.ends_with("-required") => "name it: the policy wants it to be named",
        _ => return None,
    })
}

fn license(found: &Object) -> String {
    found.object("license").and_then(|license| license.text("id")).unwrap_or_default()
}

fn expires(found: &Object) -> String {
    found.object("license").and_then(|license| license.text("expires_at")).unwrap_or_default()
}
