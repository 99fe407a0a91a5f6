//! The proleptic Gregorian calendar, in milliseconds that a clock on the wall shows since
//! 1970-01-01T00:00, for any year: a zone far east is in the year 10000 before the calendar ends.

/// Milliseconds of a day on the wall.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A Monday: 5 January 1970.
pub const MONDAY_MS: i64 = 4 * DAY_MS;

/// Days of 400 years, after which the calendar repeats.
const ERA_DAYS: i64 = 146_097;

/// Days from 1 March of the year 0 to 1 January 1970.
const EPOCH_DAYS: i64 = 719_468;

/// The month it lies in, counted from January of the year 0.
pub fn month(wall_ms: i64) -> i64 {
    date(wall_ms.div_euclid(DAY_MS)).0
}

/// The same day and time so many months later or earlier, or the last day of that month if it
/// has no such day.
pub fn plus_months(wall_ms: i64, months: i64) -> i64 {
    let (month, day) = date(wall_ms.div_euclid(DAY_MS));
    let month = month.saturating_add(months);
    let first = first_day(month);
    let days = first_day(month.saturating_add(1)) - first;
    (first + day.min(days) - 1).saturating_mul(DAY_MS).saturating_add(wall_ms.rem_euclid(DAY_MS))
}

/// The month, counted from January of the year 0, and its day, counted from one, of a day counted
/// from 1970. Years begin in March here, so that a leap day is the last of its year.
fn date(days: i64) -> (i64, i64) {
    let days = days.saturating_add(EPOCH_DAYS);
    let of_era = days.rem_euclid(ERA_DAYS);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    ((days.div_euclid(ERA_DAYS) * 400 + year) * 12 + month + 2, day)
}

/// The first day, counted from 1970, of a month counted from January of the year 0.
fn first_day(month: i64) -> i64 {
    let since_march = month.saturating_sub(2);
    let year = since_march.div_euclid(12);
    let of_era = year.rem_euclid(400);
    let days = 365 * of_era + of_era / 4 - of_era / 100;
    let of_year = (153 * since_march.rem_euclid(12) + 2) / 5;
    year.div_euclid(400).saturating_mul(ERA_DAYS) + days + of_year - EPOCH_DAYS
}
