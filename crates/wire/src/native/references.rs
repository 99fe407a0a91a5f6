//! How requests name things: by id, by code, or a license by its key.

use std::str::FromStr;

use usance_core::activation::ActivationRef;
use usance_core::command::{Ref, UserRef};
use usance_core::id::{
    ActivationId, CustomerId, EntitlementId, HoldId, PolicyId, ProcessId, ProductId, RuleId,
    SessionId, TokenId, WebhookId,
};
use usance_core::license::LicenseRef;
use usance_core::limits::{FINGERPRINT_BYTES_MAX, NAME_BYTES_MAX};
use usance_core::refusal::{Kind, Refusal};
use usance_core::text::Code;

use crate::json::value::Value;
use crate::native::problem::Problem;

/// The product that a path names.
///
/// # Errors
/// `unknown`: what has the form of no name names nothing.
pub fn product(segment: &str) -> Result<Ref<ProductId>, Problem> {
    in_path(segment, Kind::Product)
}

/// The policy that a path names.
///
/// # Errors
/// `unknown`.
pub fn policy(segment: &str) -> Result<Ref<PolicyId>, Problem> {
    in_path(segment, Kind::Policy)
}

/// The customer that a path names.
///
/// # Errors
/// `unknown`.
pub fn customer(segment: &str) -> Result<Ref<CustomerId>, Problem> {
    in_path(segment, Kind::Customer)
}

/// The license that a path names, by id or key.
#[must_use]
pub fn license(segment: &str) -> LicenseRef {
    LicenseRef::parse(segment)
}

/// The meter that a path names.
///
/// # Errors
/// `unknown`.
pub fn meter(segment: &str) -> Result<Code, Problem> {
    Code::parse("meter", segment)
        .map_err(|_| Refusal::Unknown(Kind::Meter, segment.to_owned()).into())
}

/// The token that a path names.
///
/// # Errors
/// `unknown`.
pub fn token(segment: &str) -> Result<TokenId, Problem> {
    id_in_path(segment, Kind::Token)
}

/// The entitlement that a path names.
///
/// # Errors
/// `unknown`.
pub fn entitlement(segment: &str) -> Result<Ref<EntitlementId>, Problem> {
    in_path(segment, Kind::Entitlement)
}

/// The person that a path names, by id or address.
#[must_use]
pub fn user(segment: &str) -> UserRef {
    UserRef::parse(segment)
}

/// The activation of a license that a path names, by id or fingerprint.
#[must_use]
pub fn activation(segment: &str) -> ActivationRef {
    ActivationRef::parse(segment)
}

/// The activation that a path names without its license, by id.
///
/// # Errors
/// `unknown`.
pub fn activation_id(segment: &str) -> Result<ActivationId, Problem> {
    id_in_path(segment, Kind::Activation)
}

/// The process that a path names.
///
/// # Errors
/// `unknown`.
pub fn process(segment: &str) -> Result<ProcessId, Problem> {
    id_in_path(segment, Kind::Process)
}

/// The hold that a path names.
///
/// # Errors
/// `unknown`.
pub fn hold(segment: &str) -> Result<HoldId, Problem> {
    id_in_path(segment, Kind::Hold)
}

/// The session that a path names.
///
/// # Errors
/// `unknown`.
pub fn session(segment: &str) -> Result<SessionId, Problem> {
    id_in_path(segment, Kind::Session)
}

/// The receiver of events that a path names.
///
/// # Errors
/// `unknown`.
pub fn webhook(segment: &str) -> Result<WebhookId, Problem> {
    id_in_path(segment, Kind::Webhook)
}

fn id_in_path<Id: FromStr>(segment: &str, kind: Kind) -> Result<Id, Problem> {
    segment.parse().map_err(|_| Refusal::Unknown(kind, segment.to_owned()).into())
}

fn in_path<Id: FromStr>(segment: &str, kind: Kind) -> Result<Ref<Id>, Problem> {
    of_text(segment).ok_or_else(|| Refusal::Unknown(kind, segment.to_owned()).into())
}

/// The rule that a path names.
///
/// # Errors
/// `unknown`.
pub fn rule(segment: &str) -> Result<Ref<RuleId>, Problem> {
    in_path(segment, Kind::Rule)
}

/// The thing that a member or parameter names.
pub(super) fn in_value<Id: FromStr>(value: Value<'_, '_>) -> Result<Ref<Id>, Refusal> {
    of_text(&value.text()?).ok_or_else(|| value.refuse("must be an id or a code"))
}

/// The license that a member names, by id or key.
pub(super) fn license_in_value(value: Value<'_, '_>) -> Result<LicenseRef, Refusal> {
    Ok(LicenseRef::parse(&value.text()?))
}

/// The person that a member names, by id or address.
pub(super) fn user_in_value(value: Value<'_, '_>) -> Result<UserRef, Refusal> {
    let text = value.text()?;
    if text.is_empty() || text.len() > NAME_BYTES_MAX {
        return Err(value.refuse("must be an id or an email"));
    }
    Ok(UserRef::parse(&text))
}

/// The activation that a member names, by id or fingerprint.
pub(super) fn activation_in_value(value: Value<'_, '_>) -> Result<ActivationRef, Refusal> {
    let text = value.text()?;
    if text.is_empty() || text.len() > FINGERPRINT_BYTES_MAX {
        return Err(value.refuse("must be an id or a fingerprint"));
    }
    Ok(ActivationRef::parse(&text))
}

/// An id where it is one, and else a code.
pub(super) fn of_text<Id: FromStr>(text: &str) -> Option<Ref<Id>> {
    match text.parse() {
        Ok(id) => Some(Ref::Id(id)),
        Err(_) => Code::parse("code", text).ok().map(Ref::Code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_name_things_or_nothing() {
        let id = "prod_0193b2c4d5e67890a1b2c3d4e5f60718";
        assert_eq!(product(id), Ok(Ref::Id(id.parse().unwrap())));
        let code = |text| Ok(Ref::Code(Code::parse("code", text).unwrap()));
        assert_eq!(product("renderer"), code("renderer"));
        assert_eq!(product("prod_short"), code("prod_short"));
        for segment in ["", "Renderer", "a b", "é", "\0"] {
            let unknown = |kind| Refusal::Unknown(kind, segment.to_owned()).into();
            assert_eq!(product(segment), Err(unknown(Kind::Product)), "{segment}");
            assert_eq!(policy(segment), Err(unknown(Kind::Policy)), "{segment}");
            assert_eq!(customer(segment), Err(unknown(Kind::Customer)), "{segment}");
            assert_eq!(meter(segment), Err(unknown(Kind::Meter)), "{segment}");
            assert_eq!(entitlement(segment), Err(unknown(Kind::Entitlement)), "{segment}");
            assert_eq!(token(segment), Err(unknown(Kind::Token)), "{segment}");
            assert_eq!(activation_id(segment), Err(unknown(Kind::Activation)), "{segment}");
            assert_eq!(process(segment), Err(unknown(Kind::Process)), "{segment}");
            assert_eq!(hold(segment), Err(unknown(Kind::Hold)), "{segment}");
            assert_eq!(session(segment), Err(unknown(Kind::Session)), "{segment}");
        }
        let license_id = "lic_0193b2c4d5e67890a1b2c3d4e5f60718";
        assert_eq!(license(license_id), LicenseRef::Id(license_id.parse().unwrap()));
        let id = "act_0193b2c4d5e67890a1b2c3d4e5f60718";
        assert_eq!(activation(id), ActivationRef::Id(id.parse().unwrap()));
        assert_eq!(activation("act_9"), ActivationRef::Fingerprint("act_9".into()));
        let id = "usr_0193b2c4d5e67890a1b2c3d4e5f60718";
        assert_eq!(user(id), UserRef::Id(id.parse().unwrap()));
        assert_eq!(user("a@b"), UserRef::Email("a@b".into()));
        assert!(matches!(license("A/B%20"), LicenseRef::Key(key) if key.0 == "A/B%20"));
    }
}
