//! Randomness from the operating system: ids, secrets, salts.

use std::sync::atomic::{AtomicU64, Ordering};

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

/// The bytes of a UUID of version 7 (RFC 9562): the time in milliseconds, how many were made in
/// the same one before (section 6.2, method 1), then randomness.
///
/// Ids of this process are in the order of their making, for up to 4096 in a millisecond.
#[must_use]
pub fn uuid_v7(now: Timestamp) -> [u8; 16] {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let mut bytes: [u8; 16] = bytes();
    let millis = u64::try_from(now.0).unwrap_or(0);
    let [high, low] = place_in(millis, &LAST).to_be_bytes();
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    bytes[6] = high | 0x70;
    bytes[7] = low;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    bytes
}

/// How many ids were asked for in this millisecond before, in 12 bits.
fn place_in(millis: u64, last_given: &AtomicU64) -> u16 {
    const PLACES_MAX: u64 = 0xfff;
    let next = |last: u64| {
        let begin = millis << 12;
        if last >> 12 == millis { (last + 1).min(begin | PLACES_MAX) } else { begin }
    };
    let last =
        last_given.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
    let place = next(last.unwrap_or_else(|last| last)) & PLACES_MAX;
    u16::try_from(place).expect("12 bits")
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
    fn ids_of_one_millisecond_are_numbered_in_the_order_of_their_making() {
        let last = AtomicU64::new(0);
        let places: Vec<u16> = (0..4100).map(|_| place_in(7, &last)).collect();
        assert_eq!(places[..4096], (0..4096).collect::<Vec<_>>());
        assert_eq!(places[4096..], [4095; 4]);
        assert_eq!([place_in(8, &last), place_in(8, &last), place_in(6, &last)], [0, 1, 0]);
    }

    #[test]
    fn secrets_are_long_and_differ() {
        let secret = token_secret();
        assert_eq!(secret.len(), 59);
        assert_ne!(secret, token_secret());
    }
}
