//! One city object with its parts → a model and its values. Parts (children that are built as part of the building)
//! are merged into the object they belong to; rooms and furniture are left out and counted.

use super::geometry::{Dressed, Geometry, Space, Templates};
use super::scan::GROUP;
use super::wardrobe::Wardrobe;
use crate::import::city::build::{BROKEN_PART, Builder};
use crate::import::city::columns::Attributes;
use crate::import::read::pipe::ModelDraft;
use crate::import::repair::reject;
use crate::import::wire::{Raw, Reject};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use std::fmt;

/// Parts of parts of parts: deeper is a loop.
const MAX_PART_DEPTH: u32 = 8;

#[derive(Deserialize)]
pub struct Object {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default, deserialize_with = "attributes")]
    attributes: Vec<(String, Raw)>,
    #[serde(default)]
    geometry: Option<Vec<Geometry>>,
    #[serde(default)]
    children: Option<Vec<String>>,
}

fn attributes<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<(String, Raw)>, D::Error> {
    struct Pairs;
    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, Raw)>;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("an object of attributes")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(vec![])
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = vec![];
            while let Some(name) = map.next_key::<String>()? {
                pairs.push((name, raw(map.next_value::<serde_json::Value>()?)));
            }
            Ok(pairs)
        }
    }
    d.deserialize_any(Pairs)
}

fn raw(v: serde_json::Value) -> Raw {
    use serde_json::Value as V;
    match v {
        V::Null => Raw::Null,
        V::Bool(b) => Raw::Bool(b),
        V::Number(n) => n.as_i64().map_or_else(|| n.as_f64().map_or(Raw::Null, Raw::Float), Raw::Int),
        V::String(t) if t.trim().is_empty() => Raw::Null,
        V::String(t) => Raw::Text(t),
        nested => Raw::Text(nested.to_string()),
    }
}

/// What all objects of a source share.
pub struct Shared<'a> {
    pub templates: &'a Templates,
    pub wardrobe: &'a Wardrobe,
    pub attributes: &'a Attributes,
    pub lods: &'a [crate::feature::Tier],
    pub vertices_limit: u64,
    pub text_limit: u64,
}

/// What was met and left out.
#[derive(Debug, Default, Clone, Copy)]
pub struct LeftOut {
    pub dressed: Dressed,
    pub interior: u64,
}

impl LeftOut {
    pub fn add(&mut self, other: LeftOut) {
        self.dressed.textures += other.dressed.textures;
        self.dressed.materials += other.dressed.materials;
        self.interior += other.interior;
    }
}

/// Reads an object by its id.
pub type Find<'a> = &'a dyn Fn(&str) -> Option<Result<Object, Reject>>;

/// The object's record. `find` reads its parts.
pub fn draft(
    row: u64,
    id: &str,
    object: Result<Object, Reject>,
    shared: &Shared,
    space: &Space,
    find: Find,
) -> (ModelDraft, LeftOut) {
    let mut left_out = LeftOut::default();
    let object = match object {
        Ok(object) => object,
        Err(why) => {
            let values = shared.attributes.values(id, "", vec![], shared.text_limit);
            return (ModelDraft::new(row, Some(id), Err(why), vec![], values), left_out);
        }
    };
    let mut builder = Builder::new(shared.lods, shared.vertices_limit);
    let added = add(&object, &mut builder, shared, space, find, &mut left_out, 0);
    let (model, faults) = builder.finish();
    let model = added.and(model);
    let values = shared.attributes.values(id, &object.kind, object.attributes, shared.text_limit);
    (ModelDraft::new(row, Some(id), model, faults, values), left_out)
}

fn add(
    object: &Object,
    to: &mut Builder,
    shared: &Shared,
    space: &Space,
    find: Find,
    left_out: &mut LeftOut,
    depth: u32,
) -> Result<(), Reject> {
    for geometry in object.geometry.iter().flatten() {
        geometry.add(to, space, shared.templates, shared.wardrobe, &mut left_out.dressed)?;
    }
    let parts = object.children.as_deref().filter(|_| object.kind != GROUP).unwrap_or_default();
    for id in parts {
        let part = match find(id) {
            Some(Ok(part)) => part,
            Some(Err(why)) => {
                to.faults.note(BROKEN_PART, || format!("part {id}: {}", why.detail));
                continue;
            }
            None => {
                to.faults.note("missing-part", || format!("part {id} is not in the file"));
                continue;
            }
        };
        if interior(&part.kind) {
            left_out.interior += 1;
            continue;
        }
        if depth == MAX_PART_DEPTH {
            return Err(reject("bad-parts", "its parts have parts without end"));
        }
        add(&part, to, shared, space, find, left_out, depth + 1)?;
    }
    Ok(())
}

/// What stands inside: of no use to who looks from outside, and many times the size.
fn interior(kind: &str) -> bool {
    ["Room", "Furniture", "Storey", "Unit", "HollowSpace"].iter().any(|end| kind.ends_with(end))
}
