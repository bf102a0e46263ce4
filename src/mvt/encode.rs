//! Writes a layer: features, commands, tags. The wire format by hand, because a general builder costs five
//! times the rest of a cold tile; the mvt crate is the oracle of the tests.

use super::Shape;
use super::dictionary::Dictionary;
use super::repair::repair;
use super::snap::{Point, Snapped};
use super::validity::{Checker, Contact};
use super::wire::{put_bytes, put_number, put_tag, put_varint, varint_len, zigzag};
use crate::feature::{FeatureId, ValueRef};
use crate::geo::GeometryKind;

const MOVE_TO: u32 = 1;
const LINE_TO: u32 = 2;
const CLOSE_PATH: u8 = 7 | 1 << 3;
/// Overlays repeat until the result is sound; each moves intersections to grid points and may make new ones.
const REPAIRS: usize = 4;

/// Calls its argument with (key, value) for each attribute of a feature.
pub type Attributes<'a> = dyn FnMut(&mut dyn FnMut(&str, ValueRef<'_>)) + 'a;

/// Builds one layer of a tile: `new`, then per feature `feature`, then `finish`. Bytes depend on nothing but
/// what is given.
pub struct LayerEncoder {
    /// Name, then the features as they come.
    body: Vec<u8>,
    extent: u32,
    features: u32,
    keys: Dictionary,
    values: Dictionary,
    /// Per key the number of the feature that used it last.
    key_used: Vec<u32>,
    // Room that features share.
    snapped: Snapped,
    checker: Checker,
    geometry: Vec<u8>,
    tags: Vec<u8>,
}

impl LayerEncoder {
    /// `name` is not empty and stands once in a tile; `extent` is the tile's side in units, commonly 4096.
    pub fn new(name: &str, extent: u32) -> LayerEncoder {
        let mut body = Vec::with_capacity(4096);
        put_bytes(&mut body, 1, name.as_bytes());
        LayerEncoder {
            body,
            extent,
            features: 0,
            keys: Dictionary::default(),
            values: Dictionary::default(),
            key_used: vec![],
            snapped: Snapped::default(),
            checker: Checker::default(),
            geometry: vec![],
            tags: vec![],
        }
    }

    /// Adds a feature unless nothing of its shape is left after rounding; whether it was added.
    /// `values` calls its argument with (key, value) for each attribute; null is skipped, and so is a key's second
    /// value. Whole numbers keep all 64 bits (browsers read them exactly to 2^53), see `dictionary` for types.
    ///
    /// Ids are written as given: that they are unique in the layer is the store's promise.
    pub fn feature(&mut self, id: FeatureId, shape: &Shape, values: &mut Attributes<'_>) -> bool {
        let Some(kind) = shape.kind else { return false };
        self.snapped.snap(kind, shape);
        if kind == GeometryKind::Polygon {
            self.make_sound();
        }
        if self.snapped.points.is_empty() {
            return false;
        }
        self.put(id, kind, values);
        true
    }

    /// Adds a feature as the smallest shape of its kind at a place in tile units: for one of which nothing was left
    /// after rounding, so that it is there all the same, with its id and values. Whether it was added: a place that is
    /// not finite is none.
    pub fn speck(&mut self, id: FeatureId, kind: GeometryKind, at: [f64; 2], values: &mut Attributes<'_>) -> bool {
        self.snapped.speck(kind, at);
        if self.snapped.points.is_empty() {
            return false;
        }
        self.put(id, kind, values);
        true
    }

    fn put(&mut self, id: FeatureId, kind: GeometryKind, values: &mut Attributes<'_>) {
        self.features += 1;
        self.put_commands(kind);
        self.put_tags(values);
        self.put_feature(id, kind);
    }

    /// The layer as it stands in a tile message (field 3, length, Layer); `None` if it has no feature.
    /// A tile is the concatenation of its layers.
    pub fn finish(self) -> Option<Vec<u8>> {
        if self.features == 0 {
            return None;
        }
        let mut tail = vec![];
        put_number(&mut tail, 5, u64::from(self.extent));
        put_number(&mut tail, 15, 2);
        let len = self.body.len() + self.keys.bytes.len() + self.values.bytes.len() + tail.len();
        let mut out = Vec::with_capacity(len + 6);
        put_tag(&mut out, 3, super::wire::BYTES);
        put_varint(&mut out, len as u64);
        for part in [&self.body, &self.keys.bytes, &self.values.bytes, &tail] {
            out.extend_from_slice(part);
        }
        Some(out)
    }

    fn make_sound(&mut self) {
        if self.snapped.points.is_empty() || self.checker.is_sound(&self.snapped, Contact::Never) {
            return;
        }
        for _ in 0..REPAIRS {
            repair(&mut self.snapped);
            if self.snapped.points.is_empty() || self.checker.is_sound(&self.snapped, Contact::AtVertices) {
                return;
            }
        }
    }

    fn put_commands(&mut self, kind: GeometryKind) {
        let out = &mut self.geometry;
        out.clear();
        let mut cursor = [0, 0];
        match kind {
            GeometryKind::Point => {
                put_command(out, MOVE_TO, self.snapped.points.len());
                for &p in &self.snapped.points {
                    put_step(out, &mut cursor, p);
                }
            }
            GeometryKind::Line | GeometryKind::Polygon => {
                for run in self.snapped.runs() {
                    put_command(out, MOVE_TO, 1);
                    put_step(out, &mut cursor, run[0]);
                    put_command(out, LINE_TO, run.len() - 1);
                    for &p in &run[1..] {
                        put_step(out, &mut cursor, p);
                    }
                    if kind == GeometryKind::Polygon {
                        out.push(CLOSE_PATH);
                    }
                }
            }
        }
    }

    fn put_tags(&mut self, values: &mut Attributes<'_>) {
        self.tags.clear();
        let LayerEncoder { keys, values: dictionary, key_used, tags, features, .. } = self;
        let mut hint = 0;
        values(&mut |key, value| {
            hint += 1;
            if !Dictionary::has(value) {
                return;
            }
            let k = keys.key(key, hint - 1);
            hint = k + 1;
            if key_used.len() <= k as usize {
                key_used.resize(k as usize + 1, 0);
            }
            if std::mem::replace(&mut key_used[k as usize], *features) != *features {
                put_varint(tags, u64::from(k));
                put_varint(tags, u64::from(dictionary.value(value)));
            }
        });
    }

    fn put_feature(&mut self, id: FeatureId, kind: GeometryKind) {
        let kind = match kind {
            GeometryKind::Point => 1,
            GeometryKind::Line => 2,
            GeometryKind::Polygon => 3,
        };
        let packed = |b: &[u8]| if b.is_empty() { 0 } else { 1 + varint_len(b.len() as u64) + b.len() };
        let len = 1 + varint_len(id.0) + packed(&self.tags) + 2 + packed(&self.geometry);
        let out = &mut self.body;
        put_tag(out, 2, super::wire::BYTES);
        put_varint(out, len as u64);
        put_number(out, 1, id.0);
        if !self.tags.is_empty() {
            put_bytes(out, 2, &self.tags);
        }
        put_number(out, 3, kind);
        put_bytes(out, 4, &self.geometry);
    }
}

fn put_command(out: &mut Vec<u8>, command: u32, count: usize) {
    put_varint(out, u64::from(command) | (count as u64) << 3);
}

#[inline]
fn put_step(out: &mut Vec<u8>, cursor: &mut Point, p: Point) {
    put_varint(out, zigzag(i64::from(p[0] - cursor[0])));
    put_varint(out, zigzag(i64::from(p[1] - cursor[1])));
    *cursor = p;
}
