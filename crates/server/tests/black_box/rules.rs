//! A rule acts exactly once for one cause, wherever the server is killed.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::http::Request;
use crate::world::{Server, run};

const ROUNDS: usize = 8;

/// What rules did to the license, once one of it holds.
fn blocks(server: &Server, license: &str) -> Vec<Value> {
    loop {
        let found = server.json(&format!("license blocks {license}"));
        let items = found["items"].as_array().unwrap().clone();
        if items.iter().any(|block| block["holds"] == true) {
            return items;
        }
    }
}

#[test]
fn a_rule_acts_once_for_one_cause_wherever_the_server_is_killed() {
    let mut server = Server::new();
    server.license("frames:allowed=100000");
    server.json("rule create burst --kind rate --above 10 --window 60s --action refuse");
    let mut licenses = Vec::new();
    for _ in 0..ROUNDS {
        let made = server.json("license create --policy prepaid");
        let license = made["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/licenses/{license}/meters/frames/increment");
        let used = json!({"amount": 11}).to_string();
        let answer = server.admin().ask(&Request::post(path, used)).expect(200);
        // Killed with the use committed, and the rule somewhere on its way.
        let (dir, ..) = server.stop(Signal::KILL);
        server = Server::start(dir, &[]);
        let found = blocks(&server, &license);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0]["record"], answer["record"]);
        server.run(&format!("license unblock {license}")).done();
        licenses.push(license);
    }
    // Every start found every cause again, and acted upon none of them again.
    for license in &licenses {
        let found = server.json(&format!("license blocks {license}"));
        let items = found["items"].as_array().unwrap();
        assert_eq!((items.len(), &items[0]["holds"]), (1, &Value::Bool(false)), "{items:?}");
        server.run(&format!("use {license} frames 1")).done();
    }
    let (dir, ..) = server.stop(Signal::KILL);
    run(&dir, &["verify", "data"]).done();
}
