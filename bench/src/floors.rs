//! The floors: what usance must reach, and whether it did.

use crate::table::{self, Drawing};

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    AtLeast,
    AtMost,
}

/// One budget and what was measured against it.
#[derive(Debug)]
pub struct Floor {
    pub what: String,
    pub bound: Bound,
    pub floor: f64,
    pub aim: f64,
    pub measured: Option<f64>,
    pub unit: &'static str,
}

impl Floor {
    fn reached(&self, limit: f64) -> Option<bool> {
        self.measured.map(|measured| match self.bound {
            Bound::AtLeast => measured >= limit,
            Bound::AtMost => measured <= limit,
        })
    }

    fn row(&self) -> Vec<String> {
        let word = |reached| match reached {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "not measured",
        };
        let sign = match self.bound {
            Bound::AtLeast => "at least",
            Bound::AtMost => "at most",
        };
        let shown = |number: f64| {
            if number >= 1000.0 { table::whole(number) } else { format!("{number:.2}") }
        };
        vec![
            self.what.clone(),
            self.unit.to_owned(),
            sign.to_owned(),
            shown(self.floor),
            shown(self.aim),
            self.measured.map_or_else(|| "-".to_owned(), shown),
            word(self.reached(self.floor)).to_owned(),
            word(self.reached(self.aim)).to_owned(),
        ]
    }
}

/// Prints the floors.
pub fn print(drawing: Drawing, floors: &[Floor]) {
    table::heading(drawing, "Floors");
    let header = ["what", "unit", "", "floor", "aim", "measured", "floor reached", "aim reached"];
    table::print(drawing, &header, floors.iter().map(Floor::row).collect(), 3);
}
