//! Bodies of the catalogue.

use usance_core::command::{AllowedChange, NewOverage, Ref};
use usance_core::limits::POLICY_METERS_MAX;
use usance_core::quantity::Decimal;
use usance_core::time::Timestamp;
use usance_core::token::Permissions;

use super::problem::Problem;
use super::*;

/// A reader whose result does not matter.
type Reader = fn(&[u8]) -> Result<(), Problem>;

const READERS: &[(&str, Reader)] = &[
    ("new product", |body| products::read_new(body).map(drop)),
    ("product patch", |body| products::read_patch(body).map(drop)),
    ("new customer", |body| customers::read_new(body).map(drop)),
    ("customer patch", |body| customers::read_patch(body).map(drop)),
    ("new policy", |body| policies::read_new(body).map(drop)),
    ("policy patch", |body| policies::read_patch(body).map(drop)),
    ("new license", |body| licenses::read_new(body).map(drop)),
    ("license patch", |body| licenses::read_patch(body).map(drop)),
    ("allowed", |body| licenses::read_allowed(body).map(drop)),
    ("standing", |body| licenses::read_standing_change(body)),
    ("new token", |body| tokens::read_new(body).map(drop)),
];

fn read(name: &str, body: &str) -> Result<(), String> {
    let (_, reader) = READERS.iter().find(|(known, _)| *known == name).unwrap();
    reader(body.as_bytes()).map_err(|problem| match problem {
        Problem::Refused(refusal) => refusal.to_string(),
        Problem::Fault(fault) => format!("{}: {fault}", fault.code()),
    })
}

#[test]
fn whole_bodies_are_read() {
    for (name, body) in [
        ("new product", r#"{"code":"renderer"}"#),
        ("new product", r#"{"code":"renderer","name":null}"#),
        ("product patch", "{}"),
        ("product patch", r#"{"name":"R","archived":true}"#),
        ("new customer", r#"{"code":"acme","name":"ACME","email":"a@b.example"}"#),
        ("customer patch", r#"{"email":null}"#),
        ("new policy", r#"{"product":"renderer","code":"p"}"#),
        ("policy patch", r#"{"duration_seconds":null,"meters":[]}"#),
        ("new license", r#"{"policy":"p","key":"BROUGHT-ALONG"}"#),
        ("license patch", r#"{"name":null,"customer":null,"expires_at":null}"#),
        ("standing", ""),
        ("standing", "{}"),
        ("new token", r#"{"name":"ci","permissions":["*"],"license":"lic_x","meter":"frames"}"#),
    ] {
        assert_eq!(read(name, body), Ok(()), "{name} {body}");
    }
}

#[test]
fn bad_bodies_say_what_is_wrong() {
    const CODE: &str =
        "must be 1 to 64 of a-z, 0-9, '.', '_' and '-', and start with a letter or digit";
    const NAME: &str = "must be 1 to 200 bytes of text without control characters";
    const OVERAGE: &str = r#"must be "refuse", "allow", {"amount": …} or {"percent": …}"#;
    const WHOLE: &str = "must be a whole number, not negative and not too large";
    const DECIMAL: &str = "must be a decimal number without exponent, like 12 or \"0.25\"";
    let meter = |inside: &str| format!(r#"{{"product":"r","code":"p","meters":[{inside}]}}"#);
    let named = |inside: &str| meter(&format!(r#"{{"name":"m",{inside}}}"#));
    let many = meter(&vec![r#"{"name":"m"}"#; POLICY_METERS_MAX + 1].join(","));
    let own = |inside: &str| format!(r#"{{"policy":"p","meters":{inside}}}"#);
    for (name, body, expected) in [
        ("new product", "{}", "code is missing".to_owned()),
        ("new product", r#"{"code":null}"#, "code is missing".into()),
        ("new product", r#"{"code":"Renderer"}"#, format!("code {CODE}")),
        ("new product", r#"{"code":["r"]}"#, "code must be text".into()),
        (
            "new product",
            r#"{"code":"r","archived":true}"#,
            "archived is not known here; known are code, name".into(),
        ),
        ("new product", r#"{"code":"r","name":" "}"#, format!("name {NAME}")),
        ("new product", r#"{"code":"r","name":"a\u0000"}"#, format!("name {NAME}")),
        ("new product", r#"{"code":"r","name":"a","name":"b"}"#, "name may be there once".into()),
        ("product patch", r#"{"name":null}"#, "name must be text".into()),
        ("product patch", r#"{"archived":null}"#, "archived must be true or false".into()),
        (
            "product patch",
            r#"{"code":"x"}"#,
            "code is not known here; known are name, archived".into(),
        ),
        ("new customer", r#"{"code":"a","email":""}"#, format!("email {NAME}")),
        ("new policy", r#"{"code":"p"}"#, "product is missing".into()),
        ("new policy", r#"{"product":"A b","code":"p"}"#, "product must be an id or a code".into()),
        ("new policy", &meter("1"), "meters[0] must be a JSON object".into()),
        ("new policy", &meter("{}"), "meters[0].name is missing".into()),
        (
            "new policy",
            &meter(r#"{"name":"m"},{"name":"m","name":"n"}"#),
            "meters[1].name may be there once".into(),
        ),
        ("new policy", &many, "meters may have at most 64 items".into()),
        (
            "new policy",
            r#"{"product":"r","code":"p","meters":{}}"#,
            "meters must be an array".into(),
        ),
        ("new policy", &named(r#""scale":10"#), "meters[0].scale must be 0 to 9".into()),
        ("new policy", &named(r#""scale":256"#), format!("meters[0].scale {WHOLE}")),
        ("new policy", &named(r#""scale":-1"#), format!("meters[0].scale {WHOLE}")),
        ("new policy", &named(r#""scale":2.0"#), format!("meters[0].scale {WHOLE}")),
        ("new policy", &named(r#""scale":"2""#), format!("meters[0].scale {WHOLE}")),
        ("new policy", &named(r#""allowed":1e3"#), format!("meters[0].allowed {DECIMAL}")),
        (
            "new policy",
            &named(r#""allowed":9223372036854775808"#),
            "meters[0].allowed must fit 64 bits and 9 digits after the point".into(),
        ),
        ("new policy", &named(r#""overage":"deny""#), format!("meters[0].overage {OVERAGE}")),
        ("new policy", &named(r#""overage":5"#), format!("meters[0].overage {OVERAGE}")),
        ("new policy", &named(r#""overage":{}"#), format!("meters[0].overage {OVERAGE}")),
        (
            "new policy",
            &named(r#""overage":{"amount":1,"percent":1}"#),
            format!("meters[0].overage {OVERAGE}"),
        ),
        (
            "new policy",
            &named(r#""overage":{"percent":1.5}"#),
            format!("meters[0].overage.percent {WHOLE}"),
        ),
        (
            "new policy",
            &named(r#""overage":{"perc":1}"#),
            "meters[0].overage.perc is not known here; known are amount, percent".into(),
        ),
        (
            "new policy",
            r#"{"product":"r","code":"p","duration_seconds":1.5}"#,
            format!("duration_seconds {WHOLE}"),
        ),
        (
            "new policy",
            r#"{"product":"r","code":"p","duration_seconds":9223372036854775807}"#,
            "duration_seconds is too large".into(),
        ),
        (
            "new policy",
            r#"{"product":"r","code":"p","key_pattern":"AAAC"}"#,
            "key_pattern must have at least 16 random symbols A".into(),
        ),
        (
            "new policy",
            r#"{"product":"r","code":"p","license_permissions":["meter:fly"]}"#,
            "license_permissions has no permission \"meter:fly\"".into(),
        ),
        (
            "new policy",
            r#"{"product":"r","code":"p","meter_while":["revoked"]}"#,
            "meter_while[0] must be suspended, expired or not-yet-valid".into(),
        ),
        ("policy patch", r#"{"key_pattern":null}"#, "key_pattern must be text".into()),
        (
            "policy patch",
            r#"{"meters":[{"name":"m","scale":1}]}"#,
            "meters[0].scale is not known here; known are name, allowed, overage, record_refusals"
                .into(),
        ),
        (
            "new license",
            r#"{"policy":"p","key":"short"}"#,
            "key must be 8 to 2048 printable ASCII characters without spaces, and not look like \
             an id"
                .into(),
        ),
        (
            "new license",
            r#"{"policy":"p","expires_at":"2026-02-30T00:00:00Z"}"#,
            "expires_at must be a time as in RFC 3339, like 2026-11-23T14:20:00.000Z".into(),
        ),
        ("new license", &own(r#"{"frames":5}"#), "meters.frames must be a JSON object".into()),
        ("new license", &own(r#"{"frames":{}}"#), "meters.frames must say what is allowed".into()),
        (
            "new license",
            &own(r#"{"frames":{"allowed":1},"frames":{"allowed":2}}"#),
            "meters.frames may be there once".into(),
        ),
        (
            "new license",
            &own(r#"{"frames":{"allowed":1,"allowed":2}}"#),
            "meters.frames.allowed may be there once".into(),
        ),
        ("new license", &own(r#"{"Frames":{}}"#), format!("meters.Frames {CODE}")),
        ("license patch", r#"{"customer":5}"#, "customer must be text".into()),
        ("allowed", "{}", "allowed is missing".into()),
        ("allowed", r#"{"allowed":"Policy"}"#, format!("allowed {DECIMAL}")),
        ("standing", r#"{"why":1}"#, "why is not known here; nothing is".into()),
        ("new token", r#"{"name":"x"}"#, "permissions is missing".into()),
        (
            "new token",
            r#"{"name":"x","permissions":["fly"]}"#,
            "permissions has no permission \"fly\"".into(),
        ),
        ("new token", r#"{"name":"x","permissions":"*"}"#, "permissions must be an array".into()),
        ("new token", r#"{"name":"x","permissions":[1]}"#, "permissions[0] must be text".into()),
    ] {
        assert_eq!(read(name, body), Err(expected), "{name} {body}");
    }
}

#[test]
fn every_body_is_an_object_of_known_members() {
    for (name, _) in READERS {
        for body in ["[]", "1", "\"x\"", "null", "true", "-1.5"] {
            let expected = Err("body must be a JSON object".to_owned());
            assert_eq!(read(name, body), expected, "{name} {body}");
        }
        let told = read(name, r#"{"colour":{"of":["x"]}}"#).unwrap_err();
        assert!(told.starts_with("colour is not known here"), "{name}: {told}");
        for body in ["{", "{} {}", "{]", "{\"a\":tru}", "\u{1}"] {
            let told = read(name, body).unwrap_err();
            assert!(told.starts_with("malformed-json: "), "{name} {body}: {told}");
        }
    }
}

#[test]
fn ceilings_come_from_somewhere() {
    for (body, expected) in [
        (r#"{"allowed":500}"#, AllowedChange::Own(Decimal::whole(500))),
        (r#"{"allowed":"5.0"}"#, AllowedChange::Own(Decimal::whole(5))),
        (r#"{"allowed":null}"#, AllowedChange::Unlimited),
        (r#"{"allowed":"policy"}"#, AllowedChange::Policy),
    ] {
        assert_eq!(licenses::read_allowed(body.as_bytes()), Ok(expected), "{body}");
    }
    let body = br#"{"policy":"p","valid_from":"1970-01-01T00:00:00Z",
        "meters":{"hours":{"allowed":null},"frames":{"allowed":"policy"}}}"#;
    let license = licenses::read_new(body).unwrap();
    assert_eq!(license.valid_from, Some(Timestamp(0)));
    let allowed: Vec<_> =
        license.allowed.iter().map(|(name, change)| (name.as_str(), *change)).collect();
    assert_eq!(allowed, [("hours", AllowedChange::Unlimited), ("frames", AllowedChange::Policy)]);
}

#[test]
fn policies_read_as_they_are_shown() {
    let policy = fixtures::policy();
    let mut out = Vec::new();
    policies::write(&policy, &mut out);
    let mut shown: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let members = shown.as_object_mut().unwrap();
    for name in ["id", "archived", "created_at", "updated_at"] {
        members.remove(name).unwrap();
    }
    let read = policies::read_new(shown.to_string().as_bytes()).unwrap();
    assert_eq!(read.product, Ref::Id(policy.product));
    assert_eq!(read.code, policy.code);
    assert_eq!(read.name, Some(policy.name));
    assert_eq!(read.duration_ms, policy.duration_ms);
    assert_eq!(read.key_pattern, Some(policy.key_pattern));
    assert_eq!(read.license_permissions, Some(Permissions::ALL));
    assert_eq!(read.meter_while, policy.meter_while);
    let specs: Vec<_> = read.meters.iter().map(|meter| meter.clone().spec().unwrap()).collect();
    assert_eq!(specs, policy.meters);
    assert_eq!(read.meters.last().unwrap().overage, NewOverage::Percent(10));
}

#[test]
fn absent_and_null_differ_in_a_change() {
    let patch = |body: &str| policies::read_patch(body.as_bytes()).unwrap();
    assert_eq!(patch("{}").duration_ms, None);
    assert_eq!(patch(r#"{"duration_seconds":null}"#).duration_ms, Some(None));
    assert_eq!(patch(r#"{"duration_seconds":2}"#).duration_ms, Some(Some(2000)));
    let meter = |body: &str| {
        let body = format!(r#"{{"meters":[{{"name":"m"{body}}}]}}"#);
        patch(&body).meters.remove(0).allowed
    };
    assert_eq!(meter(""), None);
    assert_eq!(meter(r#","allowed":null"#), Some(None));
    assert_eq!(meter(r#","allowed":3"#), Some(Some(Decimal::whole(3))));
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(body: Vec<u8>) {
        for (_, reader) in READERS {
            drop(reader(&body));
        }
    }

    #[test]
    fn no_json_near_the_form_panics(
        name in "code|name|meters|policy|product|allowed|permissions|meter_while|overage|key_pattern",
        value in r#"[-0-9.eE"\\u{}\[\],: a-d]{0,24}"#,
    ) {
        let body = format!("{{\"{name}\":{value}}}");
        for (_, reader) in READERS {
            drop(reader(body.as_bytes()));
        }
    }
}
