//! `usance user`: the people who use licenses.

use usance_core::user::Role;

use super::entity::{Deed, Does, Entity, Field, Named, Verb};
use super::said::{METADATA, METADATA_COLUMN, VISIBLE_COLUMN};
use super::table::Column;
use super::value;

/// A person.
pub const USER: Entity = Entity {
    word: "user",
    about: "Users: the people who own and use licenses",
    examples: "\
usance user create ada@aurora.example --customer aurora --first-name Ada
usance license create --policy studio --owner ada@aurora.example
usance user ban ada@aurora.example",
    path: "/v1/users",
    parents: &[],
    own: Named::new("USER", "Their id or email"),
    columns: &[
        Column::text("email"),
        Column::text("first_name").titled("first name"),
        Column::text("last_name").titled("last name"),
        Column::text("role"),
        Column::text("customer"),
        Column::text("banned_at").titled("banned"),
        Column::text("id"),
    ],
    details: &[
        Column::text("id"),
        Column::text("email"),
        Column::text("first_name").titled("first name"),
        Column::text("last_name").titled("last name"),
        Column::text("role"),
        Column::text("customer"),
        Column::text("has_password").titled("has a password"),
        Column::text("banned_at").titled("banned").absent("no"),
        METADATA_COLUMN,
        VISIBLE_COLUMN,
        Column::text("created_at").titled("created"),
        Column::text("updated_at").titled("updated"),
    ],
    parts: &[],
    verbs: &[
        Verb::new(
            "create",
            "Make a user",
            "usance user create ada@aurora.example --customer aurora",
            Does::Make(&[
                &[Field::place("EMAIL", "email", "Their address, unique")],
                SAID,
                METADATA,
            ]),
        ),
        Verb::new("list", "List users", "usance user list", Does::List(&[])),
        Verb::new("show", "Show a user", "usance user show ada@aurora.example", Does::Show),
        Verb::new(
            "change",
            "Change a user",
            "usance user change ada@aurora.example --email ada@new.example",
            Does::Change(&[&[Field::flag("email", "email", "Another address")], SAID, METADATA]),
        ),
        Verb::new(
            "ban",
            "Shut a user out: licenses that they own are not valid",
            "usance user ban ada@aurora.example",
            Does::Act(Deed::of_one("ban")),
        ),
        Verb::new(
            "unban",
            "Let a user in again",
            "usance user unban ada@aurora.example",
            Does::Act(Deed::of_one("unban")),
        ),
        Verb::new(
            "delete",
            "Forget a user who owns no license",
            "usance user delete ada@aurora.example",
            Does::Delete("forgotten"),
        ),
    ],
};

const SAID: &[Field] = &[
    Field::flag("first-name", "first_name", "Their first name, or `none`")
        .reads("NAME", value::text_or_none),
    Field::flag("last-name", "last_name", "Their last name, or `none`")
        .reads("NAME", value::text_or_none),
    Field::flag("role", "role", "What they are [default: user]").words(Role::WORDS),
    Field::flag("customer", "customer", "The customer that they belong to, or `none`")
        .reads("CUSTOMER", value::text_or_none),
    Field::flag(
        "password-file",
        "password",
        "A file whose first line is their password, of 8 to 1024 bytes; `none` takes it away",
    )
    .reads("FILE", password),
];

/// The first line of a file: what is on a command line can be seen by others on the machine.
fn password(path: &str) -> Result<serde_json::Value, String> {
    if path == "none" {
        return Ok(serde_json::Value::Null);
    }
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(line.into()),
        _ => Err("holds no password in its first line".into()),
    }
}
