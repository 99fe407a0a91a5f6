//! What the clients are going to do, decided beforehand.

use super::vendor::{Allowances, Customer, Vendor};

/// One use that some client tells.
#[derive(Debug, Clone)]
pub struct PlannedUse {
    /// Whose: index into [`Vendor::customers`].
    pub customer: usize,
    /// The path of its meter.
    pub path: String,
    /// Its idempotency key.
    pub key: String,
    /// How many frames.
    pub frames: i64,
    /// Whether the client loses the answer, and tells the same once more.
    pub is_told_twice: bool,
}

/// How many uses each customer tells.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    aurora: usize,
    bergwerk: usize,
    corner: usize,
}

impl Shares {
    /// Shares out `uses`: three tenths to Aurora, half to Bergwerk, the rest to Corner.
    #[must_use]
    pub const fn of(uses: usize) -> Self {
        let aurora = uses * 3 / 10;
        let bergwerk = uses / 2;
        Self { aurora, bergwerk, corner: uses - aurora - bergwerk }
    }

    /// Ceilings that will be reached: the prepaid ones refuse, the postpaid one overflows.
    #[must_use]
    pub fn allowances(self) -> Allowances {
        let frames = (0..self.bergwerk).map(postpaid_frames).sum::<i64>();
        let part = |uses: usize, tenths: usize| i64::try_from(uses * tenths / 10).unwrap_or(0);
        Allowances {
            prepaid: part(self.aurora, 8),
            postpaid: frames / 2,
            corner: part(self.corner, 6),
        }
    }

    /// Every use, in an order in which the customers mix.
    #[must_use]
    pub fn plan(self, vendor: &Vendor) -> Vec<PlannedUse> {
        let customers = vendor.customers();
        let mut uses = Vec::new();
        for (index, count) in [self.aurora, self.bergwerk, self.corner].into_iter().enumerate() {
            uses.extend((0..count).map(|number| planned(customers[index], index, number)));
        }
        mix(&mut uses);
        for told_twice in uses.iter_mut().skip(3).step_by(10) {
            told_twice.is_told_twice = true;
        }
        uses
    }
}

fn planned(customer: &Customer, index: usize, number: usize) -> PlannedUse {
    PlannedUse {
        customer: index,
        path: format!("{}/increment", customer.meter_path()),
        key: format!("{}-{number:06}", customer.code),
        // Prepaid uses are single frames: whatever the order, exactly the ceiling fits.
        frames: match customer.policy {
            "postpaid" => postpaid_frames(number),
            _ => 1,
        },
        is_told_twice: false,
    }
}

/// One to five frames.
fn postpaid_frames(number: usize) -> i64 {
    1 + i64::try_from(number * 7 % 5).unwrap_or(0)
}

/// Mixes by a fixed rule (Fisher and Yates, with a linear congruential generator), so that every
/// demonstration does the same.
fn mix(uses: &mut [PlannedUse]) {
    let mut state: u64 = 8420;
    for last in (1..uses.len()).rev() {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let below = u64::try_from(last + 1).unwrap_or(u64::MAX);
        let other = usize::try_from((state >> 33) % below).unwrap_or(0);
        uses.swap(last, other);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn vendor() -> Vendor {
        let customer = |name, policy| Customer {
            name,
            code: name,
            policy,
            allowed: 0,
            license: name.to_owned(),
        };
        Vendor {
            aurora: customer("a", "prepaid"),
            bergwerk: customer("b", "postpaid"),
            corner: customer("c", "prepaid"),
            delta: customer("d", "prepaid"),
            client_token: String::new(),
        }
    }

    #[test]
    fn every_use_is_planned_once_and_every_ceiling_is_reached() {
        for uses in [500, 501, 4000] {
            let shares = Shares::of(uses);
            let plan = shares.plan(&vendor());
            assert_eq!(plan.len(), uses);
            let mut keys: Vec<&str> = plan.iter().map(|planned| planned.key.as_str()).collect();
            keys.sort_unstable();
            keys.dedup();
            assert_eq!(keys.len(), uses);
            let frames = |customer| -> i64 {
                let of = plan.iter().filter(|planned| planned.customer == customer);
                of.map(|planned| planned.frames).sum()
            };
            let Allowances { prepaid, postpaid, corner } = shares.allowances();
            assert!(0 < prepaid && prepaid < frames(0));
            assert!(0 < postpaid && postpaid < frames(1));
            assert!(0 < corner && corner < frames(2));
            let twice = plan.iter().filter(|planned| planned.is_told_twice).count();
            assert!(twice >= uses / 11, "{twice} of {uses}");
        }
    }
}
