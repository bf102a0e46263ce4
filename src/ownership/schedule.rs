//! Weekly schedules of duties: when a night market's area or a weekend's crew is responsible. A subset of the
//! OpenStreetMap opening hours: `Mo-Fr 08:00-18:00; Sa,Su 20:00-02:00`, `20:00-02:00` (every day). A time past
//! midnight belongs to the day it began on. Local time, no holidays.

use super::instant::Instant;

const DAYS: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];
const DAY_MINUTES: u16 = 24 * 60;
const WEEK_MINUTES: u16 = 7 * DAY_MINUTES;

/// Minutes of the week (0 = Monday 00:00), `[from, to)`, sorted by nothing in particular.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schedule {
    spans: Vec<(u16, u16)>,
}

impl Schedule {
    /// The text's meaning, or what is wrong with it.
    pub fn parse(text: &str) -> Result<Schedule, String> {
        let mut spans = vec![];
        for rule in text.split(';').map(str::trim).filter(|r| !r.is_empty()) {
            let (days, times) = match rule.split_once(' ') {
                Some((days, times)) => (days_of(days)?, times.trim()),
                None => ((0..7).collect(), rule),
            };
            for time in times.split(',') {
                let (from, to) = span_of(time.trim())?;
                spans.extend(days.iter().flat_map(|day| within_week(day * DAY_MINUTES + from, day * DAY_MINUTES + to)));
            }
        }
        match spans.is_empty() {
            true => Err("it names no time; write it like \"Mo-Fr 08:00-18:00; Sa,Su 20:00-02:00\"".to_string()),
            false => Ok(Schedule { spans }),
        }
    }

    pub fn holds(&self, at: Instant) -> bool {
        let (day, minute) = at.week_minute();
        let minute = u16::from(day) * DAY_MINUTES + minute;
        self.spans.iter().any(|&(from, to)| (from..to).contains(&minute))
    }
}

/// A span that runs past the end of Sunday goes on on Monday.
fn within_week(from: u16, to: u16) -> impl Iterator<Item = (u16, u16)> {
    let rest = to.saturating_sub(WEEK_MINUTES);
    [(from, to.min(WEEK_MINUTES)), (0, rest)].into_iter().filter(|(from, to)| from < to)
}

fn days_of(text: &str) -> Result<Vec<u16>, String> {
    let day = |name: &str| {
        let found = DAYS.iter().position(|d| *d == name).map(|d| d as u16);
        found.ok_or_else(|| format!("{name:?} is no day; days are {}", DAYS.join(" ")))
    };
    let mut days = vec![];
    for part in text.split(',') {
        match part.split_once('-') {
            Some((from, to)) => {
                let (from, to) = (day(from)?, day(to)?);
                days.extend((0..7).map(|i| (from + i) % 7).take(((to + 7 - from) % 7 + 1) as usize));
            }
            None => days.push(day(part)?),
        }
    }
    Ok(days)
}

/// Minutes from the day's beginning; the end is after the beginning, past midnight if need be.
fn span_of(text: &str) -> Result<(u16, u16), String> {
    let bad = || format!("{text:?} is no time of the day; write it like 20:00-02:00");
    let minute = |time: &str| {
        let (hours, minutes) = time.split_once(':')?;
        let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
        (hours <= 24 && minutes < 60 && hours * 60 + minutes <= DAY_MINUTES).then_some(hours * 60 + minutes)
    };
    let (from, to) = text.split_once('-').ok_or_else(bad)?;
    let (from, to) = (minute(from).ok_or_else(bad)?, minute(to).ok_or_else(bad)?);
    Ok((from, if to <= from { to + DAY_MINUTES } else { to }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_hold_when_they_say() {
        // 2026-11-16 is a Monday.
        let at = |t: &str| Instant::parse(t).unwrap();
        let cases = [
            ("20:00-02:00", "2026-11-18T21:00", true),
            ("20:00-02:00", "2026-11-18T01:59", true),
            ("20:00-02:00", "2026-11-18T02:00", false),
            ("Mo-Fr 08:00-18:00", "2026-11-20T17:59", true),
            ("Mo-Fr 08:00-18:00", "2026-11-21T10:00", false),
            ("Sa,Su 00:00-24:00", "2026-11-22T23:59", true),
            ("Su 22:00-03:00", "2026-11-23T02:30", true),
            ("Su 22:00-03:00", "2026-11-22T02:30", false),
            ("Fr-Mo 10:00-11:00, 12:00-13:00", "2026-11-16T12:30", true),
            ("Fr-Mo 10:00-11:00, 12:00-13:00", "2026-11-17T12:30", false),
            ("Mo 08:00-09:00; Tu 10:00-11:00", "2026-11-17T10:00", true),
        ];
        for (text, when, want) in cases {
            assert_eq!(Schedule::parse(text).unwrap().holds(at(when)), want, "{text} {when}");
        }
    }

    #[test]
    fn wrong_ones_are_named() {
        for (text, word) in
            [("", "no time"), ("Xx 08:00-09:00", "no day"), ("Mo 8-9", "no time of the day"), ("25:00-26:00", "time")]
        {
            let error = Schedule::parse(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
