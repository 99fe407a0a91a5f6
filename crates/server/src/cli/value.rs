//! Values of options, read once at the edge.

use jiff::Timestamp;
use jiff::civil::Date;
use usance_core::quantity::{Decimal, DecimalError};

/// A decimal as it was written: checked here, counted by the server.
///
/// # Errors
/// If it is none.
pub fn amount(text: &str) -> Result<String, String> {
    match Decimal::parse(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(DecimalError::OutOfRange) => Err("does not fit 64 bits".into()),
        Err(_) => Err("is not a plain decimal number like 5 or 0.25".into()),
    }
}

/// A ceiling: a decimal, or `unlimited`.
///
/// # Errors
/// If it is neither.
pub fn ceiling(text: &str) -> Result<String, String> {
    match text {
        "unlimited" => Ok(text.to_owned()),
        _ => amount(text).map_err(|why| format!("{why}, nor `unlimited`")),
    }
}

/// A length of time in seconds: `90s`, `15m`, `12h`, `30d`; zero stands for `never`.
///
/// # Errors
/// If it is none.
pub fn duration_seconds(text: &str) -> Result<u64, String> {
    if text == "never" {
        return Ok(0);
    }
    let wrong = || "is not a length like 90s, 15m, 12h or 30d, nor `never`".to_owned();
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return Err(wrong()),
    };
    let count: u64 =
        text.strip_suffix(unit).and_then(|count| count.parse().ok()).ok_or_else(wrong)?;
    count.checked_mul(seconds).filter(|seconds| *seconds > 0).ok_or_else(wrong)
}

/// An instant as the API takes it: RFC 3339, or a date, which is its midnight in UTC.
///
/// # Errors
/// If it is neither.
pub fn instant(text: &str) -> Result<String, String> {
    if text.parse::<Timestamp>().is_ok() {
        return Ok(text.to_owned());
    }
    match text.parse::<Date>() {
        Ok(date) if text.len() == "2027-01-01".len() => Ok(format!("{date}T00:00:00Z")),
        _ => Err("is not a time like 2027-01-01T00:00:00Z, nor a date like 2027-01-01".into()),
    }
}

/// An instant, or `none`.
///
/// # Errors
/// If it is neither.
pub fn instant_or_none(text: &str) -> Result<String, String> {
    match text {
        "none" => Ok(text.to_owned()),
        _ => instant(text).map_err(|why| format!("{why}, nor `none`")),
    }
}

/// `name=value`.
///
/// # Errors
/// If there is no name or no `=`.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is not of the form name=value".into()),
    }
}

/// `meter=ceiling`.
///
/// # Errors
/// If it has another form.
pub fn meter_ceiling(text: &str) -> Result<(String, String), String> {
    let (name, value) = pair(text)?;
    Ok((name, ceiling(&value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_have_units() {
        for (text, expected) in [
            ("90s", Some(90)),
            ("15m", Some(900)),
            ("12h", Some(43_200)),
            ("30d", Some(2_592_000)),
            ("never", Some(0)),
            ("0d", None),
            ("30", None),
            ("d", None),
            ("-1d", None),
            ("", None),
            ("5é", None),
            ("999999999999999999d", None),
        ] {
            assert_eq!(duration_seconds(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn instants_are_exact_or_midnight() {
        for (text, expected) in [
            ("2027-01-01T00:00:00Z", Some("2027-01-01T00:00:00Z")),
            ("2027-01-01T02:00:00.5+02:00", Some("2027-01-01T02:00:00.5+02:00")),
            ("2027-01-01", Some("2027-01-01T00:00:00Z")),
            ("2027-13-01", None),
            ("2027-01-01T00:00:00", None),
            ("tomorrow", None),
            ("none", None),
        ] {
            assert_eq!(instant(text).ok().as_deref(), expected, "{text}");
        }
        assert_eq!(instant_or_none("none").as_deref(), Ok("none"));
    }

    #[test]
    fn amounts_are_plain_decimals() {
        for (text, fits) in [("5", true), ("0.25", true), ("-3", true), ("1e3", false), ("", false)]
        {
            assert_eq!(amount(text).is_ok(), fits, "{text}");
        }
        assert!(ceiling("unlimited").is_ok() && ceiling("none").is_err());
        assert_eq!(meter_ceiling("frames=5"), Ok(("frames".into(), "5".into())));
        assert!(meter_ceiling("frames").is_err() && meter_ceiling("=5").is_err());
    }
}
