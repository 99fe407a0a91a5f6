//! Bounds of what a license file says, the same when it is written and when it is read.

use alloc::string::String;
use alloc::vec::Vec;

use super::LicenseFile;
use crate::limits::{
    LICENSE_FILE_ENTITLEMENTS_MAX, LICENSE_FILE_PAIRS_MAX, LICENSE_FILE_TEXT_BYTES_MAX,
    NAME_BYTES_MAX, POLICY_METERS_MAX,
};
use crate::quantity::Scale;
use crate::text::Code;
use crate::time::Timestamp;

/// A field that is out of its bounds.
pub(super) struct Flaw {
    pub(super) field: &'static str,
    pub(super) reason: &'static str,
}

impl LicenseFile {
    /// Refuses what is out of bounds.
    pub(super) fn check(&self) -> Result<(), Flaw> {
        let flaw = |field, reason| Err(Flaw { field, reason });
        if self.key_number == 0 {
            return flaw("key_number", "must be 1 or more");
        }
        if self.file_expires_at.is_some_and(|end| end <= self.issued_at) {
            return flaw("file_expires_at", "must be later than issued_at");
        }
        let ends = self.meters.iter().map(|meter| meter.period_end);
        let times = [Some(self.issued_at), self.file_expires_at, self.valid_from, self.expires_at];
        if times.into_iter().chain(ends).flatten().any(|at| at > Timestamp::MAX) {
            return flaw("times", "must lie before the year 10000");
        }
        if let Some(activation) = &self.activation {
            check_text("activation", &activation.id, NAME_BYTES_MAX)?;
            check_text("fingerprint", &activation.fingerprint, LICENSE_FILE_TEXT_BYTES_MAX)?;
        }
        let entitlements = self.entitlements.iter().map(Code::as_str);
        check_names("entitlements", entitlements, LICENSE_FILE_ENTITLEMENTS_MAX)?;
        check_pairs("terms", &self.terms)?;
        let meters = self.meters.iter().map(|meter| meter.name.as_str());
        check_names("meters", meters, POLICY_METERS_MAX)?;
        for meter in &self.meters {
            check_text("unit", &meter.unit, NAME_BYTES_MAX)?;
            if meter.scale > Scale::MAX {
                return flaw("scale", "must be at most 9");
            }
        }
        check_pairs("metadata", &self.metadata)
    }
}

fn check_text(field: &'static str, text: &str, bytes_max: usize) -> Result<(), Flaw> {
    if text.len() > bytes_max {
        return Err(Flaw { field, reason: "is too long for a license file" });
    }
    Ok(())
}

fn check_names<'a>(
    field: &'static str,
    names: impl Iterator<Item = &'a str>,
    count_max: usize,
) -> Result<(), Flaw> {
    let mut names: Vec<&str> = names.collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    if names.len() < count {
        return Err(Flaw { field, reason: "must have each name once" });
    }
    if count > count_max {
        return Err(Flaw { field, reason: "must be fewer to fit a license file" });
    }
    Ok(())
}

fn check_pairs(field: &'static str, pairs: &[(String, String)]) -> Result<(), Flaw> {
    check_names(field, pairs.iter().map(|(name, _)| name.as_str()), LICENSE_FILE_PAIRS_MAX)?;
    for (name, value) in pairs {
        check_text(field, name, NAME_BYTES_MAX)?;
        check_text(field, value, LICENSE_FILE_TEXT_BYTES_MAX)?;
    }
    Ok(())
}
