//! usance: the server under test, started as its users start it and set up over HTTP.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use memchr::memmem;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::child::Child;
use crate::dialogue::{Asked, Dialogue, Heard};
use crate::http::{Answer, Caller, Once};
use crate::load::{Plan, Until, run};
use crate::random;
use crate::template::LicenseDigits;
use crate::uses::METER;

/// More than any limit test needs; no measurement comes near it.
const ALLOWED: i64 = 1_000_000_000_000_000;
/// Connections that create licenses at the same time.
const SETUP_CONNECTIONS: usize = 64;

/// The meters of the policy that licenses are made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meters {
    /// The bounded meter alone.
    One,
    /// An unlimited one that is never used, beside it.
    Two,
    /// Six of them beside it.
    Seven,
    /// The same seven, with 100 thresholds among them that nothing crosses.
    Watched,
}

impl Meters {
    fn of_policy(self) -> Value {
        let bounded = json!({ "name": METER, "unit": "frame", "scale": 0, "allowed": ALLOWED });
        let unlimited = json!({ "name": "frames", "unit": "frame", "scale": 0, "allowed": null });
        let seven = |thresholds: u32| {
            let named = |index: usize| {
                let name = if index == 0 { METER.to_owned() } else { format!("beside-{index}") };
                // 16 and six times 14.
                let count = thresholds.min(if index == 0 { 16 } else { 14 });
                let thresholds: Vec<u32> = (0..count).map(|step| 80 + step).collect();
                let unit = "frame";
                json!({ "name": name, "unit": unit, "allowed": ALLOWED, "thresholds": thresholds })
            };
            Value::Array((0..7).map(named).collect())
        };
        match self {
            Self::One => json!([bounded]),
            Self::Two => json!([unlimited, bounded]),
            Self::Seven => seven(0),
            Self::Watched => seven(16),
        }
    }
}

/// A running server.
pub struct Usance {
    pub child: Child,
    pub address: SocketAddr,
    pub caller: Caller,
    /// How long after its start it listened.
    pub ready_after: Duration,
}

impl Usance {
    /// Starts it over a data directory, with an administrator's token of our own.
    pub fn start(program: &Path, data: &Path, wait_max: Duration) -> Result<Self> {
        let token = random::token()?;
        let mut command = Command::new(program);
        command.arg("serve").arg("--data").arg(data);
        command.args(["--listen", "127.0.0.1:0"]);
        command.env("USANCE_ADMIN_TOKEN", &token);
        let child = Child::start("usance", command)?;
        let mut child = child.stopped_by(Signal::TERM, Duration::from_secs(60));
        let (address, ready_after) = child.wait_for_ready(wait_max)?;
        let caller = Caller { host: address.to_string(), token };
        Ok(Self { child, address, caller, ready_after })
    }

    /// Makes a product, a policy and licenses, over HTTP; gives the licenses.
    pub fn set_up(
        &self,
        meters: Meters,
        license_count: u64,
        progress: &ProgressBar,
    ) -> Result<Vec<LicenseDigits>> {
        // A data directory may be filled twice; codes are unique.
        let code = format!("bench-{:016x}", random::seed()?);
        self.post("/v1/products", &json!({ "code": code }))?;
        let meters = meters.of_policy();
        self.post("/v1/policies", &json!({ "product": code, "code": code, "meters": meters }))?;
        let body = json!({ "policy": code }).to_string();
        let mut dialogue = NewLicenses {
            request: self.caller.request("POST", "/v1/licenses", body.as_bytes()),
            left: license_count,
            licenses: Vec::new(),
            progress,
        };
        let connections =
            usize::try_from(license_count).unwrap_or(usize::MAX).clamp(1, SETUP_CONNECTIONS);
        let plan = Plan { address: self.address, connections, until: Until::Exhausted };
        run(plan, &mut dialogue).context("cannot create licenses")?;
        Ok(dialogue.licenses)
    }

    /// Makes twenty rules, some of each kind, that see every use and never act.
    pub fn watch(&self) -> Result<()> {
        let over = |kind: &str, window: u32| json!({ "kind": kind, "window_seconds": window });
        let windows = [60, 600, 3600];
        let mut rules: Vec<Value> = ["rate", "many-addresses", "many-networks", "clock-set-back"]
            .iter()
            .flat_map(|kind| windows.map(|window| over(kind, window)))
            .collect();
        rules.extend(windows.map(|window| over("repeated-refusals", window)));
        rules.extend([200, 300, 400].map(|it| json!({ "kind": "unusual-use", "percent": it })));
        rules.extend([(); 2].map(|()| json!({ "kind": "check-in-overdue" })));
        for (index, mut rule) in rules.into_iter().enumerate() {
            rule["name"] = format!("rule-{index}").into();
            let is_of_use = ["rate", "unusual-use"].iter().any(|kind| rule["kind"] == **kind);
            rule["above"] = if is_of_use { ALLOWED } else { 1000 }.into();
            rule["action"] = "warn".into();
            self.post("/v1/rules", &rule)?;
        }
        Ok(())
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let body = body.to_string();
        let mut once = Once::new(self.caller.request("POST", path, body.as_bytes()));
        let plan = Plan { address: self.address, connections: 1, until: Until::Exhausted };
        run(plan, &mut once).with_context(|| format!("POST {path} failed"))?;
        serde_json::from_slice(&once.body).with_context(|| format!("POST {path} answers no JSON"))
    }
}

/// The binary: as asked for, beside this program, or in the usual place.
pub fn program(asked: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(program) = asked {
        return program
            .canonicalize()
            .with_context(|| format!("there is no usance binary at {}", program.display()));
    }
    let sibling = std::env::current_exe().ok().map(|program| program.with_file_name("usance"));
    let usual = Some(PathBuf::from("target/release/usance"));
    for candidate in [sibling, usual].into_iter().flatten() {
        if candidate.is_file() {
            return Ok(candidate.canonicalize()?);
        }
    }
    bail!(
        "there is no usance binary; build it with `cargo build --release`, or name it with \
         --usance or USANCE_BIN, or leave it out with --only"
    )
}

/// Creates licenses until there are enough.
struct NewLicenses<'a> {
    request: Vec<u8>,
    left: u64,
    licenses: Vec<LicenseDigits>,
    progress: &'a ProgressBar,
}

impl Dialogue for NewLicenses<'_> {
    fn ask(&mut self, _connection_index: usize, output: &mut Vec<u8>) -> Result<Asked> {
        if self.left == 0 {
            return Ok(Asked::Nothing);
        }
        self.left -= 1;
        output.extend_from_slice(&self.request);
        Ok(Asked::Request)
    }

    fn hear(&mut self, _connection_index: usize, input: &[u8]) -> Result<Heard> {
        let size_bytes = input.len();
        let body = match Answer::read(input)? {
            Answer::Partly { needed_bytes } => return Ok(Heard::Partly { needed_bytes }),
            Answer::Wholly { status: 200 | 201, body } => body,
            Answer::Wholly { .. } => return Ok(Heard::Unexpected { size_bytes }),
        };
        let Some(license) = license_digits(body) else {
            return Ok(Heard::Unexpected { size_bytes });
        };
        self.licenses.push(license);
        self.progress.inc(1);
        Ok(Heard::Expected { size_bytes, units: 1 })
    }
}

/// The digits of the license id in an answer, the only text there that begins with its prefix.
fn license_digits(body: &[u8]) -> Option<LicenseDigits> {
    const PREFIX: &[u8] = b"\"lic_";
    let begin = memmem::find(body, PREFIX)? + PREFIX.len();
    let digits = body.get(begin..)?.first_chunk()?;
    digits.iter().all(u8::is_ascii_hexdigit).then_some(*digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn license_digits_are_found() {
        let digits = "0192f0c1d2e37a4b8c5d6e7f80910a1b";
        let body = format!(r#"{{"key":"AB-lic_x","id": "lic_{digits}","policy":"pol_1"}}"#);
        assert_eq!(license_digits(body.as_bytes()).unwrap(), digits.as_bytes());
        assert_eq!(license_digits(br#"{"id":"lic_short"}"#), None);
    }
}
