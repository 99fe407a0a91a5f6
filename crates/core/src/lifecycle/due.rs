//! What time will do to a license next.

use crate::license::{License, Standing};
use crate::terms::Terms;
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// What time does to a license.
    Due {
        /// It becomes valid.
        Begin = "begin",
        /// Its check-in is overdue from then on.
        CheckIn = "check-in",
        /// It expires.
        Expiry = "expiry",
    }
}

/// What time will do to a license next after `now`, and when; none if nothing. What happens at
/// `now` itself has happened. Of two things at one instant the first in the order of [`Due`].
///
/// Time does nothing more to a license that is revoked.
#[must_use]
pub fn next_due(license: &License, terms: &Terms, now: Timestamp) -> Option<(Timestamp, Due)> {
    if license.standing == Standing::Revoked {
        return None;
    }
    let all = [
        (license.valid_from, Due::Begin),
        (license.check_in_due(terms), Due::CheckIn),
        (license.expires_at, Due::Expiry),
    ];
    all.into_iter().filter_map(|(at, due)| Some((at.filter(|at| *at > now)?, due))).min()
}
