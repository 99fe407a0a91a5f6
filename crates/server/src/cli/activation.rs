//! `usance activation`: the machines that hold licenses.

use super::body::Body;
use super::entity::{Deed, Does, Entity, Field, Named, Verb};
use super::json::Object;
use super::said::{LICENSE, METADATA, METADATA_COLUMN, VISIBLE_COLUMN};
use super::table::Column;
use super::value;

/// A machine that holds a license.
pub const ACTIVATION: Entity = Entity {
    word: "activation",
    about: "Activations: the machines that hold licenses",
    examples: "\
usance activation create LICENSE 9f3c --name 'node 7' --cores 8
usance activation list --license LICENSE
usance activation heartbeat LICENSE 9f3c
usance activation delete LICENSE 9f3c",
    path: "/v1/licenses/{}/activations",
    parents: &[Named::new("LICENSE", LICENSE)],
    own: Named::new("ACTIVATION", "The machine: its id or fingerprint"),
    columns: &[
        Column::text("fingerprint"),
        Column::text("name"),
        Column::number("cores"),
        Column::text("user"),
        Column::text("heartbeat"),
        Column::text("next_heartbeat").titled("next heartbeat"),
        Column::text("license"),
        Column::text("id"),
    ],
    details: &[
        Column::text("id"),
        Column::text("license"),
        Column::text("fingerprint"),
        Column::text("name"),
        Column::text("hostname").if_there(),
        Column::text("platform").if_there(),
        Column::text("address").if_there(),
        Column::text("cores"),
        Column::text("memory").titled("memory (bytes)").if_there(),
        Column::text("disk").titled("disk (bytes)").if_there(),
        Column::text("is_vm").titled("virtual machine"),
        Column::text("is_container").titled("container"),
        Column::text("user").if_there(),
        Column::computed("components", components).if_there(),
        Column::text("heartbeat"),
        Column::text("heartbeat_seconds").titled("lives for (s)").absent("ever"),
        Column::text("next_heartbeat").titled("next heartbeat").if_there(),
        Column::text("shares").if_there(),
        METADATA_COLUMN,
        VISIBLE_COLUMN,
        Column::text("seen_at").titled("seen").if_there(),
        Column::text("created_at").titled("created"),
        Column::text("updated_at").titled("updated"),
    ],
    parts: &[],
    verbs: &[
        Verb::new(
            "create",
            "Let a machine hold a license",
            "usance activation create LICENSE 9f3c --name 'node 7' --cores 8\n\
             usance activation create LICENSE 9f3c --component mb-77=board --user ada@a.example",
            Does::Make(&[
                &[Field::place("FINGERPRINT", "fingerprint", "What the machine is recognised by")],
                SAID,
                &[
                    Field::flag(
                        "heartbeat",
                        "heartbeat_seconds",
                        "A life span of its own, if the policy lets it: 90s, 15m, 12h or 30d",
                    )
                    .reads("LENGTH", value::length),
                    Field::flag("overdraft", "overdraft", "How many above the limit to take")
                        .reads("N", value::whole),
                    Field::switch("vm", "is_vm", true, "It is a virtual machine"),
                    Field::switch("container", "is_container", true, "It is a container"),
                ],
                METADATA,
            ]),
        ),
        Verb::new(
            "list",
            "List machines, of all licenses or of some",
            "usance activation list --license LICENSE\nusance activation list --product renderer",
            Does::ListFrom("/v1/activations", &[FILTERS]),
        ),
        Verb::new("show", "Show a machine", "usance activation show LICENSE 9f3c", Does::Show),
        Verb::new(
            "change",
            "Change what is known of a machine; limits are held again",
            "usance activation change LICENSE 9f3c --cores 16",
            Does::Change(&[SAID, METADATA]),
        ),
        Verb::new(
            "heartbeat",
            "Tell that a machine lives",
            "usance activation heartbeat LICENSE 9f3c",
            Does::Act(Deed::of_one("heartbeat")),
        ),
        Verb::new(
            "reset",
            "Forget the last heartbeat of a machine",
            "usance activation reset LICENSE 9f3c",
            Does::Act(Deed::of_one("heartbeat/reset")),
        ),
        Verb::new(
            "delete",
            "Let a machine let go; its shares of floating meters come back",
            "usance activation delete LICENSE 9f3c",
            Does::Delete("deactivated"),
        ),
    ],
};

const SAID: &[Field] = &[
    clearable("name", "name", "A name for people"),
    clearable("hostname", "hostname", "What the network calls it"),
    clearable("platform", "platform", "What it runs, like linux-x86_64"),
    clearable("address", "address", "Its address"),
    Field::flag("cores", "cores", "Processor cores").reads("N", value::whole_or_none),
    Field::flag("memory", "memory", "Memory in bytes").reads("BYTES", value::whole_or_none),
    Field::flag("disk", "disk", "Disk in bytes").reads("BYTES", value::whole_or_none),
    clearable("user", "user", "Whose it is: id or email of a user"),
    Field::flag("component", "components", "A part of it, and its name; `none` for no parts")
        .reads("FINGERPRINT[=NAME]", component)
        .list(),
];

const FILTERS: &[Field] = &[
    Field::flag("license", "license", "Only those of this license, by id or key"),
    Field::flag("product", "product", "Only those of this product"),
    Field::flag("policy", "policy", "Only those under this policy"),
    Field::flag("fingerprint", "fingerprint", "Only those with this fingerprint"),
    Field::flag("user", "user", "Only those of this user"),
];

const fn clearable(name: &'static str, member: &'static str, about: &'static str) -> Field {
    Field::flag(name, member, about).reads("TEXT", value::text_or_none)
}

fn component(text: &str) -> Result<serde_json::Value, String> {
    if text == "none" {
        return Ok(serde_json::Value::Null);
    }
    let (fingerprint, name) = text.split_once('=').unwrap_or((text, ""));
    let component = Body::default().with("fingerprint", fingerprint);
    Ok(component.maybe("name", (!name.is_empty()).then_some(name)).into())
}

fn components(activation: &Object) -> String {
    let parts = activation.objects("components");
    let names = parts.iter().filter_map(|part| {
        let fingerprint = part.text("fingerprint")?;
        Some(match part.text("name") {
            Some(name) => format!("{fingerprint} ({name})"),
            None => fingerprint,
        })
    });
    names.collect::<Vec<_>>().join(", ")
}
