//! Machines that hold a license.

use usance_core::audience::Audience;
use usance_core::command::{ActivationPatch, NewActivation, NewComponent};
use usance_core::limits::{COMPONENTS_MAX, FINGERPRINT_BYTES_MAX, MACHINE_TEXT_BYTES_MAX};
use usance_core::refusal::Refusal;
use usance_core::view::ActivationView;

use crate::json::value::Value;
use crate::json::write::{self, Object};
use crate::native::metadata;
use crate::native::problem::Problem;
use crate::native::references;
use crate::native::request;

pub(super) const NEW: [&str; 17] = [
    "id",
    "fingerprint",
    "name",
    "hostname",
    "platform",
    "address",
    "cores",
    "memory",
    "disk",
    "is_vm",
    "is_container",
    "user",
    "components",
    "heartbeat_seconds",
    "overdraft",
    "metadata",
    "metadata_visible_to",
];
pub(super) const PATCH: [&str; 11] = [
    "name",
    "hostname",
    "platform",
    "address",
    "cores",
    "memory",
    "disk",
    "user",
    "components",
    "metadata",
    "metadata_visible_to",
];
pub(super) const COMPONENT: [&str; 3] = ["id", "fingerprint", "name"];

/// Reads a machine that is to hold a license.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_new(body: &[u8]) -> Result<NewActivation, Problem> {
    let members = request::object(body, &NEW)?;
    let flag = |name| Ok::<_, Refusal>(members.read(name, Value::boolean)?.unwrap_or_default());
    Ok(NewActivation {
        id: members.read("id", Value::id)?,
        fingerprint: members.need("fingerprint", fingerprint)?,
        name: members.read("name", machine_text)?,
        hostname: members.read("hostname", machine_text)?,
        platform: members.read("platform", machine_text)?,
        address: members.read("address", machine_text)?,
        cores: members.read("cores", Value::whole)?,
        memory: members.read("memory", Value::whole)?,
        disk: members.read("disk", Value::whole)?,
        is_vm: flag("is_vm")?,
        is_container: flag("is_container")?,
        user: members.read("user", references::user_in_value)?,
        components: members.read("components", components)?.unwrap_or_default(),
        metadata: metadata::read(&members)?,
        heartbeat_seconds: members.read("heartbeat_seconds", Value::whole)?,
        overdraft: members.read("overdraft", Value::whole)?.unwrap_or_default(),
    })
}

/// Reads changes of a machine.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_patch(body: &[u8]) -> Result<ActivationPatch, Problem> {
    let members = request::object(body, &PATCH)?;
    Ok(ActivationPatch {
        name: members.clear("name", machine_text)?,
        hostname: members.clear("hostname", machine_text)?,
        platform: members.clear("platform", machine_text)?,
        address: members.clear("address", machine_text)?,
        cores: members.clear("cores", Value::whole)?,
        memory: members.clear("memory", Value::whole)?,
        disk: members.clear("disk", Value::whole)?,
        user: members.clear("user", references::user_in_value)?,
        components: members.change("components", components)?,
        metadata: metadata::read_change(&members)?,
    })
}

/// Appends what an audience sees of a machine; none is the vendor, who also sees whose it is.
pub fn write(view: &ActivationView, audience: Option<Audience>, out: &mut Vec<u8>) {
    let machine = &view.activation;
    write::object(out, |members| {
        members.word("id", machine.id);
        members.word("license", view.license);
        members.text("fingerprint", &machine.fingerprint);
        members.maybe("name", machine.name.as_deref(), Object::text);
        members.maybe("hostname", machine.hostname.as_deref(), Object::text);
        members.maybe("platform", machine.platform.as_deref(), Object::text);
        members.maybe("address", machine.address.as_deref(), Object::text);
        members.maybe("cores", machine.cores, Object::integer);
        members.maybe("memory", machine.memory, Object::integer);
        members.maybe("disk", machine.disk, Object::integer);
        members.boolean("is_vm", machine.is_vm);
        members.boolean("is_container", machine.is_container);
        if audience.is_none() {
            members.maybe("user", machine.user, Object::word);
        }
        write::array(members.member("components"), &machine.components, |out, component| {
            write::object(out, |members| {
                members.word("id", component.id);
                members.text("fingerprint", &component.fingerprint);
                members.text("name", &component.name);
            });
        });
        members.word("heartbeat", view.heartbeat);
        members.maybe("heartbeat_seconds", view.heartbeat_seconds, Object::integer);
        members.maybe("next_heartbeat", view.next_heartbeat, Object::time);
        members.maybe("seen_at", machine.seen_at, Object::time);
        members.maybe("file_at", machine.last_file_at, Object::time);
        write::object(members.member("shares"), |shares| {
            for share in &view.shares {
                shares.quantity(&share.meter, share.quantity, share.scale);
            }
        });
        metadata::write(&machine.metadata, audience, members);
        members.time("created_at", machine.created_at);
        members.time("updated_at", machine.updated_at);
    });
}

/// A fingerprint of a machine or of a part of one.
pub(super) fn fingerprint(value: Value<'_, '_>) -> Result<String, Refusal> {
    short(value, FINGERPRINT_BYTES_MAX)
}

/// A name of a machine, host, platform or process, or an address.
pub(super) fn machine_text(value: Value<'_, '_>) -> Result<String, Refusal> {
    short(value, MACHINE_TEXT_BYTES_MAX)
}

fn short(value: Value<'_, '_>, bytes_max: usize) -> Result<String, Refusal> {
    let text = value.string()?;
    if text.is_empty() || text.len() > bytes_max {
        return Err(value.refuse(format!("must be 1 to {bytes_max} bytes")));
    }
    Ok(text)
}

fn components(value: Value<'_, '_>) -> Result<Vec<NewComponent>, Refusal> {
    value.items(COMPONENTS_MAX, |value| {
        let members = value.object(&COMPONENT)?;
        Ok(NewComponent {
            id: members.read("id", Value::id)?,
            fingerprint: members.need("fingerprint", fingerprint)?,
            name: members.read("name", machine_text)?,
        })
    })
}
