//! The HTTP status of every no, in one place.

use usance_core::refusal::Refusal;

use crate::native::problem::Fault;

/// Which status a refusal has.
///
/// 401 asks who is calling, 403 says not you or not this license, 404 there is no such thing, 409
/// not as things stand, 410 not any more, 422 not in this form.
pub(super) const fn of_refusal(refusal: &Refusal) -> u16 {
    match refusal {
        Refusal::Unauthenticated(_) => 401,

        Refusal::LicenseSuspended(_)
        | Refusal::LicenseRevoked(_)
        | Refusal::LicenseExpired(..)
        | Refusal::LicenseNotYetValid(..)
        | Refusal::LicenseOverdue(..)
        | Refusal::LicenseBlocked(..)
        | Refusal::AccessDenied(_)
        | Refusal::ActivationDead(_)
        | Refusal::ActivationNotAllowed(_)
        | Refusal::PermissionMissing(_)
        | Refusal::Locked(_) => 403,

        Refusal::Unknown(..) | Refusal::KeyMistyped => 404,

        Refusal::LimitReached(_)
        | Refusal::BoundReached(..)
        | Refusal::FloorReached(..)
        | Refusal::CounterFull(_)
        | Refusal::ReservedForOthers(..)
        | Refusal::LimitOf(_)
        | Refusal::TooMany(..)
        | Refusal::IdempotencyConflict
        | Refusal::LicenseStateConflict(..)
        | Refusal::Taken(..)
        | Refusal::InUse(..)
        | Refusal::Archived(_) => 409,

        Refusal::Over(..) => 410,

        Refusal::Invalid { .. }
        | Refusal::NotMetered(_)
        | Refusal::MeterMissing(_)
        | Refusal::AmountNotPositive
        | Refusal::FractionBeyondScale { .. }
        | Refusal::AmountOutOfRange
        | Refusal::OccurredAtOutOfRange => 422,
    }
}

/// Which status a fault has: 4xx where the request has to change, 5xx where the server has to.
pub(super) const fn of_fault(fault: &Fault) -> u16 {
    match fault {
        Fault::MalformedJson(_) | Fault::BodyIncomplete => 400,
        Fault::NoSuchRoute => 404,
        Fault::MethodNotAllowed => 405,
        Fault::RequestTimeout => 408,
        Fault::BodyTooLarge(_) | Fault::BatchTooLarge(_) => 413,
        Fault::UnsupportedMediaType(_) => 415,
        Fault::Internal => 500,
        Fault::Overloaded
        | Fault::StorageFull
        | Fault::StorageFailed(_)
        | Fault::OutcomeUnknown
        | Fault::Closing => 503,
    }
}
