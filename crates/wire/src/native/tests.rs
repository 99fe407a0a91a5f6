//! Bodies of the catalogue.

use std::sync::Arc;

use usance_core::audience::Audience;
use usance_core::command::{AllowedChange, NewMeter, Ref};
use usance_core::limits::POLICY_METERS_MAX;
use usance_core::metadata::Metadata;
use usance_core::quantity::Decimal;
use usance_core::terms::{Seconds, Terms};
use usance_core::time::Timestamp;
use usance_core::user::Role;

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
    ("transfer", |body| licenses::read_transfer(body).map(drop)),
    ("nothing", |body| read_nothing(body)),
    ("new meter", |body| specs::read_new(body).map(drop)),
    ("new entitlement", |body| entitlements::read_new(body).map(drop)),
    ("entitlement patch", |body| entitlements::read_patch(body).map(drop)),
    ("new user", |body| users::read_new(body).map(drop)),
    ("user patch", |body| users::read_patch(body).map(drop)),
    ("new activation", |body| activations::read_new(body).map(drop)),
    ("activation patch", |body| activations::read_patch(body).map(drop)),
    ("new process", |body| processes::read_new(body).map(drop)),
    ("validation", |body| validations::read(body).map(drop)),
    ("validation of key", |body| validations::read_of_key(body).map(drop)),
    ("file", |body| files::read(body).map(drop)),
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
        ("policy patch", r#"{"terms":{"duration_seconds":null},"meters":[],"new_meters":[]}"#),
        ("new license", r#"{"policy":"p","key":"BROUGHT-ALONG"}"#),
        ("license patch", r#"{"name":null,"customer":null,"expires_at":null}"#),
        ("new customer", r#"{"code":"a","kind":"person","reseller":"b","max_users":0}"#),
        ("customer patch", r#"{"reseller":null,"max_licenses":null}"#),
        ("new license", r#"{"policy":"p","owner":"a@b.example","users":["usr_x"],"meters":null}"#),
        ("license patch", r#"{"owner":null,"users":[],"overrides":{"max_cores":"policy"}}"#),
        ("transfer", r#"{"policy":"p"}"#),
        ("new meter", r#"{"name":"m","measure":{"duration":{}},"period":"billing"}"#),
        ("new entitlement", r#"{"code":"export"}"#),
        ("new user", r#"{"email":"a@b.example","role":"admin","password":"12345678"}"#),
        ("user patch", r#"{"password":null,"customer":null}"#),
        ("new activation", r#"{"fingerprint":"f","cores":8,"components":[{"fingerprint":"c"}]}"#),
        ("activation patch", r#"{"cores":null,"user":null}"#),
        ("new process", r#"{"pid":"1"}"#),
        ("validation", ""),
        ("validation", r#"{"fingerprints":["f"],"entitlements":[],"user":null,"quick":true}"#),
        ("validation of key", r#"{"key":"K","product":"p"}"#),
        ("file", ""),
        ("file", r#"{"activation":"f","encrypted":true,"seconds":1}"#),
        ("nothing", ""),
        ("nothing", "{}"),
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
    const MEASURE: &str = r#"must be "uses", "seats", "peak", "day-pass" or {"duration": {…}}"#;
    const ROLLOVER: &str = r#"must be "none", "all" or {"up_to": …}"#;
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
            "archived is not known here; known are code, name, metadata, metadata_visible_to"
                .into(),
        ),
        ("new product", r#"{"code":"r","name":" "}"#, format!("name {NAME}")),
        ("new product", r#"{"code":"r","name":"a\u0000"}"#, format!("name {NAME}")),
        ("new product", r#"{"code":"r","name":"a","name":"b"}"#, "name may be there once".into()),
        ("product patch", r#"{"name":null}"#, "name must be text".into()),
        ("product patch", r#"{"archived":null}"#, "archived must be true or false".into()),
        (
            "product patch",
            r#"{"code":"x"}"#,
            "code is not known here; known are name, archived, metadata, \
             metadata_visible_to"
                .into(),
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
            r#"{"product":"r","code":"p","key_pattern":"AAAC"}"#,
            "key_pattern must have at least 16 random symbols A".into(),
        ),
        (
            "new policy",
            r#"{"product":"r","code":"p","entitlements":["A"]}"#,
            format!("entitlements[0] {CODE}"),
        ),
        ("new policy", &named(r#""measure":"time""#), format!("meters[0].measure {MEASURE}")),
        ("new policy", &named(r#""measure":{}"#), "meters[0].measure.duration is missing".into()),
        (
            "new policy",
            &named(r#""measure":{"duration":{"step_seconds":0.5}}"#),
            format!("meters[0].measure.duration.step_seconds {WHOLE}"),
        ),
        (
            "new policy",
            &named(r#""period":"fortnight""#),
            "meters[0].period must be one of never, hour, day, week, month, quarter, year, billing"
                .into(),
        ),
        ("new policy", &named(r#""rollover":5"#), format!("meters[0].rollover {ROLLOVER}")),
        ("new policy", &named(r#""rollover":"some""#), format!("meters[0].rollover {ROLLOVER}")),
        (
            "new policy",
            &named(r#""visible_to":["all"]"#),
            "meters[0].visible_to[0] must be one of activation, user, organization, reseller"
                .into(),
        ),
        (
            "new policy",
            &named(r#""floating":1"#),
            "meters[0].floating must be true or false".into(),
        ),
        ("policy patch", r#"{"key_pattern":null}"#, "key_pattern must be text".into()),
        (
            "policy patch",
            r#"{"meters":[{"name":"m","scale":1}]}"#,
            format!("meters[0].scale is not known here; known are {}", specs::PATCH.join(", ")),
        ),
        (
            "policy patch",
            r#"{"metadata_visible_to":{}}"#,
            "metadata_visible_to comes with metadata, all of which is replaced".into(),
        ),
        ("policy patch", r#"{"metadata":null}"#, "metadata must be a JSON object".into()),
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
        ("license patch", r#"{"owner":""}"#, "owner must be an id or an email".into()),
        ("license patch", r#"{"users":null}"#, "users must be an array".into()),
        ("transfer", "{}", "policy is missing".into()),
        ("new customer", r#"{"code":"a","max_users":-1}"#, format!("max_users {WHOLE}")),
        (
            "new customer",
            r#"{"code":"a","max_users":9223372036854775808}"#,
            "max_users must fit 63 bits".into(),
        ),
        (
            "new customer",
            r#"{"code":"a","kind":"firm"}"#,
            "kind must be one of person, organization, reseller".into(),
        ),
        ("new user", r#"{"first_name":"Ada"}"#, "email is missing".into()),
        (
            "new user",
            r#"{"email":"a@b","password":"1234567"}"#,
            "password must be 8 to 1024 bytes".into(),
        ),
        (
            "user patch",
            r#"{"role":null}"#,
            format!("role must be one of {}", Role::WORDS.join(", ")),
        ),
        ("new activation", "{}", "fingerprint is missing".into()),
        ("new activation", r#"{"fingerprint":""}"#, "fingerprint must be 1 to 4096 bytes".into()),
        ("new activation", r#"{"fingerprint":"f","cores":-1}"#, format!("cores {WHOLE}")),
        ("new activation", r#"{"fingerprint":"f","cores":4294967296}"#, format!("cores {WHOLE}")),
        (
            "new activation",
            r#"{"fingerprint":"f","id":"x"}"#,
            "id must be an id: expected act_ and 32 lower-case hexadecimal digits".into(),
        ),
        (
            "new activation",
            r#"{"fingerprint":"f","components":[{"name":"c"}]}"#,
            "components[0].fingerprint is missing".into(),
        ),
        ("new process", r#"{"pid":""}"#, "pid must be 1 to 1024 bytes".into()),
        ("validation", r#"{"fingerprints":"f"}"#, "fingerprints must be an array".into()),
        ("validation of key", "{}", "key is missing".into()),
        ("file", r#"{"seconds":0}"#, "seconds must be 1 second to 100 years".into()),
        (
            "new token",
            r#"{"name":"x","permissions":[],"audience":"vendor"}"#,
            "audience must be one of activation, user, organization, reseller".into(),
        ),
        ("nothing", r#"{"why":1}"#, "why is not known here; nothing is".into()),
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
    policies::write(&policy, None, &mut out);
    let mut shown: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let members = shown.as_object_mut().unwrap();
    for name in ["id", "archived", "created_at", "updated_at"] {
        members.remove(name).unwrap();
    }
    let read = policies::read_new(shown.to_string().as_bytes()).unwrap();
    assert_eq!(read.product, Ref::Id(policy.product));
    assert_eq!(read.code, policy.code);
    assert_eq!(read.name, Some(policy.name));
    assert_eq!(read.key_pattern, Some(policy.key_pattern));
    assert_eq!(Terms::default().with(&read.terms), *policy.terms);
    assert_eq!(read.entitlements, policy.entitlements);
    let shapes = |notes: &Metadata| {
        let entries = notes.entries().iter();
        entries.map(|entry| (entry.key.clone(), entry.visible_to)).collect::<Vec<_>>()
    };
    assert_eq!(shapes(&read.metadata), shapes(&policy.metadata));
    let spec = |meter: &NewMeter| meter.clone().spec().map(Arc::new).unwrap();
    let specs: Vec<_> = read.meters.iter().map(spec).collect();
    assert_eq!(specs, policy.meters);
}

#[test]
fn an_audience_sees_what_is_shown_to_it() {
    let policy = |audience| {
        let mut out = Vec::new();
        policies::write(&fixtures::policy(), audience, &mut out);
        serde_json::from_slice::<serde_json::Value>(&out).unwrap()
    };
    let count = |shown: &serde_json::Value| shown["meters"].as_array().unwrap().len();
    assert_eq!(count(&policy(None)), 8);
    assert_eq!(count(&policy(Some(Audience::User))), 8);
    assert_eq!(count(&policy(Some(Audience::Reseller))), 4);
    assert_eq!(policy(Some(Audience::User))["metadata"].as_object().unwrap().len(), 1);
    assert_eq!(policy(Some(Audience::Reseller))["metadata"].as_object().unwrap().len(), 0);

    let (license, at) = fixtures::license();
    for audience in [None, Some(Audience::Organization)] {
        let terms = fixtures::policy().terms;
        let shown = licenses::Shown { license: &license, policy_terms: Some(&terms), at, audience };
        let mut out = Vec::new();
        licenses::write(shown, &mut out);
        let shown: serde_json::Value = serde_json::from_slice(&out).unwrap();
        for hidden in ["overrides", "owner", "users", "metadata_visible_to"] {
            assert_eq!(shown.get(hidden).is_some(), audience.is_none(), "{hidden}");
        }
        // The terms that hold are the license's own.
        assert_eq!(shown["terms"]["max_cores"], 16);
        assert_eq!(shown["terms"]["unique"], "policy");
        assert_eq!(shown["check_in_due"], "2026-12-23T14:20:00.123Z");
    }
}

#[test]
fn absent_and_null_differ_in_a_change() {
    let patch = |body: &str| policies::read_patch(body.as_bytes()).unwrap();
    let duration = |body: &str| patch(body).terms.duration_seconds;
    assert_eq!(duration("{}"), None);
    assert_eq!(duration(r#"{"terms":{"duration_seconds":null}}"#), Some(Seconds(None)));
    assert_eq!(duration(r#"{"terms":{"duration_seconds":2}}"#), Some(Seconds(Some(2))));
    let meter = |body: &str| {
        let body = format!(r#"{{"meters":[{{"name":"m"{body}}}]}}"#);
        patch(&body).meters.remove(0).allowed
    };
    assert_eq!(meter(""), None);
    assert_eq!(meter(r#","allowed":null"#), Some(None));
    assert_eq!(meter(r#","allowed":3"#), Some(Some(Decimal::whole(3))));
    let expires = |body: &str| {
        let body = format!(r#"{{"policy":"p"{body}}}"#);
        licenses::read_new(body.as_bytes()).unwrap().expires_at
    };
    assert_eq!(expires(""), None);
    assert_eq!(expires(r#","expires_at":null"#), Some(None));
    let user = |body: &str| validations::read(body.as_bytes()).unwrap().user;
    assert_eq!(user("{}"), None);
    assert_eq!(user(r#"{"user":null}"#), Some(None));
}

#[test]
fn passwords_stand_beside_people_and_are_not_shown() {
    let body = br#"{"email":"a@b.example","password":"correct horse"}"#;
    let (user, password) = users::read_new(body).unwrap();
    assert_eq!(user.password, None);
    assert_eq!(password, Some(users::Password("correct horse".into())));
    assert_eq!(format!("{password:?}"), "Some(Password(…))");
    for (body, expected, in_patch) in [
        ("{}", None, None),
        (r#"{"password":null}"#, None, Some(None)),
        (r#"{"password":"12345678"}"#, Some("12345678"), None),
    ] {
        let (patch, password) = users::read_patch(body.as_bytes()).unwrap();
        assert_eq!(password.map(|password| password.0).as_deref(), expected, "{body}");
        assert_eq!(patch.password, in_patch, "{body}");
    }
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
        name in "code|name|meters|policy|product|allowed|permissions|terms|overrides|metadata|users",
        value in r#"[-0-9.eE"\\u{}\[\],: a-d]{0,24}"#,
    ) {
        let body = format!("{{\"{name}\":{value}}}");
        for (_, reader) in READERS {
            drop(reader(body.as_bytes()));
        }
    }
}
