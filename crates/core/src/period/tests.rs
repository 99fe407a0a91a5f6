use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;

use super::civil::DAY_MS;
use super::span::{Span, SpanUnit};
use super::*;

const MIN: Timestamp = Timestamp(CALENDAR_MS_MIN);

fn zone(name: &str) -> Zone {
    Zone::parse("zone", name).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
}

fn time_zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

/// The instant as the zone's clocks show it.
fn shown(at: Timestamp, name: &str) -> String {
    let instant = jiff::Timestamp::from_millisecond(at.0).unwrap();
    let text = instant.display_with_offset(time_zone(name).to_offset(instant)).to_string();
    text.replacen(":00+", "+", 1).replacen(":00-", "-", 1)
}

fn cycle(every: Every, anchor: &str, name: &str) -> Cycle {
    let anchor = if anchor.is_empty() { Anchor::Calendar } else { Anchor::At(at(anchor)) };
    Cycle { every, anchor, zone: zone(name) }
}

/// Rows of: anchor (none is the calendar), instant, and the period that holds it.
fn check(every: Every, name: &str, rows: &[(&str, &str, &str, &str)]) {
    for (anchor, instant, from, to) in rows {
        let period = cycle(every, anchor, name).period_at(at(instant));
        let row = (shown(period.from, name), shown(period.to, name));
        let expected = (from.to_string(), to.to_string());
        assert_eq!(row, expected, "{every:?} of {name} from {anchor:?} at {instant}");
    }
}

#[test]
fn words_read_back() {
    for every in Every::ALL {
        assert_eq!(Every::from_word(every.word()), Some(every));
    }
    for unit in SpanUnit::ALL {
        assert_eq!(SpanUnit::from_word(unit.word()), Some(unit));
    }
    assert_eq!(Every::from_word("Day"), None);
    assert_eq!(Every::from_word("days"), None);
}

#[test]
fn zones_are_those_of_the_database() {
    for (text, expected) in [
        ("Europe/Berlin", Some("Europe/Berlin")),
        ("europe/BERLIN", Some("Europe/Berlin")),
        ("US/Eastern", Some("US/Eastern")),
        ("utc", Some("UTC")),
        ("Etc/UTC", Some("Etc/UTC")),
        ("", None),
        ("Etc/Unknown", None),
        ("Europe/Bonn", None),
        ("Europe/Berlin ", None),
        ("../../etc/passwd", None),
        ("+02:00", None),
        ("CET-1CEST", None),
    ] {
        let zone = Zone::parse("zone", text);
        assert_eq!(zone.as_ref().ok().map(Zone::as_str), expected, "{text}");
    }
    assert_eq!(Zone::parse("zone", &"a".repeat(65)).unwrap_err().code(), "invalid");
    assert_eq!(Zone::default(), zone("UTC"));
    assert_ne!(zone("Europe/Berlin"), zone("Europe/Vienna"));
    assert_eq!(zone("asia/tokyo").to_string(), "Asia/Tokyo");
}

#[test]
fn every_name_of_the_database_is_a_zone() {
    let names: Vec<_> =
        TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
    assert!(names.len() > 500, "{}", names.len());
    for name in names {
        assert_eq!(Zone::parse("zone", &name.to_ascii_uppercase()).unwrap().as_str(), name);
    }
}

#[test]
fn days_follow_the_wall() {
    let day = "";
    check(
        Every::Day,
        "Europe/Berlin",
        &[
            (day, "2026-03-28T12:00+01:00", "2026-03-28T00:00+01:00", "2026-03-29T00:00+01:00"),
            (day, "2026-03-29T12:00+02:00", "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00"),
            (day, "2026-10-25T12:00+01:00", "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00"),
            // In the gap and in the fold.
            (
                "2026-01-01T02:30+01:00",
                "2026-03-29T03:00+02:00",
                "2026-03-29T03:00+02:00",
                "2026-03-30T02:30+02:00",
            ),
            (
                "2026-01-01T02:30+01:00",
                "2026-10-25T02:15+01:00",
                "2026-10-25T02:30+02:00",
                "2026-10-26T02:30+01:00",
            ),
            // An anchor that is the later of the two begins with the earlier.
            (
                "2026-10-25T02:30+01:00",
                "2026-10-25T02:30+01:00",
                "2026-10-25T02:30+02:00",
                "2026-10-26T02:30+01:00",
            ),
        ],
    );
    check(
        Every::Day,
        "America/New_York",
        &[
            (day, "2026-03-08T12:00-04:00", "2026-03-08T00:00-05:00", "2026-03-09T00:00-04:00"),
            (day, "2026-11-01T12:00-05:00", "2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00"),
        ],
    );
    check(
        Every::Day,
        "Australia/Lord_Howe",
        &[
            (day, "2026-04-05T12:00+10:30", "2026-04-05T00:00+11:00", "2026-04-06T00:00+10:30"),
            (
                "2026-01-01T02:15+11:00",
                "2026-10-04T12:00+11:00",
                "2026-10-04T02:30+11:00",
                "2026-10-05T02:15+11:00",
            ),
            (
                "2026-01-01T01:45+11:00",
                "2026-04-05T01:35+10:30",
                "2026-04-05T01:45+11:00",
                "2026-04-06T01:45+10:30",
            ),
        ],
    );
    // Midnight in the gap, and midnight twice.
    check(
        Every::Day,
        "America/Sao_Paulo",
        &[
            (day, "2018-11-04T12:00-02:00", "2018-11-04T01:00-02:00", "2018-11-05T00:00-02:00"),
            (day, "2018-02-17T23:30-03:00", "2018-02-17T00:00-02:00", "2018-02-18T00:00-03:00"),
        ],
    );
    check(
        Every::Day,
        "America/Havana",
        &[
            (day, "2020-11-01T00:30-05:00", "2020-11-01T00:00-04:00", "2020-11-02T00:00-05:00"),
            (day, "2020-10-31T23:59-04:00", "2020-10-31T00:00-04:00", "2020-11-01T00:00-04:00"),
        ],
    );
}

#[test]
fn a_day_that_was_skipped_is_no_period() {
    let (name, noon) = ("Pacific/Apia", "2011-12-01T12:00-10:00");
    check(
        Every::Day,
        name,
        &[
            ("", "2011-12-29T12:00-10:00", "2011-12-29T00:00-10:00", "2011-12-31T00:00+14:00"),
            ("", "2011-12-31T00:00+14:00", "2011-12-31T00:00+14:00", "2012-01-01T00:00+14:00"),
            (noon, "2011-12-29T13:00-10:00", "2011-12-29T12:00-10:00", "2011-12-31T00:00+14:00"),
            (noon, "2011-12-31T01:00+14:00", "2011-12-31T00:00+14:00", "2011-12-31T12:00+14:00"),
        ],
    );
    let month = "2011-10-30T08:00-10:00";
    check(
        Every::Month,
        name,
        &[
            (month, "2011-12-15T08:00-10:00", "2011-11-30T08:00-10:00", "2011-12-31T00:00+14:00"),
            (month, "2012-01-15T08:00+14:00", "2011-12-31T00:00+14:00", "2012-01-30T08:00+14:00"),
        ],
    );
    let between =
        |from: &str, to: &str| cycle(Every::Day, "", name).periods_between(at(from), at(to));
    assert_eq!(between("2011-12-29T23:59-10:00", "2011-12-31T00:00+14:00"), 1);
    assert_eq!(between("2011-12-01T00:00-10:00", "2012-01-01T00:00+14:00"), 30);
    // Kwajalein had a day of 47 hours in 1969 and skipped one in 1993.
    let kwajalein = cycle(Every::Day, "", "Pacific/Kwajalein");
    let (from, to) = (at("1969-01-01T00:00+11:00"), at("1994-01-01T00:00+12:00"));
    assert_eq!(kwajalein.periods_between(from, to), 9131 - 1);
}

#[test]
fn weeks_begin_on_monday_or_where_anchored() {
    let sunday = "2026-11-22T09:00+01:00";
    check(
        Every::Week,
        "Europe/Berlin",
        &[
            ("", "2026-11-22T23:59+01:00", "2026-11-16T00:00+01:00", "2026-11-23T00:00+01:00"),
            ("", "2026-11-23T00:00+01:00", "2026-11-23T00:00+01:00", "2026-11-30T00:00+01:00"),
            ("", "2026-03-27T00:00+01:00", "2026-03-23T00:00+01:00", "2026-03-30T00:00+02:00"),
            ("", "1969-12-31T00:00+01:00", "1969-12-29T00:00+01:00", "1970-01-05T00:00+01:00"),
            (sunday, "2026-11-22T08:59+01:00", "2026-11-15T09:00+01:00", sunday),
            (sunday, sunday, sunday, "2026-11-29T09:00+01:00"),
        ],
    );
}

#[test]
fn months_follow_the_wall() {
    check(
        Every::Month,
        "Africa/Casablanca",
        &[
            // Clocks go back for Ramadan.
            ("", "2026-02-20T12:00+00:00", "2026-02-01T00:00+01:00", "2026-03-01T00:00+00:00"),
            ("", "2026-03-31T12:00+01:00", "2026-03-01T00:00+00:00", "2026-04-01T00:00+01:00"),
        ],
    );
    let after_sunset = "2026-01-22T02:15+01:00";
    check(
        Every::Month,
        "Africa/Casablanca",
        &[(
            after_sunset,
            "2026-03-23T00:00+01:00",
            "2026-03-22T03:00+01:00",
            "2026-04-22T02:15+01:00",
        )],
    );
    check(
        Every::Month,
        "America/New_York",
        &[
            ("", "2026-03-08T12:00-04:00", "2026-03-01T00:00-05:00", "2026-04-01T00:00-04:00"),
            ("", "2026-12-31T23:59-05:00", "2026-12-01T00:00-05:00", "2027-01-01T00:00-05:00"),
        ],
    );
    // The calendar of the zone, not of UTC.
    check(
        Every::Month,
        "Asia/Tokyo",
        &[
            ("", "2026-01-31T15:00:00Z", "2026-02-01T00:00+09:00", "2026-03-01T00:00+09:00"),
            ("", "2026-01-31T14:59:59Z", "2026-01-01T00:00+09:00", "2026-02-01T00:00+09:00"),
        ],
    );
}

#[test]
fn the_end_of_a_month_does_not_drift() {
    let utc = |rows: &[(&str, &str, &str, &str)], every| {
        for (anchor, instant, from, to) in rows {
            let full = |day: &str| [day, "T10:00:00Z"].concat();
            let period = cycle(every, &full(anchor), "UTC").period_at(at(&full(instant)));
            let expected = Period { from: at(&full(from)), to: at(&full(to)) };
            assert_eq!(period, expected, "{every:?} from {anchor} at {instant}");
        }
    };
    utc(
        &[
            ("2027-01-31", "2027-02-15", "2027-01-31", "2027-02-28"),
            ("2027-01-31", "2027-02-28", "2027-02-28", "2027-03-31"),
            ("2027-01-31", "2027-04-15", "2027-03-31", "2027-04-30"),
            ("2027-01-31", "2028-02-10", "2028-01-31", "2028-02-29"),
            ("2027-01-31", "2026-12-15", "2026-11-30", "2026-12-31"),
            ("2027-01-31", "2026-03-01", "2026-02-28", "2026-03-31"),
            ("2027-01-30", "2027-03-01", "2027-02-28", "2027-03-30"),
            ("2027-01-29", "2028-03-01", "2028-02-29", "2028-03-29"),
            ("2027-02-28", "2027-03-30", "2027-03-28", "2027-04-28"),
        ],
        Every::Month,
    );
    utc(
        &[
            ("2026-11-30", "2027-02-27", "2026-11-30", "2027-02-28"),
            ("2026-11-30", "2027-03-01", "2027-02-28", "2027-05-30"),
            ("2026-11-30", "2026-08-30", "2026-08-30", "2026-11-30"),
        ],
        Every::Quarter,
    );
    utc(
        &[
            ("2024-02-29", "2025-06-01", "2025-02-28", "2026-02-28"),
            ("2024-02-29", "2027-03-01", "2027-02-28", "2028-02-29"),
            ("2024-02-29", "2023-03-01", "2023-02-28", "2024-02-29"),
            ("2024-02-29", "2100-03-01", "2100-02-28", "2101-02-28"),
            ("2024-02-29", "2400-03-01", "2400-02-29", "2401-02-28"),
            ("2024-02-29", "1904-02-29", "1904-02-29", "1905-02-28"),
        ],
        Every::Year,
    );
}

#[test]
fn every_day_of_the_calendar_has_its_month() {
    let mut date = jiff::civil::date(1599, 1, 1);
    let mut wall_ms = at("1599-01-01T00:00:00Z").0;
    while date.year() < 2405 {
        let (year, month) = (i64::from(date.year()), i64::from(date.month()));
        assert_eq!(civil::month(wall_ms), year * 12 + month - 1, "{date}");
        assert_eq!(civil::plus_months(wall_ms, 0), wall_ms, "{date}");
        (date, wall_ms) = (date.tomorrow().unwrap(), wall_ms + DAY_MS);
    }
}

#[test]
fn a_span_of_nothing_stays_in_the_fold() {
    let later = at("2026-10-25T02:30+01:00");
    let nothing = Span { unit: SpanUnit::Day, count: 0 };
    assert_eq!(nothing.after(later, &zone("Europe/Berlin")), later);
}

#[test]
fn quarters_and_years_of_the_calendar() {
    check(
        Every::Quarter,
        "Europe/Berlin",
        &[
            ("", "2026-05-01T00:00+02:00", "2026-04-01T00:00+02:00", "2026-07-01T00:00+02:00"),
            ("", "2026-12-31T00:00+01:00", "2026-10-01T00:00+02:00", "2027-01-01T00:00+01:00"),
            ("", "1969-12-31T00:00+01:00", "1969-10-01T00:00+01:00", "1970-01-01T00:00+01:00"),
        ],
    );
    check(
        Every::Year,
        "Australia/Lord_Howe",
        &[("", "2026-06-01T00:00+10:30", "2026-01-01T00:00+11:00", "2027-01-01T00:00+11:00")],
    );
}

#[test]
fn hours_are_those_that_pass() {
    let lord_howe = "Australia/Lord_Howe";
    check(
        Every::Hour,
        "Europe/Berlin",
        &[
            ("", "2026-10-25T02:30+02:00", "2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"),
            ("", "2026-10-25T02:30+01:00", "2026-10-25T02:00+01:00", "2026-10-25T03:00+01:00"),
            ("", "2026-03-29T01:30+01:00", "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"),
        ],
    );
    check(
        Every::Hour,
        "Asia/Kolkata",
        &[("", "2026-01-01T10:10+05:30", "2026-01-01T10:00+05:30", "2026-01-01T11:00+05:30")],
    );
    check(
        Every::Hour,
        "Asia/Kathmandu",
        &[("", "2026-01-01T10:10+05:45", "2026-01-01T10:00+05:45", "2026-01-01T11:00+05:45")],
    );
    check(
        Every::Hour,
        "America/St_Johns",
        &[("", "2026-01-01T10:10-03:30", "2026-01-01T10:00-03:30", "2026-01-01T11:00-03:30")],
    );
    // Full hours in winter, and therefore not in summer.
    check(
        Every::Hour,
        lord_howe,
        &[
            ("", "2026-07-01T10:10+10:30", "2026-07-01T10:00+10:30", "2026-07-01T11:00+10:30"),
            ("", "2026-01-01T10:10+11:00", "2026-01-01T09:30+11:00", "2026-01-01T10:30+11:00"),
            (
                "2026-07-01T10:07+10:30",
                "2026-07-01T10:06+10:30",
                "2026-07-01T09:07+10:30",
                "2026-07-01T10:07+10:30",
            ),
        ],
    );
}

#[test]
fn the_ends_of_the_calendar_hold() {
    for name in ["UTC", "Europe/Berlin", "Pacific/Apia", "Pacific/Kiritimati", "Etc/GMT+12"] {
        for (every, anchor) in Every::ALL.into_iter().flat_map(|every| {
            let anchors = [0, 1, MIN.0, i64::MIN, i64::MAX, Timestamp::MAX.0, -62_135_596_800_001];
            let at = anchors.map(|ms| (every, Anchor::At(Timestamp(ms))));
            at.into_iter().chain([(every, Anchor::Calendar)])
        }) {
            let cycle = Cycle { every, anchor, zone: zone(name) };
            let first = cycle.period_at(Timestamp(i64::MIN));
            assert_eq!((first.from, first), (MIN, cycle.period_at(MIN)));
            let last = cycle.period_at(Timestamp(i64::MAX));
            assert_eq!(last.to, Timestamp::MAX);
            assert_eq!(last, cycle.period_at(Timestamp::MAX));
            assert_eq!(last, cycle.period_at(Timestamp(Timestamp::MAX.0 - 1)));
            let all = cycle.periods_between(Timestamp(i64::MIN), Timestamp(i64::MAX));
            assert!(all >= 9998, "{all} {cycle:?}");
            assert_eq!(cycle.periods_between(Timestamp(i64::MAX), Timestamp(i64::MIN)), 0);
        }
        let zone = zone(name);
        for unit in SpanUnit::ALL {
            for (count, ms) in
                [(1, i64::MAX), (1, i64::MIN), (u32::MAX, i64::MAX), (u32::MAX, i64::MIN), (0, 0)]
            {
                let span = Span { unit, count };
                for end in [span.after(Timestamp(ms), &zone), span.before(Timestamp(ms), &zone)] {
                    assert!(MIN <= end && end <= Timestamp::MAX);
                }
            }
            let long = Span { unit, count: u32::MAX };
            if unit >= SpanUnit::Minute {
                let (after, before) = (long.after(MIN, &zone), long.before(Timestamp::MAX, &zone));
                assert!(after > at("2000-01-01T00:00:00Z"), "{unit:?}");
                assert!(before < at("2000-01-01T00:00:00Z"), "{unit:?}");
            }
        }
    }
}

#[test]
fn millennia_are_counted_at_once() {
    let (from, to) = (at("0001-06-01T00:00:00Z"), at("9999-06-01T00:00:00Z"));
    for (every, expected) in [
        (Every::Hour, 87_640_656),
        (Every::Day, 3_651_694),
        (Every::Week, 521_671),
        (Every::Month, 119_976),
        (Every::Quarter, 39_992),
        (Every::Year, 9998),
    ] {
        assert_eq!(cycle(every, "", "UTC").periods_between(from, to), expected, "{every:?}");
    }
}

#[test]
fn spans_are_read_and_shown() {
    for (text, expected) in [
        ("1 month", "1 month"),
        ("30 days", "30 days"),
        ("1 days", "1 day"),
        ("2 week", "2 weeks"),
        ("007 years", "7 years"),
        ("2592000 seconds", "2592000 seconds"),
        ("P1M", "1 month"),
        ("P30D", "30 days"),
        ("P2W", "2 weeks"),
        ("P1Y", "1 year"),
        ("PT36H", "36 hours"),
        ("PT5M", "5 minutes"),
        ("PT1S", "1 second"),
        ("1000 years", "1000 years"),
        ("12000 months", "12000 months"),
        ("", "invalid"),
        ("month", "invalid"),
        (" month", "invalid"),
        ("1  month", "invalid"),
        ("1 Month", "invalid"),
        ("1 s", "invalid"),
        ("1 dayss", "invalid"),
        ("+1 day", "invalid"),
        ("-1 day", "invalid"),
        ("1.5 days", "invalid"),
        ("٣ days", "invalid"),
        ("0 days", "invalid"),
        ("P0D", "invalid"),
        ("P", "invalid"),
        ("PT", "invalid"),
        ("PM", "invalid"),
        ("P1", "invalid"),
        ("P1H", "invalid"),
        ("PT1D", "invalid"),
        ("P1Y6M", "invalid"),
        ("P1M ", "invalid"),
        ("p1m", "invalid"),
        ("1001 years", "invalid"),
        ("12001 months", "invalid"),
        ("4294967296 seconds", "invalid"),
        ("99999999999999999999 days", "invalid"),
    ] {
        let read = Span::parse("interval", text);
        let shown = read.map_or_else(|refusal| refusal.code().to_string(), |span| span.to_string());
        assert_eq!(shown, expected, "{text}");
    }
}

#[test]
fn spans_are_laid_on_the_wall() {
    for (name, span, from, after) in [
        ("UTC", "1 month", "2027-01-31T10:00+00:00", "2027-02-28T10:00+00:00"),
        ("UTC", "2 months", "2027-01-31T10:00+00:00", "2027-03-31T10:00+00:00"),
        ("UTC", "1 year", "2024-02-29T10:00+00:00", "2025-02-28T10:00+00:00"),
        ("UTC", "4 years", "2024-02-29T10:00+00:00", "2028-02-29T10:00+00:00"),
        ("UTC", "30 days", "2027-02-01T10:00+00:00", "2027-03-03T10:00+00:00"),
        ("Europe/Berlin", "1 day", "2026-03-28T12:00+01:00", "2026-03-29T12:00+02:00"),
        ("Europe/Berlin", "24 hours", "2026-03-28T12:00+01:00", "2026-03-29T13:00+02:00"),
        ("Europe/Berlin", "1 day", "2026-03-28T02:30+01:00", "2026-03-29T03:00+02:00"),
        ("Europe/Berlin", "1 week", "2026-10-18T02:30+02:00", "2026-10-25T02:30+02:00"),
        ("Europe/Berlin", "90 minutes", "2026-10-25T02:30+02:00", "2026-10-25T03:00+01:00"),
        ("Pacific/Apia", "1 day", "2011-12-29T08:00-10:00", "2011-12-31T00:00+14:00"),
        ("Pacific/Apia", "2 days", "2011-12-29T08:00-10:00", "2011-12-31T08:00+14:00"),
    ] {
        let span = Span::parse("interval", span).unwrap();
        assert_eq!(shown(span.after(at(from), &zone(name)), name), after, "{span} after {from}");
    }
    for (name, span, from, before) in [
        ("UTC", "1 month", "2027-03-31T10:00+00:00", "2027-02-28T10:00+00:00"),
        ("UTC", "1 year", "2024-02-29T10:00+00:00", "2023-02-28T10:00+00:00"),
        ("Europe/Berlin", "1 day", "2026-03-30T02:30+02:00", "2026-03-29T03:00+02:00"),
        ("Europe/Berlin", "24 hours", "2026-03-30T02:30+02:00", "2026-03-29T01:30+01:00"),
        ("Pacific/Apia", "1 day", "2011-12-31T08:00+14:00", "2011-12-31T00:00+14:00"),
    ] {
        let span = Span::parse("interval", span).unwrap();
        assert_eq!(shown(span.before(at(from), &zone(name)), name), before, "{span} before {from}");
    }
}

/// The laws of one instant in one cycle.
fn laws(cycle: &Cycle, at: Timestamp) {
    let period = cycle.period_at(at);
    let shown = || (cycle.clone(), at, period);
    assert!(period.contains(at), "{:?}", shown());
    assert!(period.from < period.to, "{:?}", shown());
    let last = Timestamp(period.to.0 - 1);
    assert_eq!(cycle.period_at(period.from), period, "{:?}", shown());
    assert_eq!(cycle.period_at(last), period, "{:?}", shown());
    assert_eq!(cycle.periods_between(period.from, last), 0, "{:?}", shown());
    if period.to != Timestamp::MAX {
        assert_eq!(cycle.period_at(period.to).from, period.to, "{:?}", shown());
        assert_eq!(cycle.periods_between(at, period.to), 1, "{:?}", shown());
    }
    if period.from != MIN {
        assert_eq!(cycle.period_at(Timestamp(period.from.0 - 1)).to, period.from, "{:?}", shown());
    }
}

#[test]
fn the_laws_hold_around_every_change_of_every_zone() {
    for name in TimeZoneDatabase::bundled().available() {
        let (zone, data) = (zone(name.as_str()), time_zone(name.as_str()));
        let start = jiff::Timestamp::from_millisecond(CALENDAR_MS_MIN).unwrap();
        let changes = data.following(start).map(|change| change.timestamp().as_millisecond());
        let changes: Vec<_> = changes.take_while(|ms| *ms < 2_300_000_000_000).collect();
        for change in changes {
            // Boundaries at midnight, and right at what the wall shows around the change.
            let anchors = [-DAY_MS, -31 * DAY_MS - HOUR_MS / 4].map(|ms| Timestamp(change + ms));
            let anchors = anchors.map(Anchor::At).into_iter().chain([Anchor::Calendar]);
            for anchor in anchors {
                let cycle = Cycle { every: Every::Day, anchor, zone: zone.clone() };
                laws(&cycle, Timestamp(change - 1));
                laws(&cycle, Timestamp(change + HOUR_MS / 2));
            }
        }
    }
}

fn zones() -> impl Strategy<Value = String> {
    let names: Vec<_> =
        TimeZoneDatabase::bundled().available().map(|name| name.to_string()).collect();
    let odd = ["Europe/Berlin", "Pacific/Apia", "Australia/Lord_Howe", "Pacific/Kwajalein"];
    let odd = odd.map(ToString::to_string).to_vec();
    prop_oneof![proptest::sample::select(names), proptest::sample::select(odd)]
}

fn instants() -> impl Strategy<Value = Timestamp> {
    let years = -4_000_000_000_000..5_000_000_000_000_i64;
    prop_oneof![
        3 => years,
        1 => MIN.0..Timestamp::MAX.0,
        // The days in which Apia, Kwajalein and Berlin changed.
        1 => 1_325_000_000_000..1_325_500_000_000_i64,
        1 => 745_800_000_000..746_100_000_000_i64,
        1 => 1_774_600_000_000..1_774_900_000_000_i64,
    ]
    .prop_map(Timestamp)
}

fn cycles() -> impl Strategy<Value = Cycle> {
    let anchors = prop_oneof![
        Just(Anchor::Calendar),
        instants().prop_map(Anchor::At),
        any::<i64>().prop_map(|ms| Anchor::At(Timestamp(ms))),
    ];
    (proptest::sample::select(Every::ALL.to_vec()), anchors, zones())
        .prop_map(|(every, anchor, name)| Cycle { every, anchor, zone: zone(&name) })
}

/// The first minute at which the wall shows this or later, found by looking at every minute.
fn slow_first_instant(data: &TimeZone, wall: jiff::civil::DateTime) -> Timestamp {
    let as_if_utc = TimeZone::UTC.to_timestamp(wall).unwrap().as_second();
    let instant = (0..54 * 60)
        .map(|minute| jiff::Timestamp::from_second(as_if_utc - 27 * 3600 + minute * 60).unwrap())
        .find(|instant| data.to_datetime(*instant) >= wall);
    Timestamp(instant.unwrap().as_millisecond())
}

/// Boundaries for four years around an instant, walked month by month from the anchor.
fn slow_months(anchor: Timestamp, months: i32, name: &str, near: Timestamp) -> Vec<Timestamp> {
    let data = time_zone(name);
    let local = |at: Timestamp| data.to_datetime(jiff::Timestamp::from_millisecond(at.0).unwrap());
    let (first, middle) = (local(anchor), i32::from(local(near).year()));
    let mut boundaries = Vec::new();
    for steps in -3000 / months..3000 / months {
        let date = first.date().checked_add(jiff::Span::new().months(steps * months)).unwrap();
        if (i32::from(date.year()) - middle).abs() <= 2 {
            boundaries.push(slow_first_instant(&data, date.to_datetime(first.time())));
        }
    }
    boundaries.dedup();
    boundaries
}

proptest! {
    #[test]
    fn every_instant_lies_in_one_period(cycle in cycles(), at in instants()) {
        laws(&cycle, at);
    }

    #[test]
    fn a_period_is_the_same_throughout(
        cycle in cycles(),
        at in instants(),
        permille in 0..1000_i64,
    ) {
        let period = cycle.period_at(at);
        let inside = Timestamp(period.from.0 + (period.to.0 - period.from.0) / 1000 * permille);
        prop_assert_eq!(cycle.period_at(inside), period);
    }

    #[test]
    fn counts_add_up(cycle in cycles(), mut ats in [instants(), instants(), instants()]) {
        ats.sort();
        let [first, second, third] = ats;
        let sum = cycle.periods_between(first, second) + cycle.periods_between(second, third);
        prop_assert_eq!(cycle.periods_between(first, third), sum);
        let same = cycle.period_at(first) == cycle.period_at(third);
        prop_assert_eq!(cycle.periods_between(first, third) == 0, same);
    }

    #[test]
    fn counting_is_walking(cycle in cycles(), at in instants(), steps in 1..40_u64) {
        let mut period = cycle.period_at(at);
        let mut walked = 0;
        while walked < steps && period.to != Timestamp::MAX {
            period = cycle.period_at(period.to);
            walked += 1;
        }
        prop_assert_eq!(cycle.periods_between(at, period.from), walked);
    }

    #[test]
    fn nothing_panics(every in 0..6_usize, anchor: i64, at: i64, later: i64, name in zones()) {
        let anchor = Anchor::At(Timestamp(anchor));
        let cycle = Cycle { every: Every::ALL[every], anchor, zone: zone(&name) };
        let period = cycle.period_at(Timestamp(at));
        prop_assert!(MIN <= period.from && period.from < period.to);
        prop_assert!(period.to <= Timestamp::MAX);
        let count = cycle.periods_between(Timestamp(at), Timestamp(later));
        prop_assert_eq!(count == 0, at >= later || period == cycle.period_at(Timestamp(later)));
    }

    #[test]
    fn spans_are_what_the_slow_search_finds(
        name in zones(),
        unit in 3..7_usize,
        // Not before 1973: until then offsets had seconds, which the slow search walks past.
        count in 1..5_u32,
        minute in 4_000_000..60_000_000_i64,
        back: bool,
    ) {
        let (at, unit) = (Timestamp(minute * 60_000), SpanUnit::ALL[unit]);
        let span = Span { unit, count };
        let signed = if back { -i64::from(count) } else { i64::from(count) };
        let data = time_zone(&name);
        let wall = data.to_datetime(jiff::Timestamp::from_millisecond(at.0).unwrap());
        let away = match unit {
            SpanUnit::Day => jiff::Span::new().days(signed),
            SpanUnit::Week => jiff::Span::new().weeks(signed),
            SpanUnit::Month => jiff::Span::new().months(signed),
            _ => jiff::Span::new().years(signed),
        };
        let expected = slow_first_instant(&data, wall.checked_add(away).unwrap());
        let zone = zone(&name);
        prop_assert_eq!(if back { span.before(at, &zone) } else { span.after(at, &zone) }, expected);
    }

    #[test]
    fn a_span_leads_onward(
        name in zones(),
        at in instants(),
        unit in 0..7_usize,
        count in 1..u32::MAX,
    ) {
        let (span, zone) = (Span { unit: SpanUnit::ALL[unit], count }, zone(&name));
        let (after, before) = (span.after(at, &zone), span.before(at, &zone));
        prop_assert!(after > at, "{} after {:?} is {:?}", span, at, after);
        prop_assert!(before <= at, "{} before {:?} is {:?}", span, at, before);
        if let Ok(read) = Span::parse("interval", &span.to_string()) {
            prop_assert_eq!(read, span);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn months_are_what_the_slow_walk_finds(
        name in zones(),
        anchor_minute in 2_000_000..60_000_000_i64,
        at_minute in 3_000_000..55_000_000_i64,
        later_minutes in 0..1_000_000_i64,
        every in 3..6_usize,
    ) {
        let (anchor, at) = (Timestamp(anchor_minute * 60_000), Timestamp(at_minute * 60_000));
        let every = Every::ALL[every];
        let months = [1, 3, 12][Every::ALL.iter().position(|one| *one == every).unwrap() - 3];
        let boundaries = slow_months(anchor, months, &name, at);
        let cycle = Cycle { every, anchor: Anchor::At(anchor), zone: zone(&name) };
        let next = boundaries.partition_point(|boundary| *boundary <= at);
        let expected = Period { from: boundaries[next - 1], to: boundaries[next] };
        prop_assert_eq!(cycle.period_at(at), expected);
        let later = Timestamp(at.0 + later_minutes * 60_000).min(*boundaries.last().unwrap());
        let begun = boundaries.iter().filter(|one| at < **one && **one <= later).count();
        prop_assert_eq!(cycle.periods_between(at, later), u64::try_from(begun).unwrap());
    }
}
