//! `usance use`: moves a meter.

use clap::{Args, ValueEnum};
use serde_json::Value;
use ureq::http::Method;

use super::body::Body;
use super::connection::{Connection, Form};
use super::fault::Fault;
use super::json::Object;
use super::said::ANSWER;
use super::table::{self, Place};
use super::{meter, output, value};

/// Count a use: move one meter of one license
#[derive(Debug, Args)]
#[command(
    name = "use",
    after_help = "\
Examples:
  usance use LICENSE frames                               count one
  usance use LICENSE frames 5 --key job-17                count five, exactly once
  usance use LICENSE frames 50 --partial                  take what fits
  usance use LICENSE frames 5 --operation decrement       give five back
  usance use LICENSE frames 1 --user ada --host node7 --attribute scene=intro

A use that is refused changes nothing, says what is left, and exits with 1."
)]
pub struct UseMeter {
    /// Id or key of the license
    license: String,
    /// Name of the meter
    meter: String,
    /// By how much, or to which value [default: 1; `set` needs one, `reset` takes none]
    #[arg(value_parser = value::amount, allow_negative_numbers = true)]
    amount: Option<String>,
    /// How the meter moves
    #[arg(long, value_enum, default_value_t = Operation::Increment)]
    operation: Operation,
    /// An idempotency key: the same use told again is counted once
    #[arg(long)]
    key: Option<String>,
    /// The highest total an increment may reach, or the lowest a decrement may leave
    #[arg(long, value_name = "N", value_parser = value::amount, allow_negative_numbers = true)]
    bound: Option<String>,
    /// Take what fits instead of all or nothing
    #[arg(long)]
    partial: bool,
    /// Id or fingerprint of the machine whose share it counts towards
    #[arg(long)]
    activation: Option<String>,
    /// When it happened, if not now: RFC 3339 or a date
    #[arg(long, value_name = "TIME", value_parser = value::instant)]
    occurred_at: Option<String>,
    /// Who used it (personal data)
    #[arg(long)]
    user: Option<String>,
    /// On which machine (personal data)
    #[arg(long)]
    host: Option<String>,
    /// From which address (personal data)
    #[arg(long)]
    address: Option<String>,
    /// What a price may depend on; may be given several times
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = value::pair)]
    attributes: Vec<(String, String)>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Operation {
    Increment,
    Decrement,
    Set,
    Reset,
}

impl Operation {
    const fn word(self) -> &'static str {
        match self {
            Self::Increment => "increment",
            Self::Decrement => "decrement",
            Self::Set => "set",
            Self::Reset => "reset",
        }
    }
}

impl UseMeter {
    /// Asks the server to count it.
    ///
    /// # Errors
    /// If the server refuses, or the arguments do not go together.
    pub fn run(self) -> Result<(), Fault> {
        self.check()?;
        let client = self.connection.client()?;
        let meter = meter::path_of(&self.license, Some(&self.meter));
        let path = format!("{meter}/{}", self.operation.word());
        let form = self.connection.form();
        let answer = client.data(&Method::POST, &path, Some(&self.body().text()))?;
        if form == Form::Programs {
            return output::line(answer.trim_end());
        }
        let counted = Object::parse(&answer)?;
        output::line(table::details(ANSWER, &counted, Place::of_stdout()))?;
        if counted.text("repeat").as_deref() == Some("true") {
            output::talk("This was counted before, under the same key; here is the first answer.");
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Fault> {
        let steps = matches!(self.operation, Operation::Increment | Operation::Decrement);
        match (self.operation, &self.amount) {
            (Operation::Set, None) => Err(Fault::usage("set needs the value to set the meter to")
                .advise("usance use LICENSE METER VALUE --operation set")),
            (Operation::Reset, Some(_)) => Err(Fault::usage("reset takes no amount")
                .advise("use --operation set to choose a value")),
            _ if !steps && (self.bound.is_some() || self.partial) => {
                Err(Fault::usage("--bound and --partial are for increment and decrement"))
            }
            _ => Ok(()),
        }
    }

    fn body(&self) -> Body {
        let subject = Body::default()
            .maybe("user", self.user.clone())
            .maybe("host", self.host.clone())
            .maybe("address", self.address.clone());
        let has_subject = self.user.is_some() || self.host.is_some() || self.address.is_some();
        let attributes = self
            .attributes
            .iter()
            .fold(Body::default(), |all, (name, value)| all.with(name, value.as_str()));
        let has_attributes = !self.attributes.is_empty();
        Body::default()
            .maybe("amount", self.amount.clone())
            .maybe("idempotency_key", self.key.clone())
            .maybe("bound", self.bound.clone())
            .maybe("partial", self.partial.then_some(true))
            .maybe("activation", self.activation.clone())
            .maybe("occurred_at", self.occurred_at.clone())
            .maybe("subject", has_subject.then(|| Value::from(subject)))
            .maybe("attributes", has_attributes.then(|| Value::from(attributes)))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        command: UseMeter,
    }

    fn parse(line: &str) -> UseMeter {
        Line::try_parse_from(format!("use L frames {line}").split_whitespace()).unwrap().command
    }

    #[test]
    fn a_use_says_what_was_said() {
        for (line, expected) in [
            ("", "{}"),
            ("5 --key job-17", r#"{"amount":"5","idempotency_key":"job-17"}"#),
            ("--activation 9f3c", r#"{"activation":"9f3c"}"#),
            ("0.25 --bound 9 --partial", r#"{"amount":"0.25","bound":"9","partial":true}"#),
            (
                "--user ada --address 10.0.0.7 --attribute scene=intro --attribute a=b=c",
                r#"{"attributes":{"a":"b=c","scene":"intro"},
                    "subject":{"address":"10.0.0.7","user":"ada"}}"#,
            ),
            ("-3 --operation set", r#"{"amount":"-3"}"#),
        ] {
            let found: Value = serde_json::from_str(&parse(line).body().text()).unwrap();
            let expected: Value = serde_json::from_str(expected).unwrap();
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn arguments_that_do_not_go_together_are_refused() {
        for (line, fits) in [
            ("--operation set", false),
            ("3 --operation set", true),
            ("--operation reset", true),
            ("3 --operation reset", false),
            ("--operation reset --partial", false),
            ("2 --operation decrement --bound 0", true),
        ] {
            assert_eq!(parse(line).check().is_ok(), fits, "{line}");
        }
    }
}
