//! License files: text that proves a license where no server can be asked.
//!
//! The account signs what it says of a license; whoever has the account's public keys can check
//! that, years later and without a network. A file may be encrypted to the license key: anybody can
//! still check who signed it, for which license and until when, but only the holder of the key can
//! read the rest.
//!
//! From the outside in: `armour` makes it survive e-mail, `seal` signs and encrypts, `document` is
//! the text itself, within its `bounds`, and `keys` are those of the account.
//! `docs/reference/license-file.md` is enough to write a verifier from; `tests/license_file.py` is
//! one.
//!
//! What a file cannot do: it is true as of [`LicenseFile::issued_at`]. A license revoked later
//! stays proved until [`LicenseFile::file_expires_at`], so let that be near.

mod armour;
mod bounds;
mod document;
mod keys;
mod seal;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::id::{AccountId, CustomerId, LicenseId, PolicyId, ProductId};
use crate::license::Status;
use crate::limits::LICENSE_FILE_AHEAD_MS_MAX;
use crate::refusal::Refusal;
use crate::text::Code;
use crate::time::Timestamp;

pub use self::document::Header;
pub use self::keys::{PublicKey, SigningKey};

/// What a license file says, as of when it was issued.
///
/// Plain data: neither the catalogue nor a server is needed to understand it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenseFile {
    /// Whose product it is; the owner of the key that signs.
    pub account: AccountId,
    /// Which license.
    pub license: LicenseId,
    /// What may be used. One account's keys sign for all of its products: compare it.
    pub product: ProductId,
    /// The product's code.
    pub product_code: Code,
    /// The policy the license was made from.
    pub policy: PolicyId,
    /// The policy's code.
    pub policy_code: Code,
    /// Who pays.
    pub customer: Option<CustomerId>,
    /// How the license stood when the file was issued: a [`Status`] as its word.
    pub status: Code,
    /// When the license begins.
    pub valid_from: Option<Timestamp>,
    /// When the license ends.
    pub expires_at: Option<Timestamp>,
    /// The machine it is for; none is any machine. Compare the fingerprint.
    pub activation: Option<FileActivation>,
    /// What the license switches on, each once.
    pub entitlements: Vec<Code>,
    /// What the policy demands, as names and values, each name once.
    pub terms: Vec<(String, String)>,
    /// Where the meters stood, each once.
    pub meters: Vec<FileMeter>,
    /// What the vendor wrote on the license, as names and values, each name once.
    pub metadata: Vec<(String, String)>,
    /// When the file was made.
    pub issued_at: Timestamp,
    /// When the file, not the license, ends; none is never.
    pub file_expires_at: Option<Timestamp>,
    /// Which key of the account signs.
    pub key_number: u32,
}

/// The machine that a license file is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileActivation {
    /// The activation's id.
    pub id: String,
    /// What the machine is recognised by.
    pub fingerprint: String,
}

/// Where a meter stood, in its smallest unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMeter {
    /// Its name.
    pub name: Code,
    /// What it counts.
    pub unit: String,
    /// Digits after the point of the figures below.
    pub scale: u8,
    /// Ceiling of the period; none is unlimited.
    pub allowed: Option<i64>,
    /// Uses in the period.
    pub total: i64,
    /// Uses in the meter's life.
    pub gross: i64,
    /// Units on hold.
    pub held: i64,
    /// When the period ends; none is never.
    pub period_end: Option<Timestamp>,
}

/// To whom a license file is encrypted.
#[derive(Clone, Copy)]
pub struct Encryption<'a> {
    /// The key of the license. It is not stretched: whoever can guess it can read the file.
    pub license_key: &'a str,
    /// Twelve random bytes, never used twice.
    pub nonce: [u8; 12],
}

impl fmt::Debug for Encryption<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encryption(…)")
    }
}

/// Why text proves no license.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArtefactError {
    /// It is no license file, or one that was damaged: what is wrong with it.
    Malformed(&'static str),
    /// It is of a version that this program does not know.
    UnknownVersion,
    /// It is signed with a key that is not among those given.
    UnknownKey(u32),
    /// The public key of this number is no Ed25519 key.
    MalformedKey(u32),
    /// It was issued when its key was already retired.
    KeyRetired(u32, Timestamp),
    /// The signature does not belong to it.
    Forged,
    /// It is encrypted, and no license key was given.
    NeedsLicenseKey,
    /// It is encrypted to another license key.
    WrongLicenseKey,
    /// The file, not the license, has expired.
    Expired(Timestamp),
    /// It was issued after now: the clock was set back.
    ClockSetBack(Timestamp),
    /// The license has expired.
    LicenseExpired(Timestamp),
    /// The license is not valid yet.
    LicenseNotYetValid(Timestamp),
    /// The license was suspended, revoked, or in a state this program does not know.
    LicenseNotActive,
}

impl fmt::Display for ArtefactError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(what) => write!(
                f,
                "this is no license file, or a damaged one ({what}); copy the whole file again, \
                 from its BEGIN line to its END line"
            ),
            Self::UnknownVersion => f.write_str(
                "the license file has a version that this program does not know; update the program",
            ),
            Self::UnknownKey(number) => write!(
                f,
                "the license file is signed with key {number}, which is none of the keys given; \
                 give the account's present public keys"
            ),
            Self::MalformedKey(number) => write!(f, "public key {number} is no Ed25519 key"),
            Self::KeyRetired(number, at) => write!(
                f,
                "the license file was issued after its key {number} was retired (at {} ms since \
                 1970); ask for a new file",
                at.0
            ),
            Self::Forged => f.write_str("the license file was changed after it was signed"),
            Self::NeedsLicenseKey => {
                f.write_str("the license file is encrypted; give the license key to read it")
            }
            Self::WrongLicenseKey => {
                f.write_str("the license file is encrypted to another license key than this one")
            }
            Self::Expired(at) => write!(
                f,
                "the license file has expired (at {} ms since 1970); ask for a new one",
                at.0
            ),
            Self::ClockSetBack(at) => write!(
                f,
                "the license file was issued after now (at {} ms since 1970); set the clock right",
                at.0
            ),
            Self::LicenseExpired(at) => {
                write!(f, "the license has expired (at {} ms since 1970); renew it", at.0)
            }
            Self::LicenseNotYetValid(at) => {
                write!(f, "the license is not valid before {} ms since 1970", at.0)
            }
            Self::LicenseNotActive => f.write_str("the license was stopped by its vendor"),
        }
    }
}

impl core::error::Error for ArtefactError {}

impl LicenseFile {
    /// Signs it, and encrypts it to the license key if asked to: text to hand out.
    ///
    /// # Errors
    /// [`Refusal::Invalid`] if a field is out of its bounds, the whole is too long, or the signer's
    /// number is not [`Self::key_number`]. What could not be opened is never issued.
    pub fn seal(
        &self,
        signer: &SigningKey,
        encryption: Option<Encryption<'_>>,
    ) -> Result<String, Refusal> {
        if signer.number() != self.key_number {
            return Err(Refusal::invalid("key_number", "must be that of the key that signs"));
        }
        self.check().map_err(|flaw| Refusal::invalid(flaw.field, flaw.reason))?;
        armour::close(&seal::seal(self, signer, encryption))
            .ok_or(Refusal::invalid("license_file", "must be at most 60 KiB of text"))
    }

    /// Reads a license file that is to be relied upon at `now`: signed by one of `keys`, in its
    /// time, for a license that is usable.
    ///
    /// The license key is needed if it is encrypted and ignored if not: having opened a file does
    /// not prove that somebody knew it. The caller compares the product, and the fingerprint if it
    /// is for one machine. A program that goes on with a license that is over, as a policy may
    /// allow, uses [`Self::open_unjudged`] and [`Self::check_time`].
    ///
    /// # Errors
    /// [`ArtefactError`].
    pub fn open(
        text: &str,
        keys: &[PublicKey],
        license_key: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, ArtefactError> {
        let file = Self::open_unjudged(text, keys, license_key)?;
        file.check_time(now)?;
        file.check_license(now)?;
        Ok(file)
    }

    /// The same without judging time or state: for showing what a file says.
    ///
    /// # Errors
    /// [`ArtefactError`], but for those of [`Self::check_time`] and [`Self::check_license`].
    pub fn open_unjudged(
        text: &str,
        keys: &[PublicKey],
        license_key: Option<&str>,
    ) -> Result<Self, ArtefactError> {
        let note = armour::open(text)?;
        let file = seal::open(&note, keys, license_key)?;
        file.check().map_err(|flaw| ArtefactError::Malformed(flaw.field))?;
        Ok(file)
    }

    /// Refuses a file that is over, or was issued after now by more than a day.
    ///
    /// # Errors
    /// [`ArtefactError::Expired`] and [`ArtefactError::ClockSetBack`].
    pub fn check_time(&self, now: Timestamp) -> Result<(), ArtefactError> {
        check_window(self.issued_at, self.file_expires_at, now)
    }

    /// Refuses a license that is not usable at `now`, as far as the file knows.
    ///
    /// # Errors
    /// [`ArtefactError::LicenseNotActive`], [`ArtefactError::LicenseExpired`] and
    /// [`ArtefactError::LicenseNotYetValid`].
    pub fn check_license(&self, now: Timestamp) -> Result<(), ArtefactError> {
        // These three follow from the time alone, which has moved on since the file was issued.
        let of_time = [Status::Active, Status::Expired, Status::NotYetValid];
        if !of_time.iter().any(|status| status.word() == self.status.as_str()) {
            return Err(ArtefactError::LicenseNotActive);
        }
        match (self.valid_from, self.expires_at) {
            (_, Some(end)) if end <= now => Err(ArtefactError::LicenseExpired(end)),
            (Some(begin), _) if begin > now => Err(ArtefactError::LicenseNotYetValid(begin)),
            _ => Ok(()),
        }
    }
}

/// Refuses a time outside [issued, expires), give or take a clock that is slow by a day.
fn check_window(
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), ArtefactError> {
    if now.plus_ms(LICENSE_FILE_AHEAD_MS_MAX) < issued_at {
        return Err(ArtefactError::ClockSetBack(issued_at));
    }
    match expires_at {
        Some(end) if end <= now => Err(ArtefactError::Expired(end)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
