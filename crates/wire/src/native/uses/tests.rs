use usance_core::activation::ActivationRef;
use usance_core::license::LicenseKey;
use usance_core::time::Timestamp;

use super::*;

fn target(verb: Verb) -> Target<'static> {
    Target {
        license: LicenseRef::Key(LicenseKey("AAAA-BBBB".into())),
        meter: Code::parse("meter", "frames").unwrap(),
        verb,
        header_key: None,
    }
}

fn hold() -> HoldId {
    HoldId::from_bytes([3; 16])
}

fn session() -> SessionId {
    SessionId::from_bytes([4; 16])
}

/// Each that there is.
fn verbs() -> [Verb; 10] {
    [
        Verb::Increment,
        Verb::Decrement,
        Verb::Set,
        Verb::Reset,
        Verb::Hold,
        Verb::Settle(hold()),
        Verb::Release(hold()),
        Verb::CheckOut,
        Verb::Heartbeat(session()),
        Verb::CheckIn(session()),
    ]
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

/// What a refused request is told: code, field and reason.
fn told(problem: Problem) -> String {
    match problem {
        Problem::Refused(Refusal::Invalid { field, reason }) => format!("{field} {reason}"),
        other => other.code().to_owned(),
    }
}

fn refused(kind: Verb, body: &str) -> String {
    match read(target(kind), body.as_bytes()) {
        Ok(read) => panic!("{body} was read as {read:?}"),
        Err(problem) => told(problem),
    }
}

#[test]
fn a_use_reads_whole() {
    let body = r#" { "amount" : 2.50, "idempotency_key":"frame-\u00e4\n",
        "activation":"9f\"3c", "bound":"90",
        "partial":true, "occurred_at":"2026-11-23T14:20:00Z",
        "subject":{"user":"ada","host":null,"address":"10.0.0.7"},
        "attributes":{"scene":"intro","gpu":"\"a\""} } "#;
    let read = read(target(Verb::Increment), body.as_bytes()).unwrap();
    let expected = Use {
        license: LicenseRef::Key(LicenseKey("AAAA-BBBB".into())),
        meter: Code::parse("meter", "frames").unwrap(),
        operation: Operation::Increment(Step {
            amount: decimal("2.5"),
            bound: Some(decimal("90")),
            fit: Fit::Partial,
        }),
        activation: Some(ActivationRef::Fingerprint("9f\"3c".into())),
        idempotency_key: Some(IdempotencyKey::parse("frame-ä\n".into()).unwrap()),
        occurred_at: Some(Timestamp(1_795_443_600_000)),
        subject: Some(Subject {
            user: Some("ada".into()),
            host: None,
            address: Some("10.0.0.7".into()),
        }),
        attributes: Attributes::new(vec![
            (Code::parse("", "gpu").unwrap(), "\"a\"".into()),
            (Code::parse("", "scene").unwrap(), "intro".into()),
        ])
        .unwrap(),
    };
    assert_eq!(read, expected);
}

#[test]
fn everything_may_be_left_out_that_has_a_meaning_then() {
    let one = Step { amount: Decimal::ONE, bound: None, fit: Fit::Whole };
    let nulls = r#"{"amount":null,"idempotency_key":null,"bound":null,"partial":null,
        "occurred_at":null,"subject":null,"attributes":null,"activation":null}"#;
    for (kind, body, expected) in [
        (Verb::Increment, "", Operation::Increment(one)),
        (Verb::Increment, "{}", Operation::Increment(one)),
        (Verb::Increment, nulls, Operation::Increment(one)),
        (Verb::Decrement, "", Operation::Decrement(one)),
        (Verb::Reset, "", Operation::Reset),
        (Verb::Reset, nulls, Operation::Reset),
        (Verb::Set, r#"{"amount":0}"#, Operation::Set(decimal("0"))),
    ] {
        let read = read(target(kind), body.as_bytes()).unwrap();
        assert_eq!(read.operation, expected, "{body}");
        assert_eq!(read.idempotency_key, None);
        assert_eq!(read.occurred_at, None);
        assert_eq!(read.subject, None);
        assert!(read.attributes.is_empty());
    }
}

#[test]
fn holds_and_sessions() {
    let new =
        |amount, fit, seconds| Operation::Hold(NewHold { amount: decimal(amount), fit, seconds });
    let out = |count| Operation::CheckOut(CheckOut { count: decimal(count) });
    let whole = r#"{"amount":"2.5","seconds":60,"partial":true}"#;
    for (verb, body, expected) in [
        (Verb::Hold, "", new("1", Fit::Whole, None)),
        (Verb::Hold, whole, new("2.5", Fit::Partial, Some(60))),
        (Verb::Hold, r#"{"seconds":7776000}"#, new("1", Fit::Whole, Some(7_776_000))),
        (Verb::Settle(hold()), "", Operation::Settle(hold(), None)),
        (Verb::Settle(hold()), r#"{"amount":0}"#, Operation::Settle(hold(), Some(decimal("0")))),
        (Verb::Release(hold()), "{}", Operation::Release(hold())),
        (Verb::CheckOut, "", out("1")),
        (Verb::CheckOut, r#"{"count":3}"#, out("3")),
        (Verb::Heartbeat(session()), "", Operation::Heartbeat(session())),
        (Verb::CheckIn(session()), "", Operation::CheckIn(session())),
    ] {
        let read = read(target(verb), body.as_bytes()).unwrap();
        assert_eq!(read.operation, expected, "{body}");
        assert!(Verb::WORDS.contains(&expected.word()));
    }
    for (verb, body, expected) in [
        (Verb::Hold, r#"{"seconds":0}"#, "seconds must be 1 second to 90 days"),
        (Verb::Hold, r#"{"seconds":7776001}"#, "seconds must be 1 second to 90 days"),
        (Verb::Hold, r#"{"activation":""}"#, "activation must be an id or a fingerprint"),
        (Verb::Settle(hold()), r#"{"amount":99999999999999999999}"#, "amount-out-of-range"),
    ] {
        assert_eq!(refused(verb, body), expected, "{body}");
    }
    for (verb, stray) in [
        (Verb::Hold, "bound"),
        (Verb::Settle(hold()), "partial"),
        (Verb::Release(hold()), "amount"),
        (Verb::CheckOut, "amount"),
        (Verb::Heartbeat(session()), "count"),
        (Verb::Increment, "seconds"),
    ] {
        let told = refused(verb, &format!("{{\"{stray}\":1}}"));
        assert!(told.starts_with(&format!("{stray} is not known here")), "{told}");
    }
}

#[test]
fn amounts_are_exact_or_refused() {
    const FORM: &str = "amount must be a decimal number without exponent, like 12 or \"0.25\"";
    const RANGE: &str = "amount-out-of-range";
    for (text, expected) in [
        ("1", Ok("1")),
        ("\"1\"", Ok("1")),
        ("0.1", Ok("0.1")),
        ("\"0.10\"", Ok("0.1")),
        ("-1", Ok("-1")),
        ("0", Ok("0")),
        ("9007199254740993", Ok("9007199254740993")),
        ("9223372036854775807", Ok("9223372036854775807")),
        ("-9223372036854775808", Ok("-9223372036854775808")),
        ("0.123456789", Ok("0.123456789")),
        ("9223372036854775808", Err(RANGE)),
        ("18446744073709551616", Err(RANGE)),
        ("\"99999999999999999999999999\"", Err(RANGE)),
        ("1e3", Err(FORM)),
        ("1E3", Err(FORM)),
        ("1.5e-2", Err(FORM)),
        ("1e999999999", Err(FORM)),
        ("\"1e3\"", Err(FORM)),
        ("\"\"", Err(FORM)),
        ("\" 1\"", Err(FORM)),
        ("\"+1\"", Err(FORM)),
        ("\"0x10\"", Err(FORM)),
        ("\"NaN\"", Err(FORM)),
        ("true", Err(FORM)),
        ("[]", Err(FORM)),
        ("{}", Err(FORM)),
    ] {
        let body = format!("{{\"amount\":{text}}}");
        let found = read(target(Verb::Set), body.as_bytes());
        let found = found.map(|read| read.operation).map_err(told);
        let expected = expected.map(|text| Operation::Set(decimal(text))).map_err(str::to_owned);
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn bad_uses_say_what_is_wrong() {
    use Verb::{Decrement, Increment, Reset, Set};
    const RESET: &str = "amount belongs to an increment, decrement, set, hold or settle";
    let known = USE.join(", ");
    let long = "x".repeat(256);
    let many = (0..17).map(|index| format!("\"a{index}\":\"\"")).collect::<Vec<_>>().join(",");
    for (kind, body, expected) in [
        (Increment, "[]", "body must be a JSON object".to_owned()),
        (Increment, "1", "body must be a JSON object".into()),
        (Increment, "\"x\"", "body must be a JSON object".into()),
        (Increment, "null", "body must be a JSON object".into()),
        (Increment, r#"{"amunt":1}"#, format!("amunt is not known here; known are {known}")),
        (Increment, r#"{"license":"x"}"#, format!("license is not known here; known are {known}")),
        (Increment, r#"{"amount":1,"amount":1}"#, "amount may be there once".into()),
        (Increment, r#"{"amount":1,"\u0061mount":1}"#, "amount may be there once".into()),
        (Increment, r#"{"partial":1}"#, "partial must be true or false".into()),
        (
            Increment,
            r#"{"bound":"x"}"#,
            "bound must be a decimal number without exponent, like 12 or \"0.25\"".into(),
        ),
        (Increment, r#"{"bound":9223372036854775808}"#, "amount-out-of-range".into()),
        (Increment, r#"{"idempotency_key":7}"#, "idempotency_key must be text".into()),
        (Increment, r#"{"idempotency_key":""}"#, "idempotency_key must be 1 to 255 bytes".into()),
        (
            Increment,
            &format!("{{\"idempotency_key\":\"{long}\"}}"),
            "idempotency_key must be 1 to 255 bytes".into(),
        ),
        (
            Increment,
            r#"{"idempotency_key":"\ud800"}"#,
            "idempotency_key must be text of whole Unicode characters".into(),
        ),
        (
            Increment,
            r#"{"occurred_at":"yesterday"}"#,
            "occurred_at must be a time as in RFC 3339, like 2026-11-23T14:20:00.000Z".into(),
        ),
        (Increment, r#"{"occurred_at":1795443600}"#, "occurred_at must be text".into()),
        (Increment, r#"{"subject":"ada"}"#, "subject must be a JSON object".into()),
        (Increment, r#"{"subject":{}}"#, "subject must name a user, host or address".into()),
        (Increment, r#"{"subject":{"user":""}}"#, "subject.user must be 1 to 255 bytes".into()),
        (Increment, r#"{"subject":{"user":1}}"#, "subject.user must be text".into()),
        (
            Increment,
            r#"{"subject":{"mail":"x"}}"#,
            "subject.mail is not known here; known are user, host, address".into(),
        ),
        (
            Increment,
            r#"{"subject":{"user":"a","user":"b"}}"#,
            "subject.user may be there once".into(),
        ),
        (
            Increment,
            r#"{"attributes":{"scene":"a","scene":"b"}}"#,
            "attributes.scene may be there once".into(),
        ),
        (Increment, r#"{"attributes":{"scene":4}}"#, "attributes.scene must be text".into()),
        (
            Increment,
            r#"{"attributes":{"Scene":""}}"#,
            "attributes.Scene must be 1 to 64 of a-z, 0-9, '.', '_' and '-', and start with a \
             letter or digit"
                .into(),
        ),
        (
            Increment,
            &format!("{{\"attributes\":{{\"scene\":\"{long}\"}}}}"),
            "attributes may have values of at most 255 bytes".into(),
        ),
        (
            Increment,
            &format!("{{\"attributes\":{{{many}}}}}"),
            "attributes may have at most 16 members".into(),
        ),
        (Decrement, r#"{"partial":"yes"}"#, "partial must be true or false".into()),
        (Set, "{}", "amount is missing".into()),
        (Set, "", "amount is missing".into()),
        (Set, r#"{"amount":1,"bound":1}"#, "bound belongs to an increment or decrement".into()),
        (
            Set,
            r#"{"amount":1,"partial":false}"#,
            "partial belongs to an increment, decrement or hold".into(),
        ),
        (Reset, r#"{"amount":0}"#, RESET.into()),
    ] {
        assert_eq!(refused(kind, body), expected, "{body}");
    }
}

#[test]
fn malformed_json_says_where() {
    let deep = "[".repeat(60_000);
    let deep_member = format!("{{\"attributes\":{deep}");
    for (body, line, column) in [
        (&b"{"[..], 1, 1),
        (b"{\"amount\":1", 1, 11),
        (b"{\"amount\":1,}", 1, 13),
        (b"{\n \"amount\": 01}", 2, 13),
        (b"{\"amount\":+1}", 1, 11),
        (b"{\"amount\":NaN}", 1, 11),
        (b"{amount:1}", 1, 2),
        (b"{'amount':1}", 1, 2),
        (b"{} {}", 1, 4),
        (b"{}x", 1, 3),
        (b"{\"idempotency_key\":\"a\nb\"}", 1, 21),
        (b"{\"a\":\"\\x\"}", 1, 8),
        (b"\xef\xbb\xbf{}", 1, 1),
        (b"{\n\"a\":\"\xff\"}", 2, 6),
        (b" ", 1, 1),
        (deep_member.as_bytes(), 1, deep_member.len()),
    ] {
        let found = read(target(Verb::Increment), body);
        let Err(Problem::Fault(crate::native::Fault::MalformedJson(malformed))) = found else {
            panic!("{} is not malformed: {found:?}", String::from_utf8_lossy(body));
        };
        let place = (malformed.line, malformed.column);
        assert_eq!(place, (line, column), "{malformed} in {}", String::from_utf8_lossy(body));
        assert!(!malformed.reason.contains("line"), "{malformed}");
    }
}

#[test]
fn depth_bombs_are_harmless() {
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let objects = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    for bomb in [deep, objects] {
        let told = refused(Verb::Increment, &format!("{{\"subject\":{bomb}}}"));
        assert!(told.starts_with("subject"), "{told}");
        let told = refused(Verb::Increment, &format!("{{\"attributes\":{bomb}}}"));
        assert!(told.starts_with("attributes"), "{told}");
        let told = refused(Verb::Increment, &bomb);
        assert!(told.contains("must be a JSON object") || told.contains("not known"), "{told}");
    }
}

#[test]
fn the_header_and_the_field_agree() {
    for (header, body, expected) in [
        (None, r#"{"idempotency_key":"a"}"#, Ok(Some("a"))),
        (Some("a"), "", Ok(Some("a"))),
        (Some("a"), "{}", Ok(Some("a"))),
        (Some("a"), r#"{"idempotency_key":"a"}"#, Ok(Some("a"))),
        (
            Some("a"),
            r#"{"idempotency_key":"b"}"#,
            Err("idempotency_key differs from the Idempotency-Key header; send one, or the same \
                 twice"),
        ),
        (Some(""), "", Err("idempotency_key must be 1 to 255 bytes")),
        (None, "", Ok(None)),
    ] {
        let target = Target { header_key: header, ..target(Verb::Increment) };
        let found = read(target, body.as_bytes());
        let found = found.map(|read| read.idempotency_key).map_err(told);
        let expected = expected
            .map(|key| key.map(|key| IdempotencyKey::parse(key.into()).unwrap()))
            .map_err(str::to_owned);
        assert_eq!(found, expected, "{header:?} {body}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(body: Vec<u8>) {
        for kind in verbs() {
            drop(read(target(kind), &body));
        }
    }

    #[test]
    fn no_text_near_the_form_panics(
        body in r#"[{}\[\]:,]?"?(amount|bound|subject|attributes)?"?:?[-0-9.eE"\\u{}\[\],: a-d]{0,24}"#
    ) {
        for kind in verbs() {
            drop(read(target(kind), format!("{{\"{body}}}").as_bytes()));
            drop(read(target(kind), body.as_bytes()));
        }
    }
}
