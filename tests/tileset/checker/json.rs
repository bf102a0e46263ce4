//! A JSON value that knows its place, and what it is asked to be: a wrong type, length or range is told.

use super::report::Report;
use serde_json::{Map, Value};

#[derive(Debug, Clone)]
pub struct Node<'a> {
    pub value: &'a Value,
    pub at: String,
}

impl<'a> Node<'a> {
    pub fn root(value: &'a Value) -> Node<'a> {
        Node { value, at: String::new() }
    }

    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        self.value.get(key).map(|value| Node { value, at: format!("{}/{key}", self.at) })
    }

    pub fn required(&self, key: &str, report: &mut Report) -> Option<Node<'a>> {
        let found = self.get(key);
        if found.is_none() {
            report.tell("PROPERTY_MISSING", &self.at, format!("{key} is missing"));
        }
        found
    }

    fn mismatch<T>(&self, expected: &str, report: &mut Report) -> Option<T> {
        report.tell("TYPE_MISMATCH", &self.at, format!("{} is no {expected}", self.value));
        None
    }

    pub fn object(&self, report: &mut Report) -> Option<&'a Map<String, Value>> {
        self.value.as_object().or_else(|| self.mismatch("object", report))
    }

    pub fn text(&self, report: &mut Report) -> Option<&'a str> {
        self.value.as_str().or_else(|| self.mismatch("string", report))
    }

    pub fn number(&self, report: &mut Report) -> Option<f64> {
        self.value.as_f64().or_else(|| self.mismatch("number", report))
    }

    /// A whole number, at least `least`.
    pub fn whole(&self, least: i64, report: &mut Report) -> Option<i64> {
        match self.value.as_i64() {
            None => self.mismatch("whole number", report),
            Some(n) if n < least => {
                report.tell("VALUE_NOT_IN_RANGE", &self.at, format!("{n} is less than {least}"));
                None
            }
            some => some,
        }
    }

    /// An array of at least so many.
    pub fn array(&self, least: usize, report: &mut Report) -> Option<Vec<Node<'a>>> {
        let Some(items) = self.value.as_array() else { return self.mismatch("array", report) };
        if items.len() < least {
            report.tell("ARRAY_LENGTH_MISMATCH", &self.at, format!("{} elements for at least {least}", items.len()));
            return None;
        }
        Some(items.iter().enumerate().map(|(i, value)| Node { value, at: format!("{}/{i}", self.at) }).collect())
    }

    /// So many numbers.
    pub fn numbers<const N: usize>(&self, report: &mut Report) -> Option<[f64; N]> {
        let items = self.array(0, report)?;
        if items.len() != N {
            report.tell("ARRAY_LENGTH_MISMATCH", &self.at, format!("{} numbers for {N}", items.len()));
            return None;
        }
        let all: Vec<f64> = items.iter().filter_map(|i| i.value.as_f64()).collect();
        let found = <[f64; N]>::try_from(all).ok();
        if found.is_none() {
            report.tell("ARRAY_ELEMENT_TYPE_MISMATCH", &self.at, "an element is no number");
        }
        found
    }

    /// Texts, at least one, each once.
    pub fn names(&self, report: &mut Report) -> Option<Vec<&'a str>> {
        let items = self.array(1, report)?;
        let mut names = vec![];
        for item in items {
            let name = item.text(report)?;
            if names.contains(&name) {
                report.tell("ARRAY_ELEMENT_NOT_UNIQUE", &item.at, name);
            }
            names.push(name);
        }
        Some(names)
    }

    /// One of the listed words.
    pub fn one_of(&self, listed: &[&str], report: &mut Report) -> Option<&'a str> {
        let found = self.value.as_str().filter(|w| listed.contains(w));
        if found.is_none() {
            report.tell("VALUE_NOT_IN_LIST", &self.at, format!("{} is none of {listed:?}", self.value));
        }
        found
    }

    /// Properties of an object with their places.
    pub fn entries(&self, report: &mut Report) -> Vec<(&'a str, Node<'a>)> {
        let Some(map) = self.object(report) else { return vec![] };
        map.iter().map(|(k, value)| (k.as_str(), Node { value, at: format!("{}/{k}", self.at) })).collect()
    }

    /// `extensions` must hold objects; `extras` that is none is only unusual.
    pub fn common(&self, report: &mut Report) {
        if let Some(extensions) = self.get("extensions") {
            for (_, e) in extensions.entries(report) {
                e.object(report);
            }
        }
        if let Some(extras) = self.get("extras").filter(|e| !e.value.is_object()) {
            report.tell("TYPE_UNEXPECTED", &extras.at, "extras should be an object");
        }
    }
}
