use std::collections::BTreeSet;

use usance_core::id::{ActivationId, LicenseId, RuleId};
use usance_core::quantity::Scale;
use usance_core::refusal::{Kind, LimitFigures};
use usance_core::rule::{Block, Cause, RuleAction};
use usance_core::text::Code;
use usance_core::time::Timestamp;

use super::*;

fn license() -> LicenseId {
    LicenseId::from_bytes([0x1a; 16])
}

fn meter() -> Code {
    Code::parse("meter", "frames").unwrap()
}

fn figures() -> Box<Figures> {
    Box::new(Figures {
        license: license(),
        meter: meter(),
        scale: Scale::new(1).unwrap(),
        asked: 50,
        total: 975,
        gross: 975,
        allowed: Some(1000),
        ceiling: Some(1100),
        held: 1,
        used: 976,
    })
}

fn blocked() -> Box<Block> {
    Box::new(Block {
        rule: RuleId::from_bytes([0x3c; 16]),
        name: Code::parse("name", "burst").unwrap(),
        action: RuleAction::Refuse,
        since: Timestamp(0),
        until: None,
        cause: Cause::Record(7),
        reason: "12 in 60 seconds".into(),
        evidence: "found=12".into(),
    })
}

fn limit_of(of: Limited) -> Refusal {
    Refusal::LimitOf(Box::new(LimitFigures {
        license: license(),
        of,
        limit: 3,
        present: 4,
        asked: 1,
    }))
}

/// Every no there is, with its status and the members that belong to it alone.
pub(in crate::native) fn all() -> Vec<(Problem, u16, &'static str)> {
    let figured = r#""asked":5,"total":97.5,"gross":97.5,"allowed":100,"remaining":12.4,"held":0.1,"license":"lic_1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a","meter":"frames""#;
    let with_bound = r#""meter":"frames","bound":90.5"#;
    let with_floor = r#""meter":"frames","floor":-0.5"#;
    let of_license = r#""license":"lic_1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a""#;
    let malformed =
        Malformed { reason: "the text is not JSON: expected value".into(), line: 2, column: 7 };
    let refusals = [
        (Refusal::LimitReached(figures()), 409, figured),
        (Refusal::BoundReached(figures(), 905), 409, with_bound),
        (Refusal::FloorReached(figures(), -5), 409, with_floor),
        (Refusal::CounterFull(figures()), 409, figured),
        (Refusal::ReservedForOthers(figures(), -3), 409, r#""meter":"frames","available":0"#),
        (
            limit_of(Limited::Activations),
            409,
            r#""of":"activations","limit":3,"present":4,"asked":1"#,
        ),
        (limit_of(Limited::Deactivations), 409, r#""of":"deactivations""#),
        (limit_of(Limited::Cores), 409, r#""of":"cores""#),
        (limit_of(Limited::Memory), 409, r#""of":"memory""#),
        (limit_of(Limited::Disk), 409, r#""of":"disk""#),
        (limit_of(Limited::Processes), 409, r#""of":"processes""#),
        (limit_of(Limited::Users), 409, r#""of":"users""#),
        (Refusal::TooMany(Kind::Hold, 10_000), 409, r#""kind":"hold","limit":10000"#),
        (Refusal::Over(Kind::Session, "ses_1".into()), 410, r#""kind":"session","id":"ses_1""#),
        (Refusal::NotMetered(meter()), 422, r#""meter":"frames""#),
        (Refusal::MeterMissing(meter()), 422, r#""meter":"frames""#),
        (Refusal::AccessDenied(license()), 403, of_license),
        (
            Refusal::ActivationDead(ActivationId::from_bytes([0x2b; 16])),
            403,
            r#""activation":"act_2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b""#,
        ),
        (Refusal::ActivationNotAllowed("no virtual machine"), 403, "no virtual machine"),
        (
            Refusal::LicenseOverdue(license(), Timestamp(0)),
            403,
            r#""check_in_due":"1970-01-01T00:00:00.000Z""#,
        ),
        (Refusal::AmountNotPositive, 422, ""),
        (
            Refusal::FractionBeyondScale { meter: meter(), scale: Scale::new(2).unwrap() },
            422,
            r#""meter":"frames","scale":2"#,
        ),
        (Refusal::AmountOutOfRange, 422, ""),
        (
            Refusal::LicenseBlocked(license(), blocked()),
            403,
            r#""rule":"burst","reason":"12 in 60 seconds","since":"1970-01-01T00:00:00.000Z","until":null"#,
        ),
        (Refusal::LicenseSuspended(license()), 403, of_license),
        (Refusal::LicenseRevoked(license()), 403, of_license),
        (
            Refusal::LicenseExpired(license(), Timestamp(0)),
            403,
            r#""expires_at":"1970-01-01T00:00:00.000Z""#,
        ),
        (
            Refusal::LicenseNotYetValid(license(), Timestamp(0)),
            403,
            r#""valid_from":"1970-01-01T00:00:00.000Z""#,
        ),
        (Refusal::LicenseStateConflict(license(), "is not suspended"), 409, of_license),
        (Refusal::KeyMistyped, 404, ""),
        (
            Refusal::Unknown(Kind::License, "a\"b".into()),
            404,
            r#""detail":"there is no license a\"b""#,
        ),
        (Refusal::IdempotencyConflict, 409, ""),
        (Refusal::OccurredAtOutOfRange, 422, ""),
        (Refusal::Unauthenticated("who are you"), 401, ""),
        (Refusal::PermissionMissing(Permission::MeterSet), 403, r#""permission":"meter:set""#),
        (Refusal::Locked(Kind::Meter), 403, r#""kind":"meter""#),
        (Refusal::Taken(Kind::Product, "x".into()), 409, r#""kind":"product""#),
        (Refusal::InUse(Kind::Policy, "license"), 409, r#""kind":"policy""#),
        (Refusal::Archived(Kind::Product), 409, r#""kind":"product""#),
        (
            Refusal::invalid("meters[1].scale", "must be 0 to 9"),
            422,
            r#""field":"meters[1].scale""#,
        ),
    ];
    let faults = [
        (
            Fault::MalformedJson(malformed),
            400,
            r#""detail":"the text is not JSON: expected value, at line 2, column 7""#,
        ),
        (Fault::BodyTooLarge(9), 413, "at most 9 bytes"),
        (Fault::BatchTooLarge(9), 413, "at most 9 uses"),
        (Fault::UnsupportedMediaType("application/json"), 415, "application/json"),
        (Fault::NoSuchRoute, 404, ""),
        (Fault::MethodNotAllowed, 405, ""),
        (Fault::RequestTimeout, 408, ""),
        (Fault::BodyIncomplete, 400, ""),
        (Fault::Internal, 500, ""),
        (Fault::Overloaded, 503, r#""retry_after":1"#),
        (Fault::StorageFull, 503, ""),
        (Fault::StorageFailed(None), 503, "/readyz"),
        (Fault::StorageFailed(Some("gone".into())), 503, ": gone"),
        (Fault::OutcomeUnknown, 503, "idempotency key"),
        (Fault::Closing, 503, ""),
    ];
    let refusals =
        refusals.into_iter().map(|(refusal, status, part)| (refusal.into(), status, part));
    let faults = faults.into_iter().map(|(fault, status, part)| (fault.into(), status, part));
    refusals.chain(faults).collect()
}

fn document(problem: &Problem) -> String {
    let mut out = Vec::new();
    problem.write("5f-1", &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn every_no_is_a_problem_document() {
    for (problem, status, part) in all() {
        let text = document(&problem);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let code = problem.code();
        assert_eq!(problem.status(), status, "{code}");
        assert_eq!(value["status"], status);
        assert_eq!(value["code"], code);
        assert_eq!(value["type"], format!("urn:usance:problem:{code}"));
        assert_eq!(value["title"], code.replace('-', " "));
        assert_eq!(value["request_id"], "5f-1");
        assert!(!value["detail"].as_str().unwrap().is_empty());
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn the_table_above_has_every_code() {
    let tried: BTreeSet<_> = all().iter().map(|(problem, ..)| problem.code()).collect();
    let known: BTreeSet<_> = [Refusal::CODES, Fault::CODES].concat().into_iter().collect();
    assert_eq!(tried, known);
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let pages = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(pages).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        if name == "README" {
            continue;
        }
        for part in [&format!("# {name}\n"), "## Why it happens\n", "## What to do\n"] {
            assert!(text.contains(part), "{name} has no {part:?}");
        }
        found.insert(name);
    }
    let known: BTreeSet<_> =
        [Refusal::CODES, Fault::CODES].concat().into_iter().map(str::to_owned).collect();
    assert_eq!(found, known);
}

#[test]
fn the_pages_tell_the_right_status() {
    for (problem, status, _) in all() {
        let page = format!(
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors/{}.md"),
            problem.code()
        );
        let text = std::fs::read_to_string(page).unwrap();
        assert!(text.contains(&format!("HTTP status {status}.")), "{}", problem.code());
    }
}

#[test]
fn particulars_come_without_surprises() {
    assert_eq!(
        document(&Refusal::LimitReached(figures()).into()),
        concat!(
            r#"{"type":"urn:usance:problem:limit-reached","title":"limit reached","status":409,"#,
            r#""code":"limit-reached","detail":"meter frames of "#,
            r#"lic_1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a stands at 97.5; 5 was asked for, which is "#,
            r#"above the 12.4 left","request_id":"5f-1","asked":5,"total":97.5,"gross":97.5,"#,
            r#""allowed":100,"remaining":12.4,"held":0.1,"#,
            r#""license":"lic_1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a","meter":"frames"}"#,
        )
    );
}
