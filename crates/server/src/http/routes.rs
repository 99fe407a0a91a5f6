//! The table of routes: what the router serves and what the contract says, from the same rows.

use axum::Router;
use axum::handler::Handler;
use axum::middleware;
use axum::routing::{self, MethodRouter};
use usance_core::token::Permission::{
    self, ActivationCreate, ActivationDelete, ActivationHeartbeat, ActivationRead, ActivationWrite,
    CustomerRead, CustomerWrite, EntitlementRead, EntitlementWrite, EventRead, KeyWrite,
    LedgerRead, LicenseCheckIn, LicenseFile, LicenseRead, LicenseValidate, LicenseWrite,
    MeterDecrement, MeterHold, MeterIncrement, MeterRead, MeterReset, MeterSet, PolicyRead,
    PolicyWrite, ProcessWrite, ProductRead, ProductWrite, RuleRead, RuleWrite, SessionWrite,
    TokenRead, TokenWrite, UserRead, UserWrite, WebhookRead, WebhookWrite,
};
use usance_wire::native::openapi::Answers::{self, Made, MadeOrThere, One, Page};
use usance_wire::native::openapi::{self as contract, Asks, Needs, Operation};
use usance_wire::native::query;

use crate::http::App;
use crate::http::{activations, customers, entitlements, extract, keys, ledger, licenses, meters};
use crate::http::{events, rules, validations, webhooks};
use crate::http::{operations, policies, processes, products, reserved, tokens, users, uses};

/// One row: what is said of a route, and what serves it.
pub(crate) struct Route {
    operation: Operation,
    serve: MethodRouter<App>,
}

/// The router of all routes.
pub(crate) fn router() -> Router<App> {
    routes()
        .into_iter()
        .fold(Router::new(), |router, route| router.route(route.operation.path, route.served()))
        .fallback(operations::no_such_route)
        .method_not_allowed_fallback(operations::method_not_allowed)
}

/// The contract of all routes, `docs/reference/openapi.json`.
#[must_use]
pub fn openapi() -> String {
    let operations: Vec<_> = routes().into_iter().map(|route| route.operation).collect();
    contract::document(&operations)
}

fn routes() -> Vec<Route> {
    [
        of_the_server(),
        of_products(),
        of_policies(),
        of_customers(),
        of_licenses(),
        of_activations(),
        of_meters(),
        of_holds_and_sessions(),
        of_tokens(),
        of_entitlements(),
        of_users(),
        of_keys(),
        of_the_ledger(),
        of_events(),
        of_webhooks(),
        of_rules(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[rustfmt::skip] // A table of two lines a row.
fn of_the_server() -> Vec<Route> {
    vec![
        get("/healthz", operations::alive, "Tell that the process is alive")
            .answers(Answers::Text),
        get("/readyz", operations::ready, "Tell whether the server can commit")
            .answers(Answers::Text),
        get("/metrics", operations::metrics, "Show counters as Prometheus text")
            .answers(Answers::Text),
        get("/v1/openapi.json", operations::contract, "Show this contract")
            .answers(Answers::Contract),
        get("/v1/whoami", operations::whoami, "Show who is calling and what it may do")
            .known().answers(One("Caller")),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_products() -> Vec<Route> {
    vec![
        post("/v1/products", products::create, "Make a product")
            .needs(ProductWrite).asks("NewProduct").answers(Made("Product")),
        get("/v1/products", products::list, "List products")
            .needs(ProductRead).query(query::PAGE).answers(Page("Product")),
        get("/v1/products/{product}", products::show, "Show a product")
            .needs(ProductRead).answers(One("Product")),
        patch("/v1/products/{product}", products::change, "Change a product")
            .needs(ProductWrite).asks("ProductPatch").answers(One("Product")),
        delete("/v1/products/{product}", products::delete, "Delete a product that nothing refers to")
            .needs(ProductWrite).answers(Answers::Nothing),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_policies() -> Vec<Route> {
    vec![
        post("/v1/policies", policies::create, "Make a policy")
            .needs(PolicyWrite).asks("NewPolicy").answers(Made("Policy")),
        get("/v1/policies", policies::list, "List policies")
            .needs(PolicyRead).query(query::POLICIES).answers(Page("Policy")),
        get("/v1/policies/{policy}", policies::show, "Show a policy")
            .needs(PolicyRead).answers(One("Policy")),
        patch("/v1/policies/{policy}", policies::change, "Change a policy")
            .needs(PolicyWrite).asks("PolicyPatch").answers(One("Policy")),
        delete("/v1/policies/{policy}", policies::delete, "Delete a policy that nothing refers to")
            .needs(PolicyWrite).answers(Answers::Nothing),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_customers() -> Vec<Route> {
    vec![
        post("/v1/customers", customers::create, "Make a customer")
            .needs(CustomerWrite).asks("NewCustomer").answers(Made("Customer")),
        get("/v1/customers", customers::list, "List customers")
            .needs(CustomerRead).query(query::PAGE).answers(Page("Customer")),
        get("/v1/customers/{customer}", customers::show, "Show a customer")
            .needs(CustomerRead).answers(One("Customer")),
        patch("/v1/customers/{customer}", customers::change, "Change a customer")
            .needs(CustomerWrite).asks("CustomerPatch").answers(One("Customer")),
        delete("/v1/customers/{customer}", customers::delete, "Delete a customer that nothing refers to")
            .needs(CustomerWrite).answers(Answers::Nothing),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_licenses() -> Vec<Route> {
    vec![
        post("/v1/licenses", licenses::create, "Make a license")
            .needs(LicenseWrite).asks("NewLicense").answers(Made("License")),
        get("/v1/licenses", licenses::list, "List licenses")
            .needs(LicenseRead).query(query::LICENSES).answers(Page("License")),
        get("/v1/licenses/{license}", licenses::show, "Show a license")
            .needs(LicenseRead).answers(One("License")),
        patch("/v1/licenses/{license}", licenses::change, "Change a license")
            .needs(LicenseWrite).asks("LicensePatch").answers(One("License")),
        delete("/v1/licenses/{license}", licenses::delete, "Delete a license")
            .needs(LicenseWrite).answers(Answers::Nothing),
        post("/v1/licenses/{license}/suspend", licenses::suspend, "Stop it until reinstated")
            .needs(LicenseWrite).answers(One("License")),
        post("/v1/licenses/{license}/reinstate", licenses::reinstate, "Let it go on")
            .needs(LicenseWrite).answers(One("License")),
        post("/v1/licenses/{license}/revoke", licenses::revoke, "Stop it for good")
            .needs(LicenseWrite).answers(One("License")),
        post("/v1/licenses/{license}/renew", licenses::renew, "Make it last longer")
            .needs(LicenseWrite).answers(One("License")),
        post("/v1/licenses/{license}/check-in", licenses::check_in, "Tell that it is still there")
            .needs(LicenseCheckIn).answers(One("License")),
        post("/v1/licenses/{license}/transfer", licenses::transfer, "Move it to another policy")
            .needs(LicenseWrite).asks("Transfer").answers(One("License")),
        post("/v1/licenses/{license}/validate", validations::validate, "Ask whether it is valid")
            .needs(LicenseValidate).asks_maybe("ValidationRequest").answers(One("Validation")),
        post("/v1/validate", validations::validate_key, "Ask whether the license with a key is valid")
            .needs(LicenseValidate).asks("KeyValidationRequest").answers(One("Validation")),
        post("/v1/licenses/{license}/file", validations::file, "Make a file that proves it offline")
            .needs(LicenseFile).asks_maybe("FileRequest").answers(One("LicenseFile")),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_activations() -> Vec<Route> {
    const ALL: &str = "/v1/licenses/{license}/activations";
    const ONE: &str = "/v1/licenses/{license}/activations/{activation}";
    const BEAT: &str = "/v1/licenses/{license}/activations/{activation}/heartbeat";
    const RESET: &str = "/v1/licenses/{license}/activations/{activation}/heartbeat/reset";
    const PROCESSES: &str = "/v1/licenses/{license}/activations/{activation}/processes";
    const PROCESS: &str = "/v1/licenses/{license}/activations/{activation}/processes/{process}";
    const PROCESS_BEAT: &str =
        "/v1/licenses/{license}/activations/{activation}/processes/{process}/heartbeat";
    vec![
        post(ALL, activations::create, "Let a machine hold it")
            .needs(ActivationCreate).asks("NewActivation").answers(MadeOrThere("Activation")),
        get(ALL, activations::list, "List the machines of a license")
            .needs(ActivationRead).query(query::PAGE).answers(Page("Activation")),
        get(ONE, activations::show, "Show a machine")
            .needs(ActivationRead).answers(One("Activation")),
        patch(ONE, activations::change, "Change what is known of a machine")
            .needs(ActivationWrite).asks("ActivationPatch").answers(One("Activation")),
        delete(ONE, activations::delete, "Have a machine let go of it")
            .needs(ActivationDelete).answers(Answers::Nothing),
        post(BEAT, activations::heartbeat, "Tell that a machine lives")
            .needs(ActivationHeartbeat).answers(One("Activation")),
        post(RESET, activations::reset_heartbeat, "Forget the last heartbeat of a machine")
            .needs(ActivationWrite).answers(One("Activation")),
        post(PROCESSES, processes::create, "Start a program on a machine")
            .needs(ProcessWrite).asks("NewProcess").answers(Made("Process")),
        get(PROCESSES, processes::list, "List what runs on a machine")
            .needs(ActivationRead).query(query::PAGE).answers(Page("Process")),
        post(PROCESS_BEAT, processes::heartbeat, "Tell that a program runs")
            .needs(ActivationHeartbeat).answers(One("Process")),
        delete(PROCESS, processes::delete, "End a program")
            .needs(ProcessWrite).answers(Answers::Nothing),
        get("/v1/activations", activations::list_all, "List the machines of all licenses")
            .needs(ActivationRead).query(query::ACTIVATIONS).answers(Page("Activation")),
        get("/v1/activations/{activation}", activations::show_any, "Show a machine by its id")
            .needs(ActivationRead).answers(One("Activation")),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_meters() -> Vec<Route> {
    vec![
        get("/v1/licenses/{license}/meters", meters::list, "List the meters of a license")
            .needs(MeterRead).answers(Page("Meter")),
        get("/v1/licenses/{license}/meters/{meter}", meters::show, "Show a meter")
            .needs(MeterRead).answers(One("Meter")),
        post("/v1/licenses/{license}/meters", meters::add, "Give it a meter of its own")
            .needs(LicenseWrite).asks("NewMeter").answers(Made("Meter")),
        delete("/v1/licenses/{license}/meters/{meter}", meters::remove, "Take its own meter away")
            .needs(LicenseWrite).answers(Answers::Nothing),
        patch("/v1/licenses/{license}/meters/{meter}", meters::change, "Change its ceiling")
            .needs(LicenseWrite).asks("AllowedChange").answers(One("Meter")),
        post("/v1/licenses/{license}/meters/{meter}/increment", uses::increment, "Count up")
            .needs(MeterIncrement).asks_use("Use").answers(One("Answer")),
        post("/v1/licenses/{license}/meters/{meter}/decrement", uses::decrement, "Count down")
            .needs(MeterDecrement).asks_use("Use").answers(One("Answer")),
        post("/v1/licenses/{license}/meters/{meter}/set", uses::set, "Set to a value")
            .needs(MeterSet).asks_use("SetUse").answers(One("Answer")),
        post("/v1/licenses/{license}/meters/{meter}/reset", uses::reset, "Set back")
            .needs(MeterReset).asks_use("ResetUse").answers(One("Answer")),
        get("/v1/licenses/{license}/meters/{meter}/records", meters::history, "Show its history")
            .needs(MeterRead).query(query::PAGE).answers(Page("Record")),
        get("/v1/licenses/{license}/meters/{meter}/usage", meters::sums, "Sum it per window")
            .needs(MeterRead).query(query::USAGE).answers(One("Usage")),
        post("/v1/uses", uses::batch, "Count a batch of uses")
            .needs_each().asks_batch().answers(Answers::Outcomes),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_holds_and_sessions() -> Vec<Route> {
    const HOLDS: &str = "/v1/licenses/{license}/meters/{meter}/holds";
    const SETTLE: &str = "/v1/licenses/{license}/meters/{meter}/holds/{hold}/settle";
    const RELEASE: &str = "/v1/licenses/{license}/meters/{meter}/holds/{hold}/release";
    const SESSIONS: &str = "/v1/licenses/{license}/meters/{meter}/sessions";
    const BEAT: &str = "/v1/licenses/{license}/meters/{meter}/sessions/{session}/heartbeat";
    const CHECK_IN: &str = "/v1/licenses/{license}/meters/{meter}/sessions/{session}/check-in";
    vec![
        post(HOLDS, uses::hold, "Set units aside")
            .needs(MeterHold).asks_use("HoldUse").answers(One("Answer")),
        get(HOLDS, reserved::holds, "List units set aside")
            .needs(MeterRead).query(query::PAGE).answers(Page("Hold")),
        post(SETTLE, uses::settle, "Let go of units, and count what was really used")
            .needs(MeterHold).asks_use("SettleUse").answers(One("Answer")),
        post(RELEASE, uses::release, "Let go of units, and count nothing")
            .needs(MeterHold).asks_use("BareUse").answers(One("Answer")),
        post(SESSIONS, uses::check_out, "Check out")
            .needs(SessionWrite).asks_use("CheckOutUse").answers(One("Answer")),
        get(SESSIONS, reserved::sessions, "List what is checked out")
            .needs(MeterRead).query(query::PAGE).answers(Page("Session")),
        post(BEAT, uses::heartbeat, "Tell that a session goes on")
            .needs(SessionWrite).asks_use("BareUse").answers(One("Answer")),
        post(CHECK_IN, uses::check_in, "Check in")
            .needs(SessionWrite).asks_use("BareUse").answers(One("Answer")),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_entitlements() -> Vec<Route> {
    vec![
        post("/v1/entitlements", entitlements::create, "Make an entitlement")
            .needs(EntitlementWrite).asks("NewEntitlement").answers(Made("Entitlement")),
        get("/v1/entitlements", entitlements::list, "List entitlements")
            .needs(EntitlementRead).query(query::PAGE).answers(Page("Entitlement")),
        get("/v1/entitlements/{entitlement}", entitlements::show, "Show an entitlement")
            .needs(EntitlementRead).answers(One("Entitlement")),
        patch("/v1/entitlements/{entitlement}", entitlements::change, "Change an entitlement")
            .needs(EntitlementWrite).asks("EntitlementPatch").answers(One("Entitlement")),
        delete("/v1/entitlements/{entitlement}", entitlements::delete, "Delete what nothing grants")
            .needs(EntitlementWrite).answers(Answers::Nothing),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_users() -> Vec<Route> {
    vec![
        post("/v1/users", users::create, "Add a user")
            .needs(UserWrite).asks("NewUser").answers(Made("User")),
        get("/v1/users", users::list, "List users")
            .needs(UserRead).query(query::PAGE).answers(Page("User")),
        get("/v1/users/{user}", users::show, "Show a user")
            .needs(UserRead).answers(One("User")),
        patch("/v1/users/{user}", users::change, "Change a user")
            .needs(UserWrite).asks("UserPatch").answers(One("User")),
        delete("/v1/users/{user}", users::delete, "Forget a user who owns no license")
            .needs(UserWrite).answers(Answers::Nothing),
        post("/v1/users/{user}/ban", users::ban, "Shut a user out")
            .needs(UserWrite).answers(One("User")),
        post("/v1/users/{user}/unban", users::unban, "Let a user in again")
            .needs(UserWrite).answers(One("User")),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_keys() -> Vec<Route> {
    vec![
        get("/v1/keys", keys::list, "Show the keys that license files verify with")
            .answers(One("PublicKeys")),
        post("/v1/keys/rotate", keys::rotate, "Sign new files with a new key")
            .needs(KeyWrite).answers(Made("MadeKey")),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_tokens() -> Vec<Route> {
    vec![
        post("/v1/tokens", tokens::create, "Make a token; its secret is shown once")
            .needs(TokenWrite).asks("NewToken").answers(Made("MadeToken")),
        get("/v1/tokens", tokens::list, "List tokens")
            .needs(TokenRead).query(query::PAGE).answers(Page("Token")),
        get("/v1/tokens/{token}", tokens::show, "Show a token")
            .needs(TokenRead).answers(One("Token")),
        delete("/v1/tokens/{token}", tokens::revoke, "Revoke a token for good")
            .needs(TokenWrite).answers(One("Token")),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_the_ledger() -> Vec<Route> {
    vec![
        get("/v1/ledger/checkpoint", ledger::checkpoint, "Show the newest signed checkpoint")
            .needs(LedgerRead).answers(Answers::Text),
        get("/v1/ledger/key", ledger::key, "Show the key that checkpoints verify with")
            .needs(LedgerRead).answers(Answers::Text),
        get("/v1/ledger/proof/inclusion", ledger::inclusion, "Prove that a record is in it")
            .needs(LedgerRead).query(query::INCLUSION).answers(One("InclusionProof")),
        get("/v1/ledger/proof/consistency", ledger::consistency, "Prove that it only grew")
            .needs(LedgerRead).query(query::CONSISTENCY).answers(One("ConsistencyProof")),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_webhooks() -> Vec<Route> {
    vec![
        post("/v1/webhooks", webhooks::create, "Make a webhook; its secret is shown once")
            .needs(WebhookWrite).asks("NewWebhook").answers(Made("MadeWebhook")),
        get("/v1/webhooks", webhooks::list, "List webhooks")
            .needs(WebhookRead).query(query::PAGE).answers(Page("Webhook")),
        get("/v1/webhooks/{webhook}", webhooks::show, "Show a webhook")
            .needs(WebhookRead).answers(One("Webhook")),
        patch("/v1/webhooks/{webhook}", webhooks::change, "Change a webhook")
            .needs(WebhookWrite).asks("WebhookPatch").answers(One("Webhook")),
        delete("/v1/webhooks/{webhook}", webhooks::delete, "Delete a webhook")
            .needs(WebhookWrite).answers(Answers::Nothing),
        post("/v1/webhooks/{webhook}/rotate-secret", webhooks::rotate_secret, "Replace its secret")
            .needs(WebhookWrite).asks("SecretRotation").answers(One("MadeWebhook")),
        post("/v1/webhooks/{webhook}/redeliver", webhooks::redeliver, "Tell it events once more")
            .needs(WebhookWrite).asks("Redelivery").answers(One("Webhook")),
        get("/v1/webhooks/{webhook}/deliveries", webhooks::deliveries, "Show its last attempts")
            .needs(WebhookRead).query(query::PAGE).answers(Page("Delivery")),
        get("/v1/webhooks/{webhook}/dead-letters", webhooks::dead_letters, "Show what was given up")
            .needs(WebhookRead).query(query::PAGE).answers(Page("DeadLetter")),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_events() -> Vec<Route> {
    vec![
        get("/v1/events", events::list, "List what happened, oldest first")
            .needs(EventRead).query(query::EVENTS).answers(One("Events")),
        get("/v1/events/stream", events::follow, "Follow what happens")
            .needs(EventRead).query(query::STREAM).answers(Answers::Stream),
    ]
}

#[rustfmt::skip] // A table of two lines a row.
fn of_rules() -> Vec<Route> {
    vec![
        post("/v1/rules", rules::create, "Make a rule that acts by itself")
            .needs(RuleWrite).asks("NewRule").answers(Made("Rule")),
        get("/v1/rules", rules::list, "List rules")
            .needs(RuleRead).query(query::PAGE).answers(Page("Rule")),
        post("/v1/rules/try", rules::attempt, "Tell what a rule would have done")
            .needs(RuleWrite).asks("RuleTrial").answers(One("Trial")),
        get("/v1/rules/{rule}", rules::show, "Show a rule")
            .needs(RuleRead).answers(One("Rule")),
        patch("/v1/rules/{rule}", rules::change, "Change a rule")
            .needs(RuleWrite).asks("RulePatch").answers(One("Rule")),
        delete("/v1/rules/{rule}", rules::delete, "Delete a rule; what it did stays")
            .needs(RuleWrite).answers(Answers::Nothing),
        get("/v1/licenses/{license}/blocks", rules::blocks, "List what rules did to a license")
            .needs(LicenseRead).query(query::PAGE).answers(Page("Block")),
        post("/v1/licenses/{license}/unblock", rules::unblock, "Undo what rules did to it")
            .needs(LicenseWrite).asks_use("Unblocking").answers(One("License")),
    ]
}

impl Route {
    /// What serves it. Those that ask for a body refuse queries themselves, with less work; probes
    /// may be sent with any.
    fn served(self) -> MethodRouter<App> {
        let Operation { needs, query, asks, .. } = self.operation;
        match (needs, query, asks) {
            (Needs::Caller | Needs::Permission(_), [], Asks::Nothing) => {
                self.serve.layer(middleware::from_fn(extract::refuse_query))
            }
            _ => self.serve,
        }
    }

    fn new(
        method: &'static str,
        path: &'static str,
        does: &'static str,
        serve: MethodRouter<App>,
    ) -> Self {
        let operation = Operation {
            method,
            path,
            needs: Needs::Nothing,
            query: query::NONE,
            asks: Asks::Nothing,
            answers: Answers::Nothing,
            does,
        };
        Self { operation, serve }
    }

    fn known(mut self) -> Self {
        self.operation.needs = Needs::Caller;
        self
    }

    fn needs(mut self, permission: Permission) -> Self {
        self.operation.needs = Needs::Permission(permission.word());
        self
    }

    fn needs_each(mut self) -> Self {
        self.operation.needs = Needs::EachOperation;
        self
    }

    fn query(mut self, names: &'static [&'static str]) -> Self {
        self.operation.query = names;
        self
    }

    fn asks(mut self, schema: &'static str) -> Self {
        self.operation.asks = Asks::One(schema);
        self
    }

    fn asks_maybe(mut self, schema: &'static str) -> Self {
        self.operation.asks = Asks::Maybe(schema);
        self
    }

    fn asks_use(mut self, schema: &'static str) -> Self {
        self.operation.asks = Asks::Use(schema);
        self
    }

    fn asks_batch(mut self) -> Self {
        self.operation.asks = Asks::Batch;
        self
    }

    fn answers(mut self, answers: Answers) -> Self {
        self.operation.answers = answers;
        self
    }
}

fn get<H, T>(path: &'static str, handler: H, does: &'static str) -> Route
where
    H: Handler<T, App>,
    T: 'static,
{
    Route::new("get", path, does, routing::get(handler))
}

fn post<H, T>(path: &'static str, handler: H, does: &'static str) -> Route
where
    H: Handler<T, App>,
    T: 'static,
{
    Route::new("post", path, does, routing::post(handler))
}

fn patch<H, T>(path: &'static str, handler: H, does: &'static str) -> Route
where
    H: Handler<T, App>,
    T: 'static,
{
    Route::new("patch", path, does, routing::patch(handler))
}

fn delete<H, T>(path: &'static str, handler: H, does: &'static str) -> Route
where
    H: Handler<T, App>,
    T: 'static,
{
    Route::new("delete", path, does, routing::delete(handler))
}

#[cfg(test)]
mod tests;
