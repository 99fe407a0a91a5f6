//! Redis: the fastest counter that many would reach for, made durable.
//!
//! Append-only file, synced before every answer, and a script that checks the limit; the keyed
//! variant also claims an idempotency key, with the same window as usance's default. The client
//! speaks the protocol directly over the common load loop, because no library would be faster.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::Signal;

use crate::child::Child;
use crate::dialogue::{Asked, Dialogue, Heard};
use crate::template::{KEY_PLACE, Keys, LICENSE_PLACE, LicenseDigits, RoundRobin, Template};
use crate::uses::Keying;

/// What to do when it is not there.
pub const INSTALL: &str = "not installed; apt-get install redis-server";

const PLAIN: &str = "local total = tonumber(redis.call('GET', KEYS[1]) or '0')
if total + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return -1 end
return redis.call('INCRBY', KEYS[1], ARGV[1])";

const KEYED: &str = "local total = tonumber(redis.call('GET', KEYS[1]) or '0')
if total + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return -1 end
if not redis.call('SET', KEYS[2], '1', 'NX', 'EX', 2592000) then return total end
return redis.call('INCRBY', KEYS[1], ARGV[1])";

/// A running Redis with both scripts loaded.
pub struct Redis {
    _child: Child,
    pub address: SocketAddr,
    plain: String,
    keyed: String,
}

impl Redis {
    /// Starts it in a directory, or says that it is not installed.
    pub fn start(directory: &Path) -> Result<Option<Self>> {
        if !Command::new("redis-server")
            .arg("--version")
            .output()
            .is_ok_and(|out| out.status.success())
        {
            return Ok(None);
        }
        let port = free_port()?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
        command.arg("--dir").arg(directory);
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--save", ""]);
        // A rewrite in the background would only slow it down within our minutes.
        command.args(["--auto-aof-rewrite-percentage", "0"]);
        let child = Child::start("redis-server", command)?;
        // Its data is thrown away; no need for an orderly end.
        let mut child = child.stopped_by(Signal::KILL, Duration::from_secs(10));
        let stream =
            child.wait_until(Duration::from_secs(15), || TcpStream::connect(address).ok())?;
        let plain = load_script(&stream, PLAIN)?;
        let keyed = load_script(&stream, KEYED)?;
        Ok(Some(Self { _child: child, address, plain, keyed }))
    }

    /// Bounded increments of one, license after license.
    pub fn uses<'a>(
        &self,
        licenses: &'a [LicenseDigits],
        keying: Keying,
        keys: &'a mut Keys,
    ) -> Result<Increments<'a>> {
        let meter = format!("meter:{LICENSE_PLACE}");
        let key = format!("use:{KEY_PLACE}");
        let words: &[&str] = match keying {
            Keying::Plain => &["EVALSHA", &self.plain, "1", &meter, "1", "1000000000000000"],
            Keying::Keyed => &["EVALSHA", &self.keyed, "2", &meter, &key, "1", "1000000000000000"],
        };
        Ok(Increments {
            template: Template::new(encode(words)),
            licenses: RoundRobin::new(licenses)?,
            keys,
        })
    }
}

/// A load of bounded increments.
pub struct Increments<'a> {
    template: Template,
    licenses: RoundRobin<'a>,
    keys: &'a mut Keys,
}

impl Dialogue for Increments<'_> {
    fn ask(&mut self, _connection_index: usize, output: &mut Vec<u8>) -> Result<Asked> {
        self.template.write(&mut self.licenses, self.keys, output)?;
        Ok(Asked::Request)
    }

    fn hear(&mut self, _connection_index: usize, input: &[u8]) -> Result<Heard> {
        let size_bytes = input.len();
        if !input.ends_with(b"\r\n") {
            return Ok(Heard::Partly { needed_bytes: size_bytes + 1 });
        }
        // A new total is a positive integer; a refusal is -1 and an error begins with a minus.
        if input.starts_with(b":") && !input.starts_with(b":-") {
            return Ok(Heard::Expected { size_bytes, units: 1 });
        }
        Ok(Heard::Unexpected { size_bytes })
    }
}

fn load_script(mut stream: &TcpStream, script: &str) -> Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(&encode(&["SCRIPT", "LOAD", script]))?;
    let mut reader = BufReader::new(stream);
    let mut size = String::new();
    reader.read_line(&mut size)?;
    ensure!(size.starts_with("$40"), "Redis refuses the script: {}", size.trim());
    let mut hash = String::new();
    reader.read_line(&mut hash)?;
    Ok(hash.trim().to_owned())
}

fn encode(words: &[&str]) -> Vec<u8> {
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    text.into_bytes()
}

/// A port nobody listens on at the moment.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot find a free port")?;
    Ok(listener.local_addr()?.port())
}
