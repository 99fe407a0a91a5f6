//! `usance token`: credentials.

use usance_core::audience::Audience;
use usance_core::token::Permission;

use super::entity::{Does, Entity, Field, Named, Verb};
use super::table::Column;
use super::value;

/// A credential.
pub const TOKEN: Entity = Entity {
    word: "token",
    about: "Tokens: what programs and people present",
    examples: "\
usance token create 'render farm' --may meter:increment --product renderer
usance token create operator --may '*'
usance token revoke tok_0193b2c4d5e67890a1b2c3d4e5f60718",
    path: "/v1/tokens",
    parents: &[],
    // `--token` is what the caller presents.
    own: Named::new("TOKEN_ID", "Its id"),
    columns: &[
        Column::text("id"),
        Column::text("name"),
        Column::text("permissions"),
        Column::computed("locked to", locks).absent("nothing"),
        Column::text("audience").absent("vendor"),
        Column::text("expires_at").titled("expires").absent("never"),
        Column::text("revoked_at").titled("revoked"),
    ],
    details: &[
        Column::text("id"),
        Column::text("name"),
        Column::text("secret").absent("(shown once, when it was made)"),
        Column::text("permissions"),
        Column::text("product").absent("any"),
        Column::text("license").absent("any"),
        Column::text("meter").absent("any"),
        Column::text("user").absent("any"),
        Column::text("customer").absent("any"),
        Column::text("audience").titled("sees as").absent("vendor, unless it is locked"),
        Column::text("expires_at").titled("expires").absent("never"),
        Column::text("revoked_at").titled("revoked"),
        Column::text("created_at").titled("created"),
    ],
    parts: &[],
    verbs: &[
        Verb::new(
            "create",
            "Make a token; its secret is shown once",
            "usance token create 'render farm' --may meter:increment --product renderer\n\
             usance token create 'one license' --may meter:read --may meter:increment \
             --license LICENSE\n\
             usance token create portal --may license:read --customer aurora \
             --audience organization",
            Does::Make(&[SAID]),
        )
        .explained(permission_words)
        .saying("Keep the secret now: it is stored as a hash and not shown again."),
        Verb::new("list", "List tokens, never their secrets", "usance token list", Does::List(&[])),
        Verb::new(
            "show",
            "Show a token, never its secret",
            "usance token show tok_0193b2c4d5e67890a1b2c3d4e5f60718",
            Does::Show,
        ),
        Verb::new(
            "revoke",
            "Refuse a token from now on; it stays in the list",
            "usance token revoke tok_0193b2c4d5e67890a1b2c3d4e5f60718",
            Does::Delete("revoked"),
        )
        .alias("delete"),
    ],
};

const SAID: &[Field] = &[
    Field::place("NAME", "name", "What it is for"),
    Field::flag("may", "permissions", "What it may do")
        .reads("PERMISSION", value::text)
        .list()
        .required(),
    Field::flag("product", "product", "Only with licenses of this product"),
    Field::flag("license", "license", "Only with this license"),
    Field::flag("meter", "meter", "Only with meters of this name"),
    Field::flag("user", "user", "Only with licenses that this user owns or may use"),
    Field::flag("customer", "customer", "Only with licenses that this customer pays for or sold"),
    Field::flag("audience", "audience", "Whose eyes it sees with [default: by its locks]")
        .words(Audience::WORDS),
    Field::flag("expires-at", "expires_at", "From when on it is refused: RFC 3339 or a date")
        .reads("TIME", value::time),
];

fn locks(token: &super::json::Object) -> String {
    let locks = ["product", "license", "meter", "user", "customer"];
    let named = locks.iter().filter_map(|lock| Some(format!("{lock} {}", token.text(lock)?)));
    named.collect::<Vec<_>>().join(", ")
}

/// The words for permissions, as the server knows them.
fn permission_words() -> String {
    let words: Vec<&str> = Permission::ALL.iter().map(|permission| permission.word()).collect();
    format!("Permissions: * (every one), {}", words.join(", "))
}
