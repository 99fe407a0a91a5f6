//! `usance customer`: who pays.

use usance_core::customer::CustomerKind;

use super::entity::{Does, Entity, Field, Named, Verb};
use super::said::{
    ARCHIVED, CODE, CODE_OR_ID, METADATA, METADATA_COLUMN, NAME, NEW_NAME, VISIBLE_COLUMN,
};
use super::table::Column;
use super::value;

/// Who pays.
pub const CUSTOMER: Entity = Entity {
    word: "customer",
    about: "Customers: who pays",
    examples: "\
usance customer create aurora --name 'Aurora Films' --email office@aurora.example
usance customer list
usance license list --customer aurora",
    path: "/v1/customers",
    parents: &[],
    own: Named::new("CUSTOMER", CODE_OR_ID),
    columns: &[
        Column::text("code"),
        Column::text("name"),
        Column::text("kind"),
        Column::text("email"),
        Column::text("id"),
        Column::text("archived"),
    ],
    details: &[
        Column::text("id"),
        Column::text("code"),
        Column::text("name"),
        Column::text("kind"),
        Column::text("email"),
        Column::text("reseller").titled("buys from").if_there(),
        Column::text("max_users").titled("users at most").absent("unlimited"),
        Column::text("max_licenses").titled("licenses at most").absent("unlimited"),
        Column::text("max_activations").titled("activations at most").absent("unlimited"),
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
            "Make a customer",
            "usance customer create aurora --name 'Aurora Films'\n\
             usance customer create dealer --kind reseller",
            Does::Make(&[CODE, NAME, KIND, SAID, METADATA]),
        ),
        Verb::new("list", "List customers", "usance customer list --all --json", Does::List(&[])),
        Verb::new("show", "Show a customer", "usance customer show aurora", Does::Show),
        Verb::new(
            "change",
            "Change a customer",
            "usance customer change aurora --email new@aurora.example\n\
             usance customer change aurora --max-users 5",
            Does::Change(&[NEW_NAME, SAID, METADATA, ARCHIVED]),
        ),
        Verb::new(
            "delete",
            "Delete a customer that nothing refers to",
            "usance customer delete aurora",
            Does::Delete("deleted"),
        ),
    ],
};

const KIND: &[Field] =
    &[Field::flag("kind", "kind", "What it is [default: organization]").words(CustomerKind::WORDS)];

const SAID: &[Field] = &[
    Field::flag("email", "email", "Where invoices go, or `none`")
        .reads("EMAIL", value::text_or_none),
    Field::flag("reseller", "reseller", "The customer that it buys from, or `none`")
        .reads("CUSTOMER", value::text_or_none),
    limit("max-users", "max_users", "How many users it may have, or `none` for any number"),
    limit("max-licenses", "max_licenses", "How many licenses it may have, or `none`"),
    limit(
        "max-activations",
        "max_activations",
        "How many activations its licenses may have, or `none`",
    ),
];

const fn limit(name: &'static str, member: &'static str, about: &'static str) -> Field {
    Field::flag(name, member, about).reads("N", value::whole_or_none)
}
