//! Billing periods: months and years as people count them, in UTC, from an anchor that is kept.
use serde::{Deserialize, Serialize};
use time::{Date, Duration, Month, OffsetDateTime};

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;

/// `day`, `week`, `month` or `year`, so many at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Every {
    pub interval: String,
    pub count: i64,
}

impl Every {
    /// The end of the period that begins at `start`. The day of the month is the anchor's, or the
    /// month's last where it has no such day: 31 January, 28 February, 31 March.
    pub fn after(&self, start: i64, anchor: i64) -> i64 {
        match self.interval.as_str() {
            "day" => start + self.count * DAY,
            "week" => start + self.count * 7 * DAY,
            "year" => months_later(start, anchor, self.count * 12),
            _ => months_later(start, anchor, self.count),
        }
    }

    /// A rough length, to tell a shorter interval from a longer one.
    pub fn days(&self) -> i64 {
        self.count
            * match self.interval.as_str() {
                "day" => 1,
                "week" => 7,
                "year" => 365,
                _ => 30,
            }
    }
}

fn months_later(start: i64, anchor: i64, months: i64) -> i64 {
    let (from, day) = (instant(start), instant(anchor).day());
    let month = i64::from(from.year()) * 12 + i64::from(u8::from(from.month())) - 1 + months;
    let year = month.div_euclid(12) as i32;
    let Ok(name) = Month::try_from(month.rem_euclid(12) as u8 + 1) else { return start };
    let day = day.min(name.length(year));
    Date::from_calendar_date(year, name, day)
        .map_or(start, |date| date.with_time(from.time()).assume_utc().unix_timestamp())
}

fn instant(unix: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(unix).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// `1 Jan 2027`.
pub fn date(unix: i64) -> String {
    let at = instant(unix);
    let month = &at.month().to_string()[..3];
    format!("{} {month} {}", at.day(), at.year())
}

/// `1 Jan 2027, 09:30`.
pub fn minute(unix: i64) -> String {
    let at = instant(unix);
    format!("{}, {:02}:{:02}", date(unix), at.hour(), at.minute())
}

/// Wall-clock milliseconds since the epoch.
pub fn wall_ms() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    let now = OffsetDateTime::now_utc();
    (now - OffsetDateTime::UNIX_EPOCH).whole_milliseconds() as i64
}

/// Wall-clock seconds since the epoch.
pub fn wall() -> i64 {
    Duration::milliseconds(wall_ms()).whole_seconds()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_month_from_the_31st_ends_on_the_last_day_and_finds_back() {
        let monthly = Every { interval: "month".into(), count: 1 };
        let anchor = datetime!(2027-01-31 10:00 UTC).unix_timestamp();
        let february = monthly.after(anchor, anchor);
        let march = monthly.after(february, anchor);

        assert_eq!(february, datetime!(2027-02-28 10:00 UTC).unix_timestamp());
        assert_eq!(march, datetime!(2027-03-31 10:00 UTC).unix_timestamp());
    }

    #[test]
    fn a_year_from_a_leap_day_ends_on_the_28th() {
        let yearly = Every { interval: "year".into(), count: 1 };
        let anchor = datetime!(2028-02-29 0:00 UTC).unix_timestamp();

        assert_eq!(yearly.after(anchor, anchor), datetime!(2029-02-28 0:00 UTC).unix_timestamp());
    }
}
