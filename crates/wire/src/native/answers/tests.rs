use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::usage::{Ended, OperationKind};

use super::*;

pub(in crate::native) fn answer() -> Answer {
    Answer {
        license: LicenseId::from_bytes([0x1a; 16]),
        meter: Code::parse("meter", "frames").unwrap(),
        scale: Scale::new(2).unwrap(),
        counted: Counted {
            operation: OperationKind::Increment,
            asked: 150,
            applied: 100,
            overage: 0,
            total: 4200,
            gross: i64::MAX,
            allowed: Some(100_000),
            held: -5,
            released: 0,
        },
        remaining: Some(95_805),
        period_end: None,
        activation: None,
        reference: None,
        ended: None,
        record: u64::MAX,
        at: Timestamp(1_795_443_600_123),
        repeat: false,
        warning: None,
    }
}

/// Answers that have more to say than most.
pub(in crate::native) fn rare() -> Vec<Answer> {
    let of = |operation, reference, until| {
        let plain = answer();
        Answer {
            counted: Counted { operation, released: 150, ..plain.counted },
            period_end: Some(plain.at),
            activation: Some(ActivationId::from_bytes([0x2b; 16])),
            reference: Some(Reference { id: reference, until }),
            ..plain
        }
    };
    let hold = Reserved::Hold(HoldId::from_bytes([0x3c; 16]));
    let session = Reserved::Session(SessionId::from_bytes([0x4d; 16]));
    let until = Some(answer().at);
    let ended = of(OperationKind::Settle, session, None);
    vec![
        of(OperationKind::Hold, hold, until),
        of(OperationKind::Settle, hold, None),
        of(OperationKind::Release, session, None),
        of(OperationKind::Hold, session, until),
        Answer { ended: Some(Ended::LimitReached), ..ended },
    ]
}

fn text(answer: &Answer) -> String {
    let mut out = Vec::new();
    write(answer, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn an_answer_has_every_figure_exactly() {
    assert_eq!(
        text(&answer()),
        concat!(
            r#"{"license":"lic_1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a","meter":"frames","#,
            r#""operation":"increment","asked":1.5,"applied":1,"overage":0,"total":42,"#,
            r#""gross":92233720368547758.07,"allowed":1000,"remaining":958.05,"held":-0.05,"#,
            r#""period_end":null,"record":18446744073709551615,"#,
            r#""at":"2026-11-23T14:20:00.123Z","repeat":false}"#,
        )
    );
}

#[test]
fn what_is_unlimited_is_null() {
    let mut unlimited = answer();
    unlimited.counted.allowed = None;
    unlimited.remaining = None;
    assert!(text(&unlimited).contains(r#""allowed":null,"remaining":null,"#));
}

#[test]
fn what_is_rare_is_told_where_it_is() {
    let parts: Vec<_> = rare()
        .iter()
        .map(|answer| {
            let told = text(answer);
            let from = told.find(r#""period_end""#).unwrap();
            let to = told.find(r#","record""#).unwrap();
            told[from..to].replace(r#""period_end":"2026-11-23T14:20:00.123Z","#, "")
        })
        .collect();
    let released = r#""released":1.5,"#;
    let activation = r#""activation":"act_2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b","#;
    let hold = r#""hold":"hold_3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c","#;
    let session = r#""session":"ses_4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d","#;
    let until = r#""until":"2026-11-23T14:20:00.123Z""#;
    let over = r#""until":null"#;
    let ended = r#","ended":"limit-reached""#;
    assert_eq!(
        parts,
        [
            [activation, hold, until].concat(),
            [released, activation, hold, over].concat(),
            [released, activation, session, over].concat(),
            [activation, session, until].concat(),
            [released, activation, session, over, ended].concat(),
        ]
    );
}
