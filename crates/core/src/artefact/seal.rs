//! Seal: a C2SP signed note, whose body may be encrypted.
//!
//! Encrypted first, then signed. So anybody can check the signature without the license key, and
//! nobody decrypts what the account did not sign. The two usual objections do not apply: a
//! signature that is replaced by another's is worthless, as only the account's keys count; and one
//! cipher text that two keys open could be made by the account alone.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hkdf::Hkdf;
use sha2::Sha256;

use super::ArtefactError::{self, Malformed};
use super::document::{self, Header};
use super::keys;
use super::{Encryption, LicenseFile, PublicKey, SigningKey};

/// The one line that stands for an encrypted body.
const SEALED: &str = "sealed=";

/// The signed note that says what `file` says.
pub(super) fn seal(
    file: &LicenseFile,
    signer: &SigningKey,
    encryption: Option<Encryption<'_>>,
) -> String {
    let header = Header::of(file, encryption.map(|encryption| encryption.nonce)).text();
    let body = document::body(file);
    let text = match encryption {
        None => header + &body,
        Some(Encryption { license_key, nonce }) => {
            let cipher = cipher(license_key, &nonce, &header);
            let payload = Payload { msg: body.as_bytes(), aad: header.as_bytes() };
            let sealed = cipher.encrypt(&Nonce::from(nonce), payload);
            let sealed = sealed.expect("a license file is shorter than AES-GCM's 64 GiB");
            format!("{header}{SEALED}{}\n", BASE64.encode(sealed))
        }
    };
    let signer = signer.signer(file.account);
    signer.verifier().note_of(&text, &signer.sign_text(&text))
}

/// What a note says, once its signature is checked.
pub(super) fn open(
    note: &str,
    keys: &[PublicKey],
    license_key: Option<&str>,
) -> Result<LicenseFile, ArtefactError> {
    let note = Note::read(note)?;
    note.verify(keys)?;
    let Some(nonce) = note.header.nonce() else {
        return document::read_body(&note.header, note.body);
    };
    let license_key = license_key.ok_or(ArtefactError::NeedsLicenseKey)?;
    let sealed = note.sealed()?;
    let header = note.header.text();
    let payload = Payload { msg: &sealed, aad: header.as_bytes() };
    let body = cipher(license_key, nonce, &header)
        .decrypt(&Nonce::from(*nonce), payload)
        .map_err(|_| ArtefactError::WrongLicenseKey)?;
    let body = String::from_utf8(body).map_err(|_| Malformed("its body is not UTF-8"))?;
    document::read_body(&note.header, &body)
}

/// A cipher whose key is this file's alone: the derivation takes in the nonce and the whole header,
/// whose first line separates it from every other use of the license key.
fn cipher(license_key: &str, nonce: &[u8; 12], header: &str) -> Aes256Gcm {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(nonce), license_key.as_bytes())
        .expand(header.as_bytes(), &mut key)
        .expect("32 bytes are no more than HKDF gives");
    Aes256Gcm::new(&key.into())
}

/// A note taken apart, before anything of it is believed.
pub(super) struct Note<'a> {
    pub(super) header: Header,
    /// What the signature covers.
    text: &'a str,
    /// What of it follows the header.
    body: &'a str,
    key_hash: [u8; 4],
    signature: [u8; 64],
}

impl<'a> Note<'a> {
    pub(super) fn read(note: &'a str) -> Result<Self, ArtefactError> {
        const SIGNATURE: ArtefactError = Malformed("its signature line");
        let blank = note.find("\n\n").ok_or(Malformed("it has no signature line"))?;
        let (text, rest) = note.split_at(blank + 1);
        let (header, body) = Header::read(text)?;
        let blob = rest
            .strip_prefix("\n— ")
            .and_then(|line| line.strip_prefix(&keys::name(header.account, header.key_number)))
            .and_then(|line| line.strip_prefix(' ')?.strip_suffix('\n'))
            .and_then(|blob| BASE64.decode(blob).ok())
            .ok_or(SIGNATURE)?;
        let (key_hash, signature) = blob.split_first_chunk().ok_or(SIGNATURE)?;
        let signature = signature.try_into().map_err(|_| SIGNATURE)?;
        Ok(Self { header, text, body, key_hash: *key_hash, signature })
    }

    pub(super) fn verify(&self, keys: &[PublicKey]) -> Result<(), ArtefactError> {
        let number = self.header.key_number;
        // The hash covers the account and the number too: another account's key is passed over.
        for key in keys.iter().filter(|key| key.number == number) {
            let verifier = key.verifier(self.header.account)?;
            if verifier.key_hash() != self.key_hash {
                continue;
            }
            if !verifier.accepts_text(self.text, &self.signature) {
                return Err(ArtefactError::Forged);
            }
            return match key.retired_at {
                Some(at) if at <= self.header.issued_at => {
                    Err(ArtefactError::KeyRetired(number, at))
                }
                _ => Ok(()),
            };
        }
        Err(ArtefactError::UnknownKey(number))
    }

    fn sealed(&self) -> Result<Vec<u8>, ArtefactError> {
        self.body
            .strip_prefix(SEALED)
            .and_then(|line| line.strip_suffix('\n'))
            .and_then(|text| BASE64.decode(text).ok())
            .ok_or(Malformed("its encrypted body"))
    }
}
