//! A meter in words, as storage and the ledger keep it.

use alloc::string::{String, ToString};

use proptest::prelude::*;

use super::super::*;
use crate::audience::{Audience, Audiences};
use crate::period::Every;
use crate::quantity::Scale;
use crate::terms::lines;
use crate::text::Code;

fn pages() -> MeterSpec {
    MeterSpec::new(Code::parse("name", "pages").unwrap())
}

fn measures() -> impl Strategy<Value = Measure> {
    let timing = (any::<[u32; 4]>(), prop::option::of(any::<u32>()));
    prop_oneof![
        Just(Measure::Uses),
        Just(Measure::Seats),
        Just(Measure::Peak),
        Just(Measure::DayPass),
        timing.prop_map(|([unit, minimum, free, step], idle_seconds)| {
            Measure::Duration(Timing {
                unit_seconds: unit,
                minimum_seconds: minimum,
                free_seconds: free,
                step_seconds: step,
                idle_seconds,
            })
        }),
    ]
}

prop_compose! {
    fn specs()(
        unit in any::<String>(),
        digits in 0u8..=Scale::MAX,
        allowed in prop::option::of(any::<i64>()),
        floor in any::<i64>(),
        overage in prop_oneof![
            Just(Overage::Refuse),
            Just(Overage::Allow),
            any::<i64>().prop_map(Overage::Amount),
            any::<u32>().prop_map(Overage::Percent),
        ],
        measure in measures(),
        period in prop_oneof![
            Just(MeterPeriod::Never),
            Just(MeterPeriod::Billing),
            prop::sample::select(&Every::ALL[..]).prop_map(MeterPeriod::Every),
        ],
        rollover in prop_oneof![
            Just(Rollover::None),
            Just(Rollover::All),
            any::<i64>().prop_map(Rollover::UpTo),
        ],
        [record_refusals, floating, stated_by_license] in any::<[bool; 3]>(),
        visible_to in prop::collection::vec(prop::sample::select(Audience::ALL), 0..5),
        [hold_seconds_max, session_grace_seconds] in any::<[u32; 2]>(),
    ) -> MeterSpec {
        MeterSpec {
            unit,
            scale: Scale::new(digits).unwrap(),
            allowed,
            floor,
            overage,
            record_refusals,
            measure,
            period,
            rollover,
            floating,
            visible_to: visible_to.into_iter().collect(),
            stated_by_license,
            hold_seconds_max,
            session_grace_seconds,
            ..pages()
        }
    }
}

proptest! {
    #[test]
    fn what_is_stated_reads_back(spec in specs()) {
        prop_assert_eq!(MeterSpec::from_lines(&lines(&spec.stated())), Ok(spec));
    }

    /// Two meters that differ in anything are said in different words.
    #[test]
    fn different_meters_have_different_words(one in specs(), other in specs()) {
        prop_assert_eq!(one == other, one.stated() == other.stated());
    }

    #[test]
    fn hostile_lines_are_refused_quietly(
        spec in specs(),
        at in any::<prop::sample::Index>(),
        text in ".{0,3}",
    ) {
        let mut words = lines(&spec.stated());
        let at = at.index(words.len());
        if words.is_char_boundary(at) {
            words.insert_str(at, &text);
        }
        if let Ok(read) = MeterSpec::from_lines(&words) {
            let again = MeterSpec::from_lines(&lines(&read.stated()));
            prop_assert_eq!(again, Ok(read));
        }
    }
}

/// Golden text: hashes of it lie in ledgers for ever.
#[test]
fn golden_words() {
    let plain =
        "meter=pages\nunit=pages\nscale=0\nfloor=0\noverage=refuse\nrecord_refusals=false\n";
    assert_eq!(lines(&pages().stated()), plain);
    let rich = MeterSpec {
        unit: "a\\b\nc".to_string(),
        scale: Scale::new(2).unwrap(),
        allowed: Some(7),
        floor: -1,
        overage: Overage::Percent(5),
        record_refusals: true,
        measure: Measure::Duration(Timing {
            unit_seconds: 3600,
            minimum_seconds: 60,
            free_seconds: 30,
            step_seconds: 900,
            idle_seconds: Some(300),
        }),
        period: MeterPeriod::Every(Every::Quarter),
        rollover: Rollover::UpTo(50),
        floating: true,
        visible_to: Audiences::NONE.with(Audience::Reseller).with(Audience::User),
        stated_by_license: true,
        hold_seconds_max: 60,
        session_grace_seconds: 61,
        ..pages()
    };
    let expected = "\
meter=pages
unit=a\\\\b\\nc
scale=2
allowed=7
floor=-1
overage_percent=5
record_refusals=true
measure=duration
unit_seconds=3600
minimum_seconds=60
free_seconds=30
step_seconds=900
idle_seconds=300
period=quarter
rollover=50
floating=true
meter_visible_to=user reseller
stated_by_license=true
hold_seconds_max=60
session_grace_seconds=61
";
    assert_eq!(lines(&rich.stated()), expected);
    assert_eq!(MeterSpec::from_lines(expected), Ok(rich));
}

#[test]
fn damaged_lines_are_refused() {
    let read = |text: &str| MeterSpec::from_lines(text);
    assert_eq!(read("meter=pages"), Ok(pages()));
    for text in [
        "",
        "unit=page",
        "unit=page\nmeter=pages",
        "meter=pa ges",
        "meter",
        "meter=pages\nscale=10",
        "meter=pages\nscale=-1",
        "meter=pages\nallowed=1.5",
        "meter=pages\nallowed=9223372036854775808",
        "meter=pages\noverage=some",
        "meter=pages\nmeasure=uses?",
        "meter=pages\nperiod=never",
        "meter=pages\nperiod=fortnight",
        "meter=pages\nrollover=none",
        "meter=pages\nfloating=yes",
        "meter=pages\nmeter_visible_to=user,reseller",
        "meter=pages\nhold_seconds_max=-1",
        "meter=pages\ncolour=red",
        "meter=pages\n\nunit=page",
    ] {
        assert!(read(text).is_err(), "{text:?}");
    }
}

#[test]
fn contradictions_are_refused_by_field() {
    let timing = Timing {
        unit_seconds: 60,
        minimum_seconds: 0,
        free_seconds: 0,
        step_seconds: 60,
        idle_seconds: None,
    };
    let timed = |timing| MeterSpec { measure: Measure::Duration(timing), ..pages() };
    let scale = Scale::new(2).unwrap();
    let quarter = Timing { unit_seconds: 3600, step_seconds: 900, ..timing };
    let third = Timing { unit_seconds: 3600, step_seconds: 1200, ..timing };
    for (spec, expected) in [
        (pages(), None),
        (MeterSpec { unit: " ".to_string(), ..pages() }, Some("unit")),
        (MeterSpec { floor: i64::MIN, ..pages() }, Some("floor")),
        (MeterSpec { floor: i64::MIN + 1, ..pages() }, None),
        (MeterSpec { overage: Overage::Amount(-1), ..pages() }, Some("overage")),
        (MeterSpec { overage: Overage::Percent(10_001), ..pages() }, Some("overage")),
        (MeterSpec { rollover: Rollover::UpTo(-1), ..pages() }, Some("rollover")),
        (MeterSpec { rollover: Rollover::UpTo(0), ..pages() }, None),
        (MeterSpec { hold_seconds_max: 0, ..pages() }, Some("hold_seconds_max")),
        (MeterSpec { hold_seconds_max: 7_776_000, ..pages() }, None),
        (MeterSpec { hold_seconds_max: 7_776_001, ..pages() }, Some("hold_seconds_max")),
        (MeterSpec { session_grace_seconds: 0, ..pages() }, Some("session_grace_seconds")),
        (MeterSpec { session_grace_seconds: 7_776_001, ..pages() }, Some("session_grace_seconds")),
        (timed(timing), None),
        (timed(Timing { unit_seconds: 0, ..timing }), Some("measure")),
        (timed(Timing { step_seconds: 0, ..timing }), Some("measure")),
        (timed(Timing { step_seconds: 30, ..timing }), Some("measure")),
        (timed(Timing { step_seconds: 120, ..timing }), None),
        (timed(quarter), Some("measure")),
        (MeterSpec { scale, ..timed(quarter) }, None),
        (MeterSpec { scale, ..timed(third) }, Some("measure")),
    ] {
        let found = spec.check().err().map(|refusal| match refusal {
            Refusal::Invalid { field, .. } => field,
            other => panic!("{other}"),
        });
        assert_eq!(found.as_deref(), expected, "{spec:?}");
    }
}
