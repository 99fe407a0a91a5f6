//! `usance keys`: what license files are signed with.

use super::entity::{Deed, Does, Entity, Named, Verb};
use super::table::Column;

/// A signing key of the account, its public half.
pub const KEYS: Entity = Entity {
    word: "keys",
    about: "Keys: what license files are signed with, and verify with",
    examples: "\
usance keys list
usance keys list --json > keys.json && usance license verify-file FILE --keys keys.json
usance keys rotate",
    path: "/v1/keys",
    parents: &[],
    own: Named::new("NUMBER", "Its number"),
    columns: &[
        Column::number("number"),
        Column::text("verifier_key").titled("verifier key"),
        Column::text("created_at").titled("signs from"),
        Column::text("retired_at").titled("until"),
    ],
    details: &[
        Column::text("number"),
        Column::text("verifier_key").titled("verifier key"),
        Column::text("created_at").titled("signs from"),
        Column::text("retired_at").titled("until").if_there(),
    ],
    parts: &[],
    verbs: &[
        Verb::new(
            "list",
            "List the public keys, newest last",
            "usance keys list --json > keys.json",
            Does::ListWhole,
        ),
        Verb::new(
            "rotate",
            "Sign new license files with a new key; what older keys signed stays good",
            "usance keys rotate",
            Does::Act(Deed::of_all("rotate")),
        )
        .saying("Give the new key to your programs: files from now on verify with it alone."),
    ],
};
