//! Checkpoints: C2SP signed notes (`tlog-checkpoint`, `signed-note`) with Ed25519.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use super::tree::Hash;

/// The signature type byte of Ed25519 in `signed-note`.
const ED25519: u8 = 1;

/// What a checkpoint says: a ledger of this origin and size has this root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which ledger.
    pub origin: String,
    /// How many records.
    pub size: u64,
    /// Their Merkle root.
    pub root: Hash,
}

/// Who signs checkpoints.
pub struct Signer {
    key: SigningKey,
    verifier: Verifier,
}

/// Who checks them: a name and a public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: VerifyingKey,
}

/// Why text is not a checkpoint, or not one of this key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckpointError {
    /// The text has another form.
    Malformed,
    /// The key's text has another form, or its hash does not belong to it.
    MalformedKey,
    /// No signature line carries this key's name and hash.
    NotSigned,
    /// The signature does not belong to the text.
    Forged,
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the text is not a C2SP checkpoint",
            Self::MalformedKey => "the text is not a verifier key (name+hash+base64)",
            Self::NotSigned => "the checkpoint carries no signature by this key",
            Self::Forged => "the signature does not belong to the checkpoint",
        })
    }
}

impl core::error::Error for CheckpointError {}

impl Checkpoint {
    /// The text that is signed: three lines.
    #[must_use]
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root))
    }

    /// Reads a signed checkpoint and checks its signature. Signatures by others are passed over.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn open(note: &str, verifier: &Verifier) -> Result<Self, CheckpointError> {
        use CheckpointError::{Forged, Malformed, NotSigned};
        let (body, signatures) = note.split_once("\n\n").ok_or(Malformed)?;
        let body = format!("{body}\n");
        let checkpoint = Self::parse_body(&body).ok_or(Malformed)?;
        let signature = signatures
            .lines()
            .filter_map(|line| line.strip_prefix("— ")?.split_once(' '))
            .filter(|(name, _)| *name == verifier.name)
            .filter_map(|(_, blob)| BASE64.decode(blob).ok())
            .find_map(|blob| Some((*blob.first_chunk::<4>()?, blob.get(4..)?.to_vec())))
            .ok_or(NotSigned)?;
        let (key_hash, signature) = signature;
        if key_hash != verifier.key_hash() {
            return Err(NotSigned);
        }
        let signature = signature.try_into().map_err(|_| Malformed)?;
        if !verifier.accepts(&checkpoint, &signature) {
            return Err(Forged);
        }
        Ok(checkpoint)
    }

    /// Reads what a note claims, without believing it.
    #[must_use]
    pub fn peek(note: &str) -> Option<Self> {
        let (body, _) = note.split_once("\n\n")?;
        Self::parse_body(&format!("{body}\n"))
    }

    fn parse_body(body: &str) -> Option<Self> {
        let mut lines = body.lines();
        let origin = lines.next().filter(|origin| !origin.is_empty())?.to_string();
        let size_text = lines.next()?;
        let size: u64 = size_text.parse().ok()?;
        let root = BASE64.decode(lines.next()?).ok()?.try_into().ok()?;
        let checkpoint = Self { origin, size, root };
        (checkpoint.body() == body).then_some(checkpoint)
    }
}

impl Signer {
    /// The signer with this name and secret key. The name has no spaces and no plus sign.
    #[must_use]
    pub fn new(name: &str, secret: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(secret);
        let verifier = Verifier { name: name.to_string(), key: key.verifying_key() };
        Self { key, verifier }
    }

    /// Who checks what this signs.
    #[must_use]
    pub const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The bare signature over a checkpoint's body.
    #[must_use]
    pub fn sign(&self, checkpoint: &Checkpoint) -> [u8; 64] {
        self.sign_text(&checkpoint.body())
    }

    /// The bare signature over the text of any note. Its first line must tell what kind it is.
    pub(crate) fn sign_text(&self, text: &str) -> [u8; 64] {
        self.key.sign(text.as_bytes()).to_bytes()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

impl Verifier {
    /// The verifier of a name and a public key.
    ///
    /// # Errors
    /// [`CheckpointError::MalformedKey`].
    pub fn new(name: &str, public: &[u8; 32]) -> Result<Self, CheckpointError> {
        let is_name = !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+');
        let key = VerifyingKey::from_bytes(public).ok().filter(|_| is_name);
        let key = key.ok_or(CheckpointError::MalformedKey)?;
        Ok(Self { name: name.to_string(), key })
    }

    /// Reads a verifier key, `name+hash+base64(type || key)`.
    ///
    /// # Errors
    /// [`CheckpointError::MalformedKey`].
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let malformed = CheckpointError::MalformedKey;
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(_), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(malformed);
        };
        let key = BASE64.decode(key).map_err(|_| malformed)?;
        let Some((&ED25519, public)) = key.split_first() else {
            return Err(malformed);
        };
        let verifier = Self::new(name, public.try_into().map_err(|_| malformed)?)?;
        if verifier.to_string() != text.trim() {
            return Err(malformed);
        }
        Ok(verifier)
    }

    /// The name that signs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Whether the signature belongs to the checkpoint.
    #[must_use]
    pub fn accepts(&self, checkpoint: &Checkpoint, signature: &[u8; 64]) -> bool {
        self.accepts_text(&checkpoint.body(), signature)
    }

    /// Whether the signature belongs to the text of a note.
    pub(crate) fn accepts_text(&self, text: &str, signature: &[u8; 64]) -> bool {
        self.key.verify_strict(text.as_bytes(), &Signature::from_bytes(signature)).is_ok()
    }

    /// The signed note: body, empty line, signature line.
    #[must_use]
    pub fn note(&self, checkpoint: &Checkpoint, signature: &[u8; 64]) -> String {
        self.note_of(&checkpoint.body(), signature)
    }

    /// The signed note of any text that ends in a line feed.
    pub(crate) fn note_of(&self, text: &str, signature: &[u8; 64]) -> String {
        let mut blob = self.key_hash().to_vec();
        blob.extend_from_slice(signature);
        format!("{text}\n— {} {}\n", self.name, BASE64.encode(blob))
    }

    /// The first four bytes of `SHA-256(name || "\n" || type || key)`.
    #[must_use]
    pub fn key_hash(&self) -> [u8; 4] {
        let digest = Sha256::new()
            .chain_update(self.name.as_bytes())
            .chain_update([b'\n', ED25519])
            .chain_update(self.key.as_bytes())
            .finalize();
        *digest.first_chunk().expect("a SHA-256 digest has 32 bytes")
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = alloc::vec![ED25519];
        key.extend_from_slice(self.key.as_bytes());
        let hash = u32::from_be_bytes(self.key_hash());
        write!(f, "{}+{hash:08x}+{}", self.name, BASE64.encode(key))
    }
}

#[cfg(test)]
mod tests;
