//! Keeps the secret halves of signing keys, encrypted with a key that lies beside the database.

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use sha2::{Digest, Sha256};

/// Encrypts and decrypts secrets. Who has only the database, a backup or a copy of it, cannot.
pub struct Vault(Aes256Gcm);

/// Bytes of a nonce.
const NONCE: usize = 12;

impl Vault {
    /// The vault that the writer's key opens.
    #[must_use]
    pub fn new(writer_secret: &[u8; 32]) -> Self {
        let key =
            Sha256::new().chain_update(b"usance vault 1").chain_update(writer_secret).finalize();
        Self(Aes256Gcm::new(&key))
    }

    /// Locks a secret away; `name` says whose it is and must be said again to get it back.
    ///
    /// # Panics
    /// Never for secrets that fit memory.
    #[must_use]
    pub fn lock(&self, name: &str, secret: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = crate::random::bytes();
        let payload = Payload { msg: secret, aad: name.as_bytes() };
        let locked =
            self.0.encrypt(&Nonce::from(nonce), payload).expect("a secret is short enough");
        [&nonce[..], &locked].concat()
    }

    /// The secret again; none if it was locked by another vault, under another name, or changed.
    #[must_use]
    pub fn unlock(&self, name: &str, locked: &[u8]) -> Option<Vec<u8>> {
        let (nonce, msg) = locked.split_first_chunk::<NONCE>()?;
        self.0.decrypt(&Nonce::from(*nonce), Payload { msg, aad: name.as_bytes() }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_vault_and_name_unlock() {
        let (vault, other) = (Vault::new(&[1; 32]), Vault::new(&[2; 32]));
        let locked = vault.lock("key 1", b"secret");
        assert_eq!(vault.unlock("key 1", &locked).as_deref(), Some(&b"secret"[..]));
        assert_eq!(vault.unlock("key 2", &locked), None);
        assert_eq!(other.unlock("key 1", &locked), None);
        assert_eq!(vault.unlock("key 1", &locked[..5]), None);
        assert_ne!(vault.lock("key 1", b"secret"), locked);
    }
}
