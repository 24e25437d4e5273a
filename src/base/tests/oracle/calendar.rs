//! Dates, ISO texts and suggestions against `calendar.tsv`.

use taipan_base::calendar::{self, Date, IsoTime};
use taipan_base::suggest;

use crate::fixture::{Row, check};

fn date_text(date: Date) -> String {
    format!("{} {} {}", date.year, date.month, date.day)
}

fn time_text(time: IsoTime) -> String {
    let offset = time
        .offset
        .map_or("None".into(), |(seconds, micros)| (i64::from(seconds) * 1_000_000 + i64::from(micros)).to_string());
    format!("{} {} {} {} {offset}", time.hour, time.minute, time.second, time.microsecond)
}

fn in_range(date: Date) -> bool {
    (1..=9999).contains(&date.year)
        && (1..=12).contains(&date.month)
        && (1..=calendar::days_in_month(date.year, date.month)).contains(&date.day)
}

fn answer(row: &Row) -> String {
    let date = || Date { year: row.parse(0), month: row.parse(1), day: row.parse(2) };
    let bytes = |index: usize| row.fields[index].as_bytes();
    match row.operation.as_str() {
        "ordinal" => date().to_ordinal().to_string(),
        "weekday" => date().weekday().to_string(),
        "isocalendar" => {
            let (year, week, day) = date().iso_calendar();
            format!("{year} {week} {day}")
        }
        "date" => match calendar::parse_iso_date(bytes(0)) {
            Some(date) if in_range(date) => date_text(date),
            Some(_) => "range".into(),
            None => "invalid".into(),
        },
        "time" => calendar::parse_iso_time(bytes(0)).map_or("invalid".into(), time_text),
        "datetime" => match calendar::parse_iso_datetime(bytes(0)) {
            Some((date, time)) if in_range(date) => {
                format!("{} {}", date_text(date), time_text(time.unwrap_or_default()))
            }
            Some(_) => "range".into(),
            None => "invalid".into(),
        },
        "suggest" => {
            let candidates: Vec<&[u8]> = row.fields[1].split(',').map(str::as_bytes).collect();
            let found = suggest::nearest(bytes(0), candidates.iter().copied());
            found.map_or("None".into(), |index| String::from_utf8_lossy(candidates[index]).into_owned())
        }
        other => panic!("unknown operation {other}"),
    }
}

#[test]
fn recorded() {
    check("calendar", answer);
}
