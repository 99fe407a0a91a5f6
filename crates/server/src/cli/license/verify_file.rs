//! `usance license verify-file`: what a license file proves, checked here and nowhere else.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};
use usance_core::artefact::{ArtefactError, Header, LicenseFile, PublicKey};
use usance_core::ledger::checkpoint::Verifier;
use usance_core::quantity::Scale;
use usance_core::time;

use crate::cli::connection::{Connection, Form};
use crate::cli::entity::Run;
use crate::cli::fault::Fault;
use crate::cli::json::{Object, Page};
use crate::cli::table::{self, Column, Place};
use crate::cli::{output, terms};

/// What to check, and against what.
#[derive(Debug, Args)]
pub struct VerifyFile {
    /// The license file; `-` is standard input
    file: PathBuf,
    /// A verifier key of the account; may be given several times
    #[arg(long = "key", value_name = "VKEY", required_unless_present = "keys")]
    key: Vec<String>,
    /// What `usance keys list --json` printed, which also knows what keys are retired
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The license key, if the file is encrypted
    #[arg(long, value_name = "KEY")]
    license_key: Option<String>,
    /// The product that it must be for, by code or id
    #[arg(long)]
    product: Option<String>,
    /// The fingerprint of this machine, if the file is for one machine
    #[arg(long)]
    fingerprint: Option<String>,
}

/// A public key, and whose it says that it is.
#[derive(Debug)]
pub struct AccountKey {
    /// The id of the account.
    pub account: String,
    /// The key.
    pub key: PublicKey,
}

const DETAILS: &[Column] = &[
    Column::text("license"),
    Column::text("status"),
    Column::text("product"),
    Column::text("policy"),
    Column::text("customer").if_there(),
    Column::text("fingerprint").titled("for machine").absent("any"),
    Column::text("valid_from").titled("valid from").if_there(),
    Column::text("expires_at").titled("license expires").absent("never"),
    Column::text("entitlements").if_there(),
    Column::text("terms").if_there(),
    Column::text("metadata").if_there(),
    Column::text("issued_at").titled("issued"),
    Column::text("file_expires_at").titled("file expires").absent("never"),
    Column::text("signed_by").titled("signed by"),
];

const METERS: &[Column] = &[
    Column::text("meter"),
    Column::text("unit"),
    Column::number("total"),
    Column::number("allowed").absent("unlimited"),
    Column::number("held"),
    Column::number("gross"),
    Column::text("period_end").titled("period ends").absent("never"),
];

impl Run for VerifyFile {
    fn run(self, connection: &Connection) -> Result<(), Fault> {
        let text = read(&self.file)?;
        let mut keys = Vec::new();
        for key in &self.key {
            keys.push(account_key(key)?);
        }
        if let Some(path) = &self.keys {
            keys.extend(listed_keys(path)?);
        }
        let now = time::Timestamp(Timestamp::now().as_millisecond());
        let file = self.open(&text, &keys, now).map_err(|error| refused(&error))?;
        print(connection.form(), &file)?;
        self.compare(&file)
    }
}

impl VerifyFile {
    fn open(
        &self,
        text: &str,
        keys: &[AccountKey],
        now: time::Timestamp,
    ) -> Result<LicenseFile, ArtefactError> {
        let account = Header::peek(text)?.account.to_string();
        let own: Vec<PublicKey> =
            keys.iter().filter(|key| key.account == account).map(|key| key.key).collect();
        LicenseFile::open(text, &own, self.license_key.as_deref(), now)
    }

    /// What only the program knows: what it is, and where it runs.
    fn compare(&self, file: &LicenseFile) -> Result<(), Fault> {
        if let Some(product) = &self.product
            && *product != file.product.to_string()
            && product != file.product_code.as_str()
        {
            return Err(Fault::failure(format!(
                "the license file is for product {}, and not {product}",
                file.product_code
            )));
        }
        let (Some(machine), Some(fingerprint)) = (&file.activation, &self.fingerprint) else {
            return match &file.activation {
                Some(_) => Err(Fault::failure("the license file is for one machine only")
                    .advise("say which one this is with --fingerprint")),
                None => Ok(()),
            };
        };
        if machine.fingerprint != *fingerprint {
            return Err(Fault::failure(format!(
                "the license file is for the machine {}, and not {fingerprint}",
                machine.fingerprint
            )));
        }
        Ok(())
    }
}

fn refused(error: &ArtefactError) -> Fault {
    let fault = Fault::failure(in_dates(error));
    match error {
        ArtefactError::UnknownKey(_) | ArtefactError::KeyRetired(..) => {
            fault.advise("see `usance keys list`")
        }
        ArtefactError::NeedsLicenseKey => fault.advise("give it with --license-key"),
        ArtefactError::Expired(_) => fault.advise("make a new one with `usance license file`"),
        _ => fault,
    }
}

/// The error with dates for people, where core writes milliseconds.
fn in_dates(error: &ArtefactError) -> String {
    let at = match error {
        ArtefactError::KeyRetired(_, at)
        | ArtefactError::Expired(at)
        | ArtefactError::ClockSetBack(at)
        | ArtefactError::LicenseExpired(at)
        | ArtefactError::LicenseNotYetValid(at) => at,
        _ => return error.to_string(),
    };
    error.to_string().replace(&format!("{} ms since 1970", at.0), &terms::instant(at.0))
}

fn read(path: &Path) -> Result<String, Fault> {
    let text = match path.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()),
        _ => std::fs::read_to_string(path),
    };
    text.map_err(|error| Fault::usage(format!("cannot read {}", path.display())).because(&error))
}

/// Reads `usance/acc_…/NUMBER+hash+base64`.
///
/// # Errors
/// If it is no such key.
pub fn account_key(text: &str) -> Result<AccountKey, Fault> {
    let no_key = || {
        Fault::usage(format!("{text:?} is no verifier key of license files")).advise(
            "copy it whole from `usance keys list`, in quotes; that of the ledger is another",
        )
    };
    Verifier::parse(text).map_err(|error| no_key().because(&error))?;
    let mut parts = text.splitn(3, '+');
    let name = parts.next().ok_or_else(no_key)?;
    let bytes = BASE64.decode(parts.nth(1).ok_or_else(no_key)?).map_err(|_| no_key())?;
    let key = bytes.get(1..).and_then(|key| key.try_into().ok()).ok_or_else(no_key)?;
    let (account, number) =
        name.strip_prefix("usance/").and_then(|name| name.split_once('/')).ok_or_else(no_key)?;
    let number = number.parse().map_err(|_| no_key())?;
    let key = PublicKey { number, key, created_at: time::Timestamp(0), retired_at: None };
    Ok(AccountKey { account: account.to_owned(), key })
}

/// Reads what `usance keys list --json` printed.
fn listed_keys(path: &Path) -> Result<Vec<AccountKey>, Fault> {
    let page = Page::parse(&read(path)?).map_err(|_| {
        Fault::usage(format!("{} is no list of keys", path.display()))
            .advise("make it with `usance keys list --json`")
    })?;
    let mut keys = Vec::new();
    for item in &page.items {
        let item = Object::parse(item.get())?;
        let mut key = account_key(&item.text("verifier_key").unwrap_or_default())?;
        key.key.retired_at = match item.text("retired_at") {
            Some(at) => Some(instant(&at)?),
            None => None,
        };
        keys.push(key);
    }
    Ok(keys)
}

fn instant(text: &str) -> Result<time::Timestamp, Fault> {
    let at: Timestamp = text
        .parse()
        .map_err(|error| Fault::usage(format!("{text:?} is no time")).because(&error))?;
    Ok(time::Timestamp(at.as_millisecond()))
}

fn print(form: Form, file: &LicenseFile) -> Result<(), Fault> {
    let shown = json_of(file).to_string();
    table::print_details(form, &shown, DETAILS)?;
    let meters = Object::parse(&shown)?.objects("meters");
    if form == Form::Programs || meters.is_empty() {
        return Ok(());
    }
    output::line(format_args!("\n{}", table::list(METERS, &meters, Place::of_stdout())))
}

fn json_of(file: &LicenseFile) -> Value {
    let at = |at: Option<time::Timestamp>| at.map(|at| terms::instant(at.0));
    let pairs = |pairs: &[(String, String)]| -> Value {
        pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect()
    };
    let meters = file.meters.iter().map(|meter| {
        let figure = |figure: i64| decimal(figure, meter.scale);
        json!({
            "meter": meter.name.as_str(), "unit": meter.unit,
            "allowed": meter.allowed.map(figure), "total": figure(meter.total),
            "gross": figure(meter.gross), "held": figure(meter.held),
            "period_end": at(meter.period_end),
        })
    });
    json!({
        "account": file.account.to_string(), "license": file.license.to_string(),
        "status": file.status.as_str(), "product": file.product_code.as_str(),
        "policy": file.policy_code.as_str(),
        "customer": file.customer.map(|customer| customer.to_string()),
        "fingerprint": file.activation.as_ref().map(|machine| machine.fingerprint.as_str()),
        "activation": file.activation.as_ref().map(|machine| machine.id.as_str()),
        "valid_from": at(file.valid_from), "expires_at": at(file.expires_at),
        "entitlements": file.entitlements.iter().map(|code| code.as_str()).collect::<Vec<_>>(),
        "terms": pairs(&file.terms), "metadata": pairs(&file.metadata),
        "issued_at": terms::instant(file.issued_at.0),
        "file_expires_at": at(file.file_expires_at),
        "signed_by": format!("key {}", file.key_number),
        "meters": meters.collect::<Vec<_>>(),
    })
}

/// A figure in the smallest unit as a decimal, exactly.
fn decimal(figure: i64, scale: u8) -> String {
    let digits = Scale::new(scale).map_or(0, |scale| usize::from(scale.digits()));
    if digits == 0 {
        return figure.to_string();
    }
    let sign = if figure < 0 { "-" } else { "" };
    let all = format!("{:0>width$}", figure.unsigned_abs(), width = digits + 1);
    let (whole, fraction) = all.split_at(all.len() - digits);
    let fraction = fraction.trim_end_matches('0');
    match fraction {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_exact() {
        for (figure, scale, expected) in [
            (5, 0, "5"),
            (25, 2, "0.25"),
            (-1250, 2, "-12.5"),
            (300, 2, "3"),
            (i64::MAX, 9, "9223372036.854775807"),
        ] {
            assert_eq!(decimal(figure, scale), expected);
        }
    }

    #[test]
    fn keys_of_something_else_are_no_keys() {
        for text in ["x", "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"] {
            assert!(account_key(text).is_err(), "{text}");
        }
    }
}
