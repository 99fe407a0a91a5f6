//! A conversation with a server, written down without what differs from run to run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::pretty::pretty;
use crate::http::{Answer, Client, Request, segment};
use crate::world::Server;

/// Headers that say nothing of the answer itself.
const HEADERS_LEFT_OUT: [&str; 3] = ["date", "content-length", "content-type"];

pub struct Transcript {
    pub server: Server,
    client: Client,
    contract: Value,
    text: String,
}

impl Transcript {
    pub fn new() -> Self {
        let server = Server::new();
        let mut client = server.admin();
        let contract = client.get("/v1/openapi.json").expect(200);
        Self { server, client, contract, text: String::new() }
    }

    /// Asks as the admin, and writes down what was said.
    pub fn ask(&mut self, title: &str, request: Request) -> Answer {
        let answer = self.client.ask(&request);
        self.note(title, &request, &answer);
        answer
    }

    /// The same as somebody else; an empty `authorization` is nobody.
    pub fn ask_as(&mut self, authorization: &str, title: &str, request: Request) -> Answer {
        let who = Some(authorization).filter(|text| !text.is_empty());
        let answer = Client::new(self.server.address(), who).ask(&request);
        self.note(title, &request, &answer);
        answer
    }

    /// Several in a row.
    pub fn ask_all(&mut self, requests: impl IntoIterator<Item = (&'static str, Request)>) {
        for (title, request) in requests {
            self.ask(title, request);
        }
    }

    /// Asks without writing down, for what has to be there first. Answers the id.
    pub fn made(&mut self, path: &str, body: &str) -> String {
        let made = self.client.post(path, body).expect(201);
        made["id"].as_str().unwrap().to_owned()
    }

    fn note(&mut self, title: &str, request: &Request, answer: &Answer) {
        check_contract(&self.contract, request, answer);
        let Request { method, path, headers, body } = request;
        write!(self.text, "## {title}\n\n{method} {path}\n").unwrap();
        for (name, value) in headers {
            writeln!(self.text, "{name}: {value}").unwrap();
        }
        if !body.is_empty() {
            writeln!(self.text, "{}", String::from_utf8_lossy(body).trim_end()).unwrap();
        }
        let media_type = answer.header("content-type").unwrap_or_default();
        writeln!(self.text, "\n{} {media_type}", answer.status).unwrap();
        for (name, value) in &answer.headers {
            if !HEADERS_LEFT_OUT.contains(&name.as_str()) {
                writeln!(self.text, "{name}: {value}").unwrap();
            }
        }
        let is_json = media_type.contains("json");
        let redacted = match path.as_str() {
            "/v1/openapi.json" => "<the contract>".to_owned(),
            _ => answer.body.clone(),
        };
        for line in redacted.lines() {
            // Made readable after what differs is gone: it would change where lines break.
            writeln!(self.text, "{}{line}", if is_json { JSON_LINE } else { "" }).unwrap();
        }
        self.text.push('\n');
    }

    /// Compares with the committed snapshot, or writes it where `USANCE_UPDATE_SNAPSHOTS` is 1.
    #[track_caller]
    pub fn check(self, name: &str) {
        let mut found = String::new();
        for line in redacted(&self.text).lines() {
            match line.strip_prefix(JSON_LINE) {
                Some(json) if json != "<the contract>" => found.push_str(&pretty(json)),
                Some(text) => found.push_str(text),
                None => found.push_str(line),
            }
            found.push('\n');
        }
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/black_box/snapshots");
        let path = format!("{directory}/{name}.txt");
        if std::env::var("USANCE_UPDATE_SNAPSHOTS").is_ok_and(|value| value == "1") {
            std::fs::write(&path, found).unwrap();
            return;
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        let mut lines = expected.lines().zip(found.lines()).enumerate();
        let differing = lines.find(|(_, (expected, found))| expected != found);
        if let Some((index, (expected, found))) = differing {
            panic!(
                "{name}.txt, line {}:\n expected {expected}\n    found {found}\n\
                 USANCE_UPDATE_SNAPSHOTS=1 writes it anew",
                index + 1
            );
        }
        assert_eq!(expected.len(), found.len(), "{name}.txt ends elsewhere:\n{found}");
    }
}

/// Marks lines that are JSON until they are laid out.
const JSON_LINE: &str = "\u{1}";

/// The answer is one of those that the contract names for its route.
#[track_caller]
fn check_contract(contract: &Value, request: &Request, answer: &Answer) {
    let asked = request.path.split('?').next().unwrap();
    let matches = |template: &str| {
        template.split('/').count() == asked.split('/').count()
            && template
                .split('/')
                .zip(asked.split('/'))
                .all(|(known, asked)| known.starts_with('{') || known == asked)
    };
    let paths = contract["paths"].as_object().unwrap();
    // A fixed path wins over one with parameters.
    let found = paths.get(asked).or_else(|| {
        paths.iter().find(|(template, _)| matches(template)).map(|(_, methods)| methods)
    });
    let operation = found.map(|methods| &methods[request.method.to_lowercase()]);
    let Some(operation) = operation.filter(|operation| operation.is_object()) else {
        assert!(matches!(answer.status, 404 | 405), "{asked} is in no contract: {answer:?}");
        return;
    };
    if answer.status >= 400 {
        assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{asked}");
        assert!(answer.header("x-request-id").is_some(), "{asked}");
        return;
    }
    let documented = &operation["responses"][answer.status.to_string()];
    assert!(documented.is_object(), "{} {asked} answered {}", request.method, answer.status);
    let content = documented["content"].as_object();
    let media_types: Vec<&str> =
        content.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    let media_type = answer.header("content-type").and_then(|value| value.split(';').next());
    assert_eq!(media_type.is_some(), content.is_some(), "{asked}");
    assert!(media_type.is_none_or(|found| media_types.contains(&found)), "{asked} {media_types:?}");
}

/// Years that a time can only be of if it is now; those that the tests name are others.
const NOW: std::ops::RangeInclusive<&str> = "2024"..="2090";

/// The text without ids, times, secrets, hashes and durations.
fn redacted(text: &str) -> String {
    let mut ids: BTreeMap<&str, String> = BTreeMap::new();
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, shown) = if let Some(length) = id_length(rest) {
            let (id, prefix) = (&rest[..length], &rest[..length - 32]);
            let shown = ids.entry(id).or_insert_with(|| {
                let number = numbers.entry(prefix).or_default();
                *number += 1;
                format!("{prefix}<{number}>")
            });
            (length, shown.clone())
        } else if is_form(rest, "dddd-dd-ddTdd:dd:dd.dddZ") && NOW.contains(&&rest[..4]) {
            (24, "<time>".into())
        } else if is_form(rest, "kkkkk-kkkkk-kkkkk-kkkkk-kkkkk") && !rest.starts_with("AAAAA") {
            (29, "<key>".into())
        } else if is_form(rest, "+xxxxxxxx+") {
            (10, "+<hash>+".into())
        } else if let Some(prefix) = PREFIXES.iter().find(|prefix| rest.starts_with(**prefix)) {
            let end = rest[prefix.len()..].find(['"', '\n']).unwrap() + prefix.len();
            (end, format!("{prefix}<…>"))
        } else if rest.starts_with(BUCKET) {
            // How many commits took how long is another thing each time.
            (rest.find('\n').unwrap(), format!("{BUCKET}<…>"))
        } else if base64_length(rest) >= 40 {
            (base64_length(rest), "<base64>".into())
        } else {
            (first.len_utf8(), first.into())
        };
        out.push_str(&shown);
        rest = &rest[length..];
    }
    out
}

/// What is followed by something that differs, up to the next quote or line end.
const PREFIXES: [&str; 7] = [
    "\"request_id\":\"",
    "x-request-id: ",
    "\"secret\":\"",
    "\"file\":\"",
    "counter\nusance_commit_seconds_total ",
    "usance_commit_seconds_sum ",
    "gauge\nusance_mailbox_age_seconds ",
];

const BUCKET: &str = "usance_commit_seconds_bucket{";

/// What ids begin with.
const IDS: [&str; 14] = [
    "acc_", "prod_", "pol_", "cus_", "lic_", "tok_", "wri_", "act_", "cmp_", "prc_", "hold_",
    "ses_", "usr_", "ent_",
];

/// The length of an id at the beginning.
fn id_length(text: &str) -> Option<usize> {
    let prefix = IDS.into_iter().find(|prefix| text.starts_with(prefix))?;
    is_form(&text[prefix.len()..], &"x".repeat(32)).then_some(prefix.len() + 32)
}

/// Whether text begins in a form: `d` is a digit, `x` a hexadecimal one, `k` a symbol of keys.
fn is_form(text: &str, form: &str) -> bool {
    text.len() >= form.len()
        && text.bytes().zip(form.bytes()).all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            b'x' => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            b'k' => byte.is_ascii_alphanumeric(),
            other => byte == other,
        })
}

fn base64_length(text: &str) -> usize {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
    text.bytes().take_while(is_base64).count()
}

/// A license key in a path.
pub fn keyed(key: &str, rest: &str) -> String {
    format!("/v1/licenses/{}{rest}", segment(key))
}
