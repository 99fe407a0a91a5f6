//! The body of a request: one JSON object, or nothing.

use crate::json::members::Members;
use crate::json::syntax;
use crate::native::problem::Problem;

/// Reads the body of a request that says everything in its path: a change of standing, a renewal, a
/// check-in, a heartbeat, a ban, a rotation.
///
/// # Errors
/// `malformed-json` or `invalid`.
pub fn read_nothing(body: &[u8]) -> Result<(), Problem> {
    optional_object(body, &[])?;
    Ok(())
}

/// Reads a body that is an object with members of these names.
pub(super) fn object<'a, const N: usize>(
    body: &'a [u8],
    names: &'static [&'static str; N],
) -> Result<Members<'static, 'a, N>, Problem> {
    Ok(Members::of_body(syntax::text(body)?, names)??)
}

/// The same, where an empty body says as much as `{}`.
pub(super) fn optional_object<'a, const N: usize>(
    body: &'a [u8],
    names: &'static [&'static str; N],
) -> Result<Members<'static, 'a, N>, Problem> {
    object(if body.is_empty() { b"{}" } else { body }, names)
}
