//! Strict reading of JSON, and writing into one buffer.
//!
//! Reading is in two steps. [`members`] walks an object once and keeps every member as text, which
//! is where syntax, unknown names and repeated names are noticed. [`value`] turns one member into a
//! type and refuses it by its [`place`]. Numbers stay text until they are exact decimals.

pub(crate) mod members;
pub(crate) mod place;
pub(crate) mod syntax;
pub(crate) mod value;
pub(crate) mod write;
