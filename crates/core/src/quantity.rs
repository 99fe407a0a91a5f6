//! Exact amounts: integers in a meter's smallest unit, decimals as people write them.

use core::fmt;

/// An amount in the smallest unit of its meter (10^-scale of the unit).
pub type Quantity = i64;

/// Digits after the decimal point that a meter counts: 0 to 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Scale(u8);

impl Scale {
    /// No digits: whole units.
    pub const WHOLE: Self = Self(0);
    /// The finest scale: 10^-9 of a unit.
    pub const MAX: u8 = 9;

    /// The scale with this many digits, if there is one.
    #[must_use]
    pub const fn new(digits: u8) -> Option<Self> {
        if digits > Self::MAX { None } else { Some(Self(digits)) }
    }

    /// Its digits after the point.
    #[must_use]
    pub const fn digits(self) -> u8 {
        self.0
    }
}

/// A decimal as it was written: `mantissa × 10^-digits`, without trailing zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    mantissa: i64,
    digits: u8,
}

/// Why text is not a [`Decimal`], or a decimal not a [`Quantity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecimalError {
    /// Not a plain decimal number.
    Malformed,
    /// Does not fit 64 bits at the meter's scale.
    OutOfRange,
    /// Has more digits after the point than the meter counts.
    BeyondScale,
}

impl Decimal {
    /// One.
    pub const ONE: Self = Self { mantissa: 1, digits: 0 };

    /// A whole number.
    #[must_use]
    pub const fn whole(value: i64) -> Self {
        Self { mantissa: value, digits: 0 }
    }

    /// A quantity of a meter with this scale.
    #[must_use]
    pub const fn scaled(quantity: Quantity, scale: Scale) -> Self {
        let (mut mantissa, mut digits) = (quantity, scale.digits());
        while digits > 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            digits -= 1;
        }
        Self { mantissa, digits }
    }

    /// Reads `-?[0-9]+(\.[0-9]+)?`, exactly.
    ///
    /// # Errors
    /// [`DecimalError::Malformed`] or [`DecimalError::OutOfRange`].
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((_, "")) => return Err(DecimalError::Malformed),
            Some((whole, fraction)) => (whole, fraction.trim_end_matches('0')),
            None => (unsigned, ""),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(DecimalError::Malformed);
        }
        let mut magnitude: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            magnitude = magnitude * 10 + i128::from(digit - b'0');
            if magnitude > i128::from(u64::MAX) {
                return Err(DecimalError::OutOfRange);
            }
        }
        let signed = if negative { -magnitude } else { magnitude };
        Ok(Self {
            mantissa: i64::try_from(signed).map_err(|_| DecimalError::OutOfRange)?,
            digits: u8::try_from(fraction.len()).map_err(|_| DecimalError::OutOfRange)?,
        })
    }

    /// The same amount in the smallest unit of a meter with this scale.
    ///
    /// # Errors
    /// [`DecimalError::BeyondScale`] or [`DecimalError::OutOfRange`]; nothing is ever rounded.
    pub fn quantity(self, scale: Scale) -> Result<Quantity, DecimalError> {
        let Some(missing) = scale.digits().checked_sub(self.digits) else {
            return Err(DecimalError::BeyondScale);
        };
        10i64
            .checked_pow(u32::from(missing))
            .and_then(|factor| self.mantissa.checked_mul(factor))
            .ok_or(DecimalError::OutOfRange)
    }

    /// The highest quantity of a meter with this scale that is not above it; the highest or lowest
    /// there is, where 64 bits do not hold it.
    #[must_use]
    pub fn quantity_below(self, scale: Scale) -> Quantity {
        let wide = i128::from(self.mantissa);
        let digits = i32::from(scale.digits()) - i32::from(self.digits);
        let factor = 10i128.saturating_pow(digits.unsigned_abs());
        let value = if digits < 0 { wide.div_euclid(factor) } else { wide.saturating_mul(factor) };
        i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
    }

    /// The bytes that stand for it in a request digest.
    #[must_use]
    pub fn digest_bytes(self) -> [u8; 9] {
        let mut bytes = [0; 9];
        bytes[..8].copy_from_slice(&self.mantissa.to_le_bytes());
        bytes[8] = self.digits;
        bytes
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = usize::from(self.digits);
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let text = alloc::format!("{:0width$}", self.mantissa.unsigned_abs(), width = digits + 1);
        let (whole, fraction) = text.split_at(text.len() - digits);
        if fraction.is_empty() {
            return write!(f, "{sign}{whole}");
        }
        write!(f, "{sign}{whole}.{fraction}")
    }
}

/// Shows a quantity in its unit: `125` at scale 2 is `1.25`.
#[derive(Debug, Clone, Copy)]
pub struct Shown(pub Quantity, pub Scale);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(quantity, scale) = *self;
        if scale.digits() == 0 {
            return write!(f, "{quantity}");
        }
        let sign = if quantity < 0 { "-" } else { "" };
        let magnitude = quantity.unsigned_abs();
        let unit = 10u64.pow(u32::from(scale.digits()));
        let (whole, mut fraction) = (magnitude / unit, magnitude % unit);
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let mut width = usize::from(scale.digits());
        while fraction % 10 == 0 {
            fraction /= 10;
            width -= 1;
        }
        write!(f, "{sign}{whole}.{fraction:0width$}")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    fn scale(digits: u8) -> Scale {
        Scale::new(digits).unwrap()
    }

    #[test]
    fn decimals_become_quantities_exactly_or_not_at_all() {
        use DecimalError::{BeyondScale, Malformed, OutOfRange};
        for (text, digits, expected) in [
            ("1", 0, Ok(1)),
            ("1.0", 0, Ok(1)),
            ("1.5", 0, Err(BeyondScale)),
            ("1.5", 2, Ok(150)),
            ("-0.01", 2, Ok(-1)),
            ("0.001", 2, Err(BeyondScale)),
            ("9223372036854775807", 0, Ok(i64::MAX)),
            ("-9223372036854775808", 0, Ok(i64::MIN)),
            ("9223372036854775808", 0, Err(OutOfRange)),
            ("9223372036854775807", 1, Err(OutOfRange)),
            ("99999999999999999999999999999999999999999999", 0, Err(OutOfRange)),
            ("1e3", 0, Err(Malformed)),
            ("", 0, Err(Malformed)),
            ("-", 0, Err(Malformed)),
            (".5", 2, Err(Malformed)),
            ("5.", 2, Err(Malformed)),
            ("1.2.3", 2, Err(Malformed)),
            ("+1", 0, Err(Malformed)),
            ("١", 0, Err(Malformed)),
        ] {
            let found = Decimal::parse(text).and_then(|decimal| decimal.quantity(scale(digits)));
            assert_eq!(found, expected, "{text} at scale {digits}");
        }
    }

    #[test]
    fn quantities_are_shown_without_needless_zeros() {
        for (quantity, digits, expected) in [
            (125, 0, "125"),
            (125, 2, "1.25"),
            (120, 2, "1.2"),
            (100, 2, "1"),
            (-5, 3, "-0.005"),
            (i64::MIN, 9, "-9223372036.854775808"),
        ] {
            assert_eq!(Shown(quantity, scale(digits)).to_string(), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn shown_quantities_read_back(quantity: i64, digits in 0u8..=9) {
            let text = Shown(quantity, scale(digits)).to_string();
            let back = Decimal::parse(&text).and_then(|decimal| decimal.quantity(scale(digits)));
            proptest::prop_assert_eq!(back, Ok(quantity));
        }
    }
}
