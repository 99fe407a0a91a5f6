//! A ledger of all that takes time, written by the engine under a clock that jumps: months pass,
//! machines fall silent, holds expire. Its door is the native contract, as over HTTP.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use usance_core::activation::ActivationRef;
use usance_core::caller::Caller;
use usance_core::command::{Command, Ref, Reply};
use usance_core::license::{LicenseRef, StandingChange};
use usance_core::text::Code;
use usance_core::time::Timestamp;
use usance_core::usage::{Reserved, Use};
use usance_engine::clock::ManualClock;
use usance_engine::{Engine, Location, Options};
use usance_wire::native::batch::{self, Form};
use usance_wire::native::{activations, entitlements, licenses, policies, products, specs};

/// 2026-01-30T12:00:00Z.
const BEGIN_MS: i64 = 1_769_774_400_000;
const MINUTE_MS: i64 = 60 * 1000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

struct Simulation {
    engine: Engine,
    clock: Arc<ManualClock>,
    now_ms: i64,
    caller: Arc<Caller>,
}

/// Writes the ledger into a directory of its own. Returns the verifier key.
pub fn write(directory: &Path) -> String {
    let clock = Arc::new(ManualClock::new(Timestamp(BEGIN_MS)));
    let location = Location::Directory(directory.to_path_buf());
    let options = Options { location, idempotency_window_ms: 30 * DAY_MS };
    let engine = Engine::open(options, Arc::clone(&clock) as _).unwrap();
    let caller = Arc::new(Caller::system(engine.account()));
    let mut simulation = Simulation { engine, clock, now_ms: BEGIN_MS, caller };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(simulation.run());
    simulation.engine.verifier_key(&simulation.caller).unwrap()
}

fn read<T>(outcome: Result<T, impl Debug>) -> T {
    outcome.unwrap_or_else(|problem| panic!("{problem:?}"))
}

fn code(text: &str) -> Code {
    Code::parse("code", text).unwrap()
}

impl Simulation {
    async fn run(&mut self) {
        self.catalogue().await;
        let license = json!({"policy": "all", "overrides": {"max_cores": 64},
            "metadata": {"seat\\no": "7\n"}, "metadata_visible_to": {"seat\\no": ["user"]},
            "new_meters": [{"name": "own", "allowed": 3}], "meters": {"jobs": {"allowed": 90}}});
        let license = self.license(&license).await;
        let second = json!({"policy": "all", "entitlements": ["export"],
            "overrides": {"max_activations": 1, "when_full": "replace-oldest",
                          "access": ["deny user=mallory"]}});
        let second = self.license(&second).await;
        self.machines(&license, &second).await;
        self.holds(&license).await;
        self.sessions(&license).await;
        self.months(&license).await;
        self.life(&license, &second).await;
        self.what_stays(&license, &second).await;
        self.engine.close().await;
    }

    async fn catalogue(&self) {
        let product = json!({"code": "renderer", "metadata": {"a": [1, "\\"], "b": null},
                             "metadata_visible_to": {"a": ["reseller", "activation"]}});
        self.make(Command::CreateProduct(read(products::read_new(&bytes(&product))))).await;
        let feature = json!({"code": "export", "name": "Export \\ all", "metadata": {"x": "\t"}});
        let feature = read(entitlements::read_new(&bytes(&feature)));
        self.make(Command::CreateEntitlement(feature)).await;
        let jobs = json!({"name": "jobs", "allowed": 100, "period": "month", "rollover": "all",
                          "floating": true, "overage": {"percent": 10}});
        let duration = json!({"duration": {"unit_seconds": 60, "minimum_seconds": 60,
                                           "step_seconds": 60, "idle_seconds": 300}});
        let policy = json!({"product": "renderer", "code": "all",
            "terms": {"time_zone": "America/New_York", "duration_seconds": 3_000_000, "meter_while": ["expired", "overdue"], "renews_from": "now",
                      "heartbeat_seconds": 600, "check_in_every": "1 month",
                      "access": ["deny user=guest", "allow"]},
            "entitlements": ["export"], "metadata": {"tier": "gold"},
            "meters": [jobs,
                {"name": "seats", "measure": "seats", "allowed": 5, "record_refusals": true},
                {"name": "peak", "measure": "peak", "allowed": 5, "overage": "allow",
                 "period": "day"},
                {"name": "hours", "measure": duration, "allowed": 500, "visible_to": []},
                {"name": "days", "measure": "day-pass", "rollover": {"up_to": 2}},
                {"name": "floored", "floor": 3}]});
        let other = json!({"product": "renderer", "code": "other",
            "terms": {"duration_seconds": 99, "renews_from": "now"}, "meters": [
            jobs, {"name": "more", "allowed": 1}]});
        for policy in [policy, other] {
            let policy = read(policies::read_new(&bytes(&policy)));
            self.make(Command::CreatePolicy(policy)).await;
        }
    }

    async fn machines(&self, license: &LicenseRef, second: &LicenseRef) {
        for machine in ["one", "two"] {
            let whole = json!({"fingerprint": machine, "name": "Ada's", "hostname": "ada-7",
                "platform": "linux\\x86", "address": "10.0.0.7", "cores": 8, "memory": 17_179_869_184_u64,
                "disk": 1_099_511_627_776_u64, "is_vm": true, "heartbeat_seconds": 900,
                "components": [{"fingerprint": "mb-77", "name": "board"}, {"fingerprint": "c"}],
                "metadata": {"desk": 3}});
            self.activate(license, &whole).await;
            self.uses(
                license,
                json!([{"meter": "jobs", "amount": 20, "activation": machine},
                {"meter": "jobs", "operation": "decrement", "amount": 1, "activation": machine}]),
            )
            .await;
            self.activate(second, &json!({"fingerprint": machine})).await;
        }
        let patch = json!({"cores": 4, "hostname": null, "name": "Grace's"});
        let patch = read(activations::read_patch(&bytes(&patch)));
        let machine = ActivationRef::Fingerprint("one".to_owned());
        self.make(Command::ChangeActivation(license.clone(), machine.clone(), patch)).await;
        self.make(Command::Deactivate(license.clone(), machine)).await;
    }

    async fn holds(&mut self, license: &LicenseRef) {
        let hold = |amount| json!([{"meter": "jobs", "operation": "hold", "amount": amount}]);
        let whole = self.uses(license, hold(20)).await;
        let part = self.uses(license, hold(5)).await;
        let none = self.uses(license, hold(7)).await;
        // It expires.
        self.uses(license, json!([{"meter": "jobs", "operation": "hold", "seconds": 60}])).await;
        let settle = |hold: &str, amount| json!([{"meter": "jobs", "operation": "settle", "hold": hold, "amount": amount}]);
        self.uses(license, settle(&whole, 22)).await;
        self.uses(license, settle(&part, 2)).await;
        let release = json!([{"meter": "jobs", "operation": "release", "hold": none}]);
        self.uses(license, release).await;
    }

    async fn sessions(&mut self, license: &LicenseRef) {
        let mut open = Vec::new();
        for (meter, count) in
            [("seats", 2), ("peak", 4), ("peak", 3), ("hours", 2), ("days", 1), ("days", 1)]
        {
            let check_out = json!([{"meter": meter, "operation": "check-out", "count": count,
                "activation": "two", "subject": {"user": "ada"}, "attributes": {"scene": meter}}]);
            open.push((meter, self.uses(license, check_out).await));
        }
        let refused = json!([{"meter": "seats", "operation": "check-out", "count": 9}]);
        self.refused(license, refused).await;
        for _ in 0..3 {
            self.pass(2 * MINUTE_MS).await;
            for (meter, session) in &open {
                let beat = json!([{"meter": meter, "operation": "heartbeat", "session": session}]);
                self.uses(license, beat).await;
            }
        }
        for (meter, session) in open.iter().step_by(2) {
            let end = json!([{"meter": meter, "operation": "check-in", "session": session}]);
            self.uses(license, end).await;
        }
        // The others fall silent, and so do the machines: their shares come back.
        self.pass(DAY_MS).await;
    }

    async fn months(&mut self, license: &LicenseRef) {
        for days in [0, 3, 31, 95] {
            self.pass(days * DAY_MS).await;
            self.uses(license, json!([{"meter": "jobs", "amount": 50, "partial": true}])).await;
            self.uses(license, json!([{"meter": "peak", "operation": "check-out"}])).await;
        }
        // Nobody uses it for a while, and the clock is set back.
        self.pass(40 * DAY_MS).await;
        self.now_ms -= DAY_MS;
        self.pass(0).await;
        self.uses(
            license,
            json!([{"meter": "own"}, {"meter": "own", "operation": "set",
            "amount": 1}, {"meter": "own", "operation": "reset"}]),
        )
        .await;
        self.pass(2 * DAY_MS).await;
    }

    async fn life(&self, license: &LicenseRef, second: &LicenseRef) {
        let standing = |change| Command::ChangeStanding(license.clone(), change);
        self.make(standing(StandingChange::Suspend)).await;
        self.make(standing(StandingChange::Reinstate)).await;
        self.make(Command::RenewLicense(license.clone())).await;
        self.make(Command::CheckInLicense(license.clone())).await;
        self.make(Command::RemoveMeter(license.clone(), code("own"))).await;
        let own = json!({"name": "another", "scale": 3, "allowed": 0.125});
        let own = read(specs::read_new(&bytes(&own)));
        self.make(Command::AddMeter(license.clone(), own)).await;
        let patch = json!({"terms": {"max_cores": 99, "access": ["deny user=eve"]}, "new_meters": [
            {"name": "late"}], "meters": [{"name": "seats", "allowed": 6}]});
        let patch = read(policies::read_patch(&bytes(&patch)));
        self.make(Command::ChangePolicy(Ref::Code(code("all")), patch)).await;
        self.make(Command::TransferLicense(second.clone(), Ref::Code(code("other")))).await;
    }

    /// Something that lives on when the engine ends.
    async fn what_stays(&self, license: &LicenseRef, second: &LicenseRef) {
        self.activate(license, &json!({"fingerprint": "three", "cores": 1})).await;
        for meter in ["seats", "peak", "hours", "days"] {
            let check_out = json!([{"meter": meter, "operation": "check-out"}]);
            self.uses(license, check_out).await;
        }
        self.make(Command::RenewLicense(second.clone())).await;
        for license in [license, second] {
            self.uses(license, json!([{"meter": "jobs", "operation": "hold", "amount": 3}])).await;
        }
    }

    async fn license(&self, new: &Value) -> LicenseRef {
        let new = read(licenses::read_new(&bytes(new)));
        match self.make(Command::CreateLicense(new)).await {
            Reply::License(license, _) => LicenseRef::Id(license.id),
            other => panic!("{other:?}"),
        }
    }

    async fn activate(&self, license: &LicenseRef, machine: &Value) {
        let machine = read(activations::read_new(&bytes(machine)));
        self.make(Command::Activate(license.clone(), machine)).await;
    }

    async fn make(&self, command: Command) -> Reply {
        let what = format!("{command:?}");
        let outcome = self.engine.change(Arc::clone(&self.caller), command).await;
        outcome.unwrap_or_else(|failure| panic!("{what}: {failure}"))
    }

    async fn count(
        &self,
        license: &LicenseRef,
        mut items: Value,
    ) -> Vec<Result<usance_core::usage::Answer, usance_core::refusal::Refusal>> {
        let LicenseRef::Id(id) = license else { panic!("{license:?}") };
        for item in items.as_array_mut().unwrap() {
            item["license"] = id.to_string().into();
        }
        let batch = read(batch::read(Form::Array, &bytes(&items)));
        let uses: Vec<Use> = batch.uses;
        assert_eq!(uses.len(), items.as_array().unwrap().len(), "{items}");
        self.engine.count(Arc::clone(&self.caller), uses).await.unwrap()
    }

    /// Uses that must be accepted; the hold or session that the first began.
    async fn uses(&self, license: &LicenseRef, items: Value) -> String {
        let said = items.to_string();
        let mut first = String::new();
        for (place, outcome) in self.count(license, items).await.into_iter().enumerate() {
            let answer = outcome.unwrap_or_else(|refusal| panic!("{said}: {refusal}"));
            if let (0, Some(reference)) = (place, answer.reference) {
                first = match reference.id {
                    Reserved::Hold(hold) => hold.to_string(),
                    Reserved::Session(session) => session.to_string(),
                };
            }
        }
        first
    }

    async fn refused(&self, license: &LicenseRef, items: Value) {
        for outcome in self.count(license, items).await {
            outcome.unwrap_err();
        }
    }

    /// Lets time pass, and has done what is due.
    async fn pass(&mut self, span_ms: i64) {
        self.now_ms += span_ms;
        self.clock.put(Timestamp(self.now_ms));
        self.engine.tend().await.unwrap();
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
