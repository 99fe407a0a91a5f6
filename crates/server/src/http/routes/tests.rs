use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The routes of `docs/reference/api.md`, with what they need.
fn documented() -> BTreeMap<(String, String), String> {
    let text = include_str!("../../../../../docs/reference/api.md");
    let mut rows = BTreeMap::new();
    // Other tables have no path after a method.
    let is_route = |line: &&str| {
        line.starts_with("| `") && line.split('|').nth(1).is_some_and(|cell| cell.contains(" /"))
    };
    for line in text.lines().filter(is_route) {
        let mut cells = line.split('|').skip(1).map(str::trim);
        let (route, needs) = (cells.next().unwrap(), cells.next().unwrap());
        // Other tables name no paths.
        let Some((methods, paths)) = route.trim_matches('`').split_once(" /") else { continue };
        let paths = format!("/{paths}");
        let path = paths.split('?').next().unwrap();
        for method in methods.split(", ") {
            let needs = needs.trim_matches('`').to_owned();
            let method = method.to_lowercase();
            assert!(rows.insert((method, path.to_owned()), needs).is_none(), "{line}");
        }
    }
    rows
}

fn needs(needs: Needs) -> &'static str {
    match needs {
        Needs::Nothing => "none",
        Needs::Caller => "any",
        Needs::Permission(word) => word,
        Needs::EachOperation => "of each operation",
    }
}

#[test]
fn the_table_is_the_documented_one() {
    let table: BTreeMap<_, _> = routes()
        .into_iter()
        .map(|Route { operation, .. }| {
            let key = (operation.method.to_owned(), operation.path.to_owned());
            (key, needs(operation.needs).to_owned())
        })
        .collect();
    assert_eq!(table, documented());
}

#[test]
fn the_contract_has_every_route_once() {
    let document = openapi();
    let table: BTreeSet<_> = routes()
        .into_iter()
        .map(|Route { operation, .. }| (operation.path, operation.method))
        .collect();
    assert_eq!(table.len(), routes().len(), "two rows serve the same");
    let ids = document.matches("\"operationId\"").count();
    assert_eq!(ids, table.len());
    for (path, method) in table {
        let begin = document.find(&format!("\n    \"{path}\": {{"));
        let begin = begin.unwrap_or_else(|| panic!("{path} is not in the contract"));
        let entry = document[begin..].split("\n    }").next().unwrap();
        assert!(entry.contains(&format!("\n      \"{method}\": {{")), "{method} {path}");
    }
}

#[test]
fn operation_ids_are_unique() {
    let document = openapi();
    let mut ids = BTreeSet::new();
    for line in document.lines().filter(|line| line.contains("\"operationId\"")) {
        assert!(ids.insert(line), "{line}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = openapi();
    for reference in document.split("\"$ref\": \"#/components/").skip(1) {
        let (kind, rest) = reference.split_once('/').unwrap();
        let name = rest.split('"').next().unwrap();
        assert!(matches!(kind, "schemas" | "responses"));
        assert!(document.contains(&format!("\n      \"{name}\": {{")), "{name}");
    }
}

#[test]
fn the_router_is_made_without_conflicts() {
    drop(router());
}
