use std::fmt::Write as _;

use usance_core::refusal::Refusal;

use super::*;
use crate::json::place::Place;
use crate::native::fixtures;

fn value(text: &str) -> Value<'static, '_> {
    Value::new(Place::Body, text)
}

fn told(refusal: Refusal) -> String {
    refusal.to_string()
}

fn shown(terms: &Terms) -> String {
    let mut out = Vec::new();
    write::object(&mut out, |members| write(terms, "terms", members));
    let text = String::from_utf8(out).unwrap();
    text[r#"{"terms":"#.len()..text.len() - 1].to_owned()
}

#[test]
fn terms_read_as_they_are_shown() {
    let fixture = fixtures::terms_patch();
    for patch in [TermsPatch::default(), fixture.clone()] {
        let terms = Terms::default().with(&patch);
        let read = read(value(&shown(&terms))).unwrap();
        // All were shown, so that all are stated.
        assert_eq!(read.stated().len(), COUNT);
        assert_eq!(Terms::default().with(&read), terms);
    }
    let kinds = |kind: fn(&Kind) -> bool| {
        let stated = fixture.stated();
        Terms::FIELDS
            .iter()
            .filter(|field| kind(&field.kind))
            .any(|field| stated.iter().any(|(name, _)| *name == field.name))
    };
    // The fixture has a value of each kind, or the test shows nothing.
    assert!(kinds(|kind| matches!(kind, Kind::Count)) && kinds(|kind| matches!(kind, Kind::Flag)));
    assert!(kinds(|kind| matches!(kind, Kind::Span)) && kinds(|kind| matches!(kind, Kind::Zone)));
    assert!(
        kinds(|kind| matches!(kind, Kind::Rules)) && kinds(|kind| matches!(kind, Kind::Anchor))
    );
}

#[test]
fn terms_are_said_in_their_own_way() {
    for (body, name, words) in [
        (r#"{"max_cores":8}"#, "max_cores", "8"),
        (r#"{"max_cores":null}"#, "max_cores", "none"),
        (r#"{"strict":true}"#, "strict", "true"),
        (r#"{"unique":"policy"}"#, "unique", "policy"),
        (r#"{"authentication":"none"}"#, "authentication", "none"),
        (r#"{"meter_while":[]}"#, "meter_while", ""),
        (r#"{"meter_while":["overdue","expired"]}"#, "meter_while", "expired overdue"),
        (r#"{"license_permissions":["*"]}"#, "license_permissions", "*"),
        (r#"{"limit_overage":"allow"}"#, "limit_overage", "allow"),
        (r#"{"limit_overage":{"percent":25}}"#, "limit_overage", "25"),
        (r#"{"check_in_every":null}"#, "check_in_every", "none"),
        (r#"{"billing_every":"month"}"#, "billing_every", "month"),
        (r#"{"period_anchor":"license"}"#, "period_anchor", "license"),
        (r#"{"period_anchor":"1970-01-01T00:00:01Z"}"#, "period_anchor", "1000"),
        (r##"{"access":["# the lab","deny host=*.lab"]}"##, "access", "deny host=*.lab\n"),
    ] {
        let read = read(value(body)).unwrap();
        assert_eq!(read.stated(), [(name, words.to_owned())], "{body}");
    }
}

#[test]
fn bad_terms_say_what_is_wrong() {
    for (body, expected) in [
        ("[]", "body must be a JSON object"),
        (r#"{"max_cores":-1}"#, "max_cores must be a whole number or null"),
        (r#"{"max_cores":"8"}"#, "max_cores must be a whole number or null"),
        (r#"{"max_cores":"none"}"#, "max_cores must be a whole number or null"),
        (r#"{"max_cores":"policy"}"#, "max_cores must be a whole number or null"),
        (r#"{"max_cores":9223372036854775808}"#, "max_cores must be a whole number or null"),
        (
            r#"{"duration_seconds":1.5}"#,
            "duration_seconds must be a whole number of seconds (at most 100 years) or null",
        ),
        (
            r#"{"duration_seconds":9223372036854775807}"#,
            "duration_seconds must be a whole number of seconds (at most 100 years) or null",
        ),
        (r#"{"strict":"true"}"#, "strict must be true or false"),
        (r#"{"strict":null}"#, "strict must be true or false"),
        (r#"{"leasing":"machine"}"#, "leasing must be one of license, user"),
        (r#"{"leasing":null}"#, "leasing must be one of license, user"),
        (
            r#"{"meter_while":["revoked"]}"#,
            "meter_while[0] must be one of suspended, expired, not-yet-valid, overdue, \
             too-many-activations, too-many-cores",
        ),
        (r#"{"meter_while":"expired"}"#, "meter_while must be an array"),
        (
            r#"{"license_permissions":["meter:fly"]}"#,
            "license_permissions has no permission \"meter:fly\"",
        ),
        (
            r#"{"limit_overage":"25"}"#,
            "limit_overage must be \"refuse\", \"allow\" or a percentage up to 10000",
        ),
        (
            r#"{"limit_overage":{"percent":10001}}"#,
            "limit_overage must be \"refuse\", \"allow\" or a percentage up to 10000",
        ),
        (
            r#"{"check_in_every":"none"}"#,
            "check_in_every must be a span such as \"1 month\" or null",
        ),
        (
            r#"{"check_in_every":"soon"}"#,
            "check_in_every must be a span such as \"1 month\" or null",
        ),
        (
            r#"{"billing_every":"none"}"#,
            "billing_every must be one of hour, day, week, month, quarter, year or null",
        ),
        (r#"{"time_zone":"Mars/Olympus"}"#, "time_zone must be the IANA name of a time zone"),
        (r#"{"time_zone":1}"#, "time_zone must be the IANA name of a time zone"),
        (
            r#"{"period_anchor":"1000"}"#,
            "period_anchor must be \"calendar\", \"license\" or a time",
        ),
        (r#"{"access":["deny\nallow"]}"#, "access[0] must be one rule, on one line"),
        (r#"{"access":"deny"}"#, "access must be an array"),
    ] {
        assert_eq!(read(value(body)).map_err(told), Err(expected.to_owned()), "{body}");
    }
    let told = told(read(value(r#"{"access":["allow","forbid user=a"]}"#)).unwrap_err());
    assert!(told.starts_with("access ") && told.contains('2'), "{told}");
    let told = self::told(read(value(r#"{"max_coers":8}"#)).unwrap_err());
    assert!(told.starts_with("max_coers is not known here"), "{told}");
}

/// Whatever the value of a term is, no license is locked into its own.
#[test]
fn every_override_can_be_taken_away() {
    for field in Terms::FIELDS {
        let words = |text| {
            let body = format!("{{\"{}\":{text}}}", field.name);
            read_overrides(value(&body)).map_err(told)
        };
        let cleared = match field.name {
            "unique" | "component_unique" => {
                assert_eq!(words("\"policy\"").unwrap().1, Vec::<String>::new());
                words("null")
            }
            _ => words("\"policy\""),
        };
        let (patch, cleared) = cleared.unwrap();
        assert!(patch.is_empty(), "{}", field.name);
        assert_eq!(cleared, [field.name]);
    }
    let both = read_overrides(value(r#"{"max_cores":null,"max_activations":"policy"}"#)).unwrap();
    assert_eq!(both.0.stated(), [("max_cores", "none".to_owned())]);
    assert_eq!(both.1, ["max_activations"]);
}

#[test]
fn the_documentation_has_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/api.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut expected =
        String::from("| term | value | default | means |\n| --- | --- | --- | --- |\n");
    for (field, (_, words)) in Terms::FIELDS.iter().zip(Terms::default().all()) {
        let mut default = Vec::new();
        write_value(field.kind, &words, &mut default);
        let default = String::from_utf8(default).unwrap().replace(',', ", ");
        let value = match field.kind {
            Kind::Count => "number or null".to_owned(),
            Kind::Seconds => "seconds or null".into(),
            Kind::Flag => "true or false".into(),
            Kind::Word(words) => listed(words),
            Kind::Words(words) => format!("some of {}", listed(words)),
            Kind::Permissions => "permissions".into(),
            Kind::Overage => r#"`"refuse"`, `"allow"` or `{"percent": 25}`"#.into(),
            Kind::Span => "span or null".into(),
            Kind::MaybeWord(words) => format!("{} or null", listed(words)),
            Kind::Zone => "IANA name".into(),
            Kind::Anchor => r#"`"calendar"`, `"license"` or a time"#.into(),
            Kind::Rules => "access rules, one an item".into(),
        };
        let row =
            writeln!(expected, "| `{}` | {value} | `{default}` | {} |", field.name, field.about);
        row.unwrap();
    }
    assert!(text.contains(&expected), "the table in api.md must be:\n{expected}");
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

proptest::proptest! {
    #[test]
    fn no_text_near_the_form_panics(
        name in proptest::sample::select(&NAMES[..]),
        text in r#"[-0-9.eE"\\u{}\[\],: a-dnul]{0,24}"#,
    ) {
        let body = format!("{{\"overrides\":{{\"{name}\":{text}}}}}");
        drop(crate::native::licenses::read_patch(body.as_bytes()));
    }
}
