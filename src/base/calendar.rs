//! The proleptic Gregorian calendar and ISO 8601 texts, for `_datetime` and `time`.
//!
//! Ordinals count days from 1 = 1 January of the year 1. Parsing gives fields as written; whether an hour or a month
//! exists is for the constructors to say, whose messages Python shows.

/// `datetime.MINYEAR`
pub const MIN_YEAR: i32 = 1;
/// `datetime.MAXYEAR`
pub const MAX_YEAR: i32 = 9999;
/// The ordinal of 31 December 9999.
pub const MAX_ORDINAL: i32 = 3_652_059;

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// Whether a year has 366 days.
pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Days of a month, which must be 1 to 12.
pub fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        2 => 28 + u8::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of a year before the month begins.
pub fn days_before_month(year: i32, month: u8) -> i32 {
    (1..month).map(|month| i32::from(days_in_month(year, month))).sum()
}

/// Days before 1 January of a year, from the year 1 on.
pub fn days_before_year(year: i32) -> i32 {
    let past = year - 1;
    past * 365 + past / 4 - past / 100 + past / 400
}

impl Date {
    /// `date.toordinal()`
    pub fn to_ordinal(self) -> i32 {
        days_before_year(self.year) + days_before_month(self.year, self.month) + i32::from(self.day)
    }

    /// `date.fromordinal()`, for ordinals from 1 up.
    pub fn from_ordinal(ordinal: i32) -> Date {
        let day = ordinal - 1;
        let (cycles, day) = (day / 146_097, day % 146_097);
        // the last day of a cycle belongs to its last century, that of four years to the last year
        let centuries = (day / 36_524).min(3);
        let day = day - centuries * 36_524;
        let (fours, day) = (day / 1461, day % 1461);
        let years = (day / 365).min(3);
        let mut rest = day - years * 365;
        let year = cycles * 400 + centuries * 100 + fours * 4 + years + 1;
        let mut month = 1;
        while rest >= i32::from(days_in_month(year, month)) {
            rest -= i32::from(days_in_month(year, month));
            month += 1;
        }
        Date { year, month, day: rest as u8 + 1 }
    }

    /// `date.weekday()`: Monday is 0.
    pub fn weekday(self) -> u8 {
        (self.to_ordinal() + 6).rem_euclid(7) as u8
    }

    /// `date.isocalendar()`: ISO year, week and weekday (Monday is 1).
    pub fn iso_calendar(self) -> (i32, u8, u8) {
        let ordinal = self.to_ordinal();
        let mut year = self.year;
        if ordinal >= iso_year_start(year + 1) {
            year += 1;
        } else if ordinal < iso_year_start(year) {
            year -= 1;
        }
        let day = ordinal - iso_year_start(year);
        (year, (day / 7) as u8 + 1, (day % 7) as u8 + 1)
    }
}

/// The ordinal of the Monday of week 1: the week with the year's first Thursday.
pub fn iso_year_start(year: i32) -> i32 {
    let first = days_before_year(year) + 1;
    let weekday = (first + 6).rem_euclid(7);
    first - weekday + if weekday > 3 { 7 } else { 0 }
}

/// Why an ISO week date is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsoWeekError {
    /// `Year is out of range: {year}`
    Year,
    /// `Invalid week: {week}`
    Week,
    /// `Invalid weekday: {day} (range is [1, 7])`
    Weekday,
}

/// `date.fromisocalendar()`. The result may lie just outside of the supported years.
pub fn from_iso_calendar(year: i32, week: i32, day: i32) -> Result<Date, IsoWeekError> {
    if !(MIN_YEAR..=MAX_YEAR).contains(&year) {
        return Err(IsoWeekError::Year);
    }
    let weeks = (iso_year_start(year + 1) - iso_year_start(year)) / 7;
    if !(1..=weeks).contains(&week) {
        return Err(IsoWeekError::Week);
    }
    if !(1..=7).contains(&day) {
        return Err(IsoWeekError::Weekday);
    }
    Ok(Date::from_ordinal(iso_year_start(year) + 7 * (week - 1) + day - 1))
}

/// A time of day as written, with the offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct IsoTime {
    /// 0 to 99, as are minute and second.
    pub hour: u8,
    /// As written.
    pub minute: u8,
    /// As written.
    pub second: u8,
    /// The first six digits of the fraction.
    pub microsecond: u32,
    /// Offset from UTC in seconds and microseconds of the same sign.
    pub offset: Option<(i32, i32)>,
}

/// Reads digits off the front of a text.
struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn digits(&mut self, count: usize) -> Option<u32> {
        let (digits, rest) = self.rest.split_at_checked(count)?;
        let value = digits
            .iter()
            .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u32::from(digit - b'0')))?;
        self.rest = rest;
        Some(value)
    }

    fn accept(&mut self, byte: u8) -> bool {
        match self.rest.strip_prefix(&[byte]) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

/// The date of `YYYY-MM-DD`, `YYYYMMDD`, `YYYY-Www[-D]` or `YYYYWww[D]`; `None`: not of this form. Month and day are as
/// written.
pub fn parse_iso_date(text: &[u8]) -> Option<Date> {
    if !matches!(text.len(), 7 | 8 | 10) {
        return None;
    }
    let mut reader = Reader { rest: text };
    let year = reader.digits(4)? as i32;
    let separated = reader.accept(b'-');
    if reader.accept(b'W') {
        let week = reader.digits(2)?;
        let mut day = 1;
        if !reader.rest.is_empty() {
            if separated && !reader.accept(b'-') {
                return None;
            }
            day = reader.digits(1)?;
        }
        return from_iso_calendar(year, week as i32, day as i32).ok().filter(|_| reader.rest.is_empty());
    }
    let month = reader.digits(2)?;
    if separated && !reader.accept(b'-') {
        return None;
    }
    let day = reader.digits(2)?;
    reader.rest.is_empty().then_some(Date { year, month: month as u8, day: day as u8 })
}

/// `HH[:MM[:SS[.f…]]]` with or without colons, and whether something is left behind it. CPython looks at what is left
/// only where no offset follows, and so does [`parse_iso_time`].
fn parse_clock(text: &[u8]) -> Option<(IsoTime, bool)> {
    let mut reader = Reader { rest: text };
    let mut parts = [0; 3];
    let mut separated = false;
    let time = |parts: [u32; 3], microsecond| {
        let [hour, minute, second] = parts.map(|part| part as u8);
        IsoTime { hour, minute, second, microsecond, offset: None }
    };
    for index in 0..3 {
        parts[index] = reader.digits(2)?;
        if index == 0 {
            separated = reader.rest.first() == Some(&b':');
        }
        match reader.rest {
            [] => return Some((time(parts, 0), false)),
            [b'.' | b',', after @ ..] if index == 2 && !after.is_empty() => reader.rest = after,
            [b'.' | b',', ..] => return None,
            [_] => return Some((time(parts, 0), true)),
            [b':', after @ ..] if separated && index < 2 => reader.rest = after,
            _ if separated => return None,
            // without separators the fraction may follow at once
            _ => {}
        }
    }
    let count = reader.rest.len().min(6);
    let microsecond = reader.digits(count)? * 10u32.pow(6 - count as u32);
    let more = reader.rest.iter().any(|byte| !byte.is_ascii_digit());
    Some((time(parts, microsecond), more))
}

/// The time of `time.fromisoformat`, without the `T` that may precede it; `None`: not of this form.
pub fn parse_iso_time(text: &[u8]) -> Option<IsoTime> {
    let Some(at) = text.iter().position(|byte| matches!(byte, b'+' | b'-' | b'Z')) else {
        return parse_clock(text).filter(|&(_, more)| !more).map(|(time, _)| time);
    };
    let (mut time, _) = parse_clock(&text[..at])?;
    let behind = &text[at + 1..];
    if text[at] == b'Z' {
        time.offset = Some((0, 0));
        return behind.is_empty().then_some(time);
    }
    let (offset, more) = parse_clock(behind)?;
    let sign = if text[at] == b'-' { -1 } else { 1 };
    let seconds = (i32::from(offset.hour) * 60 + i32::from(offset.minute)) * 60 + i32::from(offset.second);
    time.offset = Some((sign * seconds, sign * offset.microsecond as i32));
    (!more).then_some(time)
}

/// Where the date of a `datetime.fromisoformat` text ends (the separator may be any character). The text has at least
/// seven bytes.
fn date_length(text: &[u8]) -> usize {
    let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    if text.len() == 7 {
        return 7;
    }
    match (text[4], text[5]) {
        (b'-', b'W') if text.get(8) != Some(&b'-') => 8,
        // a hyphen and two digits: rather a separator and an hour than a weekday and a separator
        (b'-', b'W') if text.len() == 9 => 9,
        (b'-', b'W') if digit(10) => 8,
        (b'-', _) => 10,
        (b'W', _) => {
            let digits = 7 + text[7..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            match digits {
                ..9 => digits,
                _ if digits.is_multiple_of(2) => 7,
                _ => 8,
            }
        }
        _ => 8,
    }
}

/// Date and time of `datetime.fromisoformat`; `None`: not of this form. The separator must be given as one byte (the
/// caller replaces what is not ASCII there).
pub fn parse_iso_datetime(text: &[u8]) -> Option<(Date, Option<IsoTime>)> {
    if text.len() < 7 {
        return None;
    }
    let length = date_length(text).min(text.len());
    let date = parse_iso_date(&text[..length])?;
    match &text[length..] {
        [] => Some((date, None)),
        [_, time @ ..] => Some((date, Some(parse_iso_time(time)?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinals_both_ways() {
        let mut date = Date { year: 1, month: 1, day: 1 };
        for ordinal in 1..=MAX_ORDINAL {
            assert_eq!(Date::from_ordinal(ordinal), date);
            if ordinal % 37 == 0 {
                assert_eq!(date.to_ordinal(), ordinal);
            }
            date.day += 1;
            if date.day > days_in_month(date.year, date.month) {
                (date.day, date.month) = (1, date.month + 1);
            }
            if date.month > 12 {
                (date.month, date.year) = (1, date.year + 1);
            }
        }
        assert_eq!(date.year, MAX_YEAR + 1);
    }
}
