use usance_core::license::LicenseKey;
use usance_core::quantity::Decimal;
use usance_core::usage::{CheckOut, Fit, NewHold, Operation, Step};

use super::*;

fn plain(license: &str, meter: &str, amount: i64) -> Use {
    Use {
        license: LicenseRef::Key(LicenseKey(license.into())),
        meter: Code::parse("meter", meter).unwrap(),
        operation: Operation::Increment(Step {
            amount: Decimal::whole(amount),
            bound: None,
            fit: Fit::Whole,
        }),
        activation: None,
        idempotency_key: None,
        occurred_at: None,
        subject: None,
        attributes: Default::default(),
    }
}

/// What is wrong with the items that are no uses: place, code and what is told.
fn problems(batch: &Batch) -> Vec<(usize, String)> {
    let told = |problem: &Problem| match problem {
        Problem::Refused(refusal) => refusal.to_string(),
        Problem::Fault(fault) => format!("{}: {fault}", fault.code()),
    };
    let problems = batch.unread.problems.iter();
    problems.map(|(place, problem)| (*place, told(problem))).collect()
}

#[test]
fn a_bad_item_refuses_itself_and_no_other() {
    let items = [
        r#"{"license":"AAAA-1","meter":"frames"}"#,
        r#"{"license":"AAAA-1","meter":"frames","amount":2}"#,
        r#"{"meter":"frames"}"#,
        r#"{"license":"AAAA-1","meter":"Frames"}"#,
        "7",
        r#"{"license":"AAAA-1","meter":"hours","operation":"increment","amount":3}"#,
        r#"{"license":"AAAA-1","meter":"hours","operation":"multiply"}"#,
        r#"{"license":"AAAA-1","meter":"hours","amount":99999999999999999999}"#,
        r#"{"license":"AAAA-1","meter":"hours","colour":"red"}"#,
    ];
    let wrong = |place: fn(usize) -> String| {
        let known = ITEM.join(", ");
        vec![
            (2, format!("{}license is missing", place(2))),
            (
                3,
                format!(
                    "{}meter must be 1 to 64 of a-z, 0-9, '.', '_' and '-', and start with a \
                     letter or digit",
                    place(3)
                ),
            ),
            (
                4,
                format!(
                    "{} must be a JSON object",
                    match &*place(4) {
                        "" => "body".to_owned(),
                        place => place.trim_end_matches('.').to_owned(),
                    }
                ),
            ),
            (6, format!("{}operation must be one of {}", place(6), Verb::WORDS.join(", "))),
            (7, "amount does not fit 64 bits at this scale".to_owned()),
            (8, format!("{}colour is not known here; known are {known}", place(8))),
        ]
    };
    let uses =
        [plain("AAAA-1", "frames", 1), plain("AAAA-1", "frames", 2), plain("AAAA-1", "hours", 3)];
    let array = read(Form::Array, format!("[{}]", items.join(",\n")).as_bytes()).unwrap();
    assert_eq!(array.uses, uses);
    assert_eq!(problems(&array), wrong(|index| format!("[{index}].")));
    let lines = read(Form::Lines, items.join("\n").as_bytes()).unwrap();
    assert_eq!(lines.uses, uses);
    assert_eq!(problems(&lines), wrong(|_| String::new()));
}

#[test]
fn holds_and_sessions_are_named_in_the_item() {
    let hold = "hold_0193b2c4d5e67890a1b2c3d4e5f60718";
    let session = "ses_0193b2c4d5e67890a1b2c3d4e5f60718";
    let item = |inside: &str| {
        let body = format!(r#"{{"license":"AAAA-1","meter":"m",{inside}}}"#);
        let batch = read(Form::Lines, body.as_bytes()).unwrap();
        let told = problems(&batch).into_iter().map(|(_, told)| told).next();
        batch.uses.into_iter().next().map(|used| used.operation).ok_or_else(|| told.unwrap())
    };
    let (hold_id, session_id) = (hold.parse().unwrap(), session.parse().unwrap());
    for (inside, expected) in [
        (format!(r#""operation":"settle","hold":"{hold}""#), Operation::Settle(hold_id, None)),
        (format!(r#""operation":"release","hold":"{hold}""#), Operation::Release(hold_id)),
        (
            format!(r#""session":"{session}","operation":"heartbeat""#),
            Operation::Heartbeat(session_id),
        ),
        (
            format!(r#""operation":"check-in","session":"{session}","count":null"#),
            Operation::CheckIn(session_id),
        ),
        (
            r#""operation":"check-out","count":2"#.into(),
            Operation::CheckOut(CheckOut { count: Decimal::whole(2) }),
        ),
        (
            r#""operation":"hold","seconds":5"#.into(),
            Operation::Hold(NewHold { amount: Decimal::ONE, fit: Fit::Whole, seconds: Some(5) }),
        ),
    ] {
        assert_eq!(item(&inside), Ok(expected), "{inside}");
    }
    let id = "must be an id: expected hold_ and 32 lower-case hexadecimal digits";
    for (inside, expected) in [
        (r#""operation":"settle""#.to_owned(), "hold is missing".to_owned()),
        (r#""operation":"release","hold":"x""#.into(), format!("hold {id}")),
        (format!(r#""hold":"{hold}""#), "hold belongs to a settle or release".into()),
        (
            format!(r#""operation":"check-out","session":"{session}""#),
            "session belongs to a heartbeat or check-in".into(),
        ),
        (r#""count":1"#.into(), "count belongs to a check-out".into()),
        (r#""operation":"set","amount":1,"seconds":1"#.into(), "seconds belongs to a hold".into()),
        (
            format!(r#""operation":"settle","hold":"{hold}","partial":true"#),
            "partial belongs to an increment, decrement or hold".into(),
        ),
    ] {
        assert_eq!(item(&inside), Err(expected), "{inside}");
    }
}

#[test]
fn a_malformed_line_is_its_own_outcome_and_a_malformed_array_is_none() {
    let line = r#"{"license":"AAAA-1","meter":"frames"}"#;
    let body =
        [line.as_bytes(), b"\r\n\n{\"license\"\n", line.as_bytes(), b" x\n\xff\n  \n"].concat();
    let lines = read(Form::Lines, &body).unwrap();
    assert_eq!(lines.uses.len(), 1);
    let found = problems(&lines);
    let expected = [
        (1, "malformed-json: the text is not JSON: EOF while parsing an object, at line 3, "),
        (2, "malformed-json: the text is not JSON: trailing characters, at line 4, column 39"),
        (3, "malformed-json: the text is not UTF-8, at line 5, column 1"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((place, told), (expected_place, begin)) in found.iter().zip(expected) {
        assert_eq!(*place, expected_place);
        assert!(told.starts_with(begin), "{told}");
    }
    for body in [
        format!("[{line},{{\"license\"]"),
        format!("[{line}"),
        format!("[{line},]"),
        format!("[{line}]]"),
        "[1e999]".to_owned(),
        "[".repeat(100_000),
        String::new(),
    ] {
        let code = read(Form::Array, body.as_bytes()).map_err(|problem| problem.code());
        assert!(matches!(code, Err("malformed-json")), "{:.80} {code:?}", body);
    }
}

#[test]
fn an_array_is_an_array() {
    for body in ["{}", "{\"a\":[1]}", "1", "-1", "1.5", "\"x\"", "null", "true"] {
        let refused = read(Form::Array, body.as_bytes()).map_err(|problem| match problem {
            Problem::Refused(refusal) => refusal.to_string(),
            Problem::Fault(fault) => fault.to_string(),
        });
        let Err(told) = refused else {
            panic!("{body} was read");
        };
        assert_eq!(told, "body must be a JSON array of uses");
    }
    assert!(read(Form::Array, b" [ ] ").unwrap().uses.is_empty());
    assert!(read(Form::Lines, b"\n\n").unwrap().uses.is_empty());
    assert!(read(Form::Lines, b"").unwrap().uses.is_empty());
}

#[test]
fn a_batch_has_a_bound() {
    let line = r#"{"license":"AAAA-1","meter":"frames"}"#;
    for form in [Form::Array, Form::Lines] {
        for (count, expected) in [(BATCH_ITEMS_MAX, None), (BATCH_ITEMS_MAX + 1, Some(413))] {
            let body = match form {
                Form::Array => format!("[{}]", vec![line; count].join(",")),
                Form::Lines => vec![line; count].join("\n"),
            };
            let status = read(form, body.as_bytes()).err().map(|problem| problem.status());
            assert_eq!(status, expected);
        }
        // Items that are none count too: each is answered.
        let body = match form {
            Form::Array => format!("[{}]", vec!["1"; BATCH_ITEMS_MAX + 1].join(",")),
            Form::Lines => vec!["1"; BATCH_ITEMS_MAX + 1].join("\n"),
        };
        let code = read(form, body.as_bytes()).err().map(|problem| problem.code());
        assert_eq!(code, Some("batch-too-large"));
    }
}

#[test]
fn outcomes_are_in_the_order_asked() {
    let line = r#"{"license":"AAAA-1","meter":"frames"}"#;
    let body = ["1", line, "2", line, "3"].join("\n");
    let outcomes = [Err(Refusal::AmountNotPositive), Ok(crate::native::answers::tests::answer())];
    let codes = |text: &str| -> Vec<String> {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        let code = |outcome: &serde_json::Value| {
            let code = outcome.get("code").and_then(|code| code.as_str());
            format!("{} {}", outcome["status"], code.unwrap_or("-"))
        };
        value.as_array().unwrap().iter().map(code).collect()
    };
    let expected =
        ["422 invalid", "422 amount-not-positive", "422 invalid", "200 -", "422 invalid"];

    let lines = read(Form::Lines, body.as_bytes()).unwrap();
    let mut out = Vec::new();
    lines.unread.write(&outcomes, &mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.ends_with('\n'));
    let joined = text.trim_end().replace('\n', ",");
    assert_eq!(codes(&format!("[{joined}]")), expected);

    let array = read(Form::Array, format!("[{}]", body.replace('\n', ",")).as_bytes()).unwrap();
    let mut out = Vec::new();
    array.unread.write(&outcomes, &mut out);
    let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(value["accepted"], 1);
    assert_eq!(value["refused"], 4);
    assert_eq!(codes(&value["outcomes"].to_string()), expected);
}

#[test]
fn an_empty_batch_has_no_outcomes() {
    for (form, expected) in
        [(Form::Array, "{\"accepted\":0,\"refused\":0,\"outcomes\":[]}"), (Form::Lines, "")]
    {
        let body: &[u8] = if form == Form::Array { b"[]" } else { b"" };
        let mut out = Vec::new();
        read(form, body).unwrap().unread.write(&[], &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(body: Vec<u8>) {
        drop(read(Form::Array, &body));
        drop(read(Form::Lines, &body));
    }

    #[test]
    fn every_item_has_an_outcome(good in proptest::collection::vec(proptest::bool::ANY, 0..40)) {
        let items: Vec<_> = good
            .iter()
            .map(|good| if *good { r#"{"license":"AAAA-1","meter":"m"}"# } else { "{}" })
            .collect();
        let lines = read(Form::Lines, items.join("\n").as_bytes()).unwrap();
        let outcomes = vec![Err(Refusal::IdempotencyConflict); lines.uses.len()];
        let mut out = Vec::new();
        lines.unread.write(&outcomes, &mut out);
        let found: Vec<_> = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| line.contains("idempotency-conflict"))
            .collect();
        proptest::prop_assert_eq!(found, good);
    }
}
