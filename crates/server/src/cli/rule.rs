//! `usance rule`: what blocks by itself.

mod examples;
mod trial;

use self::examples::Examples;
use self::trial::Trial;
use super::entity::{Does, Entity, Field, Named, Own, Verb};
use super::table::Column;
use super::value;

/// What blocks by itself.
pub const RULE: Entity = Entity {
    word: "rule",
    about: "Rules: what is to happen by itself when a license is used as it should not be",
    examples: "\
usance rule examples
usance rule create burst --kind rate --above 1000 --window 60s --action warn --lasts 1h
usance rule try burst --days 30
usance license blocks LICENSE
usance license unblock LICENSE",
    path: "/v1/rules",
    parents: &[],
    own: Named::new("RULE", "Its name or id"),
    columns: &[
        Column::text("name"),
        Column::text("kind"),
        Column::text("meter").absent("all"),
        Column::number("above"),
        Column::text("window_seconds").titled("window"),
        Column::text("action"),
        Column::text("lasts_seconds").titled("lasts").absent("until undone"),
        Column::text("enabled"),
    ],
    details: &[
        Column::text("id"),
        Column::text("name"),
        Column::text("kind"),
        Column::text("product").absent("all"),
        Column::text("policy").absent("all"),
        Column::text("meter").absent("all"),
        Column::text("above"),
        Column::text("window_seconds").titled("window seconds").if_there(),
        Column::text("percent").if_there(),
        Column::text("action"),
        Column::text("lasts_seconds").titled("lasts seconds").absent("until undone"),
        Column::text("enabled"),
        Column::text("created_at").titled("created"),
        Column::text("updated_at").titled("updated"),
    ],
    parts: &[],
    verbs: VERBS,
};

const VERBS: &[Verb] = &[
    Verb::new(
        "create",
        "Make a rule",
        "usance rule create burst --kind rate --above 1000 --window 60s --action warn\n\
         usance rule create shared --kind many-networks --above 3 --window 1h --action refuse \
         --lasts 1d",
        Does::Make(&[NEW, FIGURES, OFF]),
    )
    .explained(kinds),
    Verb::new("list", "List rules", "usance rule list", Does::List(&[])),
    Verb::new("show", "Show a rule", "usance rule show burst", Does::Show),
    Verb::new(
        "change",
        "Change a rule; what happened before is not judged by it",
        "usance rule change burst --above 2000\n\
         usance rule change burst --disable",
        Does::Change(&[CHANGED, OFF, ON]),
    ),
    Verb::new(
        "delete",
        "Delete a rule; what it did stays until it is over or undone",
        "usance rule delete burst",
        Does::Delete("deleted"),
    ),
    Verb::new(
        "try",
        "Tell what a rule would have done, without doing anything",
        "usance rule try burst --days 30\n\
         usance rule try rule.json",
        Does::Own(Own::of::<Trial>()),
    ),
    Verb::new(
        "examples",
        "Print rules that are ready to be made, as JSON",
        "usance rule examples\n\
         usance rule examples shared-license > rule.json",
        Does::Own(Own::of::<Examples>()),
    ),
];

const KINDS: &[&str] = usance_core::rule::RuleKind::WORDS;
const ACTIONS: &[&str] = usance_core::rule::RuleAction::WORDS;

const NEW: &[Field] = &[
    Field::place("NAME", "name", "Its name, which callers see in warnings"),
    Field::flag("kind", "kind", "What it looks at").words(KINDS).required(),
    Field::flag("product", "product", "Only licenses of this product: code or id"),
    Field::flag("policy", "policy", "Only licenses of this policy: code or id"),
    Field::flag("meter", "meter", "Only this meter; each meter by itself otherwise"),
    Field::flag("above", "above", "What must be passed; at it, nothing happens")
        .reads("N", value::units)
        .required(),
    Field::flag("action", "action", "What it does").words(ACTIONS).required(),
];

const FIGURES: &[Field] = &[
    Field::flag("window", "window_seconds", "In how long: 60s, 15m, 1h; at most 1d")
        .reads("LENGTH", value::length),
    Field::flag("percent", "percent", "Of the usual use, for unusual-use").reads("N", value::whole),
    Field::flag("lasts", "lasts_seconds", "For how long, or `none` for until it is undone")
        .reads("LENGTH", value::length_or_none),
];

const CHANGED: &[Field] = &[
    Field::flag("meter", "meter", "Only this meter, or `none` for each")
        .reads("METER", value::text_or_none),
    Field::flag("above", "above", "What must be passed").reads("N", value::units),
    Field::flag("window", "window_seconds", "In how long: 60s, 15m, 1h; at most 1d")
        .reads("LENGTH", value::length),
    Field::flag("percent", "percent", "Of the usual use, for unusual-use").reads("N", value::whole),
    Field::flag("action", "action", "What it does").words(ACTIONS),
    Field::flag("lasts", "lasts_seconds", "For how long, or `none` for until it is undone")
        .reads("LENGTH", value::length_or_none),
];

const OFF: &[Field] = &[Field::switch("disable", "enabled", false, "Do nothing")];
const ON: &[Field] = &[Field::switch("enable", "enabled", true, "Be in force")];

fn kinds() -> String {
    "\
Kinds, and what --above counts:
  rate               use of a meter in the window, in its unit
  unusual-use        use of a meter in an hour, above --percent of what is usual at that hour
  many-addresses     addresses that one machine was used from in the window
  many-networks      networks (/24, /48) that a license was used from in the window
  clock-set-back     seconds that a machine's clock lies behind what it said before
  check-in-overdue   seconds since a check-in was due
  repeated-refusals  recorded refusals in the window"
        .into()
}
