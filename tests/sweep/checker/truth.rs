//! What the store holds of a layer: which features are valid, where they are, a digest of each value. What tiles
//! show is held against it.

use super::mix;
use chengtu::city::City;
use chengtu::draw::Validity;
use chengtu::feature::{Value, ValueRef};
use chengtu::geo::{BBox, TileKey, TileMatrixSet};
use chengtu::layer::{Layer, LayerIx};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

pub struct Truth {
    pub layer: Arc<Layer>,
    pub ix: LayerIx,
    /// Valid features, in the table's order: id and box in degrees.
    pub rows: Vec<(u64, BBox)>,
    row_of: HashMap<u64, u32>,
    pub columns: Vec<String>,
    /// Of each row, one digest a column; 0 for null.
    values: Vec<u64>,
}

impl Truth {
    pub fn read(city: &City, ix: LayerIx) -> Result<Option<Truth>, String> {
        let layer = city.snapshot.catalog.layer(ix).clone();
        let Some(table) = city.snapshot.features(&layer.id).map_err(|e| e.to_string())? else { return Ok(None) };
        let today: String = city.snapshot.manifest.created.chars().take(10).collect();
        let validity = Validity::of(&layer, table.schema());
        let columns: Vec<String> = table.schema().columns.iter().map(|c| c.name.clone()).collect();
        let mut truth = Truth { layer, ix, rows: vec![], row_of: HashMap::new(), columns, values: vec![] };
        let width = truth.columns.len();
        let mut own = vec![0; width];
        table
            .scan(&mut |row| {
                let mut valid = true;
                own.fill(0);
                row.values(|column, value| {
                    valid &= validity.allows(column, value, &today);
                    own[column] = digest(value);
                });
                if valid {
                    truth.row_of.insert(row.id().0, truth.rows.len() as u32);
                    truth.rows.push((row.id().0, row.bbox()));
                    truth.values.extend_from_slice(&own);
                }
                Ok(())
            })
            .map_err(|e| e.to_string())?;
        Ok(Some(truth))
    }

    pub fn row(&self, id: u64) -> Option<u32> {
        self.row_of.get(&id).copied()
    }

    /// What is wrong with the values that row `row` shows at zoom `z`: each must be the store's, none may lack.
    pub fn wrong_values(&self, row: u32, shown: &[(String, Value)], carried: &[usize]) -> Option<String> {
        let width = self.columns.len();
        let own = &self.values[row as usize * width..][..width];
        let mut found = 0;
        for (name, value) in shown {
            if name == chengtu::draw::COUNT {
                continue;
            }
            match carried.iter().find(|&&c| self.columns[c] == *name) {
                None => return Some(format!("{name} is not declared for this zoom")),
                Some(&c) if own[c] != digest(value.as_ref()) => {
                    return Some(format!("{name} = {value:?} is not what the store has"));
                }
                Some(_) => found += 1,
            }
        }
        let expected = carried.iter().filter(|&&c| own[c] != 0).count();
        (found != expected).then(|| format!("{found} attributes instead of {expected}"))
    }

    /// Columns that tiles of zoom `z` carry.
    pub fn carried(&self, z: u8) -> Vec<usize> {
        let named = |name: &str| self.layer.tile_fields(z).any(|(_, f)| f.name == name);
        (0..self.columns.len()).filter(|&c| named(&self.columns[c])).collect()
    }

    /// The tiles of zoom `z` that any feature's box touches, their buffer included, by row and column.
    pub fn tiles(&self, grid: &TileMatrixSet, z: u8) -> Vec<TileKey> {
        let mut all: HashSet<(u32, u32)> = HashSet::new();
        // No tile is taller in degrees than wide.
        let buffer = 360.0 / f64::from(1u32 << z) * self.layer.buffer_px / 256.0;
        for (_, b) in &self.rows {
            let reach = BBox::new(b.min_x - buffer, b.min_y - buffer, b.max_x + buffer, b.max_y + buffer);
            let Some((xs, ys)) = grid.tiles_over(&reach, z) else { continue };
            for y in ys {
                for x in xs.clone() {
                    all.insert((y, x));
                }
            }
        }
        let mut tiles: Vec<_> = all.into_iter().map(|(y, x)| TileKey { z, x, y }).collect();
        tiles.sort_by_key(|k| (k.y, k.x));
        tiles
    }

    /// A sample of the same: the heaviest ones and as many spread over the city, the same on every run. Boxes are
    /// taken by their middle, so that a finer zoom costs no more than a coarser one.
    pub fn some_tiles(&self, grid: &TileMatrixSet, z: u8, most: usize) -> Vec<TileKey> {
        let mut all: HashMap<TileKey, u32> = HashMap::new();
        for (_, bbox) in &self.rows {
            let [x, y] = bbox.center();
            if let Some((xs, ys)) = grid.tiles_over(&BBox::new(x, y, x, y), z) {
                *all.entry(TileKey { z, x: *xs.start(), y: *ys.start() }).or_default() += 1;
            }
        }
        let mut keys: Vec<(TileKey, u32)> = all.into_iter().collect();
        keys.sort_by_key(|(k, n)| (std::cmp::Reverse(*n), k.y, k.x));
        let spread = keys.split_off(keys.len().min(most / 2));
        let mut spread: Vec<TileKey> = spread.into_iter().map(|(k, _)| k).collect();
        spread.sort_by_key(|k| mix(u64::from(k.x) << 32 | u64::from(k.y)));
        spread.truncate(most - most / 2);
        let mut some: Vec<TileKey> = keys.into_iter().map(|(k, _)| k).chain(spread).collect();
        some.sort_by_key(|k| (k.y, k.x));
        some
    }
}

/// 0 for null; a number by its value, whatever its type.
fn digest(value: ValueRef<'_>) -> u64 {
    let mut h = foldhash::fast::FixedState::with_seed(1).build_hasher();
    match value {
        ValueRef::Null => return 0,
        ValueRef::Float(f) if !f.is_finite() => return 0,
        ValueRef::Bool(b) => h.write_u64(u64::from(b)),
        ValueRef::Int(i) => h.write_u64((i as f64).to_bits()),
        // + 0.0 makes −0 and 0 one number.
        ValueRef::Float(f) => h.write_u64((f + 0.0).to_bits()),
        ValueRef::Text(t) => h.write(t.as_bytes()),
    }
    h.finish().max(1)
}
