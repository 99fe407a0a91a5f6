//! The document: lines `name=value` in a fixed order, so that what says the same has one form.
//!
//! Whatever is read is written again and compared. That refuses, without a rule for each, fields
//! twice, unknown, missing or in another order, numbers with leading zeros, and needless escapes.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{Display, Write as _};
use core::str::FromStr;

use super::ArtefactError::{self, Malformed};
use super::{FileActivation, FileMeter, LicenseFile, PublicKey, armour, check_window, seal};
use crate::id::{AccountId, LicenseId};
use crate::limits::{LICENSE_FILE_ENTITLEMENTS_MAX, LICENSE_FILE_PAIRS_MAX, POLICY_METERS_MAX};
use crate::text::Code;
use crate::time::Timestamp;

/// The first line: what the text is, and its version. It also separates what an account signs here
/// from whatever else it signs.
const FIRST_LINE: &str = "usance-license-file/1\n";
/// How the first line of every version begins.
const FAMILY: &str = "usance-license-file/";

const PLAIN: &str = "none";
const AES_256_GCM: &str = "aes-256-gcm";

/// What can be read of every license file, encrypted or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Whose key signs.
    pub account: AccountId,
    /// Which license.
    pub license: LicenseId,
    /// Which key of the account.
    pub key_number: u32,
    /// When the file was made.
    pub issued_at: Timestamp,
    /// When the file ends; none is never.
    pub file_expires_at: Option<Timestamp>,
    nonce: Option<[u8; 12]>,
}

impl Header {
    /// Reads what a file claims, without believing it: to find out whose keys to fetch.
    ///
    /// # Errors
    /// [`ArtefactError::Malformed`] and [`ArtefactError::UnknownVersion`].
    pub fn peek(text: &str) -> Result<Self, ArtefactError> {
        let note = armour::open(text)?;
        seal::Note::read(&note).map(|note| note.header)
    }

    /// Reads the header of a file that one of `keys` signed. No license key is needed.
    ///
    /// # Errors
    /// [`ArtefactError`], but for those of time, of license keys and of licenses.
    pub fn verify(text: &str, keys: &[PublicKey]) -> Result<Self, ArtefactError> {
        let note = armour::open(text)?;
        let note = seal::Note::read(&note)?;
        note.verify(keys)?;
        Ok(note.header)
    }

    /// Whether the license key is needed to read the rest.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.nonce.is_some()
    }

    /// As [`LicenseFile::check_time`].
    ///
    /// # Errors
    /// [`ArtefactError::Expired`] and [`ArtefactError::ClockSetBack`].
    pub fn check_time(&self, now: Timestamp) -> Result<(), ArtefactError> {
        check_window(self.issued_at, self.file_expires_at, now)
    }

    pub(super) const fn of(file: &LicenseFile, nonce: Option<[u8; 12]>) -> Self {
        Self {
            account: file.account,
            license: file.license,
            key_number: file.key_number,
            issued_at: file.issued_at,
            file_expires_at: file.file_expires_at,
            nonce,
        }
    }

    pub(super) const fn nonce(&self) -> Option<&[u8; 12]> {
        self.nonce.as_ref()
    }

    pub(super) fn text(&self) -> String {
        let mut text = Text(String::from(FIRST_LINE));
        text.line("account", self.account);
        text.line("license", self.license);
        text.line("key_number", self.key_number);
        text.line("issued_at", self.issued_at.0);
        text.option("file_expires_at", self.file_expires_at.map(|at| at.0));
        match &self.nonce {
            None => text.line("encryption", PLAIN),
            Some(nonce) => {
                text.line("encryption", AES_256_GCM);
                text.line("nonce", Hex(nonce));
            }
        }
        text.0
    }

    /// The header, and what follows it.
    pub(super) fn read(text: &str) -> Result<(Self, &str), ArtefactError> {
        let rest = text.strip_prefix(FIRST_LINE).ok_or_else(|| {
            if text.starts_with(FAMILY) {
                return ArtefactError::UnknownVersion;
            }
            Malformed("its first line is not that of a license file")
        })?;
        let mut lines = Lines(rest);
        let header = Self {
            account: lines.parsed("account")?,
            license: lines.parsed("license")?,
            key_number: lines.parsed("key_number")?,
            issued_at: Timestamp(lines.parsed("issued_at")?),
            file_expires_at: lines.option("file_expires_at")?.map(Timestamp),
            nonce: match lines.text("encryption")?.as_str() {
                PLAIN => None,
                AES_256_GCM => Some(nonce(&lines.text("nonce")?)?),
                _ => return Err(Malformed("encryption")),
            },
        };
        let length = text.len() - lines.0.len();
        let is_canonical = text.get(..length) == Some(header.text().as_str());
        if header.key_number == 0 || !is_canonical {
            return Err(Malformed("its header is not written in its one form"));
        }
        Ok((header, lines.0))
    }
}

/// What follows the header, before it is encrypted.
pub(super) fn body(file: &LicenseFile) -> String {
    let mut text = Text(String::new());
    text.line("product", file.product);
    text.line("product_code", &file.product_code);
    text.line("policy", file.policy);
    text.line("policy_code", &file.policy_code);
    text.option("customer", file.customer);
    text.line("status", &file.status);
    text.option("valid_from", file.valid_from.map(|at| at.0));
    text.option("expires_at", file.expires_at.map(|at| at.0));
    if let Some(activation) = &file.activation {
        text.line("activation", &activation.id);
        text.line("fingerprint", &activation.fingerprint);
    }
    for code in &file.entitlements {
        text.line("entitlement", code);
    }
    text.pairs("term", &file.terms);
    for meter in &file.meters {
        text.line("meter", &meter.name);
        text.line("unit", &meter.unit);
        text.line("scale", meter.scale);
        text.option("allowed", meter.allowed);
        text.line("total", meter.total);
        text.line("gross", meter.gross);
        text.line("held", meter.held);
        text.option("period_end", meter.period_end.map(|at| at.0));
    }
    text.pairs("metadata", &file.metadata);
    text.0
}

/// The file that a header and a body make.
pub(super) fn read_body(header: &Header, text: &str) -> Result<LicenseFile, ArtefactError> {
    let mut lines = Lines(text);
    let file = LicenseFile {
        account: header.account,
        license: header.license,
        product: lines.parsed("product")?,
        product_code: lines.code("product_code")?,
        policy: lines.parsed("policy")?,
        policy_code: lines.code("policy_code")?,
        customer: lines.option("customer")?,
        status: lines.code("status")?,
        valid_from: lines.option("valid_from")?.map(Timestamp),
        expires_at: lines.option("expires_at")?.map(Timestamp),
        activation: match lines.optional_text("activation")? {
            Some(id) => Some(FileActivation { id, fingerprint: lines.text("fingerprint")? }),
            None => None,
        },
        entitlements: lines.many(LICENSE_FILE_ENTITLEMENTS_MAX, "entitlement", Lines::code)?,
        terms: lines.pairs("term")?,
        meters: lines.many(POLICY_METERS_MAX, "meter", Lines::meter)?,
        metadata: lines.pairs("metadata")?,
        issued_at: header.issued_at,
        file_expires_at: header.file_expires_at,
        key_number: header.key_number,
    };
    if body(&file) != text {
        return Err(Malformed("its body is not written in its one form"));
    }
    Ok(file)
}

/// Lines being written.
struct Text(String);

impl Text {
    fn line(&mut self, name: &str, value: impl Display) {
        let mut shown = String::new();
        write!(shown, "{value}").expect("writing to a string cannot fail");
        self.0.push_str(name);
        self.0.push('=');
        for c in shown.chars() {
            match c {
                '\\' => self.0.push_str("\\\\"),
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                '\t' => self.0.push_str("\\t"),
                // A signed note has no other ASCII control characters.
                c if c.is_ascii_control() => write!(self.0, "\\x{:02x}", u32::from(c))
                    .expect("writing to a string cannot fail"),
                other => self.0.push(other),
            }
        }
        self.0.push('\n');
    }

    fn option(&mut self, name: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.line(name, value);
        }
    }

    fn pairs(&mut self, name: &str, pairs: &[(String, String)]) {
        for (key, value) in pairs {
            self.line(name, key);
            self.line("value", value);
        }
    }
}

/// Lines being read.
struct Lines<'a>(&'a str);

impl<'a> Lines<'a> {
    /// The value as it is written, if this is the name of the line that comes next.
    fn next(&mut self, name: &str) -> Option<&'a str> {
        let rest = self.0.strip_prefix(name)?.strip_prefix('=')?;
        let (value, rest) = rest.split_once('\n')?;
        self.0 = rest;
        Some(value)
    }

    fn text(&mut self, name: &'static str) -> Result<String, ArtefactError> {
        self.next(name).and_then(unescape).ok_or(Malformed(name))
    }

    fn optional_text(&mut self, name: &'static str) -> Result<Option<String>, ArtefactError> {
        self.next(name).map(|value| unescape(value).ok_or(Malformed(name))).transpose()
    }

    fn parsed<T: FromStr>(&mut self, name: &'static str) -> Result<T, ArtefactError> {
        self.option(name)?.ok_or(Malformed(name))
    }

    fn option<T: FromStr>(&mut self, name: &'static str) -> Result<Option<T>, ArtefactError> {
        self.next(name).map(|value| value.parse().map_err(|_| Malformed(name))).transpose()
    }

    fn code(&mut self, name: &'static str) -> Result<Code, ArtefactError> {
        let value = self.next(name).ok_or(Malformed(name))?;
        Code::parse(name, value).map_err(|_| Malformed(name))
    }

    fn pair(&mut self, name: &'static str) -> Result<(String, String), ArtefactError> {
        Ok((self.text(name)?, self.text("value")?))
    }

    fn pairs(&mut self, name: &'static str) -> Result<Vec<(String, String)>, ArtefactError> {
        self.many(LICENSE_FILE_PAIRS_MAX, name, Self::pair)
    }

    fn meter(&mut self, name: &'static str) -> Result<FileMeter, ArtefactError> {
        Ok(FileMeter {
            name: self.code(name)?,
            unit: self.text("unit")?,
            scale: self.parsed("scale")?,
            allowed: self.option("allowed")?,
            total: self.parsed("total")?,
            gross: self.parsed("gross")?,
            held: self.parsed("held")?,
            period_end: self.option("period_end")?.map(Timestamp),
        })
    }

    /// As many as begin with a line of this name, which is at most `count_max`.
    fn many<T>(
        &mut self,
        count_max: usize,
        name: &'static str,
        read: fn(&mut Self, &'static str) -> Result<T, ArtefactError>,
    ) -> Result<Vec<T>, ArtefactError> {
        let mut found = Vec::new();
        while self.0.strip_prefix(name).is_some_and(|rest| rest.starts_with('=')) {
            if found.len() == count_max {
                return Err(Malformed(name));
            }
            found.push(read(self, name)?);
        }
        Ok(found)
    }
}

fn unescape(value: &str) -> Option<String> {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let mut chars = after.chars();
        text.push(match chars.next()? {
            '\\' => '\\',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'x' => {
                let code = u8::from_str_radix(after.get(1..3)?, 16).ok()?;
                chars = after.get(3..)?.chars();
                char::from(code)
            }
            _ => return None,
        });
        rest = chars.as_str();
    }
    text.push_str(rest);
    Some(text)
}

fn nonce(text: &str) -> Result<[u8; 12], ArtefactError> {
    const ERROR: ArtefactError = Malformed("nonce");
    let mut nonce = [0; 12];
    if text.len() != 24 {
        return Err(ERROR);
    }
    for (index, byte) in nonce.iter_mut().enumerate() {
        let digits = text.get(2 * index..2 * index + 2).ok_or(ERROR)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| ERROR)?;
    }
    Ok(nonce)
}

struct Hex<'a>(&'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
