//! How requests name things: by id, by code, or a license by its key.

use std::str::FromStr;

use usance_core::command::Ref;
use usance_core::id::{CustomerId, PolicyId, ProductId, TokenId};
use usance_core::license::LicenseRef;
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
    segment.parse().map_err(|_| Refusal::Unknown(Kind::Token, segment.to_owned()).into())
}

fn in_path<Id: FromStr>(segment: &str, kind: Kind) -> Result<Ref<Id>, Problem> {
    of_text(segment).ok_or_else(|| Refusal::Unknown(kind, segment.to_owned()).into())
}

/// The thing that a member or parameter names.
pub(super) fn in_value<Id: FromStr>(value: Value<'_, '_>) -> Result<Ref<Id>, Refusal> {
    of_text(&value.text()?).ok_or_else(|| value.refuse("must be an id or a code"))
}

/// The license that a member names, by id or key.
pub(super) fn license_in_value(value: Value<'_, '_>) -> Result<LicenseRef, Refusal> {
    Ok(LicenseRef::parse(&value.text()?))
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
            assert_eq!(token(segment), Err(unknown(Kind::Token)), "{segment}");
        }
        let license_id = "lic_0193b2c4d5e67890a1b2c3d4e5f60718";
        assert_eq!(license(license_id), LicenseRef::Id(license_id.parse().unwrap()));
        assert!(matches!(license("A/B%20"), LicenseRef::Key(key) if key.0 == "A/B%20"));
    }
}
