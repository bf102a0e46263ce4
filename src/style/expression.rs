//! What expressions of a style read and give, found without evaluating them: fields, the texts these are compared
//! with, the texts that can come out. Knows today's expressions, and the filters, functions and tokens of before.

use serde_json::Value;
use std::collections::BTreeSet;

/// The texts that an expression can give.
pub(super) fn results<'v>(value: &'v Value, out: &mut BTreeSet<&'v str>) {
    let Some(items) = value.as_array() else { return out.extend(value.as_str()) };
    let rest = items.get(1..).unwrap_or_default();
    let branches: Vec<&Value> = match items.first().and_then(Value::as_str).unwrap_or_default() {
        // input, label, result, …, otherwise
        "match" => rest.iter().skip(2).step_by(2).chain(rest.last()).collect(),
        // condition, result, …, otherwise
        "case" => rest.iter().skip(1).step_by(2).chain(rest.last()).collect(),
        // input, result, stop, result, …
        "step" => rest.iter().skip(1).step_by(2).collect(),
        "coalesce" | "image" => rest.iter().collect(),
        _ => vec![],
    };
    branches.into_iter().for_each(|b| results(b, out));
}

/// The fields a style layer reads, and the texts it compares them with.
#[derive(Default)]
pub(super) struct Read {
    pub fields: BTreeSet<String>,
    pub compared: BTreeSet<(String, String)>,
}

impl Read {
    pub fn expression(&mut self, value: &Value) {
        match value {
            Value::Array(items) => self.call(items),
            // "{name}" in an old-style text or icon
            Value::String(text) => self.tokens(text),
            // an old-style function: { "property": "width", "stops": … }
            Value::Object(function) => {
                self.fields.extend(function.get("property").and_then(Value::as_str).map(String::from));
            }
            _ => {}
        }
    }

    fn call(&mut self, items: &[Value]) {
        let operator = items.first().and_then(Value::as_str).unwrap_or_default();
        match (operator, items) {
            ("literal", _) => return,
            ("get" | "has", [_, Value::String(name)]) => {
                self.fields.insert(name.clone());
                return;
            }
            ("==" | "!=", [_, a, b, ..]) => {
                self.comparison(a, b);
                self.comparison(b, a);
            }
            ("match", [_, input, cases @ ..]) => {
                for label in cases.chunks_exact(2).map(|pair| &pair[0]) {
                    self.comparison(input, label);
                    label.as_array().into_iter().flatten().for_each(|l| self.comparison(input, l));
                }
            }
            _ => {}
        }
        for item in items.iter().skip(1).filter(|i| i.is_array()) {
            self.call(item.as_array().map_or(&[], Vec::as_slice));
        }
    }

    fn comparison(&mut self, input: &Value, with: &Value) {
        if let ([Value::String(operator), Value::String(name)], Some(text)) =
            (input.as_array().map_or(&[][..], Vec::as_slice), with.as_str())
            && operator == "get"
        {
            self.compared.insert((name.clone(), text.to_string()));
        }
    }

    /// A filter is an expression, or of the old form `["==", "name", value]`.
    pub fn filter(&mut self, filter: &Value) {
        let Some(items) = filter.as_array() else { return };
        let operator = items.first().and_then(Value::as_str).unwrap_or_default();
        let old = matches!(operator, "==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "!in" | "!has")
            && items.iter().skip(2).all(|i| !i.is_array());
        match (operator, items.get(1).and_then(Value::as_str)) {
            (_, Some(name)) if old && !name.starts_with('$') => {
                self.fields.insert(name.to_string());
                let with = items.iter().skip(2).filter_map(Value::as_str);
                self.compared.extend(with.map(|text| (name.to_string(), text.to_string())));
            }
            ("all" | "any" | "none", _) => items.iter().skip(1).for_each(|i| self.filter(i)),
            _ => self.call(items),
        }
    }

    fn tokens(&mut self, text: &str) {
        let mut rest = text;
        while let Some((_, after)) = rest.split_once('{') {
            let Some((name, beyond)) = after.split_once('}') else { return };
            self.fields.insert(name.to_string());
            rest = beyond;
        }
    }
}
