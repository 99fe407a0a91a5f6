//! Which addresses are the public's, and which somebody's own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use usance_core::refusal::Refusal;
use usance_core::webhook::Target;

/// Whether an address is that of a machine in the public network. Everything else may be a machine
/// that trusts whoever is beside it: refused, unless the operator says otherwise.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => is_public_v4(address),
            None => is_public_v6(address),
        },
    }
}

/// By the registry of special addresses (RFC 6890 and those after it).
const fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        // Shared by carriers (RFC 6598).
        || a == 100 && b & 0xc0 == 64
        // Protocols (RFC 6890), documentation, and relays of 6to4.
        || a == 192 && b == 0 && (c == 0 || c == 2)
        || a == 192 && b == 88 && c == 99
        || address.is_documentation()
        // Benchmarks (RFC 2544).
        || a == 198 && b & 0xfe == 18
        // Multicast, reserved, broadcast.
        || a >= 224)
}

/// Of the global unicast addresses, which are all that is handed out, those that are no tunnel to
/// somewhere else.
const fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    a & 0xe000 == 0x2000
        // Protocols, Teredo, benchmarks, ORCHID.
        && !(a == 0x2001 && b < 0x0200)
        // Documentation.
        && !(a == 0x2001 && b == 0x0db8)
        && !(a == 0x3fff && b < 0x1000)
        // 6to4 holds any address of version 4.
        && a != 0x2002
}

/// Refuses at once what would be refused at every attempt: an address without TLS, or one that is
/// written out and not the public's. What a name leads to is only known when it is called.
///
/// # Errors
/// [`Refusal::Invalid`].
pub fn check(url: &str, allow_private: bool) -> Result<(), Refusal> {
    let target = Target::parse(url)?;
    if allow_private {
        return Ok(());
    }
    if !target.is_https {
        let what = "must begin with https://, unless the server allows private receivers";
        return Err(Refusal::invalid("url", what));
    }
    let is_private = target.host.parse().is_ok_and(|address| !is_public(address));
    if is_private || target.host.eq_ignore_ascii_case("localhost") {
        let what = "must be a public address, unless the server allows private receivers";
        return Err(Refusal::invalid("url", what));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_network_is_public() {
        for (text, expected) in [
            ("1.1.1.1", true),
            ("93.184.216.34", true),
            ("100.63.255.255", true),
            ("100.128.0.1", true),
            ("172.15.0.1", true),
            ("172.32.0.1", true),
            ("192.0.1.1", true),
            ("223.255.255.255", true),
            ("2606:4700::1111", true),
            ("2a00:1450:4001::1", true),
            ("::ffff:1.1.1.1", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("127.0.0.1", false),
            ("127.255.255.255", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.1", false),
            ("192.0.2.1", false),
            ("192.168.0.1", false),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("239.255.255.255", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("::7f00:1", false),
            ("64:ff9b::7f00:1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("3fff::1", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn what_is_hopeless_is_refused_at_once() {
        for (url, public, private) in [
            ("https://a.example/h", true, true),
            ("http://a.example/h", false, true),
            ("https://127.0.0.1/h", false, true),
            ("https://[::1]/h", false, true),
            ("https://LOCALHOST/h", false, true),
            ("https://169.254.169.254/latest/meta-data", false, true),
            ("https://1.1.1.1/h", true, true),
            ("ftp://a.example/h", false, false),
        ] {
            assert_eq!(check(url, false).is_ok(), public, "{url}");
            assert_eq!(check(url, true).is_ok(), private, "{url}");
        }
    }
}
