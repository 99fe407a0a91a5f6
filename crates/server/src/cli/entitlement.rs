//! `usance entitlement`: what licenses switch on.

use super::entity::{Does, Entity, Named, Verb};
use super::said::{CODE, CODE_OR_ID, METADATA, METADATA_COLUMN, NAME, NEW_NAME, VISIBLE_COLUMN};
use super::table::Column;

/// A named feature.
pub const ENTITLEMENT: Entity = Entity {
    word: "entitlement",
    about: "Entitlements: named features that policies and licenses switch on",
    examples: "\
usance entitlement create export --name 'Export to film'
usance policy create studio --product renderer --entitlement export
usance license validate LICENSE --entitlement export",
    path: "/v1/entitlements",
    parents: &[],
    own: Named::new("ENTITLEMENT", CODE_OR_ID),
    columns: &[Column::text("code"), Column::text("name"), Column::text("id")],
    details: &[
        Column::text("id"),
        Column::text("code"),
        Column::text("name"),
        METADATA_COLUMN,
        VISIBLE_COLUMN,
        Column::text("created_at").titled("created"),
        Column::text("updated_at").titled("updated"),
    ],
    parts: &[],
    verbs: &[
        Verb::new(
            "create",
            "Make an entitlement",
            "usance entitlement create export --name 'Export to film'",
            Does::Make(&[CODE, NAME, METADATA]),
        ),
        Verb::new("list", "List entitlements", "usance entitlement list", Does::List(&[])),
        Verb::new("show", "Show an entitlement", "usance entitlement show export", Does::Show),
        Verb::new(
            "change",
            "Change an entitlement",
            "usance entitlement change export --name Export",
            Does::Change(&[NEW_NAME, METADATA]),
        ),
        Verb::new(
            "delete",
            "Delete an entitlement that no policy or license grants",
            "usance entitlement delete export",
            Does::Delete("deleted"),
        ),
    ],
};
