//! `usance policy`: the templates that licenses are made from.

use super::entity::{Does, Entity, Field, Named, Own, Part, Verb};
use super::json::Object;
use super::said::{
    ARCHIVED, CODE, CODE_OR_ID, METADATA, METADATA_COLUMN, NAME, NEW_NAME, VISIBLE_COLUMN,
};
use super::table::Column;
use super::{meter, meter_spec, terms, value};

/// A template of licenses.
pub const POLICY: Entity = Entity {
    word: "policy",
    about: "Policies: the templates that licenses are made from",
    examples: "\
usance policy create prepaid --product renderer --meter 'frames:allowed=1000,unit=frame'
usance policy create studio --product renderer --meter 'seats:allowed=5,measure=seats' \\
    --term max_activations=3 --term duration_seconds=365d
usance policy change prepaid --meter frames:allowed=2000
usance policy terms                       what a policy can state",
    path: "/v1/policies",
    parents: &[],
    own: Named::new("POLICY", CODE_OR_ID),
    columns: &[
        Column::text("code"),
        Column::text("name"),
        Column::text("product"),
        Column::computed("meters", meter_names),
        Column::text("id"),
        Column::text("archived"),
    ],
    details: &[
        Column::text("id"),
        Column::text("code"),
        Column::text("name"),
        Column::text("product"),
        Column::text("entitlements").if_there(),
        Column::text("key_pattern").titled("key pattern").if_there(),
        METADATA_COLUMN,
        VISIBLE_COLUMN,
        Column::text("archived"),
        Column::text("created_at").titled("created"),
        Column::text("updated_at").titled("updated"),
    ],
    parts: &[METERS, terms::STATED],
    verbs: &[
        Verb::new(
            "create",
            "Make a policy",
            "usance policy create prepaid --product renderer \\\n    \
             --meter 'frames:allowed=1000,unit=frame,overage=10%,record-refusals'\n\
             usance policy create metered --product renderer \\\n    \
             --meter hours:scale=2,measure=duration,unit-time=1h --term duration_seconds=365d\n\
             usance policy create monthly --product renderer \\\n    \
             --meter 'frames:allowed=500,period=month,rollover=100'",
            Does::Make(&[
                CODE,
                &[Field::flag("product", "product", "What its licenses are for: code or id")
                    .required()],
                NAME,
                NEW_METERS,
                SAID,
                METADATA,
            ]),
        )
        .explained(grammars),
        Verb::new(
            "list",
            "List policies",
            "usance policy list --product renderer",
            Does::List(&[&[Field::flag("product", "product", "Only those of this product")]]),
        ),
        Verb::new(
            "show",
            "Show a policy, its meters, and its terms that are not as by default",
            "usance policy show prepaid",
            Does::Show,
        ),
        Verb::new(
            "change",
            "Change a policy, and with it what holds for its licenses",
            "usance policy change prepaid --meter frames:allowed=2000\n\
             usance policy change prepaid --new-meter exports:allowed=10\n\
             usance policy change prepaid --term max_activations=none --archive",
            Does::Change(&[NEW_NAME, CHANGED_METERS, SAID, METADATA, ARCHIVED]),
        )
        .explained(grammars),
        Verb::new(
            "terms",
            "Show all that a policy can state, what it means, and how it is by default",
            "usance policy terms\nusance policy terms check_in_every",
            Does::Own(Own::of::<terms::ListTerms>()),
        ),
        Verb::new(
            "delete",
            "Delete a policy that nothing refers to",
            "usance policy delete prepaid",
            Does::Delete("deleted"),
        ),
    ],
};

const NEW_METERS: &[Field] =
    &[Field::flag("meter", "meters", "A meter").reads("METER", meter_spec::parse).list()];

const CHANGED_METERS: &[Field] = &[
    Field::flag("meter", "meters", "Changes of a meter that it has")
        .reads("METER", meter_spec::parse)
        .list(),
    Field::flag("new-meter", "new_meters", "A meter that it gets, and all of its licenses")
        .reads("METER", meter_spec::parse)
        .list(),
];

const SAID: &[Field] = &[
    Field::flag("term", "terms", "What it states of its licenses")
        .reads("NAME=VALUE", terms::read)
        .object(),
    Field::flag("entitlement", "entitlements", "What its licenses switch on, or `none`")
        .reads("CODE", value::text_or_none)
        .list(),
    Field::flag(
        "key-pattern",
        "key_pattern",
        "How new keys look: A a random symbol, C the check symbol, \\ the next as it is; `none` \
         for the usual",
    )
    .reads("PATTERN", value::text_or_none),
];

const METERS: Part = Part {
    rows: |policy| policy.objects("meters"),
    columns: &[
        Column::text("name").titled("meter"),
        Column::text("unit"),
        Column::number("scale"),
        Column::number("allowed").absent("unlimited"),
        Column::number("floor"),
        Column::computed("overage", meter::overage),
        Column::computed("measure", meter::measure),
        Column::text("period"),
        Column::computed("rollover", meter::rollover),
        Column::text("floating"),
        Column::text("visible_to").titled("visible to").absent("nobody"),
    ],
};

fn grammars() -> String {
    format!("{}\n\n{}", meter_spec::GRAMMAR, terms::grammar())
}

fn meter_names(policy: &Object) -> String {
    let meters = policy.objects("meters");
    let names: Vec<String> = meters.iter().filter_map(|meter| meter.text("name")).collect();
    names.join(", ")
}
