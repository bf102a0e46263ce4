//! The shipped catalog's 97 layers with four made records each, two in the west and two in the east. Every text says whose it
//! is: layer, field and record; so do ids.

use chengtu::derive::derive_layer;
use chengtu::feature::{Feature, FeatureId, Geometry, SourceTag, Value};
use chengtu::geo::GeometryKind;
use chengtu::layer::{Catalog, FieldRole, FieldType, Layer, Role};
use chengtu::store::{Schema, Store, TableWriter};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

pub static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("layers")).unwrap());

pub const ROWS: u64 = 4;
/// Between west and east.
pub const MIDDLE: f64 = 114.33;
/// The south-western corner of it all.
pub const CORNER: [f64; 2] = [114.30, 34.80];

pub fn layer_ix(layer: &Layer) -> u64 {
    u64::from(CATALOG.find(&layer.id).unwrap().0)
}

pub fn id_of(layer: &Layer, row: u64) -> u64 {
    1_000_000 + layer_ix(layer) * 10 + row
}

/// Which layer and record an id is of.
pub fn of_id(id: u64) -> Option<(&'static Layer, u64)> {
    let n = id.checked_sub(1_000_000)?;
    let (ix, row) = ((n / 10) as usize, n % 10);
    let layer = CATALOG.iter().nth(ix)?.1;
    (row < ROWS).then_some((layer.as_ref(), row))
}

/// Rows 0 and 1 are in the west.
pub fn is_west(row: u64) -> bool {
    row < 2
}

/// Where a record begins.
pub fn place(layer: &Layer, row: u64) -> [f64; 2] {
    let east = if is_west(row) { 0.0 } else { 0.05 };
    [CORNER[0] + east + (row % 2) as f64 * 0.002, CORNER[1] + layer_ix(layer) as f64 * 0.0005]
}

/// Half the side of a square, half the length of a line.
pub const SIZE: f64 = 0.000_1;

pub fn geometry(layer: &Layer, row: u64) -> Geometry {
    let [x, y] = place(layer, row);
    if layer.has_role(Role::District) && row == 0 {
        // The west as a whole.
        let ring = [[114.2, 34.7], [MIDDLE, 34.7], [MIDDLE, 34.95], [114.2, 34.95], [114.2, 34.7]];
        return Geometry::polygon(&[ring.to_vec()]);
    }
    match layer.geometry[0] {
        GeometryKind::Point => Geometry::point(x, y),
        GeometryKind::Line => Geometry::line(vec![[x - SIZE, y], [x + SIZE, y]]),
        GeometryKind::Polygon => {
            let (w, e, s, n) = (x - SIZE, x + SIZE, y - SIZE, y + SIZE);
            Geometry::polygon(&[vec![[w, s], [e, s], [e, n], [w, n], [w, s]]])
        }
    }
}

/// The text of a field.
pub fn canary(layer: &Layer, field: &str, row: u64) -> String {
    format!("CNRY.{}.{field}.{row};", layer.id)
}

fn values(layer: &Layer, row: u64) -> Vec<Value> {
    let dates = [FieldRole::ValidFrom, FieldRole::ValidTo, FieldRole::InitDate];
    let value = |f: &chengtu::layer::Field| match f.kind {
        _ if f.role.is_some_and(|r| dates.contains(&r)) => Value::Null,
        FieldType::Text | FieldType::Enum | FieldType::Date => Value::Text(canary(layer, &f.name, row)),
        FieldType::Bool => Value::Bool(row.is_multiple_of(2)),
        FieldType::Int => Value::Int(3),
        FieldType::Float => Value::Float(12.5),
    };
    layer.fields.iter().map(value).collect()
}

/// Publishes them; the snapshot's id.
pub fn publish(dir: &Path) -> String {
    let store = Store::open(dir, true).unwrap();
    let mut draft = store.draft().unwrap();
    draft.manifest.catalog = draft.add_bytes(&CATALOG.to_json()).unwrap();
    let layers: Vec<_> = CATALOG.iter().map(|(_, l)| l.clone()).collect();
    let made = layers.par_iter().map(|layer| {
        let mut writer = TableWriter::new(draft.staging(), &layer.id, Schema::of(layer)).unwrap();
        for row in 0..ROWS {
            let (id, source) = (FeatureId(id_of(layer, row)), SourceTag(1));
            let feature = Feature { id, source, geometry: geometry(layer, row), values: values(layer, row) };
            writer.push(&feature).unwrap();
        }
        let sources = BTreeMap::from([("made".to_string(), ROWS)]);
        (layer.id.clone(), derive_layer(&draft, layer, writer.seal().unwrap(), sources).unwrap())
    });
    let made: Vec<_> = made.collect();
    draft.manifest.layers.extend(made);
    draft.publish().unwrap()
}

/// The web-Mercator tile of a zoom that holds a place.
pub fn tile_at([lon, lat]: [f64; 2], z: u8) -> (u32, u32) {
    let n = f64::from(1u32 << z);
    let y = (1.0 - lat.to_radians().tan().asinh() / std::f64::consts::PI) / 2.0;
    (((lon + 180.0) / 360.0 * n) as u32, (y * n) as u32)
}

/// Its window in degrees with a margin: west, south, east, north.
pub fn window(z: u8, x: u32, y: u32, margin: f64) -> [f64; 4] {
    let n = f64::from(1u32 << z);
    let lon = |x: f64| x / n * 360.0 - 180.0;
    let lat = |y: f64| (std::f64::consts::PI * (1.0 - 2.0 * y / n)).sinh().atan().to_degrees();
    let (x, y) = (f64::from(x), f64::from(y));
    [lon(x - margin), lat(y + 1.0 + margin), lon(x + 1.0 + margin), lat(y - margin)]
}
