//! Which meters are known to refuse, so that it is told once.

use usance_core::id::LicenseId;
use usance_core::text::Code;

use crate::limits::REFUSING_METERS_MAX;
use crate::store::FastMap;

/// Meters that were told to refuse, each with its last record then: until it has another it says
/// nothing new. It is in memory alone, so that after a restart the next refusal is told once more.
#[derive(Debug, Default)]
pub struct Refusing(FastMap<(LicenseId, Code), Option<u64>>);

impl Refusing {
    /// Whether it is already told that a meter refuses, since it last moved.
    #[must_use]
    pub fn is_told(&self, license: LicenseId, meter: &Code, last_record: Option<u64>) -> bool {
        self.0.get(&(license, meter.clone())) == Some(&last_record)
    }

    /// Notes that it is told.
    pub fn tell(&mut self, license: LicenseId, meter: &Code, last_record: Option<u64>) {
        if self.0.len() >= REFUSING_METERS_MAX {
            self.0.clear();
        }
        self.0.insert((license, meter.clone()), last_record);
    }

    /// Forgets all: what was to be written was not.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}
