//! Instants as RFC 3339.
//!
//! By hand in both directions, and held against jiff in the tests: a time is written into every
//! answer and read from most uses of a relay, and jiff's own instants end a day before
//! [`Timestamp::MAX`], the year 9999 that people write for "never".

use usance_core::time::Timestamp;

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// Days from 0000-03-01, where the count of leap years begins, to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;
/// Days of 400 years, after which the calendar repeats.
const ERA_DAYS: i64 = 146_097;

/// The earliest instant that four digits of a year can show.
const EARLIEST: Timestamp = Timestamp(-62_167_219_200_000);

/// Bytes of a shown time.
const SHOWN_BYTES: usize = "2026-11-23T14:20:00.000Z".len();

/// Appends `2026-11-23T14:20:00.000Z`.
///
/// An instant outside the years 0 to 9999, which nothing accepts, shows as the nearest inside.
pub(crate) fn write(at: Timestamp, out: &mut Vec<u8>) {
    let at = at.clamp(EARLIEST, Timestamp::MAX);
    let (year, month, day) = date(at.0.div_euclid(DAY_MS));
    let ms = at.0.rem_euclid(DAY_MS);
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let fields: [(usize, usize, i64); 7] = [
        (0, 4, year),
        (5, 2, month),
        (8, 2, day),
        (11, 2, ms / (60 * MINUTE_MS)),
        (14, 2, ms / MINUTE_MS % 60),
        (17, 2, ms / SECOND_MS % 60),
        (20, 3, ms % SECOND_MS),
    ];
    for (begin, width, value) in fields {
        let mut left = value;
        for digit in text.iter_mut().skip(begin).take(width).rev() {
            *digit = b"0123456789"[usize::try_from(left % 10).unwrap_or(0)];
            left /= 10;
        }
    }
    const _: () = assert!(SHOWN_BYTES == 24);
    out.extend_from_slice(&text);
}

/// Reads RFC 3339: any offset, any fraction of a second, of which milliseconds are kept.
///
/// A leap second reads as the second before it, as there are none in a [`Timestamp`].
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let (date_time, rest) = bytes.split_at_checked(19)?;
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    for (index, expected) in separators {
        if date_time.get(index)?.to_ascii_uppercase() != expected {
            return None;
        }
    }
    let number = |begin: usize, end: usize| digits(date_time.get(begin..end)?);
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let exists = (1..=12).contains(&month)
        && (1..=days_of_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !exists {
        return None;
    }
    let (fraction_ms, zone) = fraction(rest)?;
    let local = day_number(year, month, day) * DAY_MS
        + (hour * 60 + minute) * MINUTE_MS
        + second.min(59) * SECOND_MS
        + fraction_ms;
    let at = Timestamp(local - offset(zone)?);
    (EARLIEST..=Timestamp::MAX).contains(&at).then_some(at)
}

/// Milliseconds of `.123456`, and what follows; nothing is no fraction.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some((b'.', after)) = rest.split_first() else {
        return Some((0, rest));
    };
    let width = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, zone) = after.split_at_checked(width)?;
    let kept = digits(fraction.get(..width.min(3))?)?;
    match width {
        0 => None,
        1 => Some((kept * 100, zone)),
        2 => Some((kept * 10, zone)),
        _ => Some((kept, zone)),
    }
}

/// Milliseconds by which a zone is ahead of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    match zone {
        b"Z" | b"z" => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
            let ahead = (hours * 60 + minutes) * MINUTE_MS;
            let signed = if *sign == b'-' { -ahead } else { ahead };
            (hours < 24 && minutes < 60).then_some(signed)
        }
        _ => None,
    }
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |number, byte| {
        byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0'))
    })
}

const fn days_of_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date (Hinnant, "chrono-compatible low-level date algorithms").
/// Years begin in March there, so that the leap day is the last of its year.
const fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * ERA_DAYS + day_of_era - DAYS_TO_1970
}

/// The date of a day counted from 1970-01-01; the inverse of [`day_number`].
const fn date(day_number: i64) -> (i64, i64, i64) {
    let days = day_number + DAYS_TO_1970;
    let era = days.div_euclid(ERA_DAYS);
    let day_of_era = days.rem_euclid(ERA_DAYS);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + (month <= 2) as i64;
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(at: Timestamp) -> String {
        let mut out = Vec::new();
        write(at, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn times_read_as_rfc_3339_and_nothing_else() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01t00:00:00z", Some(0)),
            ("1969-12-31T23:59:59.999Z", Some(-1)),
            ("2026-11-23T14:20:00Z", Some(1_795_443_600_000)),
            ("2026-11-23T14:20:00.1Z", Some(1_795_443_600_100)),
            ("2026-11-23T14:20:00.12Z", Some(1_795_443_600_120)),
            ("2026-11-23T14:20:00.1239999Z", Some(1_795_443_600_123)),
            ("2026-11-23T16:20:00+02:00", Some(1_795_443_600_000)),
            ("2026-11-23T04:50:00-09:30", Some(1_795_443_600_000)),
            ("2016-12-31T23:59:60Z", Some(1_483_228_799_000)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800_000)),
            ("9999-12-31T23:59:59.999Z", Some(Timestamp::MAX.0)),
            ("0000-01-01T00:00:00Z", Some(EARLIEST.0)),
            ("9999-12-31T23:59:59-00:01", None),
            ("0000-01-01T00:00:00+00:01", None),
            ("2023-02-29T00:00:00Z", None),
            ("1900-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-00-01T00:00:00Z", None),
            ("2026-01-00T00:00:00Z", None),
            ("2026-01-01T24:00:00Z", None),
            ("2026-01-01T00:60:00Z", None),
            ("2026-01-01T00:00:61Z", None),
            ("2026-01-01T00:00:00", None),
            ("2026-01-01T00:00:00.Z", None),
            ("2026-01-01T00:00:00+0200", None),
            ("2026-01-01T00:00:00+24:00", None),
            ("2026-01-01 00:00:00Z", None),
            ("2026-01-01T00:00:00ZZ", None),
            ("2026-01-01", None),
            ("-026-01-01T00:00:00Z", None),
            ("٢٠٢٦-01-01T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(read(text), expected.map(Timestamp), "{text}");
        }
    }

    #[test]
    fn instants_outside_the_years_show_as_the_nearest_inside() {
        assert_eq!(shown(Timestamp(i64::MAX)), "9999-12-31T23:59:59.999Z");
        assert_eq!(shown(Timestamp(i64::MIN)), "0000-01-01T00:00:00.000Z");
    }

    proptest::proptest! {
        #[test]
        fn shown_times_are_those_of_jiff(ms in EARLIEST.0..=253_402_207_200_999) {
            let theirs = jiff::Timestamp::from_millisecond(ms).unwrap();
            proptest::prop_assert_eq!(shown(Timestamp(ms)), format!("{theirs:.3}"));
            proptest::prop_assert_eq!(read(&shown(Timestamp(ms))), Some(Timestamp(ms)));
        }

        #[test]
        fn read_times_are_those_of_jiff(
            year in 1i64..=9998, month in 0u8..=13, day in 0u8..=32,
            hour in 0u8..=24, minute in 0u8..=60, second in 0u8..=59,
            ahead in -23i8..=23, nanosecond in 0u32..1_000_000_000,
        ) {
            let text = format!(
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanosecond:09}\
                 {ahead:+03}:00",
            );
            let theirs = text.parse::<jiff::Timestamp>().ok();
            let theirs = theirs.map(|at| at.as_nanosecond().div_euclid(1_000_000));
            proptest::prop_assert_eq!(read(&text).map(|at| i128::from(at.0)), theirs, "{}", text);
        }

        #[test]
        fn no_text_panics(text: String) {
            read(&text);
        }
    }
}
