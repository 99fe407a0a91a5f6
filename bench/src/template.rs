//! Templates: a request written once, with places of fixed width that are patched for each sending.

use anyhow::{Result, ensure};
use memchr::memmem;

/// The digits of a license id, without its prefix.
pub type LicenseDigits = [u8; 32];
/// The digits of an idempotency key, without its prefix.
pub type KeyDigits = [u8; 16];

/// Stands for the digits of a license in a template.
pub const LICENSE_PLACE: &str = "################################";
/// Stands for the digits of an idempotency key in a template.
pub const KEY_PLACE: &str = "????????????????";

/// A request with places for licenses and keys.
#[derive(Debug, Clone)]
pub struct Template {
    bytes: Vec<u8>,
    license_places: Vec<usize>,
    key_places: Vec<usize>,
}

impl Template {
    /// Finds the places in a request.
    pub fn new(bytes: Vec<u8>) -> Self {
        let license_places = memmem::find_iter(&bytes, LICENSE_PLACE).collect();
        let key_places = memmem::find_iter(&bytes, KEY_PLACE).collect();
        Self { bytes, license_places, key_places }
    }

    /// Patches the places, in order, and appends the request to `output`.
    pub fn write<'a>(
        &mut self,
        mut licenses: impl Iterator<Item = &'a LicenseDigits>,
        keys: &mut Keys,
        output: &mut Vec<u8>,
    ) -> Result<()> {
        for place in &self.license_places {
            let target = self.bytes.get_mut(*place..*place + LICENSE_PLACE.len());
            let (Some(target), Some(digits)) = (target, licenses.next()) else {
                anyhow::bail!("there is no license to address");
            };
            target.copy_from_slice(digits);
        }
        for place in &self.key_places {
            if let Some(target) = self.bytes.get_mut(*place..*place + KEY_PLACE.len()) {
                target.copy_from_slice(&keys.fresh());
            }
        }
        output.extend_from_slice(&self.bytes);
        Ok(())
    }
}

/// The order in which idempotency keys come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum KeyOrder {
    /// As random as the UUIDs that clients send; hard on any index over them.
    Scattered,
    /// One after the other, as from a numbering client; what an index likes best.
    Ascending,
}

/// A supply of idempotency keys, none of them twice.
#[derive(Debug)]
pub struct Keys {
    order: KeyOrder,
    seed: u64,
    next: u64,
}

impl Keys {
    /// The seed keeps the keys of two processes apart, which may write to the same server.
    pub fn new(order: KeyOrder, seed: u64) -> Self {
        Self { order, seed, next: 0 }
    }

    /// The next key. Both orders are bijections of the count, so no key can come again.
    pub fn fresh(&mut self) -> KeyDigits {
        let count = self.next;
        self.next += 1;
        match self.order {
            KeyOrder::Ascending => hexadecimal((self.seed & !0xff_ffff_ffff).wrapping_add(count)),
            KeyOrder::Scattered => hexadecimal(scatter(count ^ self.seed)),
        }
    }
}

/// The finalizer of SplitMix64, a bijection of 64-bit numbers.
fn scatter(count: u64) -> u64 {
    let mut bits = count.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn hexadecimal(number: u64) -> KeyDigits {
    let mut digits = [0; 16];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        let nibble = (rest & 15) as u8;
        *digit = nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
        rest >>= 4;
    }
    digits
}

/// Licenses in turn, for ever. Each list has at least one.
#[derive(Debug)]
pub struct RoundRobin<'a> {
    licenses: &'a [LicenseDigits],
    next_index: usize,
}

impl<'a> RoundRobin<'a> {
    pub fn new(licenses: &'a [LicenseDigits]) -> Result<Self> {
        ensure!(!licenses.is_empty(), "there are no licenses to use");
        Ok(Self { licenses, next_index: 0 })
    }
}

impl<'a> Iterator for RoundRobin<'a> {
    type Item = &'a LicenseDigits;

    fn next(&mut self) -> Option<Self::Item> {
        let license = self.licenses.get(self.next_index);
        self.next_index += 1;
        if self.next_index >= self.licenses.len() {
            self.next_index = 0;
        }
        license
    }
}

/// The license with a number, for servers whose identifiers are ours to choose.
pub fn numbered_license(number: u64) -> LicenseDigits {
    let mut digits = [b'0'; 32];
    if let Some(tail) = digits.last_chunk_mut::<16>() {
        *tail = hexadecimal(number);
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_key_comes_twice() {
        for order in [KeyOrder::Scattered, KeyOrder::Ascending] {
            let mut keys = Keys::new(order, 0x1234_5678_9abc_def0);
            let seen: HashSet<KeyDigits> = (0..100_000).map(|_| keys.fresh()).collect();
            assert_eq!(seen.len(), 100_000);
        }
    }

    #[test]
    fn every_place_is_patched() {
        let mut template =
            Template::new(format!("{LICENSE_PLACE} {KEY_PLACE} {LICENSE_PLACE}").into());
        let licenses = [numbered_license(1), numbered_license(255)];
        let mut keys = Keys::new(KeyOrder::Ascending, 0);
        let mut output = Vec::new();
        template.write(RoundRobin::new(&licenses).unwrap(), &mut keys, &mut output).unwrap();
        let expected = format!("{:032x} {:016x} {:032x}", 1, 0, 255);
        assert_eq!(String::from_utf8(output).unwrap(), expected);
    }
}
