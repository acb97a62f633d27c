//! Points in time, for people: reading the clock, writing and reading UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Now, in milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the user's own clock: `--since 2h` means two hours before now"
)]
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// `2026-11-21 06:00:35Z`.
pub(crate) fn utc(at_ms: u64) -> String {
    let seconds = at_ms / 1_000;
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}Z")
}

/// How long ago that was: `now`, `12s ago`, `3m ago`, `5h ago`, `2d ago`.
pub(crate) fn ago(at_ms: u64, now_ms: u64) -> String {
    let seconds = now_ms.saturating_sub(at_ms) / 1_000;
    match seconds {
        0 => "now".to_owned(),
        1..120 => format!("{seconds}s ago"),
        120..7_200 => format!("{}m ago", seconds / 60),
        7_200..172_800 => format!("{}h ago", seconds / 3_600),
        _ => format!("{}d ago", seconds / 86_400),
    }
}

/// Year, month and day of a day since 1970, after H. Hinnant's `civil_from_days`.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year + era * 400 + (month <= 2) as u64;
    (year, month, day)
}

/// Days since 1970 of a date; the inverse of [`date`].
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = year - (month <= 2) as u64;
    let era = year / 400;
    let of_era = year % 400;
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Reads `500ms`, `10s`, `5m`, `2h` or `3d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let refuse = || format!("{text:?} is no duration; examples: 500ms, 10s, 5m, 2h, 3d");
    let digits = text
        .find(|it: char| !it.is_ascii_digit())
        .ok_or_else(refuse)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| refuse())?;
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(refuse()),
    };
    let ms = number.checked_mul(unit_ms).ok_or_else(refuse)?;
    Ok(Duration::from_millis(ms))
}

/// A point in time as a user gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// So long before now.
    Ago(Duration),
    /// In milliseconds since 1970.
    At(u64),
}

impl Moment {
    /// In milliseconds since 1970.
    pub(crate) fn at_ms(self, now_ms: u64) -> u64 {
        match self {
            Self::Ago(time) => {
                now_ms.saturating_sub(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
            }
            Self::At(at_ms) => at_ms,
        }
    }
}

/// Reads a duration, meaning before now, or a UTC date with or without a time of day.
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(ago) = duration(text) {
        return Ok(Moment::Ago(ago));
    }
    let at = timestamp(text).ok_or_else(|| {
        format!(
            "{text:?} is no point in time; examples: 2h (before now), 2026-11-21, \
             2026-11-21T06:00:35Z (UTC)"
        )
    })?;
    Ok(Moment::At(at))
}

fn timestamp(text: &str) -> Option<u64> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let (day, clock) = text.split_once(['T', ' ']).unwrap_or((text, "0:0"));
    let numbers = |text: &str, separator| {
        let parts = text.split(separator).map(|it: &str| it.parse().ok());
        parts.collect::<Option<Vec<u64>>>()
    };
    let &[year @ 1970..=9999, month @ 1..=12, day @ 1..=31] = numbers(day, '-')?.as_slice() else {
        return None;
    };
    let mut clock = numbers(clock, ':')?;
    clock.resize(3.max(clock.len()), 0);
    let &[hour @ 0..=23, minute @ 0..=59, second @ 0..=59] = clock.as_slice() else {
        return None;
    };
    let days = days(year, month, day);
    // The 31st of a short month would be a day of the next one.
    if date(days) != (year, month, day) {
        return None;
    }
    Some((days * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_long_ago_are_told_roughly() {
        for (seconds, told) in [
            (0, "now"),
            (119, "119s ago"),
            (120, "2m ago"),
            (7_200, "2h ago"),
            (172_800, "2d ago"),
        ] {
            assert_eq!(ago(1_000, 1_000 + seconds * 1_000), told);
        }
        assert_eq!(ago(2_000, 1_000), "now", "clocks differ");
    }

    #[test]
    fn known_days() {
        assert_eq!(utc(0), "1970-01-01 00:00:00Z");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00Z");
        assert_eq!(utc(1_795_240_835_999), "2026-11-21 06:00:35Z");
    }

    #[test]
    fn moments_are_read() {
        assert_eq!(moment("90m"), Ok(Moment::Ago(Duration::from_secs(5_400))));
        assert_eq!(
            moment("2026-11-21T06:00:35Z"),
            Ok(Moment::At(1_795_240_835_000))
        );
        assert_eq!(
            moment("2026-11-21 06:00"),
            Ok(Moment::At(1_795_240_800_000))
        );
        for bad in [
            "",
            "2h30",
            "yesterday",
            "2026-02-30",
            "2026-1-1T25:00",
            "1-2",
            "9x",
        ] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(at_s in 0_u64..200_000_000_000) {
            let at_ms = at_s * 1_000;
            prop_assert_eq!(moment(&utc(at_ms)), Ok(Moment::At(at_ms)));
        }
    }
}
