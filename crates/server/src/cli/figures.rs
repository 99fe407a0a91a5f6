//! Numbers for people.

use std::time::Duration;

/// A count with its thousands apart: `12,345`.
#[must_use]
pub fn grouped(count: impl Into<i128>) -> String {
    let count = count.into();
    let digits = count.unsigned_abs().to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            shown.push(',');
        }
        shown.push(digit);
    }
    if count < 0 { format!("-{shown}") } else { shown }
}

/// How many a second, as a whole number; a time too short to measure counts as a microsecond.
#[must_use]
pub fn per_second(count: u64, took: Duration) -> u64 {
    let micros = took.as_micros().max(1);
    u64::try_from(u128::from(count) * 1_000_000 / micros).unwrap_or(u64::MAX)
}

/// A time with the unit that suits it: `38 ms`, `1.2 s`.
#[must_use]
pub fn duration(took: Duration) -> String {
    let micros = took.as_micros();
    match micros {
        0..10_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        10_000..1_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{}.{} s", micros / 1_000_000, micros % 1_000_000 / 100_000),
    }
}

/// One thing or several: `1 use`, `2 uses`.
#[must_use]
pub fn several(count: usize, thing: &str) -> String {
    let shown = grouped(count as u64);
    if count == 1 {
        return format!("{shown} {thing}");
    }
    format!("{shown} {thing}s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        for (count, expected) in [
            (0i64, "0"),
            (999, "999"),
            (1000, "1,000"),
            (-1_234_567, "-1,234,567"),
            (i64::MIN, "-9,223,372,036,854,775,808"),
        ] {
            assert_eq!(grouped(count), expected);
        }
        for (micros, expected) in
            [(340, "0.3 ms"), (9_990, "9.9 ms"), (38_400, "38 ms"), (1_250_000, "1.2 s")]
        {
            assert_eq!(duration(Duration::from_micros(micros)), expected);
        }
        assert_eq!(per_second(3000, Duration::from_millis(1500)), 2000);
        assert_eq!((several(1, "use"), several(0, "use")), ("1 use".into(), "0 uses".into()));
    }
}
