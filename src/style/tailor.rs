//! A style as one asker gets it: what he may not see is not in it, addresses are whole. Changes nothing else.

use super::Style;
use super::check::layers_of;
use crate::layer::shown_by;
use serde_json::{Map, Value};
use std::collections::HashSet;

impl Style {
    /// The style with the layers for which `shown` holds. Sources ask for no other layer, and those that would ask for
    /// none are gone with all that draws from them, so that a hidden layer looks like one that never was.
    /// `base_url`: what addresses from the root on are continued from, without a slash at its end.
    pub fn tailored(&self, shown: impl Fn(&str) -> bool, base_url: &str) -> Value {
        let mut style = self.document.clone();
        let mut gone = HashSet::new();
        if let Some(sources) = style.get_mut("sources").and_then(Value::as_object_mut) {
            sources.retain(|name, source| {
                let keep = narrowed(source, &shown);
                if !keep {
                    gone.insert(name.clone());
                }
                keep
            });
            sources.values_mut().filter_map(Value::as_object_mut).for_each(|s| whole(s, "url", base_url));
        }
        if let Some(layers) = style.get_mut("layers").and_then(Value::as_array_mut) {
            let is_shown = |layer: &Value| match (layer["source"].as_str(), layer["source-layer"].as_str()) {
                (Some(source), _) if gone.contains(source) => false,
                (_, Some(layer)) => shown(shown_by(layer).0),
                _ => true,
            };
            layers.retain(is_shown);
        }
        if let Some(style) = style.as_object_mut() {
            whole(style, "glyphs", base_url);
            whole(style, "sprite", base_url);
        }
        style
    }
}

/// Leaves the shown layers in a source's list; whether there is one.
fn narrowed(source: &mut Value, shown: &impl Fn(&str) -> bool) -> bool {
    let Some(all) = layers_of(source) else { return true };
    let left: Vec<&str> = all.into_iter().filter(|l| shown(l)).collect();
    if left.is_empty() {
        return false;
    }
    let address = source["url"].as_str().and_then(|u| u.rsplit_once('/')).map_or("", |(before, _)| before);
    let url = format!("{address}/{}.json", left.join(","));
    source["url"] = Value::from(url);
    true
}

/// An address from the root on, made whole.
fn whole(object: &mut Map<String, Value>, key: &str, base_url: &str) {
    if let Some(Value::String(url)) = object.get_mut(key)
        && url.starts_with('/')
        && !url.starts_with("//")
    {
        url.insert_str(0, base_url);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Styles;
    use super::*;
    use serde_json::json;

    fn style(document: Value) -> Style {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("s.json"), document.to_string()).unwrap();
        let styles = Styles::load_or_shipped(Some(dir.path())).unwrap();
        styles.styles.into_values().next().unwrap()
    }

    #[test]
    fn hidden_layers_leave_no_trace() {
        let style = style(json!({
            "sources": {
                "one": {"type": "vector", "url": "/tiles/a,b,c.json"},
                "two": {"type": "vector", "url": "/tiles/CGCS2000Quad/c.json"},
                "else": {"type": "vector", "url": "https://maps.example/x.json"},
            },
            "sprite": "/sprites/s", "glyphs": "/fonts/{fontstack}/{range}.pbf",
            "layers": [
                {"id": "ground", "type": "background"},
                {"id": "1", "source": "one", "source-layer": "a"}, {"id": "2", "source": "one", "source-layer": "c"},
                {"id": "3", "source": "two", "source-layer": "c"}, {"id": "4", "source": "else", "source-layer": "x"},
            ],
        }));
        let seen = style.tailored(|l| matches!(l, "a" | "b" | "x"), "https://city.example/gis");
        assert_eq!(
            seen,
            json!({
                "sources": {
                    "one": {"type": "vector", "url": "https://city.example/gis/tiles/a,b.json"},
                    "else": {"type": "vector", "url": "https://maps.example/x.json"},
                },
                "sprite": "https://city.example/gis/sprites/s",
                "glyphs": "https://city.example/gis/fonts/{fontstack}/{range}.pbf",
                "layers": [
                    {"id": "ground", "type": "background"}, {"id": "1", "source": "one", "source-layer": "a"},
                    {"id": "4", "source": "else", "source-layer": "x"},
                ],
            })
        );
        let all = style.tailored(|_| true, "http://h");
        assert_eq!(all["sources"]["two"]["url"], "http://h/tiles/CGCS2000Quad/c.json");
        assert_eq!(all["layers"].as_array().unwrap().len(), 5);
    }
}
