//! Dates as deliveries write them → ISO text. Only forms that can be read in one way are taken unasked; all
//! others need the manifest's `date = […]`. No time-zone arithmetic: a time without an offset is Beijing time.

/// A date format of a manifest: `%Y %m %d %H %M %S`, literals, or `excel`.
#[derive(Debug, Clone, PartialEq)]
pub struct DateFormat(Vec<Part>);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Literal(char),
    /// Days since 1899-12-30, with a fraction for the time of day (dropped).
    Excel,
}

impl DateFormat {
    pub fn parse(text: &str) -> Result<DateFormat, String> {
        if text == "excel" {
            return Ok(DateFormat(vec![Part::Excel]));
        }
        let mut parts = vec![];
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            let part = match (c, c == '%') {
                (_, false) => Part::Literal(c),
                _ => match chars.next() {
                    Some('Y') => Part::Year,
                    Some('m') => Part::Month,
                    Some('d') => Part::Day,
                    Some('H') => Part::Hour,
                    Some('M') => Part::Minute,
                    Some('S') => Part::Second,
                    _ => return Err(format!("date `{text}`: expected %Y %m %d %H %M %S, literals, or `excel`")),
                },
            };
            parts.push(part);
        }
        match parts.contains(&Part::Year) {
            true => Ok(DateFormat(parts)),
            false => Err(format!("date `{text}` has no %Y")),
        }
    }

    /// ISO text (`2021-05-01` or `2021-05-01T08:30:00+08:00`), none when the text does not fit the format.
    pub fn read(&self, text: &str) -> Option<String> {
        if self.0.first() == Some(&Part::Excel) {
            return excel(text);
        }
        // A month or day that the format does not have is the first: `%Y` alone is declared, not guessed.
        let (mut date, mut time) = ([0, 1, 1], [0, 0, 0]);
        let mut rest = text;
        for (i, part) in self.0.iter().enumerate() {
            // Between two numbers without a literal the first takes its full width, else up to it.
            let tight = !matches!(self.0.get(i + 1), None | Some(Part::Literal(_)));
            let mut number = |slot: &mut u32, width: usize| {
                let digits = rest.chars().take(width).take_while(char::is_ascii_digit).count();
                let wanted = if tight || width == 4 { digits == width } else { digits > 0 };
                *slot = rest[..digits].parse().ok().filter(|_| wanted)?;
                rest = &rest[digits..];
                Some(())
            };
            match part {
                Part::Year => number(&mut date[0], 4)?,
                Part::Month => number(&mut date[1], 2)?,
                Part::Day => number(&mut date[2], 2)?,
                Part::Hour => number(&mut time[0], 2)?,
                Part::Minute => number(&mut time[1], 2)?,
                Part::Second => number(&mut time[2], 2)?,
                Part::Literal(c) => rest = rest.strip_prefix(*c)?,
                Part::Excel => return None,
            }
        }
        rest.is_empty().then(|| iso(date, time, None)).flatten()
    }
}

/// The forms that can be read in one way: year first, then month and day; optionally a time and an offset.
pub fn read_date(text: &str) -> Option<String> {
    let at = text.find(['T', ' ']).unwrap_or(text.len());
    let (day, clock) = text.split_at(at);
    let day = day.strip_suffix('日').unwrap_or(day);
    let date = match (day.len(), digits(day)) {
        (8, Some(n)) => [n / 10_000, n / 100 % 100, n % 100],
        _ => three_numbers(day).filter(|_| day.get(..4).and_then(digits).is_some())?,
    };
    let clock = clock.trim_start_matches(['T', ' ']).trim();
    if clock.is_empty() {
        return iso(date, [0, 0, 0], None);
    }
    let zone_at = clock.find(['+', '-', 'Z']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(zone_at);
    let clock = clock.split('.').next().unwrap_or_default();
    let mut time: Vec<u32> = clock.split(':').map(digits).collect::<Option<_>>()?;
    time.resize(time.len().max(3), 0);
    let zone = match zone.trim_start_matches(['+', '-']) {
        "" => None,
        "Z" => Some("Z".to_string()),
        hours if hours.len() == 2 => Some(format!("{zone}:00")),
        hours if hours.len() == 4 && digits(hours).is_some() => Some(format!("{}:{}", &zone[..3], &zone[3..])),
        hours if hours.len() == 5 && hours.as_bytes()[2] == b':' => Some(zone.to_string()),
        _ => return None,
    };
    iso(date, time.try_into().ok()?, zone)
}

/// What DBF and spreadsheets write for "no date": zeros, and day zero of the spreadsheet's calendar.
pub fn means_no_date(text: &str) -> bool {
    let digits = || text.chars().filter(|c| !matches!(c, '-' | '/' | '.'));
    digits().next().is_some() && (digits().all(|c| c == '0') || digits().take(8).eq("18991230".chars()))
}

/// Year, month and day with something between them.
fn three_numbers(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split(['-', '/', '.', '年', '月']).map(digits);
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn iso([y, m, d]: [u32; 3], [h, min, s]: [u32; 3], zone: Option<String>) -> Option<String> {
    let leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
    let days = [31, 28 + u32::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let real = (1..=9999).contains(&y) && (1..=12).contains(&m) && d >= 1 && d <= days[m as usize - 1];
    if !real || h > 23 || min > 59 || s > 60 {
        return None;
    }
    let mut text = String::with_capacity("2021-05-01T08:30:00+08:00".len());
    for (number, digits, before) in [(y, 4, ""), (m, 2, "-"), (d, 2, "-")] {
        push_number(&mut text, before, number, digits);
    }
    if let ([0, 0, 0], None) = ([h, min, s], &zone) {
        return Some(text);
    }
    for (number, before) in [(h, "T"), (min, ":"), (s, ":")] {
        push_number(&mut text, before, number, 2);
    }
    text.push_str(zone.as_deref().unwrap_or("+08:00"));
    Some(text)
}

/// Appends a number of so many digits: what `{:02}` does, which takes most of the time of a city's dates.
fn push_number(text: &mut String, before: &str, number: u32, digits: u32) {
    text.push_str(before);
    for place in (0..digits).rev() {
        text.push(char::from(b'0' + (number / 10u32.pow(place) % 10) as u8));
    }
}

/// Howard Hinnant's `civil_from_days`, shifted to the spreadsheet's day 0 (1899-12-30).
fn excel(text: &str) -> Option<String> {
    let serial: f64 = text.parse().ok()?;
    // Day 60 is the spreadsheet's 1900-02-29, which never was; before it every day is one off.
    if !(61.0..2_958_466.0).contains(&serial) {
        return None;
    }
    let days = serial.floor() as u32 + 719_468 - 25_569;
    let era = days / 146_097;
    let in_era = days % 146_097;
    let year_of_era = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u32::from(month <= 2);
    iso([year, month, day], [0, 0, 0], None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_read_in_one_way() {
        for (text, expected) in [
            ("2021-05-01", Some("2021-05-01")),
            ("20210501", Some("2021-05-01")),
            ("2021.5.1", Some("2021-05-01")),
            ("2021/5/01", Some("2021-05-01")),
            ("2021年5月1日", Some("2021-05-01")),
            ("2021-05-01T00:00:00", Some("2021-05-01")),
            ("2021/05/01 08:30", Some("2021-05-01T08:30:00+08:00")),
            ("2021/05/01 08:30:15.250", Some("2021-05-01T08:30:15+08:00")),
            ("2021-05-01T08:30:15Z", Some("2021-05-01T08:30:15Z")),
            ("2021-05-01T08:30:15+00", Some("2021-05-01T08:30:15+00:00")),
            ("2021-05-01T08:30:15+0530", Some("2021-05-01T08:30:15+05:30")),
            ("2020-02-29", Some("2020-02-29")),
            ("2021-02-29", None),
            ("2021-13-01", None),
            ("1/5/2021", None),
            ("05/01/21", None),
            ("45123", None),
            ("2021", None),
            ("202105", None),
            ("二〇二一年五月", None),
            ("2021-05-01T25:00:00", None),
            ("", None),
        ] {
            assert_eq!(read_date(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn declared_formats() {
        for (format, text, expected) in [
            ("%Y%m%d", "20210501", Some("2021-05-01")),
            ("%Y%m%d", "2021501", None),
            ("%d/%m/%Y", "1/5/2021", Some("2021-05-01")),
            ("%m/%d/%Y", "13/5/2021", None),
            ("%Y", "1987", Some("1987-01-01")),
            ("%Y", "19870", None),
            ("%Y年%m月", "1987年3月", Some("1987-03-01")),
            ("%Y%m%d%H%M%S", "20210501083000", Some("2021-05-01T08:30:00+08:00")),
            ("excel", "45123", Some("2023-07-16")),
            ("excel", "61", Some("1900-03-01")),
            ("excel", "36585.75", Some("2000-02-29")),
            ("excel", "12", None),
            ("excel", "2021.5.1", None),
        ] {
            assert_eq!(DateFormat::parse(format).unwrap().read(text).as_deref(), expected, "{format} {text}");
        }
        for wrong in ["%d.%m", "%y-%m", "%Y-%", ""] {
            assert!(DateFormat::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn placeholders_are_no_dates() {
        for text in ["00000000", "0000-00-00", "18991230", "1899-12-30", "1899/12/30 00:00:00", "0"] {
            assert!(means_no_date(text), "{text}");
        }
        for text in ["19000101", "2021-05-01", ""] {
            assert!(!means_no_date(text), "{text}");
        }
    }
}
