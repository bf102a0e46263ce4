//! One raw value → one typed value of a field, or why not. A bad value is never turned into null; only what the
//! format or the manifest calls "no value" is.

use super::dates::{DateFormat, means_no_date, read_date};
use super::manifest::{FieldRule, Scalar};
use super::wire::Raw;
use crate::feature::{FeatureId, Value};
use crate::layer::{Field, FieldRole, FieldType};
use std::borrow::Cow;
use std::collections::HashMap;

/// Why a value is refused.
#[derive(Debug, Clone, PartialEq)]
pub enum Bad {
    /// Bytes that are not text in the file's encoding: `broken-text`.
    Text,
    /// `bad-value`: the value, shortened, and what is wrong with it.
    Value { sample: String, what: String },
}

/// How the values of one field come about: the layer's field and the manifest's rule, compiled once.
#[derive(Debug, Clone)]
pub struct Conversion {
    kind: FieldType,
    allowed: Vec<String>,
    /// A code: full-width letters become plain ones, digits lost in a spreadsheet are refused.
    code: bool,
    null: Vec<String>,
    map: HashMap<String, String>,
    other: Option<String>,
    scale: Option<(f64, f64)>,
    dates: Vec<DateFormat>,
    pad: usize,
}

impl Conversion {
    /// `rule` has been checked: its date formats parse.
    pub fn new(field: &Field, rule: &FieldRule) -> Conversion {
        let scaled = rule.scale.is_some() || rule.offset.is_some();
        Conversion {
            kind: field.kind,
            allowed: field.values.clone(),
            code: field.key || field.role == Some(FieldRole::ClassCode) || rule.pad.is_some(),
            null: rule.null.iter().map(Scalar::to_string).collect(),
            map: rule.map.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            other: rule.other.clone(),
            scale: scaled.then(|| (rule.scale.unwrap_or(1.0), rule.offset.unwrap_or(0.0))),
            dates: rule.date.iter().flat_map(|d| d.iter()).filter_map(|t| DateFormat::parse(t).ok()).collect(),
            pad: rule.pad.unwrap_or(0),
        }
    }

    /// The typed value. `repaired` is told what was set right without loss.
    pub fn apply(&self, raw: &Raw, repaired: &mut dyn FnMut(&'static str)) -> Result<Value, Bad> {
        let plain = self.null.is_empty() && self.map.is_empty() && self.other.is_none() && self.scale.is_none();
        match (raw, self.kind) {
            (Raw::Null, _) => return Ok(Value::Null),
            (Raw::Int(v), FieldType::Int) if plain => return Ok(Value::Int(*v)),
            (Raw::Float(v), FieldType::Float) if plain && v.is_finite() => return Ok(Value::Float(*v)),
            _ => {}
        }
        let Some(text) = plain_text(raw)? else { return Ok(Value::Null) };
        if self.null.iter().any(|n| *n == text) {
            return Ok(Value::Null);
        }
        let text = match self.map.get(text.as_ref()).or(self.other.as_ref()) {
            Some(mapped) => Cow::Borrowed(mapped.as_str()),
            None => text,
        };
        // What the container itself types as a date needs no declared format.
        let dates = if matches!(raw, Raw::Date(_)) { &[][..] } else { &self.dates };
        self.typed(text, dates, repaired)
    }

    /// The value of a text that is taken as it stands, moved out; none of what has to be converted. Most values of a city
    /// are such texts, and copying them is what mapping would mostly do.
    pub fn moved(&self, raw: &mut Raw) -> Option<Value> {
        let Raw::Text(text) = raw else { return None };
        let plain = self.null.is_empty() && self.map.is_empty() && self.other.is_none();
        let kept = match self.kind {
            FieldType::Text => !self.code && !text.is_empty() && trimmed(text).len() == text.len(),
            FieldType::Enum => self.allowed.contains(text),
            _ => false,
        };
        (plain && kept).then(|| Value::Text(std::mem::take(text)))
    }

    fn typed(
        &self,
        text: Cow<'_, str>,
        dates: &[DateFormat],
        repaired: &mut dyn FnMut(&'static str),
    ) -> Result<Value, Bad> {
        match self.kind {
            FieldType::Text if self.code => {
                let code = as_code(&text, self.pad)?;
                if code != text {
                    repaired("code-normalised");
                }
                Ok(Value::Text(code))
            }
            FieldType::Text => Ok(Value::Text(text.into_owned())),
            FieldType::Enum => self.one_of_allowed(&text),
            FieldType::Int | FieldType::Float => self.number(&text),
            FieldType::Bool => truth(&narrow(&text)).map(Value::Bool).ok_or_else(|| bad(&text, "is not yes or no")),
            FieldType::Date => date(&text, dates, repaired),
        }
    }

    fn one_of_allowed(&self, text: &str) -> Result<Value, Bad> {
        let narrowed = narrow(text);
        match self.allowed.iter().find(|v| *v == text || **v == narrowed) {
            Some(v) => Ok(Value::Text(v.clone())),
            None => Err(bad(text, &format!("is none of {}", list(&self.allowed)))),
        }
    }

    fn number(&self, text: &str) -> Result<Value, Bad> {
        let narrowed = narrow(text);
        if self.kind == FieldType::Int
            && self.scale.is_none()
            && let Ok(v) = narrowed.parse::<i64>()
        {
            return Ok(Value::Int(v));
        }
        let v = number(&narrowed).map_err(|what| bad(text, what))?;
        let v = match self.scale {
            // Twelve digits: 57 cm × 0.01 is 0.57 m, not 0.5700000000000001.
            Some((scale, offset)) => format!("{:.11e}", v * scale + offset).parse().unwrap_or(v),
            None => v,
        };
        match self.kind {
            FieldType::Int if v.fract() != 0.0 || v.abs() > FeatureId::MAX as f64 => {
                Err(bad(text, "is not an integer"))
            }
            FieldType::Int => Ok(Value::Int(v as i64)),
            _ if !v.is_finite() => Err(bad(text, "is too large")),
            _ => Ok(Value::Float(v)),
        }
    }
}

/// A constant of a manifest as a value of this field.
pub fn convert_text(text: &str, field: &Field) -> Result<Value, String> {
    let conversion = Conversion::new(field, &FieldRule::default());
    conversion.apply(&Raw::Text(text.to_string()), &mut |_| {}).map_err(|bad| match bad {
        Bad::Text => "is broken text".to_string(),
        Bad::Value { what, .. } => what,
    })
}

/// A raw value as text without blanks around it; none when nothing is left. Integers have no `.0`.
pub fn plain_text(raw: &Raw) -> Result<Option<Cow<'_, str>>, Bad> {
    let text = match raw {
        Raw::Null => return Ok(None),
        Raw::Broken(_) => return Err(Bad::Text),
        Raw::Text(t) | Raw::Date(t) => Cow::Borrowed(trimmed(t)),
        Raw::Bool(b) => Cow::Borrowed(if *b { "true" } else { "false" }),
        Raw::Int(v) => Cow::Owned(v.to_string()),
        Raw::Float(v) if !v.is_finite() => return Err(bad(&v.to_string(), "is not a number")),
        Raw::Float(v) if v.fract() == 0.0 && v.abs() <= FeatureId::MAX as f64 => Cow::Owned((*v as i64).to_string()),
        Raw::Float(v) => Cow::Owned(v.to_string()),
    };
    Ok((!text.is_empty()).then_some(text))
}

/// A raw value as a key or class code: plain-width characters, leading zeros restored to `pad` digits.
pub fn code_text(raw: &Raw, pad: usize) -> Result<Option<String>, Bad> {
    if let Raw::Float(v) = raw
        && v.abs() > FeatureId::MAX as f64
    {
        let what = "came through a 53-bit number: its last digits are lost; deliver the column as text";
        return Err(bad(&v.to_string(), what));
    }
    plain_text(raw)?.map(|t| as_code(&t, pad)).transpose()
}

fn as_code(text: &str, pad: usize) -> Result<String, Bad> {
    let code = narrow(text);
    let code = code.trim();
    if let Some((digits, power)) = code.split_once(['E', 'e'])
        && (digits.contains('.') || power.starts_with('+'))
        && number(code).is_ok()
    {
        return Err(bad(text, "was shortened by a spreadsheet: its last digits are lost; deliver the column as text"));
    }
    let digits_only = code.bytes().all(|b| b.is_ascii_digit());
    Ok(if digits_only && code.len() < pad { format!("{code:0>pad$}") } else { code.to_string() })
}

/// Without the blanks around it; most texts have none, and show it by their first and last byte.
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim_matches(blank),
    }
}

fn blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\0')
}

/// Full-width letters, digits and signs (U+FF01 – U+FF5E) and the ideographic space as their plain forms.
pub fn narrow(text: &str) -> Cow<'_, str> {
    let wide = |c: char| matches!(c, '\u{ff01}'..='\u{ff5e}' | '\u{3000}');
    if !text.contains(wide) {
        return Cow::Borrowed(text);
    }
    let plain = |c: char| match c {
        '\u{3000}' => ' ',
        c if wide(c) => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    };
    Cow::Owned(text.chars().map(plain).collect())
}

fn number(text: &str) -> Result<f64, &'static str> {
    if text.starts_with('*') {
        return Err("is the mark of a number too large for its column");
    }
    if text.contains(',') {
        return Err("has a comma: thousands or decimals? deliver plain numbers");
    }
    // `inf`, `nan` and hexadecimal are no measurements.
    let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    match text.parse::<f64>() {
        Ok(v) if plain && v.is_finite() => Ok(v),
        _ => Err("is not a number"),
    }
}

/// In the first declared format that fits; without any, in the forms that read in one way.
fn date(text: &str, formats: &[DateFormat], repaired: &mut dyn FnMut(&'static str)) -> Result<Value, Bad> {
    let plain = narrow(text);
    if means_no_date(&plain) {
        repaired("null-date");
        return Ok(Value::Null);
    }
    let (read, what) = if formats.is_empty() {
        (read_date(&plain), "is not a date that reads in one way; declare date = [\"%d/%m/%Y\", …]")
    } else {
        (formats.iter().find_map(|f| f.read(&plain)), "fits none of the declared date formats")
    };
    read.map(Value::Text).ok_or_else(|| bad(text, what))
}

pub fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "1" | "是" | "有" => Some(true),
        "false" | "f" | "no" | "n" | "0" | "否" | "无" => Some(false),
        _ => None,
    }
}

fn bad(text: &str, what: &str) -> Bad {
    Bad::Value { sample: sample(text), what: what.to_string() }
}

/// At most 40 characters, control characters shown as a space.
pub fn sample(text: &str) -> String {
    let shown = |c: char| if c.is_control() { ' ' } else { c };
    let cut = text.chars().nth(40).map_or("", |_| "…");
    text.chars().take(40).map(shown).collect::<String>() + cut
}

fn list(values: &[String]) -> String {
    let more = if values.len() > 6 { ", …" } else { "" };
    values.iter().take(6).map(String::as_str).collect::<Vec<_>>().join(", ") + more
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(kind: &str, extra: &str) -> Field {
        toml::from_str(&format!("name = \"f\"\ntype = \"{kind}\"\nzh = \"字段\"\n{extra}")).unwrap()
    }

    fn apply(kind: &str, extra: &str, rule: &str, raw: Raw) -> Result<Value, Bad> {
        let rule: FieldRule = toml::from_str(rule).unwrap();
        Conversion::new(&field(kind, extra), &rule).apply(&raw, &mut |_| {})
    }

    fn text(t: &str) -> Raw {
        Raw::Text(t.to_string())
    }

    fn ok_text(t: &str) -> Result<Value, Bad> {
        Ok(Value::Text(t.to_string()))
    }

    #[test]
    fn values_take_their_fields_type() {
        let states = "values = [\"完好\", \"破损\"]";
        for (kind, extra, rule, raw, expected) in [
            ("text", "", "", text(" 解放路\u{3000}"), ok_text("解放路")),
            ("text", "", "", text("　"), Ok(Value::Null)),
            ("text", "", "", Raw::Float(4_102_020_118_000_001.0), ok_text("4102020118000001")),
            ("text", "", "", Raw::Float(1.5), ok_text("1.5")),
            ("text", "", "", Raw::Broken(vec![0xff]), Err(Bad::Text)),
            ("text", "", "pad = 4", Raw::Int(101), ok_text("0101")),
            ("text", "key = true", "", text("０１０１"), ok_text("0101")),
            ("text", "", "", text("０１０１"), ok_text("０１０１")),
            ("int", "", "", text("１２"), Ok(Value::Int(12))),
            ("int", "", "", text("3.00"), Ok(Value::Int(3))),
            ("int", "", "", Raw::Float(3.0), Ok(Value::Int(3))),
            ("int", "", "null = [-9999]", Raw::Int(-9999), Ok(Value::Null)),
            ("float", "", "scale = 0.01", Raw::Int(57), Ok(Value::Float(0.57))),
            ("float", "", "scale = 0.001\noffset = -0.029", text("1000"), Ok(Value::Float(0.971))),
            ("float", "", "", text("-1.5e1"), Ok(Value::Float(-15.0))),
            ("enum", states, "map = { \"1\" = \"完好\" }", Raw::Float(1.0), ok_text("完好")),
            ("enum", states, "", text("破损 "), ok_text("破损")),
            ("enum", states, "other = \"破损\"\nmap = { \"1\" = \"完好\" }", text("?"), ok_text("破损")),
            ("enum", states, "other = \"破损\"", text(""), Ok(Value::Null)),
            ("bool", "", "", text("是"), Ok(Value::Bool(true))),
            ("bool", "", "", Raw::Int(0), Ok(Value::Bool(false))),
            ("date", "", "", Raw::Date("2021-05-01T00:00:00".into()), ok_text("2021-05-01")),
            ("date", "", "", text("00000000"), Ok(Value::Null)),
            ("date", "", "date = \"excel\"", Raw::Float(45123.0), ok_text("2023-07-16")),
            ("date", "", "date = \"%Y\"", Raw::Date("2021-05-01".into()), ok_text("2021-05-01")),
            ("date", "", "date = [\"%d/%m/%Y\", \"%Y\"]", text("1987"), ok_text("1987-01-01")),
        ] {
            assert_eq!(apply(kind, extra, rule, raw.clone()), expected, "{kind} {rule} {raw:?}");
        }
    }

    #[test]
    fn what_is_moved_is_what_would_be_converted() {
        let states = "values = [\"完好\", \"破损\"]";
        let mut moved = 0;
        for (kind, extra, rule) in [
            ("text", "", ""),
            ("text", "key = true", ""),
            ("text", "", "null = [\"无\"]"),
            ("enum", states, ""),
            ("enum", states, "map = { \"破损\" = \"完好\" }"),
            ("date", "", ""),
            ("int", "", ""),
        ] {
            for given in ["解放路", " 解放路", "完好", "破损", "完好 ", "无", "", "20210501", "7"] {
                let rule: FieldRule = toml::from_str(rule).unwrap();
                let conversion = Conversion::new(&field(kind, extra), &rule);
                let mut raw = text(given);
                if let Some(value) = conversion.moved(&mut raw) {
                    assert_eq!(Ok(value), conversion.apply(&text(given), &mut |_| {}), "{kind} {rule:?} {given}");
                    moved += 1;
                } else {
                    assert_eq!(raw, text(given));
                }
            }
        }
        assert_eq!(moved, 8);
    }

    #[test]
    fn bad_values_say_what_is_wrong() {
        for (kind, extra, rule, raw, what) in [
            ("int", "", "", text("1,234"), "comma"),
            ("int", "", "", text("1.5"), "integer"),
            ("int", "", "", Raw::Float(1.5), "integer"),
            ("int", "", "scale = 0.01", Raw::Int(57), "integer"),
            ("float", "", "", text("*****"), "too large for its column"),
            ("float", "", "", text("nan"), "not a number"),
            ("float", "", "", text("0x1F"), "not a number"),
            ("float", "", "", Raw::Float(f64::NAN), "not a number"),
            ("float", "", "", text("1e999"), "not a number"),
            ("enum", "values = [\"完好\"]", "", text("坏"), "none of 完好"),
            ("bool", "", "", text("maybe"), "yes or no"),
            ("date", "", "", text("1/5/2021"), "reads in one way"),
            ("date", "", "date = \"%Y\"", text("87"), "none of the declared"),
            ("text", "key = true", "", text("4.10202E+15"), "shortened by a spreadsheet"),
        ] {
            match apply(kind, extra, rule, raw.clone()) {
                Err(Bad::Value { what: said, .. }) => assert!(said.contains(what), "{kind} {raw:?}: {said}"),
                other => panic!("{kind} {raw:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn codes_keep_every_digit_or_are_refused() {
        assert_eq!(code_text(&Raw::Float(9_007_199_254_740_991.0), 0), Ok(Some("9007199254740991".into())));
        assert!(code_text(&Raw::Float(41_020_201_180_000_012.0), 0).is_err());
        assert_eq!(code_text(&text("4102020118000001 "), 0), Ok(Some("4102020118000001".into())));
        assert_eq!(code_text(&Raw::Int(101), 4), Ok(Some("0101".into())));
        assert_eq!(code_text(&text("A-7"), 4), Ok(Some("A-7".into())));
        assert_eq!(code_text(&text("\u{feff}"), 0), Ok(None));
    }
}
