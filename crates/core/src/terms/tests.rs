use alloc::string::ToString;

use proptest::prelude::*;

use super::*;
use crate::token::Permission;

/// Golden text: what is as by default is left out of storage and of the hashes in the ledger, so
/// a default never changes. A new term comes with a default under which nothing is as it was.
const DEFAULTS: &str = "\
duration_seconds=none
expires_from=creation
when_expired=restrict
renews_from=expiry
on_transfer=keep
meter_while=too-many-activations too-many-cores
license_permissions=meter:read meter:increment license:validate license:check-in license:file \
    activation:read activation:create activation:delete activation:heartbeat meter:hold \
    session:write process:write
authentication=both
protected=false
check_in_every=none
time_zone=UTC
billing_every=none
period_anchor=calendar
max_activations=none
max_deactivations=none
max_cores=none
max_memory=none
max_disk=none
max_processes=none
max_users=none
limit_overage=refuse
when_full=refuse
leasing=license
processes_per=activation
floating=true
strict=false
unique=license
component_unique=activation
matching=any
component_matching=any
allow_vm=true
allow_container=true
heartbeat_required=false
heartbeat_seconds=none
own_heartbeat=true
heartbeat_from=creation
when_dead=deactivate
revive_seconds=0
require_scopes=
access=
";

/// Text that a value of this kind may be said in.
fn values(kind: Kind) -> BoxedStrategy<String> {
    let none = Just("none".to_string());
    let word =
        |words: &'static [&'static str]| prop::sample::select(words).prop_map(ToString::to_string);
    let some = |words: &'static [&'static str]| {
        prop::collection::vec(prop::sample::select(words), 0..5).prop_map(|words| words.join(" "))
    };
    match kind {
        Kind::Count => {
            prop_oneof![none, (0..=i64::MAX).prop_map(|number| number.to_string())].boxed()
        }
        Kind::Seconds => {
            prop_oneof![none, (0u64..3_000_000_000).prop_map(|number| number.to_string())].boxed()
        }
        Kind::Flag => any::<bool>().prop_map(|flag| flag.to_string()).boxed(),
        Kind::Word(words) => word(words).boxed(),
        Kind::Words(words) => some(words).boxed(),
        Kind::Permissions => {
            let words: Vec<_> = Permission::ALL.iter().map(|one| one.word()).collect();
            let some = prop::collection::vec(prop::sample::select(words), 0..9);
            prop_oneof![Just("*".to_string()), some.prop_map(|words| words.join(" "))].boxed()
        }
        Kind::Overage => prop_oneof![
            word(&["refuse", "allow"]),
            (0u32..=10_000).prop_map(|percent| percent.to_string()),
            (0u32..=10_000).prop_map(|percent| alloc::format!("{percent}%")),
        ]
        .boxed(),
        Kind::Span => {
            let units = word(&["second", "minute", "hours", "day", "weeks", "month", "years"]);
            let span = (1u32..900, units);
            let span = span.prop_map(|(count, unit)| alloc::format!("{count} {unit}"));
            prop_oneof![none, word(&["P1M", "PT36H", "P2Y"]), span].boxed()
        }
        Kind::MaybeWord(words) => prop_oneof![none, word(words)].boxed(),
        Kind::Zone => word(&["UTC", "Europe/Berlin", "america/new_york", "Asia/Kolkata"]).boxed(),
        Kind::Anchor => {
            prop_oneof![word(&["calendar", "license"]), any::<i64>().prop_map(|at| at.to_string())]
                .boxed()
        }
        Kind::Rules => some(&[
            "\nallow user=ada,eve\n",
            "\ndeny\n",
            "\nlimit 3 meter=frames host=*.lab\n",
            "\nreserve 2 address=10.0.0.0/8\n",
            "\n# a comment\n",
        ])
        .boxed(),
    }
}

/// Some terms, each with a value that it may have.
fn patches() -> impl Strategy<Value = TermsPatch> {
    let field = |field: &Field| prop::option::weighted(0.3, values(field.kind));
    Terms::FIELDS.iter().map(field).collect::<Vec<_>>().prop_map(|values| {
        let mut patch = TermsPatch::default();
        for (field, value) in Terms::FIELDS.iter().zip(values) {
            if let Some(value) = value {
                patch.set(field.name, &value).unwrap();
            }
        }
        patch
    })
}

proptest! {
    /// Every value of every term reads back from the way it is shown, and is shown the same again.
    #[test]
    fn values_read_back(patch in patches()) {
        for (name, shown) in patch.stated() {
            let mut again = TermsPatch::default();
            again.set(name, &shown).unwrap();
            prop_assert_eq!(again.stated(), [(name, shown)]);
        }
    }

    #[test]
    fn lines_read_back(patch in patches()) {
        prop_assert_eq!(TermsPatch::from_lines(&lines(&patch.stated())), Ok(patch.clone()));
        let terms = Terms::default().with(&patch);
        let stated = TermsPatch::from_lines(&lines(&terms.stated())).unwrap();
        prop_assert_eq!(Terms::default().with(&stated), terms.clone());
        let all = TermsPatch::from_lines(&lines(&terms.all())).unwrap();
        prop_assert_eq!(Terms::default().with(&all), terms);
    }

    /// A patch changes what it states and nothing else; of two the newer one holds.
    #[test]
    fn patches_change_what_they_state(older in patches(), newer in patches()) {
        let terms = Terms::default().with(&older);
        let mut merged = older.clone();
        merged.merge(newer.clone());
        prop_assert_eq!(terms.with(&newer), Terms::default().with(&merged));
        let stated: Vec<_> = older.stated();
        for ((name, value), (_, default)) in terms.all().into_iter().zip(Terms::default().all()) {
            let found = stated.iter().find(|(of, _)| *of == name);
            prop_assert_eq!(&value, found.map_or(&default, |(_, stated)| stated));
        }
        let mut cleared = older;
        for (name, _) in stated {
            cleared.clear(name);
        }
        prop_assert!(cleared.is_empty());
    }

    #[test]
    fn hostile_text_is_refused_quietly(text in "(.*=.*\n){0,3}", value in ".*") {
        if let Ok(read) = TermsPatch::from_lines(&text) {
            prop_assert_eq!(TermsPatch::from_lines(&lines(&read.stated())), Ok(read));
        }
        for field in Terms::FIELDS {
            let mut patch = TermsPatch::default();
            if patch.set(field.name, &value).is_err() {
                prop_assert!(patch.is_empty(), "{}", field.name);
            }
        }
    }

    #[test]
    fn what_is_escaped_is_one_line_and_reads_back(text in any::<String>()) {
        let mut escaped = String::new();
        escape(&text, &mut escaped);
        prop_assert!(!escaped.contains(['\n', '\r']));
        prop_assert_eq!(unescape(&escaped), text);
    }
}

#[test]
fn defaults_are_stable() {
    assert_eq!(lines(&Terms::default().all()), DEFAULTS);
    assert_eq!(Terms::default().stated(), []);
    assert_eq!(Terms::default().check(), Ok(()));
}

#[test]
fn the_table_says_everything() {
    let names: Vec<_> = Terms::default().all().into_iter().map(|(name, _)| name).collect();
    let table: Vec<_> = Terms::FIELDS.iter().map(|field| field.name).collect();
    assert_eq!(names, table);
    for (place, field) in Terms::FIELDS.iter().enumerate() {
        assert!(field.about.ends_with('.') && !field.about.contains("  "), "{field:?}");
        assert!(!table[..place].contains(&field.name), "{}", field.name);
        assert!(!field.kind.to_string().is_empty());
    }
}

#[test]
fn what_is_none_of_it_is_refused() {
    for (name, value) in [
        ("duration", "5"),
        ("terms", "5"),
        ("", ""),
        ("Strict", "true"),
        ("duration_seconds", ""),
        ("duration_seconds", "-1"),
        ("duration_seconds", "+1"),
        ("duration_seconds", "1.5"),
        ("duration_seconds", "null"),
        ("duration_seconds", "3162240001"),
        ("max_activations", "9223372036854775808"),
        ("max_activations", "99999999999999999999999"),
        ("strict", "yes"),
        ("strict", "True"),
        ("expires_from", "birth"),
        ("meter_while", "suspended happy"),
        ("require_scopes", "product,policy"),
        ("license_permissions", "meter:fly"),
        ("limit_overage", "10001"),
        ("limit_overage", "-1%"),
        ("limit_overage", "5%%"),
        ("check_in_every", "0 days"),
        ("check_in_every", "often"),
        ("billing_every", "fortnight"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "+02:00"),
        ("period_anchor", "birth"),
        ("period_anchor", "1.5"),
        ("access", "let everybody in"),
    ] {
        let mut patch = TermsPatch::default();
        let refusal = patch.set(name, value).unwrap_err();
        let expected = match Terms::FIELDS.iter().any(|field| field.name == name) {
            true => alloc::format!("terms.{name}"),
            false => "terms".to_string(),
        };
        assert!(
            matches!(&refusal, Refusal::Invalid { field, .. } if *field == expected),
            "{name}={value}: {refusal}"
        );
        assert!(patch.is_empty(), "{name}={value}");
    }
    assert!(TermsPatch::from_lines("strict").is_err());
    assert!(TermsPatch::from_lines("strict=true\n\n").is_err());
}

#[test]
fn contradictions_are_refused_by_name() {
    for (text, expected) in [
        ("", None),
        ("duration_seconds=1", None),
        ("duration_seconds=0", Some("terms.duration_seconds")),
        ("heartbeat_seconds=0", Some("terms.heartbeat_seconds")),
        ("heartbeat_seconds=60\nrevive_seconds=0", None),
        ("floating=false", Some("terms.max_activations")),
        ("floating=false\nmax_activations=2", Some("terms.max_activations")),
        ("floating=false\nmax_activations=0", Some("terms.max_activations")),
        ("floating=false\nmax_activations=1", None),
    ] {
        let terms = Terms::default().with(&TermsPatch::from_lines(text).unwrap());
        let found = terms.check().err().map(|refusal| match refusal {
            Refusal::Invalid { field, .. } => field,
            other => panic!("{other}"),
        });
        assert_eq!(found.as_deref(), expected, "{text}");
    }
}

#[test]
fn a_percentage_above_a_limit_is_exact() {
    for (overage, wanted, limit, expected) in [
        ("refuse", 10, Some(10), true),
        ("refuse", 11, Some(10), false),
        ("refuse", u64::MAX, None, true),
        ("allow", u64::MAX, Some(0), true),
        ("10", 11, Some(10), true),
        ("10", 12, Some(10), false),
        ("5", 11, Some(10), false),
        ("33", 4, Some(3), false),
        ("34", 4, Some(3), true),
        ("10000", u64::MAX, Some(i64::MAX.unsigned_abs()), true),
        ("100", 1, Some(0), false),
    ] {
        let overage = <LimitOverage as Term>::read(overage).unwrap();
        assert_eq!(
            overage.admits(wanted, Limit(limit)),
            expected,
            "{overage:?} {wanted} {limit:?}"
        );
    }
}

#[test]
fn anchors_are_what_they_say() {
    let began = crate::time::Timestamp(5);
    for (text, expected) in [
        ("calendar", Anchor::Calendar),
        ("license", Anchor::At(began)),
        ("-7", Anchor::At(crate::time::Timestamp(-7))),
    ] {
        assert_eq!(<PeriodAnchor as Term>::read(text).unwrap().of(began), expected);
    }
}
