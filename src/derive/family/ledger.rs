//! What a family needs of one of its layers: of every feature that can be drawn, which thing it is a model of, where it
//! stands, and how much of a tile it takes. One blob a layer, written while the layer's own tree is measured.

use crate::draw::Validity;
use crate::error::{Error, Result};
use crate::feature::ValueRef;
use crate::layer::Layer;
use crate::scene::{Frame, Measure};
use crate::store::{Row, Schema};
use serde::{Deserialize, Serialize};

/// Name of the ledger among a layer entry's extra blobs.
pub const LEDGER: &str = "ledger";

/// Degrees are kept in billionths: 0.1 mm.
const PER_DEGREE: f64 = 1e9;

/// One feature that can be drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// Digest of the code of the thing it is a model of; 0: it has none.
    pub code: u64,
    /// Byte in the layer's table.
    pub offset: u64,
    /// Where its own frame stands, degrees, at height 0 of the data.
    pub lonlat: [f64; 2],
    /// Metres from which on it is wanted where nothing stands for it.
    pub reach_m: f64,
    pub vertices: u32,
    /// Least and greatest corner in its own frame, centimetres: holds it.
    pub box_cm: [[i32; 3]; 2],
}

/// The features of a layer that can be drawn, in the table's order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Ledger {
    pub entries: Vec<Entry>,
    /// Of those that are not valid for ever: their number, and from and until when (ISO dates).
    pub(super) bounded: Vec<(u32, [Option<String>; 2])>,
}

#[derive(Serialize, Deserialize)]
enum Stored {
    V1 { entries: Vec<Packed>, bounded: Vec<(u32, [Option<String>; 2])> },
}

/// Offsets and places as differences.
#[derive(Serialize, Deserialize)]
struct Packed {
    code: [u8; 8],
    offset: u64,
    at: [i64; 2],
    reach_dm: u32,
    vertices: u32,
    box_cm: [[i32; 3]; 2],
}

/// Keeps the ledger of a layer that may be of a family.
pub struct Clerk {
    column: usize,
    validity: Option<Validity>,
    ledger: Ledger,
}

impl Clerk {
    /// `None` of a layer whose models stand for no others'.
    pub fn of(layer: &Layer, schema: &Schema) -> Option<Clerk> {
        let name = &layer.fields[layer.model_code()?].name;
        let column = schema.columns.iter().position(|c| c.name == *name)?;
        let validity = Some(Validity::of(layer, schema)).filter(Validity::is_bounded);
        Some(Clerk { column, validity, ledger: Ledger::default() })
    }

    /// Whether what is entered depends on a column of the table.
    pub fn reads(&self, column: usize) -> bool {
        column == self.column || self.validity.as_ref().is_some_and(|v| v.reads(column))
    }

    /// A feature as it was drawn in the frame of some tile: its place, its byte, from how far it is wanted.
    pub fn enter(&mut self, row: &Row<'_>, frame: &Frame, lonlat: [f64; 2], offset: u64, reach_m: f64, m: &Measure) {
        let mut code = 0;
        row.values(|column, value| match value {
            ValueRef::Text(t) if column == self.column => code = digest(t),
            ValueRef::Int(i) if column == self.column => code = digest(&i.to_string()),
            _ => {}
        });
        let lonlat = lonlat.map(|d| (d * PER_DEGREE).round() / PER_DEGREE);
        let [low, high] = super::around(&m.bounds_m, &frame.within(&Frame::at(lonlat, 0.0)));
        let box_cm = [low.map(|x| (x * 100.0).floor() as i32), high.map(|x| (x * 100.0).ceil() as i32)];
        if let Some(validity) = &self.validity {
            let bounds = validity.of_row(row);
            if bounds.iter().any(Option::is_some) {
                self.ledger.bounded.push((self.ledger.entries.len() as u32, bounds));
            }
        }
        self.ledger.entries.push(Entry { code, offset, lonlat, reach_m, vertices: m.vertices as u32, box_cm });
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.ledger.to_bytes()
    }
}

/// The first 64 bits of the code's BLAKE3; of nothing 0.
fn digest(code: &str) -> u64 {
    match code.trim() {
        "" => 0,
        code => u64::from_le_bytes(*blake3::hash(code.as_bytes()).as_bytes().first_chunk().unwrap_or(&[0; 8])),
    }
}

impl Ledger {
    /// Which entries count on a day (ISO date).
    pub fn valid(&self, today: &str) -> Vec<bool> {
        let mut valid = vec![true; self.entries.len()];
        for (i, bounds) in &self.bounded {
            if let Some(v) = valid.get_mut(*i as usize) {
                *v = Validity::holds(bounds, today);
            }
        }
        valid
    }

    fn to_bytes(&self) -> Result<Vec<u8>> {
        let (mut offset, mut at) = (0, [0i64; 2]);
        let entries = self.entries.iter().map(|e| {
            let own = e.lonlat.map(|d| (d * PER_DEGREE).round() as i64);
            let packed = Packed {
                code: e.code.to_le_bytes(),
                offset: e.offset.wrapping_sub(offset),
                at: [own[0] - at[0], own[1] - at[1]],
                reach_dm: (e.reach_m * 10.0).round() as u32,
                vertices: e.vertices,
                box_cm: e.box_cm,
            };
            (offset, at) = (e.offset, own);
            packed
        });
        let stored = Stored::V1 { entries: entries.collect(), bounded: self.bounded.clone() };
        postcard::to_stdvec(&stored).map_err(|e| Error::Data(format!("the ledger of 3D models: {e}")))
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Ledger> {
        let broken = |e: postcard::Error| Error::damaged("ledger of 3D models", e.to_string());
        let Stored::V1 { entries, bounded } = postcard::from_bytes(bytes).map_err(broken)?;
        let (mut offset, mut at) = (0u64, [0i64; 2]);
        let entry = |p: Packed| {
            offset = offset.wrapping_add(p.offset);
            at = [at[0].wrapping_add(p.at[0]), at[1].wrapping_add(p.at[1])];
            Entry {
                code: u64::from_le_bytes(p.code),
                offset,
                lonlat: at.map(|n| n as f64 / PER_DEGREE),
                reach_m: f64::from(p.reach_dm) / 10.0,
                vertices: p.vertices,
                box_cm: p.box_cm,
            }
        };
        Ok(Ledger { entries: entries.into_iter().map(entry).collect(), bounded })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_back() {
        let entry = |i: u64| Entry {
            code: digest(&format!("410204003007B{i:05}")),
            offset: 500 + i * i * 1000,
            lonlat: [114.3 + i as f64 * 1e-5, 34.8 - i as f64 * 2e-6].map(|d: f64| (d * 1e9).round() / 1e9),
            reach_m: 300.0 + i as f64,
            vertices: 24 * i as u32,
            box_cm: [[-500, -600, -7], [500, 600, 1800 + i as i32]],
        };
        let until = [None, Some("2026-01-01".to_string())];
        let ledger = Ledger { entries: (0..40).map(entry).collect(), bounded: vec![(7, until)] };
        let back = Ledger::from_bytes(&ledger.to_bytes().unwrap()).unwrap();
        assert_eq!(back, ledger);
        let gone = |today| (0..40).filter(|i| !back.valid(today)[*i]).collect::<Vec<_>>();
        assert_eq!((gone("2025-12-31"), gone("2026-01-01")), (vec![], vec![7]));
        assert!(Ledger::from_bytes(&[9; 30]).is_err());
    }

    #[test]
    fn no_code_is_no_code() {
        assert_eq!((digest(""), digest("  ")), (0, 0));
        assert!(digest("A1") != 0 && digest("A1") == digest(" A1 ") && digest("A1") != digest("A2"));
    }
}
