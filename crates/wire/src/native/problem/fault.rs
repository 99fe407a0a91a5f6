//! What keeps a request from being decided at all.

use std::fmt;

use crate::json::syntax::Malformed;

/// What keeps a request from being decided at all: its own form, or the state of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The body is not JSON.
    MalformedJson(Malformed),
    /// The body is larger than this many bytes.
    BodyTooLarge(usize),
    /// The batch has more than this many items.
    BatchTooLarge(usize),
    /// The body is of another media type than this.
    UnsupportedMediaType(&'static str),
    /// There is nothing at this path.
    NoSuchRoute,
    /// What is at this path does not take this method.
    MethodNotAllowed,
    /// The request did not arrive in time.
    RequestTimeout,
    /// The connection broke before the body had arrived.
    BodyIncomplete,
    /// The server failed in a way that nobody foresaw.
    Internal,
    /// More requests are waiting than the server holds.
    Overloaded,
    /// The disk is full.
    StorageFull,
    /// The storage failed and writes have stopped; the reason, where it may be told.
    StorageFailed(Option<String>),
    /// The storage failed while committing: it may have happened.
    OutcomeUnknown,
    /// The server is stopping.
    Closing,
}

impl Fault {
    /// All codes, for the documentation and its test.
    pub const CODES: &'static [&'static str] = &[
        "malformed-json",
        "body-too-large",
        "batch-too-large",
        "unsupported-media-type",
        "no-such-route",
        "method-not-allowed",
        "request-timeout",
        "body-incomplete",
        "internal",
        "overloaded",
        "storage-full",
        "storage-failed",
        "outcome-unknown",
        "closing",
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MalformedJson(_) => "malformed-json",
            Self::BodyTooLarge(_) => "body-too-large",
            Self::BatchTooLarge(_) => "batch-too-large",
            Self::UnsupportedMediaType(_) => "unsupported-media-type",
            Self::NoSuchRoute => "no-such-route",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::RequestTimeout => "request-timeout",
            Self::BodyIncomplete => "body-incomplete",
            Self::Internal => "internal",
            Self::Overloaded => "overloaded",
            Self::StorageFull => "storage-full",
            Self::StorageFailed(_) => "storage-failed",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::Closing => "closing",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = match self {
            Self::MalformedJson(malformed) => return write!(f, "{malformed}"),
            Self::BodyTooLarge(bytes_max) => {
                return write!(f, "the body may have at most {bytes_max} bytes; send less at once");
            }
            Self::BatchTooLarge(items_max) => {
                return write!(f, "a batch may have at most {items_max} uses; send several");
            }
            Self::UnsupportedMediaType(expected) => {
                return write!(f, "the body must be {expected}; say so in Content-Type");
            }
            Self::StorageFailed(Some(reason)) => {
                return write!(f, "the storage failed and writes have stopped: {reason}");
            }
            Self::NoSuchRoute => "there is nothing at this path; see /v1/openapi.json",
            Self::MethodNotAllowed => "this path does not take this method; see the Allow header",
            Self::RequestTimeout => "the request did not arrive in time; send it again",
            Self::BodyIncomplete => "the body ended early; send it again",
            Self::Internal => "the server failed; tell its operator the request id",
            Self::Overloaded => "too many requests are waiting; ask again after a moment",
            Self::StorageFull => {
                "the disk of the server is full; its operator has to make room for writes"
            }
            Self::StorageFailed(None) => {
                "the storage failed and writes have stopped; the operator sees why at /readyz"
            }
            Self::OutcomeUnknown => {
                "the storage failed while committing, so that this may have happened or not; ask \
                 again with the same idempotency key"
            }
            Self::Closing => "the server is stopping; ask again after its restart",
        };
        f.write_str(plain)
    }
}
