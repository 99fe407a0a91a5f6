//! Values of options, read once at the edge.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use usance_core::audience::Audience;
use usance_core::quantity::{Decimal, DecimalError};

use super::body::Body;

/// Text as it is.
///
/// # Errors
/// None.
pub fn text(text: &str) -> Result<Value, String> {
    Ok(text.into())
}

/// Text, where `none` takes away what is there.
///
/// # Errors
/// None.
pub fn text_or_none(text: &str) -> Result<Value, String> {
    Ok(match text {
        "none" => Value::Null,
        text => text.into(),
    })
}

/// An amount, for a body.
///
/// # Errors
/// As [`amount`].
pub fn units(text: &str) -> Result<Value, String> {
    amount(text).map(Value::from)
}

/// A whole number.
///
/// # Errors
/// If it is none.
pub fn whole(text: &str) -> Result<Value, String> {
    text.parse::<u64>().map(Value::from).map_err(|_| "is not a whole number".into())
}

/// A whole number, or `none`.
///
/// # Errors
/// If it is neither.
pub fn whole_or_none(text: &str) -> Result<Value, String> {
    match text {
        "none" => Ok(Value::Null),
        _ => whole(text).map_err(|why| format!("{why}, nor `none`")),
    }
}

/// A length of time in seconds: `90s`, `15m`, `12h` or `30d`, or a plain number of seconds.
///
/// # Errors
/// If it is neither.
pub fn length(text: &str) -> Result<Value, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(seconds.into());
    }
    match duration_seconds(text) {
        Ok(seconds) if seconds > 0 => Ok(seconds.into()),
        _ => Err("is not a length like 90s, 15m, 12h or 30d, nor a number of seconds".into()),
    }
}

/// A length of time, or `none`.
///
/// # Errors
/// If it is neither.
pub fn length_or_none(text: &str) -> Result<Value, String> {
    match text {
        "none" => Ok(Value::Null),
        _ => length(text).map_err(|why| format!("{why}, nor `none`")),
    }
}

/// An instant, for a body.
///
/// # Errors
/// As [`instant`].
pub fn time(text: &str) -> Result<Value, String> {
    instant(text).map(Value::from)
}

/// An instant or `none`, for a body.
///
/// # Errors
/// As [`instant_or_none`].
pub fn time_or_none(text: &str) -> Result<Value, String> {
    text_or_none(&instant_or_none(text)?)
}

/// `name=value` as a member; what is JSON is taken as such, anything else as text.
///
/// # Errors
/// If there is no name or no `=`.
pub fn entry(text: &str) -> Result<Value, String> {
    let (name, value) = pair(text)?;
    let value = serde_json::from_str(&value).unwrap_or(Value::String(value));
    Ok(Body::default().with(&name, value).into())
}

/// `name=text` as a member.
///
/// # Errors
/// If there is no name or no `=`.
pub fn text_entry(text: &str) -> Result<Value, String> {
    let (name, value) = pair(text)?;
    Ok(Body::default().with(&name, value).into())
}

/// `name=audience,audience` as a member.
///
/// # Errors
/// If it has another form, or an audience is none.
pub fn visible_entry(text: &str) -> Result<Value, String> {
    let (name, stated) = pair(text)?;
    Ok(Body::default().with(&name, audiences(&stated, ',')?).into())
}

/// Words of audiences.
///
/// # Errors
/// If one is none, naming it.
pub fn audiences(stated: &str, between: char) -> Result<Value, String> {
    let words: Vec<&str> = match stated {
        "none" => Vec::new(),
        stated => stated.split(between).collect(),
    };
    if let Some(word) = words.iter().find(|word| Audience::from_word(word).is_none()) {
        return Err(format!(
            "{word:?} is no audience; there are {}, or none",
            Audience::WORDS.join(", ")
        ));
    }
    Ok(words.into())
}

/// `meter=ceiling` as a member.
///
/// # Errors
/// As [`meter_ceiling`].
pub fn ceiling_entry(text: &str) -> Result<Value, String> {
    let (name, ceiling) = meter_ceiling(text)?;
    let allowed = Body::default().with("allowed", ceiling_value(&ceiling));
    Ok(Body::default().with(&name, allowed).into())
}

/// A ceiling as the API takes it.
#[must_use]
pub fn ceiling_value(ceiling: &str) -> Value {
    match ceiling {
        "unlimited" => Value::Null,
        amount => amount.into(),
    }
}

/// An amount, `unlimited`, or `policy` for what the policy allows.
///
/// # Errors
/// If it is none of them.
pub fn allowance(text: &str) -> Result<Value, String> {
    match text {
        "policy" => Ok(text.into()),
        _ => ceiling(text)
            .map(|stated| ceiling_value(&stated))
            .map_err(|why| format!("{why}, nor `policy`")),
    }
}

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
    fn entries_are_members_of_any_kind() {
        for (text, expected) in [
            ("tier=gold", r#"{"tier":"gold"}"#),
            ("seats=5", r#"{"seats":5}"#),
            (r#"tags=["a"]"#, r#"{"tags":["a"]}"#),
            ("a=b=c", r#"{"a":"b=c"}"#),
        ] {
            assert_eq!(entry(text).unwrap().to_string(), expected);
        }
        assert_eq!(visible_entry("tier=user").unwrap().to_string(), r#"{"tier":["user"]}"#);
        assert!(visible_entry("tier=everybody").unwrap_err().contains("no audience"));
        assert!(entry("tier").is_err());
        assert_eq!(length("30d"), Ok(2_592_000.into()));
        assert_eq!(length("45"), Ok(45.into()));
        assert!(length("never").is_err() && length_or_none("none") == Ok(Value::Null));
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
        assert_eq!(
            ceiling_entry("frames=unlimited").unwrap().to_string(),
            r#"{"frames":{"allowed":null}}"#
        );
        assert!(allowance("policy").is_ok() && allowance("some").is_err());
        assert!(meter_ceiling("frames").is_err() && meter_ceiling("=5").is_err());
    }
}
