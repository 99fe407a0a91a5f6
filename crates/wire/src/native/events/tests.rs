use serde_json::{Value, json};
use usance_core::audience::{Audience, Audiences};
use usance_core::event::{EventFilter, Kinds};
use usance_core::ledger::canonical::{self, Canonical, MeterEntry};
use usance_core::license::LicenseRef;
use usance_core::meter::Measure;
use usance_core::quantity::Scale;
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::usage::{OperationKind, Subject};
use usance_core::view::HistoryEvent;

use super::*;
use crate::native::query::{self, EventQuery, EventsFrom};
use crate::native::{answers, fixtures};

const AT: Timestamp = Timestamp(1_795_443_600_123);

fn told(kind: &'static str, what: What) -> Told {
    let license = Some(fixtures::license().0.id);
    Told { number: 7, at: AT, kind, license, visible_to: Audiences::all(), what }
}

fn meter(event: HistoryEvent) -> What {
    What::Meter {
        meter: Code::parse("meter", "frames").unwrap(),
        scale: scale(),
        measure: Measure::Uses,
        event,
    }
}

fn scale() -> Scale {
    Scale::new(2).unwrap()
}

fn noticed(notice: Notice, cause: Option<u64>) -> What {
    let meter = Code::parse("meter", "frames").unwrap();
    What::Noticed { meter, scale: scale(), notice, cause, total: 8_050, allowed: Some(10_000) }
}

fn license_text() -> Canonical {
    let (license, _) = fixtures::license();
    let specs = fixtures::specs();
    let meters = specs.iter().enumerate().map(|(index, spec)| MeterEntry {
        spec,
        is_own: index == 0,
        allowed_from: fixtures::meter().allowed_from,
    });
    canonical::license(&license, meters)
}

fn changed(before: Option<String>, after: Option<Canonical>) -> What {
    What::Changed {
        thing: fixtures::license().0.id.to_string(),
        by: Some(fixtures::token().0.id),
        address: Some("192.0.2.7".into()),
        before,
        after: after.map(|text| text.0),
    }
}

/// An event of each form.
pub(in crate::native) fn all() -> Vec<Told> {
    let used = HistoryEvent::Use {
        counted: answers::tests::answer().counted,
        activation: None,
        reference: None,
        turn: None,
        occurred_at: None,
        subject: Some(Subject { user: Some("ada".into()), ..Subject::default() }),
        attributes: vec![("scene".into(), "intro".into())],
    };
    let refused = HistoryEvent::Refused {
        operation: OperationKind::Increment,
        asked: 5,
        code: "limit-reached".into(),
        total: 97,
    };
    vec![
        Told { license: None, ..told("ledger.opened", What::Opened) },
        Told { license: None, ..told("ledger.clock-set-back", What::ClockBack { wall: AT }) },
        told("meter.incremented", meter(used)),
        told("meter.refused", meter(refused)),
        told("meter.threshold-crossed", noticed(Notice::ThresholdCrossed(80), Some(6))),
        told("meter.refusing", noticed(Notice::Refused, None)),
        told("license.created", changed(None, Some(license_text()))),
        told("license.deleted", changed(Some("license=x\n".into()), None)),
    ]
}

fn json_of(told: &Told, sight: Sight) -> Value {
    let mut out = Vec::new();
    write(told, sight, &mut out);
    serde_json::from_slice(&out).unwrap()
}

fn after(text: Canonical, sight: Sight) -> Value {
    json_of(&told("thing.changed", changed(None, Some(text))), sight)["after"].clone()
}

#[test]
fn an_event_says_what_changed_and_where_it_stands() {
    let crossed = noticed(Notice::ThresholdCrossed(80), Some(6));
    assert_eq!(
        json_of(&told("meter.threshold-crossed", crossed), Sight::NoPeople),
        json!({
            "number": 7, "at": "2026-11-23T15:00:00.123Z".replace("15:00", &at()),
            "kind": "meter.threshold-crossed",
            "license": fixtures::license().0.id.to_string(), "meter": "frames",
            "percent": 80, "cause": 6, "total": 80.5, "allowed": 100,
        })
    );
    let used = json_of(&all()[2], Sight::NoKeys);
    for name in ["asked", "applied", "total", "gross", "held", "remaining", "subject"] {
        assert!(used.get(name).is_some(), "{name} in {used}");
    }
}

/// The hour and minute of [`AT`].
fn at() -> String {
    let mut out = Vec::new();
    crate::time::write(AT, &mut out);
    String::from_utf8(out).unwrap()[11..16].to_owned()
}

#[test]
fn things_are_objects_with_their_parts() {
    let license = after(license_text(), Sight::Everything);
    assert_eq!(license["key"], "AB\"CD");
    assert_eq!(license["entitlement"], json!(["export"]));
    assert!(license["user"].is_array());
    assert_eq!(license["metadata"][0]["metadata"], "greeting");
    assert_eq!(license["metadata"][0]["visible_to"], json!(["user"]));
    assert_eq!(license["metadata"][1]["value"], r#"{"a":[1.50,null,"\""]}"#);
    // What follows a part that is not of it is the license's own.
    assert!(license["checked_in_at"].is_string(), "{license}");
    assert_eq!(license["meter"].as_array().unwrap().len(), fixtures::specs().len());
    assert_eq!(license["meter"][0]["thresholds"], "80 100");
    assert_eq!(license["meter"][1]["allowed"], "unlimited");
    let token = after(canonical::token(&fixtures::token().0), Sight::NoKeys);
    assert_eq!(token["meter"], "frames");
    assert_eq!(token["permission"], json!(["meter:increment"]));
    let policy = after(canonical::policy(&fixtures::policy()), Sight::NoKeys);
    assert_eq!(policy["time_zone"], "Europe/Berlin");
    let machine = fixtures::activation().activation;
    let machine = after(canonical::activation(fixtures::license().0.id, &machine), Sight::NoKeys);
    assert_eq!(machine["component"][0]["component_fingerprint"], "mb");
    assert_eq!(machine["user"], fixtures::user().id.to_string());
}

#[test]
fn keys_and_people_are_for_those_who_may_see_them() {
    assert_eq!(after(license_text(), Sight::NoKeys)["key"], "***");
    let changed = told("license.changed", changed(None, Some(license_text())));
    let seen = json_of(&changed, Sight::NoPeople);
    for hidden in ["address", "before", "after"] {
        assert!(seen.get(hidden).is_none(), "{hidden} in {seen}");
    }
    assert!(json_of(&all()[2], Sight::NoPeople).get("subject").is_none());
    let vendor = fixtures::caller();
    assert_eq!(Sight::of(&vendor), Sight::Everything);
    let few = Caller { permissions: fixtures::token().0.permissions, ..vendor.clone() };
    assert_eq!(Sight::of(&few), Sight::NoKeys);
    let user = Caller { audience: Some(Audience::User), ..vendor };
    assert_eq!(Sight::of(&user), Sight::NoPeople);
}

#[test]
fn queries_name_what_is_wanted() {
    let plain =
        EventQuery { from: None, limit: 100, filter: EventFilter::default(), license: None };
    assert_eq!(query::read_events("").unwrap(), EventQuery { ..plain.clone() });
    let id = fixtures::license().0.id;
    let full =
        format!("from=5&limit=9&kind=meter.*,license.created&license={id}&meter=frames&thing={id}");
    let filter = EventFilter {
        kinds: Kinds::parse(["meter.*", "license.created"]).unwrap(),
        license: None,
        meter: Some(Code::parse("meter", "frames").unwrap()),
        thing: Some(*id.bytes()),
    };
    let expected = EventQuery {
        from: Some(EventsFrom::Number(5)),
        limit: 9,
        filter,
        license: Some(LicenseRef::Id(id)),
    };
    assert_eq!(query::read_events(&full).unwrap(), expected);
    let end = EventQuery { from: Some(EventsFrom::End), ..plain };
    assert_eq!(query::read_stream("from=end").unwrap(), end);
    for wrong in [
        "from=-1",
        "from=last",
        "kind=",
        "kind=Meter.*",
        "limit=0",
        "thing=x",
        "meter=",
        "cursor=x",
    ] {
        assert!(query::read_events(wrong).is_err(), "{wrong}");
    }
    assert!(query::read_stream("limit=5").is_err());
}
