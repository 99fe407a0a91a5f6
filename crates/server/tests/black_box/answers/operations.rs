//! The ledger, and the server itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::transcript::Transcript;
use crate::http::Request;
use crate::tree::{Head, hash, leaf, path, root_of_inclusion, roots_of_consistency};

#[test]
fn ledger() {
    let mut talk = Transcript::new();
    talk.ask_all([
        ("a fresh checkpoint", Request::get("/v1/ledger/checkpoint")),
        ("the key", Request::get("/v1/ledger/key")),
    ]);
    for code in ["a", "b", "c", "d", "e"] {
        talk.made("/v1/products", &format!(r#"{{"code":"{code}"}}"#));
    }
    talk.ask_all([
        ("the newest checkpoint", Request::get("/v1/ledger/checkpoint")),
        ("a record", Request::get("/v1/ledger/proof/inclusion?record=3")),
        ("a record in an older tree", Request::get("/v1/ledger/proof/inclusion?record=3&size=4")),
        ("a record that is not there", Request::get("/v1/ledger/proof/inclusion?record=99")),
        ("a tree that is not there", Request::get("/v1/ledger/proof/inclusion?record=3&size=99")),
        ("a tree that is too small", Request::get("/v1/ledger/proof/inclusion?record=3&size=3")),
        ("no record", Request::get("/v1/ledger/proof/inclusion")),
        ("not a number", Request::get("/v1/ledger/proof/inclusion?record=-1")),
        ("it only grew", Request::get("/v1/ledger/proof/consistency?from=3&to=6")),
        ("it did not grow", Request::get("/v1/ledger/proof/consistency?from=3&to=3")),
        ("from nothing", Request::get("/v1/ledger/proof/consistency?from=0&to=3")),
        ("it shrank", Request::get("/v1/ledger/proof/consistency?from=3&to=2")),
        ("beyond its end", Request::get("/v1/ledger/proof/consistency?from=3&to=99")),
        ("from where", Request::get("/v1/ledger/proof/consistency?to=3")),
    ]);
    talk.check("ledger");
}

#[test]
fn every_served_proof_leads_to_the_served_root() {
    let talk = Transcript::new();
    let mut admin = talk.server.admin();
    let mut heads = vec![Head::of(&admin.get("/v1/ledger/checkpoint").body)];
    for number in 0..20 {
        admin.post("/v1/products", format!(r#"{{"code":"p{number}"}}"#)).expect(201);
        heads.push(Head::of(&admin.get("/v1/ledger/checkpoint").body));
    }
    for head in &heads {
        for record in 0..head.size {
            let query = format!("record={record}&size={}", head.size);
            let proof = admin.get(&format!("/v1/ledger/proof/inclusion?{query}")).expect(200);
            let bytes = STANDARD.decode(proof["bytes"].as_str().unwrap()).unwrap();
            let root = root_of_inclusion(leaf(&bytes), record, head.size, &path(&proof));
            assert_eq!((root, hash(proof["root"].as_str().unwrap())), (head.root, head.root));
        }
        for later in heads.iter().filter(|later| later.size >= head.size) {
            let query = format!("from={}&to={}", head.size, later.size);
            let proof = admin.get(&format!("/v1/ledger/proof/consistency?{query}")).expect(200);
            let roots = roots_of_consistency(head, later, &path(&proof));
            assert_eq!(roots, (head.root, later.root), "{query}");
            assert_eq!(hash(proof["from_root"].as_str().unwrap()), head.root);
            assert_eq!(hash(proof["to_root"].as_str().unwrap()), later.root);
        }
    }
}

#[test]
fn the_server_itself() {
    let mut talk = Transcript::new();
    talk.made("/v1/products", r#"{"code":"a"}"#);
    talk.ask_all([
        ("alive", Request::get("/healthz")),
        ("ready", Request::get("/readyz")),
        ("metrics", Request::get("/metrics")),
        ("the contract", Request::get("/v1/openapi.json")),
        ("no such route", Request::get("/v2/products")),
        ("a slash too many", Request::get("/v1/products/")),
        ("no such method", Request::new("PUT", "/v1/products/a")),
        (
            "another media type",
            Request::post("/v1/products", "code=b").with("Content-Type", "text/plain"),
        ),
        (
            "the media type of JSON, with its charset",
            Request::post("/v1/products", r#"{"code":"b"}"#)
                .with("Content-Type", "Application/JSON; charset=utf-8"),
        ),
        ("a head", Request::new("OPTIONS", "/v1/products")),
    ]);
    talk.check("server");
}
