//! What is said of things of several kinds, in the same words.

use super::entity::{Field, Named};
use super::json::Object;
use super::table::Column;
use super::value;

/// How a thing with a code is named.
pub const CODE_OR_ID: &str = "Its code or id";
/// How a license is named.
pub const LICENSE: &str = "The license: its id or key";

/// The code of a new thing.
pub const CODE: &[Field] =
    &[Field::place("CODE", "code", "Its code: a-z, 0-9, '.', '_' and '-', at most 64")];

/// The name of a new thing.
pub const NAME: &[Field] =
    &[Field::flag("name", "name", "Its name for people [default: the code]")];

/// Another name.
pub const NEW_NAME: &[Field] = &[Field::flag("name", "name", "A new name for people")];

/// What the vendor notes.
pub const METADATA: &[Field] = &[
    Field::flag("metadata", "metadata", "Something to note; a value is JSON, or else text")
        .reads("NAME=VALUE", value::entry)
        .object(),
    Field::flag(
        "visible",
        "metadata_visible_to",
        "Who sees an entry of the metadata: activation, user, organization, reseller",
    )
    .reads("NAME=AUDIENCE,…", value::visible_entry)
    .object(),
];

/// Whether it is archived.
pub const ARCHIVED: &[Field] = &[
    Field::switch("archive", "archived", true, "Let nothing new be made of it").or("unarchive"),
    Field::switch("unarchive", "archived", false, "Let new things be made of it again"),
];

/// Who asks to count, and when.
pub const OCCASION: &[Field] = &[
    Field::flag("key", "idempotency_key", "An idempotency key: the same told again is done once"),
    Field::flag("activation", "activation", "Id or fingerprint of the machine that it is for"),
    Field::flag("occurred-at", "occurred_at", "When it happened, if not now: RFC 3339 or a date")
        .reads("TIME", value::time),
    Field::flag("user", "subject.user", "Who it was (personal data)"),
    Field::flag("host", "subject.host", "On which machine (personal data)"),
    Field::flag("address", "subject.address", "From which address (personal data)"),
    Field::flag("attribute", "attributes", "What a price may depend on")
        .reads("NAME=VALUE", value::text_entry)
        .object(),
];

/// What the vendor noted.
pub const METADATA_COLUMN: Column = Column::text("metadata").if_there();
/// Who sees what of it.
pub const VISIBLE_COLUMN: Column =
    Column::text("metadata_visible_to").titled("visible to").if_there();

/// What a use of any kind is answered with.
pub const ANSWER: &[Column] = &[
    Column::text("hold").if_there(),
    Column::text("session").if_there(),
    Column::computed("until", until).if_there(),
    Column::text("ended").titled("ended for").if_there(),
    Column::text("license"),
    Column::text("meter"),
    Column::text("activation").if_there(),
    Column::text("operation"),
    Column::text("asked"),
    Column::text("applied"),
    Column::text("released").if_there(),
    Column::text("overage"),
    Column::text("total"),
    Column::text("allowed").absent("unlimited"),
    Column::text("remaining").absent("unlimited"),
    Column::text("held"),
    Column::text("gross"),
    Column::text("period_end").titled("period ends").if_there(),
    Column::text("record"),
    Column::text("at"),
    Column::text("repeat"),
    Column::text("warning").if_there(),
];

/// Until when a hold or session lasts; nothing if the answer is about neither.
fn until(answer: &Object) -> String {
    let is_about_one = answer.text("hold").or_else(|| answer.text("session")).is_some();
    match answer.text("until") {
        Some(until) => until,
        None if is_about_one => "over".into(),
        None => String::new(),
    }
}

/// The path of something below a license's meter.
pub const BELOW_METER: &[Named] =
    &[Named::new("LICENSE", LICENSE), Named::new("METER", "Name of the meter")];
