use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::usage::OperationKind;

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
        },
        record: u64::MAX,
        at: Timestamp(1_795_443_600_123),
        repeat: false,
    }
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
    assert!(text(&unlimited).contains(r#""allowed":null,"remaining":null,"#));
}
