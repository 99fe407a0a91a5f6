//! What `--meter` says of a policy's meter.

use serde_json::Value;
use usance_core::limits::OVERAGE_PERCENT_MAX;
use usance_core::meter::Measure;
use usance_core::period::Every;
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
  record-refusals[=false]    write refusals to the ledger
  period=PERIOD              when it begins anew: never, hour, day, week, month, quarter, year,
                             billing (default: never)
  rollover=none|all|N        what of the rest goes over into the next period (default: none)
  floating[=false]           what an activation used comes back when it ends
  visible=none|WHO+WHO       who sees it: activation, user, organization, reseller (default: all)
  thresholds=none|N+N        percentages of the ceiling whose crossing is told (default: none)
  stated-by-license[=false]  every license brings a ceiling of its own
  hold-max=LENGTH            how long a hold lasts at most: 90s, 15m, 12h, 30d (default: 1d)
  grace=LENGTH               how long a session lives in silence (default: 10m)
  measure=WHAT               uses, seats, peak, day-pass or duration (default: uses)
and of measure=duration
  unit-time=LENGTH           the time that one unit is (default: 1s)
  minimum=LENGTH, free=LENGTH, step=LENGTH, idle=LENGTH|none
                             least time, free time at the beginning, rounding up, and how much of
                             a silence is counted at most (default: 0, 0, 1s, none: all of it)";

/// Options that are yes or no, and their members.
const FLAGS: &[(&str, &str)] = &[
    ("record-refusals", "record_refusals"),
    ("floating", "floating"),
    ("stated-by-license", "stated_by_license"),
];

/// Options of a duration, and their members.
const TIMING: &[(&str, &str)] = &[
    ("unit-time", "unit_seconds"),
    ("minimum", "minimum_seconds"),
    ("free", "free_seconds"),
    ("step", "step_seconds"),
    ("idle", "idle_seconds"),
];

/// Every other option that has a value.
const VALUED: &[&str] = &[
    "allowed",
    "unit",
    "scale",
    "floor",
    "overage",
    "period",
    "rollover",
    "visible",
    "hold-max",
    "grace",
    "measure",
    "thresholds",
];

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
    let mut timing: Option<Body> = None;
    let mut measure = None;
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
        if let Some((_, member)) = TIMING.iter().find(|(name, _)| *name == key) {
            let length = read_length(key, needed(key, stated)?)?;
            timing = Some(timing.unwrap_or_default().with(member, length));
            continue;
        }
        if key == "measure" {
            measure = Some(needed(key, stated)?);
            continue;
        }
        let (member, read) = read_option(key, stated)?;
        meter = meter.with(member, read);
    }
    Ok(meter.maybe("measure", read_measure(measure, timing)?).into())
}

fn needed<'a>(key: &str, stated: Option<&'a str>) -> Result<&'a str, String> {
    stated
        .filter(|stated| !stated.is_empty())
        .ok_or_else(|| format!("{key} needs a value: {key}=…"))
}

fn read_measure(stated: Option<&str>, timing: Option<Body>) -> Result<Option<Value>, String> {
    match (stated, timing) {
        (None, None) => Ok(None),
        (Some("duration"), timing) => {
            let all = timing.unwrap_or_default();
            Ok(Some(Body::default().with("duration", all).into()))
        }
        (_, Some(_)) => {
            Err("unit-time, minimum, free, step and idle go with measure=duration".into())
        }
        (Some(word), None) if Measure::WORDS.contains(&word) => Ok(Some(word.into())),
        (Some(word), None) => {
            Err(format!("measure={word} is none of {}", Measure::WORDS.join(", ")))
        }
    }
}

fn read_length(key: &str, stated: &str) -> Result<Value, String> {
    let read = if key == "idle" { value::length_or_none } else { value::length };
    read(stated).map_err(|why| format!("{key}={stated} {why}"))
}

fn read_option(key: &str, stated: Option<&str>) -> Result<(&'static str, Value), String> {
    if let Some((_, member)) = FLAGS.iter().find(|(name, _)| *name == key) {
        return match stated {
            None | Some("true") => Ok((member, true.into())),
            Some("false") => Ok((member, false.into())),
            Some(_) => Err(format!("{key} is true or false")),
        };
    }
    if !VALUED.contains(&key) {
        let names = |pairs: &[(&'static str, &str)]| -> Vec<&str> {
            pairs.iter().map(|(name, _)| *name).collect()
        };
        let known = [VALUED, &names(FLAGS), &names(TIMING)].concat();
        return Err(format!("there is no option {key:?}; there are {}", known.join(", ")));
    }
    let stated = needed(key, stated)?;
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
        "period" if is_period(stated) => Ok(("period", stated.into())),
        "period" => Err(format!("period={stated} is no period like month, never or billing")),
        "rollover" if stated == "none" || stated == "all" => Ok(("rollover", stated.into())),
        "rollover" => Ok(("rollover", Body::default().with("up_to", quantity(stated)?).into())),
        "visible" => value::audiences(stated, '+').map(|read| ("visible_to", read)),
        "hold-max" => read_length(key, stated).map(|read| ("hold_seconds_max", read)),
        "thresholds" => read_thresholds(stated).map(|read| ("thresholds", read)),
        "grace" => read_length(key, stated).map(|read| ("session_grace_seconds", read)),
        _ => read_overage(stated).map(|overage| ("overage", overage)),
    }
}

/// Percentages, or none of them.
fn read_thresholds(stated: &str) -> Result<Value, String> {
    if stated == "none" {
        return Ok(Value::Array(Vec::new()));
    }
    let percents: Result<Vec<u32>, _> =
        stated.split('+').map(|text| text.trim_end_matches('%').parse()).collect();
    percents
        .map(Value::from)
        .map_err(|_| format!("thresholds={stated} is no list of percentages like 50+80+100"))
}

fn is_period(word: &str) -> bool {
    matches!(word, "never" | "billing") || Every::from_word(word).is_some()
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
            (
                "f:period=month,rollover=200,floating,visible=user+organization,grace=5m",
                r#"{"floating":true,"name":"f","period":"month","rollover":{"up_to":"200"},
                    "session_grace_seconds":300,"visible_to":["user","organization"]}"#,
            ),
            (
                "s:measure=seats,hold-max=2h",
                r#"{"hold_seconds_max":7200,"measure":"seats","name":"s"}"#,
            ),
            ("h:thresholds=50+80%+100", r#"{"name":"h","thresholds":[50,80,100]}"#),
            ("h:thresholds=none", r#"{"name":"h","thresholds":[]}"#),
            ("h:measure=duration", r#"{"measure":{"duration":{}},"name":"h"}"#),
            (
                "h:measure=duration,unit-time=1h,minimum=60,free=15m,idle=none",
                r#"{"measure":{"duration":{"free_seconds":900,"idle_seconds":null,
                    "minimum_seconds":60,"unit_seconds":3600}},"name":"h"}"#,
            ),
            (
                "f:visible=none,stated-by-license",
                r#"{"name":"f","stated_by_license":true,"visible_to":[]}"#,
            ),
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
            ("f:period=fortnight", "period=fortnight is no period"),
            ("f:rollover=some", "rollover=some is not"),
            ("f:visible=everybody", "no audience"),
            ("f:measure=length", "measure=length is none of"),
            ("f:step=60", "go with measure=duration"),
            ("f:measure=duration,step=soon", "step=soon is not a length"),
            ("f:record-refusals=yes", "record-refusals is true or false"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
