//! The descriptions against the contract of the server.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

/// Routes that no description reaches: commands of their own, and what only programs ask.
const ELSEWHERE: &[&str] = &[
    "GET /healthz",
    "GET /metrics",
    "GET /readyz",
    "GET /v1/ledger/checkpoint",
    "GET /v1/ledger/key",
    "GET /v1/ledger/proof/consistency",
    "GET /v1/ledger/proof/inclusion",
    "GET /v1/licenses/{}/activations",
    "GET /v1/openapi.json",
    "GET /v1/whoami",
    "POST /v1/uses",
    "POST /v1/validate",
    // An activation of any license is read by its id; `show` names the license.
    "GET /v1/activations/{}",
    // `usance license file` and `validate`, `usance meter usage` and `usance use`.
    "POST /v1/licenses/{}/file",
    "POST /v1/licenses/{}/validate",
    "GET /v1/licenses/{}/meters/{}/usage",
    "POST /v1/licenses/{}/meters/{}/decrement",
    "POST /v1/licenses/{}/meters/{}/increment",
    "POST /v1/licenses/{}/meters/{}/reset",
    "POST /v1/licenses/{}/meters/{}/set",
    // `usance events`, `usance watch` and `usance audit`.
    "GET /v1/events",
    "GET /v1/events/stream",
    // `usance rule try`.
    "POST /v1/rules/try",
    // `usance webhook`.
    "DELETE /v1/webhooks/{}",
    "GET /v1/webhooks",
    "GET /v1/webhooks/{}",
    "GET /v1/webhooks/{}/dead-letters",
    "GET /v1/webhooks/{}/deliveries",
    "PATCH /v1/webhooks/{}",
    "POST /v1/webhooks",
    "POST /v1/webhooks/{}/redeliver",
    "POST /v1/webhooks/{}/rotate-secret",
];

fn asked() -> BTreeSet<String> {
    let verbs = ENTITIES
        .iter()
        .flat_map(|entity| entity.verbs.iter().filter_map(move |verb| route(entity.path, verb)));
    verbs.collect()
}

fn route(path: &str, verb: &Verb) -> Option<String> {
    Some(match verb.does {
        Does::Make(_) => format!("POST {path}"),
        Does::List(_) | Does::ListWhole => format!("GET {path}"),
        Does::ListFrom(path, _) => format!("GET {path}"),
        Does::ListBelow(tail, _) => format!("GET {path}/{{}}/{tail}"),
        Does::Show => format!("GET {path}/{{}}"),
        Does::Change(_) => format!("PATCH {path}/{{}}"),
        Does::Delete(_) => format!("DELETE {path}/{{}}"),
        Does::Act(deed) => format!("POST {path}{}", deed.path()),
        Does::Own(_) => return None,
    })
}

/// The routes of the server, `{}` for whatever a path names.
fn served() -> BTreeSet<String> {
    let contract: Value = serde_json::from_str(&crate::http::openapi()).unwrap();
    let paths = contract["paths"].as_object().unwrap();
    let routes = paths.iter().flat_map(|(path, methods)| {
        let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        let methods = methods.as_object().unwrap().keys();
        methods
            .filter(|method| ["get", "post", "patch", "delete"].contains(&method.as_str()))
            .map(move |method| format!("{} {path}", method.to_uppercase()))
            .collect::<Vec<_>>()
    });
    routes.collect()
}

#[test]
fn every_route_is_reached_and_none_is_made_up() {
    let (asked, served) = (asked(), served());
    let made_up: Vec<_> = asked.difference(&served).collect();
    assert!(made_up.is_empty(), "{made_up:#?}");
    let elsewhere: BTreeSet<String> = ELSEWHERE.iter().map(ToString::to_string).collect();
    let forgotten: Vec<_> =
        served.difference(&asked).filter(|it| !elsewhere.contains(*it)).collect();
    assert!(forgotten.is_empty(), "{forgotten:#?}");
    let needless: Vec<_> =
        elsewhere.iter().filter(|it| !served.contains(*it) || asked.contains(*it)).collect();
    assert!(needless.is_empty(), "{needless:#?}");
}

#[test]
fn every_member_that_is_said_is_in_the_contract() {
    let contract = crate::http::openapi();
    for entity in ENTITIES {
        for field in entity.verbs.iter().flat_map(|verb| verb.fields()).copied().flatten() {
            for member in field.member().split('.').filter(|member| !member.is_empty()) {
                let name = format!("{member:?}");
                assert!(contract.contains(&name), "{} says {name}", entity.word);
            }
        }
    }
}
