//! Who may do what: every route against every credential that must not open it.

mod audiences;
mod leaked;
mod routes;
mod stopped;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use self::routes::{ROUTES, Route};
use crate::http::{Answer, Client, Request};
use crate::world::Server;

/// Routes that ask nobody who they are. The list may only get shorter.
const OPEN: [&str; 5] =
    ["GET /healthz", "GET /readyz", "GET /metrics", "GET /v1/openapi.json", "GET /v1/keys"];
/// Routes whose answer has no end, which are tried in `events`. The list may only get shorter.
const ENDLESS: [&str; 1] = ["GET /v1/events/stream"];
/// Every permission there is.
const PERMISSIONS: [&str; 37] = [
    "product:read",
    "product:write",
    "policy:read",
    "policy:write",
    "customer:read",
    "customer:write",
    "license:read",
    "license:write",
    "token:read",
    "token:write",
    "meter:read",
    "meter:increment",
    "meter:decrement",
    "meter:set",
    "meter:reset",
    "ledger:read",
    "license:validate",
    "license:check-in",
    "license:file",
    "activation:read",
    "activation:create",
    "activation:write",
    "activation:delete",
    "activation:heartbeat",
    "meter:hold",
    "session:write",
    "entitlement:read",
    "entitlement:write",
    "user:read",
    "user:write",
    "key:write",
    "process:write",
    "event:read",
    "webhook:read",
    "webhook:write",
    "rule:read",
    "rule:write",
];

/// Two products with a policy and a license each, and things to change and delete.
struct Stage {
    server: Server,
    admin: Client,
    /// What stands in paths, and the ids that stand for it.
    ids: Vec<(&'static str, String)>,
}

impl Stage {
    fn new() -> Self {
        let server = Server::new();
        let mut admin = server.admin();
        let meters = r#"[{"name":"frames"},{"name":"hours"},{"name":"seats","measure":"seats"}]"#;
        let terms = r#"{"duration_seconds":31536000,"check_in_every":"1 month"}"#;
        for product in ["renderer", "editor"] {
            admin.post("/v1/products", format!(r#"{{"code":"{product}"}}"#)).expect(201);
        }
        for (product, code) in
            [("renderer", "renderer"), ("editor", "editor"), ("renderer", "studio")]
        {
            let policy = format!(
                r#"{{"product":"{product}","code":"{code}","meters":{meters},"terms":{terms}}}"#
            );
            admin.post("/v1/policies", policy).expect(201);
        }
        for (policy, key) in
            [("renderer", "KEY-RENDERER"), ("editor", "KEY-EDITOR"), ("renderer", "KEY-SPARE")]
        {
            let license = format!(r#"{{"policy":"{policy}","key":"{key}"}}"#);
            admin.post("/v1/licenses", license).expect(201);
        }
        admin.post("/v1/customers", r#"{"code":"aurora"}"#).expect(201);
        admin.post("/v1/entitlements", r#"{"code":"export"}"#).expect(201);
        admin.post("/v1/users", r#"{"email":"ada@acme.example"}"#).expect(201);
        let mut stage = Self { server, admin, ids: Vec::new() };
        stage.keep("TOKEN", "id", "/v1/tokens", r#"{"name":"spare","permissions":[]}"#);
        let hook = r#"{"url":"https://receiver.invalid/","kinds":["hold.placed"]}"#;
        stage.keep("HOOK", "id", "/v1/webhooks", hook);
        let license = "/v1/licenses/KEY-RENDERER";
        let machines = format!("{license}/activations");
        stage.keep("MACHINE", "id", &machines, r#"{"fingerprint":"m1"}"#);
        let editor = r#"{"fingerprint":"m1","name":"editor"}"#;
        stage.keep("-", "id", "/v1/licenses/KEY-EDITOR/activations", editor);
        stage.keep("PROCESS", "id", &format!("{machines}/m1/processes"), r#"{"pid":"7"}"#);
        let holds = format!("{license}/meters/frames/holds");
        stage.keep("HOLD-1", "hold", &holds, "");
        stage.keep("HOLD-2", "hold", &holds, "");
        stage.keep("SESSION", "session", &format!("{license}/meters/seats/sessions"), "");
        stage.block(license);
        stage
    }

    /// Has a rule act on the license, so that there is something to undo.
    fn block(&mut self, license: &str) {
        let rule = r#"{"name":"any","kind":"rate","above":0,"window_seconds":60,"action":"warn"}"#;
        self.admin.post("/v1/rules", rule).expect(201);
        self.admin.post(&format!("{license}/meters/frames/increment"), "{}").expect(200);
        let begun = Instant::now();
        while self.admin.get(&format!("{license}/blocks")).expect(200)["items"] == json!([]) {
            assert!(begun.elapsed() < Duration::from_secs(60), "the rule does not act");
        }
    }

    /// Makes something, and keeps the id that the answer has in a member.
    fn keep(&mut self, name: &'static str, member: &str, path: &str, body: &str) {
        let made = self.admin.post(path, body);
        assert!(made.status < 300, "{made:?}");
        self.ids.push((name, made.json()[member].as_str().unwrap().to_owned()));
    }

    /// The `Authorization` of a new token: `Bearer` and its secret.
    fn token(&mut self, token: &Value) -> String {
        self.made(token).1
    }

    /// A new token: its id and its `Authorization`.
    fn made(&mut self, token: &Value) -> (String, String) {
        let made = self.admin.post("/v1/tokens", token.to_string()).expect(201);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        (text("id"), format!("Bearer {}", text("secret")))
    }

    fn request(&self, route: &Route) -> Request {
        let path = self.ids.iter().fold(route.path.to_owned(), |path, (name, id)| {
            if *name == "-" { path } else { path.replace(name, id) }
        });
        Request::new(route.method, path).with_body(route.body)
    }

    fn ask(&self, route: &Route, authorization: Option<&str>) -> Answer {
        Client::new(self.server.address(), authorization).ask(&self.request(route))
    }
}

#[test]
fn every_route_of_the_contract_is_tried() {
    let contract = Server::new().admin().get("/v1/openapi.json").expect(200);
    let served: BTreeSet<String> = contract["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let tried = ROUTES.iter().map(|route| format!("{} {}", route.method, route.template));
    let known = tried.chain(OPEN.map(str::to_owned));
    let known: BTreeSet<String> = known.chain(ENDLESS.map(str::to_owned)).collect();
    assert_eq!(known.len(), ROUTES.len() + OPEN.len() + ENDLESS.len(), "a route is there twice");
    assert_eq!(known, served);
    let permissions = ROUTES.iter().map(|route| route.permission).filter(|word| *word != "any");
    assert_eq!(permissions.collect::<BTreeSet<_>>(), BTreeSet::from(PERMISSIONS));
}

#[test]
fn open_routes_ask_nobody() {
    let server = Server::new();
    for route in OPEN {
        let (method, path) = route.split_once(' ').unwrap();
        assert_eq!(method, "GET");
        for authorization in [None, Some("Bearer nonsense")] {
            assert_eq!(Client::new(server.address(), authorization).get(path).status, 200);
        }
    }
}

#[test]
fn nobody_gets_in_without_a_credential_that_is_good_now() {
    let mut stage = Stage::new();
    let all = json!({"name": "all", "permissions": ["*"]});
    let (revoked, revoked_token) = stage.made(&all);
    // Good once, so that the server has seen it.
    Client::new(stage.server.address(), Some(&revoked_token)).get("/v1/whoami").expect(200);
    stage.admin.ask(&Request::delete(format!("/v1/tokens/{revoked}"))).expect(200);
    let expired_token = stage.expired();
    let (_, good) = stage.made(&all);
    let secret = good.strip_prefix("Bearer ").unwrap();
    let nobody = [
        None,
        Some("Bearer ".to_owned()),
        Some("Bearer unknown".into()),
        Some(revoked_token),
        Some(expired_token),
        // A token is no key, a key is no token, and neither is anything near it.
        Some(format!("License {secret}")),
        Some("Bearer KEY-RENDERER".into()),
        Some("License KEY-NOBODY".into()),
        Some(format!("Bearer {secret}x")),
        Some(format!("Bearer {}", &secret[..secret.len() - 1])),
        Some(format!("Bearer {}", secret.to_uppercase())),
        Some(format!("Basic {secret}")),
        Some(secret.to_owned()),
    ];
    for route in &ROUTES {
        for authorization in &nobody {
            let answer = stage.ask(route, authorization.as_deref());
            let problem = (401, "unauthenticated".to_owned());
            assert_eq!(answer.problem(), problem, "{route:?} {authorization:?}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer, License"));
        }
    }
    assert_eq!(stage.admin.get("/v1/products").json()["items"].as_array().unwrap().len(), 2);
}

impl Stage {
    /// A token that was good and is not any more, once this returns.
    fn expired(&mut self) -> String {
        loop {
            let probe = json!({"name": "clock", "permissions": []}).to_string();
            let probe = self.admin.post("/v1/tokens", probe).expect(201);
            let now: Timestamp = probe["created_at"].as_str().unwrap().parse().unwrap();
            let end = (now + SignedDuration::from_millis(300)).to_string();
            let token = json!({"name": "short", "permissions": ["*"], "expires_at": end});
            let made = self.admin.post("/v1/tokens", token.to_string());
            if made.status != 201 {
                // Its end came before it did.
                continue;
            }
            let secret = made.json()["secret"].as_str().unwrap().to_owned();
            let authorization = format!("Bearer {secret}");
            let mut caller = self.server.caller(&authorization);
            let begun = Instant::now();
            while caller.get("/v1/whoami").status == 200 {
                assert!(begun.elapsed() < Duration::from_secs(60), "it does not expire");
            }
            return authorization;
        }
    }
}

#[test]
fn each_route_needs_its_permission_and_no_other() {
    let mut stage = Stage::new();
    for route in &ROUTES {
        let others = PERMISSIONS.into_iter().filter(|word| *word != route.permission);
        let others: Vec<&str> = others.collect();
        let without = stage.token(&json!({"name": "others", "permissions": others}));
        let answer = stage.ask(route, Some(&without));
        if route.permission == "any" {
            answer.expect(200);
        } else {
            assert_eq!(problem(&answer), (403, "permission-missing".into()), "{route:?}");
            assert!(answer.body.contains(&format!("{:?}", route.permission)), "{route:?}");
        }
        stage.check_locks(route);
        let only = stage.token(&json!({"name": "only", "permissions": route.permissions()}));
        let answer = stage.ask(route, Some(&only));
        assert!(problem(&answer).0 < 300, "{route:?} {answer:?}");
    }
}

impl Stage {
    /// Tokens that have the permission, but for another thing.
    fn check_locks(&mut self, route: &Route) {
        let locks = [("product", "editor"), ("license", "KEY-EDITOR"), ("meter", "hours")];
        for ((lock, name), expected) in locks.into_iter().zip(route.locked.chars()) {
            let mut token = json!({"name": "locked", "permissions": route.permissions()});
            token[lock] = name.into();
            let locked = self.token(&token);
            let answer = self.ask(route, Some(&locked));
            match expected {
                '-' => assert_eq!(answer.status, 200, "{route:?}"),
                // The one thing of two that the lock leaves.
                'f' => {
                    let items = &answer.expect(200)["items"];
                    assert_eq!(items.as_array().unwrap().len(), 1, "{route:?} {lock}");
                    let names = [&items[0]["code"], &items[0]["key"], &items[0]["name"]];
                    let own = ["editor", "KEY-EDITOR", "hours"].map(Value::from);
                    assert!(own.iter().any(|own| names.contains(&own)), "{route:?} {answer:?}");
                }
                _ => {
                    let problem = problem(&answer);
                    assert_eq!(problem, (403, "locked-to-another".into()), "{route:?} {lock}");
                    assert!(answer.body.contains(&format!("\"kind\":\"{lock}\"")), "{answer:?}");
                }
            }
        }
    }
}

impl Route {
    fn permissions(&self) -> &[&str] {
        match &self.permission {
            &"any" => &[],
            permission => std::slice::from_ref(permission),
        }
    }
}

/// The problem that an answer is, or the one outcome of a batch.
fn problem(answer: &Answer) -> (u16, String) {
    let (status, code) = answer.problem();
    if status != 200 || !answer.body.contains("\"outcomes\"") {
        return (status, code);
    }
    let outcome = &answer.json()["outcomes"][0];
    let status = outcome["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    (status.unwrap(), outcome["code"].as_str().unwrap_or_default().to_owned())
}
