//! Days since 1970-01-01 from the ways people write a date, and back. Proleptic Gregorian calendar, no time zones.

/// A day and whether something had to be taken off to get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) days: i32,
    pub(crate) repaired: bool,
}

/// Serial numbers from here up are days; below they are as likely a year or a count.
const FIRST_PLAIN_SERIAL: f64 = 2_200.0;
/// 9999-12-31, the last day of a spreadsheet.
const LAST_SERIAL: f64 = 2_958_465.0;

/// The day of a calendar date, if there is such a date between the years 1 and 9999.
pub(crate) fn from_calendar(year: i32, month: u32, day: u32) -> Option<i32> {
    let month_days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=9999).contains(&year) || !(1..=month_days).contains(&day) {
        return None;
    }
    // Years begin in March here, so that the leap day is the last of its year (Hinnant, `days_from_civil`).
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month as i32 + 2) / 5 + day as i32 - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

/// `YYYY-MM-DD`.
pub(crate) fn to_text(days: i32) -> String {
    let shifted = i64::from(days) + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The day of a trimmed, half-width text.
pub(crate) fn from_text(text: &str) -> Option<Day> {
    // Nearly all dates are written so.
    if let [y, e, a, r, b'-', m, o, b'-', d, n] = text.as_bytes()
        && let Some(digits) = digits([y, e, a, r, m, o, d, n])
    {
        let days = from_calendar((digits / 10_000) as i32, digits / 100 % 100, digits % 100)?;
        return Some(Day { days, repaired: false });
    }
    let (date, time) = match text.find(|character: char| character == 'T' || character.is_whitespace()) {
        Some(position) => {
            let time =
                text[position..].trim_start_matches(|character: char| character == 'T' || character.is_whitespace());
            (&text[..position], time.trim_end())
        }
        None => (text, ""),
    };
    if !time.is_empty() && !is_time(time) {
        return None;
    }
    if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) {
        let days = from_calendar(number(&date[..4])?, part(&date[4..6])?, part(&date[6..])?)?;
        return Some(Day { days, repaired: !time.is_empty() });
    }
    if let Some(written_out) = date.strip_suffix('日') {
        let (year, rest) = written_out.split_once('年')?;
        let (month, day) = rest.split_once('月')?;
        return Some(Day { days: from_parts(year, month, day)?, repaired: true });
    }
    let separator = ['-', '.', '/'].into_iter().find(|separator| date.contains(*separator))?;
    let mut parts = date.split(separator);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    Some(Day { days: from_parts(year, month, day)?, repaired: !time.is_empty() })
}

/// The day of a number: `YYYYMMDD`, or a serial number. Small numbers are refused: 2016 would be a day in 1905.
pub(crate) fn from_number(value: f64, epoch_1904: bool) -> Option<Day> {
    if value.fract() == 0.0 && (10_000_101.0..=99_991_231.0).contains(&value) {
        let digits = value as i32;
        let (month, day) = ((digits / 100 % 100) as u32, (digits % 100) as u32);
        let days = from_calendar(digits / 10_000, month, day)?;
        return Some(Day { days, repaired: false });
    }
    if value < FIRST_PLAIN_SERIAL {
        return None;
    }
    from_serial(value, epoch_1904)
}

/// The day of a serial number that is known to be one.
pub(crate) fn from_serial(value: f64, epoch_1904: bool) -> Option<Day> {
    let whole = value.floor();
    if !(0.0..=LAST_SERIAL).contains(&whole) {
        return None;
    }
    let serial = whole as i32;
    let days = match (epoch_1904, serial) {
        (true, _) => serial - 24_107,
        (false, 0) => return None,
        // Spreadsheets believe in a 29 February 1900, serial 60: days before it are off by one, and it is no day.
        (false, 60) => return None,
        (false, ..60) => serial - 25_568,
        (false, _) => serial - 25_569,
    };
    Some(Day { days, repaired: whole != value })
}

fn from_parts(year: &str, month: &str, day: &str) -> Option<i32> {
    if year.len() != 4 {
        return None;
    }
    from_calendar(number(year)?, part(month)?, part(day)?)
}

fn digits(bytes: [&u8; 8]) -> Option<u32> {
    let add = |number: u32, byte: &u8| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0'));
    bytes.into_iter().try_fold(0, add)
}

fn number(digits: &str) -> Option<i32> {
    let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if valid { digits.parse().ok() } else { None }
}

fn part(digits: &str) -> Option<u32> {
    if digits.len() > 2 {
        return None;
    }
    number(digits).and_then(|value| u32::try_from(value).ok())
}

fn is_time(text: &str) -> bool {
    text.contains(':')
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'Z' | b'+' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_in_the_forms_people_use_and_no_others() {
        for (text, expected) in [
            ("2011-01-05", Some("2011-01-05")),
            ("20110105", Some("2011-01-05")),
            ("2011.01.05", Some("2011-01-05")),
            ("2011/1/5", Some("2011-01-05")),
            ("2011年1月5日", Some("2011-01-05")),
            ("2011-01-05 13:20:00", Some("2011-01-05")),
            ("2011-01-05\u{a0}13:20", Some("2011-01-05")),
            ("2011-01-05T00:00:00", Some("2011-01-05")),
            ("2012-02-29", Some("2012-02-29")),
            ("1969-12-31", Some("1969-12-31")),
            ("2011-02-29", None),
            ("2011-13-01", None),
            ("5/1/2011", None),
            ("2011-1", None),
            ("11-01-05", None),
            ("2011-01/05", None),
            ("2011-01-05-01", None),
            ("2011", None),
            ("2011-01-05 noon", None),
        ] {
            let found = from_text(text).map(|day| to_text(day.days));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn serial_numbers_follow_the_epoch_of_the_workbook() {
        for (serial, epoch_1904, expected) in [
            (40548.0, false, Some("2011-01-05")),
            (40548.5, false, Some("2011-01-05")),
            (39086.0, true, Some("2011-01-05")),
            (1.0, false, Some("1900-01-01")),
            (59.0, false, Some("1900-02-28")),
            (60.0, false, None),
            (61.0, false, Some("1900-03-01")),
            (0.0, true, Some("1904-01-01")),
            (2_958_466.0, false, None),
            (-1.0, false, None),
            (f64::NAN, false, None),
        ] {
            let found = from_serial(serial, epoch_1904).map(|day| to_text(day.days));
            assert_eq!(found.as_deref(), expected, "{serial}");
        }
    }

    #[test]
    fn a_year_is_not_taken_for_a_serial_number() {
        assert_eq!(from_number(2016.0, false), None);
        assert_eq!(from_number(20_110_105.0, false), from_text("2011-01-05"));
        assert_eq!(from_number(20_111_305.0, false), None);
    }

    #[test]
    fn days_and_texts_agree_over_four_centuries() {
        for days in (-200_000..200_000).step_by(37) {
            assert_eq!(from_text(&to_text(days)).map(|day| day.days), Some(days));
        }
        assert_eq!(from_calendar(1970, 1, 1), Some(0));
    }
}
