//! Proofs over the ledger.

use usance_core::ledger::tree::Hash;
use usance_core::view::{ConsistencyProof, InclusionProof};

use crate::json::write::{self, Object};

/// Appends an inclusion proof.
pub fn write_inclusion(proof: &InclusionProof, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.integer("record", proof.record);
        members.bytes("bytes", &proof.bytes);
        members.integer("size", proof.size);
        members.bytes("root", &proof.root);
        write_path(&proof.path, members);
    });
}

/// Appends a consistency proof.
pub fn write_consistency(proof: &ConsistencyProof, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.integer("from", proof.from);
        members.integer("to", proof.to);
        members.bytes("from_root", &proof.from_root);
        members.bytes("to_root", &proof.to_root);
        write_path(&proof.path, members);
    });
}

fn write_path(path: &[Hash], members: &mut Object<'_>) {
    write::array(members.member("path"), path, |out, hash| write::base64(out, hash));
}
