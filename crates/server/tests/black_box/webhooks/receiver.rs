//! A receiver of webhooks on loopback that behaves as a test wants.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Messages, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// How long a test waits for a message that must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What it answers a message.
#[derive(Debug, Clone)]
pub enum Does {
    /// This status, and these words.
    Says(u16, &'static str),
    /// A redirection to there.
    Redirects(String),
    /// Bytes that are no HTTP.
    Babbles,
    /// A head, and then words without end.
    Rambles,
    /// Nothing, until the other side gives up.
    Hangs,
    /// It closes the connection.
    Leaves,
}

/// A message as it arrived.
#[derive(Debug, Clone)]
pub struct Message {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Message {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The number of the event, by its id.
    pub fn number(&self) -> u64 {
        let id = self.header("webhook-id");
        id.rsplit_once('_').unwrap().1.parse().unwrap()
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    pub fn is_again(&self) -> bool {
        self.header("usance-redelivery") == "true"
    }

    /// How many of its signatures are those of this secret, computed by hand.
    pub fn signatures_by(&self, secret: &str) -> usize {
        let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let (id, time) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let right = BASE64_STANDARD.encode(hmac(&key, &format!("{id}.{time}.{}", self.body)));
        let signatures = self.header("webhook-signature").split(' ');
        signatures.filter(|each| each.strip_prefix("v1,") == Some(&right)).count()
    }
}

/// HMAC-SHA-256 as RFC 2104 writes it.
fn hmac(key: &[u8], text: &str) -> [u8; 32] {
    assert!(key.len() <= 64);
    let pad = |byte: u8| -> Vec<u8> {
        (0..64).map(|index| key.get(index).copied().unwrap_or(0) ^ byte).collect()
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
}

type Behaviour = Arc<Mutex<Box<dyn FnMut(&Message) -> Does + Send>>>;

/// A receiver; its threads end with the process.
pub struct Receiver {
    address: SocketAddr,
    messages: Messages<Message>,
    behaviour: Behaviour,
}

impl Receiver {
    /// One that takes everything.
    pub fn new() -> Self {
        Self::that(|_| Does::Says(204, ""))
    }

    /// One that does with each message what it is told.
    pub fn that(behaves: impl FnMut(&Message) -> Does + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, messages) = channel();
        let behaviour: Behaviour = Arc::new(Mutex::new(Box::new(behaves)));
        let shared = Arc::clone(&behaviour);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (sender, behaviour) = (sender.clone(), Arc::clone(&shared));
                thread::spawn(move || serve(stream, &sender, &behaviour));
            }
        });
        Self { address, messages, behaviour }
    }

    /// What it does from now on.
    pub fn now(&self, behaves: impl FnMut(&Message) -> Does + Send + 'static) {
        *self.behaviour.lock().unwrap() = Box::new(behaves);
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook?a=b", self.address)
    }

    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next message, which must come.
    #[track_caller]
    pub fn next(&self) -> Message {
        self.messages.recv_timeout(PATIENCE).expect("a message comes")
    }

    /// Messages up to and with one that is wanted.
    #[track_caller]
    pub fn until(&self, mut is_last: impl FnMut(&Message) -> bool) -> Vec<Message> {
        let mut all = Vec::new();
        loop {
            all.push(self.next());
            if is_last(all.last().unwrap()) {
                return all;
            }
        }
    }

    /// What has come so far.
    pub fn rest(&self) -> Vec<Message> {
        self.messages.try_iter().collect()
    }
}

fn serve(stream: TcpStream, sender: &Sender<Message>, behaviour: &Behaviour) {
    let mut reader = BufReader::new(stream);
    while let Some(message) = read(&mut reader) {
        let does = behaviour.lock().unwrap()(&message);
        // The test may be over.
        sender.send(message).unwrap_or_default();
        if answer(&mut reader, &does).is_none() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Message> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    let mut body = vec![0; length.1.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(Message { path, headers, body: String::from_utf8(body).ok()? })
}

/// None if the connection is over with it.
fn answer(reader: &mut BufReader<TcpStream>, does: &Does) -> Option<()> {
    let stream = reader.get_mut();
    match does {
        Does::Says(status, words) => {
            let length = match status {
                204 => String::new(),
                _ => format!("content-length: {}\r\n", words.len()),
            };
            // In one piece: the kernel holds small ones back.
            stream.write_all(format!("HTTP/1.1 {status} X\r\n{length}\r\n{words}").as_bytes()).ok()
        }
        Does::Redirects(to) => {
            write!(stream, "HTTP/1.1 307 X\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n").ok()
        }
        Does::Babbles => {
            write!(stream, "\u{7}220 mail.example ESMTP\r\n\r\n").ok();
            None
        }
        Does::Rambles => {
            write!(stream, "HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n").ok()?;
            while write!(stream, "400\r\n{}\r\n", "x".repeat(0x400)).is_ok() {}
            None
        }
        Does::Hangs => {
            let mut nothing = [0; 1];
            // Ends when the other side closes.
            reader.read_exact(&mut nothing).ok();
            None
        }
        Does::Leaves => None,
    }
}
