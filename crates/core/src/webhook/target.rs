//! The address of a receiver, read far enough to know that it is one.

use crate::limits::WEBHOOK_URL_BYTES_MAX;
use crate::refusal::Refusal;

/// The parts of an address that connecting needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'a> {
    /// Whether it is reached by TLS.
    pub is_https: bool,
    /// A name or address, without the brackets of IPv6.
    pub host: &'a str,
    /// The port.
    pub port: u16,
    /// Host and port as they were written.
    pub authority: &'a str,
    /// The path and the query; `/` if there is none.
    pub path: &'a str,
}

impl<'a> Target<'a> {
    /// Reads an address.
    ///
    /// # Errors
    /// [`Refusal::Invalid`], saying what is wrong.
    pub fn parse(url: &'a str) -> Result<Self, Refusal> {
        let refuse = |what| Refusal::invalid("url", what);
        if url.len() > WEBHOOK_URL_BYTES_MAX {
            return Err(refuse("may have 2048 bytes"));
        }
        if !url.bytes().all(|byte| byte.is_ascii_graphic()) || url.contains(['"', '<', '>', '\\']) {
            return Err(refuse("must be printable ASCII; encode what is not"));
        }
        let (is_https, rest) = if let Some(rest) = url.strip_prefix("https://") {
            (true, rest)
        } else if let Some(rest) = url.strip_prefix("http://") {
            (false, rest)
        } else {
            return Err(refuse("must begin with https:// (or http://, where that is allowed)"));
        };
        if rest.contains('#') {
            return Err(refuse("must have no fragment"));
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if path.starts_with('?') {
            return Err(refuse("must have a path before its query"));
        }
        if authority.contains('@') {
            return Err(refuse("must hold no user or password"));
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(|| refuse("lacks a ]"))?;
                (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')) })
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(Some(port))),
                None => (authority, None),
            },
        };
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_host) {
            return Err(refuse("must name a host"));
        }
        let port = match port {
            None => Some(if is_https { 443 } else { 80 }),
            Some(digits) => digits
                .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|digits| digits.parse().ok())
                .filter(|port| *port != 0),
        };
        let port = port.ok_or_else(|| refuse("must have a port from 1 to 65535, or none"))?;
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { is_https, host, port, authority, path })
    }
}

/// Refuses what is no address of a receiver.
///
/// # Errors
/// [`Refusal::Invalid`].
pub fn check_url(url: &str) -> Result<(), Refusal> {
    Target::parse(url).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        for (url, expected) in [
            ("https://a.example", (true, "a.example", 443, "a.example", "/")),
            ("https://a.example/", (true, "a.example", 443, "a.example", "/")),
            ("http://a.example:8080/x?y=1", (false, "a.example", 8080, "a.example:8080", "/x?y=1")),
            ("https://[2001:db8::1]:9/h", (true, "2001:db8::1", 9, "[2001:db8::1]:9", "/h")),
            ("https://[::1]/h", (true, "::1", 443, "[::1]", "/h")),
            ("http://127.0.0.1/h", (false, "127.0.0.1", 80, "127.0.0.1", "/h")),
        ] {
            let found = Target::parse(url).unwrap();
            let Target { is_https, host, port, authority, path } = found;
            assert_eq!((is_https, host, port, authority, path), expected, "{url}");
        }
        for wrong in [
            "",
            "a.example",
            "ftp://a.example",
            "HTTPS://a.example",
            "https://",
            "https:///x",
            "https://:80",
            "https://a:0/",
            "https://a:65536/",
            "https://a:+1/",
            "https://a:/",
            "https://[::1/",
            "https://[::1]9/",
            "https://u:p@a.example/",
            "https://a.example/#x",
            "https://a.example?x",
            "https://a.example/a b",
            "https://a.example/\r\nx",
            "https://é.example/",
        ] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }
}
