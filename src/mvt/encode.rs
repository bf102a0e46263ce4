//! Writes a layer: features, commands, tags. The wire format by hand, because a general builder costs five
//! times the rest of a cold tile; the mvt crate is the oracle of the tests.

use super::Shape;
use super::dictionary::Dictionary;
use super::repair::repair;
use super::snap::{Point, Snapped};
use super::validity::{Checker, Contact};
use super::wire::{put_bytes, put_first_of, put_number, put_tag, put_varint, varint_len, zigzag};
use crate::feature::{FeatureId, ValueRef};
use crate::geo::GeometryKind;
use std::cell::RefCell;

const MOVE_TO: u32 = 1;
const LINE_TO: u32 = 2;
const CLOSE_PATH: u8 = 7 | 1 << 3;
/// Overlays repeat until the result is sound; each moves intersections to grid points and may make new ones.
const REPAIRS: usize = 4;

/// Builds one layer of a tile: `new`, then per feature `feature`, then `finish`. Bytes depend on nothing but
/// what is given.
pub struct LayerEncoder<'k> {
    extent: u32,
    features: u32,
    columns: Vec<Column<'k>>,
    room: Room,
}

/// What a layer writes of one column.
#[derive(Clone, Copy)]
struct Column<'k> {
    /// `None`: nothing.
    key: Option<&'k str>,
    /// The key's number in the layer, once it is used.
    number: Option<u32>,
    /// The value that the column had last: neighbours are often alike.
    last: u32,
}

/// Takes the attributes of one feature.
pub struct Tags<'e, 'k> {
    feature: u32,
    columns: &'e mut [Column<'k>],
    room: &'e mut Room,
}

impl Tags<'_, '_> {
    /// The feature's value in a column; null is skipped, and so is a key's second value. Whole numbers keep all 64 bits
    /// (browsers read them exactly to 2^53), see `dictionary` for types.
    pub fn put(&mut self, column: usize, value: ValueRef<'_>) {
        if !Dictionary::has(value) {
            return;
        }
        self.put_as(column, |room, last| room.values.value(value, last));
    }

    /// The same of a value that comes as its entry (`put_value`), the first so many of bytes that may go on. It is asked for
    /// where the layer has none of this number yet: equal values have the same. A layer's values come all as entries or none.
    #[inline]
    pub fn put_shared<'v>(&mut self, column: usize, number: u32, entry: impl FnOnce() -> (&'v [u8], usize)) {
        self.put_as(column, |room, _| room.numbered(number as usize, entry));
    }

    /// The same of one that no other feature has.
    #[inline]
    pub fn put_own(&mut self, column: usize, bytes: &[u8], len: usize) {
        self.put_as(column, |room, _| room.values.append(bytes, len));
    }

    /// `value` gives its place among the layer's values, from that of the column's last one.
    #[inline]
    fn put_as(&mut self, column: usize, value: impl FnOnce(&mut Room, u32) -> u32) {
        let Some(Column { key: Some(key), number, last }) = self.columns.get_mut(column) else { return };
        let room = &mut *self.room;
        let k = *number.get_or_insert_with(|| room.keys.key(key));
        if room.key_used.len() <= k as usize {
            room.key_used.resize(k as usize + 1, 0);
        }
        if std::mem::replace(&mut room.key_used[k as usize], self.feature) != self.feature {
            *last = value(room, *last);
            put_varint(&mut room.tags, u64::from(k));
            put_varint(&mut room.tags, u64::from(*last));
        }
    }
}

impl<'k> LayerEncoder<'k> {
    /// `name` is not empty and stands once in a tile; `extent` is the tile's side in units, commonly 4096; `keys` has
    /// each column's key, or none where its values are not written.
    pub fn new(name: &str, extent: u32, keys: impl IntoIterator<Item = Option<&'k str>>) -> LayerEncoder<'k> {
        let columns = keys.into_iter().map(|key| Column { key, number: None, last: 0 }).collect();
        let mut room = Room::take();
        put_bytes(&mut room.body, 1, name.as_bytes());
        LayerEncoder { extent, features: 0, columns, room }
    }

    /// Adds a feature unless nothing of its shape is left after rounding; whether it was added. `values` puts its
    /// attributes.
    ///
    /// Ids are written as given: that they are unique in the layer is the store's promise.
    pub fn feature(&mut self, id: FeatureId, shape: &Shape, values: impl FnOnce(&mut Tags<'_, 'k>)) -> bool {
        let Some(kind) = shape.kind else { return false };
        self.room.snapped.snap(kind, shape);
        if kind == GeometryKind::Polygon {
            self.room.make_sound();
        }
        self.put(id, kind, values)
    }

    /// Adds a feature as the smallest shape of its kind at a place in tile units: for one of which nothing was left
    /// after rounding, so that it is there all the same, with its id and values. Whether it was added: a place that is
    /// not finite is none.
    pub fn speck(
        &mut self,
        id: FeatureId,
        kind: GeometryKind,
        at: [f64; 2],
        values: impl FnOnce(&mut Tags<'_, 'k>),
    ) -> bool {
        self.room.snapped.speck(kind, at);
        self.put(id, kind, values)
    }

    fn put(&mut self, id: FeatureId, kind: GeometryKind, values: impl FnOnce(&mut Tags<'_, 'k>)) -> bool {
        if self.room.snapped.points.is_empty() {
            return false;
        }
        self.features += 1;
        self.room.tags.clear();
        self.room.put_commands(kind);
        values(&mut Tags { feature: self.features, columns: &mut self.columns, room: &mut self.room });
        self.room.put_feature(id, kind);
        true
    }

    /// The layer as it stands in a tile message (field 3, length, Layer); `None` if it has no feature.
    /// A tile is the concatenation of its layers.
    pub fn finish(self) -> Option<Vec<u8>> {
        let out = (self.features > 0).then(|| self.room.message(self.extent));
        self.room.leave();
        out
    }
}

/// What a layer is built in, used again by the next one of the same thread: fresh memory costs more than the writing.
#[derive(Default)]
struct Room {
    /// Name, then the features as they come.
    body: Vec<u8>,
    keys: Dictionary,
    values: Dictionary,
    /// Per key the number of the feature that used it last.
    key_used: Vec<u32>,
    /// Per small number of an entry the layer that had it last, and its place there.
    numbers: Vec<(u32, u32)>,
    /// Counts the layers that were built here.
    layer: u32,
    snapped: Snapped,
    checker: Checker,
    geometry: Vec<u8>,
    tags: Vec<u8>,
}

thread_local! {
    static ROOMS: RefCell<Vec<Room>> = const { RefCell::new(vec![]) };
}
/// Rooms that wait at most: a layer and its labels are built at the same time.
const ROOMS_KEPT: usize = 2;
/// A layer that took more keeps nobody's memory.
const ROOM_BYTES: usize = 1 << 20;
/// Values with larger numbers, which are rare, are looked up by their bytes.
const NUMBERS: usize = 1 << 15;

impl Room {
    fn take() -> Room {
        let mut room = ROOMS.with_borrow_mut(Vec::pop).unwrap_or_default();
        room.layer = room.layer.checked_add(1).unwrap_or_else(|| {
            room.numbers.clear();
            1
        });
        room
    }

    /// The place of a value with a number.
    #[inline]
    fn numbered<'v>(&mut self, number: usize, entry: impl FnOnce() -> (&'v [u8], usize)) -> u32 {
        if number >= NUMBERS {
            let (bytes, len) = entry();
            return self.values.entry(bytes.get(..len).unwrap_or_default());
        }
        if self.numbers.len() <= number {
            self.numbers.resize((number + 1).next_power_of_two(), (0, 0));
        }
        let (layer, place) = &mut self.numbers[number];
        if *layer != self.layer {
            let (bytes, len) = entry();
            (*layer, *place) = (self.layer, self.values.append(bytes, len));
        }
        *place
    }

    fn leave(mut self) {
        if self.body.capacity() + self.values.bytes.capacity() > ROOM_BYTES {
            return;
        }
        self.body.clear();
        self.keys.clear();
        self.values.clear();
        self.key_used.clear();
        ROOMS.with_borrow_mut(|rooms| {
            if rooms.len() < ROOMS_KEPT {
                rooms.push(self);
            }
        });
    }

    fn message(&self, extent: u32) -> Vec<u8> {
        let mut tail = vec![];
        put_number(&mut tail, 5, u64::from(extent));
        put_number(&mut tail, 15, 2);
        let len = self.body.len() + self.keys.bytes.len() + self.values.bytes.len() + tail.len();
        let mut out = Vec::with_capacity(len + 6);
        put_tag(&mut out, 3, super::wire::BYTES);
        put_varint(&mut out, len as u64);
        for part in [&self.body, &self.keys.bytes, &self.values.bytes, &tail] {
            out.extend_from_slice(part);
        }
        out
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

    fn put_feature(&mut self, id: FeatureId, kind: GeometryKind) {
        let kind = match kind {
            GeometryKind::Point => 1,
            GeometryKind::Line => 2,
            GeometryKind::Polygon => 3,
        };
        let packed = |len: usize| if len == 0 { 0 } else { 1 + varint_len(len as u64) + len };
        let (tags, geometry) = (self.tags.len(), self.geometry.len());
        let len = 1 + varint_len(id.0) + packed(tags) + 2 + packed(geometry);
        // So that short ones are copied in one piece.
        self.tags.extend_from_slice(&[0; TAGS]);
        self.geometry.extend_from_slice(&[0; POINT]);
        let out = &mut self.body;
        put_tag(out, 2, super::wire::BYTES);
        put_varint(out, len as u64);
        put_number(out, 1, id.0);
        if tags > 0 {
            put_tag(out, 2, super::wire::BYTES);
            put_varint(out, tags as u64);
            put_first_of::<TAGS>(out, &self.tags, tags);
        }
        put_number(out, 3, kind);
        put_tag(out, 4, super::wire::BYTES);
        put_varint(out, geometry as u64);
        put_first_of::<POINT>(out, &self.geometry, geometry);
    }
}

/// Bytes of the tags of most features, and of the geometry of a point.
const TAGS: usize = 48;
const POINT: usize = 16;

fn put_command(out: &mut Vec<u8>, command: u32, count: usize) {
    put_varint(out, u64::from(command) | (count as u64) << 3);
}

#[inline]
fn put_step(out: &mut Vec<u8>, cursor: &mut Point, p: Point) {
    put_varint(out, zigzag(i64::from(p[0] - cursor[0])));
    put_varint(out, zigzag(i64::from(p[1] - cursor[1])));
    *cursor = p;
}
