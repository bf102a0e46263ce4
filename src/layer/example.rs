//! Which fields of a layer are in a tile at a zoom: the one answer that tiles, their TileJSON, styles and the
//! `[[example]]` blocks share. Who may see a layer or a field besides is `audience`.

use super::{Example, Field, Layer, Sensitivity};
use serde_json::{Map, Value};

impl Layer {
    /// The fields in tiles at nominal zoom `z`, with their position: from `from_zoom` on, and never personal ones.
    pub fn tile_fields(&self, z: u8) -> impl Iterator<Item = (usize, &Field)> {
        self.fields.iter().enumerate().filter(move |(_, f)| f.from_zoom <= z && self.may_be_in_tiles(f))
    }

    /// Whether a field is in the tiles of any zoom.
    pub fn in_any_tile(&self, field: &Field) -> bool {
        field.from_zoom <= self.zoom.max && self.may_be_in_tiles(field)
    }

    fn may_be_in_tiles(&self, field: &Field) -> bool {
        field.sensitivity_in(self) < Sensitivity::Personal
    }

    /// The attributes a tile feature carries at zoom `z` for a record with these values; nulls are absent.
    pub fn tile_attributes(&self, values: &Map<String, Value>, z: u8) -> Map<String, Value> {
        self.tile_fields(z)
            .filter_map(|(_, f)| Some((f.name.clone(), values.get(&f.name).filter(|v| !v.is_null())?.clone())))
            .collect()
    }
}

impl Example {
    /// Runs the example against its layer.
    ///
    /// # Errors
    /// What the tile has and the example does not expect, and the other way round.
    pub fn run(&self, layer: &Layer) -> Result<(), String> {
        let got = layer.tile_attributes(&self.input, self.at);
        let show = |m: &Map<String, Value>, other: &Map<String, Value>| {
            let differing = m.iter().filter(|(k, v)| !other.get(*k).is_some_and(|o| same(v, o)));
            differing.map(|(k, v)| format!("{k} = {v}")).collect::<Vec<_>>().join(", ")
        };
        let (extra, lacking) = (show(&got, &self.out), show(&self.out, &got));
        match (extra.is_empty(), lacking.is_empty()) {
            (true, true) => Ok(()),
            (false, true) => Err(format!("at z{} the tile also has {extra}", self.at)),
            (true, false) => Err(format!("at z{} the tile lacks {lacking}", self.at)),
            (false, false) => Err(format!("at z{} the tile has {extra} and lacks {lacking}", self.at)),
        }
    }
}

/// 18 and 18.0 are one number.
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn layer() -> Layer {
        let f = |name: &str, more: Value| {
            let mut field = json!({"name": name, "type": "text", "zh": name});
            field.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            field
        };
        serde_json::from_value(json!({
            "id": "a", "name": {"zh": "甲", "en": "a"}, "geometry": ["point"], "dimension": "2D",
            "sensitivity": "government", "serve": ["mvt"], "zoom": {"min": 10, "full": 12, "max": 14},
            "fields": [f("always", json!({})), f("late", json!({"from_zoom": 13})), f("never", json!({"from_zoom": 99})),
                f("person", json!({"sensitivity": "personal"})), f("secret", json!({"sensitivity": "restricted"}))],
        }))
        .unwrap()
    }

    #[test]
    fn fields_enter_at_their_zoom_and_persons_never() {
        let layer = layer();
        let names = |z| layer.tile_fields(z).map(|(i, f)| (i, f.name.as_str())).collect::<Vec<_>>();
        assert_eq!(names(10), [(0, "always"), (4, "secret")]);
        assert_eq!(names(13), [(0, "always"), (1, "late"), (4, "secret")]);
        assert_eq!(names(24), names(13));
        assert!((10..=14).all(|z| layer.in_range(z)) && !layer.in_range(9) && !layer.in_range(15));
    }

    #[test]
    fn an_example_says_what_differs() {
        let layer = layer();
        let run = |input: Value, at: u8, out: Value| {
            let e: Example = serde_json::from_value(json!({"in": input, "at": at, "out": out})).unwrap();
            e.run(&layer)
        };
        let all = json!({"always": "x", "late": "y", "never": "z", "person": "p", "secret": null});
        assert_eq!(run(all.clone(), 13, json!({"always": "x", "late": "y"})), Ok(()));
        assert_eq!(run(all.clone(), 10, json!({"always": "x"})), Ok(()));
        assert!(run(all.clone(), 10, json!({})).unwrap_err().contains("also has always"));
        assert!(run(all.clone(), 10, json!({"always": "x", "late": "y"})).unwrap_err().contains("lacks late"));
        assert!(run(all, 13, json!({"always": "w", "late": "y"})).unwrap_err().contains("lacks always"));
    }
}
