use super::*;
use crate::native::request;

const NAMES: [&str; 2] = ["metadata", "metadata_visible_to"];

fn told(body: &str, is_change: bool) -> Result<Option<Metadata>, String> {
    let members = request::object(body.as_bytes(), &NAMES).unwrap();
    let found = if is_change { read_change(&members) } else { read(&members).map(Some) };
    found.map_err(|refusal| refusal.to_string())
}

fn noted(body: &str) -> Metadata {
    told(body, false).unwrap().unwrap()
}

fn shown(notes: &Metadata, audience: Option<Audience>) -> String {
    let mut out = Vec::new();
    write::object(&mut out, |members| write(notes, audience, members));
    String::from_utf8(out).unwrap()
}

#[test]
fn values_are_kept_in_their_shortest_form_and_numbers_as_they_are() {
    let body = r#"{"metadata":{
        "b" : { "x" : [ 1.50 , 9007199254740993, 1e400, -0 ], "\u0061\"" : "\u00e4\n" },
        "a" : null, "c": [ ], "d" : { }, "e" : true
    }, "metadata_visible_to": {"c": ["user", "reseller"], "a": []}}"#;
    let notes = noted(body);
    let expected = concat!(
        r#"{"metadata":{"a":null,"b":{"x":[1.50,9007199254740993,1e400,-0],"a\"":"ä\n"},"c":[],"#,
        r#""d":{},"e":true},"metadata_visible_to":{"c":["user","reseller"]}}"#,
    );
    assert_eq!(shown(&notes, None), expected);
    assert_eq!(noted(expected), notes);
    assert_eq!(shown(&notes, Some(Audience::User)), r#"{"metadata":{"c":[]}}"#);
    assert_eq!(shown(&notes, Some(Audience::Activation)), r#"{"metadata":{}}"#);
}

#[test]
fn absent_null_and_empty() {
    for body in ["{}", r#"{"metadata":null,"metadata_visible_to":null}"#, r#"{"metadata":{}}"#] {
        assert!(noted(body).is_empty(), "{body}");
    }
    assert_eq!(told("{}", true), Ok(None));
    assert_eq!(told(r#"{"metadata":{}}"#, true), Ok(Some(Metadata::default())));
}

#[test]
fn bad_notes_say_what_is_wrong() {
    let deep = r#"{"metadata":{"a":[[[[1]]]]}}"#;
    assert_eq!(shown(&noted(deep), Some(Audience::User)), r#"{"metadata":{}}"#);
    let many = (0..65).map(|index| format!("\"k{index}\":1")).collect::<Vec<_>>().join(",");
    let wide = vec!["1"; METADATA_MEMBERS_MAX + 1].join(",");
    let long = "x".repeat(16 * 1024);
    for (body, expected) in [
        (r#"{"metadata":[]}"#.to_owned(), "metadata must be a JSON object"),
        (
            r#"{"metadata":{"a":[[{"b":[[]]}]]}}"#.into(),
            "metadata.a[0][0].b[0] is deeper than 4 levels of arrays and objects",
        ),
        (r#"{"metadata":{"a":1,"a":2}}"#.into(), "metadata.a may be there once"),
        (r#"{"metadata":{"a":{"b":1,"b":2}}}"#.into(), "metadata.a.b may be there once"),
        (
            r#"{"metadata":{"a":"\ud800"}}"#.into(),
            "metadata.a must be text of whole Unicode characters",
        ),
        (
            r#"{"metadata":{"":1}}"#.into(),
            "metadata must have keys of 1 to 256 bytes without control characters",
        ),
        (format!(r#"{{"metadata":{{{many}}}}}"#), "metadata may have at most 64 members"),
        (format!(r#"{{"metadata":{{"a":[{wide}]}}}}"#), "metadata.a may have at most 256 items"),
        (format!(r#"{{"metadata":{{"a":"{long}"}}}}"#), "metadata may be at most 16 KiB"),
        (
            r#"{"metadata":{"a":1},"metadata_visible_to":{"b":["user"]}}"#.into(),
            "metadata_visible_to.b is not among the metadata",
        ),
        (
            r#"{"metadata_visible_to":{"b":["user"]}}"#.into(),
            "metadata_visible_to.b is not among the metadata",
        ),
        (
            r#"{"metadata":{"a":1},"metadata_visible_to":{"a":["all"]}}"#.into(),
            "metadata_visible_to.a[0] must be one of activation, user, organization, reseller",
        ),
    ] {
        assert_eq!(told(&body, false), Err(expected.to_owned()), "{body:.80}");
    }
    assert_eq!(
        told(r#"{"metadata_visible_to":{}}"#, true),
        Err("metadata_visible_to comes with metadata, all of which is replaced".to_owned())
    );
}

#[test]
fn depth_bombs_are_harmless() {
    let bomb = format!("{}1{}", "{\"a\":[".repeat(10_000), "]}".repeat(10_000));
    let told = told(&format!("{{\"metadata\":{bomb}}}"), false).unwrap_err();
    assert!(told.contains("deeper than 4 levels"), "{told}");
}
