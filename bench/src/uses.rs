//! Uses over HTTP: one at a time, or in batches.

use anyhow::{Context, Result};
use memchr::memmem;

use crate::dialogue::{Asked, Dialogue, Heard};
use crate::http::{Answer, Caller};
use crate::template::{KEY_PLACE, Keys, LICENSE_PLACE, LicenseDigits, RoundRobin, Template};

/// The meter that every measurement increments. It is bounded, so that the limit is checked.
pub const METER: &str = "renders";

/// Whether a use carries an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keying {
    Plain,
    Keyed,
}

/// Increments of one, license after license, one in a request.
pub struct SingleUses<'a> {
    template: Template,
    licenses: RoundRobin<'a>,
    keys: &'a mut Keys,
}

impl<'a> SingleUses<'a> {
    pub fn new(
        caller: &Caller,
        licenses: &'a [LicenseDigits],
        keying: Keying,
        keys: &'a mut Keys,
    ) -> Result<Self> {
        let path = format!("/v1/licenses/lic_{LICENSE_PLACE}/meters/{METER}/increment");
        let body = match keying {
            Keying::Plain => r#"{"amount":1}"#.to_owned(),
            Keying::Keyed => format!(r#"{{"amount":1,"idempotency_key":"use-{KEY_PLACE}"}}"#),
        };
        Ok(Self {
            template: Template::new(caller.request("POST", &path, body.as_bytes())),
            licenses: RoundRobin::new(licenses)?,
            keys,
        })
    }
}

impl Dialogue for SingleUses<'_> {
    fn ask(&mut self, _connection_index: usize, output: &mut Vec<u8>) -> Result<Asked> {
        self.template.write(&mut self.licenses, self.keys, output)?;
        Ok(Asked::Request)
    }

    fn hear(&mut self, _connection_index: usize, input: &[u8]) -> Result<Heard> {
        let size_bytes = input.len();
        Ok(match Answer::read(input)? {
            Answer::Partly { needed_bytes } => Heard::Partly { needed_bytes },
            Answer::Wholly { status: 200, .. } => Heard::Expected { size_bytes, units: 1 },
            Answer::Wholly { .. } => Heard::Unexpected { size_bytes },
        })
    }
}

/// Keyed increments of one, many in a request, license after license.
pub struct BatchUses<'a> {
    caller: &'a Caller,
    template: Template,
    batch_count: u64,
    licenses: RoundRobin<'a>,
    keys: &'a mut Keys,
    left: Option<u64>,
    /// How many uses the request in flight on each connection has.
    asked: Vec<u64>,
    /// Called with the number of uses that each answer accepted.
    on_accepted: Box<dyn Fn(u64) + 'a>,
}

impl<'a> BatchUses<'a> {
    pub fn new(
        caller: &'a Caller,
        licenses: &'a [LicenseDigits],
        batch_count: u64,
        keys: &'a mut Keys,
    ) -> Result<Self> {
        Ok(Self {
            caller,
            template: batch_template(caller, batch_count),
            batch_count,
            licenses: RoundRobin::new(licenses)?,
            keys,
            left: None,
            asked: Vec::new(),
            on_accepted: Box::new(|_| {}),
        })
    }

    /// Stops after so many uses; the last request may have fewer than the others.
    pub fn limited(mut self, count: u64) -> Self {
        self.left = Some(count);
        self
    }

    /// Reports what was accepted, for a progress bar.
    pub fn reporting(mut self, on_accepted: impl Fn(u64) + 'a) -> Self {
        self.on_accepted = Box::new(on_accepted);
        self
    }
}

impl Dialogue for BatchUses<'_> {
    fn ask(&mut self, connection_index: usize, output: &mut Vec<u8>) -> Result<Asked> {
        let count = self.left.unwrap_or(u64::MAX).min(self.batch_count);
        if count == 0 {
            return Ok(Asked::Nothing);
        }
        if count < self.batch_count {
            self.template = batch_template(self.caller, count);
            self.batch_count = count;
        }
        self.template.write(&mut self.licenses, self.keys, output)?;
        self.left = self.left.map(|left| left - count);
        if self.asked.len() <= connection_index {
            self.asked.resize(connection_index + 1, 0);
        }
        *self.asked.get_mut(connection_index).context("a connection without a request")? = count;
        Ok(Asked::Request)
    }

    fn hear(&mut self, connection_index: usize, input: &[u8]) -> Result<Heard> {
        let size_bytes = input.len();
        let (status, body) = match Answer::read(input)? {
            Answer::Partly { needed_bytes } => return Ok(Heard::Partly { needed_bytes }),
            Answer::Wholly { status, body } => (status, body),
        };
        let units = self.asked.get(connection_index).copied().unwrap_or(0);
        if status != 200 || accepted(body) != Some(units) {
            return Ok(Heard::Unexpected { size_bytes });
        }
        (self.on_accepted)(units);
        Ok(Heard::Expected { size_bytes, units })
    }
}

fn batch_template(caller: &Caller, count: u64) -> Template {
    let key = format!(r#""idempotency_key":"use-{KEY_PLACE}""#);
    let item = format!(r#"{{"license":"lic_{LICENSE_PLACE}","meter":"{METER}","amount":1,{key}}}"#);
    let items: Vec<&str> = (0..count).map(|_| item.as_str()).collect();
    let body = format!("[{}]", items.join(","));
    Template::new(caller.request("POST", "/v1/uses", body.as_bytes()))
}

/// The number after `"accepted":`. The outcomes behind it are not read: they may be megabytes.
fn accepted(body: &[u8]) -> Option<u64> {
    const NAME: &[u8] = b"\"accepted\":";
    let begin = memmem::find(body, NAME)? + NAME.len();
    let rest = body.get(begin..)?.trim_ascii_start();
    let size = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(rest.get(..size)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::template::{KeyOrder, numbered_license};

    #[test]
    fn batches_are_json_and_the_last_is_shorter() {
        let caller = Caller { host: "h".to_owned(), token: "t".to_owned() };
        let licenses = [numbered_license(1), numbered_license(2)];
        let mut keys = Keys::new(KeyOrder::Ascending, 0);
        let mut uses = BatchUses::new(&caller, &licenses, 3, &mut keys).unwrap().limited(5);
        for (count, asked) in [(3, Asked::Request), (2, Asked::Request), (0, Asked::Nothing)] {
            let mut output = Vec::new();
            assert_eq!(uses.ask(0, &mut output).unwrap(), asked);
            if count == 0 {
                continue;
            }
            let begin = memmem::find(&output, b"\r\n\r\n").unwrap() + 4;
            let items: Value = serde_json::from_slice(&output[begin..]).unwrap();
            assert_eq!(items.as_array().unwrap().len(), count);
            assert_eq!(items[0]["meter"], METER);
        }
    }

    #[test]
    fn accepted_is_found_in_any_place() {
        assert_eq!(accepted(br#"{"accepted":100,"refused":0,"outcomes":[]}"#), Some(100));
        assert_eq!(accepted(br#"{"outcomes":[], "accepted": 7}"#), Some(7));
        assert_eq!(accepted(br#"{"accepted":"7"}"#), None);
        assert_eq!(accepted(b"{}"), None);
    }
}
