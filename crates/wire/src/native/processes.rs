//! Programs that run on a machine.

use usance_core::activation::Process;
use usance_core::audience::Audience;
use usance_core::command::NewProcess;

use crate::json::value::Value;
use crate::json::write;
use crate::native::activations::machine_text;
use crate::native::metadata;
use crate::native::problem::Problem;
use crate::native::request;

pub(super) const NEW: [&str; 4] = ["id", "pid", "metadata", "metadata_visible_to"];

/// Reads a program that starts.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<NewProcess, Problem> {
    let members = request::object(body, &NEW)?;
    Ok(NewProcess {
        id: members.read("id", Value::id)?,
        pid: members.need("pid", machine_text)?,
        metadata: metadata::read(&members)?,
    })
}

/// Appends what an audience sees of a process; none is the vendor.
pub fn write(process: &Process, audience: Option<Audience>, out: &mut Vec<u8>) {
    write::object(out, |members| {
        members.word("id", process.id);
        members.word("activation", process.activation);
        members.text("pid", &process.pid);
        metadata::write(&process.metadata, audience, members);
        members.time("seen_at", process.seen_at);
        members.time("created_at", process.created_at);
    });
}
