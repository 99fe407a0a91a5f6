use alloc::string::ToString;
use alloc::vec::Vec;

use super::*;

fn figures(allowed: Option<i64>, ceiling: Option<i64>, total: i64, held: i64) -> Box<Figures> {
    Box::new(Figures {
        license: LicenseId::from_bytes([1; 16]),
        meter: Code::parse("meter", "hours").unwrap(),
        scale: Scale::new(2).unwrap(),
        asked: 150,
        total,
        gross: 900,
        allowed,
        ceiling,
        held,
        used: total + held,
    })
}

fn limit(of: Limited) -> Refusal {
    let license = LicenseId::from_bytes([1; 16]);
    Refusal::LimitOf(Box::new(LimitFigures { license, of, limit: 3, present: 3, asked: 1 }))
}

fn blocked() -> Box<Block> {
    Box::new(Block {
        rule: crate::id::RuleId::from_bytes([1; 16]),
        name: Code::parse("name", "burst").unwrap(),
        action: crate::rule::RuleAction::Refuse,
        since: Timestamp(0),
        until: None,
        cause: crate::rule::Cause::Record(7),
        reason: "hours was used 12 in 60 seconds, above 10".to_string(),
        evidence: "found=12 above=10".to_string(),
    })
}

/// One of each.
fn all() -> Vec<Refusal> {
    let license = LicenseId::from_bytes([1; 16]);
    let meter = || Code::parse("meter", "hours").unwrap();
    let figures = || figures(Some(200), Some(200), 100, 0);
    alloc::vec![
        Refusal::LimitReached(figures()),
        Refusal::BoundReached(figures(), 120),
        Refusal::FloorReached(figures(), 0),
        Refusal::CounterFull(figures()),
        Refusal::ReservedForOthers(figures(), 50),
        limit(Limited::Activations),
        limit(Limited::Deactivations),
        limit(Limited::Cores),
        limit(Limited::Memory),
        limit(Limited::Disk),
        limit(Limited::Processes),
        limit(Limited::Users),
        Refusal::TooMany(Kind::Hold, 10_000),
        Refusal::Over(Kind::Hold, "hold_1".to_string()),
        Refusal::NotMetered(meter()),
        Refusal::MeterMissing(meter()),
        Refusal::AccessDenied(license),
        Refusal::ActivationDead(ActivationId::from_bytes([1; 16])),
        Refusal::ActivationNotAllowed("the policy lets no virtual machine hold a license"),
        Refusal::AmountNotPositive,
        Refusal::FractionBeyondScale { meter: meter(), scale: Scale::new(2).unwrap() },
        Refusal::AmountOutOfRange,
        Refusal::LicenseSuspended(license),
        Refusal::LicenseRevoked(license),
        Refusal::LicenseExpired(license, Timestamp(0)),
        Refusal::LicenseNotYetValid(license, Timestamp(0)),
        Refusal::LicenseOverdue(license, Timestamp(0)),
        Refusal::LicenseStateConflict(license, "is suspended already"),
        Refusal::KeyMistyped,
        Refusal::Unknown(Kind::Meter, "hours".to_string()),
        Refusal::IdempotencyConflict,
        Refusal::OccurredAtOutOfRange,
        Refusal::Unauthenticated("the token is not known here"),
        Refusal::PermissionMissing(Permission::MeterRead),
        Refusal::Locked(Kind::License),
        Refusal::Taken(Kind::Product, "renderer".to_string()),
        Refusal::InUse(Kind::Product, "policy"),
        Refusal::Archived(Kind::Policy),
        Refusal::LicenseBlocked(license, blocked()),
        Refusal::invalid("name", "must be short"),
    ]
}

/// Codes are for ever, each has one reason, and the list of them is whole.
#[test]
fn the_list_of_codes_is_that_of_the_refusals() {
    let codes: Vec<&str> = all().iter().map(Refusal::code).collect();
    assert_eq!(codes, Refusal::CODES);
    for (place, code) in codes.iter().enumerate() {
        assert!(crate::text::is_code(code), "{code}");
        assert!(!codes[..place].contains(code), "{code} twice");
    }
}

#[test]
fn messages_begin_small_and_end_without_a_full_stop() {
    for refusal in all() {
        let message = refusal.to_string();
        let starts_small = message.starts_with(|c: char| c.is_lowercase());
        assert!(starts_small && !message.ends_with('.'), "{message}");
        let has_figures = matches!(
            refusal.code(),
            "limit-reached"
                | "bound-reached"
                | "floor-reached"
                | "counter-full"
                | "reserved-for-others"
        );
        assert_eq!(refusal.figures().is_some(), has_figures, "{message}");
    }
}

#[test]
fn a_limit_says_what_is_left() {
    for (ceiling, total, held, left) in [
        (Some(200), 100, 0, Some(100)),
        (Some(200), 100, 60, Some(40)),
        (Some(200), 200, 0, Some(0)),
        (Some(200), 900, 0, Some(0)),
        (Some(200), 100, 900, Some(0)),
        (Some(i64::MAX), -5, 0, Some(i64::MAX)),
        (None, 100, 0, None),
    ] {
        let figures = figures(Some(200), ceiling, total, held);
        assert_eq!(figures.remaining(), left, "{figures:?}");
    }
    let message = Refusal::LimitReached(figures(Some(200), Some(250), 100, 0)).to_string();
    assert_eq!(
        message,
        "meter hours of lic_01010101010101010101010101010101 stands at 1; 1.5 was asked for, \
         which is above the 1.5 left"
    );
}

#[test]
fn what_is_full_is_said_in_the_plural() {
    for (kind, expected) in [(Kind::Hold, "holds"), (Kind::Process, "processes")] {
        let message = Refusal::TooMany(kind, 9).to_string();
        assert_eq!(
            message,
            alloc::format!("the license has 9 {expected} already, the most it can have")
        );
    }
    assert_eq!(
        limit(Limited::Cores).to_string(),
        "license lic_01010101010101010101010101010101 has 3 of 3 cores; 1 more would \
         pass the limit"
    );
}
