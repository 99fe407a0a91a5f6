//! What `--meter` says of a policy's meter.

use serde_json::Value;
use usance_core::limits::OVERAGE_PERCENT_MAX;
use usance_core::quantity::Scale;
use usance_core::text::is_code;

use super::body::Body;
use super::value;

/// How a meter is written, for the help.
pub const GRAMMAR: &str = "\
A meter is written NAME[:OPTION,…]; the options are
  allowed=N|unlimited        ceiling (default: unlimited)
  unit=TEXT                  what it counts, for people
  scale=0..9                 digits after the point that it counts (default: 0)
  floor=N                    lowest total (default: 0)
  overage=refuse|allow|N|N%  what may lie above the ceiling (default: refuse)
  record-refusals[=false]    write refusals to the ledger";

/// Reads a meter into the object that the API takes; what is not said is left out.
///
/// # Errors
/// If it has another form, naming the part.
pub fn parse(text: &str) -> Result<Value, String> {
    let (name, options) = text.split_once(':').unwrap_or((text, ""));
    if !is_code(name) {
        return Err(format!("{name:?} is not a name of a meter (a-z, 0-9, '.', '_', '-')"));
    }
    let mut meter = Body::default().with("name", name);
    let mut seen = Vec::new();
    for option in options.split(',').filter(|option| !option.is_empty()) {
        let (key, stated) = match option.split_once('=') {
            Some((key, stated)) => (key, Some(stated)),
            None => (option, None),
        };
        if seen.contains(&key) {
            return Err(format!("{key} is given twice"));
        }
        seen.push(key);
        let (member, read) = read_option(key, stated)?;
        meter = meter.with(member, read);
    }
    Ok(meter.into())
}

fn read_option(key: &str, stated: Option<&str>) -> Result<(&'static str, Value), String> {
    if key == "record-refusals" {
        return match stated {
            None | Some("true") => Ok(("record_refusals", true.into())),
            Some("false") => Ok(("record_refusals", false.into())),
            Some(_) => Err("record-refusals is true or false".into()),
        };
    }
    let known = ["allowed", "unit", "scale", "floor", "overage"];
    if !known.contains(&key) {
        return Err(format!(
            "there is no option {key:?}; there are {}, record-refusals",
            known.join(", ")
        ));
    }
    let stated = stated
        .filter(|stated| !stated.is_empty())
        .ok_or_else(|| format!("{key} needs a value: {key}=…"))?;
    let quantity = |text| value::amount(text).map_err(|why| format!("{key}={text} {why}"));
    match key {
        "allowed" if stated == "unlimited" => Ok(("allowed", Value::Null)),
        "allowed" => Ok(("allowed", quantity(stated)?.into())),
        "floor" => Ok(("floor", quantity(stated)?.into())),
        "unit" => Ok(("unit", stated.into())),
        "scale" => stated
            .parse::<u8>()
            .ok()
            .filter(|digits| Scale::new(*digits).is_some())
            .map(|digits| ("scale", digits.into()))
            .ok_or_else(|| format!("scale={stated} is not between 0 and 9")),
        _ => read_overage(stated).map(|overage| ("overage", overage)),
    }
}

fn read_overage(stated: &str) -> Result<Value, String> {
    if stated == "refuse" || stated == "allow" {
        return Ok(stated.into());
    }
    if let Some(percent) = stated.strip_suffix('%') {
        return percent
            .parse::<u32>()
            .ok()
            .filter(|percent| *percent <= OVERAGE_PERCENT_MAX)
            .map(|percent| Body::default().with("percent", percent).into())
            .ok_or_else(|| {
                format!("overage={stated} is not a whole percentage up to {OVERAGE_PERCENT_MAX}%")
            });
    }
    let amount = value::amount(stated)
        .map_err(|why| format!("overage={stated} {why}, nor refuse, allow or a percentage"))?;
    Ok(Body::default().with("amount", amount).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn meters_are_read_whole() {
        for (text, expected) in [
            ("frames", r#"{"name":"frames"}"#),
            ("frames:", r#"{"name":"frames"}"#),
            (
                "frames:allowed=1000,unit=frame,scale=0,floor=0,overage=10%,record-refusals",
                r#"{"allowed":"1000","floor":"0","name":"frames","overage":{"percent":10},
                    "record_refusals":true,"scale":0,"unit":"frame"}"#,
            ),
            ("h:allowed=unlimited", r#"{"allowed":null,"name":"h"}"#),
            ("h:scale=2,allowed=0.25", r#"{"allowed":"0.25","name":"h","scale":2}"#),
            ("h:overage=allow", r#"{"name":"h","overage":"allow"}"#),
            ("h:overage=2.5", r#"{"name":"h","overage":{"amount":"2.5"}}"#),
            ("h:floor=-5", r#"{"floor":"-5","name":"h"}"#),
            ("h:unit=core hour", r#"{"name":"h","unit":"core hour"}"#),
            ("h:record-refusals=false", r#"{"name":"h","record_refusals":false}"#),
        ] {
            let expected: Value = serde_json::from_str(expected).unwrap();
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("", "\"\" is not a name"),
            ("Frames", "\"Frames\" is not a name"),
            ("f:limit=5", "no option \"limit\""),
            ("f:allowed", "allowed needs a value"),
            ("f:allowed=", "allowed needs a value"),
            ("f:allowed=many", "allowed=many is not"),
            ("f:allowed=1,allowed=2", "allowed is given twice"),
            ("f:scale=10", "scale=10"),
            ("f:overage=-5%", "overage=-5%"),
            ("f:overage=10001%", "overage=10001%"),
            ("f:overage=some", "overage=some"),
            ("f:record-refusals=yes", "record-refusals is true or false"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
