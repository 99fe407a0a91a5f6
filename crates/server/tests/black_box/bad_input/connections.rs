//! Connections that a polite client would not make.

use std::io;

use super::Target;
use crate::http::{Connection, Request};

impl Target {
    fn connect(&self) -> Connection {
        Connection::open(self.server.address()).unwrap()
    }

    /// A request of the admin.
    fn bytes(&self, request: Request) -> Vec<u8> {
        let token = std::fs::read_to_string(self.server.data().join("admin-token")).unwrap();
        request.with("Authorization", format!("Bearer {}", token.trim())).bytes()
    }
}

#[test]
fn slow_clients_are_cut_off() {
    let flags = ["--header-timeout-ms", "400", "--body-timeout-ms", "400"];
    let target = Target::new().restarted(&flags);
    // The head comes byte by byte and stops.
    for head in ["G", "GET /healthz HTTP/1.1\r\nHost: x\r\n", ""] {
        let mut connection = target.connect();
        for byte in head.bytes() {
            // It may be cut off before it has said all that.
            if connection.send(&[byte]).is_err() {
                break;
            }
        }
        assert_eq!(connection.rest().unwrap(), "", "{head:?}");
    }
    // A connection that was used and is idle.
    let mut connection = target.connect();
    connection.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    connection.answer().unwrap().expect_text("alive\n");
    assert_eq!(connection.rest().unwrap(), "");
    // The body stops.
    let request = Request::post(target.path("increment"), r#"{"amount":"#);
    for (name, value) in [("Content-Length", "20"), ("Transfer-Encoding", "chunked")] {
        let mut connection = target.connect();
        connection.send(&target.bytes(request.clone().with(name, value))).unwrap();
        if name == "Content-Length" {
            let answer = connection.answer().unwrap();
            assert_eq!(answer.problem(), (408, "request-timeout".into()));
            assert_eq!(connection.rest().unwrap(), "", "and it is closed");
        } else {
            let answer = connection.answer().unwrap();
            assert!(answer.status >= 400, "{answer:?}");
        }
    }
    target.restarted(&[]).check();
}

#[test]
fn a_client_that_has_said_everything_still_gets_its_answer() {
    let target = Target::new();
    let mut connection = target.connect();
    connection.send(&target.bytes(Request::get("/v1/whoami"))).unwrap();
    connection.end_sending().unwrap();
    connection.answer().unwrap().expect(200);
    // With a body, and with two requests before the end.
    let mut connection = target.connect();
    let item = format!(r#"[{{"license":"{}","meter":"none"}}]"#, target.license);
    let request = target.bytes(Request::post("/v1/uses", item));
    connection.send(&[request.clone(), request].concat()).unwrap();
    connection.end_sending().unwrap();
    for _ in 0..2 {
        assert_eq!(connection.answer().unwrap().expect(200)["refused"], 1);
    }
    assert_eq!(connection.rest().unwrap(), "");
    target.check();
}

#[test]
fn a_client_that_ends_within_its_request_is_not_counted() {
    let target = Target::new();
    let whole = target.bytes(Request::post(target.path("increment"), r#"{"amount":1}"#));
    for missing in [1, 5, 11, 12, 14, 40] {
        let mut connection = target.connect();
        connection.send(&whole[..whole.len() - missing]).unwrap();
        connection.end_sending().unwrap();
        // Nothing, or a refusal.
        match connection.answer() {
            Ok(answer) => assert_eq!(answer.status, 400, "{answer:?}"),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof),
        }
    }
    target.check();
}

#[test]
fn what_follows_a_request_is_a_request_or_ends_the_connection() {
    let target = Target::new();
    let valid = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    for garbage in ["garbage\r\n\r\n", "\0\0\0\0\0\0\0\0\r\n\r\n", "{\"amount\":1}\r\n\r\n"] {
        let mut connection = target.connect();
        connection.send(format!("{valid}{garbage}").as_bytes()).unwrap();
        connection.answer().unwrap().expect_text("alive\n");
        let answer = connection.answer().unwrap();
        assert_eq!(answer.status, 400, "{garbage:?}");
        assert_eq!(connection.rest().unwrap(), "", "{garbage:?}");
    }
    let mut connection = target.connect();
    connection.send(valid.repeat(50).as_bytes()).unwrap();
    for _ in 0..50 {
        connection.answer().unwrap().expect_text("alive\n");
    }
    target.check();
}

/// A request as text; what it is answered with, and whether the connection is over then.
#[test]
fn framing_that_lies_or_could_be_read_two_ways_is_refused() {
    let target = Target::new();
    let path = target.path("increment");
    let bearer = {
        let bytes = target.bytes(Request::get("/x"));
        let text = String::from_utf8(bytes).unwrap();
        text.lines().find(|line| line.starts_with("Authorization")).unwrap().to_owned()
    };
    let post = |headers: &str, body: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: x\r\n{bearer}\r\n{headers}\r\n\r\n{body}")
    };
    let body = r#"{"amount":1,"x":1}"#;
    let too_large = "a".repeat(1024 * 1024 + 1);
    let chunked_too_large = format!("{:x}\r\n{too_large}\r\n0\r\n\r\n", too_large.len());
    for (what, request, statuses) in [
        (
            "both framings",
            post("Content-Length: 18\r\nTransfer-Encoding: chunked", body),
            &[400][..],
        ),
        ("two lengths", post("Content-Length: 18\r\nContent-Length: 17", body), &[400]),
        ("a negative length", post("Content-Length: -1", body), &[400]),
        ("a length that is no number", post("Content-Length: ten", body), &[400]),
        ("a length with a sign", post("Content-Length: +18", body), &[400]),
        ("a length beyond 64 bits", post("Content-Length: 99999999999999999999", body), &[400]),
        ("a length beyond the bound", post("Content-Length: 9223372036854775807", body), &[413]),
        ("an encoding that is none", post("Transfer-Encoding: gzip", body), &[400, 501]),
        ("chunked twice over", post("Transfer-Encoding: chunked, chunked", body), &[400]),
        ("a chunk that is no chunk", post("Transfer-Encoding: chunked", "zz\r\n"), &[400]),
        ("a chunk with a sign", post("Transfer-Encoding: chunked", "-1\r\n"), &[400]),
        (
            "a chunk that is too long",
            post("Transfer-Encoding: chunked", "ffffffffffffffff1\r\n"),
            &[400],
        ),
        ("chunks beyond the bound", post("Transfer-Encoding: chunked", &chunked_too_large), &[413]),
        (
            "a body beyond the bound",
            post(&format!("Content-Length: {}", too_large.len()), &too_large),
            &[413],
        ),
        ("no host", "GET /v1/whoami HTTP/1.1\r\n\r\n".into(), &[400, 401]),
        ("a folded header", post("X: a\r\n b\r\nContent-Length: 18", body), &[400]),
        ("a space before the colon", post("Content-Length : 18", body), &[400]),
        ("a header without a colon", post("Content-Length", body), &[400]),
        ("a byte that headers have not", post("X: a\0b\r\nContent-Length: 18", body), &[400]),
        ("another version", "GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n".into(), &[400, 505]),
        ("no version", "GET /healthz\r\n\r\n".into(), &[400]),
        ("a path with a space", "GET /health z HTTP/1.1\r\nHost: x\r\n\r\n".into(), &[400]),
        ("TLS", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\r\n\r\n".into(), &[400]),
        (
            "a header too long",
            post(&format!("X: {}\r\nContent-Length: 18", "x".repeat(200_000)), body),
            &[431],
        ),
        ("headers too many", post(&"X: y\r\n".repeat(65), body), &[431]),
        (
            "a path too long",
            format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(200_000)),
            &[414, 431],
        ),
    ] {
        let mut connection = target.connect();
        // The server may answer and close before it has read everything.
        let sent = connection.send(request.as_bytes());
        let answer = connection.answer();
        let answer = answer.unwrap_or_else(|error| panic!("{what}: {sent:?} {error}"));
        assert!(statuses.contains(&answer.status), "{what}: {answer:?}");
    }
    target.check();
}

#[test]
fn a_length_that_is_too_short_leaves_the_rest_as_garbage() {
    let target = Target::new();
    let request = Request::post(target.path("increment"), r#"{"amount":"x"}{"amount":1}"#);
    let mut connection = target.connect();
    connection.send(&target.bytes(request.with("Content-Length", "14"))).unwrap();
    connection.end_sending().unwrap();
    assert_eq!(connection.answer().unwrap().problem(), (422, "invalid".into()));
    // What follows is no request, and above all not another use.
    match connection.answer() {
        Ok(answer) => assert_eq!(answer.status, 400),
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof),
    }
    target.check();
}

#[test]
fn a_body_is_announced_before_it_is_sent() {
    let target = Target::new();
    let expect = |length: &str| {
        let request = Request::post(target.path("increment"), "");
        let request = request.with("Expect", "100-continue").with("Content-Length", length);
        let mut connection = target.connect();
        connection.send(&target.bytes(request)).unwrap();
        connection
    };
    // One that is too long need not be sent.
    assert_eq!(expect("2000000").answer().unwrap().problem(), (413, "body-too-large".into()));
    let mut connection = expect("14");
    connection.interim().unwrap();
    connection.send(br#"{"amount":"x"}"#).unwrap();
    assert_eq!(connection.answer().unwrap().problem(), (422, "invalid".into()));
    target.check();
}

#[test]
fn many_idle_connections_keep_nobody_out() {
    let target = Target::new();
    let idle: Vec<_> = (0..300).map(|_| target.connect()).collect();
    let mut connection = target.connect();
    connection.send(&target.bytes(Request::get("/v1/whoami"))).unwrap();
    connection.answer().unwrap().expect(200);
    drop(idle);
    target.check();
}
