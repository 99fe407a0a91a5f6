//! Bodies, queries and paths of requests.

use serde_json::Value;
use serde_json::value::RawValue;
use usance_core::id::{HoldId, SessionId};
use usance_core::key::{KeyPattern, as_probably_meant, check_given_key, has_valid_check_symbol};
use usance_core::license::LicenseRef;
use usance_core::quantity::{Decimal, Scale, Shown};
use usance_core::refusal::Refusal;
use usance_core::text::Code;
use usance_core::usage::{IdempotencyKey, Operation, Use};
use usance_wire::limits::BATCH_ITEMS_MAX;
use usance_wire::native::batch::{self, Form};
use usance_wire::native::uses::{self, Target, Verb};
use usance_wire::native::{
    Problem, activations, customers, entitlements, files, licenses, policies, problem, processes,
    products, query, read_nothing, references, specs, tokens, users, validations,
};

/// A problem has to be JSON whatever it tells of the input.
fn check_problem(problem: &Problem) {
    let mut out = Vec::new();
    problem.write("fuzz-1", &mut out);
    let written: Value = serde_json::from_slice(&out).expect("a problem is JSON");
    let code = written["code"].as_str().expect("a problem has a code");
    assert_eq!(written["type"], format!("{}{code}", problem::TYPE_PREFIX));
    assert!(out.len() < 4096, "a problem of {} bytes tells too much", out.len());
}

/// What was read, where it was read.
fn read<T>(outcome: Result<T, Problem>) -> Option<T> {
    outcome.map_err(|problem| check_problem(&problem)).ok()
}

fn check_decimal(decimal: Decimal) {
    for digits in 0..=Scale::MAX {
        let scale = Scale::new(digits).expect("is a scale");
        if let Ok(quantity) = decimal.quantity(scale) {
            let shown = Shown(quantity, scale).to_string();
            assert_eq!(Decimal::parse(&shown), Ok(decimal), "{shown}");
        }
    }
}

fn check_use(used: &Use) {
    match &used.operation {
        Operation::Increment(step) | Operation::Decrement(step) => {
            check_decimal(step.amount);
            step.bound.into_iter().for_each(check_decimal);
        }
        Operation::Set(value) => check_decimal(*value),
        Operation::Hold(new) => check_decimal(new.amount),
        Operation::Settle(_, amount) => amount.iter().copied().for_each(check_decimal),
        Operation::CheckOut(new) => check_decimal(new.count),
        Operation::Reset
        | Operation::Release(_)
        | Operation::Heartbeat(_)
        | Operation::CheckIn(_) => {}
    }
    assert!(used.request_digest() == used.clone().request_digest());
}

/// The body of a single use, whatever it does.
pub fn one_use(input: &[u8]) {
    let (hold, session) = (HoldId::from_bytes([1; 16]), SessionId::from_bytes([2; 16]));
    for verb in [
        Verb::Increment,
        Verb::Decrement,
        Verb::Set,
        Verb::Reset,
        Verb::Hold,
        Verb::Settle(hold),
        Verb::Release(hold),
        Verb::CheckOut,
        Verb::Heartbeat(session),
        Verb::CheckIn(session),
    ] {
        let meter = Code::parse("meter", "frames").expect("is a code");
        let license = LicenseRef::parse("ACME-0001");
        let target = Target { license, meter, verb, header_key: None };
        if let Some(used) = read(uses::read(target.clone(), input)) {
            check_use(&used);
            let is_json = serde_json::from_slice::<&RawValue>(input).is_ok();
            assert!(is_json || input.is_empty(), "read what is not JSON");
            // The header says the same as the field, or is refused.
            let again = uses::read(Target { header_key: Some("k"), ..target }, input);
            let is_other = |own| own != key("k");
            assert_eq!(again.is_err(), used.idempotency_key.is_some_and(is_other));
        }
    }
}

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::parse(text.to_owned()).expect("is a key")
}

/// A batch in both forms: every item has one outcome.
pub fn batch(input: &[u8]) {
    let written = |form| {
        let batch = read(batch::read(form, input))?;
        batch.uses.iter().for_each(check_use);
        let outcomes: Vec<_> = batch.uses.iter().map(|_| Err(Refusal::KeyMistyped)).collect();
        let mut out = Vec::new();
        batch.unread.write(&outcomes, &mut out);
        Some(out)
    };
    let array: Option<Value> =
        written(Form::Array).map(|out| serde_json::from_slice(&out).expect("an answer is JSON"));
    let counted = array.map(|answer| answer["outcomes"].as_array().map_or(0, Vec::len));
    // What another reader takes for an array is one here too, of as many items.
    if let Ok(Value::Array(items)) = serde_json::from_slice(input)
        && items.len() <= BATCH_ITEMS_MAX
    {
        assert_eq!(counted, Some(items.len()));
    }
    if let Some(out) = written(Form::Lines) {
        let outcomes = out.split_inclusive(|byte| *byte == b'\n').inspect(|line| {
            serde_json::from_slice::<Value>(line).expect("an outcome is JSON");
        });
        let is_blank = |line: &&[u8]| !line.iter().all(u8::is_ascii_whitespace);
        assert_eq!(outcomes.count(), input.split(|byte| *byte == b'\n').filter(is_blank).count());
    }
}

/// Bodies that change the catalogue.
pub fn catalogue(input: &[u8]) {
    if let Some(policy) = read(policies::read_new(input)) {
        for meter in policy.meters {
            if let Ok(spec) = meter.spec() {
                assert_eq!(spec.beginning().total, spec.floor.max(0));
            }
        }
        if let Some(pattern) = policy.key_pattern {
            let key = pattern.key(&vec![11; pattern.random_symbols()]);
            assert!(has_valid_check_symbol(&key), "{key}");
        }
    }
    read(policies::read_patch(input));
    read(products::read_new(input));
    read(products::read_patch(input));
    read(customers::read_new(input));
    read(customers::read_patch(input));
    read(licenses::read_new(input));
    read(licenses::read_patch(input));
    read(licenses::read_allowed(input));
    read(licenses::read_transfer(input));
    read(read_nothing(input));
    read(specs::read_new(input));
    read(entitlements::read_new(input));
    read(entitlements::read_patch(input));
    read(users::read_new(input));
    read(users::read_patch(input));
    read(activations::read_new(input));
    read(activations::read_patch(input));
    read(processes::read_new(input));
    read(validations::read(input));
    read(validations::read_of_key(input));
    read(files::read(input));
    read(tokens::read_new(input));
}

/// Query strings, segments of a path, keys and patterns.
pub fn query_and_path(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    read(query::read_none(text));
    if let Some(page) = read(query::read_page(text)) {
        assert!((1..=1000).contains(&page.limit));
    }
    read(query::read_policies(text));
    read(query::read_licenses(text));
    read(query::read_activations(text));
    if let Some(usage) = read(query::read_usage(text)) {
        assert!(usage.from < usage.to);
    }
    read(query::read_inclusion(text));
    read(query::read_consistency(text));
    read(references::product(text));
    read(references::policy(text));
    read(references::customer(text));
    read(references::meter(text));
    read(references::token(text));
    read(references::entitlement(text));
    read(references::activation_id(text));
    read(references::process(text));
    read(references::hold(text));
    read(references::session(text));
    match references::license(text) {
        LicenseRef::Key(key) => assert_eq!(key.0, text),
        LicenseRef::Id(id) => assert_eq!(id.to_string(), text),
    }
    let is_key = has_valid_check_symbol(text);
    assert!(!is_key || !text.is_empty());
    let meant = as_probably_meant(text);
    assert_eq!(as_probably_meant(&meant), meant, "{text:?}");
    drop(check_given_key(text));
    if let Ok(pattern) = KeyPattern::parse(text) {
        let key = pattern.key(&vec![31; pattern.random_symbols()]);
        assert!(has_valid_check_symbol(&key), "{key}");
        assert!(key.is_ascii(), "{key}");
    }
    if let Ok(decimal) = Decimal::parse(text) {
        check_decimal(decimal);
    }
}
