//! The columns of a city model: what every object has of its own (`id`, `type`, `lod`, `height`), then its attributes
//! by name. Flat: a nested attribute is its JSON text.

use crate::import::wire::Raw;
use std::collections::HashMap;

/// What every object has, whatever its attributes.
const OWN: [&str; 4] = ["id", "type", "lod", "height"];
const LOD: usize = 2;
const HEIGHT: usize = 3;
/// The height of a building by CityGML 1 and 2 and by CityJSON: where `height` comes from before it is measured.
const MEASURED_HEIGHT: &str = "measuredHeight";

/// Columns in order, and where an attribute goes.
pub struct Attributes {
    pub names: Vec<String>,
    at: HashMap<String, usize>,
}

impl Attributes {
    /// `found`: names of attributes. One called as an own column is found under `attributes.<name>`, but for `height`,
    /// which it fills.
    pub fn new(found: impl IntoIterator<Item = String>) -> Attributes {
        let mut all = Attributes { names: OWN.map(str::to_string).to_vec(), at: HashMap::new() };
        for name in found {
            let column = match OWN.contains(&name.as_str()) {
                true if name == OWN[HEIGHT] => {
                    all.at.insert(name, HEIGHT);
                    continue;
                }
                true => format!("attributes.{name}"),
                false => name.clone(),
            };
            all.at.insert(name, all.names.len());
            all.names.push(column);
        }
        all
    }

    /// One object's values in the order of the columns; `lod` and a missing `height` are filled by the model.
    pub fn values(&self, id: &str, kind: &str, attributes: Vec<(String, Raw)>, text_limit: u64) -> Vec<Raw> {
        let mut values = vec![Raw::Null; self.names.len()];
        values[0] = Raw::Text(id.to_string());
        if !kind.is_empty() {
            values[1] = Raw::Text(kind.to_string());
        }
        let mut measured = Raw::Null;
        for (name, value) in attributes {
            if name == MEASURED_HEIGHT && is_length(&value) {
                measured = value.clone();
            }
            if let Some(&at) = self.at.get(&name) {
                values[at] = match value {
                    Raw::Text(t) if t.len() as u64 > text_limit => {
                        Raw::Broken(t.into_bytes().into_iter().take(200).collect())
                    }
                    value => value,
                };
            }
        }
        if values[HEIGHT] == Raw::Null {
            values[HEIGHT] = measured;
        }
        values
    }

    /// Fills what only the model tells: its finest level of detail; its height in metres where no attribute says it.
    pub fn measure(values: &mut [Raw], lod: String, height_m: f64) {
        if let Some(value) = values.get_mut(LOD) {
            *value = Raw::Text(lod);
        }
        if let Some(value) = values.get_mut(HEIGHT).filter(|v| **v == Raw::Null) {
            *value = Raw::Float((height_m * 1000.0).round() / 1000.0);
        }
    }
}

/// CityGML writes -9999 where nothing was measured.
fn is_length(value: &Raw) -> bool {
    let metres = match value {
        Raw::Int(n) => *n as f64,
        Raw::Float(f) => *f,
        Raw::Text(t) => t.trim().parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    };
    metres > 0.0 && metres < 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(t: &str) -> Raw {
        Raw::Text(t.into())
    }

    #[test]
    fn own_columns_come_first_and_are_not_taken() {
        let columns = Attributes::new(["id", "名称", "height"].map(String::from));
        assert_eq!(columns.names, ["id", "type", "lod", "height", "attributes.id", "名称"]);
        let attributes = vec![("名称".into(), text("楼")), ("id".into(), Raw::Int(7)), ("unknown".into(), Raw::Int(1))];
        let mut values = columns.values("b1", "Building", attributes, 100);
        Attributes::measure(&mut values, "2.2".into(), 7.123_456);
        assert_eq!(values, [text("b1"), text("Building"), text("2.2"), Raw::Float(7.123), Raw::Int(7), text("楼")]);
    }

    #[test]
    fn height_is_the_attribute_then_the_measured_then_the_models() {
        let columns = Attributes::new(["height", "measuredHeight"].map(String::from));
        for (attributes, expected) in [
            (vec![("measuredHeight", Raw::Float(5.5)), ("height", Raw::Int(4))], Raw::Int(4)),
            (vec![("measuredHeight", Raw::Float(5.5))], Raw::Float(5.5)),
            (vec![("measuredHeight", Raw::Int(-9999))], Raw::Float(9.0)),
            (vec![("measuredHeight", text("n/a"))], Raw::Float(9.0)),
            (vec![], Raw::Float(9.0)),
        ] {
            let attributes = attributes.into_iter().map(|(n, v)| (n.to_string(), v)).collect();
            let mut values = columns.values("b", "", attributes, 100);
            Attributes::measure(&mut values, "1".into(), 9.0);
            assert_eq!(values[3], expected);
        }
    }
}
