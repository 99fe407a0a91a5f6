use std::net::SocketAddr;

use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::http::{extract, operations, problem::No};

/// A server of a few routes, and what ends it.
struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Served {
    async fn new(options: HttpOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let read = move |body: Body| async move {
            let body = extract::read(body, 1024, &options).await.map_err(No::from);
            body.map(|body| format!("{} bytes", body.len()))
        };
        let router = Router::new()
            .route("/alive", get(operations::alive))
            .route("/panic", get(panics))
            .route("/read", post(read))
            .fallback(operations::no_such_route)
            .method_not_allowed_fallback(operations::method_not_allowed);
        let ended = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            let doors = Doors { router, app: None };
            serve_doors(listener, doors, options, stopped).await;
        });
        Self { address, stop, ended }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads to the end of the connection.
    async fn talk(&self, bytes: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

async fn panics() {
    panic!("on purpose");
}

fn short(field: fn(&mut HttpOptions) -> &mut Duration) -> HttpOptions {
    let mut options = HttpOptions::default();
    *field(&mut options) = Duration::from_millis(50);
    options
}

#[tokio::test]
async fn every_end_is_an_answer() {
    let served = Served::new(HttpOptions::default()).await;
    let close = "Host: x\r\nConnection: close\r\n";
    for (request, status, part) in [
        (format!("GET /alive HTTP/1.1\r\n{close}\r\n"), 200, "alive"),
        (format!("POST /read HTTP/1.1\r\n{close}Content-Length: 3\r\n\r\nabc"), 200, "3 bytes"),
        (
            format!("POST /read HTTP/1.1\r\n{close}Content-Length: 9999\r\n\r\n"),
            413,
            "\"code\":\"body-too-large\"",
        ),
        (
            format!("POST /read HTTP/1.1\r\n{close}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            400,
            "\"code\":\"body-incomplete\"",
        ),
        (format!("GET /nowhere HTTP/1.1\r\n{close}\r\n"), 404, "\"code\":\"no-such-route\""),
        (format!("DELETE /read HTTP/1.1\r\n{close}\r\n"), 405, "\"code\":\"method-not-allowed\""),
        (format!("DELETE /read HTTP/1.1\r\n{close}\r\n"), 405, "allow: POST"),
        (format!("GET /panic HTTP/1.1\r\n{close}\r\n"), 500, "\"code\":\"internal\""),
        (format!("GET /alive HTTP/1.1\r\n{close}\r\n"), 200, "alive"),
    ] {
        let answer = served.talk(&request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}{answer}");
        assert!(answer.contains(part), "{part} in {answer}");
    }
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let served = Served::new(HttpOptions::default()).await;
    let body = "x".repeat(8 * 1024 * 1024);
    let last = "GET /alive HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    for path in ["/read", "/nowhere"] {
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n", body.len());
        let answer = served.talk(&format!("{head}\r\n{body}{last}")).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert!(answer.contains("HTTP/1.1 200 "), "the connection goes on: {answer}");

        // One that asks first is told before it sends.
        let answer = served.talk(&format!("{head}Expect: 100-continue\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
}

#[tokio::test]
async fn heads_are_bounded() {
    let served = Served::new(HttpOptions::default()).await;
    let long = "x".repeat(READ_BUFFER_BYTES_MAX);
    let answer = served.talk(&format!("GET /alive HTTP/1.1\r\nx: {long}")).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let many: String = (0..=HEADERS_MAX).map(|index| format!("x{index}: y\r\n")).collect();
    let answer = served.talk(&format!("GET /alive HTTP/1.1\r\n{many}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn slow_clients_are_given_up() {
    let served = Served::new(short(|options| &mut options.header_timeout)).await;
    let answer = served.talk("GET /alive HTT").await;
    assert!(answer.is_empty(), "{answer}");

    let served = Served::new(short(|options| &mut options.body_timeout)).await;
    let answer = served.talk("POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"code\":\"request-timeout\""), "{answer}");
}

#[tokio::test]
async fn connections_beyond_the_bound_wait() {
    let served = Served::new(HttpOptions { connections_max: 1, ..HttpOptions::default() }).await;
    let first = served.connect().await;
    let mut second = served.connect().await;
    let request = b"GET /alive HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    second.write_all(request).await.unwrap();
    let mut answer = String::new();
    {
        let mut reading = pin!(second.read_to_string(&mut answer));
        // Whoever is second hears nothing while the first is there, and is served after it.
        let waited = tokio::time::timeout(Duration::from_millis(50), &mut reading).await;
        assert!(waited.is_err());
        drop(first);
        reading.await.unwrap();
    }
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn stopping_ends_idle_connections_and_cuts_stuck_ones() {
    let served = Served::new(short(|options| &mut options.drain_timeout)).await;
    let mut idle = served.connect().await;
    let request = b"GET /alive HTTP/1.1\r\nHost: x\r\n\r\n";
    idle.write_all(request).await.unwrap();
    let mut begin = [0; 12];
    idle.read_exact(&mut begin).await.unwrap();
    let mut stuck = served.connect().await;
    let request = b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na";
    stuck.write_all(request).await.unwrap();
    served.stop.send(()).unwrap();
    served.ended.await.unwrap();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(TcpStream::connect(served.address).await.is_err());
}
