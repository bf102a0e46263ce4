//! Instants and the half-open spans in which records hold. A moment is given with its zone, or is local time of
//! China (+08:00, the whole country's).

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike};
use serde::{Serialize, Serializer};
use std::time::{SystemTime, UNIX_EPOCH};

const CHINA: FixedOffset = FixedOffset::east_opt(8 * 3600).unwrap();
const MINUTES_A_DAY: u32 = 24 * 60;

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub i64);

impl Instant {
    pub fn now() -> Instant {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Instant(since.as_secs() as i64)
    }

    /// RFC 3339 (`2026-11-21T08:30:00+08:00`), the same without a zone (then +08:00), or a day (its beginning).
    pub fn parse(text: &str) -> Option<Instant> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Some(Instant(at.timestamp()));
        }
        let local = match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(day) => day.and_time(NaiveTime::MIN),
            Err(_) => ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M"]
                .iter()
                .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?,
        };
        let at = local.and_local_timezone(CHINA).single()?;
        Some(Instant(at.timestamp()))
    }

    fn local(self) -> Option<DateTime<FixedOffset>> {
        Some(DateTime::from_timestamp(self.0, 0)?.with_timezone(&CHINA))
    }

    /// Day of the week (0 = Monday) and minute of the day, local time.
    pub fn week_minute(self) -> (u8, u16) {
        let Some(at) = self.local() else { return (0, 0) };
        (at.weekday().num_days_from_monday() as u8, ((at.hour() * 60 + at.minute()) % MINUTES_A_DAY) as u16)
    }

    /// RFC 3339 with +08:00.
    pub fn to_text(self) -> String {
        self.local().map(|at| at.format("%Y-%m-%dT%H:%M:%S%:z").to_string()).unwrap_or_default()
    }

    pub fn plus_seconds(self, seconds: i64) -> Instant {
        Instant(self.0.saturating_add(TimeDelta::seconds(seconds).num_seconds()))
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.to_text())
    }
}

/// `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: Instant,
    pub to: Instant,
}

impl Span {
    pub const ALWAYS: Span = Span { from: Instant(i64::MIN), to: Instant(i64::MAX) };

    /// From two texts as `Instant::parse` reads them; missing or empty ones are open ends.
    pub fn parse(from: Option<&str>, to: Option<&str>) -> Option<Span> {
        let end = |text: Option<&str>, open| match text {
            None | Some("") => Some(open),
            Some(text) => Instant::parse(text),
        };
        Some(Span { from: end(from, Span::ALWAYS.from)?, to: end(to, Span::ALWAYS.to)? })
    }

    #[inline]
    pub fn holds(&self, at: Instant) -> bool {
        self.from <= at && at < self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_in_every_spelling() {
        let at = Instant(1_795_221_000);
        for text in ["2026-11-21T08:30:00+08:00", "2026-11-21T00:30:00Z", "2026-11-21T08:30:00", "2026-11-21 08:30:00"]
        {
            assert_eq!(Instant::parse(text), Some(at), "{text}");
        }
        assert_eq!(Instant::parse("2026-11-21"), Some(at.plus_seconds(-(8 * 3600 + 1800))));
        assert_eq!(at.to_text(), "2026-11-21T08:30:00+08:00");
        assert_eq!(at.week_minute(), (5, 510));
        for text in ["", "21.11.2026", "2026-02-30", "2026-11-21T25:00:00", "now"] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }

    #[test]
    fn spans_are_half_open() {
        let span = Span::parse(Some("2026-01-01"), Some("2027-01-01")).unwrap();
        let at = |t| Instant::parse(t).unwrap();
        assert!(span.holds(at("2026-01-01")) && span.holds(at("2026-12-31T23:59:59")));
        assert!(!span.holds(at("2025-12-31T23:59:59")) && !span.holds(at("2027-01-01")));
        assert!(Span::parse(None, Some("")).unwrap() == Span::ALWAYS && Span::parse(Some("soon"), None).is_none());
    }
}
