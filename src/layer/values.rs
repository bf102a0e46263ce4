//! Whether a value is one a field may hold: by type, by an enum's list, by a date's spelling. Says so in words
//! for people; converts nothing.

use super::{Field, FieldType};

impl Field {
    /// Checks a JSON value: null always fits; an integer fits a float field.
    ///
    /// # Errors
    /// What is wrong, without the field's name.
    pub fn check(&self, value: &serde_json::Value) -> Result<(), String> {
        use serde_json::Value;
        match value {
            Value::Null => Ok(()),
            Value::Bool(_) => self.check_bool(),
            Value::Number(n) if n.is_i64() => self.check_int(),
            Value::Number(n) => self.check_float(n.as_f64().unwrap_or(f64::NAN)),
            Value::String(s) => self.check_text(s),
            Value::Array(_) | Value::Object(_) => Err(self.expected("a list or table")),
        }
    }

    pub fn check_bool(&self) -> Result<(), String> {
        match self.kind {
            FieldType::Bool => Ok(()),
            _ => Err(self.expected("true or false")),
        }
    }

    pub fn check_int(&self) -> Result<(), String> {
        match self.kind {
            FieldType::Int | FieldType::Float => Ok(()),
            _ => Err(self.expected("a number")),
        }
    }

    pub fn check_float(&self, value: f64) -> Result<(), String> {
        match self.kind {
            FieldType::Float if value.is_finite() => Ok(()),
            FieldType::Float => Err("is not a finite number".into()),
            FieldType::Int => Err(self.expected("a number with a fraction, or one beyond 64 bits")),
            _ => Err(self.expected("a number")),
        }
    }

    pub fn check_text(&self, value: &str) -> Result<(), String> {
        match self.kind {
            FieldType::Text => Ok(()),
            FieldType::Enum if self.values.iter().any(|v| v == value) => Ok(()),
            FieldType::Enum => Err(format!("\"{value}\" is none of {}", self.values.join(", "))),
            FieldType::Date if is_date(value) => Ok(()),
            FieldType::Date => Err(format!("\"{value}\" is no date; write 2026-11-21 or 2026-11-21T08:15:00+08:00")),
            _ => Err(self.expected("a text")),
        }
    }

    fn expected(&self, got: &str) -> String {
        let wanted = match self.kind {
            FieldType::Text => "a text",
            FieldType::Int => "a whole number",
            FieldType::Float => "a number",
            FieldType::Bool => "true or false",
            FieldType::Date => "a date as text",
            FieldType::Enum => "one of its values as text",
        };
        format!("is {got}, the field holds {wanted}")
    }
}

impl FieldType {
    pub fn is_number(self) -> bool {
        matches!(self, FieldType::Int | FieldType::Float)
    }
}

/// `YYYY-MM-DD`, or RFC 3339 with its offset (a time without one is nobody's time).
pub fn is_date(text: &str) -> bool {
    let b = text.as_bytes();
    let Some(date) = text.get(..10) else { return false };
    if !is_day(date) {
        return false;
    }
    match b.get(10) {
        None => true,
        Some(b'T' | b't' | b' ') => text.get(11..).is_some_and(is_time_with_offset),
        Some(_) => false,
    }
}

fn is_day(date: &str) -> bool {
    let b = date.as_bytes();
    if b[4] != b'-' || b[7] != b'-' {
        return false;
    }
    let (Some(year), Some(month), Some(day)) = (number(&date[..4]), number(&date[5..7]), number(&date[8..])) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn is_time_with_offset(time: &str) -> bool {
    let clock = |t: &str, seconds: bool| {
        let parts: Vec<_> = t.split(':').collect();
        let fits = |i: usize, below: u32| parts.get(i).is_some_and(|p| p.len() == 2 && number(p) < Some(below));
        parts.len() == 2 + usize::from(seconds)
            && parts.iter().all(|p| number(p).is_some())
            && fits(0, 24)
            && fits(1, 60)
            && (!seconds || fits(2, 61))
    };
    let Some(end) = time.find(['Z', 'z', '+', '-']) else { return false };
    let (before, offset) = time.split_at(end);
    let (whole, fraction) = before.split_once('.').unwrap_or((before, "0"));
    let offset_ok = matches!(offset, "Z" | "z") || clock(&offset[1..], false);
    clock(whole, true) && number(fraction).is_some() && offset_ok
}

/// Digits alone, at least one.
fn number(digits: &str) -> Option<u32> {
    let all = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    all.then(|| digits.bytes().take(9).fold(0, |n, b| n * 10 + u32::from(b - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn dates_are_days_or_instants() {
        let good = ["2026-11-21", "2024-02-29", "2000-02-29", "2026-11-21T08:15:00+08:00", "2026-11-21T00:15:00.123Z"];
        let bad = [
            "",
            "2026",
            "2026-13-01",
            "2026-02-29",
            "1900-02-29",
            "2026-11-31",
            "2026-00-10",
            "2026-11-00",
            "2026/11/21",
            "20261121",
            "2026-11-21T",
            "2026-11-21T08:15:00",
            "2026-11-21T24:00:00Z",
            "2026-11-21T08:15+08:00",
            "2026-11-21T08:15:00+8",
            "2026-11-21T08:15:00.Z",
            "2026-1१-21",
            "二〇二六年",
            "2026-11-21x",
            "+026-11-21",
        ];
        for d in good {
            assert!(is_date(d), "{d}");
        }
        for d in bad {
            assert!(!is_date(d), "{d}");
        }
    }

    fn field(kind: &str) -> Field {
        serde_json::from_value(json!({"name": "f", "type": kind, "zh": "值", "values": ["完好", "破损"]})).unwrap()
    }

    #[test]
    fn a_value_fits_its_type_alone() {
        let values = [
            json!("完好"),
            json!("其他"),
            json!("2026-11-21"),
            json!(3),
            json!(3.5),
            json!(true),
            json!([1]),
            json!({}),
            json!(null),
        ];
        let table = [
            ("text", [1, 1, 1, 0, 0, 0, 0, 0, 1]),
            ("enum", [1, 0, 0, 0, 0, 0, 0, 0, 1]),
            ("date", [0, 0, 1, 0, 0, 0, 0, 0, 1]),
            ("int", [0, 0, 0, 1, 0, 0, 0, 0, 1]),
            ("float", [0, 0, 0, 1, 1, 0, 0, 0, 1]),
            ("bool", [0, 0, 0, 0, 0, 1, 0, 0, 1]),
        ];
        for (kind, fits) in table {
            for (value, fit) in values.iter().zip(fits) {
                assert_eq!(field(kind).check(value).is_ok(), fit == 1, "{kind} {value}");
            }
        }
        assert!(field("float").check_float(f64::NAN).is_err());
        assert!(field("int").check(&json!(u64::MAX)).is_err());
    }
}
