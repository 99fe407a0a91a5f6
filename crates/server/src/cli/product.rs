//! `usance product`: what is sold.

use super::entity::{Does, Entity, Named, Verb};
use super::said::{
    ARCHIVED, CODE, CODE_OR_ID, METADATA, METADATA_COLUMN, NAME, NEW_NAME, VISIBLE_COLUMN,
};
use super::table::Column;

/// What is sold.
pub const PRODUCT: Entity = Entity {
    word: "product",
    about: "Products: what you sell",
    examples: "\
usance product create renderer --name 'The Renderer'
usance product list
usance product change renderer --archive",
    path: "/v1/products",
    parents: &[],
    own: Named::new("PRODUCT", CODE_OR_ID),
    columns: &[
        Column::text("code"),
        Column::text("name"),
        Column::text("id"),
        Column::text("archived"),
    ],
    details: &[
        Column::text("id"),
        Column::text("code"),
        Column::text("name"),
        METADATA_COLUMN,
        VISIBLE_COLUMN,
        Column::text("archived"),
        Column::text("created_at").titled("created"),
        Column::text("updated_at").titled("updated"),
    ],
    parts: &[],
    verbs: &[
        Verb::new(
            "create",
            "Make a product",
            "usance product create renderer --name 'The Renderer'",
            Does::Make(&[CODE, NAME, METADATA]),
        ),
        Verb::new("list", "List products", "usance product list --all --json", Does::List(&[])),
        Verb::new("show", "Show a product", "usance product show renderer", Does::Show),
        Verb::new(
            "change",
            "Change a product",
            "usance product change renderer --name 'Renderer 2'",
            Does::Change(&[NEW_NAME, METADATA, ARCHIVED]),
        ),
        Verb::new(
            "delete",
            "Delete a product that nothing refers to",
            "usance product delete renderer",
            Does::Delete("deleted"),
        ),
    ],
};
