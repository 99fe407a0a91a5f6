//! Network addresses, and sets of them.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const V4_BITS: u32 = 32;
const V6_BITS: u32 = 128;

/// An address, as bits. IPv4 mapped into IPv6 is IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Address {
    V4(u32),
    V6(u128),
    /// Something was stated that is no address.
    Unreadable,
}

impl Address {
    /// Reads what an asker states. The zone of a link-local address (`fe80::1%eth0`) is dropped.
    pub(super) fn read(text: &str) -> Self {
        let text = text.split_once('%').map_or(text, |(address, _zone)| address);
        match text.parse::<IpAddr>() {
            Ok(address) => Self::of(address),
            Err(_) => Self::Unreadable,
        }
    }

    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => Self::V6(address.to_bits()),
        }
    }
}

/// An address or a set of them: `192.0.2.7`, `2001:db8::1`, `10.0.0.0/8`, `2001:db8::/32`,
/// `198.51.*.20`, or `*` for whatever is stated.
///
/// Equal sets are equal: `192.0.2.*` is `192.0.2.0/24`, and is written so. IPv6 networks hold no
/// IPv4 addresses, not even `::/0`, but for those within `::ffff:0:0/96`, which are IPv4.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressPattern(Set);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Set {
    /// Whatever is stated.
    Any,
    /// Those that have these bits where the mask is set.
    V4 { bits: u32, mask: u32 },
    /// Those that have these bits where the mask is set.
    V6 { bits: u128, mask: u128 },
}

impl AddressPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What it must be, in words.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "*" {
            return Ok(Self(Set::Any));
        }
        if text.contains('*') {
            return read_octets(text).map(Self);
        }
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) => (address, Some(read_prefix(prefix)?)),
        };
        match address.parse::<IpAddr>().map_err(|_| "has an address that is none")? {
            IpAddr::V4(address) => v4(address.to_bits(), prefix.unwrap_or(V4_BITS)).map(Self),
            IpAddr::V6(address) => {
                let prefix = prefix.unwrap_or(V6_BITS);
                let mapped = address.to_ipv4_mapped().zip(prefix.checked_sub(V6_BITS - V4_BITS));
                match mapped {
                    Some((address, prefix)) => v4(address.to_bits(), prefix).map(Self),
                    None => v6(address.to_bits(), prefix).map(Self),
                }
            }
        }
    }

    /// Whether it holds an address, which may be any text.
    #[must_use]
    pub fn matches(&self, address: &str) -> bool {
        self.holds(Address::read(address))
    }

    pub(super) fn holds(&self, address: Address) -> bool {
        match (self.0, address) {
            (Set::Any, _) => true,
            (Set::V4 { bits, mask }, Address::V4(address)) => address & mask == bits,
            (Set::V6 { bits, mask }, Address::V6(address)) => address & mask == bits,
            (Set::V4 { .. }, Address::V6(_) | Address::Unreadable)
            | (Set::V6 { .. }, Address::V4(_) | Address::Unreadable) => false,
        }
    }
}

/// Reads an IPv4 address with `*` for whole octets.
fn read_octets(text: &str) -> Result<Set, &'static str> {
    const REASON: &str = "has an address with * that is not four octets, like 192.0.2.*";
    let (mut bits, mut mask, mut count) = (0_u32, 0_u32, 0_usize);
    for octet in text.split('.') {
        count += 1;
        if count > 4 {
            return Err(REASON);
        }
        bits <<= 8;
        mask <<= 8;
        if octet == "*" {
            continue;
        }
        bits |= u32::from(octet.parse::<u8>().map_err(|_| REASON)?);
        mask |= u32::from(u8::MAX);
        let plain = octet.bytes().all(|byte| byte.is_ascii_digit());
        if !plain || (octet.len() > 1 && octet.starts_with('0')) {
            return Err(REASON);
        }
    }
    if count < 4 {
        return Err(REASON);
    }
    Ok(Set::V4 { bits, mask })
}

fn read_prefix(text: &str) -> Result<u32, &'static str> {
    if text.is_empty() || text.len() > 3 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PREFIX_REASON);
    }
    text.parse().map_err(|_| PREFIX_REASON)
}

const PREFIX_REASON: &str = "has a network whose prefix is not 0 to 32, or to 128 for IPv6";
const HOST_BITS_REASON: &str = "has a network with bits set behind its prefix; \
                                write 10.0.0.0/8, not 10.1.2.3/8";

fn v4(bits: u32, prefix: u32) -> Result<Set, &'static str> {
    let behind = V4_BITS.checked_sub(prefix).ok_or(PREFIX_REASON)?;
    let mask = u32::MAX.checked_shl(behind).unwrap_or_default();
    if bits & mask != bits {
        return Err(HOST_BITS_REASON);
    }
    Ok(Set::V4 { bits, mask })
}

fn v6(bits: u128, prefix: u32) -> Result<Set, &'static str> {
    let behind = V6_BITS.checked_sub(prefix).ok_or(PREFIX_REASON)?;
    let mask = u128::MAX.checked_shl(behind).unwrap_or_default();
    if bits & mask != bits {
        return Err(HOST_BITS_REASON);
    }
    Ok(Set::V6 { bits, mask })
}

impl fmt::Display for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Set::Any => f.write_str("*"),
            Set::V4 { bits, mask: u32::MAX } => write!(f, "{}", Ipv4Addr::from_bits(bits)),
            Set::V4 { bits, mask } if mask.leading_ones() == mask.count_ones() => {
                write!(f, "{}/{}", Ipv4Addr::from_bits(bits), mask.leading_ones())
            }
            Set::V4 { bits, mask } => {
                for (index, (octet, known)) in
                    bits.to_be_bytes().into_iter().zip(mask.to_be_bytes()).enumerate()
                {
                    let point = if index > 0 { "." } else { "" };
                    match known {
                        0 => write!(f, "{point}*")?,
                        _ => write!(f, "{point}{octet}")?,
                    }
                }
                Ok(())
            }
            Set::V6 { bits, mask: u128::MAX } => write!(f, "{}", Ipv6Addr::from_bits(bits)),
            Set::V6 { bits, mask } => {
                write!(f, "{}/{}", Ipv6Addr::from_bits(bits), mask.leading_ones())
            }
        }
    }
}

impl fmt::Debug for AddressPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressPattern(…)")
    }
}
