//! `usance license`: the rights of customers to use products.

mod file;
mod validate;
mod verify_file;

pub use self::verify_file::account_key;
use super::entity::{Deed, Does, Entity, Field, Named, Own, Verb};
use super::said::{METADATA, METADATA_COLUMN, VISIBLE_COLUMN};
use super::table::Column;
use super::{meter_spec, terms, value};

/// A right to use.
pub const LICENSE: Entity = Entity {
    word: "license",
    about: "Licenses: the rights of customers to use products",
    examples: "\
usance license create --policy prepaid --customer aurora
usance license create --policy prepaid --allow frames=5000 --override max_cores=64
usance license list --customer aurora --status active
usance license validate LICENSE --fingerprint 9f3c
usance license suspend lic_0193b2c4d5e67890a1b2c3d4e5f60718",
    path: "/v1/licenses",
    parents: &[],
    own: Named::new("LICENSE", "Its id or key"),
    columns: &[
        Column::text("id"),
        Column::text("key"),
        Column::text("name"),
        Column::text("status"),
        Column::text("policy"),
        Column::text("customer"),
        Column::text("expires_at").titled("expires").absent("never"),
    ],
    details: DETAILS,
    parts: &[terms::STATED],
    verbs: VERBS,
};

const DETAILS: &[Column] = &[
    Column::text("id"),
    Column::text("key"),
    Column::text("name"),
    Column::text("status"),
    Column::text("product"),
    Column::text("policy"),
    Column::text("customer"),
    Column::text("reseller").titled("sold by").if_there(),
    Column::text("owner").if_there(),
    Column::text("users").if_there(),
    Column::text("valid_from").titled("valid from"),
    Column::text("expires_at").titled("expires").absent("never"),
    Column::text("checked_in_at").titled("checked in").if_there(),
    Column::text("check_in_due").titled("check-in due").if_there(),
    Column::text("validated_at").titled("validated").if_there(),
    Column::text("activations").titled("activated (times)"),
    Column::text("deactivations").titled("deactivated (times)"),
    Column::text("entitlements").if_there(),
    Column::text("overrides").if_there(),
    METADATA_COLUMN,
    VISIBLE_COLUMN,
    Column::text("created_at").titled("created"),
    Column::text("updated_at").titled("updated"),
];

const VERBS: &[Verb] = &[
    Verb::new(
        "create",
        "Make a license",
        "usance license create --policy prepaid --customer aurora --allow frames=5000\n\
         usance license create --policy prepaid --key ABCDE-12345 --expires-at 2027-01-01\n\
         usance license create --policy studio --owner ada@a.example --override max_activations=5",
        Does::Make(&[NEW, SAID, METADATA]),
    )
    .explained(grammars),
    Verb::new(
        "list",
        "List licenses",
        "usance license list --product renderer --status suspended",
        Does::List(&[FILTERS]),
    ),
    Verb::new(
        "show",
        "Show a license, and its terms that are not as by default",
        "usance license show ABCDE-FGHJK-12345-67890-ABCDE",
        Does::Show,
    ),
    Verb::new(
        "change",
        "Change a license",
        "usance license change LICENSE --expires-at none\n\
         usance license change LICENSE --override max_cores=64\n\
         usance license change LICENSE --override max_cores=policy",
        Does::Change(&[SAID, METADATA]),
    )
    .explained(terms::override_grammar),
    Verb::new(
        "validate",
        "Ask whether a license is valid, and why not; exits with 1 if it is not",
        "usance license validate LICENSE\n\
         usance license validate LICENSE --fingerprint 9f3c --entitlement export",
        Does::Own(Own::of::<validate::Validate>()),
    ),
    Verb::new(
        "suspend",
        "Stop a license until it is reinstated",
        "usance license suspend LICENSE",
        Does::Act(Deed::of_one("suspend")),
    ),
    Verb::new(
        "reinstate",
        "Let a suspended license go on",
        "usance license reinstate LICENSE",
        Does::Act(Deed::of_one("reinstate")),
    ),
    Verb::new(
        "revoke",
        "Stop a license for good",
        "usance license revoke LICENSE",
        Does::Act(Deed::of_one("revoke")),
    ),
    Verb::new(
        "blocks",
        "List what rules did to a license",
        "usance license blocks LICENSE",
        Does::ListBelow("blocks", BLOCKS),
    ),
    Verb::new(
        "unblock",
        "Undo what rules did to a license; the same cause never blocks it again",
        "usance license unblock LICENSE\nusance license unblock LICENSE --rule burst",
        Does::Act(Deed::of_one("unblock").taking(&[&[Field::flag(
            "rule",
            "rule",
            "Only what this rule did: its name or id",
        )]])),
    ),
    Verb::new(
        "renew",
        "Make a license last longer, by the duration of its terms",
        "usance license renew LICENSE",
        Does::Act(Deed::of_one("renew")),
    ),
    Verb::new(
        "check-in",
        "Tell that a license is still in use, as its terms may demand",
        "usance license check-in LICENSE",
        Does::Act(Deed::of_one("check-in")),
    ),
    Verb::new(
        "transfer",
        "Move a license to another policy of its product",
        "usance license transfer LICENSE postpaid",
        Does::Act(Deed::of_one("transfer").taking(&[&[Field::place(
            "POLICY",
            "policy",
            "Code or id of the policy",
        )]])),
    ),
    Verb::new(
        "file",
        "Make a signed file that proves a license where no server can be asked",
        "usance license file LICENSE --for 30d > license.txt\n\
         usance license file LICENSE --activation 9f3c --encrypted --out license.txt",
        Does::Own(Own::of::<file::MakeFile>()),
    ),
    Verb::new(
        "verify-file",
        "Check a license file, without a server; exits with 1 if it proves nothing",
        "usance license verify-file license.txt --keys keys.json --fingerprint 9f3c\n\
         usance license verify-file license.txt --key 'usance/acc_…/1+1a2b3c4d+AZ…'",
        Does::Own(Own::of::<verify_file::VerifyFile>()),
    ),
    Verb::new(
        "delete",
        "Delete a license; the ledger keeps its records",
        "usance license delete LICENSE",
        Does::Delete("deleted"),
    ),
];

const BLOCKS: &[Column] = &[
    Column::text("name"),
    Column::text("action"),
    Column::text("holds"),
    Column::text("since"),
    Column::text("until").absent("undone"),
    Column::text("reason"),
];

const NEW: &[Field] = &[
    Field::flag("policy", "policy", "What it is made from: code or id of a policy").required(),
    Field::flag("key", "key", "A key of your own [default: a new one, by the policy's pattern]"),
    Field::flag("allow", "meters", "Its own ceiling of a meter, N or unlimited")
        .reads("METER=N", value::ceiling_entry)
        .object(),
    Field::flag("meter", "new_meters", "A meter of its own")
        .reads("METER", meter_spec::parse)
        .list(),
];

const SAID: &[Field] = &[
    Field::flag("customer", "customer", "Who pays: code or id of a customer, or `none`")
        .reads("CUSTOMER", value::text_or_none),
    Field::flag("reseller", "reseller", "Who sold it: code or id of a customer, or `none`")
        .reads("CUSTOMER", value::text_or_none),
    Field::flag("owner", "owner", "Whose it is: id or email of a user, or `none`")
        .reads("USER", value::text_or_none),
    Field::flag("user", "users", "Who else may use it: id or email, or `none`")
        .reads("USER", value::text_or_none)
        .list(),
    Field::flag("name", "name", "A name for people"),
    Field::flag(
        "valid-from",
        "valid_from",
        "From when on it is valid: RFC 3339, a date, or `none`",
    )
    .reads("TIME", value::time_or_none),
    Field::flag("expires-at", "expires_at", "From when on it is not: RFC 3339, a date, or `none`")
        .reads("TIME", value::time_or_none),
    Field::flag("override", "overrides", "A term in which it differs from its policy")
        .reads("NAME=VALUE", terms::read_override)
        .object(),
    Field::flag("entitlement", "entitlements", "What it switches on beside its policy, or `none`")
        .reads("CODE", value::text_or_none)
        .list(),
];

const FILTERS: &[Field] = &[
    Field::flag("product", "product", "Only those of this product"),
    Field::flag("policy", "policy", "Only those under this policy"),
    Field::flag("customer", "customer", "Only those of this customer"),
    Field::flag("status", "status", "Only those that stand so").words(&[
        "active",
        "suspended",
        "revoked",
        "expired",
        "not-yet-valid",
    ]),
];

fn grammars() -> String {
    format!("{}\n\n{}", meter_spec::GRAMMAR, terms::grammar())
}
