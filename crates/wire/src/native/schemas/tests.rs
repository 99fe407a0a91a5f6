use std::collections::BTreeSet;

use serde_json::{Value, json};
use usance_core::audience::Audience;
use usance_core::command::MadeFile;
use usance_core::event::Events;
use usance_core::id::{ActivationId, HoldId};
use usance_core::ledger::tree::Hash;
use usance_core::meter::{Counted, Turn};
use usance_core::time::Timestamp;
use usance_core::usage::{OperationKind, Reference, Reserved, Subject};
use usance_core::validation::Validation;
use usance_core::view::{
    ConsistencyProof, History, HistoryEntry, HistoryEvent, InclusionProof, Page, UsageReport,
    Window,
};

use crate::native::fixtures;
use crate::native::licenses::Shown;
use crate::native::{
    activations, answers, batch, caller, customers, entitlements, events, files, holds, keys,
    ledger, licenses, meters, policies, problem, processes, products, records, rules, sessions,
    specs, terms, tokens, usage, users, uses, validations, webhooks,
};

fn schema(name: &str) -> Value {
    let found = super::all().get(name).cloned();
    found.unwrap_or_else(|| panic!("there is no schema {name}"))
}

fn names(object: &Value) -> BTreeSet<String> {
    let object = object.as_object().unwrap();
    object.keys().cloned().collect()
}

/// Holds an object that was written against a schema: the same members, each of its type.
fn check_shown(name: &str, write: impl FnOnce(&mut Vec<u8>)) {
    let mut out = Vec::new();
    write(&mut out);
    let found: Value = serde_json::from_slice(&out).unwrap();
    check_value(&schema(name), &found, name);
}

/// As much of JSON Schema as our schemas say.
fn check_value(schema: &Value, found: &Value, place: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/components/schemas/").unwrap();
        check_value(&self::schema(name), found, place);
        return;
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let fits = |choice: &&Value| match choice["type"].as_str() {
            Some("null") => found.is_null(),
            Some("object") => {
                let fits =
                    |known: &Value| known.is_null() || names(known).is_superset(&names(found));
                found.is_object() && fits(&choice["properties"])
            }
            Some("array") => found.is_array(),
            Some("string") => found.is_string(),
            Some("number" | "integer") => found.is_number(),
            _ if choice["enum"].is_array() => choice["enum"].as_array().unwrap().contains(found),
            _ => !found.is_null(),
        };
        let choice = choices.iter().find(fits);
        check_value(choice.unwrap_or_else(|| panic!("{place}: {found}")), found, place);
        return;
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(found), "{place}: {found}");
        return;
    }
    if !schema["const"].is_null() {
        assert_eq!(schema["const"], *found, "{place}");
        return;
    }
    match schema["type"].as_str().unwrap_or("number") {
        "object" if schema["properties"].is_object() => {
            let required: BTreeSet<_> = schema["required"]
                .as_array()
                .unwrap()
                .iter()
                .map(|name| name.as_str().unwrap().to_owned())
                .collect();
            let found_names = names(found);
            assert!(found_names.is_superset(&required), "{place}: {found}");
            for (name, value) in found.as_object().unwrap() {
                let member = &schema["properties"][name];
                assert!(!member.is_null(), "{place}.{name} is in no schema");
                check_value(member, value, &format!("{place}.{name}"));
            }
        }
        "object" => assert!(found.is_object(), "{place}: {found}"),
        "array" => {
            for item in found.as_array().unwrap() {
                check_value(&schema["items"], item, place);
            }
        }
        "string" => assert!(found.is_string(), "{place}: {found}"),
        "null" => assert!(found.is_null(), "{place}: {found}"),
        "boolean" => assert!(found.is_boolean(), "{place}: {found}"),
        "integer" => assert!(found.is_u64(), "{place}: {found}"),
        _ => assert!(found.is_number(), "{place}: {found}"),
    }
}

#[test]
fn what_is_read_is_what_the_contract_says() {
    for (name, known) in [
        ("NewProduct", &products::NEW[..]),
        ("ProductPatch", &products::PATCH),
        ("NewCustomer", &customers::NEW),
        ("CustomerPatch", &customers::PATCH),
        ("NewPolicy", &policies::NEW),
        ("PolicyPatch", &policies::PATCH),
        ("NewMeter", &specs::NEW),
        ("PolicyMeterPatch", &specs::PATCH),
        ("NewEntitlement", &entitlements::NEW),
        ("EntitlementPatch", &entitlements::PATCH),
        ("NewWebhook", &webhooks::NEW),
        ("WebhookPatch", &webhooks::PATCH),
        ("SecretRotation", &webhooks::ROTATION),
        ("Redelivery", &webhooks::REDELIVERY),
        ("SomeTerms", &terms::NAMES),
        ("Overrides", &terms::NAMES),
        ("Transfer", &licenses::TRANSFER),
        ("NewActivation", &activations::NEW),
        ("ActivationPatch", &activations::PATCH),
        ("NewComponent", &activations::COMPONENT),
        ("NewProcess", &processes::NEW),
        ("ValidationRequest", &validations::REQUEST),
        ("KeyValidationRequest", &validations::REQUEST_OF_KEY),
        ("FileRequest", &files::REQUEST),
        ("NewUser", &users::FIELDS),
        ("UserPatch", &users::FIELDS),
        ("NewLicense", &licenses::NEW),
        ("LicensePatch", &licenses::PATCH),
        ("AllowedChange", &licenses::ALLOWED),
        ("NewToken", &tokens::NEW),
        ("Use", &uses::USE),
        ("HoldUse", &uses::HOLD),
        ("SettleUse", &uses::SETTLE),
        ("CheckOutUse", &uses::CHECK_OUT),
        ("BareUse", &uses::BARE),
        ("BatchUse", &batch::ITEM),
        ("Subject", &uses::SUBJECT),
        ("NewRule", &rules::NEW),
        ("RulePatch", &rules::PATCH),
        ("RuleTrial", &rules::TRIAL),
        ("Unblocking", &rules::UNBLOCK),
    ] {
        let known: BTreeSet<_> = known.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(names(&schema(name)["properties"]), known, "{name}");
        assert_eq!(schema(name)["additionalProperties"], json!(false), "{name}");
    }
}

#[test]
fn what_is_written_is_what_the_contract_says() {
    for audience in [None, Some(Audience::User), Some(Audience::Activation)] {
        check_shown("Product", |out| products::write(&fixtures::product(), audience, out));
        check_shown("Customer", |out| customers::write(&fixtures::customer(), audience, out));
        check_shown("Policy", |out| policies::write(&fixtures::policy(), audience, out));
        check_shown("User", |out| users::write(&fixtures::user(), audience, out));
        let entitlement = fixtures::entitlement();
        check_shown("Entitlement", |out| entitlements::write(&entitlement, audience, out));
        let activation = fixtures::activation();
        check_shown("Activation", |out| activations::write(&activation, audience, out));
        check_shown("Process", |out| processes::write(&fixtures::process(), audience, out));
        check_shown("Session", |out| sessions::write(&fixtures::session(), audience, out));
        let validation = fixtures::validation();
        check_shown("Validation", |out| validations::write(&validation, audience, out));
        let nothing = Validation { license: None, ..validation };
        check_shown("Validation", |out| validations::write(&nothing, audience, out));
        let ((license, at), policy) = (fixtures::license(), fixtures::policy());
        for policy_terms in [None, Some(&*policy.terms)] {
            let shown = Shown { license: &license, policy_terms, at, audience };
            check_shown("License", |out| licenses::write(shown, out));
        }
    }
    let (token, secret) = fixtures::token();
    check_shown("Token", |out| tokens::write(&token, None, out));
    check_shown("MadeToken", |out| tokens::write(&token, Some(&secret), out));
    check_shown("Meter", |out| meters::write(&fixtures::meter(), out));
    check_shown("Caller", |out| caller::write(&fixtures::caller(), out));
    check_shown("Answer", |out| answers::write(&answers::tests::answer(), out));
    for answer in answers::tests::rare() {
        check_shown("Answer", |out| answers::write(&answer, out));
    }
    check_shown("Hold", |out| holds::write(&fixtures::hold(), out));
    let account = fixtures::caller().account;
    let key = fixtures::public_key();
    check_shown("MadeKey", |out| keys::write(account, &key, out));
    check_shown("PublicKeys", |out| keys::write_all(account, &[key], out));
    check_shown("LicenseFile", |out| {
        let file = MadeFile { text: "-----\n".into(), issued_at: Timestamp(0), expires_at: None };
        files::write(&file, out);
    });
    let rule = rules::tests::rule();
    check_shown("Rule", |out| rules::write(&rule, out));
    for block in rules::tests::blocks() {
        check_shown("Block", |out| {
            rules::write_block(&block, Some(Timestamp(0)), Timestamp(0), out)
        });
    }
    let range = (Timestamp(0), Timestamp(1));
    check_shown("Trial", |out| {
        rules::write_trial((&rules::tests::triggers(), 7), range, true, out);
    });
    for (problem, ..) in problem::tests::all() {
        check_shown("Problem", |out| problem.write("5f-1", out));
    }
}

#[test]
fn histories_sums_and_proofs_are_what_the_contract_says() {
    let answer = answers::tests::answer();
    let used = |subject: Option<Subject>| HistoryEvent::Use {
        counted: answer.counted,
        activation: None,
        reference: None,
        turn: None,
        occurred_at: Some(answer.at),
        subject,
        attributes: vec![("scene".into(), "in\"tro".into())],
    };
    let refused = HistoryEvent::Refused {
        operation: answer.counted.operation,
        asked: 5,
        code: "limit-reached".into(),
        total: 97,
    };
    let turned = HistoryEvent::Use {
        counted: Counted { operation: OperationKind::Turn, ..answer.counted },
        activation: Some(ActivationId::from_bytes([9; 16])),
        reference: Some(Reference { id: Reserved::Hold(HoldId::from_bytes([8; 16])), until: None }),
        turn: Some(Turn { ended_at: None, next_end: Some(answer.at), carried: 5 }),
        occurred_at: None,
        subject: None,
        attributes: vec![],
    };
    let subject = Subject { user: Some("ada".into()), ..Subject::default() };
    let entry = |event| HistoryEntry { record: 17, at: answer.at, event };
    let events = [used(Some(subject)), used(None), refused, turned];
    let history = History {
        license: answer.license,
        meter: answer.meter.clone(),
        scale: answer.scale,
        measure: usance_core::meter::Measure::Uses,
        page: Page { items: events.into_iter().map(entry).collect(), next: Some("c".into()) },
    };
    let mut out = Vec::new();
    records::write(&history, Some(Audience::Organization), &mut out);
    assert!(!String::from_utf8(out).unwrap().contains("subject"));
    let mut out = Vec::new();
    records::write(&history, None, &mut out);
    let page: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(page["next"], "c");
    for (item, name) in page["items"].as_array().unwrap().iter().zip([
        "UseRecord",
        "UseRecord",
        "RefusedRecord",
        "UseRecord",
    ]) {
        check_value(&schema(name), item, name);
    }
    for told in events::tests::all() {
        for sight in events::Sight::ALL {
            check_shown("Event", |out| events::write(&told, sight, out));
        }
    }
    check_shown("Events", |out| {
        let page = Events { items: events::tests::all(), next: 9, is_end: true };
        events::write_page(&page, events::Sight::Everything, out);
    });
    check_shown("Usage", |out| {
        let report = UsageReport {
            meter: answer.meter.clone(),
            scale: answer.scale,
            window: Window::Month,
            from: answer.at,
            to: answer.at,
            windows: vec![(answer.at, Default::default())],
        };
        usage::write(&report, out);
    });
    let path: Vec<Hash> = vec![[1; 32], [2; 32]];
    check_shown("InclusionProof", |out| {
        let proof = InclusionProof {
            record: 1,
            bytes: vec![255, 0],
            size: 3,
            root: [3; 32],
            path: path.clone(),
        };
        ledger::write_inclusion(&proof, out);
    });
    check_shown("ConsistencyProof", |out| {
        let proof = ConsistencyProof {
            from: 1,
            to: 3,
            from_root: [3; 32],
            to_root: [4; 32],
            path: path.clone(),
        };
        ledger::write_consistency(&proof, out);
    });
}

#[test]
fn every_reference_leads_to_a_schema() {
    fn walk(value: &Value, all: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(name) = members.get("$ref").and_then(Value::as_str) {
                    let name = name.strip_prefix("#/components/schemas/").unwrap();
                    assert!(!all[name].is_null(), "{name}");
                }
                members.values().for_each(|member| walk(member, all));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, all)),
            _ => {}
        }
    }
    let all = super::all();
    walk(&all, &all);
}
