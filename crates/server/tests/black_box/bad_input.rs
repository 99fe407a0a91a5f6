//! What no client should send: everything is answered with what is wrong with it, or cut off, and
//! nothing of it is counted.

mod bodies;
mod connections;
mod directories;
mod licensing;
mod urls;

use rustix::process::Signal;
use serde_json::Value;

use crate::http::Client;
use crate::world::{Server, run};

/// A server with one license, whose meter stands where nothing may move it.
struct Target {
    server: Server,
    admin: Client,
    license: String,
}

/// What the meter of a [`Target`] stands at.
const TOTAL: i64 = 5;

impl Target {
    fn new() -> Self {
        let server = Server::new();
        let mut admin = server.admin();
        admin.post("/v1/products", r#"{"code":"renderer"}"#).expect(201);
        let meters = r#"[{"name":"frames","allowed":100},{"name":"hours","scale":2}]"#;
        let policy = format!(r#"{{"product":"renderer","code":"prepaid","meters":{meters}}}"#);
        admin.post("/v1/policies", policy).expect(201);
        let license = admin.post("/v1/licenses", r#"{"policy":"prepaid"}"#).expect(201);
        let license = license["id"].as_str().unwrap().to_owned();
        let target = Self { server, admin, license };
        let path = target.path("increment");
        let mut admin = target.server.admin();
        admin.post(&path, format!(r#"{{"amount":{TOTAL}}}"#)).expect(200);
        target
    }

    /// The same data behind a server with these flags.
    fn restarted(self, flags: &[&str]) -> Self {
        let (dir, ..) = self.server.stop(Signal::TERM);
        let server = Server::start_with(dir, flags, &[]);
        Self { admin: server.admin(), server, license: self.license }
    }

    fn path(&self, operation: &str) -> String {
        format!("/v1/licenses/{}/meters/frames/{operation}", self.license)
    }

    /// Nothing was counted and nothing was made, the server goes on, and its ledger is sound.
    fn check(mut self) {
        let meters = self.admin.get(&format!("/v1/licenses/{}/meters", self.license)).expect(200);
        let totals = [&meters["items"][0]["total"], &meters["items"][1]["total"]];
        assert_eq!(totals, [&Value::from(TOTAL), &Value::from(0)]);
        for (path, count) in [("products", 1), ("policies", 1), ("licenses", 1), ("customers", 0)] {
            let list = self.admin.get(&format!("/v1/{path}")).expect(200);
            assert_eq!(list["items"].as_array().unwrap().len(), count, "{path}");
        }
        let path = self.path("increment");
        assert_eq!(self.admin.post(&path, "").expect(200)["total"], TOTAL + 1);
        let log = self.server.log();
        assert!(!log.contains("ERROR") && !log.contains("panicked"), "{log}");
        let (dir, code, _) = self.server.stop(Signal::TERM);
        assert_eq!(code, Some(0));
        run(&dir, &["verify", "data"]).done();
    }
}
