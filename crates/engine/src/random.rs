//! Randomness from the operating system: ids, secrets, salts.

use usance_core::key::KeyPattern;
use usance_core::ledger::commitment::Salt;
use usance_core::time::Timestamp;

/// Random bytes.
///
/// # Panics
/// If the operating system has no randomness to give: nothing can be done safely then.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

/// The bytes of a UUID of version 7 (RFC 9562): the time in milliseconds, then randomness.
#[must_use]
pub fn uuid_v7(now: Timestamp) -> [u8; 16] {
    let mut bytes: [u8; 16] = bytes();
    let millis = u64::try_from(now.0).unwrap_or(0).to_be_bytes();
    bytes[..6].copy_from_slice(&millis[2..]);
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    bytes
}

/// A salt for one commitment.
#[must_use]
pub fn salt() -> Salt {
    bytes()
}

/// A license key of this pattern.
#[must_use]
pub fn license_key(pattern: &KeyPattern) -> String {
    let mut random = vec![0; pattern.random_symbols()];
    getrandom::fill(&mut random).expect("the operating system gives randomness");
    pattern.key(&random)
}

/// The secret of a token: `usance_` and 52 symbols of five random bits.
#[must_use]
pub fn token_secret() -> String {
    const SYMBOLS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let random: [u8; 52] = bytes();
    let symbols = random.iter().map(|byte| char::from(SYMBOLS[usize::from(byte & 31)]));
    "usance_".chars().chain(symbols).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_their_time_and_version() {
        let id = uuid_v7(Timestamp(0x0123_4567_89ab));
        assert_eq!(id[..6], [0x01, 0x23, 0x45, 0x67, 0x89, 0xab]);
        assert_eq!((id[6] >> 4, id[8] >> 6), (7, 2));
        assert_ne!(uuid_v7(Timestamp(1)), uuid_v7(Timestamp(1)));
    }

    #[test]
    fn secrets_are_long_and_differ() {
        let secret = token_secret();
        assert_eq!(secret.len(), 59);
        assert_ne!(secret, token_secret());
    }
}
