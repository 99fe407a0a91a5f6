//! Slow, salted hashes of passwords.

use argon2::{Argon2, PasswordHasher as _};
use tokio::sync::Semaphore;
use usance_wire::native::Fault;
use usance_wire::native::users::Password;

use crate::http::limits::PASSWORDS_HASHED_AT_ONCE_MAX;

/// Hashes a password with Argon2id and the default parameters, which are those that OWASP names, as
/// a PHC string.
///
/// # Errors
/// [`Fault::Internal`] where the system has no randomness or no memory for it.
pub(super) async fn hash(password: Password) -> Result<String, Fault> {
    static ROOM: Semaphore = Semaphore::const_new(PASSWORDS_HASHED_AT_ONCE_MAX);
    let _place = ROOM.acquire().await.map_err(|_| Fault::Internal)?;
    let hashed = tokio::task::spawn_blocking(move || {
        let hash = Argon2::default().hash_password(password.0.as_bytes());
        hash.map(|hash| hash.to_string())
    });
    match hashed.await {
        Ok(Ok(hash)) => Ok(hash),
        Ok(Err(error)) => {
            tracing::error!(%error, "a password could not be hashed");
            Err(Fault::Internal)
        }
        Err(_) => Err(Fault::Internal),
    }
}

#[cfg(test)]
mod tests {
    use argon2::{PasswordHash, PasswordVerifier as _};

    use super::*;

    #[tokio::test]
    async fn a_hash_verifies_its_password_and_no_other() {
        let hashed = |text: &str| hash(Password(text.to_owned()));
        let first = hashed("correct horse").await.unwrap();
        assert!(first.starts_with("$argon2id$v=19$"), "{first}");
        assert_ne!(first, hashed("correct horse").await.unwrap(), "the salt is the same");
        let parsed = PasswordHash::new(&first).unwrap();
        Argon2::default().verify_password(b"correct horse", &parsed).unwrap();
        assert!(Argon2::default().verify_password(b"correct hors", &parsed).is_err());
    }
}
