//! What the ledger proves, checked with nothing but the answers and the verifier key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use ureq::http::Method;
use usance_core::ledger::checkpoint::{Checkpoint, Verifier};
use usance_core::ledger::proof::{verify_consistency, verify_inclusion};
use usance_core::ledger::record::{Event, Record};
use usance_core::ledger::tree::{Hash, leaf_hash};

use super::line::Caller;
use super::load::UseAnswer;
use super::vendor::{Customer, METER};
use crate::cli::fault::Fault;
use crate::cli::json;

/// A checkpoint whose signature holds.
pub struct Head {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The signed note.
    pub note: String,
}

#[derive(Deserialize)]
struct Inclusion {
    record: u64,
    bytes: String,
    path: Vec<String>,
}

#[derive(Deserialize)]
struct Consistency {
    path: Vec<String>,
}

/// The writer's verifier key. Who wants to be sure asks for it once, and keeps it.
///
/// # Errors
/// If the server has none to give.
pub fn verifier(admin: &mut Caller<'_>) -> Result<Verifier, Fault> {
    let text = admin.text("/v1/ledger/key")?;
    Verifier::parse(&text)
        .map_err(|error| Fault::failure("the server's verifier key is none").because(&error))
}

/// The newest checkpoint, with its signature checked.
///
/// # Errors
/// If there is none, or the signature is not by this key.
pub fn head(admin: &mut Caller<'_>, verifier: &Verifier) -> Result<Head, Fault> {
    let note = admin.text("/v1/ledger/checkpoint")?;
    let checkpoint = Checkpoint::open(&note, verifier).map_err(|error| {
        Fault::failure("the checkpoint of the server does not hold").because(&error)
    })?;
    Ok(Head { checkpoint, note })
}

/// Whether the later ledger continues the earlier one.
///
/// # Errors
/// If the server does not answer.
pub fn continues(
    admin: &mut Caller<'_>,
    earlier: &Checkpoint,
    later: &Checkpoint,
) -> Result<bool, Fault> {
    let path = format!("/v1/ledger/proof/consistency?from={}&to={}", earlier.size, later.size);
    let proof: Consistency = admin.need(&Method::GET, &path, None)?;
    Ok(earlier.origin == later.origin
        && verify_consistency(
            earlier.size,
            later.size,
            &earlier.root,
            &later.root,
            &hashes(&proof.path)?,
        ))
}

/// Whether a counted use is in the ledger as the client was told, and only so: with one bit of its
/// record changed, the proof must fail.
///
/// # Errors
/// If the server does not answer.
pub fn holds_use(
    admin: &mut Caller<'_>,
    head: &Checkpoint,
    customer: &Customer,
    told: &UseAnswer,
) -> Result<bool, Fault> {
    let path = format!("/v1/ledger/proof/inclusion?record={}&size={}", told.record, head.size);
    let proof: Inclusion = admin.need(&Method::GET, &path, None)?;
    let mut bytes = decode(&proof.bytes)?;
    let path = hashes(&proof.path)?;
    let is_in = |bytes: &[u8]| {
        verify_inclusion(&leaf_hash(bytes), told.record, head.size, &path, &head.root)
    };
    let says_so = proof.record == told.record && says(&bytes, customer, told);
    let is_there = is_in(&bytes);
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    Ok(says_so && is_there && !is_in(&bytes))
}

/// Whether the bytes of a record say what the client was told.
fn says(bytes: &[u8], customer: &Customer, told: &UseAnswer) -> bool {
    let Ok(record) = Record::decode(bytes) else {
        return false;
    };
    let Event::Use(event) = record.event else {
        return false;
    };
    event.license.to_string() == customer.license
        && event.meter == METER
        && event.counted.applied == told.applied
        && event.counted.total == told.total
        && event.counted.gross == told.gross
}

fn decode(text: &str) -> Result<Vec<u8>, Fault> {
    BASE64.decode(text).map_err(|error| json::not_understood().because(&error))
}

fn hashes(path: &[String]) -> Result<Vec<Hash>, Fault> {
    let hash = |text: &String| {
        let bytes = decode(text)?;
        Hash::try_from(bytes).map_err(|_| json::not_understood())
    };
    path.iter().map(hash).collect()
}
