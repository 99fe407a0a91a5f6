//! A believable vendor: a renderer sold per frame, and who buys it.

use serde::Deserialize;
use serde_json::{Value, json};
use ureq::http::Method;

use super::line::Caller;
use crate::cli::fault::Fault;

/// The meter that everything here is about.
pub const METER: &str = "frames";

/// A customer with one license.
#[derive(Debug)]
pub struct Customer {
    /// Its name for people.
    pub name: &'static str,
    /// Its code.
    pub code: &'static str,
    /// The policy of its license.
    pub policy: &'static str,
    /// How many frames it may use, or has included.
    pub allowed: i64,
    /// The id of its license.
    pub license: String,
}

/// The vendor's customers, and the token that ships with the renderer.
pub struct Vendor {
    /// Prepaid: what the policy allows, and no more.
    pub aurora: Customer,
    /// Postpaid: some frames are included, the rest is billed.
    pub bergwerk: Customer,
    /// Prepaid, with a ceiling of its own.
    pub corner: Customer,
    /// Prepaid; late with its payments.
    pub delta: Customer,
    /// May count up, and nothing else.
    pub client_token: String,
}

/// How many frames each customer may use.
#[derive(Debug, Clone, Copy)]
pub struct Allowances {
    /// What the prepaid policy allows.
    pub prepaid: i64,
    /// What the postpaid policy includes.
    pub postpaid: i64,
    /// What Corner bought beyond the policy's words.
    pub corner: i64,
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

#[derive(Deserialize)]
struct MadeToken {
    secret: String,
}

/// Sets the vendor up.
///
/// # Errors
/// If the server refuses any of it.
pub fn set_up(admin: &mut Caller<'_>, allowances: Allowances) -> Result<Vendor, Fault> {
    let product = json!({"code": "renderer", "name": "The Renderer"});
    make(admin, "/v1/products", &product)?;
    let prepaid = json!({
        "product": "renderer", "code": "prepaid", "name": "Prepaid frames",
        "meters": [{"name": METER, "unit": "frame", "allowed": allowances.prepaid,
                    "overage": "refuse", "record_refusals": true}],
    });
    make(admin, "/v1/policies", &prepaid)?;
    let postpaid = json!({
        "product": "renderer", "code": "postpaid", "name": "Frames by the month",
        "meters": [{"name": METER, "unit": "frame", "allowed": allowances.postpaid,
                    "overage": "allow"}],
    });
    make(admin, "/v1/policies", &postpaid)?;
    let token = json!({
        "name": "render farm", "permissions": ["meter:read", "meter:increment"],
        "product": "renderer",
    });
    let token: MadeToken = admin.need(&Method::POST, "/v1/tokens", Some(&token))?;
    let Allowances { prepaid: by_policy, postpaid: included, corner } = allowances;
    Ok(Vendor {
        aurora: customer(admin, ("Aurora Films", "aurora"), "prepaid", (by_policy, false))?,
        bergwerk: customer(admin, ("Bergwerk VFX", "bergwerk"), "postpaid", (included, false))?,
        corner: customer(admin, ("Corner Animation", "corner"), "prepaid", (corner, true))?,
        delta: customer(admin, ("Delta Studio", "delta"), "prepaid", (by_policy, false))?,
        client_token: token.secret,
    })
}

impl Vendor {
    /// The customers, in the order they are shown.
    #[must_use]
    pub const fn customers(&self) -> [&Customer; 4] {
        [&self.aurora, &self.bergwerk, &self.corner, &self.delta]
    }
}

impl Customer {
    /// The path of its meter.
    #[must_use]
    pub fn meter_path(&self) -> String {
        crate::cli::meter::path_of(&self.license, Some(METER))
    }
}

/// Makes a customer and its license; `allowed` says how many frames, and whether that is the
/// license's own ceiling.
fn customer(
    admin: &mut Caller<'_>,
    (name, code): (&'static str, &'static str),
    policy: &'static str,
    (allowed, is_own): (i64, bool),
) -> Result<Customer, Fault> {
    make(admin, "/v1/customers", &json!({"code": code, "name": name}))?;
    let mut license = json!({"policy": policy, "customer": code});
    if is_own {
        license["meters"] = json!({METER: {"allowed": allowed}});
    }
    let license = make(admin, "/v1/licenses", &license)?;
    Ok(Customer { name, code, policy, allowed, license: license.id })
}

fn make(admin: &mut Caller<'_>, path: &str, body: &Value) -> Result<Made, Fault> {
    admin.need(&Method::POST, path, Some(body))
}
