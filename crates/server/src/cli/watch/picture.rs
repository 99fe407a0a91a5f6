//! What is drawn of live usage.

use std::collections::HashMap;
use std::time::Duration;

use super::super::figures::grouped;
use super::super::json::Object;

/// Licenses and meters that are remembered; beyond, those that did the least are forgotten.
const REMEMBERED_MAX: usize = 10_000;
/// Rows of each list.
const ROWS: usize = 5;

/// Live usage, as far as it was told.
#[derive(Debug, Default)]
pub struct Picture {
    /// Uses since it was last drawn.
    uses: u64,
    /// Uses of each license since it was last drawn, and before.
    licenses: Top,
    meters: Top,
    /// Refusals by their code, as the server counts them, and how many of each came since it was
    /// last drawn.
    refusals: HashMap<String, (u64, u64)>,
    /// What was noticed, newest last.
    notices: Vec<String>,
    /// Meters of licenses with little left: percent, and in words.
    ahead: HashMap<String, (u64, String)>,
}

#[derive(Debug, Default)]
struct Top(HashMap<String, (u64, u64)>);

impl Picture {
    /// Takes an event.
    pub fn take(&mut self, event: &Object) {
        let text = |name: &str| event.text(name).unwrap_or_default();
        let (license, meter, kind) = (text("license"), text("meter"), text("kind"));
        let notice = matches!(
            kind.as_str(),
            "meter.threshold-crossed"
                | "meter.limit-reached"
                | "meter.overage-begun"
                | "meter.refusing"
        );
        if notice {
            self.notices.push(format!("{} {license} {meter}", kind.trim_start_matches("meter.")));
            if self.notices.len() > ROWS {
                self.notices.remove(0);
            }
            return;
        }
        if kind == "meter.refused" {
            return;
        }
        self.uses += 1;
        self.licenses.count(license.clone());
        self.meters.count(meter.clone());
        let name = format!("{license} {meter}");
        match left(event) {
            Some(percent) if percent < 10 => {
                let remaining = text("remaining");
                let words = format!("{percent:>3} % left: {remaining} of {} ", text("allowed"));
                if self.ahead.len() < REMEMBERED_MAX {
                    self.ahead.insert(name, (percent, words));
                }
            }
            _ => {
                self.ahead.remove(&name);
            }
        }
    }

    /// Takes how many refusals the server counted, from its metrics.
    pub fn refused(&mut self, metrics: Option<&str>) {
        let lines = metrics.unwrap_or_default().lines();
        for line in lines.filter_map(|line| line.strip_prefix("usance_refusals_total{code=\"")) {
            if let Some((code, count)) = line.split_once("\"} ")
                && let Ok(count) = count.parse::<u64>()
            {
                let known = self.refusals.entry(code.to_owned()).or_insert((count, 0));
                // A server that began anew counts from zero.
                known.1 = count.checked_sub(known.0).unwrap_or(count);
                known.0 = count;
            }
        }
    }

    /// A line of it, for a pipe.
    pub fn line(&mut self, every: Duration) -> String {
        let refused: u64 = self.refusals.values().map(|(_, news)| news).sum();
        let line = format!(
            "accepted {}/s refused {}/s licenses {} ahead {}",
            rate(self.uses, every),
            rate(refused, every),
            self.licenses.busy(),
            self.ahead.len(),
        );
        self.turn();
        line
    }

    /// All of it, for a terminal of so many columns and rows.
    pub fn lines(&mut self, every: Duration, width: usize, height: usize) -> Vec<String> {
        let refused: u64 = self.refusals.values().map(|(_, news)| news).sum();
        let mut lines = vec![format!(
            "accepted {}/s   refused {}/s",
            rate(self.uses, every),
            rate(refused, every)
        )];
        for (title, top) in [("licenses", &self.licenses), ("meters", &self.meters)] {
            lines.push(format!("top {title}"));
            let row = |(name, uses, news): (&String, u64, u64)| {
                format!("  {:>12}/s {:>14} {name}", rate(news, every), grouped(uses))
            };
            lines.extend(top.rows().into_iter().map(row));
        }
        let mut refusals: Vec<_> =
            self.refusals.iter().filter(|(_, (count, _))| *count > 0).collect();
        refusals.sort_unstable_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        lines.push("refusals".into());
        lines.extend(refusals.into_iter().take(ROWS).map(|(code, (count, news))| {
            format!("  {:>12}/s {:>14} {code}", rate(*news, every), grouped(*count))
        }));
        let mut ahead: Vec<_> = self.ahead.iter().collect();
        ahead.sort_unstable_by_key(|(name, (percent, _))| (*percent, *name));
        lines.push(format!("limits ahead ({})", ahead.len()));
        lines.extend(
            ahead.into_iter().take(ROWS).map(|(name, (_, words))| format!("  {words}{name}")),
        );
        lines.push("noticed".into());
        lines.extend(self.notices.iter().rev().map(|notice| format!("  {notice}")));
        self.turn();
        // What is cleared later is counted in lines: none may wrap or scroll away.
        lines.truncate(height.saturating_sub(1).max(1));
        let fit = |line: &String| {
            let plain = line.replace(char::is_control, "\u{fffd}");
            console::truncate_str(&plain, width.saturating_sub(1), "…").into_owned()
        };
        lines.iter().map(fit).collect()
    }

    fn turn(&mut self) {
        self.uses = 0;
        self.licenses.turn();
        self.meters.turn();
        for (_, news) in self.refusals.values_mut() {
            *news = 0;
        }
    }
}

impl Top {
    fn count(&mut self, name: String) {
        let counts = self.0.entry(name).or_default();
        counts.0 += 1;
        counts.1 += 1;
    }

    fn busy(&self) -> usize {
        self.0.values().filter(|(_, news)| *news > 0).count()
    }

    /// The busiest now, and then those that were.
    fn rows(&self) -> Vec<(&String, u64, u64)> {
        let mut rows: Vec<_> =
            self.0.iter().map(|(name, (uses, news))| (name, *uses, *news)).collect();
        rows.sort_unstable_by(|a, b| (b.2, b.1, a.0).cmp(&(a.2, a.1, b.0)));
        rows.truncate(ROWS);
        rows
    }

    fn turn(&mut self) {
        if self.0.len() > REMEMBERED_MAX {
            self.0.retain(|_, (_, news)| *news > 0);
        }
        for (_, news) in self.0.values_mut() {
            *news = 0;
        }
    }
}

/// How many percent of its ceiling a meter has left, if it has one.
fn left(event: &Object) -> Option<u64> {
    let units = |name: &str| nanos(&event.text(name)?);
    let (remaining, allowed) = (units("remaining")?, units("allowed")?);
    if allowed <= 0 {
        return None;
    }
    u64::try_from(remaining.max(0) * 100 / allowed).ok()
}

/// A decimal in billionths.
fn nanos(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 9 {
        return None;
    }
    format!("{whole}{fraction:0<9}").parse().ok()
}

/// So many in so long, a second, with one digit after the point.
fn rate(count: u64, every: Duration) -> String {
    let tenths = u128::from(count) * 10_000 / every.as_millis().max(1);
    format!("{}.{}", grouped(i128::try_from(tenths / 10).unwrap_or(i128::MAX)), tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(license: &str, remaining: &str) -> Object {
        Object::parse(&format!(
            r#"{{"kind":"meter.incremented","license":"{license}","meter":"frames",
                "remaining":{remaining},"allowed":100.5}}"#
        ))
        .unwrap()
    }

    #[test]
    fn it_shows_rates_tops_refusals_and_limits_ahead() {
        let mut picture = Picture::default();
        for (license, remaining) in [("lic_a", "50"), ("lic_b", "9.5"), ("lic_a", "49")] {
            picture.take(&used(license, remaining));
        }
        picture.refused(Some("usance_refusals_total{code=\"limit-reached\"} 4\n"));
        picture.refused(Some("usance_refusals_total{code=\"limit-reached\"} 10\n"));
        let notice = r#"{"kind":"meter.limit-reached","license":"lic_b","meter":"frames"}"#;
        picture.take(&Object::parse(notice).unwrap());
        let lines = picture.lines(Duration::from_secs(2), 80, 40);
        assert_eq!(
            lines.join("\n"),
            "accepted 1.5/s   refused 3.0/s
top licenses
           1.0/s              2 lic_a
           0.5/s              1 lic_b
top meters
           1.5/s              3 frames
refusals
           3.0/s             10 limit-reached
limits ahead (1)
    9 % left: 9.5 of 100.5 lic_b frames
noticed
  limit-reached lic_b frames"
        );
        let line = picture.line(Duration::from_secs(2));
        assert_eq!(line, "accepted 0.0/s refused 0.0/s licenses 0 ahead 1");
        picture.take(&used("lic_b", "60"));
        assert!(picture.line(Duration::from_secs(1)).ends_with("licenses 1 ahead 0"));
    }

    #[test]
    fn no_line_wraps_or_scrolls_away() {
        let mut picture = Picture::default();
        for number in 0..50 {
            picture.take(&used(&format!("lic_{number:032}"), "1"));
        }
        let lines = picture.lines(Duration::from_secs(1), 20, 8);
        assert_eq!(lines.len(), 7);
        assert!(lines.iter().all(|line| line.chars().count() < 20), "{lines:?}");
    }
}
